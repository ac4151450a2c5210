#!/usr/bin/env python3
"""Checks every vector in this folder without any of our code: plain Python, standard library only.

Written from docs/spec and from the standards: FIPS 202 (keccak), FIPS 197 and SP 800-38D (AES-GCM), RFC 5869 (HKDF),
SEC 1 and 2 (secp256k1), RFC 9380 (hash to curve), EIP-712. Slow and not constant time: for public test data only.

usage: verify.py [topic or file ...]      without arguments: all topics. Exits 1 on a failure, or if nothing was checked.
       verify.py --bundle FILE BLOCK NETWORK      an evidence bundle, as `quorate verify bundle` judges it
"""

import copy
import hashlib
import hmac
import itertools
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import bundles
import evm


class Refused(Exception):
    """The named error that a vector may expect."""


def require(condition, error):
    if not condition:
        raise Refused(error)


# --- hashes -----------------------------------------------------------------------------------------------------------


def _round_constants():
    """The 24 constants of keccak-f[1600], from the LFSR of FIPS 202 §3.2.5."""
    constants, state = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if state & 1:
                constant |= 1 << ((1 << power) - 1)
            state = (state << 1) ^ (0x171 if state & 0x80 else 0)
        constants.append(constant)
    return constants


ROUND_CONSTANTS = _round_constants()
LANE = (1 << 64) - 1


def keccak_f(lanes):
    for constant in ROUND_CONSTANTS:
        parity = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        for x in range(5):
            after = parity[(x + 1) % 5]
            mixed = parity[(x - 1) % 5] ^ ((after << 1 | after >> 63) & LANE)
            for y in range(5):
                lanes[x][y] ^= mixed
        x, y, current = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            shift = (step + 1) * (step + 2) // 2 % 64
            current, lanes[x][y] = lanes[x][y], (current << shift | current >> (64 - shift)) & LANE
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & LANE & row[(x + 2) % 5])
        lanes[0][0] ^= constant


def keccak256(data):
    rate = 136
    padded = bytearray(data + bytes(rate - len(data) % rate))
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for block in range(0, len(padded), rate):
        for index in range(rate // 8):
            at = block + 8 * index
            lanes[index % 5][index // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        keccak_f(lanes)
    return b"".join(lanes[index % 5][index // 5].to_bytes(8, "little") for index in range(4))


def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf(salt, ikm, info, length):
    """RFC 5869 with SHA-256."""
    key = hmac.digest(salt or bytes(32), ikm, "sha256")
    output, block = b"", b""
    for counter in range(1, (length + 31) // 32 + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


# --- AES-256-GCM ------------------------------------------------------------------------------------------------------


def _sbox():
    """FIPS 197 §5.1.1: the inverse in GF(2^8), then the affine map."""
    exp, log, value = [0] * 255, [0] * 256, 1
    for power in range(255):
        exp[power], log[value] = value, power
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)
    box = []
    for byte in range(256):
        inverse = exp[-log[byte] % 255] if byte else 0
        rotated = [(inverse << turn | inverse >> (8 - turn)) & 0xFF for turn in range(5)]
        box.append(rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63)
    return box


SBOX = _sbox()


def _double(byte):
    return (byte << 1) ^ (0x11B if byte & 0x80 else 0)


def aes256_encryptor(key):
    words, constant = [list(key[at : at + 4]) for at in range(0, 32, 4)], 1
    for index in range(8, 60):
        word = list(words[-1])
        if index % 8 == 0:
            word = [SBOX[byte] for byte in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _double(constant)
        elif index % 8 == 4:
            word = [SBOX[byte] for byte in word]
        words.append([left ^ right for left, right in zip(words[-8], word)])
    keys = [sum(words[4 * turn : 4 * turn + 4], []) for turn in range(15)]

    def encrypt(block):
        state = [left ^ right for left, right in zip(block, keys[0])]
        for turn in range(1, 15):
            state = [SBOX[state[(at + 4 * (at % 4)) % 16]] for at in range(16)]
            if turn < 14:
                mixed = []
                for at in range(0, 16, 4):
                    a, b, c, d = state[at : at + 4]
                    total = a ^ b ^ c ^ d
                    mixed += [
                        a ^ total ^ _double(a ^ b),
                        b ^ total ^ _double(b ^ c),
                        c ^ total ^ _double(c ^ d),
                        d ^ total ^ _double(d ^ a),
                    ]
                state = mixed
            state = [left ^ right for left, right in zip(state, keys[turn])]
        return bytes(state)

    return encrypt


def _gf128(left, right):
    product = 0
    for bit in range(127, -1, -1):
        if left >> bit & 1:
            product ^= right
        right = right >> 1 ^ (0xE1 << 120 if right & 1 else 0)
    return product


def gcm_open(key, nonce, aad, sealed):
    """SP 800-38D §7.2 with a 96-bit nonce; None if the tag is another."""
    if len(sealed) < 16:
        return None
    body, tag = sealed[:-16], sealed[-16:]
    encrypt = aes256_encryptor(key)
    authentication, digest = int.from_bytes(encrypt(bytes(16)), "big"), 0
    padded = b"".join(data + bytes(-len(data) % 16) for data in (aad, body))
    padded += (8 * len(aad)).to_bytes(8, "big") + (8 * len(body)).to_bytes(8, "big")
    for at in range(0, len(padded), 16):
        digest = _gf128(digest ^ int.from_bytes(padded[at : at + 16], "big"), authentication)
    mask = encrypt(nonce + (1).to_bytes(4, "big"))
    if bytes(a ^ b for a, b in zip(digest.to_bytes(16, "big"), mask)) != tag:
        return None
    blocks = (len(body) + 15) // 16
    stream = b"".join(encrypt(nonce + (2 + index).to_bytes(4, "big")) for index in range(blocks))
    return bytes(a ^ b for a, b in zip(body, stream))


# --- secp256k1 --------------------------------------------------------------------------------------------------------

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
IDENTITY = None


def add(left, right):
    if left is IDENTITY:
        return right
    if right is IDENTITY:
        return left
    if left[0] == right[0]:
        if (left[1] + right[1]) % P == 0:
            return IDENTITY
        slope = 3 * left[0] * left[0] * pow(2 * left[1], -1, P)
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, P)
    x = (slope * slope - left[0] - right[0]) % P
    return x, (slope * (left[0] - x) - left[1]) % P


def neg(point):
    return IDENTITY if point is IDENTITY else (point[0], -point[1] % P)


def mul(scalar, point):
    result = IDENTITY
    for bit in bin(scalar % N)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def lincomb(terms):
    total = IDENTITY
    for scalar, point in terms:
        total = add(total, mul(scalar, point))
    return total


def encode(point):
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")


def decode(data):
    require(len(data) == 33 and data[0] in (2, 3), "Decode")
    x = int.from_bytes(data[1:], "big")
    require(x < P, "Decode")
    y = pow(x**3 + 7, (P + 1) // 4, P)
    require((y * y - x**3 - 7) % P == 0, "Decode")
    return x, y if y & 1 == data[0] & 1 else P - y


def decode_scalar(data):
    scalar = int.from_bytes(data, "big")
    require(len(data) == 32 and scalar < N, "Decode")
    return scalar


# --- RFC 9380: secp256k1_XMD:SHA-256_SSWU_RO_ ------------------------------------------------------------------------


def expand_message_xmd(message, dst, length):
    """§5.3.1."""
    dst_prime = dst + bytes([len(dst)])
    first = sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + dst_prime)
    block = sha256(first + b"\1" + dst_prime)
    output = block
    for index in range(2, (length + 31) // 32 + 1):
        block = sha256(bytes(a ^ b for a, b in zip(first, block)) + bytes([index]) + dst_prime)
        output += block
    return output[:length]


def hash_to_field(message, dst, count, modulus):
    """§5.2 with m = 1 and L = 48."""
    uniform = expand_message_xmd(message, dst, 48 * count)
    return [int.from_bytes(uniform[48 * i : 48 * i + 48], "big") % modulus for i in range(count)]


# §8.7: the curve E' that is 3-isogenous to secp256k1, and Z.
SSWU_A = 0x3F8731ABDD661ADCA08A5558F0F5D272E953D363CB6F0E5D405447C01A444533
SSWU_B = 1771
SSWU_Z = P - 11

# Appendix E.1: the coefficients of the isogeny, lowest first.
X_NUM = (
    0x8E38E38E38E38E38E38E38E38E38E38E38E38E38E38E38E38E38E38DAAAAA8C7,
    0x07D3D4C80BC321D5B9F315CEA7FD44C5D595D2FC0BF63B92DFFF1044F17C6581,
    0x534C328D23F234E6E2A413DECA25CAECE4506144037C40314ECBD0B53D9DD262,
    0x8E38E38E38E38E38E38E38E38E38E38E38E38E38E38E38E38E38E38DAAAAA88C,
)
X_DEN = (
    0xD35771193D94918A9CA34CCBB7B640DD86CD409542F8487D9FE6B745781EB49B,
    0xEDADC6F64383DC1DF7C4B2D51B54225406D36B641F5E41BBC52A56612A8C6D14,
    1,
)
Y_NUM = (
    0x4BDA12F684BDA12F684BDA12F684BDA12F684BDA12F684BDA12F684B8E38E23C,
    0xC75E0C32D5CB7C0FA9D0A54B12A0A6D5647AB046D686DA6FDFFC90FC201D71A3,
    0x29A6194691F91A73715209EF6512E576722830A201BE2018A765E85A9ECEE931,
    0x2F684BDA12F684BDA12F684BDA12F684BDA12F684BDA12F684BDA12F38E38D84,
)
Y_DEN = (
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFF93B,
    0x7A06534BB8BDB49FD5E9E6632722C2989467C1BFC8E8D978DFB425D2685C2573,
    0x6484AA716545CA2CF3A70C3FA8FE337E0A3D21162F0D6299A7BF8192BFD2A76F,
    1,
)


def map_to_curve(u):
    """§6.6.3: simplified SWU to E', then the isogeny."""
    tv1 = (SSWU_Z * SSWU_Z * pow(u, 4, P) + SSWU_Z * u * u) % P
    if tv1 == 0:
        x = SSWU_B * pow(SSWU_Z * SSWU_A, -1, P) % P
    else:
        x = -SSWU_B * pow(SSWU_A, -1, P) * (1 + pow(tv1, -1, P)) % P
    square = (x**3 + SSWU_A * x + SSWU_B) % P
    if pow(square, (P - 1) // 2, P) == P - 1:
        x = SSWU_Z * u * u * x % P
        square = (x**3 + SSWU_A * x + SSWU_B) % P
    y = pow(square, (P + 1) // 4, P)
    if y & 1 != u & 1:
        y = P - y

    def evaluate(coefficients):
        return sum(coefficient * pow(x, power, P) for power, coefficient in enumerate(coefficients)) % P

    mapped = evaluate(X_NUM) * pow(evaluate(X_DEN), -1, P) % P
    return mapped, y * evaluate(Y_NUM) * pow(evaluate(Y_DEN), -1, P) % P


def hash_to_curve(message, dst):
    """§3."""
    left, right = hash_to_field(message, dst, 2, P)
    return add(map_to_curve(left), map_to_curve(right))


# --- our encodings ----------------------------------------------------------------------------------------------------

SUITE = b"secp256k1_XMD:SHA-256_SSWU_RO_"
DST_DERIVE = b"QUORATE-V01-derive-with-" + SUITE
DST_CANARY = b"QUORATE-V01-canary-with-" + SUITE
DST_TDH2_GENERATOR = b"QUORATE-V01-tdh2-generator-with-" + SUITE
DST_CHALLENGE = b"QUORATE-V01-challenge-with-secp256k1-order_XMD:SHA-256_"
KINDS = {"derive": 1, "unseal": 2}


def u8(value):
    return value.to_bytes(1, "big")


def u16(value):
    return value.to_bytes(2, "big")


def u64(value):
    return value.to_bytes(8, "big")


def enc(label, *fields):
    """be32(length) ‖ bytes, for the label and each field."""
    return b"".join(len(data).to_bytes(4, "big") + data for data in (label.encode(), *fields))


def challenge(transcript):
    return hash_to_field(transcript, DST_CHALLENGE, 1, N)[0]


class Reader:
    """Strict reading: what is cut short or left over is refused."""

    def __init__(self, data):
        self.data = data

    def take(self, length):
        require(len(self.data) >= length, "Decode")
        field, self.data = self.data[:length], self.data[length:]
        return field

    def field(self, length=None):
        data = self.take(int.from_bytes(self.take(4), "big"))
        require(length is None or len(data) == length, "Decode")
        return data

    def label(self, expected):
        require(self.field() == expected.encode(), "Decode")

    def point(self):
        return decode(self.take(33))

    def scalar(self):
        return decode_scalar(self.take(32))

    def finish(self):
        require(not self.data, "Decode")


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def get(vector, key):
    return unhex(vector[key])


# --- proofs -----------------------------------------------------------------------------------------------------------


def read_knowledge_proof(reader):
    return reader.point(), reader.scalar()


def knowledge_proof_holds(context, base, public, proof):
    """z·P = A + c·Q."""
    commitment, response = proof
    transcript = context + b"".join(enc_field(encode(point)) for point in (base, public, commitment))
    return mul(response, base) == add(commitment, mul(challenge(transcript), public))


def read_evaluation(reader):
    return reader.point(), reader.point(), reader.point(), reader.scalar()


def evaluation_holds(context, base, public, evaluation):
    """z·G = A + c·Y and z·B = A' + c·Z."""
    output, at_g, at_b, response = evaluation
    points = (public, base, output, at_g, at_b)
    c = challenge(context + b"".join(enc_field(encode(point)) for point in points))
    return mul(response, G) == add(at_g, mul(c, public)) and mul(response, base) == add(at_b, mul(c, output))


def enc_field(data):
    return len(data).to_bytes(4, "big") + data


def lagrange(seats, at=0):
    coefficients = []
    for own in seats:
        numerator = denominator = 1
        for other in seats:
            if other != own:
                numerator = numerator * (at - other) % N
                denominator = denominator * (own - other) % N
        coefficients.append(numerator * pow(denominator, -1, N) % N)
    return coefficients


def secret_of(shares):
    seats = [share["seat"] for share in shares]
    values = [int.from_bytes(get(share, "share"), "big") for share in shares]
    return sum(factor * value for factor, value in zip(lagrange(seats), values)) % N


# --- topics -----------------------------------------------------------------------------------------------------------


def check_hash_to_curve(vector):
    point = hash_to_curve(get(vector, "message"), vector["dst"].encode())
    require(encode(point) == get(vector, "point"), "PointMismatch")


def check_derive(vector):
    keyset = get(vector, "keysetId")
    scope = (u8(vector["scopeKind"]), get(vector, "scopeValue"))
    x = enc("quorate/v1/derive", keyset, get(vector, "appId"), *scope, vector["keyVersion"].to_bytes(4, "big"))
    require(x == get(vector, "x"), "InputMismatch")
    base = hash_to_curve(x, DST_DERIVE)
    require(encode(base) == get(vector, "base"), "BaseMismatch")
    secret = secret_of(vector["shares"])
    require(encode(mul(secret, G)) == get(vector, "publicKey"), "NoSubset")
    key = encode(mul(secret, base))
    require(key == get(vector, "key"), "KeyMismatch")
    root = hkdf(keyset, key, x, 32)
    require(root == get(vector, "root"), "RootMismatch")
    info = enc("quorate/v1/subkey", *(vector[part].encode() for part in ("path", "purpose", "algorithm")))
    subkey = hkdf(b"", root, info, 32)
    require(subkey == get(vector, "subkey"), "SubkeyMismatch")
    while not 0 < int.from_bytes(subkey, "big") < N:
        subkey = sha256(enc("quorate/v1/subkey-retry", subkey))
    public = encode(mul(int.from_bytes(subkey, "big"), G))
    require(public == get(vector, "subkeyPublicKey"), "PublicKeyMismatch")


def check_request(vector):
    base = hash_to_curve(get(vector, "x"), DST_DERIVE)
    reader = Reader(get(vector, "request"))
    blinded, proof = reader.point(), read_knowledge_proof(reader)
    reader.finish()
    context = enc("quorate/v1/blind", get(vector, "reportData"), u8(vector["inputIndex"]), u8(KINDS["derive"]))
    require(knowledge_proof_holds(context, base, blinded, proof), "InvalidProof")


def partial_context(vector, seat):
    ids = (get(vector, "networkHash"), get(vector, "keysetId"), u64(vector["epoch"]), get(vector, "issuanceId"))
    return enc("quorate/v1/partial", *ids, u8(vector["inputIndex"]), u8(KINDS[vector["secret"]]), u16(seat))


def read_partial(data):
    reader = Reader(data)
    partial = read_evaluation(reader)
    reader.finish()
    return partial


def check_partial(vector):
    partial = read_partial(get(vector, "partial"))
    share_key, blinded = decode(get(vector, "shareKey")), decode(get(vector, "blinded"))
    require(vector["seat"] != 0, "SeatZero")
    context = partial_context(vector, vector["seat"])
    require(evaluation_holds(context, blinded, share_key, partial), "InvalidProof")
    share = int.from_bytes(get(vector, "share"), "big")
    require(mul(share, G) == share_key and mul(share, blinded) == partial[0], "ShareMismatch")


def judge_contribution(vector, blinded, given):
    """The reason why this answer does not count by itself, or None."""
    if given["epoch"] != vector["epoch"]:
        return "WrongEpoch"
    if given["seat"] == 0:
        return "SeatZero"
    context = partial_context(vector, given["seat"])
    share_key, partial = decode(get(given, "shareKey")), read_partial(get(given, "partial"))
    return None if evaluation_holds(context, blinded, share_key, partial) else "InvalidProof"


def check_combine(vector):
    public_key, threshold = decode(get(vector, "publicKey")), vector["threshold"]
    require(threshold >= 2, "Threshold")
    base = hash_to_curve(get(vector, "x"), DST_DERIVE)
    factor = int.from_bytes(get(vector, "blindingFactor"), "big")
    blinded = mul(factor, base)
    require(encode(blinded) == get(vector, "blinded"), "BlindedMismatch")
    valid, discarded = [], []
    for given in vector["contributions"]:
        answer = (given["seat"], decode(get(given, "shareKey")), read_partial(get(given, "partial"))[0])
        reason = judge_contribution(vector, blinded, given)
        if reason is None and answer in valid:
            reason = "Duplicate"
        if reason is None:
            valid.append(answer)
        else:
            discarded.append({"seat": given["seat"], "reason": reason})
    require(len({seat for seat, _, _ in valid}) >= threshold, "BelowThreshold")
    for chosen in itertools.combinations(valid, threshold):
        seats = [seat for seat, _, _ in chosen]
        if len(set(seats)) == threshold and sum_keys(chosen, 0) == public_key:
            break
    else:
        raise Refused("NoSubset")
    for answer in valid:
        if answer not in chosen and sum_keys(chosen, answer[0]) != answer[1]:
            discarded.append({"seat": answer[0], "reason": "ShareKeyDisagrees"})
    require(seats == vector["seats"] and discarded == vector["discarded"], "ChoiceMismatch")
    total = lincomb(zip(lagrange(seats), (output for _, _, output in chosen)))
    require(encode(mul(pow(factor, -1, N), total)) == get(vector, "key"), "KeyMismatch")


def sum_keys(chosen, at):
    seats = [seat for seat, _, _ in chosen]
    return lincomb(zip(lagrange(seats, at), (key for _, key, _ in chosen)))


def read_seal_header(data):
    reader = Reader(data)
    reader.label("quorate/v1/sealed")
    label_bytes = reader.field()
    u, u_bar = decode(reader.field()), decode(reader.field())
    proof = Reader(reader.field())
    e, f = proof.scalar(), proof.scalar()
    proof.finish()
    body_hash = reader.field(32)
    reader.finish()
    label = Reader(label_bytes)
    label.label("quorate/v1/seal-label")
    keyset, app, secret_id, policy = label.field(32), label.field(20), label.field(32), label.field()
    require(len(policy) in (0, 20), "Decode")
    label.finish()
    return label_bytes, (keyset, app, secret_id, policy), u, u_bar, e, f, body_hash


def check_tdh2(vector):
    reader = Reader(get(vector, "sealed"))
    header, body = reader.field(), reader.field()
    reader.finish()
    label_bytes, (keyset, app, secret_id, policy), u, u_bar, e, f, body_hash = read_seal_header(header)
    expected = vector["expected"]
    require(keyset == get(expected, "keysetId"), "KeysetMismatch")
    require(app == get(expected, "appId"), "AppMismatch")
    require(secret_id == get(expected, "secretId"), "SecretIdMismatch")
    require(policy in (b"", get(expected, "policy")), "PolicyMismatch")
    g_bar = hash_to_curve(keyset, DST_TDH2_GENERATOR)
    w = add(mul(f, G), neg(mul(e, u)))
    w_bar = add(mul(f, g_bar), neg(mul(e, u_bar)))
    require(w is not IDENTITY and w_bar is not IDENTITY, "InvalidProof")
    points = (encode(point) for point in (g_bar, u, u_bar, w, w_bar))
    require(challenge(enc("quorate/v1/seal-proof", label_bytes, body_hash, *points)) == e, "InvalidProof")
    require(keccak256(header) == get(vector, "ciphertextHash"), "HashMismatch")
    secret = secret_of(vector["shares"])
    require(encode(mul(secret, G)) == get(vector, "publicKey"), "NoSubset")
    require(keccak256(body) == body_hash, "BodyMismatch")
    aad = enc("quorate/v1/seal-key", label_bytes, encode(u), encode(u_bar))
    keys = hkdf(keyset, encode(mul(secret, u)), aad, 64)
    require(body[:32] == keys[32:], "KeyCommitment")
    plaintext = gcm_open(keys[:32], bytes(12), aad, body[32:])
    require(plaintext is not None, "Decrypt")
    require(plaintext == get(vector, "plaintext"), "PlaintextMismatch")


class Dealing:
    """One dealing, read; see docs/spec/ceremony.md."""

    def __init__(self, data):
        require(len(data) <= 32 * 1024, "Decode")
        reader = Reader(data)
        reader.label("quorate/v1/dealing")
        self.session, self.epoch, self.dealer = reader.field(32), reader.field(8), reader.field(2)
        self.commitments, self.possession, self.raw = {}, {}, {}
        for kind in KINDS:
            self.raw[kind] = reader.field()
            require(len(self.raw[kind]) % 33 == 0, "Decode")
            points = Reader(self.raw[kind])
            self.commitments[kind] = [points.point() for _ in range(len(self.raw[kind]) // 33)]
            proof = Reader(reader.field())
            self.possession[kind] = read_knowledge_proof(proof)
            proof.finish()
        parts, self.parts = Reader(reader.field()), []
        while parts.data:
            seat = int.from_bytes(parts.take(2), "big")
            self.parts.append((seat, parts.point(), read_knowledge_proof(parts), parts.take(80)))
        reader.finish()

    def head(self, label):
        return enc(label, self.session, self.epoch, self.dealer)

    def verify(self, vector, dealer):
        require(self.session == get(vector, "session"), "WrongSession")
        require(self.epoch == u64(vector["epoch"]), "WrongEpoch")
        require(self.dealer == u16(dealer), "WrongDealer")
        seen = set()
        for kind in KINDS:
            points = self.commitments[kind]
            require(len(points) == vector["threshold"], "Degree")
            seen.update(points)
            expected = vector["threshold"] * (1 if kind == "derive" else 2)
            require(len(seen) == expected, "RepeatedCommitment")
        seats = [recipient["seat"] for recipient in vector["recipients"]]
        require([seat for seat, *_ in self.parts] == seats, "Recipients")
        for kind, number in KINDS.items():
            context = self.head("quorate/v1/dealing-possession") + enc_field(u8(number)) + enc_field(self.raw[kind])
            holds = knowledge_proof_holds(context, G, self.commitments[kind][0], self.possession[kind])
            require(holds, "Possession")
        ephemerals = set()
        for recipient, (seat, ephemeral, proof, _) in zip(vector["recipients"], self.parts):
            require(ephemeral not in ephemerals, "RepeatedEphemeral")
            ephemerals.add(ephemeral)
            context = self.head("quorate/v1/dealing-ephemeral") + enc_field(u16(seat))
            context += enc_field(get(recipient, "encryptionKey"))
            require(knowledge_proof_holds(context, G, ephemeral, proof), "EphemeralProof")

    def open(self, recipient):
        """The two sub-shares of one recipient, each checked against the commitments."""
        seat, ephemeral, _, sealed = next(part for part in self.parts if part[0] == recipient["seat"])
        secret = int.from_bytes(get(recipient, "encryptionSecret"), "big")
        info = self.head("quorate/v1/dealing-key") + enc_field(u16(seat))
        info += enc_field(get(recipient, "encryptionKey")) + enc_field(encode(ephemeral))
        key = hkdf(self.session, encode(mul(secret, ephemeral)), info, 32)
        aad = self.head("quorate/v1/dealing") + enc_field(self.raw["derive"]) + enc_field(self.raw["unseal"])
        message = gcm_open(key, bytes(12), aad, sealed)
        require(message is not None, "Decrypt")
        values = {}
        for kind, data in zip(KINDS, (message[:32], message[32:])):
            values[kind] = int.from_bytes(data, "big")
            on_it = evaluate_commitments(self.commitments[kind], seat) == mul(values[kind], G)
            require(values[kind] < N and on_it, "NotOnPolynomial")
        return values


def evaluate_commitments(commitments, seat):
    return lincomb((pow(seat, power, N), point) for power, point in enumerate(commitments))


def check_dealing(vector):
    data = get(vector, "dealing")
    dealing = Dealing(data)
    dealing.verify(vector, vector["dealer"])
    for recipient in vector["recipients"]:
        dealing.open(recipient)
    require(keccak256(data) == get(vector, "dealingHash"), "HashMismatch")


def qualified_dealings(vector):
    seats = {recipient["seat"] for recipient in vector["recipients"]}
    dealt, valid = set(), []
    for posted in vector["posted"]:
        if posted["dealer"] not in seats or posted["dealer"] in dealt:
            continue
        dealt.add(posted["dealer"])
        try:
            dealing = Dealing(get(posted, "dealing"))
            dealing.verify(vector, posted["dealer"])
            valid.append(dealing)
        except Refused:
            continue
    terms = [(dealing, dealing.commitments[kind][0]) for dealing in valid for kind in KINDS]
    copied = {id(left) for left, term in terms for right, other in terms if left is not right and term == other}
    return sorted((dealing for dealing in valid if id(dealing) not in copied), key=lambda dealing: dealing.dealer)


def check_ceremony(vector):
    dealings = qualified_dealings(vector)
    require(len(dealings) >= vector["threshold"], "TooFewDealers")
    totals = {}
    for kind in KINDS:
        columns = zip(*(dealing.commitments[kind] for dealing in dealings))
        totals[kind] = [lincomb((1, point) for point in column) for column in columns]
        require(totals[kind][-1] is not IDENTITY, "LeadingCoefficient")
        require(totals[kind][0] is not IDENTITY, "PublicKey")
    require(totals["derive"][0] != totals["unseal"][0], "OneSecret")
    seats = [recipient["seat"] for recipient in vector["recipients"]]
    keys = {seat: {kind: evaluate_commitments(totals[kind], seat) for kind in KINDS} for seat in seats}
    require(all(point is not IDENTITY for pair in keys.values() for point in pair.values()), "ShareKey")
    require([int.from_bytes(dealing.dealer, "big") for dealing in dealings] == vector["dealers"], "DealersMismatch")
    shares = b"".join(encode(keys[seat][kind]) for seat in seats for kind in KINDS)
    require(shares == get(vector, "verificationShares"), "OutcomeMismatch")
    for kind in KINDS:
        require(encode(totals[kind][0]) == get(vector, f"{kind}PublicKey"), "OutcomeMismatch")
    for recipient in vector["recipients"]:
        opened = [dealing.open(recipient) for dealing in dealings]
        for kind in KINDS:
            share = sum(values[kind] for values in opened) % N
            require(mul(share, G) == keys[recipient["seat"]][kind], "Sum")
    check_canary(vector, keys)


def check_canary(vector, keys):
    base = hash_to_curve(get(vector, "keysetId"), DST_CANARY)
    ids = (get(vector, "networkHash"), get(vector, "session"), get(vector, "keysetId"), u64(vector["epoch"]))
    valid = {}
    for given in vector["canaries"]:
        seat, reader, partials = given["seat"], Reader(get(given, "partials")), {}
        for kind in KINDS:
            partials[kind] = read_evaluation(reader)
        reader.finish()
        contexts = {kind: enc("quorate/v1/canary", *ids, u8(number), u16(seat)) for kind, number in KINDS.items()}
        if seat in keys and seat not in valid:
            if all(evaluation_holds(contexts[kind], base, keys[seat][kind], partials[kind]) for kind in KINDS):
                valid[seat] = partials
    require(len(valid) >= vector["threshold"], "CanaryBelowThreshold")
    first = list(valid)[: vector["threshold"]]
    for kind in KINDS:
        total = lincomb(zip(lagrange(first), (valid[seat][kind][0] for seat in first)))
        require(encode(total) == get(vector, f"{kind}Canary"), "CanaryMismatch")


# --- EIP-712 ----------------------------------------------------------------------------------------------------------


def eip712_types(text):
    """{name: [(type, field), …]} of an encoded type, and the name of the first."""
    types = {}
    for name, fields in re.findall(r"(\w+)\(([^)]*)\)", text):
        types[name] = [tuple(field.split(" ")) for field in fields.split(",") if field]
    return types, next(iter(types))


def eip712_encode_type(types, primary):
    used, todo = set(), [primary]
    while todo:
        name = todo.pop()
        used.add(name)
        bases = (re.sub(r"\[\d*\]", "", kind) for kind, _ in types[name])
        todo += [base for base in bases if base in types and base not in used]
    ordered = [primary, *sorted(used - {primary})]
    return "".join(f"{name}({','.join(' '.join(field) for field in types[name])})" for name in ordered)


def eip712_word(types, kind, value):
    array = re.fullmatch(r"(.*)\[(\d*)\]", kind)
    if array:
        require(array[2] in ("", str(len(value))), "ArrayLength")
        return keccak256(b"".join(eip712_word(types, array[1], item) for item in value))
    if kind in types:
        return eip712_struct_hash(types, kind, value)
    if kind == "string":
        return keccak256(value.encode())
    if kind == "bytes":
        return keccak256(unhex(value))
    if kind == "address" or kind.startswith("bytes"):
        data, size = unhex(value), 20 if kind == "address" else int(kind.removeprefix("bytes"))
        require(len(data) == size, "Width")
        return data.rjust(32, b"\0") if kind == "address" else data.ljust(32, b"\0")
    number, bits = value if isinstance(value, int) else int(value, 0), int(kind.removeprefix("uint"))
    require(type(number) is int and 0 <= number < 1 << bits, "Width")
    return number.to_bytes(32, "big")


def eip712_struct_hash(types, name, message):
    type_hash = keccak256(eip712_encode_type(types, name).encode())
    return keccak256(type_hash + b"".join(eip712_word(types, kind, message[field]) for kind, field in types[name]))


DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def abi_encode(*fields):
    """Words for static fields; for dynamic ones the offset of their tail. A field is bytes (static) or a `Tail`."""
    size = sum(32 if isinstance(field, Tail) else len(field) for field in fields)
    head, tails = b"", b""
    for field in fields:
        if isinstance(field, Tail):
            head += (size + len(tails)).to_bytes(32, "big")
            tails += field.data
        else:
            head += field
    return head + tails


class Tail:
    """A dynamic field of abi.encode."""

    def __init__(self, length, data):
        self.data = length.to_bytes(32, "big") + data + bytes(-len(data) % 32)

    @classmethod
    def numbers(cls, values):
        return cls(len(values), b"".join(value.to_bytes(32, "big") for value in values))

    @classmethod
    def bytes(cls, data):
        return cls(len(data), data)


def issuance_id(vector):
    contract = get(vector, "contract").rjust(32, b"\0")
    return abi_encode(vector["chainId"].to_bytes(32, "big"), contract, *map(unhex, vector["reportData"]))


def transcript(vector):
    outcome = vector["outcome"]
    seats = (Tail.numbers(outcome[key]) for key in ("recipients", "dealers"))
    keys = (Tail.bytes(get(outcome, key)) for key in ("verificationShares", "derivePublicKey", "unsealPublicKey"))
    return abi_encode(get(vector, "session"), *seats, *keys)


PLAIN_STATEMENTS = {"issuanceId": issuance_id, "transcript": transcript}


def check_statements(vector):
    if vector["name"] in PLAIN_STATEMENTS:
        digest = keccak256(PLAIN_STATEMENTS[vector["name"]](vector))
        require(digest == get(vector, "digest"), "digest-mismatch")
        return
    types, primary = eip712_types(vector["type"])
    require(primary == vector["name"] and eip712_encode_type(types, primary) == vector["type"], "type-mismatch")
    struct_hash = eip712_struct_hash(types, primary, vector["message"])
    require(struct_hash == get(vector, "structHash"), "struct-hash-mismatch")
    domain_types, domain = eip712_types(DOMAIN)
    separator = eip712_struct_hash(domain_types, domain, vector["domain"])
    require(keccak256(b"\x19\x01" + separator + struct_hash) == get(vector, "digest"), "digest-mismatch")


# --- bundles ----------------------------------------------------------------------------------------------------------


def judge_bundle(text, trusted):
    bundles.Judge(sys.modules[__name__]).verify(text, trusted)


def check_bundle(vector):
    """A bundle, with what the case changes in it."""
    folder = Path(__file__).resolve().parent / "bundle"
    text = (folder / vector["bundle"]).read_text(encoding="utf-8")
    if "change" in vector:
        text = json.dumps(changed(json.loads(text), vector["change"], folder), separators=(",", ":"), ensure_ascii=False)
        text += "\n"
    for old, new in vector.get("text", []):
        assert old in text, "the text to change is not there"
        text = text.replace(old, new, 1)
    judge_bundle(text, vector["trusted"])


def changed(bundle, operations, folder):
    """Operations as in RFC 6902; a value may come from a file beside the case."""
    for operation in operations:
        *parents, last = operation["path"].split("/")[1:]
        if "from" in operation:
            value = copy.deepcopy(pointed(bundle, operation["from"].split("/")[1:]))
        elif "file" in operation:
            part = json.loads((folder / operation["file"]).read_text(encoding="utf-8"))
            value = pointed(part, operation.get("pointer", "").split("/")[1:])
        else:
            value = operation.get("value")
        if operation["op"] == "move":
            *from_parents, from_last = operation["from"].split("/")[1:]
            del pointed(bundle, from_parents)[int(from_last)]
        target = pointed(bundle, parents)
        last = int(last) if isinstance(target, list) and last != "-" else last
        if operation["op"] == "remove":
            del target[last]
        elif isinstance(target, list) and operation["op"] in ("add", "move"):
            target.insert(len(target) if last == "-" else last, value)
        else:
            target[last] = value
    return bundle


def pointed(value, path):
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


# --- run --------------------------------------------------------------------------------------------------------------

TOPICS = {
    "hash-to-curve": check_hash_to_curve,
    "derive": check_derive,
    "request": check_request,
    "partial": check_partial,
    "combine": check_combine,
    "tdh2": check_tdh2,
    "dealing": check_dealing,
    "ceremony": check_ceremony,
    "statements": check_statements,
    "bundle": check_bundle,
}


def self_test():
    """Known answers of the parts that no vector tests alone."""
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(bytes(136)).hex() != keccak256(bytes(135)).hex()
    key = bytes(range(32))  # FIPS 197 appendix C.3
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert aes256_encryptor(key)(block).hex() == "8ea2b7ca516745bfeafc49904b496089"
    sealed = bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    assert gcm_open(bytes(32), bytes(12), b"", sealed) == bytes(16)  # the GCM specification's test case 14
    prk = hkdf(bytes(range(13)), b"\x0b" * 22, bytes(range(0xF0, 0xFA)), 42)  # RFC 5869 appendix A.1
    assert prk.hex().startswith("3cb25f25faacd57a90434f64d0362f2a")
    assert mul(N, G) is IDENTITY and mul(N - 1, G) == neg(G)
    # One contract asks another one, which answers ORIGIN, CALLER, or what the identity precompile says.
    outer, inner, sender = bytes(19) + b"\xaa", bytes(19) + b"\xbb", bytes(19) + b"\x07"

    def nested(opcodes):
        codes = {outer: bytes.fromhex("60205f5f5f60bb60fffa60205ff3"), inner: bytes.fromhex(opcodes)}
        state = SimpleNamespace(code=codes.__getitem__)
        return evm.Evm(state, {}, 1, keccak256).view(outer, b"", sender)[12:]

    assert nested("325f5260205ff3") == sender and nested("335f5260205ff3") == outer
    try:
        nested("5f5f5f5f600460fffa5f5260205ff3")
        raise AssertionError("a frame took for a failure what is left out")
    except evm.LeftOut:
        pass


def run(path):
    """None if the vector gives what it expects, else what it gave."""
    vector = json.loads(path.read_text(encoding="utf-8"))
    if path.parent.name not in TOPICS or "expect" not in vector:
        return "not a vector of a topic that is checked here"
    try:
        TOPICS[path.parent.name](vector)
        actual = "ok"
    except Refused as refused:
        actual = str(refused)
    except Exception as error:  # a vector that the checks can't read is a failure, not a crash of the run
        actual = f"{type(error).__name__}: {error}"
    return None if actual == vector["expect"] else f"expected {vector['expect']}, got {actual}"


def collect(arguments):
    root = Path(__file__).resolve().parent
    if not arguments:
        skipped = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and entry.name not in TOPICS)
        if skipped:
            print(f"not checked here: {', '.join(skipped)}")
        arguments = [topic for topic in TOPICS if (root / topic).is_dir()]
        print(f"bundle: {bundles.LEFT_OUT}")
    for argument in arguments:
        path = root / argument if argument in TOPICS else Path(argument).resolve()
        yield from sorted(path.glob("*.json")) if path.is_dir() else [path]


def verify_bundle(file, block, network):
    print(bundles.LEFT_OUT)
    try:
        # As it is: text mode would take other line ends for ours.
        text = Path(file).read_bytes().decode()
        judge_bundle(text, {"block": block, "network": network})
    except (Refused, UnicodeDecodeError) as refused:
        print(f"not ok: {refused if isinstance(refused, Refused) else 'not-a-bundle'}")
        return 4
    print("ok, but for what is left out")
    return 0


def main(arguments):
    self_test()
    if arguments[:1] == ["--bundle"]:
        return verify_bundle(*arguments[1:])
    passed = failed = 0
    for path in collect(arguments):
        problem = run(path)
        if problem is None:
            passed += 1
        else:
            failed += 1
            print(f"{path.parent.name}/{path.name}: {problem}")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
