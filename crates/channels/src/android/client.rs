//! What Google is asked: enterprises, policies, devices, commands, and the messages that wait for us.
//!
//! Addresses are made of the settings and of names that were looked at; nothing that a device says becomes part of one.

use std::{fmt, sync::Arc, time::Duration};

use allclear_domain::time::Span;
use allclear_engine::{channels::Secrets, source::Source};
use allclear_guard::{AllowList, GuardOptions, GuardedClient};
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};

pub use super::{
    error::Error,
    resources::{
        DeviceChange, DevicePage, EnrollmentToken, Enterprise, NewEnrollmentToken, PersonalUsage, Received, SignUp,
    },
};
use super::{
    error::{permanent, strange},
    events::Message,
    names,
    operation::{Command, Operation, WipeFlag},
    settings::AndroidSettings,
};
use crate::{
    google::AccessTokens,
    service::{ask_whole, refused},
};

/// What a token lets us do.
const SCOPE: &str = "https://www.googleapis.com/auth/androidmanagement https://www.googleapis.com/auth/pubsub";
/// The longest answer that is read, in bytes: devices with thousands of apps each.
const LONGEST: usize = 32 * 1024 * 1024;
/// How many devices are listed at once.
const PAGE: &str = "25";
/// The longest that messages are waited for: a connection that is silent for longer is taken for dead.
const LONGEST_PULL: Duration = Duration::from_secs(50);
/// How many messages are acknowledged at once.
const ACKNOWLEDGED: usize = 1_000;
/// What we want to be told.
const NOTIFICATIONS: [&str; 3] = ["ENROLLMENT", "STATUS_REPORT", "COMMAND"];

/// Asks Google in the name of one service account.
pub struct Client {
    http: GuardedClient,
    settings: AndroidSettings,
    tokens: AccessTokens,
    source: Arc<dyn Source>,
}

impl fmt::Debug for Client {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.settings.account.client_email)
    }
}

impl Client {
    /// A client with connections and access tokens of its own; the reason if it cannot be used.
    pub fn new(
        settings: AndroidSettings,
        secrets: &Secrets,
        allow: &AllowList,
        source: Arc<dyn Source>,
    ) -> Result<Self, String> {
        let options = GuardOptions { allow: allow.clone(), ..GuardOptions::default() };
        let http = GuardedClient::new(options).map_err(|error| error.to_string())?;
        let pem = secrets.get(&settings.secret());
        let tokens = AccessTokens::new(http.clone(), settings.account.clone(), pem, SCOPE)?;
        Ok(Self { http, settings, tokens, source })
    }

    /// What it was made of.
    pub fn settings(&self) -> &AndroidSettings {
        &self.settings
    }

    /// Begins to sign an organisation up. Whoever does so at Google is sent to `callback` afterwards, with the parameter
    /// `enterpriseToken`.
    pub async fn sign_up_url(&self, callback: &str, admin_email: Option<&str>) -> Result<SignUp, Error> {
        let mut query = vec![("projectId", self.settings.account.project_id.as_str()), ("callbackUrl", callback)];
        query.extend(admin_email.map(|email| ("adminEmail", email)));
        let answer = self.manage(Method::POST, "signupUrls", &query, None).await?;
        let url = text(&answer, "url")?;
        // A person is sent there.
        let is_web = url.parse::<Url>().is_ok_and(|url| ["https", "http"].contains(&url.scheme()));
        if is_web { Ok(SignUp { name: text(&answer, "name")?, url }) } else { Err(strange("url of a page")) }
    }

    /// Completes a sign-up, and has Google tell us what happens to devices if the settings name a topic. Returns the name
    /// of the enterprise, for example `enterprises/LC01abc`.
    pub async fn create_enterprise(
        &self,
        sign_up_name: &str,
        enterprise_token: &str,
        display_name: &str,
    ) -> Result<String, Error> {
        let query = [
            ("projectId", self.settings.account.project_id.as_str()),
            ("signupUrlName", sign_up_name),
            ("enterpriseToken", enterprise_token),
        ];
        let enterprise = self.enterprise_of(display_name);
        let answer = self.manage(Method::POST, "enterprises", &query, Some(&enterprise)).await?;
        let name = text(&answer, "name")?;
        if names::is_name(&name, &["enterprises"]) { Ok(name) } else { Err(strange("name that could be one")) }
    }

    /// The enterprise of the settings.
    pub async fn get_enterprise(&self) -> Result<Enterprise, Error> {
        Enterprise::read(&self.manage(Method::GET, self.enterprise()?, &[], None).await?)
    }

    /// What people are shown of the enterprise, and where Google tells what happens to its devices: the settings' topic.
    pub async fn patch_enterprise(&self, display_name: &str) -> Result<Enterprise, Error> {
        let query = [("updateMask", "enterpriseDisplayName,pubsubTopic,enabledNotificationTypes")];
        let enterprise = self.enterprise_of(display_name);
        Enterprise::read(&self.manage(Method::PATCH, self.enterprise()?, &query, Some(&enterprise)).await?)
    }

    fn enterprise_of(&self, display_name: &str) -> Value {
        let mut enterprise = json!({ "enterpriseDisplayName": display_name.chars().take(100).collect::<String>() });
        if let Some(topic) = &self.settings.topic {
            enterprise["pubsubTopic"] = json!(topic);
            enterprise["enabledNotificationTypes"] = json!(NOTIFICATIONS);
        }
        enterprise
    }

    /// Writes a policy, in place of what was there. Returns its version, which grows each time.
    pub async fn patch_policy(&self, id: &str, policy: &Value) -> Result<i64, Error> {
        let answer = self.manage(Method::PATCH, &self.policy_name(id)?, &[], Some(policy)).await?;
        text(&answer, "version")?.parse().map_err(|_| strange("version"))
    }

    /// Deletes a policy that no device has.
    pub async fn delete_policy(&self, id: &str) -> Result<(), Error> {
        self.manage(Method::DELETE, &self.policy_name(id)?, &[], None).await.map(drop)
    }

    /// What Google calls a policy.
    pub fn policy_name(&self, id: &str) -> Result<String, Error> {
        if !names::is_id(id) {
            return Err(permanent("this is no id of a policy"));
        }
        Ok(format!("{}/policies/{id}", self.enterprise()?))
    }

    /// Makes a token with which devices enroll.
    pub async fn create_enrollment_token(&self, new: &NewEnrollmentToken<'_>) -> Result<EnrollmentToken, Error> {
        let token = json!({
            "policyName": self.policy_name(new.policy_id)?,
            "duration": format!("{}s", new.lasts.as_seconds().max(60)),
            "additionalData": new.additional_data,
            "oneTimeOnly": new.one_time,
            "allowPersonalUsage": new.personal_usage.as_str(),
        });
        let path = format!("{}/enrollmentTokens", self.enterprise()?);
        let answer = self.manage(Method::POST, &path, &[], Some(&token)).await?;
        let expires = text(&answer, "expirationTimestamp")?.parse();
        Ok(EnrollmentToken {
            name: text(&answer, "name")?,
            value: text(&answer, "value")?,
            qr_code: text(&answer, "qrCode")?,
            expires: expires.map_err(|_| strange("expirationTimestamp"))?,
        })
    }

    /// Has no device enroll with a token any more.
    pub async fn delete_enrollment_token(&self, name: &str) -> Result<(), Error> {
        self.manage(Method::DELETE, self.ours(name, &["enrollmentTokens"])?, &[], None).await.map(drop)
    }

    /// Google's `Device`.
    pub async fn get_device(&self, name: &str) -> Result<Value, Error> {
        self.manage(Method::GET, self.device(name)?, &[], None).await
    }

    /// The devices of the enterprise: the first ones, or those of a [`DevicePage::next`].
    pub async fn list_devices(&self, page: Option<&str>) -> Result<DevicePage, Error> {
        let mut query = vec![("pageSize", PAGE)];
        query.extend(page.map(|page| ("pageToken", page)));
        let mut answer = self.manage(Method::GET, &format!("{}/devices", self.enterprise()?), &query, None).await?;
        let next = answer["nextPageToken"].as_str().filter(|next| !next.is_empty()).map(str::to_owned);
        let devices = answer["devices"].as_array_mut().map(std::mem::take).unwrap_or_default();
        Ok(DevicePage { devices, next })
    }

    /// Changes a device. Returns Google's `Device`, which reports later what came of it.
    pub async fn patch_device(&self, name: &str, change: DeviceChange<'_>) -> Result<Value, Error> {
        let (mask, device) = match change {
            DeviceChange::Policy(id) => ("policyName", json!({ "policyName": self.policy_name(id)? })),
            DeviceChange::Active => ("state", json!({ "state": "ACTIVE" })),
            DeviceChange::Disabled { reason: None } => ("state", json!({ "state": "DISABLED" })),
            DeviceChange::Disabled { reason: Some(reason) } => {
                ("state,disabledReason", json!({ "state": "DISABLED", "disabledReason": { "defaultMessage": reason } }))
            }
        };
        self.manage(Method::PATCH, self.device(name)?, &[("updateMask", mask)], Some(&device)).await
    }

    /// Ends the management of a device: a work profile is removed, a company-owned device is wiped. `reason` is what a
    /// person is told whose work profile goes, at most 200 characters.
    pub async fn delete_device(&self, name: &str, flags: &[WipeFlag], reason: Option<&str>) -> Result<(), Error> {
        let mut query: Vec<_> = flags.iter().map(|flag| ("wipeDataFlags", flag.as_str())).collect();
        query.extend(reason.map(|reason| ("wipeReasonMessage", reason)));
        self.manage(Method::DELETE, self.device(name)?, &query, None).await.map(drop)
    }

    /// Gives a device a command, which it has so long to carry out; ten minutes unless that is said.
    pub async fn issue_command(&self, name: &str, command: &Command, lasts: Option<Span>) -> Result<Operation, Error> {
        let path = format!("{}:issueCommand", self.device(name)?);
        let answer = self.manage(Method::POST, &path, &[], Some(&command.to_json(lasts))).await?;
        Operation::read(&answer).map_err(|_| strange("operation"))
    }

    /// What became of a command.
    pub async fn get_operation(&self, name: &str) -> Result<Operation, Error> {
        let answer = self.manage(Method::GET, self.operation(name)?, &[], None).await?;
        Operation::read(&answer).map_err(|_| strange("operation"))
    }

    /// Takes a command back that the device was not given yet. Whether that succeeded is what becomes of it.
    pub async fn cancel_operation(&self, name: &str) -> Result<(), Error> {
        let path = format!("{}:cancel", self.operation(name)?);
        self.manage(Method::POST, &path, &[], None).await.map(drop)
    }

    /// Fetches at most `max` messages, waiting up to `patience` (at most 50 s) for the first. What is not acknowledged soon
    /// comes again, to whoever fetches next.
    pub async fn pull(&self, max: u16, patience: Duration) -> Result<Vec<Received>, Error> {
        let path = format!("{}:pull", self.subscription()?);
        let wanted = json!({ "maxMessages": max.max(1) });
        let asked = self.ask(&self.settings.pubsub_base_url, Method::POST, &path, &[], Some(&wanted));
        // Google waits for some time as well, and has no parameter for it.
        let Ok(answer) = tokio::time::timeout(patience.min(LONGEST_PULL), asked).await else {
            return Ok(Vec::new());
        };
        let answer = answer?;
        let received = answer["receivedMessages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let received = received.iter().filter_map(|received| {
            let ack_id = received["ackId"].as_str()?.to_owned();
            Some(Received { ack_id, message: Message::of(&received["message"]) })
        });
        Ok(received.collect())
    }

    /// Says that messages need not come again.
    pub async fn acknowledge(&self, ack_ids: &[String]) -> Result<(), Error> {
        let path = format!("{}:acknowledge", self.subscription()?);
        for some in ack_ids.chunks(ACKNOWLEDGED) {
            let body = json!({ "ackIds": some });
            self.ask(&self.settings.pubsub_base_url, Method::POST, &path, &[], Some(&body)).await?;
        }
        Ok(())
    }

    fn enterprise(&self) -> Result<&str, Error> {
        let name = self.settings.enterprise.as_deref().filter(|name| names::is_name(name, &["enterprises"]));
        name.ok_or_else(|| permanent("there is no enterprise yet"))
    }

    fn subscription(&self) -> Result<&str, Error> {
        let name = self.settings.subscription.as_deref().filter(|name| names::is_pubsub(name, "subscriptions"));
        name.ok_or_else(|| permanent("no subscription is set"))
    }

    /// The name of something in collections of these kinds of our enterprise.
    fn ours<'a>(&self, name: &'a str, kinds: &[&str]) -> Result<&'a str, Error> {
        self.enterprise()?;
        let all: Vec<&str> = std::iter::once("enterprises").chain(kinds.iter().copied()).collect();
        if self.settings.is_ours(name) && names::is_name(name, &all) {
            Ok(name)
        } else {
            Err(permanent("this is the name of nothing in the enterprise"))
        }
    }

    fn device<'a>(&self, name: &'a str) -> Result<&'a str, Error> {
        self.ours(name, &["devices"])
    }

    fn operation<'a>(&self, name: &'a str) -> Result<&'a str, Error> {
        self.ours(name, &["devices", "operations"])
    }

    async fn manage(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        self.ask(&self.settings.base_url, method, path, query, body).await
    }

    /// Asks, and once more if the access token turns out to be worth nothing.
    async fn ask(
        &self,
        base_url: &str,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let url = format!("{}/v1/{path}", base_url.trim_end_matches('/')).parse::<Url>();
        let mut url = url.map_err(|_| permanent("the address is none"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut renewed = false;
        loop {
            let token = self.tokens.get(self.source.now()).await?;
            let request = self.http.request(method.clone(), url.clone()).map_err(|why| Error::from(refused(&why)))?;
            let request = request.header(AUTHORIZATION, token.authorization.clone());
            let request = match body {
                Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string()),
                None => request,
            };
            let answer = ask_whole(request, LONGEST).await?;
            let now = self.source.now();
            if answer.status.is_success() {
                return serde_json::from_str(&answer.body).map_err(|_| strange("JSON"));
            }
            if answer.status == StatusCode::UNAUTHORIZED && !renewed && self.tokens.give_up(&token, now).await {
                renewed = true;
                continue;
            }
            return Err(Error::of(&answer, now));
        }
    }
}

/// A member of an answer.
fn text(answer: &Value, member: &str) -> Result<String, Error> {
    answer[member].as_str().map(str::to_owned).ok_or_else(|| strange(member))
}
