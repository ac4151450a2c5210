//! `quorate audit` against the only endpoint there is: whole while it tells the truth; an event that it hides, tells twice or
//! changes is named by contract and seq. `quorate watch` ends with an event that its receipt proves. P6, A4. [BUN-14] [BUN-15]

use anvil_tests::{bare, quorate, story};
use anyhow::{Context, Result, ensure};
use devnet::harness::{LyingRpc, RpcLie};
use policy_cli::Exit;
use serde_json::Value;

#[test]
fn holds() {
    story(async || {
        let chain = bare().await?;
        let rpc = LyingRpc::start(chain.governance.chain.url()).await?;
        let mut network = chain.network.clone();
        network.chain.endpoints = vec![rpc.url().to_owned()];
        let file = chain.folder().join("audited.toml");
        std::fs::write(&file, network.to_toml())?;
        let file = file.to_str().context("a path in UTF-8")?;
        let audit = async |from: &str| {
            quorate(&["audit", "--network", file, "--rpc", rpc.url(), "--from", from]).await
        };
        let (exit, answer) = audit("0").await?;
        ensure!(exit == Exit::Ok && answer["complete"] == true, "{answer}");
        let trails = answer["trails"].as_array().context("a list")?;
        ensure!(trails.len() == 7, "four contracts and three policies: {answer}");
        ensure!(trails.iter().any(|trail| trail["told"].as_u64() > Some(3)), "{answer}");
        // From the middle: what was before is proven, what comes after is compared.
        let middle = (chain.governance.chain.block_number().await? / 2).to_string();
        let (exit, answer) = audit(&middle).await?;
        ensure!(exit == Exit::Ok, "{answer}");
        for (lie, word) in [
            (RpcLie::HiddenLog, "hidden"),
            (RpcLie::InventedLog, "invented"),
            (RpcLie::ChangedLog, "changed"),
        ] {
            rpc.tell(Some(lie));
            let (exit, answer) = audit("0").await?;
            ensure!(exit == Exit::Denied && answer["complete"] == false, "{lie:?}: {answer}");
            named(&answer, word).with_context(|| format!("{lie:?}: {answer}"))?;
        }
        let watched = [
            "watch",
            "--network",
            file,
            "--rpc",
            rpc.url(),
            "--from",
            "0",
            "--event",
            "AppEntered",
            "--timeout",
            "5",
        ];
        rpc.tell(Some(RpcLie::ChangedLog));
        let (exit, answer) = quorate(&watched).await?;
        ensure!(exit == Exit::Network, "{answer}");
        rpc.tell(None);
        let (exit, answer) = quorate(&watched).await?;
        ensure!(exit == Exit::Ok && answer["event"]["name"] == "AppEntered", "{answer}");
        let never = [
            "watch",
            "--network",
            file,
            "--rpc",
            rpc.url(),
            "--event",
            "AppFrozen",
            "--timeout",
            "1",
        ];
        let (exit, answer) = quorate(&never).await?;
        ensure!(exit == Exit::NotFound, "{answer}");
        Ok(())
    });
}

/// A trail has this verdict, and names a seq.
fn named(answer: &Value, word: &str) -> Result<()> {
    let trails = answer["trails"].as_array().context("a list")?;
    let found = trails.iter().find(|trail| trail["verdict"] == word);
    let seq = found.context("no trail says so")?["wrongSeq"].as_u64();
    ensure!(seq.is_some_and(|seq| seq > 0), "no seq is named");
    Ok(())
}
