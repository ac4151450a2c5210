//! Finds a relay that sends the record; whoever sends it decides nothing.
//!
//! Spec: docs/spec/request.md [REQ-9]. Each set of signatures goes to each relay once.

use crate::{
    boot::{Event, Session},
    error::{NodeReason, Reason},
    nodes::Again,
};
use alloy_primitives::{Address, B256, Bytes};
use kms_client::{Committee, NodeId};
use std::collections::BTreeSet;
use wire::{
    SeatId,
    request::{RecordReply, RecordRequest},
};

/// What became of the record, as far as relays say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// A relay sent it.
    Sent(B256),
    /// No relay pays: this is the call.
    Yourself,
    /// A relay broke off; it may have sent it.
    Perhaps,
}

/// Why no relay sent it.
#[derive(Debug, Default)]
pub(crate) struct Unrecorded {
    /// What each relay said.
    pub(crate) reasons: Vec<NodeReason>,
    /// Whether a relay refused for good.
    pub(crate) refused: bool,
    /// Whether a relay may answer otherwise soon.
    pub(crate) transient: bool,
}

/// What was tried already.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    tried: BTreeSet<(Vec<SeatId>, NodeId)>,
    told: bool,
}

impl Recorder {
    /// Asks each relay in turn for each set in turn, until one sends it.
    ///
    /// A relay's refusal of a set is its word alone, so the others are asked for the same set.
    pub(crate) async fn record(
        &mut self,
        session: &Session,
        committee: &Committee,
        sets: Vec<RecordRequest>,
        tell: &mut impl FnMut(Event),
    ) -> Result<Recorded, Unrecorded> {
        let (mut failed, mut call, mut perhaps) = (Unrecorded::default(), None, false);
        for set in sets {
            let Ok(body) = serde_json::to_vec(&set) else {
                continue;
            };
            let seats: Vec<SeatId> = set.signatures.iter().map(|one| one.seat).collect();
            for node in session.nodes.ids() {
                if !self.tried.insert((seats.clone(), node)) {
                    continue;
                }
                let path = "/v1/record";
                match session.nodes.post(node, path, body.clone(), session.deadline).await {
                    Ok(RecordReply::Sent { transaction }) => {
                        let node = session.nodes.url(node).to_owned();
                        tell(Event::Sent { node, transaction });
                        return Ok(Recorded::Sent(transaction));
                    }
                    Ok(RecordReply::Calldata { to, data }) if to == committee.issuance_log => {
                        call.get_or_insert((to, data));
                    }
                    // It would have us call another contract.
                    Ok(RecordReply::Calldata { .. }) => {}
                    Err(error) => {
                        perhaps |= error.may_have_acted();
                        if error.again() == Again::No {
                            failed.refused = true;
                        } else {
                            failed.transient = true;
                            self.tried.remove(&(seats.clone(), node));
                        }
                        failed.reasons.push(session.reason(node, Reason::NoAnswer(error)));
                    }
                }
            }
        }
        self.give_up(call, perhaps, tell).ok_or(failed)
    }

    fn give_up(
        &mut self,
        call: Option<(Address, Bytes)>,
        perhaps: bool,
        tell: &mut impl FnMut(Event),
    ) -> Option<Recorded> {
        match call {
            Some((to, data)) => {
                if !std::mem::replace(&mut self.told, true) {
                    tell(Event::SendYourself { to, data });
                }
                Some(Recorded::Yourself)
            }
            None => perhaps.then_some(Recorded::Perhaps),
        }
    }
}
