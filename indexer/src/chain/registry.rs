//! AppRegistry at a proven block, asked whether it made a policy. Spec: docs/spec/index.md [IDX-13]. Prevents: a contract that is
//! taken for one of ours because somebody names it.
//!
//! What AppRegistry has made it never takes back, and other code never becomes its own: of a contract that has code the answer is
//! the same at every later block.

use super::{Chain, MAX_ROUNDS};
use crate::decode::Kind;
use abi::AppRegistry;
use alloy_primitives::Address;
use anyhow::{Result, bail};
use light_client::{BlockRef, FactLimits, HeaderChain};
use policy::AsksForFact;

/// Whom to ask, and at which block.
#[derive(Debug)]
pub(crate) struct RegistryAt<'a> {
    pub(super) chain: &'a Chain,
    pub(super) at: BlockRef,
    pub(super) address: Address,
}

impl RegistryAt<'_> {
    /// What a contract is that a policy of ours names as its member.
    pub(crate) async fn kind_of(&self, member: Address) -> Result<Kind> {
        let header = self.chain.endpoints.header(self.at).await?;
        // The block is the look's own head, or one that endpoints agree to be final.
        let headers = HeaderChain::new(self.at);
        let mut state = headers.open(header, FactLimits::STATE, &self.chain.hints)?;
        let view = AppRegistry::isOurPolicyCall { policy: member };
        for _ in 0..MAX_ROUNDS {
            match policy::read(&self.chain.rules, &state, self.address, &view) {
                Ok(true) => return Ok(Kind::Policy),
                Ok(false) => return Ok(Kind::ForeignPolicy),
                Err(error) => match error.missing() {
                    Some(missing) => {
                        self.chain.endpoints.supply(&mut state, missing).await.map(drop)?;
                    }
                    None => return Err(error.into()),
                },
            }
        }
        bail!("isOurPolicy() of {} asks for more than {MAX_ROUNDS} facts", self.address)
    }
}
