//! A reorg drops the record after a node released at the head: nobody releases any more, and whoever holds the node's signed
//! release enters it in the log as dropped (A9, P2).

use abi::IssuanceLog;
use alloy::{providers::Provider, sol_types::SolValue};
use anvil_tests::story;
use devnet::harness::{Network, Options};
use std::time::Duration;
use wire::request::Code;

#[test]
fn holds() {
    story(async || {
        let network = Network::up(Options::default()).await?;
        let app = network.create_app().await?;
        let mut ask = network.ask(&network.enclave(&app, "soft-a").await?).await?;
        network.authorize_by(&mut ask, &[0, 1, 2]).await?;
        let chain = &network.governance.chain;
        let request = ask.record_request()?;
        let block = network.record(&request).await?;
        // With no further block, what comes now is released by the head alone.
        network.settle_head_without_blocks().await?;
        let release = network.release(3, ask.pending.request()).await?;
        assert!(release.released.blockNumber >= block);

        let depth = chain.block_number().await? - block + 1;
        assert!(depth <= 2, "the record is not final");
        let reorg: Result<serde_json::Value, _> =
            chain.provider().raw_request("anvil_reorg".into(), (depth, [(); 0])).await;
        reorg?;
        assert_eq!(network.recorded(ask.pending.issuance_id()).await?, 0, "the record is gone");
        // Until it has followed the reorg, a node may have no fresh head; a release it never gives.
        let limit = Duration::from_secs(120);
        chain
            .until("node 4 to see that the record is gone", limit, async || {
                let answer = network.release(4, ask.pending.request()).await;
                let refusal = answer.expect_err("nothing is released on a dropped record");
                Ok((refusal.code() == Some(Code::NotRecorded)).then_some(()))
            })
            .await?;

        let issuance = IssuanceLog::Issuance::abi_decode(&request.issuance.abi_encode())?;
        let authorizations = request.signatures.iter().map(|signature| {
            IssuanceLog::SeatSignature { seat: signature.seat, r: signature.r, vs: signature.vs }
        });
        let released = IssuanceLog::Released::abi_decode(&release.released.abi_encode())?;
        let call = IssuanceLog::reportDroppedCall {
            issuance,
            authorizations: authorizations.collect(),
            released,
            r: release.signature.r,
            vs: release.signature.vs,
        };
        let (from, log) = (network.governance.owner, network.governance.contracts.issuance_log);
        chain.send(from, log, call.clone()).await?;
        let reported = IssuanceLog::reportedDroppedCall { issuanceId: ask.pending.issuance_id() };
        assert!(chain.view(log, reported).await?);
        let error = chain.send(from, log, call).await.unwrap_err();
        assert_eq!(error.revert().map(|revert| revert.name()), Some("AlreadyReported"), "{error}");
        network.down().await
    });
}
