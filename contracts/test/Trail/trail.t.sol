// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {ITrail} from "../../src/interfaces/ITrail.sol";
import {Issuance, SeatSignature} from "../../src/interfaces/Statements.sol";
import {DstackApp} from "../utils/DstackApp.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";
import {TrailReplay} from "../utils/TrailReplay.sol";

/// @dev P6: every event that our contracts can emit, replayed from the logs of one long story; and what a reader notices.
contract Trail_Test is QuorateTest {
    TrailReplay private _replayer = new TrailReplay();
    Vm.Log[] private _logs;

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        _genesis();
        vm.roll(block.number + 300);
    }

    function _tellEverything() private {
        DstackApp theirs = new DstackApp(owner);
        attestation.setRootRules(_root(0), attestation.rootPolicy(_root(0)).rules);
        attestation.denyAdvisory(_root(0), "INTEL-SA-00001");
        attestation.acceptAdvisory(_root(0), "INTEL-SA-00001");
        attestation.closeRoot(_root(2), 1);
        attestation.approveOsImage("another", "ipfs://a longer text than one word, so that it has a tail");
        attestation.revokeOsImage("another", 2);

        _record(_issuance(1));
        committee.suspendSeat(1, 1);
        committee.unsuspendSeat(1);
        committee.removeSeat(5, 1);
        committee.revokeNodeCode(OS_IMAGE, NODE_CODE, 1);
        committee.setContracts(address(apps), address(issuanceLog));
        committee.cancelContractsChange(1);

        vm.startPrank(owner);
        apps.rotate(appId, true);
        apps.delistKeyVersion(appId, 1, 1);
        apps.acceptVendor(appId, "soft-z");
        apps.removeVendor(appId, "soft-z", 1);
        apps.freeze(appId, 1);
        apps.thaw(appId);
        apps.setPolicy(appId, appId);
        apps.setPolicy(appId, address(theirs));
        apps.cancelPolicyChange(appId, 1);
        apps.setGuardian(appId, stranger);
        apps.moveTo(appId, address(theirs));
        apps.cancelMove(appId, 1);
        apps.offerOwnership(appId, owner);
        apps.takeOwnership(appId);
        apps.lockPolicy(appId);
        apps.registerApp(address(theirs));

        policy.approveComposeHash("x", "ipfs://x");
        policy.revokeComposeHash("x", 1);
        policy.addDevice("x");
        policy.removeDevice("x");
        policy.approveMeasurement("x");
        policy.revokeMeasurement("x", 1);
        policy.setAllowAnyInstance(false);
        policy.approveInstance(stranger);
        policy.revokeInstance(stranger, 1);
        policy.setAllowAnyDevice(true);
        policy.setRequireTcbUpToDate(true);
        policy.setGrantDelay(2 days);
        vm.stopPrank();
    }

    function _tellTheCommittee() private {
        vm.recordLogs();
        super.setUp();
        bytes32 session = _open();
        _postAllKeys(session);
        _postRefusal(session, 1, 2);
        vm.roll(block.number + 3 * STEP);
        committee.abortEpoch();
    }

    function _assertReplays(address emitter, Vm.Log[] memory logs, uint64 least) private view {
        (uint64 seq, uint192 head) = _replayer.replay(emitter, 0, _replayer.first(emitter), logs);
        (uint64 actualSeq, uint192 actualHead) = ITrail(emitter).trail();
        assertEq(seq, actualSeq);
        assertEq(head, actualHead);
        assertGe(seq, least, "the story told enough");
    }

    /// @dev [TRAIL-1] P6
    function test_EveryEventReplays() external {
        _tellEverything();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _assertReplays(address(attestation), logs, 9);
        _assertReplays(address(committee), logs, 30);
        _assertReplays(address(apps), logs, 16);
        _assertReplays(address(policy), logs, 14);
        _assertReplays(address(issuanceLog), logs, 1);
    }

    function test_AbortedCeremonyReplays() external {
        _tellTheCommittee();
        _assertReplays(address(committee), vm.getRecordedLogs(), 20);
    }

    /// A reader who was shown all events but one, or one that was altered, does not arrive at the head.
    function testFuzz_AMissingOrAlteredEventIsNoticed(uint256 which, bool isAltered) external {
        _tellEverything();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        which = bound(which, 0, logs.length - 1);
        address emitter = logs[which].emitter;
        (, uint192 honest) = _replayer.replay(emitter, 0, _replayer.first(emitter), logs);
        uint64 seqBefore;
        (seqBefore,) = _replayer.replay(emitter, 0, _replayer.first(emitter), logs);
        if (isAltered && logs[which].data.length != 0) logs[which].data[31] ^= 0x01;
        else logs[which].topics[0] = keccak256("left out");
        (, uint192 lied) = _replayer.replay(emitter, 0, _replayer.first(emitter), logs);
        // dstack's and OpenZeppelin's events are beside the trail: nobody is told that those are complete.
        vm.assume(seqBefore != 0);
        if (!_isInTrail(logs, which, emitter)) return;
        assertNotEq(honest, lied);
    }

    function _isInTrail(Vm.Log[] memory logs, uint256 which, address emitter) private view returns (bool) {
        Vm.Log[] memory one = new Vm.Log[](1);
        one[0] = logs[which];
        (uint64 seq,) = _replayer.replay(emitter, 0, 0, one);
        return seq == 1;
    }

    /// A trail begins with its chain and its contract, so that it is nobody else's.
    function test_TheFirstHeadIsOfChainAndContract() external view {
        assertNotEq(_replayer.first(address(apps)), _replayer.first(address(policy)));
    }
}
