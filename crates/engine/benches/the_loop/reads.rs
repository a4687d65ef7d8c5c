//! Previews, re-evaluations with detections served meanwhile, and the lists of the console.

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
    time::{Duration, Instant},
};

use allclear_domain::{
    classification::Response,
    compliance::Compliance,
    detection::ProtectionStatus,
    device::Ownership,
    ids::{JobId, SmartGroupId},
    journal::{Actor, ActorKind},
    level::{Platform, RiskLevel},
    profile::ProfileSpec,
    protections::ProtectionsRow,
    rules::Rules,
    smart_group::{Criteria, PlatformRange, Selection, SmartGroup},
    tag::EngineTag,
};
use allclear_engine::{
    Engine, Error, jobs,
    preview::{self, Preview, Question},
    rules,
    source::{Source, SystemSource},
    work::Work,
};
use allclear_store::{
    device_list::{self, DeviceFilter, DeviceSort, TagFilter},
    devices,
    jobs::Scope,
    users::{self, UserFilter, UserSort},
};

use crate::{
    TENANT,
    fleet::Fleet,
    meter::{memory, percentile, processor},
    stream::Stream,
};

fn say(name: &str, what: &str) {
    println!("{name:44} {what}");
}

async fn edit<T: Send + 'static>(
    engine: &Engine,
    change: impl Fn(&mut Work<'_, '_>) -> Result<T, Error> + Send + 'static,
) -> T {
    engine.edit(TENANT, Actor::new(ActorKind::Operator, "bench"), change).await.unwrap()
}

/// All of them.
pub async fn all(engine: &Engine, stream: &Arc<Mutex<Stream>>, fleet: &Fleet, quick: bool) {
    let now = engine.read(TENANT, |_, rules| Ok(rules.clone())).await.unwrap();
    println!();
    let android = SmartGroup {
        id: SmartGroupId(SystemSource.id()),
        name: "Android from 14".into(),
        organization_group: fleet.root,
        selection: Selection { criteria: android(), ..Selection::default() },
    };
    let scope = rules::smart_groups::scope(&now, None, Some(&android));
    let proposed = rules::smart_groups::proposed(&now, android.clone());
    previewed(engine, fleet, "a new smart group over all", proposed, scope, Question::SmartGroup(android.id)).await;
    let row = ProtectionsRow { level: RiskLevel::Low, response: Response::Alert };
    let proposed = rules::protections::proposed(&now, "trojan", row);
    let scope = rules::protections::scope("trojan");
    previewed(engine, fleet, "trojan from high to low", proposed, scope, Question::Classification("trojan".into()))
        .await;

    println!();
    let mut settings = now.settings.clone();
    settings.disconnected_after_days += 10;
    let job = edit(engine, move |work| Ok(rules::settings::set(work, &settings, None)?.1)).await;
    reevaluated(engine, stream, "silent after 40 days instead of 30", job.unwrap(), 0).await;
    let mut settings = now.settings.clone();
    settings.disconnected_after_days += 20;
    let job = edit(engine, move |work| Ok(rules::settings::set(work, &settings, None)?.1)).await;
    reevaluated(engine, stream, "the same, 8 callers meanwhile", job.unwrap(), 8).await;
    let draft = rules::smart_groups::Draft {
        name: android.name.clone(),
        organization_group: fleet.root,
        selection: android.selection.clone(),
    };
    let (group, job) = edit(engine, move |work| rules::smart_groups::create(work, draft.clone())).await;
    reevaluated(engine, stream, "the smart group created, 8 callers meanwhile", job, 8).await;

    let sealer = engine.sealer().clone();
    let root = fleet.root;
    let spec = ProfileSpec { assigned_groups: vec![group.id], ..ProfileSpec::default() };
    let draft = rules::profiles::Draft {
        name: "For Android from 14".into(),
        platform: Platform::Android,
        organization_group: root,
        spec,
    };
    let profile = edit(engine, move |work| rules::profiles::create(work, &sealer, draft.clone())).await;
    let now = engine.read(TENANT, |_, rules| Ok(rules.clone())).await.unwrap();
    let proposed = rules::profiles::proposed(&now, &profile);
    let scope = rules::profiles::scope(profile.id, &[], &profile.draft.assigned_groups);
    println!();
    previewed(engine, fleet, "a profile for that smart group", proposed, scope, Question::Profile(profile.id)).await;

    println!();
    lists(engine, fleet, group.id, &now, if quick { 20 } else { 200 }).await;
}

fn android() -> Criteria {
    let platform =
        PlatformRange { platform: Platform::Android, min_os_version: Some("14".into()), max_os_version: None };
    Criteria { platforms: vec![platform], ..Criteria::default() }
}

async fn previewed(engine: &Engine, fleet: &Fleet, name: &str, rules: Rules, scope: Scope, question: Question) {
    let mut times = Vec::new();
    let mut found = Preview::default();
    let cpu = processor();
    for _ in 0..3 {
        let started = Instant::now();
        let asked = preview::run(engine, TENANT, rules.clone(), scope.clone(), fleet.root, question.clone());
        found = asked.await.unwrap();
        times.push(started.elapsed());
    }
    let Preview { matching, gaining, losing, .. } = found;
    let best = percentile(&times, 0.0);
    let cpu = (processor() - cpu).as_secs_f64() * 1e3 / 3.0;
    let what = format!(
        "{best:>9.0} ms   best of 3, {cpu:.0} ms of CPU; {matching} match, {gaining} gain, {losing} lose; {:.0} MB",
        memory().0
    );
    say(&format!("preview: {name}"), &what);
}

/// Carries a re-evaluation out, with so many callers posting detections one at a time, 20 a second each.
async fn reevaluated(engine: &Engine, stream: &Arc<Mutex<Stream>>, name: &str, job: JobId, callers: usize) {
    let ended = Arc::new(AtomicBool::new(false));
    let mut posting = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (engine, stream, ended) = (engine.clone(), Arc::clone(stream), Arc::clone(&ended));
        posting.spawn(async move {
            let mut times = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let fact = stream.lock().unwrap().next();
                let started = Instant::now();
                engine.submit(TENANT, vec![fact]).await.unwrap();
                times.push(started.elapsed());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            times
        });
    }
    let (started, cpu) = (Instant::now(), processor());
    jobs::run_all(engine).await.unwrap();
    let took = started.elapsed().as_secs_f64();
    ended.store(true, Ordering::Relaxed);
    let times: Vec<Duration> = posting.join_all().await.into_iter().flatten().collect();
    let done = engine.db().read(move |tx| Ok::<_, Error>(allclear_store::jobs::get(tx, TENANT, job)?)).await;
    let done = done.unwrap().unwrap();
    let cpu = (processor() - cpu).as_secs_f64();
    let mut what = format!(
        "{took:>9.1} s    {cpu:.1} s of CPU; {} devices, {} changed; {:.0} MB",
        done.done,
        done.changed,
        memory().0
    );
    if callers > 0 {
        let (p50, p99) = (percentile(&times, 0.5), percentile(&times, 0.99));
        what += &format!("; {} detections, p50 {p50:.1} ms, p99 {p99:.1} ms", times.len());
    }
    say(&format!("re-evaluation: {name}"), &what);
}

/// The lists the console offers, one filter at a time, first page and one further on.
async fn lists(engine: &Engine, fleet: &Fleet, group: SmartGroupId, rules: &Rules, times: usize) {
    let profile = rules.profiles[0].id;
    let filter = DeviceFilter::default;
    let all = vec![
        ("all, by time", filter(), DeviceSort::CreatedAt),
        ("all, by name", filter(), DeviceSort::FriendlyName),
        ("all, by risk", filter(), DeviceSort::Risk),
        ("at risk high", DeviceFilter { risk: vec![RiskLevel::High], ..filter() }, DeviceSort::CreatedAt),
        ("at risk high, by score", DeviceFilter { risk: vec![RiskLevel::High], ..filter() }, DeviceSort::Score),
        ("not at risk", DeviceFilter { risk: vec![RiskLevel::None], ..filter() }, DeviceSort::CreatedAt),
        (
            "not compliant",
            DeviceFilter { compliance: Some(Compliance::NotCompliant), ..filter() },
            DeviceSort::CreatedAt,
        ),
        (
            "compliance unknown",
            DeviceFilter { compliance: Some(Compliance::Unknown), ..filter() },
            DeviceSort::CreatedAt,
        ),
        (
            "disconnected (none is)",
            DeviceFilter { protection: vec![ProtectionStatus::Disconnected], ..filter() },
            DeviceSort::CreatedAt,
        ),
        (
            "tagged secured",
            DeviceFilter { tag: Some(TagFilter::Engine(EngineTag::Secured)), ..filter() },
            DeviceSort::CreatedAt,
        ),
        ("platform ios", DeviceFilter { platform: Some(Platform::Ios), ..filter() }, DeviceSort::CreatedAt),
        (
            "ios 18.1 by name",
            DeviceFilter { platform: Some(Platform::Ios), os_version: Some("18.1".into()), ..filter() },
            DeviceSort::FriendlyName,
        ),
        (
            "employee owned",
            DeviceFilter { ownership: Some(Ownership::EmployeeOwned), ..filter() },
            DeviceSort::CreatedAt,
        ),
        ("model TC58", DeviceFilter { model: Some("TC58".into()), ..filter() }, DeviceSort::CreatedAt),
        ("model nobody has", DeviceFilter { model: Some("Nokia 3310".into()), ..filter() }, DeviceSort::CreatedAt),
        ("in the large smart group", DeviceFilter { smart_group: Some(group), ..filter() }, DeviceSort::CreatedAt),
        (
            "in the large smart group, at risk medium",
            DeviceFilter { smart_group: Some(group), risk: vec![RiskLevel::Medium], ..filter() },
            DeviceSort::CreatedAt,
        ),
        ("with a profile", DeviceFilter { profile: Some(profile), ..filter() }, DeviceSort::CreatedAt),
        (
            "search \"SN00000012\"",
            DeviceFilter { search: Some("SN00000012".into()), ..filter() },
            DeviceSort::CreatedAt,
        ),
        (
            "whole tenant's group",
            DeviceFilter { organization_groups: Some(vec![fleet.root]), ..filter() },
            DeviceSort::CreatedAt,
        ),
    ];
    for (name, filter, sort) in all {
        let mut took = Vec::new();
        let mut found = 0;
        for _ in 0..times {
            let filter = filter.clone();
            let started = Instant::now();
            let read = engine.read(TENANT, move |tx, _| {
                let page = device_list::list(tx, TENANT, &filter, sort, true, None, 50)?;
                let records = devices::get_many(tx, TENANT, &page)?;
                let Some(last) = records.last() else { return Ok(0) };
                let next = device_list::list(tx, TENANT, &filter, sort, true, Some(&sort.key(last)), 50)?;
                Ok(records.len() + next.len())
            });
            found = read.await.unwrap();
            took.push(started.elapsed() / 2);
            // One that is far too slow need not be waited for so often.
            if took.iter().sum::<Duration>() > Duration::from_secs(20) {
                break;
            }
        }
        listed(&format!("devices: {name}"), &took, found);
    }
    let mut took = Vec::new();
    let mut found = 0;
    for _ in 0..times {
        let started = Instant::now();
        let read = engine.read(TENANT, |tx, _| {
            Ok(users::list(tx, TENANT, &UserFilter::default(), UserSort::Score, true, None, 50)?.len())
        });
        found = read.await.unwrap();
        took.push(started.elapsed());
    }
    listed("users: riskiest first", &took, found);
}

fn listed(name: &str, took: &[Duration], found: usize) {
    let (p50, p99) = (percentile(took, 0.5), percentile(took, 0.99));
    say(name, &format!("{p50:>9.2} ms p50 {p99:>9.2} ms p99   {found} rows"));
}
