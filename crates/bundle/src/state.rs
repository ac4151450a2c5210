//! The facts of a bundle, proven under the state roots of its two blocks. Spec: docs/spec/bundle.md [BUN-7].

use crate::{Bundle, Refusal, format::AccountFacts, line::Line};
use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, keccak256};
use light_client::{FactLimits, HeaderChain, Hints, ProvenChain, ProvenState, SealedHeader};
use std::collections::{BTreeMap, BTreeSet};

/// State at the event's block and at the reader's.
#[derive(Clone, Debug)]
pub(crate) struct States {
    pub(crate) event: ProvenState,
    pub(crate) block: ProvenState,
}

impl States {
    /// Nothing proven yet.
    pub(crate) fn empty(line: &Line) -> Result<Self, Refusal> {
        Ok(Self { event: open(&line.event)?, block: open(&line.block)? })
    }

    /// What the bundle tells, if all of it holds.
    pub(crate) fn prove(bundle: &Bundle, line: &Line) -> Result<Self, Refusal> {
        let codes = Codes::of(&bundle.codes)?;
        let mut states = Self::empty(line)?;
        let mut used = BTreeSet::new();
        insert(&mut states.event, &bundle.at_event, &codes, &mut used)?;
        insert(&mut states.block, &bundle.at_block, &codes, &mut used)?;
        if used.len() != codes.0.len() {
            return Err(Refusal::Surplus { what: "codes" });
        }
        Ok(states)
    }
}

/// A chain whose head and finalized block are this state's: what `policy::decide` asks for.
pub(crate) fn chain_of(state: &ProvenState) -> Result<ProvenChain, Refusal> {
    let headers = HeaderChain::new(state.block());
    ProvenChain::new(headers, state.clone(), state.clone())
        .map_err(|cause| Refusal::NoAnswer { cause: cause.to_string() })
}

fn open(header: &SealedHeader) -> Result<ProvenState, Refusal> {
    // `Line` has linked this header to the reader's block.
    let headers = HeaderChain::new(header.block());
    headers
        .open(header.clone(), FactLimits::STATE, &Hints::new())
        .map_err(|cause| Refusal::NoAnswer { cause: cause.to_string() })
}

fn insert(
    state: &mut ProvenState,
    accounts: &[AccountFacts],
    codes: &Codes<'_>,
    used: &mut BTreeSet<B256>,
) -> Result<(), Refusal> {
    if !accounts.is_sorted_by(|a, b| a.address < b.address) {
        return Err(Refusal::Surplus { what: "accounts" });
    }
    for account in accounts {
        if !account.slots.is_sorted_by(|a, b| a.slot < b.slot) {
            return Err(Refusal::Surplus { what: "slots" });
        }
        let (request, raw) = account.to_proof();
        state.insert_proof(&request, &raw)?;
        if let Some(code) = codes.0.get(&account.code_hash)
            && account.code_hash != KECCAK256_EMPTY
        {
            state.insert_code(account.address, Bytes::clone(code))?;
            used.insert(account.code_hash);
        }
    }
    Ok(())
}

/// Code by its hash.
struct Codes<'a>(BTreeMap<B256, &'a Bytes>);

impl<'a> Codes<'a> {
    fn of(codes: &'a [Bytes]) -> Result<Self, Refusal> {
        let hashed: Vec<(B256, &Bytes)> =
            codes.iter().map(|code| (keccak256(code), code)).collect();
        if !hashed.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Refusal::Surplus { what: "codes" });
        }
        Ok(Self(hashed.into_iter().collect()))
    }
}
