// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Unauthorized} from "../../src/interfaces/Errors.sol";
import {IAppRegistry} from "../../src/interfaces/IAppRegistry.sol";
import {ContractWallet} from "../utils/ContractWallet.sol";
import {DstackApp} from "../utils/DstackApp.sol";
import {GovernanceTest} from "../utils/GovernanceTest.sol";

/// @dev owners.tree: the contracts do not care who owns an app. The app is the one of the test network.
abstract contract Owners_Test is GovernanceTest {
    bytes32 internal constant NEXT = "next compose";

    function setUp() public override {
        super.setUp();
        vm.prank(apps.ownerOf(appId));
        apps.offerOwnership(appId, _owner());
        vm.prank(_owner());
        apps.takeOwnership(appId);
    }

    function _owner() internal view virtual returns (address);

    /// @dev The owner's call, by whatever way it decides; returns when it has happened.
    function _act(address target, bytes memory data) internal virtual;

    function _boots(bytes32 composeHash) private view returns (bool allowed) {
        (allowed,) = apps.isAllowed(_attestedWith(composeHash));
    }

    function _approve() private {
        _act(address(policy), abi.encodeCall(policy.approveComposeHash, (NEXT, "ipfs://next")));
    }

    function test_AnApprovalWaits() external {
        _approve();
        assertFalse(_boots(NEXT));
        vm.warp(block.timestamp + FLOOR - 1);
        assertFalse(_boots(NEXT));
        vm.warp(block.timestamp + 1);
        assertTrue(_boots(NEXT));
    }

    function test_WhatTheGuardianRevokesWaitsAgain() external {
        vm.prank(guardian);
        policy.revokeComposeHash(COMPOSE, 1);
        assertFalse(_boots(COMPOSE));
        _act(address(policy), abi.encodeCall(policy.approveComposeHash, (COMPOSE, "ipfs://again")));
        assertFalse(_boots(COMPOSE));
        vm.warp(block.timestamp + FLOOR);
        assertTrue(_boots(COMPOSE));
    }

    function test_FreezeIsAtOnceAndThawIsNot() external {
        vm.prank(guardian);
        apps.freeze(appId, 2);
        assertFalse(_boots(COMPOSE));
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, guardian));
        apps.thaw(appId);
        _act(address(apps), abi.encodeCall(apps.thaw, (appId)));
        assertEq(apps.appInfo(appId).thawsAt, block.timestamp + FLOOR);
        assertFalse(_boots(COMPOSE));
        vm.warp(block.timestamp + FLOOR);
        assertTrue(_boots(COMPOSE));
    }

    function test_RotationLeavesAReadableWindow() external {
        _act(address(apps), abi.encodeCall(apps.rotate, (appId, true)));
        assertTrue(apps.isKeyReadable(appId, 1));
        assertTrue(apps.isKeyReadable(appId, 2));
        assertFalse(apps.isKeyReadable(appId, 3));
        vm.prank(guardian);
        apps.delistKeyVersion(appId, 1, 4);
        assertFalse(apps.isKeyReadable(appId, 1));
        _act(address(apps), abi.encodeCall(apps.rotate, (appId, false)));
        assertFalse(apps.isKeyReadable(appId, 2));
        assertEq(apps.keyVersionOf(appId), 3);
    }

    function test_AGuardianChangeWaitsAndCantBeStopped() external {
        _act(address(apps), abi.encodeCall(apps.setGuardian, (appId, stranger)));
        assertEq(apps.guardianOf(appId), guardian);
        vm.startPrank(guardian);
        apps.freeze(appId, 1);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, guardian));
        apps.setGuardian(appId, guardian);
        vm.stopPrank();
        vm.warp(block.timestamp + FLOOR);
        assertEq(apps.guardianOf(appId), stranger);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, guardian));
        policy.revokeComposeHash(COMPOSE, 1);
    }

    function test_HandOverTakesTwoSteps() external {
        address before = _owner();
        address next = makeAddr("next owner");
        _act(address(apps), abi.encodeCall(apps.offerOwnership, (appId, next)));
        assertEq(apps.ownerOf(appId), before);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, stranger));
        apps.takeOwnership(appId);
        vm.prank(next);
        apps.takeOwnership(appId);
        assertEq(apps.ownerOf(appId), next);
        assertEq(policy.owner(), next);
        vm.prank(before);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, before));
        apps.rotate(appId, false);
    }

    function test_ALockedPolicyStays() external {
        address other = address(new DstackApp(_owner()));
        _act(address(apps), abi.encodeCall(apps.lockPolicy, (appId)));
        vm.startPrank(_owner());
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.PolicyIsLocked.selector, appId));
        apps.setPolicy(appId, other);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.PolicyIsLocked.selector, appId));
        apps.moveTo(appId, other);
        vm.stopPrank();
        assertEq(apps.policyOf(appId), appId);
    }

    function test_AStrangerDoesNoneOfIt() external {
        bytes memory refusal = abi.encodeWithSelector(Unauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        policy.approveComposeHash(NEXT, "");
        vm.expectRevert(refusal);
        apps.freeze(appId, 1);
        vm.expectRevert(refusal);
        apps.rotate(appId, true);
        vm.expectRevert(refusal);
        apps.setGuardian(appId, stranger);
        vm.expectRevert(refusal);
        apps.offerOwnership(appId, stranger);
        vm.expectRevert(refusal);
        apps.lockPolicy(appId);
    }
}

contract Owners_Account_Test is Owners_Test {
    function _owner() internal view override returns (address) {
        return owner;
    }

    function _act(address target, bytes memory data) internal override {
        vm.prank(owner);
        (bool ok,) = target.call(data);
        assertTrue(ok);
    }
}

contract Owners_Wallet_Test is Owners_Test {
    ContractWallet private _wallet = new ContractWallet([address(0xA1), address(0xA2), address(0xA3)]);

    function _owner() internal view override returns (address) {
        return address(_wallet);
    }

    function _act(address target, bytes memory data) internal override {
        vm.prank(address(0xA1));
        _wallet.ask(target, data);
        vm.prank(address(0xA3));
        _wallet.ask(target, data);
    }

    /// One key alone decides nothing.
    function test_OneKeyIsNotTheOwner() external {
        vm.startPrank(address(0xA1));
        _wallet.ask(address(apps), abi.encodeCall(apps.rotate, (appId, false)));
        assertEq(apps.keyVersionOf(appId), 1);
        vm.expectRevert(ContractWallet.AskedBefore.selector);
        _wallet.ask(address(apps), abi.encodeCall(apps.rotate, (appId, false)));
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(0xA1)));
        apps.rotate(appId, false);
    }
}

contract Owners_Governor_Test is Owners_Test {
    uint256 private _count;

    function _owner() internal view override returns (address) {
        return address(governor);
    }

    function _act(address target, bytes memory data) internal override {
        _carry(_propose(_call(target, data), string.concat("# Proposal ", vm.toString(++_count))));
    }
}
