//! `quorate app vendors`: whose machines an app accepts.

use crate::{
    apps::App,
    chain::Chain,
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::Output,
    reason,
    send::{SendArgs, line},
    values,
    words::moment,
};
use abi::{AppRegistry, AttestationRegistry};
use alloy::primitives::{Address, B256};
use clap::Args;
use serde_json::json;
use wire::network::label_text;

const AFTER: &str = "An app is as strong as the weakest vendor that it accepts. Accepting one waits the grant delay, removing one does not.

Example:
  quorate app vendors 0x1111111111111111111111111111111111111111 --remove intel --reason compromised --network network.toml";

/// Shows, accepts or removes the vendors whose machines an app accepts
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Vendors {
    /// The app's id
    #[arg(value_name = "APP", value_parser = values::address)]
    app: Address,
    /// Accept another vendor, after the grant delay; the owner sends it
    #[arg(long, value_name = "NAME", value_parser = values::label, conflicts_with = "remove")]
    accept: Option<B256>,
    /// Remove a vendor, at once; the owner or the guardian sends it
    #[arg(long, value_name = "NAME", value_parser = values::label, requires = "reason")]
    remove: Option<B256>,
    /// Why: unspecified, vulnerable, compromised, superseded, retired, legal, or a code from 0 to 255
    #[arg(long, value_parser = reason::parse, requires = "remove")]
    reason: Option<u8>,
    #[command(flatten)]
    send: SendArgs,
}

impl Vendors {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let app = App::find(&chain, self.app).await?;
        if let Some(vendor) = self.accept {
            let call = AppRegistry::acceptVendorCall { appId: self.app, vendor };
            let schema = "quorate.app.vendors.accept";
            return super::grant((&chain, &app), schema, &call, &self.send, output).await;
        }
        if let (Some(vendor), Some(reason)) = (self.remove, self.reason) {
            let call = AppRegistry::removeVendorCall { appId: self.app, vendor, reason };
            let what = ("quorate.app.vendors.remove", "nothing is recorded for machines of it");
            return super::take_away((&chain, &app), what, &call, &self.send, output).await;
        }
        show(&chain, &app, output).await
    }
}

async fn show(chain: &Chain, app: &App, output: &mut Output<'_>) -> Result<Exit, Failure> {
    let registry = chain.contracts.attestation_registry;
    let call = AttestationRegistry::openVendorsCall {};
    let open = chain.view("AttestationRegistry", registry, &call).await?;
    let (mut text, mut vendors) = (String::new(), Vec::new());
    line(&mut text, "as of", &chain.as_of());
    for vendor in &app.info.vendors {
        let call = AppRegistry::vendorEffectiveAtCall { appId: app.id, vendor: *vendor };
        let from = chain.view("AppRegistry", app.registry, &call).await?;
        let (is_effective, is_open) = (from <= chain.head.time, open.contains(vendor));
        let since = if is_effective { "accepted since" } else { "PENDING until" };
        let closed = if is_open { "" } else { ", and no root of it is open" };
        let name = label_text(*vendor);
        line(&mut text, &name, &format!("{since} {}{closed}", moment(from)));
        vendors.push(json!({
            "vendor": name,
            "effectiveAt": from,
            "isEffective": is_effective,
            "isOpen": is_open,
        }));
    }
    let fields = json!({ "appId": app.id, "block": chain.head.number, "vendors": vendors });
    output.answer("quorate.app.vendors", fields, &text)?;
    Ok(Exit::Ok)
}
