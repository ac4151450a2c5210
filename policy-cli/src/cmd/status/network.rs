//! The network: its contracts, who holds the shares, and whose machines count.

use crate::{
    chain::{Chain, ChainError},
    committee::{self, Ceremony, Keyset, Seat},
    exit::Exit,
    failure::Failure,
    output::Output,
    send::line,
    words::{account, moment},
};
use abi::{AttestationRegistry, KmsCommittee};
use alloy::primitives::{Address, B256};
use serde::Serialize;
use wire::network::{head_source, label_text, network_hash};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkStatus {
    name: String,
    network_hash: B256,
    chain_id: u64,
    head: u64,
    head_hash: B256,
    head_time: u64,
    finalized: u64,
    head_source: String,
    contracts: InForce,
    keyset: Option<Keyset>,
    ceremony: Option<Ceremony>,
    seats: Vec<Seat>,
    allows_software: bool,
    roots: Vec<Root>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InForce {
    kms_committee: Address,
    attestation_registry: Address,
    app_registry: Address,
    issuance_log: Address,
    pending_app_registry: Address,
    pending_issuance_log: Address,
    pending_effective_at: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    root: B256,
    vendor: String,
    platform: &'static str,
    is_open: bool,
    is_software: bool,
}

pub(super) async fn status(chain: &Chain, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let committee = chain.contracts.kms_committee;
    let contracts = contracts(chain).await?;
    let registry = contracts.attestation_registry;
    let call = AttestationRegistry::allowsSoftwareCall {};
    let status = NetworkStatus {
        name: chain.network.name.clone(),
        network_hash: network_hash(chain.network.chain.id, chain.genesis_hash, committee),
        chain_id: chain.network.chain.id,
        head: chain.head.number,
        head_hash: chain.head.hash,
        head_time: chain.head.time,
        finalized: chain.finalized().await?.number,
        head_source: head_source(&chain.network.chain),
        keyset: committee::keyset(chain).await?,
        ceremony: committee::ceremony(chain).await?,
        seats: committee::seats(chain).await?,
        allows_software: chain.view("AttestationRegistry", registry, &call).await?,
        roots: roots(chain, registry).await?,
        contracts,
    };
    if (status.contracts.app_registry, status.contracts.issuance_log)
        != (chain.contracts.app_registry, chain.contracts.issuance_log)
    {
        output.warn("network.toml names another AppRegistry or IssuanceLog than KmsCommittee: the committee's count")?;
    }
    let fields = serde_json::to_value(&status).unwrap_or_default();
    output.answer("quorate.status", fields, &text(&status, chain))?;
    Ok(Exit::Ok)
}

async fn contracts(chain: &Chain) -> Result<InForce, ChainError> {
    let committee = chain.contracts.kms_committee;
    let call = KmsCommittee::contractsInForceCall {};
    let in_force = chain.view("KmsCommittee", committee, &call).await?;
    // By position: the contract's ABI does not name them.
    let (app_registry, issuance_log, pending_app_registry, pending_issuance_log, effective_at) =
        in_force.into();
    let call = KmsCommittee::attestationRegistryCall {};
    Ok(InForce {
        kms_committee: committee,
        attestation_registry: chain.view("KmsCommittee", committee, &call).await?,
        app_registry,
        issuance_log,
        pending_app_registry,
        pending_issuance_log,
        pending_effective_at: effective_at,
    })
}

async fn roots(chain: &Chain, registry: Address) -> Result<Vec<Root>, ChainError> {
    const REGISTRY: &str = "AttestationRegistry";
    let known = chain.view(REGISTRY, registry, &AttestationRegistry::rootsCall {}).await?;
    let mut roots = Vec::new();
    for root in known {
        let call = AttestationRegistry::rootPolicyCall { root };
        let policy = chain.view(REGISTRY, registry, &call).await?;
        roots.push(Root {
            root,
            vendor: label_text(policy.vendor),
            platform: platform(policy.platform),
            is_open: policy.isOpen,
            is_software: policy.isSoftware,
        });
    }
    Ok(roots)
}

fn platform(platform: u8) -> &'static str {
    match platform {
        1 => "TDX and SGX",
        2 => "SEV-SNP",
        3 => "Nitro",
        _ => "unknown",
    }
}

fn text(status: &NetworkStatus, chain: &Chain) -> String {
    let mut text = String::new();
    line(&mut text, "network", &format!("{:?} {}", status.name, status.network_hash));
    line(&mut text, "as of", &chain.as_of());
    line(&mut text, "finalized", &format!("block {}", status.finalized));
    line(&mut text, "heads by", &status.head_source);
    contracts_text(&mut text, &status.contracts);
    keyset_text(&mut text, status.keyset.as_ref());
    if let Some(ceremony) = &status.ceremony {
        let (step, epoch, deadline) = (ceremony.step, ceremony.epoch, ceremony.deadline);
        line(&mut text, "ceremony", &format!("of epoch {epoch}: {step}, until block {deadline}"));
    }
    status.seats.iter().for_each(|seat| line(&mut text, "seat", &seat.words()));
    if status.allows_software {
        line(
            &mut text,
            "software",
            "ALLOWED: software roots can be opened here; guard no real keys with it",
        );
    }
    for root in &status.roots {
        let open = if root.is_open { "open" } else { "closed" };
        let kind = if root.is_software {
            "SOFTWARE: whoever has its key makes quotes"
        } else {
            root.platform
        };
        line(&mut text, "root", &format!("{} {}, {open}, {kind}", root.root, root.vendor));
    }
    text
}

fn contracts_text(text: &mut String, contracts: &InForce) {
    line(text, "contracts", &format!("KmsCommittee         {}", contracts.kms_committee));
    line(text, "", &format!("AttestationRegistry  {}", contracts.attestation_registry));
    line(text, "", &format!("AppRegistry          {}", account(contracts.app_registry)));
    line(text, "", &format!("IssuanceLog          {}", account(contracts.issuance_log)));
    if contracts.pending_effective_at != 0 {
        let words = format!(
            "AppRegistry {} and IssuanceLog {} from {} on: THE WIDEST GRANT THERE IS",
            account(contracts.pending_app_registry),
            account(contracts.pending_issuance_log),
            moment(contracts.pending_effective_at)
        );
        line(text, "pending", &words);
    }
}

fn keyset_text(text: &mut String, keyset: Option<&Keyset>) {
    let Some(keyset) = keyset else {
        line(text, "keyset", "none yet");
        return;
    };
    line(text, "keyset", &keyset.keyset_id.to_string());
    line(text, "", &format!("derive {}", keyset.derive_public_key));
    line(text, "", &format!("unseal {}", keyset.unseal_public_key));
    let (members, recipients) = (keyset.members.len(), keyset.recipients.len());
    let words = format!("{}: {} of {recipients}, {members} confirmed", keyset.epoch, keyset.t);
    line(text, "epoch", &words);
}
