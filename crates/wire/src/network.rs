//! `network.toml`: the one file that describes a network, and the hash that names it.
//!
//! Spec: docs/spec/network.md. Read by deploy script, kms-node, policy-cli and devnet. What may change over a network's
//! life (endpoints, limits, fork) is not in its hash; a node carries it in its measured compose file instead.

use crate::{enc::Enc, statements::labels};
use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

/// networkHash = keccak256(enc("quorate/v1/network", chain id, genesis hash, KmsCommittee)). [WIRE-2]
pub fn network_hash(chain_id: u64, genesis_hash: B256, committee: Address) -> B256 {
    Enc::new(labels::NETWORK).u64(chain_id).hash(genesis_hash).address(committee).keccak()
}

/// A whole `network.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// A name for people.
    pub name: String,
    /// Chain, endpoints and head source.
    pub chain: Chain,
    /// Addresses; written by the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contracts: Option<Contracts>,
    /// Who governs the contracts, where it is more than an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governance: Option<Governance>,
    /// Roots and images that are approved at deployment.
    pub attestation: Attestation,
    /// Delays of the contracts.
    pub delays: Delays,
    /// Threshold and seats of the first epoch.
    pub committee: Committee,
    /// Limits of the nodes.
    pub limits: NodeLimits,
    /// What only a devnet needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devnet: Option<Devnet>,
}

/// `[chain]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// EIP-155 chain id.
    pub id: u64,
    /// Hash of block 0; a devnet writes it at start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesis_hash: Option<B256>,
    /// Rules of the chain now.
    pub fork: Fork,
    /// RPC endpoints. They decide nothing alone; see `agree`.
    pub endpoints: Vec<String>,
    /// How many endpoints must agree on head and finalized block: at most `agree − 1` lies are borne.
    pub agree: usize,
    /// Blocks from head to finalized block.
    pub finality_blocks: u64,
    /// A finalized block from which a new node goes on; without one it proves every header since genesis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
}

/// `[chain.checkpoint]`: a block that is taken for final by whoever approves a file that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// Rules of the EVM that policies run under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fork {
    /// Pectra.
    Prague,
    /// Fusaka.
    Osaka,
}

/// `[contracts]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contracts {
    /// OpenZeppelin AccessManager.
    pub access_manager: Address,
    /// Roots and images.
    pub attestation_registry: Address,
    /// Seats and epochs.
    pub kms_committee: Address,
    /// Apps.
    pub app_registry: Address,
    /// Issuances.
    pub issuance_log: Address,
}

/// `[governance]`: who governs the contracts, and after which delays. Nodes do not read it: what counts is on chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Governance {
    /// Governor: administrator of the network. Where a deployment makes one it writes it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<Address>,
    /// TimelockController, where the Governor acts through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timelock: Option<Address>,
    /// An AccessManager beside that of `[contracts]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_manager: Option<Address>,
    /// Token whose delegates vote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes_token: Option<Address>,
    /// Revokes, freezes, suspends and closes at once; grants nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<Address>,
    /// What grants of the network wait: roots, images, advisories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_seconds: Option<u32>,
    /// What changes of the committee wait: node code, seats, epochs, contracts in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committee_seconds: Option<u32>,
    /// A Governor to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dao: Option<Dao>,
}

/// `[governance.dao]`: a Governor to be made at deployment, with its settings. Periods count in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dao {
    /// EIP-712 name, at most 31 bytes.
    pub name: String,
    /// From proposal to the count of votes.
    pub voting_delay: u64,
    /// How long votes are taken.
    pub voting_period: u32,
    /// Votes that a proposer needs.
    pub proposal_threshold: u64,
    /// Percent of all votes that must be for or abstain.
    pub quorum_percent: u8,
    /// How long votes are taken after the quorum is reached, at least.
    pub late_quorum_extension: u64,
    /// What every accepted proposal waits, vetoable all the while.
    pub base_delay_seconds: u32,
    /// How long a proposal guardian may veto after each vote for one.
    pub guardian_term_seconds: u32,
    /// The votes.
    pub token: DaoToken,
}

/// `[governance.dao.token]`: a votes token to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaoToken {
    /// For people.
    pub name: String,
    /// For people.
    pub symbol: String,
    /// Who holds votes.
    pub holders: Vec<Address>,
    /// How many each.
    pub amounts: Vec<u64>,
}

impl Governance {
    /// Least delays where software roots are not allowed, as `contracts/src/libraries/Roles.sol` has them. [GOV-8]
    const LEAST_GRANT_SECONDS: u32 = 48 * 3600;
    const LEAST_COMMITTEE_SECONDS: u32 = 7 * 24 * 3600;

    fn check(&self, allows_software: bool) -> Result<(), NetworkError> {
        let delays = [
            ("grant_seconds", self.grant_seconds, Self::LEAST_GRANT_SECONDS),
            ("committee_seconds", self.committee_seconds, Self::LEAST_COMMITTEE_SECONDS),
        ];
        for (key, seconds, least) in delays {
            if let Some(seconds) = seconds
                && seconds < least
                && !allows_software
            {
                return Err(NetworkError::GovernanceDelay { key, seconds, least });
            }
        }
        let Some(dao) = &self.dao else { return Ok(()) };
        let (holders, amounts) = (dao.token.holders.len(), dao.token.amounts.len());
        if holders == 0 || holders != amounts {
            return Err(NetworkError::Holders { holders, amounts });
        }
        Ok(())
    }
}

/// `[attestation]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// Whether roots that the code does not know as a vendor's may be opened. Immutable after deployment.
    pub allows_software: bool,
    /// Approved OS images: SHA-256 of MRTD ‖ RTMR1 ‖ RTMR2, as evidence.md [EV-10] has it.
    #[serde(default)]
    pub os_images: Vec<B256>,
    /// Roots to open.
    #[serde(default)]
    pub roots: Vec<Root>,
}

/// `[[attestation.roots]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// At most 32 ASCII characters.
    pub vendor: String,
    /// SHA-256 of the root certificate (DER); a devnet writes that of its software roots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<B256>,
}

/// `[delays]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delays {
    /// Least delay of a grant, in seconds; above the finality lag unless software roots are allowed (A18).
    pub grant_floor_seconds: u64,
    /// The longest delay: what replaces contracts waits for it.
    pub longest_seconds: u64,
    /// Blocks of one step of a ceremony.
    pub step_blocks: u64,
}

/// `[committee]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committee {
    /// t: how many seats must cooperate. 2 ≤ t, 2t − 1 ≤ n.
    pub threshold: u16,
    /// The seats of the first epoch.
    pub seats: Vec<Seat>,
}

/// `[[committee.seats]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// Vendor of the machine: one of the roots' vendors.
    pub vendor: String,
    /// Who runs it; an id that governance assigns, at most 32 ASCII characters.
    pub operator: String,
}

/// `[limits]`: in every node's measured compose file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeLimits {
    /// A head older than this is a fault: nothing is answered.
    pub max_head_age_seconds: u64,
    /// Finality older than this: nothing is answered (P5).
    pub max_finality_age_seconds: u64,
    /// How many blocks after its record an issuance may be released.
    pub release_window_blocks: u64,
    /// Requests that one source may have judged in a minute.
    pub requests_per_minute: u32,
}

/// `[devnet]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Devnet {
    /// Seconds between blocks.
    pub block_time: u64,
    /// Compose file of the app that is created and booted.
    pub app_compose: String,
}

/// What a node carries in its measured compose file, under the key `quorate` of app-compose.json: its chain's identity and
/// how it judges heads. It is judged by its compose hash, so a host can't change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredNode {
    /// Chain, genesis, fork, endpoints and head source.
    pub chain: Chain,
    /// KmsCommittee; every other contract is read from it.
    pub kms_committee: Address,
    /// Whether the network allows software roots; decides which sealing kinds a node offers.
    pub allows_software: bool,
    /// Limits.
    pub limits: NodeLimits,
}

/// What an app carries in its measured compose file, under the key `quorate` of app-compose.json: whom it asks for keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredAgent {
    /// The app's id; needed only where the measured app-id is the compose-derived default (A28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<Address>,
    /// The network.
    pub network_hash: B256,
    /// The keyset.
    pub keyset_id: B256,
    /// Public key of the keyset's `derive` secret: all that an enclave has to pin. 33 bytes.
    pub derive_public_key: Bytes,
    /// Public key of the keyset's `unseal` secret. 33 bytes.
    pub unseal_public_key: Bytes,
    /// When nodes may release.
    pub release_at: crate::ids::ReleaseAt,
}

/// The part of dstack's app-compose.json that we read; the rest belongs to others and is left alone.
#[derive(Clone, Debug, Deserialize)]
struct AppCompose<T> {
    quorate: T,
}

/// Why a compose file has no block of ours.
#[derive(Debug, thiserror::Error)]
#[error("app-compose.json: {0}")]
pub struct ComposeError(#[from] serde_json::Error);

impl MeasuredNode {
    /// Reads a node's block from the exact bytes of its app-compose.json.
    pub fn from_compose(bytes: &[u8]) -> Result<Self, ComposeError> {
        Ok(serde_json::from_slice::<AppCompose<Self>>(bytes)?.quorate)
    }

    /// The network's name; `None` while the genesis hash is not written.
    pub fn network_hash(&self) -> Option<B256> {
        Some(network_hash(self.chain.id, self.chain.genesis_hash?, self.kms_committee))
    }
}

impl MeasuredAgent {
    /// Reads an app's block from the exact bytes of its app-compose.json.
    pub fn from_compose(bytes: &[u8]) -> Result<Self, ComposeError> {
        Ok(serde_json::from_slice::<AppCompose<Self>>(bytes)?.quorate)
    }
}

/// How a node finds the head, in words, as its candidate statement binds it.
pub fn head_source(chain: &Chain) -> String {
    format!("agreement {} of {}", chain.agree, chain.endpoints.len())
}

/// Why a file is no network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Not TOML, or a key that does not belong there: the message names the line and what is allowed.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// t and n do not fit.
    #[error("committee.threshold = {threshold} with {seats} seats: 2 ≤ t and 2t − 1 ≤ n must hold")]
    Threshold {
        /// t.
        threshold: u16,
        /// n.
        seats: usize,
    },
    /// More endpoints must agree than there are.
    #[error("chain.agree = {agree} with {endpoints} endpoints: 1 ≤ agree ≤ endpoints must hold")]
    Agree {
        /// m.
        agree: usize,
        /// k.
        endpoints: usize,
    },
    /// A label does not fit 32 bytes of ASCII.
    #[error("{field} = {value:?}: 1 to 32 printable ASCII characters are allowed")]
    Label {
        /// Which.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// A seat on a vendor without a root.
    #[error("committee.seats: vendor {vendor:?} has no [[attestation.roots]] entry")]
    UnknownVendor {
        /// Which.
        vendor: String,
    },
    /// A delay of governance below what real keys need.
    #[error(
        "governance.{key} = {seconds}: below {least} only with attestation.allows_software = true"
    )]
    GovernanceDelay {
        /// Which.
        key: &'static str,
        /// What it says.
        seconds: u32,
        /// What it must be at least.
        least: u32,
    },
    /// Votes for nobody, or holders without votes.
    #[error(
        "governance.dao.token: {holders} holders and {amounts} amounts: as many of each, one at least"
    )]
    Holders {
        /// How many holders.
        holders: usize,
        /// How many amounts.
        amounts: usize,
    },
    /// A delay of zero where real vendors are trusted (A18).
    #[error(
        "delays.grant_floor_seconds = {seconds}: below 3600 only with attestation.allows_software = true"
    )]
    GrantFloor {
        /// What it says.
        seconds: u64,
    },
    /// Nodes would decide on finality in which a grant that was taken back still counts (A18).
    #[error(
        "limits.max_finality_age_seconds = {seconds}: at most delays.grant_floor_seconds = {floor}, where that is not zero"
    )]
    FinalityAge {
        /// What it says.
        seconds: u64,
        /// The floor.
        floor: u64,
    },
}

impl Network {
    /// Reads and judges a `network.toml`. P7 is judged by KmsCommittee, so that there is one judge.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let network: Self = toml::from_str(text)?;
        network.check()?;
        Ok(network)
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// The name of this network, once genesis and contracts are known.
    pub fn hash(&self) -> Option<B256> {
        Some(network_hash(self.chain.id, self.chain.genesis_hash?, self.contracts?.kms_committee))
    }

    fn check(&self) -> Result<(), NetworkError> {
        let (threshold, seats) = (self.committee.threshold, self.committee.seats.len());
        if threshold < 2 || usize::from(threshold).saturating_mul(2).saturating_sub(1) > seats {
            return Err(NetworkError::Threshold { threshold, seats });
        }
        let (agree, endpoints) = (self.chain.agree, self.chain.endpoints.len());
        // A devnet adds its own endpoint at start.
        if agree == 0 || (agree > endpoints && self.devnet.is_none()) {
            return Err(NetworkError::Agree { agree, endpoints });
        }
        for root in &self.attestation.roots {
            label("attestation.roots.vendor", &root.vendor)?;
        }
        for seat in &self.committee.seats {
            label("committee.seats.vendor", &seat.vendor)?;
            label("committee.seats.operator", &seat.operator)?;
            if !self.attestation.roots.iter().any(|root| root.vendor == seat.vendor) {
                return Err(NetworkError::UnknownVendor { vendor: seat.vendor.clone() });
            }
        }
        let seconds = self.delays.grant_floor_seconds;
        if seconds < 3600 && !self.attestation.allows_software {
            return Err(NetworkError::GrantFloor { seconds });
        }
        let (age, floor) = (self.limits.max_finality_age_seconds, seconds);
        if floor != 0 && age > floor {
            return Err(NetworkError::FinalityAge { seconds: age, floor });
        }
        match &self.governance {
            Some(governance) => governance.check(self.attestation.allows_software),
            None => Ok(()),
        }
    }
}

/// A vendor or operator label as the contracts hold it: ASCII, left-aligned, padded with zeros.
pub fn label(field: &'static str, value: &str) -> Result<B256, NetworkError> {
    let printable = value.bytes().all(|byte| byte.is_ascii_graphic());
    if value.is_empty() || value.len() > 32 || !printable {
        return Err(NetworkError::Label { field, value: value.to_owned() });
    }
    Ok(B256::right_padding_from(value.as_bytes()))
}

/// A label of the contracts as text; hex if it is none.
pub fn label_text(label: B256) -> String {
    let end = label.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    match label.get(..end).and_then(|bytes| std::str::from_utf8(bytes).ok()) {
        Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            text.to_owned()
        }
        _ => label.to_string(),
    }
}

#[cfg(test)]
mod tests;
