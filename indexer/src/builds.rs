//! What our contracts are built from, for block explorers: the compiler's metadata and every source, and which code on chain is
//! which build. Spec: docs/spec/api.md [API-5]. Trusts: nothing; metadata and sources are those that the code itself names by
//! hash, and a build is served for an address only once the code there is proven and is this build's.

use alloy_primitives::{Address, Bytes, hex};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock},
};

/// ERC-1167: the code of a clone, around the address of what it runs.
const CLONE: ([u8; 10], [u8; 15]) =
    (hex!("363d3d373d3d3d363d73"), hex!("5af43d82803e903d91602b57fd5bf3"));

/// One contract as the compiler left it.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) name: &'static str,
    /// metadata.json, byte for byte: its IPFS hash stands at the end of the code.
    pub(crate) metadata: &'static str,
    input: &'static str,
    /// Deployed code, zero where immutables come.
    code: Vec<u8>,
    /// Where: offset and length.
    immutables: Vec<(usize, usize)>,
}

/// Every build, and which addresses are proven to run one.
#[derive(Debug)]
pub(crate) struct Builds {
    all: Vec<Build>,
    deployed: RwLock<BTreeMap<Address, Option<Deployed>>>,
}

/// What an address runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deployed {
    build: usize,
    /// It is a clone that runs the build at this address.
    pub(crate) implementation: Option<Address>,
}

/// Code at an address, by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// That of a build.
    Build(usize),
    /// A clone of what is at this address.
    CloneOf(Address),
    /// None of ours.
    Foreign,
}

macro_rules! builds {
    ($($name:literal),* $(,)?) => {
        [$((
            $name,
            include_str!(concat!("../../contracts/metadata/", $name, ".json")),
            include_str!(concat!("../../contracts/artifacts/", $name, ".input.json")),
            include_str!(concat!("../../contracts/artifacts/", $name, ".json")),
        )),*]
    };
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artefact {
    deployed_bytecode: DeployedBytecode,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeployedBytecode {
    object: Bytes,
    immutable_references: BTreeMap<String, Vec<Reference>>,
}

#[derive(Deserialize)]
struct Reference {
    start: usize,
    length: usize,
}

#[derive(Deserialize)]
struct Input {
    sources: HashMap<String, Source>,
}

#[derive(Deserialize)]
struct Source {
    content: String,
}

impl Builds {
    pub(crate) fn new() -> Result<Self> {
        let all = builds!(
            "AccessManager",
            "AllOfPolicy",
            "AllowlistPolicy",
            "AppRegistry",
            "AttestationRegistry",
            "IssuanceLog",
            "KmsCeremony",
            "KmsCommittee",
            "LicensePolicy",
            "PolicyFactory",
            "QuorateGovernor",
            "VotesToken",
        );
        let all = all.into_iter().map(|(name, metadata, input, artefact)| {
            Build::read(name, metadata, input, artefact).context(name)
        });
        Ok(Self { all: all.collect::<Result<_>>()?, deployed: RwLock::default() })
    }

    /// What `code` is.
    pub(crate) fn identify(&self, code: &[u8]) -> Code {
        if let Some(implementation) = cloned(code) {
            return Code::CloneOf(implementation);
        }
        match self.all.iter().position(|build| build.is(code)) {
            Some(build) => Code::Build(build),
            None => Code::Foreign,
        }
    }

    /// Whether it is known what the address runs.
    pub(crate) fn knows(&self, address: Address) -> bool {
        self.deployed.read().unwrap_or_else(PoisonError::into_inner).contains_key(&address)
    }

    /// Notes what is proven of `address`: the build that it runs, itself or by delegation; `None`: none of ours.
    pub(crate) fn note(&self, address: Address, build: Option<usize>, of: Option<Address>) {
        let deployed = build.map(|build| Deployed { build, implementation: of });
        let mut known = self.deployed.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(address, deployed);
    }

    /// What is proven to run at `address`.
    pub(crate) fn at(&self, address: Address) -> Option<(&Build, Deployed)> {
        let known = self.deployed.read().unwrap_or_else(PoisonError::into_inner);
        let deployed = (*known.get(&address)?)?;
        Some((self.all.get(deployed.build)?, deployed))
    }
}

impl Build {
    fn read(
        name: &'static str,
        metadata: &'static str,
        input: &'static str,
        artefact: &str,
    ) -> Result<Self> {
        let Artefact { deployed_bytecode: code } = serde_json::from_str(artefact)?;
        let places = code.immutable_references.into_values().flatten();
        Ok(Self {
            name,
            metadata,
            input,
            code: code.object.to_vec(),
            immutables: places.map(|place| (place.start, place.length)).collect(),
        })
    }

    /// The text of the source that the metadata calls `path`. Explorers write `_` for `@` and `:` in it.
    pub(crate) fn source(&self, path: &str) -> Option<String> {
        let input: Input = serde_json::from_str(self.input).ok()?;
        let plain = |path: &str| path.replace(['@', ':'], "_");
        let mut sources = input.sources.into_iter();
        sources.find(|(of, _)| plain(of) == plain(path)).map(|(_, source)| source.content)
    }

    /// Whether `code` is this build's, whatever its immutables are.
    fn is(&self, code: &[u8]) -> bool {
        if code.len() != self.code.len() {
            return false;
        }
        let mut masked = code.to_vec();
        for (start, length) in &self.immutables {
            let Some(place) = masked.get_mut(*start..start.saturating_add(*length)) else {
                return false;
            };
            place.fill(0);
        }
        masked == self.code
    }
}

/// What a clone delegates to.
fn cloned(code: &[u8]) -> Option<Address> {
    let address = code.strip_prefix(&CLONE.0)?.strip_suffix(&CLONE.1)?;
    Address::try_from(address).ok()
}

#[cfg(test)]
mod tests;
