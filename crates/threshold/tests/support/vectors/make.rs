//! How each vector is made: a passing case, and siblings with one thing changed.

use super::*;

/// Collects a passing case and its siblings, each with one thing changed.
struct Cases {
    topic: &'static str,
    name: &'static str,
    good: Value,
    all: Vec<Vector>,
}

impl Cases {
    fn new(topic: &'static str, name: &'static str, about: &str, mut good: Value) -> Self {
        good["topic"] = json!(topic);
        good["about"] = json!(about);
        good["expect"] = json!("ok");
        let all = vec![Vector { topic, name: name.to_owned(), value: good.clone() }];
        Self { topic, name, good, all }
    }

    /// A sibling that fails with `expect`.
    fn twin(mut self, what: &str, expect: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut value = self.good.clone();
        value["about"] = json!(format!("{} with {what}", self.name));
        value["expect"] = json!(expect);
        change(&mut value);
        let (plain, _) = what.split_once(" (").unwrap_or((what, ""));
        let name = format!("{}.{}", self.name, plain.replace(' ', "-").replace('\'', ""));
        self.all.push(Vector { topic: self.topic, name, value });
        self
    }

    /// A sibling in which one field has another value.
    fn other(self, what: &str, expect: &str, key: &str, field: Value) -> Self {
        self.twin(what, expect, |value| value[key] = field)
    }

    /// A sibling in which one byte of a field has its lowest bit turned.
    fn flip(self, what: &str, expect: &str, key: &str, position: usize) -> Self {
        self.twin(what, expect, |value| {
            let mut bytes = read::bytes(value, key);
            bytes[position] ^= 1;
            value[key] = json!(hex(bytes));
        })
    }

    /// A sibling in which bytes of a field are overwritten.
    fn splice(self, what: &str, expect: &str, key: &str, at: usize, with: &[u8]) -> Self {
        self.twin(what, expect, |value| {
            let mut bytes = read::bytes(value, key);
            bytes[at..at + with.len()].copy_from_slice(with);
            value[key] = json!(hex(bytes));
        })
    }
}

/// n of secp256k1: the least scalar that is not canonical.
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

fn order() -> Vec<u8> {
    hex::decode(ORDER).unwrap()
}

fn committee() -> Committee {
    Committee::genesis(2, &[1, 2, 5], "vectors")
}

fn shares(committee: &Committee, kind: SecretKind) -> Value {
    let share = |node: &NodeShares| json!({ "seat": node.seat(), "share": hex(node.of(kind).to_secret_bytes().as_slice()) });
    json!(committee.nodes.iter().take(2).map(share).collect::<Vec<_>>())
}

/// The five cases of RFC 9380 appendix J.8.1: message, P.x, P.y.
const RFC_9380_J_8_1: [(&str, &str, &str, &str); 5] = [
    (
        "rfc9380-empty",
        "",
        "c1cae290e291aee617ebaef1be6d73861479c48b841eaba9b7b5852ddfeb1346",
        "64fa678e07ae116126f08b022a94af6de15985c996c3a91b64c406a960e51067",
    ),
    (
        "rfc9380-abc",
        "abc",
        "3377e01eab42db296b512293120c6cee72b6ecf9f9205760bd9ff11fb3cb2c4b",
        "7f95890f33efebd1044d382a01b1bee0900fb6116f94688d487c6c7b9c8371f6",
    ),
    (
        "rfc9380-abcdef",
        "abcdef0123456789",
        "bac54083f293f1fe08e4a70137260aa90783a5cb84d3f35848b324d0674b0e3a",
        "4436476085d4c3c4508b60fcf4389c40176adce756b398bdee27bca19758d828",
    ),
    (
        "rfc9380-q128",
        "q128_",
        "e2167bc785333a37aa562f021f1e881defb853839babf52a7f72b102e41890e9",
        "f2401dd95cc35867ffed4f367cd564763719fbc6a53e969fb8496a1e6685d873",
    ),
    (
        "rfc9380-a512",
        "a512_",
        "e3c8d35aaaf0b9b647e88a0a0a7ee5d5bed5ad38238152e4e6fd8c1f8cb7c998",
        "8446eeb6181bf12f56a9d24e262221cc2f0c4725c7e3803024b5888ee5823aa6",
    ),
];

const RFC_DST: &str = "QUUX-V01-CS02-with-secp256k1_XMD:SHA-256_SSWU_RO_";
const DERIVE_DST: &str = "QUORATE-V01-derive-with-secp256k1_XMD:SHA-256_SSWU_RO_";

pub(super) fn hash_to_curve_cases() -> Vec<Vector> {
    let mut all = Vec::new();
    for (name, prefix, x, y) in RFC_9380_J_8_1 {
        let message = match prefix {
            "q128_" => format!("{prefix}{}", "q".repeat(128)),
            "a512_" => format!("{prefix}{}", "a".repeat(512)),
            short => short.to_owned(),
        };
        let odd = hex::decode(y).unwrap()[31] & 1;
        let good = json!({
            "source": "RFC 9380 appendix J.8.1, secp256k1_XMD:SHA-256_SSWU_RO_",
            "dst": RFC_DST,
            "message": hex(&message),
            "point": format!("0x0{}{x}", 2 + odd),
        });
        let longer = json!(hex(format!("{message}\0")));
        let cases = Cases::new("hash-to-curve", name, "a case of the RFC", good)
            .other("another message", "PointMismatch", "message", longer)
            .other("another dst", "PointMismatch", "dst", json!(DERIVE_DST))
            .flip("the other y", "PointMismatch", "point", 0);
        all.extend(cases.all);
    }
    let message = b"an input";
    let good = json!({
        "dst": DERIVE_DST,
        "message": hex(message),
        "point": hex(hash_to_curve(message).point().to_bytes()),
    });
    let cases = Cases::new("hash-to-curve", "derive-dst", "[DERIVE-1] our DST", good).other(
        "the rfc's dst",
        "PointMismatch",
        "dst",
        json!(RFC_DST),
    );
    all.extend(cases.all);
    all
}

pub(super) fn derive_cases() -> Vec<Vector> {
    let committee = committee();
    let scopes: [(&'static str, u8, [u8; 32], u32); 3] = [
        ("app-scope", 1, [0; 32], 1),
        ("code-scope", 2, [0xc0; 32], 1),
        ("instance-scope", 3, core::array::from_fn(|at| if at < 12 { 0 } else { 0x1a }), 7),
    ];
    let mut all = Vec::new();
    for (case, scope_kind, scope_value, key_version) in scopes {
        let good = derive_case(&committee, scope_kind, scope_value, key_version);
        let another = derive_case(&committee, scope_kind, scope_value, key_version + 1);
        let get = |key: &str| another[key].clone();
        let cases = Cases::new("derive", case, "[DERIVE-10] x to H(x), K, root and subkey", good)
            .other("another key version", "InputMismatch", "keyVersion", get("keyVersion"))
            .other("the base of another input", "BaseMismatch", "base", get("base"))
            .other("the key of another input", "KeyMismatch", "key", get("key"))
            .other("the root of another input", "RootMismatch", "root", get("root"))
            .other("another path", "SubkeyMismatch", "path", json!("m/2"))
            .other("another purpose", "SubkeyMismatch", "purpose", json!("encrypt"))
            .other("another algorithm", "SubkeyMismatch", "algorithm", json!("ed25519"))
            .flip("another public key", "PublicKeyMismatch", "subkeyPublicKey", 0);
        all.extend(cases.all);
    }
    all
}

fn derive_case(
    committee: &Committee,
    scope_kind: u8,
    scope_value: [u8; 32],
    version: u32,
) -> Value {
    let mut value = json!({
        "keysetId": hex(KEYSET),
        "appId": hex([0xa0; 20]),
        "scopeKind": scope_kind,
        "scopeValue": hex(scope_value),
        "keyVersion": version,
        "shares": shares(committee, SecretKind::Derive),
        "publicKey": hex(committee.public_key(SecretKind::Derive).to_bytes()),
        "path": "m/1",
        "purpose": "sign",
        "algorithm": "secp256k1",
    });
    let x = derive_input(&value);
    let base = hash_to_curve(&x);
    let key = committee.key(&base).key;
    let root = RootKey::derive(&key, &KEYSET, &x).unwrap();
    let subkey = root.subkey("m/1", "sign", "secp256k1");
    value["x"] = json!(hex(&x));
    value["base"] = json!(hex(base.point().to_bytes()));
    value["key"] = json!(hex(key.expose_secret()));
    value["root"] = json!(hex(root.expose_secret()));
    value["subkey"] = json!(hex(subkey.expose_secret()));
    value["subkeyPublicKey"] = json!(hex(subkey.secp256k1().public().to_bytes()));
    value
}

const X: &[u8] = b"the input of some app";

pub(super) fn request_cases() -> Vec<Vector> {
    let (request, _) = blinded(&hash_to_curve(X), "enclave", 1);
    let (of_another, _) = blinded(&hash_to_curve(b"another app"), "enclave", 1);
    let good = json!({
        "x": hex(X),
        "reportData": hex(REPORT_DATA),
        "inputIndex": 1,
        "request": hex(request.to_bytes()),
    });
    let of_another = json!(hex(of_another.to_bytes()));
    Cases::new("request", "derive", "[DERIVE-3] B and the proof of r in base H(x)", good)
        .other("the input of another app (A20)", "InvalidProof", "request", of_another)
        .other("another input index", "InvalidProof", "inputIndex", json!(0))
        .flip("another report_data", "InvalidProof", "reportData", 63)
        .flip("another blinded point", "InvalidProof", "request", 0)
        .flip("another response", "InvalidProof", "request", 97)
        .splice("a response that is not canonical", "Decode", "request", 66, &order())
        .splice("the identity as blinded point", "Decode", "request", 0, &[0; 33])
        .all
}

fn partial_value(context: &PartialContext) -> Value {
    json!({
        "networkHash": hex(context.network_hash),
        "keysetId": hex(context.keyset_id),
        "epoch": context.epoch,
        "issuanceId": hex(context.issuance_id),
        "inputIndex": 1,
    })
}

pub(super) fn partial_cases() -> Vec<Vector> {
    let committee = committee();
    let base = hash_to_curve(X);
    let (request, _) = blinded(&base, "enclave", 1);
    let context = RequestContext { report_data: &REPORT_DATA, input_index: 1 };
    let verified = verify_request(&request, &base, &context).unwrap();
    let share = committee.nodes[0].of(SecretKind::Derive);
    let given = answer(share, &verified, &CONTEXT);
    let neighbour = committee.answer(1, &verified, &CONTEXT);
    let mut good = partial_value(&CONTEXT);
    good["secret"] = json!(kind_name(share.secret()));
    good["seat"] = json!(share.seat());
    good["share"] = json!(hex(share.to_secret_bytes().as_slice()));
    good["shareKey"] = json!(hex(share.public().to_bytes()));
    good["blinded"] = json!(hex(request.point().to_bytes()));
    good["partial"] = json!(hex(given.partial.to_bytes()));
    let neighbours_key = json!(hex(neighbour.share_key.to_bytes()));
    let neighbours_output = neighbour.partial.output().to_bytes();
    Cases::new("partial", "derive", "[DERIVE-7] Z_i with its proof, in its whole context", good)
        .flip("another network", "InvalidProof", "networkHash", 0)
        .flip("another keyset", "InvalidProof", "keysetId", 0)
        .other("another epoch", "InvalidProof", "epoch", json!(2))
        .flip("another issuance", "InvalidProof", "issuanceId", 31)
        .other("another input index", "InvalidProof", "inputIndex", json!(0))
        .other("the other secret", "InvalidProof", "secret", json!("unseal"))
        .other("another seat", "InvalidProof", "seat", json!(2))
        .other("seat zero", "SeatZero", "seat", json!(0))
        .other("the share key of another seat (A16)", "InvalidProof", "shareKey", neighbours_key)
        .flip("another blinded point", "InvalidProof", "blinded", 0)
        .splice("the output of another seat", "InvalidProof", "partial", 0, &neighbours_output)
        .flip("another commitment", "InvalidProof", "partial", 33)
        .flip("another second commitment", "InvalidProof", "partial", 66)
        .flip("another response", "InvalidProof", "partial", 130)
        .splice("the identity as output", "Decode", "partial", 0, &[0; 33])
        .splice("a response that is not canonical", "Decode", "partial", 99, &order())
        .all
}

fn contribution(given: &Contribution) -> Value {
    json!({
        "seat": given.seat,
        "epoch": given.epoch,
        "shareKey": hex(given.share_key.to_bytes()),
        "partial": hex(given.partial.to_bytes()),
    })
}

pub(super) fn combine_cases() -> Vec<Vector> {
    let committee = committee();
    let base = hash_to_curve(X);
    let (request, unblinding) = blinded(&base, "enclave", 1);
    let context = RequestContext { report_data: &REPORT_DATA, input_index: 1 };
    let verified = verify_request(&request, &base, &context).unwrap();
    let honest: Vec<_> = (0..3).map(|index| committee.answer(index, &verified, &CONTEXT)).collect();
    let own = KeyShare::from_secret_bytes(SecretKind::Derive, 1, &[9; 32]).unwrap();
    let forged = answer(&own, &verified, &CONTEXT);
    let later = PartialContext { epoch: 2, ..CONTEXT };
    let of_epoch_two = committee.answer(0, &verified, &later);
    let public_key = committee.public_key(SecretKind::Derive);
    let combining = CombineContext { partial: &CONTEXT, threshold: 2, public_key: &public_key };
    let key = *combine(&unblinding, &combining, &honest).unwrap().key.expose_secret();

    let mut good = partial_value(&CONTEXT);
    good["secret"] = json!("derive");
    good["x"] = json!(hex(X));
    good["seed"] = json!("enclave");
    good["blinded"] = json!(hex(request.point().to_bytes()));
    good["blindingFactor"] = json!(hex(blinding_factor(&base, "enclave", &request)));
    good["threshold"] = json!(2);
    good["publicKey"] = json!(hex(public_key.to_bytes()));
    good["key"] = json!(hex(key));
    let given = |list: &[&Contribution]| {
        json!(list.iter().map(|one| contribution(one)).collect::<Vec<_>>())
    };
    good["contributions"] = given(&[&honest[0], &honest[1]]);
    good["seats"] = json!([1, 2]);
    good["discarded"] = json!([]);

    let mut one_lies = good.clone();
    one_lies["contributions"] = given(&[&forged, &honest[1], &honest[2]]);
    one_lies["seats"] = json!([2, 5]);
    one_lies["discarded"] = json!([{ "seat": 1, "reason": "ShareKeyDisagrees" }]);
    let mut mixed = good.clone();
    mixed["contributions"] = given(&[
        &of_epoch_two,
        &Contribution { seat: 2, ..forged },
        &honest[1],
        &honest[1],
        &honest[2],
    ]);
    mixed["seats"] = json!([2, 5]);
    mixed["discarded"] = json!([
        { "seat": 1, "reason": "WrongEpoch" },
        { "seat": 2, "reason": "InvalidProof" },
        { "seat": 2, "reason": "Duplicate" },
    ]);

    let other_key = json!(hex(committee.public_key(SecretKind::Unseal).to_bytes()));
    let plain = Cases::new("combine", "two-of-three", "[DERIVE-8] K = 1/r Σ λ_i Z_i", good)
        .other("one answer", "BelowThreshold", "contributions", given(&[&honest[0]]))
        .other(
            "one answer twice",
            "BelowThreshold",
            "contributions",
            given(&[&honest[0], &honest[0]]),
        )
        .other(
            "one answer of another epoch",
            "BelowThreshold",
            "contributions",
            given(&[&of_epoch_two, &honest[1]]),
        )
        .other(
            "one answer under another secret (A16)",
            "NoSubset",
            "contributions",
            given(&[&forged, &honest[1]]),
        )
        .other("another public key", "NoSubset", "publicKey", other_key)
        .other("threshold one", "Threshold", "threshold", json!(1))
        .flip("another key", "KeyMismatch", "key", 0);
    let lied = Cases::new("combine", "one-lies", "[DERIVE-9] another set is found (A16)", one_lies)
        .other("threshold three", "NoSubset", "threshold", json!(3));
    let noisy = Cases::new(
        "combine",
        "with-noise",
        "[DERIVE-9] what does not count is named with the reason",
        mixed,
    )
    .other("threshold three", "BelowThreshold", "threshold", json!(3));
    [plain.all, lied.all, noisy.all].into_iter().flatten().collect()
}

/// r as the crate's hedged choice makes it from the seed's first 32 bytes, so that others can check the unblinding.
fn blinding_factor(base: &BasePoint, seed: &str, request: &BlindedRequest) -> [u8; 32] {
    use k256::{
        ProjectivePoint, Scalar,
        elliptic_curve::{array::Array, consts::U48, group::GroupEncoding, ops::Reduce},
    };
    use rand_core::Rng;
    let mut fresh = [0; 32];
    SeededRng::new(seed).fill_bytes(&mut fresh);
    let info = [enc("quorate/v1/blind-factor", &[&[1], base.point().as_bytes()]), vec![0]].concat();
    let mut wide = [0; 48];
    let salt = b"quorate/v1/hedged-scalar";
    hkdf::Hkdf::<sha2::Sha256>::new(Some(salt), &fresh).expand(&info, &mut wide).unwrap();
    let factor = Scalar::reduce(&Array::<u8, U48>::from(wide));
    let point = ProjectivePoint::from_bytes(&base.point().to_bytes().into()).unwrap();
    assert_eq!((point * factor).to_bytes()[..], request.point().to_bytes()[..]);
    factor.to_bytes().into()
}

pub(super) fn tdh2_cases() -> Vec<Vector> {
    let (committee, other) = (committee(), Committee::genesis(2, &[1, 2, 5], "another"));
    let policy = [0x90; 20];
    let sealed = |label: &SealLabel, secret: &[u8]| {
        let public_key = committee.public_key(SecretKind::Unseal);
        seal(&public_key, label, secret, &mut SeededRng::new("sealer")).unwrap()
    };
    let label =
        SealLabel { keyset_id: KEYSET, app_id: [0xa0; 20], secret_id: [0x5d; 32], policy: None };
    let mut all = Vec::new();
    for (case, policy_bound) in [("any-policy", None), ("one-policy", Some(policy))] {
        let label = SealLabel { policy: policy_bound, ..label.clone() };
        let secret = b"a database password";
        let good_sealed = sealed(&label, secret);
        let other_sealed = sealed(&label, b"another password!!!");
        let good = json!({
            "expected": {
                "keysetId": hex(KEYSET), "appId": hex([0xa0; 20]),
                "secretId": hex([0x5d; 32]), "policy": hex(policy),
            },
            "sealed": hex(good_sealed.to_bytes()),
            "ciphertextHash": hex(good_sealed.header.ciphertext_hash()),
            "shares": shares(&committee, SecretKind::Unseal),
            "publicKey": hex(committee.public_key(SecretKind::Unseal).to_bytes()),
            "plaintext": hex(secret),
        });
        let bytes = good_sealed.to_bytes();
        let header = good_sealed.header.to_bytes().len();
        let app = bytes.windows(20).position(|window| window == [0xa0; 20]).unwrap();
        let thief = [0x77; 20];
        let points = header + 4 - 36 - 68 - 74;
        let others_points = &other_sealed.to_bytes()[points..points + 74];
        let swapped = SealedSecret { body: other_sealed.body.clone(), ..good_sealed.clone() };
        let expected = |key: &'static str| {
            move |value: &mut Value| {
                let mut bytes = read::bytes(&value["expected"], key);
                bytes[0] ^= 1;
                value["expected"][key] = json!(hex(bytes));
            }
        };
        let relabel = |value: &mut Value| {
            let mut bytes = read::bytes(value, "sealed");
            bytes[app..app + 20].copy_from_slice(&thief);
            value["sealed"] = json!(hex(bytes));
            value["expected"]["appId"] = json!(hex(thief));
        };
        let other_keyset = |value: &mut Value| {
            value["shares"] = shares(&other, SecretKind::Unseal);
            let key = other.public_key(SecretKind::Unseal);
            value["publicKey"] = json!(hex(key.to_bytes()));
        };
        let mut cases = Cases::new("tdh2", case, "[SEAL-6] sealed, checked, opened", good)
            .twin("another keyset expected", "KeysetMismatch", expected("keysetId"))
            .twin("another app expected", "AppMismatch", expected("appId"))
            .twin("another secret expected", "SecretIdMismatch", expected("secretId"))
            .twin("another app in the label (A20)", "InvalidProof", relabel)
            .splice(
                "the points of another ciphertext (A20)",
                "InvalidProof",
                "sealed",
                points,
                others_points,
            )
            .other(
                "the body of another ciphertext (A20)",
                "BodyMismatch",
                "sealed",
                json!(hex(swapped.to_bytes())),
            )
            .flip("another response", "InvalidProof", "sealed", header + 4 - 36 - 1)
            .flip("another body hash", "InvalidProof", "sealed", header + 4 - 1)
            .splice(
                "a challenge that is not canonical",
                "Decode",
                "sealed",
                header + 4 - 36 - 64,
                &order(),
            )
            .flip("another body", "BodyMismatch", "sealed", bytes.len() - 1)
            .flip("another ciphertext hash", "HashMismatch", "ciphertextHash", 0)
            .twin("the shares of another keyset", "KeyCommitment", other_keyset)
            .flip("another plaintext", "PlaintextMismatch", "plaintext", 0);
        if policy_bound.is_some() {
            cases = cases.twin("another policy in force", "PolicyMismatch", expected("policy"));
        }
        all.extend(cases.all);
    }
    all
}

struct Genesis {
    ceremony: Ceremony,
    secrets: Vec<RecipientSecret>,
    dealings: Vec<(u16, Vec<u8>)>,
}

fn genesis(session: [u8; 32], epoch: u64, threshold: u16, seats: &[u16]) -> Genesis {
    let (recipients, secrets) = recipients(seats, &mut SeededRng::new("recipients"));
    let ceremony = Ceremony::genesis(session, epoch, threshold, recipients).unwrap();
    let rng = &mut SeededRng::new("dealers");
    let dealings =
        seats.iter().map(|seat| (*seat, ceremony.deal(*seat, rng).unwrap().to_bytes())).collect();
    Genesis { ceremony, secrets, dealings }
}

fn ceremony_value(genesis: &Genesis) -> Value {
    let listed = genesis.ceremony.recipients().iter().zip(&genesis.secrets);
    let recipients: Vec<_> = listed
        .map(|(recipient, secret)| {
            json!({
                "seat": recipient.seat,
                "encryptionKey": hex(recipient.encryption_key.to_bytes()),
                "encryptionSecret": hex(secret.to_secret_bytes().as_slice()),
            })
        })
        .collect();
    json!({
        "session": hex(genesis.ceremony.session()),
        "epoch": genesis.ceremony.epoch(),
        "threshold": genesis.ceremony.threshold(),
        "recipients": recipients,
    })
}

/// Bytes of one recipient's part of a dealing, and where the commitments begin.
const PART: usize = 180;
const COMMITMENTS: usize = 80;

pub(super) fn dealing_cases() -> Vec<Vector> {
    let seats = [1, 2, 5];
    let here = genesis(SESSION, 1, 2, &seats);
    let old = genesis([1; 32], 1, 2, &seats);
    let later = genesis(SESSION, 2, 2, &seats);
    let five = genesis(SESSION, 1, 3, &[1, 2, 5, 6, 7]);
    let wider = genesis(SESSION, 1, 2, &[1, 2, 5, 6]);
    let (_, first) = &here.dealings[0];
    let (_, second) = &here.dealings[1];
    let parts = first.len() - 3 * PART;
    let part = |bytes: &[u8], index: usize| {
        let from = bytes.len() - 3 * PART + index * PART;
        bytes[from..from + PART].to_vec()
    };
    let mut good = ceremony_value(&here);
    good["dealer"] = json!(1);
    good["dealing"] = json!(hex(first));
    good["dealingHash"] = json!(hex(dealing_hash(first)));
    let as_json = |bytes: &[u8]| json!(hex(bytes));
    let trailing = as_json(&[first.as_slice(), &[0]].concat());
    let last_part = parts + 2 * PART;
    let ephemeral = part(first, 0)[2..35].to_vec();
    let copied = &second[COMMITMENTS..COMMITMENTS + 66 + 4 + 65];
    let derive = first[COMMITMENTS..COMMITMENTS + 66].to_vec();
    Cases::new("dealing", "two-of-three", "[CER-4] both secrets to three recipients", good)
        .other("another session", "WrongSession", "dealing", as_json(&old.dealings[0].1))
        .other("another epoch", "WrongEpoch", "dealing", as_json(&later.dealings[0].1))
        .other("another dealer", "WrongDealer", "dealing", as_json(second))
        .other("a raised degree (A26)", "Degree", "dealing", as_json(&five.dealings[0].1))
        .other("a surplus recipient", "Recipients", "dealing", as_json(&wider.dealings[0].1))
        .splice("another recipient", "Recipients", "dealing", last_part, &[0, 6])
        .splice("copied commitments (A26)", "Possession", "dealing", COMMITMENTS, copied)
        .splice(
            "one polynomial for both secrets",
            "RepeatedCommitment",
            "dealing",
            COMMITMENTS + 66 + 4 + 65 + 4,
            &derive,
        )
        .splice(
            "a part of an old dealing (A1)",
            "EphemeralProof",
            "dealing",
            last_part,
            &part(&old.dealings[0].1, 2),
        )
        .splice(
            "a part of another dealer (A1)",
            "EphemeralProof",
            "dealing",
            last_part,
            &part(second, 2),
        )
        .splice(
            "one ephemeral point twice",
            "RepeatedEphemeral",
            "dealing",
            last_part + 2,
            &ephemeral,
        )
        .flip("another commitment", "Possession", "dealing", COMMITMENTS)
        .flip("another ciphertext", "Decrypt", "dealing", first.len() - 1)
        .other("a trailing byte", "Decode", "dealing", trailing)
        .flip("another dealing hash", "HashMismatch", "dealingHash", 0)
        .all
}

pub(super) fn canary_context(value: &Value) -> CanaryContext {
    CanaryContext {
        network_hash: read::array(value, "networkHash"),
        session: read::array(value, "session"),
        keyset_id: read::array(value, "keysetId"),
        epoch: read::number(value, "epoch"),
    }
}

pub(super) fn ceremony_cases() -> Vec<Vector> {
    let here = genesis(SESSION, 1, 2, &[1, 2, 5]);
    let posted = |list: &[&(u16, Vec<u8>)]| {
        let one =
            |(dealer, bytes): &(u16, Vec<u8>)| json!({ "dealer": dealer, "dealing": hex(bytes) });
        json!(list.iter().map(|entry| one(entry)).collect::<Vec<_>>())
    };
    let mut void = here.dealings[2].clone();
    void.1[COMMITMENTS] ^= 1; // a false commitment: void
    let all: Vec<_> = here.dealings.iter().collect();
    let with_void = [all[0], all[1], &void];
    let full = ceremony_case(&here, posted(&all), &[0, 1, 2]);
    let partly = ceremony_case(&here, posted(&with_void), &[0, 1]);
    let stranger_canary = full["canaries"][0]["partials"].clone();
    let complete =
        Cases::new("ceremony", "genesis", "[CER-8] dealings to outcome and canary", full)
            .other("one dealing", "TooFewDealers", "posted", posted(&all[..1]))
            .other("one dealing twice", "TooFewDealers", "posted", posted(&[all[0], all[0]]))
            .flip("another verification share", "OutcomeMismatch", "verificationShares", 0)
            .flip("another public key", "OutcomeMismatch", "derivePublicKey", 0)
            .flip("another canary", "CanaryMismatch", "deriveCanary", 0)
            .flip("another keyset", "CanaryBelowThreshold", "keysetId", 0)
            .twin("one canary under two seats", "CanaryBelowThreshold", |value| {
                value["canaries"] = json!([
                    { "seat": 1, "partials": stranger_canary },
                    { "seat": 2, "partials": stranger_canary },
                ]);
            });
    let one_void =
        Cases::new("ceremony", "one-void-dealing", "[CER-8] a void dealing is left out", partly)
            .other("two void dealings", "TooFewDealers", "posted", posted(&[all[0], &void]));
    [complete.all, one_void.all].into_iter().flatten().collect()
}

fn ceremony_case(genesis: &Genesis, posted: Value, counted: &[usize]) -> Value {
    let dealings: Vec<_> = counted
        .iter()
        .map(|index| &genesis.dealings[*index])
        .map(|(dealer, bytes)| (*dealer, bytes.as_slice()))
        .collect();
    let qualified = genesis.ceremony.qualify(&dealings).unwrap();
    let outcome = qualified.outcome();
    let mut value = ceremony_value(genesis);
    value["networkHash"] = json!(hex(CONTEXT.network_hash));
    value["keysetId"] = json!(hex(KEYSET));
    value["posted"] = posted;
    value["dealers"] = json!(outcome.dealers);
    value["verificationShares"] = json!(hex(outcome.verification_shares()));
    value["derivePublicKey"] = json!(hex(outcome.derive_public_key.to_bytes()));
    value["unsealPublicKey"] = json!(hex(outcome.unseal_public_key.to_bytes()));
    let context = canary_context(&value);
    let rng = &mut SeededRng::new("canaries");
    let given: Vec<_> = genesis
        .ceremony
        .recipients()
        .iter()
        .zip(&genesis.secrets)
        .map(|(recipient, secret)| {
            let shares = qualified.open(recipient.seat, secret).unwrap();
            (recipient.seat, shares.canary(&context, rng))
        })
        .collect();
    let canary = combine_canary(&context, 2, &outcome.share_keys, &given).unwrap();
    let entry = |(seat, partials): &(u16, CanaryPartials)| json!({ "seat": seat, "partials": hex(partials.to_bytes()) });
    value["canaries"] = json!(given.iter().map(entry).collect::<Vec<_>>());
    value["deriveCanary"] = json!(hex(canary.derive.to_bytes()));
    value["unsealCanary"] = json!(hex(canary.unseal.to_bytes()));
    value
}
