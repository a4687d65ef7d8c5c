//! Notifications: one row for each message to one recipient by one channel. Must not know what messages say.

use allclear_domain::{
    ids::{DeviceId, NotificationId, OrganizationGroupId, Tenant, UserId},
    notification::{Channel, MessageKind, NotificationState, Trigger},
    time::Time,
};
use sea_query::{Expr, ExprTrait, Query};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx},
    json,
    listing::{self, By, Key},
    params,
};

/// A notification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// The id; later ones sort after earlier ones.
    pub id: NotificationId,
    /// What kind of thing brought it about.
    pub trigger: Trigger,
    /// Names the one thing that brought it about: with recipient and channel, it is there only once.
    pub cause: String,
    /// How the recipient is told.
    pub channel: Channel,
    /// What the recipient was called.
    pub recipient_name: String,
    /// The user told; of a device message, the device's user.
    pub user: Option<UserId>,
    /// The device, of a device message.
    pub device: Option<DeviceId>,
    /// Where the recipient lived.
    pub organization_group: OrganizationGroupId,
    /// The mail address or phone number.
    pub address: Option<String>,
    /// The subject, of a mail.
    pub subject: Option<String>,
    /// The text; empty where the recipient was left out.
    pub body: String,
    /// The same as a page, of a mail. Left out of lists.
    pub html: Option<String>,
    /// What it is, of a device message.
    pub kind: Option<MessageKind>,
    /// What became of it.
    pub state: NotificationState,
    /// Why, where that needs saying.
    pub reason: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// Who made it.
    pub created_by: String,
    /// When its state last changed.
    pub changed_at: Time,
    /// How far it has come on its way; of mails and text messages.
    pub delivery: Delivery,
}

/// How far a mail or text message has come on its way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Delivery {
    /// How often it was tried since it was queued.
    pub attempts: i64,
    /// While it waits: when it is tried next, or until when a node has it in hand.
    pub next_attempt_at: Option<Time>,
    /// When it is no longer worth sending.
    pub expires_at: Option<Time>,
    /// Who took it over.
    pub provider: Option<String>,
    /// What they call it; of a mail, its Message-ID, which all attempts share.
    pub message_id: Option<String>,
}

impl Notification {
    /// Who is told: the device of a device message, else the user.
    fn recipient(&self) -> Uuid {
        match (self.channel, self.device, self.user) {
            (Channel::DeviceMessage, Some(device), _) => device.0,
            (_, _, user) => user.map_or(Uuid::nil(), |user| user.0),
        }
    }
}

pub(crate) const COLUMNS: [&str; 23] = [
    "id",
    "cause_kind",
    "cause",
    "channel",
    "recipient_name",
    "user_id",
    "device_id",
    "organization_group",
    "address",
    "subject",
    "body",
    "state",
    "reason",
    "created_at",
    "created_by",
    "changed_at",
    "attempts",
    "next_attempt_at",
    "expires_at",
    "provider",
    "message_id",
    "message_kind",
    "html",
];
/// Those without the page of a mail, which is the last.
const WITHOUT_PAGE: usize = COLUMNS.len() - 1;

/// A row as the database gives it.
pub(crate) struct Raw(Notification, [String; 3], Option<String>);

impl FromRow for Raw {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let words = [row.get(1)?, row.get(3)?, row.get(11)?];
        let notification = Notification {
            id: NotificationId(row.get(0)?),
            trigger: Trigger::Notify,
            cause: row.get(2)?,
            channel: Channel::Email,
            recipient_name: row.get(4)?,
            user: row.get::<Option<Uuid>>(5)?.map(UserId),
            device: row.get::<Option<Uuid>>(6)?.map(DeviceId),
            organization_group: OrganizationGroupId(row.get(7)?),
            address: row.get(8)?,
            subject: row.get(9)?,
            body: row.get(10)?,
            html: row.get(WITHOUT_PAGE)?,
            kind: None,
            state: NotificationState::Queued,
            reason: row.get(12)?,
            created_at: Time::from_micros(row.get(13)?),
            created_by: row.get(14)?,
            changed_at: Time::from_micros(row.get(15)?),
            delivery: Delivery {
                attempts: row.get(16)?,
                next_attempt_at: row.get::<Option<i64>>(17)?.map(Time::from_micros),
                expires_at: row.get::<Option<i64>>(18)?.map(Time::from_micros),
                provider: row.get(19)?,
                message_id: row.get(20)?,
            },
        };
        Ok(Self(notification, words, row.get(21)?))
    }
}

impl Raw {
    pub(crate) fn read(self) -> Result<Notification, Error> {
        let Self(notification, [trigger, channel, state], kind) = self;
        let (trigger, channel) = (json::from_word(trigger)?, json::from_word(channel)?);
        let kind = kind.map(json::from_word).transpose()?;
        Ok(Notification { trigger, channel, kind, state: json::from_word(state)?, ..notification })
    }
}

/// Adds a notification, unless there is one of this cause, recipient and channel. Says whether it was added.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, notification: &Notification) -> Result<bool, Error> {
    let added = tx.execute(
        "INSERT INTO notification (tenant, id, cause_kind, cause, channel, recipient, recipient_name, user_id, \
         device_id, organization_group, address, subject, body, html, state, reason, created_at, created_by, \
         changed_at, next_attempt_at, expires_at, message_id, message_kind) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23) \
         ON CONFLICT (tenant, cause, recipient, channel) DO NOTHING",
        params![
            tenant.0,
            notification.id.0,
            json::word(&notification.trigger)?,
            &notification.cause,
            json::word(&notification.channel)?,
            notification.recipient(),
            &notification.recipient_name,
            notification.user.map(|user| user.0),
            notification.device.map(|device| device.0),
            notification.organization_group.0,
            notification.address.as_deref(),
            notification.subject.as_deref(),
            &notification.body,
            notification.html.as_deref(),
            json::word(&notification.state)?,
            notification.reason.as_deref(),
            notification.created_at.as_micros(),
            &notification.created_by,
            notification.changed_at.as_micros(),
            notification.delivery.next_attempt_at.map(Time::as_micros),
            notification.delivery.expires_at.map(Time::as_micros),
            notification.delivery.message_id.as_deref(),
            notification.kind.as_ref().map(json::word).transpose()?
        ],
    )?;
    Ok(added > 0)
}

/// A notification by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: NotificationId) -> Result<Option<Notification>, Error> {
    let sql = format!("SELECT {} FROM notification WHERE tenant = $1 AND id = $2", COLUMNS.join(", "));
    tx.query_opt::<Raw>(&sql, params![tenant.0, id.0])?.map(Raw::read).transpose()
}

/// What one thing brought about, in the order in which it was made.
pub fn of_cause(tx: &mut Tx<'_>, tenant: Tenant, cause: &str) -> Result<Vec<Notification>, Error> {
    // Sorted here: for the order of the primary key, SQLite would walk all the tenant's.
    let found = tx.query::<Raw>(&of_cause_sql(), params![tenant.0, cause])?;
    let mut found = found.into_iter().map(Raw::read).collect::<Result<Vec<Notification>, Error>>()?;
    found.sort_by_key(|notification| notification.id);
    Ok(found)
}

fn of_cause_sql() -> String {
    format!("SELECT {} FROM notification WHERE tenant = $1 AND cause = $2", COLUMNS.join(", "))
}

/// What a list of notifications is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct NotificationFilter {
    /// To recipients in one of these organization groups; none: in any.
    pub organization_groups: Option<Vec<OrganizationGroupId>>,
    /// To this user, or a device of theirs.
    pub user: Option<UserId>,
    /// To this device.
    pub device: Option<DeviceId>,
    /// By this channel.
    pub channel: Option<Channel>,
    /// Standing so.
    pub state: Option<NotificationState>,
    /// Brought about so.
    pub trigger: Option<Trigger>,
    /// Made then or later.
    pub since: Option<Time>,
}

/// What notifications are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationSort {
    /// The time they were made, which their ids follow.
    #[default]
    CreatedAt,
}

/// Where a notification stands in a list.
pub fn key(notification: &Notification) -> Key {
    Key { by: By::Id, id: notification.id.0 }
}

/// Notifications by the time they were made, after a key, without their pages.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    filter: &NotificationFilter,
    descending: bool,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<Notification>, Error> {
    if filter.organization_groups.as_ref().is_some_and(Vec::is_empty) {
        // Not every database takes a list without values.
        return Ok(Vec::new());
    }
    let col = |name: &'static str| Expr::col(("notification", name));
    let mut select = Query::select();
    select.columns(COLUMNS[..WITHOUT_PAGE].iter().map(|column| ("notification", *column))).expr(Expr::cust("NULL"));
    select.from("notification").and_where(col("tenant").eq(tenant.0));
    if let Some(groups) = &filter.organization_groups {
        select.and_where(col("organization_group").is_in(groups.iter().map(|group| group.0)));
    }
    if let Some(user) = filter.user {
        select.and_where(col("user_id").eq(user.0));
    }
    if let Some(device) = filter.device {
        select.and_where(col("device_id").eq(device.0));
    }
    let words = [
        ("channel", filter.channel.as_ref().map(json::word).transpose()?),
        ("state", filter.state.as_ref().map(json::word).transpose()?),
        ("cause_kind", filter.trigger.as_ref().map(json::word).transpose()?),
    ];
    for (column, word) in words {
        if let Some(word) = word {
            select.and_where(col(column).eq(word));
        }
    }
    if let Some(since) = filter.since {
        select.and_where(col("created_at").gte(since.as_micros()));
    }
    listing::sort(&mut select, None, &col("id"), descending, after);
    select.limit(limit.into());
    let (sql, values) = db::build(tx.dialect(), &select)?;
    tx.query::<Raw>(&sql, &values)?.into_iter().map(Raw::read).collect()
}

/// Whether a device has messages it has not fetched yet.
pub fn waits(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<bool, Error> {
    let found: Option<i64> = tx.query_opt(
        "SELECT 1 FROM notification WHERE tenant = $1 AND device_id = $2 AND device_id IS NOT NULL \
         AND state = 'queued' LIMIT 1",
        params![tenant.0, device.0],
    )?;
    Ok(found.is_some())
}

/// Notes that a device has fetched its messages. Says whether there were any.
pub fn deliver(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, now: Time) -> Result<bool, Error> {
    let changed = tx.execute(
        "UPDATE notification SET state = 'delivered', changed_at = $3 \
         WHERE tenant = $1 AND device_id = $2 AND device_id IS NOT NULL AND state = 'queued'",
        params![tenant.0, device.0, now.as_micros()],
    )?;
    Ok(changed > 0)
}

/// Notes that a device's message was read; `false` if the device has no such message. Reading it again changes nothing.
pub fn read(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, id: NotificationId, now: Time) -> Result<bool, Error> {
    let own = params![tenant.0, id.0, device.0, now.as_micros()];
    let changed = tx.execute(
        "UPDATE notification SET state = 'read', changed_at = $4 \
         WHERE tenant = $1 AND id = $2 AND device_id = $3 AND state IN ('queued', 'delivered')",
        own,
    )?;
    if changed > 0 {
        return Ok(true);
    }
    let state: Option<String> = tx.query_opt(
        "SELECT state FROM notification WHERE tenant = $1 AND id = $2 AND device_id = $3",
        params![tenant.0, id.0, device.0],
    )?;
    Ok(state.is_some_and(|state| state == "read"))
}

/// A device's messages, the newest first, without those it was left out of; only those before one, if it is given.
pub fn messages(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    before: Option<NotificationId>,
    limit: i64,
) -> Result<Vec<Notification>, Error> {
    let sql = format!(
        "SELECT {} FROM notification WHERE tenant = $1 AND device_id = $2 AND device_id IS NOT NULL \
         AND state IN ('queued', 'delivered', 'read') AND id < $3 ORDER BY id DESC LIMIT $4",
        COLUMNS.join(", ")
    );
    let before = before.map_or(Uuid::max(), |id| id.0);
    tx.query::<Raw>(&sql, params![tenant.0, device.0, before, limit])?.into_iter().map(Raw::read).collect()
}

/// How many of a device's messages its owner has not read.
pub fn unread(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<i64, Error> {
    let count = tx.query_opt(
        "SELECT COUNT(*) FROM notification WHERE tenant = $1 AND device_id = $2 AND device_id IS NOT NULL \
         AND state IN ('queued', 'delivered')",
        params![tenant.0, device.0],
    )?;
    Ok(count.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;
    use crate::{MIGRATIONS, db::migrate, row, testing::TestDb};

    #[tokio::test]
    async fn what_a_thing_brought_about_is_found_by_its_index() {
        let database = TestDb::sqlite(|_| {}).await;
        migrate::run(&database.db, MIGRATIONS).await.unwrap();
        let plan = database.plan(&of_cause_sql(), row![1_i64, "cause"]).await;
        assert_eq!(plan, "SEARCH notification USING INDEX notification_once (tenant=? AND cause=?)");
    }
}
