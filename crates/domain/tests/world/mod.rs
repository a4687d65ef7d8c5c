//! Generators of a small tenant: rules, devices and what sources and devices say, drawn from so few values that
//! everything meets everything.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "shared by several tests, not all used by each")]

use allclear_domain::{
    classification::Response,
    compliance::Compliance,
    detection::{Detection, DeviceRef, ProtectionStatus, ThreatStatus},
    device::{Device, DeviceFacts, EnrollmentCategory, EnrollmentStatus, ManagementType, Ownership, Sensor},
    ids::{CommandId, DeviceId, OrganizationGroupId, ProfileId, SmartGroupId, TagId, ThreatId, UserGroupId, UserId},
    level::{Platform, RiskLevel},
    organization_group::{OrganizationGroup, OrganizationGroupKind, OrganizationGroups},
    posture::{Posture, ProfileTarget, TargetReason},
    profile::{
        Action, AssignmentType, Deployment, Desired, Profile, ProfileReport, ProfileSpec, ProfileState, ResultStatus,
    },
    protections::{Protections, ProtectionsRow},
    rules::Rules,
    schedule::{InstallSchedule, Weekday},
    settings::{ComplianceSettings, ScoreSettings, Settings, UnknownMeans},
    smart_group::{
        Additions, Criteria, Exclusions, ModelMatch, PlatformRange, Quantity, Selection, SelectionKind, SmartGroup,
        TagMatch,
    },
    tag::{EngineTag, Tag},
    threat::{Ignored, Threat},
    time::{Span, Time},
};
use proptest::{option, prelude::*, sample::subsequence, test_runner::RngSeed};
use uuid::Uuid;

/// The same cases in every run: a failure is found again without a file of seeds. `PROPTEST_CASES` makes it look longer.
pub fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() }
}

/// The present of all tests: a Sunday.
pub fn now() -> Time {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

fn id(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128((kind << 64) | (number as u128 + 1))
}

/// The customer organization group, a child of it, and a child of that.
pub fn organization_groups() -> [OrganizationGroupId; 3] {
    [0, 1, 2].map(|number| OrganizationGroupId(id(1, number)))
}

pub fn users() -> [UserId; 3] {
    [0, 1, 2].map(|number| UserId(id(2, number)))
}

pub fn user_groups() -> [UserGroupId; 2] {
    [0, 1].map(|number| UserGroupId(id(3, number)))
}

pub fn ordinary_tags() -> [TagId; 3] {
    [0, 1, 2].map(|number| TagId(id(4, number)))
}

pub fn engine_tag(tag: EngineTag) -> TagId {
    TagId(id(5, tag as usize))
}

pub fn smart_groups() -> [SmartGroupId; 5] {
    [0, 1, 2, 3, 4].map(|number| SmartGroupId(id(6, number)))
}

pub fn profiles() -> [ProfileId; 4] {
    [0, 1, 2, 3].map(|number| ProfileId(id(7, number)))
}

pub fn devices() -> [DeviceId; 2] {
    [0, 1].map(|number| DeviceId(id(8, number)))
}

/// Classifications of every level, one that is behaviour-based, two with a tag of their own, one nobody knows.
pub const CLASSIFICATIONS: [&str; 6] =
    ["trojan", "out_of_date_os", "sim_change", "denylisted_app", "pcp_disabled", "mystery"];
pub const LEVELS: [RiskLevel; 5] = RiskLevel::ALL;
pub const PROTECTIONS: [ProtectionStatus; 5] = [
    ProtectionStatus::Pending,
    ProtectionStatus::Activated,
    ProtectionStatus::Deactivated,
    ProtectionStatus::Disconnected,
    ProtectionStatus::Unreachable,
];
const OWNERSHIPS: [Ownership; 3] =
    [Ownership::CorporateDedicated, Ownership::CorporateShared, Ownership::EmployeeOwned];
const MANAGEMENT: [ManagementType; 3] =
    [ManagementType::Agent, ManagementType::FullyManaged, ManagementType::Supervised];
const CATEGORIES: [EnrollmentCategory; 2] = [EnrollmentCategory::Automated, EnrollmentCategory::Staged];
const PLATFORMS: [Platform; 2] = [Platform::Android, Platform::Ios];
const COMPLIANCE: [Compliance; 3] = [Compliance::Compliant, Compliance::NotCompliant, Compliance::Unknown];

/// A few of several, often none.
fn few<T: Clone + std::fmt::Debug + 'static>(all: &[T]) -> BoxedStrategy<Vec<T>> {
    let most = all.len().min(3);
    prop_oneof![7 => Just(Vec::new()), 1 => subsequence(all.to_vec(), 1..=most)].boxed()
}

fn pick<T: Clone + std::fmt::Debug + 'static>(all: &[T]) -> BoxedStrategy<T> {
    proptest::sample::select(all.to_vec()).boxed()
}

/// A moment within forty days of the present, often a round one.
pub fn moment() -> impl Strategy<Value = Time> {
    prop_oneof![
        (-40_i64..=40).prop_map(|days| now().plus(Span::days(days))),
        (-100_000_i64..=100_000).prop_map(|seconds| now().plus(Span::seconds(seconds))),
    ]
}

/// What criteria may ask about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ask {
    /// Everything.
    Everything,
    /// Nothing that the sensor itself says, nor what follows from that.
    NotTheSensor,
}

pub fn criteria(ask: Ask) -> impl Strategy<Value = Criteria> {
    let sensor = ask == Ask::Everything;
    let risk_tags = [EngineTag::LowRisk, EngineTag::MediumRisk, EngineTag::HighRisk, EngineTag::ThreatsPresent];
    let asked = if sensor { EngineTag::ALL.to_vec() } else { risk_tags.to_vec() };
    let tags: Vec<TagId> = ordinary_tags().into_iter().chain(asked.into_iter().map(engine_tag)).collect();
    let protection = if sensor { few(&PROTECTIONS) } else { Just(Vec::new()).boxed() };
    let range = (pick(&PLATFORMS), option::of(pick(&["14", "16.4", "17"])), option::of(pick(&["15", "16", "17.1"])))
        .prop_map(|(platform, min, max)| PlatformRange {
            platform,
            min_os_version: min.map(str::to_owned),
            max_os_version: max.map(str::to_owned),
        });
    let model = prop_oneof![
        Just((Some("samsung"), None)),
        Just((None, Some("SM-A346B"))),
        Just((Some("Google"), Some("Pixel 8"))),
    ]
    .prop_map(|(manufacturer, model)| ModelMatch {
        manufacturer: manufacturer.map(str::to_owned),
        model: model.map(str::to_owned),
    });
    let quantity = pick(&[Quantity::Any, Quantity::All, Quantity::None]);
    let tags = (quantity, few(&tags)).prop_map(|(quantity, tags)| TagMatch { quantity, tags });
    let seldom = |range: BoxedStrategy<_>| prop_oneof![7 => Just(Vec::new()), 1 => prop::collection::vec(range, 1..3)];
    let models = prop_oneof![7 => Just(Vec::new()), 1 => prop::collection::vec(model, 1..3)];
    (
        (few(&organization_groups()), few(&user_groups()), few(&OWNERSHIPS), seldom(range.boxed()), models),
        (few(&MANAGEMENT), few(&CATEGORIES), tags, few(&LEVELS), few(&COMPLIANCE), protection),
    )
        .prop_map(|((groups, user_groups, ownership, platforms, models), rest)| {
            let (management_types, enrollment_categories, tags, risk_levels, compliance, protection_statuses) = rest;
            Criteria {
                organization_groups: groups,
                user_groups,
                ownership,
                platforms,
                models,
                management_types,
                enrollment_categories,
                tags,
                risk_levels,
                compliance,
                protection_statuses,
            }
        })
}

pub fn selection(ask: Ask) -> impl Strategy<Value = Selection> {
    let additions = (few(&devices()), few(&users())).prop_map(|(devices, users)| Additions {
        devices: devices.into_iter().collect(),
        users: users.into_iter().collect(),
    });
    let named = (subsequence(devices().to_vec(), 0..=2), subsequence(users().to_vec(), 1..=2));
    let named = named.prop_map(|(devices, users)| Additions {
        devices: devices.into_iter().collect(),
        users: users.into_iter().collect(),
    });
    let exclusions = (few(&[devices()[1]]), few(&users()), few(&user_groups()));
    let exclusions = exclusions.prop_map(|(devices, users, user_groups)| Exclusions {
        devices: devices.into_iter().collect(),
        users: users.into_iter().collect(),
        user_groups: user_groups.into_iter().collect(),
    });
    let exclusions = prop_oneof![2 => Just(Exclusions::default()), 1 => exclusions];
    prop_oneof![
        5 => (criteria(ask), additions.clone(), exclusions.clone()).prop_map(|(criteria, additions, exclusions)| {
            Selection { kind: SelectionKind::Criteria, criteria, additions, exclusions }
        }),
        1 => (named, exclusions).prop_map(|(additions, exclusions)| Selection {
            kind: SelectionKind::DevicesOrUsers,
            criteria: Criteria::default(),
            additions,
            exclusions,
        }),
    ]
}

pub fn schedule() -> impl Strategy<Value = InstallSchedule> {
    let days = [Weekday::Sunday, Weekday::Monday, Weekday::Thursday];
    let zones = ["Europe/Berlin", "UTC", "America/New_York", "nowhere"];
    (subsequence(days.to_vec(), 1..=3), pick(&["00:00", "09:00", "22:30"]), pick(&["05:00", "09:00"]), pick(&zones))
        .prop_map(|(days, from, until, zone)| InstallSchedule {
            days,
            from: from.into(),
            until: until.into(),
            time_zone: zone.into(),
        })
}

/// What is set about a profile, without payloads: they decide nothing about who gets it.
pub fn spec(ask: Ask) -> impl Strategy<Value = ProfileSpec> {
    (
        pick(&[Deployment::Managed, Deployment::Managed, Deployment::Manual]),
        pick(&[AssignmentType::Auto, AssignmentType::Auto, AssignmentType::Optional, AssignmentType::Compliance]),
        subsequence(smart_groups().to_vec(), 1..=4),
        few(&smart_groups()),
        prop_oneof![2 => Just(Criteria::default()).boxed(), 1 => criteria(ask).boxed()],
        prop::bool::weighted(0.2),
        option::weighted(0.2, schedule()),
        option::weighted(0.2, moment()),
    )
        .prop_map(
            |(deployment, assignment_type, assigned, excluded, criteria, install_only, schedule, removal)| {
                ProfileSpec {
                    deployment,
                    assignment_type,
                    assigned_groups: assigned,
                    excluded_groups: excluded,
                    install_criteria: criteria,
                    install_only,
                    install_schedule: schedule,
                    removal_date: removal,
                    ..ProfileSpec::default()
                }
            },
        )
}

pub fn settings(ask: Ask) -> impl Strategy<Value = Settings> {
    let means = match ask {
        Ask::Everything => pick(&[UnknownMeans::Unchanged, UnknownMeans::NotCompliant]),
        Ask::NotTheSensor => Just(UnknownMeans::Unchanged).boxed(),
    };
    (pick(&LEVELS[2..]), means, pick(&[1, 30, 90]), pick(&[0.01, 0.64, 0.99]), any::<bool>()).prop_map(
        |(not_compliant_from, unknown_means, disconnected_after_days, daily_decay, trust)| Settings {
            disconnected_after_days,
            compliance: ComplianceSettings { not_compliant_from, unknown_means },
            scores: ScoreSettings { daily_decay, ..ScoreSettings::default() },
            trusted_sources: trust.then(|| "trusted".to_owned()).into_iter().collect(),
            ..Settings::default()
        },
    )
}

pub fn protections() -> impl Strategy<Value = Protections> {
    prop::collection::vec((pick(&CLASSIFICATIONS), pick(&LEVELS)), 0..3).prop_map(|rows| {
        let mut protections = Protections::default();
        for (name, level) in rows {
            protections.set(name, ProtectionsRow { level, response: Response::Alert });
        }
        protections
    })
}

/// The parts of rules, so that a test may put them together in another order.
#[derive(Clone, Debug)]
pub struct Parts {
    pub settings: Settings,
    pub protections: Protections,
    pub tree: Vec<OrganizationGroup>,
    pub tags: Vec<Tag>,
    pub smart_groups: Vec<SmartGroup>,
    pub profiles: Vec<Profile>,
}

impl Parts {
    pub fn rules(&self) -> Rules {
        Rules::new(
            1,
            self.settings.clone(),
            self.protections.clone(),
            OrganizationGroups::new(&self.tree),
            self.tags.clone(),
            self.smart_groups.clone(),
            self.profiles.clone(),
        )
    }
}

pub fn tree() -> Vec<OrganizationGroup> {
    let [root, region, team] = organization_groups();
    [(root, None, "root"), (region, Some(root), "region"), (team, Some(region), "team")]
        .map(|(id, parent, name)| OrganizationGroup {
            id,
            parent,
            name: name.into(),
            kind: if parent.is_none() { OrganizationGroupKind::Customer } else { OrganizationGroupKind::Container },
        })
        .to_vec()
}

pub fn tags() -> Vec<Tag> {
    let engine =
        EngineTag::ALL.map(|tag| Tag { id: engine_tag(tag), name: tag.default_name().to_owned(), engine: Some(tag) });
    let ordinary = ordinary_tags().map(|id| Tag { id, name: format!("tag {id}"), engine: None });
    engine.into_iter().chain(ordinary).collect()
}

pub fn rules(ask: Ask) -> impl Strategy<Value = Parts> {
    let group = (selection(ask), pick(&organization_groups()[..2]));
    let profile = (
        pick(&PLATFORMS),
        prop_oneof![4 => Just(ProfileState::Published), 1 => Just(ProfileState::Retired)],
        1..3_u32,
        spec(ask),
    );
    let smart_groups = prop::collection::vec(group, 0..=smart_groups().len());
    let profiles = prop::collection::vec(profile, 0..=profiles().len());
    (settings(ask), protections(), smart_groups, profiles).prop_map(|(settings, protections, groups, specs)| {
        let groups = groups.into_iter().zip(self::smart_groups()).map(|((selection, organization_group), id)| {
            SmartGroup { id, name: format!("group {id}"), organization_group, selection }
        });
        let profiles = specs.into_iter().zip(self::profiles()).map(|((platform, state, version, spec), id)| Profile {
            id,
            name: format!("profile {id}"),
            platform,
            state,
            version,
            spec,
        });
        let (smart_groups, profiles) = (groups.collect(), profiles.collect());
        Parts { settings, protections, tree: tree(), tags: tags(), smart_groups, profiles }
    })
}

pub fn device() -> impl Strategy<Value = Device> {
    let user = (option::weighted(0.8, pick(&users())), few(&user_groups()));
    (
        (pick(&organization_groups()), user, pick(&PLATFORMS), sensor()),
        (
            option::of(pick(&["samsung", "google"])),
            option::of(pick(&["SM-A346B", "Pixel 8"])),
            option::of(pick(&["14", "15.2", "16.4.1", "17", "Tiramisu"])),
            option::of(pick(&OWNERSHIPS)),
            option::of(pick(&MANAGEMENT)),
            option::of(pick(&CATEGORIES)),
        ),
        (
            prop_oneof![
                6 => Just(EnrollmentStatus::Enrolled),
                1 => Just(EnrollmentStatus::Pending),
                1 => Just(EnrollmentStatus::Unenrolled),
            ],
            few(&ordinary_tags()),
            few(&profiles()),
        ),
    )
        .prop_map(|((group, (user, user_groups), platform, sensor), known, (enrollment, tags, requested))| {
            let (manufacturer, model, os_version, ownership, management, enrollment_category) = known;
            Device {
                user,
                user_groups: if user.is_some() { user_groups } else { Vec::new() },
                friendly_name: "phone".into(),
                manufacturer: manufacturer.map(str::to_owned),
                model: model.map(str::to_owned),
                os_version: os_version.map(str::to_owned),
                ownership,
                management,
                enrollment_category,
                enrollment,
                enrolled_at: Some(now()),
                tags,
                requested_profiles: requested,
                sensor,
                ..Device::new(devices()[0], group, platform, now())
            }
        })
}

fn sensor() -> impl Strategy<Value = Sensor> {
    (option::weighted(0.8, prop_oneof![2 => Just(ProtectionStatus::Activated), 1 => pick(&PROTECTIONS)]), {
        option::weighted(0.9, (0_i64..40).prop_map(|days| now().minus(Span::days(days))))
    })
        .prop_map(|(status, last_contact)| Sensor { status, reported_at: last_contact, last_contact })
}

pub fn status() -> BoxedStrategy<ThreatStatus> {
    pick(&[ThreatStatus::Open, ThreatStatus::Ignored, ThreatStatus::Resolved])
}

/// Detections about a few threats at a few moments, so that many are about the same and at the same time.
pub fn detection() -> impl Strategy<Value = Detection> {
    (0..3_usize, pick(&CLASSIFICATIONS), status(), 0..4_i64, option::of(pick(&LEVELS)), any::<bool>()).prop_map(
        |(threat, classification, status, hour, severity, trusted)| Detection {
            event_id: "set by the test".into(),
            source: if trusted { "trusted" } else { "other" }.into(),
            device: DeviceRef::Id(devices()[0]),
            threat_id: format!("threat {threat}"),
            classification: classification.into(),
            status,
            detected_at: now().minus(Span::seconds(3600 * hour)),
            severity,
            details: serde_json::Map::new(),
        },
    )
}

pub fn threats() -> impl Strategy<Value = Vec<Threat>> {
    let ignored = option::weighted(0.1, Just(Ignored { by: "admin".into(), reason: "test".into(), at: now() }));
    let threat = (detection(), 0..40_i64, ignored);
    prop::collection::vec(threat, 0..4).prop_map(|all| {
        let each = all.into_iter().enumerate().map(|(number, (detection, days, ignored))| Threat {
            ignored,
            threat_id: number.to_string(),
            first_seen: detection.detected_at.minus(Span::days(days)),
            changed_at: detection.detected_at.minus(Span::days(days)),
            ..Threat::new(ThreatId(id(9, number)), &detection)
        });
        each.collect()
    })
}

/// A step in what a device was told and what it answered.
#[derive(Clone, Debug)]
pub enum Told {
    Issue(Action),
    Answer(usize, ResultStatus),
}

pub fn reports() -> impl Strategy<Value = Vec<ProfileReport>> {
    let action = prop_oneof![(1..3_u32).prop_map(Action::Install), Just(Action::Remove)];
    let status = pick(&[ResultStatus::Acknowledged, ResultStatus::Error, ResultStatus::NotNow]);
    let step = prop_oneof![action.prop_map(Told::Issue), (0..6_usize, status).prop_map(|(n, s)| Told::Answer(n, s))];
    let report = prop::collection::vec(step, 0..6);
    prop::collection::vec(report, 0..=profiles().len()).prop_map(|all| {
        let reports = all.into_iter().zip(profiles()).map(|(steps, profile)| {
            let mut report = ProfileReport::new(profile);
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Told::Issue(action) => report.issue(CommandId(id(10, number)), action, now()),
                    Told::Answer(command, status) => {
                        report.answer(CommandId(id(10, command)), status, None, now());
                    }
                }
            }
            report
        });
        reports.collect()
    })
}

pub fn facts() -> impl Strategy<Value = DeviceFacts> {
    (device(), threats(), reports()).prop_map(|(device, threats, reports)| DeviceFacts {
        device,
        threats,
        reports,
        check: None,
    })
}

/// What may have been in force before; only groups and profiles are read by the evaluation.
pub fn held() -> impl Strategy<Value = Posture> {
    let desired = prop_oneof![
        2 => (1..3_u32).prop_map(|version| Desired::Install { version }),
        1 => Just(Desired::Remove),
        1 => Just(Desired::Nothing),
    ];
    let targets = prop::collection::vec(option::of(desired), profiles().len());
    (subsequence(smart_groups().to_vec(), 0..=5), targets).prop_map(|(smart_groups, targets)| {
        let targets = profiles().into_iter().zip(targets).filter_map(|(profile, desired)| {
            Some(ProfileTarget { profile, desired: desired?, reason: TargetReason::Assigned, held_until: None })
        });
        Posture { smart_groups, profiles: targets.collect(), ..Posture::default() }
    })
}
