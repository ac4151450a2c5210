//! Three of five seats have keys and no enclave, and deal to each other. The two honest members refuse the first of them, deal
//! nothing and confirm nothing, though with their confirmations there would be a quorum: no epoch comes of it. [CER-13] (A5)

use super::false_seats::{FalseSeat, running};
use abi::KmsCommittee::{ConfirmationPosted, DealingPosted, RecipientRefusalPosted};
use alloy::{providers::Provider, rpc::types::Filter, sol_types::SolEvent};
use anvil_tests::story;
use anyhow::Result;
use devnet::{
    bring_up::{Member, Seated},
    harness::{Network, Options},
};
use std::time::Duration;
use wire::request::Info;

const LIMIT: Duration = Duration::from_secs(120);
const DEALINGS: u8 = 2;
const CONFIRMATIONS: u8 = 3;
/// docs/spec/ceremony.md: what the quote binds.
const BINDS: u8 = 4;

#[test]
fn holds() {
    story(async || {
        let network = Network::up_after(Options::default(), async |seated, _| {
            let governance = &seated.governance;
            let honest = [&seated.members[0], &seated.members[2]];
            let mut false_seats = Vec::new();
            for (vendor, operator) in [("soft-a", "x-1"), ("soft-b", "x-2"), ("soft-c", "x-3")] {
                false_seats.push(FalseSeat::admit(seated, vendor, operator).await?);
            }
            let seats = honest.iter().map(|member| member.seat);
            let seats = seats.chain(false_seats.iter().map(|one| one.seat)).collect();
            governance.open_epoch(seats, 3).await?;
            for one in &mut false_seats {
                one.post_key(seated).await?;
            }
            step(seated, DEALINGS).await?;
            for one in &false_seats {
                one.deal(seated).await?;
            }
            step(seated, CONFIRMATIONS).await?;

            let refusals = events::<RecipientRefusalPosted>(seated).await?;
            let said: Vec<_> = refusals.iter().map(|r| (r.seat, r.reason)).collect();
            assert_eq!(said, [(false_seats[0].seat, BINDS); 2], "{refusals:?}");

            let dealings = events::<DealingPosted>(seated).await?;
            let dealings: Vec<_> = dealings.into_iter().map(|d| (d.seat, d.dealing)).collect();
            assert_eq!(dealings.len(), 3, "two honest members deal nothing");
            for one in &false_seats {
                one.confirm(seated, &dealings).await?;
            }
            for member in honest {
                has_nothing_to_confirm(seated, member).await?;
            }
            let over = async || Ok(running(seated).await?.session.is_zero().then_some(()));
            governance.chain.until("the ceremony to be ended", LIMIT, over).await?;

            let confirmed = events::<ConfirmationPosted>(seated).await?;
            let mut confirmed: Vec<_> = confirmed.iter().map(|posted| posted.seat).collect();
            confirmed.sort_unstable();
            let theirs: Vec<_> = false_seats.iter().map(|one| one.seat).collect();
            assert_eq!(confirmed, theirs, "only the false seats confirm");
            assert!(governance.keyset().await?.keysetId.is_zero(), "nothing came of it");
            Ok(())
        })
        .await?;
        network.down().await
    });
}

async fn step(seated: &Seated, step: u8) -> Result<()> {
    let reached = async || Ok((running(seated).await?.step == step).then_some(()));
    seated.governance.chain.until(&format!("step {step}"), LIMIT, reached).await
}

/// Waits until the member has seen, finally, that confirmations are due, and has none to give.
async fn has_nothing_to_confirm(seated: &Seated, member: &Member) -> Result<()> {
    let http = tee_client::http_client()?;
    let url = format!("{}/v1/info", member.url);
    let what = format!("{} to be at the confirmations", member.name);
    let look = async || {
        let info: Info = http.get(&url).send().await?.json().await?;
        let says = info.ceremony.unwrap_or_default();
        let due = says.contains("at confirmations") && says.contains("waiting for others");
        Ok(due.then_some(()))
    };
    seated.governance.chain.until(&what, LIMIT, look).await
}

async fn events<E: SolEvent>(seated: &Seated) -> Result<Vec<E>> {
    let governance = &seated.governance;
    let said = Filter::new().address(governance.contracts.kms_committee).from_block(0);
    let logs = governance.chain.provider().get_logs(&said).await?;
    Ok(logs.iter().filter_map(|log| Some(E::decode_log(&log.inner).ok()?.data)).collect())
}
