// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AlreadySet, AppNotRegistered, NothingToRevoke, Unauthorized, ZeroValue} from "../../src/interfaces/Errors.sol";
import {PolicySetup} from "../../src/interfaces/IAllowlistPolicy.sol";
import {AppInfo, IAppRegistry} from "../../src/interfaces/IAppRegistry.sol";
import {Holding} from "../../src/interfaces/ILicensePolicy.sol";
import {DstackApp} from "../utils/DstackApp.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract AppRegistry_Governance_Test is QuorateTest {
    DstackApp private _next;

    function setUp() public override {
        super.setUp();
        _next = new DstackApp(owner);
    }

    /* POLICY */

    function test_PolicyChangeWaits() external {
        vm.prank(owner);
        apps.setPolicy(appId, address(_next));
        assertEq(apps.policyOf(appId), appId);
        AppInfo memory info = apps.appInfo(appId);
        assertEq(info.pendingPolicy, address(_next));
        assertEq(info.policyEffectiveAt, block.timestamp + FLOOR);
        _next.answer(false, "theirs");
        (bool allowed,) = apps.isAllowed(_issuance(1).attested);
        assertTrue(allowed, "the old policy judges until then");
        vm.warp(block.timestamp + FLOOR);
        assertEq(apps.policyOf(appId), address(_next));
        (, string memory reason) = apps.isAllowed(_issuance(1).attested);
        assertEq(reason, "theirs");
        info = apps.appInfo(appId);
        assertTrue(info.isForeign);
        assertEq(info.pendingPolicy, address(0));
        // Settling it with the next change alters no answer.
        vm.prank(owner);
        apps.setPolicy(appId, appId);
        assertEq(apps.policyOf(appId), address(_next));
    }

    function test_PolicyChangeWaitsTheAppsOwnDelay() external {
        vm.startPrank(owner);
        policy.setGrantDelay(2 days);
        assertEq(apps.grantDelayOf(appId), 2 days);
        apps.setPolicy(appId, address(_next));
        vm.warp(block.timestamp + 2 days - 1);
        assertEq(apps.policyOf(appId), appId);
        vm.warp(block.timestamp + 1);
        assertEq(apps.policyOf(appId), address(_next));
        assertEq(apps.grantDelayOf(appId), FLOOR, "a foreign policy waits the floor");
    }

    function test_GuardianCancelsAPolicyChange() external {
        vm.prank(owner);
        apps.setPolicy(appId, address(_next));
        vm.prank(guardian);
        apps.cancelPolicyChange(appId, 3);
        vm.warp(block.timestamp + FLOOR);
        assertEq(apps.policyOf(appId), appId);
        vm.prank(guardian);
        vm.expectRevert(NothingToRevoke.selector);
        apps.cancelPolicyChange(appId, 3);
    }

    function test_RevertWhen_CancelComesTooLate() external {
        vm.prank(owner);
        apps.setPolicy(appId, address(_next));
        vm.warp(block.timestamp + FLOOR);
        vm.prank(guardian);
        vm.expectRevert(NothingToRevoke.selector);
        apps.cancelPolicyChange(appId, 3);
        assertEq(apps.policyOf(appId), address(_next));
    }

    function test_CreatePolicyForAnApp() external {
        vm.prank(owner);
        apps.registerAppWith(address(_next), address(_next), owner, guardian, new bytes32[](0));
        address made = apps.createPolicy(address(_next), _setupOf(COMPOSE));
        assertTrue(apps.isOurPolicy(made));
        vm.prank(owner);
        apps.setPolicy(address(_next), made);
        vm.warp(block.timestamp + FLOOR);
        assertFalse(apps.appInfo(address(_next)).isForeign);
    }

    function test_RevertWhen_ThePolicyIsNoContract() external {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NotAContract.selector, stranger));
        apps.setPolicy(appId, stranger);
    }

    function test_SaysWhetherThePolicyIsForeign() external {
        vm.startPrank(owner);
        (uint64 seq,) = apps.trail();
        uint64 from = uint64(block.timestamp + FLOOR);
        vm.expectEmit(address(apps));
        emit IAppRegistry.PolicySet(appId, appId, false, from, seq + 1);
        apps.setPolicy(appId, appId);
        vm.expectEmit(address(apps));
        emit IAppRegistry.PolicySet(appId, address(_next), true, from, seq + 2);
        apps.setPolicy(appId, address(_next));
    }

    function test_LockMeetsAChangeThatCountsAlready() external {
        vm.startPrank(owner);
        apps.setPolicy(appId, address(_next));
        vm.warp(block.timestamp + FLOOR);
        apps.lockPolicy(appId);
        assertTrue(apps.appInfo(appId).isLocked);
        assertEq(apps.policyOf(appId), address(_next));
    }

    function test_LockIsForEver() external {
        vm.startPrank(owner);
        apps.lockPolicy(appId);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.PolicyIsLocked.selector, appId));
        apps.setPolicy(appId, address(_next));
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.PolicyIsLocked.selector, appId));
        apps.moveTo(appId, address(_next));
        vm.expectRevert(AlreadySet.selector);
        apps.lockPolicy(appId);
    }

    function test_RevertWhen_LockMeetsAChangeOnItsWay() external {
        vm.startPrank(owner);
        apps.setPolicy(appId, address(_next));
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.ChangePending.selector, appId));
        apps.lockPolicy(appId);
        apps.cancelPolicyChange(appId, 0);
        apps.moveTo(appId, address(_next));
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.ChangePending.selector, appId));
        apps.lockPolicy(appId);
        apps.cancelMove(appId, 0);
        apps.lockPolicy(appId);
    }

    /// [GOV-10] P8: `made` is ours and another app's: its owner approves there, and its guardian revokes.
    function test_APolicyMadeForAnotherAppIsForeign() external {
        (address other,) = _createApp("other");
        address[] memory members = new address[](1);
        members[0] = other;
        Holding memory none;
        PolicySetup memory setup = _setupOf(COMPOSE);
        setup.grantDelaySeconds = 2 days;
        address[4] memory made = [
            other,
            apps.createPolicy(other, setup),
            apps.createAllOfPolicy(other, 2 days, members),
            apps.createLicensePolicy(other, 2 days, other, uint64(block.timestamp + 1), none)
        ];
        for (uint256 i = 0; i < made.length; ++i) {
            (uint64 seq,) = apps.trail();
            vm.expectEmit(address(apps));
            emit IAppRegistry.PolicySet(appId, made[i], true, uint64(block.timestamp + FLOOR), seq + 1);
            vm.prank(owner);
            apps.setPolicy(appId, made[i]);
            vm.warp(block.timestamp + FLOOR);
            assertEq(apps.policyOf(appId), made[i]);
            assertTrue(apps.appInfo(appId).isForeign);
            assertEq(apps.grantDelayOf(appId), FLOOR, "not the other app's delay");
            assertTrue(apps.isOurPolicy(made[i]), "made here, for whatever app");
            // For its own app it is what it was.
            vm.prank(owner);
            apps.setPolicy(other, made[i]);
            vm.warp(block.timestamp + 2 days);
            assertFalse(apps.appInfo(other).isForeign);
        }
        assertEq(apps.grantDelayOf(other), 2 days);
    }

    /* FREEZE */

    function test_FreezeAtOnceThawLater() external {
        vm.prank(guardian);
        apps.freeze(appId, 1);
        assertTrue(apps.appInfo(appId).isFrozen);
        vm.prank(owner);
        apps.thaw(appId);
        assertEq(apps.appInfo(appId).thawsAt, block.timestamp + FLOOR);
        vm.warp(block.timestamp + FLOOR - 1);
        assertTrue(apps.appInfo(appId).isFrozen);
        vm.prank(guardian);
        apps.freeze(appId, 1);
        assertEq(apps.appInfo(appId).thawsAt, 0, "frozen again while thawing");
        vm.prank(owner);
        apps.thaw(appId);
        vm.warp(block.timestamp + FLOOR);
        assertFalse(apps.appInfo(appId).isFrozen);
        assertEq(apps.appInfo(appId).thawsAt, 0, "thawed");
        vm.prank(owner);
        vm.expectRevert(AlreadySet.selector);
        apps.thaw(appId);
    }

    function test_RevertWhen_FrozenTwice() external {
        vm.startPrank(guardian);
        apps.freeze(appId, 1);
        vm.expectRevert(AlreadySet.selector);
        apps.freeze(appId, 1);
    }

    /* GUARDIAN */

    /// A24: the guardian can't veto its own replacement, freeze as it may.
    function test_GuardianIsReplacedAgainstItsWill() external {
        vm.prank(owner);
        apps.setGuardian(appId, stranger);
        assertEq(apps.guardianOf(appId), guardian);
        vm.startPrank(guardian);
        apps.freeze(appId, 1);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, guardian));
        apps.setGuardian(appId, guardian);
        vm.expectRevert(NothingToRevoke.selector);
        apps.cancelPolicyChange(appId, 1);
        vm.warp(block.timestamp + FLOOR);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, guardian));
        apps.freeze(appId, 1);
        vm.stopPrank();
        assertEq(apps.guardianOf(appId), stranger);
        vm.prank(owner);
        apps.thaw(appId);
    }

    function test_GuardianIsReplacedTwice() external {
        vm.startPrank(owner);
        apps.setGuardian(appId, stranger);
        assertEq(apps.appInfo(appId).pendingGuardian, stranger);
        assertEq(apps.appInfo(appId).guardianEffectiveAt, block.timestamp + FLOOR);
        vm.warp(block.timestamp + FLOOR);
        assertEq(apps.appInfo(appId).pendingGuardian, address(0));
        apps.setGuardian(appId, address(_next));
        assertEq(apps.guardianOf(appId), stranger, "not the one of before");
        vm.warp(block.timestamp + FLOOR);
        assertEq(apps.guardianOf(appId), address(_next));
    }

    /// P8: a guardian grants nothing.
    function test_RevertWhen_GuardianGrants() external {
        vm.startPrank(guardian);
        _expectOwnersFunctionsRefused(guardian);
    }

    function test_RevertWhen_StrangerActs() external {
        vm.startPrank(stranger);
        _expectOwnersFunctionsRefused(stranger);
        bytes memory refusal = abi.encodeWithSelector(Unauthorized.selector, stranger);
        vm.expectRevert(refusal);
        apps.freeze(appId, 1);
        vm.expectRevert(refusal);
        apps.removeVendor(appId, _vendor(0), 1);
        vm.expectRevert(refusal);
        apps.delistKeyVersion(appId, 1, 1);
        vm.expectRevert(refusal);
        apps.cancelPolicyChange(appId, 1);
        vm.expectRevert(refusal);
        apps.cancelMove(appId, 1);
        vm.expectRevert(refusal);
        apps.takeOwnership(appId);
    }

    function _expectOwnersFunctionsRefused(address caller) private {
        bytes memory refusal = abi.encodeWithSelector(Unauthorized.selector, caller);
        vm.expectRevert(refusal);
        apps.setPolicy(appId, address(_next));
        vm.expectRevert(refusal);
        apps.acceptVendor(appId, "soft-z");
        vm.expectRevert(refusal);
        apps.thaw(appId);
        vm.expectRevert(refusal);
        apps.setGuardian(appId, caller);
        vm.expectRevert(refusal);
        apps.moveTo(appId, address(_next));
        vm.expectRevert(refusal);
        apps.offerOwnership(appId, caller);
        vm.expectRevert(refusal);
        apps.lockPolicy(appId);
        vm.expectRevert(refusal);
        apps.rotate(appId, true);
    }

    function test_RevertGiven_AppUnknown() external {
        vm.expectRevert(abi.encodeWithSelector(AppNotRegistered.selector, stranger));
        apps.rotate(stranger, false);
        vm.expectRevert(abi.encodeWithSelector(AppNotRegistered.selector, stranger));
        apps.freeze(stranger, 1);
    }

    /* OWNER */

    function test_HandOverInTwoSteps() external {
        vm.prank(owner);
        apps.offerOwnership(appId, stranger);
        assertEq(apps.ownerOf(appId), owner);
        assertEq(apps.appInfo(appId).pendingOwner, stranger);
        vm.prank(stranger);
        apps.takeOwnership(appId);
        assertEq(policy.owner(), stranger, "the policy reads the owner from here");
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, stranger));
        vm.prank(stranger);
        apps.takeOwnership(appId);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, owner));
        vm.prank(owner);
        policy.addComposeHash("x");
    }

    /* VENDORS AND KEY VERSIONS */

    function test_VendorsComeLateAndGoAtOnce() external {
        vm.startPrank(owner);
        apps.acceptVendor(appId, "intel");
        assertEq(apps.vendorEffectiveAt(appId, "intel"), block.timestamp + FLOOR);
        vm.expectRevert(AlreadySet.selector);
        apps.acceptVendor(appId, "intel");
        vm.expectRevert(ZeroValue.selector);
        apps.acceptVendor(appId, 0);
        vm.stopPrank();
        vm.startPrank(guardian);
        apps.removeVendor(appId, "intel", 1);
        bytes32[] memory left = apps.vendorsOf(appId);
        assertEq(left.length, 3);
        assertEq(left[0], _vendor(0));
        apps.removeVendor(appId, _vendor(0), 1);
        vm.expectRevert(NothingToRevoke.selector);
        apps.removeVendor(appId, _vendor(0), 1);
        left = apps.vendorsOf(appId);
        assertEq(left.length, 2);
        assertTrue(left[0] == _vendor(2) && left[1] == _vendor(1));
    }

    function test_KeyVersions() external {
        vm.startPrank(owner);
        assertTrue(apps.isKeyReadable(appId, 1));
        assertFalse(apps.isKeyReadable(appId, 2));
        assertEq(apps.rotate(appId, true), 2);
        assertTrue(apps.isKeyReadable(appId, 1) && apps.isKeyReadable(appId, 2));
        apps.rotate(appId, false);
        assertTrue(apps.isKeyReadable(appId, 1) && apps.isKeyReadable(appId, 3));
        assertFalse(apps.isKeyReadable(appId, 2));
        assertFalse(apps.isKeyReadable(appId, 0));
        apps.delistKeyVersion(appId, 1, 1);
        assertFalse(apps.isKeyReadable(appId, 1));
        vm.expectRevert(NothingToRevoke.selector);
        apps.delistKeyVersion(appId, 1, 1);
        assertEq(apps.keyVersionOf(appId), 3);
        assertFalse(apps.isKeyReadable(stranger, 0));
    }

    function test_MoveIsAskedFor() external {
        vm.startPrank(owner);
        vm.expectRevert(NothingToRevoke.selector);
        apps.cancelMove(appId, 1);
        vm.expectRevert(AlreadySet.selector);
        apps.moveTo(appId, address(apps));
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NotAContract.selector, stranger));
        apps.moveTo(appId, stranger);
        apps.moveTo(appId, address(_next));
        assertEq(apps.appInfo(appId).movedTo, address(_next));
        assertEq(apps.appInfo(appId).movedAt, block.timestamp + FLOOR);
        assertEq(apps.movedTo(appId), address(0));
    }
}
