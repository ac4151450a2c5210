//! Reading a vector back.

use super::*;

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is no text"))
}

pub(super) fn bytes(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key).strip_prefix("0x").unwrap()).unwrap()
}

pub(super) fn array<const N: usize>(value: &Value, key: &str) -> [u8; N] {
    bytes(value, key).try_into().unwrap_or_else(|_| panic!("{key} has another length"))
}

pub(super) fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} is no number"))
}

pub(super) fn seat(value: &Value, key: &str) -> u16 {
    u16::try_from(number(value, key)).unwrap()
}

pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is no list"))
}

pub(super) fn point(value: &Value, key: &str) -> Result<Point, String> {
    Point::from_bytes(&bytes(value, key)).map_err(|_| "Decode".into())
}

pub(super) fn kind(value: &Value) -> SecretKind {
    match text(value, "secret") {
        "derive" => SecretKind::Derive,
        "unseal" => SecretKind::Unseal,
        other => panic!("no secret {other}"),
    }
}

pub(super) fn partial_context(value: &Value) -> PartialContext {
    PartialContext {
        network_hash: array(value, "networkHash"),
        keyset_id: array(value, "keysetId"),
        epoch: number(value, "epoch"),
        issuance_id: array(value, "issuanceId"),
    }
}

pub(super) fn shares(value: &Value, kind: SecretKind) -> Vec<KeyShare> {
    list(value, "shares")
        .iter()
        .map(|share| {
            let bytes = array(share, "share");
            KeyShare::from_secret_bytes(kind, seat(share, "seat"), &bytes).unwrap()
        })
        .collect()
}

pub(super) fn ceremony(value: &Value) -> (Ceremony, Vec<RecipientSecret>) {
    let listed = list(value, "recipients");
    let recipients = listed
        .iter()
        .map(|recipient| Recipient {
            seat: seat(recipient, "seat"),
            encryption_key: point(recipient, "encryptionKey").unwrap(),
        })
        .collect();
    let secrets = listed
        .iter()
        .map(|recipient| array(recipient, "encryptionSecret"))
        .map(|bytes| RecipientSecret::from_secret_bytes(&bytes).unwrap())
        .collect();
    let ceremony = Ceremony::genesis(
        array(value, "session"),
        number(value, "epoch"),
        seat(value, "threshold"),
        recipients,
    );
    (ceremony.unwrap(), secrets)
}
