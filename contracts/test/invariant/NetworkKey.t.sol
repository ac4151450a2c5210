// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Test} from "forge-std/Test.sol";
import {IAppRegistry, NewApp} from "../../src/interfaces/IAppRegistry.sol";
import {IKmsCommittee} from "../../src/interfaces/IKmsCommittee.sol";
import {RootRules} from "../../src/interfaces/IAttestationRegistry.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {AbiReader} from "../utils/AbiReader.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

/// @dev A registry that knows every app and allows everybody.
contract YesRegistry {
    function isRegistered(address) external pure returns (bool) {
        return true;
    }

    /// @dev Whatever the committee takes from it.
    function seize(IKmsCommittee committee, address appId) external {
        try committee.enterApp(appId) {} catch {}
        try committee.moveApp(appId, address(this)) {} catch {}
    }

    function takeOver(address, address) external pure {}

    function isAllowed(Attested calldata) external pure returns (bool, string memory) {
        return (true, "");
    }
}

/// @dev The administrator of a network (this contract: no delay at all) calls anything of the network.
contract NetworkHandler is QuorateTest, AbiReader {
    struct Function {
        address target;
        bytes4 selector;
    }

    Function[] private _functions;
    bytes32[] private _words;
    Attested[] private _unlisted;
    Attested private _listed;
    address private _yes;

    uint256 public succeeded;

    function setUp() public override {
        super.setUp();
        _genesis();
        _yes = address(new YesRegistry());
        // An app that lists its vendors: the first one only.
        NewApp memory app;
        (app.salt, app.owner, app.guardian, app.policy) = ("one vendor", owner, guardian, _setupOf(COMPOSE));
        app.vendors = new bytes32[](1);
        app.vendors[0] = _vendor(0);
        appId = apps.createApp(app);
        Attested memory a = _issuance(1).attested;
        _listed = a;
        a.boot.composeHash = "unlisted code";
        _unlisted.push(a);
        a.boot.composeHash = COMPOSE;
        (a.root, a.vendor) = (_root(1), _vendor(1));
        _unlisted.push(a);
        (a.root, a.vendor) = ("new root", "soft-z");
        _unlisted.push(a);
        _learn("AttestationRegistry", address(attestation));
        _learn("KmsCommittee", address(committee));
        _learn("AppRegistry", address(apps));
        _learn("AllowlistPolicy", appId);
        _learn("AccessManager", attestation.authority());
        _words = [bytes32(0), bytes32(uint256(1)), bytes32(uint256(2)), COMPOSE, "unlisted code", DEVICE, OS_IMAGE];
        _words.push(_root(0));
        _words.push(_root(1));
        _words.push(_vendor(0));
        _words.push(_vendor(1));
        _words.push("soft-z");
        address[6] memory people = [appId, address(this), _yes, address(apps), address(issuanceLog), _signer(1)];
        for (uint256 i = 0; i < people.length; ++i) {
            _words.push(bytes32(uint256(uint160(people[i]))));
        }
    }

    function _learn(string memory name, address target) private {
        Write[] memory writes = _writesOf(name);
        for (uint256 i = 0; i < writes.length; ++i) {
            _functions.push(Function(target, writes[i].selector));
        }
    }

    /* ACTIONS */

    function anything(uint256 seed) external {
        Function memory f = _functions[seed % _functions.length];
        bytes memory data = abi.encodePacked(f.selector);
        for (uint256 k = 0; k < 10; ++k) {
            uint256 roll = uint256(keccak256(abi.encode(seed, k)));
            bytes32 word = roll % 6 == 0 ? bytes32((1 + roll % 5) * 32) : _words[(roll >> 8) % _words.length];
            data = bytes.concat(data, word);
        }
        (bool ok,) = f.target.call(data);
        if (ok) ++succeeded;
    }

    /// @dev What a random call hits too seldom: another vendor's root under the loosest rules, the hostile registry.
    function worst(uint256 seed) external {
        if (seed % 3 == 0) try attestation.openRoot("new root", "soft-z", 1, RootRules(0, 0, 0, 0, 0xff)) {} catch {}
        if (seed % 3 == 1) try attestation.setRootRules(_root(1), RootRules(0, 0, 0, 0, 0xff)) {} catch {}
        if (seed % 3 == 2) try committee.setContracts(_yes, address(issuanceLog)) {} catch {}
        YesRegistry(_yes).seize(committee, appId);
    }

    function pass(uint256 seed) external {
        vm.roll(block.number + 1 + seed % 20);
        vm.warp(block.timestamp + seed % (2 * uint256(LONGEST)));
    }

    /* WHO BOOTS */

    /// @dev By the registry that the committee names for the app, as IssuanceLog and nodes ask it.
    function unlistedBoots() external view returns (uint256 count) {
        IAppRegistry registry = IAppRegistry(committee.registryOf(appId));
        for (uint256 i = 0; i < _unlisted.length; ++i) {
            (bool allowed,) = registry.isAllowed(_unlisted[i]);
            if (allowed) ++count;
        }
    }

    function listedBoots() external view returns (bool allowed) {
        (allowed,) = IAppRegistry(committee.registryOf(appId)).isAllowed(_listed);
    }

    function registryInForce() external view returns (address) {
        return committee.appRegistry();
    }

    function hostileRegistry() external view returns (address) {
        return _yes;
    }
}

/// @dev INV-11
/// forge-config: default.invariant.fail-on-revert = true
contract NetworkKey_Test is Test {
    NetworkHandler private _handler;

    function setUp() external {
        _handler = new NetworkHandler();
        _handler.setUp();
        bytes4[] memory selectors = new bytes4[](4);
        selectors[0] = NetworkHandler.anything.selector;
        selectors[1] = NetworkHandler.anything.selector;
        selectors[2] = NetworkHandler.worst.selector;
        selectors[3] = NetworkHandler.pass.selector;
        targetContract(address(_handler));
        targetSelector(FuzzSelector(address(_handler), selectors));
    }

    /// @dev P11 INV-11
    function invariant_TheNetworkGivesNothingThatTheAppDidNotList() external view {
        assertEq(_handler.unlistedBoots(), 0);
    }

    /// The handler is worth something: who is listed boots, and the hostile registry comes into force.
    function test_TheHostileRegistryComesIntoForceAndGivesNothing() external {
        assertTrue(_handler.listedBoots());
        for (uint256 k = 0; k < 3; ++k) {
            _handler.worst(k);
        }
        _handler.pass(7 days);
        assertEq(_handler.registryInForce(), _handler.hostileRegistry());
        assertEq(_handler.unlistedBoots(), 0);
        assertTrue(_handler.listedBoots());
        for (uint256 k = 0; k < 1000; ++k) {
            _handler.anything(uint256(keccak256(abi.encode(k))));
        }
        assertGt(_handler.succeeded(), 10);
        assertEq(_handler.unlistedBoots(), 0);
    }
}
