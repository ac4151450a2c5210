// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AllOfPolicy} from "../../src/AllOfPolicy.sol";
import {AlreadySet, NothingToRevoke, Unauthorized} from "../../src/interfaces/Errors.sol";
import {IAllOfPolicy} from "../../src/interfaces/IAllOfPolicy.sol";
import {AppBootInfo} from "../../src/interfaces/IAppAuth.sol";
import {IAppPolicy} from "../../src/interfaces/IAppPolicy.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {DstackApp} from "../utils/DstackApp.sol";
import {Hostile} from "../utils/Hostile.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract AllOfPolicy_Test is QuorateTest {
    DstackApp private _theirs;
    AllOfPolicy private _both;

    function setUp() public override {
        super.setUp();
        _theirs = new DstackApp(stranger);
        _both = _make(address(policy), address(_theirs));
        vm.prank(owner);
        apps.setPolicy(appId, address(_both));
        vm.warp(block.timestamp + FLOOR);
    }

    function _make(address a, address b) private returns (AllOfPolicy) {
        address[] memory members = new address[](2);
        (members[0], members[1]) = (a, b);
        return new AllOfPolicy(apps, appId, FLOOR, members);
    }

    function _attested() private view returns (Attested memory) {
        return _issuance(1).attested;
    }

    function _assertAnswer(string memory expected) private view {
        (bool allowed, string memory reason) = apps.isAllowed(_attested());
        assertEq(reason, expected);
        assertEq(allowed, bytes(expected).length == 0);
    }

    /// @dev [GOV-1]
    function testFuzz_AllowsIfAndOnlyIfEachMemberAllows(bool first, bool second) external {
        if (!first) {
            vm.prank(guardian);
            policy.revokeComposeHash(COMPOSE, 1);
        }
        _theirs.answer(second, second ? "" : "theirs says no");
        _assertAnswer(!first ? "Compose hash not allowed" : second ? "" : "theirs says no");
        assertTrue(apps.appInfo(appId).isForeign, "the registry did not make it");
    }

    /// @dev [GOV-1] A23
    function test_AHostileMemberDenies() external {
        for (uint8 manner = 0; manner < 5; ++manner) {
            AllOfPolicy hostile = _make(address(policy), address(new Hostile(manner)));
            AppBootInfo memory boot = _attested().boot;
            (bool allowed, string memory reason) = hostile.isAppAllowed{gas: 250_000}(boot);
            assertFalse(allowed);
            assertEq(reason, "Policy gives no answer");
        }
    }

    function test_EightListsFitInAJudgement() external {
        vm.startPrank(owner);
        for (uint256 i = 0; i < 6; ++i) {
            _both.addMember(apps.createPolicy(appId, _setupOf(COMPOSE)));
        }
        address ninth = apps.createPolicy(appId, _setupOf(COMPOSE));
        vm.expectRevert(abi.encodeWithSelector(IAllOfPolicy.TooManyMembers.selector, 8));
        _both.addMember(ninth);
        vm.stopPrank();
        Attested memory attested = _attested();
        vm.cool(address(apps));
        vm.cool(address(_both));
        vm.cool(address(attestation));
        address[] memory members = _both.members();
        for (uint256 i = 0; i < members.length; ++i) {
            vm.cool(members[i]);
        }
        (bool allowed,) = apps.isAllowed{gas: 250_000}(attested);
        assertTrue(allowed);
    }

    function test_RevertWhen_BadlyMade() external {
        address[] memory members = new address[](0);
        vm.expectRevert(IAllOfPolicy.LastMember.selector);
        new AllOfPolicy(apps, appId, FLOOR, members);
        members = new address[](1);
        members[0] = stranger;
        vm.expectRevert(abi.encodeWithSelector(IAppPolicy.NotAPolicy.selector, stranger));
        new AllOfPolicy(apps, appId, FLOOR, members);
        vm.expectRevert(AlreadySet.selector);
        _make(address(policy), address(policy));
        members[0] = address(policy);
        vm.expectRevert(abi.encodeWithSelector(IAppPolicy.DelayBelowFloor.selector, FLOOR, FLOOR - 1));
        new AllOfPolicy(apps, appId, FLOOR - 1, members);
    }

    /// @dev [GOV-2]
    function test_AddingNarrowsAtOnce() external {
        DstackApp third = new DstackApp(stranger);
        third.answer(false, "third says no");
        _assertAnswer("");
        (uint64 seq,) = _both.trail();
        vm.expectEmit(address(_both));
        emit IAllOfPolicy.MemberAdded(appId, address(third), seq + 1);
        vm.prank(owner);
        _both.addMember(address(third));
        _assertAnswer("third says no");
        vm.startPrank(owner);
        vm.expectRevert(AlreadySet.selector);
        _both.addMember(address(third));
        vm.expectRevert(abi.encodeWithSelector(IAppPolicy.NotAPolicy.selector, address(_both)));
        _both.addMember(address(_both));
    }

    /// @dev [GOV-2]
    function testFuzz_RemovingWidensAfterTheDelay(uint32 wait) external {
        wait = uint32(bound(wait, 0, FLOOR - 1));
        _theirs.answer(false, "no");
        uint64 from = uint64(block.timestamp + FLOOR);
        (uint64 seq,) = _both.trail();
        vm.expectEmit(address(_both));
        emit IAllOfPolicy.MemberRemoved(appId, address(_theirs), from, seq + 1);
        vm.prank(owner);
        _both.removeMember(address(_theirs));
        assertEq(_both.removedFrom(address(_theirs)), from);
        vm.warp(block.timestamp + wait);
        _assertAnswer("no");
        vm.warp(from);
        _assertAnswer("");
        assertEq(_both.members().length, 1);
        vm.prank(owner);
        _both.addMember(address(_theirs));
        _assertAnswer("no");
        assertEq(_both.removedFrom(address(_theirs)), 0);
        assertEq(_both.removedFrom(stranger), 0, "nobody's removal");
    }

    /// What was removed takes no place, whichever it was, and comes back as a new member.
    function test_RemovedMembersAreForgotten() external {
        address[] memory made = new address[](9);
        vm.startPrank(owner);
        for (uint256 i = 0; i < 9; ++i) {
            made[i] = apps.createPolicy(appId, _setupOf(COMPOSE));
            if (i < 6) _both.addMember(made[i]);
        }
        _both.removeMember(address(policy));
        _both.removeMember(made[3]);
        vm.warp(block.timestamp + FLOOR);
        for (uint256 i = 6; i < 8; ++i) {
            _both.addMember(made[i]);
        }
        address[] memory members = _both.members();
        assertEq(members.length, 8);
        for (uint256 i = 0; i < members.length; ++i) {
            assertTrue(members[i] != address(policy) && members[i] != made[3]);
        }
        vm.expectRevert(abi.encodeWithSelector(IAllOfPolicy.TooManyMembers.selector, 8));
        _both.addMember(made[8]);
        _both.removeMember(made[0]);
        vm.warp(block.timestamp + FLOOR);
        (uint64 seq,) = _both.trail();
        vm.expectEmit(address(_both));
        emit IAllOfPolicy.MemberAdded(appId, made[0], seq + 1);
        _both.addMember(made[0]);
    }

    /// No function leads there: one member always stays. Should there be none all the same, nobody is let in.
    function test_WithoutMembersNobodyBoots() external {
        uint256 slotOfMembers = 1;
        assertEq(vm.load(address(_both), bytes32(slotOfMembers)), bytes32(uint256(2)));
        vm.store(address(_both), bytes32(slotOfMembers), 0);
        _assertAnswer("No member policy");
    }

    function test_RevertWhen_RemovingTheLast() external {
        vm.startPrank(owner);
        _both.removeMember(address(_theirs));
        vm.expectRevert(IAllOfPolicy.LastMember.selector);
        _both.removeMember(address(policy));
        vm.expectRevert(AlreadySet.selector);
        _both.removeMember(address(_theirs));
        vm.expectRevert(NothingToRevoke.selector);
        _both.removeMember(stranger);
        vm.warp(block.timestamp + FLOOR);
        vm.expectRevert(IAllOfPolicy.LastMember.selector);
        _both.removeMember(address(policy));
    }

    /// @dev [GOV-2]
    function test_TheGuardianCancelsARemoval() external {
        vm.prank(owner);
        _both.removeMember(address(_theirs));
        (uint64 seq,) = _both.trail();
        vm.expectEmit(address(_both));
        emit IAllOfPolicy.MemberRemovalCancelled(appId, address(_theirs), 4, seq + 1);
        vm.prank(guardian);
        _both.cancelRemoval(address(_theirs), 4);
        vm.warp(block.timestamp + FLOOR);
        assertEq(_both.members().length, 2);
        vm.startPrank(owner);
        vm.expectRevert(NothingToRevoke.selector);
        _both.cancelRemoval(address(_theirs), 4);
        vm.expectRevert(NothingToRevoke.selector);
        _both.cancelRemoval(stranger, 4);
        _both.removeMember(address(_theirs));
        _both.addMember(address(_theirs));
        assertEq(_both.removedFrom(address(_theirs)), 0, "adding it cancels its removal");
        _both.removeMember(address(_theirs));
        vm.warp(block.timestamp + FLOOR);
        vm.expectRevert(NothingToRevoke.selector);
        _both.cancelRemoval(address(_theirs), 4);
    }

    function test_LockedMembersStay() external {
        vm.startPrank(owner);
        _both.removeMember(address(_theirs));
        vm.expectRevert(abi.encodeWithSelector(IAllOfPolicy.RemovalPending.selector, address(_theirs)));
        _both.lockMembers();
        vm.warp(block.timestamp + FLOOR);
        (uint64 seq,) = _both.trail();
        vm.expectEmit(address(_both));
        emit IAllOfPolicy.MembersLocked(appId, seq + 1);
        _both.lockMembers();
        assertTrue(_both.isLocked());
        vm.expectRevert(IAllOfPolicy.MembersAreLocked.selector);
        _both.removeMember(address(_theirs));
        vm.expectRevert(IAllOfPolicy.MembersAreLocked.selector);
        _both.addMember(address(attestation));
        vm.expectRevert(IAllOfPolicy.MembersAreLocked.selector);
        _both.lockMembers();
    }

    /// @dev [GOV-4]
    function test_RevertWhen_NotTheOwner() external {
        vm.startPrank(guardian);
        bytes memory refusal = abi.encodeWithSelector(Unauthorized.selector, guardian);
        vm.expectRevert(refusal);
        _both.addMember(address(attestation));
        vm.expectRevert(refusal);
        _both.removeMember(address(_theirs));
        vm.expectRevert(refusal);
        _both.lockMembers();
        vm.stopPrank();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, stranger));
        _both.cancelRemoval(address(_theirs), 0);
    }

    function test_PeopleAreTheRegistrysAndMoveWithIt() external {
        assertEq(_both.owner(), owner);
        assertEq(_both.guardian(), guardian);
        assertTrue(_both.supportsInterface(0x1e079198));
        assertTrue(_both.supportsInterface(0x01ffc9a7));
        assertFalse(_both.supportsInterface(0x8fd37527));
        vm.prank(owner);
        apps.offerOwnership(appId, stranger);
        vm.prank(stranger);
        apps.takeOwnership(appId);
        assertEq(_both.owner(), stranger);
    }
}
