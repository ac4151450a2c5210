//! Events that are proven complete: the trail of a contract, recomputed from told events and compared with its proven slot.
//! Spec: docs/spec/trail.md [TRAIL-1], docs/spec/simulate.md [SIM-4]. Trusts: nothing that is told.

use crate::{decode::Interfaces, failure::Failure, proven::Proven, proven::ProvenError};
use abi::IssuanceLog;
use alloy::dyn_abi::{DynSolValue, EventExt};
use alloy::json_abi::JsonAbi;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolValue;

/// How many events a contract has had, and the low 192 bits of the running hash over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trail {
    seq: u64,
    head: U256,
}

impl Trail {
    fn first(chain_id: u64, contract: Address) -> Self {
        let hash = keccak256((U256::from(chain_id), contract).abi_encode());
        Self { seq: 0, head: low_192(hash) }
    }

    fn enter(&mut self, topic0: B256, arguments: &[u8]) {
        let leaf = keccak256((topic0, keccak256(arguments)).abi_encode());
        self.seq = self.seq.saturating_add(1);
        self.head = low_192(keccak256((self.head, U256::from(self.seq), leaf).abi_encode()));
    }
}

fn low_192(hash: B256) -> U256 {
    U256::from_be_bytes(hash.0) & ((U256::from(1) << 192) - U256::from(1))
}

/// The events of `contract` up to the proven block, none missing, none added, none changed: its proven trail says so.
/// Events that carry no `seq` are left out. `kinds` are the artefacts that the contract may be of.
pub(crate) async fn events(
    proven: &mut Proven,
    interfaces: &Interfaces,
    kinds: &[&str],
    contract: Address,
) -> Result<Vec<Log>, Failure> {
    // `trail()` is the same function in each of our contracts.
    let answer = proven.read(contract, &IssuanceLog::trailCall {}).await?;
    let expected = Trail { seq: answer.seq, head: U256::from(answer.head) };
    let told = logs(proven, contract).await?;
    let abis: Vec<&JsonAbi> = kinds.iter().filter_map(|kind| interfaces.of(kind)).collect();
    let mut trail = Trail::first(proven.rules.chain_id, contract);
    let mut events = Vec::new();
    for log in told {
        if let Some(arguments) = abis.iter().find_map(|abi| arguments(abi, &log)) {
            trail.enter(log.topics().first().copied().unwrap_or_default(), &arguments);
            events.push(log);
        }
    }
    if trail != expected {
        let endpoint = proven.chain.endpoint.clone();
        let (told, proven) = (trail.seq, expected.seq);
        return Err(ProvenError::EventsHidden { endpoint, contract, told, proven }.into());
    }
    Ok(events)
}

/// Every event of `contract` up to the proven block, as told.
pub(crate) async fn logs(proven: &Proven, contract: Address) -> Result<Vec<Log>, Failure> {
    let filter = Filter::new().address(contract).from_block(0).to_block(proven.chain.head.number);
    let logs = proven.chain.provider.get_logs(&filter).await;
    let mut logs = logs.map_err(|error| proven.chain.failed("eth_getLogs", &error))?;
    logs.sort_by_key(|log| (log.block_number, log.log_index));
    Ok(logs)
}

/// abi.encode of all arguments in declared order, if the event is one of the trail.
fn arguments(abi: &JsonAbi, log: &Log) -> Option<Vec<u8>> {
    let topic0 = log.topics().first()?;
    let event = abi.events().find(|event| event.selector() == *topic0)?;
    event.inputs.last().filter(|input| input.name == "seq")?;
    let decoded = event.decode_log_parts(log.topics().iter().copied(), &log.data().data).ok()?;
    let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
    let mut values = Vec::new();
    for input in &event.inputs {
        values.push(if input.indexed { indexed.next() } else { body.next() }?);
    }
    Some(DynSolValue::Tuple(values).abi_encode_params())
}
