//! Changing what messages say: templates are checked by rendering them with made-up and with the tenant's own data.

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, Tenant, UserId},
    level::RiskLevel,
    logo::Logo,
    notification::Channel,
    rules::Rules,
    template::{self, Email, Occasion, TemplateKey, TemplateText, TemplateTrigger, language},
    time::Time,
};
use allclear_store::{
    db::Tx,
    devices, json, logos, templates as stored,
    templates::Stored,
    users::{self, User, UserFilter, UserSort},
};

use crate::{Error, Problem, compose, rules, work::Work};

/// The most languages a tenant adds templates in, and texts of classifications.
pub(crate) const MOST_LANGUAGES: usize = 40;
/// How many of the tenant's own users a template is tried with.
const TRIED_WITH: u32 = 3;

/// The key of a trigger, channel and language, or why there is none.
pub fn key(trigger: TemplateTrigger, channel: Channel, tag: &str) -> Result<TemplateKey, Error> {
    if !trigger.channels().contains(&channel) || !language::is_tag(tag) {
        return Err(Error::NotFound("template"));
    }
    Ok(TemplateKey { trigger, channel, language: language::normal(tag) })
}

/// Changes or adds a template. `version` is what the caller saw: 0 where the tenant has none of its own. Returns the
/// version now; 0 where the text is the shipped one.
pub fn set(work: &mut Work<'_, '_>, key: &TemplateKey, text: &TemplateText, version: i64) -> Result<i64, Error> {
    let before = stored::get(work.tx, work.tenant, key)?;
    let present = before.as_ref().map_or(0, |stored| stored.version);
    rules::same_version(version, present)?;
    if template::shipped(key) == Some(text) {
        return reset(work, key, None).map(|()| 0);
    }
    let mut languages = work.rules().templates.languages();
    languages.retain(|language| *language != key.language);
    if languages.len() >= MOST_LANGUAGES {
        return Err(Error::Conflict(format!("there are templates in {MOST_LANGUAGES} languages already")));
    }
    let rules = work.rules_handle();
    let real = real(work.tx, work.tenant, &rules, key, work.now)?;
    check(&rules, key, text, &real)?;
    if before.as_ref().is_some_and(|stored| stored.text == *text) {
        return Ok(present);
    }
    let changed_by = work.actor().name.clone();
    let after = Stored { key: key.clone(), text: text.clone(), version: present + 1, changed_at: work.now, changed_by };
    stored::set(work.tx, work.tenant, &after)?;
    changed(work, key, before.map(|stored| stored.text).as_ref(), Some(text))?;
    Ok(after.version)
}

/// Puts a template back to the shipped one; in a language that is not shipped, takes it away.
pub fn reset(work: &mut Work<'_, '_>, key: &TemplateKey, version: Option<i64>) -> Result<(), Error> {
    let before = stored::get(work.tx, work.tenant, key)?;
    if let Some(version) = version {
        rules::same_version(version, before.as_ref().map_or(0, |stored| stored.version))?;
    }
    match before {
        Some(before) => {
            stored::delete(work.tx, work.tenant, key)?;
            changed(work, key, Some(&before.text), None)
        }
        None if template::shipped(key).is_some() => Ok(()),
        None => Err(Error::NotFound("template")),
    }
}

fn changed(
    work: &mut Work<'_, '_>,
    key: &TemplateKey,
    before: Option<&TemplateText>,
    after: Option<&TemplateText>,
) -> Result<(), Error> {
    let (trigger, channel) = (key.trigger.as_str(), json::word(&key.channel)?);
    let id = format!("{trigger}/{channel}/{}", key.language);
    rules::note(work, "notification_template", &id, &id, None, before, after);
    work.rules_changed()
}

/// Refuses a template with what is wrong with it.
fn check(rules: &Rules, key: &TemplateKey, text: &TemplateText, real: &[Occasion]) -> Result<(), Error> {
    let problems = template::problems(key, text, &rules.settings.branding, real);
    Error::check(problems.into_iter().map(|(pointer, detail)| Problem::new(pointer, detail)).collect())
}

/// What the users with the highest scores would be told.
fn real(tx: &mut Tx<'_>, tenant: Tenant, rules: &Rules, key: &TemplateKey, now: Time) -> Result<Vec<Occasion>, Error> {
    let users = users::list(tx, tenant, &UserFilter::default(), UserSort::Score, true, None, TRIED_WITH)?;
    users.iter().map(|user| of_user(tx, tenant, rules, user, key, now)).collect()
}

fn of_user(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    rules: &Rules,
    user: &User,
    key: &TemplateKey,
    now: Time,
) -> Result<Occasion, Error> {
    let before = if key.trigger == TemplateTrigger::AllClear { RiskLevel::High } else { RiskLevel::None };
    let mut occasion = compose::about_user(tx, tenant, rules, user, (key.trigger, before), now)?;
    if key.channel == Channel::DeviceMessage {
        occasion.devices.truncate(1);
    }
    Ok(shaped(occasion, key))
}

/// An occasion as it is for a template: in its language, and nothing is open when all is well.
fn shaped(mut occasion: Occasion, key: &TemplateKey) -> Occasion {
    if key.trigger == TemplateTrigger::AllClear {
        occasion.issues.clear();
        occasion.status.1 = RiskLevel::None;
    }
    occasion.locale = Some(key.language.clone());
    occasion
}

/// With whose data a template is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// Made-up data.
    Sample,
    /// A user's.
    User(UserId),
    /// A device's.
    Device(DeviceId),
}

/// A message as it would be.
#[derive(Clone, Debug)]
pub enum Preview {
    /// A mail.
    Email(Email),
    /// A text message or a message on a device.
    Text(String),
}

/// A template to be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Where the data may be from.
    pub reach: OrganizationGroupId,
    /// Which template.
    pub key: TemplateKey,
    /// The text to try.
    pub text: TemplateText,
    /// With whose data.
    pub about: About,
}

/// Shows what a template makes of data within reach, without keeping it.
pub fn preview(tx: &mut Tx<'_>, tenant: Tenant, rules: &Rules, asked: &Asked, now: Time) -> Result<Preview, Error> {
    let Asked { reach, key, text, about } = asked;
    let within = |group| rules.organization_groups.is_within(group, *reach);
    let occasion = match *about {
        About::Sample => template::sample(key.trigger, &key.language),
        About::User(id) => {
            let user = users::get(tx, tenant, id)?.filter(|user| within(user.organization_group));
            let user = user.ok_or_else(|| Error::invalid("/user_id", "is no user"))?;
            of_user(tx, tenant, rules, &user, key, now)?
        }
        About::Device(id) => {
            let record = devices::get_many(tx, tenant, &[id])?.into_iter().next();
            let record = record.filter(|record| within(record.facts.device.organization_group));
            let record = record.ok_or_else(|| Error::invalid("/device_id", "is no device"))?;
            let user = match record.facts.device.user {
                Some(user) => users::get(tx, tenant, user)?,
                None => None,
            };
            shaped(compose::about_device(rules, &record.facts, user.as_ref(), (key.trigger, RiskLevel::None), now), key)
        }
    };
    check(rules, key, text, std::slice::from_ref(&occasion))?;
    let mut templates = rules.templates.clone();
    templates.own.insert(key.clone(), text.clone());
    let branding = &rules.settings.branding;
    let made = match key.channel {
        Channel::Email => templates.email(branding, &occasion).map(Preview::Email),
        Channel::Sms => templates.sms(branding, &occasion).map(Preview::Text),
        Channel::DeviceMessage => templates.device_message(branding, &occasion).map(Preview::Text),
    };
    made.map_err(compose::failed)
}

/// Puts a logo into mails, another in its place, or takes it away. Says whether there was anything to do.
pub fn set_logo(work: &mut Work<'_, '_>, logo: Option<&Logo>) -> Result<bool, Error> {
    let before = logos::get(work.tx, work.tenant)?;
    if before.as_ref() == logo {
        return Ok(false);
    }
    match logo {
        Some(logo) => logos::set(work.tx, work.tenant, logo, work.now)?,
        None => logos::delete(work.tx, work.tenant)?,
    }
    let shown = |logo: &Logo| serde_json::json!({ "content_type": logo.content_type, "bytes": logo.bytes.len() });
    let (before, after) = (before.as_ref().map(shown), logo.map(shown));
    rules::note(work, "logo", &"logo", "Logo", None, before.as_ref(), after.as_ref());
    work.rules_changed()?;
    Ok(true)
}
