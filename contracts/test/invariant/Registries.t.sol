// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {AppRegistry} from "../../src/AppRegistry.sol";
import {AppInfo, IAppRegistry, NewApp} from "../../src/interfaces/IAppRegistry.sol";
import {DstackApp} from "../utils/DstackApp.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

/// @dev Three registries come into force in any order, and again; strangers name every app to every one of them; apps are made,
///      moved, rotated and frozen. The book says who is frozen, under which guardian and key version, whoever speaks.
contract RegistriesHandler is QuorateTest {
    uint256 private constant MOST = 6;

    AppRegistry[3] private _registries;
    address[] private _apps;
    mapping(address app => uint32) private _keyVersion;
    mapping(address app => bool) private _isFrozen;
    mapping(address app => address registry) private _speaker;
    address[] private _unknown;

    uint256 public moved;
    uint256 public refusedMoves;
    uint256 public refusedStrangers;
    uint256 public changedHands;

    function setUp() public override {
        super.setUp();
        _registries[0] = apps;
        for (uint256 i = 1; i < 3; ++i) {
            _registries[i] = new AppRegistry(committee, FLOOR, apps.policyFactory());
        }
        _enter(appId, apps);
        for (uint256 i = 0; i < 2; ++i) {
            _unknown.push(address(new DstackApp(owner)));
        }
    }

    function _enter(address app, AppRegistry registry) private {
        _apps.push(app);
        (_keyVersion[app], _speaker[app]) = (1, address(registry));
    }

    function _any(uint256 seed) private view returns (address app, AppRegistry speaker) {
        app = _apps[seed % _apps.length];
        speaker = AppRegistry(_speaker[app]);
    }

    /* ACTIONS */

    function putInForce(uint256 seed) external {
        committee.setContracts(address(_registries[seed % 3]), address(issuanceLog));
        if (seed % 2 == 0) vm.warp(block.timestamp + LONGEST);
    }

    function create(uint256 seed) external {
        if (_apps.length == MOST) return;
        NewApp memory app;
        (app.salt, app.owner, app.guardian, app.policy) = (bytes32(seed), owner, guardian, _setupOf(COMPOSE));
        AppRegistry registry = _registries[seed % 3];
        try registry.createApp(app) returns (address made) {
            _enter(made, registry);
        } catch {}
    }

    /// @dev Any app, or a contract that is none yet, to any registry.
    function register(uint256 seed) external {
        AppRegistry registry = _registries[(seed >> 8) % 3];
        uint256 which = seed % (_apps.length + _unknown.length);
        bool isKnown = which < _apps.length;
        address app = isKnown ? _apps[which] : _unknown[which - _apps.length];
        vm.prank(seed % 7 == 0 ? owner : stranger);
        try registry.registerApp(app) {
            if (isKnown) return;
            _unknown[which - _apps.length] = address(new DstackApp(owner));
            _enter(app, registry);
        } catch {
            if (isKnown) ++refusedStrangers;
        }
    }

    function rotate(uint256 seed) external {
        (address app, AppRegistry speaker) = _any(seed);
        vm.prank(owner);
        speaker.rotate(app, seed % 5 == 0);
        ++_keyVersion[app];
    }

    /// @dev Nobody thaws.
    function freeze(uint256 seed) external {
        (address app, AppRegistry speaker) = _any(seed);
        if (seed % 3 != 0 || _isFrozen[app]) return;
        vm.prank(owner);
        speaker.freeze(app, 1);
        _isFrozen[app] = true;
    }

    function askToMove(uint256 seed) external {
        (address app, AppRegistry speaker) = _any(seed);
        vm.prank(owner);
        try speaker.moveTo(app, address(_registries[(seed >> 8) % 3])) {} catch {}
        if (seed % 2 == 0) vm.warp(block.timestamp + FLOOR);
    }

    function finishMove(uint256 seed) external {
        (address app,) = _any(seed);
        AppRegistry from = _registries[(seed >> 8) % 3];
        address to = from.appInfo(app).movedTo;
        vm.prank(stranger);
        try from.finishMove(app) {
            ++moved;
            if (_speaker[app] != address(from)) ++changedHands;
            _speaker[app] = to;
        } catch {
            ++refusedMoves;
        }
    }

    /* WHAT MUST HOLD */

    /// @dev Apps of which the committee names another speaker than the book, or that speaker says something else.
    function differing() external view returns (uint256 count) {
        for (uint256 i = 0; i < _apps.length; ++i) {
            address app = _apps[i];
            IAppRegistry registry = IAppRegistry(committee.registryOf(app));
            AppInfo memory info = registry.appInfo(app);
            bool isSame = address(registry) == _speaker[app] && info.keyVersion == _keyVersion[app]
                && info.isFrozen == _isFrozen[app] && info.owner == owner;
            if (!isSame) ++count;
        }
    }

    function known() external view returns (uint256) {
        return _apps.length;
    }
}

/// @dev INV-12
/// forge-config: default.invariant.fail-on-revert = true
contract Registries_Test is Test {
    RegistriesHandler private _handler;

    function setUp() external {
        _handler = new RegistriesHandler();
        _handler.setUp();
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = RegistriesHandler.putInForce.selector;
        selectors[1] = RegistriesHandler.create.selector;
        selectors[2] = RegistriesHandler.register.selector;
        selectors[3] = RegistriesHandler.rotate.selector;
        selectors[4] = RegistriesHandler.freeze.selector;
        selectors[5] = RegistriesHandler.askToMove.selector;
        selectors[6] = RegistriesHandler.finishMove.selector;
        selectors[7] = RegistriesHandler.finishMove.selector;
        targetContract(address(_handler));
        targetSelector(FuzzSelector(address(_handler), selectors));
    }

    /// @dev [GOV-26] [GOV-27] P4 P5 P11 INV-12
    function invariant_AnAppIsItsRegistrysAndTakesItsStateAlong() external view {
        assertEq(_handler.differing(), 0);
        assertEq(_handler.changedHands(), 0);
    }

    /// The handler is worth something: apps enter in several registries, move, and strangers are turned away.
    function test_TheHandlerMovesApps() external {
        for (uint256 k = 0; k < 600; ++k) {
            uint256 seed = uint256(keccak256(abi.encode(k)));
            uint256 which = (seed >> 128) % 7;
            if (which == 0) _handler.putInForce(seed);
            if (which == 1) _handler.create(seed);
            if (which == 2) _handler.register(seed);
            if (which == 3) _handler.rotate(seed);
            if (which == 4) _handler.freeze(seed);
            if (which == 5) _handler.askToMove(seed);
            if (which == 6) _handler.finishMove(seed);
            assertEq(_handler.differing(), 0);
        }
        assertGt(_handler.known(), 3);
        assertGt(_handler.moved(), 3);
        assertGt(_handler.refusedMoves(), 3);
        assertGt(_handler.refusedStrangers(), 3);
    }
}
