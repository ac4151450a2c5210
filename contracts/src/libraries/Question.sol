// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AppBootInfo, IAppAuth} from "../interfaces/IAppAuth.sol";
import {IAppRegistry} from "../interfaces/IAppRegistry.sol";
import {Attested} from "../interfaces/Statements.sol";

/// @title Encodes the questions that an issuance passes on from contract to contract.
/// @dev What lies in calldata as any encoder writes it, without advisories, is copied as it lies: about 3,000 gas less than
///      abi.encode. Anything else is encoded again. The callee's decoder judges the words either way.
library Question {
    /// @dev isAllowed(attested)
    function isAllowed(Attested calldata attested) internal pure returns (bytes memory question) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := calldataload(attested)
        }
        uint256 size = _plainSize(attested.boot);
        if (offset != 0x80 || size == 0) return abi.encodeCall(IAppRegistry.isAllowed, (attested));
        return _copy(IAppRegistry.isAllowed.selector, _at(attested), 0x80 + size);
    }

    /// @dev isAppAllowed(boot)
    function isAppAllowed(AppBootInfo calldata boot) internal pure returns (bytes memory question) {
        uint256 size = _plainSize(boot);
        if (size == 0) return abi.encodeCall(IAppAuth.isAppAllowed, (boot));
        return _copy(IAppAuth.isAppAllowed.selector, _at(boot), size);
    }

    /// @dev Bytes that \`boot\` takes if it lies as an encoder writes it and has no advisories; zero if not.
    function _plainSize(AppBootInfo calldata boot) private pure returns (uint256 size) {
        assembly ("memory-safe") {
            let length := calldataload(add(boot, 0x120))
            if and(eq(calldataload(add(boot, 0xe0)), 0x120), lt(length, 0x80)) {
                let end := add(0x140, and(add(length, 0x1f), not(0x1f)))
                if and(eq(calldataload(add(boot, 0x100)), end), iszero(calldataload(add(boot, end)))) {
                    size := add(end, 0x20)
                }
            }
        }
    }

    function _at(Attested calldata attested) private pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := attested
        }
    }

    function _at(AppBootInfo calldata boot) private pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := boot
        }
    }

    /// @dev selector, the offset of the one argument, the argument
    function _copy(bytes4 selector, uint256 position, uint256 size) private pure returns (bytes memory question) {
        assembly ("memory-safe") {
            question := mload(0x40)
            mstore(question, add(size, 0x24))
            mstore(add(question, 0x20), selector)
            mstore(add(question, 0x24), 0x20)
            calldatacopy(add(question, 0x44), position, size)
            mstore(0x40, and(add(add(question, size), 0x63), not(0x1f)))
        }
    }
}
