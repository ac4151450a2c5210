//! What is due for a member, at each step and state of its seat.

use super::*;

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

#[test]
fn recipients_are_the_seats_that_posted_a_usable_key() {
    let key = RecipientSecret::from_secret_bytes(&[1; 32]).unwrap().public();
    let mut info = at(step::DEALINGS, |seat| seat.encryptionKey = key.as_bytes().to_vec().into());
    info.seats[0].encryptionKey = Bytes::new();
    let listed = listed_recipients(&info).unwrap();
    assert_eq!(listed.iter().map(|one| one.seat).collect::<Vec<_>>(), [2]);
    assert_eq!(listed[0].encryption_key.as_bytes(), key.as_bytes());
    info.seats[1].encryptionKey = vec![0; 33].into();
    let refused = listed_recipients(&info).map(|_| ());
    assert!(matches!(refused, Err(CeremonyFault::EncryptionKey(2))), "{refused:?}");
}
