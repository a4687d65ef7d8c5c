//! Facts about devices coming in: what sources say, and what devices report.
//!
//! [`apply`] takes a batch of them within one transaction. It must not fail for a single bad fact: that one is
//! rejected and the others are kept.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use allclear_domain::{
    app::App,
    classification,
    detection::{
        BUILT_IN_SOURCE, Detection, DeviceRef, Notice, Observed, ProtectionStatus, SensorReport, SourceEvent, Unmapped,
    },
    device::{Device, ManagementType, SecurityState, Sensor},
    ids::{CommandId, DeviceId, ProfileId, Tenant, ThreatId},
    journal::{Actor, ActorKind, Change, Object},
    profile::{Action, Desired, ResultStatus},
    time::{Span, Time},
};
use allclear_store::{
    db::Tx,
    devices::{self, Key},
    sources::{self, Kept, KeptState},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Error, indicators, work::Work};

/// A fact about a device, or what claims to be one.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    /// A message of a source.
    Source {
        /// The message.
        event: SourceEvent,
        /// What to do when its device is not known.
        unknown_device: UnknownDevice,
    },
    /// The device's agent was in touch.
    Contact(DeviceId),
    /// Commands were handed to the device.
    Delivered {
        /// The device.
        device: DeviceId,
        /// The commands.
        commands: Vec<(CommandId, ProfileId, Action)>,
    },
    /// The device answered to a command.
    Answered {
        /// The device.
        device: DeviceId,
        /// The command.
        command: CommandId,
        /// What it says.
        status: ResultStatus,
        /// In its own words.
        detail: Option<String>,
    },
    /// What the device's agent sees of the device.
    Inventory {
        /// The device.
        device: DeviceId,
        /// What it sees.
        inventory: Inventory,
    },
    /// Time may have changed the device's posture.
    Due(DeviceId),
}

/// What a device's agent sees of the device. What is absent says nothing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inventory {
    /// Facts about the device; its platform never changes.
    pub observed: Observed,
    /// What it sees of how the device is protected.
    pub security: SecurityState,
    /// iOS: whether the device is supervised.
    pub supervised: Option<bool>,
    /// What the sensor says of itself.
    pub protection_status: Option<ProtectionStatus>,
    /// All profiles of ours that are on it, each in which version.
    pub installed: Option<Vec<(ProfileId, u32)>>,
    /// All apps that are on it.
    pub apps: Option<Vec<App>>,
    /// All configuration profiles that are on it, ours or not: their identifiers and UUIDs.
    pub profiles_seen: Option<Vec<String>>,
}

/// What to do with a message about a device nobody knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnknownDevice {
    /// Refuse it; the sender can mend it.
    Reject,
    /// Keep it until the device is known.
    Wait,
}

/// What became of a fact, by the time of the commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Taken in.
    Accepted,
    /// Taken in before; nothing changed.
    Duplicate,
    /// Kept until its device is known.
    Waiting,
    /// Kept as an exception: it could not be understood.
    Exception,
    /// Refused.
    Rejected {
        /// A stable word for programs.
        code: &'static str,
        /// A sentence for people, naming the member.
        detail: String,
    },
}

/// The longest id a source may give anything, in bytes.
const MAX_ID: usize = 200;
/// The most evidence a detection may carry, in bytes of JSON.
const MAX_DETAILS: usize = 16 * 1024;
/// How far a source's clock may be ahead of ours.
const MAX_AHEAD: Span = Span::days(1);

/// Takes batches of facts in, one after the other. One outcome for each fact, in order.
pub fn apply(work: &mut Work<'_, '_>, batches: &[Arc<Vec<Fact>>]) -> Result<Vec<Vec<Outcome>>, Error> {
    let facts: Vec<&Fact> = batches.iter().flat_map(|batch| batch.iter()).collect();
    let mut intake = Intake { work, resolved: HashMap::new(), refreshed: HashSet::new() };
    intake.resolve(&facts)?;
    let mut fresh = intake.see(&facts)?.into_iter();
    let devices: Vec<DeviceId> = facts.iter().filter_map(|fact| intake.device_of(fact)).collect();
    intake.work.load(devices)?;
    batches
        .iter()
        .map(|batch| batch.iter().zip(&mut fresh).map(|(fact, fresh)| intake.take(fact, fresh)).collect())
        .collect()
}

struct Intake<'i, 'w, 'c> {
    work: &'i mut Work<'w, 'c>,
    /// Devices by the reference a source used.
    resolved: HashMap<(String, DeviceRef), Option<DeviceId>>,
    /// Devices whose references changed while the batch was applied.
    refreshed: HashSet<(String, String)>,
}

/// Whether a message was seen before. Messages that are not admitted are not marked as seen.
#[derive(Clone, Copy, PartialEq)]
enum Fresh {
    New,
    Seen,
    NotAsked,
}

impl Intake<'_, '_, '_> {
    /// Finds the devices that messages name, all at once.
    fn resolve(&mut self, facts: &[&Fact]) -> Result<(), Error> {
        let mut wanted: Vec<(String, DeviceRef)> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Source { event: SourceEvent::Detection(it), .. } => Some((it.source.clone(), it.device.clone())),
                Fact::Source { event: SourceEvent::Sensor(it), .. } => Some((it.source.clone(), it.device.clone())),
                _ => None,
            })
            .collect();
        wanted.retain(|key| !self.resolved.contains_key(key));
        let found = locate(self.work.tx, self.work.tenant, &wanted)?;
        self.resolved.extend(wanted.into_iter().zip(found));
        Ok(())
    }

    fn find(&mut self, source: &str, device: &DeviceRef) -> Result<Option<DeviceId>, Error> {
        if let DeviceRef::ExternalId(id) = device
            && self.refreshed.contains(&(source.to_owned(), id.clone()))
        {
            self.resolved.remove(&(source.to_owned(), device.clone()));
            let keys = keys(source, device);
            let found = devices::find_many(self.work.tx, self.work.tenant, &keys)?;
            let found = found.into_iter().zip(&keys).find_map(|(id, key)| id.or_else(|| self.work.loaded_by(key)));
            return Ok(found);
        }
        Ok(self.resolved.get(&(source.to_owned(), device.clone())).copied().flatten())
    }

    fn device_of(&self, fact: &Fact) -> Option<DeviceId> {
        match fact {
            Fact::Source { event: SourceEvent::Detection(it), .. } => {
                self.resolved.get(&(it.source.clone(), it.device.clone())).copied().flatten()
            }
            Fact::Source { event: SourceEvent::Sensor(it), .. } => {
                self.resolved.get(&(it.source.clone(), it.device.clone())).copied().flatten()
            }
            Fact::Source { .. } => None,
            Fact::Contact(device) | Fact::Due(device) => Some(*device),
            Fact::Delivered { device, .. } | Fact::Answered { device, .. } | Fact::Inventory { device, .. } => {
                Some(*device)
            }
        }
    }

    /// Marks the messages that will be taken in or kept, and says which are new.
    fn see(&mut self, facts: &[&Fact]) -> Result<Vec<Fresh>, Error> {
        let tenant = self.work.tenant;
        let mut fresh = vec![Fresh::NotAsked; facts.len()];
        let mut asked: Vec<(usize, Uuid)> = Vec::new();
        for (place, fact) in facts.iter().enumerate() {
            let Fact::Source { event, unknown_device } = fact else { continue };
            let admitted = match event {
                SourceEvent::Detection(it) => {
                    problem(it, self.work.now).is_none()
                        && (*unknown_device == UnknownDevice::Wait || self.device_of(fact).is_some())
                }
                SourceEvent::Sensor(it) => {
                    sensor_problem(it, self.work.now).is_none()
                        && (*unknown_device == UnknownDevice::Wait || self.device_of(fact).is_some())
                }
                SourceEvent::Notice(_) | SourceEvent::Unmapped(_) => true,
            };
            if admitted {
                let (source, event_id) = identity(event);
                asked.push((place, digest(tenant, source, event_id)));
            }
        }
        // In key order, so that neighbours in the table are written together; the first of equals is the new one.
        asked.sort_by_key(|(place, digest)| (*digest, *place));
        let digests: Vec<Uuid> = asked.iter().map(|(_, digest)| *digest).collect();
        for ((place, _), new) in asked.into_iter().zip(sources::see(self.work.tx, tenant, &digests)?) {
            fresh[place] = if new { Fresh::New } else { Fresh::Seen };
        }
        Ok(fresh)
    }

    fn take(&mut self, fact: &Fact, fresh: Fresh) -> Result<Outcome, Error> {
        if fresh == Fresh::Seen {
            return Ok(Outcome::Duplicate);
        }
        match fact {
            Fact::Source { event, unknown_device } => self.take_event(event, *unknown_device),
            Fact::Contact(device) => {
                let now = self.work.now;
                Ok(self.known(*device, |loaded| {
                    heard_of(&mut loaded.record.facts.device.sensor, now);
                    loaded.touch();
                }))
            }
            Fact::Due(device) => Ok(self.known(*device, |loaded| {
                loaded.touch();
            })),
            Fact::Delivered { device, commands } => {
                let names: Vec<String> = commands.iter().map(|(_, profile, _)| self.profile_name(*profile)).collect();
                let now = self.work.now;
                Ok(self.known(*device, |loaded| {
                    heard_of(&mut loaded.record.facts.device.sensor, now);
                    for ((command, profile, action), name) in commands.iter().zip(names) {
                        let report = loaded.report(*profile);
                        // Another poll was faster: its command stands for this one, too.
                        if report.issued.last().is_some_and(|issued| issued.action == *action) {
                            continue;
                        }
                        report.issue(*command, *action, now);
                        let desired = match action {
                            Action::Install(version) => Desired::Install { version: *version },
                            Action::Remove => Desired::Remove,
                        };
                        loaded.change(Change::CommandIssued { command: *command, desired, profile: *profile, name });
                    }
                }))
            }
            Fact::Answered { device, command, status, detail } => {
                self.answer(*device, *command, *status, detail.as_deref())
            }
            Fact::Inventory { device, inventory } => self.inventory(*device, inventory),
        }
    }

    fn known(&mut self, device: DeviceId, change: impl FnOnce(&mut crate::work::Loaded)) -> Outcome {
        match self.work.loaded(device) {
            Some(loaded) => {
                change(loaded);
                Outcome::Accepted
            }
            None => unknown_device("there is no such device"),
        }
    }

    fn profile_name(&self, profile: ProfileId) -> String {
        self.work.rules().profile(profile).map(|profile| profile.name.clone()).unwrap_or_default()
    }

    /// A device's answer to a command; one to a command that is settled or was never given decides nothing.
    fn answer(
        &mut self,
        device: DeviceId,
        command: CommandId,
        status: ResultStatus,
        detail: Option<&str>,
    ) -> Result<Outcome, Error> {
        let now = self.work.now;
        let Some(loaded) = self.work.loaded(device) else { return Ok(unknown_device("there is no such device")) };
        let detail = detail.map(|text| shortened(text, 1000));
        let actor = Actor::new(ActorKind::Device, loaded.record.facts.device.friendly_name.clone());
        heard_of(&mut loaded.record.facts.device.sensor, now);
        if let Some(check) = loaded.record.facts.check.as_mut()
            && check.answer(command, status, now)
        {
            loaded.caused_by(actor, None).change(Change::CheckAnswered { status, detail });
            return Ok(Outcome::Accepted);
        }
        let found = loaded
            .record
            .facts
            .reports
            .iter_mut()
            .find(|report| report.issued.iter().any(|issued| issued.command == command));
        let Some(report) = found else {
            loaded.touch();
            return Ok(Outcome::Duplicate);
        };
        let profile = report.profile;
        report.answer(command, status, detail.clone(), now);
        let report = report.clone();
        let desired = loaded.record.posture.target(profile).map_or(Desired::Nothing, |target| target.desired);
        let name = self.profile_name(profile);
        if let Some(loaded) = self.work.loaded(device) {
            let status = report.status(desired);
            loaded.caused_by(actor, None).change(Change::ProfileReported { profile, name, status, detail });
        }
        Ok(Outcome::Accepted)
    }

    fn take_event(&mut self, event: &SourceEvent, on_unknown: UnknownDevice) -> Result<Outcome, Error> {
        match event {
            SourceEvent::Detection(it) => {
                if let Some((code, detail)) = problem(it, self.work.now) {
                    return self.refuse(event, on_unknown, code, detail);
                }
                match self.find(&it.source, &it.device)? {
                    Some(device) => self.detection(device, it),
                    None => self.homeless(event, &it.device, on_unknown),
                }
            }
            SourceEvent::Sensor(it) => {
                if let Some((code, detail)) = sensor_problem(it, self.work.now) {
                    return self.refuse(event, on_unknown, code, detail);
                }
                match self.find(&it.source, &it.device)? {
                    Some(device) => self.sensor(device, it),
                    None => self.homeless(event, &it.device, on_unknown),
                }
            }
            SourceEvent::Notice(it) => {
                self.notice(it);
                Ok(Outcome::Accepted)
            }
            SourceEvent::Unmapped(it) => {
                let reason = it.reason.clone();
                self.keep(event, KeptState::Exception, None, reason)?;
                Ok(Outcome::Exception)
            }
        }
    }

    /// A message that cannot be: a program that can mend it is told, a feed's is kept.
    fn refuse(
        &mut self,
        event: &SourceEvent,
        on_unknown: UnknownDevice,
        code: &'static str,
        detail: String,
    ) -> Result<Outcome, Error> {
        if on_unknown == UnknownDevice::Reject {
            return Ok(Outcome::Rejected { code, detail });
        }
        let (source, event_id) = identity(event);
        let raw = serde_json::to_string(event).unwrap_or_default();
        let unmapped = SourceEvent::Unmapped(Unmapped {
            event_id: shortened(event_id, MAX_ID),
            source: shortened(source, 64),
            reason: detail.clone(),
            raw: shortened(&raw, 64 * 1024),
        });
        self.keep(&unmapped, KeptState::Exception, None, detail)?;
        Ok(Outcome::Exception)
    }

    fn homeless(
        &mut self,
        event: &SourceEvent,
        device: &DeviceRef,
        on_unknown: UnknownDevice,
    ) -> Result<Outcome, Error> {
        let reason = nobody_knows(device);
        match (on_unknown, device) {
            (UnknownDevice::Reject, _) => Ok(unknown_device(&reason)),
            (UnknownDevice::Wait, DeviceRef::ExternalId(id)) => {
                self.keep(event, KeptState::Waiting, Some(id.clone()), reason)?;
                Ok(Outcome::Waiting)
            }
            (UnknownDevice::Wait, DeviceRef::Id(_) | DeviceRef::SerialNumber(_) | DeviceRef::Udid(_)) => {
                self.keep(event, KeptState::Exception, None, reason)?;
                Ok(Outcome::Exception)
            }
        }
    }

    fn keep(
        &mut self,
        event: &SourceEvent,
        state: KeptState,
        external_id: Option<String>,
        reason: String,
    ) -> Result<(), Error> {
        let (source, event_id) = identity(event);
        let id = self.work.source.id();
        let kept = Kept {
            id,
            source: source.to_owned(),
            event_id: event_id.to_owned(),
            external_id,
            reason: reason.clone(),
            event: event.clone(),
            received_at: self.work.now,
        };
        sources::keep(self.work.tx, self.work.tenant, state, &kept)?;
        let object = Object { kind: "source_event".into(), id: id.to_string(), name: source.to_owned() };
        self.work.note(object, None, Change::SourceEventKept { id, reason });
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) {
        let object = Object { kind: "source".into(), id: notice.event_id.clone(), name: notice.source.clone() };
        self.work.note(object, None, Change::SourceNotice { summary: shortened(&notice.summary, 1000) });
    }

    /// A message about a threat on a device we know.
    fn detection(&mut self, device: DeviceId, detection: &Detection) -> Result<Outcome, Error> {
        let mut detection = Detection {
            classification: classification::canonical(&detection.classification).to_owned(),
            ..detection.clone()
        };
        self.work.load([device])?;
        indicators::annotate(self.work, &mut detection.details, MAX_DETAILS)?;
        let (tenant, now, new_id) = (self.work.tenant, self.work.now, ThreatId(self.work.source.id()));
        let Some((tx, loaded)) = self.work.loaded_with_tx(device) else {
            return Ok(unknown_device("the device was deleted"));
        };
        let actor = Actor::new(ActorKind::Source, detection.source.clone());
        loaded.caused_by(actor, Some(&detection.event_id));
        loaded.detected(tx, tenant, &detection, Some(&detection.details), new_id)?;
        let sensor = &mut loaded.record.facts.device.sensor;
        heard_of(sensor, detection.detected_at.min(now));
        if sensor.reported_at.is_none() && sensor.status.unwrap_or_default() == ProtectionStatus::Pending {
            // A sensor that detects is active, whatever it forgot to say.
            sensor.status = Some(ProtectionStatus::Activated);
        }
        loaded.touch();
        Ok(Outcome::Accepted)
    }

    /// A message about the sensor on a device we know.
    fn sensor(&mut self, device: DeviceId, report: &SensorReport) -> Result<Outcome, Error> {
        self.work.load([device])?;
        let now = self.work.now;
        let Some(loaded) = self.work.loaded(device) else { return Ok(unknown_device("the device was deleted")) };
        loaded.caused_by(Actor::new(ActorKind::Source, report.source.clone()), Some(&report.event_id)).touch();
        let facts = &mut loaded.record.facts.device;
        let newer = facts.sensor.reported_at.is_none_or(|at| report.reported_at >= at);
        let mut fields = Vec::new();
        if newer {
            facts.sensor.reported_at = Some(report.reported_at);
            if let Some(status) = report.protection_status {
                facts.sensor.status = Some(status);
            }
            fields = observe(facts, &report.observed);
        }
        heard_of(&mut facts.sensor, report.reported_at.min(now));
        if !fields.is_empty() {
            loaded.change(Change::DeviceChanged { fields });
        }
        if let Some(external_id) = &report.external_id {
            self.alias(device, &report.source, external_id)?;
        }
        if let DeviceRef::ExternalId(external_id) = &report.device {
            self.release(&report.source, external_id)?;
        }
        Ok(Outcome::Accepted)
    }

    /// What a device's agent sees of the device.
    fn inventory(&mut self, device: DeviceId, inventory: &Inventory) -> Result<Outcome, Error> {
        let now = self.work.now;
        let ours: Vec<(ProfileId, u32)> = inventory
            .installed
            .iter()
            .flatten()
            .filter(|(profile, _)| self.work.rules().profile(*profile).is_some())
            .copied()
            .collect();
        let outcome = self.known(device, |loaded| {
            let facts = &mut loaded.record.facts.device;
            let actor = Actor::new(ActorKind::Device, facts.friendly_name.clone());
            let mut fields = observe(facts, &inventory.observed);
            fields.extend(facts.security.take(&inventory.security).into_iter().map(str::to_owned));
            if let Some(management) = inventory.supervised.and_then(|supervised| managed(facts, supervised)) {
                facts.management = Some(management);
                fields.push("management".to_owned());
            }
            if let Some(status) = inventory.protection_status {
                facts.sensor.status = Some(status);
                facts.sensor.reported_at = Some(now);
            }
            heard_of(&mut facts.sensor, now);
            loaded.caused_by(actor, None).touch();
            if !fields.is_empty() {
                loaded.change(Change::DeviceChanged { fields });
            }
            if inventory.installed.is_some() {
                for (profile, version) in &ours {
                    loaded.report(*profile).installed = Some(*version);
                }
                for report in &mut loaded.record.facts.reports {
                    if !ours.iter().any(|(profile, _)| *profile == report.profile) {
                        report.installed = None;
                    }
                }
            }
        });
        if outcome == Outcome::Accepted {
            let (apps, profiles) = (inventory.apps.as_deref(), inventory.profiles_seen.as_deref());
            indicators::take_in(self.work, device, apps, profiles)?;
        }
        Ok(outcome)
    }

    /// Remembers what a source calls a device, and takes in what waited for that name.
    fn alias(&mut self, device: DeviceId, source: &str, external_id: &str) -> Result<(), Error> {
        if devices::set_alias(self.work.tx, self.work.tenant, source, external_id, device)? {
            self.refreshed.insert((source.to_owned(), external_id.to_owned()));
            if let Some(loaded) = self.work.loaded(device) {
                loaded.change(Change::AliasAdded { source: source.to_owned(), external_id: external_id.to_owned() });
            }
            self.release(source, external_id)?;
        }
        Ok(())
    }

    fn release(&mut self, source: &str, external_id: &str) -> Result<(), Error> {
        for event in sources::take_waiting(self.work.tx, self.work.tenant, source, external_id)? {
            self.refreshed.insert((source.to_owned(), external_id.to_owned()));
            self.take_event(&event, UnknownDevice::Wait)?;
        }
        Ok(())
    }
}

/// How much of an Apple device is managed now that it is known whether it is supervised; none if that is no news.
fn managed(device: &Device, supervised: bool) -> Option<ManagementType> {
    match device.management {
        Some(ManagementType::UserEnrollment) => None,
        Some(ManagementType::Supervised) => (!supervised).then_some(ManagementType::DeviceEnrollment),
        _ if supervised => Some(ManagementType::Supervised),
        Some(ManagementType::DeviceEnrollment) => None,
        _ => Some(ManagementType::DeviceEnrollment),
    }
}

/// Takes over what was observed of a device, and names what changed.
fn observe(device: &mut Device, observed: &Observed) -> Vec<String> {
    let mut fields = Vec::new();
    for (name, known, observed) in [
        ("manufacturer", &mut device.manufacturer, &observed.manufacturer),
        ("model", &mut device.model, &observed.model),
        ("os_version", &mut device.os_version, &observed.os_version),
        ("security_patch_level", &mut device.security_patch_level, &observed.security_patch_level),
    ] {
        if let Some(value) = observed
            && known.as_ref() != Some(value)
        {
            *known = Some(value.clone());
            fields.push(name.to_owned());
        }
    }
    fields
}

/// Takes in what waited for a device that has just become known by these names, whoever the sources are.
pub fn release_waiting(work: &mut Work<'_, '_>, names: &[String]) -> Result<(), Error> {
    let mut waiting = Vec::new();
    for name in names {
        for source in sources::waiting_sources(work.tx, work.tenant, name)? {
            waiting.push((source, name.clone()));
        }
    }
    let mut intake = Intake { work, resolved: HashMap::new(), refreshed: waiting.iter().cloned().collect() };
    for (source, name) in waiting {
        intake.release(&source, &name)?;
    }
    Ok(())
}

/// The devices that sources mean, in order: each by its source and what that calls it.
pub fn locate(tx: &mut Tx<'_>, tenant: Tenant, named: &[(String, DeviceRef)]) -> Result<Vec<Option<DeviceId>>, Error> {
    let mut keys: Vec<Key> = named.iter().flat_map(|(source, device)| keys(source, device)).collect();
    keys.sort_unstable();
    keys.dedup();
    let found = devices::find_many(tx, tenant, &keys)?;
    let found: BTreeMap<Key, Option<DeviceId>> = keys.into_iter().zip(found).collect();
    Ok(named.iter().map(|(source, device)| keys_found(source, device, &found)).collect())
}

/// Takes events in that come from a message kept aside: they count as new, though the message was seen before.
pub fn take_again(work: &mut Work<'_, '_>, events: &[SourceEvent]) -> Result<Vec<Outcome>, Error> {
    let facts: Vec<Fact> =
        events.iter().map(|event| Fact::Source { event: event.clone(), unknown_device: UnknownDevice::Wait }).collect();
    let mut intake = Intake { work, resolved: HashMap::new(), refreshed: HashSet::new() };
    intake.resolve(&facts.iter().collect::<Vec<_>>())?;
    facts.iter().map(|fact| intake.take(fact, Fresh::New)).collect()
}

fn unknown_device(detail: &str) -> Outcome {
    Outcome::Rejected { code: "unknown_device", detail: detail.to_owned() }
}

/// Records that something was heard of the device, if that is news.
pub(crate) fn heard_of(sensor: &mut Sensor, at: Time) {
    if sensor.last_contact.is_none_or(|last| at.since(last) >= Sensor::CONTACT_STEP) {
        sensor.last_contact = Some(at);
    }
}

/// The keys under which to look for a device, the surest first.
fn keys(source: &str, device: &DeviceRef) -> Vec<Key> {
    match device {
        DeviceRef::Id(id) => vec![Key::Id(*id)],
        DeviceRef::SerialNumber(serial) => vec![Key::SerialNumber(serial.clone())],
        DeviceRef::Udid(udid) => vec![Key::Udid(udid.clone())],
        DeviceRef::ExternalId(name) => {
            let mut keys = vec![Key::Alias(source.to_owned(), name.clone())];
            keys.extend(name.parse().ok().map(Key::Id));
            keys.extend([Key::SerialNumber(name.clone()), Key::Udid(name.clone()), Key::ExternalId(name.clone())]);
            keys
        }
    }
}

fn keys_found(source: &str, device: &DeviceRef, found: &BTreeMap<Key, Option<DeviceId>>) -> Option<DeviceId> {
    keys(source, device).iter().find_map(|key| found.get(key).copied().flatten())
}

/// What is said of a message about a device that nobody knows.
pub fn nobody_knows(device: &DeviceRef) -> String {
    let named = match device {
        DeviceRef::Id(id) => format!("id {id}"),
        DeviceRef::SerialNumber(serial) => format!("serial number {serial:?}"),
        DeviceRef::Udid(udid) => format!("UDID {udid:?}"),
        DeviceRef::ExternalId(id) => format!("external id {id:?}, nor has it as id, serial number or UDID"),
    };
    format!("no device is known by {named}")
}

fn identity(event: &SourceEvent) -> (&str, &str) {
    match event {
        SourceEvent::Detection(it) => (&it.source, &it.event_id),
        SourceEvent::Sensor(it) => (&it.source, &it.event_id),
        SourceEvent::Notice(it) => (&it.source, &it.event_id),
        SourceEvent::Unmapped(it) => (&it.source, &it.event_id),
    }
}

/// 128 bits of a hash over source and event id.
fn digest(tenant: Tenant, source: &str, event_id: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(tenant.0.to_be_bytes());
    hash.update(source.len().to_be_bytes());
    hash.update(source);
    hash.update(event_id);
    let hash = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}

/// Why a detection cannot be taken in: code and sentence.
pub fn problem(detection: &Detection, now: Time) -> Option<(&'static str, String)> {
    source_problem(&detection.source)
        .or_else(|| id_problem("event_id", &detection.event_id))
        .or_else(|| id_problem("threat_id", &detection.threat_id))
        .or_else(|| device_problem(&detection.device))
        .or_else(|| {
            let name = &detection.classification;
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '));
            (name.is_empty() || name.len() > 64 || !plain).then(|| {
                ("invalid_classification", "classification must be 1 to 64 letters, digits, `_`, `-` or spaces".into())
            })
        })
        .or_else(|| time_problem("detected_at", detection.detected_at, now))
        .or_else(|| {
            let size = serde_json::to_vec(&detection.details).map_or(usize::MAX, |bytes| bytes.len());
            (size > MAX_DETAILS)
                .then(|| ("details_too_large", format!("details are {size} bytes of JSON; at most {MAX_DETAILS}")))
        })
}

fn sensor_problem(report: &SensorReport, now: Time) -> Option<(&'static str, String)> {
    let observed = &report.observed;
    source_problem(&report.source)
        .or_else(|| id_problem("event_id", &report.event_id))
        .or_else(|| device_problem(&report.device))
        .or_else(|| report.external_id.as_deref().and_then(|id| id_problem("external_id", id)))
        .or_else(|| time_problem("reported_at", report.reported_at, now))
        .or_else(|| {
            [&observed.manufacturer, &observed.model, &observed.os_version, &observed.security_patch_level]
                .into_iter()
                .flatten()
                .find_map(|text| id_problem("observed", text))
        })
}

fn source_problem(source: &str) -> Option<(&'static str, String)> {
    if source == BUILT_IN_SOURCE {
        return Some(("invalid_source", format!("source {source:?} is this server itself")));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let good = (1..=64).contains(&source.len()) && source.bytes().all(plain);
    (!good).then(|| ("invalid_source", "source must be 1 to 64 characters of a-z, 0-9, `_` and `-`".into()))
}

fn id_problem(name: &str, id: &str) -> Option<(&'static str, String)> {
    let good = (1..=MAX_ID).contains(&id.len()) && !id.chars().any(char::is_control);
    (!good).then(|| ("invalid_id", format!("{name} must be 1 to {MAX_ID} bytes without control characters")))
}

fn device_problem(device: &DeviceRef) -> Option<(&'static str, String)> {
    match device {
        DeviceRef::Id(_) => None,
        DeviceRef::SerialNumber(id) => id_problem("device.serial_number", id),
        DeviceRef::Udid(id) => id_problem("device.udid", id),
        DeviceRef::ExternalId(id) => id_problem("device.external_id", id),
    }
}

fn time_problem(name: &str, at: Time, now: Time) -> Option<(&'static str, String)> {
    (at > now.plus(MAX_AHEAD))
        .then(|| ("in_the_future", format!("{name} is {at}, more than a day ahead of this server's clock ({now})")))
}

/// The text, cut at a character border to at most so many bytes.
pub(crate) fn shortened(text: &str, bytes: usize) -> String {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
