//! Who signs. The flags are cast's, so that keys stay where they are.

use crate::{exit::Exit, output::Output, values};
use alloy::network::EthereumWallet;
use alloy::primitives::Address;
use alloy::signers::local::{
    LocalSignerError, MnemonicBuilder, PrivateKeySigner, coins_bip39::English,
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Key flags, named as cast has them.
// No Debug: two of them are secrets.
#[derive(Args)]
#[command(next_help_heading = "Key options, as cast has them")]
pub(crate) struct KeyArgs {
    /// Keystore file (JSON) [env: ETH_KEYSTORE]
    #[arg(long, value_name = "PATH", group = "key")]
    keystore: Option<PathBuf>,
    /// File that holds the keystore's password; asked for without it
    #[arg(long, value_name = "PATH", env = "ETH_PASSWORD", hide_env_values = true)]
    password_file: Option<PathBuf>,
    /// Ask for the private key
    #[arg(short, long, group = "key")]
    interactive: bool,
    /// The private key itself; everybody on this machine may see it
    #[arg(long, value_name = "KEY", group = "key")]
    private_key: Option<String>,
    /// A phrase, or a file that holds one
    #[arg(long, value_name = "PHRASE|PATH", group = "key")]
    mnemonic: Option<String>,
    /// Passphrase of the mnemonic
    #[arg(long, value_name = "TEXT", requires = "mnemonic")]
    mnemonic_passphrase: Option<String>,
    /// Derivation path, instead of an index
    #[arg(long, value_name = "PATH", requires = "mnemonic", conflicts_with = "mnemonic_index")]
    mnemonic_derivation_path: Option<String>,
    /// Account of the mnemonic
    #[arg(long, value_name = "N", default_value_t = 0)]
    mnemonic_index: u32,
    /// The RPC node signs for --from
    #[arg(long, group = "key", requires = "from")]
    unlocked: bool,
    /// The sender; with a key, the address that it must have
    #[arg(long, value_name = "ADDRESS", env = "ETH_FROM", hide_env_values = true, value_parser = values::address)]
    from: Option<Address>,
}

/// A key that is open, or a node that has one.
pub(crate) enum Signer {
    Local(PrivateKeySigner),
    Node(Address),
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignerError {
    #[error("--broadcast needs a key")]
    NoKey,
    #[error("nobody is there to confirm")]
    NobodyToAsk,
    #[error("not confirmed: nothing was signed")]
    Declined,
    #[error("the key is {actual}, the sender should be {expected}")]
    WrongKey { expected: Address, actual: Address },
    #[error("{}: {source}", path.display())]
    Keystore { path: PathBuf, source: LocalSignerError },
    #[error("{}: no such keystore", path.display())]
    NoKeystore { path: PathBuf },
    #[error("the private key is not 32 bytes of hexadecimal digits, or is zero")]
    PrivateKey,
    #[error("the mnemonic, its index or its path is wrong: {source}")]
    Mnemonic { source: LocalSignerError },
    #[error("no password or key could be read: {source}")]
    Prompt { source: std::io::Error },
    #[error(transparent)]
    File(#[from] crate::file::FileError),
    #[error("the signature was not made: {source}")]
    Signing { source: alloy::network::TransactionBuilderError<alloy::network::Ethereum> },
}

impl SignerError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoKeystore { .. } => Exit::NotFound,
            Self::File(error) => error.exit(),
            Self::NoKey
            | Self::NobodyToAsk
            | Self::Declined
            | Self::WrongKey { .. }
            | Self::Keystore { .. }
            | Self::PrivateKey
            | Self::Mnemonic { .. }
            | Self::Prompt { .. }
            | Self::Signing { .. } => Exit::Signer,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NoKey => vec!["--keystore PATH, -i, or --unlocked --from ADDRESS".into()],
            Self::NobodyToAsk => vec!["without a terminal, --yes says it beforehand".into()],
            Self::WrongKey { .. } => {
                vec!["leave out --from, or name the key of that address".into()]
            }
            Self::Keystore { .. } => vec!["--password-file PATH holds the password".into()],
            Self::File(error) => error.hints(),
            Self::Declined
            | Self::NoKeystore { .. }
            | Self::PrivateKey
            | Self::Mnemonic { .. }
            | Self::Prompt { .. }
            | Self::Signing { .. } => Vec::new(),
        }
    }
}

impl Signer {
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Local(key) => key.address(),
            Self::Node(address) => *address,
        }
    }

    /// A wallet, unless the node signs.
    pub(crate) fn wallet(self) -> Option<EthereumWallet> {
        match self {
            Self::Local(key) => Some(EthereumWallet::from(key)),
            Self::Node(_) => None,
        }
    }
}

impl KeyArgs {
    /// The sender as far as it is known without asking anybody: what a dry run uses.
    pub(crate) fn known_sender(&self) -> Result<Option<Address>, SignerError> {
        if self.from.is_some() {
            return Ok(self.from);
        }
        if let Some(key) = &self.private_key {
            return Ok(Some(private_key(key)?.address()));
        }
        if let Some(phrase) = &self.mnemonic {
            return Ok(Some(self.open_mnemonic(phrase)?.address()));
        }
        Ok(self.keystore_path().and_then(|path| keystore_address(&path)))
    }

    /// Opens the key, asking for what is missing.
    pub(crate) fn open(&self, output: &mut Output<'_>) -> Result<Signer, crate::failure::Failure> {
        let signer = if let Some(key) = &self.private_key {
            output.warn("--private-key stays in the shell's history and is visible to other processes; --keystore or -i is not")?;
            Signer::Local(private_key(key)?)
        } else if let Some(phrase) = &self.mnemonic {
            if !Path::new(phrase).exists() {
                output.warn("--mnemonic stays in the shell's history and is visible to other processes; give it as a file")?;
            }
            Signer::Local(self.open_mnemonic(phrase)?)
        } else if self.interactive {
            Signer::Local(private_key(&ask(output, "private key: ")?)?)
        } else if self.unlocked {
            Signer::Node(self.from.ok_or(SignerError::NoKey)?)
        } else if let Some(path) = self.keystore_path() {
            Signer::Local(self.open_keystore(path, output)?)
        } else {
            return Err(SignerError::NoKey.into());
        };
        match self.from {
            Some(expected) if expected != signer.address() => {
                Err(SignerError::WrongKey { expected, actual: signer.address() }.into())
            }
            _ => Ok(signer),
        }
    }

    // Read here and not by clap, so that a flag for another kind of key goes before the variable.
    fn keystore_path(&self) -> Option<PathBuf> {
        let from_env = || std::env::var_os("ETH_KEYSTORE").map(PathBuf::from);
        self.keystore.clone().or_else(from_env)
    }

    fn open_keystore(
        &self,
        path: PathBuf,
        output: &mut Output<'_>,
    ) -> Result<PrivateKeySigner, SignerError> {
        if !path.is_file() {
            return Err(SignerError::NoKeystore { path });
        }
        let password = match &self.password_file {
            Some(file) => crate::file::read_text(file)?.trim_end_matches(['\r', '\n']).to_owned(),
            None => ask(output, "keystore password: ")?,
        };
        PrivateKeySigner::decrypt_keystore(&path, password)
            .map_err(|source| SignerError::Keystore { path, source })
    }

    fn open_mnemonic(&self, phrase_or_path: &str) -> Result<PrivateKeySigner, SignerError> {
        let path = Path::new(phrase_or_path);
        let phrase = if path.is_file() {
            crate::file::read_text(path)?.trim().to_owned()
        } else {
            phrase_or_path.to_owned()
        };
        let mut builder = MnemonicBuilder::<English>::default().phrase(phrase);
        builder = match &self.mnemonic_derivation_path {
            Some(path) => builder.derivation_path(path),
            None => builder.index(self.mnemonic_index),
        }
        .map_err(|source| SignerError::Mnemonic { source })?;
        if let Some(passphrase) = &self.mnemonic_passphrase {
            builder = builder.password(passphrase);
        }
        builder.build().map_err(|source| SignerError::Mnemonic { source })
    }
}

fn ask(output: &Output<'_>, question: &str) -> Result<String, SignerError> {
    if !output.can_ask() {
        return Err(SignerError::NobodyToAsk);
    }
    rpassword::prompt_password(question).map_err(|source| SignerError::Prompt { source })
}

fn private_key(text: &str) -> Result<PrivateKeySigner, SignerError> {
    let key = values::hash(text.trim()).map_err(|_| SignerError::PrivateKey)?;
    PrivateKeySigner::from_bytes(&key).map_err(|_| SignerError::PrivateKey)
}

/// The address that some keystores carry in the clear.
fn keystore_address(path: &Path) -> Option<Address> {
    #[derive(serde::Deserialize)]
    struct Keystore {
        address: String,
    }
    let text = crate::file::read(path).ok()?;
    let keystore: Keystore = serde_json::from_slice(&text).ok()?;
    values::address(&keystore.address).ok()
}
