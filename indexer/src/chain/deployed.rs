//! Which builds run where, by code that is proven at the finalized block. Spec: docs/spec/api.md [API-5].

use super::Chain;
use crate::builds::{Builds, Code};
use abi::KmsCommittee;
use alloy_primitives::{Address, Bytes};
use anyhow::{Result, bail};
use light_client::{FactLimits, MissingAt, ProvenState};
use policy::AsksForFact;

/// How many facts one address may ask for.
const MAX_FACTS: usize = 4;
impl Chain {
    /// Finds out what runs at `addresses`, and at what their clones run.
    pub(crate) async fn identify(&mut self, builds: &Builds, addresses: &[Address]) -> Result<()> {
        let finalized = self.headers.finalized();
        let header = self.endpoints.header(finalized).await?;
        for address in addresses {
            // Code is large: each address has the limit to itself.
            let mut state = self.headers.open(header.clone(), FactLimits::STATE, &self.hints)?;
            let code = self.code(&mut state, *address).await?;
            let implementation = match builds.identify(&code) {
                Code::Build(build) => {
                    builds.note(*address, Some(build), None);
                    continue;
                }
                Code::Foreign => {
                    // No code at all may be code in a later block.
                    if !code.is_empty() {
                        builds.note(*address, None, None);
                    }
                    continue;
                }
                Code::CloneOf(implementation) => implementation,
            };
            let code = self.code(&mut state, implementation).await?;
            let build = match builds.identify(&code) {
                Code::Build(build) => Some(build),
                Code::CloneOf(_) | Code::Foreign => None,
            };
            builds.note(*address, build, Some(implementation));
            builds.note(implementation, build, None);
        }
        Ok(())
    }

    /// The contract whose code KmsCommittee runs for candidates and ceremonies.
    pub(crate) async fn ceremony_code(&mut self, committee: Address) -> Result<Address> {
        let header = self.endpoints.header(self.headers.finalized()).await?;
        let mut state = self.headers.open(header, FactLimits::STATE, &self.hints)?;
        for _ in 0..MAX_FACTS {
            let view = KmsCommittee::ceremonyCodeCall {};
            match policy::read(&self.rules, &state, committee, &view) {
                Ok(address) => return Ok(address),
                Err(error) => match error.missing() {
                    Some(missing) => self.endpoints.supply(&mut state, missing).await.map(drop)?,
                    None => return Err(error.into()),
                },
            }
        }
        bail!("ceremonyCode() of {committee} asks for more than {MAX_FACTS} facts")
    }

    async fn code(&self, state: &mut ProvenState, address: Address) -> Result<Bytes> {
        for _ in 0..MAX_FACTS {
            match state.code(address) {
                Ok(code) => return Ok(code.bytes().clone()),
                Err(missing) => {
                    let wanted = MissingAt { block: state.block(), missing };
                    self.endpoints.supply(state, wanted).await.map(drop)?;
                }
            }
        }
        bail!("the code of {address} asks for more than {MAX_FACTS} facts")
    }
}
