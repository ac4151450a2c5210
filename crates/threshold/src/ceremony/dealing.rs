//! A dealing: two polynomials, committed to and proven, and each recipient's two sub-shares, encrypted. [CER-4]
//!
//! Encoding: enc("quorate/v1/dealing", session, epoch, dealer, derive commitments, proof of possession, unseal
//! commitments, proof of possession, ciphertexts), where commitments are 33 bytes each, and each recipient has 180 bytes
//! of ciphertexts: seat ‖ ephemeral point ‖ its proof ‖ AES-256-GCM of f_derive(seat) ‖ f_unseal(seat).

use super::{
    Ceremony, ForBoth, Recipient, concat_points, dealer_transcript, polynomial::Polynomial,
};
use crate::{
    aead::{TAG_BYTES, hkdf, seal_once, secret_point_bytes},
    decode::{DecodeError, Reader},
    labels,
    point::{POINT_BYTES, Point},
    scalar::SecretScalar,
    schnorr::KnowledgeProof,
    share::SecretKind,
    transcript::{Transcript, keccak256},
};
use k256::ProjectivePoint;
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// Longest encoded dealing; what is longer is refused before it is parsed.
pub const MAX_DEALING_BYTES: usize = 32 * 1024;

/// Two sub-shares and the tag.
pub(super) const CIPHERTEXT_BYTES: usize = 2 * 32 + TAG_BYTES;

/// A dealing as it was read: nothing about it is known, and nothing in it can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncheckedDealing {
    pub(super) session: [u8; 32],
    pub(super) epoch: u64,
    pub(super) dealer: u16,
    pub(super) committed: ForBoth<Committed>,
    pub(super) ciphertexts: Vec<Ciphertext>,
}

/// The commitments C_0 … C_{t−1} of one polynomial, with the proof that the dealer knows a_0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) points: Vec<Point>,
    pub(super) possession: KnowledgeProof,
}

/// What one recipient is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ciphertext {
    pub(super) recipient: u16,
    pub(super) ephemeral: Point,
    pub(super) proof: KnowledgeProof,
    pub(super) sealed: [u8; CIPHERTEXT_BYTES],
}

/// Why a seat can't deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DealError {
    /// This seat is no dealer of this ceremony.
    #[error("seat {0} is no dealer of this ceremony")]
    NotADealer(u16),
}

/// keccak256 of a dealing's bytes, as the dealer signs it.
pub fn dealing_hash(bytes: &[u8]) -> [u8; 32] {
    keccak256(bytes)
}

impl Ceremony {
    /// Deals both secrets to all recipients, as `dealer`. [CER-4], [CER-5]
    ///
    /// The caller has verified the quote of *every* recipient and P7 over them (A5); if one fails it must not call this.
    /// # Errors
    /// [`DealError::NotADealer`].
    pub fn deal(
        &self,
        dealer: u16,
        rng: &mut impl CryptoRng,
    ) -> Result<UncheckedDealing, DealError> {
        if !self.is_dealer(dealer) {
            return Err(DealError::NotADealer(dealer));
        }
        let polynomials = ForBoth::make(|secret| {
            let purpose = self.transcript(labels::DEALING_COEFFICIENT, dealer);
            Polynomial::random(self.threshold, &purpose.u8(secret.to_wire()), rng)
        });
        Ok(self.deal_polynomials(dealer, &polynomials, rng))
    }

    pub(super) fn deal_polynomials(
        &self,
        dealer: u16,
        polynomials: &ForBoth<Polynomial>,
        rng: &mut impl CryptoRng,
    ) -> UncheckedDealing {
        let committed =
            ForBoth::make(|secret| self.commit(dealer, secret, polynomials.of(secret), rng));
        let ciphertexts = self.encrypt_all(dealer, &committed, polynomials, rng);
        let (session, epoch) = (self.session, self.epoch);
        UncheckedDealing { session, epoch, dealer, committed, ciphertexts }
    }

    pub(super) fn encrypt_all(
        &self,
        dealer: u16,
        committed: &ForBoth<Committed>,
        polynomials: &ForBoth<Polynomial>,
        rng: &mut impl CryptoRng,
    ) -> Vec<Ciphertext> {
        let aad = commitments_aad(&self.session, self.epoch, dealer, committed);
        self.recipients
            .iter()
            .map(|recipient| self.encrypt(dealer, recipient, polynomials, &aad, rng))
            .collect()
    }

    fn commit(
        &self,
        dealer: u16,
        secret: SecretKind,
        polynomial: &Polynomial,
        rng: &mut impl CryptoRng,
    ) -> Committed {
        let points = polynomial.commitments();
        #[expect(clippy::expect_used, reason = "a ceremony's threshold is at least 2")]
        let (constant, commitment) = polynomial
            .constant_term()
            .zip(points.first())
            .expect("a polynomial has at least two coefficients");
        let context = possession_transcript(&self.session, self.epoch, dealer, secret, &points);
        let possession =
            KnowledgeProof::prove(context, &Point::generator(), commitment, constant, rng);
        Committed { points, possession }
    }

    fn encrypt(
        &self,
        dealer: u16,
        recipient: &Recipient,
        polynomials: &ForBoth<Polynomial>,
        aad: &Transcript,
        rng: &mut impl CryptoRng,
    ) -> Ciphertext {
        let context = ephemeral_transcript(&self.session, self.epoch, dealer, recipient);
        let secret = SecretScalar::hedged(&context, &[], rng);
        let ephemeral = secret.times_generator();
        let proof = KnowledgeProof::prove(context, &Point::generator(), &ephemeral, &secret, rng);
        let mut shared = secret.times_secret(&recipient.encryption_key);
        let key = shared_key(&self.session, self.epoch, dealer, recipient, &ephemeral, &shared);
        shared.zeroize();
        let (derive, unseal) =
            (polynomials.derive.at(recipient.seat), polynomials.unseal.at(recipient.seat));
        let message = Zeroizing::new([*derive, *unseal].concat());
        let mut sealed = [0; CIPHERTEXT_BYTES];
        let bytes = seal_once(&key, aad.as_bytes(), &message);
        sealed.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        Ciphertext { recipient: recipient.seat, ephemeral, proof, sealed }
    }

    fn transcript(&self, label: &str, dealer: u16) -> Transcript {
        dealer_transcript(label, &self.session, self.epoch, dealer)
    }
}

/// key = HKDF-SHA256(salt = session, ikm = shared point, info = enc("quorate/v1/dealing-key", …)). [CER-5]
pub(super) fn shared_key(
    session: &[u8; 32],
    epoch: u64,
    dealer: u16,
    recipient: &Recipient,
    ephemeral: &Point,
    shared: &ProjectivePoint,
) -> Zeroizing<[u8; 32]> {
    let info = dealer_transcript(labels::DEALING_KEY, session, epoch, dealer)
        .u16(recipient.seat)
        .point(&recipient.encryption_key)
        .point(ephemeral);
    hkdf(session, secret_point_bytes(shared).as_slice(), info.as_bytes())
}

pub(super) fn ephemeral_transcript(
    session: &[u8; 32],
    epoch: u64,
    dealer: u16,
    recipient: &Recipient,
) -> Transcript {
    dealer_transcript(labels::DEALING_EPHEMERAL, session, epoch, dealer)
        .u16(recipient.seat)
        .point(&recipient.encryption_key)
}

pub(super) fn possession_transcript(
    session: &[u8; 32],
    epoch: u64,
    dealer: u16,
    secret: SecretKind,
    points: &[Point],
) -> Transcript {
    dealer_transcript(labels::DEALING_POSSESSION, session, epoch, dealer)
        .u8(secret.to_wire())
        .bytes(&concat_points(points))
}

/// A ciphertext opens only beside the commitments that it was dealt with.
pub(super) fn commitments_aad(
    session: &[u8; 32],
    epoch: u64,
    dealer: u16,
    committed: &ForBoth<Committed>,
) -> Transcript {
    dealer_transcript(labels::DEALING, session, epoch, dealer)
        .bytes(&concat_points(&committed.derive.points))
        .bytes(&concat_points(&committed.unseal.points))
}

impl UncheckedDealing {
    /// The canonical bytes, for the chain.
    pub fn to_bytes(&self) -> Vec<u8> {
        let ciphertexts: Vec<u8> = self.ciphertexts.iter().flat_map(Ciphertext::to_bytes).collect();
        let head = dealer_transcript(labels::DEALING, &self.session, self.epoch, self.dealer);
        SecretKind::BOTH
            .into_iter()
            .map(|secret| self.committed.of(secret))
            .fold(head, |enc, committed| {
                enc.bytes(&concat_points(&committed.points)).bytes(&committed.possession.to_bytes())
            })
            .bytes(&ciphertexts)
            .finish()
    }

    /// Reads a dealing. [CER-4]
    ///
    /// # Errors
    /// [`DecodeError`]; above [`MAX_DEALING_BYTES`] before anything is parsed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::limited(bytes, MAX_DEALING_BYTES)?;
        reader.label(labels::DEALING)?;
        let session = reader.field_array()?;
        let epoch = u64::from_be_bytes(reader.field_array()?);
        let dealer = u16::from_be_bytes(reader.field_array()?);
        let committed = ForBoth::try_make(|_| Committed::read(&mut reader))?;
        let mut body = Reader::new(reader.field()?);
        let mut ciphertexts = Vec::new();
        while !body.is_empty() {
            ciphertexts.push(Ciphertext::read(&mut body)?);
        }
        reader.finish()?;
        Ok(Self { session, epoch, dealer, committed, ciphertexts })
    }

    /// The dealer that it claims to be of.
    pub fn dealer(&self) -> u16 {
        self.dealer
    }
}

impl Committed {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = reader.field()?;
        let (points, rest) = bytes.as_chunks::<POINT_BYTES>();
        if !rest.is_empty() {
            return Err(DecodeError::Length);
        }
        let points =
            points.iter().map(|point| Point::from_bytes(point)).collect::<Result<_, _>>()?;
        Ok(Self { points, possession: KnowledgeProof::from_bytes(reader.field()?)? })
    }
}

impl Ciphertext {
    fn to_bytes(&self) -> Vec<u8> {
        let seat = self.recipient.to_be_bytes();
        let (point, proof) = (self.ephemeral.to_bytes(), self.proof.to_bytes());
        [&seat[..], &point, &proof, &self.sealed].concat()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            recipient: u16::from_be_bytes(reader.array()?),
            ephemeral: reader.point()?,
            proof: KnowledgeProof::read(reader)?,
            sealed: reader.array()?,
        })
    }
}
