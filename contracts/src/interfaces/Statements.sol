// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AppBootInfo} from "./IAppAuth.sol";

// The structs that nodes sign (EIP-712) and contracts judge. Field order is part of the protocol: docs/spec/record.md.

/// @notice An enclave as the nodes found it: dstack's fields, and beside them who vouches for it.
/// @param root sha256 of the DER root certificate
/// @param vendor ASCII label, left-aligned; must be the root's vendor
struct Attested {
    AppBootInfo boot;
    bytes32 root;
    bytes32 vendor;
    uint32 tcbEvaluationDataNumber;
}

/// @notice What the enclave wants: `derive` (1) or `unseal` (2).
/// @param scopeKind App 1 (value zero), Code 2 (the compose hash), Instance 3 (the instance id, left-padded)
/// @param secretId for unseal, else zero
/// @param ciphertextHash for unseal, else zero
struct Input {
    uint8 kind;
    uint8 scopeKind;
    bytes32 scopeValue;
    uint32 keyVersion;
    bytes32 secretId;
    bytes32 ciphertextHash;
}

/// @notice A block that the signer of a statement knew.
struct Anchor {
    uint64 number;
    bytes32 hash;
}

/// @notice One boot of one enclave, as t nodes authorize it. One quote, one record.
/// @param reportData the 64 bytes in the quote
/// @param releaseAt Head 1, Finalized 2
/// @param evidenceHash keccak256 of enc("quorate/v1/evidence", quote, event log, collateral)
struct Issuance {
    bytes32 keysetId;
    uint64 epoch;
    bytes32[2] reportData;
    uint8 releaseAt;
    Anchor anchor;
    address sessionKey;
    bytes32 evidenceHash;
    Attested attested;
    Input[] inputs;
}

/// @notice An EIP-2098 signature of a seat.
struct SeatSignature {
    uint16 seat;
    bytes32 r;
    bytes32 vs;
}

/// @notice What a node signs when it hands out a partial.
/// @param partialsHash keccak256 over all (input, i, Y_i, Z_i, proof)
struct Released {
    bytes32 issuanceId;
    uint64 epoch;
    uint16 seat;
    uint64 blockNumber;
    bytes32 blockHash;
    bytes32 partialsHash;
}

/// @notice A node that asks for a seat.
/// @param operator the id that governance assigned to the signer
/// @param sealing None 0, SgxProvider 1, SnpDerived 2, File 3
/// @param checkpoint the finalized block that the node started from
/// @param headSource in words, shown by the explorer: "sync committee" or "m of k endpoints"
struct Candidate {
    address signer;
    bytes32 operator;
    string endpoint;
    uint8 sealing;
    bytes32 root;
    bytes32 osImageHash;
    bytes32 composeHash;
    Anchor checkpoint;
    string headSource;
    bytes32 evidenceHash;
}

/// @notice Ceremony, step 1: a fresh encryption key (33 bytes, SEC1) for one session, bound by a fresh quote.
struct RecipientKey {
    bytes32 session;
    uint16 seat;
    bytes encryptionKey;
    bytes32 evidenceHash;
}

/// @notice Ceremony, step 2: a dealer that can't verify a recipient says so and deals nothing in this session.
struct RecipientRefused {
    bytes32 session;
    uint16 dealer;
    uint16 seat;
    uint8 reason;
}

/// @notice Ceremony, step 2: a dealing, by hash.
struct Dealing {
    bytes32 session;
    uint16 seat;
    bytes32 dealingHash;
}

/// @notice Ceremony, step 3: the verdict of a member over the cryptography, and its canary partials.
struct Confirmation {
    bytes32 session;
    uint16 seat;
    bytes32 transcript;
    bytes32 canaryHash;
}

/// @notice The result of a ceremony. transcript = keccak256(abi.encode(session, recipients, dealers, verificationShares,
///         derivePublicKey, unsealPublicKey)).
/// @param verificationShares for each recipient in order Y_i(derive) and Y_i(unseal), 33 bytes each
struct Outcome {
    uint16[] recipients;
    uint16[] dealers;
    bytes verificationShares;
    bytes derivePublicKey;
    bytes unsealPublicKey;
}
