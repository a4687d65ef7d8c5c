//! A fresh database of each kind for tests. SQLite is always there; PostgreSQL when `ALLCLEAR_TEST_POSTGRES` is the
//! URL of a superuser on a server that may be used freely (`scripts/with-postgres.sh` starts one).
#![allow(clippy::expect_used, reason = "a test that cannot have its database has failed")]

use uuid::Uuid;

use crate::db::{DatabaseUrl, Db, Dialect, Options, Value};

/// A database that is empty when given and gone when dropped.
pub struct TestDb {
    /// The open database.
    pub db: Db,
    /// What it is, for messages.
    pub name: &'static str,
    /// What it was opened with, for opening it again.
    pub options: Options,
    place: Place,
}

enum Place {
    Directory(tempfile::TempDir),
    Server { url: String, database: String },
}

impl TestDb {
    /// An empty SQLite database, with options changed by `adjust`.
    pub async fn sqlite(adjust: impl Fn(&mut Options)) -> TestDb {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = DatabaseUrl::Sqlite(directory.path().join("test.db"));
        TestDb::open("SQLite", url, Place::Directory(directory), adjust).await
    }

    /// An empty PostgreSQL database, with options changed by `adjust`; `None`, and a line saying so, without a server.
    pub async fn postgres(adjust: impl Fn(&mut Options)) -> Option<TestDb> {
        let Ok(server) = std::env::var("ALLCLEAR_TEST_POSTGRES") else {
            eprintln!("skipped on PostgreSQL: ALLCLEAR_TEST_POSTGRES is not set");
            return None;
        };
        let database = format!("allclear_test_{}", Uuid::from_u128(rand::random()).simple());
        administer(&server, &format!("CREATE DATABASE {database} TEMPLATE template0")).await;
        let url = DatabaseUrl::Postgres(with_database(&server, &database));
        Some(TestDb::open("PostgreSQL", url, Place::Server { url: server, database }, adjust).await)
    }

    async fn open(name: &'static str, url: DatabaseUrl, place: Place, adjust: impl Fn(&mut Options)) -> TestDb {
        let mut options = Options::new(url);
        // Many tests run at the same time.
        options.readers = 2;
        options.writers = options.writers.min(4);
        adjust(&mut options);
        let db = Db::open(options.clone()).await.expect("the test's database opens");
        TestDb { db, name, options, place }
    }

    /// The directory of a SQLite database, for files beside it.
    pub fn directory(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::Directory(directory) => Some(directory.path()),
            Place::Server { .. } => None,
        }
    }

    /// How SQLite goes about a query, its steps in one line.
    pub async fn plan(&self, sql: &str, values: Vec<Value>) -> String {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let steps = self.db.read(move |tx| tx.query::<(i64, i64, i64, String)>(&sql, &values)).await;
        steps.expect("the query is sound").into_iter().map(|step| step.3).collect::<Vec<_>>().join("; ")
    }

    /// Which kind it is.
    pub fn dialect(&self) -> Dialect {
        self.db.dialect()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Place::Server { url, database } = &self.place {
            let (url, drop) = (url.clone(), format!("DROP DATABASE {database} WITH (FORCE)"));
            // On a thread of its own, as the test's runtime may be ending.
            let dropped = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(administer(&url, &drop));
            });
            if dropped.join().is_err() {
                eprintln!("a test database was left behind");
            }
        }
    }
}

/// One empty database of each kind there is.
pub async fn databases() -> Vec<TestDb> {
    databases_with(|_| {}).await
}

/// As [`databases`], with options changed by `adjust`.
pub async fn databases_with(adjust: impl Fn(&mut Options)) -> Vec<TestDb> {
    let mut all = vec![TestDb::sqlite(&adjust).await];
    all.extend(TestDb::postgres(&adjust).await);
    all
}

/// Runs a test on one empty database of each kind there is.
pub async fn for_each_database<F: Future<Output = ()>>(test: impl Fn(Db) -> F) {
    for database in databases().await {
        eprintln!("on {}", database.name);
        test(database.db.clone()).await;
    }
}

async fn administer(server: &str, sql: &str) {
    let (client, connection) =
        tokio_postgres::connect(server, tokio_postgres::NoTls).await.expect("the test server answers");
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("the test server does as it is told");
    drop(client);
    connection.await.expect("no panic").expect("an orderly end");
}

/// The server's URL with another database.
fn with_database(server: &str, database: &str) -> String {
    let (base, query) = server.split_once('?').unwrap_or((server, ""));
    let (scheme, rest) = base.split_once("://").unwrap_or(("postgres", base));
    let authority = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{authority}/{database}?{query}")
}
