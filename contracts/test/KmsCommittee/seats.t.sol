// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {AppRegistry} from "../../src/AppRegistry.sol";
import {AttestationRegistry} from "../../src/AttestationRegistry.sol";
import {IssuanceLog} from "../../src/IssuanceLog.sol";
import {KmsCommittee} from "../../src/KmsCommittee.sol";
import {AlreadySet, NothingToRevoke, ZeroValue} from "../../src/interfaces/Errors.sol";
import {RootRules} from "../../src/interfaces/IAttestationRegistry.sol";
import {KnownRoots} from "../../src/libraries/KnownRoots.sol";
import {CandidateInfo, IKmsCommittee, SeatInfo} from "../../src/interfaces/IKmsCommittee.sol";
import {Anchor, Candidate, Issuance, SeatSignature} from "../../src/interfaces/Statements.sol";
import {IIssuanceLog} from "../../src/interfaces/IIssuanceLog.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract KmsCommittee_Seats_Test is QuorateTest {
    /* CANDIDATES */

    function test_AnyoneMaySendACandidate() external {
        Candidate memory c = _candidate(1);
        bytes memory signature = _sign(1, hasher.hash(c));
        vm.expectEmit(address(committee));
        (uint64 seq,) = committee.trail();
        emit IKmsCommittee.CandidatePosted(c.signer, hasher.hash(c), c.operator, c, _evidence(1), seq + 1);
        vm.prank(stranger);
        bytes32 id = committee.postCandidate(c, signature, _evidence(1));
        assertEq(id, hasher.hash(c));
        CandidateInfo memory info = committee.candidate(c.signer);
        assertEq(info.candidateId, id);
        assertEq(info.endpoint, c.endpoint);
        assertEq(info.expiresAt, block.timestamp + 30 days);
        assertEq(info.operator, c.operator);
        assertEq(info.sealing, c.sealing);
        assertEq(info.root, c.root);
        assertEq(info.osImageHash, c.osImageHash);
        assertEq(info.composeHash, c.composeHash);
        assertEq(info.checkpoint.number, c.checkpoint.number);
        assertEq(info.evidenceHash, c.evidenceHash);
        assertEq(info.seat, 0);
        _admitPosted(1);
        assertEq(committee.candidate(c.signer).seat, 1);
    }

    function _admitPosted(uint16 seat) private {
        committee.assignOperator(_signer(seat), _operator(seat));
        committee.admitSeat(_signer(seat));
    }

    /// What is just allowed: an endpoint of 256 bytes, a checkpoint in this block, the last second of thirty days.
    function test_BoundsOfACandidate() external {
        Candidate memory c = _candidate(1);
        c.endpoint = string(new bytes(256));
        c.checkpoint.number = uint64(block.number);
        bytes memory signature = _sign(1, hasher.hash(c));
        committee.postCandidate(c, signature, _evidence(1));
        vm.expectRevert(
            abi.encodeWithSelector(IKmsCommittee.StaleCandidate.selector, c.checkpoint.number, c.checkpoint.number)
        );
        committee.postCandidate(c, signature, _evidence(1));
        vm.warp(block.timestamp + 30 days);
        _admitPosted(1);
        c = _candidate(2);
        c.checkpoint = Anchor(0, blockhash(0));
        committee.postCandidate(c, _sign(2, hasher.hash(c)), _evidence(2));
        assertEq(committee.candidate(c.signer).candidateId, hasher.hash(c), "nothing older is there");
    }

    function test_RevertWhen_CandidateIsForged() external {
        Candidate memory c = _candidate(1);
        bytes memory signature = _sign(2, hasher.hash(c));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.InvalidSignature.selector, _signer(1), _signer(2)));
        committee.postCandidate(c, signature, _evidence(1));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.InvalidSignature.selector, _signer(1), address(0)));
        committee.postCandidate(c, hex"00", _evidence(1));
        // What nobody signed is not the zero address's.
        Candidate memory nobody = _candidate(1);
        nobody.signer = address(0);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.InvalidSignature.selector, address(0), address(0)));
        committee.postCandidate(nobody, hex"00", _evidence(1));
        signature = _sign(1, hasher.hash(c));
        vm.expectRevert(
            abi.encodeWithSelector(IKmsCommittee.HashMismatch.selector, c.evidenceHash, keccak256(_evidence(2)))
        );
        committee.postCandidate(c, signature, _evidence(2));
    }

    function test_RevertWhen_CheckpointIsInTheFuture() external {
        Candidate memory c = _candidate(1);
        c.checkpoint.number = uint64(block.number + 1);
        bytes memory signature = _sign(1, hasher.hash(c));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.CheckpointInFuture.selector, block.number + 1));
        committee.postCandidate(c, signature, _evidence(1));
    }

    /// An old statement, sent again by anyone, does not replace a newer one.
    function test_RevertWhen_CandidateIsStale() external {
        Candidate memory old = _candidate(1);
        bytes memory signature = _sign(1, hasher.hash(old));
        committee.postCandidate(old, signature, _evidence(1));
        vm.roll(block.number + 1);
        _post(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IKmsCommittee.StaleCandidate.selector, old.checkpoint.number + 1, old.checkpoint.number
            )
        );
        committee.postCandidate(old, signature, _evidence(1));
    }

    function test_RevertWhen_EndpointIsTooLong() external {
        Candidate memory c = _candidate(1);
        c.endpoint = string(new bytes(257));
        bytes memory signature = _sign(1, hasher.hash(c));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.EndpointTooLong.selector, 256, 257));
        committee.postCandidate(c, signature, _evidence(1));
    }

    /* ADMISSION */

    function test_AdmitsInOrder() external {
        _admitAll();
        assertEq(committee.seatCount(), N);
        SeatInfo memory s = committee.seat(3);
        assertEq(s.signer, _signer(3));
        assertEq(s.vendor, _vendor(1));
        assertEq(s.operator, _operator(3));
        assertEq(s.endpoint, "http://127.0.0.1:8101");
        assertEq(s.root, _root(1));
        assertEq(s.sealing, 1);
        assertEq(s.candidateId, committee.candidate(_signer(3)).candidateId);
        assertEq(s.evidenceHash, keccak256(_evidence(3)));
        assertFalse(s.isSuspended || s.isRemoved);
        assertEq(committee.operatorOf(_signer(3)), _operator(3));
        assertTrue(committee.isNodeCodeApproved(OS_IMAGE, NODE_CODE));
        assertFalse(committee.isNodeCodeApproved(OS_IMAGE, "another"));
        assertEq(committee.seatIdOf(_signer(3)), 3);
        committee.removeSeat(5, 1);
        assertTrue(committee.seat(5).isRemoved);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.SeatIsRemoved.selector, 5));
        committee.removeSeat(5, 1);
        committee.suspendSeat(4, 1);
        assertTrue(committee.seat(4).isSuspended);
        _admit(6);
        assertEq(committee.seatIdOf(_signer(6)), 6, "an id is never given twice");
    }

    function test_RevertGiven_NotACandidate() external {
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.UnknownCandidate.selector, stranger));
        committee.admitSeat(stranger);
    }

    function test_RevertGiven_CandidateExpired() external {
        committee.assignOperator(_signer(1), _operator(1));
        _post(1);
        uint256 end = block.timestamp + 30 days;
        vm.warp(end + 1);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.CandidateExpired.selector, _signer(1), end));
        committee.admitSeat(_signer(1));
    }

    function test_RevertGiven_OperatorNotAssigned() external {
        _post(1);
        bytes32 claimed = _operator(1);
        vm.expectRevert(
            abi.encodeWithSelector(IKmsCommittee.OperatorNotAssigned.selector, _signer(1), bytes32(0), claimed)
        );
        committee.admitSeat(_signer(1));
        committee.assignOperator(_signer(1), "another");
        vm.expectRevert(
            abi.encodeWithSelector(IKmsCommittee.OperatorNotAssigned.selector, _signer(1), bytes32("another"), claimed)
        );
        committee.admitSeat(_signer(1));
        // Who names no operator is nobody's, also where none is assigned.
        Candidate memory c = _candidate(2);
        c.operator = 0;
        committee.postCandidate(c, _sign(2, hasher.hash(c)), _evidence(2));
        vm.expectRevert(
            abi.encodeWithSelector(IKmsCommittee.OperatorNotAssigned.selector, c.signer, bytes32(0), bytes32(0))
        );
        committee.admitSeat(c.signer);
    }

    function test_RevertGiven_NodeCodeRevoked() external {
        committee.assignOperator(_signer(1), _operator(1));
        _post(1);
        vm.prank(guardianOfNetwork);
        committee.revokeNodeCode(OS_IMAGE, NODE_CODE, 1);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NodeCodeNotApproved.selector, OS_IMAGE, NODE_CODE));
        committee.admitSeat(_signer(1));
    }

    function test_RevertGiven_RootClosed() external {
        committee.assignOperator(_signer(1), _operator(1));
        _post(1);
        attestation.closeRoot(_root(0), 1);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.RootNotOpen.selector, _root(0)));
        committee.admitSeat(_signer(1));
    }

    function test_RevertGiven_Seated() external {
        _admit(1);
        vm.roll(block.number + 1);
        Candidate memory c = _candidate(1);
        bytes memory signature = _sign(1, hasher.hash(c));
        bytes memory refusal = abi.encodeWithSelector(IKmsCommittee.AlreadySeated.selector, _signer(1), 1);
        vm.expectRevert(refusal);
        committee.postCandidate(c, signature, _evidence(1));
        vm.expectRevert(refusal);
        committee.admitSeat(_signer(1));
        // P7 counts by operator: a seat can't be relabelled.
        vm.expectRevert(refusal);
        committee.assignOperator(_signer(1), "another");
    }

    function test_SealingKinds() external {
        for (uint8 kind = 0; kind <= 4; ++kind) {
            uint16 seat = kind + 1;
            Candidate memory c = _candidate(seat);
            c.sealing = kind;
            committee.assignOperator(c.signer, c.operator);
            committee.postCandidate(c, _sign(seat, hasher.hash(c)), _evidence(seat));
            if (kind == 4) vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.SealingRefused.selector, 4));
            committee.admitSeat(c.signer);
        }
    }

    /// `file` is refused where software roots are.
    function test_RevertWhen_FileSealingOnAHardwareNetwork() external {
        AttestationRegistry strict = new AttestationRegistry(attestation.authority(), false);
        bytes32 intel = KnownRoots.INTEL_SGX_ROOT_CA;
        strict.openRoot(intel, "intel", 1, RootRules(0, 0, 0, 0, 1));
        committee = new KmsCommittee(attestation.authority(), strict, STEP, 2, LONGEST);
        committee.approveNodeCode(OS_IMAGE, NODE_CODE, "");
        committee.assignOperator(_signer(1), _operator(1));
        Candidate memory c = _candidate(1);
        (c.root, c.sealing) = (intel, 3);
        committee.postCandidate(c, _sign(1, hasher.hash(c)), _evidence(1));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.SealingRefused.selector, 3));
        committee.admitSeat(_signer(1));
    }

    /* WHO MAY */

    function test_RevertWhen_StrangersGovern() external {
        _admitAll();
        vm.startPrank(stranger);
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.expectRevert(refusal);
        committee.approveNodeCode(OS_IMAGE, "x", "");
        vm.expectRevert(refusal);
        committee.revokeNodeCode(OS_IMAGE, NODE_CODE, 1);
        vm.expectRevert(refusal);
        committee.assignOperator(stranger, "x");
        vm.expectRevert(refusal);
        committee.admitSeat(stranger);
        vm.expectRevert(refusal);
        committee.suspendSeat(1, 1);
        vm.expectRevert(refusal);
        committee.unsuspendSeat(1);
        vm.expectRevert(refusal);
        committee.removeSeat(1, 1);
        vm.expectRevert(refusal);
        committee.openEpoch(_seats(N), T);
        vm.expectRevert(refusal);
        committee.setContracts(address(apps), address(issuanceLog));
        vm.expectRevert(refusal);
        committee.cancelContractsChange(1);
    }

    /// P8: a guardian revokes and grants nothing.
    function test_GuardianSuspendsAndGrantsNothing() external {
        _admitAll();
        vm.startPrank(guardianOfNetwork);
        committee.suspendSeat(1, 1);
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardianOfNetwork);
        vm.expectRevert(refusal);
        committee.unsuspendSeat(1);
        vm.expectRevert(refusal);
        committee.approveNodeCode(OS_IMAGE, "x", "");
    }

    function test_RevertWhen_NothingChanges() external {
        _admitAll();
        vm.expectRevert(AlreadySet.selector);
        committee.unsuspendSeat(1);
        committee.suspendSeat(1, 1);
        vm.expectRevert(AlreadySet.selector);
        committee.suspendSeat(1, 1);
        vm.expectRevert(AlreadySet.selector);
        committee.approveNodeCode(OS_IMAGE, NODE_CODE, "");
        vm.expectRevert(NothingToRevoke.selector);
        committee.revokeNodeCode(OS_IMAGE, "x", 1);
        vm.expectRevert(ZeroValue.selector);
        committee.approveNodeCode(0, NODE_CODE, "");
        vm.expectRevert(ZeroValue.selector);
        committee.approveNodeCode(OS_IMAGE, 0, "");
        vm.expectRevert(ZeroValue.selector);
        committee.assignOperator(address(0), "x");
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.UnknownSeat.selector, 77));
        committee.suspendSeat(77, 1);
    }

    function test_RevertWhen_StepIsNoMultipleOfFinality() external {
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotAMultiple.selector, 7, 60));
        new KmsCommittee(address(this), attestation, 60, 7, 0);
        vm.expectRevert(ZeroValue.selector);
        new KmsCommittee(address(this), attestation, 60, 0, 0);
        vm.expectRevert(ZeroValue.selector);
        new KmsCommittee(address(this), attestation, 60, 60, 0);
        KmsCommittee made = new KmsCommittee(address(this), attestation, 60, 30, 7);
        assertEq(made.stepBlocks(), 60);
        assertEq(made.finalityBlocks(), 30);
        assertEq(made.longestDelaySeconds(), 7);
        assertEq(address(made.attestationRegistry()), address(attestation));
        vm.expectRevert(IKmsCommittee.ContractsNotSet.selector);
        made.registryOf(appId);
    }

    /* CONTRACTS IN FORCE */

    function test_ReplacingContractsWaitsTheLongestDelay() external {
        AppRegistry next = new AppRegistry(committee, FLOOR, apps.policyFactory());
        IssuanceLog nextLog = new IssuanceLog(committee);
        committee.setContracts(address(next), address(nextLog));
        assertEq(committee.appRegistry(), address(apps));
        assertEq(committee.issuanceLog(), address(issuanceLog));
        vm.warp(block.timestamp + LONGEST - 1);
        assertEq(committee.appRegistry(), address(apps));
        vm.warp(block.timestamp + 1);
        assertEq(committee.appRegistry(), address(next));
        assertEq(committee.issuanceLog(), address(nextLog));
        assertEq(committee.appRegistries().length, 2);
        // An app of the first registry stays there; an unknown one belongs to the one in force.
        assertEq(committee.registryOf(appId), address(apps));
        assertEq(committee.registryOf(stranger), address(next));
        // Settling changes no answer.
        committee.setContracts(address(apps), address(issuanceLog));
        assertEq(committee.appRegistry(), address(next));
        assertEq(committee.appRegistries().length, 2);
        assertEq(committee.registryOf(appId), address(apps));
    }

    function test_CancelContractsChange() external {
        AppRegistry next = new AppRegistry(committee, FLOOR, apps.policyFactory());
        committee.setContracts(address(next), address(issuanceLog));
        vm.prank(guardianOfNetwork);
        committee.cancelContractsChange(1);
        vm.warp(block.timestamp + LONGEST);
        assertEq(committee.appRegistry(), address(apps));
        vm.expectRevert(NothingToRevoke.selector);
        committee.cancelContractsChange(1);
    }

    /// `record` may spare the question for the registry as long as there is one, and no other on its way.
    function test_TheSoleRegistryIsSaidWhileItIsSole() external {
        AppRegistry next = new AppRegistry(committee, FLOOR, apps.policyFactory());
        IssuanceLog nextLog = new IssuanceLog(committee);
        uint16[] memory none = new uint16[](0);
        assertEq(committee.authorizers(none).soleRegistry, address(apps));
        committee.setContracts(address(apps), address(nextLog));
        assertEq(committee.authorizers(none).soleRegistry, address(apps), "the same one is pending");
        committee.setContracts(address(next), address(issuanceLog));
        assertEq(committee.authorizers(none).soleRegistry, address(0));
        (address current, address log, address pending, address pendingLog, uint64 from) = committee.contractsInForce();
        assertEq(current, address(apps));
        assertEq(log, address(issuanceLog));
        assertEq(pending, address(next));
        assertEq(pendingLog, address(issuanceLog));
        assertEq(from, block.timestamp + LONGEST);
        committee.cancelContractsChange(1);
        assertEq(committee.authorizers(none).soleRegistry, address(apps));
        committee.setContracts(address(apps), address(nextLog));
        vm.warp(block.timestamp + LONGEST);
        assertEq(committee.appRegistries().length, 1, "known already");
        (current, log, pending, pendingLog, from) = committee.contractsInForce();
        assertEq(log, address(nextLog));
        assertTrue(pending == address(0) && pendingLog == address(0) && from == 0);
        committee.setContracts(address(next), address(nextLog));
        assertEq(committee.appRegistries().length, 1);
        vm.warp(block.timestamp + LONGEST);
        vm.expectRevert(NothingToRevoke.selector);
        committee.cancelContractsChange(1);
        committee.setContracts(address(next), address(issuanceLog));
        assertEq(committee.authorizers(none).soleRegistry, address(0), "two");
        assertEq(committee.appRegistries()[1], address(next));
    }

    /// Governance that swaps registries can't rewrite the policy of an app that is registered.
    function test_RecordAsksTheAppsOwnRegistry() external {
        _genesis();
        AppRegistry next = new AppRegistry(committee, FLOOR, apps.policyFactory());
        committee.setContracts(address(next), address(issuanceLog));
        vm.warp(block.timestamp + LONGEST);
        vm.roll(block.number + 10);
        _record(_issuance(1));
        Issuance memory i = _issuance(2);
        i.attested.boot.appId = stranger;
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, _authorize(i, _seats(T)));
        vm.expectRevert(abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, stranger, 1));
        issuanceLog.record(issuances, signatures);
    }

    function test_RevertWhen_ContractsAreNoContracts() external {
        vm.expectRevert(ZeroValue.selector);
        committee.setContracts(stranger, address(issuanceLog));
        vm.expectRevert(ZeroValue.selector);
        committee.setContracts(address(apps), stranger);
    }
}
