//! Seats that a careless governance admitted: a key that signs, and no enclave that holds it. Their quotes are true and bind
//! something else; the contract, which judges form alone, takes them.

use abi::KmsCommittee::{self, CeremonyInfo, ceremonyCall};
use alloy::primitives::{B256, Bytes};
use anyhow::{Context, Result};
use devnet::{bring_up::Seated, harness::Enclave, plan::Plan};
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_core::{
    Network, StatementKey,
    at_rest::{RecipientRecord, Secret32, ShareRecord},
    ceremony::{Call, Member, post_candidate},
};
use policy::{ChainRules, ForkSchedule};
use policy_cli::compose::compose_hash;
use soft_tee::{App, Machine};
use std::sync::Arc;
use threshold::{
    Point, SecretKind,
    ceremony::{Ceremony, Recipient, RecipientSecret, dealing_hash},
};
use wire::{
    SeatId,
    network::label,
    request::EvidenceBytes,
    statements::{Anchor, Candidate, Dealing, Outcome, compact},
};

/// A seat of the story's own.
pub(super) struct FalseSeat {
    key: StatementKey,
    network: Network,
    evidence: EvidenceBytes,
    recipient: Option<RecipientRecord>,
    pub(super) seat: SeatId,
}

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Evidence of a true machine of `vendor` with the nodes' own code, over data of nobody's.
fn evidence(seated: &Seated, vendor: &str) -> EvidenceBytes {
    let authority = Plan::authority(vendor);
    let machine = Arc::new(Machine::new(&authority, "nobody", Plan::os_image()));
    let domain = machine.boot(App::with_default_id(seated.node_compose.clone()));
    Enclave::evidence_of(&domain, &authority, &[0; 64])
}

/// The running ceremony.
pub(super) async fn running(seated: &Seated) -> Result<CeremonyInfo> {
    Ok(seated.governance.view_committee(ceremonyCall {}).await?)
}

async fn send(seated: &Seated, call: Call) -> Result<()> {
    let governance = &seated.governance;
    governance.chain.send_bytes(governance.administrator, call.to, call.data).await?;
    Ok(())
}

impl FalseSeat {
    /// Asks for a seat and gets it: governance looks at labels only.
    pub(super) async fn admit(seated: &Seated, vendor: &str, operator: &str) -> Result<Self> {
        let governance = &seated.governance;
        let network = Network {
            rules: ChainRules {
                chain_id: governance.chain.chain_id().await?,
                forks: ForkSchedule::constant(seated.network.chain.fork),
            },
            committee: governance.contracts.kms_committee,
            network_hash: governance.network_hash().await?,
        };
        let key = StatementKey::generate(&mut rng());
        let operator = label("operator", operator)?;
        let evidence = evidence(seated, vendor);
        let candidate = Candidate {
            signer: key.address(),
            operator,
            endpoint: "http://127.0.0.1:1".to_owned(),
            sealing: 1,
            root: Plan::authority(vendor).root_sha256().into(),
            osImageHash: Plan::os_image().hash().into(),
            composeHash: B256::from(compose_hash(&seated.node_compose)),
            checkpoint: Anchor { number: 0, hash: governance.chain.block_hash(0).await? },
            headSource: String::new(),
            evidenceHash: evidence.hash(),
        };
        send(seated, post_candidate(&network, &key, &candidate, &evidence)?).await?;
        let seat = governance.admit(key.address(), operator).await?;
        Ok(Self { key, network, evidence, recipient: None, seat })
    }

    fn member(&self) -> Member<'_> {
        Member { network: &self.network, seat: self.seat, key: &self.key }
    }

    /// Posts an encryption key with evidence that proves nothing.
    pub(super) async fn post_key(&mut self, seated: &Seated) -> Result<()> {
        let record = Member::recipient_secret(running(seated).await?.session, &mut rng());
        send(seated, self.member().post_key(&record, &self.evidence)?).await?;
        self.recipient = Some(record);
        Ok(())
    }

    /// Deals to every recipient, whoever it is.
    pub(super) async fn deal(&self, seated: &Seated) -> Result<()> {
        let info = running(seated).await?;
        let bytes = all(&info)?.deal(self.seat, &mut rng())?.to_bytes();
        let hash = B256::new(dealing_hash(&bytes));
        let dealing = Dealing { session: info.session, seat: self.seat, dealingHash: hash };
        let signature = self.key.signature(self.network.committee_domain(), &dealing)?;
        let call = KmsCommittee::postDealingCall {
            dealing: KmsCommittee::Dealing {
                session: info.session,
                seat: self.seat,
                dealingHash: hash,
            },
            signature: compact(&signature).concat().into(),
            dealingBytes: bytes.into(),
        };
        let governance = &seated.governance;
        let committee = governance.contracts.kms_committee;
        governance.chain.send(governance.administrator, committee, call).await?;
        Ok(())
    }

    /// Opens what the false seats dealt, and confirms it.
    pub(super) async fn confirm(
        &self,
        seated: &Seated,
        dealings: &[(SeatId, Bytes)],
    ) -> Result<()> {
        let info = running(seated).await?;
        let recipient = self.recipient.as_ref().context("a key was posted")?;
        let secret = RecipientSecret::from_secret_bytes(&recipient.secret.0)?;
        let dealings: Vec<(SeatId, &[u8])> =
            dealings.iter().map(|(seat, bytes)| (*seat, bytes.as_ref())).collect();
        let qualified = all(&info)?.qualify(&dealings)?;
        let shares = qualified.open(self.seat, &secret)?;
        let outcome = qualified.outcome();
        let kept = |kind| Secret32(*shares.of(kind).to_secret_bytes());
        let record = ShareRecord {
            session: info.session,
            seat: self.seat,
            derive: kept(SecretKind::Derive),
            unseal: kept(SecretKind::Unseal),
            opened_at: info.openedAt,
            outcome: Outcome {
                recipients: outcome.recipients.clone(),
                dealers: outcome.dealers.clone(),
                verificationShares: outcome.verification_shares().into(),
                derivePublicKey: outcome.derive_public_key.as_bytes().to_vec().into(),
                unsealPublicKey: outcome.unseal_public_key.as_bytes().to_vec().into(),
            },
        };
        send(seated, self.member().confirm(&info, &record, &mut rng())?).await
    }
}

/// The ceremony with every seat that posted a key.
fn all(info: &CeremonyInfo) -> Result<Ceremony> {
    let posted = info.seats.iter().filter(|seat| !seat.encryptionKey.is_empty());
    let recipients = posted
        .map(|seat| {
            let encryption_key = Point::from_bytes(&seat.encryptionKey)?;
            Ok(Recipient { seat: seat.seat, encryption_key })
        })
        .collect::<Result<_>>()?;
    Ok(Ceremony::genesis(info.session.0, info.epoch, info.t, recipients)?)
}
