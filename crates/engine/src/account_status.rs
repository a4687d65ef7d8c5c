//! Account Status: users are told when their risk status changes, up and down; the way down is the all-clear.
//!
//! A change is remembered in the commit that brings it. When the hold-down is over, whichever node comes first compares
//! the status with the one the user was told of last: changes that cancelled each other out are nobody's news.

use allclear_domain::{
    ids::Tenant,
    journal::{Actor, ActorKind},
    level::RiskLevel,
    notification::{Channel, Trigger},
    settings::Settings,
    template::TemplateTrigger,
    time::Time,
};
use allclear_store::{
    account_status::{self as stored, AccountStatus, StatusChange},
    db::Tx,
    devices,
    users::{self, User},
};

use crate::{
    Engine, Error, compose,
    notifications::{self, tell, tell_device, unavailable},
    work::Work,
};

/// Users looked at in one transaction.
const STEP: i64 = 100;

/// Remembers changes of users' risk status. While users are not told, a change is nobody's news, later neither.
pub(crate) fn changed(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    settings: &Settings,
    changes: &[StatusChange],
    now: Time,
) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let due = settings.tells_account_status().then(|| now.plus(settings.hold_down()));
    Ok(stored::changed(tx, tenant, changes, now, due)?)
}

/// Tells the users of a tenant whose hold-down is over.
pub async fn run_due(engine: &Engine, tenant: Tenant) -> Result<(), Error> {
    loop {
        let actor = Actor::new(ActorKind::Engine, "account status");
        let looked_at = engine.edit(tenant, actor, settle).await?;
        if looked_at < usize::try_from(STEP).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

/// Tells those who are due. Returns at how many users it looked.
fn settle(work: &mut Work<'_, '_>) -> Result<usize, Error> {
    let due = stored::due(work.tx, work.tenant, work.now, STEP)?;
    let tells = work.rules().settings.tells_account_status();
    let mut settled = Vec::with_capacity(due.len());
    for known in &due {
        let Some(user) = users::get(work.tx, work.tenant, known.user)? else {
            stored::delete(work.tx, work.tenant, known.user)?;
            continue;
        };
        let status = users::severity(user.incidents);
        let mut sequence = known.sequence;
        if tells && status != known.told {
            sequence += 1;
            let cause = format!("account_status:{}:{sequence}", user.id);
            tell_user(work, &user, (known.told, status), &cause)?;
        }
        settled.push(AccountStatus { user: user.id, told: status, sequence });
    }
    stored::settle(work.tx, work.tenant, &settled)?;
    Ok(due.len())
}

/// Tells a user how things stand, by every channel chosen that reaches them.
fn tell_user(
    work: &mut Work<'_, '_>,
    user: &User,
    (before, status): (RiskLevel, RiskLevel),
    cause: &str,
) -> Result<(), Error> {
    let rules = work.rules_handle();
    let trigger = if status == RiskLevel::None { TemplateTrigger::AllClear } else { TemplateTrigger::AccountStatus };
    let about = (trigger, before);
    let occasion = compose::about_user(work.tx, work.tenant, &rules, user, about, work.now)?;
    let draft = compose::draft(&rules, &occasion)?;
    let why = (cause, Trigger::AccountStatus);
    for channel in &rules.settings.account_status_channels {
        if *channel == Channel::DeviceMessage {
            let ids = devices::of_user(work.tx, work.tenant, user.id)?;
            work.load(ids.iter().copied())?;
            for id in ids {
                let reached = work.loaded(id).is_some_and(|it| notifications::inactive(&it.record).is_none());
                if reached {
                    tell_device(work, id, None, about, why)?;
                }
            }
        } else if unavailable(user, *channel).is_none() {
            tell(work, user, *channel, why, &draft)?;
        }
    }
    Ok(())
}
