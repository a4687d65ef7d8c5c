//! What only SQLite has: its files, its log, its backups.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use allclear_store::{
    db::{DatabaseUrl, Db, Error, Options, restore},
    params, row,
    testing::TestDb,
};

use super::{COUNTER, count, schema};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_taken_while_writing_and_comes_back() {
    let database = TestDb::sqlite(|_| {}).await;
    let db = &database.db;
    schema(db, COUNTER).await;
    schema(db, "CREATE TABLE filler (id BIGINT NOT NULL PRIMARY KEY, t BYTEA)").await;
    let rows: Vec<_> = (0..5000_i64).map(|i| row![i, vec![7_u8; 2000]]).collect();
    db.write(move |tx| tx.execute_many("INSERT INTO filler VALUES ($1, $2)", &rows)).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (db, stop) = (db.clone(), Arc::clone(&stop));
        async move {
            let mut i = 0_i64;
            while !stop.load(Ordering::Relaxed) {
                // Two rows at a time: half a commit would show.
                let rows = [row![2 * i, 0], row![2 * i + 1, 0]];
                db.write(move |tx| tx.execute_many("INSERT INTO counter VALUES ($1, $2)", &rows)).await.unwrap();
                i += 1;
            }
            2 * i
        }
    });
    let backup = database.directory().unwrap().join("backup.db");
    while count(db, "counter").await == 0 {}
    let before = count(db, "counter").await;
    db.backup(&backup).await.unwrap();
    let during = count(db, "counter").await;
    stop.store(true, Ordering::Relaxed);
    let all = writer.await.unwrap();
    assert!(during > before, "writers went on");
    assert!(matches!(db.backup(&backup).await, Err(Error::Exists(p)) if p == backup));

    let DatabaseUrl::Sqlite(file) = &database.options.url else { panic!() };
    assert!(matches!(restore(&backup, file, false), Err(Error::Exists(p)) if p == *file));
    assert!(matches!(restore(&backup, file, true), Err(Error::InUse(p)) if p == *file));
    db.close().await;
    for (name, content) in [("text", b"not a database, but long enough".as_slice()), ("empty", b"")] {
        let other = database.directory().unwrap().join(name);
        std::fs::write(&other, content).unwrap();
        assert!(matches!(restore(&other, file, true), Err(Error::NotOurs(p)) if p == other), "{name}");
        assert!(restore(&other.join("missing"), file, true).is_err());
    }
    let reopened = Db::open(database.options.clone()).await.unwrap();
    assert_eq!(count(&reopened, "counter").await, all, "a refused restore changed nothing");
    reopened.close().await;

    let mut damaged = std::fs::read(&backup).unwrap();
    damaged[4096 * 8..4096 * 12].fill(0x55);
    let broken = database.directory().unwrap().join("broken.db");
    std::fs::write(&broken, &damaged).unwrap();
    assert!(matches!(restore(&broken, file, true), Err(Error::Corrupt { .. })));

    restore(&backup, file, true).unwrap();
    let restored = Db::open(database.options.clone()).await.unwrap();
    let kept = count(&restored, "counter").await;
    assert!((before..=during).contains(&kept) && kept % 2 == 0, "{before} <= {kept} <= {during}");
    assert_eq!(count(&restored, "filler").await, 5000);
    restored.close().await;

    // Even what nobody can open is replaced when asked to.
    std::fs::write(file, b"rubbish").unwrap();
    restore(&backup, file, true).unwrap();
    assert_eq!(count(&Db::open(database.options.clone()).await.unwrap(), "counter").await, kept);
}

#[tokio::test]
async fn other_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let foreign = directory.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let text = directory.path().join("text");
    std::fs::write(&text, "not a database, but long enough to look at").unwrap();
    for path in [foreign, text] {
        let opened = Db::open(Options::new(DatabaseUrl::Sqlite(path.clone()))).await;
        assert!(matches!(opened.map(drop), Err(Error::NotOurs(p)) if p == path));
    }
    let missing = directory.path().join("no/such/directory.db");
    let opened = Db::open(Options::new(DatabaseUrl::Sqlite(missing.clone()))).await;
    assert!(matches!(opened.map(drop), Err(Error::File { path, .. }) if path == missing));
}

#[tokio::test]
async fn sqlite_settings_hold_and_the_log_is_emptied_when_idle() {
    let database = TestDb::sqlite(|options| (options.checkpoint_mib, options.page_size) = (4, 8192)).await;
    let db = &database.db;
    schema(db, "CREATE TABLE filler (id BIGINT NOT NULL PRIMARY KEY, t BYTEA)").await;
    let pragmas = db.write(|tx| {
        let mut pragma = |name: &str| tx.query_opt::<i64>(&format!("PRAGMA {name}"), &[]).map(Option::unwrap);
        Ok::<_, Error>([pragma("synchronous")?, pragma("foreign_keys")?, pragma("page_size")?, pragma("cache_size")?])
    });
    assert_eq!(pragmas.await.unwrap(), [2, 1, 8192, -65536]);
    let filled = Instant::now();
    for i in 0..8_i64 {
        db.write(move |tx| tx.execute("INSERT INTO filler VALUES ($1, $2)", params![i, vec![1_u8; 1 << 20]]))
            .await
            .unwrap();
    }
    let filled = filled.elapsed();
    // All of it waits in the log at first, unless this was too slow to see.
    let wal = db.stats().await.unwrap().wal_bytes;
    assert!(wal > 8 << 20 || filled > Duration::from_millis(200), "{wal}");
    let deadline = Instant::now() + Duration::from_secs(30);
    while db.stats().await.unwrap().wal_bytes > 0 {
        assert!(Instant::now() < deadline, "the log was not emptied");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(db.stats().await.unwrap().database_bytes > 8 << 20);
    assert_eq!(count(db, "filler").await, 8);
}

#[tokio::test]
async fn metrics_are_recorded() {
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().unwrap();
    let database = TestDb::sqlite(|_| {}).await;
    schema(&database.db, COUNTER).await;
    count(&database.db, "counter").await;
    let recorded = metrics.render();
    for name in [
        "allclear_db_queue_depth{queue=\"read\"}",
        "allclear_db_queue_depth{queue=\"write\"}",
        "allclear_db_write_wait_seconds_count",
        "allclear_db_transaction_seconds_count{kind=\"read\"}",
        "allclear_db_transaction_seconds_count{kind=\"write\"}",
    ] {
        assert!(recorded.lines().any(|line| line.starts_with(name)), "{name} is not in\n{recorded}");
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while !metrics.render().lines().any(|l| l.starts_with("allclear_db_wal_bytes ") && !l.ends_with(" 0")) {
        assert!(Instant::now() < deadline, "the log's size is not reported");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
