//! A seat was admitted with its code; the code is revoked before the ceremony. Every dealer judges every recipient's quote
//! itself: nobody deals, and the chain says who was refused and why. With the code approved again all is well. [CER-3]

use abi::KmsCommittee::{self, DealingPosted, RecipientRefusalPosted, ceremonyCall};
use alloy::{
    primitives::B256,
    providers::Provider,
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent},
};
use anvil_tests::story;
use anyhow::Result;
use devnet::{
    bring_up::Seated,
    harness::{Network, Options},
    plan::Plan,
};
use policy_cli::compose::compose_hash;
use std::time::Duration;

/// docs/spec/ceremony.md: not approved as node code.
const NODE_CODE: u8 = 5;

#[test]
fn holds() {
    story(async || {
        let network = Network::up_after(Options::default(), async |seated, _| {
            let governance = &seated.governance;
            let image = B256::from(Plan::os_image().hash());
            let compose = B256::from(compose_hash(&seated.node_compose));
            let revoke = KmsCommittee::revokeNodeCodeCall {
                osImageHash: image,
                composeHash: compose,
                reason: 1,
            };
            administer(seated, revoke).await?;
            governance.open_epoch(seated.seats(), 3).await?;

            // The ceremony ends with the third refusal: fewer than t recipients are left to deal.
            let limit = Duration::from_secs(120);
            governance
                .chain
                .until("somebody to end the ceremony", limit, async || {
                    let running = governance.view_committee(ceremonyCall {}).await?;
                    Ok(running.session.is_zero().then_some(()))
                })
                .await?;
            let said = Filter::new().address(governance.contracts.kms_committee).from_block(0);
            let logs = governance.chain.provider().get_logs(&said).await?;
            let refusals: Vec<_> = logs
                .iter()
                .filter_map(|log| RecipientRefusalPosted::decode_log(&log.inner).ok())
                .collect();
            assert!(!refusals.is_empty());
            assert!(refusals.iter().all(|refusal| refusal.reason == NODE_CODE), "{refusals:?}");
            let dealt = logs.iter().filter(|log| DealingPosted::decode_log(&log.inner).is_ok());
            assert_eq!(dealt.count(), 0, "nobody dealt a share to it");
            assert!(governance.keyset().await?.keysetId.is_zero(), "nothing came of it");
            governance.approve_node_code(image, compose).await?;
            Ok(())
        })
        .await?;
        let epoch = network.committee.keyset.epoch;
        let info = KmsCommittee::epochInfoCall { epoch };
        assert_eq!(network.governance.view_committee(info).await?.members.len(), 5);
        network.down().await
    });
}

async fn administer<C: SolCall>(seated: &Seated, call: C) -> Result<()> {
    let governance = &seated.governance;
    let committee = governance.contracts.kms_committee;
    governance.chain.send(governance.administrator, committee, call).await?;
    Ok(())
}
