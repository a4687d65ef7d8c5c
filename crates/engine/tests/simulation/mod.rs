//! A small tenant to which everything happens in any order: facts, reports, edits of rules, passing time.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, reason = "shared by several tests")]

pub mod check;
pub mod phone;

use allclear_domain::{
    classification::Response,
    detection::{Detection, DeviceRef, Observed, ProtectionStatus, SensorReport, SourceEvent},
    device::Device,
    ids::{DeviceId, ProfileId, SmartGroupId, TagId},
    journal::Change,
    level::{Platform, RiskLevel},
    organization_group::{OrganizationGroup, OrganizationGroupKind},
    profile::{ProfileSpec, ResultStatus},
    protections::ProtectionsRow,
    settings::Settings,
    smart_group::{Criteria, Selection, SelectionKind},
    tag::{EngineTag, Tag},
    time::Span,
};
use allclear_engine::{
    Error,
    ingest::{Fact, UnknownDevice},
    rules,
    threats::Decision,
    work::Work,
};
use allclear_store::{organization_groups, tags, user_groups, users};
use proptest::{option, prelude::*, sample::select};

use crate::{
    common::{Fixture, TENANT, admin},
    world::{self, Ask},
};
use phone::Phone;

/// How many devices there are at most.
pub const DEVICES: usize = 3;

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// A device is created, or everything about it changed.
    Device(usize, Box<Device>),
    /// A device is deleted.
    Delete(usize),
    /// A source says something about a threat.
    Detect(usize, Box<Detection>),
    /// A source says something about the sensor: status, version of the operating system, hours ago.
    Sensor(usize, Option<ProtectionStatus>, Option<&'static str>, i64),
    /// The device's agent was in touch.
    Contact(usize),
    /// An administrator decides about a threat.
    Decide(usize, usize, Decision),
    /// The device asks what to do.
    Ask(usize),
    /// A command arrives at the device; it may arrive again.
    Arrive(usize, usize, bool, ResultStatus),
    /// An answer arrives at the server; it may arrive again.
    Answer(usize, usize, bool),
    /// The tenant's settings change.
    Settings(Box<Settings>),
    /// A row of Protections changes, or is reset.
    Protections(&'static str, Option<RiskLevel>),
    /// A smart group is created or changed.
    Group(usize, usize, Box<Selection>),
    /// A smart group is deleted.
    DropGroup(usize),
    /// A profile is created or changed, and published.
    Publish(usize, Platform, Box<ProfileSpec>),
    /// A profile is retired.
    Retire(usize),
    /// An ordinary tag is deleted.
    DropTag(usize),
    /// Time passes, in minutes.
    Wait(i64),
    /// What is due is looked at.
    Due,
    /// All re-evaluations are carried out.
    Jobs,
}

/// A tenant at work: devices, smart groups and profiles, then anything at all.
pub fn steps(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let devices = prop::collection::vec(world::device(), DEVICES);
    let groups = prop::collection::vec(world::selection(Ask::Everything), 4);
    let profiles =
        prop::collection::vec((select(vec![Platform::Android, Platform::Ios]), world::spec(Ask::Everything)), 3);
    (devices, groups, profiles, prop::collection::vec(step(), count)).prop_map(|(devices, groups, profiles, rest)| {
        let devices = devices.into_iter().enumerate().map(|(place, it)| Step::Device(place, Box::new(it)));
        let groups = groups.into_iter().enumerate().map(|(place, it)| Step::Group(place, 0, Box::new(it)));
        let profiles = profiles.into_iter().enumerate();
        let profiles = profiles.map(|(place, (platform, it))| Step::Publish(place, platform, Box::new(it)));
        devices.chain(groups).chain(profiles).chain(rest).collect()
    })
}

/// Facts and reports, with the rules now and then.
fn step() -> impl Strategy<Value = Step> {
    let any_device = || 0..DEVICES;
    let status = || select(vec![ResultStatus::Acknowledged, ResultStatus::Error, ResultStatus::NotNow]);
    let decision = select(vec![Decision::Resolve, Decision::Ignore, Decision::Reopen]);
    let facts = prop_oneof![
        3 => (any_device(), world::device()).prop_map(|(place, device)| Step::Device(place, Box::new(device))),
        1 => any_device().prop_map(Step::Delete),
        8 => (any_device(), world::detection()).prop_map(|(place, it)| Step::Detect(place, Box::new(it))),
        2 => (any_device(), option::of(select(world::PROTECTIONS.to_vec())), option::of(select(vec!["14", "17"])), 0..3_i64)
            .prop_map(|(place, status, os, hours)| Step::Sensor(place, status, os, hours)),
        1 => any_device().prop_map(Step::Contact),
        1 => (any_device(), 0..4_usize, decision).prop_map(|(place, threat, it)| Step::Decide(place, threat, it)),
        4 => any_device().prop_map(Step::Ask),
        4 => (any_device(), 0..8_usize, any::<bool>(), status())
            .prop_map(|(place, command, again, status)| Step::Arrive(place, command, again, status)),
        4 => (any_device(), 0..8_usize, any::<bool>())
            .prop_map(|(place, answer, again)| Step::Answer(place, answer, again)),
    ];
    let rules = prop_oneof![
        1 => world::settings(Ask::Everything).prop_map(|settings| Step::Settings(Box::new(settings))),
        3 => (select(world::CLASSIFICATIONS[..5].to_vec()), option::of(select(world::LEVELS.to_vec())))
            .prop_map(|(name, level)| Step::Protections(name, level)),
        4 => (0..5_usize, 0..2_usize, world::selection(Ask::Everything))
            .prop_map(|(place, home, selection)| Step::Group(place, home, Box::new(selection))),
        1 => (0..5_usize).prop_map(Step::DropGroup),
        4 => (0..4_usize, select(vec![Platform::Android, Platform::Ios]), world::spec(Ask::Everything))
            .prop_map(|(place, platform, spec)| Step::Publish(place, platform, Box::new(spec))),
        1 => (0..4_usize).prop_map(Step::Retire),
        1 => (0..3_usize).prop_map(Step::DropTag),
    ];
    prop_oneof![
        12 => facts,
        6 => rules,
        1 => (1..60_000_i64).prop_map(Step::Wait),
        1 => Just(Step::Due),
        8 => Just(Step::Jobs),
    ]
}

/// The tenant, and the world outside of the server.
pub struct Tenant<'f> {
    pub fixture: &'f Fixture,
    pub devices: [Option<DeviceId>; DEVICES],
    pub phones: [Phone; DEVICES],
    groups: [Option<SmartGroupId>; 5],
    profiles: [Option<ProfileId>; 4],
    events: u64,
}

impl<'f> Tenant<'f> {
    /// The tree, the users, their groups and the ordinary tags of the generated world.
    pub async fn new(fixture: &'f Fixture) -> Self {
        let root = fixture.root;
        edit(fixture, move |work| {
            for mut node in world::tree() {
                node.parent = node.parent.or(Some(root));
                node.kind = OrganizationGroupKind::Container;
                organization_groups::insert(work.tx, TENANT, &OrganizationGroup { ..node })?;
            }
            for id in world::users() {
                let user = users::User {
                    id,
                    organization_group: root,
                    user_name: id.to_string(),
                    display_name: None,
                    email: None,
                    phone: None,
                    locale: None,
                    version: 1,
                    created_at: work.now,
                    devices: 0,
                    score: 0,
                    incidents: [0; 3],
                };
                users::insert(work.tx, TENANT, &user)?;
            }
            for id in world::user_groups() {
                let group = user_groups::UserGroup { id, organization_group: root, name: id.to_string(), version: 1 };
                user_groups::insert(work.tx, TENANT, &group)?;
            }
            for id in world::ordinary_tags() {
                tags::insert(work.tx, TENANT, &Tag { id, name: id.to_string(), engine: None })?;
            }
            work.rules_changed()
        })
        .await
        .expect("the world is put in place");
        Self {
            fixture,
            devices: [None; DEVICES],
            phones: std::array::from_fn(|_| Phone::default()),
            groups: [None; 5],
            profiles: [None; 4],
            events: 0,
        }
    }

    pub async fn happen(&mut self, step: Step) {
        match step {
            Step::Device(place, device) => self.device(place, *device).await,
            Step::Delete(place) => {
                if let Some(id) = self.devices[place].take() {
                    self.phones[place] = Phone::default();
                    edit(self.fixture, move |work| work.delete_device(id)).await.expect("deleted");
                }
            }
            Step::Detect(place, detection) => {
                if let Some(id) = self.devices[place] {
                    let detection = Detection { device: DeviceRef::Id(id), event_id: self.event(), ..*detection };
                    self.source(SourceEvent::Detection(detection)).await;
                }
            }
            Step::Sensor(place, protection_status, os_version, hours) => {
                if let Some(id) = self.devices[place] {
                    let report = SensorReport {
                        event_id: self.event(),
                        source: "other".into(),
                        device: DeviceRef::Id(id),
                        external_id: None,
                        reported_at: self.fixture.now().minus(Span::seconds(3600 * hours)),
                        protection_status,
                        observed: Observed { os_version: os_version.map(str::to_owned), ..Observed::default() },
                    };
                    self.source(SourceEvent::Sensor(report)).await;
                }
            }
            Step::Contact(place) => {
                if let Some(id) = self.devices[place] {
                    self.fixture.submit(vec![Fact::Contact(id)]).await;
                }
            }
            Step::Decide(place, threat, decision) => self.decide(place, threat, decision).await,
            Step::Ask(place) => {
                if let Some(id) = self.devices[place] {
                    self.phones[place].ask(self.fixture, id).await;
                }
            }
            Step::Arrive(place, command, again, status) => self.phones[place].arrive(command, again, status),
            Step::Answer(place, answer, again) => {
                if let Some(id) = self.devices[place] {
                    self.phones[place].answer(self.fixture, id, answer, again).await;
                }
            }
            Step::Settings(settings) => {
                tried(edit(self.fixture, move |work| rules::settings::set(work, &settings, None)).await);
            }
            Step::Protections(name, level) => {
                let row = level.map(|level| ProtectionsRow { level, response: Response::Alert });
                tried(edit(self.fixture, move |work| rules::protections::set(work, name, row, None)).await);
            }
            Step::Group(place, home, selection) => self.group(place, home, *selection).await,
            Step::DropGroup(place) => {
                if let Some(id) = self.groups[place] {
                    let dropped = edit(self.fixture, move |work| rules::smart_groups::delete(work, id)).await;
                    if tried(dropped).is_some() {
                        self.groups[place] = None;
                    }
                }
            }
            Step::Publish(place, platform, spec) => self.publish(place, platform, *spec).await,
            Step::Retire(place) => {
                if let Some(id) = self.profiles[place] {
                    tried(edit(self.fixture, move |work| rules::profiles::retire(work, id, None)).await);
                }
            }
            Step::DropTag(place) => {
                let id = world::ordinary_tags()[place];
                tried(edit(self.fixture, move |work| rules::tags::delete(work, id)).await);
            }
            Step::Wait(minutes) => self.fixture.source.advance(Span::seconds(60 * minutes)),
            Step::Due => allclear_engine::scheduler::run_due(&self.fixture.engine, TENANT).await.unwrap(),
            Step::Jobs => self.fixture.run_jobs().await,
        }
    }

    /// Everything that waits is done.
    pub async fn rest(&self) {
        self.fixture.run_jobs().await;
        allclear_engine::scheduler::run_due(&self.fixture.engine, TENANT).await.unwrap();
    }

    /// The network works again, and after a few days every phone has done what it was told. What was under way all the
    /// time arrives when everything is settled, too.
    pub async fn settle(&mut self) {
        let late: Vec<_> = self.phones.iter().map(Phone::under_way).collect();
        for round in 0..3 {
            self.fixture.source.advance(Span::days(1));
            self.rest().await;
            for (place, device) in self.devices.into_iter().enumerate() {
                let Some(device) = device else { continue };
                if round == 2 {
                    self.phones[place].delayed(&late[place]);
                }
                self.phones[place].obey(self.fixture, device).await;
            }
        }
    }

    fn event(&mut self) -> String {
        self.events += 1;
        format!("event {}", self.events)
    }

    async fn source(&self, event: SourceEvent) {
        self.fixture.submit(vec![Fact::Source { event, unknown_device: UnknownDevice::Reject }]).await;
    }

    async fn device(&mut self, place: usize, device: Device) {
        let known = self.devices[place];
        let asked = device.requested_profiles.iter();
        let asked =
            asked.filter_map(|id| self.profiles[world::profiles().iter().position(|other| other == id).unwrap()]);
        let mut requested_profiles: Vec<ProfileId> = asked.collect();
        requested_profiles.sort_unstable();
        let device = Device { requested_profiles, ..device };
        let id = edit(self.fixture, move |work| {
            let there: Vec<TagId> =
                device.tags.iter().copied().filter(|tag| work.rules().tag(*tag).is_some()).collect();
            let device = Device { tags: there, ..device.clone() };
            let Some(id) = known else {
                let id = DeviceId(work.source.id());
                work.create_device(Device { id, friendly_name: format!("phone {place}"), ..device });
                return Ok(id);
            };
            let loaded = work.device(id)?.expect("known devices are there");
            let before = loaded.record.facts.device.clone();
            loaded.record.facts.device =
                Device { id, friendly_name: before.friendly_name, sensor: before.sensor, ..device };
            loaded.change(Change::DeviceChanged { fields: vec!["everything".into()] });
            Ok(id)
        })
        .await
        .expect("the device is written");
        self.devices[place] = Some(id);
    }

    async fn decide(&self, place: usize, threat: usize, decision: Decision) {
        let Some(device) = self.devices[place] else { return };
        let threats = self.fixture.record(device).await.facts.threats;
        let Some(threat) = threats.get(threat).map(|threat| threat.id) else { return };
        let root = self.fixture.root;
        tried(
            edit(self.fixture, move |work| allclear_engine::threats::decide(work, root, threat, decision, "because"))
                .await,
        );
    }

    async fn group(&mut self, place: usize, home: usize, selection: Selection) {
        let (known, devices) = (self.groups[place], self.devices);
        let id = edit(self.fixture, move |work| {
            let mut selection = selection.clone();
            if selection.kind == SelectionKind::Criteria {
                localise(work, &mut selection.criteria);
            }
            let real = |id: &DeviceId| devices[usize::from(*id != world::devices()[0])];
            let additions = &mut selection.additions.devices;
            *additions = additions.iter().filter_map(real).collect();
            let exclusions = &mut selection.exclusions.devices;
            *exclusions = exclusions.iter().filter_map(real).collect();
            let draft = rules::smart_groups::Draft {
                name: format!("group {place}"),
                organization_group: world::organization_groups()[home],
                selection,
            };
            Ok(match known {
                Some(id) => rules::smart_groups::update(work, id, draft, None)?.0.id,
                None => rules::smart_groups::create(work, draft)?.0.id,
            })
        });
        if let Some(id) = tried(id.await) {
            self.groups[place] = Some(id);
        }
    }

    async fn publish(&mut self, place: usize, platform: Platform, mut spec: ProfileSpec) {
        let (known, groups) = (self.profiles[place], self.groups);
        let sealer = self.fixture.engine.sealer().clone();
        let real = |id: &SmartGroupId| groups[world::smart_groups().iter().position(|other| other == id).unwrap()];
        spec.assigned_groups = spec.assigned_groups.iter().filter_map(real).collect();
        spec.excluded_groups = spec.excluded_groups.iter().filter_map(real).collect();
        spec.install_schedule = spec.install_schedule.filter(|schedule| schedule.problems().is_empty());
        let id = edit(self.fixture, move |work| {
            let mut spec = spec.clone();
            localise(work, &mut spec.install_criteria);
            let platform = match known {
                Some(id) => work.rules().profile(id).unwrap().platform,
                None => platform,
            };
            let draft = rules::profiles::Draft {
                name: format!("profile {place}"),
                platform,
                organization_group: world::organization_groups()[0],
                spec,
            };
            let id = match known {
                Some(id) => rules::profiles::update(work, &sealer, id, draft, None)?.id,
                None => rules::profiles::create(work, &sealer, draft)?.id,
            };
            rules::profiles::publish(work, id, None)?;
            Ok(id)
        });
        if let Some(id) = tried(id.await) {
            self.profiles[place] = Some(id);
        }
    }
}

async fn edit<T: Send + 'static>(
    fixture: &Fixture,
    change: impl Fn(&mut Work<'_, '_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    fixture.engine.edit(TENANT, admin(), change).await
}

/// What came of an edit; one that is refused because it makes no sense just now is none.
fn tried<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Conflict(_) | Error::Invalid(_) | Error::NotFound(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

/// The engine's tags by their ids here; tags that were deleted are left out.
fn localise(work: &Work<'_, '_>, criteria: &mut Criteria) {
    let real = |id: &TagId| {
        let engine = EngineTag::ALL.into_iter().find(|tag| world::engine_tag(*tag) == *id);
        engine.map_or(Some(*id), |tag| work.rules().engine_tag(tag)).filter(|id| work.rules().tag(*id).is_some())
    };
    criteria.tags.tags = criteria.tags.tags.iter().filter_map(real).collect();
}
