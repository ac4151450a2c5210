// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {AppRegistry} from "../../src/AppRegistry.sol";
import {AppNotRegistered, NothingToRevoke, Unauthorized} from "../../src/interfaces/Errors.sol";
import {AppInfo, IAppRegistry, NewApp} from "../../src/interfaces/IAppRegistry.sol";
import {IIssuanceLog} from "../../src/interfaces/IIssuanceLog.sol";
import {IKmsCommittee} from "../../src/interfaces/IKmsCommittee.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {DstackApp} from "../utils/DstackApp.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";
import {TrailReplay} from "../utils/TrailReplay.sol";

/// @dev moving.tree
contract AppRegistry_Moving_Test is QuorateTest {
    AppRegistry private _next;

    function setUp() public override {
        super.setUp();
        _next = _newRegistry();
    }

    function _newRegistry() private returns (AppRegistry) {
        return new AppRegistry(committee, FLOOR, apps.policyFactory());
    }

    function _putInForce(AppRegistry registry) private {
        committee.setContracts(address(registry), address(issuanceLog));
        vm.warp(block.timestamp + LONGEST);
    }

    function _move(AppRegistry from, address app, AppRegistry to) private {
        vm.prank(owner);
        from.moveTo(app, address(to));
        vm.warp(block.timestamp + from.grantDelayOf(app));
        vm.prank(stranger);
        from.finishMove(app);
    }

    function _createIn(AppRegistry registry, bytes32 salt) private returns (address) {
        NewApp memory app;
        (app.salt, app.owner, app.guardian, app.policy) = (salt, owner, guardian, _setupOf(COMPOSE));
        return registry.createApp(app);
    }

    function _bootOf(address app) private view returns (Attested memory a) {
        a = _issuance(1).attested;
        a.boot.appId = app;
    }

    /* WHO REGISTERS */

    /// [GOV-26] A15: a stranger names an app of the new registry to the old one, which knows nothing of its freeze and key version.
    function test_TheOldRegistryTakesNoAppOfTheNewOne() external {
        _putInForce(_next);
        address app = _createIn(_next, "newer");
        vm.startPrank(owner);
        _next.rotate(app, false);
        _next.removeVendor(app, _vendor(1), 1);
        _next.freeze(app, 1);
        vm.stopPrank();
        (bool allowed, string memory reason) = _next.isAllowed(_bootOf(app));
        assertFalse(allowed);

        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IKmsCommittee.RegistryNotInForce.selector, address(_next), address(apps))
        );
        apps.registerApp(app);
        assertFalse(apps.isRegistered(app));
        IAppRegistry speaker = IAppRegistry(committee.registryOf(app));
        assertEq(address(speaker), address(_next));
        assertEq(speaker.keyVersionOf(app), 2);
        assertTrue(speaker.appInfo(app).isFrozen);
        (bool allowedNow, string memory reasonNow) = speaker.isAllowed(_bootOf(app));
        assertFalse(allowedNow);
        assertEq(reasonNow, reason);
    }

    /// [GOV-26] In force again, the old registry still takes no app that another speaks for.
    function test_RevertGiven_AnotherSpeaksAndThisIsInForceAgain() external {
        _putInForce(_next);
        address app = _createIn(_next, "newer");
        _putInForce(apps);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.AppHasRegistry.selector, app, address(_next)));
        apps.registerApp(app);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.AppHasRegistry.selector, app, address(_next)));
        apps.registerAppWith(app, app, stranger, stranger, new bytes32[](0));
        assertEq(committee.registryOf(app), address(_next));
    }

    /// [GOV-26]
    function test_RevertWhen_TheRegistryIsNotInForce() external {
        DstackApp theirs = new DstackApp(owner);
        bytes memory tooEarly =
            abi.encodeWithSelector(IKmsCommittee.RegistryNotInForce.selector, address(apps), address(_next));
        committee.setContracts(address(_next), address(issuanceLog));
        vm.warp(block.timestamp + LONGEST - 1);
        vm.expectRevert(tooEarly);
        _next.registerApp(address(theirs));
        vm.expectRevert(tooEarly);
        _next.registerApp(appId);
        assertEq(committee.registryOf(appId), address(apps));
        assertEq(committee.registryOf(address(theirs)), address(apps));

        vm.warp(block.timestamp + 1);
        bytes memory tooLate =
            abi.encodeWithSelector(IKmsCommittee.RegistryNotInForce.selector, address(_next), address(apps));
        vm.expectRevert(tooLate);
        apps.registerApp(address(theirs));
        vm.prank(owner);
        vm.expectRevert(tooLate);
        apps.registerAppWith(address(theirs), address(theirs), owner, guardian, new bytes32[](0));
        vm.expectRevert(tooLate);
        _createIn(apps, "late");
        vm.expectRevert(tooLate);
        apps.deployAndRegisterApp(owner, false, true, 0, 0);
        (uint64 seq,) = committee.trail();
        vm.expectEmit(address(committee));
        emit IKmsCommittee.AppPlaced(address(theirs), address(_next), seq + 1);
        _next.registerApp(address(theirs));
        assertEq(committee.registryOf(address(theirs)), address(_next));
    }

    /// P11 A15: whatever a listed registry says of itself, older or newer: KmsCommittee asks none of them.
    function testFuzz_WhatAnotherRegistrySaysHasNoWeight(bool isOlder) external {
        address app = appId;
        address hostile = address(_next);
        _putInForce(_next);
        if (isOlder) (app, hostile) = (_createIn(_next, "newer"), address(apps));
        address speaker = committee.registryOf(app);
        vm.mockCall(hostile, abi.encodeWithSelector(IAppRegistry.isRegistered.selector), abi.encode(true));
        vm.mockCall(hostile, abi.encodeWithSelector(IAppRegistry.movedTo.selector), abi.encode(hostile));
        vm.startPrank(hostile);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, hostile));
        committee.moveApp(app, hostile);
        if (isOlder) {
            vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.RegistryNotInForce.selector, address(_next), hostile));
        } else {
            vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.AppHasRegistry.selector, app, speaker));
        }
        committee.enterApp(app);
        assertEq(committee.registryOf(app), speaker);
        assertNotEq(speaker, hostile);
    }

    /* WHEN IT MOVES */

    /// [GOV-27] Until the move is done the old registry speaks, and its guardian takes back.
    function test_UntilItIsDoneNothingHasMoved() external {
        _putInForce(_next);
        vm.prank(owner);
        apps.moveTo(appId, address(_next));
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NoMoveDue.selector, appId));
        apps.finishMove(appId);
        vm.warp(block.timestamp + FLOOR - 1);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NoMoveDue.selector, appId));
        apps.finishMove(appId);
        vm.warp(block.timestamp + 30 days);
        assertEq(apps.movedTo(appId), address(0));
        assertEq(committee.registryOf(appId), address(apps));
        assertEq(policy.owner(), owner);
        vm.startPrank(guardian);
        apps.freeze(appId, 1);
        apps.cancelMove(appId, 1);
        vm.expectRevert(NothingToRevoke.selector);
        apps.cancelMove(appId, 1);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NoMoveDue.selector, appId));
        apps.finishMove(appId);
    }

    function test_RevertWhen_NothingCanMove() external {
        vm.expectRevert(abi.encodeWithSelector(AppNotRegistered.selector, stranger));
        apps.finishMove(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NoMoveDue.selector, appId));
        apps.finishMove(appId);
        vm.prank(owner);
        apps.moveTo(appId, address(_next));
        vm.warp(block.timestamp + FLOOR);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.RegistryNotListed.selector, address(_next)));
        apps.finishMove(appId);
        assertEq(committee.registryOf(appId), address(apps));
        // Its time as a listed one comes without another call.
        _putInForce(_next);
        apps.finishMove(appId);
        assertEq(committee.registryOf(appId), address(_next));
    }

    /// [GOV-27]
    function test_RevertWhen_AnybodyElseHasItTakenOver() external {
        _putInForce(_next);
        address[4] memory callers = [owner, guardian, stranger, address(apps)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, callers[i]));
            _next.takeOver(appId, address(apps));
        }
    }

    function test_RevertWhen_ItMovesBack() external {
        _putInForce(_next);
        _move(apps, appId, _next);
        vm.prank(owner);
        _next.moveTo(appId, address(apps));
        vm.warp(block.timestamp + FLOOR);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.AppAlreadyRegistered.selector, appId));
        _next.finishMove(appId);
        assertEq(committee.registryOf(appId), address(_next));
    }

    function test_TheOldRegistryTakesNothingAnyMore() external {
        _putInForce(_next);
        vm.prank(owner);
        apps.offerOwnership(appId, stranger);
        _move(apps, appId, _next);
        assertEq(apps.movedTo(appId), address(_next));
        assertEq(_next.movedTo(appId), address(0));
        bytes memory refusal = abi.encodeWithSelector(IAppRegistry.AppHasMoved.selector, appId, address(_next));
        vm.expectRevert(refusal);
        apps.finishMove(appId);
        vm.prank(stranger);
        vm.expectRevert(refusal);
        apps.takeOwnership(appId);
        vm.prank(guardian);
        vm.expectRevert(refusal);
        apps.freeze(appId, 1);
        vm.startPrank(owner);
        vm.expectRevert(refusal);
        apps.cancelMove(appId, 1);
        vm.expectRevert(refusal);
        apps.setPolicy(appId, appId);
        vm.expectRevert(refusal);
        apps.rotate(appId, true);
        vm.stopPrank();
        // The guardian of where it is now revokes, in the policy too.
        vm.startPrank(guardian);
        policy.revokeComposeHash(COMPOSE, 1);
        _next.freeze(appId, 1);
    }

    /// Twice over, the old ones lead to the last.
    function test_TheRegistriesBeforeLeadToTheLast() external {
        _putInForce(_next);
        _move(apps, appId, _next);
        AppRegistry last = _newRegistry();
        _putInForce(last);
        _move(_next, appId, last);
        assertEq(apps.movedTo(appId), address(last));
        assertEq(_next.movedTo(appId), address(last));
        assertEq(apps.movedTo(stranger), address(0));
        vm.prank(guardian);
        last.freeze(appId, 1);
        assertEq(policy.guardian(), guardian);
    }

    /* WHAT MOVES */

    /// [GOV-27] Everything stands in the new registry as it stood, what is on its way included, whenever the move is done.
    function testFuzz_TheStateMovesAlong(uint256 seed, uint32 wait) external {
        _putInForce(_next);
        bytes32[2] memory vendors = [bytes32("counts by then"), bytes32("not yet")];
        DstackApp other = new DstackApp(owner);
        vm.startPrank(owner);
        apps.acceptVendor(appId, vendors[0]);
        for (uint256 i = 0; i < seed % 4; ++i) {
            apps.rotate(appId, (seed >> (8 + i)) % 2 == 0);
        }
        apps.moveTo(appId, address(_next));
        vm.warp(block.timestamp + bound(wait, FLOOR, 3 * FLOOR));
        if ((seed >> 16) % 2 == 0) apps.acceptVendor(appId, vendors[1]);
        if ((seed >> 17) % 2 == 0) apps.removeVendor(appId, _vendor((seed >> 40) % 3), 1);
        if ((seed >> 18) % 2 == 0) apps.setGuardian(appId, (seed >> 41) % 2 == 0 ? stranger : address(0));
        if ((seed >> 19) % 2 == 0) apps.setPolicy(appId, address(other));
        if ((seed >> 20) % 2 == 0) apps.offerOwnership(appId, stranger);
        if ((seed >> 21) % 2 == 0) apps.freeze(appId, 1);
        if ((seed >> 21) % 4 == 0) apps.thaw(appId);
        vm.warp(block.timestamp + ((seed >> 48) % 2) * FLOOR / 2 + ((seed >> 49) % 2) * FLOOR);
        vm.stopPrank();

        AppInfo memory before = apps.appInfo(appId);
        vm.prank(stranger);
        apps.finishMove(appId);
        _assertSame(before, _next.appInfo(appId));
        for (uint256 i = 0; i < before.vendors.length; ++i) {
            bytes32 vendor = before.vendors[i];
            assertEq(_next.vendorEffectiveAt(appId, vendor), apps.vendorEffectiveAt(appId, vendor));
        }
        for (uint32 version = 0; version <= before.keyVersion + 1; ++version) {
            assertEq(_next.isKeyReadable(appId, version), apps.isKeyReadable(appId, version));
        }
        // What is on its way comes there at the same second as it would have come here.
        for (uint256 k = 0; k < 3; ++k) {
            (bool allowed, string memory reason) = apps.isAllowed(_issuance(1).attested);
            (bool allowedThere, string memory reasonThere) = _next.isAllowed(_issuance(1).attested);
            assertEq(allowedThere, allowed);
            assertEq(reasonThere, reason);
            assertEq(_next.policyOf(appId), apps.policyOf(appId));
            assertEq(_next.guardianOf(appId), apps.guardianOf(appId));
            vm.warp(block.timestamp + FLOOR / 2);
        }
    }

    function _assertSame(AppInfo memory a, AppInfo memory b) private pure {
        // The new registry made none of the app's policies, and nothing moves on from there yet.
        assertTrue(b.isForeign);
        assertEq(b.movedTo, address(0));
        (b.isForeign, b.movedTo, b.movedAt) = (a.isForeign, a.movedTo, a.movedAt);
        assertEq(keccak256(abi.encode(b)), keccak256(abi.encode(a)));
    }

    /// A registry that lets a locked app go, as ours does not: it stays locked.
    function test_ALockStays() external {
        _putInForce(_next);
        vm.prank(owner);
        apps.moveTo(appId, address(_next));
        vm.warp(block.timestamp + FLOOR);
        AppInfo memory info = apps.appInfo(appId);
        info.isLocked = true;
        vm.mockCall(address(apps), abi.encodeCall(IAppRegistry.appInfo, (appId)), abi.encode(info));
        apps.finishMove(appId);
        assertTrue(_next.appInfo(appId).isLocked);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.PolicyIsLocked.selector, appId));
        _next.setPolicy(appId, appId);
    }

    function test_AnAppWithoutVendorsMoves() external {
        _putInForce(_next);
        vm.startPrank(owner);
        for (uint256 i = 0; i < 3; ++i) {
            apps.removeVendor(appId, _vendor(i), 1);
        }
        vm.stopPrank();
        _move(apps, appId, _next);
        assertEq(_next.vendorsOf(appId).length, 0);
        (uint64 seq,) = _next.trail();
        assertEq(seq, 1, "nothing was on its way, and nothing is said");
    }

    /// P6: from the logs of the new registry alone.
    function test_TheEventsTellAllOfIt() external {
        _putInForce(_next);
        vm.startPrank(owner);
        apps.rotate(appId, true);
        apps.offerOwnership(appId, stranger);
        apps.setGuardian(appId, stranger);
        apps.moveTo(appId, address(_next));
        vm.warp(block.timestamp + FLOOR);
        apps.freeze(appId, 7);
        apps.setPolicy(appId, appId);
        vm.stopPrank();
        TrailReplay replayer = new TrailReplay();
        (uint64 seq, uint192 head) = _next.trail();
        (uint64 committeeSeq, uint192 committeeHead) = committee.trail();
        vm.recordLogs();
        apps.finishMove(appId);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (seq, head) = replayer.replay(address(_next), seq, head, logs);
        (uint64 seqNow, uint192 headNow) = _next.trail();
        assertEq(seq, seqNow);
        assertEq(head, headNow);
        // AppEntered, three vendors, KeyRotated, AppFrozen, PolicySet, OwnershipOffered.
        assertEq(seqNow, 8);
        (committeeSeq, committeeHead) = replayer.replay(address(committee), committeeSeq, committeeHead, logs);
        (seqNow, headNow) = committee.trail();
        assertEq(committeeSeq, seqNow);
        assertEq(committeeHead, headNow);
    }

    /// P4 P5: the log asks the registry that the app moved to.
    function test_RecordAsksWhereItMoved() external {
        _genesis();
        _putInForce(_next);
        vm.prank(owner);
        apps.rotate(appId, true);
        _move(apps, appId, _next);
        vm.roll(block.number + 10);
        _record(_issuance(1));
        vm.prank(guardian);
        _next.delistKeyVersion(appId, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 1));
        this.recordAgain();
        assertTrue(apps.isKeyReadable(appId, 1), "the old one has not heard of it");
    }

    function recordAgain() external {
        _record(_issuance(2));
    }
}
