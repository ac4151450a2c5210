//! `quorate app policy`: what judges an app's enclaves, and its replacement.

use crate::{
    apps::App,
    chain::{Chain, ChainError},
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::Output,
    reason,
    send::{SendArgs, line},
    values,
    words::{account, moment},
};
use abi::{AllOfPolicy, AppRegistry, LicensePolicy};
use alloy::primitives::Address;
use clap::Args;
use serde_json::{Map, Value, json};

const AFTER: &str = "A policy that AppRegistry's factory did not make is foreign: read its code. Replacing the policy waits the grant delay.

Example:
  quorate app policy 0x1111111111111111111111111111111111111111 --set 0x2222222222222222222222222222222222222222 --network network.toml";

/// Shows an app's policy contract, or replaces it after the grant delay
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Policy {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// Replace it by this contract, after the grant delay; the owner sends it
    #[arg(long, value_name = "POLICY", value_parser = values::address, conflicts_with = "cancel")]
    set: Option<Address>,
    /// Cancel a replacement that is on its way; the owner or the guardian sends it
    #[arg(long, requires = "reason")]
    cancel: bool,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse, requires = "cancel")]
    reason: Option<u8>,
    #[command(flatten)]
    send: SendArgs,
}

impl Policy {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        if let Some(policy) = self.set {
            let call = AppRegistry::setPolicyCall { appId: self.app, policy };
            let schema = "quorate.app.policy.set";
            return super::grant((&chain, &app), schema, &call, &self.send, output).await;
        }
        if let (true, Some(reason)) = (self.cancel, self.reason) {
            let call = AppRegistry::cancelPolicyChangeCall { appId: self.app, reason };
            let what = ("quorate.app.policy.cancel", "the policy stays");
            return super::take_away((&chain, &app), what, &call, &self.send, output).await;
        }
        show(&chain, &app, output).await
    }
}

async fn show(chain: &Chain, app: &App, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let (mut text, mut fields) = (String::new(), Map::new());
    let info = &app.info;
    line(&mut text, "as of", &chain.as_of());
    line(&mut text, "policy", &account(info.policy));
    if info.policyEffectiveAt != 0 {
        let from = moment(info.policyEffectiveAt);
        line(&mut text, "", &format!("{} from {from} on", account(info.pendingPolicy)));
    }
    let kind = match (info.isForeign, of_ours(chain, info.policy).await?) {
        (false, _) => "AllowlistPolicy".to_owned(),
        (true, Some(Kind::AllOf(members))) => {
            let shown: Vec<String> = members.iter().map(|member| account(*member)).collect();
            line(&mut text, "members", &shown.join("\n"));
            fields.insert("members".into(), json!(members));
            "answers as AllOfPolicy; FOREIGN: judge its code yourself".to_owned()
        }
        (true, Some(Kind::Licence(until, inner))) => {
            line(&mut text, "licence", &format!("until {}", moment(until)));
            line(&mut text, "inner", &account(inner));
            fields.insert("until".into(), json!(until));
            fields.insert("inner".into(), json!(inner));
            "answers as LicensePolicy; FOREIGN: judge its code yourself".to_owned()
        }
        (true, None) => "FOREIGN: judge its code yourself".to_owned(),
    };
    line(&mut text, "kind", &kind);
    line(&mut text, "locked", if info.isLocked { "for ever" } else { "no" });
    let more = json!({
        "appId": app.id,
        "block": chain.head.number,
        "policy": info.policy,
        "isForeign": info.isForeign,
        "isLocked": info.isLocked,
        "pendingPolicy": info.pendingPolicy,
        "policyEffectiveAt": info.policyEffectiveAt,
    });
    fields.extend(more.as_object().cloned().unwrap_or_default());
    output.answer("quorate.app.policy", Value::Object(fields), &text)?;
    Ok(Exit::Ok)
}

/// What a foreign policy says of itself, in the words of ours.
enum Kind {
    AllOf(Vec<Address>),
    Licence(u64, Address),
}

async fn of_ours(chain: &Chain, policy: Address) -> Result<Option<Kind>, ChainError> {
    match chain.view("AllOfPolicy", policy, &AllOfPolicy::membersCall {}).await {
        Ok(members) => return Ok(Some(Kind::AllOf(members))),
        Err(ChainError::NotTheContract { .. }) => {}
        Err(other) => return Err(other),
    }
    let until = match chain.view("LicensePolicy", policy, &LicensePolicy::untilCall {}).await {
        Ok(until) => until,
        Err(ChainError::NotTheContract { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let inner = chain.view("LicensePolicy", policy, &LicensePolicy::innerCall {}).await?;
    Ok(Some(Kind::Licence(until, inner)))
}
