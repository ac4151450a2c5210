// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Authorizers, IKmsCommittee} from "../interfaces/IKmsCommittee.sol";
import {SeatSignature} from "../interfaces/Statements.sol";

/// @title Asks KmsCommittee for the authorizers of some seats, and takes the answer as it lies: 1,500 gas less than the coder.
/// @dev The committee is the log's own and immutable; an answer of another shape than its ABI reverts.
library CommitteeCall {
    error CommitteeGivesNoAnswer();

    /// @dev The seats that signed, and whether they ascend strictly; if not, the two that don't.
    function seatsOf(SeatSignature[] calldata signatures)
        internal
        pure
        returns (uint256[] memory seats, bool isAscending, uint256 previous, uint256 seat)
    {
        assembly ("memory-safe") {
            seats := mload(0x40)
            mstore(seats, signatures.length)
            let to := add(seats, 0x20)
            let at := signatures.offset
            let end := add(at, mul(signatures.length, 0x60))
            isAscending := 1
            for {} and(lt(at, end), isAscending) { at := add(at, 0x60) } {
                previous := seat
                seat := calldataload(at)
                if shr(16, seat) { revert(0, 0) } // no uint16: as the decoder would
                isAscending := gt(seat, previous)
                mstore(to, seat)
                to := add(to, 0x20)
            }
            mstore(0x40, add(add(seats, 0x20), mul(signatures.length, 0x20)))
        }
    }

    /// @dev `seats` are numbers below 2^16.
    function authorizers(IKmsCommittee committee, uint256[] memory seats) internal view returns (Authorizers memory a) {
        uint256 selector = uint32(IKmsCommittee.authorizers.selector);
        bool isWhole;
        assembly ("memory-safe") {
            let n := mul(mload(seats), 0x20)
            let m := mload(0x40)
            mstore(m, selector)
            mstore(add(m, 0x20), 0x20)
            mcopy(add(m, 0x40), seats, add(n, 0x20))
            // 0x20 | keysetId | epoch | t | soleRegistry | 0xa0 | n | signers
            let size := add(n, 0xe0)
            isWhole := staticcall(gas(), committee, add(m, 0x1c), add(n, 0x44), m, size)
            isWhole := and(isWhole, eq(returndatasize(), size))
            isWhole := and(isWhole, and(eq(mload(m), 0x20), eq(mload(add(m, 0xa0)), 0xa0)))
            isWhole := and(isWhole, eq(mload(add(m, 0xc0)), mload(seats)))
            // The struct in memory is the same words, but for the place of the array.
            a := add(m, 0x20)
            mstore(add(m, 0xa0), add(m, 0xc0))
            mstore(0x40, add(m, size))
        }
        require(isWhole, CommitteeGivesNoAnswer());
    }

    /// @dev The same words under their own type.
    function asSeats(uint256[] memory words) internal pure returns (uint16[] memory seats) {
        assembly ("memory-safe") {
            seats := words
        }
    }
}
