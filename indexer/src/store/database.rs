//! Where the index is: a SQLite file or a Postgres database, chosen by a URL; connections to read, and the one that writes.
//!
//! Two indexers never write one database: the writing connection of Postgres holds an advisory lock for as long as it lives,
//! and what it does not hold any more it can't write through; beside a SQLite file lies a locked one. A killed process holds
//! neither.

use super::sql::{On, Query, Row};
use anyhow::{Context, Result, bail};
use sqlx::{
    AssertSqlSafe, Connection, PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fmt,
    fs::{File, OpenOptions},
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use tracing::warn;

/// In order. Each is SQL that both databases take: BIGINT, BYTEA and TEXT, no more.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "init", include_str!("../../migrations/0001_init.sql")),
    (2, "evidence", include_str!("../../migrations/0002_evidence.sql")),
    (3, "views", include_str!("../../migrations/0003_views.sql")),
    (4, "texts", include_str!("../../migrations/0004_texts.sql")),
];

const READERS: u32 = 8;
/// How long to wait for an indexer that was killed a moment ago to be gone.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);
/// A commit that takes longer is told.
const SLOW_COMMIT: Duration = Duration::from_secs(5);
/// How long a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Where a database is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

/// Connections, to read or to write.
#[derive(Clone, Debug)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The database.
#[derive(Clone, Debug)]
pub(super) struct Database {
    place: Place,
    reads: Reads,
    /// `None`: opened to read.
    writer: Option<Writer>,
}

/// What reading sees: what is stored now, or one moment.
#[derive(Clone, Debug)]
enum Reads {
    Now(Pool),
    Moment(Arc<Mutex<Write>>),
}

#[derive(Clone, Debug)]
struct Writer {
    /// Of one connection.
    pool: Pool,
    /// Locked until it is closed, which the last clone does.
    _lock: Option<Arc<File>>,
}

/// A transaction: what it writes is there as a whole once it is committed, or not at all.
#[derive(Debug)]
pub(crate) enum Write {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl FromStr for Place {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> Result<Self> {
        match url.split_once("://") {
            None if url.is_empty() => bail!("database: it is empty"),
            None => Ok(Self::Sqlite(url.into())),
            Some(("sqlite", "")) => bail!("database: sqlite:// needs a path"),
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.into())),
            // The URL may hold a password: it is in no message.
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Box::new(
                url.parse().map_err(|_| anyhow::anyhow!("database: not a Postgres URL"))?,
            ))),
            Some((scheme, _)) => {
                bail!("database: {scheme}:// is not known; a path, sqlite:// and postgres:// are")
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(options) => write!(
                f,
                "postgres {} on {}",
                options.get_database().unwrap_or_else(|| options.get_username()),
                options
                    .get_socket()
                    .map_or(options.get_host().into(), |path| path.to_string_lossy())
            ),
        }
    }
}

impl Database {
    /// To read.
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let place: Place = url.parse()?;
        let pool = Pool::readers(&place).await.with_context(|| format!("opening {place}"))?;
        Ok(Self { place, reads: Reads::Now(pool), writer: None })
    }

    /// To read and to write, with the newest tables. Waits for a moment if another indexer holds it, then refuses.
    pub(super) async fn open(url: &str) -> Result<Self> {
        let place: Place = url.parse()?;
        let writer = Writer::take(&place).await.with_context(|| {
            format!("{place} can't be written: another indexer follows into it, or it is not there")
        })?;
        writer.pool.migrate().await.context("migrating")?;
        let reads = Pool::readers(&place).await.with_context(|| format!("opening {place}"))?;
        Ok(Self { place, reads: Reads::Now(reads), writer: Some(writer) })
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The same, as it is now and stays for whoever reads through it.
    pub(super) async fn moment(&self) -> Result<Self> {
        let Reads::Now(pool) = &self.reads else { return Ok(self.clone()) };
        let moment = match pool {
            Pool::Sqlite(pool) => Write::Sqlite(pool.begin().await?),
            Pool::Postgres(pool) => Write::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
            ),
        };
        let reads = Reads::Moment(Arc::new(Mutex::new(moment)));
        Ok(Self { reads, place: self.place.clone(), writer: None })
    }

    pub(super) async fn fetch(&self, query: Query) -> Result<Vec<Row>> {
        match &self.reads {
            Reads::Now(Pool::Sqlite(pool)) => {
                On::Sqlite(&mut *pool.acquire().await?).fetch(query).await
            }
            Reads::Now(Pool::Postgres(pool)) => {
                On::Postgres(&mut *pool.acquire().await?).fetch(query).await
            }
            Reads::Moment(moment) => moment.lock().await.fetch(query).await,
        }
    }

    pub(super) async fn write(&self) -> Result<Write> {
        let writer = self.writer.as_ref().context("opened to read only")?;
        Ok(match &writer.pool {
            Pool::Sqlite(pool) => Write::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Pool::Postgres(pool) => Write::Postgres(pool.begin().await?),
        })
    }

    pub(super) async fn close(&self) {
        if let Reads::Now(pool) = &self.reads {
            pool.close().await;
        }
        if let Some(writer) = &self.writer {
            writer.pool.close().await;
        }
    }
}

impl Write {
    pub(super) fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(transaction) => On::Sqlite(transaction),
            Self::Postgres(transaction) => On::Postgres(transaction),
        }
    }

    /// Rows, as this transaction sees them.
    pub(crate) async fn fetch(&mut self, query: Query) -> Result<Vec<Row>> {
        self.on().fetch(query).await
    }

    /// How many rows it wrote.
    pub(crate) async fn execute(&mut self, query: Query) -> Result<u64> {
        self.on().execute(query).await
    }

    /// A disk that holds it up is told in the log: nothing else says why the index stands.
    pub(crate) async fn commit(self) -> Result<()> {
        let begun = Instant::now();
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        let took = begun.elapsed();
        if took > SLOW_COMMIT {
            warn!(?took, "the database took long to commit: its disk is slow or busy");
        }
        Ok(())
    }
}

impl Pool {
    async fn readers(place: &Place) -> Result<Self> {
        Ok(match place {
            Place::Sqlite(path) => {
                let options = sqlite(path);
                let pool = SqlitePoolOptions::new().max_connections(READERS);
                Self::Sqlite(pool.connect_with(options).await?)
            }
            Place::Postgres(options) => {
                let pool = PgPoolOptions::new().max_connections(READERS);
                let pool = pool.acquire_timeout(CONNECT_PATIENCE);
                Self::Postgres(pool.connect_with(options.as_ref().clone()).await?)
            }
        })
    }

    async fn migrate(&self) -> Result<()> {
        let migrations = MIGRATIONS.map(|(version, name, sql)| {
            let sql = AssertSqlSafe(sql).into_sql_str();
            Migration::new(version, name.into(), MigrationType::Simple, sql, false)
        });
        let migrator = Migrator::with_migrations(migrations.to_vec());
        match self {
            Self::Sqlite(pool) => migrator.run(pool).await?,
            Self::Postgres(pool) => migrator.run(pool).await?,
        }
        Ok(())
    }

    async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Writer {
    async fn take(place: &Place) -> Result<Self> {
        match place {
            Place::Sqlite(path) => {
                // The lock comes first, so that a second indexer touches nothing.
                let file = File::options().create(true).append(true).open(path);
                drop(file.with_context(|| path.display().to_string())?);
                let mut lock = path.canonicalize()?.into_os_string();
                lock.push(".lock");
                let lock = locked(lock.into()).await?;
                let pool = SqlitePoolOptions::new().max_connections(1).min_connections(1);
                let pool = pool.idle_timeout(None).max_lifetime(None);
                let pool = pool.connect_with(sqlite(path)).await?;
                Ok(Self { pool: Pool::Sqlite(pool), _lock: Some(Arc::new(lock)) })
            }
            Place::Postgres(options) => {
                let pool = PgPoolOptions::new().max_connections(1).min_connections(1);
                let pool = pool
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .acquire_timeout(CONNECT_PATIENCE)
                    .after_connect(|connection, _| Box::pin(advisory_lock(connection)));
                let pool = pool.connect_with(options.as_ref().clone()).await?;
                Ok(Self { pool: Pool::Postgres(pool), _lock: None })
            }
        }
    }
}

/// One indexer per schema of a database; the lock goes with the connection.
async fn advisory_lock(connection: &mut sqlx::PgConnection) -> sqlx::Result<()> {
    let patience = format!("SET lock_timeout = {}", LOCK_PATIENCE.as_millis());
    sqlx::query(AssertSqlSafe(patience)).execute(&mut *connection).await?;
    sqlx::query("SELECT pg_advisory_lock(hashtext('quorate index'), hashtext(current_schema()))")
        .execute(&mut *connection)
        .await?;
    sqlx::query("SET lock_timeout = 0").execute(&mut *connection).await?;
    connection.ping().await
}

async fn locked(path: PathBuf) -> Result<File> {
    let words = || path.display().to_string();
    let file = OpenOptions::new().create(true).append(true).open(&path).with_context(words)?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    while let Err(refused) = file.try_lock() {
        if Instant::now() > deadline {
            return Err(refused).with_context(words);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(file)
}

fn sqlite(path: &PathBuf) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Normal)
        .journal_mode(SqliteJournalMode::Wal)
}
