//! Policies that ask others are followed down to the last: what AppRegistry made, with a trail that is compared; what it did not
//! make, as foreign, whatever a policy says of it; no more than a limit. A reorg takes it all away and it comes back, and a
//! fresh index is the same, byte for byte. P6. [IDX-3] [IDX-13] [IDX-14]

use abi::{
    AllOfPolicy, AllowlistPolicy, AppRegistry,
    app_registry::AppRegistry::{Holding, PolicySetup},
};
use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{SolCall, SolEvent, SolValue},
};
use anvil_tests::{Index, story};
use anyhow::{Context, Result, ensure};
use devnet::{governance::App, harness::BareChain};
use serde_json::Value;

/// Far below the reorg here.
const SLOTS_IN_AN_EPOCH: u64 = 16;
/// [IDX-14]
const MOST_MEMBERS: usize = 16;
const DEEPEST: usize = 3;

#[test]
fn holds() {
    story(async || {
        let chain = Bare(BareChain::up(SLOTS_IN_AN_EPOCH).await?);
        let mut index = Index::start(&chain.0.network, chain.0.folder(), "index").await?;
        let ours = of_ours(&chain, &index).await?;
        of_a_liar(&chain, &index).await?;
        later_an_apps_own(&chain, &index, &ours).await?;

        // A list of ours that a liar has named: it becomes ours with its app, and a reorg takes that back.
        let before = chain.0.governance.chain.block_number().await?;
        let app = chain.app(80).await?;
        let list = chain.list(&app).await?;
        let liar = chain.liar().await?;
        chain.set_policy(&app, liar).await?;
        chain.name(liar, list).await?;
        let approve = AllowlistPolicy::addComposeHashCall { composeHash: B256::repeat_byte(8) };
        chain.owner(list, approve).await?;
        chain.settled(&index).await?;
        ensure!(index.kind_of(list).await? == "foreign-policy", "believed what a liar says");
        ensure!(index.standings(list).await? == ["outside"; 2], "from where it was named on");
        let fork = chain.0.governance.chain.block_number().await?;
        chain.set_policy(&app, list).await?;
        chain.settled(&index).await?;
        ensure!(index.kind_of(list).await? == "policy");
        let trail = ["trail", "trail", "outside", "trail", "outside"];
        ensure!(index.standings(list).await? == trail, "{:?}", index.standings(list).await?);
        // Blocks come while a receipt is waited for: one more may stand above it.
        let above = chain.0.governance.chain.block_number().await? - fork;
        chain.0.reorg(above).await?;
        chain.0.governance.chain.mine(1).await?;
        chain.settled(&index).await?;
        ensure!(index.kind_of(list).await? == "foreign-policy");
        ensure!(index.standings(list).await? == ["outside"; 2], "the reorg did not take it back");
        chain.same_as_fresh(&index, "reorged").await?;
        ensure!(chain.0.governance.chain.block_number().await? - before < 30);
        chain.set_policy(&app, list).await?;
        chain.settled(&index).await?;

        // What blocks that go away have named goes with them, in a running index and in one that was killed.
        let fork = chain.0.governance.chain.block_number().await?;
        let app = chain.app(90).await?;
        let inner = chain.list(&app).await?;
        let license = chain.license(&app, inner).await?;
        chain.set_policy(&app, license).await?;
        chain.settled(&index).await?;
        ensure!(index.kind_of(inner).await? == "policy");
        index.kill();
        let above = chain.0.governance.chain.block_number().await? - fork;
        chain.0.reorg(above).await?;
        chain.0.governance.chain.mine(1).await?;
        index.restart().await?;
        chain.settled(&index).await?;
        ensure!(index.kind_of(inner).await?.is_null(), "it is followed still");
        let app = chain.app(91).await?;
        let inner = chain.list(&app).await?;
        let license = chain.license(&app, inner).await?;
        chain.set_policy(&app, license).await?;
        chain.settled(&index).await?;
        ensure!(index.kind_of(inner).await? == "policy");

        chain.0.governance.chain.mine(40).await?;
        chain.same_as_fresh(&index, "fresh").await?;
        index.until_ready().await?;
        // Each trail is compared with its slot, members' as well.
        let (_, status) = index.get("/v1/status").await?;
        let trails = status["trails"].as_array().context("trails")?;
        for policy in ours.trails.iter().chain([&inner, &list]) {
            let is_of = |trail: &&Value| trail["contract"] == lower(*policy);
            let trail = trails.iter().find(is_of).with_context(|| format!("{policy}: {status}"))?;
            ensure!(trail["verdict"] == "complete", "{trail}");
        }
        Ok(())
    });
}

struct Ours {
    app: App,
    /// Made for the app, and until now only asked by a policy that is asked.
    inner: Address,
    trails: Vec<Address>,
}

/// An app that a licence and another organisation's list decide about, each in its own way made by AppRegistry.
async fn of_ours(chain: &Bare, index: &Index) -> Result<Ours> {
    let (app, theirs) = (chain.app(1).await?, chain.app(2).await?);
    let inner = chain.list(&app).await?;
    chain.0.governance.chain.mine(2).await?;
    let license = chain.license(&app, inner).await?;
    let foreign = chain.deployed_all_of(&app, &[theirs.id]).await?;
    let members = vec![theirs.id, license, foreign];
    let create =
        AppRegistry::createAllOfPolicyCall { appId: app.id, grantDelaySeconds: 0, members };
    let all_of = chain.registry(create).await?;
    chain.settled(index).await?;
    ensure!(index.kind_of(inner).await?.is_null(), "nothing of an app asks it yet");
    chain.set_policy(&app, all_of).await?;
    chain.settled(index).await?;
    for (member, kind) in
        [(all_of, "policy"), (theirs.id, "policy"), (license, "policy"), (inner, "policy")]
            .into_iter()
            .chain([(foreign, "foreign-policy")])
    {
        ensure!(index.kind_of(member).await? == kind, "{member} is no {kind}");
    }
    // [IDX-3] From its first event on, which no event of AppRegistry tells.
    let (_, page) = index.get(&format!("/v1/events?contract={}", lower(inner))).await?;
    ensure!(page["events"][0]["seq"] == 1, "{page}");
    let (_, told) = index.get(&format!("/v1/apps/{}", lower(app.id))).await?;
    ensure!(told["app"]["allowlist"].is_null() && told["is_cut"] == false, "{told}");
    let members = told["members"].as_array().context("members")?;
    let of = |address: Address| {
        let found = members.iter().find(|member| member["address"] == lower(address));
        found.with_context(|| format!("{address}: {told}"))
    };
    ensure!(members.len() == 4, "{told}");
    ensure!(of(inner)?["asked_by"] == lower(license), "{told}");
    ensure!(of(inner)?["allowlist"]["codes"][0]["state"] == "in_force", "{told}");
    ensure!(of(license)?["allowlist"].is_null() && of(license)?["is_foreign"] == false, "{told}");
    ensure!(of(foreign)?["is_foreign"] == true, "{told}");
    ensure!(of(foreign)?["allowlist"].is_null(), "{told}");

    // A member that comes later, and one that goes.
    let later = chain.app(3).await?;
    chain.owner(all_of, AllOfPolicy::addMemberCall { member: later.id }).await?;
    chain.owner(all_of, AllOfPolicy::removeMemberCall { member: foreign }).await?;
    chain.settled(index).await?;
    let (_, told) = index.get(&format!("/v1/apps/{}", lower(app.id))).await?;
    let members = told["members"].as_array().context("members")?;
    ensure!(members.iter().any(|member| member["address"] == lower(later.id)), "{told}");
    ensure!(!members.iter().any(|member| member["address"] == lower(foreign)), "{told}");
    Ok(Ours { app, inner, trails: vec![all_of, theirs.id, license, inner, later.id] })
}

/// A contract of nobody's that is an app's policy and names what it likes.
async fn of_a_liar(chain: &Bare, index: &Index) -> Result<()> {
    let contracts = chain.0.governance.contracts;
    let app = chain.app(10).await?;
    let mut liars = Vec::new();
    for _ in 0..=DEEPEST + 1 {
        liars.push(chain.liar().await?);
    }
    let liar = liars[0];
    chain.set_policy(&app, liar).await?;
    // The network's own contracts stay what they are.
    chain.name(liar, contracts.issuance_log).await?;
    chain.name(liar, contracts.access_manager).await?;
    // An app that is not made yet, whose address everybody knows: not hidden by that once it is.
    let salt = B256::left_padding_from(&11_u64.to_be_bytes());
    let predict = AppRegistry::predictAppIdCall { sender: chain.0.governance.owner, salt };
    let to_come = chain.0.governance.chain.view(contracts.app_registry, predict).await?;
    chain.name(liar, to_come).await?;
    chain.settled(index).await?;
    ensure!(index.kind_of(contracts.issuance_log).await? == "issuance-log");
    ensure!(index.kind_of(contracts.access_manager).await? == "access-manager");
    ensure!(index.kind_of(to_come).await? == "foreign-policy", "nobody has made it");
    let made = chain.app(11).await?;
    ensure!(made.id == to_come, "{} is not {to_come}", made.id);
    chain.settled(index).await?;
    ensure!(index.kind_of(to_come).await? == "policy", "hidden by who named it");
    index.until_left_out(0).await?;

    // One below the other: only so deep.
    for (namer, named) in liars.iter().zip(&liars[1..]) {
        chain.name(*namer, *named).await?;
    }
    chain.settled(index).await?;
    for (depth, liar) in liars.iter().enumerate() {
        let expected = if depth <= DEEPEST { "foreign-policy".into() } else { Value::Null };
        ensure!(index.kind_of(*liar).await? == expected, "depth {depth}");
    }
    index.until_left_out(1).await?;
    // Nearer to an app by another way: now it is in reach.
    chain.name(liar, liars[DEEPEST]).await?;
    chain.settled(index).await?;
    ensure!(index.kind_of(liars[DEEPEST + 1]).await? == "foreign-policy");
    index.until_left_out(0).await?;

    // One beside the other: only so many. It has named five.
    let mut more = Vec::new();
    for _ in 5..=MOST_MEMBERS {
        more.push(chain.liar().await?);
    }
    for member in &more {
        chain.name(liar, *member).await?;
    }
    chain.settled(index).await?;
    let (last, followed) = more.split_last().context("more")?;
    for member in followed {
        ensure!(index.kind_of(*member).await? == "foreign-policy", "{member}");
    }
    ensure!(index.kind_of(*last).await?.is_null(), "followed beyond the limit");
    index.until_left_out(1).await?;
    let (_, metrics) = index.get("/metrics").await?;
    let metrics = metrics.as_str().context("text")?;
    ensure!(metrics.contains("quorate_index_members_not_followed 1\n"), "{metrics}");
    let (_, told) = index.get(&format!("/v1/apps/{}", lower(app.id))).await?;
    let of_last = |member: &&Value| member["address"] == lower(*last);
    let member = told["members"].as_array().context("members")?.iter().find(of_last);
    let member = member.context("told although it is not followed")?;
    ensure!(member["kind"].is_null() && member["is_foreign"] == true, "{member}");
    Ok(())
}

/// What was seen as a member first is an app's own policy like any, once AppRegistry names it; and is told once.
async fn later_an_apps_own(chain: &Bare, index: &Index, ours: &Ours) -> Result<()> {
    chain.set_policy(&ours.app, ours.inner).await?;
    chain.settled(index).await?;
    let (_, told) = index.get(&format!("/v1/apps/{}", lower(ours.app.id))).await?;
    ensure!(told["app"]["policy"]["address"] == lower(ours.inner), "{told}");
    ensure!(told["app"]["allowlist"]["codes"].is_array(), "{told}");
    ensure!(told["members"].as_array().is_some_and(Vec::is_empty), "{told}");
    let (_, body) = index.get("/v1/contracts?limit=1000").await?;
    let contracts = body["contracts"].as_array().context("a list")?;
    let of_inner = contracts.iter().filter(|row| row["contract"] == lower(ours.inner));
    let [row] = of_inner.collect::<Vec<_>>()[..] else { anyhow::bail!("{body}") };
    ensure!(row["kind"] == "policy" && row["has_trail"] == true, "{row}");
    Ok(())
}

struct Bare(BareChain);

impl Bare {
    async fn app(&self, number: u64) -> Result<App> {
        self.0.create_app(number).await
    }

    async fn owner(&self, to: Address, call: impl SolCall) -> Result<Address> {
        let governance = &self.0.governance;
        let receipt = governance.chain.send(governance.owner, to, call).await?;
        Ok(receipt.logs().first().map(|log| log.address()).unwrap_or_default())
    }

    /// The contract whose event comes first: the one that is made.
    async fn registry(&self, call: impl SolCall) -> Result<Address> {
        self.owner(self.0.governance.contracts.app_registry, call).await
    }

    async fn set_policy(&self, app: &App, policy: Address) -> Result<()> {
        let set = AppRegistry::setPolicyCall { appId: app.id, policy };
        self.registry(set).await.map(drop)
    }

    /// A list of our own code that no event of AppRegistry names.
    async fn list(&self, app: &App) -> Result<Address> {
        let setup = PolicySetup {
            grantDelaySeconds: 0,
            requireTcbUpToDate: true,
            allowAnyDevice: true,
            composeHash: app.compose_hash,
            uri: String::new(),
            deviceIds: Vec::new(),
            measurements: Vec::new(),
        };
        self.registry(AppRegistry::createPolicyCall { appId: app.id, setup }).await
    }

    async fn license(&self, app: &App, inner: Address) -> Result<Address> {
        let none = Holding {
            token: Address::ZERO,
            licensee: Address::ZERO,
            leastBalance: alloy::primitives::U256::ZERO,
        };
        self.registry(AppRegistry::createLicensePolicyCall {
            appId: app.id,
            grantDelaySeconds: 0,
            inner,
            until: u64::MAX,
            holding: none,
        })
        .await
    }

    /// Our code, and not made by AppRegistry: foreign.
    async fn deployed_all_of(&self, app: &App, members: &[Address]) -> Result<Address> {
        let governance = &self.0.governance;
        let registry = governance.contracts.app_registry;
        let arguments = (registry, app.id, 0_u32, members.to_vec()).abi_encode_params();
        let code = [AllOfPolicy::BYTECODE.to_vec(), arguments].concat();
        Ok(governance.chain.create(governance.owner, code.into()).await?)
    }

    /// A contract that emits whatever it is told: three topics, then data.
    async fn liar(&self) -> Result<Address> {
        const RUN: &str = "606036038060605f376040356020355f35835fa300";
        let run: Bytes = RUN.parse()?;
        // Returns what follows these nine bytes.
        let head = [0x60, u8::try_from(run.len())?, 0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3];
        let code = [&head[..], &run].concat();
        let governance = &self.0.governance;
        Ok(governance.chain.create(governance.owner, code.into()).await?)
    }

    /// The liar says that it asks a member.
    async fn name(&self, liar: Address, member: Address) -> Result<()> {
        let event = AllOfPolicy::MemberAdded { appId: liar, member, seq: 7 };
        let log = event.encode_log_data();
        let topics = log.topics().iter().flat_map(|topic| topic.0);
        let said: Vec<u8> = topics.chain(log.data.iter().copied()).collect();
        let governance = &self.0.governance;
        governance.chain.send_bytes(governance.owner, liar, said.into()).await?;
        Ok(())
    }

    /// Byte for byte what one is that sees this chain alone.
    async fn same_as_fresh(&self, index: &Index, name: &str) -> Result<()> {
        let fresh = Index::start(&self.0.network, self.0.folder(), name).await?;
        self.settled(index).await?;
        self.settled(&fresh).await?;
        let (old, new) =
            (indexer::dump(index.database()).await?, indexer::dump(fresh.database()).await?);
        ensure!(old.contains("MemberAdded"), "the index is empty");
        let differ = old.lines().zip(new.lines()).find(|(old, new)| old != new);
        ensure!(old == new, "{name}: the index differs from a fresh one: {differ:#?}");
        Ok(())
    }

    async fn settled(&self, index: &Index) -> Result<()> {
        let number = self.0.governance.chain.block_number().await?;
        let hash = self.0.governance.chain.block_hash(number).await?;
        index.until_head(number, &hash.to_string()).await
    }
}

trait Kinds {
    async fn kind_of(&self, contract: Address) -> Result<Value>;
    async fn until_left_out(&self, count: u64) -> Result<()>;
    async fn standings(&self, contract: Address) -> Result<Vec<String>>;
}

impl Kinds for Index {
    /// What a contract is followed as; null if it is not.
    async fn kind_of(&self, contract: Address) -> Result<Value> {
        let (status, body) = self.get("/v1/contracts?limit=1000").await?;
        ensure!(status == 200, "{body}");
        let contracts = body["contracts"].as_array().context("a list")?;
        let mut found = contracts.iter().filter(|row| row["contract"] == lower(contract));
        let kind = found.next().map(|row| row["kind"].clone()).unwrap_or_default();
        ensure!(found.next().is_none(), "{contract} is told twice: {body}");
        Ok(kind)
    }

    async fn until_left_out(&self, count: u64) -> Result<()> {
        let is_so = |_, body: &Value| body["members_not_followed"] == count;
        self.until("/v1/status", is_so).await.map(drop)
    }

    /// Of all its events, in order.
    async fn standings(&self, contract: Address) -> Result<Vec<String>> {
        let (_, page) = self.get(&format!("/v1/events?contract={}", lower(contract))).await?;
        let events = page["events"].as_array().context("a list")?;
        Ok(events.iter().filter_map(|event| Some(event["standing"].as_str()?.to_owned())).collect())
    }
}

fn lower(address: Address) -> String {
    address.to_string().to_lowercase()
}
