//! `devnet up`: everything as processes of its own, told step by step.
//!
//! With `--once` the whole story: boot, boot again on another vendor's machine, revoke, boot again; and whether the index has
//! all of it. With [governance] in the network file the app's code is approved by a vote and revoked by the guardian, both
//! with the real `quorate`. Whatever happens, what was started is stopped.

mod by_vote;
mod enclave;
mod index;
mod outcomes;
mod printer;

use crate::{
    anvil::{Anvil, AnvilOptions},
    bring_up::{Committee, Tell, bring_up},
    dao::{Dao, hand_over},
    governance::{App, Governed, NewApp},
    hosts::{Hosts, Programs},
    plan::{MachineSpec, Plan, find_repository},
    quorate::Quorate,
};
use alloy::primitives::B256;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use enclave::{Boot, boot};
use index::Index;
use outcomes::Outcomes;
use printer::Printer;
use soft_tee::Machine;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use wire::{
    ReleaseAt,
    network::{Devnet, Network},
};

/// Arguments of `devnet up`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  devnet up network.toml --once")]
pub struct Up {
    /// The network file.
    network: PathBuf,
    /// Boot, boot again (the same key), revoke, boot again (refused by every node); exit 0 only if all of it held.
    #[arg(long)]
    once: bool,
    /// Where the completed network file, logs and data go. What an earlier run left there is removed.
    #[arg(long, value_name = "DIR", default_value = ".devnet")]
    data: PathBuf,
}

/// What runs; everything stops when it is dropped.
struct Running {
    hosts: Hosts,
    anvil: Anvil,
    _sockets: tempfile::TempDir,
}

/// Brings a devnet up and keeps it until `stop`; with `--once`, says whether everything held.
///
/// # Errors
/// When a step fails, with what the failing process said last.
pub async fn up(arguments: Up, stop: impl Future<Output = ()>) -> Result<bool> {
    let mut printer = Printer::start();
    let plan = plan(&arguments)?;
    let sockets = tempfile::Builder::new().prefix("quorate-").tempdir()?;
    let plan = Plan { sockets: sockets.path().to_owned(), ..plan };
    let devnet = plan.network.devnet.clone().context("[devnet] is missing")?;
    let programs = std::env::current_exe()?;
    let programs = Programs::in_folder(programs.parent().context("this program has no folder")?)?;
    let hosts = Hosts::new(Some(programs.clone()), &plan.folder);
    let (anvil, chain) = Anvil::start(&AnvilOptions {
        chain_id: plan.network.chain.id,
        fork: plan.network.chain.fork,
        slots_in_an_epoch: 1,
        block_time: Some(devnet.block_time),
        folder: &plan.folder,
        sweep: Some(&plan.sockets),
        repository: &plan.repository,
    })
    .await?;
    printer.step(format!("anvil serves chain {} at {}", plan.network.chain.id, chain.url()));
    printer.detail(format!("{:<20}{}", "block 0", chain.block_hash(0).await?));

    let mut running = Running { hosts, anvil, _sockets: sockets };
    let story = async {
        let mut committee = bring_up(&plan, &chain, &mut running.hosts, &mut printer).await?;
        let file = arguments.data.join("network.toml");
        let dao = match committee.network.governance {
            Some(_) => Some(govern(&plan, &mut committee, &programs, &file, &mut printer).await?),
            None => None,
        };
        write_network(&file, &committee.network)?;
        let index = start_indexer(&plan, &file, &mut running.hosts, &mut printer).await?;
        let app = create_app(&plan, &devnet, &committee, dao.as_ref(), &mut printer).await?;
        if let Some(dao) = &dao {
            by_vote::approve(dao, &app, index.url(), &plan.folder, &mut printer).await?;
        }
        let block = chain.block_number().await?;
        committee.wait_for_head(&mut running.hosts, block).await?;
        let first =
            boot_on(&plan, &committee, &app, 0, &mut running.hosts, &programs, &mut printer)
                .await?;
        if !arguments.once {
            ensure!(first.report().is_some(), "the enclave got no key:\n{}", first.said());
            let up = (&committee, dao.as_ref());
            stays_up(&plan, up, &app, &index, &file, &mut running, &mut printer).await?;
            return Ok(true);
        }
        let govern = (&committee, dao.as_ref());
        let rest = once(&plan, govern, &app, first, &mut running.hosts, &programs, &mut printer);
        let mut outcomes = rest.await?;
        index.outcomes(&committee, &app, &mut running.hosts, &mut outcomes).await?;
        println!("\n{outcomes}");
        Ok(outcomes.held())
    };
    tokio::pin!(stop);
    let outcome = tokio::select! {
        outcome = story => outcome,
        () = stop => {
            println!();
            Ok(!arguments.once)
        }
    };
    running.stop(&mut printer).await?;
    outcome
}

impl Running {
    async fn stop(mut self, printer: &mut Printer) -> Result<()> {
        let mut pids = self.hosts.pids();
        pids.extend(self.anvil.leash().pid().map(|pid| ("anvil".to_owned(), pid)));
        self.hosts.stop().await?;
        drop(self.anvil);
        printer.step(format!("stopped {} processes", pids.len()));
        Ok(())
    }
}

fn plan(arguments: &Up) -> Result<Plan> {
    let path = &arguments.network;
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let network = Network::parse(&text).with_context(|| path.display().to_string())?;
    let plan = Plan {
        network,
        repository: find_repository(&std::env::current_dir()?)?,
        folder: fresh_folder(&arguments.data)?,
        sockets: PathBuf::new(),
        relayed_records: 10_000,
        poll_milliseconds: 300,
        endpoints: Vec::new(),
    };
    plan.check().with_context(|| path.display().to_string())?;
    Ok(plan)
}

/// `DIR/run`, empty. Two devnets in one folder would remove each other's data.
fn fresh_folder(data: &Path) -> Result<PathBuf> {
    let (folder, lock) = (data.join("run"), data.join("devnet.pid"));
    std::fs::create_dir_all(data).with_context(|| data.display().to_string())?;
    let holder = std::fs::read_to_string(&lock).unwrap_or_default();
    if let Ok(pid) = holder.trim().parse::<u32>()
        && pid != std::process::id()
        && std::fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| name.trim() == "devnet")
    {
        bail!("a devnet (pid {pid}) runs in {}: stop it, or give --data", data.display());
    }
    std::fs::write(&lock, std::process::id().to_string())?;
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| folder.display().to_string());
        }
        _ => {}
    }
    std::fs::create_dir_all(&folder)?;
    Ok(std::path::absolute(folder)?)
}

fn write_network(file: &Path, network: &Network) -> Result<()> {
    std::fs::write(file, network.to_toml()).with_context(|| file.display().to_string())
}

/// Makes the DAO of the network file and hands the network to it.
async fn govern(
    plan: &Plan,
    committee: &mut Committee,
    programs: &Programs,
    file: &Path,
    printer: &mut Printer,
) -> Result<Dao> {
    let (chain, deployer) = (&committee.governance.chain, committee.governance.administrator);
    hand_over(plan, &mut committee.network, chain, deployer).await?;
    write_network(file, &committee.network)?;
    let folder = programs.guest_agent.parent().context("the programs have no folder")?;
    let quorate = Quorate::in_folder(folder, file)?;
    let dao = Dao::new(chain.clone(), &committee.network, quorate)?;
    let block = chain.block_number().await?;
    printer.step(format!(
        "handed to a DAO of {} by script/Governance.s.sol, block {block}; the deployer keeps nothing",
        dao.voters.len()
    ));
    printer.detail(format!("{:<20}{}", "Governor", dao.governor));
    printer.detail(format!("{:<20}{}", "guardian", dao.guardian));
    Ok(dao)
}

/// The indexer, on the network file that was written for it.
async fn start_indexer(
    plan: &Plan,
    network: &Path,
    hosts: &mut Hosts,
    printer: &mut Printer,
) -> Result<Index> {
    let config = indexer::Config {
        network: std::path::absolute(network)?,
        database: plan.folder.join("index.sqlite").display().to_string(),
        listen: ([127, 0, 0, 1], 0).into(),
        poll_milliseconds: plan.poll_milliseconds,
        audit_milliseconds: 10_000,
        proofs: true,
        checkpoint: None,
        ready_file: None,
        texts: indexer::TextLimits::default(),
    };
    let index = Index::at(hosts.start_indexer(config).await?.listen)?;
    printer.step(format!("the indexer serves {}", index.url()));
    Ok(index)
}

/// An app with two listed machines, of two vendors. A DAO's has no approved code yet.
async fn create_app(
    plan: &Plan,
    devnet: &Devnet,
    committee: &Committee,
    dao: Option<&Dao>,
    printer: &mut Printer,
) -> Result<App> {
    let file = plan.repository.join(&devnet.app_compose);
    let docker_compose =
        std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let devices = (0..2).map(|index| {
        let (vendor, machine) = enclave_machine(&committee.network, index);
        let machine = Machine::new(&Plan::authority(&vendor), &machine, Plan::os_image());
        B256::from(machine.device_id())
    });
    let new = NewApp {
        name: "hello",
        docker_compose: &docker_compose,
        salt: B256::ZERO,
        vendors: Vec::new(),
        devices: devices.collect(),
        release_at: ReleaseAt::Head,
        governed_by: dao.map(|dao| Governed {
            owner: dao.governor,
            guardian: dao.guardian,
            is_approved: false,
        }),
    };
    let app = committee.governance.create_app(new).await?;
    let block = committee.governance.chain.block_number().await?;
    printer.step(format!("app {} made from {}, block {block}", app.id, devnet.app_compose));
    printer.detail(format!("{:<20}{}", "compose hash", app.compose_hash));
    let owner = if dao.is_some() { "the DAO; no code is approved" } else { "an account" };
    printer.detail(format!("{:<20}{owner}", "owner"));
    Ok(app)
}

/// The machine that an enclave boots on: each of another vendor.
fn enclave_machine(network: &Network, index: usize) -> (String, String) {
    let roots = &network.attestation.roots;
    let vendor = roots.get(index % roots.len().max(1)).map_or("", |root| root.vendor.as_str());
    (vendor.to_owned(), format!("enclave-{}", index + 1))
}

async fn boot_on(
    plan: &Plan,
    committee: &Committee,
    app: &App,
    index: usize,
    hosts: &mut Hosts,
    programs: &Programs,
    printer: &mut Printer,
) -> Result<Boot> {
    let (vendor, machine) = enclave_machine(&plan.network, index);
    let spec = MachineSpec {
        name: machine.clone(),
        vendor: vendor.clone(),
        machine: machine.clone(),
        compose: app.compose.clone(),
    };
    let ready = hosts.start_machine(&spec.name, plan.soft_tee(&spec)).await?;
    let boot = boot(&programs.guest_agent, &ready, &committee.urls()).await?;
    match boot.report() {
        Some(report) => {
            let block = committee.governance.chain.block_number().await?;
            printer.step(format!("{machine} ({vendor}) booted and has its key, block {block}"));
            printer.detail(format!("{:<20}{}", "issuance", report.issuance_id));
            if let Some(transaction) = report.transaction {
                printer.detail(format!("{:<20}{transaction}", "recorded by"));
            }
            let seats = crate::bring_up::list(&report.seats);
            printer.detail(format!("{:<20}{seats}", "partials of seats"));
            printer.detail(format!("{:<20}{} ms", "request to key", report.timings.total_ms));
            printer.detail(format!("{:<20}{}", "public key", report.subkey.public_key));
        }
        None => printer.step(format!("{machine} ({vendor}) booted and got no key")),
    }
    Ok(boot)
}

/// The rest of the story, and what became of each part.
async fn once(
    plan: &Plan,
    (committee, dao): (&Committee, Option<&Dao>),
    app: &App,
    first: Boot,
    hosts: &mut Hosts,
    programs: &Programs,
    printer: &mut Printer,
) -> Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    outcomes.key(&first);
    let second = boot_on(plan, committee, app, 1, hosts, programs, printer).await?;
    outcomes.same_key(&first, &second);

    let block = match dao {
        Some(dao) => by_vote::revoke(dao, app, printer).await?,
        None => {
            let receipt = committee.governance.revoke(app).await?;
            let block = receipt.block_number.unwrap_or_default();
            printer.step(format!("the owner revoked the compose hash, block {block}"));
            block
        }
    };
    committee.wait_for_head(hosts, block).await?;
    let third = boot_on(plan, committee, app, 0, hosts, programs, printer).await?;
    outcomes.refused_by_all(&third, committee);
    Ok(outcomes)
}

/// Prints what is where and waits for ever, as long as every process lives.
async fn stays_up(
    plan: &Plan,
    (committee, dao): (&Committee, Option<&Dao>),
    app: &App,
    index: &Index,
    file: &Path,
    running: &mut Running,
    printer: &mut Printer,
) -> Result<()> {
    let governance = &committee.governance;
    printer.step("up; Ctrl-C stops it".into());
    let owner = match dao {
        Some(dao) => format!("{} (the DAO; its voters and guardian are unlocked)", dao.governor),
        None => format!("{} (anvil's second account)", governance.owner),
    };
    let lines = [
        ("chain", governance.chain.url().to_owned()),
        ("nodes", committee.urls().join(" ")),
        ("indexer", index.url().to_owned()),
        ("seats", committee.vendors()),
        ("app", app.id.to_string()),
        ("its owner", owner),
        ("network file", file.display().to_string()),
        ("logs", plan.folder.display().to_string()),
    ];
    for (what, value) in lines {
        printer.detail(format!("{what:<20}{value}"));
    }
    printer.detail(format!(
        "{:<20}target/debug/quorate --network {} status {}",
        "try",
        file.display(),
        app.id
    ));
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.hosts.check()?;
        if let Some(status) = running.anvil.leash().exited() {
            bail!("anvil ended ({status})");
        }
    }
}
