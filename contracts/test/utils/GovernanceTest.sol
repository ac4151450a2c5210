// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Vm} from "forge-std/Vm.sol";
import {Govern} from "../../../script/Governance.s.sol";
import {GovernorSetup, QuorateGovernor} from "../../src/QuorateGovernor.sol";
import {VotesToken} from "../../src/VotesToken.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {QuorateTest} from "./QuorateTest.sol";

/// @dev The governance script, tested by inheritance: an administrator that applies it to the network of a test.
contract GovernHarness is Govern {
    function apply_(Governance memory g) external {
        _apply(g, address(this));
    }

    function readBack(Governance memory g, Vm.Log[] memory logs) external {
        _readBack(g, logs);
    }

    function soonest(Governance memory g, uint64 role) external view returns (uint256) {
        return _soonest(g, role);
    }

    function readSettings(Governance memory g, string memory toml) external view returns (Governance memory) {
        _readSettings(g, toml);
        return g;
    }

    function deployGovernor(Governance memory g, string memory toml) external returns (QuorateGovernor) {
        return _deployGovernor(g, toml);
    }

    function renounce(AccessManager manager, uint64 role) external {
        manager.renounceRole(role, address(this));
    }

    function grant(AccessManager manager, uint64 role, address account, uint32 delay) external {
        manager.grantRole(role, account, delay);
    }
}

/// @dev A network whose administrator is a Governor of five voters, and an app that the same Governor owns.
abstract contract GovernanceTest is QuorateTest {
    uint32 internal constant GRANT = 48 hours;
    uint32 internal constant COMMITTEE = 7 days;
    uint32 internal constant BASE = 1 days;
    uint48 internal constant VOTING_DELAY = 1 days;
    uint32 internal constant VOTING_PERIOD = 5 days;
    uint32 internal constant TERM = 365 days;

    VotesToken internal token;
    QuorateGovernor internal governor;
    AccessManager internal manager;
    GovernHarness internal harness;
    Vm.Log[] internal history;
    address[5] internal voters;

    function setUp() public virtual override {
        vm.recordLogs();
        super.setUp();
        _genesis();
        manager = AccessManager(attestation.authority());
        VotesToken.Share[] memory shares = new VotesToken.Share[](5);
        for (uint256 i = 0; i < 5; ++i) {
            voters[i] = makeAddr(string.concat("voter ", vm.toString(i)));
            shares[i] = VotesToken.Share(voters[i], 20e18);
        }
        token = new VotesToken("Five", "FIVE", shares);
        governor = new QuorateGovernor(_governorSetup());
        harness = new GovernHarness();
        manager.grantRole(0, address(harness), 0);
        manager.revokeRole(1, address(this));
        manager.renounceRole(0, address(this));
        harness.apply_(_governance());
        vm.prank(owner);
        apps.offerOwnership(appId, address(governor));
        vm.prank(address(governor));
        apps.takeOwnership(appId);
        _keep(vm.getRecordedLogs());
        vm.warp(block.timestamp + 1);
    }

    function _keep(Vm.Log[] memory logs) internal {
        for (uint256 i = 0; i < logs.length; ++i) {
            history.push(logs[i]);
        }
    }

    function _governorSetup() internal view returns (GovernorSetup memory s) {
        (s.name, s.token, s.accessManager, s.appRegistry) = ("Quorate", token, manager, apps);
        (s.votingDelay, s.votingPeriod, s.proposalThreshold) = (VOTING_DELAY, VOTING_PERIOD, 1e18);
        (s.quorumPercent, s.lateQuorumExtension, s.baseDelaySeconds) = (40, 1 days, BASE);
        (s.proposalGuardian, s.guardianTermSeconds) = (guardianOfNetwork, TERM);
    }

    function _governance() internal view returns (Govern.Governance memory g) {
        (g.manager, g.attestation, g.committee, g.apps) = (manager, attestation, committee, apps);
        (g.governor, g.guardian) = (address(governor), guardianOfNetwork);
        (g.grantSeconds, g.committeeSeconds) = (GRANT, COMMITTEE);
    }

    function _attestedWith(bytes32 composeHash) internal view returns (Attested memory attested) {
        attested = _issuance(1).attested;
        attested.boot.composeHash = composeHash;
    }

    /* PROPOSALS */

    struct Calls {
        address[] targets;
        uint256[] values;
        bytes[] calldatas;
    }

    function _call(address target, bytes memory data) internal pure returns (Calls memory c) {
        (c.targets, c.values, c.calldatas) = (new address[](1), new uint256[](1), new bytes[](1));
        (c.targets[0], c.calldatas[0]) = (target, data);
    }

    function _calls(address a, bytes memory dataA, address b, bytes memory dataB)
        internal
        pure
        returns (Calls memory c)
    {
        (c.targets, c.values, c.calldatas) = (new address[](2), new uint256[](2), new bytes[](2));
        (c.targets[0], c.calldatas[0], c.targets[1], c.calldatas[1]) = (a, dataA, b, dataB);
    }

    function _propose(Calls memory c, string memory description) internal returns (uint256 id) {
        vm.prank(voters[0]);
        id = governor.propose(c.targets, c.values, c.calldatas, description);
    }

    /// @dev Three of five vote for it, and the vote ends.
    function _pass(uint256 id) internal {
        vm.warp(governor.proposalSnapshot(id) + 1);
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(voters[i]);
            governor.castVote(id, 1);
        }
        vm.warp(governor.proposalDeadline(id) + 1);
    }

    /// @dev From the vote to the effect.
    function _carry(uint256 id) internal {
        _pass(id);
        governor.queue(id);
        vm.warp(governor.proposalEta(id));
        governor.execute(id);
    }
}
