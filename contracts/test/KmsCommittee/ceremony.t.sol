// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CeremonyInfo, EpochInfo, IKmsCommittee} from "../../src/interfaces/IKmsCommittee.sol";
import {Dealing, Outcome, RecipientKey} from "../../src/interfaces/Statements.sol";
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
        assertEq(c.stepStartedAt, block.number);
        assertEq(c.deadline, block.number + STEP);
        assertEq(c.seats.length, N);
        assertEq(c.seats[4].signer, _signer(5));
        assertEq(c.seats[4].vendor, _vendor(2));
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
        vm.expectRevert();
        this.postConfirmation(session, 1, keccak256("b"));
        assertEq(committee.ceremony().seats[0].transcript, keccak256("a"));
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
        Outcome[6] memory bad;
        for (uint256 k = 0; k < 6; ++k) {
            bad[k] = _outcome(_seats(N), _seats(N));
        }
        bad[0].recipients = _seats(4);
        bad[0].verificationShares = _outcome(_seats(4), _seats(4)).verificationShares;
        bad[1].dealers = _seats(2);
        bad[2].dealers = _list(1, 1, 2);
        bad[3].dealers = _list(1, 2, 9);
        bad[4].verificationShares = hex"02";
        bad[5].unsealPublicKey = hex"02";
        bytes4[6] memory expected = [
            IKmsCommittee.RecipientsMismatch.selector,
            IKmsCommittee.TooFewDealers.selector,
            IKmsCommittee.SeatsNotAscending.selector,
            IKmsCommittee.NotADealer.selector,
            IKmsCommittee.WrongLength.selector,
            IKmsCommittee.WrongLength.selector
        ];
        bytes32 session = _upToConfirmations();
        uint256 snapshot = vm.snapshotState();
        for (uint256 k = 0; k < 6; ++k) {
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
