//! `quorate app policy`: what judges an app's enclaves, and its replacement.

use crate::{
    apps::App,
    chain::Chain,
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::Output,
    policy_views::{AllOf, Holding, License, Says},
    reason,
    send::{SendArgs, line},
    values,
    words::{account, moment},
};
use abi::AppRegistry;
use alloy::primitives::Address;
use clap::Args;
use serde_json::{Map, Value, json};

const AFTER: &str = "Of an AllOfPolicy the members are shown, of a LicensePolicy what keeps it alive and whom it asks.
A policy that AppRegistry's factory did not make is foreign: read its code. Replacing the policy waits the grant delay.

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
    let says = Says::of(chain, info.policy).await?;
    let kind = match (info.isForeign, says.kind()) {
        (false, Some(kind)) => kind.to_owned(),
        (false, None) => "of ours, and it answers as none of them".to_owned(),
        (true, Some(kind)) => format!("answers as {kind}; FOREIGN: judge its code yourself"),
        (true, None) => "FOREIGN: judge its code yourself".to_owned(),
    };
    line(&mut text, "kind", &kind);
    fields.insert("kind".into(), json!(says.kind()));
    match &says {
        Says::AllOf(all_of) => {
            all_of_lines(&mut text, all_of);
            fields.insert("allOf".into(), all_of.to_json());
        }
        Says::License(license) => {
            license_lines(&mut text, license);
            fields.insert("license".into(), license.to_json());
        }
        Says::Allowlist => line(&mut text, "lists", &format!("quorate status {}", app.id)),
        Says::Nothing => {}
    }
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

fn all_of_lines(text: &mut String, all_of: &AllOf) {
    let members = all_of.members.iter().map(|(member, from)| match from {
        Some(from) => format!("{} until {}", account(*member), moment(*from)),
        None => account(*member),
    });
    line(text, "members", &members.collect::<Vec<_>>().join("\n"));
    line(text, "", if all_of.is_locked { "locked for ever" } else { "the owner may change them" });
}

fn license_lines(text: &mut String, license: &License) {
    let until = match license.until {
        0 => "without a date".to_owned(),
        until => format!("until {}", moment(until)),
    };
    line(text, "licence", &until);
    if let Some((later, from)) = license.extension {
        line(text, "", &format!("until {} from {} on", moment(later), moment(from)));
    }
    if let Some(Holding { token, licensee, least_balance }) = &license.holding {
        let (licensee, token) = (account(*licensee), account(*token));
        line(text, "", &format!("or while {licensee} holds {least_balance} of {token}"));
    }
    line(
        text,
        "",
        if license.is_licensed { "in force" } else { "NOT in force: nobody is allowed" },
    );
    line(text, "inner", &account(license.inner));
}
