//! Migrations on both databases.

use allclear_store::{
    db::{
        Db, Error,
        migrate::{Migration, MigrationError, run, status},
    },
    params,
    testing::{databases, for_each_database},
};

const FIRST: Migration = Migration {
    number: 1,
    name: "first",
    sql: "-- People's things; TEXT sorts by byte.
          CREATE TABLE thing (tenant UUID NOT NULL, name TEXT NOT NULL, weight DOUBLE PRECISION, seal BYTEA,
            ok BOOLEAN, PRIMARY KEY (tenant, name)) WITHOUT ROWID;
          CREATE INDEX thing_weight ON thing (tenant, weight);",
};
const SECOND: Migration =
    Migration { number: 2, name: "second", sql: "ALTER TABLE thing ADD COLUMN note TEXT DEFAULT 'a;b'" };
const TIDIED: Migration =
    Migration { number: 2, name: "second", sql: "ALTER TABLE thing\n  ADD COLUMN note TEXT DEFAULT 'a;b'\n" };
const EDITED: Migration = Migration { number: 2, name: "second", sql: "ALTER TABLE thing ADD COLUMN note2 TEXT" };
const THIRD: Migration = Migration { number: 3, name: "third", sql: "CREATE TABLE other (a BIGINT); CREATE nonsense" };

async fn applied(db: &Db, migrations: &[Migration]) -> Vec<bool> {
    status(db, migrations).await.unwrap().iter().map(|s| s.applied).collect()
}

#[tokio::test]
async fn history_is_applied_once_and_never_rewritten() {
    for_each_database(|db| async move {
        assert_eq!(applied(&db, &[FIRST, SECOND]).await, [false, false]);
        assert_eq!(run(&db, &[FIRST]).await.unwrap(), [1]);
        assert_eq!(applied(&db, &[FIRST, SECOND]).await, [true, false]);
        assert_eq!(run(&db, &[FIRST, SECOND]).await.unwrap(), [2]);
        assert_eq!(run(&db, &[FIRST, TIDIED]).await.unwrap(), [0_i64; 0]);
        assert_eq!(applied(&db, &[FIRST, SECOND]).await, [true, true]);

        let refused = async |migrations: &[Migration]| match run(&db, migrations).await {
            Err(Error::Migration(e)) => e,
            other => panic!("{other:?}"),
        };
        assert!(matches!(refused(&[FIRST, EDITED]).await, MigrationError::Edited { number: 2, .. }));
        assert!(matches!(refused(&[FIRST]).await, MigrationError::Newer { number: 2, .. }));
        assert!(matches!(refused(&[]).await, MigrationError::Newer { number: 1, .. }));
        assert!(matches!(refused(&[SECOND]).await, MigrationError::Newer { number: 1, .. }));
        assert!(matches!(refused(&[SECOND, FIRST]).await, MigrationError::OutOfOrder { number: 1, .. }));
        let between = Migration { number: 1, name: "between", ..SECOND };
        let last = Migration { number: 2, ..FIRST };
        assert!(matches!(refused(&[between, last]).await, MigrationError::Edited { number: 1, .. }));
        assert!(matches!(status(&db, &[FIRST, EDITED]).await, Err(Error::Migration(MigrationError::Edited { .. }))));

        let failed = refused(&[FIRST, SECOND, THIRD]).await;
        assert!(matches!(failed, MigrationError::Failed { number: 3, .. }));
        assert_eq!(applied(&db, &[FIRST, SECOND, THIRD]).await, [true, true, false]);
        let mended = Migration { sql: "CREATE TABLE other (a BIGINT)", ..THIRD };
        assert_eq!(run(&db, &[FIRST, SECOND, mended]).await.unwrap(), [3]);
    })
    .await;
}

#[tokio::test]
async fn text_sorts_the_same_everywhere() {
    for_each_database(|db| async move {
        run(&db, &[FIRST, SECOND]).await.unwrap();
        let sorted = db
            .write(|tx| {
                for name in ["b", "B", "_", "a", "ä", "A"] {
                    let tenant = uuid::Uuid::nil();
                    tx.execute("INSERT INTO thing (tenant, name) VALUES ($1, $2)", params![tenant, name])?;
                }
                tx.query::<(String, String)>("SELECT name, note FROM thing ORDER BY name", &[])
            })
            .await
            .unwrap();
        let names: Vec<_> = sorted.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["A", "B", "_", "a", "b", "ä"]);
        assert!(sorted.iter().all(|(_, note)| note == "a;b"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_programs_may_start_at_once() {
    for database in databases().await {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let options = database.options.clone();
            tasks.spawn(async move {
                let db = Db::open(options).await.unwrap();
                let applied = run(&db, &[FIRST, SECOND]).await.unwrap();
                db.close().await;
                applied
            });
        }
        let mut all: Vec<_> = tasks.join_all().await.concat();
        all.sort_unstable();
        assert_eq!(all, [1, 2], "{}", database.name);
    }
}
