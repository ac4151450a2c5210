// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {ITrail} from "../../src/interfaces/ITrail.sol";
import {Handler} from "./Handler.sol";

/// @dev Numbered in README.md.
/// forge-config: default.invariant.fail-on-revert = true
contract Invariants_Test is Test {
    Handler private _handler;

    function setUp() external {
        _handler = new Handler();
        _handler.setUp();
        bytes4[] memory selectors = new bytes4[](13);
        selectors[0] = Handler.record.selector;
        selectors[1] = Handler.record.selector;
        selectors[2] = Handler.record.selector;
        selectors[3] = Handler.approve.selector;
        selectors[4] = Handler.revoke.selector;
        selectors[5] = Handler.freezeOrThaw.selector;
        selectors[6] = Handler.rotate.selector;
        selectors[7] = Handler.shutOrOpen.selector;
        selectors[8] = Handler.closeOrOpenRoot.selector;
        selectors[9] = Handler.denyOrAccept.selector;
        selectors[10] = Handler.tune.selector;
        selectors[11] = Handler.changeContracts.selector;
        selectors[12] = Handler.pass.selector;
        targetContract(address(_handler));
        targetSelector(FuzzSelector(address(_handler), selectors));
    }

    /// INV-1
    function invariant_TrailIsTheReplayOfTheEvents() external view {
        for (uint256 k = 0; k < 5; ++k) {
            address emitter = _handler.contracts_(k);
            (uint64 seq, uint192 head) = ITrail(emitter).trail();
            (uint64 replayedSeq, uint192 replayedHead) = _handler.replayed(emitter);
            assertEq(seq, replayedSeq);
            assertEq(head, replayedHead);
        }
    }

    /// INV-2 to INV-6
    function invariant_NothingIsIssuedAgainstTheRules() external view {
        assertEq(_handler.withoutQuorum(), 0, "INV-2");
        assertEq(_handler.withoutPermission(), 0, "INV-3");
        assertEq(_handler.issuedTwice(), 0, "INV-4");
        assertEq(_handler.notWhatWasSaid(), 0, "INV-4 INV-5");
        assertEq(_handler.countedTooEarly(), 0, "INV-6");
        assertEq(_handler.bootedRevoked(), 0, "INV-9");
    }

    /// INV-10
    function invariant_NoDelayIsBelowItsFloor() external view {
        assertGe(_handler.shortestDelay(), _handler.floor());
    }

    /// The handler is worth something: over a fixed sequence it issues and is refused.
    function test_TheHandlerIssuesAndIsRefused() external {
        for (uint256 k = 0; k < 60; ++k) {
            _handler.record(uint256(keccak256(abi.encode(k))));
            _handler.pass(1);
            if (k % 16 == 9) _handler.shutOrOpen(uint16(k));
        }
        assertGt(_handler.issued(), 10);
        assertGt(_handler.refused(), 10);
    }
}
