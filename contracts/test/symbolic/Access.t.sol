// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Roles} from "../../src/libraries/Roles.sol";
import {SymbolicTest} from "./SymbolicTest.sol";

/// @dev Who may call what, for every caller and every argument. Run by `script/slow-contracts symbolic` (halmos).
contract Access_Symbolic is SymbolicTest {
    /// [GOV-8] A restricted function refuses whoever has not its role.
    function check_WithoutItsRoleNobodyCallsTheRegistry(address caller) external {
        _checkRole(address(attestation), caller, SYMBOLS.createCalldata("AttestationRegistry"));
    }

    function check_WithoutItsRoleNobodyCallsTheCommittee(address caller) external {
        _checkRole(address(committee), caller, SYMBOLS.createCalldata("KmsCommittee"));
    }

    /// [GOV-8] P8: what can let more in is not called at once by anybody at all, the governor included.
    function check_NobodyGrantsAtOnceInTheRegistry(address caller) external {
        _checkDelayed(address(attestation), caller, SYMBOLS.createCalldata("AttestationRegistry"));
    }

    function check_NobodyGrantsAtOnceInTheCommittee(address caller) external {
        _checkDelayed(address(committee), caller, SYMBOLS.createCalldata("KmsCommittee"));
    }

    function _checkRole(address target, address caller, bytes memory data) private {
        uint64 role = manager.getTargetFunctionRole(target, bytes4(data));
        // A function without a role is open to anybody (nodes' statements) or the manager's own.
        vm.assume(role != Roles.ADMIN);
        (bool isMember,) = manager.hasRole(role, caller);
        vm.assume(!isMember);
        assert(!_call(target, caller, data));
    }

    function _checkDelayed(address target, address caller, bytes memory data) private {
        uint64 role = manager.getTargetFunctionRole(target, bytes4(data));
        vm.assume(role == Roles.GRANTOR || role == Roles.COMMITTEE);
        assert(!_call(target, caller, data));
    }

    /// An app's own list is its owner's and its guardian's.
    function check_AStrangerChangesNoList(address caller) external {
        vm.assume(caller != OWNER && caller != GUARDIAN);
        assert(!_call(address(list), caller, SYMBOLS.createCalldata("AllowlistPolicy")));
    }

    function check_AStrangerChangesNoMember(address caller) external {
        vm.assume(caller != OWNER && caller != GUARDIAN);
        assert(!_call(address(all), caller, SYMBOLS.createCalldata("AllOfPolicy")));
    }

    function check_AStrangerChangesNoLicense(address caller) external {
        vm.assume(caller != OWNER && caller != GUARDIAN);
        assert(!_call(address(license), caller, SYMBOLS.createCalldata("LicensePolicy")));
    }
}
