//! What is read back: events by filter, receipts, verdicts.

use super::{Query, Row, Store, Table, Type, Value};
use crate::decode::Kind;
use alloy_primitives::{Address, B256, Bytes, LogData, U256};
use anyhow::{Context, Result};
use light_client::BlockRef;

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventRow {
    pub(crate) block: BlockRef,
    pub(crate) block_time: u64,
    pub(crate) canonical: bool,
    pub(crate) tx_index: u64,
    pub(crate) log_index: u64,
    pub(crate) contract: Address,
    pub(crate) kind: Kind,
    pub(crate) standing: String,
    pub(crate) name: Option<String>,
    pub(crate) app_id: Option<Address>,
    pub(crate) seq: Option<u64>,
    pub(crate) log: LogData,
    pub(crate) args: Option<String>,
}

/// A receipt as it is stored, with its header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReceiptRow {
    pub(crate) header: Bytes,
    pub(crate) tx_index: u64,
    pub(crate) first_log: u64,
    pub(crate) receipt: Bytes,
    pub(crate) proof: Vec<Bytes>,
}

/// Which events are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) contract: Option<Address>,
    pub(crate) name: Option<String>,
    pub(crate) app: Option<Address>,
    /// Those of orphaned blocks instead of those that count.
    pub(crate) orphaned: bool,
    /// Only in blocks above this one.
    pub(crate) above: Option<u64>,
    /// At most this block.
    pub(crate) up_to: Option<u64>,
    /// Only those after this place.
    pub(crate) after: Option<(BlockRef, u64)>,
    pub(crate) limit: u32,
}

/// The comparison of one trail with its proven slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerdictRow {
    pub(crate) contract: Address,
    pub(crate) kind: Kind,
    pub(crate) finalized: BlockRef,
    pub(crate) proven_seq: u64,
    pub(crate) proven_head: U256,
    pub(crate) verdict: String,
    pub(crate) wrong_seq: Option<u64>,
    /// What proves the slot, for whoever trusts the finalized block.
    pub(crate) proof: TrailProof,
}

/// The trail slot, from a header down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrailProof {
    /// RLP of the finalized header.
    pub(crate) header: Bytes,
    /// The slot's key; `None` if `trail()` read no single slot of the contract.
    pub(crate) slot: Option<B256>,
    /// Trie nodes from the header's stateRoot to the account.
    pub(crate) account: Vec<Bytes>,
    /// Trie nodes from the account's storage root to the slot.
    pub(crate) storage: Vec<Bytes>,
}

impl Store {
    /// Events in the chain's order.
    pub(crate) async fn events(&self, filter: &Filter) -> Result<Vec<EventRow>> {
        let mut query = Query::new(match filter.orphaned {
            true => {
                "SELECT e.*, b.time AS block_time, b.canonical FROM events e
                 JOIN blocks b ON b.hash = e.block_hash WHERE b.canonical = 0"
            }
            false => {
                "SELECT e.*, CAST(1 AS BIGINT) AS canonical FROM canonical_events e WHERE 1 = 1"
            }
        });
        query = query
            .and("e.contract = ", filter.contract)
            .and("e.name = ", filter.name.clone())
            .and("e.app_id = ", filter.app)
            .and("e.block_number > ", filter.above)
            .and("e.block_number <= ", filter.up_to);
        if let Some((block, log_index)) = filter.after {
            query = query
                .push_bind(" AND e.block_number >= ", block.number)
                .push_bind(" AND (e.block_number, e.block_hash, e.log_index) > (", block.number)
                .push_bind(", ", block.hash)
                .push_bind(", ", log_index)
                .push(")");
        }
        query = query
            .push_bind(" ORDER BY e.block_number, e.block_hash, e.log_index LIMIT ", filter.limit);
        self.fetch(query).await?.iter().map(event).collect()
    }

    /// One event by its place, canonical or not.
    pub(crate) async fn event(&self, block: B256, log_index: u64) -> Result<Option<EventRow>> {
        let query = Query::new(
            "SELECT e.*, b.time AS block_time, b.canonical FROM events e
             JOIN blocks b ON b.hash = e.block_hash WHERE e.block_hash = $1 AND e.log_index = $2",
        );
        let row = self.fetch_one(query.bind(block).bind(log_index)).await?;
        row.as_ref().map(event).transpose()
    }

    /// The receipt of a transaction, with its header.
    pub(crate) async fn receipt(&self, block: B256, tx_index: u64) -> Result<Option<ReceiptRow>> {
        let query = Query::new(
            "SELECT r.*, b.header FROM receipts r JOIN blocks b ON b.hash = r.block_hash
             WHERE r.block_hash = $1 AND r.tx_index = $2",
        );
        let row = self.fetch_one(query.bind(block).bind(tx_index)).await?;
        row.map(|row| {
            Ok(ReceiptRow {
                header: row.bytes("header")?.into(),
                tx_index: row.uint("tx_index")?,
                first_log: row.uint("first_log")?,
                receipt: row.bytes("receipt")?.into(),
                proof: serde_json::from_str(&row.text("proof")?)?,
            })
        })
        .transpose()
    }

    /// Keeps the verdicts of one audit, in place of the last one's.
    pub(crate) async fn keep_verdicts(&self, verdicts: &[VerdictRow]) -> Result<()> {
        let rows: Result<_> = verdicts.iter().map(verdict_row).collect();
        let mut write = self.write().await?;
        write.execute(Query::new("DELETE FROM verdicts")).await?;
        write.insert(&VERDICTS, rows?).await?;
        write.commit().await
    }

    /// The verdicts of the last audit without their proofs, at most `limit`: first those that are not `complete`, then the network's
    /// own.
    pub(crate) async fn verdicts(&self, limit: u32) -> Result<Vec<VerdictRow>> {
        let query = Query::new(WORDS).push_bind(
            " ORDER BY CASE WHEN verdict = 'complete' THEN 1 ELSE 0 END,
                CASE WHEN kind = 'policy' THEN 1 ELSE 0 END, contract LIMIT ",
            limit,
        );
        let rows = self.fetch(query).await?;
        let mut verdicts: Vec<VerdictRow> = rows.iter().map(words).collect::<Result<_>>()?;
        verdicts.sort_by_key(|verdict| verdict.kind.word());
        Ok(verdicts)
    }

    /// Those that take the index out of service.
    pub(crate) async fn wrong_verdicts(&self, limit: u32) -> Result<Vec<VerdictRow>> {
        let query =
            Query::new(WORDS).push(" WHERE verdict <> 'complete' AND verdict <> 'being-read'");
        let rows = self.fetch(query.push_bind(" ORDER BY contract LIMIT ", limit)).await?;
        rows.iter().map(words).collect()
    }

    /// How many verdicts there are.
    pub(crate) async fn count_verdicts(&self) -> Result<u64> {
        let row = self.fetch_one(Query::new("SELECT COUNT(*) AS count FROM verdicts")).await?;
        row.context("a count")?.uint("count")
    }
}

/// Headers and proofs are many times as large as what they prove.
const WORDS: &str = "SELECT contract, kind, finalized_number, finalized_hash, proven_seq, proven_head, verdict, wrong_seq
    FROM verdicts";

pub(super) fn event(row: &Row) -> Result<EventRow> {
    let topics = row.bytes("topics")?;
    Ok(EventRow {
        block: BlockRef::new(row.uint("block_number")?, row.hash("block_hash")?),
        block_time: row.uint("block_time")?,
        canonical: row.int("canonical")? == 1,
        tx_index: row.uint("tx_index")?,
        log_index: row.uint("log_index")?,
        contract: row.address("contract")?,
        kind: kind(row)?,
        standing: row.text("standing")?,
        name: row.optional_text("name")?,
        app_id: row.optional_address("app_id")?,
        seq: row.optional_uint("seq")?,
        log: LogData::new_unchecked(
            topics.chunks_exact(32).map(B256::from_slice).collect(),
            row.bytes("data")?.into(),
        ),
        args: row.optional_text("args")?,
    })
}

fn kind(row: &Row) -> Result<Kind> {
    let kind = row.text("kind")?;
    Kind::from_word(&kind).with_context(|| format!("a kind {kind:?}"))
}

const VERDICTS: Table = Table {
    name: "verdicts",
    columns: &[
        ("contract", Type::Bytes),
        ("kind", Type::Text),
        ("finalized_number", Type::Int),
        ("finalized_hash", Type::Bytes),
        ("header", Type::Bytes),
        ("proven_seq", Type::Int),
        ("proven_head", Type::Bytes),
        ("verdict", Type::Text),
        ("wrong_seq", Type::Int),
        ("slot", Type::Bytes),
        ("account_proof", Type::Text),
        ("slot_proof", Type::Text),
    ],
    key: &["contract"],
    keeps: &[],
};

fn verdict_row(verdict: &VerdictRow) -> Result<Vec<Value>> {
    let proof = &verdict.proof;
    let nodes = |nodes: &[Bytes]| proof.slot.map(|_| serde_json::to_string(nodes)).transpose();
    Ok(vec![
        verdict.contract.into(),
        verdict.kind.word().into(),
        verdict.finalized.number.into(),
        verdict.finalized.hash.into(),
        proof.header.clone().into(),
        verdict.proven_seq.into(),
        verdict.proven_head.to_be_bytes_vec().into(),
        verdict.verdict.clone().into(),
        verdict.wrong_seq.into(),
        proof.slot.into(),
        nodes(&proof.account)?.into(),
        nodes(&proof.storage)?.into(),
    ])
}

fn words(row: &Row) -> Result<VerdictRow> {
    Ok(VerdictRow {
        contract: row.address("contract")?,
        kind: kind(row)?,
        finalized: BlockRef::new(row.uint("finalized_number")?, row.hash("finalized_hash")?),
        proven_seq: row.uint("proven_seq")?,
        proven_head: U256::from_be_bytes(row.hash("proven_head")?.0),
        verdict: row.text("verdict")?,
        wrong_seq: row.optional_uint("wrong_seq")?,
        proof: TrailProof::default(),
    })
}

pub(super) fn verdict(row: &Row) -> Result<VerdictRow> {
    let nodes = |column: &str| -> Result<Vec<Bytes>> {
        let text = row.optional_text(column)?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
    };
    let slot = row.optional_bytes("slot")?;
    let proof = TrailProof {
        header: row.bytes("header")?.into(),
        slot: slot.map(|slot| B256::try_from(slot.as_slice())).transpose()?,
        account: nodes("account_proof")?,
        storage: nodes("slot_proof")?,
    };
    Ok(VerdictRow { proof, ..words(row)? })
}
