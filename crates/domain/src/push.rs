//! Where the agent of a device is told that there is something for it: the address its platform's push service gave it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::notification::Transport;

/// Whose push service it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushProvider {
    /// Apple's.
    Apns,
    /// Google's.
    Fcm,
}

impl PushProvider {
    /// What is set up to reach it.
    pub fn transport(self) -> Transport {
        match self {
            PushProvider::Apns => Transport::Apns,
            PushProvider::Fcm => Transport::Fcm,
        }
    }
}

/// Which of Apple's two push services an app belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PushEnvironment {
    /// The one for apps from the App Store, TestFlight and in-house distribution.
    #[default]
    Production,
    /// The one for apps that a developer runs.
    Sandbox,
}

/// A push token: where one app on one device is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PushToken {
    /// Whose push service it is for.
    pub provider: PushProvider,
    /// The token, as the push service gave it to the app.
    pub token: String,
    /// Apple's only: the app's bundle id, if it is not the usual one.
    pub topic: Option<String>,
    /// Apple's only: which of its services.
    pub environment: PushEnvironment,
}

impl PushToken {
    /// What is wrong with it: JSON pointer and reason.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        let mut that = |holds: bool, pointer, reason| {
            if !holds {
                problems.push((pointer, reason));
            }
        };
        let apple = self.provider == PushProvider::Apns;
        if apple {
            let good =
                (16..=400).contains(&self.token.len()) && self.token.bytes().all(|byte| byte.is_ascii_hexdigit());
            that(good, "/token", "must be 16 to 400 hexadecimal digits");
        } else {
            let good =
                (1..=4_096).contains(&self.token.len()) && self.token.bytes().all(|byte| byte.is_ascii_graphic());
            that(good, "/token", "must be 1 to 4096 ASCII characters without spaces");
        }
        if let Some(topic) = &self.topic {
            that(apple, "/topic", "is for apns only");
            that(is_topic(topic), "/topic", "must be a bundle id such as com.example.app");
        }
        let usual = self.environment == PushEnvironment::default();
        that(apple || usual, "/environment", "is for apns only");
        problems
    }
}

/// Whether a text can be what Apple sends a push to: a bundle id.
pub fn is_topic(text: &str) -> bool {
    (1..=155).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_the_push_services_give_out() {
        let token = |provider, token: &str| PushToken {
            provider,
            token: token.to_owned(),
            topic: None,
            environment: PushEnvironment::Production,
        };
        let good = "0123456789abcdefABCDEF0123456789";
        assert!(token(PushProvider::Apns, good).problems().is_empty());
        assert!(token(PushProvider::Fcm, "dXk:APA91bH-_x").problems().is_empty());
        for bad in ["", "0123", "../3/device/0123456789abcdef", "ä123456789abcdef"] {
            assert_eq!(token(PushProvider::Apns, bad).problems().len(), 1, "{bad}");
        }
        for bad in ["", "a b", "a\nb", "ä"] {
            assert_eq!(token(PushProvider::Fcm, bad).problems().len(), 1, "{bad}");
        }
        let apple = PushToken {
            topic: Some("com.example.app".to_owned()),
            environment: PushEnvironment::Sandbox,
            ..token(PushProvider::Apns, good)
        };
        assert!(apple.problems().is_empty());
        let google = PushToken { provider: PushProvider::Fcm, ..apple.clone() };
        let pointers: Vec<_> = google.problems().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/topic", "/environment"]);
        assert_eq!(PushToken { topic: Some("a b".to_owned()), ..apple }.problems()[0].0, "/topic");
    }
}
