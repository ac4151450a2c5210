//! An app under a LicensePolicy: enclaves get its key until the licence ends, nobody does after it, and the same key comes again
//! once the owner has extended it. P5, P8. [GOV-3]

use abi::{LicensePolicy, license_policy::LicensePolicy as abi_of};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolValue,
};
use anvil_tests::{refused_by_all, shared, story};
use std::time::Duration;

/// Enough for one boot on a busy machine.
const TERM_SECONDS: u64 = 20;

#[test]
fn holds() {
    story(async || {
        let network = shared().await?;
        let governance = &network.governance;
        let (chain, owner) = (&governance.chain, governance.owner);
        let app = network.create_app().await?;
        let until = chain.time().await? + TERM_SECONDS;
        let holding = abi_of::Holding {
            token: Address::ZERO,
            licensee: Address::ZERO,
            leastBalance: U256::ZERO,
        };
        let registry = governance.contracts.app_registry;
        let arguments = (registry, app.id, 0_u32, app.id, until, holding).abi_encode_params();
        let code = [LicensePolicy::BYTECODE.to_vec(), arguments].concat();
        let licence = chain.create(owner, code.into()).await?.to_string();
        let (quorate, id) = (network.quorate()?, app.id.to_string());
        quorate.send(owner, &["app", "policy", &id, "--set", &licence]).await?;
        let shown = quorate.run(&["app", "policy", &id]).await?;
        assert_eq!(shown.json["license"]["until"], until);
        network.settle().await?;

        let enclave = network.enclave(&app, "soft-a").await?;
        let key = network.boot_to_key(&enclave).await?;
        let over = async || Ok((chain.time().await? >= until).then_some(()));
        chain.until("the end of the licence", Duration::from_secs(2 * TERM_SECONDS), over).await?;
        refused_by_all(network, &enclave, "License has ended").await?;

        let extend = LicensePolicy::extendCall { until_: until + 3600 };
        chain.send(owner, licence.parse()?, extend).await?;
        network.settle().await?;
        assert_eq!(network.boot_to_key(&enclave).await?, key);
        Ok(())
    });
}
