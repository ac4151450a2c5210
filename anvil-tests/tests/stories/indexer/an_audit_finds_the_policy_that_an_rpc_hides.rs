//! `quorate audit` compares every policy that a whole trail names, those that policies ask included; an endpoint that hides who is
//! named, in one answer or in all, below `--from` or above it, gets no `complete`. P6, A4. [BUN-14] [IDX-13]

use alloy::primitives::Address;
use anvil_tests::{policies, quorate, story};
use anyhow::{Context, ensure};
use devnet::harness::{BareChain, LyingRpc, RpcLie};
use policy_cli::Exit;
use serde_json::Value;

#[test]
fn holds() {
    story(async || {
        let chain = BareChain::up(1).await?;
        let (app, theirs) = (chain.create_app(1).await?, chain.create_app(2).await?);
        let inner = policies::list(&chain, &app).await?;
        let license = policies::license(&chain, &app, inner).await?;
        let foreign = policies::liar(&chain).await?;
        let members = vec![theirs.id, license, foreign];
        let all_of = policies::all_of(&chain, &app, members).await?;
        policies::set_policy(&chain, &app, all_of).await?;
        chain.governance.chain.mine(6).await?;

        let rpc = LyingRpc::start(chain.governance.chain.url()).await?;
        let mut network = chain.network.clone();
        network.chain.endpoints = vec![rpc.url().to_owned()];
        let file = chain.folder().join("audited.toml");
        std::fs::write(&file, network.to_toml())?;
        let file = file.to_str().context("a path in UTF-8")?;
        let audit = async |from: &str| {
            quorate(&["audit", "--network", file, "--rpc", rpc.url(), "--from", from]).await
        };
        // Above every event, and not above the finalized block.
        let above = (chain.governance.chain.block_number().await? - 3).to_string();
        for from in ["0", &above] {
            let (exit, answer) = audit(from).await?;
            ensure!(exit == Exit::Ok && answer["complete"] == true, "{answer}");
            ensure!(answer["policiesKnown"] == true, "{answer}");
            ensure!(answer["trails"].as_array().map(Vec::len) == Some(9), "{answer}");
            for policy in [app.id, theirs.id, all_of, license, inner] {
                let trail = of(&answer, policy).with_context(|| format!("{policy}: {answer}"))?;
                ensure!(trail["verdict"] == "complete" && trail["told"] == trail["seq"], "{trail}");
            }
            ensure!(of(&answer, foreign).is_none(), "a foreign policy has no trail: {answer}");
        }

        let registry = chain.governance.contracts.app_registry;
        for (lie, from) in [
            (RpcLie::HiddenPolicyOnce, "0"),
            (RpcLie::HiddenPolicy, "0"),
            (RpcLie::HiddenPolicy, &above),
            (RpcLie::OtherPolicy, "0"),
            (RpcLie::OtherPolicy, &above),
        ] {
            let (before, case) = (rpc.told(), format!("{lie:?} from {from}"));
            rpc.tell(Some(lie));
            let (exit, answer) = audit(from).await?;
            ensure!(rpc.told() > before, "{case}: no lie was told");
            ensure!(exit == Exit::Denied && answer["complete"] == false, "{case}: {answer}");
            ensure!(answer["policiesKnown"] == false, "{case}: {answer}");
            let trail = of(&answer, registry).context("AppRegistry")?;
            ensure!(trail["verdict"] != "complete", "{case}: {answer}");
            ensure!(of(&answer, all_of).is_none(), "{case}: {answer}");
        }
        // What only a policy names, and only a licence below it.
        for hidden in [license, inner] {
            rpc.tell(Some(RpcLie::HiddenContract(hidden)));
            for from in ["0", &above] {
                let (exit, answer) = audit(from).await?;
                ensure!(exit == Exit::Denied && answer["complete"] == false, "{answer}");
                let trail = of(&answer, hidden).context("it is not compared")?;
                ensure!(trail["verdict"] == "hidden" && trail["wrongSeq"] == 1, "{trail}");
            }
        }
        Ok(())
    });
}

fn of(answer: &Value, contract: Address) -> Option<&Value> {
    let contract = contract.to_string().to_lowercase();
    answer["trails"].as_array()?.iter().find(|trail| trail["contract"] == contract)
}
