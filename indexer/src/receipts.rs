//! Receipts of one block, judged by its header. Spec: docs/spec/index.md [IDX-1], [IDX-2], [IDX-7]. Trusts: the header, which
//! is on the proven chain. Prevents: A4, an event that an endpoint hides or makes up.

use alloy::{
    consensus::{Receipt, ReceiptEnvelope, TxType, proofs::calculate_receipt_root},
    eips::eip2718::Encodable2718,
};
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, U8, U64};
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use light_client::{BlockRef, SealedHeader};
use serde::Deserialize;

/// A receipt as an endpoint tells it: the fields that `receiptsRoot` commits to, but for the bloom, which the logs make. The
/// rest of an `eth_getBlockReceipts` answer is passed over, unread.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToldReceipt {
    #[serde(rename = "type", default)]
    kind: U8,
    status: U8,
    cumulative_gas_used: U64,
    logs: Vec<ToldLog>,
}

#[derive(Clone, Debug, Deserialize)]
struct ToldLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

/// A receipt of a transaction that no rule here knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a receipt of type {0}: this version knows types 0 to 4")]
pub(crate) struct UnknownType(u8);

impl TryFrom<ToldReceipt> for ReceiptEnvelope<Log> {
    type Error = UnknownType;

    fn try_from(told: ToldReceipt) -> Result<Self, UnknownType> {
        let kind = told.kind.to::<u8>();
        let kind = TxType::try_from(kind).map_err(|_| UnknownType(kind))?;
        let log = |log: ToldLog| Log::new_unchecked(log.address, log.topics, log.data);
        let receipt = Receipt {
            status: (!told.status.is_zero()).into(),
            cumulative_gas_used: told.cumulative_gas_used.to(),
            logs: told.logs.into_iter().map(log).collect(),
        };
        Ok(Self::from_typed(kind, receipt.with_bloom()))
    }
}

/// All receipts of one block, as its header commits to them.
#[derive(Clone, Debug)]
pub(crate) struct ProvenReceipts {
    receipts: Vec<ReceiptEnvelope<Log>>,
    encoded: Vec<Bytes>,
}

/// A log and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedLog<'a> {
    pub(crate) tx_index: u64,
    /// In the block.
    pub(crate) log_index: u64,
    pub(crate) log: &'a Log,
}

/// Receipts that are not those of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ForgedReceipts {
    /// The header's bloom has bits that no told log sets.
    #[error("hidden event: the receipts told for block {0} lack a log that its header's bloom has")]
    Hidden(BlockRef),
    /// A told log sets bits that the header's bloom has not.
    #[error(
        "invented event: the receipts told for block {0} hold a log that its header's bloom lacks"
    )]
    Invented(BlockRef),
    /// The logs fit the bloom and the receipts do not hash to the root.
    #[error("changed receipts: those told for block {0} do not hash to its receiptsRoot")]
    Changed(BlockRef),
}

impl ProvenReceipts {
    /// Judges what an endpoint tells. [IDX-1]
    pub(crate) fn verify(
        header: &SealedHeader,
        receipts: Vec<ReceiptEnvelope<Log>>,
    ) -> Result<Self, ForgedReceipts> {
        let block = header.block();
        let (root, bloom) = (header.fields().receipts_root, header.fields().logs_bloom);
        let mut logged = Bloom::ZERO;
        for receipt in &receipts {
            // Made of its logs when it was read.
            logged.accrue_bloom(receipt.logs_bloom());
        }
        if !bloom.contains(&logged) {
            return Err(ForgedReceipts::Invented(block));
        }
        if bloom != logged {
            return Err(ForgedReceipts::Hidden(block));
        }
        if calculate_receipt_root(&receipts) != root {
            return Err(ForgedReceipts::Changed(block));
        }
        let encoded = receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect();
        Ok(Self { receipts, encoded })
    }

    /// Every log of the block, in order.
    pub(crate) fn logs(&self) -> impl Iterator<Item = PlacedLog<'_>> {
        let in_transactions = self.receipts.iter().zip(0u64..);
        in_transactions
            .flat_map(|(receipt, tx_index)| receipt.logs().iter().map(move |log| (tx_index, log)))
            .zip(0u64..)
            .map(|((tx_index, log), log_index)| PlacedLog { tx_index, log_index, log })
    }

    /// `log_index` of the receipt's first log.
    pub(crate) fn first_log(&self, tx_index: u64) -> u64 {
        let before = usize::try_from(tx_index).unwrap_or(usize::MAX);
        self.receipts.iter().take(before).map(|receipt| receipt.logs().len() as u64).sum()
    }

    /// The receipt as the trie holds it.
    pub(crate) fn encoded(&self, tx_index: u64) -> Option<&Bytes> {
        self.encoded.get(usize::try_from(tx_index).ok()?)
    }

    /// The trie nodes from `receiptsRoot` to each of these receipts, in their order. [IDX-7]
    pub(crate) fn prove(&self, tx_indexes: &[u64]) -> Vec<Vec<Bytes>> {
        let targets: Vec<Nibbles> = tx_indexes.iter().copied().map(key).collect();
        let retainer = ProofRetainer::from_iter(targets.iter().copied());
        let mut builder = HashBuilder::default().with_proof_retainer(retainer);
        let mut leaves: Vec<(Nibbles, &Bytes)> = (0u64..).map(key).zip(&self.encoded).collect();
        leaves.sort_unstable_by_key(|(path, _)| *path);
        for (path, receipt) in leaves {
            builder.add_leaf(path, receipt);
        }
        let _ = builder.root();
        let nodes = builder.take_proof_nodes();
        let of = |target: &Nibbles| nodes.matching_nodes_sorted(target);
        targets
            .iter()
            .map(|target| of(target).into_iter().map(|(_, node)| node).collect())
            .collect()
    }
}

/// The trie's key of a receipt: the RLP of its place in the block.
pub(crate) fn key(tx_index: u64) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode(tx_index))
}

#[cfg(test)]
mod tests;
