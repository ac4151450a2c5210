//! A seat posts its key and is then suspended; in the next ceremony it is removed. No dealer gives it a share, and each says
//! why, whatever the seat's evidence. [CER-3] (A12)

use super::false_seats::{FalseSeat, running};
use abi::KmsCommittee::{self, DealingPosted, RecipientRefusalPosted};
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
};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);
/// docs/spec/ceremony.md: suspended or removed.
const STANDING: u8 = 10;

#[test]
fn holds() {
    story(async || {
        let network = Network::up_after(Options::default(), async |seated, _| {
            let governance = &seated.governance;
            let mut first = FalseSeat::admit(seated, "soft-c", "x-1").await?;
            let mut last = FalseSeat::admit(seated, "soft-c", "x-2").await?;

            refused(seated, &mut first, &mut last, async |seat| {
                governance.suspend_seat(seat).await?;
                Ok(())
            })
            .await?;
            governance.unsuspend_seat(first.seat).await?;
            refused(seated, &mut first, &mut last, async |seat| {
                administer(seated, KmsCommittee::removeSeatCall { id: seat, reason: 1 }).await
            })
            .await
        })
        .await?;
        network.down().await
    });
}

/// A ceremony of three nodes and two more seats. `act` happens to the first of these while the last still owes its key.
async fn refused(
    seated: &Seated,
    first: &mut FalseSeat,
    last: &mut FalseSeat,
    act: impl AsyncFnOnce(u16) -> Result<()>,
) -> Result<()> {
    let governance = &seated.governance;
    let mut seats: Vec<_> = seated.seats().into_iter().step_by(2).take(2).collect();
    seats.push(seated.members[3].seat);
    seats.extend([first.seat, last.seat]);
    governance.open_epoch(seats, 3).await?;
    let session = running(seated).await?.session;
    first.post_key(seated).await?;
    act(first.seat).await?;
    last.post_key(seated).await?;
    let over = async || Ok(running(seated).await?.session.is_zero().then_some(()));
    governance.chain.until("the ceremony to be ended", LIMIT, over).await?;

    let said = Filter::new().address(governance.contracts.kms_committee).from_block(0);
    let logs = governance.chain.provider().get_logs(&said).await?;
    let refusals: Vec<_> = logs
        .iter()
        .filter_map(|log| RecipientRefusalPosted::decode_log(&log.inner).ok())
        .filter(|refusal| refusal.session == session)
        .map(|refusal| (refusal.seat, refusal.reason))
        .collect();
    assert!(!refusals.is_empty());
    assert!(refusals.iter().all(|said| *said == (first.seat, STANDING)), "{refusals:?}");
    assert!(logs.iter().all(|log| !is_dealing(session, log)), "nobody dealt");
    Ok(())
}

fn is_dealing(session: B256, log: &alloy::rpc::types::Log) -> bool {
    DealingPosted::decode_log(&log.inner).is_ok_and(|dealing| dealing.session == session)
}

async fn administer<C: SolCall>(seated: &Seated, call: C) -> Result<()> {
    let governance = &seated.governance;
    let committee = governance.contracts.kms_committee;
    governance.chain.send(governance.administrator, committee, call).await?;
    Ok(())
}
