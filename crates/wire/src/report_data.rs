//! What a quote's 64 bytes of report_data bind.
//!
//! Spec: docs/spec/evidence.md [EV-5]. report_data = 16-byte tag ‖ SHA-384(enc(tag, fields…)). The tag is visible,
//! so that no quote over data that an outsider chose can pass for one of ours (attack A2).

use crate::{
    enc::Enc,
    ids::{ReleaseAt, SealingKind},
    statements::{Anchor, Candidate, Input, labels},
};
use alloy_primitives::{Address, B256};
use alloy_sol_types::SolStruct;
use sha2::{Digest, Sha384};

/// The 64 bytes.
pub type ReportData = [u8; 64];

/// What all our tags begin with; an agent refuses to quote outside data that begins so.
pub const TAG_PREFIX: &[u8] = b"quorate/";

/// What a key request's quote binds, beside the code itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBinding<'a> {
    /// The network that is asked.
    pub network_hash: B256,
    /// The keyset that is asked.
    pub keyset_id: B256,
    /// The app that the enclave claims to be.
    pub app_id: Address,
    /// When a node may release.
    pub release_at: ReleaseAt,
    /// Each input with its blinded point B (33 bytes, SEC1 compressed).
    pub inputs: &'a [(Input, [u8; 33])],
    /// The address of the enclave's fresh session key.
    pub session_key: Address,
    /// A recent block.
    pub anchor: Anchor,
}

impl RequestBinding<'_> {
    /// report_data of this request.
    pub fn report_data(&self) -> ReportData {
        let inputs: Vec<u8> = self
            .inputs
            .iter()
            .flat_map(|(input, point)| input.eip712_hash_struct().0.into_iter().chain(*point))
            .collect();
        tagged(
            labels::TAG_ISSUE,
            Enc::new(labels::TAG_ISSUE)
                .hash(self.network_hash)
                .hash(self.keyset_id)
                .address(self.app_id)
                .u8(self.release_at as u8)
                .bytes(&inputs)
                .address(self.session_key)
                .u64(self.anchor.number)
                .hash(self.anchor.hash),
        )
    }
}

/// report_data of a recipient's key in one ceremony: session, seat, signing address, operator, the key. [CER-2]
pub fn recipient_report_data(
    network_hash: B256,
    session: B256,
    seat: u16,
    signer: Address,
    operator: B256,
    encryption_key: &[u8],
) -> ReportData {
    tagged(
        labels::TAG_RECIPIENT,
        Enc::new(labels::TAG_RECIPIENT)
            .hash(network_hash)
            .hash(session)
            .u16(seat)
            .address(signer)
            .hash(operator)
            .bytes(encryption_key),
    )
}

/// report_data of a candidate: everything that it states, except the hash of the evidence that carries it. [CER-1]
pub fn candidate_report_data(network_hash: B256, candidate: &Candidate) -> ReportData {
    tagged(
        labels::TAG_CANDIDATE,
        Enc::new(labels::TAG_CANDIDATE)
            .hash(network_hash)
            .address(candidate.signer)
            .hash(candidate.operator)
            .bytes(candidate.endpoint.as_bytes())
            .u8(candidate.sealing)
            .u64(candidate.checkpoint.number)
            .hash(candidate.checkpoint.hash)
            .bytes(candidate.headSource.as_bytes()),
    )
}

/// The two words of report_data as IssuanceLog takes them.
pub fn words(report_data: &ReportData) -> [B256; 2] {
    let (high, low) = report_data.split_at(32);
    [B256::from_slice(high), B256::from_slice(low)]
}

/// Whether an operator or host may be trusted with nothing but availability of a share of this kind.
pub fn can_unseal(kind: SealingKind) -> bool {
    kind != SealingKind::None
}

fn tagged(tag: &str, fields: Enc) -> ReportData {
    let digest = Sha384::digest(fields.finish());
    let mut report_data = [0; 64];
    let bytes = tag.bytes().chain(digest);
    report_data.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
    report_data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sixteen_bytes() {
        // [EV-5]
        for tag in [labels::TAG_ISSUE, labels::TAG_RECIPIENT, labels::TAG_CANDIDATE] {
            assert_eq!(tag.len(), 16);
            assert!(tag.as_bytes().starts_with(TAG_PREFIX));
        }
    }

    #[test]
    fn every_field_is_bound() {
        // [EV-5] negative twins: one field changed, another report_data.
        let input = Input {
            kind: 1,
            scopeKind: 1,
            scopeValue: B256::ZERO,
            keyVersion: 1,
            secretId: B256::ZERO,
            ciphertextHash: B256::ZERO,
        };
        let inputs = [(input.clone(), [2; 33])];
        let base = RequestBinding {
            network_hash: B256::repeat_byte(1),
            keyset_id: B256::repeat_byte(2),
            app_id: Address::repeat_byte(3),
            release_at: ReleaseAt::Head,
            inputs: &inputs,
            session_key: Address::repeat_byte(4),
            anchor: Anchor { number: 5, hash: B256::repeat_byte(6) },
        };
        let other_point = [(input.clone(), [3; 33])];
        let other_input = [(Input { keyVersion: 2, ..input }, [2; 33])];
        let changed = [
            RequestBinding { network_hash: B256::ZERO, ..base.clone() },
            RequestBinding { keyset_id: B256::ZERO, ..base.clone() },
            RequestBinding { app_id: Address::ZERO, ..base.clone() },
            RequestBinding { release_at: ReleaseAt::Finalized, ..base.clone() },
            RequestBinding { inputs: &other_point, ..base.clone() },
            RequestBinding { inputs: &other_input, ..base.clone() },
            RequestBinding { inputs: &[], ..base.clone() },
            RequestBinding { session_key: Address::ZERO, ..base.clone() },
            RequestBinding { anchor: Anchor { number: 6, ..base.anchor }, ..base.clone() },
            RequestBinding { anchor: Anchor { hash: B256::ZERO, ..base.anchor }, ..base.clone() },
        ];
        for binding in changed {
            assert_ne!(binding.report_data(), base.report_data(), "{binding:?}");
        }
    }

    #[test]
    fn every_field_of_a_candidate_is_bound() {
        // [CER-1] negative twins; the evidence hash alone is not: it names the quote that carries this.
        let base = Candidate {
            signer: Address::repeat_byte(1),
            operator: B256::repeat_byte(2),
            endpoint: "http://node".into(),
            sealing: 1,
            root: B256::repeat_byte(3),
            osImageHash: B256::repeat_byte(4),
            composeHash: B256::repeat_byte(5),
            checkpoint: Anchor { number: 6, hash: B256::repeat_byte(7) },
            headSource: "agreement 1 of 1".into(),
            evidenceHash: B256::repeat_byte(8),
        };
        let network = B256::repeat_byte(9);
        let report_data = candidate_report_data(network, &base);
        let checkpoint = |number, hash| Anchor { number, hash };
        let changed = [
            Candidate { signer: Address::ZERO, ..base.clone() },
            Candidate { operator: B256::ZERO, ..base.clone() },
            Candidate { endpoint: "http://other".into(), ..base.clone() },
            Candidate { sealing: 2, ..base.clone() },
            Candidate { checkpoint: checkpoint(5, base.checkpoint.hash), ..base.clone() },
            Candidate { checkpoint: checkpoint(6, B256::ZERO), ..base.clone() },
            Candidate { headSource: "agreement 2 of 3".into(), ..base.clone() },
        ];
        for candidate in changed {
            assert_ne!(candidate_report_data(network, &candidate), report_data, "{candidate:?}");
        }
        assert_ne!(candidate_report_data(B256::ZERO, &base), report_data);
    }

    #[test]
    fn every_field_of_a_recipient_key_is_bound() {
        // [CER-2] A5, A14: a key of another session, seat, node, operator, network, or another key.
        let (word, address) = (B256::repeat_byte, Address::repeat_byte);
        let base = recipient_report_data(word(1), word(2), 3, address(4), word(5), &[6; 33]);
        let others = [
            recipient_report_data(word(0), word(2), 3, address(4), word(5), &[6; 33]),
            recipient_report_data(word(1), word(0), 3, address(4), word(5), &[6; 33]),
            recipient_report_data(word(1), word(2), 0, address(4), word(5), &[6; 33]),
            recipient_report_data(word(1), word(2), 3, address(0), word(5), &[6; 33]),
            recipient_report_data(word(1), word(2), 3, address(4), word(0), &[6; 33]),
            recipient_report_data(word(1), word(2), 3, address(4), word(5), &[0; 33]),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
