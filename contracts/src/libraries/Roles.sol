// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry} from "../interfaces/IAttestationRegistry.sol";
import {IKmsCommittee} from "../interfaces/IKmsCommittee.sol";

/// @notice Who may call one function of the network.
struct Duty {
    address target;
    bytes4 selector;
    uint64 role;
    string name;
}

/// @title The roles of a network's AccessManager, and which function is whose. Spec: docs/spec/governance.md.
/// @dev Whatever can let one more machine or node in is slow; whatever takes away is the guardian's, at once. Two things
///      that take away are slow all the same: `removeSeat` can't be undone (`suspendSeat` does the same at once), and
///      `setRootRules` may go either way (`closeRoot` does what is urgent).
library Roles {
    /// @dev OpenZeppelin's.
    uint64 internal constant ADMIN = 0;
    /// @dev Takes away, at once; grants nothing; cancels what the two slow roles have scheduled.
    uint64 internal constant GUARDIAN = 1;
    /// @dev Attestation roots, advisories, OS images.
    uint64 internal constant GRANTOR = 2;
    /// @dev Node code, operators, seats, epochs, contracts in force.
    uint64 internal constant COMMITTEE = 3;

    /// @dev Least delays where software roots are not allowed.
    uint32 internal constant LEAST_GRANT_SECONDS = 48 hours;
    uint32 internal constant LEAST_COMMITTEE_SECONDS = 7 days;

    function labelOf(uint64 role) internal pure returns (string memory) {
        if (role == GUARDIAN) return "guardian";
        if (role == GRANTOR) return "grantor";
        return role == COMMITTEE ? "committee" : "admin";
    }

    /// @dev Every `restricted` function of both contracts.
    function table(address registry, address committee) internal pure returns (Duty[] memory all) {
        all = new Duty[](17);
        all[0] = Duty(registry, IAttestationRegistry.openRoot.selector, GRANTOR, "openRoot");
        all[1] = Duty(registry, IAttestationRegistry.setRootRules.selector, GRANTOR, "setRootRules");
        all[2] = Duty(registry, IAttestationRegistry.acceptAdvisory.selector, GRANTOR, "acceptAdvisory");
        all[3] = Duty(registry, IAttestationRegistry.approveOsImage.selector, GRANTOR, "approveOsImage");
        all[4] = Duty(registry, IAttestationRegistry.closeRoot.selector, GUARDIAN, "closeRoot");
        all[5] = Duty(registry, IAttestationRegistry.denyAdvisory.selector, GUARDIAN, "denyAdvisory");
        all[6] = Duty(registry, IAttestationRegistry.revokeOsImage.selector, GUARDIAN, "revokeOsImage");
        all[7] = Duty(committee, IKmsCommittee.approveNodeCode.selector, COMMITTEE, "approveNodeCode");
        all[8] = Duty(committee, IKmsCommittee.assignOperator.selector, COMMITTEE, "assignOperator");
        all[9] = Duty(committee, IKmsCommittee.admitSeat.selector, COMMITTEE, "admitSeat");
        all[10] = Duty(committee, IKmsCommittee.unsuspendSeat.selector, COMMITTEE, "unsuspendSeat");
        all[11] = Duty(committee, IKmsCommittee.removeSeat.selector, COMMITTEE, "removeSeat");
        all[12] = Duty(committee, IKmsCommittee.openEpoch.selector, COMMITTEE, "openEpoch");
        all[13] = Duty(committee, IKmsCommittee.setContracts.selector, COMMITTEE, "setContracts");
        all[14] = Duty(committee, IKmsCommittee.suspendSeat.selector, GUARDIAN, "suspendSeat");
        all[15] = Duty(committee, IKmsCommittee.revokeNodeCode.selector, GUARDIAN, "revokeNodeCode");
        all[16] = Duty(committee, IKmsCommittee.cancelContractsChange.selector, GUARDIAN, "cancelContractsChange");
    }
}
