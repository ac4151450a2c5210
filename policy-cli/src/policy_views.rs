//! What a policy contract says of itself, in the views of ours: which of our kinds it answers as, and what that kind holds.
//! Whether AppRegistry made it is another question, and AppRegistry's to answer.

use crate::chain::{Chain, ChainError};
use abi::{AllOfPolicy, AllowlistPolicy, LicensePolicy};
use alloy::primitives::{Address, U256};
use alloy::sol_types::SolCall;
use serde_json::{Value, json};

/// The kind that a policy answers as.
pub(crate) enum Says {
    Allowlist,
    AllOf(AllOf),
    License(License),
    /// None of ours.
    Nothing,
}

/// Every member must allow.
pub(crate) struct AllOf {
    /// Each with the time from which it is not asked any more, if it is on its way out.
    pub(crate) members: Vec<(Address, Option<u64>)>,
    pub(crate) is_locked: bool,
}

/// Allowed as the inner policy says, until a date or while a token is held.
pub(crate) struct License {
    pub(crate) inner: Address,
    pub(crate) until: u64,
    /// A later end, and from when on it counts.
    pub(crate) extension: Option<(u64, u64)>,
    pub(crate) holding: Option<Holding>,
    pub(crate) is_licensed: bool,
}

/// A token that keeps the licence alive.
pub(crate) struct Holding {
    pub(crate) token: Address,
    pub(crate) licensee: Address,
    pub(crate) least_balance: U256,
}

impl Says {
    /// Asks it.
    pub(crate) async fn of(chain: &Chain, policy: Address) -> Result<Self, ChainError> {
        let members = AllOfPolicy::membersCall {};
        if let Some(members) = asked(chain, "AllOfPolicy", policy, &members).await? {
            return Ok(Self::AllOf(AllOf::of(chain, policy, members).await?));
        }
        if let Some(until) =
            asked(chain, "LicensePolicy", policy, &LicensePolicy::untilCall {}).await?
        {
            return Ok(Self::License(License::of(chain, policy, until).await?));
        }
        let any = AllowlistPolicy::allowAnyDeviceCall {};
        let is_list = asked(chain, "AllowlistPolicy", policy, &any).await?.is_some();
        Ok(if is_list { Self::Allowlist } else { Self::Nothing })
    }

    /// The contract that has such views.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Allowlist => Some("AllowlistPolicy"),
            Self::AllOf(_) => Some("AllOfPolicy"),
            Self::License(_) => Some("LicensePolicy"),
            Self::Nothing => None,
        }
    }
}

impl AllOf {
    async fn of(
        chain: &Chain,
        policy: Address,
        addresses: Vec<Address>,
    ) -> Result<Self, ChainError> {
        let mut members = Vec::new();
        for member in addresses {
            let view = AllOfPolicy::removedFromCall { member };
            let from = chain.view("AllOfPolicy", policy, &view).await?;
            members.push((member, (from != 0).then_some(from)));
        }
        let is_locked = chain.view("AllOfPolicy", policy, &AllOfPolicy::isLockedCall {}).await?;
        Ok(Self { members, is_locked })
    }

    pub(crate) fn to_json(&self) -> Value {
        let members = self.members.iter();
        let members =
            members.map(|(member, from)| json!({ "policy": member, "removedFrom": from }));
        json!({ "members": members.collect::<Vec<_>>(), "isLocked": self.is_locked })
    }
}

impl License {
    async fn of(chain: &Chain, policy: Address, until: u64) -> Result<Self, ChainError> {
        const KIND: &str = "LicensePolicy";
        let later = chain.view(KIND, policy, &LicensePolicy::extensionCall {}).await?;
        let holding = chain.view(KIND, policy, &LicensePolicy::holdingCall {}).await?;
        Ok(Self {
            inner: chain.view(KIND, policy, &LicensePolicy::innerCall {}).await?,
            until,
            extension: (later._1 != 0).then_some((later._0, later._1)),
            holding: (!holding.token.is_zero()).then_some(Holding {
                token: holding.token,
                licensee: holding.licensee,
                least_balance: holding.leastBalance,
            }),
            is_licensed: chain.view(KIND, policy, &LicensePolicy::isLicensedCall {}).await?,
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let extension = self
            .extension
            .map(|(until, effective_at)| json!({ "until": until, "effectiveAt": effective_at }));
        let holding = self.holding.as_ref().map(|holding| {
            json!({
                "token": holding.token,
                "licensee": holding.licensee,
                "leastBalance": holding.least_balance.to_string(),
            })
        });
        json!({
            "inner": self.inner,
            "until": self.until,
            "extension": extension,
            "holding": holding,
            "isLicensed": self.is_licensed,
        })
    }
}

/// The answer of a view; `None` if the contract has no such view.
async fn asked<C: SolCall>(
    chain: &Chain,
    contract: &'static str,
    policy: Address,
    call: &C,
) -> Result<Option<C::Return>, ChainError> {
    match chain.view(contract, policy, call).await {
        Ok(answer) => Ok(Some(answer)),
        Err(ChainError::NotTheContract { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
