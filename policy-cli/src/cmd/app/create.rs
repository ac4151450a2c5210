//! `quorate app create`: an app with its own AllowlistPolicy, by AppRegistry's factory.

use crate::{
    agent::{self, AgentError, ReleaseChoice},
    apps::registry_in_force,
    chain::Chain,
    cli::Global,
    compose::{compose_hash, docker_compose_of, images},
    exit::Exit,
    failure::Failure,
    file,
    output::Output,
    send::{About, Call, Facts, Request, SendArgs, carry_out},
    values,
};
use abi::{AppRegistry, AttestationRegistry, app_registry::AppRegistry as types};
use alloy::primitives::{Address, B256};
use clap::{ArgGroup, Args};
use serde_json::json;
use std::path::PathBuf;
use wire::network::{MeasuredAgent, label_text};

const AFTER: &str = "The app id depends on the sender and --salt alone, so the dry run knows it: put the block that it prints into
app-compose.json (or let `quorate compose` do it), then create the app with --compose. What is given here waits for
nothing; every later grant waits for the grant delay.

Example:
  quorate app create --owner 0x3333333333333333333333333333333333333333 --guardian 0x4444444444444444444444444444444444444444 --compose app-compose.json --vendor intel --device 0x5555555555555555555555555555555555555555555555555555555555555555 --network network.toml";

/// Creates an app with a policy of its own; prints its id and the block for app-compose.json
#[derive(Args)]
#[command(after_help = AFTER, group = ArgGroup::new("machines").required(true))]
pub(crate) struct Create {
    /// Who grants, after the delay
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    owner: Address,
    /// Who can revoke and freeze at once, and grant nothing
    #[arg(long, value_name = "ADDRESS", value_parser = values::address)]
    guardian: Option<Address>,
    /// First code: hash this app-compose.json, and refuse it if it is for another app or network
    #[arg(long, value_name = "FILE", conflicts_with = "compose_hash")]
    compose: Option<PathBuf>,
    /// First code, by its compose hash
    #[arg(long, value_name = "HASH", value_parser = values::hash)]
    compose_hash: Option<B256>,
    /// Where the text behind the hash can be read
    #[arg(long, default_value = "", hide_default_value = true)]
    uri: String,
    /// Accept machines of this vendor; repeat it. Without: those open now, written out
    #[arg(long = "vendor", value_name = "NAME", value_parser = values::label)]
    vendors: Vec<B256>,
    /// Accept this device; repeat it
    #[arg(long = "device", value_name = "ID", value_parser = values::hash, group = "machines")]
    devices: Vec<B256>,
    /// Accept every machine of the vendors: whoever breaks one chip of theirs, anywhere, gets the keys
    #[arg(long, group = "machines")]
    danger_any_device: bool,
    /// Accept this mrSystem; repeat it. Without: any that runs an approved OS image
    #[arg(long = "measurement", value_name = "MR", value_parser = values::hash)]
    measurements: Vec<B256>,
    /// Refuse machines whose TCB is not UpToDate
    #[arg(long)]
    require_tcb_up_to_date: bool,
    /// What every later grant waits: 3600, 48h, 7d. Without: the registry's floor
    #[arg(long, value_name = "TIME", value_parser = values::seconds)]
    grant_delay: Option<u32>,
    /// Give up the right to replace the policy contract, for ever
    #[arg(long)]
    lock_policy: bool,
    /// 32 bytes of your choice; another one for each app of the same sender
    #[arg(long, value_name = "HASH", value_parser = values::hash, default_value_t = B256::ZERO, hide_default_value = true)]
    salt: B256,
    /// When nodes may release its keys: at the head (quick), or finalized (no key without a record that stays)
    #[arg(long, value_enum, value_name = "WHEN", default_value = "head")]
    release_at: ReleaseChoice,
    #[command(flatten)]
    send: SendArgs,
}

impl Create {
    pub(crate) async fn run(
        &self,
        global: &Global,
        output: &mut Output<'_>,
    ) -> Result<Exit, Failure> {
        let chain = crate::cmd::connect(global).await?;
        let registry = registry_in_force(&chain).await?;
        self.warn(output)?;
        let sender = self.send.sender(&chain, (self.owner, "the owner"), output).await?;
        let app_id = predict(&chain, registry, sender.caller, self.salt).await?;
        let block = match agent::block(&chain, app_id, self.release_at).await {
            Ok(block) => Some(block),
            Err(Failure::Agent(AgentError::NoKeyset)) => None,
            Err(other) => return Err(other),
        };
        let (compose_hash, images) = self.first_code(block.as_ref(), output)?;
        let app = self.new_app(&chain, registry, compose_hash).await?;
        let mut facts = Facts::default();
        facts.add("app id", app_id.to_string(), "appId", json!(app_id));
        self.add_vendors(&chain, &mut facts).await?;
        if self.compose.is_some() {
            facts.add("images", images.join("\n"), "images", json!(images));
        }
        add_block(&mut facts, block.as_ref());
        let call = Call::new(registry, &AppRegistry::createAppCall { app });
        let about = About { images: vec![(compose_hash, images)], ..About::default() };
        let request = Request { about, ..Request::new("quorate.app.create", call, facts) };
        carry_out(&chain, sender, request, output, |_| Facts::default()).await
    }

    fn warn(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        if self.guardian.is_none() {
            output.warn("no --guardian: only the owner can revoke")?;
        }
        if self.danger_any_device {
            output.warn("--danger-any-device: every machine of the vendors counts, also one on an attacker's bench")?;
        }
        Ok(())
    }

    fn first_code(
        &self,
        block: Option<&MeasuredAgent>,
        output: &mut Output<'_>,
    ) -> Result<(B256, Vec<String>), Failure> {
        let Some(path) = &self.compose else {
            return Ok((self.compose_hash.unwrap_or_default(), Vec::new()));
        };
        let bytes = file::read(path)?;
        let docker_compose = docker_compose_of(&bytes).map_err(Failure::in_file(path))?;
        agent::judge(&bytes, block.ok_or(AgentError::NoKeyset)?, output)?;
        let images = images(&docker_compose).into_iter().map(|image| image.reference);
        Ok((compose_hash(&bytes).into(), images.collect()))
    }

    async fn new_app(
        &self,
        chain: &Chain,
        registry: Address,
        compose_hash: B256,
    ) -> Result<types::NewApp, Failure> {
        let floor =
            chain.view("AppRegistry", registry, &AppRegistry::grantFloorSecondsCall {}).await?;
        Ok(types::NewApp {
            salt: self.salt,
            owner: self.owner,
            guardian: self.guardian.unwrap_or_default(),
            vendors: self.vendors.clone(),
            lockPolicy: self.lock_policy,
            policy: types::PolicySetup {
                grantDelaySeconds: self.grant_delay.unwrap_or(floor),
                requireTcbUpToDate: self.require_tcb_up_to_date,
                allowAnyDevice: self.danger_any_device,
                composeHash: compose_hash,
                uri: self.uri.clone(),
                deviceIds: self.devices.clone(),
                measurements: self.measurements.clone(),
            },
        })
    }

    async fn add_vendors(&self, chain: &Chain, facts: &mut Facts) -> Result<(), Failure> {
        let named = !self.vendors.is_empty();
        let vendors = if named {
            self.vendors.clone()
        } else {
            let registry = chain.contracts.attestation_registry;
            let call = AttestationRegistry::openVendorsCall {};
            chain.view("AttestationRegistry", registry, &call).await?
        };
        let names: Vec<String> = vendors.into_iter().map(label_text).collect();
        let which = if named { "" } else { "those open now: " };
        facts.add("vendors", format!("{which}{}", names.join(", ")), "vendors", json!(names));
        Ok(())
    }
}

async fn predict(
    chain: &Chain,
    registry: Address,
    sender: Address,
    salt: B256,
) -> Result<Address, Failure> {
    let call = AppRegistry::predictAppIdCall { sender, salt };
    Ok(chain.view("AppRegistry", registry, &call).await?)
}

fn add_block(facts: &mut Facts, block: Option<&MeasuredAgent>) {
    match block {
        Some(block) => {
            let text = serde_json::to_string_pretty(block).unwrap_or_default();
            let words = format!("for app-compose.json, under the key \"quorate\":\n{text}");
            facts.add("block", words, "agent", json!(block));
        }
        None => facts.add(
            "block",
            "none yet: the committee has no keyset",
            "agent",
            serde_json::Value::Null,
        ),
    }
}
