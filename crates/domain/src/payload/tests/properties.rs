//! What holds for any payload.

use proptest::prelude::*;
use serde_json::Map;

use super::*;

/// Any JSON a client could send as the members of a payload, rich in words that mean something.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "denylist",
            "block",
            "AUTOMATIC",
            "com.lookout.work",
            "a.*",
            "WHITELIST",
            "",
            "18.0",
            "com.apple.mdm"
        ])
        .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop::sample::select(vec![
            "settings",
            "apps",
            "content",
            "allowCamera",
            "applications",
            "advancedSecurityOverrides",
            "systemUpdate",
            "type",
            "policyEnforcementRules",
            "blockAction",
            "wipeAction",
            "packageName",
            "a/b",
            "Password",
            "a.b",
            "cameraAccess",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn some_restrictions() -> impl Strategy<Value = Payload> {
    let table = || settings(Android, PayloadType::Restrictions);
    prop::collection::vec((0..table().len(), any::<prop::sample::Index>(), any::<bool>(), 0i64..2000), 0..12).prop_map(
        move |picks| {
            let mut settings = Map::new();
            for (index, pick, truth, number) in picks {
                let spec = &table()[index];
                let value = match spec.kind {
                    Kind::Bool => truth.into(),
                    Kind::Integer { min, max } => number.clamp(min, max).into(),
                    Kind::Enum { values } => values[pick.index(values.len())].into(),
                    Kind::EnumList { values } => values.iter().take(pick.index(values.len())).copied().collect(),
                    _ if truth => json!(["a", format!("b{}", number % 3)]),
                    _ => json!(format!("text{}", number % 3)),
                };
                settings.insert(spec.key.to_owned(), value);
            }
            Payload::Restrictions(Restrictions { settings })
        },
    )
}

proptest! {
    #[test]
    fn no_payload_makes_anything_panic(content in any_json(), kind in prop::sample::select(PayloadType::ALL.to_vec())) {
        let custom = match &content {
            Value::Object(content) => vec![
                Payload::CustomSettings(CustomSettings { payload_type: None, content: content.clone() }),
                Payload::CustomSettings(CustomSettings {
                    payload_type: Some("com.apple.applicationaccess".into()), content: content.clone(),
                }),
                Payload::Restrictions(Restrictions { settings: content.clone() }),
            ],
            _ => Vec::new(),
        };
        let mut object = match content { Value::Object(object) => object, _ => Map::new() };
        object.insert("type".into(), kind.as_str().into());
        let typed = serde_json::from_value::<Payload>(Value::Object(object)).ok();
        let mut all: Vec<_> = custom.into_iter().chain(typed).collect();
        for platform in [Android, Ios] {
            let issues = check(platform, &all);
            let value = serde_json::to_value(&all).unwrap();
            for issue in issues {
                // Every issue points at something, or at something missing in what is there.
                let parent = issue.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                prop_assert!(value.pointer(parent).is_some() || issue.pointer.contains("/settings/"), "{}", issue.pointer);
            }
            let traits = DeviceTraits { supervised: Some(false), user_enrollment: Some(true), fully_managed: Some(false), os_version: Some("1") };
            unmet(platform, &all, &traits);
            changes(platform, &all);
            restrictive_merge(platform, &all.iter().collect::<Vec<_>>());
        }
        secrets(&mut all, &mut |secret| secret.clear());
    }

    #[test]
    fn merging_does_not_depend_on_order_and_repeats(a in some_restrictions(), b in some_restrictions(), c in some_restrictions()) {
        let merge = |payloads: &[&Payload]| restrictive_merge(Android, payloads);
        let all = merge(&[&a, &b, &c]);
        prop_assert_eq!(&all, &merge(&[&c, &a, &b]));
        prop_assert_eq!(&all, &merge(&[&b, &a, &c, &a, &b]));
        let merged = Payload::Restrictions(Restrictions { settings: all.clone() });
        prop_assert_eq!(&all, &merge(&[&merged, &b]));
        let Payload::Restrictions(restrictions) = &a else { unreachable!() };
        prop_assert!(restrictions.settings.keys().all(|key| all.contains_key(key)));
    }
}
