//! From an empty chain to a committee that holds its shares. One function per step, top to bottom as it happens.
//!
//! The contracts are the judges: what a network file asks for and they refuse (a split of seats, a threshold) ends here, with
//! their error's name.

use crate::{
    chain::{CallError, Chain},
    deploy::deploy,
    governance::{Governance, Keyset},
    hosts::{Hosts, NodeReady},
    plan::{MachineSpec, Plan},
};
use abi::KmsCommittee;
use alloy::{
    primitives::{B256, U256},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context, Result};
use policy_cli::compose::compose_hash;
use std::time::Duration;
use wire::{
    SeatId,
    network::{Network, label},
    request::Info,
};

/// How long a candidate or a step of the ceremony gets, at a second per block.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a node's gas key gets.
const GAS_MONEY: u64 = 100;

/// A committee that serves.
#[derive(Clone, Debug)]
pub struct Committee {
    /// The network file with everything that was found out: contracts, genesis, endpoint, roots, image.
    pub network: Network,
    /// Who may do what.
    pub governance: Governance,
    /// app-compose.json of the nodes.
    pub node_compose: Vec<u8>,
    /// The nodes, in the file's order.
    pub members: Vec<Member>,
    /// The keyset that the ceremony made.
    pub keyset: Keyset,
}

/// A node and its seat.
#[derive(Clone, Debug)]
pub struct Member {
    /// `node-1` and so on.
    pub name: String,
    /// Its seat.
    pub seat: SeatId,
    /// Its public API.
    pub url: String,
    /// Where it serves, and who it is.
    pub ready: NodeReady,
    /// The vendor of its machine.
    pub vendor: String,
    /// Who runs it.
    pub operator: String,
}

/// Told what happens, a line at a time.
pub trait Tell {
    /// A step is done.
    fn step(&mut self, words: String);
    /// Something about the step.
    fn detail(&mut self, words: String);
}

/// Says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Tell for Quiet {
    fn step(&mut self, words: String) {
        tracing::info!("{words}");
    }
    fn detail(&mut self, words: String) {
        tracing::info!("{words}");
    }
}

/// Nodes with seats, before any ceremony.
#[derive(Clone, Debug)]
pub struct Seated {
    /// The network file with everything that was found out so far.
    pub network: Network,
    /// Who may do what.
    pub governance: Governance,
    /// app-compose.json of the nodes.
    pub node_compose: Vec<u8>,
    /// The nodes, in the file's order.
    pub members: Vec<Member>,
}

/// Brings up the committee of `plan` on `chain`.
///
/// # Errors
/// Where a step fails; a contract's refusal by its name.
pub async fn bring_up(
    plan: &Plan,
    chain: &Chain,
    hosts: &mut Hosts,
    tell: &mut impl Tell,
) -> Result<Committee> {
    seat(plan, chain, hosts, tell).await?.hold_ceremony(hosts, tell).await
}

/// As far as the seats.
///
/// # Errors
/// As [`bring_up`].
pub async fn seat(
    plan: &Plan,
    chain: &Chain,
    hosts: &mut Hosts,
    tell: &mut impl Tell,
) -> Result<Seated> {
    plan.check()?;
    let (network, governance) = contracts(plan, chain, tell).await?;
    let node_compose = approve_code(&network, &governance, tell).await?;
    let ready = start_nodes(plan, &network, &governance, &node_compose, hosts, tell).await?;
    candidates(&governance, hosts, &ready, tell).await?;
    let seats = admit(&network, &governance, &ready, tell).await?;
    let entries = network.committee.seats.iter().zip(ready.iter().zip(seats)).enumerate();
    let members = entries
        .map(|(index, (entry, (ready, seat)))| Member {
            name: node_name(index),
            seat,
            url: format!("http://{}", ready.listen),
            ready: *ready,
            vendor: entry.vendor.clone(),
            operator: entry.operator.clone(),
        })
        .collect();
    Ok(Seated { network, governance, node_compose, members })
}

impl Seated {
    /// The seats, in the file's order.
    pub fn seats(&self) -> Vec<SeatId> {
        self.members.iter().map(|member| member.seat).collect()
    }

    /// The rest: from the seats to shares that every node holds.
    ///
    /// # Errors
    /// As [`bring_up`].
    pub async fn hold_ceremony(self, hosts: &mut Hosts, tell: &mut impl Tell) -> Result<Committee> {
        let seats = self.seats();
        let keyset = ceremony(&self.network, &self.governance, hosts, &seats, tell).await?;
        let Self { network, governance, node_compose, members } = self;
        let committee = Committee { network, governance, node_compose, members, keyset };
        committee.wait_for_shares(hosts).await?;
        let epoch = committee.keyset.epoch;
        tell.step(format!("every node holds its checked shares of epoch {epoch}"));
        Ok(committee)
    }
}

/// The name of the node at `index` in the file.
pub fn node_name(index: usize) -> String {
    format!("node-{}", index + 1)
}

/// The contracts alone, on an empty chain.
///
/// # Errors
/// As [`bring_up`].
pub async fn contracts(
    plan: &Plan,
    chain: &Chain,
    tell: &mut impl Tell,
) -> Result<(Network, Governance)> {
    let genesis = chain.block_hash(0).await?;
    let deployer = *chain.accounts().await?.first().context("the chain has no unlocked account")?;
    let contracts = deploy(plan, chain.url(), deployer).await?;
    let mut network = plan.network.clone();
    network.chain.genesis_hash = Some(genesis);
    network.contracts = Some(contracts);
    if network.chain.endpoints.is_empty() {
        network.chain.endpoints = vec![chain.url().to_owned(); network.chain.agree.max(1)];
    }
    network.attestation.os_images.push(Plan::os_image().hash().into());
    for (root, (_, hash)) in network.attestation.roots.iter_mut().zip(plan.roots()) {
        root.sha256 = Some(hash);
    }
    let name = network.hash().context("genesis and contracts are known")?;
    let block = chain.block_number().await?;
    tell.step(format!("contracts deployed by script/Deploy.s.sol, block {block}"));
    for (what, address) in [
        ("AttestationRegistry", contracts.attestation_registry),
        ("KmsCommittee", contracts.kms_committee),
        ("AppRegistry", contracts.app_registry),
        ("IssuanceLog", contracts.issuance_log),
    ] {
        tell.detail(format!("{what:<20}{address}"));
    }
    for root in &network.attestation.roots {
        let hash = root.sha256.unwrap_or_default();
        tell.detail(format!("{:<20}{hash} (software)", format!("root {}", root.vendor)));
    }
    tell.detail(format!("{:<20}{name}", "networkHash"));
    Ok((network, Governance::new(chain.clone(), contracts).await?))
}

async fn approve_code(
    network: &Network,
    governance: &Governance,
    tell: &mut impl Tell,
) -> Result<Vec<u8>> {
    let compose = Plan::node_compose(network)?;
    let hash = B256::from(compose_hash(&compose));
    let receipt = governance.approve_node_code(Plan::os_image().hash().into(), hash).await?;
    tell.step(format!("node code approved, block {}", receipt.block_number.unwrap_or_default()));
    tell.detail(format!("{:<20}{hash}", "compose hash"));
    Ok(compose)
}

async fn start_nodes(
    plan: &Plan,
    network: &Network,
    governance: &Governance,
    compose: &[u8],
    hosts: &mut Hosts,
    tell: &mut impl Tell,
) -> Result<Vec<NodeReady>> {
    let mut started = Vec::new();
    for (index, seat) in network.committee.seats.iter().enumerate() {
        let name = node_name(index);
        let gas_key = fund_gas_key(plan, governance, index).await?;
        let spec = MachineSpec {
            name: format!("{name}-tee"),
            vendor: seat.vendor.clone(),
            machine: name.clone(),
            compose: compose.to_vec(),
        };
        let machine = hosts.start_machine(&spec.name, plan.soft_tee(&spec)).await?;
        let endpoints = plan.endpoints.iter().find(|(of, _)| *of == index);
        let config = kms_node::Config {
            socket: machine.socket,
            pccs: machine.pccs_url,
            data: plan.folder.join(format!("{name}.data")),
            listen: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
            endpoint: None,
            operator: seat.operator.clone(),
            gas_key_file: Some(gas_key),
            relay: Some(kms_node::config::RelayConfig {
                apps: Vec::new(),
                daily_records_per_app: plan.relayed_records,
            }),
            danger_endpoints: endpoints.map(|(_, urls)| urls.clone()),
            ready_file: None,
            poll_milliseconds: plan.poll_milliseconds,
        };
        started.push(hosts.start_node(&name, config).await?);
    }
    tell.step(format!("{} nodes serve, each on a machine of its own", started.len()));
    for (index, (ready, seat)) in started.iter().zip(&network.committee.seats).enumerate() {
        let (name, url) = (node_name(index), format!("http://{}", ready.listen));
        tell.detail(format!(
            "{name:<10}{url:<26}{:<10}{:<14}signs as {}",
            seat.vendor, seat.operator, ready.signer
        ));
    }
    Ok(started)
}

async fn fund_gas_key(
    plan: &Plan,
    governance: &Governance,
    index: usize,
) -> Result<std::path::PathBuf> {
    let key = Plan::gas_key(index);
    let account = PrivateKeySigner::from_bytes(&key)?.address();
    let amount = U256::from(GAS_MONEY) * U256::from(10).pow(U256::from(18));
    governance.chain.fund(governance.administrator, account, amount).await?;
    let file = plan.folder.join(format!("{}.gas-key", node_name(index)));
    std::fs::write(&file, hex::encode(key)).with_context(|| file.display().to_string())?;
    Ok(file)
}

async fn candidates(
    governance: &Governance,
    hosts: &mut Hosts,
    ready: &[NodeReady],
    tell: &mut impl Tell,
) -> Result<()> {
    for node in ready {
        let signer = node.signer;
        governance
            .chain
            .until(&format!("the candidate statement of {signer}"), PATIENCE, async || {
                hosts.check()?;
                let call = KmsCommittee::candidateCall { signer };
                let candidate = governance.view_committee(call).await?;
                Ok((!candidate.candidateId.is_zero()).then_some(()))
            })
            .await?;
    }
    let block = governance.chain.block_number().await?;
    tell.step(format!("every node has posted its candidate statement and quote, block {block}"));
    Ok(())
}

async fn admit(
    network: &Network,
    governance: &Governance,
    ready: &[NodeReady],
    tell: &mut impl Tell,
) -> Result<Vec<SeatId>> {
    let mut seats = Vec::new();
    for (entry, node) in network.committee.seats.iter().zip(ready) {
        let operator = label("committee.seats.operator", &entry.operator)?;
        let seat = governance.admit(node.signer, operator).await;
        seats.push(seat.with_context(|| format!("admitting {}", node.signer))?);
    }
    let block = governance.chain.block_number().await?;
    tell.step(format!("governance admitted seats {}, block {block}", list(&seats)));
    Ok(seats)
}

async fn ceremony(
    network: &Network,
    governance: &Governance,
    hosts: &mut Hosts,
    seats: &[SeatId],
    tell: &mut impl Tell,
) -> Result<Keyset> {
    let t = network.committee.threshold;
    let opened = governance.open_epoch(seats.to_vec(), t).await.map_err(|error| match error {
        CallError::Reverted(revert) => {
            anyhow::anyhow!("KmsCommittee refuses these seats: {revert}")
        }
        CallError::Other(error) => error,
    })?;
    let block = opened.block_number.unwrap_or_default();
    tell.step(format!("key ceremony opened, {t} of {}, block {block}", seats.len()));
    let mut step = 1;
    let keyset = governance
        .chain
        .until("the key ceremony", PATIENCE, async || {
            hosts.check()?;
            let keyset = governance.keyset().await?;
            if !keyset.keysetId.is_zero() {
                return Ok(Some(keyset));
            }
            let now = governance.view_committee(KmsCommittee::ceremonyCall {}).await?.step;
            if now > step {
                let block = governance.chain.block_number().await?;
                tell.detail(format!("{:<20}block {block}", in_words(step)));
                step = now;
            }
            Ok(None)
        })
        .await?;
    let block = governance.chain.block_number().await?;
    tell.step(format!("epoch {} active, block {block}", keyset.epoch));
    tell.detail(format!("{:<20}{}", "keyset", keyset.keysetId));
    tell.detail(format!("{:<20}{}", "public key (derive)", keyset.derivePublicKey));
    tell.detail(format!("{:<20}{}", "public key (unseal)", keyset.unsealPublicKey));
    Ok(keyset)
}

/// What was completed when the ceremony left this step.
fn in_words(step: u8) -> &'static str {
    match step {
        1 => "recipient keys in",
        2 => "dealings in",
        3 => "confirmations in",
        _ => "step done",
    }
}

/// `1, 2, 3`
pub fn list(seats: &[SeatId]) -> String {
    seats.iter().map(SeatId::to_string).collect::<Vec<_>>().join(", ")
}

impl Committee {
    /// The public APIs of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.members.iter().map(|member| member.url.clone()).collect()
    }

    /// Waits until every running node holds the shares of the active epoch.
    pub async fn wait_for_shares(&self, hosts: &mut Hosts) -> Result<()> {
        let epoch = self.keyset.epoch;
        let holds = |info: &Info| info.share_epoch == Some(epoch);
        self.wait_for_info(hosts, "hold its shares", holds).await
    }

    async fn wait_for_info(
        &self,
        hosts: &mut Hosts,
        what: &str,
        holds: impl Fn(&Info) -> bool,
    ) -> Result<()> {
        let http = tee_client::http_client()?;
        let running: Vec<String> = hosts.running_nodes().map(str::to_owned).collect();
        for member in self.members.iter().filter(|member| running.contains(&member.name)) {
            self.governance
                .chain
                .until(&format!("{} to {what}", member.name), PATIENCE, async || {
                    hosts.check()?;
                    Ok(holds(&info(&http, &member.url).await?).then_some(()))
                })
                .await?;
        }
        Ok(())
    }

    /// Waits until every running node has proven a head at `block` or later.
    pub async fn wait_for_head(&self, hosts: &mut Hosts, block: u64) -> Result<()> {
        self.wait_for_info(hosts, &format!("see block {block}"), |info| {
            info.head.is_some_and(|head| head.number >= block)
        })
        .await
    }

    /// `soft-a 1, 2; soft-b 3, 4`
    pub fn vendors(&self) -> String {
        let roots = self.network.attestation.roots.iter();
        let groups = roots.map(|root| {
            let of = self.members.iter().filter(|member| member.vendor == root.vendor);
            let seats: Vec<SeatId> = of.map(|member| member.seat).collect();
            format!("{} {}", root.vendor, list(&seats))
        });
        groups.collect::<Vec<_>>().join("; ")
    }
}

/// `GET /v1/info`
pub async fn info(http: &reqwest::Client, url: &str) -> Result<Info> {
    Ok(http.get(format!("{url}/v1/info")).send().await?.error_for_status()?.json().await?)
}
