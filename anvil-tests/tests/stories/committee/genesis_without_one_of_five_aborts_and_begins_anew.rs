//! With n = 2t − 1 every recipient is needed: a node that is silent in the first ceremony lets it fail at the deadline,
//! anyone ends it, and a new one, under a new session, succeeds with everybody. [CER-10]

use abi::KmsCommittee::ceremonyCall;
use anvil_tests::story;
use devnet::{
    bring_up::node_name,
    harness::{Network, Options},
};
use std::time::Duration;

const SILENT: usize = 4;

#[test]
fn holds() {
    story(async || {
        let mut first_session = None;
        let network = Network::up_after(Options::default(), async |seated, hosts| {
            let (governance, seats) = (&seated.governance, seated.seats());
            hosts.stop_node(&node_name(SILENT)).await?;
            governance.open_epoch(seats.clone(), 3).await?;
            first_session = Some(governance.view_committee(ceremonyCall {}).await?.session);

            let again = governance.open_epoch(seats, 3).await.unwrap_err();
            let name = again.revert().map(|revert| revert.name());
            assert_eq!(name, Some("CeremonyRunning"), "{again}");

            let blocks = seated.network.delays.step_blocks;
            governance.chain.mine(usize::try_from(blocks)? + 1).await?;
            let limit = Duration::from_secs(120);
            governance
                .chain
                .until("somebody to end the ceremony", limit, async || {
                    let running = governance.view_committee(ceremonyCall {}).await?;
                    Ok(running.session.is_zero().then_some(()))
                })
                .await?;
            assert!(governance.keyset().await?.keysetId.is_zero(), "nothing came of it");
            hosts.restart_node(&node_name(SILENT)).await.map(drop)
        })
        .await?;
        let epoch = network.committee.keyset.epoch;
        let info = abi::KmsCommittee::epochInfoCall { epoch };
        let info = network.governance.view_committee(info).await?;
        assert_ne!(Some(info.session), first_session);
        assert_eq!(info.members.len(), 5);

        let app = network.create_app().await?;
        network.boot(&network.enclave(&app, "soft-a").await?).await?;
        network.down().await
    });
}
