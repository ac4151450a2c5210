//! The two events that a bundle proves. Spec: docs/spec/bundle.md [BUN-5]. Trusts: the proven log.

use crate::Refusal;
use abi::{AllowlistPolicy, IssuanceLog};
use alloy_primitives::{Address, B256, Log, keccak256};
use alloy_sol_types::SolEvent;

/// An event of ours, as its contract emitted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) contract: Address,
    pub(crate) topic: B256,
    /// keccak256(abi.encode(all arguments in declared order)).
    pub(crate) args_hash: B256,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Issued(IssuanceLog::KeyIssued),
    Revoked(AllowlistPolicy::ComposeHashRevoked),
}

impl Event {
    /// Reads a log; it must be the one encoding of what it says.
    pub(crate) fn read(log: &Log) -> Result<Self, Refusal> {
        let topic = log.topics().first().copied().unwrap_or_default();
        let kind = match topic {
            IssuanceLog::KeyIssued::SIGNATURE_HASH => {
                let event = IssuanceLog::KeyIssued::decode_log_data_validate(&log.data);
                event.ok().filter(|event| event.encode_log_data() == log.data).map(Kind::Issued)
            }
            AllowlistPolicy::ComposeHashRevoked::SIGNATURE_HASH => {
                let event =
                    AllowlistPolicy::ComposeHashRevoked::decode_log_data_validate(&log.data);
                event.ok().filter(|event| event.encode_log_data() == log.data).map(Kind::Revoked)
            }
            _ => None,
        };
        // Of both events all arguments are words, the indexed ones first: topics and data are abi.encode of them.
        let mut arguments: Vec<u8> = log.topics().iter().skip(1).flat_map(|word| word.0).collect();
        arguments.extend_from_slice(&log.data.data);
        Ok(Self {
            contract: log.address,
            topic,
            args_hash: keccak256(arguments),
            kind: kind.ok_or(Refusal::OtherEvent)?,
        })
    }

    pub(crate) fn seq(&self) -> u64 {
        match &self.kind {
            Kind::Issued(event) => event.seq,
            Kind::Revoked(event) => event.seq,
        }
    }
}
