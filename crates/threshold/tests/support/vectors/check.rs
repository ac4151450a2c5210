//! Each topic, checked through the public API: Ok, or the name of the error.

use super::*;

pub(super) fn derive(value: &Value) -> Result<(), String> {
    let x = derive_input(value);
    expect_equal(&x, value, "x", "InputMismatch")?;
    let base = hash_to_curve(&x);
    expect_equal(base.point().to_bytes(), value, "base", "BaseMismatch")?;
    let shares = read::shares(value, SecretKind::Derive);
    let key = key_of(&shares, &read::point(value, "publicKey")?, &base)?;
    expect_equal(key.expose_secret(), value, "key", "KeyMismatch")?;
    let root = RootKey::derive(&key, &read::array(value, "keysetId"), &x).map_err(name)?;
    expect_equal(root.expose_secret(), value, "root", "RootMismatch")?;
    let text = |key| read::text(value, key);
    let subkey = root.subkey(text("path"), text("purpose"), text("algorithm"));
    expect_equal(subkey.expose_secret(), value, "subkey", "SubkeyMismatch")?;
    let public = subkey.secp256k1().public();
    expect_equal(public.to_bytes(), value, "subkeyPublicKey", "PublicKeyMismatch")
}

pub(super) fn request(value: &Value) -> Result<(), String> {
    let base = hash_to_curve(&read::bytes(value, "x"));
    let request =
        BlindedRequest::from_bytes(&read::bytes(value, "request")).map_err(|_| "Decode")?;
    let report_data = read::array(value, "reportData");
    let input_index = u8::try_from(read::number(value, "inputIndex")).unwrap();
    let context = RequestContext { report_data: &report_data, input_index };
    verify_request(&request, &base, &context).map(|_| ()).map_err(name)
}

pub(super) fn partial(value: &Value) -> Result<(), String> {
    let partial = Partial::from_bytes(&read::bytes(value, "partial")).map_err(|_| "Decode")?;
    let statement = PartialStatement {
        context: &read::partial_context(value),
        secret: read::kind(value),
        input_index: u8::try_from(read::number(value, "inputIndex")).unwrap(),
        seat: read::seat(value, "seat"),
        share_key: read::point(value, "shareKey")?,
        blinded: read::point(value, "blinded")?,
    };
    partial.verify(&statement).map(|_| ()).map_err(name)
}

pub(super) fn combination(value: &Value) -> Result<(), String> {
    let base = hash_to_curve(&read::bytes(value, "x"));
    let input_index = u8::try_from(read::number(value, "inputIndex")).unwrap();
    let (request, unblinding) = blinded(&base, read::text(value, "seed"), input_index);
    assert_eq!(request.point().to_bytes().to_vec(), read::bytes(value, "blinded"));
    let contributions: Vec<_> = read::list(value, "contributions")
        .iter()
        .map(|given| Contribution {
            seat: read::seat(given, "seat"),
            epoch: read::number(given, "epoch"),
            share_key: read::point(given, "shareKey").unwrap(),
            partial: Partial::from_bytes(&read::bytes(given, "partial")).unwrap(),
        })
        .collect();
    let context = CombineContext {
        partial: &read::partial_context(value),
        threshold: read::seat(value, "threshold"),
        public_key: &read::point(value, "publicKey")?,
    };
    let combined = combine(&unblinding, &context, &contributions).map_err(name)?;
    assert_eq!(json!(combined.seats), value["seats"]);
    let discarded = combined.discarded.iter();
    let discarded: Vec<_> = discarded
        .map(|entry| json!({ "seat": entry.seat, "reason": name(entry.reason) }))
        .collect();
    assert_eq!(json!(discarded), value["discarded"]);
    expect_equal(combined.key.expose_secret(), value, "key", "KeyMismatch")
}

pub(super) fn tdh2(value: &Value) -> Result<(), String> {
    let sealed = SealedSecret::from_bytes(&read::bytes(value, "sealed")).map_err(|_| "Decode")?;
    let expected = &value["expected"];
    let expected = ExpectedLabel {
        keyset_id: read::array(expected, "keysetId"),
        app_id: read::array(expected, "appId"),
        secret_id: read::array(expected, "secretId"),
        policy: read::array(expected, "policy"),
    };
    let checked = sealed.header.check(&expected).map_err(name)?;
    expect_equal(checked.ciphertext_hash(), value, "ciphertextHash", "HashMismatch")?;
    let shares = read::shares(value, SecretKind::Unseal);
    let key = key_of(&shares, &read::point(value, "publicKey")?, &checked.base())?;
    let secret = checked.open(&sealed.body, &key).map_err(name)?;
    expect_equal(secret.as_slice(), value, "plaintext", "PlaintextMismatch")
}

pub(super) fn dealing(value: &Value) -> Result<(), String> {
    let (ceremony, secrets) = read::ceremony(value);
    let bytes = read::bytes(value, "dealing");
    let dealing = UncheckedDealing::decode(&bytes).map_err(|_| "Decode")?;
    let verified = dealing.verify(&ceremony, read::seat(value, "dealer")).map_err(name)?;
    for (recipient, secret) in ceremony.recipients().iter().zip(&secrets) {
        verified.open(recipient.seat, secret).map_err(name)?;
    }
    expect_equal(dealing_hash(&bytes), value, "dealingHash", "HashMismatch")
}

pub(super) fn ceremony(value: &Value) -> Result<(), String> {
    let (ceremony, secrets) = read::ceremony(value);
    let posted: Vec<_> = read::list(value, "posted")
        .iter()
        .map(|posted| (read::seat(posted, "dealer"), read::bytes(posted, "dealing")))
        .collect();
    let posted: Vec<_> = posted.iter().map(|(dealer, bytes)| (*dealer, bytes.as_slice())).collect();
    let qualified = ceremony.qualify(&posted).map_err(name)?;
    let outcome = qualified.outcome();
    assert_eq!(json!(outcome.dealers), value["dealers"]);
    let shares = outcome.verification_shares();
    expect_equal(shares, value, "verificationShares", "OutcomeMismatch")?;
    for (kind, key) in
        [(SecretKind::Derive, "derivePublicKey"), (SecretKind::Unseal, "unsealPublicKey")]
    {
        expect_equal(outcome.public_key(kind).to_bytes(), value, key, "OutcomeMismatch")?;
    }
    for (recipient, secret) in ceremony.recipients().iter().zip(&secrets) {
        qualified.open(recipient.seat, secret).map_err(name)?;
    }
    let context = make::canary_context(value);
    let given: Vec<_> = read::list(value, "canaries")
        .iter()
        .map(|given| {
            let partials = CanaryPartials::from_bytes(&read::bytes(given, "partials"));
            (read::seat(given, "seat"), partials.unwrap())
        })
        .collect();
    let canary = combine_canary(&context, ceremony.threshold(), &outcome.share_keys, &given)
        .map_err(|error| format!("Canary{}", name(error)))?;
    expect_equal(canary.derive.to_bytes(), value, "deriveCanary", "CanaryMismatch")?;
    expect_equal(canary.unseal.to_bytes(), value, "unsealCanary", "CanaryMismatch")
}
