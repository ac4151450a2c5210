//! How long arguments come to be once they are decoded. Prevents: a list of offsets that all lead to one place, by which a few bytes
//! become many times as many, and again in each call within.

use alloy_dyn_abi::DynSolType;

/// One word of the encoding.
const WORD: usize = 32;

/// Whether arguments of these types, decoded from `data`, come to no more bytes than it has. Those that a compiler encodes do.
pub(crate) fn fits(types: &[DynSolType], data: &[u8]) -> bool {
    let mut left = data.len();
    sequence(types.iter(), data, &mut left).is_some()
}

/// Values beside each other, each with a head of its own; offsets count from the beginning of `data`.
fn sequence<'a>(
    types: impl Iterator<Item = &'a DynSolType>,
    data: &[u8],
    left: &mut usize,
) -> Option<()> {
    let mut at = 0_usize;
    for kind in types {
        let head = match kind.is_dynamic() {
            true => WORD,
            false => kind.minimum_words().checked_mul(WORD)?,
        };
        let end = at.checked_add(head)?;
        data.get(at..end)?;
        *left = left.checked_sub(head)?;
        if kind.is_dynamic() {
            tail(kind, data.get(number(data, at)?..)?, left)?;
        }
        at = end;
    }
    Some(())
}

/// What an offset leads to.
fn tail(kind: &DynSolType, data: &[u8], left: &mut usize) -> Option<()> {
    match kind {
        DynSolType::Bytes | DynSolType::String => {
            let length = number(data, 0)?.checked_add(WORD)?;
            data.get(..length)?;
            *left = left.checked_sub(length)?;
            Some(())
        }
        DynSolType::Array(inner) => {
            let count = number(data, 0)?;
            *left = left.checked_sub(WORD)?;
            sequence(std::iter::repeat_n(inner.as_ref(), count), data.get(WORD..)?, left)
        }
        DynSolType::FixedArray(inner, count) => {
            sequence(std::iter::repeat_n(inner.as_ref(), *count), data, left)
        }
        DynSolType::Tuple(fields) | DynSolType::CustomStruct { tuple: fields, .. } => {
            sequence(fields.iter(), data, left)
        }
        // Nothing else is dynamic.
        _ => None,
    }
}

/// A length or an offset; one above what any data has is none.
fn number(data: &[u8], at: usize) -> Option<usize> {
    let word = data.get(at..at.checked_add(WORD)?)?;
    let (high, low) = word.split_at_checked(WORD.checked_sub(8)?)?;
    let low = u64::from_be_bytes(low.try_into().ok()?);
    if high.iter().any(|byte| *byte != 0) { None } else { usize::try_from(low).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Interfaces;
    use abi::{AccessManager, AppRegistry, QuorateGovernor, app_registry};
    use alloy_primitives::{Address, B256, U256};
    use alloy_sol_types::SolCall;

    /// Words of `bytes[]` with `count` offsets that all lead to one element of `length` bytes.
    fn coinciding(count: usize, length: usize) -> Vec<u8> {
        let word = |number: usize| U256::from(number).to_be_bytes::<32>();
        let mut data = [word(32), word(count)].concat();
        (0..count).for_each(|_| data.extend(word(count * 32)));
        data.extend(word(length));
        data.extend(vec![7; length.next_multiple_of(32)]);
        data
    }

    fn bytes_list() -> Vec<DynSolType> {
        vec![DynSolType::Array(Box::new(DynSolType::Bytes))]
    }

    #[test]
    fn what_a_compiler_encodes_fits() {
        let calls: [Vec<u8>; 3] = [
            AccessManager::multicallCall { data: vec![vec![1; 33].into(), vec![].into()] }
                .abi_encode(),
            QuorateGovernor::proposeCall {
                targets: vec![Address::ZERO; 3],
                values: vec![U256::ZERO; 3],
                calldatas: vec![vec![2; 5].into(); 3],
                description: "three".into(),
            }
            .abi_encode(),
            AppRegistry::createAppCall {
                app: app_registry::AppRegistry::NewApp {
                    vendors: vec![B256::ZERO; 2],
                    ..Default::default()
                },
            }
            .abi_encode(),
        ];
        for call in calls {
            assert!(Interfaces::ours().function(&call).is_some());
            // Bytes behind it change nothing.
            let longer = [call, vec![0; 64]].concat();
            assert!(Interfaces::ours().function(&longer).is_some());
        }
    }

    #[test]
    fn what_becomes_longer_than_it_is_does_not() {
        assert!(fits(&bytes_list(), &coinciding(1, 1000)));
        assert!(!fits(&bytes_list(), &coinciding(2, 1000)));
        let call = [&AccessManager::multicallCall::SELECTOR[..], &coinciding(2, 1000)].concat();
        assert!(Interfaces::ours().function(&call).is_none());
        // A list that leads back to itself, and lengths beyond the data.
        let word = |number: u64| U256::from(number).to_be_bytes::<32>();
        for words in [[32, 2, 0, 0], [32, u64::MAX, 0, 0], [u64::MAX, 1, 0, 0], [32, 1, 32, 65]] {
            assert!(!fits(&bytes_list(), &words.map(word).concat()), "{words:?}");
        }
        assert!(!fits(&bytes_list(), &B256::repeat_byte(1).0), "an offset above 2^64");
    }
}
