// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IKmsCommittee} from "../interfaces/IKmsCommittee.sol";

/// @title What a set of seats must satisfy to hold the shares of an epoch. P7.
library EpochRules {
    uint256 internal constant MAX_SEATS = 128;

    /// @dev 2 <= t and 2t - 1 <= n.
    function checkSizes(uint256 n, uint256 t) internal pure {
        require(t >= 2, IKmsCommittee.ThresholdTooLow(2, t));
        require(n + 1 >= 2 * t, IKmsCommittee.TooFewSeats(2 * t - 1, n));
        require(n <= MAX_SEATS, IKmsCommittee.TooManySeats(MAX_SEATS, n));
    }

    /// @dev No vendor and no operator holds more than t - 1 seats.
    function checkHolders(bytes32[] memory vendors, bytes32[] memory operators, uint256 t) internal pure {
        for (uint256 i = 0; i < vendors.length; ++i) {
            uint256 held = _count(vendors, vendors[i]);
            require(held < t, IKmsCommittee.VendorHoldsTooManySeats(vendors[i], held, t - 1));
            held = _count(operators, operators[i]);
            require(held < t, IKmsCommittee.OperatorHoldsTooManySeats(operators[i], held, t - 1));
        }
    }

    function _count(bytes32[] memory labels, bytes32 label) private pure returns (uint256 count) {
        for (uint256 i = 0; i < labels.length; ++i) {
            if (labels[i] == label) ++count;
        }
    }
}
