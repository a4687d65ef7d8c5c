//! The digest: a mail a day to administrators about users who came to high risk and messages that failed, if there are
//! any. Goes through the outbox like everything else people are told.

use allclear_domain::{
    ids::Tenant,
    journal::{Actor, ActorKind, Object},
    level::RiskLevel,
    notification::{Channel, NotificationState, Trigger},
    rights::Right,
    settings::{DigestFrequency, DigestSettings},
    template::language::ENGLISH,
    time::{Span, Time},
};
use allclear_store::{
    account_status, admins, digest as stored, notifications::Notification, outbox as queue, roles, users,
};

use crate::{
    Engine, Error,
    outbox::{self, blank},
    trend::day,
    work::Work,
};

/// The most users named.
const NAMED: usize = 50;

/// Whether a tenant's digest is to be written: its hour has come, and it was not written that day.
fn is_due(settings: &DigestSettings, last: Option<i64>, now: Time) -> bool {
    let hour = now.as_micros().rem_euclid(Span::days(1).as_micros()) / Span::seconds(3600).as_micros();
    settings.frequency == DigestFrequency::Daily
        && hour >= i64::from(settings.hour)
        && last.is_none_or(|last| last < day(now))
}

/// Writes the tenant's digest if it is due. Safe with several nodes.
pub async fn run_due(engine: &Engine, tenant: Tenant) -> Result<(), Error> {
    let now = engine.source().now();
    let due = engine
        .read(tenant, move |tx, rules| {
            let settings = &rules.settings.digest;
            Ok(settings.frequency != DigestFrequency::Off && is_due(settings, stored::last(tx, tenant)?, now))
        })
        .await?;
    if !due {
        return Ok(());
    }
    let actor = Actor::new(ActorKind::Engine, "digest");
    engine.edit(tenant, actor, write).await
}

fn write(work: &mut Work<'_, '_>) -> Result<(), Error> {
    let rules = work.rules_handle();
    if !is_due(&rules.settings.digest, stored::last(work.tx, work.tenant)?, work.now) {
        return Ok(());
    }
    let today = day(work.now);
    stored::wrote(work.tx, work.tenant, today)?;
    let since = work.now.minus(Span::days(1));
    let limit = i64::try_from(NAMED + 1).unwrap_or(i64::MAX);
    let ids = account_status::came_to(work.tx, work.tenant, RiskLevel::High, since, limit)?;
    let mut names: Vec<String> =
        users::get_many(work.tx, work.tenant, &ids)?.iter().map(|user| user.name().to_owned()).collect();
    let failed = queue::failed_since(work.tx, work.tenant, since)?;
    if names.is_empty() && failed == 0 {
        return Ok(());
    }
    let more = names.len() > NAMED;
    names.truncate(NAMED);
    let (subject, text) = words(rules.settings.branding.organisation(), &names, more, failed);
    let mail = rules.templates.custom_email(&rules.settings.branding, Some(ENGLISH), &subject, &text);
    let Some(root) = rules.organization_groups.root() else { return Ok(()) };
    for admin in admins::active_at(work.tx, work.tenant, root)? {
        let rights = roles::rights(work.tx, work.tenant, admin.role)?.unwrap_or_default();
        let Some(email) = admin.email.clone().filter(|_| rights.contains(&Right::View)) else { continue };
        let cause = format!("digest:{today}:{}", admin.id);
        let notification = Notification {
            recipient_name: admin.name.clone(),
            organization_group: root,
            address: Some(email),
            subject: Some(mail.subject.clone()),
            body: mail.text.clone(),
            html: Some(mail.html.clone()),
            ..blank(work, &cause, Trigger::Digest, Channel::Email, NotificationState::Captured)
        };
        let about = Object { kind: "admin".into(), id: admin.id.to_string(), name: admin.name };
        outbox::put(work, notification, about)?;
    }
    Ok(())
}

fn words(organisation: &str, names: &[String], more: bool, failed: i64) -> (String, String) {
    let mut paragraphs = Vec::new();
    let count = if more { format!("more than {}", names.len()) } else { names.len().to_string() };
    match names {
        [] => {}
        [name] => paragraphs.push(format!("One user came to high risk during the last day: {name}.")),
        _ => paragraphs.push(format!("{count} users came to high risk during the last day:\n{}", names.join("\n"))),
    }
    match failed {
        0 => {}
        1 => paragraphs.push("One message could not be delivered.".to_owned()),
        _ => paragraphs.push(format!("{failed} messages could not be delivered.")),
    }
    paragraphs.push(organisation.to_owned());
    let subject = match names.len() {
        0 => "Mobile security: messages could not be delivered".to_owned(),
        1 => "Mobile security: 1 user at high risk since yesterday".to_owned(),
        _ => format!("Mobile security: {count} users at high risk since yesterday"),
    };
    (subject, paragraphs.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_a_day_from_its_hour_on() {
        let at = |text: &str| text.parse::<Time>().unwrap_or_default();
        let daily = DigestSettings { frequency: DigestFrequency::Daily, hour: 7 };
        let morning = at("2026-03-02T07:00:00Z");
        assert!(is_due(&daily, None, morning) && is_due(&daily, Some(day(morning) - 1), at("2026-03-02T23:59:59Z")));
        assert!(!is_due(&daily, None, at("2026-03-02T06:59:59Z")) && !is_due(&daily, Some(day(morning)), morning));
        assert!(!is_due(&DigestSettings::default(), None, morning));
    }

    #[test]
    fn it_names_users_and_counts_failures() {
        let names = vec!["Ada".to_owned(), "Grace".to_owned()];
        let (subject, text) = words("Acme", &names, false, 3);
        assert_eq!(subject, "Mobile security: 2 users at high risk since yesterday");
        assert!(text.contains("Ada\nGrace\n\n3 messages could not be delivered.\n\nAcme"), "{text}");
        assert_eq!(words("Acme", &[], false, 1).1, "One message could not be delivered.\n\nAcme");
    }
}
