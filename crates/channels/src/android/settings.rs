//! How a tenant's Android devices are managed through Google: whose project, which enterprise, where it tells news.

use allclear_engine::channels::Secrets;
use allclear_guard::AllowList;
use serde::{Deserialize, Serialize};

use super::names;
use crate::{google::ServiceAccount, service::base};

/// Where Google takes what is asked of it.
pub const GOOGLE: &str = "https://androidmanagement.googleapis.com";
/// Where its messages are fetched.
pub const PUBSUB: &str = "https://pubsub.googleapis.com";
/// Where the keys are by which Google signs that it is Google.
pub const GOOGLE_KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// Whose devices are managed, and where; the key is kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AndroidSettings {
    /// The service account, of the project to which the enterprise belongs.
    #[serde(flatten)]
    pub account: ServiceAccount,
    /// Where Google is asked; most often [`GOOGLE`].
    pub base_url: String,
    /// Where its messages are fetched; most often [`PUBSUB`].
    pub pubsub_base_url: String,
    /// The enterprise, for example `enterprises/LC01abc`; none before the sign-up is complete.
    pub enterprise: Option<String>,
    /// Where Google publishes what happens to devices, for example `projects/p/topics/android`; none: nowhere.
    pub topic: Option<String>,
    /// Where that is fetched, for example `projects/p/subscriptions/allclear`; messages that are pushed name it as well.
    pub subscription: Option<String>,
    /// The service account in whose name messages are pushed; none: they are not.
    pub push_email: Option<String>,
    /// Where the keys are by which pushed messages are signed; most often [`GOOGLE_KEYS`].
    pub keys_url: String,
}

impl AndroidSettings {
    /// The settings of a service account without an enterprise, and its private key; the reason if the text is none.
    pub fn of_service_account(text: &str, base_url: String, pubsub_base_url: String) -> Result<(Self, String), String> {
        let (account, key) = ServiceAccount::read(text)?;
        let settings = Self {
            account,
            base_url,
            pubsub_base_url,
            enterprise: None,
            topic: None,
            subscription: None,
            push_email: None,
            keys_url: GOOGLE_KEYS.to_owned(),
        };
        Ok((settings, key))
    }

    /// The name of the key's secret: another for another account or place, so that no token goes where it was not meant
    /// to.
    pub fn secret(&self) -> String {
        let Self { account, base_url, pubsub_base_url, .. } = self;
        format!("android {} {} {base_url} {pubsub_base_url}", account.client_email, account.token_uri)
    }

    /// Whether the name of something, such as a device, lies in the enterprise. Messages may be about others'.
    pub fn is_ours(&self, name: &str) -> bool {
        let rest = self.enterprise.as_ref().and_then(|enterprise| name.strip_prefix(enterprise.as_str()));
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// What is wrong with these settings: JSON pointer and reason.
    pub fn problems(&self, secrets: &Secrets, allow: &AllowList) -> Vec<(&'static str, String)> {
        let account = self.account.problems(secrets.get(&self.secret()), allow);
        let mut problems: Vec<_> = account.into_iter().map(|why| ("/service_account", why)).collect();
        for (pointer, url) in
            [("/base_url", &self.base_url), ("/pubsub_base_url", &self.pubsub_base_url), ("/keys_url", &self.keys_url)]
        {
            problems.extend(base(url, allow).err().map(|why| (pointer, why)));
        }
        let mut check = |pointer, value: &Option<String>, is_right: fn(&str) -> bool, like: &str| {
            if value.as_deref().is_some_and(|value| !is_right(value)) {
                problems.push((pointer, format!("must look like {like}")));
            }
        };
        let is_enterprise = |name: &str| names::is_name(name, &["enterprises"]);
        check("/enterprise", &self.enterprise, is_enterprise, "enterprises/LC01abc");
        let is_topic = |name: &str| names::is_pubsub(name, "topics");
        check("/topic", &self.topic, is_topic, "projects/my-project/topics/android");
        let is_subscription = |name: &str| names::is_pubsub(name, "subscriptions");
        check("/subscription", &self.subscription, is_subscription, "projects/my-project/subscriptions/allclear");
        let is_email = |text: &str| (3..=320).contains(&text.len()) && text.contains('@');
        check("/push_email", &self.push_email, is_email, "pubsub@my-project.iam.gserviceaccount.com");
        problems
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_used_is_named() {
        let key = json!({ "type": "service_account", "project_id": "p", "private_key": "k", "client_email": "e@p",
            "token_uri": "https://oauth2.googleapis.com/token" });
        let read = AndroidSettings::of_service_account(&key.to_string(), GOOGLE.to_owned(), PUBSUB.to_owned());
        let (settings, private_key) = read.unwrap();
        let kept = serde_json::to_value(&settings).unwrap();
        assert_eq!((&kept["project_id"], &kept["enterprise"]), (&json!("p"), &json!(null)), "{kept}");
        assert_eq!(serde_json::from_value::<AndroidSettings>(kept).unwrap(), settings);
        let secrets = Secrets::from([(settings.secret(), private_key)]);
        let pointers = |settings: &AndroidSettings| {
            let problems = settings.problems(&secrets, &AllowList::default());
            problems.into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>()
        };
        let right = AndroidSettings {
            enterprise: Some("enterprises/LC01".into()),
            topic: Some("projects/p/topics/android".into()),
            subscription: Some("projects/p/subscriptions/android".into()),
            push_email: Some("push@p.iam.gserviceaccount.com".into()),
            ..settings
        };
        assert_eq!(pointers(&right), ["/service_account"], "the key is none");
        assert!(right.is_ours("enterprises/LC01/devices/a") && !right.is_ours("enterprises/LC012/devices/a"));
        let wrong = AndroidSettings {
            base_url: "http://127.0.0.1:1".into(),
            pubsub_base_url: "https://name@example.com".into(),
            keys_url: "keys".into(),
            enterprise: Some("LC01".into()),
            topic: right.subscription.clone(),
            subscription: right.topic.clone(),
            push_email: Some("push".into()),
            account: right.account,
        };
        let all = [
            "/service_account",
            "/base_url",
            "/pubsub_base_url",
            "/keys_url",
            "/enterprise",
            "/topic",
            "/subscription",
            "/push_email",
        ];
        assert_eq!(pointers(&wrong), all, "and the key was for another place");
    }
}
