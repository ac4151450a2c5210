//! A member deals to recipients, and confirms with recipients, only if it has verified the quote and collateral of each
//! itself; P7 is counted over what the quotes say, not over labels.
//!
//! Spec: docs/spec/ceremony.md [CER-3]. Prevents: software nodes that governance admits as hardware (A5), one vendor or
//! operator with a quorum (P7, A8).

use crate::Network;
use abi::KmsCommittee::{CeremonyInfo, SeatProgress};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use evidence::{
    BindError, ParseQuoteError, RawEvidence, ReplayError, VerifiedIdentity, VerifyQuoteError,
};
use light_client::{MissingAt, ProvenState};
use policy::{AsksForFact, ReadError};
use std::collections::BTreeMap;
use threshold::{Point, ceremony::Recipient};
use wire::{
    SeatId,
    report_data::recipient_report_data,
    request::{EvidenceBytes, EvidenceTooLarge, NotEvidence},
};

/// Proof that every recipient of a ceremony was verified by this node.
#[derive(Debug)]
pub struct JudgedRecipients(Vec<Recipient>);

/// A recipient that this member does not accept: it deals nothing, and confirms nothing.
#[derive(Debug, thiserror::Error)]
#[error("recipient {seat}: {reason}")]
pub struct RecipientError {
    /// Whom.
    pub seat: SeatId,
    /// Why.
    pub reason: RecipientReason,
}

/// Why a recipient is refused.
#[derive(Debug, thiserror::Error)]
pub enum RecipientReason {
    /// The evidence whose hash is on chain can't be had.
    #[error("its evidence can't be had")]
    EvidenceMissing,
    /// What it posted under that hash is no evidence.
    #[error(transparent)]
    Encoding(#[from] NotEvidence),
    /// What it posted under that hash is larger than anybody reads.
    #[error(transparent)]
    TooLarge(#[from] EvidenceTooLarge),
    /// The quote can't be read.
    #[error(transparent)]
    Parse(#[from] ParseQuoteError),
    /// The quote does not hold.
    #[error(transparent)]
    Quote(#[from] VerifyQuoteError),
    /// The log is not the quoted boot.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The quote binds another session, seat, address, operator, network or key.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// OS image and compose hash are not approved as node code, or the image is not approved at all.
    #[error("its code is not approved as node code")]
    NodeCode,
    /// Its quote stands under another vendor than the chain says.
    #[error("its quote is of another vendor than the chain says")]
    Vendor,
    /// The encryption key is no point.
    #[error("its encryption key is no point")]
    EncryptionKey,
    /// Its vendor holds a quorum (P7).
    #[error("its vendor holds {seats} seats, at most {max} are allowed")]
    VendorQuorum {
        /// How many.
        seats: usize,
        /// t − 1.
        max: usize,
    },
    /// Its operator holds a quorum (P7).
    #[error("its operator holds {seats} seats, at most {max} are allowed")]
    OperatorQuorum {
        /// How many.
        seats: usize,
        /// t − 1.
        max: usize,
    },
    /// It was suspended or removed after its key came in.
    #[error("it is suspended or removed")]
    Standing,
    /// The chain could not be read. No verdict on the recipient.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl JudgedRecipients {
    #[cfg(test)]
    pub(super) fn unjudged(recipients: Vec<Recipient>) -> Self {
        Self(recipients)
    }

    pub(super) fn into_recipients(self) -> Vec<Recipient> {
        self.0
    }
}

impl RecipientError {
    /// The reason code of `RecipientRefused`; docs/spec/ceremony.md lists them.
    pub fn code(&self) -> u8 {
        match self.reason {
            RecipientReason::EvidenceMissing => 1,
            RecipientReason::Encoding(_)
            | RecipientReason::TooLarge(_)
            | RecipientReason::Parse(_)
            | RecipientReason::Quote(_) => 2,
            RecipientReason::Replay(_) => 3,
            RecipientReason::Bind(_) => 4,
            RecipientReason::NodeCode => 5,
            RecipientReason::Vendor => 6,
            RecipientReason::EncryptionKey => 7,
            RecipientReason::VendorQuorum { .. } => 8,
            RecipientReason::OperatorQuorum { .. } => 9,
            RecipientReason::Standing => 10,
            RecipientReason::Read(_) => 0,
        }
    }

    /// Whether this says something about the recipient, and not only about this node's view of the chain.
    pub fn is_verdict(&self) -> bool {
        !matches!(self.reason, RecipientReason::Read(_) | RecipientReason::EvidenceMissing)
    }
}

impl AsksForFact for RecipientError {
    fn missing(&self) -> Option<MissingAt> {
        match &self.reason {
            RecipientReason::Read(error) => error.missing(),
            _ => None,
        }
    }
}

/// Judges every seat that posted a key in this ceremony, and P7 over their quotes. [CER-3] [CER-13]
///
/// `posted` is what was found in event data; only bytes with the hash that the chain has count as a seat's own.
/// # Errors
/// [`RecipientError`] with the first recipient that fails.
pub fn judge_recipients(
    network: &Network,
    finalized: &ProvenState,
    info: &CeremonyInfo,
    posted: &BTreeMap<SeatId, Bytes>,
) -> Result<JudgedRecipients, RecipientError> {
    let mut recipients = Vec::new();
    let mut held: Vec<(SeatId, B256, B256)> = Vec::new();
    for progress in info.seats.iter().filter(|seat| !seat.encryptionKey.is_empty()) {
        let seat = progress.seat;
        let refused = |reason| RecipientError { seat, reason };
        let identity = judge_one(network, finalized, info.session, progress, posted.get(&seat))
            .map_err(refused)?;
        let encryption_key = Point::from_bytes(&progress.encryptionKey)
            .map_err(|_| refused(RecipientReason::EncryptionKey))?;
        recipients.push(Recipient { seat, encryption_key });
        held.push((seat, identity.quote().vendor(), progress.operator));
    }
    check_quorums(info.t, &held)?;
    Ok(JudgedRecipients(recipients))
}

fn judge_one(
    network: &Network,
    finalized: &ProvenState,
    session: B256,
    progress: &SeatProgress,
    posted: Option<&Bytes>,
) -> Result<VerifiedIdentity, RecipientReason> {
    if progress.isSuspended {
        return Err(RecipientReason::Standing);
    }
    let bytes = posted
        .filter(|bytes| keccak256(bytes) == progress.evidenceHash)
        .ok_or(RecipientReason::EvidenceMissing)?;
    // From here on the bytes are the recipient's own: whatever is wrong with them is a verdict.
    let raw = RawEvidence::new(EvidenceBytes::decode(bytes)?)?;
    let root = raw.claimed_root()?;
    if network.is_seat_removed(finalized, progress.seat)? {
        return Err(RecipientReason::Standing);
    }
    let rules = network.root_rules(finalized, root.hash())?;
    let quote = raw.verify(&root, &rules, finalized.header().timestamp())?;
    quote.binds(&expected_report_data(network, session, progress, progress.signer))?;
    let identity = quote.replay()?;
    if identity.quote().vendor() != progress.vendor {
        return Err(RecipientReason::Vendor);
    }
    let (image, compose) = (identity.os_image_hash(), identity.compose_hash());
    let approved = network.is_os_image_approved(finalized, image)?
        && network.is_node_code_approved(finalized, image, compose)?;
    approved.then_some(identity).ok_or(RecipientReason::NodeCode)
}

fn expected_report_data(
    network: &Network,
    session: B256,
    progress: &SeatProgress,
    signer: Address,
) -> wire::report_data::ReportData {
    recipient_report_data(
        network.network_hash,
        session,
        progress.seat,
        signer,
        progress.operator,
        &progress.encryptionKey,
    )
}

/// No vendor and no operator holds more than t − 1 seats. [CER-3]
fn check_quorums(threshold: u16, held: &[(SeatId, B256, B256)]) -> Result<(), RecipientError> {
    let max = usize::from(threshold).saturating_sub(1);
    for (seat, vendor, operator) in held {
        let seats = held.iter().filter(|(_, other, _)| other == vendor).count();
        if seats > max {
            let reason = RecipientReason::VendorQuorum { seats, max };
            return Err(RecipientError { seat: *seat, reason });
        }
        let seats = held.iter().filter(|(.., other)| other == operator).count();
        if seats > max {
            let reason = RecipientReason::OperatorQuorum { seats, max };
            return Err(RecipientError { seat: *seat, reason });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use light_client::{FactLimits, HeaderChain, Hints, RawHeader, SealedHeader};
    use policy::{ChainRules, ForkSchedule};
    use wire::{limits::MAX_QUOTE_BYTES, network::Fork};

    /// A block of which nothing else is proven.
    fn state() -> ProvenState {
        let raw: RawHeader = serde_json::from_value(serde_json::json!({
            "hash": B256::ZERO, "parentHash": B256::ZERO, "sha3Uncles": B256::ZERO,
            "miner": Address::ZERO, "stateRoot": B256::ZERO, "transactionsRoot": B256::ZERO,
            "receiptsRoot": B256::ZERO, "logsBloom": format!("0x{}", "00".repeat(256)),
            "difficulty": "0x0", "number": "0x1", "gasLimit": "0x0", "gasUsed": "0x0",
            "timestamp": "0x1", "extraData": "0x", "mixHash": B256::ZERO,
            "nonce": "0x0000000000000000", "baseFeePerGas": "0x1",
        }))
        .unwrap();
        let header = SealedHeader::of(raw.header).unwrap();
        let chain = HeaderChain::new(header.block());
        chain.open(header, FactLimits::STATE, &Hints::new()).unwrap()
    }

    /// The verdict on one recipient that has `posted` under its hash.
    fn verdict(posted: &[u8], change: impl FnOnce(&mut SeatProgress)) -> RecipientError {
        let network = Network {
            rules: ChainRules { chain_id: 1, forks: ForkSchedule::constant(Fork::Osaka) },
            committee: Address::repeat_byte(1),
            network_hash: B256::repeat_byte(2),
        };
        let mut progress = SeatProgress {
            seat: 4,
            encryptionKey: vec![2; 33].into(),
            evidenceHash: keccak256(posted),
            ..SeatProgress::default()
        };
        change(&mut progress);
        let info = CeremonyInfo { t: 2, seats: vec![progress], ..CeremonyInfo::default() };
        let posted = BTreeMap::from([(4, Bytes::copy_from_slice(posted))]);
        let error = judge_recipients(&network, &state(), &info, &posted).unwrap_err();
        assert_eq!(error.seat, 4);
        error
    }

    fn evidence(quote_bytes: usize) -> Vec<u8> {
        EvidenceBytes {
            quote: vec![0; quote_bytes].into(),
            event_log: String::new(),
            collateral: String::new(),
        }
        .encode()
    }

    #[test]
    fn bytes_with_the_right_hash_that_are_no_evidence_name_their_seat() {
        // [CER-3]: else one seat would stop a genesis, and nobody would say which.
        let junk = verdict(b"no evidence", |_| ());
        assert!(matches!(junk.reason, RecipientReason::Encoding(_)), "{junk}");
        let large = verdict(&evidence(MAX_QUOTE_BYTES + 1), |_| ());
        assert!(matches!(large.reason, RecipientReason::TooLarge(_)), "{large}");
        let quote = verdict(&evidence(10), |_| ());
        assert!(matches!(quote.reason, RecipientReason::Parse(_)), "{quote}");
        for error in [junk, large, quote] {
            assert!(error.is_verdict() && error.code() == 2, "{error}");
        }
        // Bytes with another hash may be anybody's: nothing is known of the seat.
        let other = verdict(b"no evidence", |seat| seat.evidenceHash = B256::repeat_byte(9));
        assert!(matches!(other.reason, RecipientReason::EvidenceMissing), "{other}");
        assert!(!other.is_verdict());
    }

    #[test]
    fn a_seat_that_was_suspended_after_its_key_came_is_dealt_nothing() {
        // [CER-3] A12. The same seat unsuspended is judged by its evidence.
        let suspended = verdict(&evidence(10), |seat| seat.isSuspended = true);
        assert!(matches!(suspended.reason, RecipientReason::Standing), "{suspended}");
        assert!(suspended.is_verdict() && suspended.code() == 10);
    }

    #[test]
    fn only_what_is_known_of_a_recipient_is_a_verdict() {
        // A dealer that sees nothing says nothing on chain against anybody.
        let verdict = |reason| RecipientError { seat: 1, reason }.is_verdict();
        assert!(verdict(RecipientReason::NodeCode));
        assert!(verdict(RecipientReason::VendorQuorum { seats: 3, max: 2 }));
        assert!(!verdict(RecipientReason::EvidenceMissing));
    }

    #[test]
    fn a_vendor_or_operator_with_a_quorum_is_refused() {
        // [CER-3] P7, A5, A8: counted over verified quotes.
        let word = B256::repeat_byte;
        let held = [(1, word(1), word(11)), (2, word(1), word(12)), (3, word(2), word(13))];
        assert!(check_quorums(3, &held).is_ok());
        let vendor = [held[0], held[1], (3, word(1), word(13))];
        let error = check_quorums(3, &vendor).unwrap_err();
        assert!(matches!(error.reason, RecipientReason::VendorQuorum { seats: 3, max: 2 }));
        let operator = [(1, word(1), word(9)), (2, word(2), word(9)), (3, word(3), word(9))];
        let error = check_quorums(3, &operator).unwrap_err();
        assert!(matches!(error.reason, RecipientReason::OperatorQuorum { seats: 3, max: 2 }));
    }
}
