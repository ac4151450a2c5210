//! A dealer encrypts only to recipients whose quote and collateral it has verified itself, and P7 is counted over what
//! the quotes say, not over labels.
//!
//! Spec: docs/spec/ceremony.md [CER-3]. Prevents: software nodes that governance admits as hardware (A5), one vendor or
//! operator with a quorum (P7, A8).

use crate::Network;
use abi::KmsCommittee::{CeremonyInfo, SeatProgress};
use alloy_primitives::{Address, B256};
use evidence::{
    BindError, ParseQuoteError, RawEvidence, ReplayError, VerifiedIdentity, VerifyQuoteError,
};
use light_client::{MissingAt, ProvenState};
use policy::{AsksForFact, ReadError};
use std::collections::BTreeMap;
use threshold::{Point, ceremony::Recipient};
use wire::{SeatId, report_data::recipient_report_data, request::EvidenceBytes};

/// Proof that every recipient of a ceremony was verified by this node.
#[derive(Debug)]
pub struct JudgedRecipients(Vec<Recipient>);

/// A recipient that this dealer does not deal to, and so nobody.
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
    /// The chain could not be read. No verdict on the recipient.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl JudgedRecipients {
    pub(super) fn into_recipients(self) -> Vec<Recipient> {
        self.0
    }
}

impl RecipientError {
    /// The reason code of `RecipientRefused`; docs/spec/ceremony.md lists them.
    pub fn code(&self) -> u8 {
        match self.reason {
            RecipientReason::EvidenceMissing => 1,
            RecipientReason::Parse(_) | RecipientReason::Quote(_) => 2,
            RecipientReason::Replay(_) => 3,
            RecipientReason::Bind(_) => 4,
            RecipientReason::NodeCode => 5,
            RecipientReason::Vendor => 6,
            RecipientReason::EncryptionKey => 7,
            RecipientReason::VendorQuorum { .. } => 8,
            RecipientReason::OperatorQuorum { .. } => 9,
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

/// Judges every seat that posted a key in this ceremony, and P7 over their quotes. [CER-3]
///
/// # Errors
/// [`RecipientError`] with the first recipient that fails.
pub fn judge_recipients(
    network: &Network,
    finalized: &ProvenState,
    info: &CeremonyInfo,
    evidence: &BTreeMap<SeatId, EvidenceBytes>,
) -> Result<JudgedRecipients, RecipientError> {
    let mut recipients = Vec::new();
    let mut held: Vec<(SeatId, B256, B256)> = Vec::new();
    for progress in info.seats.iter().filter(|seat| !seat.encryptionKey.is_empty()) {
        let seat = progress.seat;
        let refused = |reason| RecipientError { seat, reason };
        let bytes = evidence
            .get(&seat)
            .filter(|bytes| bytes.hash() == progress.evidenceHash)
            .ok_or_else(|| refused(RecipientReason::EvidenceMissing))?;
        let identity =
            judge_one(network, finalized, info.session, progress, bytes).map_err(refused)?;
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
    bytes: &EvidenceBytes,
) -> Result<VerifiedIdentity, RecipientReason> {
    let raw = RawEvidence::new(bytes.clone()).map_err(|_| RecipientReason::EvidenceMissing)?;
    let root = raw.claimed_root()?;
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
