// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AppBootInfo} from "../../src/interfaces/IAppAuth.sol";

/// @dev An app contract as dstack users have them: an owner, and its own answer. Its reason is settable, to watch it travel.
contract DstackApp {
    address public owner;
    bool public allows = true;
    string public reason;

    constructor(address owner_) {
        owner = owner_;
    }

    function answer(bool allows_, string calldata reason_) external {
        (allows, reason) = (allows_, reason_);
    }

    function isAppAllowed(AppBootInfo calldata) external view returns (bool, string memory) {
        return (allows, reason);
    }
}
