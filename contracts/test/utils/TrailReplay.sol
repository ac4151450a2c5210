// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {IAllOfPolicy} from "../../src/interfaces/IAllOfPolicy.sol";
import {IAllowlistPolicy} from "../../src/interfaces/IAllowlistPolicy.sol";
import {IAppRegistry} from "../../src/interfaces/IAppRegistry.sol";
import {IAttestationRegistry} from "../../src/interfaces/IAttestationRegistry.sol";
import {IIssuanceLog} from "../../src/interfaces/IIssuanceLog.sol";
import {IKmsCommittee} from "../../src/interfaces/IKmsCommittee.sol";
import {ILicensePolicy} from "../../src/interfaces/ILicensePolicy.sol";

/// @dev Recomputes a trail from nothing but logs, as any reader of the chain can. Spec: docs/spec/trail.md.
contract TrailReplay {
    struct Shape {
        bool isInTrail;
        uint8[] dynamicWords; // positions, among all arguments' head words, that hold an offset
    }

    mapping(bytes32 topic0 => Shape) private _shape;

    constructor() {
        _static(IIssuanceLog.KeyIssued.selector);
        _static(IIssuanceLog.KeyReleasedOffRecord.selector);

        _static(IAttestationRegistry.RootOpened.selector);
        _static(IAttestationRegistry.RootClosed.selector);
        _static(IAttestationRegistry.RootRulesSet.selector);
        _dynamic(IAttestationRegistry.AdvisoryDenied.selector, 1);
        _dynamic(IAttestationRegistry.AdvisoryAccepted.selector, 1);
        _dynamic(IAttestationRegistry.OsImageApproved.selector, 1);
        _static(IAttestationRegistry.OsImageRevoked.selector);

        _dynamic(IAppRegistry.AppEntered.selector, 5);
        _static(IAppRegistry.PolicySet.selector);
        _static(IAppRegistry.PolicyChangeCancelled.selector);
        _static(IAppRegistry.PolicyLocked.selector);
        _static(IAppRegistry.OwnershipOffered.selector);
        _static(IAppRegistry.OwnershipTaken.selector);
        _static(IAppRegistry.GuardianSet.selector);
        _static(IAppRegistry.VendorAccepted.selector);
        _static(IAppRegistry.VendorRemoved.selector);
        _static(IAppRegistry.AppFrozen.selector);
        _static(IAppRegistry.AppThawed.selector);
        _static(IAppRegistry.KeyRotated.selector);
        _static(IAppRegistry.KeyVersionDelisted.selector);
        _static(IAppRegistry.AppMoved.selector);
        _static(IAppRegistry.AppMoveCancelled.selector);

        _static(IAllowlistPolicy.PolicyInitialized.selector);
        _dynamic(IAllowlistPolicy.ComposeHashApproved.selector, 3);
        _static(IAllowlistPolicy.ComposeHashRevoked.selector);
        _static(IAllowlistPolicy.DeviceApproved.selector);
        _static(IAllowlistPolicy.DeviceRevoked.selector);
        _static(IAllowlistPolicy.MeasurementApproved.selector);
        _static(IAllowlistPolicy.MeasurementRevoked.selector);
        _static(IAllowlistPolicy.InstanceApproved.selector);
        _static(IAllowlistPolicy.InstanceRevoked.selector);
        _static(IAllowlistPolicy.AnyDeviceSet.selector);
        _static(IAllowlistPolicy.AnyMeasurementSet.selector);
        _static(IAllowlistPolicy.AnyInstanceSet.selector);
        _static(IAllowlistPolicy.AnyTcbSet.selector);
        _static(IAllowlistPolicy.GrantDelaySet.selector);

        _static(IAllOfPolicy.MemberAdded.selector);
        _static(IAllOfPolicy.MemberRemoved.selector);
        _static(IAllOfPolicy.MemberRemovalCancelled.selector);
        _static(IAllOfPolicy.MembersLocked.selector);
        _static(ILicensePolicy.LicenseInitialized.selector);
        _static(ILicensePolicy.LicenseExtended.selector);
        _static(ILicensePolicy.LicenseCut.selector);
        _static(ILicensePolicy.HoldingDropped.selector);

        _dynamic(IKmsCommittee.CandidatePosted.selector, 3, 4);
        _dynamic(IKmsCommittee.NodeCodeApproved.selector, 2);
        _static(IKmsCommittee.NodeCodeRevoked.selector);
        _static(IKmsCommittee.OperatorAssigned.selector);
        _static(IKmsCommittee.SeatAdmitted.selector);
        _static(IKmsCommittee.SeatSuspended.selector);
        _static(IKmsCommittee.SeatUnsuspended.selector);
        _static(IKmsCommittee.SeatRemoved.selector);
        _dynamic(IKmsCommittee.EpochOpened.selector, 3);
        _dynamic(IKmsCommittee.RecipientKeyPosted.selector, 2, 4);
        _static(IKmsCommittee.RecipientRefusalPosted.selector);
        _dynamic(IKmsCommittee.DealingPosted.selector, 3);
        _dynamic(IKmsCommittee.ConfirmationPosted.selector, 4);
        _dynamic(IKmsCommittee.EpochActivated.selector, 4, 5);
        _static(IKmsCommittee.EpochAborted.selector);
        _static(IKmsCommittee.ContractsSet.selector);
        _static(IKmsCommittee.ContractsChangeCancelled.selector);
        _static(IKmsCommittee.AppPlaced.selector);
    }

    /// @dev Goes on from (seq, head) over the logs of one contract.
    function replay(address emitter, uint64 seq, uint192 head, Vm.Log[] calldata logs)
        external
        view
        returns (uint64, uint192)
    {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != emitter || !_shape[logs[i].topics[0]].isInTrail) continue;
            bytes32 leaf = keccak256(abi.encode(logs[i].topics[0], keccak256(_arguments(logs[i]))));
            head = uint192(uint256(keccak256(abi.encode(head, ++seq, leaf))));
        }
        return (seq, head);
    }

    function first(address emitter) external view returns (uint192) {
        return uint192(uint256(keccak256(abi.encode(block.chainid, emitter))));
    }

    /// @dev abi.encode of all arguments: the indexed ones come first and are words; then the data, whose offsets count from
    ///      where the arguments begin.
    function _arguments(Vm.Log calldata entry) private view returns (bytes memory args) {
        uint256 indexed_ = entry.topics.length - 1;
        for (uint256 k = 1; k <= indexed_; ++k) {
            args = bytes.concat(args, entry.topics[k]);
        }
        args = bytes.concat(args, entry.data);
        uint8[] storage dynamicWords = _shape[entry.topics[0]].dynamicWords;
        for (uint256 k = 0; k < dynamicWords.length; ++k) {
            uint256 position = 32 + 32 * uint256(dynamicWords[k]);
            assembly {
                mstore(add(args, position), add(mload(add(args, position)), mul(indexed_, 32)))
            }
        }
    }

    function _static(bytes32 topic0) private {
        _shape[topic0].isInTrail = true;
    }

    function _dynamic(bytes32 topic0, uint8 word) private {
        _static(topic0);
        _shape[topic0].dynamicWords.push(word);
    }

    function _dynamic(bytes32 topic0, uint8 word, uint8 another) private {
        _dynamic(topic0, word);
        _shape[topic0].dynamicWords.push(another);
    }
}
