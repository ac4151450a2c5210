//! Somebody deletes a row of the index, and changes another: readiness ends, and names contract and seq. P6. [IDX-6] [IDX-8]

use alloy::primitives::hex;
use anvil_tests::{Index, bare, story};
use anyhow::{Result, ensure};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

#[test]
fn holds() {
    story(async || {
        let chain = bare().await?;
        let index = Index::start(&chain.network, chain.folder(), "deleted").await?;
        index.until_ready().await?;
        let options = SqliteConnectOptions::new().filename(index.database());
        let mut database = SqliteConnection::connect_with(&options).await?;
        let deleted = sqlx::query("DELETE FROM events WHERE contract = ? AND seq = 2")
            .bind(chain.governance.contracts.app_registry.to_vec())
            .execute(&mut database)
            .await?;
        ensure!(deleted.rows_affected() == 1, "there is such a row");
        let registry = chain.governance.contracts.app_registry;
        red(&index, &format!("app-registry 0x{}: missing seq 2", hex::encode(registry))).await?;
        let changed = sqlx::query(
            "UPDATE events SET topics = zeroblob(length(topics)) WHERE contract = ? AND seq = 1",
        )
        .bind(chain.governance.contracts.attestation_registry.to_vec())
        .execute(&mut database)
        .await?;
        ensure!(changed.rows_affected() == 1, "there is such a row");
        let registry = chain.governance.contracts.attestation_registry;
        let words = format!("attestation-registry 0x{}: changed seq 1", hex::encode(registry));
        red(&index, &words).await
    });
}

async fn red(index: &Index, words: &str) -> Result<()> {
    let says = |status, body: &serde_json::Value| {
        status == 503 && body["detail"].as_str().is_some_and(|detail| detail.contains(words))
    };
    index.until("/readyz", says).await.map(drop)
}
