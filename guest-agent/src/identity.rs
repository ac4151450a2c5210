//! Which app this enclave is, and what a scope means here.

use crate::config::ScopeChoice;
use alloy_primitives::{Address, B256};
use tee_client::Boot;
use wire::{Scope, network::MeasuredAgent};

/// Why this boot can't ask for what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The measured system has no instance id.
    #[error("this enclave has no instance id, so no key of its own instance")]
    NoInstance,
}

/// The measured app id; where that is only derived from the compose file, the one that the compose file states. [REQ-1]
///
/// Code that an app approved may then boot for that app wherever its host started it, and for no other: the id is part of
/// the code that was approved (A28).
pub(crate) fn app_id(boot: &Boot, agent: &MeasuredAgent) -> Address {
    let measured = Address::from(boot.app_id);
    let is_derived = boot.compose_hash.starts_with(&boot.app_id);
    match agent.app_id {
        Some(stated) if is_derived => stated,
        _ => measured,
    }
}

/// The scope with this boot's value.
pub(crate) fn scope(boot: &Boot, choice: ScopeChoice) -> Result<Scope, IdentityError> {
    match choice {
        ScopeChoice::App => Ok(Scope::App),
        ScopeChoice::Code => Ok(Scope::Code(B256::from(boot.compose_hash))),
        ScopeChoice::Instance => {
            let id = boot.instance_id.ok_or(IdentityError::NoInstance)?;
            Ok(Scope::Instance(Address::from(id)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ReleaseAt;

    fn boot(app_id: [u8; 20]) -> Boot {
        let mut compose_hash = [7; 32];
        compose_hash[31] = 9;
        Boot {
            app_id,
            instance_id: Some([3; 20]),
            compose_hash,
            os_image_hash: [0; 32],
            compose: Vec::new(),
        }
    }

    fn agent(app_id: Option<Address>) -> MeasuredAgent {
        MeasuredAgent {
            app_id,
            network_hash: B256::ZERO,
            keyset_id: B256::ZERO,
            derive_public_key: Default::default(),
            unseal_public_key: Default::default(),
            release_at: ReleaseAt::Head,
        }
    }

    #[test]
    fn a_measured_app_id_wins() {
        // [REQ-1] A28: the stated id counts only where the measured one is derived from the compose file.
        let stated = Address::repeat_byte(8);
        let cases = [
            ([5; 20], Some(stated), Address::repeat_byte(5)),
            ([5; 20], None, Address::repeat_byte(5)),
            ([7; 20], Some(stated), stated),
            ([7; 20], None, Address::repeat_byte(7)),
        ];
        for (measured, stated, expected) in cases {
            assert_eq!(app_id(&boot(measured), &agent(stated)), expected);
        }
    }

    #[test]
    fn scopes_take_their_value_from_this_boot() {
        let mut boot = boot([5; 20]);
        assert_eq!(scope(&boot, ScopeChoice::App), Ok(Scope::App));
        let code = Scope::Code(B256::from(boot.compose_hash));
        assert_eq!(scope(&boot, ScopeChoice::Code), Ok(code));
        let instance = Scope::Instance(Address::repeat_byte(3));
        assert_eq!(scope(&boot, ScopeChoice::Instance), Ok(instance));
        boot.instance_id = None;
        assert_eq!(scope(&boot, ScopeChoice::Instance), Err(IdentityError::NoInstance));
        assert_eq!(scope(&boot, ScopeChoice::App), Ok(Scope::App));
    }
}
