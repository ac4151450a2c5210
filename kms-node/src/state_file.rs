//! The sealed state on disk: written whole, beside, and then moved into place, so that a crash leaves the old or the new.

use anyhow::{Context, Result};
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_core::at_rest::{SealedState, SealingKey, Secret32};
use std::{
    fs,
    io::Write,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// The sealed state, in memory and on disk.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    key: SealingKey,
    state: Mutex<SealedState>,
}

/// The operating system's randomness. It panics where that is not to be had: nothing could go on without.
pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

impl StateFile {
    /// Opens the state, or makes the first one with a fresh signing key.
    pub(crate) fn open(path: PathBuf, key: SealingKey) -> Result<Self> {
        let state = match fs::read(&path) {
            Ok(bytes) => key.open(&bytes).with_context(|| format!("opening {}", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => SealedState {
                signing_key: Secret32(*kms_core::StatementKey::generate(&mut rng()).to_bytes()),
                finalized: None,
                recipient: None,
                shares: Vec::new(),
            },
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let file = Self { path, key, state: Mutex::new(state) };
        file.update(|_| ())?;
        Ok(file)
    }

    /// Looks at the state.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&SealedState) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state; it is on disk when this returns.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut SealedState) -> T) -> Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut state);
        let sealed = self.key.seal(&state, &mut rng());
        let beside = self.path.with_extension("new");
        let mut file =
            fs::File::create(&beside).with_context(|| format!("writing {}", beside.display()))?;
        file.write_all(&sealed)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path).context("moving the sealed state into place")?;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_key_survives_a_restart_and_another_machine_can_not_open_it() {
        // [CER-12]
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.sealed");
        let open = |key| StateFile::open(path.clone(), SealingKey::new([key; 32]));
        let first = open(1).unwrap().read(|state| state.signing_key.clone());
        assert_eq!(open(1).unwrap().read(|state| state.signing_key.clone()), first);
        assert!(format!("{:#}", open(2).unwrap_err()).contains("another machine"));
    }
}
