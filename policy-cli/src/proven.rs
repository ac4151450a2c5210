//! The chain at one block, proven: what a node would see there, with the crates that nodes decide with.
//!
//! Spec: docs/spec/simulate.md [SIM-1]. Trusts: as many endpoints as network.toml wants to agree on the block's hash, and
//! none of them for what is in it: every account, slot and code is verified against the header before it counts.
//! Events are told, not proven, unless [`crate::trail`] finds them complete.

use crate::{
    chain::{Chain, ChainError, Head, TransportError, cause, http, origin},
    exit::Exit,
    failure::Failure,
    network::Target,
    replay::Outcome,
};
use alloy::primitives::{Address, B256, Bytes, U64};
use alloy::providers::{DynProvider, Provider};
use alloy::sol_types::SolCall;
use alloy::transports::http::reqwest;
use light_client::{
    AgreeError, AgreementError, BlockRef, EndpointClaim, EndpointId, FactLimits, ForgedHeader,
    HeadSource, HeaderChain, Hints, Missing, MissingAt, NotOnChain, ProofError, ProvenState,
    RawAccountProof, RawHeader, SealedHeader,
};
use policy::{AsksForFact, ChainRules, ForkSchedule, ReadError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Facts that one run may ask for, one after another.
const MAX_FETCHES: usize = 4_096;

/// Which block is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Finalized,
    Latest,
    Number(u64),
    /// The user vouches for the hash.
    Hash(B256),
}

/// Why there is no proven answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvenError {
    #[error("{endpoint} lied: {source}")]
    Forged { endpoint: String, source: Box<ProofError> },
    #[error("{endpoint} lied: {source}")]
    ForgedHeader { endpoint: String, source: ForgedHeader },
    #[error("{endpoint} told block {actual} for {expected}")]
    AnotherBlock { endpoint: String, expected: B256, actual: BlockRef },
    #[error("the endpoints do not agree on the block: {0}")]
    NoAgreement(#[from] AgreeError),
    #[error("chain.agree: {0}")]
    Agreement(#[from] AgreementError),
    #[error(transparent)]
    NotOnChain(#[from] NotOnChain),
    #[error("{0}, and it can't be proven here")]
    Unprovable(MissingAt),
    #[error("a run needs more than {MAX_FETCHES} facts of the chain")]
    TooManyFacts,
    #[error("{0}")]
    Read(Box<ReadError>),
    #[error("{0}")]
    Run(String),
    #[error("{endpoint} hides or changes events of {contract}: {outcome}")]
    EventsHidden { endpoint: String, contract: Address, outcome: Outcome },
}

impl ProvenError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Agreement(_) => Exit::Usage,
            Self::Read(_) => Exit::NotFound,
            Self::Run(_) => Exit::Internal,
            Self::Forged { .. }
            | Self::ForgedHeader { .. }
            | Self::AnotherBlock { .. }
            | Self::NoAgreement(_)
            | Self::NotOnChain(_)
            | Self::Unprovable(_)
            | Self::TooManyFacts
            | Self::EventsHidden { .. } => Exit::Network,
        }
    }

    pub(crate) fn hints(&self) -> Vec<String> {
        match self {
            Self::Forged { .. }
            | Self::ForgedHeader { .. }
            | Self::AnotherBlock { .. }
            | Self::EventsHidden { .. } => vec!["ask another endpoint: --rpc-url URL".into()],
            Self::Read(_) => vec!["--network names another network, or --block is too old".into()],
            _ => Vec::new(),
        }
    }
}

impl From<ReadError> for ProvenError {
    fn from(error: ReadError) -> Self {
        Self::Read(Box::new(error))
    }
}

impl From<policy::CallError> for ProvenError {
    fn from(error: policy::CallError) -> Self {
        Self::Run(error.to_string())
    }
}

impl From<policy::DecideError> for ProvenError {
    fn from(error: policy::DecideError) -> Self {
        Self::Run(error.to_string())
    }
}

/// One network at one proven block.
pub(crate) struct Proven {
    /// Its head is the proven block.
    pub(crate) chain: Chain,
    pub(crate) rules: ChainRules,
    pub(crate) state: ProvenState,
    /// Why the block's hash is believed, in words.
    pub(crate) source: String,
}

impl Proven {
    /// Connects, agrees on the block and proves its header.
    pub(crate) async fn connect(target: Target, at: At) -> Result<Self, Failure> {
        let endpoints = target.endpoints.clone();
        let agree = target.network.chain.agree.min(endpoints.len());
        let fork = target.network.chain.fork;
        let mut chain = Chain::connect(target).await?;
        let (block, source) = agreed(&chain, &endpoints, agree, at).await?;
        let header = header(&chain, block).await?;
        let headers = HeaderChain::new(header.block());
        let state = headers
            .open(header, FactLimits::STATE, &Hints::new())
            .map_err(ProvenError::NotOnChain)?;
        let BlockRef { number, hash } = state.block();
        chain.head = Head { number, hash, time: state.header().timestamp().0 };
        let rules =
            ChainRules { chain_id: chain.network.chain.id, forks: ForkSchedule::constant(fork) };
        Ok(Self { chain, rules, state, source })
    }

    /// Runs `run`; what it finds missing is fetched, verified and inserted, and it runs again.
    pub(crate) async fn run<T, E: AsksForFact>(
        &mut self,
        mut run: impl FnMut(&ChainRules, &ProvenState) -> Result<T, E>,
    ) -> Result<Result<T, E>, Failure> {
        for _ in 0..MAX_FETCHES {
            let outcome = run(&self.rules, &self.state);
            match outcome.as_ref().err().and_then(AsksForFact::missing) {
                None => return Ok(outcome),
                Some(missing) => self.supply(missing).await?,
            }
        }
        Err(ProvenError::TooManyFacts.into())
    }

    /// A view at the proven block.
    pub(crate) async fn read<C: SolCall>(
        &mut self,
        to: Address,
        view: &C,
    ) -> Result<C::Return, Failure> {
        let answer = self.run(|rules, state| policy::read(rules, state, to, view)).await?;
        Ok(answer.map_err(ProvenError::from)?)
    }

    async fn supply(&mut self, wanted: MissingAt) -> Result<(), Failure> {
        let id = json!({ "blockHash": wanted.block.hash });
        let forged = |endpoint: String| {
            move |source| ProvenError::Forged { endpoint, source: Box::new(source) }
        };
        let endpoint = self.chain.endpoint.clone();
        match (wanted.missing, wanted.proof_request()) {
            (Missing::Code { address, .. }, _) => {
                let code: Bytes = self.ask("eth_getCode", json!([address, id])).await?;
                self.state.insert_code(address, code).map_err(forged(endpoint))?;
            }
            (_, Some(request)) => {
                let slots: Vec<B256> = request.slots.iter().map(|slot| B256::from(*slot)).collect();
                let proof: RawAccountProof =
                    self.ask("eth_getProof", json!([request.address, slots, id])).await?;
                self.state.insert_proof(&request, &proof).map_err(forged(endpoint))?;
            }
            (_, None) => return Err(ProvenError::Unprovable(wanted).into()),
        }
        Ok(())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Value,
    ) -> Result<T, ChainError> {
        ask(&self.chain.provider, &self.chain.endpoint, method, params).await
    }
}

/// The block's hash, as enough endpoints tell it.
async fn agreed(
    chain: &Chain,
    endpoints: &[String],
    agree: usize,
    at: At,
) -> Result<(B256, String), Failure> {
    let tag = match at {
        At::Hash(hash) => return Ok((hash, "as named on the command line".to_owned())),
        At::Finalized => json!("finalized"),
        At::Latest => json!("latest"),
        At::Number(number) => json!(U64::from(number)),
    };
    let source = HeadSource::agreement(agree, endpoints.len()).map_err(ProvenError::Agreement)?;
    let mut numbers = Vec::new();
    let mut last = None;
    for endpoint in endpoints {
        match block_ref(endpoint, &tag).await {
            Ok(block) => numbers.push(block.number),
            Err(error) => last = Some(error),
        }
    }
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    let Some(number) = numbers.get(agree.saturating_sub(1)).copied() else {
        let what = "that enough endpoints have";
        let nobody = ChainError::NoBlock { endpoint: chain.endpoint.clone(), what };
        return Err(last.unwrap_or(nobody).into());
    };
    let mut claims = Vec::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        if let Ok(block) = block_ref(endpoint, &json!(U64::from(number))).await {
            let endpoint = EndpointId(index);
            claims.push(EndpointClaim { endpoint, latest: block, finalized: block, also: vec![] });
        }
    }
    let agreed = source.agree(&claims).map_err(ProvenError::NoAgreement)?;
    Ok((agreed.head.hash, format!("as {agree} of {} endpoints say", endpoints.len())))
}

async fn block_ref(endpoint: &str, at: &Value) -> Result<BlockRef, ChainError> {
    let unusable = || ChainError::Unreachable {
        endpoint: endpoint.chars().take(24).collect(),
        cause: "not a URL".to_owned(),
    };
    let url: reqwest::Url = endpoint.parse().map_err(|_| unusable())?;
    let shown = origin(&url);
    let told: RawHeader =
        ask(&http(url), &shown, "eth_getBlockByNumber", json!([at, false])).await?;
    Ok(BlockRef::new(told.header.number, told.hash))
}

async fn header(chain: &Chain, hash: B256) -> Result<SealedHeader, Failure> {
    let endpoint = chain.endpoint.clone();
    let told: RawHeader =
        ask(&chain.provider, &endpoint, "eth_getBlockByHash", json!([hash, false])).await?;
    let header = told
        .seal()
        .map_err(|source| ProvenError::ForgedHeader { endpoint: endpoint.clone(), source })?;
    if header.hash() != hash {
        let actual = header.block();
        return Err(ProvenError::AnotherBlock { endpoint, expected: hash, actual }.into());
    }
    Ok(header)
}

async fn ask<T: DeserializeOwned>(
    provider: &DynProvider,
    endpoint: &str,
    method: &'static str,
    params: Value,
) -> Result<T, ChainError> {
    let failed = |error: &TransportError| ChainError::Rpc {
        endpoint: endpoint.to_owned(),
        what: method,
        cause: cause(error),
    };
    let answer: Value =
        provider.raw_request(method.into(), params).await.map_err(|error| failed(&error))?;
    if answer.is_null() {
        let what = "of that number or hash";
        return Err(ChainError::NoBlock { endpoint: endpoint.to_owned(), what });
    }
    serde_json::from_value(answer).map_err(|error| ChainError::Rpc {
        endpoint: endpoint.to_owned(),
        what: method,
        cause: error.to_string(),
    })
}
