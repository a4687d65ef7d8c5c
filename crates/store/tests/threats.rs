//! Lists of threats and the dashboard's counts against their plain meaning, and leases on feeds, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::{BTreeMap, BTreeSet};

use allclear_domain::{
    detection::{ProtectionStatus, ThreatStatus},
    device::{Device, DeviceFacts, EnrollmentStatus},
    ids::{DeviceId, OrganizationGroupId, Tenant, ThreatId, UserId},
    level::{Platform, RiskLevel},
    organization_group::{OrganizationGroup, OrganizationGroupKind},
    posture::Posture,
    threat::{Ignored, Threat},
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS, dashboard,
    db::{Db, migrate},
    devices::{self, DeviceRecord, Since, Write},
    enforcement,
    integrations::{self, Integration, Reader},
    listing::Key,
    organization_groups, tenants,
    testing::for_each_database,
    threat_list::{self, Names, Rated, ThreatFilter, ThreatSort},
    threats::{self, ThreatWrite},
    trend,
    users::{self, User, UserDelta},
};
use uuid::Uuid;

const TENANT: Tenant = Tenant(1);
const CLASSES: [&str; 5] = ["trojan", "spyware", "out_of_date_os", "man_in_the_middle", "made_up"];
const STATUSES: [ThreatStatus; 3] = [ThreatStatus::Open, ThreatStatus::Ignored, ThreatStatus::Resolved];

fn group(n: u128) -> OrganizationGroupId {
    OrganizationGroupId(Uuid::from_u128(0x1000 + n))
}

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(0x2000 + n))
}

fn pick<T: Copy>(n: u128, salt: u64, from: &[T]) -> T {
    let mut x = (n as u64).wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    from[(x >> 33) as usize % from.len()]
}

fn threat(n: u128) -> Threat {
    let status = pick(n, 1, &STATUSES);
    let first_seen = Time::EPOCH.plus(Span::seconds(pick(n, 2, &[10, 20, 30, 40, 50])));
    let ignored = Ignored { by: "Ada".into(), reason: "ours".into(), at: first_seen };
    Threat {
        id: ThreatId(Uuid::from_u128(0x7000 + n)),
        source: pick(n, 3, &["lookout", "lab"]).into(),
        threat_id: format!("t{n}"),
        classification: pick(n, 4, &CLASSES).into(),
        severity: pick(n, 5, &[None, Some(RiskLevel::Low), Some(RiskLevel::High)]),
        reported: status,
        first_seen,
        changed_at: first_seen.plus(Span::seconds(pick(n, 6, &[0, 5, 15]))),
        ignored: (status == ThreatStatus::Ignored).then_some(ignored),
        evidence: None,
    }
}

/// Device `n` with the threats of which it is the device.
fn record(n: u128, threats: Vec<Threat>) -> DeviceRecord {
    let device = Device {
        user: Some(user(n % 5)),
        friendly_name: format!("phone {n}"),
        enrollment: EnrollmentStatus::Enrolled,
        ..Device::new(DeviceId(Uuid::from_u128(0x9000 + n)), group(pick(n, 7, &[0, 1, 2])), Platform::Ios, Time::EPOCH)
    };
    let protections = [ProtectionStatus::Activated, ProtectionStatus::Activated, ProtectionStatus::Disconnected];
    // A score may have outlived its risk.
    let score = pick(n, 10, &[0, 0, 25_000, 75_000]);
    let (risk, protection) = (pick(n, 8, &RiskLevel::ALL), pick(n, 9, &protections));
    let posture = Posture { risk, protection, score, ..Posture::default() };
    DeviceRecord {
        facts: DeviceFacts { device, threats, reports: vec![], check: None },
        posture,
        since: Since { parts: BTreeMap::new(), ..Since::default() },
        last_entry: 0,
        archived_threats: true,
        due_at: None,
        version: 1,
    }
}

const THREATS: u128 = 200;
const DEVICES: u128 = 24;

fn device_of(threat: u128) -> u128 {
    threat % (DEVICES - 1)
}

/// Whether a threat is kept in the threat table only.
fn is_archived(n: u128) -> bool {
    threat(n).status() != ThreatStatus::Open && n.is_multiple_of(3)
}

fn records() -> Vec<DeviceRecord> {
    let of = |device| (0..THREATS).filter(move |n| device_of(*n) == device && !is_archived(*n));
    (0..DEVICES).map(|device| record(device, of(device).map(threat).collect())).collect()
}

fn place_of(threat: u128) -> OrganizationGroupId {
    record(device_of(threat), vec![]).facts.device.organization_group
}

async fn fill(db: &Db) {
    migrate::run(db, MIGRATIONS).await.unwrap();
    db.write::<_, Error>(move |tx| {
        for tenant in [TENANT, Tenant(2)] {
            tenants::create(tx, tenant, Time::EPOCH)?;
        }
        for n in 0..3 {
            let (parent, kind) = match n {
                0 => (OrganizationGroupId::GLOBAL, OrganizationGroupKind::Customer),
                _ => (group(0), OrganizationGroupKind::Container),
            };
            let one = OrganizationGroup { id: group(n), parent: Some(parent), name: format!("group {n}"), kind };
            organization_groups::insert(tx, TENANT, &one)?;
        }
        for n in 0..6 {
            users::insert(tx, TENANT, &person(n))?;
        }
        let deltas: Vec<(UserId, UserDelta)> = (0..5).map(|n| (user(n), sums(n))).collect();
        users::apply(tx, TENANT, &deltas)?;
        let records = records();
        let writes: Vec<Write<'_>> = records.iter().map(|new| Write { new, old: None }).collect();
        devices::write_many(tx, TENANT, &writes)?;
        let threat_write = |n| ThreatWrite {
            threat: threat(n),
            device: DeviceId(Uuid::from_u128(0x9000 + device_of(n))),
            organization_group: place_of(n),
            details: Some(format!("{{\"n\":{n}}}")),
            known: false,
            archived: is_archived(n),
        };
        threats::write_many(tx, TENANT, &(0..THREATS).map(threat_write).collect::<Vec<_>>())
    })
    .await
    .unwrap();
}

fn person(n: u128) -> User {
    User {
        id: user(n),
        organization_group: group(n % 3),
        user_name: format!("user {n}"),
        display_name: None,
        email: None,
        phone: None,
        locale: None,
        version: 1,
        created_at: Time::EPOCH,
        devices: 0,
        score: 0,
        incidents: [0; 3],
    }
}

fn sums(n: u128) -> UserDelta {
    let incidents = [[0, 0, 0], [2, 0, 0], [1, 3, 0], [1, 1, 1], [0, 0, 0]][usize::try_from(n).unwrap()];
    UserDelta { devices: 5, score: i64::try_from(n).unwrap() * 25_000, incidents }
}

fn filters() -> Vec<ThreatFilter> {
    let all = ThreatFilter::default();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let open = ThreatFilter { status: vec![ThreatStatus::Open], ..all.clone() };
    let rated = |trusted: &[&str], classifications| {
        Some(Rated { trusted: names(trusted), severities: vec![RiskLevel::High], classifications })
    };
    let (among, except) = (Names::Among(names(&["trojan"])), Names::Except(names(&["spyware", "out_of_date_os"])));
    let device = DeviceId(Uuid::from_u128(0x9000 + 3));
    vec![
        all.clone(),
        open.clone(),
        ThreatFilter { status: vec![ThreatStatus::Ignored, ThreatStatus::Resolved], ..all.clone() },
        ThreatFilter { classifications: names(&["trojan"]), ..open.clone() },
        ThreatFilter { classifications: names(&["trojan", "made_up"]), ..open.clone() },
        ThreatFilter { classifications: names(&["spyware"]), ..all.clone() },
        ThreatFilter { families: Some(among.clone()), ..open.clone() },
        ThreatFilter { families: Some(Names::Among(vec![])), ..all.clone() },
        ThreatFilter { rated: rated(&[], among.clone()), ..open.clone() },
        ThreatFilter { rated: rated(&["lookout"], among), ..all.clone() },
        ThreatFilter { rated: rated(&["lookout"], except), ..open.clone() },
        ThreatFilter { sources: names(&["lab"]), ..open.clone() },
        ThreatFilter { since: Some(Time::EPOCH.plus(Span::seconds(25))), ..all.clone() },
        ThreatFilter { until: Some(Time::EPOCH.plus(Span::seconds(25))), ..open.clone() },
        ThreatFilter { device: Some(device), ..all.clone() },
        ThreatFilter { device: Some(device), classifications: names(&["trojan", "spyware"]), ..all.clone() },
        ThreatFilter { device: Some(DeviceId(Uuid::from_u128(1))), ..all.clone() },
        ThreatFilter { organization_groups: Some(vec![group(1), group(2)]), ..open.clone() },
        ThreatFilter { organization_groups: Some(vec![]), ..open },
        ThreatFilter { organization_groups: Some(vec![group(1)]), device: Some(device), ..all },
    ]
}

/// The plain meaning of a filter.
fn passes(filter: &ThreatFilter, n: u128) -> bool {
    let threat = threat(n);
    let among = |names: &Names| match names {
        Names::Among(names) => names.contains(&threat.classification),
        Names::Except(names) => !names.contains(&threat.classification),
    };
    let rated = |rated: &Rated| match threat.severity {
        Some(severity) if rated.trusted.contains(&threat.source) => rated.severities.contains(&severity),
        _ => among(&rated.classifications),
    };
    filter.organization_groups.as_ref().is_none_or(|groups| groups.contains(&place_of(n)))
        && filter.device.is_none_or(|device| device.0 == Uuid::from_u128(0x9000 + device_of(n)))
        && (filter.status.is_empty() || filter.status.contains(&threat.status()))
        && (filter.classifications.is_empty() || filter.classifications.contains(&threat.classification))
        && filter.families.as_ref().is_none_or(among)
        && filter.rated.as_ref().is_none_or(rated)
        && (filter.sources.is_empty() || filter.sources.contains(&threat.source))
        && filter.since.is_none_or(|since| threat.changed_at >= since)
        && filter.until.is_none_or(|until| threat.changed_at < until)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_and_sort_gives_its_threats_once_and_in_order() {
    for_each_database(|db| async move {
        fill(&db).await;
        let sorts = [ThreatSort::Id, ThreatSort::FirstSeen, ThreatSort::ChangedAt];
        for filter in filters() {
            for (sort, descending) in sorts.into_iter().flat_map(|sort| [(sort, false), (sort, true)]) {
                let wanted = (0..THREATS).filter(|n| passes(&filter, *n));
                let mut wanted: Vec<Key> = wanted.map(|n| sort.key(&threat(n))).collect();
                wanted.sort();
                if descending {
                    wanted.reverse();
                }
                let mut found: Vec<Key> = Vec::new();
                loop {
                    let (filter, after) = (filter.clone(), found.last().cloned());
                    let page = db
                        .read(move |tx| threat_list::list(tx, TENANT, &filter, sort, descending, after.as_ref(), 13))
                        .await
                        .unwrap();
                    found.extend(page.iter().map(|listed| sort.key(&listed.threat)));
                    if page.len() < 13 || found.len() > wanted.len() {
                        break;
                    }
                }
                assert_eq!(found, wanted, "{filter:?} by {sort:?}, descending: {descending}");
            }
        }
        let some = filters().iter().filter(|filter| (0..THREATS).any(|n| passes(filter, n))).count();
        assert!(some >= 16, "{some}");
    })
    .await;
}

#[tokio::test]
async fn a_threat_comes_back_as_it_went() {
    for_each_database(|db| async move {
        fill(&db).await;
        for n in 0..THREATS {
            let id = ThreatId(Uuid::from_u128(0x7000 + n));
            let found = db.read::<_, Error>(move |tx| {
                assert!(threat_list::get(tx, Tenant(2), id)?.is_none());
                threat_list::get(tx, TENANT, id)
            });
            let (listed, details) = found.await.unwrap().unwrap();
            assert_eq!((listed.threat, listed.archived), (threat(n), is_archived(n)));
            assert_eq!(listed.device.0, Uuid::from_u128(0x9000 + device_of(n)));
            assert_eq!(details, format!("{{\"n\":{n}}}"));
        }
    })
    .await;
}

#[tokio::test]
async fn counts_are_what_is_there() {
    for_each_database(|db| async move {
        fill(&db).await;
        for within in [None, Some(vec![group(1), group(2)]), Some(vec![])] {
            let inside = |place: OrganizationGroupId| within.as_ref().is_none_or(|groups| groups.contains(&place));
            let devices: Vec<DeviceRecord> =
                records().into_iter().filter(|record| inside(record.facts.device.organization_group)).collect();
            let asked = within.clone();
            let trusted = vec!["lab".to_owned()];
            let (counts, people, plain, by_trust, affected) = db
                .read::<_, Error>(move |tx| {
                    let within = asked.as_deref();
                    assert_eq!(dashboard::devices(tx, Tenant(2), None, RiskLevel::Low)?, Default::default());
                    Ok((
                        dashboard::devices(tx, TENANT, within, RiskLevel::Medium)?,
                        dashboard::users(tx, TENANT, within)?,
                        dashboard::open_threats(tx, TENANT, within, &[])?,
                        dashboard::open_threats(tx, TENANT, within, &trusted)?,
                        dashboard::affected(tx, TENANT, within, "trojan")?,
                    ))
                })
                .await
                .unwrap();

            let number = |holds: &dyn Fn(&Posture) -> bool| {
                i64::try_from(devices.iter().filter(|record| holds(&record.posture)).count()).unwrap()
            };
            assert_eq!(counts.total, number(&|_| true));
            for level in RiskLevel::ALL {
                assert_eq!(counts.risk[level as usize], number(&|posture| posture.risk == level));
            }
            for status in [ProtectionStatus::Activated, ProtectionStatus::Disconnected, ProtectionStatus::Pending] {
                assert_eq!(counts.protection[status as usize], number(&|posture| posture.protection == status));
            }
            let both = number(&|posture| {
                posture.risk >= RiskLevel::Medium && posture.protection != ProtectionStatus::Activated
            });
            assert_eq!(counts.unprotected_at_risk, both);
            assert_eq!(counts.risky, number(&|posture| posture.score > 0));

            let there: Vec<u128> = (0..5).filter(|n| inside(group(n % 3))).collect();
            assert_eq!(people.with_devices, i64::try_from(there.len()).unwrap());
            assert_eq!(people.risky, i64::try_from(there.iter().filter(|n| **n > 0).count()).unwrap());
            let severities = [RiskLevel::Low, RiskLevel::Medium, RiskLevel::High].map(|level| {
                let of_level = there.iter().filter(|n| users::severity(sums(**n).incidents) == level);
                i64::try_from(of_level.count()).unwrap()
            });
            assert_eq!(people.severities, severities);
            assert_eq!(people.score, there.iter().map(|n| sums(*n).score).sum::<i64>());

            let open: Vec<u128> = (0..THREATS).filter(|n| threat(*n).is_open() && inside(place_of(*n))).collect();
            for class in CLASSES {
                let wanted = open.iter().filter(|n| threat(**n).classification == class).count();
                let found = |counts: &[dashboard::ThreatCount]| {
                    let of_class = counts.iter().filter(|count| count.classification == class);
                    usize::try_from(of_class.map(|count| count.count).sum::<i64>()).unwrap()
                };
                assert_eq!((found(&plain), found(&by_trust)), (wanted, wanted), "{class}");
            }
            assert!(plain.iter().all(|count| count.severity.is_none()));
            let high = by_trust.iter().filter(|count| count.severity == Some(RiskLevel::High));
            let wanted = open.iter().filter(|n| {
                let threat = threat(**n);
                threat.source == "lab" && threat.severity == Some(RiskLevel::High)
            });
            assert_eq!(high.map(|count| count.count).sum::<i64>(), i64::try_from(wanted.count()).unwrap());
            let trojans = open.iter().filter(|n| threat(**n).classification == "trojan");
            let devices: BTreeSet<u128> = trojans.map(|n| device_of(*n)).collect();
            assert_eq!(affected, i64::try_from(devices.len()).unwrap());
        }
    })
    .await;
}

#[tokio::test]
async fn a_day_holds_what_the_dashboard_counts() {
    for_each_database(|db| async move {
        fill(&db).await;
        db.write::<_, Error>(move |tx| {
            let counts = trend::count(tx, TENANT)?;
            let nothing = trend::count(tx, Tenant(2))?;
            trend::write(tx, TENANT, 20, &nothing)?;
            trend::write(tx, TENANT, 21, &counts)?;
            trend::write(tx, TENANT, 21, &counts)?;
            trend::write(tx, TENANT, 23, &counts)?;
            for within in [None, Some(vec![group(1), group(2)]), Some(vec![group(0)])] {
                let within = within.as_deref();
                let days = trend::days(tx, TENANT, within, 21)?;
                assert_eq!(days.iter().map(|(day, _)| *day).collect::<Vec<_>>(), [21, 23]);
                let devices = dashboard::devices(tx, TENANT, within, RiskLevel::Medium)?;
                let people = dashboard::users(tx, TENANT, within)?;
                for (_, day) in days {
                    let users = (day.score, day.users_with_devices, day.risky_users, day.users);
                    assert_eq!(users, (people.score, people.with_devices, people.risky, people.severities));
                    assert_eq!(day.risky_devices, devices.risky);
                }
            }
            let whole = trend::days(tx, TENANT, None, 0)?;
            assert_eq!(whole[0].1.incidents, [4, 4, 1]);
            assert_eq!(whole.len(), 2, "a day without anything is none");
            assert_eq!(trend::days(tx, TENANT, Some(&[]), 0)?, []);
            assert_eq!(trend::days(tx, Tenant(2), None, 0)?, []);

            let at = |seconds| Time::EPOCH.plus(Span::seconds(seconds));
            assert_eq!(trend::counted_at(tx, TENANT)?, None);
            assert!(trend::claim(tx, TENANT, None, at(10))?);
            assert!(!trend::claim(tx, TENANT, None, at(11))?, "another node was faster");
            assert!(trend::claim(tx, TENANT, Some(at(10)), at(20))?);
            assert!(!trend::claim(tx, TENANT, Some(at(10)), at(21))?);
            assert_eq!((trend::counted_at(tx, TENANT)?, trend::counted_at(tx, Tenant(2))?), (Some(at(20)), None));
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn times_to_enforcement_are_counted_by_hour_and_place() {
    for_each_database(|db| async move {
        fill(&db).await;
        db.write::<_, Error>(move |tx| {
            for (hour, place, bucket) in [(1, 0, 5), (2, 0, 5), (2, 1, 5), (2, 1, 7), (2, 1, 7)] {
                enforcement::add(tx, TENANT, hour, group(place), bucket)?;
            }
            assert_eq!(enforcement::counts(tx, TENANT, None, 1)?, [(5, 3), (7, 2)]);
            assert_eq!(enforcement::counts(tx, TENANT, None, 2)?, [(5, 2), (7, 2)]);
            assert_eq!(enforcement::counts(tx, TENANT, Some(&[group(1)]), 0)?, [(5, 1), (7, 2)]);
            assert_eq!(enforcement::counts(tx, TENANT, Some(&[]), 0)?, []);
            assert_eq!(enforcement::counts(tx, Tenant(2), None, 0)?, []);
            assert_eq!((enforcement::purge(tx, Tenant(2), 9)?, enforcement::purge(tx, TENANT, 2)?), (0, 1));
            assert_eq!(enforcement::counts(tx, TENANT, None, 0)?, [(5, 2), (7, 2)]);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_feed_is_read_by_one_node_at_a_time() {
    for_each_database(|db| async move {
        fill(&db).await;
        let at = |seconds| Time::EPOCH.plus(Span::seconds(seconds));
        let feed = Integration {
            tenant: TENANT,
            id: Uuid::from_u128(7),
            kind: "lookout".into(),
            name: "Lookout".into(),
            enabled: true,
            base_url: "https://api.lookout.com".into(),
            sealed_key: vec![1, 2],
            position: None,
            state: "{}".into(),
            state_at: at(0),
            version: 1,
            lease_owner: None,
            lease_until: at(0),
        };
        let reader = |node: &str, version| Reader { tenant: TENANT, id: feed.id, node: node.into(), version };
        let (one, other, changed) = (reader("one", 1), reader("other", 1), reader("one", 2));
        let wanted = feed.clone();
        db.write::<_, Error>(move |tx| {
            integrations::insert(tx, &feed)?;
            assert_eq!(integrations::enabled(tx)?, std::slice::from_ref(&feed));
            assert_eq!(integrations::list(tx, Tenant(2))?, []);
            assert!(integrations::lease(tx, &one, at(0), at(30))?);
            assert!(!integrations::lease(tx, &other, at(29), at(59))?);
            assert!(integrations::lease(tx, &one, at(20), at(50))?, "renewed");
            assert!(integrations::set_position(tx, &one, "p1")?);
            assert!(!integrations::set_position(tx, &other, "p2")?);
            assert!(integrations::lease(tx, &other, at(50), at(80))?, "the node was silent for too long");
            assert!(!integrations::set_position(tx, &one, "p3")?);
            integrations::set_state(tx, &one, "wrong", at(51))?;
            integrations::set_state(tx, &other, "right", at(52))?;
            let now = integrations::get(tx, TENANT, feed.id)?.unwrap();
            assert_eq!((now.position.as_deref(), &*now.state, now.state_at), (Some("p1"), "right", at(52)));

            let edited = Integration { version: 2, enabled: false, ..now };
            integrations::update(tx, &edited)?;
            assert!(!integrations::lease(tx, &other, at(53), at(83))?, "changed in the meantime");
            integrations::release(tx, &other)?;
            assert!(!integrations::lease(tx, &changed, at(54), at(84))?, "switched off");
            assert_eq!(integrations::enabled(tx)?, []);
            integrations::update(tx, &Integration { enabled: true, ..edited })?;
            assert!(integrations::lease(tx, &changed, at(54), at(84))?);
            assert_eq!(integrations::kept(tx, TENANT, "lookout")?, (0, 0));
            integrations::delete(tx, TENANT, feed.id)?;
            assert_eq!(integrations::get(tx, TENANT, feed.id)?, None);
            Ok(())
        })
        .await
        .unwrap();
        let twice = db
            .write::<_, Error>(move |tx| {
                integrations::insert(tx, &wanted)?;
                integrations::insert(tx, &Integration { id: Uuid::from_u128(8), ..wanted.clone() })
            })
            .await;
        assert!(twice.unwrap_err().is_unique_violation());
    })
    .await;
}
