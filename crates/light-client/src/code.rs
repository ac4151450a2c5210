//! A contract's code, with what its reader makes of it once. Spec: docs/spec/chain.md [CHAIN-13], [CHAIN-15].
//!
//! Code never changes under its hash, and an EVM scans it for jump targets before it runs it: that scan is kept beside the
//! bytes, for every state and block that shares them. This crate knows nothing of EVMs, so it keeps a value of any type.

use alloy_primitives::Bytes;
use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

/// Proven code. A clone shares what was derived.
#[derive(Clone, Default)]
pub struct Code {
    bytes: Bytes,
    derived: Arc<OnceLock<Box<dyn Any + Send + Sync>>>,
}

impl Code {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes, derived: Arc::default() }
    }

    /// The code; empty if the account has none.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// `make(bytes)`, made once for all clones. Another type than the first caller's is made anew, and not kept.
    pub fn derived<T: Clone + Send + Sync + 'static>(&self, make: impl Fn(&Bytes) -> T) -> T {
        let kept = self.derived.get_or_init(|| Box::new(make(&self.bytes)));
        kept.downcast_ref::<T>().cloned().unwrap_or_else(|| make(&self.bytes))
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Code").field(&self.bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn derived_is_made_once_for_all_clones_and_never_for_another_code() {
        let made = Cell::new(0);
        let length = |bytes: &Bytes| {
            made.set(made.get() + 1);
            bytes.len()
        };
        let code = Code::new(Bytes::from_static(&[0x5b; 3]));
        assert_eq!((code.clone().derived(length), code.derived(length)), (3, 3));
        assert_eq!(made.get(), 1);
        assert_eq!(Code::new(Bytes::from_static(&[0x5b])).derived(length), 1);
        assert_eq!(
            code.derived(|bytes| bytes.to_vec()),
            vec![0x5b; 3],
            "another type is made anew"
        );
    }
}
