// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A sequence number and a running hash over all events of a contract, in one storage slot. Spec: docs/spec/trail.md, P6.
/// @dev leaf = keccak256(abi.encode(topic0, keccak256(abi.encode(all arguments in declared order, seq included))));
///      next head = low 192 bits of keccak256(abi.encode(head, seq, leaf));
///      first head = low 192 bits of keccak256(abi.encode(chain id, contract)), with seq 0. The first event has seq 1.
///      Events outside the trail: those of OpenZeppelin, and dstack's (arguments not indexed, no `seq`).
/// @dev Every event that takes something away carries a reason code: 0 unspecified, 1 superseded, 2 vulnerable, 3 compromised,
///      4 mistake, 5 no longer operated; others are free.
interface ITrail {
    /// @notice How many events this contract has emitted, and the hash over them.
    function trail() external view returns (uint64 seq, uint192 head);
}
