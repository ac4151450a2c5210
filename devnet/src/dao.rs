//! A DAO on a devnet: the Governor that script/Governance.s.sol makes and hands the network to, and proposals that its voters
//! carry with the real `quorate`.
//!
//! Delays are the network file's and pass in real seconds: no clock is turned.

use crate::{
    chain::Chain,
    deploy::{Scratch, forge},
    plan::Plan,
    quorate::Quorate,
};
use abi::{QuorateGovernor, access_manager::AccessManager};
use alloy::{
    primitives::{Address, U256},
    providers::Provider,
    rpc::types::Filter,
    sol_types::SolEvent,
};
use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use wire::network::{DaoToken, Network};

/// Role 3 of docs/spec/governance.md: its one holder is the governor.
const COMMITTEE: u64 = 3;
/// How long a state of a proposal may take to come, beyond its own periods.
const PATIENCE: Duration = Duration::from_secs(60);

/// A proposal's states that are waited for, as OpenZeppelin counts them.
const ACTIVE: u8 = 1;
const SUCCEEDED: u8 = 4;

/// The DAO.
#[derive(Clone, Debug)]
pub struct Dao {
    /// The chain.
    pub chain: Chain,
    /// The Governor: administrator of the network, and owner of the apps that it is given.
    pub governor: Address,
    /// Takes away at once.
    pub guardian: Address,
    /// Who votes, one voice each.
    pub voters: Vec<Address>,
    /// The program that they use.
    pub quorate: Quorate,
}

/// A proposal on its way.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// Its id, in decimal.
    pub id: String,
    /// The block of its event.
    pub block: u64,
}

/// A proposal that was executed.
#[derive(Clone, Debug)]
pub struct Executed {
    /// Its id, in decimal.
    pub id: String,
    /// The block of its execution.
    pub block: u64,
}

/// What script/Governance.s.sol reads.
#[derive(Serialize)]
struct Settings<'a> {
    guardian: Address,
    grant_seconds: u32,
    committee_seconds: u32,
    name: &'a str,
    voting_delay: u64,
    voting_period: u32,
    proposal_threshold: u64,
    quorum_percent: u8,
    late_quorum_extension: u64,
    base_delay_seconds: u32,
    guardian_term_seconds: u32,
    token: &'a DaoToken,
}

/// Makes the Governor of `network` and hands the network to it; `deployer` holds nothing afterwards. Completes the file.
///
/// # Errors
/// With the script's words: its read-back fails if anybody holds more than the file says.
pub async fn hand_over(
    plan: &Plan,
    network: &mut Network,
    chain: &Chain,
    deployer: Address,
) -> Result<()> {
    let contracts = network.contracts.context("the contracts are not deployed")?;
    let governance = network.governance.as_mut().context("[governance] is missing")?;
    let dao = governance.dao.as_ref().context("[governance.dao] is missing")?;
    let settings = Settings {
        guardian: governance.guardian.context("governance.guardian is missing")?,
        grant_seconds: governance.grant_seconds.context("governance.grant_seconds is missing")?,
        committee_seconds: governance
            .committee_seconds
            .context("governance.committee_seconds is missing")?,
        name: &dao.name,
        voting_delay: dao.voting_delay,
        voting_period: dao.voting_period,
        proposal_threshold: dao.proposal_threshold,
        quorum_percent: dao.quorum_percent,
        late_quorum_extension: dao.late_quorum_extension,
        base_delay_seconds: dao.base_delay_seconds,
        guardian_term_seconds: dao.guardian_term_seconds,
        token: &dao.token,
    };
    let deployment = serde_json::json!({
        "accessManager": contracts.access_manager,
        "attestationRegistry": contracts.attestation_registry,
        "kmsCommittee": contracts.kms_committee,
        "appRegistry": contracts.app_registry,
        "blockNumber": 0,
    });
    let scratch = Scratch::new(&plan.repository)?;
    scratch.write("governance.toml", &toml::to_string(&settings)?)?;
    scratch.write("deployment.json", &deployment.to_string())?;
    let files = ["governance.toml", "deployment.json", "broadcast"];
    let [settings, deployment, broadcast] = files.map(|file| scratch.name(file));
    let environment = [
        ("QUORATE_GOVERNANCE", settings.as_os_str()),
        ("QUORATE_DEPLOYMENT", deployment.as_os_str()),
        ("FOUNDRY_BROADCAST", broadcast.as_os_str()),
    ];
    forge(plan, (chain.url(), deployer), "script/Governance.s.sol", &environment).await?;
    let governor = governor(chain, contracts.access_manager).await?;
    governance.governor = Some(governor);
    governance.votes_token = Some(chain.view(governor, QuorateGovernor::tokenCall {}).await?);
    // A proposer's votes are those of the second before: delegated in this one, they do not count yet.
    let delegated = chain.time().await?;
    let is_past = async || Ok((chain.time().await? > delegated).then_some(()));
    chain.until("the delegated votes to count", PATIENCE, is_past).await
}

/// Whom the AccessManager gave the role of the committee.
async fn governor(chain: &Chain, manager: Address) -> Result<Address> {
    let filter = Filter::new()
        .address(manager)
        .event_signature(AccessManager::RoleGranted::SIGNATURE_HASH)
        .topic1(U256::from(COMMITTEE))
        .from_block(0);
    let logs = chain.provider().get_logs(&filter).await?;
    let granted = logs.last().context("nobody holds the role of the committee")?;
    Ok(AccessManager::RoleGranted::decode_log(&granted.inner)?.account)
}

impl Dao {
    /// The DAO of a network that was handed over.
    ///
    /// # Errors
    /// If the file names none.
    pub fn new(chain: Chain, network: &Network, quorate: Quorate) -> Result<Self> {
        let governance = network.governance.as_ref().context("[governance] is missing")?;
        let dao = governance.dao.as_ref().context("[governance.dao] is missing")?;
        Ok(Self {
            chain,
            governor: governance.governor.context("governance.governor is missing")?,
            guardian: governance.guardian.context("governance.guardian is missing")?,
            voters: dao.token.holders.clone(),
            quorate,
        })
    }

    /// The first voter proposes the call of a verb under `title`.
    ///
    /// # Errors
    /// With what `quorate` said.
    pub async fn propose(&self, verb: &[&str], title: &str) -> Result<Proposed> {
        let proposer = *self.voters.first().context("the DAO has no voters")?;
        self.propose_as(proposer, verb, title).await
    }

    /// As [`propose`](Self::propose), by somebody else.
    ///
    /// # Errors
    /// With what `quorate` said.
    pub async fn propose_as(
        &self,
        proposer: Address,
        verb: &[&str],
        title: &str,
    ) -> Result<Proposed> {
        let sent = self.quorate.send(proposer, &[verb, &["--propose", title]].concat()).await?;
        let id = sent["proposalId"].as_str().context("quorate names no proposal")?.to_owned();
        Ok(Proposed { id, block: block_of(&sent) })
    }

    /// Every voter votes for it.
    ///
    /// # Errors
    /// With what `quorate` said.
    pub async fn vote(&self, proposed: &Proposed) -> Result<()> {
        self.until_open(proposed).await?;
        let votes = self.voters.iter().map(|voter| async move {
            self.quorate.send(*voter, &["vote", &proposed.id, "for"]).await
        });
        try_join_all(votes).await.map(drop)
    }

    /// Waits until votes are taken.
    ///
    /// # Errors
    /// If they are not.
    pub async fn until_open(&self, proposed: &Proposed) -> Result<()> {
        self.until(proposed, "to be open for votes", ACTIVE).await
    }

    /// Queues an accepted proposal.
    ///
    /// # Errors
    /// With what `quorate` said.
    pub async fn queue(&self, proposed: &Proposed) -> Result<()> {
        self.until(proposed, "to be accepted", SUCCEEDED).await?;
        self.anybody(&["queue", &proposed.id]).await.map(drop)
    }

    /// Waits until the delay of a queued proposal is over.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn until_executable(&self, proposed: &Proposed) -> Result<()> {
        let id = number(proposed)?;
        let call = QuorateGovernor::proposalEtaCall { proposalId: id };
        let eta = self.chain.view(self.governor, call).await?;
        self.chain
            .until("the delay of a proposal", PATIENCE, async || {
                Ok((U256::from(self.chain.time().await?) >= U256::from(eta)).then_some(()))
            })
            .await
    }

    /// Executes a queued proposal when its delay is over.
    ///
    /// # Errors
    /// With what `quorate` said.
    pub async fn execute(&self, proposed: &Proposed) -> Result<Executed> {
        self.until_executable(proposed).await?;
        let executed = self.anybody(&["execute", &proposed.id]).await?;
        Ok(Executed { id: proposed.id.clone(), block: block_of(&executed) })
    }

    /// From proposal to execution.
    ///
    /// # Errors
    /// With what `quorate` said.
    pub async fn pass(&self, verb: &[&str], title: &str) -> Result<Executed> {
        let proposed = self.propose(verb, title).await?;
        self.vote(&proposed).await?;
        self.queue(&proposed).await?;
        self.execute(&proposed).await
    }

    /// Queueing and executing is anybody's.
    async fn anybody(&self, args: &[&str]) -> Result<Value> {
        let anybody = *self.voters.last().context("the DAO has no voters")?;
        self.quorate.send(anybody, args).await
    }

    async fn until(&self, proposed: &Proposed, what: &str, state: u8) -> Result<()> {
        let id = number(proposed)?;
        self.chain
            .until(&format!("proposal {} {what}", proposed.id), PATIENCE, async || {
                let call = QuorateGovernor::stateCall { proposalId: id };
                Ok((self.chain.view_at_head(self.governor, call).await? == state).then_some(()))
            })
            .await
    }
}

fn number(proposed: &Proposed) -> Result<U256> {
    let id = U256::from_str_radix(&proposed.id, 10);
    let id = id.with_context(|| format!("{} is no number", proposed.id))?;
    ensure!(!id.is_zero(), "a proposal has the id zero");
    Ok(id)
}

/// The block of what `quorate` sent.
pub fn block_of(sent: &Value) -> u64 {
    sent["transaction"]["block"].as_u64().unwrap_or_default()
}
