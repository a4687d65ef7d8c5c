//! A tenant's authority for the certificates of devices: made once by however many nodes.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::sync::Arc;

use allclear_domain::time::Span;
use allclear_engine::{Engine, device_authority, source::Source};
use allclear_pki::Certificate;
use allclear_store::db::Db;
use common::{Fixture, TENANT};

async fn certificates(engine: &Engine) -> Vec<Certificate> {
    engine.db().read(|tx| device_authority::certificates(tx, TENANT)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_makes_the_authority_and_one_the_next() {
    for fixture in Fixture::all().await {
        let db = Db::open(fixture.database.options.clone()).await.unwrap();
        let other = Engine::open(db, Arc::clone(&fixture.source) as Arc<dyn Source>, [1; 32]).await.unwrap();
        let both = async || {
            let ensured = tokio::join!(
                device_authority::ensure(&fixture.engine, TENANT),
                device_authority::ensure(&other, TENANT)
            );
            assert!(matches!(ensured, (Ok(()), Ok(()))), "{ensured:?}");
        };
        both().await;
        let first = certificates(&fixture.engine).await;
        assert_eq!((first.len(), &certificates(&other).await), (1, &first));
        fixture.source.advance(Span::days(3650 - 731));
        both().await;
        assert_eq!(certificates(&other).await, first, "good for two years and more");

        fixture.source.advance(Span::days(2));
        both().await;
        let now = certificates(&fixture.engine).await;
        assert_eq!((now.len(), &now[1..], &certificates(&other).await), (2, &first[..], &now));
        for engine in [&fixture.engine, &other] {
            let sealer = engine.sealer().clone();
            let issues = engine.db().read(move |tx| device_authority::get(tx, &sealer, TENANT)).await.unwrap().unwrap();
            assert_eq!(issues.authority.certificate(), &now[0], "both know its key");
        }
        both().await;
        assert_eq!(certificates(&other).await, now);
    }
}

#[tokio::test]
async fn who_has_no_authority_is_not_given_the_next() {
    for fixture in Fixture::all().await {
        device_authority::roll_over(&fixture.engine, TENANT).await.unwrap();
        assert!(certificates(&fixture.engine).await.is_empty());
        let sealer = fixture.engine.sealer().clone();
        let none = fixture.engine.db().read(move |tx| device_authority::get(tx, &sealer, TENANT)).await.unwrap();
        assert!(none.is_none());
    }
}
