// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AllOfPolicy} from "../../src/AllOfPolicy.sol";
import {LicensePolicy} from "../../src/LicensePolicy.sol";
import {AppNotRegistered} from "../../src/interfaces/Errors.sol";
import {IAppPolicy} from "../../src/interfaces/IAppPolicy.sol";
import {IAppRegistry} from "../../src/interfaces/IAppRegistry.sol";
import {Holding} from "../../src/interfaces/ILicensePolicy.sol";
import {IPolicyFactory} from "../../src/interfaces/IPolicyFactory.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

/// @dev [GOV-10] What the registry had made is ours; what merely looks like it is foreign.
contract AppRegistry_Factory_Test is QuorateTest {
    address[] private _members;
    Holding private _none;

    function setUp() public override {
        super.setUp();
        _members.push(address(policy));
    }

    function _makeBoth(uint32 delay) private returns (address all, address license) {
        all = apps.createAllOfPolicy(appId, delay, _members);
        license = apps.createLicensePolicy(appId, delay, address(policy), uint64(block.timestamp + 1), _none);
    }

    function test_WhatTheRegistryMakesIsOurs() external {
        (address all, address license) = _makeBoth(FLOOR);
        assertTrue(apps.isOurPolicy(all));
        assertTrue(apps.isOurPolicy(license));
        assertEq(AllOfPolicy(all).members()[0], address(policy));
        assertEq(AllOfPolicy(all).owner(), owner);
        assertEq(LicensePolicy(license).inner(), address(policy));
        assertEq(LicensePolicy(license).appId(), appId);
    }

    function test_AnAppThatTurnsToThemIsNotForeign() external {
        (address all,) = _makeBoth(FLOOR);
        vm.expectEmit(true, true, false, false);
        emit IAppRegistry.PolicySet(appId, all, false, 0, 0);
        vm.prank(owner);
        apps.setPolicy(appId, all);
        vm.warp(block.timestamp + FLOOR);
        assertFalse(apps.appInfo(appId).isForeign);
        (bool allowed,) = apps.isAllowed(_issuance(1).attested);
        assertTrue(allowed);
    }

    /// The app's own changes then wait what its policy waits, not only the floor.
    function test_TheirGrantDelayIsTheApps() external {
        (address all,) = _makeBoth(2 * FLOOR);
        vm.prank(owner);
        apps.setPolicy(appId, all);
        assertEq(apps.grantDelayOf(appId), FLOOR);
        vm.warp(block.timestamp + FLOOR);
        assertEq(apps.grantDelayOf(appId), 2 * FLOOR);
    }

    /// The same code, deployed by somebody: its first state and its floor are not ours to vouch for.
    function test_TheSameCodeFromElsewhereIsForeign() external {
        IPolicyFactory factory = apps.policyFactory();
        assertFalse(apps.isOurPolicy(address(new AllOfPolicy(apps, appId, FLOOR, _members))));
        // The caller becomes the registry of what it makes, so it has to answer for the floor and the owner.
        vm.expectRevert();
        factory.makeAllOf(appId, FLOOR, _members);
        vm.expectRevert();
        factory.makeLicense(appId, FLOOR, address(policy), 0, _none);
    }

    function test_RevertWhen_TheDelayIsBelowTheFloor() external {
        vm.expectRevert(abi.encodeWithSelector(IAppPolicy.DelayBelowFloor.selector, FLOOR, FLOOR - 1));
        apps.createAllOfPolicy(appId, FLOOR - 1, _members);
        vm.expectRevert(abi.encodeWithSelector(IAppPolicy.DelayBelowFloor.selector, FLOOR, FLOOR - 1));
        apps.createLicensePolicy(appId, FLOOR - 1, address(policy), 0, _none);
    }

    function test_RevertWhen_TheAppIsUnknown() external {
        vm.expectRevert(abi.encodeWithSelector(AppNotRegistered.selector, stranger));
        apps.createAllOfPolicy(stranger, FLOOR, _members);
        vm.expectRevert(abi.encodeWithSelector(AppNotRegistered.selector, stranger));
        apps.createLicensePolicy(stranger, FLOOR, address(policy), 0, _none);
    }
}
