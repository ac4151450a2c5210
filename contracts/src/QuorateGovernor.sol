// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorProposalGuardian} from "@openzeppelin/contracts/governance/extensions/GovernorProposalGuardian.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorStorage} from "@openzeppelin/contracts/governance/extensions/GovernorStorage.sol";
import {GovernorTimelockAccess} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockAccess.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {ZeroValue} from "./interfaces/Errors.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";
import {Roles} from "./libraries/Roles.sol";

/// @notice How a Governor begins. Periods count in the token's clock, delays in seconds.
/// @param accessManager the network's: what it guards waits its delays
/// @param appRegistry where a change of an app's guardian is known as such
/// @param baseDelaySeconds what every accepted proposal waits at least, vetoable all the while
/// @param proposalGuardian may cancel proposals until its term ends; zero: nobody
/// @param guardianTermSeconds how long a proposal guardian has that right after each vote for one
struct GovernorSetup {
    string name;
    IVotes token;
    IAccessManager accessManager;
    IAppRegistry appRegistry;
    uint48 votingDelay;
    uint32 votingPeriod;
    uint256 proposalThreshold;
    uint256 quorumPercent;
    uint48 lateQuorumExtension;
    uint32 baseDelaySeconds;
    address proposalGuardian;
    uint32 guardianTermSeconds;
}

/// @title OpenZeppelin's Governor, put together for votes that change keys. Spec: docs/spec/governance.md.
/// @dev Two things are ours. The proposal guardian's right ends with its term, and does not reach a proposal that does
///      nothing but replace guardians (A24). And only what the AccessManager really guards goes through it, so that one
///      Governor can be administrator of a network and owner of apps. Events are OpenZeppelin's, unaltered.
contract QuorateGovernor is
    GovernorSettings,
    GovernorCountingSimple,
    GovernorStorage,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorPreventLateQuorum,
    GovernorProposalGuardian,
    GovernorTimelockAccess
{
    IAppRegistry private immutable _appRegistry;
    uint32 private immutable _guardianTermSeconds;

    /// @notice From this second on nobody is proposal guardian, until a vote names one.
    uint64 public guardianTermEndsAt;

    constructor(GovernorSetup memory s)
        Governor(s.name)
        GovernorSettings(s.votingDelay, s.votingPeriod, s.proposalThreshold)
        GovernorVotes(s.token)
        GovernorVotesQuorumFraction(s.quorumPercent)
        GovernorPreventLateQuorum(s.lateQuorumExtension)
        GovernorTimelockAccess(address(s.accessManager), s.baseDelaySeconds)
    {
        require(s.quorumPercent != 0 && s.guardianTermSeconds != 0, ZeroValue());
        (_appRegistry, _guardianTermSeconds) = (s.appRegistry, s.guardianTermSeconds);
        guardianTermEndsAt = uint64(block.timestamp) + s.guardianTermSeconds;
        _setProposalGuardian(s.proposalGuardian);
    }

    /// @notice Who may cancel proposals now; zero once the term is over: then each proposer may cancel its own.
    function proposalGuardian() public view override returns (address) {
        return block.timestamp < guardianTermEndsAt ? super.proposalGuardian() : address(0);
    }

    /// @notice By vote only. The term begins anew, also for the same guardian.
    function setProposalGuardian(address newProposalGuardian) public override {
        guardianTermEndsAt = uint64(block.timestamp) + _guardianTermSeconds;
        super.setProposalGuardian(newProposalGuardian);
    }

    /// @notice Whether every call of the proposal replaces or removes a guardian: of proposals, of the network, of an app.
    /// @dev A24. Nobody can cancel such a proposal, except its proposer before the vote begins. One other call among them and the guardian may cancel the whole: nothing rides along.
    function replacesGuardiansOnly(uint256 proposalId) public view returns (bool) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas,) = proposalDetails(proposalId);
        for (uint256 i = 0; i < targets.length; ++i) {
            if (values[i] != 0 || !_replacesGuardian(targets[i], calldatas[i])) return false;
        }
        return true;
    }

    /// @dev OpenZeppelin takes a target that the AccessManager does not know for one of its administrators' functions, and
    ///      would call it as the manager. What does not name the manager as its authority is called as the Governor.
    function isAccessManagerIgnored(address target, bytes4 selector) public view override returns (bool) {
        return super.isAccessManagerIgnored(target, selector) || (target != address(this) && !_isManaged(target));
    }

    function _validateCancel(uint256 proposalId, address caller)
        internal
        view
        override(Governor, GovernorProposalGuardian)
        returns (bool)
    {
        // Else the guardian could also propose its replacement first, word for word, and cancel that as its proposer.
        if (replacesGuardiansOnly(proposalId)) return Governor._validateCancel(proposalId, caller);
        return super._validateCancel(proposalId, caller);
    }

    function _replacesGuardian(address target, bytes memory data) private view returns (bool) {
        // Selector and first argument. A call cut short may be taken for what it is not, but does nothing at these targets.
        uint256 head;
        uint256 role;
        assembly ("memory-safe") {
            head := shr(224, mload(add(data, 0x20)))
            role := mload(add(data, 0x24))
        }
        if (target == address(this)) return head == uint32(this.setProposalGuardian.selector);
        if (target == address(_appRegistry)) return head == uint32(IAppRegistry.setGuardian.selector);
        return target == address(accessManager()) && role == Roles.GUARDIAN
            && (head == uint32(IAccessManager.grantRole.selector) || head == uint32(IAccessManager.revokeRole.selector));
    }

    function _isManaged(address target) private view returns (bool) {
        address manager = address(accessManager());
        if (target == manager) return true;
        uint256 selector = uint32(IAccessManaged.authority.selector);
        bool answered;
        assembly ("memory-safe") {
            mstore(0x00, selector)
            answered := staticcall(50000, target, 0x1c, 0x04, 0x00, 0x20)
            answered := and(and(answered, gt(returndatasize(), 0x1f)), eq(mload(0x00), manager))
        }
        return answered;
    }

    /* WHAT SOLIDITY WANTS TO READ WHERE TWO BASES HAVE THE SAME FUNCTION */

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function proposalDeadline(uint256 proposalId)
        public
        view
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(proposalId);
    }

    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockAccess)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    function propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description
    ) public override(Governor, GovernorTimelockAccess) returns (uint256) {
        return super.propose(targets, values, calldatas, description);
    }

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal override(Governor, GovernorStorage) returns (uint256) {
        return super._propose(targets, values, calldatas, description, proposer);
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(proposalId);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockAccess) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }
}
