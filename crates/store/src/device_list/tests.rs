//! Lists against the plain meaning of their filters, on both databases, and the plans SQLite makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use std::{cmp::Ordering, collections::BTreeMap};

use allclear_domain::{
    device::{Device, DeviceFacts},
    organization_group::{OrganizationGroup, OrganizationGroupKind},
    posture::{Posture, ProfileTarget, TargetReason},
    profile::{Action, Answer, Desired, ProfileReport, ResultStatus},
    time::Time,
};

use super::*;
use crate::{
    MIGRATIONS,
    db::{Db, migrate},
    devices::{self, Since, Write},
    organization_groups, params, tenants,
    testing::{TestDb, for_each_database},
    users::{self, User},
};

const TENANT: Tenant = Tenant(1);
const GROUP: SmartGroupId = SmartGroupId(Uuid::from_u128(0x5000));
const TAG: TagId = TagId(Uuid::from_u128(0x6000));
const PROFILE: ProfileId = ProfileId(Uuid::from_u128(0x7000));

fn organization_group(n: u128) -> OrganizationGroupId {
    OrganizationGroupId(Uuid::from_u128(0x1000 + n))
}

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(0x2000 + n))
}

/// One of several, by a number that looks random and is always the same.
fn pick<T: Copy>(n: u128, salt: u64, from: &[T]) -> T {
    let mut x = (n as u64).wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    from[(x >> 33) as usize % from.len()]
}

fn record(n: u128) -> DeviceRecord {
    let risk = pick(n, 1, &RiskLevel::ALL);
    let protection = pick(
        n,
        2,
        &[
            ProtectionStatus::Activated,
            ProtectionStatus::Activated,
            ProtectionStatus::Pending,
            ProtectionStatus::Disconnected,
        ],
    );
    let compliance = match (risk >= RiskLevel::Medium, protection) {
        (true, _) => Compliance::NotCompliant,
        (false, ProtectionStatus::Activated) => Compliance::Compliant,
        _ => Compliance::Unknown,
    };
    let enrollment = pick(
        n,
        3,
        &[
            EnrollmentStatus::Enrolled,
            EnrollmentStatus::Enrolled,
            EnrollmentStatus::Pending,
            EnrollmentStatus::Unenrolled,
        ],
    );
    let target =
        |desired| ProfileTarget { profile: PROFILE, desired, reason: TargetReason::Assigned, held_until: None };
    let desired = Desired::Install { version: 1 };
    let failed = ProfileReport {
        answer: Some(Answer { action: Action::Install(1), status: ResultStatus::Error, detail: None, at: Time::EPOCH }),
        ..ProfileReport::new(PROFILE)
    };
    let reports = pick(n, 4, &[true, false]).then_some(failed);
    DeviceRecord {
        facts: DeviceFacts {
            device: Device {
                user: pick(n, 6, &[None, Some(user(0)), Some(user(1)), Some(user(2))]),
                friendly_name: format!(
                    "{} {n:03}",
                    pick(n, 7, &["Ada's phone", "ada's phone", "Bob's phone", "Zoë's phone"])
                ),
                serial_number: Some(format!("{}{n:04}", pick(n, 9, &["ADA", "SER"]))),
                manufacturer: pick(n, 10, &[None, Some("google"), Some("samsung")]).map(str::to_owned),
                model: pick(n, 11, &[None, Some("Pixel 8"), Some("SM-A346B")]).map(str::to_owned),
                os_version: pick(n, 12, &[None, Some("14"), Some("17.6.1")]).map(str::to_owned),
                ownership: pick(n, 13, &[None, Some(Ownership::EmployeeOwned), Some(Ownership::CorporateShared)]),
                enrollment,
                tags: pick(n, 14, &[true, false]).then_some(TAG).into_iter().collect(),
                ..Device::new(
                    DeviceId(Uuid::from_u128(0x9000 + n)),
                    organization_group(pick(n, 5, &[0, 1, 2])),
                    pick(n, 8, &[Platform::Android, Platform::Ios]),
                    Time::from_micros(i64::try_from(n).unwrap()),
                )
            },
            threats: vec![],
            reports: reports.into_iter().collect(),
            check: None,
        },
        posture: Posture {
            risk,
            protection,
            compliance,
            smart_groups: pick(n, 15, &[true, false, false]).then_some(GROUP).into_iter().collect(),
            profiles: pick(n, 16, &[true, false]).then_some(target(desired)).into_iter().collect(),
            score: pick(n, 17, &[0, 25_000, 75_000, 150_000]),
            ..Posture::default()
        },
        since: Since { parts: BTreeMap::new(), ..Since::default() },
        last_entry: 0,
        archived_threats: false,
        due_at: None,
        version: 1,
    }
}

async fn fill(db: &Db, count: u128) -> Vec<DeviceRecord> {
    migrate::run(db, MIGRATIONS).await.unwrap();
    let records: Vec<DeviceRecord> = (0..count).map(record).collect();
    let stored = records.clone();
    db.write::<_, Error>(move |tx| {
        tenants::create(tx, TENANT, Time::EPOCH)?;
        for n in 0..3 {
            let parent = (n > 0).then(|| organization_group(0)).or(Some(OrganizationGroupId::GLOBAL));
            let kind = if n > 0 { OrganizationGroupKind::Container } else { OrganizationGroupKind::Customer };
            let group = OrganizationGroup { id: organization_group(n), parent, name: format!("group {n}"), kind };
            organization_groups::insert(tx, TENANT, &group)?;
            users::insert(tx, TENANT, &person(n))?;
        }
        let writes: Vec<Write<'_>> = stored.iter().map(|new| Write { new, old: None }).collect();
        devices::write_many(tx, TENANT, &writes)
    })
    .await
    .unwrap();
    records
}

fn person(n: u128) -> User {
    User {
        id: user(n),
        organization_group: organization_group(n % 3),
        user_name: format!("{}{n}", pick(n, 20, &["ada", "bob", "Ada"])),
        display_name: None,
        email: Some(format!("{}.{n}@example.com", pick(n, 21, &["ada", "zoe"]))),
        phone: None,
        locale: None,
        version: 1,
        created_at: Time::EPOCH,
        devices: 0,
        score: 0,
        incidents: [0; 3],
    }
}

/// The filters the console offers, alone and together.
fn all_filters() -> Vec<DeviceFilter> {
    let none = DeviceFilter::default();
    let mut filters = vec![
        none.clone(),
        DeviceFilter { organization_groups: Some(vec![organization_group(1)]), ..none.clone() },
        DeviceFilter { organization_groups: Some(vec![organization_group(1), organization_group(2)]), ..none.clone() },
        DeviceFilter { organization_groups: Some(vec![]), ..none.clone() },
        DeviceFilter { user: Some(user(1)), ..none.clone() },
        DeviceFilter { platform: Some(Platform::Ios), ..none.clone() },
        DeviceFilter { ownership: Some(Ownership::EmployeeOwned), ..none.clone() },
        DeviceFilter { enrollment: vec![EnrollmentStatus::Enrolled], ..none.clone() },
        DeviceFilter { enrollment: vec![EnrollmentStatus::Pending, EnrollmentStatus::Unenrolled], ..none.clone() },
        DeviceFilter { risk: vec![RiskLevel::None], ..none.clone() },
        DeviceFilter { risky: true, ..none.clone() },
        DeviceFilter { risk: vec![RiskLevel::High], ..none.clone() },
        DeviceFilter { risk: vec![RiskLevel::Low, RiskLevel::High], ..none.clone() },
        DeviceFilter { compliance: Some(Compliance::Compliant), ..none.clone() },
        DeviceFilter { compliance: Some(Compliance::NotCompliant), ..none.clone() },
        DeviceFilter { compliance: Some(Compliance::Unknown), ..none.clone() },
        DeviceFilter { protection: vec![ProtectionStatus::Activated], ..none.clone() },
        DeviceFilter { protection: vec![ProtectionStatus::Pending, ProtectionStatus::Disconnected], ..none.clone() },
        DeviceFilter { tag: Some(TagFilter::Ordinary(TAG)), ..none.clone() },
        DeviceFilter { smart_group: Some(GROUP), ..none.clone() },
        DeviceFilter { profile: Some(PROFILE), ..none.clone() },
        DeviceFilter { profile: Some(PROFILE), profile_status: vec![ProfileStatus::Failed], ..none.clone() },
        DeviceFilter { manufacturer: Some("google".into()), ..none.clone() },
        DeviceFilter { manufacturer: Some("google".into()), model: Some("Pixel 8".into()), ..none.clone() },
        DeviceFilter { platform: Some(Platform::Android), os_version: Some("14".into()), ..none.clone() },
        DeviceFilter { search: Some("ada".into()), ..none.clone() },
        DeviceFilter { search: Some("Zoë's phone 0".into()), ..none.clone() },
        DeviceFilter { search: Some("nobody".into()), ..none.clone() },
        DeviceFilter {
            tag: Some(TagFilter::Ordinary(TAG)),
            smart_group: Some(GROUP),
            risk: vec![RiskLevel::Medium, RiskLevel::High],
            platform: Some(Platform::Android),
            ..none.clone()
        },
        DeviceFilter {
            compliance: Some(Compliance::NotCompliant),
            profile: Some(PROFILE),
            organization_groups: Some(vec![organization_group(0), organization_group(2)]),
            ..none.clone()
        },
    ];
    filters.extend(EngineTag::ALL.map(|tag| DeviceFilter { tag: Some(TagFilter::Engine(tag)), ..none.clone() }));
    filters
}

/// The plain meaning of a filter.
fn passes(filter: &DeviceFilter, record: &DeviceRecord) -> bool {
    let (device, posture) = (&record.facts.device, &record.posture);
    let begins = |text: &str, with: &str| text.to_lowercase().starts_with(&with.to_lowercase());
    let tagged = |tag| match tag {
        TagFilter::Ordinary(tag) => device.tags.contains(&tag),
        TagFilter::Engine(EngineTag::Secured) => {
            posture.protection == ProtectionStatus::Activated && posture.risk < RiskLevel::Low
        }
        TagFilter::Engine(EngineTag::ThreatsPresent) => posture.risk >= RiskLevel::Low,
        TagFilter::Engine(EngineTag::DenylistedApp | EngineTag::PcpDisabled) => false,
        TagFilter::Engine(tag) if tag.is_risk() => EngineTag::of_risk(posture.risk) == Some(tag),
        TagFilter::Engine(tag) => posture.protection.as_str() == tag.as_str(),
    };
    let status = || posture.profiles.iter().find_map(|target| record.profile_status(target));
    filter.organization_groups.as_ref().is_none_or(|groups| groups.contains(&device.organization_group))
        && filter.user.is_none_or(|user| device.user == Some(user))
        && filter.platform.is_none_or(|platform| device.platform == platform)
        && filter.ownership.is_none_or(|ownership| device.ownership == Some(ownership))
        && among(&filter.enrollment, &device.enrollment)
        && among(&filter.risk, &posture.risk)
        && (!filter.risky || posture.score > 0)
        && filter.compliance.is_none_or(|compliance| posture.compliance == compliance)
        && among(&filter.protection, &posture.protection)
        && filter.tag.is_none_or(tagged)
        && filter.smart_group.is_none_or(|group| posture.smart_groups.contains(&group))
        && filter.profile.is_none_or(|_| status().is_some_and(|status| among(&filter.profile_status, &status)))
        && filter.manufacturer.as_ref().is_none_or(|wanted| device.manufacturer.as_ref() == Some(wanted))
        && filter.model.as_ref().is_none_or(|wanted| device.model.as_ref() == Some(wanted))
        && filter.os_version.as_ref().is_none_or(|wanted| device.os_version.as_ref() == Some(wanted))
        && filter.search.as_ref().is_none_or(|search| {
            begins(&device.friendly_name, search)
                || device.serial_number.as_ref().is_some_and(|serial| begins(serial, search))
        })
}

fn among<T: PartialEq>(wanted: &[T], actual: &T) -> bool {
    wanted.is_empty() || wanted.contains(actual)
}

const SORTS: [DeviceSort; 4] = [DeviceSort::CreatedAt, DeviceSort::FriendlyName, DeviceSort::Risk, DeviceSort::Score];

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_and_sort_gives_its_devices_once_and_in_order() {
    for_each_database(|db| async move {
        let records = fill(&db, 220).await;
        for (turn, filter) in all_filters().into_iter().enumerate() {
            let wanted: Vec<&DeviceRecord> = records.iter().filter(|record| passes(&filter, record)).collect();
            let orders = SORTS.into_iter().flat_map(|sort| [(sort, false), (sort, true)]);
            for (place, (sort, descending)) in orders.enumerate() {
                // Each order with most filters, each filter with all three.
                let few = [0, 30, FEW][(turn + place) % 3];
                let mut wanted: Vec<Key> = wanted.iter().map(|record| sort.key(record)).collect();
                wanted.sort_by(|a, b| if descending { b.cmp(a) } else { a.cmp(b) });
                let mut found: Vec<Key> = Vec::new();
                loop {
                    let (filter, after) = (filter.clone(), found.last().cloned());
                    let page = db
                        .read(move |tx| {
                            let ids = {
                                let (filter, after) = (&filter, after.as_ref());
                                Asked { tenant: TENANT, filter, sort, descending, after, limit: 50, few }.list(tx)?
                            };
                            devices::get_many(tx, TENANT, &ids)
                        })
                        .await
                        .unwrap();
                    assert!(page.len() <= 50);
                    found.extend(page.iter().map(|record| sort.key(record)));
                    if page.len() < 50 || found.len() > wanted.len() {
                        break;
                    }
                }
                assert_eq!(found.cmp(&wanted), Ordering::Equal, "{filter:?} by {sort:?}, descending: {descending}");
            }
        }
        // What the filters select must differ, or they would all be the same.
        let some = all_filters().iter().filter(|f| records.iter().any(|record| passes(f, record))).count();
        assert!(some > 30, "{some}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_nothing() {
    for_each_database(|db| async move {
        fill(&db, 20).await;
        for filter in all_filters() {
            let found =
                db.read(move |tx| list(tx, Tenant(2), &filter, DeviceSort::Risk, true, None, 10)).await.unwrap();
            assert_eq!(found, []);
        }
    })
    .await;
}

/// What both filters ask for; where both ask for the same thing, what the first does.
fn both(one: &DeviceFilter, other: &DeviceFilter) -> DeviceFilter {
    fn some<T: Clone>(one: &[T], other: &[T]) -> Vec<T> {
        if one.is_empty() { other.to_vec() } else { one.to_vec() }
    }
    DeviceFilter {
        organization_groups: one.organization_groups.clone().or(other.organization_groups.clone()),
        user: one.user.or(other.user),
        platform: one.platform.or(other.platform),
        ownership: one.ownership.or(other.ownership),
        enrollment: some(&one.enrollment, &other.enrollment),
        risk: some(&one.risk, &other.risk),
        risky: one.risky || other.risky,
        compliance: one.compliance.or(other.compliance),
        protection: some(&one.protection, &other.protection),
        tag: one.tag.or(other.tag),
        smart_group: one.smart_group.or(other.smart_group),
        profile: one.profile.or(other.profile),
        profile_status: some(&one.profile_status, &other.profile_status),
        manufacturer: one.manufacturer.clone().or(other.manufacturer.clone()),
        model: one.model.clone().or(other.model.clone()),
        os_version: one.os_version.clone().or(other.os_version.clone()),
        search: one.search.clone().or(other.search.clone()),
    }
}

/// The plan of each query of a list, for a fleet in which what matches is few or many.
async fn plans(db: &Db, filter: &DeviceFilter, sort: DeviceSort, few: u32) -> Vec<(Segment, String)> {
    let filter = filter.clone();
    db.read::<_, Error>(move |tx| {
        let asked = Asked { tenant: TENANT, filter: &filter, sort, descending: true, after: None, limit: 50, few };
        let mut plans = Vec::new();
        for segment in asked.segments() {
            for select in asked.selects(tx, segment)? {
                let (sql, values) = db::build(tx.dialect(), &select)?;
                let lines: Vec<(i64, i64, i64, String)> = tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &values)?;
                plans.push((segment, lines.into_iter().map(|line| line.3).collect::<Vec<_>>().join("; ")));
            }
        }
        Ok(plans)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_follow_an_index_and_sort_nothing() {
    let database = TestDb::sqlite(|_| {}).await;
    fill(&database.db, 50).await;
    let filters = all_filters();
    let pairs = filters.iter().flat_map(|one| filters.iter().map(|other| both(one, other)));
    for filter in filters.iter().cloned().chain(pairs) {
        for sort in SORTS {
            for (segment, plan) in plans(&database.db, &filter, sort, 0).await {
                let what = format!("{filter:?} by {sort:?}, {segment:?}: {plan}");
                assert!(plan.contains("USING") && !plan.contains("SCAN device"), "{what}");
                if segment == Segment::Scored {
                    assert!(plan.contains("device_risk"), "{what}");
                } else {
                    assert!(!plan.contains("TEMP B-TREE"), "{what}");
                }
            }
        }
    }
    for (segment, plan) in plans(&database.db, &DeviceFilter::default(), DeviceSort::Score, 0).await {
        assert!(segment == Segment::Unscored || plan.contains("COVERING INDEX device_risk"), "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_leaves_few_is_looked_up() {
    let database = TestDb::sqlite(|_| {}).await;
    fill(&database.db, 50).await;
    let none = DeviceFilter::default();
    for (filter, index) in [
        (DeviceFilter { risk: vec![RiskLevel::High], ..none.clone() }, "device_risk"),
        (DeviceFilter { risky: true, ..none.clone() }, "device_risk"),
        (DeviceFilter { compliance: Some(Compliance::NotCompliant), ..none.clone() }, "device_risk"),
        (DeviceFilter { compliance: Some(Compliance::Unknown), ..none.clone() }, "device_protection"),
        (DeviceFilter { protection: vec![ProtectionStatus::Disconnected], ..none.clone() }, "device_protection"),
        (DeviceFilter { enrollment: vec![EnrollmentStatus::Pending], ..none.clone() }, "device_enrollment"),
        (DeviceFilter { user: Some(user(0)), ..none.clone() }, "device_user"),
        (DeviceFilter { ownership: Some(Ownership::EmployeeOwned), ..none.clone() }, "device_ownership"),
        (
            DeviceFilter { organization_groups: Some(vec![organization_group(1)]), ..none.clone() },
            "device_organization_group",
        ),
        (DeviceFilter { os_version: Some("17.6.1".into()), ..none.clone() }, "device_os_version"),
        (DeviceFilter { manufacturer: Some("google".into()), ..none.clone() }, "device_manufacturer"),
        (DeviceFilter { model: Some("Pixel 8".into()), ..none.clone() }, "device_model"),
        (DeviceFilter { smart_group: Some(GROUP), ..none.clone() }, "SEARCH device_smart_group USING PRIMARY KEY"),
        (DeviceFilter { tag: Some(TagFilter::Ordinary(TAG)), ..none.clone() }, "SEARCH device_tag USING PRIMARY KEY"),
        (DeviceFilter { profile: Some(PROFILE), ..none.clone() }, "SEARCH device_profile USING PRIMARY KEY"),
        (
            DeviceFilter { tag: Some(TagFilter::Engine(EngineTag::PcpDisabled)), ..none.clone() },
            "threat_open_classification",
        ),
    ] {
        for sort in [DeviceSort::CreatedAt, DeviceSort::FriendlyName] {
            for (_, plan) in plans(&database.db, &filter, sort, FEW).await {
                assert!(plan.contains(index), "{filter:?} by {sort:?}: {plan}");
            }
        }
    }
    let search = DeviceFilter { search: Some("ada".into()), ..none };
    for sort in SORTS {
        for (_, plan) in plans(&database.db, &search, sort, FEW).await {
            assert!(plan.contains("device_name (") || plan.contains("device_serial_number ("), "{sort:?}: {plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_found_sorted_and_paged() {
    for_each_database(|db| async move {
        fill(&db, 0).await;
        let all: Vec<User> = (0..60).map(person).collect();
        let more = all.clone();
        db.write::<_, Error>(move |tx| {
            for user in &more[3..] {
                users::insert(tx, TENANT, user)?;
            }
            tx.execute("UPDATE users SET devices = 1 WHERE tenant = $1", params![TENANT.0])?;
            tx.execute(
                "UPDATE users SET score = 1000, incidents_low = 2, incidents_medium = 1 \
                 WHERE tenant = $1 AND user_name >= $2",
                params![TENANT.0, "b"],
            )?;
            Ok(())
        })
        .await
        .unwrap();
        let none = users::UserFilter::default();
        let some = vec![organization_group(0), organization_group(1)];
        for filter in [
            none.clone(),
            users::UserFilter { search: Some("ada".into()), ..none.clone() },
            users::UserFilter { organization_groups: Some(some), risky: true, ..none.clone() },
            users::UserFilter { email: all[5].email.clone(), ..none.clone() },
            users::UserFilter { risk_status: vec![RiskLevel::Medium], ..none.clone() },
            users::UserFilter { risk_status: vec![RiskLevel::Low, RiskLevel::High], ..none.clone() },
            users::UserFilter { risk_status: vec![RiskLevel::None], ..none.clone() },
        ] {
            for (sort, descending) in [
                (users::UserSort::UserName, false),
                (users::UserSort::UserName, true),
                (users::UserSort::Score, true),
                (users::UserSort::CreatedAt, false),
            ] {
                let risky = |user: &User| user.user_name.as_str() >= "b";
                let status = |user: &User| if risky(user) { RiskLevel::Medium } else { RiskLevel::None };
                let begins = |text: &str, with: &str| text.to_lowercase().starts_with(with);
                let mut wanted: Vec<Key> = all
                    .iter()
                    .filter(|user| {
                        let email = user.email.as_deref().unwrap_or_default();
                        filter.organization_groups.as_ref().is_none_or(|all| all.contains(&user.organization_group))
                            && ((!filter.risky && sort != users::UserSort::Score) || risky(user))
                            && among(&filter.risk_status, &status(user))
                            && filter.email.as_deref().is_none_or(|wanted| wanted == email)
                            && filter.search.as_ref().is_none_or(|it| begins(&user.user_name, it) || begins(email, it))
                    })
                    .map(|user| sort.key(&User { score: if risky(user) { 1000 } else { 0 }, ..user.clone() }))
                    .collect();
                wanted.sort_by(|a, b| if descending { b.cmp(a) } else { a.cmp(b) });
                let mut found: Vec<Key> = Vec::new();
                loop {
                    let (filter, after) = (filter.clone(), found.last().cloned());
                    let page = db
                        .read(move |tx| users::list(tx, TENANT, &filter, sort, descending, after.as_ref(), 7))
                        .await
                        .unwrap();
                    found.extend(page.iter().map(|user| sort.key(user)));
                    if page.len() < 7 || found.len() > wanted.len() {
                        break;
                    }
                }
                assert_eq!(found, wanted, "{filter:?} by {sort:?}");
            }
        }
    })
    .await;
}
