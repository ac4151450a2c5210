//! The same chain in SQLite and in Postgres: every resource answers the same, byte for byte. P6. [IDX-4] [EXP-1]

use anvil_tests::{Index, shared, story};
use anyhow::{Context, Result, bail, ensure};
use devnet::postgres::OwnPostgres;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long both may take to stand at the same block, while other stories go on with the chain.
const LIMIT: Duration = Duration::from_secs(100);

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        network.boot_to_key(&enclave).await?;
        let governance = &network.governance;
        governance.revoke(&app).await.map_err(anyhow::Error::from)?;
        let all_of = abi::AppRegistry::createAllOfPolicyCall {
            appId: app.id,
            grantDelaySeconds: 0,
            members: vec![app.id, network.create_app().await?.id],
        };
        let registry = governance.contracts.app_registry;
        let made = governance.chain.send(governance.owner, registry, all_of).await?;
        let policy = made.logs().first().context("it emits")?.address();
        let set = abi::AppRegistry::setPolicyCall { appId: app.id, policy };
        governance.chain.send(governance.owner, registry, set).await?;
        governance.chain.mine(3).await?;
        let folder = tempfile::tempdir()?;
        let sqlite = Index::start(&network.committee.network, folder.path(), "sqlite").await?;
        let postgres = OwnPostgres::start()?;
        let url = postgres.database("views")?;
        let other =
            Index::start_on(&network.committee.network, folder.path(), "postgres", &url).await?;
        for index in [&sqlite, &other] {
            index.until_ready().await?;
        }
        let places = places(&sqlite, &app.id.to_string().to_lowercase()).await?;
        ensure!(places.len() > 25, "only {places:?}");
        for path in places {
            is_the_same(&sqlite, &other, &path).await?;
        }
        Ok(())
    });
}

/// Every list in each format, every view, every page, with what this chain has.
async fn places(index: &Index, app: &str) -> Result<Vec<String>> {
    let mut paths: Vec<String> = [
        "/v1/overview",
        "/v1/committee",
        "/v1/roots",
        "/",
        "/apps",
        "/issuances",
        "/revocations",
        "/events",
        "/committee",
        "/contracts",
    ]
    .map(str::to_owned)
    .into();
    for list in ["events?", "apps?", "issuances?", "revocations?", "contracts?"] {
        for format in ["json", "csv", "jsonl"] {
            paths.push(format!("/v1/{list}format={format}&limit=30"));
        }
    }
    paths.push(format!("/v1/events?app={app}&order=newest&limit=1000"));
    paths.push(format!("/v1/apps/{app}"));
    paths.push(format!("/apps/{app}"));
    for (name, view) in [("KeyIssued", "issuances"), ("ComposeHashRevoked", "revocations")] {
        let (_, page) = index.get(&format!("/v1/events?app={app}&name={name}")).await?;
        let event = &page["events"][0];
        let text = |value: &Value| value.as_str().map(str::to_owned).context("text");
        let place = format!("{}/{}", text(&event["block_hash"])?, event["log_index"]);
        paths.push(format!("/v1/events/{place}"));
        paths.push(format!("/v1/events/{place}/proof"));
        let id = match view {
            "issuances" => text(&event["args"]["issuanceId"])?,
            _ => place,
        };
        paths.push(format!("/v1/{view}/{id}"));
        paths.push(format!("/{view}/{id}"));
        paths.push(format!("/v1/apps/{app}?at={}", event["block_number"]));
    }
    Ok(paths)
}

/// Once both stand at the same block, neither has gone on in between, and both have kept what nodes told them: evidence comes
/// beside the following.
async fn is_the_same(one: &Index, other: &Index, path: &str) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let before = [standing(one).await?, standing(other).await?];
        let [(status, text), theirs] = [answer(one, path).await?, answer(other, path).await?];
        let after = [standing(one).await?, standing(other).await?];
        let is_comparable = before == after && before[0] == before[1];
        ensure!(!is_comparable || status == 200, "{path}: {status} {text}");
        if is_comparable && (status, &text) == (theirs.0, &theirs.1) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let differ = text.lines().zip(theirs.1.lines()).find(|(ours, theirs)| ours != theirs);
            bail!("{path}: {differ:#?}; {before:?}, then {after:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Blocks and verdicts.
async fn standing(index: &Index) -> Result<Value> {
    let (_, mut status) = index.get("/v1/status").await?;
    // By the host's clock.
    status["lag_seconds"] = Value::Null;
    Ok(status)
}

async fn answer(index: &Index, path: &str) -> Result<(u16, String)> {
    let response = index.ask(path, &[]).await?;
    let status = response.status().as_u16();
    // A page says where it is served, and the front page the time by the host's clock.
    let text = response.text().await?.replace(&index.url()?, "http://index");
    let is_told = |line: &&str| !line.starts_with("<dt>lag</dt>");
    Ok((status, text.lines().filter(is_told).collect::<Vec<_>>().join("\n")))
}
