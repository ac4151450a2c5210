//! Indexers on SQLite and on Postgres are killed at random points, some of them by SIGKILL, while events keep coming and reorgs of
//! random depth take them away again: what each has in the end is what a fresh index has, byte for byte, and what was taken
//! away is kept, marked orphaned. P6. [IDX-3] [IDX-4] [IDX-10] [IDX-12]
//!
//! `QUORATE_ROUNDS` is how many times (20 by default; `script/test --slow` takes more).

use abi::AccessManager;
use alloy::{
    primitives::{Address, Bytes},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::SolValue,
};
use anvil_tests::{Index, story_within};
use anyhow::{Context, Result, ensure};
use devnet::{
    harness::BareChain,
    leash::{Leash, Spawn},
    postgres::OwnPostgres,
};
use std::{
    cell::Cell,
    path::{Path, PathBuf},
    time::Duration,
};
use wire::network::{Governance, Network};

/// Finality is twice as far below the head: below every reorg here.
const SLOTS_IN_AN_EPOCH: u64 = 16;
const DEEPEST: u64 = 12;
/// Of five rounds, this many see built programs, killed by SIGKILL.
const BY_SIGKILL: u64 = 2;

#[test]
fn holds() {
    let rounds: u64 =
        std::env::var("QUORATE_ROUNDS").ok().and_then(|word| word.parse().ok()).unwrap_or(20);
    story_within(Duration::from_secs(300.max(8 * rounds)), async || {
        let chain = BareChain::up(SLOTS_IN_AN_EPOCH).await?;
        let manager = another_access_manager(&chain).await?;
        let mut network = chain.network.clone();
        network.governance =
            Some(Governance { access_manager: Some(manager), ..Governance::default() });
        let postgres = OwnPostgres::start()?;
        let place = |name: &str| -> Result<[String; 2]> {
            let file = chain.folder().join(format!("{name}.sqlite"));
            Ok([format!("sqlite://{}", file.display()), postgres.database(name)?])
        };
        let [dropped, killed] = [place("dropped")?, place("killed")?];
        let mut driver = Driver::new(&chain).await?;
        let by_sigkill = rounds * BY_SIGKILL / 5;
        let by_drop = rounds - by_sigkill;

        let mut indexes = Vec::new();
        for (url, name) in dropped.iter().zip(["dropped-sqlite", "dropped-postgres"]) {
            indexes.push(Index::start_on(&network, chain.folder(), name, url).await?);
        }
        let [on_sqlite, on_postgres] = &mut indexes[..] else { unreachable!() };
        let ends = Ends::new(by_drop);
        tokio::try_join!(
            driver.drive(by_drop, &ends),
            drop_at_random(on_sqlite, &ends, 0),
            drop_at_random(on_postgres, &ends, 1),
        )?;

        let ends = Ends::new(by_sigkill);
        tokio::try_join!(
            driver.drive(by_sigkill, &ends),
            kill_at_random(&chain, &network, &killed[0], "killed-sqlite", &ends, 0),
            kill_at_random(&chain, &network, &killed[1], "killed-postgres", &ends, 1),
        )?;

        for index in &mut indexes {
            index.restart().await?;
        }
        for (url, name) in killed.iter().zip(["again-sqlite", "again-postgres"]) {
            indexes.push(Index::start_on(&network, chain.folder(), name, url).await?);
        }
        // Once more, seen by all of them: what is taken away was stored.
        for index in &indexes {
            settled(&chain, index).await?;
        }
        chain.reorg(3).await?;
        for (url, name) in place("fresh")?.iter().zip(["fresh-sqlite", "fresh-postgres"]) {
            indexes.push(Index::start_on(&network, chain.folder(), name, url).await?);
        }
        let mut fresh = None;
        for index in indexes.iter().rev() {
            settled(&chain, index).await?;
            let dump = indexer::dump(index.database()).await?;
            let fresh = fresh.get_or_insert_with(|| dump.clone());
            ensure!(*fresh == dump, "{} differs from a fresh one", index.database());
        }
        let fresh = fresh.context("a dump")?;
        let apps = fresh.matches("AppEntered").count() as u64;
        ensure!(apps >= rounds / 2, "only {apps} apps are left");
        let granted = |line: &&str| {
            line.contains(&format!("{manager:?}"))
                && line.contains("\"access-manager\" \"outside\" Some(\"RoleGranted\")")
        };
        ensure!(fresh.lines().any(|line| granted(&line)), "the named manager is not followed");
        for index in &indexes[..4] {
            let (_, orphaned) = index.get("/v1/events?finality=orphaned&limit=1000").await?;
            let orphaned = orphaned["events"].as_array().context("a list")?;
            ensure!(!orphaned.is_empty(), "nothing was kept");
            ensure!(orphaned.iter().all(|event| event["finality"] == "orphaned"), "{orphaned:?}");
        }
        chain.governance.chain.mine(40).await?;
        for index in &indexes {
            settled(&chain, index).await?;
            index.until_ready().await?;
        }
        Ok(())
    });
}

/// How often each of two indexers was ended, and whether both go on: as long as events come, which is until both were ended
/// often enough.
struct Ends {
    wanted: u64,
    counts: [Cell<u64>; 2],
    is_over: Cell<bool>,
}

impl Ends {
    fn new(wanted: u64) -> Self {
        Self { wanted, counts: Default::default(), is_over: Cell::new(false) }
    }

    fn are_enough(&self) -> bool {
        self.counts.iter().all(|count| count.get() >= self.wanted)
    }

    fn count(&self, which: usize) {
        self.counts[which].set(self.counts[which].get() + 1);
    }
}

/// Makes events, and takes some of them away again.
struct Driver<'a> {
    chain: &'a BareChain,
    /// Nothing below this is ever taken away.
    base: u64,
    number: u64,
}

impl<'a> Driver<'a> {
    async fn new(chain: &'a BareChain) -> Result<Self> {
        let base = chain.governance.chain.block_number().await?;
        Ok(Self { chain, base, number: 0 })
    }

    /// At least `rounds`, and until the indexers were ended often enough.
    async fn drive(&mut self, rounds: u64, ends: &Ends) -> Result<()> {
        let outcome = self.rounds(rounds, ends).await;
        ends.is_over.set(true);
        outcome
    }

    async fn rounds(&mut self, rounds: u64, ends: &Ends) -> Result<()> {
        let chain = &self.chain.governance.chain;
        let mut done = 0;
        while done < rounds || !ends.are_enough() {
            done += 1;
            for _ in 0..=random(3)? {
                self.number += 1;
                self.chain.create_app(self.number).await?;
            }
            tokio::time::sleep(Duration::from_millis(random(150)?)).await;
            let above = chain.block_number().await?.saturating_sub(self.base);
            // Shallow ones more often, so that something stays.
            let depth = 1 + random(1 + random(DEEPEST.min(above))?)?;
            self.chain.reorg(depth).await?;
            // Where the reorg took it away, the same app once more: its policy is named anew, in another block.
            let _ = self.chain.create_app(self.number).await;
            self.number += 1;
            self.chain.create_app(self.number).await?;
            tokio::time::sleep(Duration::from_millis(random(60)?)).await;
        }
        Ok(())
    }
}

/// Drops a running indexer in the middle of whatever it does, again and again.
async fn drop_at_random(index: &mut Index, ends: &Ends, which: usize) -> Result<()> {
    while !ends.is_over.get() {
        tokio::time::sleep(Duration::from_millis(random(400)?)).await;
        index.kill();
        index.restart().await.with_context(|| index.database().to_owned())?;
        ends.count(which);
    }
    Ok(())
}

/// Starts the built program and sends it SIGKILL, again and again.
async fn kill_at_random(
    chain: &BareChain,
    network: &Network,
    database: &str,
    name: &str,
    ends: &Ends,
    which: usize,
) -> Result<()> {
    let folder = chain.folder();
    let file = folder.join(format!("{name}.network.toml"));
    std::fs::write(&file, network.to_toml())?;
    let config = folder.join(format!("{name}.toml"));
    let text = format!(
        "network = {:?}\ndatabase = {database:?}\nlisten = \"127.0.0.1:0\"\npoll_milliseconds = 30\n",
        file.display().to_string()
    );
    std::fs::write(&config, text)?;
    let program = built("indexer")?;
    while !ends.is_over.get() {
        let spawn = Spawn::new(name, &program, folder);
        let mut leash = Leash::spawn(&spawn, [Path::new("--config"), &config])?;
        tokio::time::sleep(Duration::from_millis(150 + random(700)?)).await;
        ensure!(leash.exited().is_none(), "{name} ended by itself:\n{}", leash.last_words());
        // Waiting for the process to be gone must not hold up the others.
        tokio::task::spawn_blocking(move || leash.kill()).await?;
        ends.count(which);
    }
    Ok(())
}

/// A program of this workspace: a test lies in `target/<profile>/deps`, programs one up.
fn built(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("no target folder")?;
    let program = folder.join(name);
    ensure!(program.exists(), "{} is not built: ./script/story builds it", program.display());
    Ok(program)
}

/// One that only `[governance]` names.
async fn another_access_manager(chain: &BareChain) -> Result<Address> {
    let code = [&AccessManager::BYTECODE[..], &chain.governance.owner.abi_encode()].concat();
    let create =
        TransactionRequest::default().from(chain.governance.owner).input(Bytes::from(code).into());
    let mut create = create;
    create.to = Some(alloy::primitives::TxKind::Create);
    let provider = chain.governance.chain.provider();
    let sent = provider.send_transaction(create).await?;
    chain.governance.chain.mine(1).await?;
    let receipt = provider.get_transaction_receipt(*sent.tx_hash()).await?.context("a receipt")?;
    receipt.contract_address.context("a contract")
}

async fn settled(chain: &BareChain, index: &Index) -> Result<()> {
    let number = chain.governance.chain.block_number().await?;
    let hash = chain.governance.chain.block_hash(number).await?;
    index.until_head(number, &hash.to_string()).await
}

/// Below `end`.
fn random(end: u64) -> Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(u64::from_le_bytes(bytes) % end.max(1))
}
