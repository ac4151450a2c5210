//! What is due for a member, at each step and state of its seat.

use super::*;
use getrandom::{SysRng, rand_core::UnwrapErr};
use policy::{ChainRules, ForkSchedule};
use threshold::{Point, ceremony::VoidReason};
use wire::network::Fork;

const ME: Address = Address::repeat_byte(1);

fn seat(seat: u16, signer: Address) -> SeatProgress {
    SeatProgress {
        seat,
        signer,
        operator: B256::ZERO,
        root: B256::ZERO,
        vendor: B256::ZERO,
        isSuspended: false,
        encryptionKey: Bytes::new(),
        evidenceHash: B256::ZERO,
        refusedSeat: 0,
        refusalReason: 0,
        dealingHash: B256::ZERO,
        transcript: B256::ZERO,
        canaryHash: B256::ZERO,
    }
}

/// A ceremony at `step`, in which seat 2 is mine and `change` was done to it. Seat 1 has done all.
fn at(step: u8, change: impl FnOnce(&mut SeatProgress)) -> CeremonyInfo {
    let done = B256::repeat_byte(7);
    let key = Bytes::from(vec![2; 33]);
    let ready = SeatProgress {
        encryptionKey: key,
        dealingHash: done,
        transcript: done,
        ..seat(1, Address::repeat_byte(9))
    };
    let mut mine = seat(2, ME);
    change(&mut mine);
    CeremonyInfo {
        session: B256::repeat_byte(3),
        step,
        epoch: 1,
        t: 2,
        openedAt: 10,
        stepStartedAt: 10,
        deadline: 70,
        agreed: 0,
        transcript: B256::ZERO,
        seats: vec![ready, mine],
    }
}

fn task(step: u8, change: impl FnOnce(&mut SeatProgress)) -> Task {
    next_task(&at(step, change), ME)
}

fn posted(seat: &mut SeatProgress) {
    seat.encryptionKey = vec![3; 33].into();
}

#[test]
fn each_step_asks_once_for_its_statement() {
    assert_eq!(task(step::KEYS, |_| ()), Task::PostKey);
    assert_eq!(task(step::KEYS, posted), Task::Nothing);
    assert_eq!(task(step::DEALINGS, posted), Task::Deal);
    let dealt = |seat: &mut SeatProgress| {
        posted(seat);
        seat.dealingHash = B256::repeat_byte(8);
    };
    assert_eq!(task(step::DEALINGS, dealt), Task::Nothing);
    assert_eq!(task(step::CONFIRMATIONS, posted), Task::Confirm);
    let confirmed = |seat: &mut SeatProgress| {
        posted(seat);
        seat.transcript = B256::repeat_byte(8);
    };
    assert_eq!(task(step::CONFIRMATIONS, confirmed), Task::Nothing);
}

#[test]
fn a_member_that_is_out_owes_nothing() {
    // Suspended before its key came; without a key, when shares are dealt and confirmed; having refused a recipient.
    assert_eq!(task(step::KEYS, |seat| seat.isSuspended = true), Task::Nothing);
    assert_eq!(task(step::DEALINGS, |_| ()), Task::Nothing);
    assert_eq!(task(step::CONFIRMATIONS, |_| ()), Task::Nothing);
    let refused = |seat: &mut SeatProgress| {
        posted(seat);
        seat.refusedSeat = 1;
    };
    assert_eq!(task(step::DEALINGS, refused), Task::Nothing);
    // [CER-13]: not even where others dealt to that recipient.
    assert_eq!(task(step::CONFIRMATIONS, refused), Task::Nothing);
}

#[test]
fn anyone_ends_a_ceremony_and_a_stranger_does_nothing_else() {
    let stranger = Address::repeat_byte(4);
    for (step, due) in [
        (step::KEYS, Task::Nothing),
        (step::DEALINGS, Task::Nothing),
        (step::CONFIRMATIONS, Task::Nothing),
        (step::ACTIVATION, Task::Activate),
        (step::FAILED, Task::Abort),
        (0, Task::Nothing),
    ] {
        assert_eq!(next_task(&at(step, posted), stranger), due, "step {step}");
    }
    assert_eq!(task(step::ACTIVATION, posted), Task::Activate);
    assert_eq!(task(step::FAILED, posted), Task::Abort);
}

#[test]
fn a_dealing_counts_as_the_bytes_whose_hash_is_on_chain() {
    let dealing = Bytes::from_static(b"a dealing");
    let mut info = at(step::CONFIRMATIONS, posted);
    info.seats[0].dealingHash = B256::ZERO;
    info.seats[1].dealingHash = keccak256(&dealing);
    let given = BTreeMap::from([(2, dealing.clone())]);
    assert_eq!(posted_dealings(&info, &given).unwrap(), [(2, dealing)]);
    let altered = BTreeMap::from([(2, Bytes::from_static(b"another dealing"))]);
    for wrong in [altered, BTreeMap::new()] {
        let refused = posted_dealings(&info, &wrong);
        assert!(matches!(refused, Err(CeremonyFault::DealingMissing(2))), "{refused:?}");
    }
}

/// Three seats, t = 2: the ceremony with everybody's dealing posted, and each one's recipient secret.
fn dealt(
    change: impl FnOnce(&mut BTreeMap<SeatId, Bytes>),
) -> (CeremonyInfo, Vec<RecipientRecord>, BTreeMap<SeatId, Bytes>) {
    let mut rng = UnwrapErr(SysRng);
    let session = B256::repeat_byte(3);
    let records: Vec<_> = (1..=3).map(|_| Member::recipient_secret(session, &mut rng)).collect();
    let mut info = at(step::CONFIRMATIONS, |_| ());
    info.seats = (1_u16..=3)
        .zip(&records)
        .map(|(id, record)| {
            let key = RecipientSecret::from_secret_bytes(&record.secret.0).unwrap().public();
            let encryption_key = key.as_bytes().to_vec().into();
            let signer = Address::repeat_byte(u8::try_from(id).unwrap());
            SeatProgress { encryptionKey: encryption_key, ..seat(id, signer) }
        })
        .collect();
    let all = ceremony(&info, recipients(&info)).unwrap();
    let deal = |id: SeatId| all.deal(id, &mut UnwrapErr(SysRng)).unwrap().to_bytes();
    let mut dealings: BTreeMap<SeatId, Bytes> = (1..=3).map(|id| (id, deal(id).into())).collect();
    change(&mut dealings);
    for progress in &mut info.seats {
        progress.dealingHash = dealings.get(&progress.seat).map(keccak256).unwrap_or_default();
    }
    (info, records, dealings)
}

fn recipients(info: &CeremonyInfo) -> Vec<Recipient> {
    let recipient = |seat: &SeatProgress| Recipient {
        seat: seat.seat,
        encryption_key: Point::from_bytes(&seat.encryptionKey).unwrap(),
    };
    info.seats.iter().map(recipient).collect()
}

fn open(
    seat: SeatId,
    info: &CeremonyInfo,
    records: &[RecipientRecord],
    dealings: &BTreeMap<SeatId, Bytes>,
) -> Result<Opened, CeremonyFault> {
    let network = Network {
        rules: ChainRules { chain_id: 1, forks: ForkSchedule::constant(Fork::Osaka) },
        committee: Address::repeat_byte(1),
        network_hash: B256::repeat_byte(2),
    };
    let key = StatementKey::from_bytes(&[1; 32]).unwrap();
    let member = Member { network: &network, seat, key: &key };
    let judged = JudgedRecipients::unjudged(recipients(info));
    member.open(info, judged, &records[usize::from(seat) - 1], dealings)
}

#[test]
fn every_member_leaves_the_same_void_dealing_out() {
    // [CER-8]: one faulty dealer does not stop a genesis that has t others.
    let junk = Bytes::from_static(b"no dealing");
    let (info, records, dealings) = dealt(|dealings| drop(dealings.insert(2, junk.clone())));
    let opened: Vec<Opened> =
        (1..=3).map(|seat| open(seat, &info, &records, &dealings).unwrap()).collect();
    for one in &opened {
        assert_eq!(one.record.outcome, opened[0].record.outcome);
        assert_eq!(one.record.outcome.dealers, [1, 3]);
        assert_eq!(one.record.outcome.recipients, [1, 2, 3]);
        assert!(matches!(one.void[..], [VoidDealing { dealer: 2, reason: VoidReason::Decode(_) }]));
    }
    let (info, records, dealings) = dealt(|_| ());
    let whole = open(1, &info, &records, &dealings).unwrap();
    assert_eq!((whole.record.outcome.dealers, whole.void), (vec![1, 2, 3], Vec::new()));
}

#[test]
fn fewer_than_t_dealings_that_count_are_no_outcome() {
    // [CER-8]
    let (info, records, dealings) = dealt(|dealings| {
        dealings.insert(1, Bytes::from_static(b"none"));
        dealings.insert(2, Bytes::from_static(b"none either"));
    });
    let refused = open(3, &info, &records, &dealings).map(|_| ());
    let Err(CeremonyFault::Qualify(QualifyError::TooFewDealers { threshold, qualified, .. })) =
        refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!((threshold, qualified), (2, 1));
}
