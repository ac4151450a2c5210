// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IIssuanceLog} from "../../src/interfaces/IIssuanceLog.sol";
import {IKmsCommittee} from "../../src/interfaces/IKmsCommittee.sol";
import {Issuance, Released, SeatSignature} from "../../src/interfaces/Statements.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";
import {TrailReplay} from "../utils/TrailReplay.sol";

/// A9: a recorded, released issuance that a reorg dropped.
contract IssuanceLog_ReportDropped_Test is QuorateTest {
    Issuance private _i;
    Released private _released;

    function setUp() public override {
        super.setUp();
        _genesis();
        vm.roll(block.number + 300);
    }

    function _release(Issuance memory i, uint16 seat) private view returns (Released memory r) {
        r.issuanceId = issuanceLog.issuanceIdOf(i.reportData);
        (r.epoch, r.seat) = (1, seat);
        (r.blockNumber, r.blockHash) = (uint64(block.number), keccak256("orphaned"));
        r.partialsHash = keccak256("partials");
    }

    function _report(Issuance memory i, SeatSignature[] memory s, Released memory r, uint16 signer) private {
        SeatSignature memory own = _seatSignature(signer, issuanceLog.releasedDigest(r));
        issuanceLog.reportDropped(i, s, r, own.r, own.vs);
    }

    function _expect(Issuance memory i, SeatSignature[] memory s, Released memory r, uint16 signer, bytes memory e)
        private
    {
        SeatSignature memory own = _seatSignature(signer, issuanceLog.releasedDigest(r));
        vm.expectRevert(e);
        issuanceLog.reportDropped(i, s, r, own.r, own.vs);
    }

    function test_Reports() external {
        Issuance memory i = _issuance(1);
        Released memory r = _release(i, 2);
        (uint64 before,) = issuanceLog.trail();
        SeatSignature[] memory s = _authorize(i, _seats(T));
        SeatSignature memory own = _seatSignature(2, issuanceLog.releasedDigest(r));
        vm.expectEmit(address(issuanceLog));
        emit IIssuanceLog.KeyReleasedOffRecord(
            appId, r.issuanceId, COMPOSE, 1, 2, r.blockNumber, r.blockHash, i.evidenceHash, before + 1
        );
        issuanceLog.reportDropped(i, s, r, own.r, own.vs);
        assertTrue(issuanceLog.reportedDropped(r.issuanceId));
        assertEq(issuanceLog.recorded(r.issuanceId), 0);
    }

    function test_AsksNeitherPolicyNorAnchorNorSuspension() external {
        Issuance memory i = _issuance(1);
        vm.prank(guardian);
        policy.revokeComposeHash(COMPOSE, 1);
        committee.suspendSeat(1, 1);
        vm.roll(block.number + 1000);
        _report(i, _authorize(i, _seats(T)), _release(i, 1), 1);
    }

    function test_RevertGiven_Recorded() external {
        Issuance memory i = _issuance(1);
        bytes32 id = _record(i);
        _expect(
            i,
            _authorize(i, _seats(T)),
            _release(i, 2),
            2,
            abi.encodeWithSelector(IIssuanceLog.AlreadyRecorded.selector, id)
        );
    }

    function test_RevertGiven_Reported() external {
        Issuance memory i = _issuance(1);
        _report(i, _authorize(i, _seats(T)), _release(i, 2), 2);
        bytes32 id = issuanceLog.issuanceIdOf(i.reportData);
        _expect(
            i,
            _authorize(i, _seats(T)),
            _release(i, 3),
            3,
            abi.encodeWithSelector(IIssuanceLog.AlreadyReported.selector, id)
        );
    }

    function test_RevertWhen_ReleaseOfAnotherIssuance() external {
        Issuance memory i = _issuance(1);
        _expect(
            i,
            _authorize(i, _seats(T)),
            _release(_issuance(2), 2),
            2,
            abi.encodeWithSelector(IIssuanceLog.ReleasedMismatch.selector)
        );
    }

    function test_RevertWhen_BelowThreshold() external {
        Issuance memory i = _issuance(1);
        _expect(
            i,
            _authorize(i, _seats(2)),
            _release(i, 2),
            2,
            abi.encodeWithSelector(IIssuanceLog.BelowThreshold.selector, 3, 2)
        );
    }

    function test_RevertWhen_OneSeatAuthorizedThrice() external {
        Issuance memory i = _issuance(1);
        uint16[] memory seats = new uint16[](3);
        (seats[0], seats[1], seats[2]) = (1, 1, 1);
        _expect(
            i,
            _authorize(i, seats),
            _release(i, 2),
            2,
            abi.encodeWithSelector(IIssuanceLog.SeatsNotAscending.selector, 1, 1)
        );
    }

    /// [TRAIL-1] P6
    function test_TheReportIsInTheTrail() external {
        Issuance memory i = _issuance(1);
        SeatSignature[] memory s = _authorize(i, _seats(T));
        (uint64 seq, uint192 head) = issuanceLog.trail();
        TrailReplay replayer = new TrailReplay();
        vm.recordLogs();
        _report(i, s, _release(i, 2), 2);
        (seq, head) = replayer.replay(address(issuanceLog), seq, head, vm.getRecordedLogs());
        (uint64 actualSeq, uint192 actualHead) = issuanceLog.trail();
        assertEq(actualSeq, 1);
        assertEq(actualSeq, seq);
        assertEq(actualHead, head);
    }

    function test_RevertWhen_AuthorizationFalse() external {
        Issuance memory i = _issuance(1);
        SeatSignature[] memory s = _authorize(i, _seats(T));
        s[2].r = s[1].r;
        _expect(i, s, _release(i, 2), 2, abi.encodeWithSelector(IIssuanceLog.InvalidSeatSignature.selector, 3));
    }

    function test_RevertWhen_AuthorizedByANonMember() external {
        _admit(6);
        Issuance memory i = _issuance(1);
        uint16[] memory seats = _seats(T);
        seats[2] = 6;
        _expect(
            i,
            _authorize(i, seats),
            _release(i, 2),
            2,
            abi.encodeWithSelector(IIssuanceLog.SeatNotAuthorizing.selector, 6)
        );
    }

    function test_RevertWhen_EpochUnknown() external {
        Issuance memory i = _issuance(1);
        i.epoch = 9;
        _expect(
            i,
            _authorize(i, _seats(T)),
            _release(i, 2),
            2,
            abi.encodeWithSelector(IKmsCommittee.UnknownEpoch.selector, 9)
        );
    }

    function test_RevertWhen_ReleaseSignedByAnother() external {
        Issuance memory i = _issuance(1);
        _expect(
            i,
            _authorize(i, _seats(T)),
            _release(i, 2),
            3,
            abi.encodeWithSelector(IIssuanceLog.InvalidSeatSignature.selector, 2)
        );
        _expect(
            i,
            _authorize(i, _seats(T)),
            _release(i, 9),
            3,
            abi.encodeWithSelector(IIssuanceLog.SeatNotAuthorizing.selector, 9)
        );
    }
}
