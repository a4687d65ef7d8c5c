//! The database facade, the same suite on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    ops::ControlFlow,
    sync::{Mutex, mpsc},
    time::Duration,
};

use allclear_store::{
    db::{DatabaseUrl, Db, Dialect, Error, Options, ValueRef, build},
    params, row,
    testing::{databases, databases_with, for_each_database},
};
use uuid::Uuid;

#[path = "db/migrate.rs"]
mod migrate;
#[path = "db/postgres.rs"]
mod postgres;
#[path = "db/sqlite.rs"]
mod sqlite;

const COUNTER: &str = "CREATE TABLE counter (id BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)";

async fn schema(db: &Db, sql: &'static str) {
    db.write(move |tx| tx.batch(sql)).await.unwrap();
}

async fn count(db: &Db, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    db.read(move |tx| tx.query_opt::<i64>(&sql, &[])).await.unwrap().unwrap()
}

#[tokio::test]
async fn parameters_go_by_number() {
    for_each_database(|db| async move {
        let found = db
            .read(|tx| {
                let sql = "SELECT CAST($2 AS BIGINT), CAST($1 AS BIGINT), '$1', CAST($2 AS BIGINT)";
                tx.query::<(i64, i64, String, i64)>(sql, params![1_i64, 2_i64])
            })
            .await;
        assert_eq!(found.unwrap(), [(2, 1, "$1".to_owned(), 2)]);
        let wrong = db.read(|tx| tx.execute("SELECT CAST($1 AS BIGINT)", &[])).await;
        assert!(matches!(wrong, Err(Error::Sqlite(_) | Error::Postgres(_))));
    })
    .await;
}

#[tokio::test]
async fn values_come_back_as_they_went() {
    for_each_database(|db| async move {
        schema(&db, "CREATE TABLE v (a BIGINT, b BOOLEAN, c TEXT, d BYTEA, e UUID, f DOUBLE PRECISION)").await;
        let id = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);
        type All = (Option<i64>, Option<bool>, Option<String>, Option<Vec<u8>>, Option<Uuid>, Option<f64>);
        let full: All =
            (Some(i64::MIN), Some(true), Some("ä'\"$1".to_owned()), Some(vec![0, 255]), Some(id), Some(-0.5));
        let rows = vec![full.clone(), (None, None, None, None, None, None)];
        let written = rows.clone();
        db.write(move |tx| {
            for (a, b, c, d, e, f) in written.clone() {
                tx.execute("INSERT INTO v VALUES ($1, $2, $3, $4, $5, $6)", params![a, b, c, d, e, f])?;
            }
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
        let read = db.read(|tx| tx.query::<All>("SELECT * FROM v ORDER BY a IS NULL", &[])).await.unwrap();
        assert_eq!(read, rows);
        db.read(move |tx| {
            let found = tx.query_opt::<i64>("SELECT a FROM v WHERE e = $1 AND b = $2", params![id, true])?;
            assert_eq!(found, Some(i64::MIN));
            tx.scan("SELECT d, c, e, a, c FROM v WHERE a IS NOT NULL", &[], &mut |row| {
                assert_eq!((row.blob(0)?, row.text(1)?, row.get::<Uuid>(2)?), (&[0, 255][..], "ä'\"$1", id));
                assert_eq!(row.value(3)?, ValueRef::Int(i64::MIN));
                assert!(matches!(row.get::<i32>(3), Err(Error::Decode { column: 3, .. })));
                assert!(matches!(row.get::<i64>(4), Err(Error::Decode { column: 4, found: "text", .. })));
                assert!(row.get::<i64>(5).is_err());
                Ok(ControlFlow::Continue(()))
            })?;
            let null = tx.query_opt::<i64>("SELECT a FROM v WHERE a IS NULL", &[]);
            assert!(matches!(null, Err(Error::Decode { found: "null", .. })));
            // What only this side could not read leaves the transaction whole.
            assert_eq!(tx.query_opt::<Option<i64>>("SELECT a FROM v WHERE a IS NULL", &[])?, Some(None));
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_increments_lose_nothing() {
    for_each_database(|db| async move {
        schema(&db, COUNTER).await;
        db.write(|tx| tx.execute("INSERT INTO counter VALUES (1, 0)", &[])).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..16 {
            let db = db.clone();
            tasks.spawn(async move {
                for _ in 0..20 {
                    db.write(move |tx| {
                        if task % 2 == 0 {
                            return tx.execute("UPDATE counter SET n = n + 1 WHERE id = 1", &[]);
                        }
                        let sql = format!("SELECT n FROM counter WHERE id = 1{}", tx.dialect().for_update());
                        let n = tx.query_opt::<i64>(&sql, &[])?.unwrap();
                        tx.execute("UPDATE counter SET n = $1 WHERE id = 1", params![n + 1])
                    })
                    .await
                    .unwrap();
                }
            });
        }
        tasks.join_all().await;
        let n = db.read(|tx| tx.query_opt::<i64>("SELECT n FROM counter", &[])).await.unwrap();
        assert_eq!(n, Some(320));
    })
    .await;
}

#[tokio::test]
async fn many_at_once() {
    for_each_database(|db| async move {
        schema(&db, COUNTER).await;
        db.write(|tx| {
            // More than are sent at once; the last of equal keys wins, so order matters.
            let rows: Vec<_> = (0..2500_i64).map(|i| row![i % 2000, i]).collect();
            let sql = "INSERT INTO counter VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = excluded.n";
            assert_eq!(tx.execute_many(sql, &rows)?, vec![1; 2500]);
            assert_eq!(tx.execute_many(sql, &[])?, Vec::<u64>::new());
            let sql = "SELECT id, n FROM counter WHERE id >= $1 AND id < $2 ORDER BY id";
            let found = tx.query_many::<(i64, i64)>(sql, &[row![0, 2], row![5000, 6000], row![1999, 3000]])?;
            assert_eq!(found, [vec![(0, 2000), (1, 2001)], vec![], vec![(1999, 1999)]]);
            let rows: Vec<_> = (0..1500_i64).map(|i| row![i, -i]).collect();
            let sql = "UPDATE counter SET n = $2 WHERE id = $1 RETURNING n";
            let changed = tx.query_many::<i64>(sql, &rows)?;
            assert_eq!(changed, (0..1500).map(|i| vec![-i]).collect::<Vec<_>>());

            let mut seen = Vec::new();
            tx.scan("SELECT id FROM counter ORDER BY id", &[], &mut |row| {
                seen.push(row.get::<i64>(0)?);
                Ok(if seen.len() == 1700 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            assert_eq!(seen, (0..1700).collect::<Vec<_>>());
            tx.execute("DELETE FROM counter WHERE id >= 10", &[])
        })
        .await
        .unwrap();
        assert_eq!(count(&db, "counter").await, 10);

        let failed =
            db.write(|tx| tx.execute_many("INSERT INTO counter VALUES ($1, 0)", &[row![50], row![3], row![51]])).await;
        assert!(failed.unwrap_err().is_unique_violation());
        assert_eq!(count(&db, "counter").await, 10);
    })
    .await;
}

#[tokio::test]
async fn violations_are_recognised() {
    for_each_database(|db| async move {
        schema(
            &db,
            "CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY, name TEXT UNIQUE);
             CREATE TABLE child (id BIGINT NOT NULL PRIMARY KEY REFERENCES parent (id));
             CREATE TABLE late (id BIGINT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
             INSERT INTO parent VALUES (1, 'a')",
        )
        .await;
        let run = async |sql: &'static str| db.write(move |tx| tx.execute(sql, &[])).await.unwrap_err();
        for sql in ["INSERT INTO parent VALUES (1, 'b')", "INSERT INTO parent VALUES (2, 'a')"] {
            let error = run(sql).await;
            assert!(error.is_unique_violation() && !error.is_foreign_key_violation(), "{error:?}");
        }
        for sql in ["INSERT INTO child VALUES (2)", "INSERT INTO late VALUES (2)"] {
            let error = run(sql).await;
            assert!(error.is_foreign_key_violation() && !error.is_unique_violation(), "{error:?}");
        }
        let error = run("INSERT INTO nothing VALUES (2)").await;
        assert!(!error.is_foreign_key_violation() && !error.is_unique_violation(), "{error:?}");
        assert_eq!((count(&db, "child").await, count(&db, "late").await), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_failed_statement_ends_its_transaction_or_savepoint() {
    for_each_database(|db| async move {
        schema(&db, COUNTER).await;
        let swallowed = db
            .write(|tx| {
                tx.execute("INSERT INTO counter VALUES (1, 0)", &[])?;
                assert!(tx.execute("INSERT INTO counter VALUES (1, 0)", &[]).is_err());
                let next = tx.execute("INSERT INTO counter VALUES (2, 0)", &[]);
                assert!(matches!(next, Err(Error::Aborted)));
                Ok::<_, Error>(())
            })
            .await;
        assert!(matches!(swallowed, Err(Error::Aborted)));
        assert_eq!(count(&db, "counter").await, 0);

        db.write(|tx| {
            tx.execute("INSERT INTO counter VALUES (1, 0)", &[])?;
            let inner = tx.nested(|tx| {
                tx.execute("INSERT INTO counter VALUES (2, 0)", &[])?;
                tx.nested(|tx| tx.execute("INSERT INTO counter VALUES (3, 0)", &[]))?;
                tx.execute("INSERT INTO counter VALUES (1, 0)", &[])
            });
            assert!(inner.unwrap_err().is_unique_violation());
            let swallowed = tx.nested(|tx| {
                assert!(tx.execute("INSERT INTO counter VALUES (1, 0)", &[]).is_err());
                Ok::<_, Error>(())
            });
            assert!(matches!(swallowed, Err(Error::Aborted)));
            tx.nested(|tx| tx.execute("INSERT INTO counter VALUES (4, 0)", &[]))
        })
        .await
        .unwrap();
        let ids = db.read(|tx| tx.query::<i64>("SELECT id FROM counter ORDER BY id", &[])).await.unwrap();
        assert_eq!(ids, [1, 4]);
    })
    .await;
}

#[tokio::test]
async fn an_error_or_a_panic_rolls_back_and_harms_nobody() {
    #[derive(Debug)]
    enum Mine {
        No,
        Db(Error),
    }
    impl From<Error> for Mine {
        fn from(e: Error) -> Mine {
            Mine::Db(e)
        }
    }
    for_each_database(|db| async move {
        schema(&db, COUNTER).await;
        let refused = db
            .write(|tx| {
                tx.execute("INSERT INTO counter VALUES (1, 0)", &[])?;
                Err::<(), _>(Mine::No)
            })
            .await;
        assert!(matches!(refused, Err(Mine::No)));
        for _ in 0..10 {
            let panicked: Result<(), Mine> = db
                .write(|tx| {
                    tx.execute("INSERT INTO counter VALUES (1, 0)", &[])?;
                    tx.scan("SELECT id FROM counter", &[], &mut |_| panic!("in the middle"))?;
                    Ok(())
                })
                .await;
            assert!(matches!(panicked, Err(Mine::Db(Error::Panic(m))) if m == "in the middle"));
            let panicked: Result<(), Error> = db.read(|_| panic!("{}", 1)).await;
            assert!(matches!(panicked, Err(Error::Panic(m)) if m == "1"));
        }
        assert_eq!(count(&db, "counter").await, 0);
        db.write(|tx| tx.execute("INSERT INTO counter VALUES (1, 0)", &[])).await.unwrap();
        assert_eq!(count(&db, "counter").await, 1);
    })
    .await;
}

#[tokio::test]
async fn readers_cannot_write_and_see_one_state() {
    for_each_database(|db| async move {
        schema(&db, COUNTER).await;
        assert!(db.read(|tx| tx.execute("INSERT INTO counter VALUES (1, 0)", &[])).await.is_err());
        assert!(db.read_single(|tx| tx.execute("INSERT INTO counter VALUES (1, 0)", &[])).await.is_err());
        let two = db.read_single(|tx| {
            assert_eq!(tx.query_opt::<i64>("SELECT COUNT(*) FROM counter", &[])?, Some(0));
            tx.query_opt::<i64>("SELECT COUNT(*) FROM counter", &[])
        });
        assert!(matches!(two.await, Err(Error::Unsupported(_))));
        let (at_first, first) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = Mutex::new(gone_on);
        let reader = tokio::spawn({
            let db = db.clone();
            async move {
                db.read(move |tx| {
                    let before = tx.query_opt::<i64>("SELECT COUNT(*) FROM counter", &[])?;
                    at_first.send(()).unwrap();
                    gone_on.lock().unwrap().recv().unwrap();
                    Ok::<_, Error>((before, tx.query_opt::<i64>("SELECT COUNT(*) FROM counter", &[])?))
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || first.recv().unwrap()).await.unwrap();
        db.write(|tx| tx.execute("INSERT INTO counter VALUES (1, 0)", &[])).await.unwrap();
        assert_eq!(count(&db, "counter").await, 1);
        go_on.send(()).unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), (Some(0), Some(0)));
    })
    .await;
}

#[tokio::test]
async fn a_full_queue_is_busy_and_a_lost_caller_is_served() {
    let small = |options: &mut Options| (options.queue, options.writers) = (1, 1);
    for database in databases_with(small).await {
        let db = &database.db;
        schema(db, COUNTER).await;
        let (started, has_started) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = Mutex::new(gone_on);
        let first = tokio::spawn({
            let db = db.clone();
            async move {
                db.write(move |tx| {
                    tx.execute("INSERT INTO counter VALUES (1, 0)", &[])?;
                    started.send(()).unwrap();
                    gone_on.lock().unwrap().recv().unwrap();
                    Ok::<_, Error>(())
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || has_started.recv().unwrap()).await.unwrap();
        let second = {
            let write = db.write(|tx| tx.execute("INSERT INTO counter VALUES (2, 0)", &[]));
            // Queued when first polled, and then given up.
            tokio::time::timeout(Duration::from_millis(50), write).await
        };
        assert!(second.is_err());
        let third = db.write(|tx| tx.execute("INSERT INTO counter VALUES (3, 0)", &[])).await;
        assert!(matches!(third, Err(Error::Busy)), "{third:?}");
        go_on.send(()).unwrap();
        first.await.unwrap().unwrap();
        while let Err(Error::Busy) = db.write(|tx| tx.execute("INSERT INTO counter VALUES (4, 0)", &[])).await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ids = db.read(|tx| tx.query::<i64>("SELECT id FROM counter ORDER BY id", &[])).await.unwrap();
        assert_eq!(ids, [1, 2, 4]);
    }
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    for database in databases().await {
        let db = &database.db;
        schema(db, COUNTER).await;
        let writes: Vec<_> = (0..50_i64)
            .map(|i| {
                let db = db.clone();
                async move { db.write(move |tx| tx.execute("INSERT INTO counter VALUES ($1, 0)", params![i])).await }
            })
            .collect();
        let writes = writes.into_iter().map(tokio::spawn).collect::<Vec<_>>();
        while !writes.iter().any(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
        db.close().await;
        let mut done = 0;
        for write in writes {
            match write.await.unwrap() {
                Ok(_) => done += 1,
                Err(e) => assert!(matches!(e, Error::Closed), "{e:?}"),
            }
        }
        assert!(matches!(db.read(|tx| tx.execute("SELECT 1", &[])).await, Err(Error::Closed)));
        let again = Db::open(database.options.clone()).await.unwrap();
        assert!(done > 0);
        assert_eq!(count(&again, "counter").await, done);
    }
}

#[tokio::test]
async fn blocking_calls_and_sizes() {
    for_each_database(|db| async move {
        let blocking = db.clone();
        let id = std::thread::spawn(move || {
            blocking.blocking_write(|tx| tx.batch(COUNTER))?;
            blocking.blocking_write(|tx| tx.execute("INSERT INTO counter VALUES (7, 0)", &[]))?;
            blocking.blocking_read(|tx| tx.query_opt::<i64>("SELECT id FROM counter", &[]))
        });
        assert_eq!(id.join().unwrap().unwrap(), Some(7));
        let stats = db.stats().await.unwrap();
        assert!(stats.database_bytes > 0);
        assert_eq!(stats.wal_bytes > 0, db.dialect() == Dialect::Sqlite);
    })
    .await;
}

#[tokio::test]
async fn built_statements_run() {
    use sea_query::{Expr, ExprTrait, Order, Query};
    for_each_database(|db| async move {
        schema(&db, "CREATE TABLE t (id UUID NOT NULL, name TEXT NOT NULL, n BIGINT)").await;
        let id = Uuid::from_u128(5);
        let mut insert = Query::insert();
        insert.into_table("t").columns(["id", "name", "n"]);
        insert.values_panic([id.into(), "it's".into(), 3_i64.into()]);
        insert.values_panic([Uuid::from_u128(6).into(), "$1".into(), Option::<i64>::None.into()]);
        let (sql, values) = build(db.dialect(), &insert).unwrap();
        db.write(move |tx| tx.execute(&sql, &values)).await.unwrap();
        let mut select = Query::select();
        select.columns(["name", "n"]).from("t").and_where(Expr::col("id").eq(id).or(Expr::col("name").eq("$1")));
        select.order_by("name", Order::Desc).limit(2);
        let (sql, values) = build(db.dialect(), &select).unwrap();
        let found = db.read(move |tx| tx.query::<(String, Option<i64>)>(&sql, &values)).await.unwrap();
        assert_eq!(found, [("it's".to_owned(), Some(3)), ("$1".to_owned(), None)]);
        let too_large = Query::select().expr(Expr::val(u64::MAX)).to_owned();
        assert!(matches!(build(db.dialect(), &too_large), Err(Error::Bind(_))));
    })
    .await;
}

#[tokio::test]
async fn urls() {
    assert_eq!("sqlite:a/b.db".parse::<DatabaseUrl>().unwrap(), DatabaseUrl::Sqlite("a/b.db".into()));
    assert_eq!("sqlite:///a/b.db".parse::<DatabaseUrl>().unwrap(), DatabaseUrl::Sqlite("/a/b.db".into()));
    for wrong in ["", "sqlite:", "sqlite::memory:", "mysql://h/d", "/a/b.db"] {
        assert!(matches!(wrong.parse::<DatabaseUrl>(), Err(Error::Options(_))), "{wrong}");
    }
    let url: DatabaseUrl = "postgresql://me:se@cret@h:5/d?password=x".parse().unwrap();
    assert_eq!((url.dialect(), url.to_string().as_str()), (Dialect::Postgres, "postgres://h:5/d"));
    assert!(!format!("{url:?}").contains("cret"));
    let nobody = Options::new("postgres://u@127.0.0.1:1/d".parse().unwrap());
    assert!(matches!(Db::open(nobody).await.map(drop), Err(Error::Postgres(_))));
}
