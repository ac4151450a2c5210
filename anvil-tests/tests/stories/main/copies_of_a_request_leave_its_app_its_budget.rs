//! Who saw a request sends it to a node again and again, each time with another space behind the event log: the same quote,
//! other evidence. The app's budget on that device pays for it once, so the enclave's next request is judged. [AUTH-3] (A17)

use anvil_tests::story;
use devnet::harness::{Network, Options};
use std::net::Ipv4Addr;
use wire::request::{Authorization, KeyRequest};

const PER_MINUTE: u32 = 20;
const COPIES_OF_ONE_SOURCE: usize = 15;

#[test]
fn holds() {
    story(async || {
        let mut options = Options::default();
        options.limits.requests_per_minute = PER_MINUTE;
        let network = Network::up(options).await?;
        let app = network.create_app().await?;
        let enclave = network.enclave(&app, "soft-a").await?;
        let seen = network.ask(&enclave).await?;
        network.authorize(0, seen.pending.request()).await?;

        // Each source keeps within its own budget.
        let url = format!("{}/v1/authorize", network.member(0)?.url);
        let mut copy: KeyRequest = seen.pending.request().clone();
        for source in [2, 3] {
            let http = reqwest::Client::builder()
                .local_address(std::net::IpAddr::from(Ipv4Addr::new(127, 0, 0, source)))
                .build()?;
            for _ in 0..COPIES_OF_ONE_SOURCE {
                copy.evidence.event_log.push(' ');
                let answer = http.post(&url).json(&copy).send().await?;
                assert!(answer.status().is_success(), "{}", answer.text().await?);
                let authorization: Authorization = answer.json().await?;
                assert_eq!(authorization.issuance.evidenceHash, copy.evidence.hash());
            }
        }

        let next = network.ask(&enclave).await?;
        network.authorize(0, next.pending.request()).await?;
        network.down().await
    });
}
