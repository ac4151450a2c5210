//! A proposal whose text names honest code and whose calls approve other code: `quorate` says so and signs no vote for it. Even
//! accepted by a bribed majority it is vetoed by the guardian before its delay is over. `simulate` shows whom it would let in. P8, A18. [GOV-6] [GOV-20] [SIM-9]

use abi::{AllowlistPolicy, QuorateGovernor};
use alloy::{
    primitives::U256,
    sol_types::{SolCall, SolEvent},
};
use anvil_tests::{governed, new_code, refused_by_all, story};
use devnet::{dao::Proposed, governance::Governed};

#[test]
fn holds() {
    story(async || {
        let network = governed().await?;
        let dao = network.dao()?;
        let (owner, guardian) = (dao.governor, dao.guardian);
        let governed_by = Governed { owner, guardian, is_approved: true };
        let app = network.create_app_governed_by(governed_by).await?;
        let hostile = new_code(network, &app, "hostile")?;
        let enclave = network.enclave(&hostile, "soft-a").await?;

        // Made by hand: `quorate` writes no such text.
        let approve = AllowlistPolicy::approveComposeHashCall {
            composeHash: hostile.compose_hash,
            uri: String::new(),
        };
        let propose = QuorateGovernor::proposeCall {
            targets: vec![app.id],
            values: vec![U256::ZERO],
            calldatas: vec![approve.abi_encode().into()],
            description: format!("# Keep the code\n\nApproves {} once more.", app.compose_hash),
        };
        let proposer = dao.voters[4];
        let receipt = network.governance.chain.send(proposer, dao.governor, propose).await?;
        let created = receipt
            .logs()
            .iter()
            .find_map(|log| QuorateGovernor::ProposalCreated::decode_log(&log.inner).ok());
        let id = created.expect("a proposal stands").proposalId.to_string();
        let proposed = Proposed { id: id.clone(), block: 0 };

        let shown = dao.quorate.run(&["decode", &id]).await?;
        assert_eq!(shown.exit, 4, "{}", shown.json);
        let why = shown.json["textMismatch"].as_str().unwrap_or_default();
        assert!(why.contains(&hostile.compose_hash.to_string()), "{why}");
        // Run on proven state, it shows who could boot that could not before.
        let folder = tempfile::tempdir()?;
        let quote = folder.path().join("hostile.bin").display().to_string();
        std::fs::write(&quote, enclave.evidence(&[7; 64]).encode())?;
        let simulate = ["simulate", "--proposal", &id, "--as", &quote, "--block", "latest"];
        let report = dao.quorate.run(&simulate).await?;
        assert_eq!(report.exit, 4, "{}", report.json);
        let findings = report.json["findings"].to_string();
        assert!(findings.contains("text-is-calldata"), "{findings}");
        let boots = report.json["boots"]["list"].as_array().cloned().unwrap_or_default();
        let let_in = boots.iter().filter(|boot| {
            boot["composeHash"] == hostile.compose_hash.to_string()
                && boot["without"]["allowed"] == false
                && boot["with"]["allowed"] == true
        });
        let let_in: Vec<_> = let_in.collect();
        // The enclave itself, by its quote, and any machine like it.
        let asked = |kind: &str| let_in.iter().any(|boot| boot["who"]["kind"] == kind);
        assert!(asked("quote") && asked("supposed"), "{}", report.json);
        std::fs::write(&quote, "no evidence")?;
        let refused = dao.quorate.run(&simulate).await?;
        assert_eq!(refused.exit, 4, "{}", refused.json);
        assert_eq!(refused.json["error"]["code"], "denied");
        std::fs::remove_file(&quote)?;
        let simulate = ["simulate", "--proposal", &id, "--block", "latest"];
        dao.until_open(&proposed).await?;
        let voter = dao.voters[0].to_string();
        let key = ["--broadcast", "--yes", "--unlocked", "--from", &voter];
        let refused = dao.quorate.run(&[&["vote", &id, "for"], &key[..]].concat()).await?;
        assert_eq!(refused.exit, 4, "{}", refused.json);
        assert_eq!(refused.json["error"]["code"], "denied");

        // Three of five vote for it all the same.
        for voter in &dao.voters[..3] {
            let vote = ["vote", &id, "for", "--danger-text-mismatch"];
            dao.quorate.send(*voter, &vote).await?;
        }
        dao.queue(&proposed).await?;
        dao.quorate.send(guardian, &["veto", &id]).await?;
        let over = dao.quorate.run(&simulate).await?;
        assert_eq!(over.exit, 4, "{}", over.json);
        let words = over.json["error"]["message"].as_str().unwrap_or_default();
        assert!(words.contains("canceled"), "{words}");
        let execute = [&["execute", &id], &key[..]].concat();
        let late = dao.quorate.run(&execute).await?;
        assert_eq!(late.exit, 6, "{}", late.json);
        let words = late.json["error"]["message"].as_str().unwrap_or_default();
        assert!(words.contains("GovernorUnexpectedProposalState"), "{words}");
        refused_by_all(network, &enclave, "Compose hash not allowed").await
    });
}
