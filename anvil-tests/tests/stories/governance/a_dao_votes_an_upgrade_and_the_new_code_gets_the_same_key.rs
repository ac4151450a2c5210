//! Five voters approve new code with the real `quorate`: the enclave with the new code gets the key that the old code had. Then
//! the guardian revokes the old code in one transaction, and it gets nothing. P4, P5, P8. [GOV-5] [GOV-20] [GOV-22]

use anvil_tests::{compose_file, governed, new_code, refused_by_all, story};
use devnet::governance::Governed;

#[test]
fn holds() {
    story(async || {
        let network = governed().await?;
        let dao = network.dao()?;
        let (owner, guardian) = (dao.governor, dao.guardian);
        let governed_by = Governed { owner, guardian, is_approved: true };
        let old = network.create_app_governed_by(governed_by).await?;
        let new = new_code(network, &old, "v2")?;
        let before = network.enclave(&old, "soft-a").await?;
        let after = network.enclave(&new, "soft-b").await?;
        let key = network.boot_to_key(&before).await?;
        refused_by_all(network, &after, "Compose hash not allowed").await?;

        let (id, file) = (old.id.to_string(), compose_file(network, &new)?);
        let old_file = compose_file(network, &old)?;
        let uri = "https://example.org/v2/app-compose.json";
        let verb = ["approve", &id, "--compose", &file, "--against", &old_file, "--uri", uri];
        let proposed = dao.propose(&verb, "Upgrade to v2").await?;
        // Before the vote everybody can read what it does.
        let shown = dao.quorate.run(&["decode", &proposed.id]).await?;
        assert_eq!(shown.exit, 0, "{}", shown.json);
        assert_eq!(shown.json["textMismatch"], serde_json::Value::Null);
        let text = shown.json["description"].as_str().unwrap_or_default();
        let image = "nginx@sha256:0000000000000000000000000000000000000000000000000000000000000002";
        for words in ["# Upgrade to v2", &new.compose_hash.to_string(), image, uri, "```diff"] {
            assert!(text.contains(words), "{words} is missing in\n{text}");
        }
        assert!(text.ends_with(&format!("#proposer={}", dao.voters[0])));
        let call = &shown.json["calls"][0];
        assert_eq!(call["name"], "approveComposeHash");
        assert_eq!(call["arguments"]["composeHash"], new.compose_hash.to_string());

        dao.vote(&proposed).await?;
        dao.queue(&proposed).await?;
        // Accepted is not yet approved.
        refused_by_all(network, &after, "Compose hash not allowed").await?;
        dao.execute(&proposed).await?;
        network.settle().await?;
        assert_eq!(network.boot_to_key(&after).await?, key, "the app's key survives its upgrade");

        let hash = old.compose_hash.to_string();
        let revoke = ["revoke", &id, &hash, "--reason", "superseded"];
        let sent = dao.quorate.send(guardian, &revoke).await?;
        assert_eq!(sent["effectiveFromBlock"], sent["transaction"]["block"]);
        refused_by_all(network, &before, "Compose hash not allowed").await?;
        assert_eq!(network.boot_to_key(&after).await?, key);
        Ok(())
    });
}
