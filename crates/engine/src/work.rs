//! A writer at work: one transaction of one tenant, from the lock to the commit.
//!
//! Everything that changes a fact goes through here, so that posture, the rows lists read, the user's sums and the
//! journal change in the same commit as the fact. Knows nothing of queues, HTTP or waiting.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use allclear_domain::{
    app::App,
    detection::{BUILT_IN_SOURCE, ThreatStatus},
    device::{Device, DeviceFacts, EnrollmentStatus},
    evaluate::{Evaluation, evaluate},
    ids::{DeviceId, OrganizationGroupId, Tenant, ThreatId, UserId},
    journal::{Actor, Change, Entry, Object},
    notification::{Channel, NotificationState, Transport},
    posture::{Posture, PostureChange, diff},
    profile::{ProfileReport, ProfileStatus},
    rules::Rules,
    score::incident_score,
    threat::Threat,
    time::{Span, Time},
};
use allclear_store::{
    account_status::StatusChange,
    db::Tx,
    devices::{self, DeviceRecord, Key, Since},
    enforcement as timed,
    journal::{self, Append},
    push_tokens, rules,
    tenants::{self, TenantRow},
    threats::{self, ThreatWrite},
    tokens,
    users::{self, UserDelta},
};

use crate::{Error, account_status, enforcement, posture_rules, source::Source};

/// The rules of tenants, as loaded last. Checked against the tenant's row in every transaction.
pub(crate) type RulesCache = std::sync::RwLock<HashMap<Tenant, Arc<Rules>>>;

/// One transaction of one tenant.
pub struct Work<'w, 'c> {
    /// The open transaction.
    pub tx: &'w mut Tx<'c>,
    /// The tenant.
    pub tenant: Tenant,
    /// The time of the commit.
    pub now: Time,
    /// Where ids and secrets come from.
    pub source: &'w dyn Source,
    actor: Actor,
    row: TenantRow,
    rules: Arc<Rules>,
    devices: BTreeMap<DeviceId, Loaded>,
    objects: Vec<(Object, Option<OrganizationGroupId>, Vec<Change>)>,
}

/// A device being worked on.
#[derive(Debug)]
pub struct Loaded {
    old: Option<DeviceRecord>,
    /// The record as it will be stored; change its facts, not its posture.
    pub record: DeviceRecord,
    changes: Vec<Change>,
    events: Vec<String>,
    actor: Option<Actor>,
    threats: Vec<ThreatWrite>,
    credential: Option<tokens::Hash>,
    /// The denylisted apps on it, where it was looked in this transaction.
    pub(crate) apps: Option<Vec<App>>,
    touched: bool,
    deleted: bool,
}

/// What a committed transaction means for those who wait.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// Devices with something new to do.
    pub woken: Vec<DeviceId>,
    /// Devices with a new message.
    pub told: Vec<DeviceId>,
    /// Devices about which anything changed.
    pub touched: Vec<DeviceId>,
    /// The journal position before.
    pub from: i64,
    /// The newest journal position.
    pub position: i64,
    /// How many devices were written.
    pub changed: usize,
    /// How long it took from threats to restrictions that are now in force.
    pub enforced: Vec<Span>,
    /// Whether a mail or text message was queued.
    pub queued: bool,
}

/// How many threats that are no longer open stay in a device's own record.
const CLOSED_THREATS_KEPT: usize = 32;

impl<'w, 'c> Work<'w, 'c> {
    /// Locks the tenant and makes sure of its rules.
    pub(crate) fn begin(
        tx: &'w mut Tx<'c>,
        tenant: Tenant,
        now: Time,
        source: &'w dyn Source,
        cache: &RulesCache,
        actor: Actor,
    ) -> Result<Self, Error> {
        let row = tenants::lock(tx, tenant)?.ok_or(Error::NotFound("organization group"))?;
        let rules = current_rules(tx, tenant, row, cache)?;
        Ok(Self { tx, tenant, now, source, actor, row, rules, devices: BTreeMap::new(), objects: Vec::new() })
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The rules in force, to be held while the writer goes on.
    pub fn rules_handle(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    /// Who is at work.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Says that rules were changed in this transaction: they are loaded again, and everybody else will, too.
    pub fn rules_changed(&mut self) -> Result<(), Error> {
        self.row.rules_version += 1;
        self.rules = Arc::new(rules::load(self.tx, self.tenant, self.row.rules_version)?);
        Ok(())
    }

    /// Writes a change of something that is not a device into the journal.
    pub fn note(&mut self, object: Object, organization_group: Option<OrganizationGroupId>, change: Change) {
        match self.objects.last_mut() {
            Some((last, _, changes)) if *last == object => changes.push(change),
            _ => self.objects.push((object, organization_group, vec![change])),
        }
    }

    /// Takes devices to work on; those that are not there are left out.
    pub fn load(&mut self, ids: impl IntoIterator<Item = DeviceId>) -> Result<(), Error> {
        let wanted: BTreeSet<DeviceId> = ids.into_iter().filter(|id| !self.devices.contains_key(id)).collect();
        let wanted: Vec<DeviceId> = wanted.into_iter().collect();
        for record in devices::get_many(self.tx, self.tenant, &wanted)? {
            self.devices.insert(record.id(), Loaded::new(record));
        }
        Ok(())
    }

    /// A device to work on, if it is there.
    pub fn device(&mut self, id: DeviceId) -> Result<Option<&mut Loaded>, Error> {
        self.load([id])?;
        Ok(self.loaded(id))
    }

    /// A device taken by [`Work::load`].
    pub fn loaded(&mut self, id: DeviceId) -> Option<&mut Loaded> {
        self.devices.get_mut(&id).filter(|loaded| !loaded.deleted)
    }

    /// [`Work::loaded`], and the transaction to read more of the device.
    pub(crate) fn loaded_with_tx(&mut self, id: DeviceId) -> Option<(&mut Tx<'c>, &mut Loaded)> {
        let loaded = self.devices.get_mut(&id).filter(|loaded| !loaded.deleted)?;
        Some((&mut *self.tx, loaded))
    }

    /// The device at work in this transaction that has a key: its row may not be written yet.
    pub(crate) fn loaded_by(&self, key: &Key) -> Option<DeviceId> {
        let has = |loaded: &&Loaded| {
            let device = &loaded.record.facts.device;
            match key {
                Key::Id(id) => device.id == *id,
                Key::SerialNumber(serial) => device.serial_number.as_ref() == Some(serial),
                Key::Udid(udid) => device.udid.as_ref() == Some(udid),
                Key::ExternalId(id) => device.external_id.as_ref() == Some(id),
                Key::Alias(..) => false,
            }
        };
        self.devices.values().filter(|loaded| !loaded.deleted).find(has).map(|loaded| loaded.record.id())
    }

    /// Adds a new device.
    pub fn create_device(&mut self, device: Device) -> &mut Loaded {
        let record = DeviceRecord {
            facts: DeviceFacts { device, threats: Vec::new(), reports: Vec::new(), check: None },
            posture: Posture::default(),
            since: Since { risk: self.now, protection: self.now, compliance: self.now, parts: BTreeMap::new() },
            last_entry: 0,
            archived_threats: false,
            due_at: None,
            version: 0,
        };
        let id = record.id();
        let mut loaded = Loaded::new(record);
        loaded.old = None;
        loaded.change(Change::DeviceCreated);
        self.devices.entry(id).insert_entry(loaded).into_mut()
    }

    /// Deletes a device and everything kept about it but its journal.
    pub fn delete_device(&mut self, id: DeviceId) -> Result<(), Error> {
        let loaded = self.device(id)?.ok_or(Error::NotFound("device"))?;
        loaded.deleted = true;
        loaded.change(Change::DeviceDeleted);
        Ok(())
    }

    /// Evaluates what was touched, writes everything and says whom to wake. The caller commits.
    pub(crate) fn finish(self) -> Result<Committed, Error> {
        self.finish_with(|_, _| Ok(()))
    }

    /// [`Work::finish`], and `last` before the end of the transaction, which is told what was written.
    pub(crate) fn finish_with(
        mut self,
        last: impl FnOnce(&mut Tx<'_>, &Committed) -> Result<(), Error>,
    ) -> Result<Committed, Error> {
        let devices = std::mem::take(&mut self.devices);
        let mut settled: Vec<Settled> = Vec::new();
        for (_, loaded) in devices {
            if loaded.touched
                && let Some(one) = self.settle(loaded)?
            {
                settled.push(one);
            }
        }
        self.sum_up_users(&mut settled)?;
        let mut appends = Vec::new();
        let mut committed = Committed { from: self.row.journal_position, ..Committed::default() };
        for one in &mut settled {
            committed.touched.push(one.record.id());
            if one.changes.iter().any(is_new_message) {
                committed.told.push(one.record.id());
            }
            if one.actions_changed {
                committed.woken.push(one.record.id());
                self.time_enforcement(one, &mut committed.enforced)?;
            }
            if !one.changes.is_empty() {
                appends.push(self.device_entry(one));
            }
        }
        for (object, organization_group, changes) in std::mem::take(&mut self.objects) {
            committed.queued |= changes.iter().any(is_queued);
            let entry = Entry {
                position: self.next_position(),
                at: self.now,
                actor: self.actor.clone(),
                device_id: None,
                object: Some(object),
                events: Vec::new(),
                changes,
            };
            appends.push(Append { entry, organization_group, previous: None });
        }
        let writes: Vec<devices::Write<'_>> = settled
            .iter()
            .filter(|one| !one.deleted)
            .map(|one| devices::Write { new: &one.record, old: one.old.as_ref() })
            .collect();
        committed.changed = settled.len();
        devices::write_many(self.tx, self.tenant, &writes)?;
        for one in settled.iter().filter(|one| one.deleted) {
            if let Some(old) = &one.old {
                devices::delete(self.tx, self.tenant, old)?;
            }
        }
        for one in settled.iter().filter(|one| !one.deleted && has_left(&one.record)) {
            push_tokens::forget(self.tx, self.tenant, one.record.id())?;
        }
        for one in settled.iter().filter(|one| !one.deleted) {
            if let Some(credential) = &one.credential {
                let device = one.record.id();
                tokens::delete_device_credentials(self.tx, self.tenant, device)?;
                tokens::insert_device_credential(self.tx, self.tenant, device, credential, self.now)?;
            }
        }
        let threat_writes: Vec<ThreatWrite> = settled.iter().flat_map(|one| one.threats.iter().cloned()).collect();
        threats::write_many(self.tx, self.tenant, &threat_writes)?;
        journal::append(self.tx, self.tenant, &appends)?;
        tenants::update(self.tx, self.tenant, self.row)?;
        committed.position = self.row.journal_position;
        last(self.tx, &committed)?;
        Ok(committed)
    }

    /// Counts how long it took until the profiles a threat asked for are on the device.
    fn time_enforcement(&mut self, one: &Settled, enforced: &mut Vec<Span>) -> Result<(), Error> {
        let Some(old) = one.old.as_ref().filter(|_| !one.deleted) else { return Ok(()) };
        for profile in enforcement::newly_installed(old, &one.record) {
            let Some(wanted_since) = one.record.since.parts.get(&profile.0) else { continue };
            let device = one.record.id();
            let began = enforcement::began(self.tx, self.tenant, device, old.last_entry, profile, *wanted_since)?;
            if let Some(began) = began {
                let span = self.now.since(began);
                let group = one.record.facts.device.organization_group;
                let (hour, bucket) = (enforcement::hour(self.now), enforcement::bucket(span));
                timed::add(self.tx, self.tenant, hour, group, bucket)?;
                enforced.push(span);
            }
        }
        Ok(())
    }

    fn next_position(&mut self) -> i64 {
        self.row.journal_position += 1;
        self.row.journal_position
    }

    fn device_entry(&mut self, one: &mut Settled) -> Append {
        let position = self.next_position();
        let previous = Some(one.record.last_entry).filter(|position| *position > 0);
        one.record.last_entry = position;
        Append {
            entry: Entry {
                position,
                at: self.now,
                actor: one.actor.clone().unwrap_or_else(|| self.actor.clone()),
                device_id: Some(one.record.id()),
                object: None,
                events: std::mem::take(&mut one.events),
                changes: std::mem::take(&mut one.changes),
            },
            organization_group: Some(one.record.facts.device.organization_group),
            previous,
        }
    }

    /// Evaluates one device. `None` if nothing about it changed.
    fn settle(&mut self, mut loaded: Loaded) -> Result<Option<Settled>, Error> {
        let judged_until = if loaded.deleted {
            None
        } else {
            posture_rules::apply(self.tx, self.tenant, self.source, &self.rules, &mut loaded, self.now)?
        };
        let record = &mut loaded.record;
        let mut archive = retire_closed(record, &self.rules, self.now);
        record.facts.reports.retain(|report| !report.is_empty());
        let before = loaded.old.as_ref().map(|old| old.posture.clone()).unwrap_or_default();
        let posture = if loaded.deleted {
            Posture::default()
        } else {
            let Evaluation { posture, valid_until } = evaluate(&self.rules, &record.facts, &before, self.now);
            let valid_until = valid_until.into_iter().chain(judged_until).min();
            record.due_at = due(record.due_at, valid_until, self.now);
            posture
        };
        let changes = if loaded.deleted { Vec::new() } else { diff(&before, &posture) };
        self.keep_time(&mut record.since, &changes);
        loaded.changes.extend(changes.iter().filter_map(|change| self.journal_change(change)));
        record.posture = posture;
        let unchanged = loaded.old.as_ref() == Some(record) && !loaded.deleted;
        if unchanged && loaded.changes.is_empty() && loaded.threats.is_empty() && loaded.credential.is_none() {
            return Ok(None);
        }
        record.version += 1;
        let asked = |change: &Change| {
            matches!(
                change,
                Change::Notified { .. }
                    | Change::CheckRequested { .. }
                    | Change::CommandRequested { .. }
                    | Change::CommandCancelled { .. }
                    | Change::DeviceEnrolled
                    | Change::DeviceUnenrolled
                    | Change::DeviceDeleted
            )
        };
        let actions_changed = loaded.changes.iter().any(asked)
            || loaded.old.as_ref().is_none_or(|old| {
                old.posture.profiles != record.posture.profiles || old.facts.reports != record.facts.reports
            });
        loaded.threats.append(&mut archive);
        Ok(Some(Settled {
            old: loaded.old,
            record: loaded.record,
            changes: loaded.changes,
            events: loaded.events,
            actor: loaded.actor,
            threats: loaded.threats,
            credential: loaded.credential,
            deleted: loaded.deleted,
            actions_changed,
        }))
    }

    /// Remembers since when the parts that changed have been as they are.
    fn keep_time(&self, since: &mut Since, changes: &[PostureChange]) {
        for change in changes {
            match change {
                PostureChange::Risk(..) => since.risk = self.now,
                PostureChange::Protection(..) => since.protection = self.now,
                PostureChange::Compliance(..) => since.compliance = self.now,
                PostureChange::TagAdded(tag) => {
                    since.parts.insert(tag.0, self.now);
                }
                PostureChange::GroupJoined(group) => {
                    since.parts.insert(group.0, self.now);
                }
                PostureChange::Profile(target, _) => {
                    since.parts.insert(target.profile.0, self.now);
                }
                PostureChange::TagRemoved(tag) => {
                    since.parts.remove(&tag.0);
                }
                PostureChange::GroupLeft(group) => {
                    since.parts.remove(&group.0);
                }
                PostureChange::ProfileDropped(target) => {
                    since.parts.remove(&target.profile.0);
                }
                PostureChange::Score(..) => {}
            }
        }
    }

    /// A change of posture in the journal's words, with the names of the time.
    fn journal_change(&self, change: &PostureChange) -> Option<Change> {
        let rules = &self.rules;
        let tag_name = |id| rules.tag(id).map(|tag| tag.name.clone()).unwrap_or_default();
        let group_name = |id| rules.smart_group(id).map(|group| group.name.clone()).unwrap_or_default();
        let profile_name = |id| rules.profile(id).map(|profile| profile.name.clone()).unwrap_or_default();
        Some(match change {
            PostureChange::Risk(from, to) => Change::Risk { from: *from, to: *to },
            PostureChange::Protection(from, to) => Change::Protection { from: *from, to: *to },
            PostureChange::Compliance(from, to) => Change::Compliance { from: *from, to: *to },
            PostureChange::TagAdded(tag) => Change::TagAdded { tag: *tag, name: tag_name(*tag) },
            PostureChange::TagRemoved(tag) => Change::TagRemoved { tag: *tag, name: tag_name(*tag) },
            PostureChange::GroupJoined(group) => {
                Change::SmartGroupJoined { smart_group: *group, name: group_name(*group) }
            }
            PostureChange::GroupLeft(group) => Change::SmartGroupLeft { smart_group: *group, name: group_name(*group) },
            PostureChange::Profile(target, _) => Change::Profile {
                profile: target.profile,
                name: profile_name(target.profile),
                desired: target.desired,
                reason: target.reason,
            },
            PostureChange::ProfileDropped(_) => return None,
            PostureChange::Score(from, to) => Change::Score { from: points(*from), to: points(*to) },
        })
    }

    /// Adds what changed on devices to their users' sums.
    fn sum_up_users(&mut self, settled: &mut [Settled]) -> Result<(), Error> {
        let mut deltas: BTreeMap<UserId, (UserDelta, usize)> = BTreeMap::new();
        for (place, one) in settled.iter().enumerate() {
            let old = one.old.as_ref().map(|old| (old.facts.device.user, share(old, -1)));
            let new = (!one.deleted).then(|| (one.record.facts.device.user, share(&one.record, 1)));
            for (user, delta) in [old, new].into_iter().flatten() {
                if let Some(user) = user {
                    let sum = deltas.entry(user).or_default();
                    sum.0.add(delta);
                    sum.1 = place;
                }
            }
        }
        deltas.retain(|_, (delta, _)| !delta.is_zero());
        let list: Vec<(UserId, UserDelta)> = deltas.iter().map(|(user, (delta, _))| (*user, *delta)).collect();
        let mut statuses = Vec::new();
        for (user, after) in users::apply(self.tx, self.tenant, &list)? {
            let Some((delta, place)) = deltas.get(&user) else { continue };
            let mut before = after;
            for (count, change) in before.iter_mut().zip(delta.incidents) {
                *count -= change;
            }
            let (from, to) = (users::severity(before), users::severity(after));
            if from != to {
                settled[*place].changes.push(Change::UserRisk { user, from, to });
                statuses.push(StatusChange { user, from, to });
            }
        }
        account_status::changed(self.tx, self.tenant, &self.rules.settings, &statuses, self.now)
    }
}

struct Settled {
    old: Option<DeviceRecord>,
    record: DeviceRecord,
    changes: Vec<Change>,
    events: Vec<String>,
    actor: Option<Actor>,
    threats: Vec<ThreatWrite>,
    credential: Option<tokens::Hash>,
    deleted: bool,
    actions_changed: bool,
}

impl Loaded {
    fn new(record: DeviceRecord) -> Self {
        Self {
            old: Some(record.clone()),
            record,
            changes: Vec::new(),
            events: Vec::new(),
            actor: None,
            threats: Vec::new(),
            credential: None,
            apps: None,
            touched: false,
            deleted: false,
        }
    }

    /// Has the device evaluated, whether or not its facts changed.
    pub fn touch(&mut self) -> &mut Self {
        self.touched = true;
        self
    }

    /// Notes a change of its facts.
    pub fn change(&mut self, change: Change) -> &mut Self {
        self.touched = true;
        self.changes.push(change);
        self
    }

    /// Notes the message that brought a change about, and who sent it.
    pub fn caused_by(&mut self, actor: Actor, event: Option<&str>) -> &mut Self {
        self.actor = Some(actor);
        self.events.extend(event.map(str::to_owned));
        self
    }

    /// Gives the device a new credential, kept as a hash, in place of all it had.
    pub fn set_credential(&mut self, hash: tokens::Hash) -> &mut Self {
        self.touched = true;
        self.credential = Some(hash);
        self
    }

    /// Has a threat written. `details` is the evidence to keep, if it is new; `known` says that it has a row.
    pub fn write_threat(
        &mut self,
        threat: &allclear_domain::threat::Threat,
        details: Option<String>,
        known: bool,
    ) -> &mut Self {
        self.touched = true;
        if let Some(write) = self.threats.iter_mut().find(|write| write.threat.id == threat.id) {
            write.threat = threat.clone();
            if details.is_some() {
                write.details = details;
            }
        } else {
            let device = &self.record.facts.device;
            self.threats.push(ThreatWrite {
                threat: threat.clone(),
                device: device.id,
                organization_group: device.organization_group,
                details,
                known,
                archived: false,
            });
        }
        self
    }

    /// The report about a profile, made if there is none yet.
    pub fn report(&mut self, profile: allclear_domain::ids::ProfileId) -> &mut ProfileReport {
        self.touched = true;
        let reports = &mut self.record.facts.reports;
        let index = match reports.iter().position(|report| report.profile == profile) {
            Some(index) => index,
            None => {
                reports.push(ProfileReport::new(profile));
                reports.len() - 1
            }
        };
        &mut reports[index]
    }
}

/// Whether a mail or text message waits for a node that sends it.
fn is_queued(change: &Change) -> bool {
    matches!(change, Change::Notified { state: NotificationState::Queued, channel, .. } if Transport::of(*channel).is_some())
}

/// The tenant's rules at the version of its row, loaded if the ones at hand are others.
pub(crate) fn current_rules(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    row: TenantRow,
    cache: &RulesCache,
) -> Result<Arc<Rules>, Error> {
    let cached = cache.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&tenant).cloned();
    match cached {
        Some(rules) if rules.version == row.rules_version => Ok(rules),
        _ => {
            let loaded = Arc::new(rules::load(tx, tenant, row.rules_version)?);
            cache.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(tenant, Arc::clone(&loaded));
            Ok(loaded)
        }
    }
}

/// Whether a device is not managed any more and has nothing left to take off: there is nothing more to tell its agent.
fn has_left(record: &DeviceRecord) -> bool {
    let settled =
        |target| !matches!(record.profile_status(target), Some(ProfileStatus::PendingRemoval | ProfileStatus::Failed));
    record.facts.device.enrollment == EnrollmentStatus::Unenrolled && record.posture.profiles.iter().all(settled)
}

fn is_new_message(change: &Change) -> bool {
    matches!(change, Change::Notified { channel: Channel::DeviceMessage, state: NotificationState::Queued, .. })
}

/// Moves the oldest threats that no longer matter out of the record: not open, and without a score that still fades.
fn retire_closed(record: &mut DeviceRecord, rules: &Rules, now: Time) -> Vec<ThreatWrite> {
    let facts = &mut record.facts;
    // What the built-in source still sees it must find again.
    let standing = |threat: &Threat| threat.source == BUILT_IN_SOURCE && threat.reported != ThreatStatus::Resolved;
    let closed = facts.threats.iter().filter(|threat| !threat.is_open() && !standing(threat)).count();
    let Some(surplus) = closed.checked_sub(CLOSED_THREATS_KEPT).filter(|surplus| *surplus > 0) else { return vec![] };
    let matters = |threat: &Threat| {
        let level = rules.protections.rate(threat, rules.trusts(&threat.source)).0;
        threat.is_open() || standing(threat) || incident_score(threat, level, &rules.settings.scores, now).0 > 0
    };
    let idle = facts.threats.iter().filter(|threat| !matters(threat));
    let mut oldest: Vec<(Time, ThreatId)> = idle.map(|threat| (threat.changed_at, threat.id)).collect();
    oldest.sort_unstable();
    oldest.truncate(surplus);
    record.archived_threats |= !oldest.is_empty();
    let (device, organization_group) = (facts.device.id, facts.device.organization_group);
    let retired = facts.threats.extract_if(.., |threat| oldest.contains(&(threat.changed_at, threat.id)));
    retired
        .map(|threat| ThreatWrite { threat, device, organization_group, details: None, known: true, archived: true })
        .collect()
}

/// When the device is due: the stored time stays while it is early enough, so that its index is seldom touched.
fn due(stored: Option<Time>, valid_until: Option<Time>, now: Time) -> Option<Time> {
    match (stored, valid_until) {
        (Some(stored), Some(until)) if stored > now => Some(stored.min(until)),
        (Some(stored), None) if stored > now => Some(stored),
        (_, until) => until,
    }
}

/// What a device adds to its user's sums.
fn share(record: &DeviceRecord, sign: i64) -> UserDelta {
    let posture = &record.posture;
    UserDelta {
        devices: sign,
        score: sign * posture.score,
        incidents: posture.incidents.map(|count| sign * i64::from(count)),
    }
}

/// Thousandths of a point as points.
#[expect(clippy::cast_precision_loss, reason = "scores stay far below 2^52")]
pub fn points(score: allclear_domain::score::MilliPoints) -> f64 {
    score as f64 / 1000.0
}
