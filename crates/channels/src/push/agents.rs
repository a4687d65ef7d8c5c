//! The tokens by which platforms' push services know devices' agents.

use allclear_domain::notification::PushKind;

/// A token of a device's agent.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentToken {
    /// Whose it is.
    pub kind: PushKind,
    /// Its text, a secret.
    pub text: String,
    /// APNs: the app's bundle id, if it is not the usual one.
    pub topic: Option<String>,
}

impl std::fmt::Debug for AgentToken {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AgentToken({:?})", self.kind)
    }
}

impl AgentToken {
    /// A token as an agent hands it in. The error is the member that is wrong, and why.
    pub fn new(kind: PushKind, text: String, topic: Option<String>) -> Result<Self, (&'static str, &'static str)> {
        let hexadecimal = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match kind {
            PushKind::Apns if !(hexadecimal && (16..=200).contains(&text.len())) => {
                return Err(("/token", "must be 8 to 100 bytes in hexadecimal digits"));
            }
            PushKind::Fcm
                if !((1..=4096).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())) =>
            {
                return Err(("/token", "must be 1 to 4096 visible ASCII characters"));
            }
            PushKind::Apns | PushKind::Fcm => {}
        }
        if let Some(topic) = &topic {
            if kind == PushKind::Fcm {
                return Err(("/topic", "is for apns only"));
            }
            if !is_topic(topic) {
                return Err(("/topic", "must be a bundle id such as com.example.agent"));
            }
        }
        Ok(Self { kind, text, topic })
    }
}

/// Whether a text is the name of an app at Apple.
pub fn is_topic(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_checked_by_their_service() {
        let check = |kind, text: &str, topic: Option<&str>| {
            AgentToken::new(kind, text.to_owned(), topic.map(str::to_owned)).map_err(|(pointer, _)| pointer)
        };
        let hex = "00ff".repeat(16);
        assert!(check(PushKind::Apns, &hex, Some("com.example.agent")).is_ok());
        assert!(check(PushKind::Fcm, "abc:DEF-_", None).is_ok());
        for (kind, text, topic, pointer) in [
            (PushKind::Apns, "xyz", None, "/token"),
            (PushKind::Apns, &hex[1..], None, "/token"),
            (PushKind::Apns, &hex, Some("no topic"), "/topic"),
            (PushKind::Fcm, "", None, "/token"),
            (PushKind::Fcm, "a b", None, "/token"),
            (PushKind::Fcm, "abc", Some("com.example.agent"), "/topic"),
        ] {
            assert_eq!(check(kind, text, topic), Err(pointer), "{text} {topic:?}");
        }
        assert!(!format!("{:?}", check(PushKind::Fcm, "secret", None)).contains("secret"));
    }
}
