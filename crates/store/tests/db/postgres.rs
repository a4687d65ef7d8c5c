//! What only PostgreSQL has: connections that break and transactions that get in each other's way.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use allclear_store::{db::Error, params, testing::TestDb};

use super::{COUNTER, schema};

#[tokio::test]
async fn postgres_transactions_are_run_again() {
    let Some(database) = TestDb::postgres(|options| options.writers = 2).await else { return };
    let db = &database.db;
    schema(db, COUNTER).await;
    schema(db, "INSERT INTO counter VALUES (1, 0), (2, 0)").await;

    // A connection that ends in the middle of a transaction.
    let tries = Arc::new(AtomicU32::new(0));
    let (counted, killer) = (Arc::clone(&tries), db.clone());
    db.write(move |tx| {
        tx.execute("UPDATE counter SET n = n + 1 WHERE id = 1", &[])?;
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            let pid = tx.query_opt::<i32>("SELECT pg_backend_pid()", &[])?.unwrap();
            killer.blocking_write(move |tx| tx.execute("SELECT pg_terminate_backend($1)", params![pid]))?;
        }
        tx.execute("UPDATE counter SET n = n + 10 WHERE id = 1", &[])
    })
    .await
    .unwrap();
    assert_eq!(tries.load(Ordering::Relaxed), 2);

    // All connections end while idle.
    db.read(|tx| {
        tx.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
            &[],
        )
    })
    .await
    .unwrap();
    for _ in 0..4 {
        db.write(|tx| tx.execute("UPDATE counter SET n = n + 100 WHERE id = 1", &[])).await.unwrap();
        let sql = "SELECT COUNT(*) FROM counter";
        assert_eq!(db.read_single(|tx| tx.query_opt::<i64>(sql, &[])).await.unwrap(), Some(2));
    }

    // Two that lock each other out.
    let meet = Arc::new(std::sync::Barrier::new(2));
    let both = [(1_i64, 2_i64), (2, 1)].map(|(first, second)| {
        let (meet, met) = (Arc::clone(&meet), AtomicBool::new(false));
        db.write(move |tx| {
            let sql = "UPDATE counter SET n = n + 1000 WHERE id = $1";
            tx.execute(sql, params![first])?;
            if !met.swap(true, Ordering::Relaxed) {
                meet.wait();
            }
            tx.execute(sql, params![second])
        })
    });
    let [a, b] = both;
    let (a, b) = tokio::join!(a, b);
    assert_eq!((a.unwrap(), b.unwrap()), (1, 1));

    // A prepared statement whose result has changed.
    for columns in [2, 3] {
        // More often than there are connections.
        for _ in 0..8 {
            let seen = db.write(|tx| {
                let mut seen = 0;
                tx.scan("SELECT * FROM counter WHERE id = 1", &[], &mut |row| {
                    seen = (0..9).take_while(|i| row.value(*i).is_ok()).count();
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok::<_, Error>(seen)
            });
            assert_eq!(seen.await.unwrap(), columns);
        }
        if columns == 2 {
            schema(db, "ALTER TABLE counter ADD COLUMN extra BIGINT").await;
        }
    }
    let n = db.read(|tx| tx.query::<i64>("SELECT n FROM counter ORDER BY id", &[])).await.unwrap();
    assert_eq!(n, [2411, 2000]);
}
