//! What t members signed, found in the calldata of a transaction, wherever in it the call to `record` lies. Spec:
//! docs/spec/bundle.md [BUN-9], [BUN-10], [BUN-17]. Trusts: the event and the members of its epoch, from the index. Prevents:
//! calldata that costs whoever reads it more than it cost its sender (offsets of the ABI may coincide), and a decoy before the
//! call. Driven by: `Keeper::issuance`, once per endpoint that is asked.

mod read;

use crate::store::Quorum;
use abi::IssuanceLog::{KeyIssued, recordCall};
use alloy::sol_types::SolCall;
use alloy_primitives::{Address, B256, keccak256};
use read::Calldata;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use wire::{
    limits::MAX_SEATS,
    statements::{Domain, Issuance, SeatSignature},
};

/// Pairs of a statement and a list of signatures that are looked at.
const MAX_PAIRS: u32 = 1 << 20;
/// Signatures whose signer is computed, which is what costs.
const MAX_RECOVERED: u32 = 1 << 14;

/// Which issuance, and whose signatures count.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    pub(super) chain_id: u64,
    pub(super) log: Address,
    pub(super) issued: KeyIssued,
    pub(super) quorum: Arc<Quorum>,
}

/// Its calldata holds more that looks like this issuance than is tried.
#[derive(Debug, thiserror::Error)]
#[error("the calldata holds more decoys than are tried")]
pub(super) struct TooManyDecoys;

impl Sought {
    /// The first statement in `input` that says what the event says, and that t members signed as it stands there.
    pub(super) fn find(
        &self,
        input: &[u8],
    ) -> Result<Option<(Issuance, Vec<SeatSignature>)>, TooManyDecoys> {
        Search::new(self, input).run()
    }
}

/// One look through one calldata. Nothing is decoded before its counts are small and it says what the event says, and nothing
/// is judged twice.
struct Search<'a> {
    sought: &'a Sought,
    input: Calldata<'a>,
    pairs_left: u32,
    recovered_left: u32,
    /// Digest of the statement at a place; `None` where there is none of this issuance.
    digests: HashMap<usize, Option<B256>>,
    /// Whether its seat made this signature over this digest, by the hash of both.
    judged: HashMap<B256, bool>,
}

impl<'a> Search<'a> {
    fn new(sought: &'a Sought, input: &'a [u8]) -> Self {
        Self {
            sought,
            input: Calldata(input),
            pairs_left: MAX_PAIRS,
            recovered_left: MAX_RECOVERED,
            digests: HashMap::new(),
            judged: HashMap::new(),
        }
    }

    fn run(mut self) -> Result<Option<(Issuance, Vec<SeatSignature>)>, TooManyDecoys> {
        let input = self.input;
        let mut seen = HashSet::new();
        for arguments in input.after(&recordCall::SELECTOR) {
            let lists = input.list(arguments, 0).zip(input.list(arguments, 1));
            let Some((statements, signed)) = lists.filter(|(one, other)| one.count == other.count)
            else {
                continue;
            };
            if !seen.insert((statements.start, signed.start)) {
                continue;
            }
            for index in 0..statements.count {
                spend(&mut self.pairs_left)?;
                let places = input.item(statements, index).zip(input.item(signed, index));
                let Some((statement, signatures)) = places else { continue };
                if let Some(found) = self.pair(statement, signatures)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    fn pair(
        &mut self,
        statement: usize,
        signatures: usize,
    ) -> Result<Option<(Issuance, Vec<SeatSignature>)>, TooManyDecoys> {
        // The cheapest question first: few places hold this hash, and only those are remembered.
        if self.input.evidence_hash(statement) != Some(self.sought.issued.evidenceHash) {
            return Ok(None);
        }
        let digest = match self.digests.get(&statement) {
            Some(known) => *known,
            None => {
                let digest = self.statement(statement).map(|found| self.digest(&found));
                self.digests.insert(statement, digest);
                digest
            }
        };
        let Some(digest) = digest else { return Ok(None) };
        let Some(signatures) = self.input.signatures(signatures, MAX_SEATS) else {
            return Ok(None);
        };
        if !self.are_of_members(&signatures) {
            return Ok(None);
        }
        for signature in &signatures {
            if !self.is_valid(digest, signature)? {
                return Ok(None);
            }
        }
        Ok(self.statement(statement).map(|statement| (statement, signatures)))
    }

    /// [BUN-9]
    fn statement(&self, at: usize) -> Option<Issuance> {
        let Sought { chain_id, log, issued, .. } = self.sought;
        let found = self.input.issuance(at)?;
        bundle::says_the_same(*chain_id, *log, issued, &found).ok()?;
        Some(found)
    }

    fn digest(&self, statement: &Issuance) -> B256 {
        let (chain_id, contract) = (self.sought.chain_id, self.sought.log);
        Domain::IssuanceLog { chain_id, contract }.digest(statement)
    }

    /// t or more, in ascending order. [BUN-10]
    fn are_of_members(&self, signatures: &[SeatSignature]) -> bool {
        let Quorum { threshold, signers } = &*self.sought.quorum;
        signatures.len() >= usize::from(*threshold)
            && *threshold > 0
            && signatures.is_sorted_by(|a, b| a.seat < b.seat)
            && signatures.iter().all(|signature| signers.contains_key(&signature.seat))
    }

    fn is_valid(&mut self, digest: B256, signed: &SeatSignature) -> Result<bool, TooManyDecoys> {
        let seat = B256::left_padding_from(&signed.seat.to_be_bytes());
        let key = keccak256([digest, seat, signed.r, signed.vs].concat());
        if let Some(known) = self.judged.get(&key) {
            return Ok(*known);
        }
        spend(&mut self.recovered_left)?;
        let signer = signed.signer(digest);
        let is_valid =
            signer.is_some() && signer == self.sought.quorum.signers.get(&signed.seat).copied();
        self.judged.insert(key, is_valid);
        Ok(is_valid)
    }
}

fn spend(left: &mut u32) -> Result<(), TooManyDecoys> {
    *left = left.checked_sub(1).ok_or(TooManyDecoys)?;
    Ok(())
}

#[cfg(test)]
mod tests;
