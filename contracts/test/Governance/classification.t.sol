// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Duty, Roles} from "../../src/libraries/Roles.sol";
import {AbiReader} from "../utils/AbiReader.sol";
import {GovernanceTest} from "../utils/GovernanceTest.sol";

/// @dev [GOV-8] [GOV-9] Every function of ours that writes is classified here by hand: a new one fails the test until somebody has
///      decided what it is. What grants in the network is in the table that the read-back goes through; what grants in an app
///      waits the app's delay, whose floor the read-back prints.
abstract contract Classes is AbiReader {
    /// Lets more in, now or later: after a delay.
    string internal constant GRANTS = "grants";
    /// Takes away: at once.
    string internal constant REVOKES = "revokes";
    /// Moves rights or narrows, and lets nobody in by itself: the owner's, at once.
    string internal constant OWNERS = "owner's";
    /// Anybody's: adds something new, or carries out what others decided and signed.
    string internal constant OPEN = "open";

    /// The Governor's own: what a vote has decided, and nobody else.
    string internal constant VOTED = "voted";
    /// A holder's: its own tokens and its own vote.
    string internal constant HOLDERS = "holder's";

    mapping(string contractName => mapping(string functionName => string)) internal _class;
    mapping(string contractName => uint256) internal _classified;

    function _put(string memory contractName, string memory class, string memory name) private {
        assertEq(bytes(_class[contractName][name]).length, 0, name);
        _class[contractName][name] = class;
        ++_classified[contractName];
    }

    function _putAll(string memory contractName, string memory class, string memory names) private {
        string[] memory each = vm.split(names, " ");
        for (uint256 i = 0; i < each.length; ++i) {
            _put(contractName, class, each[i]);
        }
    }

    function _classify() internal {
        _putAll("AttestationRegistry", GRANTS, "openRoot setRootRules acceptAdvisory approveOsImage");
        _putAll("AttestationRegistry", REVOKES, "closeRoot denyAdvisory revokeOsImage");
        _putAll("AttestationRegistry", OWNERS, "setAuthority");
        _putAll(
            "KmsCommittee",
            GRANTS,
            "approveNodeCode assignOperator admitSeat unsuspendSeat removeSeat openEpoch setContracts"
        );
        _putAll("KmsCommittee", REVOKES, "suspendSeat revokeNodeCode cancelContractsChange");
        _putAll("KmsCommittee", OWNERS, "setAuthority");
        _putAll(
            "KmsCommittee",
            OPEN,
            "postCandidate postRecipientKey postRefusal postDealing postConfirmation activateEpoch abortEpoch enterApp moveApp"
        );
        _putAll("AppRegistry", GRANTS, "setPolicy acceptVendor thaw setGuardian moveTo");
        _putAll("AppRegistry", REVOKES, "freeze removeVendor delistKeyVersion cancelPolicyChange cancelMove");
        _putAll("AppRegistry", OWNERS, "offerOwnership takeOwnership lockPolicy rotate");
        _putAll(
            "AppRegistry",
            OPEN,
            "registerApp registerAppWith createApp createPolicy createAllOfPolicy createLicensePolicy deployAndRegisterApp finishMove takeOver"
        );
        _putAll(
            "AllowlistPolicy",
            GRANTS,
            "addComposeHash addDevice approveComposeHash approveInstance approveMeasurement setAllowAnyDevice setAllowAnyInstance setAllowAnyMeasurement setGrantDelay setRequireTcbUpToDate"
        );
        _putAll(
            "AllowlistPolicy",
            REVOKES,
            "removeComposeHash removeDevice revokeComposeHash revokeDevice revokeInstance revokeMeasurement"
        );
        _putAll("AllowlistPolicy", OWNERS, "initialize");
        _putAll("AllOfPolicy", GRANTS, "removeMember");
        _putAll("AllOfPolicy", REVOKES, "cancelRemoval");
        _putAll("AllOfPolicy", OWNERS, "addMember lockMembers");
        _putAll("LicensePolicy", GRANTS, "extend");
        _putAll("LicensePolicy", REVOKES, "cut dropHolding");
        _putAll("IssuanceLog", OPEN, "record reportDropped");
        _putAll("PolicyFactory", OPEN, "makeAllOf makeLicense");
        _putAll("QuorateGovernor", REVOKES, "cancel");
        _putAll(
            "QuorateGovernor",
            VOTED,
            "relay setAccessManagerIgnored setBaseDelaySeconds setLateQuorumVoteExtension setProposalGuardian setProposalThreshold setVotingDelay setVotingPeriod updateQuorumNumerator"
        );
        _putAll(
            "QuorateGovernor",
            OPEN,
            "propose castVote castVoteBySig castVoteWithReason castVoteWithReasonAndParams castVoteWithReasonAndParamsBySig queue execute onERC1155BatchReceived onERC1155Received onERC721Received"
        );
        _putAll("VotesToken", HOLDERS, "transfer transferFrom approve permit delegate delegateBySig");
    }
}

contract Classification_Test is Classes {
    function setUp() external {
        _classify();
    }

    function test_EveryFunctionThatWritesIsClassified() external {
        string[10] memory names = [
            "AttestationRegistry",
            "KmsCommittee",
            "AppRegistry",
            "AllowlistPolicy",
            "AllOfPolicy",
            "LicensePolicy",
            "IssuanceLog",
            "PolicyFactory",
            "QuorateGovernor",
            "VotesToken"
        ];
        for (uint256 k = 0; k < names.length; ++k) {
            Write[] memory writes = _writesOf(names[k]);
            uint256 seen = 0;
            for (uint256 i = 0; i < writes.length; ++i) {
                string memory label = string.concat(names[k], ".", writes[i].name);
                assertNotEq(bytes(_class[names[k]][writes[i].name]).length, 0, string.concat(label, " has no class"));
                // Overloads count once.
                if (i == 0 || keccak256(bytes(writes[i].name)) != keccak256(bytes(writes[i - 1].name))) ++seen;
            }
            assertEq(seen, _classified[names[k]], string.concat(names[k], ": a class for a function that is gone"));
        }
    }

    function test_RolesHaveLabels() external pure {
        assertEq(Roles.labelOf(Roles.ADMIN), "admin");
        assertEq(Roles.labelOf(Roles.GUARDIAN), "guardian");
        assertEq(Roles.labelOf(Roles.GRANTOR), "grantor");
        assertEq(Roles.labelOf(Roles.COMMITTEE), "committee");
    }

    /// What grants in the network is a slow role's, and what takes away the guardian's.
    function test_TheClassesAreTheTablesRoles() external view {
        Duty[] memory duties = Roles.table(address(1), address(2));
        uint256 granting = 0;
        for (uint256 i = 0; i < duties.length; ++i) {
            string memory class =
                _class[duties[i].target == address(1) ? "AttestationRegistry" : "KmsCommittee"][duties[i].name];
            bool isSlow = duties[i].role == Roles.GRANTOR || duties[i].role == Roles.COMMITTEE;
            assertEq(class, isSlow ? GRANTS : REVOKES, duties[i].name);
            if (isSlow) ++granting;
        }
        assertEq(granting, 4 + 7);
    }
}

contract Classification_Voted_Test is GovernanceTest, Classes {
    function setUp() public override {
        super.setUp();
        _classify();
    }

    /// @dev [GOV-4] Nobody but the Governor itself, carrying out a vote.
    function test_OnlyAVoteReachesWhatIsVoted() external {
        address[5] memory callers = [guardianOfNetwork, guardian, owner, voters[0], stranger];
        Write[] memory writes = _writesOf("QuorateGovernor");
        uint256 voted = 0;
        for (uint256 i = 0; i < writes.length; ++i) {
            if (keccak256(bytes(_class["QuorateGovernor"][writes[i].name])) != keccak256(bytes(VOTED))) continue;
            ++voted;
            for (uint256 k = 0; k < callers.length; ++k) {
                vm.prank(callers[k]);
                (bool ok, bytes memory refusal) =
                    address(governor).call(bytes.concat(writes[i].selector, new bytes(5 * 32)));
                assertFalse(ok, writes[i].name);
                assertEq(refusal, abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, callers[k]));
            }
        }
        assertEq(voted, 9);
    }
}
