// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {GovernorSetup, QuorateGovernor} from "../../src/QuorateGovernor.sol";
import {VotesToken} from "../../src/VotesToken.sol";
import {ZeroValue} from "../../src/interfaces/Errors.sol";
import {GovernanceTest} from "../utils/GovernanceTest.sol";

contract QuorateGovernor_Test is GovernanceTest {
    bytes32 private constant NEW = keccak256("new compose");

    function _approve() private view returns (Calls memory) {
        return _call(address(policy), abi.encodeCall(policy.approveComposeHash, (NEW, "ipfs://new")));
    }

    function _allows(bytes32 composeHash) private view returns (bool allowed) {
        (allowed,) = apps.isAllowed(_attestedWith(composeHash));
    }

    function _expectNoCancel(uint256 id, address caller) private {
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, caller));
        vm.prank(caller);
        governor.cancel(id);
    }

    /* AN APP */

    /// @dev [GOV-5] P8
    function test_AVoteOpensAComposeHashAfterTheDelays() external {
        uint256 id = _propose(_approve(), "# Open the new code");
        _pass(id);
        governor.queue(id);
        uint256 eta = governor.proposalEta(id);
        assertEq(eta, block.timestamp + BASE);
        vm.warp(eta - 1);
        vm.expectRevert();
        governor.execute(id);
        vm.warp(eta);
        governor.execute(id);
        assertFalse(_allows(NEW));
        vm.warp(eta + FLOOR - 1);
        assertFalse(_allows(NEW));
        vm.warp(eta + FLOOR);
        assertTrue(_allows(NEW));
        vm.prank(guardian);
        policy.revokeComposeHash(NEW, 2);
        assertFalse(_allows(NEW), "the guardian revokes at once");
    }

    function test_RevertWhen_TheVoteFails() external {
        uint256 id = _propose(_approve(), "# Nobody comes");
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(voters[0]);
        governor.castVote(id, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        vm.expectRevert();
        governor.queue(id);
    }

    /// Whoever comes late leaves the others a day.
    function test_AQuorumInTheLastSecondExtendsTheVote() external {
        uint256 id = _propose(_approve(), "# In the last second");
        uint256 end = governor.proposalDeadline(id);
        vm.warp(end - 1);
        vm.prank(voters[0]);
        governor.castVote(id, 1);
        assertEq(governor.proposalDeadline(id), end);
        vm.prank(voters[1]);
        governor.castVote(id, 1);
        assertEq(governor.proposalDeadline(id), end - 1 + 1 days);
    }

    /// Where nothing waits, nothing is queued.
    function test_WithoutDelaysNothingIsQueued() external {
        Calls memory c = _call(stranger, "");
        assertTrue(governor.proposalNeedsQueuing(_propose(c, "# Waits")));
        GovernorSetup memory s = _governorSetup();
        s.baseDelaySeconds = 0;
        QuorateGovernor swift = new QuorateGovernor(s);
        vm.prank(voters[0]);
        uint256 id = swift.propose(c.targets, c.values, c.calldatas, "# Does not");
        assertFalse(swift.proposalNeedsQueuing(id));
    }

    /* THE NETWORK */

    /// @dev [GOV-8]
    function test_AVoteOnTheNetworkWaitsItsDelay() external {
        bytes32 image = keccak256("image");
        uint256 id = _propose(
            _call(address(attestation), abi.encodeCall(attestation.approveOsImage, (image, ""))), "# New OS image"
        );
        _pass(id);
        governor.queue(id);
        assertEq(governor.proposalEta(id), block.timestamp + GRANT);
        vm.warp(block.timestamp + GRANT - 1);
        vm.expectRevert();
        governor.execute(id);
        vm.warp(block.timestamp + 1);
        governor.execute(id);
        assertTrue(attestation.isOsImageApproved(image));
    }

    function test_TheGuardianCancelsAGrantOfTheNetwork() external {
        bytes memory data = abi.encodeCall(attestation.approveOsImage, (keccak256("image"), ""));
        uint256 id = _propose(_call(address(attestation), data), "# New OS image");
        _pass(id);
        governor.queue(id);
        vm.prank(guardianOfNetwork);
        manager.cancel(address(governor), address(attestation), data);
        vm.warp(governor.proposalEta(id));
        vm.expectRevert();
        governor.execute(id);
    }

    /// @dev [GOV-7] A24
    function test_TheGuardianCantCancelItsReplacementInTheManager() external {
        bytes memory data = abi.encodeCall(IAccessManager.revokeRole, (1, guardianOfNetwork));
        uint256 id = _propose(_call(address(manager), data), "# Another guardian of the network");
        assertTrue(governor.replacesGuardiansOnly(id));
        _pass(id);
        governor.queue(id);
        vm.prank(guardianOfNetwork);
        vm.expectRevert();
        manager.cancel(address(governor), address(manager), data);
        _expectNoCancel(id, guardianOfNetwork);
        vm.warp(governor.proposalEta(id));
        governor.execute(id);
        (bool isMember,) = manager.hasRole(1, guardianOfNetwork);
        assertFalse(isMember);
    }

    /* CANCEL */

    /// @dev [GOV-6]
    function test_TheProposalGuardianCancelsAHostileProposal() external {
        uint256 id = _propose(_approve(), "# Nothing to see");
        _expectNoCancel(id, stranger);
        _pass(id);
        governor.queue(id);
        vm.prank(guardianOfNetwork);
        governor.cancel(id);
        vm.warp(block.timestamp + 30 days);
        vm.expectRevert();
        governor.execute(id);
        assertFalse(_allows(NEW));
    }

    /// @dev [GOV-7] A24
    function test_TheProposalGuardianCantCancelItsReplacement() external {
        uint256 id = _propose(
            _calls(
                address(governor),
                abi.encodeCall(governor.setProposalGuardian, (stranger)),
                address(apps),
                abi.encodeCall(apps.setGuardian, (appId, stranger))
            ),
            "# Another guardian"
        );
        _expectNoCancel(id, guardianOfNetwork);
        _pass(id);
        _expectNoCancel(id, guardianOfNetwork);
        governor.queue(id);
        _expectNoCancel(id, guardianOfNetwork);
        vm.warp(governor.proposalEta(id));
        governor.execute(id);
        assertEq(governor.proposalGuardian(), stranger);
        vm.warp(block.timestamp + FLOOR);
        assertEq(apps.guardianOf(appId), stranger);
    }

    /// @dev [GOV-7] A24: proposing it first, word for word, gives the guardian no longer reach than any proposer has.
    function test_AGuardianWhoProposesItsReplacementCantCancelItLate() external {
        vm.prank(voters[4]);
        assertTrue(token.transfer(guardianOfNetwork, 10e18));
        vm.prank(guardianOfNetwork);
        token.delegate(guardianOfNetwork);
        vm.warp(block.timestamp + 1);
        Calls memory c = _call(address(governor), abi.encodeCall(governor.setProposalGuardian, (stranger)));
        vm.prank(guardianOfNetwork);
        uint256 id = governor.propose(c.targets, c.values, c.calldatas, "# Another guardian");
        _pass(id);
        _expectNoCancel(id, guardianOfNetwork);
        c = _call(address(governor), abi.encodeCall(governor.setProposalGuardian, (owner)));
        vm.prank(guardianOfNetwork);
        id = governor.propose(c.targets, c.values, c.calldatas, "# One more");
        vm.prank(guardianOfNetwork);
        governor.cancel(id);
        assertEq(uint8(governor.state(id)), uint8(IGovernor.ProposalState.Canceled), "pending, by its proposer");
    }

    /// @dev [GOV-7] A24
    function test_NothingRidesAlong() external {
        bytes memory change = abi.encodeCall(governor.setProposalGuardian, (guardianOfNetwork));
        Calls[9] memory all = [
            _calls(address(governor), change, address(policy), _approve().calldatas[0]),
            _call(address(governor), abi.encodeCall(governor.setBaseDelaySeconds, (0))),
            _call(address(manager), abi.encodeCall(IAccessManager.grantRole, (2, stranger, 0))),
            _call(address(manager), abi.encodeCall(IAccessManager.labelRole, (1, "x"))),
            _call(address(apps), abi.encodeCall(apps.setPolicy, (appId, stranger))),
            _call(address(policy), abi.encodeCall(apps.setGuardian, (appId, stranger))),
            _call(address(governor), ""),
            _call(address(governor), change),
            _call(stranger, abi.encodeCall(IAccessManager.grantRole, (1, stranger, 0)))
        ];
        all[7].values[0] = 1;
        for (uint256 i = 0; i < all.length; ++i) {
            uint256 id = _propose(all[i], vm.toString(i));
            assertFalse(governor.replacesGuardiansOnly(id), vm.toString(i));
            vm.prank(guardianOfNetwork);
            governor.cancel(id);
        }
    }

    /// @dev [GOV-6]
    function test_TheTermEndsAndBeginsByVote() external {
        vm.warp(governor.guardianTermEndsAt() - 1);
        assertEq(governor.proposalGuardian(), guardianOfNetwork);
        uint256 id = _propose(_approve(), "# Late");
        vm.warp(governor.guardianTermEndsAt());
        assertEq(governor.proposalGuardian(), address(0));
        _expectNoCancel(id, guardianOfNetwork);
        vm.prank(voters[0]);
        governor.cancel(id);
        _carry(
            _propose(
                _call(address(governor), abi.encodeCall(governor.setProposalGuardian, (guardianOfNetwork))), "# Again"
            )
        );
        assertEq(governor.proposalGuardian(), guardianOfNetwork);
        assertEq(governor.guardianTermEndsAt(), block.timestamp + TERM);
    }

    function test_RevertWhen_NotByVote() external {
        vm.prank(guardianOfNetwork);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, guardianOfNetwork));
        governor.setProposalGuardian(guardianOfNetwork);
        assertEq(governor.guardianTermEndsAt(), _termEnd());
    }

    /* ROUTES */

    /// @dev [GOV-5]
    function test_OnlyWhatTheManagerGuardsGoesThroughIt() external {
        assertFalse(governor.isAccessManagerIgnored(address(attestation), attestation.openRoot.selector));
        assertFalse(governor.isAccessManagerIgnored(address(manager), IAccessManager.grantRole.selector));
        assertTrue(governor.isAccessManagerIgnored(address(policy), policy.approveComposeHash.selector));
        assertTrue(governor.isAccessManagerIgnored(address(governor), governor.setVotingDelay.selector));
        assertTrue(governor.isAccessManagerIgnored(stranger, bytes4(0)));
        // A vote may send one of its own functions through the manager.
        bytes4[] memory one = new bytes4[](1);
        one[0] = governor.setVotingDelay.selector;
        vm.prank(address(governor));
        governor.setAccessManagerIgnored(address(governor), one, false);
        assertFalse(governor.isAccessManagerIgnored(address(governor), governor.setVotingDelay.selector));
    }

    /// @dev [GOV-7]
    function test_NamingAGuardianOfTheNetworkReplacesOne() external {
        bytes memory data = abi.encodeCall(IAccessManager.grantRole, (1, stranger, 0));
        assertTrue(governor.replacesGuardiansOnly(_propose(_call(address(manager), data), "# One more guardian")));
    }

    function test_SaysWhatIndexersKeyOn() external view {
        assertEq(governor.COUNTING_MODE(), "support=bravo&quorum=for,abstain");
        assertEq(governor.CLOCK_MODE(), "mode=timestamp");
        assertEq(governor.name(), "Quorate");
        assertEq(governor.quorum(block.timestamp - 1), 40e18);
        assertEq(governor.proposalThreshold(), 1e18);
    }

    function test_RevertWhen_BadlyMade() external {
        GovernorSetup memory s = _governorSetup();
        s.quorumPercent = 0;
        vm.expectRevert(ZeroValue.selector);
        new QuorateGovernor(s);
        s = _governorSetup();
        s.guardianTermSeconds = 0;
        vm.expectRevert(ZeroValue.selector);
        new QuorateGovernor(s);
    }

    function _termEnd() private view returns (uint256) {
        return block.timestamp - 1 + TERM;
    }
}

contract VotesToken_Test is GovernanceTest {
    function test_HoldersVoteForThemselves() external view {
        assertEq(token.totalSupply(), 100e18);
        assertEq(token.getVotes(voters[3]), 20e18);
        assertEq(token.nonces(voters[3]), 0);
    }

    function test_APermitIsUsedUp() external {
        (address holder, uint256 key) = makeAddrAndKey("holder");
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 permit = keccak256(abi.encode(typeHash, holder, stranger, 3, 0, block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), permit)));
        token.permit(holder, stranger, 3, block.timestamp, v, r, s);
        assertEq(token.allowance(holder, stranger), 3);
        assertEq(token.nonces(holder), 1);
    }

    function test_RevertWhen_NobodyHolds() external {
        VotesToken.Share[] memory shares = new VotesToken.Share[](0);
        vm.expectRevert(ZeroValue.selector);
        new VotesToken("x", "X", shares);
        shares = new VotesToken.Share[](1);
        shares[0] = VotesToken.Share(stranger, 0);
        vm.expectRevert(ZeroValue.selector);
        new VotesToken("x", "X", shares);
        shares[0] = VotesToken.Share(address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0)));
        new VotesToken("x", "X", shares);
    }

    /// A25: votes count at a past second, so that what is lent for one transaction votes nothing.
    function test_ALentBalanceVotesNothing() external {
        Calls memory c = _call(stranger, "");
        uint256 id = _propose(c, "# Lent");
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(voters[1]);
        assertTrue(token.transfer(stranger, 20e18));
        vm.startPrank(stranger);
        token.delegate(stranger);
        assertEq(governor.castVote(id, 1), 0);
    }
}
