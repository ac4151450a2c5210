//! Receipts of one block, judged by its header. Spec: docs/spec/index.md [IDX-1], [IDX-2], [IDX-7]. Trusts: the header, which
//! is on the proven chain. Prevents: A4, an event that an endpoint hides or makes up.

use alloy::{
    consensus::{ReceiptEnvelope, proofs::calculate_receipt_root},
    eips::eip2718::Encodable2718,
    rpc::types::TransactionReceipt,
};
use alloy_primitives::{Bloom, Bytes, Log};
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use light_client::{BlockRef, SealedHeader};

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
        told: Vec<TransactionReceipt>,
    ) -> Result<Self, ForgedReceipts> {
        let receipts: Vec<ReceiptEnvelope<Log>> =
            told.into_iter().map(|receipt| receipt.into_primitives_receipt().inner).collect();
        let block = header.block();
        let (root, bloom) = (header.fields().receipts_root, header.fields().logs_bloom);
        let mut logged = Bloom::ZERO;
        for receipt in &receipts {
            logged.accrue_logs(receipt.logs());
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
