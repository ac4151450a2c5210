use super::*;
use abi::IssuanceLog;
use alloy::{
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::{SolStruct, SolValue},
};
use alloy_primitives::U256;
use std::{collections::BTreeMap, time::Duration, time::Instant};
use wire::{
    limits::{MAX_ADVISORY_IDS, MAX_INPUTS},
    statements::{Anchor, AppBootInfo, Attested, Input, issuance_id},
};

const CHAIN: u64 = 31_337;
const LOG: Address = Address::repeat_byte(0xC0);

fn word(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

fn statement() -> Issuance {
    let input = |kind| Input {
        kind,
        scopeKind: 1,
        scopeValue: word(1),
        keyVersion: 2,
        secretId: word(kind),
        ciphertextHash: word(4),
    };
    let boot = AppBootInfo {
        appId: Address::repeat_byte(1),
        composeHash: word(2),
        instanceId: Address::repeat_byte(3),
        deviceId: word(4),
        mrAggregated: word(5),
        mrSystem: word(6),
        osImageHash: word(7),
        tcbStatus: "ConfigurationAndSWHardeningNeeded".into(),
        advisoryIds: vec!["INTEL-SA-00289".into(), "INTEL-SA-00615".into()],
    };
    Issuance {
        keysetId: word(8),
        epoch: 1,
        reportData: [word(9), word(10)],
        releaseAt: 1,
        anchor: Anchor { number: 5, hash: word(11) },
        sessionKey: Address::repeat_byte(12),
        evidenceHash: word(13),
        attested: Attested { boot, root: word(14), vendor: word(15), tcbEvaluationDataNumber: 16 },
        inputs: vec![input(1), input(2)],
    }
}

fn seat(number: u16) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::with_last_byte(number as u8)).unwrap()
}

/// Two of three.
fn sought() -> Sought {
    let of = statement();
    let issued = KeyIssued {
        appId: of.attested.boot.appId,
        issuanceId: issuance_id(CHAIN, LOG, of.reportData),
        composeHash: of.attested.boot.composeHash,
        kind: 2,
        input: of.inputs[1].eip712_hash_struct(),
        keyVersion: 2,
        epoch: of.epoch,
        root: of.attested.root,
        evidenceHash: of.evidenceHash,
        sessionKey: of.sessionKey,
        anchor: of.anchor.number,
        seq: 1,
    };
    let signers: BTreeMap<u16, Address> = (1..=3).map(|at| (at, seat(at).address())).collect();
    let quorum = Arc::new(Quorum { threshold: 2, signers });
    Sought { chain_id: CHAIN, log: LOG, issued, quorum }
}

fn signed(of: &Issuance, seats: &[u16]) -> Vec<SeatSignature> {
    let digest = Domain::IssuanceLog { chain_id: CHAIN, contract: LOG }.digest(of);
    let sign = |at: &u16| SeatSignature::new(*at, &seat(*at).sign_hash_sync(&digest).unwrap());
    seats.iter().map(sign).collect()
}

fn call(pairs: &[(Issuance, Vec<SeatSignature>)]) -> Vec<u8> {
    let theirs = |own: &Issuance| IssuanceLog::Issuance::abi_decode(&own.abi_encode()).unwrap();
    let signature =
        |own: &SeatSignature| IssuanceLog::SeatSignature { seat: own.seat, r: own.r, vs: own.vs };
    let issuances = pairs.iter().map(|(statement, _)| theirs(statement)).collect();
    let signatures = pairs.iter().map(|(_, all)| all.iter().map(signature).collect()).collect();
    recordCall { issuances, signatures }.abi_encode()
}

fn good() -> (Issuance, Vec<SeatSignature>) {
    (statement(), signed(&statement(), &[1, 3]))
}

fn found(input: &[u8]) -> Option<(Issuance, Vec<SeatSignature>)> {
    sought().find(input).unwrap()
}

#[test]
fn what_was_signed_is_found_wherever_the_call_lies() {
    // [BUN-10] [BUN-17]
    assert_eq!(found(&call(&[good()])), Some(good()));
    let mut other = statement();
    other.reportData = [word(1), word(1)];
    let second = call(&[(other.clone(), signed(&other, &[1, 2])), good()]);
    assert_eq!(found(&second), Some(good()));
    let within = [b"multicall".to_vec(), second, b"and more".to_vec()].concat();
    assert_eq!(found(&within), Some(good()));
    assert_eq!(found(&call(&[(other.clone(), signed(&other, &[1, 2]))])), None);
    assert_eq!(found(b""), None);
    assert_eq!(found(&recordCall::SELECTOR), None);
}

/// Each is found but for one thing.
fn decoys() -> Vec<(&'static str, Issuance, Vec<SeatSignature>)> {
    let (real, signatures) = good();
    let changed = |change: fn(&mut Issuance)| {
        let mut changed = statement();
        change(&mut changed);
        changed
    };
    let forged = SeatSignature { r: word(1), ..signatures[1] };
    let own = changed(|of| of.anchor.number = 6);
    let own_signatures = signed(&own, &[1, 2, 3]);
    vec![
        ("other bytes were signed", changed(|of| of.attested.vendor = word(1)), signatures.clone()),
        ("the event says otherwise", own, own_signatures),
        ("one seat of two", real.clone(), signatures[..1].to_vec()),
        ("a forged one", real.clone(), vec![signatures[0], forged]),
        (
            "another member's",
            real.clone(),
            vec![signatures[0], SeatSignature { seat: 2, ..signatures[1] }],
        ),
        ("no member's", real.clone(), vec![signatures[0], signed(&real, &[4])[0]]),
        ("one seat twice", real.clone(), vec![signatures[0]; 2]),
        ("downwards", real, signatures.iter().rev().copied().collect()),
    ]
}

#[test]
fn a_decoy_before_the_call_is_no_bundle() {
    // [BUN-9] [BUN-10] [BUN-17]
    let mut all = Vec::new();
    for (what, statement, signatures) in decoys() {
        let decoy = call(&[(statement, signatures)]);
        assert_eq!(found(&decoy), None, "{what}");
        assert_eq!(found(&[decoy.clone(), call(&[good()])].concat()), Some(good()), "{what}");
        all.extend(decoy);
    }
    assert_eq!(found(&[all, call(&[good()])].concat()), Some(good()));
}

#[test]
fn counts_above_the_limits_are_not_read() {
    // [BUN-17]
    let mut many = statement();
    many.inputs = vec![many.inputs[1].clone(); MAX_INPUTS + 1];
    assert_eq!(found(&call(&[(many.clone(), signed(&many, &[1, 2]))])), None);
    many.inputs.pop();
    let signatures = signed(&many, &[1, 2]);
    assert_eq!(found(&call(&[(many.clone(), signatures.clone())])), Some((many, signatures)));
    let mut long = statement();
    long.attested.boot.advisoryIds = vec!["A".into(); MAX_ADVISORY_IDS + 1];
    assert_eq!(found(&call(&[(long.clone(), signed(&long, &[1, 2]))])), None);
    long.attested.boot.advisoryIds.pop();
    let signatures = signed(&long, &[1, 2]);
    assert_eq!(found(&call(&[(long.clone(), signatures.clone())])), Some((long, signatures)));
    let (real, signatures) = good();
    let crowd = [signatures, signed(&real, &[4]).repeat(MAX_SEATS)].concat();
    assert_eq!(found(&call(&[(real, crowd)])), None);
}

/// A thousand calls whose lists lie one upon the other: each names one statement 300 times, and that 300 times one advisory.
fn bomb() -> Vec<u8> {
    const CALLS: usize = 1_000;
    const COUNT: usize = 300;
    let number = |value: usize| U256::from(value).to_be_bytes::<32>();
    // A list of things that vary in size, all of which are what comes right after it.
    let list = || [number(COUNT).to_vec(), number(32 * COUNT).repeat(COUNT)].concat();
    // No signature at all, as often as there are statements; then the statements.
    let signatures = [list(), number(0).to_vec()].concat();
    let heads = CALLS * 68;
    let mut bytes = Vec::new();
    for _ in 0..CALLS {
        let begin = bytes.len() + 4;
        bytes.extend(recordCall::SELECTOR);
        bytes.extend(number(heads + signatures.len() - begin));
        bytes.extend(number(heads - begin));
    }
    // The first word is where the struct begins.
    let mut statement = statement().abi_encode().split_off(32);
    let offset = |bytes: &[u8], at: usize| U256::from_be_slice(&bytes[at..at + 32]).to::<usize>();
    let attested = offset(&statement, 9 * 32);
    let boot = attested + offset(&statement, attested);
    let advisories = statement.len() - boot;
    statement[boot + 8 * 32..boot + 9 * 32].copy_from_slice(&number(advisories));
    bytes.extend(signatures);
    bytes.extend(list());
    bytes.extend(statement);
    bytes.extend(list());
    bytes.extend(number(32));
    bytes.extend([b'A'; 32]);
    bytes
}

#[test]
fn offsets_that_coincide_cost_no_more_than_they_are_long() {
    // [BUN-17] A decoder takes each of the calls for 300 statements with 300 advisories.
    let bomb = bomb();
    assert!((90_000..110_000).contains(&bomb.len()), "{}", bomb.len());
    let decoded = recordCall::abi_decode(&bomb).unwrap();
    assert_eq!((decoded.issuances.len(), decoded.signatures.len()), (300, 300));
    assert_eq!(decoded.issuances[299].attested.boot.advisoryIds.len(), 300);
    drop(decoded);
    let begun = Instant::now();
    let input = [bomb, call(&[good()])].concat();
    let sought = sought();
    let mut search = Search::new(&sought, &input);
    assert_eq!(search.input.after(&recordCall::SELECTOR).count(), 1_001);
    (search.pairs_left, search.recovered_left) = (301, 2);
    assert_eq!(search.run().unwrap(), Some(good()));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn what_is_tried_has_an_end() {
    // [BUN-17]
    let decoy = (statement(), vec![SeatSignature { r: word(1), ..good().1[0] }, good().1[1]]);
    let input = call(&[decoy, good()]);
    let sought = sought();
    let search = |pairs: u32, recovered: u32| {
        let mut search = Search::new(&sought, &input);
        (search.pairs_left, search.recovered_left) = (pairs, recovered);
        search.run().ok().flatten()
    };
    assert_eq!(search(2, 3), Some(good()));
    assert_eq!(search(1, 3), None);
    assert_eq!(search(2, 2), None);
}
