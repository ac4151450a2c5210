//! Why a bundle is refused: each way to cheat has its name, the same in Rust and in vectors/verify.py.

use alloy_primitives::{Address, B256};
use light_client::{ForgedHeader, MissingAt, ProofError};

/// Why a bundle proves nothing. [`Refusal::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Above the limit.
    #[error("the file has {bytes} bytes, at most {limit} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not a bundle.
    #[error("not a bundle: {cause}")]
    NotABundle {
        /// What does not fit.
        cause: String,
    },
    /// Another format, or another version of it.
    #[error("not of the format quorate-evidence/v1")]
    UnknownFormat,
    /// The same content could be written in two ways, and this is not the one that counts.
    #[error(
        "not the canonical text of this bundle: fields in order, no white space, lower-case hex"
    )]
    NotCanonical,
    /// More of something than is read.
    #[error("{count} {what}, at most {limit} are read")]
    TooMany {
        /// What.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// Another network than the reader's.
    #[error("this is network {actual}, not {expected}")]
    OtherNetwork {
        /// The reader's.
        expected: B256,
        /// The bundle's.
        actual: B256,
    },
    /// A header is not in its encoding.
    #[error("header {index} is no header in its one encoding")]
    HeaderMalformed {
        /// Its place.
        index: usize,
        /// What does not fit, if it is its fields.
        source: Option<ForgedHeader>,
    },
    /// A header is not the child of the one before: of another branch, or left out.
    #[error("header {index} is not the child of the one before it")]
    HeaderNotLinked {
        /// Its place.
        index: usize,
    },
    /// The last header is not the reader's block.
    #[error("the headers end at block {actual}, not at {expected}, which you named")]
    OtherBlock {
        /// The reader's.
        expected: B256,
        /// Where they end.
        actual: B256,
    },
    /// The receipt is not under the block's `receiptsRoot` at this place.
    #[error("the receipt is not proven under the receiptsRoot of the event's block")]
    ReceiptNotProven,
    /// The receipt's bytes are no receipt in its one encoding.
    #[error("the receipt is not in its one encoding")]
    ReceiptMalformed,
    /// The transaction had no effect.
    #[error("the transaction reverted")]
    Reverted,
    /// The receipt has no such log.
    #[error("the receipt has {count} logs and none at place {place}")]
    NoSuchLog {
        /// The place.
        place: u64,
        /// How many there are.
        count: usize,
    },
    /// The log is none that a bundle proves.
    #[error("the log is neither KeyIssued nor a revocation")]
    OtherEvent,
    /// A bundle of an issuance without its statement.
    #[error("KeyIssued without the statement that was signed")]
    StatementMissing,
    /// A bundle of a revocation with a statement.
    #[error("a revocation has no statement")]
    StatementSurplus,
    /// Facts are out of order, doubled, or not needed.
    #[error("{what} are out of order, doubled, or used by nothing")]
    Surplus {
        /// Which.
        what: &'static str,
    },
    /// A fact is not what the state root holds.
    #[error(transparent)]
    FactForged(#[from] ProofError),
    /// A fact that a view reads is not in the bundle.
    #[error("{0}, and the bundle does not prove it")]
    FactMissing(MissingAt),
    /// A view of the contracts has no answer at this block.
    #[error("the contracts do not answer: {cause}")]
    NoAnswer {
        /// Why.
        cause: String,
    },
    /// The events do not lead to the proven slot.
    #[error(
        "the trail of {contract} does not lead from this event to the slot proven at block {block}"
    )]
    TrailMismatch {
        /// Whose.
        contract: Address,
        /// Where it is proven.
        block: u64,
    },
    /// The event is of a contract that is not the network's log.
    #[error("{actual} is not the network's IssuanceLog, {expected}")]
    OtherLog {
        /// The network's.
        expected: Address,
        /// The event's.
        actual: Address,
    },
    /// The log's own record names another block.
    #[error("recorded[issuanceId] is {actual}, the event is in block {expected}")]
    NotRecorded {
        /// The event's block.
        expected: u64,
        /// What the slot holds.
        actual: u64,
    },
    /// The statement and the event speak of different things.
    #[error("the statement's {field} is not that of the event")]
    StatementMismatch {
        /// In what.
        field: &'static str,
    },
    /// Seats are doubled or out of order.
    #[error("the seats of the signatures are not strictly ascending")]
    SeatsNotAscending,
    /// Too few signatures.
    #[error("{signed} seats signed, {threshold} are needed")]
    BelowThreshold {
        /// t of the epoch.
        threshold: u16,
        /// How many signed.
        signed: usize,
    },
    /// A signature is not of a member of the epoch.
    #[error("the signature of seat {seat} is not of the member of epoch {epoch} that holds it")]
    SignatureInvalid {
        /// The seat.
        seat: u16,
        /// The epoch.
        epoch: u64,
    },
    /// The evidence has another hash than the event names.
    #[error("the evidence hashes to {actual}, the event names {expected}")]
    OtherEvidence {
        /// The event's.
        expected: B256,
        /// The hash of the bytes.
        actual: B256,
    },
    /// The root is not the one that the reader trusts.
    #[error("the root is {actual}, you trust {expected}")]
    OtherRoot {
        /// The reader's.
        expected: B256,
        /// The event's.
        actual: B256,
    },
    /// The evidence does not hold at the block's time under the network's rules.
    #[error("the evidence does not hold: {cause}")]
    EvidenceRefused {
        /// Why.
        cause: String,
    },
    /// The evidence is of another enclave than the statement says.
    #[error("the evidence shows another enclave than the statement")]
    OtherEnclave,
    /// The policy denies at the end of the event's block.
    #[error("at the end of block {block} the policy denies: {reason}")]
    PolicyDenies {
        /// Where.
        block: u64,
        /// Its words.
        reason: String,
    },
    /// The event is of a contract that does not judge the app.
    #[error("at block {block} the app's policy is {expected}, the event is of {actual}")]
    OtherPolicy {
        /// Where.
        block: u64,
        /// The app's.
        expected: Address,
        /// The event's.
        actual: Address,
    },
    /// The event is of a contract that it has no right to come from.
    #[error("{actual} is not {expected}, whose event it has to be")]
    OtherContract {
        /// The network's.
        expected: Address,
        /// The event's.
        actual: Address,
    },
    /// The policy is not of the registry's own code, so its event proves nothing.
    #[error("the policy is foreign: what its events mean, its own code says")]
    ForeignPolicy,
    /// What was revoked is granted, or will be, at this block.
    #[error("at block {block} the contract grants again what the event takes away")]
    StillListed {
        /// Where.
        block: u64,
    },
    /// It was granted again in between.
    #[error("what was revoked was granted again at seq {seq}")]
    ApprovedAgain {
        /// By which event.
        seq: u64,
    },
    /// A later event is not told in full, and could undo the revocation.
    #[error("the event at seq {seq} is not told in full: it could grant again what was revoked")]
    StepHidden {
        /// Which.
        seq: u64,
    },
}

impl Refusal {
    /// The name of this way to fail.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::NotABundle { .. } => "not-a-bundle",
            Self::UnknownFormat => "unknown-format",
            Self::NotCanonical => "not-canonical",
            Self::TooMany { .. } => "too-many",
            Self::OtherNetwork { .. } => "other-network",
            Self::HeaderMalformed { .. } => "header-malformed",
            Self::HeaderNotLinked { .. } => "header-not-linked",
            Self::OtherBlock { .. } => "other-block",
            Self::ReceiptNotProven => "receipt-not-proven",
            Self::ReceiptMalformed => "receipt-malformed",
            Self::Reverted => "reverted",
            Self::NoSuchLog { .. } => "no-such-log",
            Self::OtherEvent => "other-event",
            Self::StatementMissing => "statement-missing",
            Self::StatementSurplus => "statement-surplus",
            Self::Surplus { .. } => "surplus",
            Self::FactForged(_) => "fact-forged",
            Self::FactMissing(_) => "fact-missing",
            Self::NoAnswer { .. } => "no-answer",
            Self::TrailMismatch { .. } => "trail-mismatch",
            Self::OtherLog { .. } => "other-log",
            Self::NotRecorded { .. } => "not-recorded",
            Self::StatementMismatch { .. } => "statement-mismatch",
            Self::SeatsNotAscending => "seats-not-ascending",
            Self::BelowThreshold { .. } => "below-threshold",
            Self::SignatureInvalid { .. } => "signature-invalid",
            Self::OtherEvidence { .. } => "other-evidence",
            Self::OtherRoot { .. } => "other-root",
            Self::EvidenceRefused { .. } => "evidence-refused",
            Self::OtherEnclave => "other-enclave",
            Self::PolicyDenies { .. } => "policy-denies",
            Self::OtherPolicy { .. } => "other-policy",
            Self::OtherContract { .. } => "other-contract",
            Self::ForeignPolicy => "foreign-policy",
            Self::StillListed { .. } => "still-listed",
            Self::ApprovedAgain { .. } => "approved-again",
            Self::StepHidden { .. } => "step-hidden",
        }
    }
}
