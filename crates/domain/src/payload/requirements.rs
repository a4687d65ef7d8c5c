//! What payloads need of a device, for the editor and for the report about each device: nothing is dropped in silence.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Management, Payload, PayloadType, WebFilter, apple, below, ios,
    setting::{SettingSpec, find, settings},
};
use crate::{level::Platform, os_version};

/// One thing a payload, or one setting of it, needs of a device to take effect.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
pub struct Requirement {
    /// What needs it, as a JSON pointer within the payload; empty: all of it.
    pub pointer: String,
    /// What it needs.
    pub needs: Need,
}

/// What can be needed of a device.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, ToSchema)]
#[serde(tag = "need", content = "version", rename_all = "snake_case")]
pub enum Need {
    /// iOS: supervision.
    Supervised,
    /// iOS: management by device enrollment, not by user enrollment.
    NotUserEnrollment,
    /// Android: the organisation owns the device, with or without a work profile on it.
    CompanyOwned,
    /// Android: the whole device is managed.
    FullyManaged,
    /// Android: the device has a work profile.
    WorkProfile,
    /// At least this version of the operating system.
    MinimumOs(String),
}

/// What is known of a device that payloads may need. `None`: not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceTraits<'a> {
    /// iOS: it is supervised.
    pub supervised: Option<bool>,
    /// iOS: it came by user enrollment.
    pub user_enrollment: Option<bool>,
    /// Android: the whole device is managed, not just a work profile.
    pub fully_managed: Option<bool>,
    /// The version of its operating system.
    pub os_version: Option<&'a str>,
}

/// What a payload needs of a device, part by part, in the order of the payload's members.
pub fn requirements(platform: Platform, payload: &Payload) -> Vec<Requirement> {
    let mut found = Vec::new();
    let whole = |needs| Requirement { pointer: String::new(), needs };
    match (platform, payload) {
        (Platform::Ios, Payload::Restrictions(restrictions)) => {
            of_members(platform, "/settings", &restrictions.settings, ios::RESTRICTIONS, &mut found);
        }
        (_, Payload::Restrictions(restrictions)) => {
            let specs = settings(platform, PayloadType::Restrictions);
            of_members(platform, "/settings", &restrictions.settings, specs, &mut found);
        }
        (Platform::Ios, Payload::ApplicationControl(_)) => {
            found.extend([Need::Supervised, Need::MinimumOs("15.0".to_owned())].map(whole));
        }
        (Platform::Ios, Payload::Vpn(_) | Payload::NetworkUsageRules(_)) => found.push(whole(Need::NotUserEnrollment)),
        (Platform::Ios, Payload::WebContentFilter(filter)) => match (filter.filter, &filter.content_filter_uuid) {
            (WebFilter::Plugin, Some(_)) => {}
            _ => found.push(whole(Need::Supervised)),
        },
        (Platform::Ios, Payload::CustomSettings(custom)) => {
            if let Some(spec) = custom.payload_type.as_deref().and_then(apple::payload_type) {
                spec.requirements("/content", &custom.content, &mut found);
            }
        }
        (Platform::Android, Payload::CustomSettings(custom)) => {
            for spec in settings(platform, PayloadType::Restrictions) {
                let pointer = format!("/content/{}", spec.key.replace('.', "/"));
                let mut path = spec.key.split('.');
                let first = path.next().and_then(|key| custom.content.get(key));
                if path.try_fold(first, |value, key| Some(value?.get(key))).flatten().is_some() {
                    of_setting(platform, &pointer, spec, &mut found);
                }
            }
        }
        _ => {}
    }
    if payload.payload_type() != PayloadType::Restrictions
        && let Ok(Value::Object(members)) = serde_json::to_value(payload)
    {
        of_members(platform, "", &members, settings(platform, payload.payload_type()), &mut found);
    }
    found
}

fn of_members(
    platform: Platform,
    at: &str,
    members: &Map<String, Value>,
    specs: &[SettingSpec],
    found: &mut Vec<Requirement>,
) {
    for spec in members.keys().filter_map(|key| find(specs, key)) {
        of_setting(platform, &below(at, spec.key), spec, found);
    }
}

fn of_setting(platform: Platform, pointer: &str, spec: &SettingSpec, found: &mut Vec<Requirement>) {
    let mut add = |needs| found.push(Requirement { pointer: pointer.to_owned(), needs });
    if platform == Platform::Ios {
        if spec.supervised {
            add(Need::Supervised);
        } else if !spec.user_enrollment {
            add(Need::NotUserEnrollment);
        }
    }
    match spec.management {
        Management::Any => {}
        Management::CompanyOwned => add(Need::CompanyOwned),
        Management::FullyManaged => add(Need::FullyManaged),
        Management::WorkProfile => add(Need::WorkProfile),
    }
    if !spec.min_os.is_empty() {
        add(Need::MinimumOs(spec.min_os.to_owned()));
    }
}

/// What of the payloads has no effect on a device, in sentences: one per payload and need that the device is known not
/// to meet. What is not known of the device is not reported.
pub fn unmet(platform: Platform, payloads: &[Payload], device: &DeviceTraits<'_>) -> Vec<String> {
    payloads.iter().flat_map(|payload| unmet_of(platform, payload, device)).collect()
}

fn unmet_of(platform: Platform, payload: &Payload, device: &DeviceTraits<'_>) -> Vec<String> {
    let mut by_need: Vec<(Need, Vec<String>)> = Vec::new();
    for requirement in requirements(platform, payload) {
        if met(&requirement.needs, device) != Some(false) {
            continue;
        }
        match by_need.iter_mut().find(|(need, _)| *need == requirement.needs) {
            Some((_, pointers)) => pointers.push(requirement.pointer),
            None => by_need.push((requirement.needs, vec![requirement.pointer])),
        }
    }
    let kind = payload.payload_type().display();
    by_need
        .into_iter()
        .map(|(need, pointers)| {
            let whole = pointers.iter().any(String::is_empty);
            let what = if whole { kind.to_owned() } else { format!("{kind}: {}", names(&pointers)) };
            sentence(platform, &what, !whole && pointers.len() > 1, &need, device)
        })
        .collect()
}

/// Whether a device meets a need; `None` when that is not known.
fn met(need: &Need, device: &DeviceTraits<'_>) -> Option<bool> {
    match need {
        Need::Supervised => device.supervised,
        Need::NotUserEnrollment => device.user_enrollment.map(|user_enrollment| !user_enrollment),
        Need::CompanyOwned => device.fully_managed.filter(|fully_managed| *fully_managed),
        Need::FullyManaged => device.fully_managed,
        Need::WorkProfile => device.fully_managed.map(|fully_managed| !fully_managed),
        Need::MinimumOs(version) => Some(os_version::compare(device.os_version?, version)? != Ordering::Less),
    }
}

/// The settings' own names, at most five of them.
fn names(pointers: &[String]) -> String {
    let name = |pointer: &String| {
        let path = pointer.strip_prefix("/settings/").or_else(|| pointer.strip_prefix("/content/")).unwrap_or(pointer);
        path.trim_start_matches('/').replace('/', ".")
    };
    let shown: Vec<_> = pointers.iter().take(5).map(name).collect();
    match pointers.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn sentence(platform: Platform, what: &str, several: bool, need: &Need, device: &DeviceTraits<'_>) -> String {
    let (needs, is) = if several { ("need", "are") } else { ("needs", "is") };
    match need {
        Need::Supervised => format!("{what} {needs} a supervised device; this one is not."),
        Need::NotUserEnrollment => format!("{what} {is} not allowed in user enrollment."),
        Need::CompanyOwned => format!("{what} {needs} a device the organisation owns."),
        Need::FullyManaged => format!("{what} {needs} a fully managed device; this one has a work profile only."),
        Need::WorkProfile => format!("{what} {needs} a work profile; this device is fully managed."),
        Need::MinimumOs(version) => {
            let has = device.os_version.unwrap_or_default();
            format!("{what} {needs} {} {version}; this device has {has}.", platform.display())
        }
    }
}
