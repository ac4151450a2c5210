// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {IAppRegistry} from "../../src/interfaces/IAppRegistry.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";
import {UpgradeableDstackApp, UpgradedDstackApp} from "../utils/UpgradeableDstackApp.sol";

/// @dev foreign.tree
contract AppRegistry_Foreign_Test is QuorateTest {
    UpgradeableDstackApp private _theirs;

    function setUp() public override {
        super.setUp();
        bytes memory call = abi.encodeCall(UpgradeableDstackApp.initialize, (owner, true, COMPOSE));
        _theirs = UpgradeableDstackApp(address(new ERC1967Proxy(address(new UpgradeableDstackApp()), call)));
    }

    function _ofTheirs(bytes32 composeHash) private view returns (Attested memory a) {
        a = _issuance(1).attested;
        (a.boot.appId, a.boot.composeHash) = (address(_theirs), composeHash);
    }

    function _assertAnswer(Attested memory a, bool expected, string memory expectedReason) private view {
        (bool allowed, string memory reason) = apps.isAllowed(a);
        assertEq(allowed, expected);
        assertEq(reason, expectedReason);
    }

    function _upgrade() private {
        address next = address(new UpgradedDstackApp());
        vm.prank(owner);
        _theirs.upgradeToAndCall(next, "");
        assertEq(_theirs.implementation(), next);
    }

    function test_AnybodyRegistersItAsItIs() external {
        vm.prank(stranger);
        apps.registerApp(address(_theirs));
        assertEq(apps.ownerOf(address(_theirs)), owner);
        assertEq(apps.policyOf(address(_theirs)), address(_theirs));
        assertTrue(apps.appInfo(address(_theirs)).isForeign);
        _assertAnswer(_ofTheirs(COMPOSE), true, "");
        _assertAnswer(_ofTheirs("other"), false, "Compose hash not allowed");
        vm.prank(owner);
        _theirs.setAllowAnyDevice(false);
        _assertAnswer(_ofTheirs(COMPOSE), false, "Device not allowed");
    }

    /// P8: foreign code changes as it likes, at once; that is what the mark says.
    function test_AnUpgradeUnderneathCountsAtOnceAndStaysMarked() external {
        apps.registerApp(address(_theirs));
        _assertAnswer(_ofTheirs("other"), false, "Compose hash not allowed");
        (uint64 seq,) = apps.trail();
        _upgrade();
        _assertAnswer(_ofTheirs("other"), true, "");
        assertTrue(apps.appInfo(address(_theirs)).isForeign);
        assertFalse(apps.isOurPolicy(address(_theirs)));
        (uint64 after_,) = apps.trail();
        assertEq(after_, seq, "no event of ours can tell");
    }

    /// P7 P11: whatever it became, it does not speak for the network.
    function test_TheNetworksPartIsNotItsOwn() external {
        apps.registerApp(address(_theirs));
        _upgrade();
        Attested memory a = _ofTheirs("other");
        a.boot.osImageHash = "another image";
        _assertAnswer(a, false, "OS image is not allowed");
        a = _ofTheirs("other");
        a.boot.tcbStatus = "OutOfDate";
        _assertAnswer(a, false, "TCB status is not up to date");
        a = _ofTheirs("other");
        a.vendor = _vendor(1);
        _assertAnswer(a, false, "Vendor is not the root's");
        attestation.closeRoot(_root(0), 1);
        _assertAnswer(_ofTheirs("other"), false, "Attestation root is not open");
        vm.prank(owner);
        apps.freeze(address(_theirs), 1);
        _assertAnswer(_ofTheirs("other"), false, "App is frozen");
    }

    function test_AnAppOfOursTurnsToItAfterTheDelay() external {
        vm.expectEmit(true, true, false, true);
        (uint64 seq,) = apps.trail();
        emit IAppRegistry.PolicySet(appId, address(_theirs), true, uint64(block.timestamp + FLOOR), seq + 1);
        vm.prank(owner);
        apps.setPolicy(appId, address(_theirs));
        assertFalse(apps.appInfo(appId).isForeign);
        vm.prank(owner);
        _theirs.removeComposeHash(COMPOSE);
        _assertAnswer(_issuance(1).attested, true, "");
        vm.warp(block.timestamp + FLOOR);
        assertTrue(apps.appInfo(appId).isForeign);
        _assertAnswer(_issuance(1).attested, false, "Compose hash not allowed");
    }

    function test_WhatTheRegistryGrantsItWaitsTheFloor() external {
        apps.registerApp(address(_theirs));
        assertEq(apps.grantDelayOf(address(_theirs)), FLOOR);
        vm.prank(owner);
        apps.removeVendor(address(_theirs), _vendor(0), 1);
        _assertAnswer(_ofTheirs(COMPOSE), false, "Vendor is not accepted by the app");
        vm.prank(owner);
        apps.acceptVendor(address(_theirs), _vendor(0));
        vm.warp(block.timestamp + FLOOR - 1);
        _assertAnswer(_ofTheirs(COMPOSE), false, "Vendor is not accepted by the app");
        vm.warp(block.timestamp + 1);
        _assertAnswer(_ofTheirs(COMPOSE), true, "");
    }
}
