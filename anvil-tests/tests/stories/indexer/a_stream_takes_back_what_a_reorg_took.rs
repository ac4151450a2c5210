//! Readers of the stream hold, after every reorg, exactly what the list has: the one that stayed, and the one that comes back
//! later with the last id it saw. What is told once it is final is never taken back. P6. [API-3]

use abi::{AppRegistry, app_registry::AppRegistry::PolicySetup};
use alloy::primitives::hex;
use anvil_tests::{Index, sse::Stream, story};
use anyhow::{Context, Result, ensure};
use devnet::{governance::App, harness::BareChain};
use std::time::{Duration, Instant};

/// Far below every reorg here.
const SLOTS_IN_AN_EPOCH: u64 = 16;

#[test]
fn holds() {
    story(async || {
        let chain = BareChain::up(SLOTS_IN_AN_EPOCH).await?;
        let index = Index::start(&chain.network, chain.folder(), "streamed").await?;
        let first = chain.create_app(0).await?;
        settled(&chain, &index).await?;
        let mut live = index.stream("from_block=0", None).await?;
        let mut entered = index.stream("from_block=0&name=AppEntered", None).await?;
        let mut finals = index.stream("from_block=0&finality=finalized", None).await?;
        let mut number = 0;
        for depth in [1, 2, 5] {
            for _ in 0..depth {
                number += 1;
                chain.create_app(number).await?;
            }
            settled(&chain, &index).await?;
            live.until(&index.places("").await?).await?;
            // It goes away for a while.
            let mut late = Held::of(&live)?;
            reorged(&chain, &index, depth).await?;
            chain.create_app(100 + depth).await?;
            settled(&chain, &index).await?;
            let wanted = index.places("").await?;
            let before = live.retracted;
            live.until(&wanted).await?;
            ensure!(live.retracted > before, "a reorg took nothing away");
            late.come_back(&index).await?.until(&wanted).await?;
            entered.until(&index.places("name=AppEntered").await?).await?;
        }
        named_later(&chain, &index, &first, &mut live).await?;
        ensure!(entered.names.iter().eq(["AppEntered"]), "{:?}", entered.names);
        chain.governance.chain.mine(40).await?;
        settled(&chain, &index).await?;
        finals.until(&index.places("finality=finalized").await?).await?;
        ensure!(finals.retracted == 0 && !finals.held.is_empty(), "{finals:?}");
        while live.finalized == 0 {
            live.message().await?;
        }
        from_a_list(&chain, &index).await?;
        refused(&index, &live).await?;
        crowded(&index).await
    });
}

/// What a reader knows while it is away.
struct Held {
    last_id: String,
    held: Vec<anvil_tests::sse::Place>,
}

impl Held {
    fn of(stream: &Stream) -> Result<Self> {
        let last_id = stream.last_id.clone().context("it was told something")?;
        Ok(Self { last_id, held: stream.held.clone() })
    }

    async fn come_back(&mut self, index: &Index) -> Result<Stream> {
        let mut stream = index.stream("", Some(&self.last_id)).await?;
        stream.held = std::mem::take(&mut self.held);
        Ok(stream)
    }
}

/// A policy that was made in one block and named in a later one comes with the latter; where a reorg takes away the naming alone,
/// all of it is taken back, though its own blocks stay.
async fn named_later(chain: &BareChain, index: &Index, app: &App, live: &mut Stream) -> Result<()> {
    let (governance, registry) = (&chain.governance, chain.governance.contracts.app_registry);
    let setup = PolicySetup {
        grantDelaySeconds: 0,
        requireTcbUpToDate: true,
        allowAnyDevice: true,
        composeHash: app.compose_hash,
        uri: String::new(),
        deviceIds: Vec::new(),
        measurements: Vec::new(),
    };
    let create = AppRegistry::createPolicyCall { appId: app.id, setup };
    let made = governance.chain.send(governance.owner, registry, create).await?;
    let policy = made.logs().first().context("it emits")?.address();
    governance.chain.mine(1).await?;
    settled(chain, index).await?;
    let of_policy = format!("contract={}", hex::encode_prefixed(policy));
    ensure!(index.places(&of_policy).await?.is_empty(), "nothing names it yet");
    live.until(&index.places("").await?).await?;
    let set = AppRegistry::setPolicyCall { appId: app.id, policy };
    governance.chain.send(governance.owner, registry, set).await?;
    settled(chain, index).await?;
    let early = index.places(&of_policy).await?.len();
    ensure!(early >= 2, "its events are there from the first one on: {early}");
    live.until(&index.places("").await?).await?;
    let mut late = Held::of(live)?;
    let before = live.retracted;
    reorged(chain, index, 1).await?;
    let wanted = index.places("").await?;
    ensure!(index.places(&of_policy).await?.is_empty(), "nothing names it any more");
    live.until(&wanted).await?;
    ensure!(live.retracted >= before + early, "{} of {early}", live.retracted - before);
    late.come_back(index).await?.until(&wanted).await
}

/// A list says where a stream goes on from it: together they are everything, once.
async fn from_a_list(chain: &BareChain, index: &Index) -> Result<()> {
    let before = index.places("").await?;
    let (_, page) = index.get("/v1/events?limit=1").await?;
    let cursor = page["stream_cursor"].as_str().context("a cursor")?;
    let mut stream = index.stream(&format!("cursor={cursor}"), None).await?;
    chain.create_app(1000).await?;
    settled(chain, index).await?;
    let after = index.places("").await?;
    stream.until(&after.difference(&before).cloned().collect()).await?;
    ensure!(!stream.held.is_empty(), "nothing was new");
    Ok(())
}

/// Cursors that are none, and one of a block that this index never had.
async fn refused(index: &Index, live: &Stream) -> Result<()> {
    let id = live.last_id.clone().context("an id")?;
    let strange = format!("{}{}{}", &id[..18], "ab".repeat(32), &id[82..]);
    for (query, status, code) in [
        ("cursor=zz".to_owned(), 400, "malformed"),
        (format!("cursor={strange}"), 409, "reorged"),
        ("from_block=1000000".to_owned(), 400, "malformed"),
        ("finality=orphaned".to_owned(), 400, "malformed"),
        ("colour=red".to_owned(), 400, "malformed"),
    ] {
        let (found, problem) = index.get(&format!("/v1/stream?{query}")).await?;
        ensure!(found == status && problem["code"] == code, "{query}: {found} {problem}");
    }
    Ok(())
}

/// One reader too many is told so, and comes in once another has gone.
async fn crowded(index: &Index) -> Result<()> {
    let mut streams = Vec::new();
    let refused = loop {
        match index.stream("", None).await {
            Ok(stream) => streams.push(stream),
            Err(refused) => break refused.to_string(),
        }
        ensure!(streams.len() <= 64, "there is no end");
    };
    ensure!(refused.contains("503") && refused.contains("busy"), "{refused}");
    ensure!(streams.len() > 32, "only {}", streams.len());
    drop(streams);
    let deadline = Instant::now() + Duration::from_secs(90);
    while let Err(refused) = index.stream("", None).await {
        ensure!(Instant::now() < deadline, "still {refused}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Replaces the last blocks, and waits until the index has the other branch.
async fn reorged(chain: &BareChain, index: &Index, depth: u64) -> Result<()> {
    chain.reorg(depth).await?;
    chain.governance.chain.mine(1).await?;
    settled(chain, index).await
}

async fn settled(chain: &BareChain, index: &Index) -> Result<()> {
    let number = chain.governance.chain.block_number().await?;
    let hash = chain.governance.chain.block_hash(number).await?;
    index.until_head(number, &hash.to_string()).await
}
