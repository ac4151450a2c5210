//! The loop around a run: prove what is missing, run again.
//! Spec: docs/spec/policy.md [POL-10]. Trusts: nothing that [`ReadFacts`] brings; every answer is verified on insertion.

use crate::{CallError, DecideError, ReadError};
use alloy_primitives::{Address, Bytes};
use light_client::{
    BlockRef, Missing, MissingAt, ProofError, ProofRequest, ProvenChain, RawAccountProof,
};

/// Asks an endpoint, for a run that may block. The endpoint may lie.
pub trait ReadFacts {
    /// Why the endpoint did not answer.
    type Error;

    /// `eth_getProof` at the block, by hash (EIP-1898).
    ///
    /// # Errors
    /// If there is no answer.
    fn read_proof(
        &mut self,
        block: BlockRef,
        request: &ProofRequest,
    ) -> Result<RawAccountProof, Self::Error>;

    /// `eth_getCode` at the block, by hash.
    ///
    /// # Errors
    /// If there is no answer.
    fn read_code(&mut self, block: BlockRef, address: Address) -> Result<Bytes, Self::Error>;
}

/// An error that may only say: prove this first.
pub trait AsksForFact {
    /// The fact, if that is all.
    fn missing(&self) -> Option<MissingAt>;
}

/// Why a run did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum FactsError<E, F> {
    /// It failed for another reason than a missing fact.
    #[error("the run failed")]
    Run(#[source] E),
    /// The endpoint did not answer.
    #[error("the endpoint did not answer")]
    Endpoint(#[source] F),
    /// The endpoint's answer does not hold. Ask another one.
    #[error("the endpoint's answer does not hold")]
    Proof(#[source] ProofError),
    /// The fact can't be proven here, or the run asks for more of them than it may.
    #[error("{missing} and is not supplied")]
    NotSupplied {
        /// Which.
        missing: MissingAt,
    },
}

/// Runs `run` over `chain` until it needs no further fact, at most `max_fetches` of them.
///
/// # Errors
/// [`FactsError`]. What was proven before the error stays in `chain`.
pub fn with_facts<T, E: AsksForFact, F: ReadFacts>(
    chain: &mut ProvenChain,
    facts: &mut F,
    max_fetches: usize,
    mut run: impl FnMut(&ProvenChain) -> Result<T, E>,
) -> Result<T, FactsError<E, F::Error>> {
    for _ in 0..max_fetches {
        let error = match run(chain) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        match error.missing() {
            Some(missing) => supply(chain, facts, missing)?,
            None => return Err(FactsError::Run(error)),
        }
    }
    run(chain).map_err(|error| match error.missing() {
        Some(missing) => FactsError::NotSupplied { missing },
        None => FactsError::Run(error),
    })
}

/// Fetches one fact and inserts it into the states of its block.
fn supply<E, F: ReadFacts>(
    chain: &mut ProvenChain,
    facts: &mut F,
    missing: MissingAt,
) -> Result<(), FactsError<E, F::Error>> {
    let block = missing.block;
    match (missing.missing, missing.proof_request()) {
        (Missing::Code { address, .. }, _) => {
            let code = facts.read_code(block, address).map_err(FactsError::Endpoint)?;
            for state in chain.states_mut(block) {
                // The other state of the same block may not have got as far as this account.
                match state.insert_code(address, code.clone()) {
                    Ok(()) | Err(ProofError::AccountNotProven { .. }) => {}
                    Err(error) => return Err(FactsError::Proof(error)),
                }
            }
        }
        (_, Some(request)) => {
            let raw = facts.read_proof(block, &request).map_err(FactsError::Endpoint)?;
            for state in chain.states_mut(block) {
                state.insert_proof(&request, &raw).map_err(FactsError::Proof)?;
            }
        }
        (_, None) => return Err(FactsError::NotSupplied { missing }),
    }
    Ok(())
}

impl AsksForFact for CallError {
    fn missing(&self) -> Option<MissingAt> {
        match self {
            Self::Missing(missing) => Some(*missing),
            _ => None,
        }
    }
}

impl AsksForFact for ReadError {
    fn missing(&self) -> Option<MissingAt> {
        match self {
            Self::Call { source, .. } => source.missing(),
            _ => None,
        }
    }
}

impl AsksForFact for DecideError {
    fn missing(&self) -> Option<MissingAt> {
        match self {
            Self::Missing(missing) => Some(*missing),
            _ => None,
        }
    }
}
