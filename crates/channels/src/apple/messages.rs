//! What devices say: check-in messages and answers to commands.
//!
//! Only what is needed is read, unknown members are no error; a message keeps everything that was in it.

use allclear_domain::ids::CommandId;
use plist::{Dictionary, Value};
use uuid::Uuid;

use super::property_list::{self, Malformed};

/// The longest text that is read from a message, in bytes.
const MAX_TEXT: usize = 500;
/// The longest token that is read from a message, in bytes.
const MAX_TOKEN: usize = 64 * 1024;

/// Who says something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sender {
    /// The UDID, or the id of the enrollment where the device does not tell its UDID.
    pub identifier: String,
    /// Whether it is such an id: the device is enrolled by its user, for work data only.
    pub user_enrollment: bool,
    /// Whether somebody who uses the device says it, not the device itself.
    pub user_channel: bool,
}

/// A check-in message.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckIn {
    /// Who says it.
    pub sender: Sender,
    /// What is said.
    pub message: Message,
}

/// What a device says when it checks in.
#[derive(Clone, PartialEq, Debug)]
pub enum Message {
    /// It begins to enroll.
    Authenticate(Box<Introduction>),
    /// How it can be woken from now on; the first one ends the enrollment.
    TokenUpdate {
        /// The topic of its pushes.
        topic: String,
        /// Its address with Apple's push service.
        token: Vec<u8>,
        /// What a push must carry.
        push_magic: String,
        /// With which its passcode can be cleared; what was said before stays if this is absent.
        unlock_token: Option<Vec<u8>>,
    },
    /// It is not managed any more.
    CheckOut,
    /// Somebody who uses the device wants a channel of their own.
    UserAuthenticate,
    /// What it wants to have kept; nothing takes it back.
    SetBootstrapToken(Option<Vec<u8>>),
    /// It wants back what is kept.
    GetBootstrapToken,
    /// It wants a token for one of Apple's services.
    GetToken,
    /// It asks about declarations.
    DeclarativeManagement(Endpoint),
}

/// What a device says of itself when it begins to enroll.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Introduction {
    /// The topic of its pushes.
    pub topic: String,
    /// The maker's serial number.
    pub serial_number: Option<String>,
    /// The UDID.
    pub udid: Option<String>,
    /// The cellular identity.
    pub imei: Option<String>,
    /// The version of the operating system.
    pub os_version: Option<String>,
    /// The model, for example `iPhone16,1`.
    pub product_name: Option<String>,
    /// The model as people know it.
    pub model_name: Option<String>,
    /// What its owner calls it.
    pub device_name: Option<String>,
}

/// What is asked about declarations. Nothing a device sends becomes part of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// Whether anything changed.
    Tokens,
    /// What there is.
    Items,
    /// One declaration.
    Declaration,
    /// The device says how it is doing.
    Status,
    /// Something that is not known.
    Unknown,
}

/// What a device answers to a command, or that it has nothing to answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// Who says it.
    pub sender: Sender,
    /// What is said.
    pub status: Status,
    /// The command it is about. None if there is none, or its id cannot be one of ours.
    pub command: Option<CommandId>,
    /// Everything that was said.
    pub said: Dictionary,
}

/// How a device is doing with a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It asks for commands; this begins an exchange.
    Idle,
    /// Done.
    Acknowledged,
    /// Failed.
    Error,
    /// The command makes no sense to it.
    FormatError,
    /// Not now; ask again when it comes next.
    NotNow,
}

impl CheckIn {
    /// Reads a message.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let said = property_list::read(bytes)?;
        let kind = required(&said, "MessageType")?;
        let message = match kind.as_str() {
            "Authenticate" => Message::Authenticate(Box::new(Introduction {
                topic: required(&said, "Topic")?,
                serial_number: text(&said, "SerialNumber")?,
                udid: text(&said, "UDID")?,
                imei: text(&said, "IMEI")?,
                os_version: text(&said, "OSVersion")?,
                product_name: text(&said, "ProductName")?,
                model_name: text(&said, "ModelName")?,
                device_name: text(&said, "DeviceName")?,
            })),
            "TokenUpdate" => Message::TokenUpdate {
                topic: required(&said, "Topic")?,
                token: data(&said, "Token")?.ok_or(Malformed("Token is missing"))?,
                push_magic: required(&said, "PushMagic")?,
                unlock_token: data(&said, "UnlockToken")?,
            },
            "CheckOut" => Message::CheckOut,
            "UserAuthenticate" => Message::UserAuthenticate,
            "SetBootstrapToken" => Message::SetBootstrapToken(data(&said, "BootstrapToken")?),
            "GetBootstrapToken" => Message::GetBootstrapToken,
            "GetToken" => Message::GetToken,
            "DeclarativeManagement" => Message::DeclarativeManagement(Endpoint::of(&required(&said, "Endpoint")?)),
            _ => return Err(Malformed("MessageType is not known")),
        };
        Ok(Self { sender: Sender::of(&said)?, message })
    }
}

impl Endpoint {
    fn of(text: &str) -> Self {
        match text {
            "tokens" => Self::Tokens,
            "declaration-items" => Self::Items,
            "status" => Self::Status,
            _ => match text.split('/').collect::<Vec<_>>().as_slice() {
                ["declaration", "activation" | "asset" | "configuration" | "management", id] if !id.is_empty() => {
                    Self::Declaration
                }
                _ => Self::Unknown,
            },
        }
    }
}

impl Report {
    /// Reads an answer.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let said = property_list::read(bytes)?;
        let status = match required(&said, "Status")?.as_str() {
            "Idle" => Status::Idle,
            "Acknowledged" => Status::Acknowledged,
            "Error" => Status::Error,
            "CommandFormatError" => Status::FormatError,
            "NotNow" => Status::NotNow,
            _ => return Err(Malformed("Status is not known")),
        };
        let command = text(&said, "CommandUUID")?.and_then(|id| Uuid::try_parse(&id).ok()).map(CommandId);
        Ok(Self { sender: Sender::of(&said)?, status, command, said })
    }

    /// What went wrong, in the device's own words.
    pub fn detail(&self) -> Option<String> {
        let chain = self.said.get("ErrorChain").and_then(Value::as_array);
        let words: Vec<String> = chain.into_iter().flatten().take(5).filter_map(link).collect();
        match words.is_empty() {
            false => Some(words.join("; ")),
            true if self.status == Status::FormatError => Some("the device does not understand the command".to_owned()),
            true => None,
        }
    }
}

/// One link of a chain of errors in words.
fn link(error: &Value) -> Option<String> {
    let error = error.as_dictionary()?;
    let word = |key: &str| text(error, key).ok().flatten();
    let words = word("USEnglishDescription").or_else(|| word("LocalizedDescription")).unwrap_or_default();
    let code = error.get("ErrorCode").and_then(Value::as_signed_integer);
    let place = match (word("ErrorDomain"), code) {
        (Some(domain), Some(code)) => format!("{domain} {code}"),
        (Some(domain), None) => domain,
        (None, Some(code)) => code.to_string(),
        (None, None) => String::new(),
    };
    match (words.is_empty(), place.is_empty()) {
        (true, true) => None,
        (true, false) => Some(place),
        (false, true) => Some(words),
        (false, false) => Some(format!("{words} ({place})")),
    }
}

impl Sender {
    fn of(said: &Dictionary) -> Result<Self, Malformed> {
        let (udid, enrollment) = (text(said, "UDID")?, text(said, "EnrollmentID")?);
        let user_channel = ["UserID", "EnrollmentUserID"].iter().any(|key| said.contains_key(key));
        let user_enrollment = udid.is_none();
        let identifier = udid.or(enrollment).ok_or(Malformed("UDID is missing"))?;
        Ok(Self { identifier, user_enrollment, user_channel })
    }
}

fn required(said: &Dictionary, key: &'static str) -> Result<String, Malformed> {
    text(said, key)?.ok_or(match key {
        "MessageType" => Malformed("MessageType is missing"),
        "Status" => Malformed("Status is missing"),
        "Topic" => Malformed("Topic is missing"),
        "PushMagic" => Malformed("PushMagic is missing"),
        _ => Malformed("a member is missing"),
    })
}

/// A member that is text; an empty one counts as absent.
fn text(said: &Dictionary, key: &str) -> Result<Option<String>, Malformed> {
    match said.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() > MAX_TEXT => Err(Malformed("a member is too long")),
        Some(Value::String(text)) if text.chars().any(char::is_control) => {
            Err(Malformed("a member holds control characters"))
        }
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => Err(Malformed("a member is not text")),
    }
}

/// A member that is data; an empty one counts as absent.
fn data(said: &Dictionary, key: &str) -> Result<Option<Vec<u8>>, Malformed> {
    match said.get(key) {
        None => Ok(None),
        Some(Value::Data(data)) if data.len() > MAX_TOKEN => Err(Malformed("a member is too long")),
        Some(Value::Data(data)) => Ok(Some(data.clone()).filter(|data| !data.is_empty())),
        Some(_) => Err(Malformed("a member is not data")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn plist(members: &str) -> Vec<u8> {
        format!("<plist version=\"1.0\"><dict>{members}</dict></plist>").into_bytes()
    }

    fn member(key: &str, value: &str) -> String {
        format!("<key>{key}</key><string>{value}</string>")
    }

    #[test]
    fn check_ins_are_told_apart() {
        let common = member("UDID", "U1") + &member("Topic", "com.apple.mgmt.External.x");
        let read = |members: String| CheckIn::read(&plist(&(common.clone() + &members)));
        let authenticate =
            member("MessageType", "Authenticate") + &member("SerialNumber", "S1") + "<key>Else</key><true/>";
        let CheckIn { sender, message: Message::Authenticate(device) } = read(authenticate).unwrap() else {
            unreachable!("an Authenticate")
        };
        assert_eq!(sender, Sender { identifier: "U1".into(), user_enrollment: false, user_channel: false });
        assert_eq!((device.serial_number.as_deref(), device.udid.as_deref()), (Some("S1"), Some("U1")));
        let update = member("MessageType", "TokenUpdate") + &member("PushMagic", "M");
        assert_eq!(read(update.clone()).unwrap_err().0, "Token is missing");
        let update = read(update + "<key>Token</key><data>AQI=</data><key>UserID</key><string>x</string>").unwrap();
        assert!(update.sender.user_channel);
        assert!(matches!(update.message, Message::TokenUpdate { token, unlock_token: None, .. } if token == [1, 2]));
        for (kind, expected) in [
            ("CheckOut", Message::CheckOut),
            ("UserAuthenticate", Message::UserAuthenticate),
            ("GetBootstrapToken", Message::GetBootstrapToken),
            ("GetToken", Message::GetToken),
            ("SetBootstrapToken", Message::SetBootstrapToken(None)),
        ] {
            assert_eq!(read(member("MessageType", kind)).unwrap().message, expected);
        }
        assert_eq!(read(member("MessageType", "Else")).unwrap_err().0, "MessageType is not known");
        assert_eq!(read(String::new()).unwrap_err().0, "MessageType is missing");
        assert_eq!(CheckIn::read(&plist(&member("MessageType", "CheckOut"))).unwrap_err().0, "UDID is missing");
        assert_eq!(read("<key>MessageType</key><true/>".into()).unwrap_err().0, "a member is not text");
        let user = CheckIn::read(&plist(&(member("MessageType", "CheckOut") + &member("EnrollmentID", "E1"))));
        assert!(user.unwrap().sender.user_enrollment);
    }

    #[test]
    fn only_the_known_questions_about_declarations_are_known() {
        for (text, expected) in [
            ("tokens", Endpoint::Tokens),
            ("declaration-items", Endpoint::Items),
            ("status", Endpoint::Status),
            ("declaration/configuration/com.example.a", Endpoint::Declaration),
            ("declaration/else/a", Endpoint::Unknown),
            ("declaration/asset/", Endpoint::Unknown),
            ("declaration/asset/../../x", Endpoint::Unknown),
            ("../tokens", Endpoint::Unknown),
            ("http://localhost/", Endpoint::Unknown),
        ] {
            assert_eq!(Endpoint::of(text), expected, "{text}");
        }
    }

    #[test]
    fn answers_keep_what_was_said() {
        let id = Uuid::from_u128(7);
        let chain = "<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>12021</integer>\
                     <key>ErrorDomain</key><string>MCMDMErrorDomain</string><key>LocalizedDescription</key>\
                     <string>Unbekannt</string><key>USEnglishDescription</key><string>Unknown command</string></dict>\
                     <true/></array><key>New</key><integer>1</integer>";
        let members = member("UDID", "U1") + &member("Status", "Error") + &member("CommandUUID", &id.to_string());
        let report = Report::read(&plist(&(members + chain))).unwrap();
        assert_eq!((report.status, report.command), (Status::Error, Some(CommandId(id))));
        assert_eq!(report.detail().as_deref(), Some("Unknown command (MCMDMErrorDomain 12021)"));
        assert!(report.said.contains_key("New"));
        let read = |status: &str, id: &str| {
            Report::read(&plist(&(member("UDID", "U1") + &member("Status", status) + &member("CommandUUID", id))))
        };
        assert_eq!(read("NotNow", "no id of ours").unwrap().command, None);
        assert_eq!(read("Done", "x").unwrap_err().0, "Status is not known");
        assert!(read("CommandFormatError", "x").unwrap().detail().is_some());
        assert_eq!(read("Acknowledged", "x").unwrap().detail(), None);
    }
}
