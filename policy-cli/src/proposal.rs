//! What a proposal says of itself, held against what it does.

use crate::decode::Interfaces;
use alloy::dyn_abi::DynSolValue;
use alloy::primitives::{B256, Bytes};
use std::collections::BTreeSet;

/// A compose hash that only one of text and calldata names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mismatch {
    /// The text promises a hash that no call approves, revokes or sets.
    OnlyInText(B256),
    /// A call names a hash that the text does not.
    OnlyInCalldata(B256),
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnlyInText(hash) => {
                write!(f, "the text names compose hash {hash}, the calls do not")
            }
            Self::OnlyInCalldata(hash) => {
                write!(f, "a call names compose hash {hash}, the text does not")
            }
        }
    }
}

/// Compose hashes that text and calldata do not share. A text that names none promises nothing and mismatches nothing.
///
/// In the text a compose hash is 64 hexadecimal digits, `0x` before them or not, on a line that says `compose`.
pub(crate) fn text_against_calldata(
    text: &str,
    calldatas: &[Bytes],
    interfaces: &Interfaces,
) -> Vec<Mismatch> {
    let said = compose_hashes_of_text(text);
    if said.is_empty() {
        return Vec::new();
    }
    let done: BTreeSet<B256> =
        calldatas.iter().flat_map(|calldata| compose_hashes_of_call(calldata, interfaces)).collect();
    let only_text = said.difference(&done).copied().map(Mismatch::OnlyInText);
    only_text.chain(done.difference(&said).copied().map(Mismatch::OnlyInCalldata)).collect()
}

/// Every `composeHash` that a call of ours names.
pub(crate) fn compose_hashes_of_call(calldata: &[u8], interfaces: &Interfaces) -> BTreeSet<B256> {
    let decoded = interfaces.call(calldata);
    let arguments = decoded.iter().flat_map(|decoded| &decoded.arguments);
    arguments
        .filter(|argument| argument.path.to_lowercase().ends_with("composehash"))
        .filter_map(|argument| match argument.value() {
            DynSolValue::FixedBytes(word, 32) if !word.is_zero() => Some(*word),
            _ => None,
        })
        .collect()
}

fn compose_hashes_of_text(text: &str) -> BTreeSet<B256> {
    text.lines().filter(|line| line.to_lowercase().contains("compose")).flat_map(hashes).collect()
}

fn hashes(line: &str) -> impl Iterator<Item = B256> + '_ {
    line.split(|found: char| !found.is_ascii_alphanumeric())
        .map(|word| word.strip_prefix("0x").unwrap_or(word))
        .filter(|word| word.len() == 64)
        .filter_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::AllowlistPolicy;
    use alloy::sol_types::SolCall;

    fn approve(byte: u8) -> Bytes {
        let composeHash = B256::repeat_byte(byte);
        AllowlistPolicy::approveComposeHashCall { composeHash, uri: String::new() }
            .abi_encode()
            .into()
    }

    #[test]
    fn a_text_that_names_another_hash_than_its_calldata_is_caught() {
        // [SIM-9]
        let interfaces = Interfaces::ours();
        let text = format!("# Upgrade\n\ncompose_hash: {}\n", B256::repeat_byte(1));
        let judge = |calls: &[Bytes]| text_against_calldata(&text, calls, &interfaces);
        assert_eq!(judge(&[approve(1)]), []);
        assert_eq!(
            judge(&[approve(2)]),
            [
                Mismatch::OnlyInText(B256::repeat_byte(1)),
                Mismatch::OnlyInCalldata(B256::repeat_byte(2))
            ]
        );
        assert_eq!(
            judge(&[approve(1), approve(2)]),
            [Mismatch::OnlyInCalldata(B256::repeat_byte(2))]
        );
    }

    #[test]
    fn digests_of_images_are_no_compose_hashes() {
        let text = format!("image: nginx@sha256:{}", hex_of(7));
        assert!(text_against_calldata(&text, &[approve(1)], &Interfaces::ours()).is_empty());
    }

    fn hex_of(byte: u8) -> String {
        format!("{byte:02x}").repeat(32)
    }
}
