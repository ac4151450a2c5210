//! An app owned by a Safe of its real contracts: `quorate` writes the batch, two of three owners carry out its raw bytes, and the
//! new code gets the key of the old. One owner is not enough. P8. [GOV-4] [GOV-23]

use anvil_tests::{compose_file, new_code, refused_by_all, safe::Safe, shared, story};
use devnet::governance::Governed;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let accounts = network.governance.chain.accounts().await?;
        let (owners, guardian) = (&accounts[3..6], accounts[2]);
        let safe = Safe::make(network, owners, 2).await?;
        let governed_by = Governed { owner: safe.address, guardian, is_approved: true };
        let old = network.create_app_governed_by(governed_by).await?;
        let new = new_code(network, &old, "v2")?;
        let before = network.enclave(&old, "soft-a").await?;
        let after = network.enclave(&new, "soft-b").await?;
        let key = network.boot_to_key(&before).await?;

        let quorate = network.quorate()?;
        let (id, compose) = (old.id.to_string(), compose_file(network, &new)?);
        let file = network.folder().join("safe-batch.json").display().to_string();
        let (out, from) = (format!("safe-batch={file}"), safe.address.to_string());
        let write = [
            "approve",
            &id,
            "--compose",
            &compose,
            "--uri",
            "ipfs://v2",
            "--out",
            &out,
            "--from",
            &from,
        ];
        let written = quorate.run(&write).await?;
        assert_eq!(written.exit, 0, "{}", written.json);
        // The decoded call stood on the screen before the file was written.
        assert!(written.talk.contains("AllowlistPolicy.approveComposeHash"), "{}", written.talk);
        let decoded = quorate.run(&["decode", &file]).await?;
        let hash = new.compose_hash.to_string();
        assert_eq!(decoded.json["calls"][0]["arguments"]["composeHash"], hash);

        let batch = serde_json::from_slice(&std::fs::read(&file)?)?;
        let transactions = Safe::read_batch(&batch)?;
        assert_eq!(transactions.len(), 1);
        let refused = safe.execute(&transactions[0], 1).await.unwrap_err();
        // GS020: fewer signatures than the threshold.
        assert!(refused.to_string().contains("GS020"), "{refused}");
        refused_by_all(network, &after, "Compose hash not allowed").await?;
        safe.execute(&transactions[0], 2).await?;
        network.settle().await?;
        assert_eq!(network.boot_to_key(&after).await?, key);

        let hash = old.compose_hash.to_string();
        quorate.send(guardian, &["revoke", &id, &hash, "--reason", "superseded"]).await?;
        refused_by_all(network, &before, "Compose hash not allowed").await
    });
}
