//! An enclave asks for a key version that its app does not have yet. That is a word of the chain's, not a malformed request:
//! each node denies it, signed, at a block. The current version passes. [AUTH-6] [AUTH-8]

use anvil_tests::{shared, story};
use anyhow::Context;
use devnet::harness::{Network, Refusal};
use getrandom::{SysRng, rand_core::UnwrapErr};
use kms_client::{KeyRequestDraft, Pinned, Wanted};
use wire::{Scope, request::Code};

#[test]
fn holds() {
    story(async || {
        let network: &Network = shared().await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let committee = network.agreed(&app).await?;
        let request = |key_version| {
            let mut rng = UnwrapErr(SysRng);
            let wanted = vec![Wanted::Derive { scope: Scope::App, key_version }];
            let pinned = Pinned::new(&app.agent)?;
            let draft = KeyRequestDraft::new(&pinned, &committee, app.id, wanted, &mut rng)?;
            let evidence = enclave.evidence(&draft.report_data());
            anyhow::Ok(draft.with_evidence(evidence, &mut rng)?)
        };
        let next = request(2)?;
        for node in 0..5 {
            let refusal = network.authorize(node, next.request()).await.unwrap_err();
            assert_eq!(refusal.code(), Some(Code::Denied), "{refusal}");
            let Refusal::Problem(problem) = refusal else { unreachable!("it has a code") };
            let denial = problem.denied.context("it is signed")?;
            assert_eq!(denial.statement.reason, "key version 2 is not readable");
            assert!(denial.statement.blockNumber >= committee.anchor.number);
            let digest = network.issuance_domain().digest(&denial.statement);
            let signer = network.member(node)?.ready.signer;
            assert_eq!(denial.signature.signer(digest), Some(signer));
        }
        network.authorize(0, request(1)?.request()).await?;
        Ok(())
    });
}
