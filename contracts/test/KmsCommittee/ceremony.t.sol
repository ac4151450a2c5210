// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CeremonyInfo, EpochInfo, IKmsCommittee} from "../../src/interfaces/IKmsCommittee.sol";
import {ZeroValue} from "../../src/interfaces/Errors.sol";
import {Confirmation, Dealing, Outcome, RecipientKey, RecipientRefused} from "../../src/interfaces/Statements.sol";
import {KmsCeremony} from "../../src/KmsCeremony.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract KmsCommittee_Ceremony_Test is QuorateTest {
    uint8 private constant FAILED = 5;

    function _step() private view returns (uint8) {
        return committee.ceremony().step;
    }

    function _list(uint16 a, uint16 b, uint16 c) private pure returns (uint16[] memory seats) {
        seats = new uint16[](3);
        (seats[0], seats[1], seats[2]) = (a, b, c);
    }

    /* GENESIS */

    function test_Genesis() external {
        bytes32 session = _genesis();
        assertEq(session, keccak256(abi.encode(block.chainid, address(committee), uint64(1), uint64(0), _seats(N), T)));
        (bytes32 keysetId, bytes memory derive, bytes memory unseal, uint64 epoch, uint16 t, bytes32 sharesHash) =
            committee.keyset();
        assertEq(keysetId, keccak256(abi.encode(block.chainid, address(committee), session)));
        assertEq(derive, _point(100));
        assertEq(unseal, _point(101));
        assertEq(epoch, 1);
        assertEq(t, T);
        assertEq(sharesHash, keccak256(_outcome(_seats(N), _seats(N)).verificationShares));
        EpochInfo memory e = committee.epochInfo(1);
        assertEq(e.members.length, N);
        assertEq(e.session, session);
        assertEq(e.activatedAt, block.number);
        assertEq(committee.ceremony().session, 0);
    }

    function test_CeremonyTellsANodeEverything() external {
        bytes32 session = _open();
        CeremonyInfo memory c = committee.ceremony();
        assertEq(c.session, session);
        assertEq(c.step, 1);
        assertEq(c.epoch, 1);
        assertEq(c.t, T);
        assertEq(c.openedAt, block.number);
        assertEq(c.stepStartedAt, block.number);
        assertEq(c.deadline, block.number + STEP);
        assertEq(c.seats.length, N);
        assertEq(c.seats[4].signer, _signer(5));
        assertEq(c.seats[4].vendor, _vendor(2));
        assertEq(c.seats[4].encryptionKey.length, 0, "none is posted");
        vm.roll(block.number + 7);
        _postAllKeys(session);
        c = committee.ceremony();
        assertEq(c.step, 2);
        assertEq(c.stepStartedAt, block.number, "the next step begins when the last key is in");
        assertEq(c.seats[2].encryptionKey, _point(3));
        assertEq(c.seats[2].evidenceHash, keccak256(abi.encode("fresh quote", uint16(3))));
    }

    /* OPEN */

    function test_RevertWhen_SizesAreWrong() external {
        _admitAll();
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.ThresholdTooLow.selector, 2, 1));
        committee.openEpoch(_seats(5), 1);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.TooFewSeats.selector, 5, 4));
        committee.openEpoch(_seats(4), 3);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.TooManySeats.selector, 128, 129));
        committee.openEpoch(new uint16[](129), 3);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.UnknownSeat.selector, 0));
        committee.openEpoch(new uint16[](128), 3);
    }

    function test_RevertWhen_SeatsUnorderedOrUnknown() external {
        _admitAll();
        uint16[] memory seats = _seats(5);
        seats[1] = 1;
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.SeatsNotAscending.selector, 1, 1));
        committee.openEpoch(seats, 3);
        seats = _seats(5);
        seats[4] = 6;
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.UnknownSeat.selector, 6));
        committee.openEpoch(seats, 3);
    }

    function test_RevertWhen_SeatSuspendedOrRemoved() external {
        _admitAll();
        committee.suspendSeat(2, 1);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.SeatIsSuspended.selector, 2));
        committee.openEpoch(_seats(5), 3);
        committee.unsuspendSeat(2);
        committee.removeSeat(3, 1);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.SeatIsRemoved.selector, 3));
        committee.openEpoch(_seats(5), 3);
    }

    /// P7: 2 + 2 + 1 with t = 2 gives a vendor a quorum.
    function test_RevertWhen_VendorHoldsAQuorum() external {
        _admitAll();
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.VendorHoldsTooManySeats.selector, _vendor(0), 2, 1));
        committee.openEpoch(_seats(5), 2);
    }

    function test_RevertWhen_CeremonyRuns() external {
        bytes32 session = _open();
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.CeremonyRunning.selector, session));
        committee.openEpoch(_seats(N), T);
    }

    function test_RevertGiven_AnEpochIsActive() external {
        _genesis();
        vm.expectRevert(IKmsCommittee.ReshareNotAvailable.selector);
        committee.openEpoch(_seats(N), T);
    }

    /* STEP 1 */

    function test_RevertWhen_KeyIsWrong() external {
        bytes32 session = _open();
        bytes memory evidence = "evidence";
        RecipientKey memory k = RecipientKey(session, 1, _point(1), keccak256(evidence));
        bytes memory good = _sign(1, hasher.hash(k));

        bytes memory other = _sign(2, hasher.hash(k));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.InvalidSignature.selector, _signer(1), _signer(2)));
        committee.postRecipientKey(k, other, evidence);

        vm.expectRevert(
            abi.encodeWithSelector(IKmsCommittee.HashMismatch.selector, keccak256(evidence), keccak256("another"))
        );
        committee.postRecipientKey(k, good, "another");

        k.session = keccak256("old session");
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongSession.selector, session, k.session));
        committee.postRecipientKey(k, good, evidence);

        k = RecipientKey(session, 6, _point(1), keccak256(evidence));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotInCeremony.selector, 6));
        committee.postRecipientKey(k, good, evidence);

        k = RecipientKey(session, 1, hex"02", keccak256(evidence));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongLength.selector, 33, 1));
        committee.postRecipientKey(k, good, evidence);
    }

    function test_RevertWhen_KeyPostedTwice() external {
        bytes32 session = _open();
        _postKey(session, 1);
        RecipientKey memory k = RecipientKey(session, 1, _point(9), keccak256("x"));
        bytes memory signature = _sign(1, hasher.hash(k));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.AlreadyPosted.selector, 1));
        committee.postRecipientKey(k, signature, "x");
    }

    /// A12: a suspended seat receives no share.
    function test_RevertWhen_SuspendedSeatWantsToReceive() external {
        bytes32 session = _open();
        committee.suspendSeat(1, 1);
        RecipientKey memory k = RecipientKey(session, 1, _point(1), keccak256("x"));
        bytes memory signature = _sign(1, hasher.hash(k));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.SeatIsSuspended.selector, 1));
        committee.postRecipientKey(k, signature, "x");
        committee.unsuspendSeat(1);
        committee.removeSeat(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.SeatIsSuspended.selector, 1));
        committee.postRecipientKey(k, signature, "x");
    }

    function test_RevertWhen_KeyIsLate() external {
        bytes32 session = _open();
        vm.roll(block.number + STEP + 1);
        RecipientKey memory k = RecipientKey(session, 1, _point(1), keccak256("x"));
        bytes memory signature = _sign(1, hasher.hash(k));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongStep.selector, 1, FAILED));
        committee.postRecipientKey(k, signature, "x");
    }

    function test_KeyInTheLastBlockIsInTime() external {
        bytes32 session = _open();
        vm.roll(block.number + STEP);
        _postKey(session, 1);
    }

    function test_CompactSignaturesAreTaken() external {
        bytes32 session = _open();
        RecipientKey memory k = RecipientKey(session, 1, _point(1), keccak256("x"));
        bytes32 digest = hasher.digest("Quorate KmsCommittee", block.chainid, address(committee), hasher.hash(k));
        (bytes32 r, bytes32 vs) = vm.signCompact(_key(1), digest);
        committee.postRecipientKey(k, abi.encodePacked(r, vs), "x");
    }

    /* STEP 2 */

    function _upToDealings() private returns (bytes32 session) {
        session = _open();
        _postAllKeys(session);
    }

    function test_RevertWhen_DealingIsEarly() external {
        bytes32 session = _open();
        _postKey(session, 1);
        Dealing memory d = Dealing(session, 1, keccak256("x"));
        bytes memory signature = _sign(1, hasher.hash(d));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongStep.selector, 2, 1));
        committee.postDealing(d, signature, "x");
    }

    function test_RevertWhen_DealerDealsTwiceOrRefusedBefore() external {
        bytes32 session = _upToDealings();
        _postDealing(session, 1);
        _postRefusal(session, 2, 3);
        for (uint16 seat = 1; seat <= 2; ++seat) {
            Dealing memory d = Dealing(session, seat, keccak256("x"));
            bytes memory signature = _sign(seat, hasher.hash(d));
            vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.AlreadyPosted.selector, seat));
            committee.postDealing(d, signature, "x");
        }
        assertEq(committee.ceremony().seats[1].refusedSeat, 3);
        assertEq(committee.ceremony().seats[1].refusalReason, 7);
    }

    function test_RevertWhen_DealingIsWrong() external {
        bytes32 session = _upToDealings();
        Dealing memory d = Dealing(session, 1, keccak256("x"));
        bytes memory other = _sign(2, hasher.hash(d));
        bytes memory good = _sign(1, hasher.hash(d));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.InvalidSignature.selector, _signer(1), _signer(2)));
        committee.postDealing(d, other, "x");
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.HashMismatch.selector, keccak256("x"), keccak256("y")));
        committee.postDealing(d, good, "y");
    }

    function test_RevertWhen_RefusalIsWrong() external {
        bytes32 session = _open();
        RecipientRefused memory r = RecipientRefused(session, 1, 2, 7);
        bytes memory good = _sign(1, hasher.hash(r));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongStep.selector, 2, 1));
        committee.postRefusal(r, good);
        _postAllKeys(session);
        bytes memory other = _sign(2, hasher.hash(r));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.InvalidSignature.selector, _signer(1), _signer(2)));
        committee.postRefusal(r, other);
        r.seat = 6;
        other = _sign(1, hasher.hash(r));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotARecipient.selector, 6));
        committee.postRefusal(r, other);
        r.dealer = 6;
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotARecipient.selector, 6));
        committee.postRefusal(r, other);
        r = RecipientRefused(session, 1, 2, 7);
        committee.postRefusal(r, good);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.AlreadyPosted.selector, 1));
        committee.postRefusal(r, good);
        _postDealing(session, 3);
        r.dealer = 3;
        other = _sign(3, hasher.hash(r));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.AlreadyPosted.selector, 3));
        committee.postRefusal(r, other);
    }

    /// A step whose statements are not all in ends with its deadline, and the next one begins there.
    function test_StepsEndAtTheirDeadlines() external {
        _admitAll();
        _admit(6);
        uint64 start = uint64(block.number);
        bytes32 session = committee.openEpoch(_seats(6), T);
        for (uint16 seat = 1; seat <= 5; ++seat) {
            _postKey(session, seat);
        }
        vm.roll(start + STEP);
        _assertStep(1, start, start + STEP);
        vm.roll(start + STEP + 1);
        _assertStep(2, start + STEP, start + 2 * STEP);
        for (uint16 seat = 1; seat <= 3; ++seat) {
            if (seat == 3) vm.roll(start + 2 * STEP);
            _postDealing(session, seat);
        }
        _assertStep(2, start + STEP, start + 2 * STEP);
        vm.roll(start + 2 * STEP + 1);
        _assertStep(3, start + 2 * STEP, start + 3 * STEP);
        for (uint16 seat = 1; seat <= 4; ++seat) {
            _postConfirmation(session, seat, keccak256("a"));
        }
        vm.roll(start + 3 * STEP);
        _assertStep(3, start + 2 * STEP, start + 3 * STEP);
        uint256 snapshot = vm.snapshotState();
        _postConfirmation(session, 5, keccak256("a"));
        _assertStep(4, start + 3 * STEP, start + 4 * STEP);
        vm.roll(start + 4 * STEP);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotAbortable.selector, 4));
        committee.abortEpoch();
        vm.roll(start + 4 * STEP + 1);
        committee.abortEpoch();
        vm.revertToState(snapshot);
        vm.roll(start + 3 * STEP + 1);
        _assertStep(FAILED, start + 3 * STEP, start + 3 * STEP);
    }

    function _assertStep(uint8 step, uint64 startedAt, uint64 deadline) private view {
        CeremonyInfo memory c = committee.ceremony();
        assertEq(c.step, step);
        assertEq(c.stepStartedAt, startedAt);
        assertEq(c.deadline, deadline);
    }

    function test_TooFewDealingsFailAtTheDeadline() external {
        uint64 start = uint64(block.number);
        bytes32 session = _upToDealings();
        _postDealing(session, 1);
        _postDealing(session, 2);
        vm.roll(start + STEP);
        _assertStep(2, start, start + STEP);
        vm.roll(start + STEP + 1);
        _assertStep(FAILED, start + STEP, start + STEP);
    }

    function test_RefusalsEndTheStepToo() external {
        bytes32 session = _upToDealings();
        for (uint16 seat = 1; seat <= 3; ++seat) {
            _postDealing(session, seat);
        }
        _postRefusal(session, 4, 1);
        assertEq(_step(), 2);
        _postRefusal(session, 5, 1);
        assertEq(_step(), 3);
    }

    function test_SilentSeatsAreNoRecipients() external {
        // n = 6 so that one may stay silent: n >= 2t - 1 + 1
        _admitAll();
        _admit(6);
        bytes32 session = committee.openEpoch(_seats(6), T);
        for (uint16 seat = 1; seat <= 5; ++seat) {
            _postKey(session, seat);
        }
        assertEq(_step(), 1);
        vm.roll(block.number + STEP + 1);
        assertEq(_step(), 2);
        Dealing memory d = Dealing(session, 6, keccak256("x"));
        bytes memory signature = _sign(6, hasher.hash(d));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotARecipient.selector, 6));
        committee.postDealing(d, signature, "x");
    }

    /* STEP 3 AND ACTIVATION */

    function _upToConfirmations() private returns (bytes32 session) {
        session = _upToDealings();
        _postAllDealings(session);
    }

    function _sixUpToConfirmations() private returns (bytes32 session) {
        _admitAll();
        _admit(6);
        session = committee.openEpoch(_seats(6), T);
        for (uint16 seat = 1; seat <= 6; ++seat) {
            _postKey(session, seat);
        }
        for (uint16 seat = 1; seat <= 6; ++seat) {
            _postDealing(session, seat);
        }
    }

    /// A10: one silent seat delays the change by a step and no longer.
    function test_ActivatesWithoutASilentOneAfterTheDeadline() external {
        bytes32 session = _sixUpToConfirmations();
        Outcome memory o = _outcome(_seats(6), _seats(6));
        for (uint16 seat = 1; seat <= 5; ++seat) {
            _postConfirmation(session, seat, _transcript(session, o));
        }
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongStep.selector, 4, 3));
        committee.activateEpoch(o);
        vm.roll(block.number + STEP + 1);
        committee.activateEpoch(o);
        EpochInfo memory e = committee.epochInfo(1);
        assertEq(e.recipients.length, 6, "the silent one was dealt a share and counts");
        assertEq(e.members.length, 5, "and serves nothing");
        assertEq(committee.authorizers(_seats(6)).signers[5], address(0));
    }

    function test_RevertWhen_ConfirmedTwice() external {
        bytes32 session = _upToConfirmations();
        _postConfirmation(session, 1, keccak256("a"));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.AlreadyPosted.selector, 1));
        this.postConfirmation(session, 1, keccak256("b"));
        assertEq(committee.ceremony().seats[0].transcript, keccak256("a"));
        assertEq(committee.ceremony().seats[0].canaryHash, keccak256(abi.encode("canary", uint16(1))));
        assertEq(committee.ceremony().seats[0].dealingHash, keccak256(abi.encode("dealing", uint16(1))));
    }

    function test_RevertWhen_ConfirmationIsWrong() external {
        bytes32 session = _upToDealings();
        Confirmation memory c = Confirmation(session, 1, keccak256("a"), keccak256("x"));
        bytes memory good = _sign(1, hasher.hash(c));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongStep.selector, 3, 2));
        committee.postConfirmation(c, good, "x");
        _postAllDealings(session);
        bytes memory other = _sign(2, hasher.hash(c));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.InvalidSignature.selector, _signer(1), _signer(2)));
        committee.postConfirmation(c, other, "x");
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.HashMismatch.selector, keccak256("x"), keccak256("y")));
        committee.postConfirmation(c, good, "y");
        c.seat = 6;
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotARecipient.selector, 6));
        committee.postConfirmation(c, good, "x");
        (c.seat, c.transcript) = (1, 0);
        good = _sign(1, hasher.hash(c));
        vm.expectRevert(ZeroValue.selector);
        committee.postConfirmation(c, good, "x");
    }

    /// What most confirmed leads, whoever came first.
    function test_TheTranscriptOfMostLeads() external {
        bytes32 session = _upToConfirmations();
        _postConfirmation(session, 1, keccak256("a"));
        _postConfirmation(session, 2, keccak256("b"));
        assertEq(committee.ceremony().transcript, keccak256("a"), "the first of equals");
        assertEq(committee.ceremony().agreed, 1);
        _postConfirmation(session, 3, keccak256("b"));
        assertEq(committee.ceremony().transcript, keccak256("b"));
        assertEq(committee.ceremony().agreed, 2);
    }

    /// A seat that sent no key is no recipient; the others go on without it.
    function test_ActivatesWithoutASeatThatSentNoKey() external {
        _admitAll();
        _admit(6);
        bytes32 session = committee.openEpoch(_seats(6), T);
        uint16[] memory ids = new uint16[](5);
        (ids[0], ids[1], ids[2], ids[3], ids[4]) = (1, 2, 4, 5, 6);
        for (uint256 k = 0; k < 5; ++k) {
            _postKey(session, ids[k]);
        }
        vm.roll(block.number + STEP + 1);
        for (uint256 k = 0; k < 5; ++k) {
            _postDealing(session, ids[k]);
        }
        Outcome memory o = _outcome(ids, ids);
        for (uint256 k = 0; k < 5; ++k) {
            _postConfirmation(session, ids[k], _transcript(session, o));
        }
        committee.activateEpoch(o);
        assertEq(committee.epochInfo(1).recipients.length, 5);
        assertEq(committee.authorizers(_seats(3)).signers[2], address(0));
    }

    /// Who confirmed something else is no member, share or not.
    function test_MembersAreWhoConfirmedThis() external {
        bytes32 session = _sixUpToConfirmations();
        Outcome memory o = _outcome(_seats(6), _seats(6));
        for (uint16 seat = 1; seat <= 6; ++seat) {
            _postConfirmation(session, seat, seat == 2 ? keccak256("another") : _transcript(session, o));
        }
        committee.activateEpoch(o);
        EpochInfo memory e = committee.epochInfo(1);
        assertEq(e.members.length, 5);
        assertEq(e.members[1], 3);
        assertEq(e.epoch, 1);
        assertEq(e.t, T);
        assertEq(e.transcript, _transcript(session, o));
        assertEq(e.sharesHash, keccak256(o.verificationShares));
        assertEq(committee.seatsOf(1).length, 6);
        (bytes32 keysetId,,,,,) = committee.keyset();
        assertEq(e.keysetId, keysetId);
        (uint16 t, address[] memory signers) = committee.signersOf(1, _seats(6));
        assertEq(t, T);
        assertEq(signers[0], _signer(1));
        assertEq(signers[1], address(0));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.UnknownEpoch.selector, 2));
        committee.signersOf(2, _seats(1));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongSession.selector, bytes32(0), bytes32(0)));
        committee.activateEpoch(o);
    }

    function postConfirmation(bytes32 session, uint16 seat, bytes32 transcript) external {
        _postConfirmation(session, seat, transcript);
    }

    function test_RevertWhen_OutcomeIsNotWhatWasConfirmed() external {
        bytes32 session = _upToConfirmations();
        Outcome memory o = _outcome(_seats(N), _seats(N));
        for (uint16 seat = 1; seat <= N; ++seat) {
            _postConfirmation(session, seat, _transcript(session, o));
        }
        o.derivePublicKey = _point(9);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.TooFewConfirmations.selector, 5, 0));
        committee.activateEpoch(o);
    }

    /// Even t confirmed alike: the form of the outcome is the contract's to judge.
    function test_RevertWhen_OutcomeHasABadForm() external {
        Outcome[8] memory bad;
        for (uint256 k = 0; k < 8; ++k) {
            bad[k] = _outcome(_seats(N), _seats(N));
        }
        bad[0].recipients = _seats(4);
        bad[0].verificationShares = _outcome(_seats(4), _seats(4)).verificationShares;
        bad[1].dealers = _seats(2);
        bad[2].dealers = _list(1, 1, 2);
        bad[3].dealers = _list(1, 2, 9);
        bad[4].verificationShares = hex"02";
        bad[5].unsealPublicKey = hex"02";
        bad[6].derivePublicKey = hex"02";
        bad[7].recipients = new uint16[](N);
        (bad[7].recipients[0], bad[7].recipients[1], bad[7].recipients[2]) = (1, 2, 3);
        (bad[7].recipients[3], bad[7].recipients[4]) = (4, 6);
        bytes4[8] memory expected = [
            IKmsCommittee.RecipientsMismatch.selector,
            IKmsCommittee.TooFewDealers.selector,
            IKmsCommittee.SeatsNotAscending.selector,
            IKmsCommittee.NotADealer.selector,
            IKmsCommittee.WrongLength.selector,
            IKmsCommittee.WrongLength.selector,
            IKmsCommittee.WrongLength.selector,
            IKmsCommittee.RecipientsMismatch.selector
        ];
        bytes32 session = _upToConfirmations();
        uint256 snapshot = vm.snapshotState();
        for (uint256 k = 0; k < 8; ++k) {
            for (uint16 seat = 1; seat <= N; ++seat) {
                _postConfirmation(session, seat, _transcript(session, bad[k]));
            }
            vm.expectPartialRevert(expected[k]);
            committee.activateEpoch(bad[k]);
            vm.revertToState(snapshot);
        }
    }

    /* ABORT */

    function test_AbortsWithoutKeys() external {
        bytes32 session = _open();
        for (uint16 seat = 1; seat <= 4; ++seat) {
            _postKey(session, seat);
        }
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotAbortable.selector, 1));
        committee.abortEpoch();
        vm.roll(block.number + STEP + 1);
        committee.abortEpoch();
        bytes32 again = committee.openEpoch(_seats(N), T);
        assertNotEq(again, session, "a new attempt is a new session");
    }

    function test_AbortsWithoutDealers() external {
        bytes32 session = _upToDealings();
        _postDealing(session, 1);
        _postDealing(session, 2);
        vm.roll(block.number + STEP + 1);
        assertEq(_step(), FAILED);
        committee.abortEpoch();
    }

    function test_AbortsAsSoonAsTooManyRefused() external {
        bytes32 session = _upToDealings();
        for (uint16 seat = 1; seat <= 3; ++seat) {
            _postRefusal(session, seat, 5);
        }
        assertEq(_step(), FAILED);
        committee.abortEpoch();
    }

    /// A26: members who saw different dealings confirm differently, and nothing is activated.
    function test_AbortsWithoutAgreement() external {
        bytes32 session = _upToConfirmations();
        for (uint16 seat = 1; seat <= N; ++seat) {
            _postConfirmation(session, seat, seat == 5 ? keccak256("b") : keccak256("a"));
        }
        assertEq(_step(), FAILED);
        committee.abortEpoch();
        assertEq(committee.activeEpoch(), 0);
    }

    function test_AbortsWhatNobodyActivates() external {
        bytes32 session = _upToConfirmations();
        bytes32 transcript = keccak256("bytes that nobody has");
        for (uint16 seat = 1; seat <= N; ++seat) {
            _postConfirmation(session, seat, transcript);
        }
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.NotAbortable.selector, 4));
        committee.abortEpoch();
        vm.roll(block.number + STEP + 1);
        committee.abortEpoch();
    }

    function test_RevertWhen_NothingRuns() external {
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongStep.selector, FAILED, 0));
        committee.abortEpoch();
    }

    /// The half that takes statements is of no use by itself.
    function test_CeremonyCodeAloneRefuses() external {
        bytes32 session = _open();
        KmsCeremony alone = KmsCeremony(committee.ceremonyCode());
        RecipientKey memory k = RecipientKey(session, 1, _point(1), keccak256("x"));
        bytes memory signature = _sign(1, hasher.hash(k));
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.WrongSession.selector, bytes32(0), session));
        alone.postRecipientKey(k, signature, "x");
    }
}

contract KmsCommittee_OneOperator_Test is QuorateTest {
    function _operator(uint16 seat) internal pure override returns (bytes32) {
        return seat <= 3 ? bytes32("the same") : super._operator(seat);
    }

    function test_RevertWhen_OperatorHoldsAQuorum() external {
        _admitAll();
        vm.expectRevert(
            abi.encodeWithSelector(IKmsCommittee.OperatorHoldsTooManySeats.selector, bytes32("the same"), 3, 2)
        );
        committee.openEpoch(_seats(N), T);
    }
}

contract KmsCommittee_ThreeOfOneVendor_Test is QuorateTest {
    function _vendorOfSeat(uint16 seat) internal pure override returns (uint256) {
        return seat <= 3 ? 0 : seat - 3;
    }

    /// The illegal split of the story "three seats under one vendor refused".
    function test_RevertWhen_ThreeSeatsUnderOneVendor() external {
        _admitAll();
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.VendorHoldsTooManySeats.selector, _vendor(0), 3, 2));
        committee.openEpoch(_seats(N), T);
    }
}

contract KmsCommittee_NoSealing_Test is QuorateTest {
    function _sealing(uint16 seat) internal pure override returns (uint8) {
        return seat <= 2 ? 1 : 0;
    }

    /// A7: if all restart at once, two can unseal, and the key is gone.
    function test_RevertWhen_TooFewCanUnseal() external {
        _admitAll();
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.TooFewSealingSeats.selector, 3, 2));
        committee.openEpoch(_seats(N), T);
    }
}

contract KmsCommittee_ThreeSeal_Test is QuorateTest {
    function _sealing(uint16 seat) internal pure override returns (uint8) {
        return seat <= 3 ? 1 : 0;
    }

    /// A7: one of the three who can unseal stays silent, and the rest would lose the key in a restart.
    function test_RevertWhen_TooFewMembersCanUnseal() external {
        _admitAll();
        _admit(6);
        bytes32 session = committee.openEpoch(_seats(6), T);
        for (uint16 seat = 1; seat <= 6; ++seat) {
            _postKey(session, seat);
        }
        for (uint16 seat = 1; seat <= 6; ++seat) {
            _postDealing(session, seat);
        }
        Outcome memory o = _outcome(_seats(6), _seats(6));
        for (uint16 seat = 2; seat <= 6; ++seat) {
            _postConfirmation(session, seat, _transcript(session, o));
        }
        uint256 snapshot = vm.snapshotState();
        vm.roll(block.number + STEP + 1);
        vm.expectRevert(abi.encodeWithSelector(IKmsCommittee.TooFewSealingSeats.selector, 3, 2));
        committee.activateEpoch(o);
        vm.revertToState(snapshot);
        _postConfirmation(session, 1, _transcript(session, o));
        committee.activateEpoch(o);
        assertEq(committee.activeEpoch(), 1);
    }
}
