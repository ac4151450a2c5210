//! Calls, events and errors of our contracts in words, decoded from the bytes themselves.
//!
//! What is shown before signing comes from the calldata that is signed, not from what the verb meant to build.

use crate::{
    Call,
    inner::{MAX_DEPTH, Unreadable, inner_calls},
    words,
};
use alloy_dyn_abi::{DynSolValue, EventExt, JsonAbiExt};
use alloy_json_abi::{Event, Function, JsonAbi, Param};
use alloy_primitives::{B256, hex, utils::format_ether};
use alloy_sol_types::{Panic, Revert, SolError};
use serde_json::{Map, Value, json};

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
/// [`Unreadable`] if a wrapper does not decode, or there are more than [`MAX_DEPTH`] within each other.
pub fn shown_calls(interfaces: &Interfaces, calls: &[Call]) -> Result<Vec<ShownCall>, Unreadable> {
    fn shown(interfaces: &Interfaces, call: &Call, depth: usize) -> Result<ShownCall, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable { at: call.to, function: "a wrapper" });
        }
        let inner = inner_calls(call)?;
        let inner = inner.iter().map(|call| shown(interfaces, call, depth.saturating_add(1)));
        Ok(ShownCall {
            decoded: interfaces.call(&call.calldata),
            inner: inner.collect::<Result<_, _>>()?,
            call: call.clone(),
        })
    }
    calls.iter().map(|call| shown(interfaces, call, 1)).collect()
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
pub struct Interfaces(Vec<(&'static str, JsonAbi)>);

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
        Self(
            artefacts
                .into_iter()
                .filter_map(|(contract, text)| {
                    let artefact: Artefact = serde_json::from_str(text).ok()?;
                    Some((contract, artefact.abi))
                })
                .collect(),
        )
    }

    /// The event with this topic, if it carries `seq` and so belongs to a trail. An event of one name and shape is the same
    /// in every contract of ours.
    pub fn trail_event(&self, topic: B256) -> Option<&Event> {
        let events = self.0.iter().flat_map(|(_, abi)| abi.events());
        let mut carriers =
            events.filter(|event| event.inputs.last().is_some_and(|input| input.name == "seq"));
        carriers.find(|event| event.selector() == topic)
    }

    /// Whether any of our contracts has an event of this name.
    pub fn has_event(&self, name: &str) -> bool {
        self.0.iter().any(|(_, abi)| abi.events().any(|event| event.name == name))
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

    /// The function that these bytes call, and its arguments as they stand in its interface.
    pub fn function(&self, calldata: &[u8]) -> Option<(&'static str, &Function, Vec<DynSolValue>)> {
        let (selector, input) = calldata.split_first_chunk::<4>()?;
        self.0.iter().find_map(|(contract, abi)| {
            let function = abi.functions().find(|function| function.selector() == *selector)?;
            let values = function.abi_decode_input(input).ok()?;
            Some((*contract, function, values))
        })
    }

    /// The event in a log.
    pub fn event(&self, topics: &[B256], data: &[u8]) -> Option<Decoded> {
        let topic0 = topics.first()?;
        self.0.iter().find_map(|(contract, abi)| {
            let event = abi.events().find(|event| {
                let indexed = event.inputs.iter().filter(|input| input.indexed).count();
                event.selector() == *topic0 && indexed.saturating_add(1) == topics.len()
            })?;
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
            self.0.iter().find_map(|(contract, abi)| {
                let error = abi.errors().find(|error| error.selector() == *selector)?;
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
        assert_eq!(Interfaces::ours().0.len(), 11);
    }
}
