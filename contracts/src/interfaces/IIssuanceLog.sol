// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IKmsCommittee} from "./IKmsCommittee.sol";
import {ITrail} from "./ITrail.sol";
import {Issuance, Released, SeatSignature} from "./Statements.sol";

/// @title The log of every key issuance, and the gate: without a record here no honest node releases a partial (P2).
/// @dev Spec: docs/spec/record.md. Policy and record are one transaction, so after block B nothing is recorded that B denies
///      (P5). One quote, one record: issuanceId = keccak256(abi.encode(chain id, this log, reportData)) (attack A11).
/// @dev Invariants: `recorded[id]` is set once and never cleared; no `KeyIssued` without t distinct, open seats of the active
///      epoch; none that `AppRegistry.isAllowed` refuses at that point of the block.
interface IIssuanceLog is ITrail {
    /// @notice An enclave may have this key. One event per input.
    /// @dev Listeners: kms-node proves the slot `recorded[issuanceId]`, never this event; indexer writes key_issued.
    /// @dev Promise 1: for one issuanceId all its events are in one transaction. Promise 2: `input` is the EIP-712 struct hash
    ///      of the Input that t seats signed.
    event KeyIssued(
        address indexed appId,
        bytes32 indexed issuanceId,
        bytes32 indexed composeHash,
        uint8 kind,
        bytes32 input,
        uint32 keyVersion,
        uint64 epoch,
        bytes32 root,
        bytes32 evidenceHash,
        address sessionKey,
        uint64 anchor,
        uint64 seq
    );
    /// @notice A partial left a node, and the record that allowed it is not on this chain: a reorg dropped it (attack A9).
    /// @dev Promise 1: once per issuanceId. Nothing is ever released on it.
    event KeyReleasedOffRecord(
        address indexed appId,
        bytes32 indexed issuanceId,
        bytes32 indexed composeHash,
        uint64 epoch,
        uint16 seat,
        uint64 blockNumber,
        bytes32 blockHash,
        bytes32 evidenceHash,
        uint64 seq
    );

    error NothingToRecord();
    error LengthMismatch(uint256 expected, uint256 actual);
    /// @notice An issuance has 1 to 8 inputs.
    error InputCount(uint256 max, uint256 actual);
    /// @notice The input is of unknown kind, carries fields that its kind does not have, or its scope is not the enclave's.
    error InputInvalid(uint256 index);
    error ReleaseAtUnknown(uint8 releaseAt);
    error AlreadyRecorded(bytes32 issuanceId);
    error AlreadyReported(bytes32 issuanceId);
    error AnchorTooOld(uint64 anchor, uint256 oldest);
    /// @notice The anchor is not a block of this chain.
    error AnchorMismatch(uint64 anchor, bytes32 expected, bytes32 actual);
    error WrongKeyset(bytes32 expected, bytes32 actual);
    error WrongEpoch(uint64 expected, uint64 actual);
    error KeyVersionNotReadable(address appId, uint32 keyVersion);
    /// @notice The app's registry or policy refuses, with its reason (at most 128 bytes).
    error NotAllowed(address appId, string reason);
    error BelowThreshold(uint256 t, uint256 signed);
    error SeatsNotAscending(uint16 previous, uint16 seat);
    /// @notice The seat is no member of the epoch, or is suspended (attack A12).
    error SeatNotAuthorizing(uint16 seat);
    error InvalidSeatSignature(uint16 seat);
    /// @notice The gas left does not reach for the 250,000 that the policy may use; nothing is judged (attack A23).
    error NotEnoughGas(uint256 needed, uint256 actual);
    error ReleasedMismatch();

    /// @notice Records issuances that t seats each authorized. Anyone may send it.
    /// @dev Of several, one that can't be recorded is skipped: it changes and emits nothing, and `refusals` holds the custom
    ///      error that it would have reverted with (empty: recorded). A single issuance reverts with that error itself.
    /// @dev Warning: a record cannot be removed; revocation is a new event.
    function record(Issuance[] calldata issuances, SeatSignature[][] calldata signatures)
        external
        returns (bytes[] memory refusals);

    /// @notice Publishes that a partial was released on a record that is no longer on the chain. Anyone who holds the bytes.
    /// @dev Signatures count by the epochs that they name. Neither policy, anchor nor suspension is asked: it happened.
    function reportDropped(
        Issuance calldata issuance,
        SeatSignature[] calldata authorizations,
        Released calldata released,
        bytes32 r,
        bytes32 vs
    ) external;

    /// @notice The block in which the issuance was recorded, zero if it was not. The release window counts from it.
    function recorded(bytes32 issuanceId) external view returns (uint64 blockNumber);
    function reportedDropped(bytes32 issuanceId) external view returns (bool);
    function issuanceIdOf(bytes32[2] calldata reportData) external view returns (bytes32);
    /// @notice What a seat signs to authorize.
    function issuanceDigest(Issuance calldata issuance) external view returns (bytes32);
    /// @notice What a seat signs to release.
    function releasedDigest(Released calldata released) external view returns (bytes32);
    function committee() external view returns (IKmsCommittee);
    /// @notice Gas that the policy check may use: 250,000, the same in every node.
    function policyGas() external view returns (uint256);
}
