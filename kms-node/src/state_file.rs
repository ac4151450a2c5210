//! The sealed state on disk: written whole, beside, and then moved into place, so that a crash leaves the old or the new.
//! Spec: docs/spec/ceremony.md, [CER-14]. In memory it changes only once it is at rest.

use anyhow::{Context, Result};
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_core::at_rest::{SealedState, SealingKey, Secret32};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
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

    /// Changes the state; it is on disk when this returns. If it can't be written, it stays as it was. [CER-14]
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut SealedState) -> T) -> Result<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = state.clone();
        let changed = change(&mut next);
        self.write(&self.key.seal(&next, &mut rng()))?;
        *state = next;
        Ok(changed)
    }

    fn write(&self, sealed: &[u8]) -> Result<()> {
        let beside = self.path.with_extension("new");
        let mut file =
            fs::File::create(&beside).with_context(|| format!("writing {}", beside.display()))?;
        file.write_all(sealed)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path).context("moving the sealed state into place")?;
        // The move itself is at rest only with its folder.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = fs::File::open(folder.unwrap_or(Path::new(".")))?;
        folder.sync_all().context("the folder of the sealed state")
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

    #[test]
    fn what_can_not_be_written_is_not_known_either() {
        // [CER-14] A share that is in memory alone would be confirmed, and lost with the next restart.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.sealed");
        let file = StateFile::open(path.clone(), SealingKey::new([1; 32])).unwrap();
        let anchor = wire::statements::Anchor { number: 7, hash: alloy::primitives::B256::ZERO };
        let update = || file.update(|state| state.finalized = Some(anchor));
        let kept = || file.read(|state| state.finalized.map(|anchor| anchor.number));

        // Nothing can be written beside a folder of that name, nor moved over one.
        let beside = path.with_extension("new");
        fs::create_dir(&beside).unwrap();
        assert!(update().is_err());
        assert_eq!(kept(), None);
        fs::remove_dir(&beside).unwrap();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(update().is_err());
        assert_eq!(kept(), None);

        fs::remove_dir(&path).unwrap();
        update().unwrap();
        assert_eq!(kept(), Some(7));
    }
}
