// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AllowlistPolicy} from "../../src/AllowlistPolicy.sol";
import {AppRegistry} from "../../src/AppRegistry.sol";
import {AttestationRegistry} from "../../src/AttestationRegistry.sol";
import {KmsCommittee} from "../../src/KmsCommittee.sol";
import {AlreadySet, AppNotRegistered, Unauthorized, ZeroValue} from "../../src/interfaces/Errors.sol";
import {IAllowlistPolicy, PolicySetup} from "../../src/interfaces/IAllowlistPolicy.sol";
import {AppInfo, IAppRegistry, NewApp} from "../../src/interfaces/IAppRegistry.sol";
import {IPolicyFactory} from "../../src/interfaces/IPolicyFactory.sol";
import {DstackApp} from "../utils/DstackApp.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract AppRegistry_Registration_Test is QuorateTest {
    DstackApp private _theirs;

    function setUp() public override {
        super.setUp();
        _theirs = new DstackApp(owner);
    }

    /* BY ANYONE */

    function test_AnyoneRegistersAContractAsItsOwnPolicy() external {
        (uint64 seq,) = apps.trail();
        vm.expectEmit(address(apps));
        emit IAppRegistry.AppEntered(
            address(_theirs), address(_theirs), owner, address(0), true, attestation.openVendors(), seq + 1
        );
        vm.expectEmit(address(apps));
        emit IAppRegistry.AppRegistered(address(_theirs));
        vm.prank(stranger);
        apps.registerApp(address(_theirs));
        AppInfo memory info = apps.appInfo(address(_theirs));
        assertEq(info.policy, address(_theirs));
        assertEq(info.owner, owner, "not the caller");
        assertEq(info.keyVersion, 1);
        assertTrue(info.isForeign);
        assertEq(info.vendors.length, 3);
        assertTrue(apps.registeredApps(address(_theirs)));
    }

    /// A13: an id without code is nobody's yet.
    function test_RevertWhen_TheIdHasNoCode() external {
        address future = apps.predictAppId(owner, "future");
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NotAContract.selector, future));
        apps.registerApp(future);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NotAContract.selector, future));
        apps.registerAppWith(future, address(_theirs), stranger, stranger, new bytes32[](0));
    }

    function test_RevertWhen_TheContractNamesNoOwner() external {
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.OwnerUnknown.selector, address(hasher)));
        apps.registerApp(address(hasher));
        DstackApp orphan = new DstackApp(address(0));
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.OwnerUnknown.selector, address(orphan)));
        apps.registerApp(address(orphan));
    }

    function test_AContractWithoutAnOwnerIsItsOwn() external {
        vm.prank(address(hasher));
        apps.registerApp(address(hasher));
        assertEq(apps.ownerOf(address(hasher)), address(hasher));
        vm.prank(address(_theirs));
        apps.registerApp(address(_theirs));
        assertEq(apps.ownerOf(address(_theirs)), owner, "it names one");
    }

    function test_RevertGiven_Registered() external {
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.AppAlreadyRegistered.selector, appId));
        apps.registerApp(appId);
    }

    /* BY ITS OWNER */

    function test_OwnerRegistersWithChoices() external {
        bytes32[] memory vendors = new bytes32[](1);
        vendors[0] = "intel";
        vm.prank(owner);
        apps.registerAppWith(address(_theirs), address(_theirs), stranger, guardian, vendors);
        AppInfo memory info = apps.appInfo(address(_theirs));
        assertEq(info.policy, address(_theirs));
        assertEq(info.owner, stranger);
        assertEq(info.guardian, guardian);
        assertTrue(info.isForeign);
        assertEq(info.vendors.length, 1);
        assertEq(apps.vendorEffectiveAt(address(_theirs), "intel"), block.timestamp);
    }

    /// [GOV-10] P8: a policy of ours that was made for another app obeys that app's people.
    function test_APolicyOfAnotherAppIsForeign() external {
        vm.prank(owner);
        policy.setGrantDelay(2 days);
        (uint64 seq,) = apps.trail();
        bytes32[] memory vendors = attestation.openVendors();
        vm.expectEmit(address(apps));
        emit IAppRegistry.AppEntered(address(_theirs), address(policy), owner, guardian, true, vendors, seq + 1);
        vm.prank(owner);
        apps.registerAppWith(address(_theirs), address(policy), owner, guardian, new bytes32[](0));
        assertTrue(apps.appInfo(address(_theirs)).isForeign);
        assertEq(apps.grantDelayOf(address(_theirs)), FLOOR);
        assertEq(apps.grantDelayOf(appId), 2 days);
        assertTrue(apps.isOurPolicy(address(policy)), "made here, for whatever app");
    }

    function test_TheContractItselfRegisters() external {
        vm.prank(address(_theirs));
        apps.registerAppWith(address(_theirs), address(_theirs), owner, address(0), new bytes32[](0));
        assertEq(apps.vendorsOf(address(_theirs)).length, 3);
    }

    /// A13: nobody else chooses the policy of a contract.
    function testFuzz_RevertWhen_SomeoneElseChooses(address caller) external {
        vm.assume(caller != owner && caller != address(_theirs));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, caller));
        apps.registerAppWith(address(_theirs), address(policy), caller, caller, new bytes32[](0));
    }

    function test_RevertWhen_ChoicesAreBad() external {
        bytes32[] memory none;
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NotAContract.selector, stranger));
        apps.registerAppWith(address(_theirs), stranger, owner, guardian, none);
        vm.expectRevert(ZeroValue.selector);
        apps.registerAppWith(address(_theirs), address(policy), address(0), guardian, none);
        vm.expectRevert(ZeroValue.selector);
        apps.registerAppWith(address(_theirs), address(policy), owner, guardian, new bytes32[](1));
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = (bytes32("a"), bytes32("a"));
        vm.expectRevert(AlreadySet.selector);
        apps.registerAppWith(address(_theirs), address(policy), owner, guardian, twice);
    }

    function test_RevertWhen_NoVendorIsOpen() external {
        for (uint256 i = 0; i < 3; ++i) {
            attestation.closeRoot(_root(i), 1);
        }
        vm.expectRevert(IAppRegistry.NoVendor.selector);
        apps.registerApp(address(_theirs));
    }

    /* BY THE FACTORY */

    function test_CreateApp() external view {
        assertEq(appId, apps.predictAppId(address(this), "first"));
        AppInfo memory info = apps.appInfo(appId);
        assertEq(info.policy, appId);
        assertEq(info.owner, owner);
        assertEq(info.guardian, guardian);
        assertFalse(info.isForeign);
        assertFalse(info.isLocked);
        assertEq(policy.appId(), appId);
        assertEq(policy.owner(), owner);
        assertEq(policy.guardian(), guardian);
        assertTrue(policy.allowedComposeHashes(COMPOSE), "the first hash waits for nothing");
        assertEq(policy.grantDelay(), FLOOR);
        assertFalse(apps.registeredApps(stranger));
    }

    function test_CreateAppWithVendors() external {
        NewApp memory app;
        (app.salt, app.owner, app.policy) = ("vendors", owner, _setupOf(COMPOSE));
        app.vendors = new bytes32[](1);
        app.vendors[0] = "intel";
        address id = apps.predictAppId(address(this), "vendors");
        (uint64 seq,) = apps.trail();
        vm.expectEmit(address(apps));
        emit IAppRegistry.AppEntered(id, id, owner, address(0), false, app.vendors, seq + 1);
        vm.expectEmit(address(apps));
        emit IAppRegistry.AppDeployedViaFactory(id, address(this));
        apps.createApp(app);
        assertEq(apps.vendorsOf(id).length, 1);
        assertEq(apps.vendorsOf(id)[0], "intel");
    }

    function test_CreateAppLocked() external {
        NewApp memory app;
        (app.owner, app.lockPolicy, app.policy) = (owner, true, _setupOf(COMPOSE));
        address id = apps.createApp(app);
        assertTrue(apps.appInfo(id).isLocked);
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.PolicyIsLocked.selector, id));
        vm.prank(owner);
        apps.setPolicy(id, address(_theirs));
    }

    /// The id is the sender's: nobody can take a salt away.
    function test_SaltsAreTheSenders() external {
        NewApp memory app;
        (app.salt, app.owner, app.policy) = ("first", owner, _setupOf(COMPOSE));
        vm.prank(stranger);
        assertEq(apps.createApp(app), apps.predictAppId(stranger, "first"));
        vm.expectRevert();
        apps.createApp(app);
    }

    /// A18: no policy begins below the floor.
    function test_RevertWhen_GrantDelayIsBelowTheFloor() external {
        NewApp memory app;
        (app.owner, app.policy) = (owner, _setupOf(COMPOSE));
        app.policy.grantDelaySeconds = FLOOR - 1;
        vm.expectRevert(abi.encodeWithSelector(IAllowlistPolicy.GrantDelayBelowFloor.selector, FLOOR, FLOOR - 1));
        apps.createApp(app);
    }

    function test_DstackFactory() external {
        vm.expectEmit(false, true, false, true, address(apps));
        emit IAppRegistry.AppDeployedViaFactory(address(0), stranger);
        vm.prank(stranger);
        address id = apps.deployAndRegisterApp(owner, true, true, false, DEVICE, COMPOSE);
        AllowlistPolicy made = AllowlistPolicy(id);
        assertEq(made.owner(), owner);
        assertTrue(apps.appInfo(id).isLocked);
        assertTrue(made.requireTcbUpToDate());
        assertFalse(made.allowAnyDevice());
        assertTrue(made.allowedDeviceIds(DEVICE));
        assertTrue(made.allowedComposeHashes(COMPOSE));
        assertTrue(apps.isOurPolicy(id));
    }

    function test_DstackOlderFactory() external {
        address id = apps.deployAndRegisterApp(owner, false, true, 0, 0);
        AllowlistPolicy made = AllowlistPolicy(id);
        assertFalse(made.requireTcbUpToDate());
        assertFalse(apps.appInfo(id).isLocked);
        assertTrue(made.allowAnyDevice());
        assertFalse(made.allowedComposeHashes(0), "a zero hash means none given");
        assertFalse(made.allowedDeviceIds(0));
        assertNotEq(id, apps.deployAndRegisterApp(owner, false, true, 0, 0));
        vm.expectRevert(ZeroValue.selector);
        apps.deployAndRegisterApp(address(0), false, true, 0, 0);
    }

    function test_RevertWhen_PolicyOfAnUnknownApp() external {
        vm.expectRevert(abi.encodeWithSelector(AppNotRegistered.selector, stranger));
        apps.createPolicy(stranger, _setupOf(COMPOSE));
    }

    /// A18: a floor of zero is for networks that allow software roots.
    function test_RevertWhen_FloorIsZeroOnAHardwareNetwork() external {
        AttestationRegistry real = new AttestationRegistry(address(this), false);
        KmsCommittee strict = new KmsCommittee(address(this), real, 60, 2, 7);
        IPolicyFactory factory = apps.policyFactory();
        vm.expectRevert(IAppRegistry.GrantFloorZero.selector);
        new AppRegistry(strict, 0, factory);
        new AppRegistry(committee, 0, factory);
        AppRegistry made = new AppRegistry(strict, 1, factory);
        assertEq(made.grantFloorSeconds(), 1);
        assertEq(address(made.committee()), address(strict));
        assertEq(address(made.attestationRegistry()), address(real));
    }

    function test_RevertWhen_TheFactoryIsNoContract() external {
        vm.expectRevert(abi.encodeWithSelector(IAppRegistry.NotAContract.selector, stranger));
        new AppRegistry(committee, FLOOR, IPolicyFactory(stranger));
    }

    function test_SpeaksErc165() external view {
        assertTrue(apps.supportsInterface(0x1e079198));
        assertTrue(apps.supportsInterface(0x01ffc9a7));
        assertFalse(apps.supportsInterface(0xffffffff));
        assertTrue(policy.supportsInterface(0x1e079198));
        assertTrue(policy.supportsInterface(0x8fd37527));
        assertTrue(policy.supportsInterface(0x01ffc9a7));
        assertFalse(policy.supportsInterface(0xffffffff));
    }
}
