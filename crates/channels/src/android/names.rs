//! Names of what Google keeps, such as `enterprises/E/devices/D`. They become parts of addresses, so each is looked at
//! before it is used.

/// Whether this is the last part of a name: what Google gives out as ids, and what we do.
pub(super) fn is_id(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
}

/// Whether this is the name of something in collections of these kinds, such as `["enterprises", "devices"]`.
pub(super) fn is_name(name: &str, kinds: &[&str]) -> bool {
    let mut parts = name.split('/');
    kinds.iter().all(|kind| parts.next() == Some(kind) && parts.next().is_some_and(is_id)) && parts.next().is_none()
}

/// What a name lies in: `enterprises/E/devices/D` for one of its operations.
pub(super) fn parent(name: &str) -> &str {
    let mut ends = name.rmatch_indices('/').map(|(at, _)| at);
    ends.nth(1).map_or("", |end| &name[..end])
}

/// Whether this is a topic or a subscription of Pub/Sub: `projects/P/topics/T`.
pub(super) fn is_pubsub(name: &str, kind: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let ["projects", project, of, id] = parts[..] else { return false };
    let is_project = (1..=100).contains(&project.len())
        && project.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.:".contains(&it))
        && project.starts_with(|first: char| first.is_ascii_alphanumeric());
    // Google allows `%` as well, which would mean something else in an address.
    let is_id = (3..=255).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.~+".contains(&it));
    is_project && of == kind && is_id
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEVICES: [&str; 2] = ["enterprises", "devices"];

    #[test]
    fn names_are_told_from_what_would_lead_elsewhere() {
        assert!(is_name("enterprises/LC01-a_b/devices/3dc9d72f", &DEVICES));
        for name in [
            "",
            "enterprises/LC01",
            "enterprises/LC01/devices/",
            "enterprises/LC01/devices/a/",
            "enterprises/LC01/devices/a/operations/1",
            "enterprises/LC01/policies/a",
            "enterprises/../devices/a",
            "enterprises/LC01/devices/a?x",
            "enterprises/LC01/devices/a:wipe",
            "/enterprises/LC01/devices/a",
        ] {
            assert!(!is_name(name, &DEVICES), "{name}");
        }
        assert_eq!(parent("enterprises/E/devices/D/operations/1"), "enterprises/E/devices/D");
        assert_eq!(parent("enterprises/E"), "");
        assert!(is_pubsub("projects/example.com:p-1/topics/t.1~a+b", "topics"));
        for name in [
            "projects/p/topics/t",
            "projects/p/topics/1abc",
            "projects/p/topics/a%2f",
            "projects/../topics/abc",
            "projects/p/subscriptions/abc",
            "projects/p/topics/abc/x",
        ] {
            assert!(!is_pubsub(name, "topics"), "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_a_name_is_an_address_as_it_stands(name in "enterprises/[ -~]{1,6}/devices/\\PC{1,6}") {
            if is_name(&name, &DEVICES) {
                let url = reqwest::Url::parse(&format!("https://example.com/v1/{name}")).map(|url| url.to_string());
                prop_assert_eq!(url.ok(), Some(format!("https://example.com/v1/{name}")));
            }
        }
    }
}
