//! What somebody is told: their devices and open incidents, put into words by the tenant's templates.
//!
//! Everything that writes a message to people takes its words from here.

use allclear_domain::{
    device::DeviceFacts,
    ids::Tenant,
    incident::incidents,
    level::RiskLevel,
    rules::Rules,
    template::{DeviceShown, Email, Issue, Occasion, TemplateError, TemplateTrigger},
    time::Time,
};
use allclear_store::{
    db::Tx,
    devices,
    users::{self, User},
};

use crate::Error;

/// The words for a user, by each channel.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The mail.
    pub email: Email,
    /// The text message. Always fits.
    pub sms: String,
}

/// What a user is told about: all that is open on their devices at `now`, the worst first. `before` is the risk status
/// of which they were told last.
pub fn about_user(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    rules: &Rules,
    user: &User,
    (trigger, before): (TemplateTrigger, RiskLevel),
    now: Time,
) -> Result<Occasion, Error> {
    let ids = devices::of_user(tx, tenant, user.id)?;
    let records = devices::get_many(tx, tenant, &ids)?;
    let mut issues: Vec<Issue> = records.iter().flat_map(|record| issues(rules, &record.facts, now)).collect();
    issues.sort_by_key(|issue| std::cmp::Reverse(issue.level));
    Ok(Occasion {
        trigger,
        user: user.name().to_owned(),
        locale: user.locale.clone(),
        devices: records.iter().map(|record| shown(&record.facts)).collect(),
        issues,
        status: (before, users::severity(user.incidents)),
    })
}

/// What is said on a device: what is open on it at `now`. `user` is whose it is, the risk status before as in
/// [`about_user`].
pub fn about_device(
    rules: &Rules,
    facts: &DeviceFacts,
    user: Option<&User>,
    (trigger, before): (TemplateTrigger, RiskLevel),
    now: Time,
) -> Occasion {
    let issues: Vec<Issue> = issues(rules, facts, now).collect();
    let status = (before, issues.first().map_or(RiskLevel::None, |issue| issue.level));
    Occasion {
        trigger,
        user: user.map_or(&facts.device.friendly_name[..], User::name).to_owned(),
        locale: user.and_then(|user| user.locale.clone()),
        devices: vec![shown(facts)],
        issues,
        status,
    }
}

/// The mail and the text message about an occasion.
pub fn draft(rules: &Rules, occasion: &Occasion) -> Result<Draft, Error> {
    let branding = &rules.settings.branding;
    let email = rules.templates.email(branding, occasion).map_err(failed)?;
    Ok(Draft { email, sms: rules.templates.sms(branding, occasion).map_err(failed)? })
}

/// The message on a device about an occasion.
pub fn device_message(rules: &Rules, occasion: &Occasion) -> Result<String, Error> {
    rules.templates.device_message(&rules.settings.branding, occasion).map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
pub(crate) fn failed(error: TemplateError) -> Error {
    Error::Conflict(format!("the message cannot be written: {error}"))
}

fn issues(rules: &Rules, facts: &DeviceFacts, now: Time) -> impl Iterator<Item = Issue> {
    let name = &facts.device.friendly_name;
    let found: Vec<Issue> =
        incidents(rules, facts, now).iter().filter_map(|incident| Issue::new(incident, name)).collect();
    found.into_iter()
}

fn shown(facts: &DeviceFacts) -> DeviceShown {
    DeviceShown { name: facts.device.friendly_name.clone(), platform: facts.device.platform }
}
