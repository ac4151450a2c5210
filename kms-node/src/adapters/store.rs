//! What a node remembers, in SQLite. See migrations/ for the tables and why they are there.

use alloy_primitives::{Address, B256, Bytes};
use anyhow::{Context, Result};
use sqlx::{
    AssertSqlSafe, Row, SqlSafeStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use std::path::Path;
use wire::{
    UnixSeconds,
    request::{Authorization, EvidenceBytes},
};

/// The node's database.
#[derive(Clone, Debug)]
pub(crate) struct Store(SqlitePool);

/// A call that waits to be sent.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct PendingStatement {
    pub(crate) id: String,
    pub(crate) to: Address,
    pub(crate) data: Bytes,
}

impl Store {
    /// Opens the database and brings it up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await;
        let pool = pool.with_context(|| format!("opening {}", path.display()))?;
        let init = include_str!("../../migrations/0001_init.sql");
        let migrations = vec![Migration::new(
            1,
            "init".into(),
            MigrationType::Simple,
            AssertSqlSafe(init).into_sql_str(),
            false,
        )];
        Migrator::with_migrations(migrations).run(&pool).await.context("migrating the database")?;
        Ok(Self(pool))
    }

    /// Keeps an authorization and its evidence, both or none.
    pub(crate) async fn keep_authorization(
        &self,
        authorization: &Authorization,
        evidence: &EvidenceBytes,
        now: UnixSeconds,
    ) -> Result<()> {
        let issuance = &authorization.issuance;
        let mut transaction = self.0.begin().await?;
        sqlx::query(
            "INSERT INTO issuances (issuance_id, epoch, app_id, evidence_hash, authorization, authorized_at)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(authorization.issuance_id.as_slice())
        .bind(i64::try_from(issuance.epoch)?)
        .bind(issuance.attested.boot.appId.as_slice())
        .bind(issuance.evidenceHash.as_slice())
        .bind(serde_json::to_string(authorization)?)
        .bind(i64::try_from(now.0)?)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT INTO evidence (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(issuance.evidenceHash.as_slice())
            .bind(evidence.encode())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The authorization that was given for this issuance in this epoch.
    pub(crate) async fn authorization(
        &self,
        issuance_id: B256,
        epoch: u64,
    ) -> Result<Option<Authorization>> {
        let row =
            sqlx::query("SELECT authorization FROM issuances WHERE issuance_id = ? AND epoch = ?")
                .bind(issuance_id.as_slice())
                .bind(i64::try_from(epoch)?)
                .fetch_optional(&self.0)
                .await?;
        row.map(|row| Ok(serde_json::from_str(&row.try_get::<String, _>(0)?)?)).transpose()
    }

    /// Notes the first release.
    pub(crate) async fn mark_released(&self, issuance_id: B256, now: UnixSeconds) -> Result<()> {
        sqlx::query(
            "UPDATE issuances SET released_at = ? WHERE issuance_id = ? AND released_at IS NULL",
        )
        .bind(i64::try_from(now.0)?)
        .bind(issuance_id.as_slice())
        .execute(&self.0)
        .await?;
        Ok(())
    }

    /// Evidence by its hash, in the canonical encoding.
    pub(crate) async fn evidence(&self, hash: B256) -> Result<Option<Vec<u8>>> {
        let row = sqlx::query("SELECT bytes FROM evidence WHERE hash = ?")
            .bind(hash.as_slice())
            .fetch_optional(&self.0)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Keeps a call until its effect is proven. The same id keeps its first call.
    pub(crate) async fn keep_statement(
        &self,
        statement: &PendingStatement,
        now: UnixSeconds,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO statements (id, target, calldata, created_at) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(&statement.id)
        .bind(statement.to.as_slice())
        .bind(statement.data.as_ref())
        .bind(i64::try_from(now.0)?)
        .execute(&self.0)
        .await?;
        Ok(())
    }

    /// The call with this id, if it waits.
    pub(crate) async fn statement(&self, id: &str) -> Result<Option<PendingStatement>> {
        Ok(self.statements().await?.into_iter().find(|statement| statement.id == id))
    }

    /// Every call that waits.
    pub(crate) async fn statements(&self) -> Result<Vec<PendingStatement>> {
        let rows =
            sqlx::query("SELECT id, target, calldata FROM statements ORDER BY created_at, id")
                .fetch_all(&self.0)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(PendingStatement {
                    id: row.try_get(0)?,
                    to: Address::try_from(row.try_get::<&[u8], _>(1)?)?,
                    data: row.try_get::<Vec<u8>, _>(2)?.into(),
                })
            })
            .collect()
    }

    /// Forgets calls whose effect is proven, or whose time is over.
    pub(crate) async fn forget_statements_but(&self, keep: &[String]) -> Result<()> {
        for statement in self.statements().await? {
            if !keep.contains(&statement.id) {
                sqlx::query("DELETE FROM statements WHERE id = ?")
                    .bind(&statement.id)
                    .execute(&self.0)
                    .await?;
            }
        }
        Ok(())
    }

    /// Counts one record paid for `app_id` on `day`; false if that is above `limit`.
    pub(crate) async fn count_relayed(
        &self,
        app_id: Address,
        day: u64,
        limit: u32,
    ) -> Result<bool> {
        let counted = sqlx::query(
            "INSERT INTO relayed (app_id, day, records) VALUES (?, ?, 1)
             ON CONFLICT DO UPDATE SET records = records + 1 WHERE records < ?",
        )
        .bind(app_id.as_slice())
        .bind(i64::try_from(day)?)
        .bind(i64::from(limit))
        .execute(&self.0)
        .await?;
        Ok(counted.rows_affected() == 1 && limit > 0)
    }

    /// Takes a count back: the record was refused before it cost anything.
    pub(crate) async fn uncount_relayed(&self, app_id: Address, day: u64) -> Result<()> {
        sqlx::query(
            "UPDATE relayed SET records = records - 1 WHERE app_id = ? AND day = ? AND records > 0",
        )
        .bind(app_id.as_slice())
        .bind(i64::try_from(day)?)
        .execute(&self.0)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_relay_stops_at_the_daily_limit_of_an_app() {
        // A17: a boot loop drains one app's share of a day, not the wallet.
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("node.sqlite")).await.unwrap();
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        for expected in [true, true, false] {
            assert_eq!(store.count_relayed(one, 5, 2).await.unwrap(), expected);
        }
        assert!(store.count_relayed(other, 5, 2).await.unwrap());
        assert!(store.count_relayed(one, 6, 2).await.unwrap());
    }

    #[tokio::test]
    async fn a_record_that_is_refused_for_nothing_costs_the_app_nothing() {
        // A17: junk in an app's name, refused before it is sent, must not eat the app's day.
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("node.sqlite")).await.unwrap();
        let app = Address::repeat_byte(1);
        store.uncount_relayed(app, 5).await.unwrap();
        for _ in 0..3 {
            assert!(store.count_relayed(app, 5, 1).await.unwrap());
            assert!(!store.count_relayed(app, 5, 1).await.unwrap());
            store.uncount_relayed(app, 5).await.unwrap();
        }
    }

    #[tokio::test]
    async fn calls_wait_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.sqlite");
        let statement = PendingStatement {
            id: "dealing-0x01".into(),
            to: Address::repeat_byte(3),
            data: vec![1, 2, 3].into(),
        };
        Store::open(&path).await.unwrap().keep_statement(&statement, UnixSeconds(1)).await.unwrap();
        let store = Store::open(&path).await.unwrap();
        let found = store.statement("dealing-0x01").await.unwrap().unwrap();
        assert_eq!((found.to, found.data), (statement.to, statement.data));
        store.forget_statements_but(&[]).await.unwrap();
        assert!(store.statements().await.unwrap().is_empty());
    }
}
