//! Calls, events and errors of our contracts in words, decoded from the bytes themselves.
//!
//! What is shown before signing comes from the calldata that is signed, not from what the verb meant to build.

use crate::{
    Call,
    inner::{Budget, Unreadable, inner_calls},
    measure, words,
};
use alloy_dyn_abi::{DynSolType, DynSolValue, EventExt, JsonAbiExt, Specifier};
use alloy_json_abi::{Event, Function, JsonAbi, Param};
use alloy_primitives::{B256, Selector, hex, utils::format_ether};
use alloy_sol_types::{Panic, Revert, SolError};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// A value, by its path in the interface: `app.policy.uri`.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its names, joined by dots.
    pub path: String,
    value: DynSolValue,
}

impl Argument {
    /// As it was decoded.
    pub fn value(&self) -> &DynSolValue {
        &self.value
    }

    /// For people.
    pub fn words(&self) -> String {
        words::value(self.path.rsplit('.').next().unwrap_or_default(), &self.value)
    }
}

/// A name and its arguments, flattened, in the interface's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// Whose interface has it.
    pub contract: &'static str,
    /// Of the function, event or error.
    pub name: String,
    /// In the interface's order.
    pub arguments: Vec<Argument>,
}

impl Decoded {
    /// Whether it names this app.
    pub fn is_of(&self, app: alloy_primitives::Address) -> bool {
        let is_it = |argument: &Argument| argument.value.as_address() == Some(app);
        self.arguments.iter().any(|argument| argument.path == "appId" && is_it(argument))
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let arguments: Map<String, Value> = self
            .arguments
            .iter()
            .map(|argument| (argument.path.clone(), words::json(&argument.value)))
            .collect();
        json!({ "contract": self.contract, "name": self.name, "arguments": arguments })
    }
}

impl Decoded {
    /// A line for the name and one for each argument whose path is not `hidden`.
    pub fn block(&self, hidden: impl Fn(&str) -> bool) -> String {
        let shown: Vec<&Argument> =
            self.arguments.iter().filter(|argument| !hidden(&argument.path)).collect();
        let width = shown.iter().map(|argument| argument.path.len()).max().unwrap_or_default();
        let mut text = format!("{}.{}", self.contract, self.name);
        for argument in shown {
            text.push_str(&format!("\n{:<width$}  {}", argument.path, argument.words()));
        }
        text
    }
}

/// A call within another, in words as far as it is one of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownCall {
    /// Its bytes.
    pub call: Call,
    /// Its words, if it is one of ours.
    pub decoded: Option<Decoded>,
    /// What it makes others do, in order.
    pub inner: Vec<ShownCall>,
}

/// Calls within calls, all the way down.
///
/// # Errors
/// [`Unreadable`] if a wrapper does not decode, there are more than [`MAX_DEPTH`](crate::inner::MAX_DEPTH) within each other, or
/// they are too many or too large.
pub fn shown_calls(interfaces: &Interfaces, calls: &[Call]) -> Result<Vec<ShownCall>, Unreadable> {
    fn shown(
        interfaces: &Interfaces,
        call: &Call,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<ShownCall, Unreadable> {
        budget.take(call, depth)?;
        let inner = inner_calls(call)?;
        let inner =
            inner.iter().map(|call| shown(interfaces, call, depth.saturating_add(1), budget));
        Ok(ShownCall {
            inner: inner.collect::<Result<_, _>>()?,
            decoded: interfaces.call(&call.calldata),
            call: call.clone(),
        })
    }
    let mut budget = Budget::new();
    calls.iter().map(|call| shown(interfaces, call, 0, &mut budget)).collect()
}

/// The same, where something has to be shown: a call that can't be read has no words, as one that is none of ours.
pub fn shown_as_readable(interfaces: &Interfaces, calls: &[Call]) -> Vec<ShownCall> {
    fn shown(interfaces: &Interfaces, call: &Call, depth: usize, budget: &mut Budget) -> ShownCall {
        let inner = budget.take(call, depth).and_then(|()| inner_calls(call));
        let Ok(inner) = inner else {
            return ShownCall { call: call.clone(), decoded: None, inner: Vec::new() };
        };
        let deeper = depth.saturating_add(1);
        ShownCall {
            inner: inner.iter().map(|call| shown(interfaces, call, deeper, budget)).collect(),
            decoded: interfaces.call(&call.calldata),
            call: call.clone(),
        }
    }
    let mut budget = Budget::new();
    calls.iter().map(|call| shown(interfaces, call, 0, &mut budget)).collect()
}

impl ShownCall {
    /// Whether this call, or one within it, is none of ours.
    pub fn is_unknown(&self) -> bool {
        self.decoded.is_none() || self.inner.iter().any(Self::is_unknown)
    }

    /// Whether this very call is none of ours.
    pub fn is_unnamed(&self) -> bool {
        self.decoded.is_none()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let mut call = match self.decoded.as_ref().map(Decoded::to_json) {
            Some(Value::Object(call)) => call,
            _ => Map::new(),
        };
        call.insert("to".into(), json!(self.call.to));
        call.insert("value".into(), json!(self.call.value.to_string()));
        call.insert("calldata".into(), json!(self.call.calldata));
        call.insert("calls".into(), self.inner.iter().map(Self::to_json).collect());
        Value::Object(call)
    }
}

impl std::fmt::Display for ShownCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.decoded {
            Some(decoded) => write!(f, "{}", decoded.block(|_| false))?,
            None => write!(f, "UNKNOWN, no call of ours: {}", self.call.calldata)?,
        }
        if !self.call.to.is_zero() {
            write!(f, "\non {}", words::account(self.call.to))?;
        }
        if !self.call.value.is_zero() {
            write!(f, "\nwith {} ether", format_ether(self.call.value))?;
        }
        for inner in &self.inner {
            let inner = inner.to_string().replace('\n', "\n  ");
            write!(f, "\nwhich calls\n  {inner}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Decoded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| format!("{}: {}", argument.path, argument.words()))
            .collect();
        write!(f, "{}({})", self.name, arguments.join(", "))
    }
}

/// The interfaces of our contracts and of OpenZeppelin's that govern them, from the committed artefacts.
#[derive(Clone, Debug)]
pub struct Interfaces {
    contracts: Vec<(&'static str, JsonAbi)>,
    /// Every function by its selector, in the order of the contracts.
    functions: HashMap<Selector, Vec<Known>>,
}

/// A function that one of the contracts has.
#[derive(Clone, Debug)]
struct Known {
    contract: &'static str,
    function: Function,
    inputs: Vec<DynSolType>,
}

macro_rules! artefacts {
    ($($contract:literal),*) => {
        [$(($contract, include_str!(concat!("../../../contracts/artifacts/", $contract, ".json")))),*]
    };
}

impl Interfaces {
    /// All of them.
    pub fn ours() -> Self {
        #[derive(serde::Deserialize)]
        struct Artefact {
            abi: JsonAbi,
        }
        // The more particular contract first: AppRegistry's ABI also has functions of the policies that it calls.
        let artefacts = artefacts![
            "AllowlistPolicy",
            "AppRegistry",
            "KmsCommittee",
            "AttestationRegistry",
            "KmsCeremony",
            "IssuanceLog",
            "QuorateGovernor",
            "AccessManager",
            "AllOfPolicy",
            "LicensePolicy",
            "VotesToken"
        ];
        let contracts = artefacts.into_iter().filter_map(|(contract, text)| {
            let artefact: Artefact = serde_json::from_str(text).ok()?;
            Some((contract, artefact.abi))
        });
        let contracts: Vec<_> = contracts.collect();
        let mut functions: HashMap<Selector, Vec<Known>> = HashMap::new();
        for (contract, abi) in &contracts {
            for function in abi.functions() {
                let inputs = function.inputs.iter().map(Specifier::resolve).collect();
                let Ok(inputs) = inputs else { continue };
                let known = Known { contract, function: function.clone(), inputs };
                functions.entry(function.selector()).or_default().push(known);
            }
        }
        Self { contracts, functions }
    }

    /// The event with this topic, if it carries `seq` and so belongs to a trail. An event of one name and shape is the same
    /// in every contract of ours.
    pub fn trail_event(&self, topic: B256) -> Option<&Event> {
        let events = self.contracts.iter().flat_map(|(_, abi)| abi.events());
        let mut carriers =
            events.filter(|event| event.inputs.last().is_some_and(|input| input.name == "seq"));
        carriers.find(|event| event.selector() == topic)
    }

    /// Whether any of our contracts has an event of this name.
    pub fn has_event(&self, name: &str) -> bool {
        self.contracts.iter().any(|(_, abi)| abi.events().any(|event| event.name == name))
    }

    /// The call in these bytes, if one of our contracts has it.
    pub fn call(&self, calldata: &[u8]) -> Option<Decoded> {
        let (contract, function, values) = self.function(calldata)?;
        Some(Decoded {
            contract,
            name: function.name.clone(),
            arguments: flatten(&function.inputs, &values),
        })
    }

    /// The function that these bytes call, and its arguments as they stand in its interface. None if they would be longer than
    /// the bytes: parts of those overlap.
    pub fn function(&self, calldata: &[u8]) -> Option<(&'static str, &Function, Vec<DynSolValue>)> {
        let (selector, input) = calldata.split_first_chunk::<4>()?;
        self.functions.get(selector)?.iter().find_map(|known| {
            if !measure::fits(&known.inputs, input) {
                return None;
            }
            let values = known.function.abi_decode_input(input).ok()?;
            Some((known.contract, &known.function, values))
        })
    }

    /// The event in a log.
    pub fn event(&self, topics: &[B256], data: &[u8]) -> Option<Decoded> {
        let topic0 = topics.first()?;
        self.contracts.iter().find_map(|(contract, abi)| {
            let event = abi.events().find(|event| {
                let indexed = event.inputs.iter().filter(|input| input.indexed).count();
                event.selector() == *topic0 && indexed.saturating_add(1) == topics.len()
            })?;
            let inputs = event.inputs.iter().filter(|input| !input.indexed).map(Specifier::resolve);
            let inputs: Vec<DynSolType> = inputs.collect::<Result<_, _>>().ok()?;
            if !measure::fits(&inputs, data) {
                return None;
            }
            let decoded = event.decode_log_parts(topics.iter().copied(), data).ok()?;
            let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
            let mut arguments = Vec::new();
            for input in &event.inputs {
                let value = if input.indexed { indexed.next() } else { body.next() }?;
                push(&mut arguments, &input.name, &input.components, &value);
            }
            Some(Decoded { contract, name: event.name.clone(), arguments })
        })
    }

    /// A revert by name: a custom error of ours, `Error(string)` or `Panic(uint256)`; else its bytes.
    pub fn revert(&self, data: &[u8]) -> String {
        if data.is_empty() {
            return "a revert without a reason".to_owned();
        }
        let ours = data.split_first_chunk::<4>().and_then(|(selector, input)| {
            self.contracts.iter().find_map(|(contract, abi)| {
                let error = abi.errors().find(|error| error.selector() == *selector)?;
                let inputs: Vec<DynSolType> =
                    error.inputs.iter().map(Specifier::resolve).collect::<Result<_, _>>().ok()?;
                if !measure::fits(&inputs, input) {
                    return None;
                }
                let values = error.abi_decode_input(input).ok()?;
                Some(Decoded {
                    contract,
                    name: error.name.clone(),
                    arguments: flatten(&error.inputs, &values),
                })
            })
        });
        if let Some(decoded) = ours {
            return decoded.to_string();
        }
        if let Ok(revert) = Revert::abi_decode(data) {
            return format!("Error({:?})", revert.reason);
        }
        match Panic::abi_decode(data) {
            Ok(panic) => format!("Panic({:#x})", panic.code),
            Err(_) => format!("an unknown error, {}", hex::encode_prefixed(data)),
        }
    }
}

fn flatten(params: &[Param], values: &[DynSolValue]) -> Vec<Argument> {
    let mut arguments = Vec::new();
    for (param, value) in params.iter().zip(values) {
        push(&mut arguments, &param.name, &param.components, value);
    }
    arguments
}

/// Structs become one argument per field, so that each has its name beside it; lists stay one.
fn push(arguments: &mut Vec<Argument>, path: &str, components: &[Param], value: &DynSolValue) {
    match value {
        DynSolValue::Tuple(fields) | DynSolValue::CustomStruct { tuple: fields, .. } => {
            for (field, value) in components.iter().zip(fields) {
                push(arguments, &format!("{path}.{}", field.name), &field.components, value);
            }
        }
        _ => arguments.push(Argument { path: path.to_owned(), value: value.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{AllowlistPolicy, AppRegistry, app_registry};
    use alloy_primitives::{Address, U256};
    use alloy_sol_types::{PanicKind, SolCall, SolEvent};

    #[test]
    fn a_call_is_shown_field_by_field_from_its_bytes() {
        let call = AppRegistry::createAppCall {
            app: app_registry::AppRegistry::NewApp {
                salt: B256::ZERO,
                owner: Address::repeat_byte(1),
                guardian: Address::ZERO,
                vendors: vec![B256::right_padding_from(b"intel")],
                lockPolicy: true,
                policy: app_registry::AppRegistry::PolicySetup {
                    grantDelaySeconds: 3600,
                    requireTcbUpToDate: false,
                    allowAnyDevice: true,
                    composeHash: B256::repeat_byte(2),
                    uri: "https://example.org".into(),
                    deviceIds: vec![],
                    measurements: vec![],
                },
            },
        };
        let decoded = Interfaces::ours().call(&call.abi_encode()).unwrap();
        assert_eq!((decoded.contract, decoded.name.as_str()), ("AppRegistry", "createApp"));
        let shown: Vec<(&str, String)> = decoded
            .arguments
            .iter()
            .map(|argument| (argument.path.as_str(), argument.words()))
            .collect();
        assert!(shown.contains(&("app.guardian", "nobody (zero address)".into())));
        assert!(shown.contains(&("app.vendors", "intel".into())));
        assert!(shown.contains(&("app.policy.allowAnyDevice", "yes".into())));
        assert!(shown.contains(&("app.policy.grantDelaySeconds", "3600 (1 h)".into())));
        assert_eq!(decoded.to_json()["arguments"]["app.policy.grantDelaySeconds"], 3600);
    }

    #[test]
    fn bytes_that_are_no_call_of_ours_do_not_decode() {
        let interfaces = Interfaces::ours();
        assert!(interfaces.call(&[]).is_none());
        assert!(interfaces.call(&[0xde, 0xad, 0xbe, 0xef]).is_none());
        let call = AllowlistPolicy::revokeComposeHashCall { composeHash: B256::ZERO, reason: 1 };
        let whole = call.abi_encode();
        assert!(interfaces.call(&whole).is_some());
        assert!(interfaces.call(&whole[..whole.len() - 1]).is_none());
    }

    #[test]
    fn events_and_errors_are_named() {
        let interfaces = Interfaces::ours();
        let event = AllowlistPolicy::ComposeHashRevoked {
            appId: Address::repeat_byte(1),
            composeHash: B256::repeat_byte(2),
            reason: 2,
            seq: 7,
        };
        let log = event.encode_log_data();
        let decoded = interfaces.event(log.topics(), &log.data).unwrap();
        assert!(decoded.to_string().ends_with("reason: 2 (compromised), seq: 7)"), "{decoded}");
        assert!(interfaces.event(&log.topics()[..2], &log.data).is_none());
        assert!(interfaces.event(&[], &log.data).is_none());

        let error = AppRegistry::AppNotRegistered { appId: Address::repeat_byte(1) };
        assert_eq!(
            interfaces.revert(&error.abi_encode()),
            "AppNotRegistered(appId: 0x0101010101010101010101010101010101010101)"
        );
        let revert = Revert::from("no\u{1b}");
        assert_eq!(interfaces.revert(&revert.abi_encode()), "Error(\"no\\u{1b}\")");
        let panic = Panic { code: U256::from(PanicKind::UnderOverflow as u32) };
        assert_eq!(interfaces.revert(&panic.abi_encode()), "Panic(0x11)");
        assert_eq!(interfaces.revert(&[]), "a revert without a reason");
        assert_eq!(interfaces.revert(&[1, 2]), "an unknown error, 0x0102");
    }

    #[test]
    fn every_artefact_has_an_interface() {
        assert_eq!(Interfaces::ours().contracts.len(), 11);
    }
}
