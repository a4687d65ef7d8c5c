//! The directory and what people change about devices, through the engine, on each database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use allclear_domain::{
    detection::{DeviceRef, Observed, ProtectionStatus, SensorReport, SourceEvent, ThreatStatus},
    device::{EnrollmentStatus, ManagementType},
    ids::{DeviceId, OrganizationGroupId, ProfileId, TagId, UserGroupId, UserId},
    journal::{Change, Entry},
    level::{Platform, RiskLevel},
    profile::{Desired, ProfileStatus},
    smart_group::{Criteria, Selection},
    tag::EngineTag,
    time::Span,
};
use allclear_engine::{
    Error,
    devices::{self, DeviceEdit},
    directory::{
        enrollment::{self, NewDevice},
        organization_groups, user_groups,
        users::{self, NewUser, UserEdit},
    },
    ingest::{Fact, Inventory, Outcome, UnknownDevice},
    rules::smart_groups::{self, Draft},
    setup,
    work::Work,
};
use allclear_store::{journal, sources, tokens, users::User};
use common::{Fixture, TENANT, admin, detection};

const GLOBAL: OrganizationGroupId = OrganizationGroupId::GLOBAL;

impl Fixture {
    async fn edit<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Work<'_, '_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.engine.edit(TENANT, admin(), change).await
    }

    async fn user(&self, name: &str) -> User {
        self.user_in(name, self.root).await.unwrap()
    }

    async fn user_in(&self, name: &str, group: OrganizationGroupId) -> Result<User, Error> {
        let new = new_user(name, group);
        self.edit(move |work| users::create(work, GLOBAL, &new)).await
    }

    async fn user_now(&self, id: UserId) -> User {
        self.edit(move |work| users::get(work, GLOBAL, id)).await.unwrap()
    }

    async fn group(&self, parent: OrganizationGroupId, name: &str) -> OrganizationGroupId {
        let name = name.to_owned();
        self.edit(move |work| organization_groups::create(work, GLOBAL, parent, &name)).await.unwrap().id
    }

    async fn token(&self, user: UserId, platform: Option<Platform>, hash: u8) {
        self.edit(move |work| enrollment::create_token(work, GLOBAL, &[hash; 32], user, platform, 72)).await.unwrap();
    }

    async fn enroll(&self, token: u8, device: &NewDevice) -> Result<DeviceId, Error> {
        let device = device.clone();
        self.edit(move |work| enrollment::enroll(work, &[token; 32], &[token + 100; 32], &device)).await
    }

    async fn device_of(&self, user: &User, serial: &str) -> DeviceId {
        let (user, serial) = (user.id, serial.to_owned());
        let id = self.device(&serial, Platform::Android).await;
        let edit = DeviceEdit { user: Some(Some(user)), ..DeviceEdit::default() };
        self.edit(move |work| devices::edit(work, GLOBAL, id, None, &edit)).await.unwrap();
        id
    }

    async fn smart_group(&self, name: &str, criteria: Criteria) {
        let selection = Selection { criteria, ..Selection::default() };
        let draft = Draft { name: name.into(), organization_group: self.root, selection };
        self.edit(move |work| smart_groups::create(work, draft.clone())).await.unwrap();
        self.run_jobs().await;
    }

    async fn entries(&self) -> Vec<Entry> {
        let entries = self.engine.read(TENANT, |tx, _| Ok(journal::after(tx, TENANT, 0, 10_000)?)).await.unwrap();
        entries.into_iter().map(|(entry, _)| entry).collect()
    }

    async fn owner(&self, credential: u8) -> Option<DeviceId> {
        self.engine.read(TENANT, move |tx, _| Ok(tokens::device(tx, TENANT, &[credential; 32])?)).await.unwrap()
    }
}

fn new_user(name: &str, group: OrganizationGroupId) -> NewUser {
    NewUser {
        user_name: name.into(),
        display_name: Some(format!("{name} Nowak")),
        email: Some(format!("{name}@example.com")),
        phone: Some("+14255550123".into()),
        locale: Some("en".into()),
        organization_group: group,
    }
}

fn phone(serial: &str) -> NewDevice {
    NewDevice {
        platform: Platform::Android,
        serial_number: Some(serial.into()),
        udid: None,
        external_id: None,
        imei: None,
        manufacturer: Some("google".into()),
        model: Some("Pixel 8".into()),
        os_version: Some("14".into()),
        security_patch_level: None,
        friendly_name: None,
        ownership: None,
        management: None,
        protection_status: None,
    }
}

#[track_caller]
fn pointers<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result {
        Err(Error::Invalid(problems)) => problems.into_iter().map(|problem| problem.pointer).collect(),
        other => panic!("not invalid: {other:?}"),
    }
}

#[tokio::test]
async fn users_are_checked_edited_and_deleted_when_they_have_no_devices() {
    for fixture in Fixture::all().await {
        let ada = fixture.user("ada").await;
        assert!(matches!(fixture.user_in("ada", fixture.root).await, Err(Error::Conflict(_))));
        assert_eq!(pointers(fixture.user_in("bob", GLOBAL).await), ["/organization_group_id"]);
        let unknown = OrganizationGroupId(uuid::Uuid::from_u128(9));
        assert_eq!(pointers(fixture.user_in("bob", unknown).await), ["/organization_group_id"]);
        let bad = NewUser {
            user_name: " ada".into(),
            email: Some("ada".into()),
            phone: Some("0815".into()),
            locale: Some("de_DE".into()),
            ..new_user("x", fixture.root)
        };
        let result = fixture.edit(move |work| users::create(work, GLOBAL, &bad)).await;
        assert_eq!(pointers(result), ["/user_name", "/email", "/phone", "/locale"]);

        let edit = UserEdit { email: Some(None), display_name: Some(Some("Ada L.".into())), ..UserEdit::default() };
        let (id, again) = (ada.id, edit.clone());
        let after = fixture.edit(move |work| users::edit(work, GLOBAL, id, 1, &edit)).await.unwrap();
        assert_eq!((after.email, after.display_name, after.version), (None, Some("Ada L.".into()), 2));
        let stale = fixture.edit(move |work| users::edit(work, GLOBAL, id, 1, &again)).await;
        assert!(matches!(stale, Err(Error::Stale(2))));

        let device = fixture.device_of(&ada, "S1").await;
        assert_eq!(fixture.user_now(id).await.devices, 1);
        let refused = fixture.edit(move |work| users::delete(work, GLOBAL, id)).await;
        assert!(matches!(refused, Err(Error::Conflict(_))));
        fixture.edit(move |work| devices::delete(work, GLOBAL, device)).await.unwrap();
        fixture.edit(move |work| users::delete(work, GLOBAL, id)).await.unwrap();
        assert!(matches!(fixture.edit(move |work| users::get(work, GLOBAL, id)).await, Err(Error::NotFound("user"))));
        let kinds: Vec<String> = fixture
            .entries()
            .await
            .into_iter()
            .filter(|entry| entry.object.as_ref().is_some_and(|object| object.kind == "user"))
            .map(|entry| match entry.changes[0] {
                Change::Created { .. } => "created".to_owned(),
                Change::Updated { .. } => "updated".to_owned(),
                Change::Deleted { .. } => "deleted".to_owned(),
                ref other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(kinds, ["created", "updated", "deleted"]);
    }
}

#[tokio::test]
async fn reach_hides_what_lies_outside_of_it() {
    for fixture in Fixture::all().await {
        let (north, south) = (fixture.group(fixture.root, "North").await, fixture.group(fixture.root, "South").await);
        let (ada, bob) = (fixture.user_in("ada", north).await.unwrap(), fixture.user_in("bob", south).await.unwrap());
        let device = fixture.device_of(&bob, "S1").await;
        let edit = DeviceEdit { organization_group: Some(south), ..DeviceEdit::default() };
        fixture.edit(move |work| devices::edit(work, GLOBAL, device, None, &edit)).await.unwrap();
        let (inside, outside) = (ada.id, bob.id);
        fixture.edit(move |work| users::get(work, north, inside)).await.unwrap();
        for result in [
            fixture.edit(move |work| users::get(work, north, outside).map(drop)).await,
            fixture.edit(move |work| users::delete(work, north, outside)).await,
            fixture.edit(move |work| devices::unenroll(work, north, device)).await,
            fixture.edit(move |work| devices::delete(work, north, device)).await,
            fixture.edit(move |work| organization_groups::delete(work, north, south)).await,
        ] {
            assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
        }
        let result = fixture.edit(move |work| enrollment::create_token(work, north, &[1; 32], outside, None, 1)).await;
        assert_eq!(pointers(result), ["/user_id"]);
        let moved = UserEdit { organization_group: Some(south), ..UserEdit::default() };
        let result = fixture.edit(move |work| users::edit(work, north, inside, 1, &moved)).await;
        assert_eq!(pointers(result), ["/organization_group_id"]);
        let given = DeviceEdit { user: Some(Some(outside)), ..DeviceEdit::default() };
        let own = fixture.device_of(&ada, "S2").await;
        let moved = DeviceEdit { organization_group: Some(north), ..DeviceEdit::default() };
        fixture.edit(move |work| devices::edit(work, GLOBAL, own, None, &moved)).await.unwrap();
        let result = fixture.edit(move |work| devices::edit(work, north, own, None, &given)).await;
        assert_eq!(pointers(result), ["/user_id"]);
    }
}

#[tokio::test]
async fn a_user_group_change_reaches_the_devices_of_its_members() {
    for fixture in Fixture::all().await {
        let root = fixture.root;
        let group = fixture.edit(move |work| user_groups::create(work, GLOBAL, root, "Field")).await.unwrap();
        let criteria = Criteria { user_groups: vec![group.id], ..Criteria::default() };
        fixture.smart_group("Field devices", criteria).await;
        let mut members = Vec::new();
        for n in 0..4 {
            let user = fixture.user(&format!("u{n}")).await;
            for m in 0..2 {
                fixture.device_of(&user, &format!("S{n}{m}")).await;
            }
            members.push(user.id);
        }
        let device = fixture.device_of(&fixture.user("other").await, "S9").await;
        let change = |add: Vec<UserId>, remove: Vec<UserId>| {
            user_groups::change_members(&fixture.engine, TENANT, admin(), GLOBAL, group.id, add, remove)
        };
        let changed = change(members.clone(), vec![]).await.unwrap();
        assert_eq!((changed.added, changed.removed, changed.devices), (4, 0, 8));
        let again = change(members.clone(), vec![]).await.unwrap();
        assert_eq!((again.added, again.devices), (0, 0), "done again, it changes nothing");
        let in_it = fixture
            .engine
            .read(TENANT, |tx, rules| {
                let groups: Vec<_> = rules.smart_groups.iter().map(|group| group.id).collect();
                Ok(allclear_store::smart_groups::count(tx, TENANT, groups[0])?)
            })
            .await
            .unwrap();
        assert_eq!(in_it, 8);
        assert!(fixture.record(device).await.posture.smart_groups.is_empty());
        let unknown = UserId(uuid::Uuid::from_u128(9));
        assert_eq!(pointers(change(vec![members[0], unknown], vec![members[0]]).await), ["/add/1", "/remove/0"]);
        let changed = change(vec![], members[..1].to_vec()).await.unwrap();
        assert_eq!((changed.removed, changed.devices), (1, 2));

        let id = group.id;
        let delete = || user_groups::delete(&fixture.engine, TENANT, admin(), GLOBAL, id);
        assert!(matches!(delete().await, Err(Error::Conflict(_))), "a smart group names it");
        let smart = fixture.engine.read(TENANT, |_, rules| Ok(rules.smart_groups[0].id)).await.unwrap();
        fixture.edit(move |work| smart_groups::delete(work, smart)).await.unwrap();
        delete().await.unwrap();
        for user in members {
            let mine = fixture
                .engine
                .read(TENANT, move |tx, _| Ok(allclear_store::devices::of_user(tx, TENANT, user)?))
                .await
                .unwrap();
            assert!(fixture.record(mine[0]).await.facts.device.user_groups.is_empty());
        }
        let gone = fixture.edit(move |work| user_groups::get(work, GLOBAL, id)).await;
        assert!(matches!(gone, Err(Error::NotFound(_))));
        let unknown = UserGroupId(uuid::Uuid::from_u128(1));
        let missing = user_groups::delete(&fixture.engine, TENANT, admin(), GLOBAL, unknown).await;
        assert!(matches!(missing, Err(Error::NotFound(_))));
    }
}

#[tokio::test]
async fn the_tree_keeps_its_shape() {
    for fixture in Fixture::all().await {
        let root = fixture.root;
        let north = fixture.group(root, "North").await;
        let oslo = fixture.group(north, "Oslo").await;
        let twice = fixture.edit(move |work| organization_groups::create(work, GLOBAL, north, "Oslo")).await;
        assert!(matches!(twice, Err(Error::Conflict(_))));
        let move_to = |id, version, parent| {
            fixture.edit(move |work| organization_groups::edit(work, GLOBAL, id, version, None, Some(parent)))
        };
        assert_eq!(pointers(move_to(north, 1, oslo).await), ["/parent_id"], "below itself");
        assert_eq!(pointers(move_to(north, 1, north).await), ["/parent_id"]);
        assert_eq!(pointers(move_to(north, 1, GLOBAL).await), ["/parent_id"]);
        assert_eq!(pointers(move_to(root, 1, oslo).await), ["/parent_id"], "a customer stays");

        let device = fixture.device("S1", Platform::Ios).await;
        let edit = DeviceEdit { organization_group: Some(oslo), ..DeviceEdit::default() };
        fixture.edit(move |work| devices::edit(work, GLOBAL, device, None, &edit)).await.unwrap();
        let criteria = Criteria { organization_groups: vec![north], ..Criteria::default() };
        fixture.smart_group("Northern", criteria).await;
        assert_eq!(fixture.record(device).await.posture.smart_groups.len(), 1);
        let (_, version, job) = move_to(oslo, 1, root).await.unwrap();
        assert!(version == 2 && job.is_some());
        fixture.run_jobs().await;
        assert!(fixture.record(device).await.posture.smart_groups.is_empty(), "no longer in the north");
        assert!(matches!(move_to(oslo, 1, north).await, Err(Error::Stale(2))));

        let delete = |id| fixture.edit(move |work| organization_groups::delete(work, GLOBAL, id));
        for held in [oslo, north, root] {
            assert!(matches!(delete(held).await, Err(Error::Conflict(_))), "a device, a smart group, a customer");
        }
        fixture.edit(move |work| devices::delete(work, GLOBAL, device)).await.unwrap();
        delete(oslo).await.unwrap();
        assert!(matches!(delete(oslo).await, Err(Error::NotFound(_))));

        let mut deepest = root;
        for level in 0..15 {
            deepest = fixture.group(deepest, &format!("level {level}")).await;
        }
        let deeper = fixture.edit(move |work| organization_groups::create(work, GLOBAL, deepest, "more")).await;
        assert_eq!(pointers(deeper), ["/parent_id"]);
        assert_eq!(pointers(move_to(north, 1, deepest).await), ["/parent_id"]);
        let (_, second) = setup::create_customer(&fixture.engine, admin(), "Second".into()).await.unwrap();
        assert_eq!(second.parent, Some(GLOBAL));
        let twice = setup::create_customer(&fixture.engine, admin(), "Second".into()).await;
        assert!(matches!(twice, Err(Error::Conflict(_))));
        assert_eq!(pointers(setup::create_customer(&fixture.engine, admin(), " ".into()).await), ["/name"]);
    }
}

#[tokio::test]
async fn a_device_enrolls_once_with_each_token() {
    for fixture in Fixture::all().await {
        let ada = fixture.user("ada").await;
        for token in 1..=4 {
            fixture.token(ada.id, (token == 2).then_some(Platform::Ios), token).await;
        }
        let id = fixture.enroll(1, &phone("S1")).await.unwrap();
        let record = fixture.record(id).await;
        let device = &record.facts.device;
        assert_eq!(device.friendly_name, "ada Nowak's Pixel 8");
        assert_eq!((device.user, device.organization_group), (Some(ada.id), fixture.root));
        assert_eq!((device.enrollment, device.management), (EnrollmentStatus::Enrolled, Some(ManagementType::Agent)));
        assert_eq!(record.posture.protection, ProtectionStatus::Activated);
        assert_eq!(fixture.owner(101).await, Some(id));
        assert_eq!(fixture.user_now(ada.id).await.devices, 1);

        assert!(matches!(fixture.enroll(1, &phone("S2")).await, Err(Error::Forbidden(_))), "used");
        assert!(matches!(fixture.enroll(9, &phone("S2")).await, Err(Error::Forbidden(_))), "unknown");
        assert_eq!(pointers(fixture.enroll(2, &phone("S2")).await), ["/device/platform"]);
        let nameless = NewDevice { serial_number: Some("UNKNOWN".into()), model: Some("".into()), ..phone("x") };
        assert_eq!(pointers(fixture.enroll(3, &nameless).await), ["/device/model", "/device/serial_number"]);

        fixture.detect("e1", id, "t1", "trojan", ThreatStatus::Open).await;
        fixture.source.advance(Span::seconds(60));
        let bob = fixture.user("bob").await;
        fixture.token(bob.id, None, 5).await;
        let silent = NewDevice { protection_status: Some(ProtectionStatus::Pending), ..phone("S1") };
        assert_eq!(fixture.enroll(5, &silent).await.unwrap(), id, "the same serial number is the same device");
        let again = fixture.record(id).await;
        assert_eq!((fixture.owner(101).await, fixture.owner(105).await), (None, Some(id)), "old credential revoked");
        assert_eq!(again.posture.risk, RiskLevel::High, "threats are kept");
        assert!(again.facts.reports.is_empty());
        assert_eq!(again.facts.device.user, Some(bob.id));
        assert_eq!(again.posture.protection, ProtectionStatus::Pending);
        assert_eq!((fixture.user_now(ada.id).await.devices, fixture.user_now(bob.id).await.devices), (0, 1));
        assert_eq!(fixture.user_now(bob.id).await.incidents, [0, 0, 1]);

        fixture.source.advance(Span::seconds(72 * 3600));
        assert!(matches!(fixture.enroll(4, &phone("S3")).await, Err(Error::Forbidden(_))), "expired");
    }
}

#[tokio::test]
async fn two_devices_are_never_taken_for_one() {
    for fixture in Fixture::all().await {
        let ada = fixture.user("ada").await;
        for token in 1..=6 {
            fixture.token(ada.id, None, token).await;
        }
        let with_id = |serial: &str, external: &str| NewDevice { external_id: Some(external.into()), ..phone(serial) };
        let one = fixture.enroll(1, &with_id("S1", "X1")).await.unwrap();
        let two = fixture.enroll(2, &NewDevice { udid: Some("U2".into()), ..with_id("S2", "X2") }).await.unwrap();
        assert_ne!(one, two);
        let mixed = NewDevice { udid: Some("U2".into()), ..phone("S1") };
        assert!(matches!(fixture.enroll(3, &mixed).await, Err(Error::Conflict(_))));
        assert!(matches!(fixture.enroll(3, &with_id("S1", "X2")).await, Err(Error::Conflict(_))));
        let other = NewDevice { platform: Platform::Ios, ..phone("S1") };
        assert!(matches!(fixture.enroll(3, &other).await, Err(Error::Conflict(_))));
        assert_eq!(fixture.enroll(3, &with_id("S1", "X1")).await.unwrap(), one, "a refusal leaves the token good");
        let edit = DeviceEdit { external_id: Some(Some("X2".into())), ..DeviceEdit::default() };
        let taken = fixture.edit(move |work| devices::edit(work, GLOBAL, one, None, &edit)).await;
        assert!(matches!(taken, Err(Error::Conflict(_))));
    }
}

#[tokio::test]
async fn what_waited_for_a_device_is_taken_in_when_it_enrolls() {
    for fixture in Fixture::all().await {
        let waits = |event| Fact::Source { event, unknown_device: UnknownDevice::Wait };
        let guid = DeviceRef::ExternalId("guid-1".into());
        let threat = detection("e1", guid, "t1", "trojan", ThreatStatus::Open, fixture.now());
        let sensor = SensorReport {
            event_id: "e2".into(),
            source: "test".into(),
            device: DeviceRef::ExternalId("S1".into()),
            external_id: Some("guid-1".into()),
            reported_at: fixture.now(),
            protection_status: Some(ProtectionStatus::Activated),
            observed: Observed::default(),
        };
        let outcomes =
            fixture.submit(vec![waits(SourceEvent::Detection(threat)), waits(SourceEvent::Sensor(sensor))]).await;
        assert_eq!(outcomes, [Outcome::Waiting, Outcome::Waiting]);
        let ada = fixture.user("ada").await;
        fixture.token(ada.id, None, 1).await;
        let id = fixture.enroll(1, &phone("S1")).await.unwrap();
        assert_eq!(fixture.record(id).await.posture.risk, RiskLevel::High);
        let (left, _) = fixture
            .engine
            .read(TENANT, |tx, _| Ok(sources::kept(tx, TENANT, sources::KeptState::Waiting, None, 10)?))
            .await
            .unwrap();
        assert_eq!(left, []);

        let late =
            detection("e3", DeviceRef::ExternalId("MDM-7".into()), "t2", "adware", ThreatStatus::Open, fixture.now());
        assert_eq!(fixture.submit(vec![waits(SourceEvent::Detection(late))]).await, [Outcome::Waiting]);
        let edit = DeviceEdit { external_id: Some(Some("MDM-7".into())), ..DeviceEdit::default() };
        fixture.edit(move |work| devices::edit(work, GLOBAL, id, None, &edit)).await.unwrap();
        assert_eq!(fixture.record(id).await.posture.open_threats, 2);
    }
}

#[tokio::test]
async fn devices_are_tagged_moved_unenrolled_and_deleted() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let device = fixture.device("S1", Platform::Android).await;
        let tag = fixture.edit(|work| allclear_engine::rules::tags::create(work, "VIP")).await.unwrap().id;
        let high = fixture.engine.read(TENANT, |_, rules| Ok(rules.engine_tag(EngineTag::HighRisk))).await.unwrap();
        let high = high.unwrap();
        let set = |tag: TagId| fixture.edit(move |work| devices::add_tag(work, GLOBAL, device, tag));
        let unset = |tag: TagId| fixture.edit(move |work| devices::remove_tag(work, GLOBAL, device, tag));
        set(tag).await.unwrap();
        set(tag).await.unwrap();
        assert_eq!(fixture.state(device).await.0, ["MTD - Pending", "VIP"]);
        assert_eq!(pointers(set(high).await), ["/tag_id"]);
        assert_eq!(pointers(set(TagId(uuid::Uuid::from_u128(1))).await), ["/tag_id"]);
        assert!(matches!(unset(high).await, Err(Error::Conflict(_))));
        unset(tag).await.unwrap();
        assert!(matches!(unset(tag).await, Err(Error::NotFound(_))));
        assert_eq!(fixture.state(device).await.0, ["MTD - Pending"]);

        let into_global = DeviceEdit { organization_group: Some(GLOBAL), ..DeviceEdit::default() };
        let result = fixture.edit(move |work| devices::edit(work, GLOBAL, device, None, &into_global)).await;
        match result {
            Err(Error::Invalid(problems)) => assert!(problems[0].detail.contains("Global"), "{problems:?}"),
            other => panic!("{other:?}"),
        }
        let version = fixture.record(device).await.version;
        let edit = DeviceEdit { friendly_name: Some("Ada's".into()), ..DeviceEdit::default() };
        let stale = edit.clone();
        fixture.edit(move |work| devices::edit(work, GLOBAL, device, Some(version), &edit)).await.unwrap();
        let stale = fixture.edit(move |work| devices::edit(work, GLOBAL, device, Some(version), &stale)).await;
        assert!(matches!(stale, Err(Error::Stale(_))));

        let profile = ProfileId(uuid::Uuid::from_u128(1));
        let ask = fixture.edit(move |work| devices::request_profile(work, GLOBAL, device, profile)).await;
        assert_eq!(pointers(ask), ["/profile_id"]);
        fixture.detect("e1", device, "t1", "trojan", ThreatStatus::Open).await;
        let profile = fixture.record(device).await.posture.profiles[0].profile;
        let ask = fixture.edit(move |work| devices::request_profile(work, GLOBAL, device, profile)).await;
        assert_eq!(pointers(ask), ["/profile_id"], "not an optional one");

        fixture.obey(device).await;
        fixture.edit(move |work| devices::unenroll(work, GLOBAL, device)).await.unwrap();
        let record = fixture.record(device).await;
        assert_eq!(record.posture.target(profile).unwrap().desired, Desired::Remove, "managed profiles go");
        fixture.edit(move |work| devices::unenroll(work, GLOBAL, device)).await.unwrap();
        let unenrolled = |entry: &&Entry| entry.changes.contains(&Change::DeviceUnenrolled);
        assert_eq!(fixture.entries().await.iter().filter(unenrolled).count(), 1);

        fixture.edit(move |work| devices::delete(work, GLOBAL, device)).await.unwrap();
        let rows = fixture
            .engine
            .read(TENANT, |tx, _| {
                let mut rows = Vec::new();
                for table in ["device", "device_tag", "device_smart_group", "device_profile", "threat"] {
                    let sql = format!("SELECT count(*) FROM {table}");
                    rows.push(tx.query_opt::<i64>(&sql, &[])?.unwrap_or(-1));
                }
                Ok(rows)
            })
            .await
            .unwrap();
        assert_eq!(rows, [0; 5], "nothing is left");
    }
}

#[tokio::test]
async fn threats_move_with_their_device() {
    for fixture in Fixture::all().await {
        let north = fixture.group(fixture.root, "North").await;
        let device = fixture.device("S1", Platform::Android).await;
        fixture.detect("e1", device, "t1", "trojan", ThreatStatus::Open).await;
        let edit = DeviceEdit { organization_group: Some(north), ..DeviceEdit::default() };
        fixture.edit(move |work| devices::edit(work, GLOBAL, device, None, &edit)).await.unwrap();
        let groups: Vec<uuid::Uuid> = fixture
            .engine
            .read(TENANT, |tx, _| Ok(tx.query("SELECT organization_group FROM threat", &[])?))
            .await
            .unwrap();
        assert_eq!(groups, [north.0]);
    }
}

#[tokio::test]
async fn an_inventory_corrects_what_was_thought() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let device = fixture.device("S1", Platform::Android).await;
        fixture.detect("e1", device, "t1", "trojan", ThreatStatus::Open).await;
        fixture.obey(device).await;
        let installed = |record: &allclear_store::devices::DeviceRecord| {
            record.posture.profiles.iter().map(|target| record.profile_status(target)).collect::<Vec<_>>()
        };
        let record = fixture.record(device).await;
        let profile = record.posture.profiles[0].profile;
        assert_eq!(installed(&record), [Some(ProfileStatus::Installed)]);
        let report = |installed: Option<Vec<(ProfileId, u32)>>| Fact::Inventory {
            device,
            inventory: Inventory {
                observed: Observed { os_version: Some("15".into()), ..Observed::default() },
                protection_status: Some(ProtectionStatus::Deactivated),
                installed,
                ..Inventory::default()
            },
        };
        assert_eq!(fixture.submit(vec![report(None)]).await, [Outcome::Accepted]);
        let record = fixture.record(device).await;
        assert_eq!(record.facts.device.os_version.as_deref(), Some("15"));
        assert_eq!(record.posture.protection, ProtectionStatus::Deactivated);
        assert_eq!(installed(&record), [Some(ProfileStatus::Installed)], "what is not said is not changed");
        fixture.submit(vec![report(Some(vec![]))]).await;
        assert_eq!(installed(&fixture.record(device).await), [Some(ProfileStatus::PendingInstall)], "it was wiped");
        let unknown = ProfileId(uuid::Uuid::from_u128(1));
        fixture.submit(vec![report(Some(vec![(profile, 1), (unknown, 7)]))]).await;
        let record = fixture.record(device).await;
        assert_eq!(installed(&record), [Some(ProfileStatus::Installed)]);
        assert!(record.facts.reports.iter().all(|report| report.profile != unknown));
    }
}

#[tokio::test]
async fn many_devices_of_a_user_group_are_done_in_steps() {
    for fixture in Fixture::all().await {
        let root = fixture.root;
        let group = fixture.edit(move |work| user_groups::create(work, GLOBAL, root, "All")).await.unwrap().id;
        let mut members = Vec::new();
        for n in 0..5 {
            let user = fixture.user(&format!("u{n}")).await.id;
            members.push(user);
            fixture
                .edit(move |work| {
                    for _ in 0..300 {
                        let id = DeviceId(work.source.id());
                        let device = common::device(id, root, Platform::Ios, work.now);
                        work.create_device(allclear_domain::device::Device { user: Some(user), ..device });
                    }
                    Ok(())
                })
                .await
                .unwrap();
        }
        let change = |add: Vec<UserId>, remove: Vec<UserId>| {
            user_groups::change_members(&fixture.engine, TENANT, admin(), GLOBAL, group, add, remove)
        };
        let changed = change(members.clone(), vec![]).await.unwrap();
        assert_eq!((changed.added, changed.devices), (5, 1500));
        let commits = |entries: Vec<Entry>, change: &str| {
            let fields = vec!["user_groups".to_owned()];
            let of_devices = entries.iter().filter(|entry| {
                entry.device_id.is_some() && entry.changes.contains(&Change::DeviceChanged { fields: fields.clone() })
            });
            let of_group = entries.iter().filter(|entry| match entry.changes.first() {
                Some(Change::Updated { after, .. }) => after.get(change).is_some(),
                _ => false,
            });
            (of_devices.count(), of_group.count())
        };
        assert_eq!(commits(fixture.entries().await, "members_added"), (1500, 5), "one user's devices at a time");
        assert_eq!(change(members[..1].to_vec(), vec![]).await.unwrap(), user_groups::Changed::default());
        user_groups::delete(&fixture.engine, TENANT, admin(), GLOBAL, group).await.unwrap();
        assert_eq!(commits(fixture.entries().await, "members_removed"), (3000, 5));
    }
}
