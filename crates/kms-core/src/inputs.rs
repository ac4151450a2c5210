//! From what is asked to what may be evaluated: each B must come from the base that the node makes itself.
//!
//! Spec: docs/spec/derive.md [DERIVE-2]..[DERIVE-4], [SEAL-5]; docs/spec/authorize.md [AUTH-5], [AUTH-6].
//! Prevents: B of another app's x, a re-labelled ciphertext, the node as a decryption oracle (A20).

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolStruct;
use threshold::{
    blind::{BlindedRequest, RequestContext, VerifiedRequest, verify_request},
    input::{BasePoint, hash_to_curve},
    tdh2::{CheckCiphertextError, CiphertextHeader, ExpectedLabel},
};
use wire::{
    InputKind, Scope,
    limits::MAX_INPUTS,
    report_data::ReportData,
    request::RequestedInput,
    statements::{Attested, Input, derive_input},
};

/// An input whose form, scope and proof of r were checked against the verified identity, by its EIP-712 struct hash.
#[derive(Debug)]
pub(crate) struct CheckedInput {
    pub(crate) hash: B256,
    pub(crate) request: VerifiedRequest,
}

/// Why an input is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// None, or more than 8.
    #[error("{count} inputs: a request has 1 to {MAX_INPUTS}")]
    Count {
        /// How many.
        count: usize,
    },
    /// Kind or scope is unknown, or a field is set that the kind does not have.
    #[error("input {index}: {what}")]
    Form {
        /// Which.
        index: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The scope names another code or instance than the verified one.
    #[error("input {index}: its scope is not this enclave's")]
    ForeignScope {
        /// Which.
        index: usize,
    },
    /// B or its proof is no canonical encoding.
    #[error("input {index}: the blinded request is malformed")]
    Malformed {
        /// Which.
        index: usize,
    },
    /// B was not made from H(x) of this app, or from u of this ciphertext, for this quote.
    #[error("input {index}: the proof of the blinding factor does not hold for this app's input")]
    Proof {
        /// Which.
        index: usize,
    },
    /// The ciphertext is missing, malformed, or not the one that the input names.
    #[error("input {index}: the ciphertext is not the one that the input names")]
    Ciphertext {
        /// Which.
        index: usize,
    },
    /// The ciphertext does not hold.
    #[error("input {index}: the ciphertext is refused")]
    Sealed {
        /// Which.
        index: usize,
        /// Why.
        source: CheckCiphertextError,
    },
}

/// What a node knows by itself when it judges inputs.
pub(crate) struct InputContext<'a> {
    pub(crate) keyset_id: B256,
    pub(crate) attested: &'a Attested,
    pub(crate) policy: Address,
    pub(crate) report_data: &'a ReportData,
}

impl InputContext<'_> {
    /// Checks every input of a request.
    pub(crate) fn check(&self, inputs: &[RequestedInput]) -> Result<Vec<CheckedInput>, InputError> {
        check_count(inputs)?;
        inputs.iter().enumerate().map(|(index, input)| self.check_one(index, input)).collect()
    }

    fn check_one(&self, index: usize, asked: &RequestedInput) -> Result<CheckedInput, InputError> {
        let input = &asked.input;
        let base = match InputKind::from_wire(input.kind) {
            Some(InputKind::Derive) => self.derive_base(index, asked)?,
            Some(InputKind::Unseal) => self.unseal_base(index, asked)?,
            None => return Err(form(index, "its kind is unknown")),
        };
        let request = BlindedRequest::from_bytes(&asked.blinded)
            .map_err(|_| InputError::Malformed { index })?;
        let input_index = u8::try_from(index).map_err(|_| InputError::Count { count: index })?;
        let context = RequestContext { report_data: self.report_data, input_index };
        let request =
            verify_request(&request, &base, &context).map_err(|_| InputError::Proof { index })?;
        Ok(CheckedInput { hash: input.eip712_hash_struct(), request })
    }

    fn derive_base(&self, index: usize, asked: &RequestedInput) -> Result<BasePoint, InputError> {
        let input = &asked.input;
        if !input.secretId.is_zero()
            || !input.ciphertextHash.is_zero()
            || asked.ciphertext.is_some()
        {
            return Err(form(index, "a derive input has no secret and no ciphertext"));
        }
        check_scope(index, input, self.attested)?;
        let x = derive_input(self.keyset_id, self.attested.boot.appId, input);
        Ok(hash_to_curve(&x))
    }

    fn unseal_base(&self, index: usize, asked: &RequestedInput) -> Result<BasePoint, InputError> {
        let input = &asked.input;
        if (input.scopeKind, input.scopeValue) != (Scope::App.kind(), Scope::App.value()) {
            return Err(form(index, "an unseal input has the scope of the app"));
        }
        let header = asked
            .ciphertext
            .as_ref()
            .and_then(|bytes| CiphertextHeader::from_bytes(bytes).ok())
            .filter(|header| header.ciphertext_hash() == input.ciphertextHash.0)
            .ok_or(InputError::Ciphertext { index })?;
        let expected = ExpectedLabel {
            keyset_id: self.keyset_id.0,
            app_id: self.attested.boot.appId.into_array(),
            secret_id: input.secretId.0,
            policy: self.policy.into_array(),
        };
        let checked =
            header.check(&expected).map_err(|source| InputError::Sealed { index, source })?;
        Ok(checked.base())
    }
}

/// 1 to 8 inputs: checked before anything that costs. [WIRE-4]
pub(crate) fn check_count(inputs: &[RequestedInput]) -> Result<(), InputError> {
    let count = inputs.len();
    if count == 0 || count > MAX_INPUTS {
        return Err(InputError::Count { count });
    }
    Ok(())
}

/// The scope is the app's, or names this enclave's own code or instance. [AUTH-5]
fn check_scope(index: usize, input: &Input, attested: &Attested) -> Result<(), InputError> {
    let boot = &attested.boot;
    let own = [Scope::App, Scope::Code(boot.composeHash), Scope::Instance(boot.instanceId)];
    let Some(scope) = own.into_iter().find(|scope| scope.kind() == input.scopeKind) else {
        return Err(form(index, "its scope is unknown"));
    };
    if matches!(scope, Scope::Instance(id) if id.is_zero()) {
        return Err(form(index, "this enclave has no instance id"));
    }
    if scope.value() != input.scopeValue {
        return Err(InputError::ForeignScope { index });
    }
    Ok(())
}

fn form(index: usize, what: &'static str) -> InputError {
    InputError::Form { index, what }
}

#[cfg(test)]
mod tests;
