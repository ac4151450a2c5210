//! A network whose DAO has voted and votes: an upgrade that was carried out, a hostile proposal, an honest one that is open; the
//! texts behind them, sent to an index by the real `quorate`; and a browser to look with.

use crate::{Index, compose_file, explored::Explored, new_code};
use abi::{AllowlistPolicy, QuorateGovernor};
use alloy::{
    primitives::{B256, U256, keccak256},
    providers::Provider,
    sol_types::{SolCall, SolEvent},
};
use anyhow::{Context, Result, ensure};
use devnet::{
    dao::Dao,
    governance::{App, Governed},
    harness::{Network, Options},
    quorate::Answer,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// Long enough for a browser, short enough for a clock that is turned once.
const VOTING_SECONDS: u32 = 120;

static NETWORK: OnceCell<Network> = OnceCell::const_new();
static VOTED: OnceCell<Explored> = OnceCell::const_new();

/// The network of the stories about proposals.
///
/// # Errors
/// If it can't be brought up.
pub async fn voted() -> Result<&'static Explored> {
    VOTED.get_or_try_init(bring_up).await
}

/// What `quorate publish` says of a file, to the index at `url`.
///
/// # Errors
/// If the network is not up, or it gives no answer.
pub async fn publish(file: &str, url: &str) -> Result<Answer> {
    let network = NETWORK.get().context("ask for voted() first")?;
    network.dao()?.quorate.run(&["publish", file, "--index", url]).await
}

async fn bring_up() -> Result<Explored> {
    let options = Options { dao: true, voting_seconds: VOTING_SECONDS, ..Options::default() };
    let network = NETWORK.get_or_try_init(|| Network::up(options)).await?;
    let dao = network.dao()?;
    let governed_by = Governed { owner: dao.governor, guardian: dao.guardian, is_approved: true };
    let old = network.create_app_governed_by(governed_by).await?;
    let new = new_code(network, &old, "v2")?;
    let next = new_code(network, &old, "v3")?;
    let (old_file, new_file) = (compose_file(network, &old)?, compose_file(network, &new)?);
    let report = simulated(network, dao, &new).await?;

    let id = old.id.to_string();
    let uri = "https://example.org/v2/app-compose.json";
    let words = network.folder().join("words.md");
    std::fs::write(&words, "Why: the new image answers <b>faster</b>.\n\n- tested\n- reviewed")?;
    let words = words.display().to_string();
    let approve = ["approve", &id, "--compose", &new_file, "--against", &old_file, "--uri", uri];
    let text = ["--text", &words, "--simulation", &report];
    let upgrade = dao.propose(&[&approve[..], &text].concat(), "Upgrade to v2").await?;
    dao.vote(&upgrade).await?;
    // No node boots anything here any more: the clock may be turned.
    let chain = &dao.chain;
    let turn = [json!(VOTING_SECONDS + 1)];
    let _: Value = chain.provider().raw_request("evm_increaseTime".into(), turn).await?;
    chain.mine(1).await?;
    dao.queue(&upgrade).await?;
    let upgrade = dao.execute(&upgrade).await?;

    let hostile = hostile(dao, &old, &new).await?;
    let approve = ["approve", &id, &next.compose_hash.to_string()];
    let open = dao.propose(&approve, "Upgrade to v3").await?;
    dao.until_open(&open).await?;
    chain.mine(2).await?;

    let folder = tempfile::tempdir()?;
    let file = &network.committee.network;
    let index = Index::start(file, folder.path(), "voted").await?;
    let is_there =
        |status: u16, body: &Value| status == 200 && body["proposal"]["poll"]["state"] == "open";
    index.until(&format!("/v1/proposals/{}", open.id), is_there).await?;
    let url = index.url()?;
    let publish = ["publish", &old_file, &new_file, &report, "--index", &url];
    let sent = dao.quorate.run(&publish).await?;
    ensure!(sent.exit == 0, "{}", sent.json);
    let hash = B256::from(keccak256(std::fs::read(&report)?));
    let facts = json!({
        "base": url,
        "rpc": chain.url(),
        "app": id,
        "old": old.compose_hash,
        "new": new.compose_hash,
        "next": next.compose_hash,
        "next_file": compose_file(network, &next)?,
        "report": hash,
        "upgrade": upgrade.id,
        "hostile": hostile,
        "open": open.id,
        "governor": dao.governor,
        "voter": dao.voters[1],
        "chain": chain.chain_id().await?,
    });
    Ok(Explored { index, facts, _folder: folder })
}

/// The report that `quorate simulate` writes of the upgrade.
async fn simulated(network: &Network, dao: &Dao, new: &App) -> Result<String> {
    let approve = AllowlistPolicy::approveComposeHashCall {
        composeHash: new.compose_hash,
        uri: "https://example.org/v2/app-compose.json".to_owned(),
    };
    let (to, data) = (new.id.to_string(), alloy::hex::encode_prefixed(approve.abi_encode()));
    let words = network.folder().join("draft.md");
    std::fs::write(&words, format!("# Upgrade to v2\n\n{}", new.compose_hash))?;
    let words = words.display().to_string();
    let governor = dao.governor.to_string();
    let call = ["--governor", &governor, "--to", &to, "--data", &data];
    let ask = [&["simulate"], &call[..], &["--description", &words, "--block", "latest"]].concat();
    let report = dao.quorate.says(&ask).await?;
    ensure!(report.starts_with('#'), "no report: {report}");
    let file = network.folder().join("report.md");
    std::fs::write(&file, report)?;
    Ok(file.display().to_string())
}

/// Its text names the old code, its call approves other code. Made by hand: `quorate` writes no such text.
async fn hostile(dao: &Dao, old: &App, new: &App) -> Result<String> {
    let approve = AllowlistPolicy::approveComposeHashCall {
        composeHash: B256::repeat_byte(0xee),
        uri: String::new(),
    };
    let unknown = alloy::hex!("deadbeef00");
    let propose = QuorateGovernor::proposeCall {
        targets: vec![old.id, new.id],
        values: vec![U256::ZERO, U256::from(1_000_000_000_000_000_000_u64)],
        calldatas: vec![approve.abi_encode().into(), unknown.into()],
        description: format!(
            "# Keep the <script>alert(1)</script> code\n\nApproves {} once more, see [here](javascript:alert(1)).",
            old.compose_hash
        ),
    };
    let receipt = dao.chain.send(dao.voters[4], dao.governor, propose).await?;
    let created = receipt
        .logs()
        .iter()
        .find_map(|log| QuorateGovernor::ProposalCreated::decode_log(&log.inner).ok());
    Ok(created.context("a proposal stands")?.proposalId.to_string())
}
