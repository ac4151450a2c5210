//! Who holds the shares, from KmsCommittee's events: seats, epochs, the ceremony. [EXP-4]

use super::{AsOf, Event, Moment, Place, event::label, roots::Roots};
use crate::{
    decode::Kind,
    http::shape,
    store::{EventRow, Store},
};
use alloy_primitives::{Address, B256, U256};
use anyhow::Result;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The committee at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Committee {
    pub(crate) at: Moment,
    pub(crate) seats: Vec<Seat>,
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) ceremonies: Vec<Ceremony>,
    pub(crate) node_code: Vec<NodeCode>,
    #[schema(schema_with = shape::optional_address_schema)]
    pub(crate) app_registry: Option<Address>,
    #[schema(schema_with = shape::optional_address_schema)]
    pub(crate) issuance_log: Option<Address>,
    /// Other registries and another log on their way: the widest grant there is.
    pub(crate) pending_contracts: Option<PendingContracts>,
    #[serde(skip)]
    candidates: BTreeMap<Address, Candidate>,
}

/// What a node states of itself when it asks for a seat.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Candidate {
    pub(crate) operator: String,
    pub(crate) endpoint: String,
    #[schema(value_type = String)]
    pub(crate) sealing: &'static str,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) root: B256,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) os_image_hash: B256,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) compose_hash: B256,
    /// How the node finds the head, in its own words, bound by its quote.
    pub(crate) head_source: String,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) evidence_hash: B256,
    pub(crate) posted: Place,
}

/// A seat.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Seat {
    pub(crate) seat: u64,
    #[schema(schema_with = shape::address_schema)]
    pub(crate) signer: Address,
    pub(crate) operator: String,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) root: B256,
    pub(crate) vendor: String,
    pub(crate) is_software: bool,
    pub(crate) admitted: Place,
    pub(crate) suspended: Option<Place>,
    pub(crate) removed: Option<Place>,
    pub(crate) candidate: Option<Candidate>,
}

/// An epoch that was activated.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Epoch {
    pub(crate) epoch: u64,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) session: B256,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) keyset_id: B256,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) transcript: B256,
    pub(crate) t: u64,
    /// Dealt a share.
    pub(crate) recipients: Vec<u64>,
    /// Confirmed: these authorize and release.
    pub(crate) members: Vec<u64>,
    pub(crate) dealers: Vec<u64>,
    pub(crate) derive_public_key: String,
    pub(crate) unseal_public_key: String,
    pub(crate) activated: Place,
}

/// A ceremony, step by step.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Ceremony {
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) session: B256,
    pub(crate) epoch: u64,
    pub(crate) t: u64,
    pub(crate) seats: Vec<u64>,
    pub(crate) opened: Place,
    #[schema(value_type = BTreeMap<String, Place>)]
    pub(crate) keys: BTreeMap<u64, Place>,
    #[schema(value_type = BTreeMap<String, Place>)]
    pub(crate) dealings: BTreeMap<u64, Place>,
    #[schema(value_type = BTreeMap<String, Place>)]
    pub(crate) confirmations: BTreeMap<u64, Place>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) activated: Option<Place>,
    pub(crate) aborted: Option<Place>,
}

/// A dealer that would not deal to a seat.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Refusal {
    pub(crate) dealer: u64,
    pub(crate) seat: u64,
    pub(crate) reason: u64,
    pub(crate) place: Place,
}

/// Code that may hold a seat.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct NodeCode {
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) os_image_hash: B256,
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) compose_hash: B256,
    pub(crate) uri: String,
    pub(crate) approved: Place,
    pub(crate) revoked: Option<Place>,
}

/// Contracts that will speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PendingContracts {
    #[schema(schema_with = shape::address_schema)]
    pub(crate) app_registry: Address,
    #[schema(schema_with = shape::address_schema)]
    pub(crate) issuance_log: Address,
    pub(crate) effective_at: u64,
}

/// How many seats of one vendor or operator there are in an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Share {
    pub(crate) name: String,
    pub(crate) seats: u64,
}

/// What an epoch bears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Bears {
    pub(crate) n: u64,
    pub(crate) t: u64,
    /// Seats that authorize and release now.
    pub(crate) acting: u64,
    /// So many more may fail, and keys still come out.
    pub(crate) may_fail: u64,
    /// So many may be broken, and no key is lost to them.
    pub(crate) may_be_evil: u64,
    pub(crate) vendors: Vec<Share>,
    pub(crate) operators: Vec<Share>,
}

impl Committee {
    pub(crate) async fn load(
        store: &Store,
        as_of: &AsOf,
        roots: &Roots,
        at: Moment,
    ) -> Result<Self> {
        let mut rows = store.facts_of(Kind::KmsCommittee, at.block.number).await?;
        rows.iter_mut().for_each(by_topics);
        Self::fold(&Event::all(&rows, as_of), roots, at)
    }

    /// From the contract's events, in the chain's order.
    pub(crate) fn fold(events: &[Event], roots: &Roots, at: Moment) -> Result<Self> {
        let mut committee = Self {
            at,
            seats: Vec::new(),
            epochs: Vec::new(),
            ceremonies: Vec::new(),
            node_code: Vec::new(),
            app_registry: None,
            issuance_log: None,
            pending_contracts: None,
            candidates: BTreeMap::new(),
        };
        for event in events {
            committee.settle(event.place.block_time);
            committee.take(event, roots)?;
        }
        committee.settle(at.time);
        Ok(committee)
    }

    /// The epoch that serves.
    pub(crate) fn active(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    pub(crate) fn seat(&self, seat: u64) -> Option<&Seat> {
        self.seats.iter().find(|known| known.seat == seat)
    }

    /// How many may fail and how many may be evil in the epoch that serves. [EXP-4]
    pub(crate) fn bears(&self) -> Option<Bears> {
        let epoch = self.active()?;
        let dealt = || epoch.recipients.iter().filter_map(|seat| self.seat(*seat));
        let acting = epoch.members.iter().filter_map(|seat| self.seat(*seat));
        let acting = acting.filter(|seat| seat.suspended.is_none()).count() as u64;
        Some(Bears {
            n: epoch.recipients.len() as u64,
            t: epoch.t,
            acting,
            may_fail: acting.saturating_sub(epoch.t),
            may_be_evil: epoch.t.saturating_sub(1),
            vendors: count(dealt().map(|seat| seat.vendor.clone())),
            operators: count(dealt().map(|seat| seat.operator.clone())),
        })
    }

    /// Seats whose node finds the head by asking endpoints: no proof. [EXP-3]
    pub(crate) fn by_endpoints(&self) -> Vec<(u64, &str)> {
        let sitting = self.seats.iter().filter(|seat| seat.removed.is_none());
        sitting
            .filter_map(|seat| Some((seat.seat, seat.candidate.as_ref()?.head_source.as_str())))
            .filter(|(_, source)| !is_proof(source))
            .collect()
    }

    fn take(&mut self, event: &Event, roots: &Roots) -> Result<()> {
        let (args, place) = (&event.args, event.place);
        match event.name() {
            "CandidatePosted" => {
                self.candidates.insert(args.address("signer")?, Candidate::new(event)?);
            }
            "SeatAdmitted" => self.admit(event, roots)?,
            "SeatSuspended" => self.change(event, |seat| seat.suspended = Some(place))?,
            "SeatUnsuspended" => self.change(event, |seat| seat.suspended = None)?,
            "SeatRemoved" => self.change(event, |seat| seat.removed = Some(place))?,
            "EpochOpened" => self.ceremonies.push(Ceremony {
                session: args.hash("session")?,
                epoch: args.number("epoch")?,
                t: args.number("t")?,
                seats: args.numbers("seats")?,
                opened: place,
                keys: BTreeMap::new(),
                dealings: BTreeMap::new(),
                confirmations: BTreeMap::new(),
                refusals: Vec::new(),
                activated: None,
                aborted: None,
            }),
            "RecipientKeyPosted" => self.step(event, |ceremony| &mut ceremony.keys)?,
            "DealingPosted" => self.step(event, |ceremony| &mut ceremony.dealings)?,
            "ConfirmationPosted" => self.step(event, |ceremony| &mut ceremony.confirmations)?,
            "RecipientRefusalPosted" => {
                let refusal = Refusal {
                    dealer: args.number("dealer")?,
                    seat: args.number("seat")?,
                    reason: args.number("reason")?,
                    place,
                };
                if let Some(ceremony) = self.ceremony(args.hash("session")?) {
                    ceremony.refusals.push(refusal);
                }
            }
            "EpochActivated" => self.activate(event)?,
            "EpochAborted" => {
                if let Some(ceremony) = self.ceremony(args.hash("session")?) {
                    ceremony.aborted = Some(place);
                }
            }
            "NodeCodeApproved" => self.node_code.push(NodeCode {
                os_image_hash: args.hash("osImageHash")?,
                compose_hash: args.hash("composeHash")?,
                uri: args.text("uri")?.to_owned(),
                approved: place,
                revoked: None,
            }),
            "NodeCodeRevoked" => {
                let (os, compose) = (args.hash("osImageHash")?, args.hash("composeHash")?);
                let same =
                    |code: &&mut NodeCode| code.os_image_hash == os && code.compose_hash == compose;
                if let Some(code) = self.node_code.iter_mut().rfind(same) {
                    code.revoked = Some(place);
                }
            }
            "ContractsSet" => {
                self.pending_contracts = Some(PendingContracts {
                    app_registry: args.address("appRegistry")?,
                    issuance_log: args.address("issuanceLog")?,
                    effective_at: args.number("effectiveAt")?,
                });
            }
            "ContractsChangeCancelled" => self.pending_contracts = None,
            _ => {}
        }
        Ok(())
    }

    fn admit(&mut self, event: &Event, roots: &Roots) -> Result<()> {
        let args = &event.args;
        let (signer, root) = (args.address("signer")?, args.hash("root")?);
        let known = roots.of(root);
        self.seats.push(Seat {
            seat: args.number("seat")?,
            signer,
            operator: label(args.hash("operator")?),
            root,
            vendor: known.map_or_else(|| "unknown".to_owned(), |root| root.vendor.clone()),
            is_software: evidence::known_vendor(root).is_none(),
            admitted: event.place,
            suspended: None,
            removed: None,
            candidate: self.candidates.get(&signer).cloned(),
        });
        Ok(())
    }

    fn change(&mut self, event: &Event, change: impl FnOnce(&mut Seat)) -> Result<()> {
        let id = event.args.number("seat")?;
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.seat == id) {
            change(seat);
        }
        Ok(())
    }

    fn step(
        &mut self,
        event: &Event,
        of: impl FnOnce(&mut Ceremony) -> &mut BTreeMap<u64, Place>,
    ) -> Result<()> {
        let seat = event.args.number("seat")?;
        if let Some(ceremony) = self.ceremony(event.args.hash("session")?) {
            of(ceremony).insert(seat, event.place);
        }
        Ok(())
    }

    fn activate(&mut self, event: &Event) -> Result<()> {
        let (args, session) = (&event.args, event.args.hash("session")?);
        let outcome = args.inner("outcome")?;
        let mut t = 0;
        if let Some(ceremony) = self.ceremony(session) {
            ceremony.activated = Some(event.place);
            t = ceremony.t;
        }
        self.epochs.push(Epoch {
            epoch: args.number("epoch")?,
            session,
            keyset_id: args.hash("keysetId")?,
            transcript: args.hash("transcript")?,
            t,
            recipients: outcome.numbers("recipients")?,
            members: args.numbers("members")?,
            dealers: outcome.numbers("dealers")?,
            derive_public_key: outcome.text("derivePublicKey")?.to_owned(),
            unseal_public_key: outcome.text("unsealPublicKey")?.to_owned(),
            activated: event.place,
        });
        Ok(())
    }

    fn ceremony(&mut self, session: B256) -> Option<&mut Ceremony> {
        self.ceremonies.iter_mut().rfind(|ceremony| ceremony.session == session)
    }

    fn settle(&mut self, now: u64) {
        if let Some(pending) = self.pending_contracts
            && pending.effective_at <= now
        {
            self.app_registry = Some(pending.app_registry);
            self.issuance_log = Some(pending.issuance_log);
            self.pending_contracts = None;
        }
    }
}

impl Ceremony {
    /// Key, dealing and confirmation of a seat, so far.
    pub(crate) fn steps(&self, seat: &u64) -> [Option<Place>; 3] {
        [&self.keys, &self.dealings, &self.confirmations].map(|step| step.get(seat).copied())
    }
}

impl Candidate {
    fn new(event: &Event) -> Result<Self> {
        let args = event.args.inner("candidate")?;
        Ok(Self {
            operator: label(args.hash("operator")?),
            endpoint: args.text("endpoint")?.to_owned(),
            sealing: match args.number("sealing")? {
                0 => "none",
                1 => "sgx-provider",
                2 => "snp-derived",
                3 => "file",
                _ => "unknown",
            },
            root: args.hash("root")?,
            os_image_hash: args.hash("osImageHash")?,
            compose_hash: args.hash("composeHash")?,
            head_source: args.text("headSource")?.to_owned(),
            evidence_hash: args.hash("evidenceHash")?,
            posted: event.place,
        })
    }
}

/// What a seat posted in a ceremony comes without its bulky arguments: session and seat are indexed.
fn by_topics(row: &mut EventRow) {
    if let (None, [_, session, seat]) = (&row.args, row.log.topics()) {
        let seat = U256::from_be_bytes(seat.0).saturating_to::<u64>();
        row.args = Some(json!({ "session": session, "seat": seat }).to_string());
    }
}

/// Only a sync committee's signatures prove a head; anything else is somebody's word. [EXP-3]
pub(crate) fn is_proof(head_source: &str) -> bool {
    head_source == "sync committee"
}

fn count(names: impl Iterator<Item = String>) -> Vec<Share> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for name in names {
        let seats = counts.entry(name).or_default();
        *seats = seats.saturating_add(1);
    }
    counts.into_iter().map(|(name, seats)| Share { name, seats }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::app::tests::event;

    fn word(text: &str) -> B256 {
        let mut word = B256::ZERO;
        word[..text.len()].copy_from_slice(text.as_bytes());
        word
    }

    fn of(name: &str, args: serde_json::Value, block: u64) -> Event {
        event(Kind::KmsCommittee, Address::ZERO, name, args, block)
    }

    /// Three seats of three operators, t = 2.
    fn history() -> Vec<Event> {
        let mut events = Vec::new();
        for seat in 1..=3u8 {
            let candidate = json!({
                "signer": Address::repeat_byte(seat), "operator": word(&format!("op-{seat}")),
                "endpoint": "http://node", "sealing": 1, "root": B256::repeat_byte(9),
                "osImageHash": B256::ZERO, "composeHash": B256::ZERO,
                "checkpoint": { "number": 1, "hash": B256::ZERO },
                "headSource": if seat == 1 { "sync committee" } else { "agreement 1 of 1" },
                "evidenceHash": B256::ZERO,
            });
            let signer = Address::repeat_byte(seat);
            events.push(of(
                "CandidatePosted",
                json!({"signer": signer, "candidate": candidate}),
                1,
            ));
            events.push(of(
                "SeatAdmitted",
                json!({"seat": seat, "signer": signer, "operator": word(&format!("op-{seat}")),
                       "root": B256::repeat_byte(9)}),
                2,
            ));
        }
        let session = B256::repeat_byte(5);
        let opened = json!({"session": session, "epoch": 1, "t": 2, "seats": [1, 2, 3]});
        events.push(of("EpochOpened", opened, 3));
        events.push(of("RecipientKeyPosted", json!({"session": session, "seat": 1}), 4));
        let outcome = json!({"recipients": [1, 2, 3], "dealers": [1, 2, 3],
            "derivePublicKey": "0x02", "unsealPublicKey": "0x03"});
        events.push(of(
            "EpochActivated",
            json!({"epoch": 1, "session": session, "keysetId": B256::ZERO,
                   "transcript": B256::ZERO, "members": [1, 2, 3], "outcome": outcome}),
            5,
        ));
        events
    }

    fn fold(events: &[Event]) -> Committee {
        let at = Moment { block: light_client::BlockRef::new(9, B256::ZERO), time: 9 };
        Committee::fold(events, &Roots::default(), at).unwrap()
    }

    #[test]
    fn it_says_how_many_may_fail_and_how_many_may_be_evil() {
        // [EXP-4]
        let mut events = history();
        let bears = fold(&events).bears().unwrap();
        assert_eq!((bears.n, bears.t, bears.may_fail, bears.may_be_evil), (3, 2, 1, 1));
        assert_eq!(bears.operators.len(), 3);
        events.push(of("SeatSuspended", json!({"seat": 2, "reason": 1}), 6));
        let bears = fold(&events).bears().unwrap();
        assert_eq!((bears.acting, bears.may_fail, bears.may_be_evil), (2, 0, 1));
    }

    #[test]
    fn a_seat_whose_head_is_somebodys_word_is_named() {
        // [EXP-3]
        let committee = fold(&history());
        let named: Vec<u64> = committee.by_endpoints().iter().map(|(seat, _)| *seat).collect();
        assert_eq!(named, [2, 3]);
        assert!(!is_proof("Sync Committee, honestly") && !is_proof("agreement 2 of 3"));
    }

    #[test]
    fn a_ceremony_shows_who_has_done_what() {
        let committee = fold(&history());
        let ceremony = &committee.ceremonies[0];
        assert_eq!(ceremony.keys.keys().copied().collect::<Vec<_>>(), [1]);
        assert!(ceremony.dealings.is_empty() && ceremony.activated.is_some());
    }
}
