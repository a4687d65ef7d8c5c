//! The templates that are shipped, one file for each trigger and channel in a folder for each language.
//!
//! The file of a mail begins with its subject, up to the first empty line.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{TemplateKey, TemplateText, TemplateTrigger as T};
use crate::notification::Channel as C;

/// The languages that are shipped complete.
pub const LANGUAGES: &[&str] = &["en", "de"];

macro_rules! files {
    ($language:literal) => {
        [
            (
                T::AccountStatus,
                C::Email,
                include_str!(concat!("../../templates/", $language, "/account_status.email.txt")),
            ),
            (T::AccountStatus, C::Sms, include_str!(concat!("../../templates/", $language, "/account_status.sms.txt"))),
            (
                T::AccountStatus,
                C::DeviceMessage,
                include_str!(concat!("../../templates/", $language, "/account_status.device_message.txt")),
            ),
            (T::AllClear, C::Email, include_str!(concat!("../../templates/", $language, "/all_clear.email.txt"))),
            (T::AllClear, C::Sms, include_str!(concat!("../../templates/", $language, "/all_clear.sms.txt"))),
            (
                T::AllClear,
                C::DeviceMessage,
                include_str!(concat!("../../templates/", $language, "/all_clear.device_message.txt")),
            ),
            (T::Notify, C::Email, include_str!(concat!("../../templates/", $language, "/notify.email.txt"))),
            (T::Notify, C::Sms, include_str!(concat!("../../templates/", $language, "/notify.sms.txt"))),
            (
                T::Device,
                C::DeviceMessage,
                include_str!(concat!("../../templates/", $language, "/device.device_message.txt")),
            ),
        ]
    };
}

static SHIPPED: LazyLock<BTreeMap<TemplateKey, TemplateText>> = LazyLock::new(|| {
    let languages = LANGUAGES.iter().zip([files!("en"), files!("de")]);
    let texts = languages.flat_map(|(language, files)| {
        files.into_iter().map(|(trigger, channel, file)| {
            let parted = file.split_once("\n\n").filter(|_| channel == C::Email);
            let (subject, body) = parted.map_or((None, file), |(subject, body)| (Some(subject.to_owned()), body));
            let key = TemplateKey { trigger, channel, language: (*language).to_owned() };
            (key, TemplateText { subject, body: body.trim_end().to_owned(), html: None })
        })
    });
    texts.collect()
});

/// The template that is shipped for a key.
pub fn shipped(key: &TemplateKey) -> Option<&'static TemplateText> {
    SHIPPED.get(key)
}
