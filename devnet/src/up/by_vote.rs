//! What a DAO does to its app: the first approval by a vote, the revocation by its guardian alone.

use super::Printer;
use crate::{
    bring_up::Tell,
    dao::{Dao, Proposed, block_of},
    governance::App,
};
use abi::AllowlistPolicy;
use alloy::{hex, sol_types::SolCall};
use anyhow::{Context, Result, ensure};
use std::{path::Path, time::Duration};

/// How long an index may take to see a block.
const PATIENCE: Duration = Duration::from_secs(60);

/// Proposal, five votes, queue, execution; a step each.
pub(super) async fn approve(
    dao: &Dao,
    app: &App,
    index: &str,
    folder: &Path,
    printer: &mut Printer,
) -> Result<()> {
    let file = folder.join("app-compose.json");
    std::fs::write(&file, &app.compose).with_context(|| file.display().to_string())?;
    let (id, file) = (app.id.to_string(), file.display().to_string());
    let report = simulate(dao, app, folder).await?;
    printer.step("simulated the approval: who could boot before and after".into());
    let verb = ["approve", &id, "--compose", &file, "--simulation", &report];
    let proposed = dao.propose(&verb, "Approve the first code").await?;
    printer
        .step(format!("proposed to the DAO: approve the compose hash, block {}", proposed.block));
    printer.detail(format!("{:<20}{}", "proposal", proposed.id));
    printer
        .detail(format!("{:<20}quorate approve {id} --compose app-compose.json --propose …", "by"));
    publish(dao, &proposed, &[&file, &report], index).await?;
    printer.step("sent the code’s text and the report to the index".into());
    printer.detail(format!("{:<20}{index}/proposals/{}", "read it", proposed.id));
    dao.vote(&proposed).await?;
    printer.step(format!("{} of {0} voted for it; the vote runs out", dao.voters.len()));
    dao.queue(&proposed).await?;
    printer.step("accepted and queued; its delay runs".into());
    let executed = dao.execute(&proposed).await?;
    printer.step(format!("executed: the compose hash is approved, block {}", executed.block));
    Ok(())
}

/// The report of a simulation of the approval, by `quorate simulate`.
async fn simulate(dao: &Dao, app: &App, folder: &Path) -> Result<String> {
    let call = AllowlistPolicy::approveComposeHashCall {
        composeHash: app.compose_hash,
        uri: String::new(),
    };
    let (to, data) = (app.id.to_string(), hex::encode_prefixed(call.abi_encode()));
    let governor = dao.governor.to_string();
    let call = ["--governor", &governor, "--to", &to, "--data", &data];
    let verb = [&["simulate"], &call[..], &["--block", "latest"]].concat();
    let report = dao.quorate.says(&verb).await?;
    let file = folder.join("report.md");
    std::fs::write(&file, report).with_context(|| file.display().to_string())?;
    Ok(file.display().to_string())
}

/// Sends texts to the index, once that knows of the proposal that names them.
async fn publish(dao: &Dao, proposed: &Proposed, files: &[&str], index: &str) -> Result<()> {
    let verb = [&["publish"], files, &["--index", index]].concat();
    let is_kept = async || {
        let sent = dao.quorate.run(&verb).await?;
        // 4: nothing that the index knows names it, yet.
        ensure!(matches!(sent.exit, 0 | 4), "quorate publish: {}", sent.json);
        Ok((sent.exit == 0).then_some(()))
    };
    let what = format!("the index to know of proposal {}", proposed.id);
    dao.chain.until(&what, PATIENCE, is_kept).await
}

/// One signature.
pub(super) async fn revoke(dao: &Dao, app: &App, printer: &mut Printer) -> Result<u64> {
    let (id, hash) = (app.id.to_string(), app.compose_hash.to_string());
    let verb = ["revoke", &id, &hash, "--reason", "vulnerable"];
    let sent = dao.quorate.send(dao.guardian, &verb).await?;
    let block = block_of(&sent);
    printer
        .step(format!("the guardian revoked the compose hash, alone and at once, block {block}"));
    Ok(block)
}
