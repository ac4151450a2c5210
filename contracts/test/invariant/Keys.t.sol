// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {KeyHandler} from "./KeyHandler.sol";

/// @dev INV-7: the guardian's key (of apps, network and proposals at once) over every function of every contract.
/// forge-config: default.invariant.fail-on-revert = true
contract GuardianKey_Test is Test {
    KeyHandler private _handler;

    function setUp() external {
        _handler = new KeyHandler(false);
        _handler.setUp();
        bytes4[] memory selectors = new bytes4[](4);
        selectors[0] = KeyHandler.guardianCalls.selector;
        selectors[1] = KeyHandler.guardianCalls.selector;
        selectors[2] = KeyHandler.strangerCalls.selector;
        selectors[3] = KeyHandler.pass.selector;
        targetContract(address(_handler));
        targetSelector(FuzzSelector(address(_handler), selectors));
    }

    /// @dev [GOV-4] INV-7
    function invariant_NobodyBootsWhoCouldNotBefore() external view {
        assertEq(_handler.widenedAtOnce(), 0);
        assertEq(_handler.widenedEarly() + _handler.widenedLate(), 0);
    }

    /// The handler is worth something: calls succeed, and take rights away.
    function test_TheGuardianTakesAway() external {
        assertEq(_handler.booting(), 3);
        for (uint256 k = 0; k < 1500; ++k) {
            _handler.guardianCalls(uint256(keccak256(abi.encode(k))));
        }
        assertGt(_handler.succeeded(), 20);
        assertLt(_handler.booting(), 3);
        assertEq(_handler.widenedAtOnce(), 0);
    }
}

/// @dev INV-8: the owner's key as well, over every function of every contract.
/// forge-config: default.invariant.fail-on-revert = true
contract OwnerKey_Test is Test {
    KeyHandler private _handler;

    function setUp() external {
        _handler = new KeyHandler(true);
        _handler.setUp();
        bytes4[] memory selectors = new bytes4[](5);
        selectors[0] = KeyHandler.ownerCalls.selector;
        selectors[1] = KeyHandler.ownerCalls.selector;
        selectors[2] = KeyHandler.guardianCalls.selector;
        selectors[3] = KeyHandler.pass.selector;
        selectors[4] = KeyHandler.ownerGrants.selector;
        targetContract(address(_handler));
        targetSelector(FuzzSelector(address(_handler), selectors));
    }

    /// @dev [GOV-2] [GOV-3] INV-8
    function invariant_OnlyADelayedPathWidens() external view {
        assertEq(_handler.widenedAtOnce(), 0);
        assertEq(_handler.widenedEarly(), 0);
    }

    /// The handler is worth something: what the owner decides counts in the end.
    function test_TheOwnerWidensInTheEnd() external {
        for (uint256 k = 0; k < 3; ++k) {
            _handler.ownerGrants(k);
        }
        _handler.pass(3599);
        assertEq(_handler.widenedLate(), 0);
        _handler.pass(1);
        for (uint256 k = 0; k < 500; ++k) {
            _handler.ownerCalls(uint256(keccak256(abi.encode(k))));
        }
        assertGt(_handler.succeeded(), 10);
        assertGt(_handler.widenedLate(), 0);
        assertEq(_handler.widenedAtOnce(), 0);
    }
}
