// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Only ever in the copy under target/slow. Picks one of the changes that schema.py compiled in: the one whose number is the
///      block's coinbase. A coinbase of RECORDING runs the unchanged code and leaves a file for each number that it came past.
library Mutant {
    address private constant RECORDING = address(0xfffff);
    address private constant CHEATS = address(uint160(uint256(keccak256("hevm cheat code"))));

    /// @dev Whether this is the run of change `k`.
    function on(uint256 k) internal pure returns (bool) {
        return _pure(_on)(k);
    }

    /// @dev Change `k` makes the condition true, change `k + 1` makes it false. Recorded is which of both it is unchanged.
    function cond(bool value, uint256 k) internal pure returns (bool) {
        return on(value ? k : k + 1) ? value : (value ? !_pure(_is)(k + 1) : _pure(_is)(k));
    }

    function _is(uint256 k) private view returns (bool) {
        return block.coinbase == address(uint160(k));
    }

    function _on(uint256 k) private view returns (bool) {
        if (block.coinbase == RECORDING) _record(k);
        return block.coinbase == address(uint160(k));
    }

    /// @dev writeFile("reach/<five digits>", ""), put together by hand: it runs within the gas of the code that it records.
    function _record(uint256 k) private view {
        address cheats = CHEATS;
        assembly ("memory-safe") {
            let digits := 0
            for { let shift := 168 } lt(shift, 208) { shift := add(shift, 8) } {
                digits := or(digits, shl(shift, add(0x30, mod(k, 10))))
                k := div(k, 10)
            }
            let m := mload(0x40)
            mstore(m, shl(224, 0x897e0a97))
            mstore(add(m, 0x04), 0x40)
            mstore(add(m, 0x24), 0x80)
            mstore(add(m, 0x44), 11)
            mstore(add(m, 0x64), or(shl(208, 0x72656163682f), digits))
            mstore(add(m, 0x84), 0)
            pop(staticcall(gas(), cheats, m, 0xa4, 0, 0))
        }
    }

    /// @dev Tells the compiler that reading the coinbase is pure, so that changes fit into pure functions, too.
    function _pure(function(uint256) view returns (bool) reader)
        private
        pure
        returns (function(uint256) pure returns (bool) cast)
    {
        assembly ("memory-safe") {
            cast := reader
        }
    }
}
