//! Asks every node who it is, until enough of them say the same.

use crate::{
    boot::Session,
    error::{BootError, NodeReason, Reason},
    nodes::{AskError, LONGEST_WAIT, patiently},
};
use kms_client::{Agreed, Committee, Member, NoCommittee, NodeId};
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use wire::request::Info;

/// How long one round waits for nodes while too few agree.
const ROUND: Duration = Duration::from_secs(5);
/// How long it waits for the others once enough agree; who is slower is still asked for everything else.
const GRACE: Duration = Duration::from_millis(150);

/// One round of answers.
#[derive(Default)]
struct Round {
    told: Vec<(NodeId, Info)>,
    reasons: Vec<NodeReason>,
}

impl Session {
    /// The committee that enough nodes agree on, with an anchor that others than the `doubted` name. [REQ-2] [REQ-3]
    pub(crate) async fn committee(&self, doubted: &BTreeSet<NodeId>) -> Result<Agreed, BootError> {
        loop {
            let round = self.ask_who_they_are().await;
            let error = match Committee::agree_doubting(&self.pinned, &round.told, doubted) {
                Ok(agreed) => return Ok(agreed),
                Err(error) => error,
            };
            if Instant::now() + LONGEST_WAIT >= self.deadline {
                return Err(self.no_committee(error, round.reasons));
            }
            sleep(LONGEST_WAIT).await;
        }
    }

    /// The node as it is known, or once it says who it is and fits.
    pub(crate) async fn member(
        &self,
        node: NodeId,
        known: Option<Member>,
    ) -> Result<Member, AskError> {
        let ask = async || {
            let info: Info = self.nodes.get(node, "/v1/info", self.deadline).await?;
            Ok(Member::told(&self.pinned, node, &info)?)
        };
        match known {
            Some(member) => Ok(member),
            None => patiently(self.deadline, AskError::again, ask).await,
        }
    }

    async fn ask_who_they_are(&self) -> Round {
        let mut until = self.deadline.min(Instant::now() + ROUND);
        let mut asked = JoinSet::new();
        for node in self.nodes.ids() {
            let nodes = self.nodes.clone();
            let answer = async move { (node, nodes.get::<Info>(node, "/v1/info", until).await) };
            asked.spawn(answer);
        }
        let (mut round, mut enough) = (Round::default(), false);
        while let Ok(Some(Ok((node, answer)))) = timeout_at(until, asked.join_next()).await {
            match answer {
                Ok(info) => round.told.push((node, info)),
                Err(error) => round.reasons.push(self.reason(node, Reason::NoAnswer(error))),
            }
            round.told.sort_by_key(|(node, _)| *node);
            if !enough && Committee::agree(&self.pinned, &round.told).is_ok() {
                enough = true;
                until = until.min(Instant::now() + GRACE);
            }
        }
        round
    }

    fn no_committee(&self, source: NoCommittee, mut reasons: Vec<NodeReason>) -> BootError {
        let strangers = source.strangers.iter().map(|stranger| {
            self.reason(stranger.node, Reason::NoAnswer(AskError::Stranger(stranger.why)))
        });
        reasons.extend(strangers);
        BootError::NoCommittee { source, reasons }
    }
}
