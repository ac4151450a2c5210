//! What the API answers, as types: the description of the API is made of them. [IDX-9]

use super::format::{Page, Row};
use crate::{
    store::{Cursor, EventRow, ReceiptRow, VerdictRow},
    views::judges::JudgesOf,
};
use alloy_primitives::{Address, B256, Bytes, hex};
use light_client::BlockRef;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

/// A block by height and hash.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Block {
    pub(crate) number: u64,
    #[schema(schema_with = hash_schema)]
    pub(crate) hash: B256,
}

/// A block by height.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Height {
    pub(crate) number: u64,
}

/// Up to which blocks the index knows the chain.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct AsOf {
    /// The newest block.
    pub(crate) latest: Block,
    pub(crate) safe: Height,
    pub(crate) finalized: Block,
}

/// How final a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Finality {
    Latest,
    Safe,
    Finalized,
    /// A reorg took it away: it counts no more.
    Orphaned,
}

/// An event of a followed contract.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    pub(crate) chain_id: u64,
    pub(crate) block_number: u64,
    #[schema(schema_with = hash_schema)]
    pub(crate) block_hash: B256,
    /// Seconds since 1970.
    pub(crate) block_time: u64,
    pub(crate) tx_index: u64,
    /// In the block.
    pub(crate) log_index: u64,
    pub(crate) finality: Finality,
    #[schema(schema_with = address_schema)]
    pub(crate) contract: String,
    /// What the contract is.
    #[schema(schema_with = kind_schema)]
    pub(crate) kind: &'static str,
    /// `trail`: its contract's trail commits to it. `outside`: known, in no trail. `undecoded`: of unknown name.
    #[schema(schema_with = standing_schema)]
    pub(crate) standing: String,
    pub(crate) name: Option<String>,
    #[schema(schema_with = optional_address_schema)]
    pub(crate) app_id: Option<String>,
    /// Of what a policy says of an app: whether the app ever named that policy, or one that asks it, up to the block that the
    /// answer is of. Null: it is no policy's, or it is not known.
    pub(crate) judges_app: Option<bool>,
    /// Its place in the trail, from 1.
    pub(crate) seq: Option<u64>,
    /// Arguments by name; null where `standing` is `undecoded`.
    #[schema(value_type = Option<Object>)]
    pub(crate) args: Option<Value>,
    #[schema(schema_with = hashes_schema)]
    pub(crate) topics: Vec<B256>,
    #[schema(schema_with = bytes_schema)]
    pub(crate) data: Bytes,
}

/// Some events of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    pub(crate) as_of: AsOf,
    pub(crate) events: Vec<Event>,
    /// For the rest of the list; null at its end.
    pub(crate) next_cursor: Option<String>,
    /// For `/v1/stream`, which goes on where the list ends.
    pub(crate) stream_cursor: String,
    /// With a filter for one contract: its trail, as it was compared last.
    pub(crate) trail: Option<Trail>,
}

/// One event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OneEvent {
    pub(crate) as_of: AsOf,
    pub(crate) event: Event,
}

/// A contract's trail: the last comparison with its proven slot.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Trail {
    #[schema(schema_with = address_schema)]
    pub(crate) contract: String,
    #[schema(schema_with = kind_schema)]
    pub(crate) kind: &'static str,
    /// The block that the slot is proven at.
    pub(crate) at: Block,
    /// How many events the contract has emitted.
    pub(crate) seq: u64,
    /// The running hash over them.
    #[schema(pattern = "^0x[0-9a-f]{48}$")]
    pub(crate) head: String,
    /// `complete`, or what is wrong at `wrong_seq`.
    #[schema(schema_with = verdict_schema)]
    pub(crate) verdict: String,
    pub(crate) wrong_seq: Option<u64>,
}

/// Where the index is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    #[schema(schema_with = hash_schema)]
    pub(crate) network_hash: B256,
    pub(crate) chain_id: u64,
    /// How the head is found.
    pub(crate) head_source: String,
    #[serde(flatten)]
    pub(crate) as_of: AsOf,
    /// This host's clock against the time of the newest block.
    pub(crate) lag_seconds: Option<u64>,
    /// Why the last look at the chain failed.
    pub(crate) failure: Option<String>,
    /// Contracts that policies name as members and that are not followed: beyond the limits.
    pub(crate) members_not_followed: usize,
    /// Contracts whose earlier events are being read, and whose trails are not compared until they are.
    pub(crate) being_read: usize,
    /// What KmsCommittee has put in force and what this index does not follow.
    pub(crate) contracts_not_followed: Vec<String>,
    /// How many trails were compared.
    pub(crate) trails_count: u64,
    /// At most 1000, those that are not `complete` and those of the network's own contracts before the rest.
    pub(crate) trails: Vec<Trail>,
}

/// What proves an event to whoever knows the block's hash to be true.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EventProof {
    pub(crate) block_number: u64,
    #[schema(schema_with = hash_schema)]
    pub(crate) block_hash: B256,
    /// RLP; its keccak256 is the block's hash.
    #[schema(schema_with = bytes_schema)]
    pub(crate) header: Bytes,
    pub(crate) tx_index: u64,
    /// RLP of `tx_index`: the key in the receipts trie.
    #[schema(schema_with = bytes_schema)]
    pub(crate) key: String,
    /// EIP-2718.
    #[schema(schema_with = bytes_schema)]
    pub(crate) receipt: Bytes,
    /// Trie nodes from the header's receiptsRoot to the receipt.
    #[schema(schema_with = many_bytes_schema)]
    pub(crate) proof: Vec<Bytes>,
    /// Which log of the receipt the event is.
    pub(crate) log_in_receipt: u64,
}

impl From<BlockRef> for Block {
    fn from(block: BlockRef) -> Self {
        Self { number: block.number, hash: block.hash }
    }
}

impl From<&Cursor> for AsOf {
    fn from(cursor: &Cursor) -> Self {
        Self {
            latest: cursor.head.into(),
            safe: Height { number: cursor.safe },
            finalized: cursor.finalized.into(),
        }
    }
}

impl Finality {
    fn of(cursor: &Cursor, row: &EventRow) -> Self {
        match row.block.number {
            _ if !row.canonical => Self::Orphaned,
            number if number <= cursor.finalized.number => Self::Finalized,
            number if number <= cursor.safe => Self::Safe,
            _ => Self::Latest,
        }
    }
}

impl Event {
    pub(crate) fn new(cursor: &Cursor, row: &EventRow, judges: &JudgesOf) -> Self {
        Self {
            chain_id: cursor.chain_id,
            block_number: row.block.number,
            block_hash: row.block.hash,
            block_time: row.block_time,
            tx_index: row.tx_index,
            log_index: row.log_index,
            finality: Finality::of(cursor, row),
            contract: lower(row.contract),
            kind: row.kind.word(),
            standing: row.standing.clone(),
            name: row.name.clone(),
            app_id: row.app_id.map(lower),
            judges_app: judges.tells(row.kind, row.contract, row.app_id),
            seq: row.seq,
            args: row.args.as_deref().and_then(|args| serde_json::from_str(args).ok()),
            topics: row.log.topics().to_vec(),
            data: row.log.data.clone(),
        }
    }
}

impl Row for Event {
    const COLUMNS: &'static [&'static str] = &[
        "chain_id",
        "block_number",
        "block_hash",
        "block_time",
        "tx_index",
        "log_index",
        "finality",
        "contract",
        "kind",
        "standing",
        "name",
        "app_id",
        "judges_app",
        "seq",
        "args",
        "topics",
        "data",
    ];
}

impl Page for EventPage {
    type Row = Event;
    const NAME: &'static str = "events";

    fn rows(&self) -> &[Event] {
        &self.events
    }

    fn as_of(&self) -> AsOf {
        self.as_of
    }

    fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }

    fn trail(&self) -> Option<&Trail> {
        self.trail.as_ref()
    }
}

impl From<&VerdictRow> for Trail {
    fn from(row: &VerdictRow) -> Self {
        Self {
            contract: lower(row.contract),
            kind: row.kind.word(),
            at: row.finalized.into(),
            seq: row.proven_seq,
            head: format!("0x{:048x}", row.proven_head),
            verdict: row.verdict.clone(),
            wrong_seq: row.wrong_seq,
        }
    }
}

impl EventProof {
    pub(crate) fn new(row: &EventRow, receipt: ReceiptRow) -> Self {
        Self {
            block_number: row.block.number,
            block_hash: row.block.hash,
            header: receipt.header,
            tx_index: receipt.tx_index,
            key: hex::encode_prefixed(alloy_rlp::encode(receipt.tx_index)),
            receipt: receipt.receipt,
            proof: receipt.proof,
            log_in_receipt: row.log_index.saturating_sub(receipt.first_log),
        }
    }
}

/// Addresses as the API writes them.
pub(crate) fn lower(address: Address) -> String {
    format!("0x{}", hex::encode(address))
}

/// The schema of text.
pub(super) fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// The schema of 32 bytes in hex.
pub(crate) fn hash_schema() -> RefOr<Schema> {
    text("^0x[0-9a-f]{64}$").into()
}

/// The schema of an address, in lower case.
pub(crate) fn address_schema() -> RefOr<Schema> {
    text("^0x[0-9a-f]{40}$").into()
}

/// The schema of bytes in hex.
pub(crate) fn bytes_schema() -> RefOr<Schema> {
    text("^0x([0-9a-f]{2})*$").into()
}

pub(crate) fn optional_address_schema() -> RefOr<Schema> {
    let nullable = SchemaType::from_iter([Type::String, Type::Null]);
    text("^0x[0-9a-f]{40}$").schema_type(nullable).into()
}

pub(crate) fn optional_hash_schema() -> RefOr<Schema> {
    let nullable = SchemaType::from_iter([Type::String, Type::Null]);
    text("^0x[0-9a-f]{64}$").schema_type(nullable).into()
}

fn hashes_schema() -> RefOr<Schema> {
    ArrayBuilder::new().items(hash_schema()).max_items(Some(4)).into()
}

fn many_bytes_schema() -> RefOr<Schema> {
    ArrayBuilder::new().items(bytes_schema()).into()
}

fn words(words: &[&str]) -> RefOr<Schema> {
    let words = Some(words.iter().copied());
    ObjectBuilder::new().schema_type(Type::String).enum_values(words).into()
}

/// The schema of what a contract is.
pub(crate) fn kind_schema() -> RefOr<Schema> {
    let kinds = crate::decode::Kind::ALL.map(crate::decode::Kind::word);
    words(&kinds)
}

/// The same, or null.
pub(crate) fn optional_kind_schema() -> RefOr<Schema> {
    let kinds = crate::decode::Kind::ALL.map(crate::decode::Kind::word).map(Value::from);
    let nullable = SchemaType::from_iter([Type::String, Type::Null]);
    let kinds = kinds.into_iter().chain([Value::Null]);
    ObjectBuilder::new().schema_type(nullable).enum_values(Some(kinds)).into()
}

pub(crate) fn standing_schema() -> RefOr<Schema> {
    words(&["trail", "outside", "undecoded"])
}

pub(crate) fn verdict_schema() -> RefOr<Schema> {
    words(&["complete", "missing", "changed", "surplus", "being-read", "unproven"])
}
