// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Vm} from "forge-std/Vm.sol";
import {Govern} from "../../../script/Governance.s.sol";
import {AttestationRegistry} from "../../src/AttestationRegistry.sol";
import {QuorateGovernor} from "../../src/QuorateGovernor.sol";
import {Duty, Roles} from "../../src/libraries/Roles.sol";
import {AbiReader} from "../utils/AbiReader.sol";
import {GovernanceTest} from "../utils/GovernanceTest.sol";

contract Govern_Test is GovernanceTest, AbiReader {
    function _readBackExpecting(bytes memory refusal) private {
        vm.stopPrank();
        _keep(vm.getRecordedLogs());
        vm.expectRevert(refusal);
        harness.readBack(_governance(), history);
    }

    /// @dev The Governor is administrator with a delay: what it decided is scheduled and done after it.
    function _decide(bytes memory data) private {
        manager.schedule(address(manager), data, 0);
        vm.warp(block.timestamp + COMMITTEE);
        manager.execute(address(manager), data);
    }

    /// @dev [GOV-8]
    function test_EachFunctionIsItsRoles() external {
        Duty[] memory duties = Roles.table(address(attestation), address(committee));
        for (uint256 i = 0; i < duties.length; ++i) {
            (bool isAtOnce, uint32 delay) = manager.canCall(address(governor), duties[i].target, duties[i].selector);
            uint32 expected = duties[i].role == Roles.GUARDIAN ? 0 : duties[i].role == Roles.GRANTOR ? GRANT : COMMITTEE;
            assertEq(delay, expected, duties[i].name);
            assertEq(isAtOnce, expected == 0, duties[i].name);
            (isAtOnce, delay) = manager.canCall(guardianOfNetwork, duties[i].target, duties[i].selector);
            assertEq(isAtOnce, duties[i].role == Roles.GUARDIAN, duties[i].name);
            assertEq(delay, 0);
            (isAtOnce, delay) = manager.canCall(address(this), duties[i].target, duties[i].selector);
            assertFalse(isAtOnce || delay != 0, "the deployer holds nothing");
        }
        harness.readBack(_governance(), history);
        assertEq(harness.soonest(_governance(), Roles.GRANTOR), GRANT);
        assertEq(harness.soonest(_governance(), Roles.COMMITTEE), COMMITTEE);
    }

    /// @dev [GOV-8] every function of both contracts that is restricted at all is in the table.
    function test_TheTableIsComplete() external {
        string[2] memory names = ["AttestationRegistry", "KmsCommittee"];
        address[2] memory targets = [address(attestation), address(committee)];
        uint256 found = 0;
        for (uint256 k = 0; k < 2; ++k) {
            Write[] memory writes = _writesOf(names[k]);
            Duty[] memory duties = Roles.table(targets[0], targets[1]);
            for (uint256 i = 0; i < writes.length; ++i) {
                bytes4 selector = writes[i].selector;
                // Arguments of nothing but zeroes decode, for any function: the right to call is asked next.
                (bool ok, bytes memory answer) = targets[k].call(bytes.concat(selector, new bytes(1024)));
                if (ok || bytes4(answer) != IAccessManaged.AccessManagedUnauthorized.selector) continue;
                if (selector == IAccessManaged.setAuthority.selector) continue;
                bool isListed = false;
                for (uint256 d = 0; d < duties.length; ++d) {
                    if (duties[d].target == targets[k] && duties[d].selector == selector) isListed = true;
                }
                assertTrue(isListed, writes[i].name);
                ++found;
            }
        }
        assertEq(found, Roles.table(targets[0], targets[1]).length);
    }

    /// @dev [GOV-9]
    function test_RevertWhen_AnotherHoldsARole() external {
        vm.recordLogs();
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.grantRole, (Roles.GRANTOR, stranger, GRANT)));
        _readBackExpecting(abi.encodeWithSelector(Govern.HoldsTooMuch.selector, Roles.GRANTOR, stranger));
    }

    /// @dev [GOV-9]
    function test_RevertWhen_AnotherHoldsAnUnknownRoleLater() external {
        vm.recordLogs();
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.setGrantDelay, (77, 30 days)));
        vm.warp(block.timestamp + 6 days);
        _decide(abi.encodeCall(manager.grantRole, (77, stranger, 0)));
        _readBackExpecting(abi.encodeWithSelector(Govern.HoldsTooMuch.selector, 77, stranger));
    }

    /// @dev [GOV-9] each role of the governor and the guardian's, one at a time.
    function test_RevertWhen_ARoleIsMissing() external {
        address governor_ = address(governor);
        uint64[4] memory roles = [Roles.GUARDIAN, Roles.GRANTOR, Roles.COMMITTEE, Roles.ADMIN];
        for (uint256 i = 0; i < roles.length; ++i) {
            uint256 state = vm.snapshotState();
            vm.prank(governor_);
            manager.renounceRole(roles[i], governor_);
            vm.expectRevert(abi.encodeWithSelector(Govern.HoldsTooLittle.selector, roles[i], governor_));
            harness.readBack(_governance(), history);
            vm.revertToState(state);
        }
        harness.readBack(_governance(), history);
        vm.prank(guardianOfNetwork);
        manager.renounceRole(Roles.GUARDIAN, guardianOfNetwork);
        vm.expectRevert(abi.encodeWithSelector(Govern.HoldsTooLittle.selector, Roles.GUARDIAN, guardianOfNetwork));
        harness.readBack(_governance(), history);
        Govern.Governance memory g = _governance();
        g.guardian = address(0);
        harness.readBack(g, history);
    }

    /// @dev [GOV-8] the deployer gives up what it holds: as governor it would leave the network to nobody.
    function test_RevertWhen_TheGovernorIsTheDeployer() external {
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.grantRole, (Roles.ADMIN, address(harness), 0)));
        vm.stopPrank();
        Govern.Governance memory g = _governance();
        g.governor = address(harness);
        vm.expectRevert(abi.encodeWithSelector(Govern.GovernorIsDeployer.selector, address(harness)));
        harness.apply_(g);
    }

    /// @dev [GOV-9]
    function test_RevertWhen_AHolderWaitsLess() external {
        vm.recordLogs();
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.grantRole, (Roles.ADMIN, address(governor), COMMITTEE - 1)));
        _readBackExpecting(
            abi.encodeWithSelector(
                Govern.DelayTooShort.selector, Roles.ADMIN, address(governor), COMMITTEE, COMMITTEE - 1
            )
        );
    }

    /// @dev [GOV-9]
    function test_RevertWhen_AFunctionIsAnothers() external {
        bytes4[] memory one = new bytes4[](1);
        one[0] = attestation.openRoot.selector;
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.setTargetFunctionRole, (address(attestation), one, Roles.GUARDIAN)));
        _readBackExpecting(
            abi.encodeWithSelector(
                Govern.WrongRole.selector, address(attestation), one[0], Roles.GRANTOR, Roles.GUARDIAN
            )
        );
    }

    /// @dev [GOV-9]
    function test_RevertWhen_AFunctionBeyondTheTableIsGiven() external {
        bytes4[] memory one = new bytes4[](1);
        one[0] = manager.grantRole.selector;
        vm.recordLogs();
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.setTargetFunctionRole, (address(manager), one, Roles.GUARDIAN)));
        _readBackExpecting(
            abi.encodeWithSelector(Govern.WrongRole.selector, address(manager), one[0], Roles.ADMIN, Roles.GUARDIAN)
        );
    }

    /// @dev [GOV-9]
    function test_RevertWhen_ARoleHasAnotherGuardianOrAdmin() external {
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.setRoleGuardian, (Roles.GRANTOR, 5)));
        _readBackExpecting(
            abi.encodeWithSelector(Govern.WrongRoleGuardian.selector, Roles.GRANTOR, Roles.GUARDIAN, uint64(5))
        );
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.setRoleAdmin, (Roles.GUARDIAN, 5)));
        _readBackExpecting(abi.encodeWithSelector(Govern.WrongRoleAdmin.selector, Roles.GUARDIAN, uint64(5)));
    }

    /// @dev [GOV-9]
    function test_RevertWhen_AContractObeysAnother() external {
        vm.startPrank(address(governor));
        _decide(abi.encodeCall(manager.updateAuthority, (address(committee), address(apps))));
        _readBackExpecting(abi.encodeWithSelector(Govern.WrongAuthority.selector, address(committee), address(apps)));
    }

    /// @dev [GOV-9]
    function test_RevertWhen_TheHistoryBeginsTooLate() external {
        vm.expectRevert(Govern.HistoryIncomplete.selector);
        harness.readBack(_governance(), new Vm.Log[](0));
    }

    /// @dev [GOV-8] A18
    function test_RevertWhen_DelaysAreBelowTheLeast() external {
        AttestationRegistry real = new AttestationRegistry(address(manager), false);
        Govern.Governance memory g = _governance();
        (g.attestation, g.grantSeconds) = (real, GRANT - 1);
        vm.expectRevert(abi.encodeWithSelector(Govern.DelayBelowLeast.selector, GRANT, GRANT - 1));
        harness.apply_(g);
        (g.grantSeconds, g.committeeSeconds) = (GRANT, COMMITTEE - 1);
        vm.expectRevert(abi.encodeWithSelector(Govern.DelayBelowLeast.selector, COMMITTEE, COMMITTEE - 1));
        harness.apply_(g);
    }

    function test_ReadsTheFile() external {
        string memory toml = string.concat(
            "guardian = \"0x0000000000000000000000000000000000000007\"\ngrant_seconds = 5\ncommittee_seconds = 6\n",
            "name = \"DAO\"\nvoting_delay = 1\nvoting_period = 2\nproposal_threshold = 3\nquorum_percent = 4\n",
            "late_quorum_extension = 0\nbase_delay_seconds = 8\nguardian_term_seconds = 9\n",
            "[token]\nname = \"Votes\"\nsymbol = \"V\"\nholders = [\"0x0000000000000000000000000000000000000009\"]\namounts = [10]\n"
        );
        Govern.Governance memory g = harness.readSettings(_governance(), toml);
        assertEq(g.guardian, address(7));
        assertEq(g.grantSeconds, 5);
        assertEq(g.committeeSeconds, 6);
        QuorateGovernor made = harness.deployGovernor(g, toml);
        assertEq(made.baseDelaySeconds(), 8);
        assertEq(made.guardianTermEndsAt(), block.timestamp + 9);
        assertEq(made.proposalGuardian(), address(7));
        assertEq(made.token().getVotes(address(9)), 10);
        g = harness.readSettings(g, string.concat("governor = \"0x0000000000000000000000000000000000000008\"\n", toml));
        assertEq(g.governor, address(8));
    }
}
