//! A share counts for the epoch that it was made for, and no other. [CER-12]

use super::*;
use crate::at_rest::Secret32;
use wire::statements::Outcome;

const SEAT: SeatId = 2;

fn scalar(byte: u8) -> Secret32 {
    Secret32([byte; 32])
}

/// Y_i of both secrets for these shares.
fn pair(seat: SeatId, derive: u8, unseal: u8) -> Vec<u8> {
    let shares = NodeShares::from_secret_bytes(seat, &scalar(derive).0, &scalar(unseal).0).unwrap();
    SecretKind::BOTH.map(|kind| shares.of(kind).public().to_bytes()).concat()
}

/// Shares of seat 2, and the epoch of seats 1 and 2 that they belong to.
fn kept() -> (ShareRecord, EpochInfo) {
    let session = B256::repeat_byte(9);
    let list = [pair(1, 11, 12), pair(SEAT, 21, 22)].concat();
    let record = ShareRecord {
        session,
        seat: SEAT,
        derive: scalar(21),
        unseal: scalar(22),
        opened_at: 5,
        outcome: Outcome {
            recipients: vec![1, SEAT],
            dealers: vec![1, SEAT],
            verificationShares: list.clone().into(),
            derivePublicKey: Default::default(),
            unsealPublicKey: Default::default(),
        },
    };
    let epoch = EpochInfo {
        epoch: 3,
        session,
        keysetId: B256::repeat_byte(1),
        t: 2,
        activatedAt: 7,
        sharesHash: keccak256(&list),
        transcript: B256::ZERO,
        recipients: vec![1, SEAT],
        members: vec![1, SEAT],
    };
    (record, epoch)
}

#[test]
fn the_share_of_this_epoch_is_used() {
    let (record, epoch) = kept();
    let shares = EpochShares::check(&record, &epoch).unwrap();
    assert_eq!((shares.epoch(), shares.session(), shares.threshold()), (3, epoch.session, 2));
}

#[test]
fn every_other_share_is_refused_by_name() {
    // A14: an old share, one of another ceremony, one that was never confirmed.
    let refused = |change: fn(&mut ShareRecord, &mut EpochInfo)| {
        let (mut record, mut epoch) = kept();
        change(&mut record, &mut epoch);
        EpochShares::check(&record, &epoch).err()
    };
    assert_eq!(
        refused(|record, _| record.session = B256::ZERO),
        Some(ShareError::OtherCeremony { expected: B256::repeat_byte(9), found: B256::ZERO })
    );
    assert_eq!(refused(|_, epoch| epoch.sharesHash = B256::ZERO), Some(ShareError::List));
    let outsider = refused(|_, epoch| epoch.members = vec![1]);
    assert_eq!(outsider, Some(ShareError::NotAMember { seat: SEAT }));
    let unfit = Some(ShareError::Unfit { seat: SEAT });
    assert_eq!(refused(|record, _| record.derive = scalar(23)), unfit);
    assert_eq!(refused(|record, _| record.unseal = scalar(23)), unfit);
    assert_eq!(refused(|record, _| record.derive = scalar(0)), unfit, "zero is no share");
    // Somebody else's place in the list.
    assert_eq!(refused(|_, epoch| epoch.recipients = vec![SEAT, 1]), unfit);
}
