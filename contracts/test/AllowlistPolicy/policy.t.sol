// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AllOfPolicy} from "../../src/AllOfPolicy.sol";
import {AllowlistPolicy} from "../../src/AllowlistPolicy.sol";
import {AppRegistry} from "../../src/AppRegistry.sol";
import {AlreadySet, NothingToRevoke, Unauthorized, ZeroValue} from "../../src/interfaces/Errors.sol";
import {IAllowlistPolicy, PolicySetup} from "../../src/interfaces/IAllowlistPolicy.sol";
import {IAppAuthBasicManagement} from "../../src/interfaces/IAppAuthBasicManagement.sol";
import {AppBootInfo} from "../../src/interfaces/IAppAuth.sol";
import {NewApp} from "../../src/interfaces/IAppRegistry.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract AllowlistPolicy_Test is QuorateTest {
    bytes32 private constant NEW = keccak256("new");
    bytes32 private constant SYSTEM = keccak256("system");

    function _boot() private view returns (AppBootInfo memory) {
        return _issuance(1).attested.boot;
    }

    function _assertAnswer(AppBootInfo memory boot, string memory expected) private view {
        (bool allowed, string memory reason) = policy.isAppAllowed(boot);
        assertEq(allowed, bytes(expected).length == 0);
        assertEq(reason, expected);
    }

    /* INITIALIZE */

    function test_RevertWhen_InitializedByAnyone() external {
        AllowlistPolicy implementation = AllowlistPolicy(apps.appImplementation());
        PolicySetup memory setup = _setupOf(COMPOSE);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        policy.initialize(stranger, setup);
        vm.startPrank(address(apps));
        vm.expectRevert(AlreadySet.selector);
        policy.initialize(stranger, setup);
        vm.expectRevert(AlreadySet.selector);
        implementation.initialize(stranger, setup);
    }

    /* ORDER */

    function test_RefusesInDstacksOrder() external {
        vm.startPrank(owner);
        policy.setRequireTcbUpToDate(true);
        policy.approveMeasurement(SYSTEM);
        policy.setAllowAnyInstance(false);
        vm.stopPrank();
        AppBootInfo memory boot = _boot();
        boot.tcbStatus = "SWHardeningNeeded";
        boot.composeHash = NEW;
        boot.mrSystem = NEW;
        boot.deviceId = NEW;
        _assertAnswer(boot, "TCB status is not up to date");
        boot.tcbStatus = "UpToDate";
        _assertAnswer(boot, "Compose hash not allowed");
        boot.composeHash = COMPOSE;
        _assertAnswer(boot, "Measurement not allowed");
        boot.mrSystem = SYSTEM;
        _assertAnswer(boot, "Device not allowed");
        boot.deviceId = DEVICE;
        _assertAnswer(boot, "Instance not allowed");
        vm.prank(owner);
        policy.approveInstance(boot.instanceId);
        vm.warp(block.timestamp + FLOOR);
        _assertAnswer(boot, "");
    }

    /* COMPOSE HASHES */

    function test_ComposeHashCountsAfterTheDelay() external {
        uint64 at = uint64(block.timestamp + FLOOR);
        (uint64 seq,) = policy.trail();
        vm.expectEmit(address(policy));
        emit IAllowlistPolicy.ComposeHashApproved(appId, NEW, at, "ipfs://new", seq + 1);
        vm.expectEmit(address(policy));
        emit IAppAuthBasicManagement.ComposeHashAdded(NEW);
        vm.prank(owner);
        policy.approveComposeHash(NEW, "ipfs://new");
        assertEq(policy.composeHashEffectiveAt(NEW), at);
        vm.warp(at - 1);
        assertFalse(policy.allowedComposeHashes(NEW));
        vm.warp(at);
        assertTrue(policy.allowedComposeHashes(NEW));
    }

    function test_RevertWhen_ApprovedTwice() external {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.AlreadyApproved.selector, block.timestamp));
        policy.addComposeHash(COMPOSE);
        policy.addComposeHash(NEW);
        vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.AlreadyApproved.selector, block.timestamp + FLOOR));
        policy.approveComposeHash(NEW, "again");
        vm.expectRevert(ZeroValue.selector);
        policy.addComposeHash(0);
        vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.AlreadyApproved.selector, block.timestamp));
        policy.addDevice(DEVICE);
        policy.approveMeasurement(SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.AlreadyApproved.selector, block.timestamp));
        policy.approveMeasurement(SYSTEM);
        vm.expectRevert(ZeroValue.selector);
        policy.approveMeasurement(0);
        policy.setAllowAnyDevice(true);
        vm.expectRevert(AlreadySet.selector);
        policy.setAllowAnyDevice(true);
    }

    /// Watchers of dstack's key on its events, which are beside the trail.
    function test_EmitsDstacksEvents() external {
        vm.startPrank(owner);
        vm.expectEmit(address(policy));
        emit IAppAuthBasicManagement.DeviceAdded(NEW);
        policy.addDevice(NEW);
        vm.expectEmit(address(policy));
        emit IAppAuthBasicManagement.DeviceRemoved(NEW);
        policy.revokeDevice(NEW, 1);
        vm.expectEmit(address(policy));
        emit IAppAuthBasicManagement.ComposeHashRemoved(COMPOSE);
        policy.revokeComposeHash(COMPOSE, 1);
    }

    /// A18: removing and approving again inside the finality lag is a new grant, and waits like one.
    function test_RevokedAtOnceAndApprovedAgainLate() external {
        vm.prank(guardian);
        policy.revokeComposeHash(COMPOSE, 2);
        _assertAnswer(_boot(), "Compose hash not allowed");
        vm.prank(owner);
        policy.addComposeHash(COMPOSE);
        _assertAnswer(_boot(), "Compose hash not allowed");
        vm.warp(block.timestamp + FLOOR);
        _assertAnswer(_boot(), "");
    }

    function test_RevocationCancelsWhatIsPending() external {
        vm.prank(owner);
        policy.addComposeHash(NEW);
        vm.prank(guardian);
        policy.removeComposeHash(NEW);
        vm.warp(block.timestamp + FLOOR);
        assertFalse(policy.allowedComposeHashes(NEW));
        vm.prank(guardian);
        vm.expectRevert(NothingToRevoke.selector);
        policy.removeComposeHash(NEW);
    }

    function testFuzz_NothingCountsBeforeItsDelay(uint32 delay, uint32 wait) external {
        delay = uint32(bound(delay, FLOOR, 365 days));
        wait = uint32(bound(wait, 0, 400 days));
        vm.startPrank(owner);
        policy.setGrantDelay(delay);
        policy.addComposeHash(NEW);
        policy.addDevice(NEW);
        policy.setAllowAnyDevice(true);
        vm.stopPrank();
        vm.warp(block.timestamp + wait);
        assertEq(policy.allowedComposeHashes(NEW), wait >= delay);
        assertEq(policy.allowedDeviceIds(NEW), wait >= delay);
        assertEq(policy.allowAnyDevice(), wait >= delay);
    }

    /* DEVICES */

    function test_DevicesComeLateAndGoAtOnce() external {
        vm.prank(owner);
        policy.addDevice(NEW);
        assertEq(policy.deviceEffectiveAt(NEW), block.timestamp + FLOOR);
        vm.prank(guardian);
        policy.revokeDevice(DEVICE, 2);
        _assertAnswer(_boot(), "Device not allowed");
        vm.prank(guardian);
        vm.expectRevert(NothingToRevoke.selector);
        policy.removeDevice(DEVICE);
    }

    /// An empty list denies; an empty or masked id is nobody's.
    function test_RevertWhen_TheIdIdentifiesNothing() external {
        bytes32[4] memory ids = [
            bytes32(0),
            sha256(""),
            sha256(abi.encodePacked(bytes16(0))),
            sha256(abi.encodePacked(bytes32(0), bytes32(0)))
        ];
        vm.startPrank(owner);
        for (uint256 k = 0; k < 4; ++k) {
            vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.NotIdentifying.selector, ids[k]));
            policy.addDevice(ids[k]);
            AppBootInfo memory boot = _boot();
            boot.deviceId = ids[k];
            _assertAnswer(boot, "Device not allowed");
        }
        vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.NotIdentifying.selector, bytes32(0)));
        policy.approveInstance(address(0));
    }

    function test_AnyDeviceComesLateAndGoesAtOnce() external {
        AppBootInfo memory boot = _boot();
        boot.deviceId = NEW;
        vm.prank(owner);
        policy.setAllowAnyDevice(true);
        _assertAnswer(boot, "Device not allowed");
        vm.warp(block.timestamp + FLOOR);
        _assertAnswer(boot, "");
        // dstack's removeDevice would log a revocation that changes nothing; ours says so.
        vm.prank(guardian);
        vm.expectRevert(IAllowlistPolicy.ListNotInForce.selector);
        policy.removeDevice(DEVICE);
        vm.prank(guardian);
        policy.setAllowAnyDevice(false);
        _assertAnswer(boot, "Device not allowed");
        vm.prank(guardian);
        vm.expectRevert(AlreadySet.selector);
        policy.setAllowAnyDevice(false);
    }

    /* MEASUREMENTS, INSTANCES, TCB */

    function test_TheFirstMeasurementNarrowsAtOnceTheNextWaits() external {
        vm.startPrank(owner);
        policy.approveMeasurement(SYSTEM);
        assertFalse(policy.allowAnyMeasurement());
        _assertAnswer(_boot(), "");
        policy.approveMeasurement(NEW);
        AppBootInfo memory boot = _boot();
        boot.mrSystem = NEW;
        _assertAnswer(boot, "Measurement not allowed");
        vm.warp(block.timestamp + FLOOR);
        _assertAnswer(boot, "");
        policy.revokeMeasurement(NEW, 1);
        policy.revokeMeasurement(SYSTEM, 1);
        _assertAnswer(_boot(), "Measurement not allowed");
        assertFalse(policy.allowAnyMeasurement(), "an emptied list allows nothing");
        policy.setAllowAnyMeasurement(true);
        vm.warp(block.timestamp + FLOOR);
        _assertAnswer(_boot(), "");
        vm.expectRevert(IAllowlistPolicy.ListNotInForce.selector);
        policy.revokeMeasurement(SYSTEM, 1);
    }

    function test_WhatIsListedStaysListedWhenTheListIsBack() external {
        vm.startPrank(owner);
        assertTrue(policy.allowAnyMeasurement());
        policy.approveMeasurement(SYSTEM);
        uint64 listed = policy.measurementEffectiveAt(SYSTEM);
        vm.expectRevert(NothingToRevoke.selector);
        policy.revokeMeasurement(NEW, 1);
        policy.setAllowAnyMeasurement(true);
        vm.warp(block.timestamp + FLOOR);
        assertTrue(policy.allowAnyMeasurement());
        policy.approveMeasurement(SYSTEM);
        assertFalse(policy.allowAnyMeasurement());
        assertEq(policy.measurementEffectiveAt(SYSTEM), listed, "not anew");
    }

    function test_Instances() external {
        AppBootInfo memory boot = _boot();
        vm.startPrank(owner);
        vm.expectRevert(IAllowlistPolicy.ListNotInForce.selector);
        policy.revokeInstance(boot.instanceId, 1);
        policy.setAllowAnyInstance(false);
        assertFalse(policy.allowAnyInstance());
        vm.expectRevert(NothingToRevoke.selector);
        policy.revokeInstance(boot.instanceId, 1);
        policy.approveInstance(boot.instanceId);
        uint64 from = uint64(block.timestamp + FLOOR);
        assertEq(policy.instanceEffectiveAt(boot.instanceId), from);
        vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.AlreadyApproved.selector, from));
        policy.approveInstance(boot.instanceId);
        vm.warp(block.timestamp + FLOOR);
        _assertAnswer(boot, "");
        policy.revokeInstance(boot.instanceId, 1);
        _assertAnswer(boot, "Instance not allowed");
        assertEq(policy.instanceEffectiveAt(boot.instanceId), 0);
        policy.setAllowAnyInstance(true);
        vm.warp(block.timestamp + FLOOR);
        assertTrue(policy.allowAnyInstance());
    }

    function test_TcbNarrowsAtOnceAndWidensLate() external {
        AppBootInfo memory boot = _boot();
        boot.tcbStatus = "OutOfDate";
        assertFalse(policy.requireTcbUpToDate());
        _assertAnswer(boot, "");
        vm.prank(guardian);
        policy.setRequireTcbUpToDate(true);
        _assertAnswer(boot, "TCB status is not up to date");
        assertTrue(policy.requireTcbUpToDate());
        vm.prank(owner);
        policy.setRequireTcbUpToDate(false);
        assertTrue(policy.requireTcbUpToDate());
        vm.warp(block.timestamp + FLOOR);
        assertFalse(policy.requireTcbUpToDate());
        (,,, uint64 anyTcb) = policy.anyEffectiveAt();
        assertEq(anyTcb, block.timestamp);
    }

    /* DELAY */

    /// A18: never below the floor.
    function test_RevertWhen_DelayIsBelowTheFloor() external {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.GrantDelayBelowFloor.selector, FLOOR, FLOOR - 1));
        policy.setGrantDelay(FLOOR - 1);
    }

    function test_DelayGrowsAtOnceAndShrinksAfterItself() external {
        vm.startPrank(owner);
        policy.setGrantDelay(10 days);
        assertEq(policy.grantDelay(), 10 days);
        policy.setGrantDelay(1 days);
        vm.warp(block.timestamp + 10 days - 1);
        assertEq(policy.grantDelay(), 10 days);
        vm.warp(block.timestamp + 1);
        assertEq(policy.grantDelay(), 1 days);
        // Growing takes back a shrinking that was on its way.
        policy.setGrantDelay(FLOOR);
        policy.setGrantDelay(2 days);
        vm.warp(block.timestamp + 30 days);
        assertEq(policy.grantDelay(), 2 days);
    }

    function test_DelayShrinksTwiceInSteps() external {
        vm.startPrank(owner);
        policy.setGrantDelay(10 days);
        policy.setGrantDelay(2 days);
        vm.warp(block.timestamp + 10 days);
        policy.setGrantDelay(1 days);
        assertEq(policy.grantDelay(), 2 days, "not the ten of before");
        vm.warp(block.timestamp + 2 days);
        assertEq(policy.grantDelay(), 1 days);
    }

    /// The same delay once more is no shrinking.
    function test_TheSameDelayCountsAtOnce() external {
        (uint64 seq,) = policy.trail();
        vm.expectEmit(address(policy));
        emit IAllowlistPolicy.GrantDelaySet(appId, FLOOR, uint40(block.timestamp), seq + 1);
        vm.prank(owner);
        policy.setGrantDelay(FLOOR);
    }

    function testFuzz_DelayIsNeverEvaded(uint32 first, uint32 second, uint32 wait) external {
        first = uint32(bound(first, FLOOR, 365 days));
        second = uint32(bound(second, FLOOR, 365 days));
        wait = uint32(bound(wait, 0, 365 days));
        vm.startPrank(owner);
        policy.setGrantDelay(first);
        policy.setGrantDelay(second);
        vm.warp(block.timestamp + wait);
        policy.addComposeHash(NEW);
        uint256 waited = policy.composeHashEffectiveAt(NEW) - block.timestamp;
        assertGe(waited + (second < first && wait < first ? 0 : wait), second < first && wait < first ? first : second);
    }

    /* WHO MAY */

    /// The people are those of the registry that speaks for the app: where the owner moved it to, and further on from there.
    function test_PeopleMoveWithTheApp() external {
        AllowlistPolicy member = AllowlistPolicy(apps.createPolicy(appId, _setupOf(COMPOSE)));
        address[] memory members = new address[](1);
        members[0] = appId;
        AllOfPolicy all = new AllOfPolicy(apps, appId, FLOOR, members);
        address[3] memory owners = [owner, makeAddr("second owner"), makeAddr("third owner")];
        AppRegistry from = apps;
        for (uint256 i = 1; i < 3; ++i) {
            AppRegistry to = new AppRegistry(committee, FLOOR, apps.policyFactory());
            committee.setContracts(address(to), address(issuanceLog));
            vm.prank(owners[i - 1]);
            from.moveTo(appId, address(to));
            vm.warp(block.timestamp + LONGEST);
            assertEq(policy.owner(), owners[i - 1], "not before the move is done");
            from.finishMove(appId);
            assertEq(policy.owner(), owners[i - 1], "the same people there");
            assertEq(all.guardian(), guardian);
            vm.prank(owners[i - 1]);
            to.offerOwnership(appId, owners[i]);
            vm.prank(owners[i]);
            to.takeOwnership(appId);
            assertEq(policy.owner(), owners[i]);
            assertEq(member.owner(), owners[i]);
            assertEq(all.owner(), owners[i]);
            from = to;
        }
    }

    function test_RevertWhen_GuardianOrStrangerGrants() external {
        address[2] memory callers = [guardian, stranger];
        for (uint256 k = 0; k < 2; ++k) {
            vm.startPrank(callers[k]);
            bytes memory refusal = abi.encodeWithSelector(Unauthorized.selector, callers[k]);
            vm.expectRevert(refusal);
            policy.approveComposeHash(NEW, "");
            vm.expectRevert(refusal);
            policy.addComposeHash(NEW);
            vm.expectRevert(refusal);
            policy.addDevice(NEW);
            vm.expectRevert(refusal);
            policy.approveMeasurement(NEW);
            vm.expectRevert(refusal);
            policy.approveInstance(address(1));
            vm.expectRevert(refusal);
            policy.setAllowAnyDevice(true);
            vm.expectRevert(refusal);
            policy.setAllowAnyMeasurement(true);
            vm.expectRevert(refusal);
            policy.setAllowAnyInstance(true);
            vm.expectRevert(refusal);
            policy.setRequireTcbUpToDate(false);
            vm.expectRevert(refusal);
            policy.setGrantDelay(30 days);
            vm.stopPrank();
        }
    }

    function test_RevertWhen_StrangerRevokes() external {
        vm.startPrank(stranger);
        bytes memory refusal = abi.encodeWithSelector(Unauthorized.selector, stranger);
        vm.expectRevert(refusal);
        policy.revokeComposeHash(COMPOSE, 1);
        vm.expectRevert(refusal);
        policy.removeComposeHash(COMPOSE);
        vm.expectRevert(refusal);
        policy.revokeDevice(DEVICE, 1);
        vm.expectRevert(refusal);
        policy.removeDevice(DEVICE);
        vm.expectRevert(refusal);
        policy.revokeMeasurement(SYSTEM, 1);
        vm.expectRevert(refusal);
        policy.revokeInstance(address(1), 1);
        vm.expectRevert(refusal);
        policy.setAllowAnyDevice(false);
    }

    function test_CreatedWithMeasurementsTheListIsInForce() external {
        NewApp memory app;
        (app.salt, app.owner, app.policy) = ("third", owner, _setupOf(COMPOSE));
        app.policy.measurements = new bytes32[](1);
        app.policy.measurements[0] = SYSTEM;
        AllowlistPolicy made = AllowlistPolicy(apps.createApp(app));
        assertFalse(made.allowAnyMeasurement());
        assertEq(made.measurementEffectiveAt(SYSTEM), block.timestamp);
    }
}
