//! The events that a bundle proves: an issuance, or a revocation. Spec: docs/spec/bundle.md [BUN-5]. Trusts: the proven log.

use crate::{
    Refusal,
    rules::{Rule, Type, rule},
};
use abi::IssuanceLog::KeyIssued;
use alloy_primitives::{Address, B256, Log, U256, keccak256};
use alloy_sol_types::SolEvent;

/// An event of ours, as its contract emitted it.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) contract: Address,
    pub(crate) topic: B256,
    /// keccak256(abi.encode(all arguments in declared order)).
    pub(crate) args_hash: B256,
    pub(crate) kind: Kind,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Issued(Box<KeyIssued>),
    Revoked(Revoked),
}

/// A revocation.
#[derive(Clone)]
pub(crate) struct Revoked {
    pub(crate) rule: &'static Rule,
    pub(crate) arguments: Arguments,
}

/// abi.encode of arguments in declared order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments(Vec<u8>);

impl Event {
    /// Reads a log; it must be the one encoding of what it says.
    pub(crate) fn read(log: &Log) -> Result<Self, Refusal> {
        let topic = log.topics().first().copied().unwrap_or_default();
        let (arguments, kind) = match rule(topic) {
            Some(rule) => {
                let arguments = Arguments::of(log, rule).ok_or(Refusal::OtherEvent)?;
                (arguments.clone(), Kind::Revoked(Revoked { rule, arguments }))
            }
            None => {
                let event = KeyIssued::decode_log_data_validate(&log.data).ok();
                let event = event.filter(|event| event.encode_log_data() == log.data);
                let event = event.ok_or(Refusal::OtherEvent)?;
                // All are words, the indexed ones first: topics and data are abi.encode of them.
                (
                    Arguments([indexed(log), log.data.data.to_vec()].concat()),
                    Kind::Issued(event.into()),
                )
            }
        };
        let args_hash = keccak256(&arguments.0);
        Ok(Self { contract: log.address, topic, args_hash, kind })
    }

    pub(crate) fn seq(&self) -> u64 {
        match &self.kind {
            Kind::Issued(event) => event.seq,
            // Of every revocation it is the last argument.
            Kind::Revoked(Revoked { rule, arguments }) => {
                arguments.number(rule.arguments.len().saturating_sub(1))
            }
        }
    }
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("contract", &self.contract)
            .field("topic", &self.topic)
            .finish()
    }
}

fn indexed(log: &Log) -> Vec<u8> {
    log.topics().iter().skip(1).flat_map(|word| word.0).collect()
}

impl Arguments {
    pub(crate) fn new(encoded: Vec<u8>) -> Self {
        Self(encoded)
    }

    /// Of a log that has as many topics and words as its event; `None` of another, or if a value is none of its type.
    fn of(log: &Log, rule: &Rule) -> Option<Self> {
        let (count, in_data) =
            (rule.arguments.len(), rule.arguments.len().checked_sub(rule.indexed)?);
        let (heads, tail) = log.data.data.split_at_checked(in_data.checked_mul(32)?)?;
        let mut encoded = indexed(log);
        encoded.extend_from_slice(heads);
        if log.topics().len() != rule.indexed.checked_add(1)? {
            return None;
        }
        if let Some(at) = rule.arguments.iter().position(|(_, kind)| *kind == Type::Text) {
            // Its place is counted from the first head: in the log they are fewer.
            let place = encoded.get_mut(at.checked_mul(32)?..)?.get_mut(..32)?;
            if U256::from_be_slice(place) != U256::from(heads.len()) {
                return None;
            }
            let all = U256::from(count.checked_mul(32)?);
            place.copy_from_slice(&all.to_be_bytes::<32>());
        }
        encoded.extend_from_slice(tail);
        let arguments = Self(encoded);
        let is_typed = rule.arguments.iter().enumerate().all(|(at, (_, kind))| match kind {
            Type::Address => arguments.word(at).starts_with(&[0; 12]),
            Type::Word => true,
            Type::Number => arguments.word(at).starts_with(&[0; 24]),
            Type::Text => arguments.text(at).is_some_and(|text| std::str::from_utf8(text).is_ok()),
        });
        let has_tail = rule.arguments.iter().any(|(_, kind)| *kind == Type::Text);
        (is_typed && (has_tail || tail.is_empty())).then_some(arguments)
    }

    /// Zero beyond the end.
    pub(crate) fn word(&self, at: usize) -> B256 {
        let start = at.saturating_mul(32);
        self.0.get(start..start.saturating_add(32)).map(B256::from_slice).unwrap_or_default()
    }

    pub(crate) fn address(&self, at: usize) -> Address {
        Address::from_word(self.word(at))
    }

    /// The largest where it is larger.
    pub(crate) fn number(&self, at: usize) -> u64 {
        U256::from_be_bytes(self.word(at).0).saturating_to()
    }

    /// Text that ends the encoding, in its one encoding.
    pub(crate) fn text(&self, at: usize) -> Option<&[u8]> {
        let tail = self.0.get(usize::try_from(self.number(at)).ok()?..)?;
        let (length, bytes) = tail.split_at_checked(32)?;
        let length = U256::from_be_slice(length).try_into().ok()?;
        let (text, padding) = bytes.split_at_checked(length)?;
        let is_padded = bytes.len() == length.checked_next_multiple_of(32)?;
        (is_padded && padding.iter().all(|byte| *byte == 0)).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{AllowlistPolicy::DeviceRevoked, AttestationRegistry::AdvisoryDenied};
    use alloy_primitives::{Bytes, LogData};
    use alloy_sol_types::SolValue;

    fn read(data: LogData) -> Result<Event, Refusal> {
        Event::read(&Log { address: Address::repeat_byte(1), data })
    }

    #[test]
    fn text_stands_in_a_trail_as_abi_encode_has_it() {
        // [BUN-5] [BUN-6]
        let root = B256::repeat_byte(2);
        for id in ["", "INTEL-SA-00289", "a text that is longer than thirty-two bytes by some"] {
            let event = AdvisoryDenied { root, advisoryId: id.to_owned(), seq: 7 };
            let read = read(event.encode_log_data()).unwrap();
            let encoded = (root, id.to_owned(), U256::from(7)).abi_encode_params();
            assert_eq!((read.args_hash, read.seq()), (keccak256(encoded), 7));
        }
    }

    #[test]
    fn a_log_with_more_or_less_than_its_event_is_another() {
        // [BUN-5]
        let event = DeviceRevoked {
            appId: Address::repeat_byte(1),
            deviceId: B256::repeat_byte(2),
            reason: 3,
            seq: 4,
        };
        let good = event.encode_log_data();
        assert!(read(good.clone()).is_ok());
        let (topics, data) = (good.topics().to_vec(), good.data.to_vec());
        let log = |topics: &[B256], data: Vec<u8>| {
            read(LogData::new_unchecked(topics.to_vec(), Bytes::from(data)))
        };
        assert!(log(&topics[..2], [topics[2].0.to_vec(), data.clone()].concat()).is_err());
        assert!(log(&topics, data[..32].to_vec()).is_err());
        assert!(log(&topics, [data.clone(), vec![0; 32]].concat()).is_err());
        let wide = [vec![1], data[1..].to_vec()].concat();
        assert!(log(&topics, wide).is_err(), "a reason that is no number");
        let mut other = topics;
        other[1] = B256::repeat_byte(1);
        assert!(log(&other, data).is_err(), "an app that is no address");
        let denied = AdvisoryDenied { root: B256::ZERO, advisoryId: "ab".into(), seq: 1 };
        let denied = denied.encode_log_data();
        for place in [31, 94, 98, 127] {
            let mut data = denied.data.to_vec();
            data[place] ^= 1;
            assert!(log(denied.topics(), data).is_err(), "byte {place}");
        }
    }
}
