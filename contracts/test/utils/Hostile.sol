// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Answers anything as no policy and no token should: reverts, burns its gas, floods, says nothing, writes.
contract Hostile {
    uint8 private immutable _manner;
    uint256 private _written;

    constructor(uint8 manner) {
        _manner = manner;
    }

    fallback() external {
        if (_manner == 0) revert("no");
        if (_manner == 1) while (true) _written;
        if (_manner == 2) {
            assembly {
                mstore(0, not(0))
                return(0, 100000)
            }
        }
        if (_manner == 4) _written = 1;
    }
}
