//! Compiles the contracts with the repository's solc, by the settings of foundry.toml, without forge.
//!
//! Trusts: solc. Prevents: artefacts that cargo builds from and that nobody's sources compile to. The metadata hash at the
//! end of the creation code binds every source and setting, so equal code means equal sources.
//!
//! `cargo test --manifest-path policy-cli/check-artifacts/Cargo.toml --target-dir target/check-artifacts`

use foundry_compilers::artifacts::remappings::Remapping;
use foundry_compilers::artifacts::{
    BytecodeHash, BytecodeObject, EvmVersion, Offsets, Settings, SettingsMetadata,
};
use foundry_compilers::solc::{Solc, SolcCompiler, SolcLanguage, SolcSettings};
use foundry_compilers::{
    ConfigurableArtifacts, ProjectBuilder, ProjectCompileOutput, ProjectPathsConfig,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Why nothing was compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// OpenZeppelin and solc are not installed.
    #[error("{} is missing: run script/setup", path.display())]
    NotInstalled {
        /// What is missing.
        path: PathBuf,
    },
    /// foundry.toml is not what this reads.
    #[error("foundry.toml: {0}")]
    Config(#[from] toml::de::Error),
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// solc could not be run.
    #[error(transparent)]
    Solc(#[from] foundry_compilers::error::SolcError),
    /// solc refuses the sources.
    #[error("{0}")]
    Sources(String),
    /// There is no such contract.
    #[error("{} has no contract {name}", file.display())]
    NoContract {
        /// Where it was looked for.
        file: PathBuf,
        /// Its name.
        name: String,
    },
}

/// The part of foundry.toml that decides the code.
#[derive(Debug, Deserialize)]
struct Profile {
    src: PathBuf,
    libs: Vec<PathBuf>,
    solc: PathBuf,
    remappings: Vec<Word<Remapping>>,
    evm_version: Word<EvmVersion>,
    optimizer: bool,
    optimizer_runs: usize,
    via_ir: bool,
    bytecode_hash: Word<BytecodeHash>,
    cbor_metadata: bool,
}

/// A value that foundry.toml writes as its usual word.
#[derive(Debug)]
struct Word<T>(T);

impl<'de, T: FromStr> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match word.parse() {
            Ok(value) => Ok(Self(value)),
            Err(_) => Err(D::Error::custom(format!("{word:?} is not known here"))),
        }
    }
}

impl Profile {
    fn read(root: &Path) -> Result<Self, CompileError> {
        #[derive(Deserialize)]
        struct Config {
            profile: BTreeMap<String, toml::Value>,
        }
        let path = root.join("foundry.toml");
        let text =
            std::fs::read_to_string(&path).map_err(|source| CompileError::Io { path, source })?;
        let config: Config = toml::from_str(&text)?;
        let default = config.profile.get("default").cloned();
        Ok(default.unwrap_or(toml::Value::Table(toml::Table::new())).try_into()?)
    }

    fn remappings(&self) -> Vec<Remapping> {
        self.remappings.iter().map(|word| word.0.clone()).collect()
    }

    fn settings(&self) -> SolcSettings {
        let mut settings = Settings {
            remappings: self.remappings(),
            metadata: Some(SettingsMetadata {
                use_literal_content: Some(false),
                bytecode_hash: Some(self.bytecode_hash.0),
                cbor_metadata: Some(self.cbor_metadata),
            }),
            evm_version: Some(self.evm_version.0),
            via_ir: Some(self.via_ir),
            ..Settings::default()
        };
        settings.optimizer.enabled = Some(self.optimizer);
        settings.optimizer.runs = Some(self.optimizer_runs);
        SolcSettings { settings, ..SolcSettings::default() }
    }
}

/// What runs after deployment, as the sources compile to it: immutables are zero, libraries are not linked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployedCode {
    /// Source file, from the root.
    pub source: String,
    /// Contract.
    pub name: String,
    /// 0x-hex; an unlinked library is a placeholder of 40 characters.
    pub object: String,
    /// Where each immutable stands.
    pub immutables: Vec<Vec<Place>>,
    /// Where each library's address stands, by its name.
    pub libraries: BTreeMap<String, Vec<Place>>,
}

/// Bytes within a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// First byte.
    pub start: usize,
    /// How many.
    pub length: usize,
}

/// The deployed code of contract `name` in `source` (a path from `root`).
///
/// # Errors
/// As [`creation_code`]; [`CompileError::NoContract`] if the source has no such contract.
pub fn deployed_code(root: &Path, source: &str, name: &str) -> Result<DeployedCode, CompileError> {
    let compiled = compile(root, &[source.to_owned()])?;
    let absent = || CompileError::NoContract { file: source.into(), name: name.into() };
    let contracts = compiled.output().contracts.contracts_with_files();
    let found = contracts.into_iter().find(|(file, found, _)| {
        found.as_str() == name && file.as_path() == Path::new(source)
    });
    let (_, _, contract) = found.ok_or_else(absent)?;
    let deployed = contract.evm.as_ref().and_then(|evm| evm.deployed_bytecode.as_ref());
    let deployed = deployed.ok_or_else(absent)?;
    let code = deployed.bytecode.as_ref().ok_or_else(absent)?;
    let object = match &code.object {
        BytecodeObject::Bytecode(bytes) => bytes.to_string(),
        BytecodeObject::Unlinked(text) => format!("0x{}", text.trim_start_matches("0x")),
    };
    let place = |offset: &Offsets| Place {
        start: usize::try_from(offset.start).unwrap_or(usize::MAX),
        length: usize::try_from(offset.length).unwrap_or(usize::MAX),
    };
    let immutables = deployed.immutable_references.values();
    let libraries = code.link_references.values().flatten();
    Ok(DeployedCode {
        source: source.to_owned(),
        name: name.to_owned(),
        object,
        immutables: immutables.map(|places| places.iter().map(place).collect()).collect(),
        libraries: libraries
            .map(|(library, places)| (library.clone(), places.iter().map(place).collect()))
            .collect(),
    })
}

/// Creation code, 0x-hex, of the contracts in `sources` (paths from `root`), by source and contract.
///
/// # Errors
/// [`CompileError::NotInstalled`] before solc is asked; [`CompileError::Sources`] with solc's own words.
pub fn creation_code(
    root: &Path,
    sources: &[String],
) -> Result<BTreeMap<(String, String), String>, CompileError> {
    let compiled = compile(root, sources)?;
    let mut code = BTreeMap::new();
    for (source, name, contract) in compiled.output().contracts.contracts_with_files() {
        let bytecode = contract.evm.as_ref().and_then(|evm| evm.bytecode.as_ref());
        if let Some(object) = bytecode.and_then(|bytecode| bytecode.object.as_bytes()) {
            code.insert((source.display().to_string(), name.clone()), object.to_string());
        }
    }
    Ok(code)
}

fn compile(
    root: &Path,
    sources: &[String],
) -> Result<ProjectCompileOutput<SolcCompiler>, CompileError> {
    let profile = Profile::read(root)?;
    for needed in profile.libs.iter().chain([&profile.solc]) {
        let path = root.join(needed);
        if !path.exists() {
            return Err(CompileError::NotInstalled { path });
        }
    }
    let paths = ProjectPathsConfig::builder()
        .sources(root.join(&profile.src))
        .remappings(profile.remappings())
        .libs(profile.libs.iter().map(|lib| root.join(lib)))
        .build_with_root::<SolcLanguage>(root);
    let solc = Solc::new(root.join(&profile.solc))?;
    let project = ProjectBuilder::<SolcCompiler>::new(ConfigurableArtifacts::default())
        .paths(paths)
        .settings(profile.settings())
        .offline()
        .ephemeral()
        .no_artifacts()
        .build(SolcCompiler::Specific(solc))?;
    let compiled = project.compile_files(sources.iter().map(|source| root.join(source)))?;
    if compiled.has_compiler_errors() {
        return Err(CompileError::Sources(compiled.to_string()));
    }
    let compiled = compiled.with_stripped_file_prefixes(root);
    Ok(compiled)
}
