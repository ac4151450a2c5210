// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LicensePolicy} from "../../src/LicensePolicy.sol";
import {Holding} from "../../src/interfaces/ILicensePolicy.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {SymbolicTest} from "./SymbolicTest.sol";

/// @dev A token of which everybody holds the same.
contract Balance {
    uint256 private immutable _held;

    constructor(uint256 held) {
        _held = held;
    }

    function balanceOf(address) external view returns (uint256) {
        return _held;
    }
}

/// @dev [GOV-4] P8: after any call of a guardian, whoever could not boot at some second can't boot at that second. For every
///      function, every argument, every compose hash and every later second. Run by `script/slow-contracts symbolic` (halmos).
contract Guardian_Symbolic is SymbolicTest {
    function _checkShrinks(address target, address guardian, string memory name, Attested memory a, uint64 later)
        private
    {
        vm.assume(later >= NOW && later < NOW + 100 * FLOOR);
        vm.assume(!_allowedAt(later, a));
        vm.assume(_call(target, guardian, SYMBOLS.createCalldata(name)));
        assert(!_allowedAt(later, a));
    }

    function check_OfTheNetwork(bytes32 composeHash, bytes32 osImageHash, bytes32 root, uint64 later) external {
        Attested memory a = _any(composeHash, DEVICE, MEASUREMENT, address(1));
        (a.boot.osImageHash, a.root) = (osImageHash, root);
        _checkShrinks(address(attestation), NETWORK_GUARDIAN, "AttestationRegistry", a, later);
    }

    /// The app has turned to it. A licence that ends soon is a member, and on its way out.
    function check_OfMembers(bytes32 composeHash, uint64 later) external {
        Holding memory none;
        address ending = apps.createLicensePolicy(appId, FLOOR, appId, NOW + FLOOR / 2, none);
        vm.prank(OWNER);
        all.addMember(ending);
        _turnTo(address(all));
        vm.prank(OWNER);
        all.removeMember(ending);
        _checkShrinks(address(all), GUARDIAN, "AllOfPolicy", _any(composeHash, DEVICE, MEASUREMENT, address(1)), later);
    }

    /// An end that an extension moves, and a balance that may keep it alive.
    function check_OfALicense(bytes32 composeHash, uint64 later, uint256 held) external {
        Holding memory balance = Holding(address(new Balance(held)), OWNER, 1);
        license = LicensePolicy(apps.createLicensePolicy(appId, FLOOR, appId, NOW + 10 * FLOOR, balance));
        _turnTo(address(license));
        vm.prank(OWNER);
        license.extend(NOW + 50 * FLOOR);
        _checkShrinks(
            address(license), GUARDIAN, "LicensePolicy", _any(composeHash, DEVICE, MEASUREMENT, address(1)), later
        );
    }

    function _turnTo(address policy) private {
        vm.warp(NOW - FLOOR);
        vm.prank(OWNER);
        apps.setPolicy(appId, policy);
        vm.warp(NOW);
    }
}
