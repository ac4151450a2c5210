//! `quorate verify source`: recompiles a deployed contract from a checkout's sources and compares.
//!
//! Spec: docs/spec/simulate.md [SIM-13]. The chain's code is proven. The compiler runs in a process of its own, built from
//! policy-cli/check-artifacts: foundry-compilers would change features of serde_json in everything that is built with it.

use crate::{
    bytecode::{Comparison, Compiled, Metadata, Verdict, clone_of, compare},
    cli::Global,
    cmd::simulate::at,
    exit::Exit,
    failure::Failure,
    network::Target,
    output::Output,
    proven::{At, Proven},
    send::line,
    values,
    words::account,
};
use alloy::primitives::{Address, Bytes};
use clap::Args;
use light_client::{Missing, MissingAt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const AFTER: &str = "Needs a checkout after script/setup: its sources, its solc and cargo; the first run builds the compiler's driver. A clone is
followed to its implementation. Exit 4: the code is another.

Example:
  quorate verify source 0x1111111111111111111111111111111111111111 --network network.toml";

/// More hops than any honest chain of clones.
const MAX_CLONES: usize = 4;

/// Recompiles a deployed contract from its sources and compares it with the proven code
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Source {
    /// The deployed contract
    #[arg(value_name = "ADDRESS", value_parser = values::address)]
    address: Address,
    /// Which contract it should be; without this, the one of contracts/artifacts whose code is like it
    #[arg(long, value_name = "NAME")]
    contract: Option<String>,
    /// The checkout; without this, the one around the working directory
    #[arg(long, value_name = "FOLDER")]
    checkout: Option<PathBuf>,
    /// The block: finalized, latest, a number, or a hash that you vouch for
    #[arg(long, value_name = "BLOCK", default_value = "finalized", value_parser = at)]
    block: At,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("no checkout of Quorate here")]
    NoCheckout,
    #[error("{0} has no code")]
    NoCode(Address),
    #[error("{0}: a clone of a clone, more than {MAX_CLONES} deep")]
    TooManyClones(Address),
    #[error("the code of {0} is like no contract of this checkout")]
    Unknown(Address),
    #[error("contracts/artifacts has no contract {0}")]
    NoContract(String),
    #[error("{}: {cause}", path.display())]
    Artefact { path: PathBuf, cause: String },
    #[error("cargo could not be run: {0}")]
    Cargo(std::io::Error),
    #[error("solc is not installed: {0}")]
    NoSolc(String),
    #[error("the sources were not compiled: {0}")]
    NotCompiled(String),
}

impl SourceError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NoCheckout | Self::NoCode(_) | Self::NoContract(_) | Self::NoSolc(_) => {
                Exit::NotFound
            }
            Self::Unknown(_) | Self::TooManyClones(_) => Exit::Denied,
            Self::Artefact { .. } | Self::Cargo(_) | Self::NotCompiled(_) => Exit::Internal,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::NoCheckout => vec!["run it in a checkout, or name one: --checkout FOLDER".into()],
            Self::NoSolc(_) => vec!["script/setup installs OpenZeppelin and solc from npm".into()],
            Self::Unknown(_) => {
                vec!["--contract NAME says which it should be; a checkout of the deployed version is needed".into()]
            }
            Self::Cargo(_) => vec!["cargo builds the driver of the compiler: install Rust".into()],
            _ => Vec::new(),
        }
    }
}

/// A contract of contracts/artifacts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artefact {
    contract_name: String,
    source_name: String,
    deployed_bytecode: Deployed,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployed {
    object: String,
    immutable_references: BTreeMap<String, Vec<crate::bytecode::Place>>,
}

impl Source {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let checkout = self.checkout()?;
        let mut proven = Proven::connect(Target::load(global)?, self.block).await?;
        let (clones, implementation, code) = follow(&mut proven, self.address).await?;
        let artefact = self.artefact(&checkout, implementation, &code)?;
        output.talk(&format!("compiling {} …", artefact.contract_name))?;
        let compiled = compile(&checkout, &artefact)?;
        let comparison = compare(&code, &compiled);
        let fields = self.fields(&proven, &clones, implementation, &compiled, &comparison);
        let text = self.text(&proven, &clones, implementation, &compiled, &comparison);
        output.answer("quorate.verify.source", fields, &text)?;
        Ok(match comparison.verdict {
            Verdict::Exact | Verdict::Partial => Exit::Ok,
            Verdict::Different => Exit::Denied,
        })
    }

    fn checkout(&self) -> Result<PathBuf, SourceError> {
        let is_one = |path: &&Path| path.join("policy-cli/check-artifacts/Cargo.toml").is_file();
        let here = match &self.checkout {
            Some(named) => named.clone(),
            None => std::env::current_dir().map_err(|_| SourceError::NoCheckout)?,
        };
        let here = here.canonicalize().map_err(|_| SourceError::NoCheckout)?;
        let found = match self.checkout {
            Some(_) => Some(here.as_path()).filter(is_one),
            None => here.ancestors().find(is_one),
        };
        found.map(Path::to_owned).ok_or(SourceError::NoCheckout)
    }

    /// The artefact that is named, or the one that the code is like.
    fn artefact(
        &self,
        checkout: &Path,
        address: Address,
        code: &[u8],
    ) -> Result<Artefact, SourceError> {
        let artefacts = artefacts(&checkout.join("contracts/artifacts"))?;
        let is_like = |artefact: &Artefact| {
            let compiled = Compiled {
                source: artefact.source_name.clone(),
                name: artefact.contract_name.clone(),
                object: artefact.deployed_bytecode.object.clone(),
                immutables: artefact
                    .deployed_bytecode
                    .immutable_references
                    .values()
                    .cloned()
                    .collect(),
                libraries: BTreeMap::new(),
            };
            compare(code, &compiled).verdict != Verdict::Different
        };
        let mut artefacts = artefacts.into_iter();
        match &self.contract {
            Some(name) => artefacts
                .find(|artefact| artefact.contract_name == *name)
                .ok_or_else(|| SourceError::NoContract(name.clone())),
            None => artefacts.find(is_like).ok_or(SourceError::Unknown(address)),
        }
    }

    fn fields(
        &self,
        proven: &Proven,
        clones: &[Address],
        implementation: Address,
        compiled: &Compiled,
        comparison: &Comparison,
    ) -> Value {
        let head = proven.chain.head;
        let libraries: Vec<Value> = comparison
            .libraries
            .iter()
            .map(|(name, address)| json!({ "name": name, "address": address }))
            .collect();
        json!({
            "address": self.address,
            "block": { "number": head.number, "hash": head.hash },
            "clones": clones,
            "implementation": implementation,
            "source": compiled.source,
            "contract": compiled.name,
            "match": word(comparison.verdict),
            "immutables": comparison.immutables,
            "libraries": libraries,
            "metadata": {
                "chain": comparison.metadata[0].as_ref().map(metadata_json),
                "sources": comparison.metadata[1].as_ref().map(metadata_json),
            },
            "firstDifference": comparison.first_difference,
        })
    }

    fn text(
        &self,
        proven: &Proven,
        clones: &[Address],
        implementation: Address,
        compiled: &Compiled,
        comparison: &Comparison,
    ) -> String {
        let mut text = String::new();
        let head = proven.chain.head;
        line(&mut text, "address", &account(self.address));
        for _ in clones {
            line(&mut text, "clone of", &account(implementation));
        }
        line(
            &mut text,
            "block",
            &format!("{} {}, proven; {}", head.number, head.hash, proven.source),
        );
        line(&mut text, "source", &format!("{}:{}", compiled.source, compiled.name));
        line(
            &mut text,
            "match",
            match comparison.verdict {
                Verdict::Exact => {
                    "exact: every byte is that of the sources, and so is the hash over sources and settings"
                }
                Verdict::Partial => {
                    "partial: every instruction is that of the sources; a comment, a name or a setting is another"
                }
                Verdict::Different => "NONE: other code runs there",
            },
        );
        if let Some(at) = comparison.first_difference {
            line(&mut text, "differs", &format!("from byte {at} on"));
        }
        for value in &comparison.immutables {
            let words = match value {
                Some(word) if word.starts_with(&[0; 12]) && !word.starts_with(&[0; 24]) => {
                    account(Address::from_word(*word))
                }
                Some(word) => word.to_string(),
                None => "TWO VALUES for one immutable".to_owned(),
            };
            line(&mut text, "immutable", &words);
        }
        for (name, address) in &comparison.libraries {
            let words = address.map_or("TWO ADDRESSES for one library".into(), account);
            line(&mut text, "library", &format!("{name} {words}"));
        }
        for (side, metadata) in ["on chain", "sources"].iter().zip(&comparison.metadata) {
            let words = metadata.as_ref().map_or("none".to_owned(), |metadata| {
                let unknown = || "?".to_owned();
                format!(
                    "solc {}, ipfs {}",
                    metadata.solc.clone().unwrap_or_else(unknown),
                    metadata.ipfs.clone().unwrap_or_else(unknown)
                )
            });
            line(&mut text, side, &words);
        }
        text
    }
}

fn metadata_json(metadata: &Metadata) -> Value {
    json!({ "solc": metadata.solc, "ipfs": metadata.ipfs })
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Exact => "exact",
        Verdict::Partial => "partial",
        Verdict::Different => "none",
    }
}

/// The clones on the way, the contract at its end, and its proven code.
async fn follow(
    proven: &mut Proven,
    address: Address,
) -> Result<(Vec<Address>, Address, Bytes), Failure> {
    let (mut clones, mut here) = (Vec::new(), address);
    for _ in 0..MAX_CLONES {
        let code = proven.run(|_, state| {
            state.code(here).map(|code| code.bytes().clone()).map_err(|missing: Missing| {
                policy::CallError::Missing(MissingAt { block: state.block(), missing })
            })
        });
        let code = code.await?.map_err(crate::proven::ProvenError::from)?;
        if code.is_empty() {
            return Err(SourceError::NoCode(here).into());
        }
        match clone_of(&code) {
            Some(implementation) => {
                clones.push(here);
                here = implementation;
            }
            None => return Ok((clones, here, code)),
        }
    }
    Err(SourceError::TooManyClones(address).into())
}

fn artefacts(folder: &Path) -> Result<Vec<Artefact>, SourceError> {
    let wrong = |path: &Path| {
        let path = path.to_owned();
        move |cause: String| SourceError::Artefact { path, cause }
    };
    let entries = std::fs::read_dir(folder).map_err(|error| wrong(folder)(error.to_string()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut artefacts = Vec::new();
    for path in paths.into_iter().filter(|path| !path.to_string_lossy().ends_with(".input.json")) {
        let bytes = std::fs::read(&path).map_err(|error| wrong(&path)(error.to_string()))?;
        let artefact =
            serde_json::from_slice(&bytes).map_err(|error| wrong(&path)(error.to_string()))?;
        artefacts.push(artefact);
    }
    Ok(artefacts)
}

/// Compiles the sources, in a process of its own.
fn compile(checkout: &Path, artefact: &Artefact) -> Result<Compiled, SourceError> {
    let answer = Command::new("cargo")
        .args(["run", "--quiet", "--locked", "--bin", "deployed-code", "--manifest-path"])
        .arg(checkout.join("policy-cli/check-artifacts/Cargo.toml"))
        .arg("--target-dir")
        .arg(checkout.join("target/check-artifacts"))
        .arg("--")
        .arg(checkout)
        .args([&artefact.source_name, &artefact.contract_name])
        .output()
        .map_err(SourceError::Cargo)?;
    let said = || String::from_utf8_lossy(&answer.stderr).trim().to_owned();
    match answer.status.code() {
        Some(0) => serde_json::from_slice(&answer.stdout)
            .map_err(|error| SourceError::NotCompiled(error.to_string())),
        Some(3) => Err(SourceError::NoSolc(said())),
        _ => Err(SourceError::NotCompiled(said())),
    }
}
