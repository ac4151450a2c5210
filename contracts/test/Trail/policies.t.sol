// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {AllOfPolicy} from "../../src/AllOfPolicy.sol";
import {LicensePolicy} from "../../src/LicensePolicy.sol";
import {Holding} from "../../src/interfaces/ILicensePolicy.sol";
import {ITrail} from "../../src/interfaces/ITrail.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";
import {TrailReplay} from "../utils/TrailReplay.sol";

/// @dev P6 for the policies that AppRegistry does not make.
contract Trail_Policies_Test is QuorateTest {
    TrailReplay private _replayer = new TrailReplay();

    /// @dev [GOV-4] [TRAIL-1]
    function test_EveryEventReplays() external {
        vm.recordLogs();
        address[] memory members = new address[](2);
        (members[0], members[1]) = (address(policy), address(apps));
        AllOfPolicy all = new AllOfPolicy(apps, appId, FLOOR, members);
        Holding memory held = Holding(address(apps), stranger, 3);
        LicensePolicy license = new LicensePolicy(apps, appId, FLOOR, address(policy), 5, held);
        vm.startPrank(owner);
        all.removeMember(address(apps));
        all.cancelRemoval(address(apps), 4);
        all.lockMembers();
        license.extend(7);
        license.cut(3, 1);
        license.dropHolding(2);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _assertReplays(address(all), logs, 5);
        _assertReplays(address(license), logs, 4);
    }

    function _assertReplays(address emitter, Vm.Log[] memory logs, uint64 expected) private view {
        (uint64 seq, uint192 head) = _replayer.replay(emitter, 0, _replayer.first(emitter), logs);
        (uint64 actualSeq, uint192 actualHead) = ITrail(emitter).trail();
        assertEq(seq, actualSeq);
        assertEq(head, actualHead);
        assertEq(seq, expected);
    }
}
