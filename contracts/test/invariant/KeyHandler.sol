// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AllOfPolicy} from "../../src/AllOfPolicy.sol";
import {AllowlistPolicy} from "../../src/AllowlistPolicy.sol";
import {LicensePolicy} from "../../src/LicensePolicy.sol";
import {NewApp} from "../../src/interfaces/IAppRegistry.sol";
import {Holding} from "../../src/interfaces/ILicensePolicy.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {AbiReader} from "../utils/AbiReader.sol";
import {GovernanceTest} from "../utils/GovernanceTest.sol";

/// @dev Lets a key call any function of any contract with words that mean something there, and looks who could boot before
///      and after. Three apps: a list; a list and another organisation's list; a licence beside a list.
contract KeyHandler is GovernanceTest, AbiReader {
    struct Function {
        address target;
        bytes4 selector;
    }

    bool private immutable _hasOwner;

    Function[] private _functions;
    bytes32[] private _words;
    Attested[] private _who;
    uint256[] private _ownersCalls;

    uint256 public succeeded;
    uint256 public widenedAtOnce;
    uint256 public widenedEarly;
    uint256 public widenedLate;

    constructor(bool hasOwner) {
        _hasOwner = hasOwner;
    }

    /// @dev The worst guardian: one key for all apps, the network and the proposals.
    function setUp() public override {
        super.setUp();
        guardian = guardianOfNetwork;
        address[3] memory ids = [_app("list"), _app("all of"), _app("licence")];
        (, AllowlistPolicy theirs) = _createApp("another organisation");
        address[] memory members = new address[](2);
        (members[0], members[1]) = (ids[1], address(theirs));
        address all = address(new AllOfPolicy(apps, ids[1], FLOOR, members));
        Holding memory none;
        uint64 until = uint64(block.timestamp + 3 * uint256(FLOOR));
        address license = address(new LicensePolicy(apps, ids[2], FLOOR, ids[2], until, none));
        vm.startPrank(owner);
        apps.setPolicy(ids[1], all);
        apps.setPolicy(ids[2], license);
        AllowlistPolicy(ids[0]).addComposeHash("revoked");
        AllowlistPolicy(ids[0]).revokeComposeHash("revoked", 1);
        vm.stopPrank();
        vm.warp(block.timestamp + 2 * uint256(FLOOR));

        _learn("AllowlistPolicy", ids[0]);
        _learn("AllowlistPolicy", ids[1]);
        _learn("AllowlistPolicy", address(theirs));
        _learn("AllOfPolicy", all);
        _learn("LicensePolicy", license);
        _learn("AppRegistry", address(apps));
        _learn("AttestationRegistry", address(attestation));
        _learn("KmsCommittee", address(committee));
        _learn("IssuanceLog", address(issuanceLog));
        _learn("AccessManager", address(manager));
        _learn("QuorateGovernor", address(governor));
        _learn("VotesToken", address(token));
        _words = [bytes32(0), bytes32(uint256(1)), bytes32(uint256(2)), COMPOSE, "revoked", DEVICE, OS_IMAGE, _root(0)];
        _words.push(_root(2));
        _words.push(_vendor(0));
        _words.push(_vendor(2));
        _words.push("soft-z");
        _words.push(bytes32(uint256(until) + 1));
        address[9] memory people = [ids[0], ids[1], ids[2], all, license, owner, guardian, stranger, address(theirs)];
        for (uint256 i = 0; i < people.length; ++i) {
            _words.push(bytes32(uint256(uint160(people[i]))));
        }
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 k = 0; k < 8; ++k) {
                _who.push(_issuance(1).attested);
                Attested storage a = _who[_who.length - 1];
                a.boot.appId = ids[i];
                if (k % 4 == 1) a.boot.composeHash = "revoked";
                if (k % 4 == 2) a.boot.deviceId = "another";
                if (k % 4 == 3) a.boot.osImageHash = "another";
                if (k > 3) (a.root, a.vendor) = (_root(2), _vendor(2));
            }
        }
    }

    function _app(bytes32 salt) private returns (address id) {
        NewApp memory app;
        (app.salt, app.owner, app.guardian, app.policy) = (salt, owner, guardian, _setupOf(COMPOSE));
        app.vendors = new bytes32[](1);
        app.vendors[0] = _vendor(0);
        id = apps.createApp(app);
    }

    /// @dev Every function that writes, from the committed ABI.
    function _learn(string memory name, address target) private {
        Write[] memory writes = _writesOf(name);
        for (uint256 i = 0; i < writes.length; ++i) {
            _functions.push(Function(target, writes[i].selector));
        }
    }

    /* ACTIONS */

    /// @dev The guardian's key, anywhere, with anything.
    function guardianCalls(uint256 seed) external {
        _callAs(guardian, seed);
    }

    function strangerCalls(uint256 seed) external {
        _callAs(stranger, seed);
    }

    /// @dev The owner of the apps, where the sequence has one.
    function ownerCalls(uint256 seed) external {
        if (_hasOwner && _callAs(owner, seed)) _ownersCalls.push(block.timestamp);
    }

    /// @dev Grants that a random call hits too seldom.
    function ownerGrants(uint256 seed) external {
        Function memory f = _functions[0];
        bytes memory data = abi.encodeCall(AllowlistPolicy.addComposeHash, ("revoked"));
        if (seed % 3 == 1) data = abi.encodeCall(AllowlistPolicy.addDevice, ("another"));
        if (seed % 3 == 2) {
            f.target = address(apps);
            data = abi.encodeCall(apps.acceptVendor, (_who[0].boot.appId, _vendor(2)));
        }
        if (_hasOwner && _tryAs(owner, f.target, data)) _ownersCalls.push(block.timestamp);
    }

    function pass(uint256 seed) external {
        bool[] memory before = _booting();
        vm.roll(block.number + 1);
        vm.warp(block.timestamp + seed % (2 * uint256(FLOOR)));
        if (!_isWider(before, _booting())) return;
        // What counts now was decided by an owner, a whole floor ago.
        if (_ownersCalls.length == 0 || _ownersCalls[0] + FLOOR > block.timestamp) ++widenedEarly;
        else ++widenedLate;
    }

    function _callAs(address caller, uint256 seed) private returns (bool) {
        Function memory f = _functions[seed % _functions.length];
        bytes memory data = abi.encodePacked(f.selector);
        for (uint256 k = 0; k < 10; ++k) {
            uint256 roll = uint256(keccak256(abi.encode(seed, k)));
            // Now and then an offset, so that calls with tails decode.
            bytes32 word = roll % 6 == 0 ? bytes32((1 + roll % 5) * 32) : _words[(roll >> 8) % _words.length];
            data = bytes.concat(data, word);
        }
        return _tryAs(caller, f.target, data);
    }

    function _tryAs(address caller, address target, bytes memory data) private returns (bool ok) {
        bool[] memory before = _booting();
        vm.prank(caller);
        (ok,) = target.call(data);
        if (!ok) return false;
        ++succeeded;
        if (_isWider(before, _booting())) ++widenedAtOnce;
    }

    function _booting() private view returns (bool[] memory all) {
        all = new bool[](_who.length);
        for (uint256 i = 0; i < all.length; ++i) {
            (all[i],) = apps.isAllowed(_who[i]);
        }
    }

    function _isWider(bool[] memory before, bool[] memory now_) private pure returns (bool) {
        for (uint256 i = 0; i < before.length; ++i) {
            if (now_[i] && !before[i]) return true;
        }
        return false;
    }

    /// @dev How many of the identities may boot.
    function booting() external view returns (uint256 count) {
        bool[] memory all = _booting();
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i]) ++count;
        }
    }
}
