// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Asks a contract that may be hostile for (bool, string), by STATICCALL, with a bound on what comes back (A23).
library VerdictCall {
    uint256 internal constant MAX_REASON_BYTES = 128;

    /// @dev Copies at most 224 bytes of the answer, however long it is. `answered` is false if the call failed or the answer is
    ///      not abi.encode(bool, string): the bool 0 or 1, the offset 0x40, the length within the answer.
    function ask(address target, uint256 gasLimit, bytes memory question)
        internal
        view
        returns (bool answered, bool allowed, string memory reason)
    {
        uint256 size;
        assembly ("memory-safe") {
            let out := mload(0x40)
            let ok := staticcall(gasLimit, target, add(question, 0x20), mload(question), out, 0xe0)
            size := returndatasize()
            let verdict := mload(out)
            let length := mload(add(out, 0x40))
            answered := and(ok, gt(size, 0x5f))
            answered := and(answered, and(lt(verdict, 2), eq(mload(add(out, 0x20)), 0x40)))
            answered := and(answered, iszero(gt(length, sub(size, 0x60))))
            allowed := and(answered, verdict)
            // reason = the answer's own bytes, from the length word on
            reason := 0x60
            if answered {
                if gt(length, MAX_REASON_BYTES) { length := MAX_REASON_BYTES }
                reason := add(out, 0x40)
                mstore(reason, length)
                mstore(0x40, add(out, 0xe0))
            }
        }
    }
}
