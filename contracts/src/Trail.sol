// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrail} from "./interfaces/ITrail.sol";

/// @dev seq and head as they stand; also carried in memory while a batch is recorded.
struct TrailState {
    uint64 seq;
    uint192 head;
}

/// @title The trail: one slot that commits to every event of the contract, in order. Spec: docs/spec/trail.md, P6.
/// @dev Every emitter does three things in this order: `seq = _nextSeq()`, emit with that seq, and
///      `_trail(Event.selector, abi.encode(all arguments in declared order))`.
abstract contract Trail is ITrail {
    TrailState private _state;

    /// @inheritdoc ITrail
    function trail() external view returns (uint64 seq, uint192 head) {
        return (_state.seq, _state.head);
    }

    /// @dev Clones call this in `initialize`, others in their constructor.
    function _startTrail() internal {
        _state = TrailState(0, uint192(uint256(keccak256(abi.encode(block.chainid, address(this))))));
    }

    /// @dev The seq that the next event carries.
    function _nextSeq() internal view returns (uint64) {
        return _state.seq + 1;
    }

    /// @dev Enters an event; `args` holds the seq of `_nextSeq`.
    function _trail(bytes32 topic0, bytes memory args) internal {
        TrailState memory state = _state;
        _enter(state, topic0, keccak256(args));
        _state = state;
    }

    /// @dev For batches: load once, `_enter` each event, save once. Nothing may be emitted otherwise in between.
    function _loadTrail() internal view returns (TrailState memory) {
        return _state;
    }

    function _saveTrail(TrailState memory state) internal {
        _state = state;
    }

    /// @dev leaf = keccak256(abi.encode(topic0, argsHash)); head' = low 192 bits of keccak256(abi.encode(head, seq', leaf)).
    function _enter(TrailState memory state, bytes32 topic0, bytes32 argsHash) internal pure {
        unchecked {
            uint64 seq = state.seq + 1;
            uint192 head = state.head;
            uint256 next;
            assembly ("memory-safe") {
                mstore(0x00, topic0)
                mstore(0x20, argsHash)
                let leaf := keccak256(0x00, 0x40)
                let free := mload(0x40)
                mstore(free, head)
                mstore(add(free, 0x20), seq)
                mstore(add(free, 0x40), leaf)
                next := keccak256(free, 0x60)
            }
            state.seq = seq;
            // The head is the low 192 bits of the hash.
            // forge-lint: disable-next-line(unsafe-typecast)
            state.head = uint192(next);
        }
    }
}
