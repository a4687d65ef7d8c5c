//! Indicators, their sets, and what is on devices, on both databases.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::BTreeSet;

use allclear_domain::{
    app::{App, AppSource},
    ids::{DeviceId, IndicatorSetId, ItemId, Tenant},
    indicator::{Indicator, IndicatorKind, Item, Key, Origin, Skipped},
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS,
    db::{Db, Tx, migrate},
    indicator_sets::{self, Content, IndicatorSet},
    indicators::{self, IndicatorFilter, Place},
    items,
    testing::for_each_database,
};
use uuid::Uuid;

const TENANT: Tenant = Tenant(1);
const OTHER: Tenant = Tenant(2);

fn at(seconds: i64) -> Time {
    Time::EPOCH.plus(Span::seconds(seconds))
}

fn set(n: u128, name: &str) -> IndicatorSet {
    IndicatorSet {
        id: IndicatorSetId(Uuid::from_u128(n)),
        name: name.to_owned(),
        origin: Origin::Upload,
        classification: None,
        url: None,
        refresh_seconds: 0,
        content: Content::default(),
        loading: None,
        checked_at: None,
        error: None,
        next_check_at: None,
        version: 1,
        created_at: at(1),
        changed_at: at(1),
    }
}

fn indicator(kind: IndicatorKind, value: &str) -> Indicator {
    Indicator {
        kind,
        value: value.to_owned(),
        name: format!("name of {value}"),
        classification: "spyware".to_owned(),
        reference: Some("ref".to_owned()),
        valid_from: None,
        valid_until: None,
    }
}

fn package(value: &str) -> Indicator {
    indicator(IndicatorKind::AppIdentifier, value)
}

async fn write<T: Send + 'static>(
    db: &Db,
    change: impl Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    db.write(change).await
}

#[tokio::test]
async fn sets_are_kept_whole_and_one_is_due() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let full = IndicatorSet {
            origin: Origin::Url,
            classification: Some("stalkerware".into()),
            url: Some("https://example.com/".into()),
            refresh_seconds: 3600,
            content: Content {
                format: Some("stix".into()),
                indicators: 3,
                skipped: 1,
                findings: vec![Skipped { what: "x".into(), why: "y".into() }],
                digest: Some("d".into()),
                etag: Some("e".into()),
                last_modified: Some("m".into()),
                loaded_at: Some(at(2)),
            },
            loading: Some(Uuid::from_u128(9)),
            checked_at: Some(at(3)),
            error: Some("oh".into()),
            next_check_at: Some(at(4)),
            ..set(1, "b")
        };
        let kept = full.clone();
        write(&db, move |tx| {
            indicator_sets::insert(tx, TENANT, &kept)?;
            indicator_sets::insert(tx, TENANT, &set(2, "a"))?;
            indicator_sets::insert(tx, OTHER, &set(2, "b"))
        })
        .await
        .unwrap();
        let taken = write(&db, |tx| indicator_sets::insert(tx, TENANT, &set(3, "b"))).await;
        assert!(taken.unwrap_err().is_unique_violation());
        let expected = full.clone();
        db.read(move |tx| {
            assert_eq!(indicator_sets::get(tx, TENANT, full.id)?.as_ref(), Some(&full));
            let names: Vec<String> = indicator_sets::list(tx, TENANT)?.into_iter().map(|set| set.name).collect();
            assert_eq!(names, ["a", "b"]);
            assert_eq!(indicator_sets::due(tx, TENANT, at(3))?, None);
            assert_eq!(indicator_sets::due(tx, TENANT, at(4))?, Some(full.clone()));
            assert_eq!(indicator_sets::due(tx, OTHER, at(4))?, None);
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
        write(&db, move |tx| {
            indicator_sets::update(tx, TENANT, &IndicatorSet { error: None, ..expected.clone() })?;
            assert_eq!(indicator_sets::get(tx, TENANT, expected.id)?.unwrap().error, None);
            indicator_sets::delete(tx, TENANT, expected.id)?;
            assert_eq!(indicator_sets::get(tx, TENANT, expected.id)?, None);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn indicators_are_found_by_value_and_listed_in_order() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let (one, two) = (set(1, "one"), IndicatorSet { classification: Some("trojan".into()), ..set(2, "two") });
        write(&db, move |tx| {
            for set in [&one, &two] {
                indicator_sets::insert(tx, TENANT, set)?;
            }
            indicator_sets::insert(tx, OTHER, &one)?;
            let all = [package("com.a"), package("com.b"), indicator(IndicatorKind::Domain, "com.a"), package("org.c")];
            indicators::put(tx, TENANT, one.id, &all, at(0))?;
            indicators::put(tx, TENANT, two.id, &[package("com.a"), package("com.d")], at(0))?;
            indicators::put(tx, OTHER, one.id, &[package("com.z")], at(0))
        })
        .await
        .unwrap();
        db.read(|tx| {
            let keys: Vec<Key> = ["com.a", "com.z", "com.b"]
                .iter()
                .map(|value| (IndicatorKind::AppIdentifier, (*value).to_owned()))
                .collect();
            let found = indicators::matching(tx, TENANT, &keys)?;
            let shown: Vec<(&str, Vec<(&str, &str)>)> = found
                .iter()
                .map(|(key, found)| {
                    let found = found.iter().map(|one| (one.set_name.as_str(), one.classification.as_str()));
                    (key.1.as_str(), found.collect())
                })
                .collect();
            let expected =
                [("com.a", vec![("one", "spyware"), ("two", "trojan")]), ("com.b", vec![("one", "spyware")])];
            assert_eq!(shown, expected);

            for descending in [false, true] {
                let whole = IndicatorFilter::default();
                let all = indicators::list(tx, TENANT, &whole, None, descending, 100)?;
                let mut sorted = all.clone();
                sorted.sort_by_key(|one| (one.indicator.value.clone(), one.indicator.kind.as_str(), one.set));
                if descending {
                    sorted.reverse();
                }
                assert_eq!((all.len(), &all), (6, &sorted));
                let (mut after, mut paged): (Option<Place>, Vec<_>) = (None, Vec::new());
                loop {
                    let page = indicators::list(tx, TENANT, &whole, after.as_ref(), descending, 1)?;
                    let Some(last) = page.last() else { break };
                    after = Some((last.indicator.value.clone(), last.indicator.kind.as_str().into(), last.set.0));
                    paged.extend(page);
                }
                assert_eq!(paged, all);
            }
            let some = IndicatorSetId(Uuid::from_u128(2));
            for (filter, expected) in [
                (IndicatorFilter { begins: Some("com.".into()), ..Default::default() }, 5),
                (IndicatorFilter { kind: Some(IndicatorKind::Domain), ..Default::default() }, 1),
                (IndicatorFilter { set: Some(some), ..Default::default() }, 2),
                (IndicatorFilter { name: Some("name of com.a".into()), set: Some(some), ..Default::default() }, 1),
                (IndicatorFilter { begins: Some("x".into()), ..Default::default() }, 0),
            ] {
                assert_eq!(indicators::list(tx, TENANT, &filter, None, false, 100)?.len(), expected, "{filter:?}");
            }
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
        write(&db, |tx| {
            let first = IndicatorSetId(Uuid::from_u128(1));
            indicators::remove(tx, TENANT, first, &[(IndicatorKind::AppIdentifier, "com.a".into())])?;
            let left = indicators::of_set(tx, TENANT, first, None, 100)?;
            assert_eq!(left.iter().map(|one| one.value.as_str()).collect::<Vec<_>>(), ["com.a", "com.b", "org.c"]);
            let after = left[0].key();
            assert_eq!(indicators::of_set(tx, TENANT, first, Some(&after), 1)?, left[1..2]);
            assert_eq!(indicators::classifications(tx, TENANT, first)?, ["spyware"]);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn indicators_begin_and_cease_to_count() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        write(&db, |tx| {
            let held = IndicatorSet { content: Content { indicators: 2, ..Content::default() }, ..set(1, "one") };
            indicator_sets::insert(tx, TENANT, &held)?;
            let brief = Indicator { valid_from: Some(at(10)), valid_until: Some(at(20)), ..package("a") };
            indicators::put(tx, TENANT, held.id, &[brief, package("b")], at(0))?;
            let keys = [(IndicatorKind::AppIdentifier, "a".to_owned())];
            let counts = |tx: &mut Tx<'_>| Ok::<_, Error>(indicators::matching(tx, TENANT, &keys)?.len());
            assert_eq!((counts(tx)?, indicators::next_turn(tx, TENANT)?), (0, Some(at(10))));
            assert_eq!(indicators::turn(tx, TENANT, at(9), 10)?, []);
            assert_eq!(indicators::turn(tx, TENANT, at(10), 10)?, keys);
            assert_eq!((counts(tx)?, indicators::next_turn(tx, TENANT)?), (1, Some(at(20))));
            assert_eq!(indicators::turn(tx, TENANT, at(20), 10)?, keys);
            assert_eq!((counts(tx)?, indicators::next_turn(tx, TENANT)?), (0, None));
            assert_eq!(indicator_sets::get(tx, TENANT, held.id)?.unwrap().content.indicators, 1);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn items_are_kept_once_and_forgotten_with_the_last_device() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        write(&db, |tx| {
            let [a, b] = [1, 2].map(|n| DeviceId(Uuid::from_u128(n)));
            let spy = Item::App(App {
                identifier: "com.spy".into(),
                name: Some("Spy".into()),
                version: Some("1".into()),
                certificate_sha256: Some("aa".repeat(32)),
                certificate_sha1: Some("bb".repeat(20)),
                sha256: Some("cc".repeat(32)),
                source: AppSource::Sideloaded,
            });
            let plain = Item::App(App { identifier: "org.plain".into(), ..App::default() });
            let profile = Item::ConfigurationProfile("com.spy".into());
            let of = |n: u128, item: &Item| (ItemId(Uuid::from_u128(n)), item.clone());
            let all = [of(11, &spy), of(12, &plain), of(13, &profile)];
            items::write(tx, TENANT, a, &all, &[])?;
            items::write(tx, TENANT, b, &all[..1], &[])?;
            assert_eq!(items::of_device(tx, TENANT, a)?, all);
            assert_eq!(items::of_device(tx, OTHER, a)?, []);
            assert_eq!(items::ids_of(tx, TENANT, &[b, a])?, [vec![all[0].0], all.iter().map(|one| one.0).collect()]);

            for (kind, value, expected) in [
                (IndicatorKind::AppIdentifier, "com.spy", vec![all[0].0]),
                (IndicatorKind::ConfigurationProfile, "com.spy", vec![all[2].0]),
                (IndicatorKind::CertificateSha256, &"aa".repeat(32), vec![all[0].0]),
                (IndicatorKind::CertificateSha1, &"bb".repeat(20), vec![all[0].0]),
                (IndicatorKind::FileSha256, &"cc".repeat(32), vec![all[0].0]),
                (IndicatorKind::Domain, "com.spy", vec![]),
                (IndicatorKind::AppIdentifier, "com", vec![]),
            ] {
                assert_eq!(items::known_by(tx, TENANT, &[(kind, value.to_owned())])?, expected, "{kind:?} {value}");
            }
            let keys: Vec<Key> = spy.keys();
            assert_eq!(items::known_by(tx, TENANT, &keys)?, [all[0].0], "each once");

            items::write(tx, TENANT, a, &[], &[all[0].0, all[1].0])?;
            let left: BTreeSet<ItemId> =
                items::get_many(tx, TENANT, &[all[0].0, all[1].0, all[2].0])?.into_iter().map(|one| one.0).collect();
            assert_eq!(left, BTreeSet::from([all[0].0, all[2].0]), "the other device still has the first");
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}
