//! Each act that takes something away is done once: the indexer keeps a bundle of each, which is ok offline to whoever names the
//! right block and network; and one that was undone since proves nothing beyond its own block. P5, P10. [BUN-8] [BUN-13] [BUN-17]
//!
//! With `BLESS_BUNDLES=1` the bundles become `vectors/bundle/`'s, their codes in a file of their own.

use abi::{
    AllOfPolicy, AllowlistPolicy, AppRegistry, AttestationRegistry, KmsCommittee, LicensePolicy,
    app_registry::AppRegistry::Holding, attestation_registry::AttestationRegistry::RootRules,
};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolCall,
};
use anvil_tests::{Index, story};
use anyhow::{Context, Result, ensure};
use bundle::{Bundle, Trusted, verify};
use devnet::{
    governance::App,
    harness::{Network, Options},
    plan::find_repository,
};
use serde_json::{Value, json};
use std::path::Path;

const REASON: u8 = 2;
const LONG: u32 = 3_600;

#[test]
fn holds() {
    story(async || {
        // Its own: a seat is lost, an image is no more.
        let options = Options { longest_seconds: u64::from(LONG), ..Options::default() };
        let network = Network::up(options).await?;
        let folder = tempfile::tempdir()?;
        let mut index = Index::start(&network.committee.network, folder.path(), "bundles").await?;
        let acts = Acts { network: &network };
        // It comes back after each part, so that a bundle ends above its event, and not far above.
        for part in 0..4 {
            index.kill();
            match part {
                0 => acts.of_a_list().await?,
                1 => acts.of_policies_that_ask().await?,
                2 => acts.of_the_registry().await?,
                _ => acts.of_the_network().await?,
            }
            network.governance.chain.mine(3).await?;
            index.restart().await?;
            index.until_bundled().await?;
        }
        let undone = acts.undone().await?;
        network.governance.chain.mine(3).await?;
        let named = network.governance.network_hash().await?;
        let fork = network.committee.network.chain.fork;
        let trusted = |block| Trusted { block, network: named, fork, root: None };
        let mut codes = Vec::new();
        for name in bundle::provable().filter(|name| *name != "KeyIssued") {
            let text = index.bundle_of(name).await.with_context(|| name.to_owned())?;
            let bundle: Bundle = serde_json::from_str(&text)?;
            let last = bundle.headers.last().context("a header")?;
            let trusted = trusted(keccak256(last));
            let verdict = verify(&text, &trusted);
            ensure!(verdict.word() == "ok", "{name}: {verdict:?}");
            let claim = serde_json::to_value(verdict.outcome.as_ref().ok())?;
            ensure!(claim["kind"] == "revocation" && claim["event"] == name, "{claim}");
            let other = Trusted { block: B256::repeat_byte(1), ..trusted };
            ensure!(verify(&text, &other).word() == "other-block", "{name}");
            ensure!(bundle.headers.len() > 1, "{name} is not proven beyond its own block");
            if std::env::var_os("BLESS_BUNDLES").is_some() {
                bless(name, bundle, &trusted, &mut codes)?;
            }
        }
        if std::env::var_os("BLESS_BUNDLES").is_some() {
            let folder = find_repository(Path::new("."))?.join("vectors/bundle");
            std::fs::write(folder.join("codes.part"), serde_json::to_string(&codes)?)?;
        }
        // What was undone since is proven up to its own block alone, where it held.
        let text = index.bundle_of_app("AppFrozen", undone.id).await?;
        let short: Bundle = serde_json::from_str(&text)?;
        ensure!(short.headers.len() == 1, "it ends elsewhere");
        let trusted = trusted(keccak256(&short.headers[0]));
        ensure!(verify(&text, &trusted).word() == "ok", "{:?}", verify(&text, &trusted));
        Ok(())
    });
}

trait BundleOf {
    async fn until_bundled(&self) -> Result<()>;
    async fn bundle_of(&self, name: &str) -> Result<String>;
    async fn bundle_of_app(&self, name: &str, app: Address) -> Result<String>;
    async fn bundle_at(&self, path: &str) -> Result<String>;
}

impl BundleOf for Index {
    /// There is a bundle of the first event of each name that has come.
    async fn until_bundled(&self) -> Result<()> {
        self.until_ready().await?;
        for name in bundle::provable() {
            let path = format!("/v1/events?name={name}&finality=finalized");
            let (_, body) = self.get(&path).await?;
            if body["events"].as_array().is_some_and(|all| !all.is_empty()) {
                self.bundle_of(name).await?;
            }
        }
        Ok(())
    }

    async fn bundle_of(&self, name: &str) -> Result<String> {
        self.bundle_at(&format!("/v1/events?name={name}&finality=finalized")).await
    }

    async fn bundle_of_app(&self, name: &str, app: Address) -> Result<String> {
        let app = app.to_string().to_lowercase();
        self.bundle_at(&format!("/v1/events?name={name}&app={app}&finality=finalized")).await
    }

    /// Of the first event that the list has.
    async fn bundle_at(&self, path: &str) -> Result<String> {
        let is_there =
            |_, body: &Value| body["events"].as_array().is_some_and(|all| !all.is_empty());
        let body = self.until(path, is_there).await?;
        let event = &body["events"][0];
        let block = event["block_hash"].as_str().context("a hash")?;
        let path = format!("/v1/events/{block}/{}/bundle", event["log_index"]);
        self.until(&path, |status, _| status == 200).await?;
        self.text(&path).await
    }
}

/// What takes something away, each once.
struct Acts<'a> {
    network: &'a Network,
}

impl Acts<'_> {
    async fn by_owner(&self, to: Address, call: impl SolCall) -> Result<Address> {
        let governance = &self.network.governance;
        let receipt = governance.chain.send(governance.owner, to, call).await?;
        Ok(receipt.logs().first().map(|log| log.address()).unwrap_or_default())
    }

    async fn by_administrator(&self, to: Address, call: impl SolCall) -> Result<()> {
        let governance = &self.network.governance;
        governance.chain.send(governance.administrator, to, call).await?;
        Ok(())
    }

    fn registry(&self) -> Address {
        self.network.governance.contracts.app_registry
    }

    /// Code, device, measurement, instance.
    async fn of_a_list(&self) -> Result<()> {
        let App { id, compose_hash, .. } = self.network.create_app().await?;
        let (word, instance) = (B256::repeat_byte(0x1D), Address::repeat_byte(0x1E));
        let no = AllowlistPolicy::setAllowAnyDeviceCall { allow: false };
        self.by_owner(id, no).await?;
        self.by_owner(id, AllowlistPolicy::addDeviceCall { deviceId: word }).await?;
        let call = AllowlistPolicy::revokeDeviceCall { deviceId: word, reason: REASON };
        self.by_owner(id, call).await?;
        self.by_owner(id, AllowlistPolicy::approveMeasurementCall { mrSystem: word }).await?;
        let call = AllowlistPolicy::revokeMeasurementCall { mrSystem: word, reason: REASON };
        self.by_owner(id, call).await?;
        let no = AllowlistPolicy::setAllowAnyInstanceCall { allow: false };
        self.by_owner(id, no).await?;
        let call = AllowlistPolicy::approveInstanceCall { instanceId: instance };
        self.by_owner(id, call).await?;
        let call = AllowlistPolicy::revokeInstanceCall { instanceId: instance, reason: REASON };
        self.by_owner(id, call).await?;
        let call =
            AllowlistPolicy::revokeComposeHashCall { composeHash: compose_hash, reason: REASON };
        self.by_owner(id, call).await?;
        // The policies go on: later events that a bundle has to show.
        let another = B256::repeat_byte(0x1F);
        self.by_owner(id, AllowlistPolicy::addComposeHashCall { composeHash: another }).await?;
        self.by_owner(id, AllowlistPolicy::addDeviceCall { deviceId: another }).await?;
        Ok(())
    }

    /// A member that stays, a licence that ends, a holding that counts no more.
    async fn of_policies_that_ask(&self) -> Result<()> {
        let (app, member) = (self.network.create_app().await?, self.network.create_app().await?);
        let create = AppRegistry::createAllOfPolicyCall {
            appId: app.id,
            grantDelaySeconds: LONG,
            members: vec![app.id, member.id],
        };
        let all_of = self.by_owner(self.registry(), create).await?;
        let set = AppRegistry::setPolicyCall { appId: app.id, policy: all_of };
        self.by_owner(self.registry(), set).await?;
        self.by_owner(all_of, AllOfPolicy::removeMemberCall { member: member.id }).await?;
        let call = AllOfPolicy::cancelRemovalCall { member: member.id, reason: REASON };
        self.by_owner(all_of, call).await?;

        let app = self.network.create_app().await?;
        let until = self.network.governance.chain.time().await? + 1_000_000;
        let create = AppRegistry::createLicensePolicyCall {
            appId: app.id,
            grantDelaySeconds: 0,
            inner: app.id,
            until,
            holding: Holding {
                token: self.registry(),
                licensee: app.id,
                leastBalance: U256::from(1),
            },
        };
        let license = self.by_owner(self.registry(), create).await?;
        let set = AppRegistry::setPolicyCall { appId: app.id, policy: license };
        self.by_owner(self.registry(), set).await?;
        let cut = LicensePolicy::cutCall { until_: until - 9, reason: REASON };
        self.by_owner(license, cut).await?;
        self.by_owner(license, LicensePolicy::dropHoldingCall { reason: REASON }).await?;
        Ok(())
    }

    /// What AppRegistry takes away.
    async fn of_the_registry(&self) -> Result<()> {
        let (app, other) = (self.network.create_app().await?, self.network.create_app().await?);
        let (id, vendor, registry) = (app.id, B256::repeat_byte(b'v'), self.registry());
        self.by_owner(registry, AppRegistry::acceptVendorCall { appId: id, vendor }).await?;
        let call = AppRegistry::removeVendorCall { appId: id, vendor, reason: REASON };
        self.by_owner(registry, call).await?;
        let call = AppRegistry::rotateCall { appId: id, keepPreviousReadable: true };
        self.by_owner(registry, call).await?;
        let call = AppRegistry::delistKeyVersionCall { appId: id, keyVersion: 1, reason: REASON };
        self.by_owner(registry, call).await?;
        let call = AllowlistPolicy::setGrantDelayCall { grantDelaySeconds: LONG };
        self.by_owner(id, call).await?;
        let call = AppRegistry::setPolicyCall { appId: id, policy: other.id };
        self.by_owner(registry, call).await?;
        let call = AppRegistry::cancelPolicyChangeCall { appId: id, reason: REASON };
        self.by_owner(registry, call).await?;
        let elsewhere = self.network.governance.contracts.issuance_log;
        let call = AppRegistry::moveToCall { appId: id, registry: elsewhere };
        self.by_owner(registry, call).await?;
        self.by_owner(registry, AppRegistry::cancelMoveCall { appId: id, reason: REASON }).await?;
        self.by_owner(registry, AppRegistry::freezeCall { appId: id, reason: REASON }).await?;
        // Of another app: it undoes nothing.
        self.by_owner(registry, AppRegistry::freezeCall { appId: other.id, reason: REASON })
            .await?;
        self.by_owner(registry, AppRegistry::thawCall { appId: other.id }).await?;
        Ok(())
    }

    /// Roots, images, advisories; node code, contracts, seats.
    async fn of_the_network(&self) -> Result<()> {
        let contracts = &self.network.governance.contracts;
        let (roots, committee) = (contracts.attestation_registry, contracts.kms_committee);
        let (root, word) = (B256::repeat_byte(0x2A), B256::repeat_byte(0x2B));
        let rules = RootRules {
            leastTcbEvaluationDataNumber: 0,
            leastCrlIssuedAt: 0,
            leastRootCrlIssuedAt: 0,
            maxCollateralAgeSeconds: LONG,
            acceptedTcbStatuses: 1,
        };
        let vendor = B256::repeat_byte(b'w');
        let call = AttestationRegistry::openRootCall { root, vendor, platform: 1, rules };
        self.by_administrator(roots, call).await?;
        let advisory =
            |id: &str| AttestationRegistry::denyAdvisoryCall { root, advisoryId: id.to_owned() };
        self.by_administrator(roots, advisory("INTEL-SA-00001")).await?;
        self.by_administrator(roots, advisory("INTEL-SA-00002")).await?;
        let accept = AttestationRegistry::acceptAdvisoryCall {
            root,
            advisoryId: "INTEL-SA-00002".to_owned(),
        };
        self.by_administrator(roots, accept).await?;
        let call = AttestationRegistry::closeRootCall { root, reason: REASON };
        self.by_administrator(roots, call).await?;
        let call =
            AttestationRegistry::approveOsImageCall { osImageHash: word, uri: String::new() };
        self.by_administrator(roots, call).await?;
        let call = AttestationRegistry::revokeOsImageCall { osImageHash: word, reason: REASON };
        self.by_administrator(roots, call).await?;

        self.network.governance.approve_node_code(word, word).await?;
        let call = KmsCommittee::revokeNodeCodeCall {
            osImageHash: word,
            composeHash: word,
            reason: REASON,
        };
        self.by_administrator(committee, call).await?;
        let call = KmsCommittee::setContractsCall {
            appRegistry_: self.registry(),
            issuanceLog_: self.registry(),
        };
        self.by_administrator(committee, call).await?;
        let call = KmsCommittee::cancelContractsChangeCall { reason: REASON };
        self.by_administrator(committee, call).await?;
        let seat = 5;
        self.by_administrator(
            committee,
            KmsCommittee::suspendSeatCall { id: seat, reason: REASON },
        )
        .await?;
        self.by_administrator(committee, KmsCommittee::removeSeatCall { id: seat, reason: REASON })
            .await
    }

    /// An app that is frozen, and thawed again.
    async fn undone(&self) -> Result<App> {
        let app = self.network.create_app().await?;
        let (id, registry) = (app.id, self.registry());
        self.by_owner(registry, AppRegistry::freezeCall { appId: id, reason: REASON }).await?;
        self.by_owner(registry, AppRegistry::thawCall { appId: id }).await?;
        Ok(app)
    }
}

/// The bundle without its codes, which are many and the same in all; the case puts them in again.
fn bless(
    name: &str,
    mut bundle: Bundle,
    trusted: &Trusted,
    codes: &mut Vec<alloy::primitives::Bytes>,
) -> Result<()> {
    let folder = find_repository(Path::new("."))?.join("vectors/bundle");
    let mut change = Vec::new();
    for code in std::mem::take(&mut bundle.codes) {
        let at = codes.iter().position(|known| *known == code).unwrap_or_else(|| {
            codes.push(code);
            codes.len() - 1
        });
        let pointer = format!("/{at}");
        change.push(json!({
            "op": "add", "path": "/codes/-", "file": "codes.part", "pointer": pointer,
        }));
    }
    let file = format!("revoked-{name}.bundle");
    std::fs::write(folder.join(&file), bundle.to_text())?;
    let case = json!({
        "source": "devnet with software roots, made by the story a_bundle_proves_every_revocation",
        "bundle": file,
        "change": change,
        "trusted": { "block": trusted.block, "network": trusted.network },
        "expect": "ok",
    });
    Ok(std::fs::write(folder.join(format!("revoked-{name}.json")), format!("{case:#}\n"))?)
}
