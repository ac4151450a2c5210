//! Reading a file that the user names; `-` is stdin. Nothing is read without a limit.

use crate::exit::Exit;
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

/// No compose file or network.toml that anybody reviews is larger.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("{}: no such file", path.display())]
    Missing { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: more than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{}: not UTF-8", path.display())]
    NotText { path: PathBuf },
}

impl FileError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Missing { .. } => Exit::NotFound,
            Self::Unreadable { .. } | Self::TooLarge { .. } | Self::NotText { .. } => Exit::Usage,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing { .. } => {
                vec!["a path is relative to the working directory; - is stdin".into()]
            }
            Self::Unreadable { .. } | Self::TooLarge { .. } | Self::NotText { .. } => Vec::new(),
        }
    }
}

/// The exact bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_up_to(path, MAX_FILE_BYTES)
}

fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => FileError::Missing { path: path.into() },
        _ => FileError::Unreadable { path: path.into(), source },
    };
    let mut bytes = Vec::new();
    let one_more = limit.saturating_add(1);
    if path == Path::new("-") {
        io::stdin().take(one_more).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(one_more).read_to_end(&mut bytes))
    }
    .map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge { path: path.into(), limit });
    }
    Ok(bytes)
}

/// Writes a file anew.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    std::fs::write(path, bytes)
        .map_err(|source| FileError::Unreadable { path: path.into(), source })
}

/// A file that must be text.
pub(crate) fn read_text(path: &Path) -> Result<String, FileError> {
    read_text_up_to(path, MAX_FILE_BYTES)
}

/// A file that must be text, and may be large.
pub(crate) fn read_text_up_to(path: &Path, limit: u64) -> Result<String, FileError> {
    String::from_utf8(read_up_to(path, limit)?)
        .map_err(|_| FileError::NotText { path: path.into() })
}
