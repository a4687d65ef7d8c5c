//! Weeks of a company's life, written afterwards: phones come, catch threats and lose them, answer or stay away.
//!
//! Everything goes through the engine as it would have at the time; only the clock is set.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use allclear_domain::{
    detection::{Detection, DeviceRef, Observed, ProtectionStatus, SensorReport, SourceEvent, ThreatStatus},
    device::{Device, EnrollmentCategory, EnrollmentStatus, ManagementType, Ownership, Sensor},
    ids::{CommandId, DeviceId, OrganizationGroupId, Tenant},
    journal::{Actor, ActorKind, Change},
    level::Platform,
    profile::{Action, ResultStatus},
    time::{Span, Time},
};
use allclear_engine::{
    Engine, account_status,
    ingest::{Fact, UnknownDevice},
    jobs, scheduler,
    source::Source,
    trend,
};
use allclear_store::devices;
use anyhow::Result;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    clock::PastClock,
    company::{self, Employee},
};
use crate::plausible::{self, ThreatKind};

/// How much is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// People.
    pub(super) users: usize,
    /// Phones.
    pub(super) devices: usize,
    /// Days.
    pub(super) days: u32,
    /// What is drawn.
    pub(super) seed: u64,
}

/// Moments a day at which something happens; they are what commits are made of.
const MOMENTS: u32 = 24;
/// A phone catches something every so many days.
const CATCHES: f64 = 24.0;
/// A phone is in touch every so many days.
const CONTACTS: f64 = 9.0;
/// Facts in one transaction.
const STEP: usize = 256;
/// Who finds threats.
const SENSOR: &str = "sensor";

/// What a phone comes to, apart from threats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Ordinary,
    /// The sensor is never activated.
    Pending,
    /// The sensor is switched off or removed.
    Lost(ProtectionStatus),
    /// It is never heard of again.
    Silent,
    /// It is handed back.
    Unenrolled,
}

struct Phone {
    device: Device,
    owner: String,
    fate: Fate,
}

enum Event {
    Enroll(usize),
    Contact(usize),
    Threat { phone: usize, number: usize, kind: ThreatKind, status: ThreatStatus },
    Fate(usize),
}

/// Writes it all; the clock ends shortly before `now`. Says how many threats there were.
pub(super) async fn write(
    engine: &Engine,
    clock: &PastClock,
    (tenant, root): (Tenant, OrganizationGroupId),
    extent: Extent,
    now: Time,
) -> Result<usize> {
    let mut random = StdRng::seed_from_u64(extent.seed);
    let start = now.minus(Span::days(extent.days.into()));
    clock.set(start);
    let employees = company::found(engine, (tenant, root), extent.users, &mut random).await?;
    let moments = moments(start, now, extent.days, &mut random);
    let (phones, mut events) = plan(&employees, &moments, extent, clock, &mut random);
    let mut writer = Writer { engine, tenant, clock, phones, random, waiting: BTreeSet::new(), threats: 0 };
    for (place, at) in moments.iter().enumerate() {
        clock.set(*at);
        if place % MOMENTS as usize == 0 {
            jobs::run_all(engine).await?;
            scheduler::run_due(engine, tenant).await?;
            account_status::run_due(engine, tenant).await?;
        }
        writer.moment(events.remove(&place).unwrap_or_default()).await?;
        // The last moment of a day is when the day is counted for the dashboard.
        if moments.get(place + 1).is_none_or(|next| trend::day(*next) != trend::day(*at)) {
            trend::count(engine, tenant).await?;
        }
    }
    Ok(writer.threats)
}

/// When something happens: by day mostly, at least two minutes apart, the last one before `now`.
fn moments(start: Time, now: Time, days: u32, random: &mut StdRng) -> Vec<Time> {
    let mut moments = Vec::new();
    for day in 0..days {
        let morning = start.plus(Span::days(day.into()));
        for part in 0..i64::from(MOMENTS) {
            // The day is cut into equal parts, each with its moment somewhere in its first half.
            let length = 86_400 / i64::from(MOMENTS);
            let second = part * length + random.random_range(0..length / 2);
            moments.push(morning.plus(Span::seconds(second)));
        }
    }
    moments.retain(|at| now.since(*at) > Span::seconds(120));
    moments
}

/// Draws all phones and what happens to them, by moment.
fn plan(
    employees: &[Employee],
    moments: &[Time],
    extent: Extent,
    clock: &PastClock,
    random: &mut StdRng,
) -> (Vec<Phone>, BTreeMap<usize, Vec<Event>>) {
    let mut events: BTreeMap<usize, Vec<Event>> = BTreeMap::new();
    let mut phones = Vec::new();
    let Some(last) = moments.len().checked_sub(1) else { return (phones, events) };
    let per_day = f64::from(MOMENTS);
    let mut threats = 0;
    for number in 0..extent.devices {
        let Some(employee) = employees.get(number % employees.len().max(1)) else { break };
        let phone = phone(number, employee, clock, random);
        // Most phones were there from the start, others came with new people.
        let arrival = if random.random_bool(0.75) { last.min(3 * MOMENTS as usize) } else { last * 4 / 5 };
        let enrolled = random.random_range(0..=arrival);
        events.entry(enrolled).or_default().push(Event::Enroll(number));
        let mut end = last;
        if phone.fate != Fate::Ordinary && enrolled < last {
            end = random.random_range(enrolled + 1..=last);
            events.entry(end).or_default().push(Event::Fate(number));
        }
        let mut contact = enrolled;
        while let Some(next) = later(contact, CONTACTS * per_day, random).filter(|next| *next < end) {
            events.entry(next).or_default().push(Event::Contact(number));
            contact = next;
        }
        let mut caught = enrolled;
        let catches = if phone.fate == Fate::Pending { f64::INFINITY } else { CATCHES * per_day };
        while let Some(next) = later(caught, catches, random).filter(|next| *next < end) {
            let kind = plausible::threat(random, phone.device.platform);
            let stays = random.random_range(kind.hours.0..=kind.hours.1) as usize * MOMENTS as usize / 24;
            events.entry(next).or_default().push(Event::Threat {
                phone: number,
                number: threats,
                kind,
                status: ThreatStatus::Open,
            });
            let over = next + stays.max(1);
            if over < end {
                let status = ThreatStatus::Resolved;
                events.entry(over).or_default().push(Event::Threat { phone: number, number: threats, kind, status });
            }
            threats += 1;
            caught = next;
        }
        phones.push(phone);
    }
    (phones, events)
}

/// The moment of the next of events that come every so many moments on average; nothing if they never come.
fn later(from: usize, average: f64, random: &mut StdRng) -> Option<usize> {
    let chance: f64 = random.random_range(f64::EPSILON..1.0);
    let wait = -chance.ln() * average;
    wait.is_finite().then(|| from + 1 + wait as usize)
}

fn phone(number: usize, employee: &Employee, clock: &PastClock, random: &mut StdRng) -> Phone {
    let model = plausible::model(random, None);
    let fate = match random.random_range(0..1000) {
        0..15 => Fate::Pending,
        15..25 => Fate::Lost(ProtectionStatus::Deactivated),
        25..32 => Fate::Lost(ProtectionStatus::Unreachable),
        32..52 => Fate::Silent,
        52..67 => Fate::Unenrolled,
        _ => Fate::Ordinary,
    };
    let ownership = match random.random_range(0..100) {
        0..12 => Ownership::EmployeeOwned,
        _ if model.is_tablet() => Ownership::CorporateShared,
        _ => Ownership::CorporateDedicated,
    };
    let management = match (model.platform, ownership) {
        (Platform::Android, Ownership::EmployeeOwned) => ManagementType::WorkProfile,
        (Platform::Android, Ownership::CorporateShared) => ManagementType::Dedicated,
        (Platform::Android, Ownership::CorporateDedicated) => ManagementType::FullyManaged,
        (Platform::Ios, Ownership::EmployeeOwned) => ManagementType::UserEnrollment,
        (Platform::Ios, _) => ManagementType::Supervised,
    };
    let is_apple = model.platform == Platform::Ios;
    // Given when it enrolls, so that ids follow the time.
    let unnamed = DeviceId(uuid::Uuid::nil());
    let device = Device {
        user: Some(employee.id),
        friendly_name: format!("{}'s {}", employee.person.name, model.name),
        serial_number: Some(format!("MF{:02X}{number:06}", random.random::<u8>())),
        udid: is_apple.then(|| format!("00008130-{:016X}", random.random::<u64>())),
        imei: (!model.is_tablet()).then(|| format!("35{:013}", random.random_range(0..10_u64.pow(13)))),
        manufacturer: Some(model.manufacturer.to_owned()),
        model: Some(model.name.to_owned()),
        os_version: Some(model.version(random).to_owned()),
        security_patch_level: model.patch_level(random, clock.now()),
        ownership: Some(ownership),
        management: Some(management),
        enrollment_category: Some(match ownership {
            Ownership::EmployeeOwned => EnrollmentCategory::SelfService,
            _ => EnrollmentCategory::Automated,
        }),
        enrollment: EnrollmentStatus::Enrolled,
        ..Device::new(unnamed, employee.organization_group, model.platform, Time::EPOCH)
    };
    Phone { device, owner: employee.person.name.clone(), fate }
}

struct Writer<'a> {
    engine: &'a Engine,
    tenant: Tenant,
    clock: &'a PastClock,
    phones: Vec<Phone>,
    random: StdRng,
    /// Phones that may have commands to fetch.
    waiting: BTreeSet<DeviceId>,
    threats: usize,
}

impl Writer<'_> {
    /// Everything that happens at one moment, and what follows from it within the minute after.
    async fn moment(&mut self, events: Vec<Event>) -> Result<()> {
        let mut arriving = Vec::new();
        let mut facts = Vec::new();
        let mut leaving = Vec::new();
        for event in events {
            match event {
                Event::Enroll(phone) => arriving.push(phone),
                Event::Contact(phone) => facts.push(Fact::Contact(self.phones[phone].device.id)),
                Event::Threat { phone, number, kind, status } => {
                    facts.push(self.detection(phone, number, kind, status));
                }
                Event::Fate(phone) => match self.phones[phone].fate {
                    Fate::Unenrolled => leaving.push(self.phones[phone].device.id),
                    Fate::Lost(status) => facts.push(self.sensor(phone, status)),
                    Fate::Ordinary | Fate::Pending | Fate::Silent => {}
                },
            }
        }
        self.enroll(&arriving).await?;
        self.submit(facts).await?;
        self.unenroll(leaving).await?;
        self.fetch_commands().await
    }

    async fn submit(&self, facts: Vec<Fact>) -> Result<()> {
        for part in facts.chunks(STEP) {
            self.engine.submit(self.tenant, part.to_vec()).await?;
        }
        Ok(())
    }

    async fn enroll(&mut self, arriving: &[usize]) -> Result<()> {
        let now = self.clock.now();
        for part in arriving.chunks(STEP) {
            let mut arrived = Vec::new();
            for phone in part {
                let Phone { device, owner, fate } = &mut self.phones[*phone];
                device.id = DeviceId(self.clock.id());
                (device.created_at, device.enrolled_at) = (now, Some(now));
                let status = if *fate == Fate::Pending { None } else { Some(ProtectionStatus::Activated) };
                device.sensor = Sensor { status, reported_at: status.map(|_| now), last_contact: Some(now) };
                arrived.push((device.clone(), owner.clone()));
            }
            let arrived = Arc::new(arrived);
            let enroll = self.engine.edit(self.tenant, company::actor(), move |work| {
                for (device, owner) in arrived.iter() {
                    let mut device = device.clone();
                    let groups = device.user.map(|user| allclear_store::users::groups_of(work.tx, work.tenant, user));
                    device.user_groups = groups.transpose()?.unwrap_or_default();
                    let actor = Actor::new(ActorKind::Device, owner.clone());
                    work.create_device(device).change(Change::DeviceEnrolled).caused_by(actor, None);
                }
                Ok(())
            });
            enroll.await?;
        }
        Ok(())
    }

    async fn unenroll(&mut self, leaving: Vec<DeviceId>) -> Result<()> {
        if leaving.is_empty() {
            return Ok(());
        }
        self.waiting.extend(leaving.iter().copied());
        let unenroll = self.engine.edit(self.tenant, company::actor(), move |work| {
            for device in &leaving {
                if let Some(loaded) = work.device(*device)? {
                    loaded.record.facts.device.enrollment = EnrollmentStatus::Unenrolled;
                    loaded.change(Change::DeviceUnenrolled);
                }
            }
            Ok(())
        });
        Ok(unenroll.await?)
    }

    fn detection(&mut self, phone: usize, number: usize, kind: ThreatKind, status: ThreatStatus) -> Fact {
        let device = self.phones[phone].device.id;
        self.waiting.insert(device);
        self.threats += usize::from(status == ThreatStatus::Open);
        let word = status.as_str();
        let detection = Detection {
            event_id: format!("demo-{number}-{word}"),
            source: SENSOR.to_owned(),
            device: DeviceRef::Id(device),
            threat_id: format!("demo-{number}"),
            classification: kind.classification.to_owned(),
            status,
            detected_at: self.clock.now().minus(Span::micros(self.random.random_range(200_000..4_000_000))),
            severity: None,
            details: kind.details(&mut self.random),
        };
        Fact::Source { event: SourceEvent::Detection(detection), unknown_device: UnknownDevice::Reject }
    }

    fn sensor(&self, phone: usize, status: ProtectionStatus) -> Fact {
        let device = &self.phones[phone].device;
        let report = SensorReport {
            event_id: format!("demo-sensor-{phone}"),
            source: SENSOR.to_owned(),
            device: DeviceRef::Id(device.id),
            external_id: None,
            reported_at: self.clock.now(),
            protection_status: Some(status),
            observed: Observed::default(),
        };
        Fact::Source { event: SourceEvent::Sensor(report), unknown_device: UnknownDevice::Reject }
    }

    /// Phones that have something to do fetch it, do it and say so, as they would by the agent.
    async fn fetch_commands(&mut self) -> Result<()> {
        let due: Vec<DeviceId> = self.waiting.iter().copied().filter(|_| self.random.random_bool(0.9)).collect();
        if due.is_empty() {
            return Ok(());
        }
        self.wait(3_000_000..9_000_000);
        let (tenant, asked, now) = (self.tenant, due.clone(), self.clock.now());
        let records = self.engine.db().read(move |tx| devices::get_many(tx, tenant, &asked)).await?;
        let silent: BTreeSet<DeviceId> =
            self.phones.iter().filter(|phone| phone.fate == Fate::Silent).map(|phone| phone.device.id).collect();
        let (mut delivered, mut answers) = (Vec::new(), Vec::new());
        for record in records {
            let device = record.id();
            self.waiting.remove(&device);
            if silent.contains(&device) && self.random.random_bool(0.5) {
                continue;
            }
            let reports = &record.facts.reports;
            let mut commands = Vec::new();
            for target in &record.posture.profiles {
                let action = match reports.iter().find(|report| report.profile == target.profile) {
                    Some(report) => report.action(target.desired, target.held_until, now),
                    None => allclear_domain::profile::ProfileReport::new(target.profile).action(
                        target.desired,
                        target.held_until,
                        now,
                    ),
                };
                commands.extend(action.map(|action| (CommandId(self.clock.id()), target.profile, action)));
            }
            for (command, _, action) in &commands {
                let failed = matches!(action, Action::Install(_)) && self.random.random_bool(0.03);
                if failed {
                    self.waiting.insert(device);
                }
                answers.push(Fact::Answered {
                    device,
                    command: *command,
                    status: if failed { ResultStatus::Error } else { ResultStatus::Acknowledged },
                    detail: failed.then(|| "The work profile is being updated; try again later.".to_owned()),
                });
            }
            if !commands.is_empty() {
                delivered.push(Fact::Delivered { device, commands });
            }
        }
        self.submit(delivered).await?;
        self.wait(4_000_000..20_000_000);
        self.submit(answers).await
    }

    fn wait(&mut self, micros: std::ops::Range<i64>) {
        let wait = Span::micros(self.random.random_range(micros));
        self.clock.set(self.clock.now().plus(wait));
    }
}
