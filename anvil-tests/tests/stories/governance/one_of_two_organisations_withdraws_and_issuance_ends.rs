//! An app that two organisations must agree on: when one of them takes the code off its own list, nobody gets the key, though the
//! other still lists it. P5, P8. [GOV-1]

use abi::AllOfPolicy;
use alloy::sol_types::SolValue;
use anvil_tests::{refused_by_all, shared, story};

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let governance = &network.governance;
        let (chain, first) = (&governance.chain, governance.owner);
        let second = chain.accounts().await?[8];
        let app = network.create_app().await?;
        let (quorate, id, hash) =
            (network.quorate()?, app.id.to_string(), app.compose_hash.to_string());

        // The other organisation's list is an app of its own.
        let who = second.to_string();
        let create =
            ["app", "create", "--owner", &who, "--guardian", &who, "--compose-hash", &hash];
        let create = [&create[..], &["--danger-any-device", "--salt", &hash]].concat();
        let made = quorate.send(second, &create).await?;
        let theirs = made["appId"].as_str().unwrap_or_default().to_owned();
        let members = vec![app.id, theirs.parse()?];
        let registry = governance.contracts.app_registry;
        let arguments = (registry, app.id, 0_u32, members).abi_encode_params();
        let code = [AllOfPolicy::BYTECODE.to_vec(), arguments].concat();
        let both = chain.create(first, code.into()).await?.to_string();
        quorate.send(first, &["app", "policy", &id, "--set", &both]).await?;
        network.settle().await?;

        let enclave = network.enclave(&app, "soft-b").await?;
        network.boot(&enclave).await?;
        quorate.send(second, &["revoke", &theirs, &hash, "--reason", "legal"]).await?;
        refused_by_all(network, &enclave, "Compose hash not allowed").await?;
        let policy = quorate.run(&["app", "policy", &id]).await?;
        assert_eq!(policy.json["allOf"]["members"].as_array().map(Vec::len), Some(2));
        let first_list =
            abi::AllowlistPolicy::allowedComposeHashesCall { composeHash: app.compose_hash };
        assert!(chain.view(app.id, first_list).await?, "the first organisation still lists it");
        Ok(())
    });
}
