//! Makes a bundle: the verifier's own questions say which fact is missing. Spec: docs/spec/bundle.md. Driven by: the indexer,
//! which fetches; what it is told is proven on the way in.
//!
//! ```text
//! let mut draft = Draft::new(bundle without facts, &trusted)?;
//! while let Some(missing) = draft.missing()? { draft.supply_proof(…)? or draft.supply_code(…)? }
//! draft.finish()
//! ```

use crate::{
    AccountFacts, Bundle, Refusal, SlotFacts, Trusted,
    event::Event,
    line::Line,
    state::States,
    verdict::{Checks, Depth, judge, read},
};
use alloy_primitives::{Address, Bytes, keccak256};
use light_client::{Missing, MissingAt, RawAccountProof};

/// A bundle on its way: headers, receipt, trail and statement are there and hold, facts come in.
#[derive(Debug)]
pub struct Draft {
    bundle: Bundle,
    trusted: Trusted,
    line: Line,
    event: Event,
    states: States,
}

impl Draft {
    /// Begins with a bundle without facts.
    ///
    /// # Errors
    /// [`Refusal`] if headers, receipt or event don't hold.
    pub fn new(mut bundle: Bundle, trusted: Trusted) -> Result<Self, Refusal> {
        let (line, event) = read(&bundle, &trusted, &mut Checks::default())?;
        let states = States::empty(&line)?;
        bundle.at_event.clear();
        bundle.at_block.clear();
        bundle.codes.clear();
        Ok(Self { bundle, trusted, line, event, states })
    }

    /// The next fact that the verifier needs; `None` when it needs none.
    ///
    /// # Errors
    /// [`Refusal`] if what is there does not prove the event.
    pub fn missing(&self) -> Result<Option<MissingAt>, Refusal> {
        let Self { bundle, trusted, line, event, states } = self;
        match judge(bundle, trusted, line, event, states, Depth::Facts, &mut Checks::default()) {
            Ok(_) => Ok(None),
            Err(Refusal::FactMissing(missing)) => Ok(Some(missing)),
            Err(refusal) => Err(refusal),
        }
    }

    /// Takes the answer of `eth_getProof` to what is missing.
    ///
    /// # Errors
    /// [`Refusal::FactForged`] if it does not hold.
    pub fn supply_proof(
        &mut self,
        missing: &MissingAt,
        raw: &RawAccountProof,
    ) -> Result<(), Refusal> {
        let Some(request) = missing.proof_request() else { return Ok(()) };
        let sides = [
            (&mut self.states.event, &mut self.bundle.at_event),
            (&mut self.states.block, &mut self.bundle.at_block),
        ];
        for (state, facts) in sides {
            if state.block() == missing.block {
                state.insert_proof(&request, raw)?;
                keep(facts, request.address, missing.missing, raw);
            }
        }
        Ok(())
    }

    /// Takes the answer of `eth_getCode` to what is missing.
    ///
    /// # Errors
    /// [`Refusal::FactForged`] if it does not hold.
    pub fn supply_code(&mut self, missing: &MissingAt, code: Bytes) -> Result<(), Refusal> {
        let Missing::Code { address, .. } = missing.missing else { return Ok(()) };
        for state in [&mut self.states.event, &mut self.states.block] {
            if state.block() == missing.block && state.account(address).is_ok() {
                state.insert_code(address, code.clone())?;
            }
        }
        let codes = &mut self.bundle.codes;
        if !codes.contains(&code) {
            codes.push(code);
            codes.sort_by_cached_key(|code| keccak256(code));
        }
        Ok(())
    }

    /// The bundle.
    pub fn finish(self) -> Bundle {
        self.bundle
    }
}

fn keep(facts: &mut Vec<AccountFacts>, address: Address, missing: Missing, raw: &RawAccountProof) {
    let place = match facts.binary_search_by_key(&address, |known| known.address) {
        Ok(place) => place,
        Err(place) => {
            facts.insert(place, AccountFacts::account_of(address, raw));
            place
        }
    };
    let (Missing::Slot(_, slot), Some(account)) = (missing, facts.get_mut(place)) else { return };
    let Some(told) = raw.storage_proof.iter().find(|told| told.key == slot) else { return };
    if let Err(place) = account.slots.binary_search_by_key(&slot, |known| known.slot) {
        let fact = SlotFacts { slot, value: told.value, nodes: told.proof.clone() };
        account.slots.insert(place, fact);
    }
}
