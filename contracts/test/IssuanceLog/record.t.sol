// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAppAuth, AppBootInfo} from "../../src/interfaces/IAppAuth.sol";
import {IIssuanceLog} from "../../src/interfaces/IIssuanceLog.sol";
import {IssuanceLog} from "../../src/IssuanceLog.sol";
import {Anchor, Input, Issuance, SeatSignature} from "../../src/interfaces/Statements.sol";
import {CommitteeCall} from "../../src/libraries/CommitteeCall.sol";
import {KmsCommittee} from "../../src/KmsCommittee.sol";
import {IKmsCommittee} from "../../src/interfaces/IKmsCommittee.sol";
import {Vm} from "forge-std/Vm.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract IssuanceLog_Record_Test is QuorateTest {
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function setUp() public override {
        super.setUp();
        _genesis();
        vm.roll(block.number + 300);
    }

    function _expect(Issuance memory i, bytes memory refusal) private {
        _expectSigned(i, _authorize(i, _seats(T)), refusal);
    }

    function _expectSigned(Issuance memory i, SeatSignature[] memory s, bytes memory refusal) private {
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, s);
        vm.expectRevert(refusal);
        issuanceLog.record(issuances, signatures);
        assertEq(issuanceLog.recorded(issuanceLog.issuanceIdOf(i.reportData)), 0, "a refused issuance is not recorded");
    }

    /* ACCEPTS */

    function test_RecordsAndEmits() external {
        Issuance memory i = _issuance(1);
        bytes32 id = issuanceLog.issuanceIdOf(i.reportData);
        (uint64 before,) = issuanceLog.trail();
        vm.expectEmit(address(issuanceLog));
        emit IIssuanceLog.KeyIssued(
            appId,
            id,
            COMPOSE,
            1,
            hasher.hash(i.inputs[0]),
            1,
            1,
            _root(0),
            i.evidenceHash,
            i.sessionKey,
            i.anchor.number,
            before + 1
        );
        _record(i);
        assertEq(issuanceLog.recorded(id), block.number);
        (uint64 seq,) = issuanceLog.trail();
        assertEq(seq, before + 1);
    }

    function test_IssuanceIdIsOfChainLogAndReportData() external view {
        Issuance memory i = _issuance(1);
        bytes32 expected = keccak256(abi.encode(block.chainid, address(issuanceLog), i.reportData));
        assertEq(issuanceLog.issuanceIdOf(i.reportData), expected);
    }

    function test_MoreThanTSignaturesAreWelcome() external {
        Issuance memory i = _issuance(1);
        _recordSigned(i, _authorize(i, _seats(N)));
    }

    function test_AnchorAt255BlocksIsRecent() external {
        Issuance memory i = _issuance(1);
        i.anchor = Anchor(uint64(block.number - 255), blockhash(block.number - 255));
        _record(i);
    }

    function test_EmitsOncePerInput() external {
        Issuance memory i = _issuance(1);
        i.inputs = new Input[](8);
        for (uint256 k = 0; k < 8; ++k) {
            i.inputs[k] = Input(1, 2, COMPOSE, 1, 0, 0);
        }
        i.inputs[1] = Input(1, 3, bytes32(uint256(uint160(i.attested.boot.instanceId))), 1, 0, 0);
        i.inputs[2] = Input(2, 1, 0, 1, keccak256("secret"), keccak256("ciphertext"));
        vm.recordLogs();
        _record(i);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 8);
        for (uint256 k = 0; k < 8; ++k) {
            (, bytes32 input,,,,,,, uint64 seq) =
                abi.decode(logs[k].data, (uint8, bytes32, uint32, uint64, bytes32, bytes32, address, uint64, uint64));
            assertEq(input, hasher.hash(i.inputs[k]));
            assertEq(seq, k + 1);
        }
    }

    function test_ReadsAnOlderVersionWhileListed() external {
        vm.prank(owner);
        apps.rotate(appId, true);
        _record(_issuance(1));
        vm.prank(guardian);
        apps.delistKeyVersion(appId, 1, 1);
        _expect(_issuance(2), abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 1));
    }

    function testFuzz_AnyTSeatsSuffice(uint8 pick) external {
        uint16 leaveOut1 = pick % 5 + 1;
        uint16 leaveOut2 = (pick / 5) % 5 + 1;
        vm.assume(leaveOut1 != leaveOut2);
        uint16[] memory seats = new uint16[](3);
        uint256 count = 0;
        for (uint16 s = 1; s <= N; ++s) {
            if (s != leaveOut1 && s != leaveOut2) seats[count++] = s;
        }
        Issuance memory i = _issuance(pick);
        _recordSigned(i, _authorize(i, seats));
    }

    /* REFUSES: form */

    function test_RevertWhen_Nothing() external {
        vm.expectRevert(IIssuanceLog.NothingToRecord.selector);
        issuanceLog.record(new Issuance[](0), new SeatSignature[][](0));
    }

    function test_RevertWhen_LengthsDiffer() external {
        vm.expectRevert(abi.encodeWithSelector(IIssuanceLog.LengthMismatch.selector, 1, 2));
        issuanceLog.record(new Issuance[](1), new SeatSignature[][](2));
    }

    /// A11: one quote, one record, whatever else is new.
    function test_RevertGiven_Recorded() external {
        Issuance memory i = _issuance(1);
        bytes32 id = _record(i);
        i.evidenceHash = keccak256("the same quote with trailing bytes");
        i.inputs[0] = Input(1, 2, COMPOSE, 1, 0, 0);
        i.releaseAt = 2;
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, _authorize(i, _seats(T)));
        vm.expectRevert(abi.encodeWithSelector(IIssuanceLog.AlreadyRecorded.selector, id));
        issuanceLog.record(issuances, signatures);
    }

    function test_AYoungChainHasNoOldAnchors() external {
        vm.roll(200);
        Issuance memory i = _issuance(1);
        i.anchor = Anchor(1, blockhash(1));
        _record(i);
    }

    /// An encoder may leave a gap: what is judged is what was signed, wherever it lies.
    function test_TheAttestedMayLieAnywhere() external {
        Issuance memory i = _issuance(1);
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, _authorize(i, _seats(T)));
        bytes memory data = abi.encodeCall(issuanceLog.record, (issuances, signatures));
        uint256 root = _find(data, i.attested.root);
        // A word between the head of `attested` and `boot`: three offsets grow by it.
        _grow(data, root - 32);
        _grow(data, _find(data, i.evidenceHash) + 64);
        _grow(data, 4 + 32);
        (bool ok,) = address(issuanceLog)
            .call(bytes.concat(_slice(data, 0, root + 96), bytes32(0), _slice(data, root + 96, data.length)));
        assertTrue(ok);
        assertEq(issuanceLog.recorded(issuanceLog.issuanceIdOf(i.reportData)), block.number);
    }

    function _find(bytes memory data, bytes32 word) private pure returns (uint256 at) {
        for (at = 4; _word(data, at) != word; at += 32) {}
    }

    function _word(bytes memory data, uint256 at) private pure returns (bytes32 word) {
        assembly {
            word := mload(add(add(data, 0x20), at))
        }
    }

    function _grow(bytes memory data, uint256 at) private pure {
        assembly {
            let position := add(add(data, 0x20), at)
            mstore(position, add(mload(position), 0x20))
        }
    }

    function _slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 k = 0; k < part.length; ++k) {
            part[k] = data[from + k];
        }
    }

    function test_RevertGiven_OldAnchor() external {
        Issuance memory i = _issuance(1);
        i.anchor = Anchor(uint64(block.number - 256), blockhash(block.number - 256));
        _expect(i, abi.encodeWithSelector(IIssuanceLog.AnchorTooOld.selector, i.anchor.number, block.number - 255));
    }

    /// A23: blockhash of a block that is not there is zero, and zero is no anchor.
    function test_RevertGiven_ZeroAnchor() external {
        Issuance memory i = _issuance(1);
        i.anchor = Anchor(uint64(block.number + 1), 0);
        _expect(
            i, abi.encodeWithSelector(IIssuanceLog.AnchorMismatch.selector, i.anchor.number, bytes32(0), bytes32(0))
        );
        i.anchor = Anchor(uint64(block.number), 0);
        _expect(
            i, abi.encodeWithSelector(IIssuanceLog.AnchorMismatch.selector, i.anchor.number, bytes32(0), bytes32(0))
        );
    }

    function test_RevertGiven_AnchorOfAnotherChain() external {
        Issuance memory i = _issuance(1);
        bytes32 real = i.anchor.hash;
        i.anchor.hash = keccak256("fork");
        _expect(i, abi.encodeWithSelector(IIssuanceLog.AnchorMismatch.selector, i.anchor.number, real, i.anchor.hash));
    }

    function test_RevertWhen_InputCount() external {
        Issuance memory i = _issuance(1);
        i.inputs = new Input[](0);
        _expect(i, abi.encodeWithSelector(IIssuanceLog.InputCount.selector, 8, 0));
        i.inputs = new Input[](9);
        _expect(i, abi.encodeWithSelector(IIssuanceLog.InputCount.selector, 8, 9));
    }

    function test_RevertWhen_ReleaseAtUnknown() external {
        Issuance memory i = _issuance(1);
        i.releaseAt = 3;
        _expect(i, abi.encodeWithSelector(IIssuanceLog.ReleaseAtUnknown.selector, 3));
    }

    function test_RevertWhen_ScopeIsNotTheEnclaves() external {
        bytes32 instance = bytes32(uint256(uint160(_issuance(1).attested.boot.instanceId)));
        Input[14] memory bad = [
            Input(0, 1, 0, 1, 0, 0),
            Input(3, 1, 0, 1, 0, 0),
            Input(1, 0, 0, 1, 0, 0),
            Input(1, 4, 0, 1, 0, 0),
            Input(1, 1, COMPOSE, 1, 0, 0),
            Input(1, 2, keccak256("other code"), 1, 0, 0),
            Input(1, 3, bytes32(uint256(1)), 1, 0, 0),
            Input(1, 1, 0, 1, keccak256("secret"), 0),
            Input(2, 2, COMPOSE, 1, keccak256("secret"), keccak256("ciphertext")),
            Input(2, 1, COMPOSE, 1, keccak256("secret"), keccak256("ciphertext")),
            Input(1, 1, 0, 1, 0, keccak256("ciphertext")),
            Input(2, 2, 0, 1, keccak256("secret"), keccak256("ciphertext")),
            Input(1, 0, instance, 1, 0, 0),
            Input(1, 4, instance, 1, 0, 0)
        ];
        for (uint256 k = 0; k < bad.length; ++k) {
            Issuance memory i = _issuance(1);
            i.inputs = new Input[](2);
            i.inputs[0] = Input(1, 1, 0, 1, 0, 0);
            i.inputs[1] = bad[k];
            _expect(i, abi.encodeWithSelector(IIssuanceLog.InputInvalid.selector, 1));
        }
    }

    function test_RevertWhen_InstanceScopeWithoutInstance() external {
        Issuance memory i = _issuance(1);
        i.attested.boot.instanceId = address(0);
        i.inputs[0] = Input(1, 3, 0, 1, 0, 0);
        _expect(i, abi.encodeWithSelector(IIssuanceLog.InputInvalid.selector, 0));
    }

    /* REFUSES: key version */

    function test_RevertWhen_KeyVersionUnknown() external {
        Issuance memory i = _issuance(1);
        i.inputs[0].keyVersion = 2;
        _expect(i, abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 2));
        i.inputs[0].keyVersion = 0;
        _expect(i, abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 0));
    }

    /// A11: after rotation the old version is gone unless it is listed.
    function test_RevertGiven_Rotated() external {
        vm.prank(owner);
        apps.rotate(appId, false);
        _expect(_issuance(1), abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 1));
    }

    function test_RevertWhen_UnsealAsksForAnOlderVersion() external {
        vm.prank(owner);
        apps.rotate(appId, true);
        Issuance memory i = _issuance(1);
        i.inputs[0] = Input(2, 1, 0, 1, keccak256("secret"), keccak256("ciphertext"));
        _expect(i, abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 1));
    }

    /// An app that nobody registered has version zero, and that is none.
    function test_RevertWhen_UnsealAsksForVersionZero() external {
        Issuance memory i = _issuance(1);
        i.attested.boot.appId = stranger;
        i.inputs[0] = Input(2, 1, 0, 0, keccak256("secret"), keccak256("ciphertext"));
        _expect(i, abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, stranger, 0));
    }

    /// What was asked for one input answers for no other: neither another version nor another kind.
    function test_RevertWhen_ALaterInputIsNotReadable() external {
        vm.prank(owner);
        apps.rotate(appId, true);
        Issuance memory i = _issuance(1);
        i.inputs = new Input[](2);
        i.inputs[0] = Input(1, 1, 0, 1, 0, 0);
        i.inputs[1] = Input(1, 1, 0, 3, 0, 0);
        _expect(i, abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 3));
        i.inputs[1] = Input(2, 1, 0, 1, keccak256("secret"), keccak256("ciphertext"));
        _expect(i, abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 1));
    }

    /* REFUSES: committee */

    function test_RevertWhen_WrongEpoch() external {
        Issuance memory i = _issuance(1);
        i.epoch = 2;
        _expect(i, abi.encodeWithSelector(IIssuanceLog.WrongEpoch.selector, 1, 2));
    }

    /// Before the genesis there is no epoch to sign for.
    function test_RevertGiven_NoEpoch() external {
        committee = new KmsCommittee(attestation.authority(), attestation, STEP, 2, LONGEST);
        issuanceLog = new IssuanceLog(committee);
        committee.setContracts(address(apps), address(issuanceLog));
        _expect(_issuance(1), abi.encodeWithSelector(IIssuanceLog.WrongEpoch.selector, 0, 0));
    }

    function test_RevertGiven_ACommitteeThatGivesNoAnswer() external {
        issuanceLog = new IssuanceLog(IKmsCommittee(address(apps)));
        _expect(_issuance(1), abi.encodeWithSelector(CommitteeCall.CommitteeGivesNoAnswer.selector));
    }

    function test_RevertWhen_WrongKeyset() external {
        Issuance memory i = _issuance(1);
        bytes32 real = i.keysetId;
        i.keysetId = keccak256("other keyset");
        _expect(i, abi.encodeWithSelector(IIssuanceLog.WrongKeyset.selector, real, i.keysetId));
    }

    function test_RevertWhen_BelowThreshold() external {
        Issuance memory i = _issuance(1);
        _expectSigned(
            i, _authorize(i, _seats(T - 1)), abi.encodeWithSelector(IIssuanceLog.BelowThreshold.selector, T, T - 1)
        );
        _expectSigned(i, new SeatSignature[](0), abi.encodeWithSelector(IIssuanceLog.BelowThreshold.selector, T, 0));
    }

    /// A23: a seat counts once.
    function test_RevertWhen_OneSeatSignsTwice() external {
        Issuance memory i = _issuance(1);
        SeatSignature[] memory s = _authorize(i, _seats(T));
        s[2] = s[1];
        _expectSigned(i, s, abi.encodeWithSelector(IIssuanceLog.SeatsNotAscending.selector, 2, 2));
    }

    function test_RevertWhen_SeatsUnordered() external {
        Issuance memory i = _issuance(1);
        SeatSignature[] memory s = _authorize(i, _seats(T));
        (s[0], s[1]) = (s[1], s[0]);
        _expectSigned(i, s, abi.encodeWithSelector(IIssuanceLog.SeatsNotAscending.selector, 2, 1));
    }

    function test_RevertWhen_NonMember() external {
        _admit(6);
        Issuance memory i = _issuance(1);
        uint16[] memory seats = _seats(T);
        seats[2] = 6;
        _expectSigned(i, _authorize(i, seats), abi.encodeWithSelector(IIssuanceLog.SeatNotAuthorizing.selector, 6));
        seats[2] = 99;
        _expectSigned(i, _authorize(i, seats), abi.encodeWithSelector(IIssuanceLog.SeatNotAuthorizing.selector, 99));
    }

    /// A12: a suspended seat stops counting in the block of its suspension.
    function test_RevertWhen_SeatSuspended() external {
        Issuance memory i = _issuance(1);
        SeatSignature[] memory s = _authorize(i, _seats(T));
        vm.prank(guardianOfNetwork);
        committee.suspendSeat(2, 1);
        _expectSigned(i, s, abi.encodeWithSelector(IIssuanceLog.SeatNotAuthorizing.selector, 2));
        committee.unsuspendSeat(2);
        _recordSigned(i, s);
    }

    function test_RevertWhen_SeatRemoved() external {
        Issuance memory i = _issuance(1);
        committee.removeSeat(1, 1);
        _expect(i, abi.encodeWithSelector(IIssuanceLog.SeatNotAuthorizing.selector, 1));
    }

    function test_RevertWhen_SignatureOfAnotherKey() external {
        Issuance memory i = _issuance(1);
        SeatSignature[] memory s = _authorize(i, _seats(T));
        (s[1].r, s[1].vs) = (s[2].r, s[2].vs);
        _expectSigned(i, s, abi.encodeWithSelector(IIssuanceLog.InvalidSeatSignature.selector, 2));
    }

    /// A23: the other s of the same signature is refused.
    function test_RevertWhen_SignatureMalleable() external {
        Issuance memory i = _issuance(1);
        SeatSignature[] memory s = _authorize(i, _seats(T));
        uint256 vs = uint256(s[0].vs);
        uint256 high = ORDER - (vs & ((1 << 255) - 1));
        assertGt(high, HALF_ORDER);
        // An EIP-2098 s has 255 bits: a high s does not even fit, and what is left of it recovers to nobody known.
        s[0].vs = bytes32((high & ((1 << 255) - 1)) | ((vs ^ (1 << 255)) & (1 << 255)));
        _expectSigned(i, s, abi.encodeWithSelector(IIssuanceLog.InvalidSeatSignature.selector, 1));
    }

    /// A23: signed for another log, or another chain.
    function test_RevertWhen_SignedForAnotherLogOrChain() external {
        Issuance memory i = _issuance(1);
        IssuanceLog other = new IssuanceLog(committee);
        bytes32 digest = other.issuanceDigest(i);
        SeatSignature[] memory s = new SeatSignature[](3);
        for (uint16 seat = 1; seat <= 3; ++seat) {
            s[seat - 1] = _seatSignature(seat, digest);
        }
        _expectSigned(i, s, abi.encodeWithSelector(IIssuanceLog.InvalidSeatSignature.selector, 1));

        uint256 here = block.chainid;
        vm.chainId(here + 1);
        s = _authorize(i, _seats(T));
        vm.chainId(here);
        _expectSigned(i, s, abi.encodeWithSelector(IIssuanceLog.InvalidSeatSignature.selector, 1));
    }

    function testFuzz_RevertWhen_AnyFieldDiffersFromWhatWasSigned(uint8 field) external {
        Issuance memory i = _issuance(1);
        SeatSignature[] memory s = _authorize(i, _seats(T));
        field = field % 8;
        if (field == 0) i.evidenceHash = keccak256("x");
        if (field == 1) i.sessionKey = address(1);
        if (field == 2) i.reportData[1] = keccak256("x");
        if (field == 3) i.releaseAt = 2;
        if (field == 4) i.attested.boot.instanceId = address(1);
        if (field == 5) i.attested.tcbEvaluationDataNumber = 18;
        if (field == 6) i.inputs[0] = Input(1, 2, COMPOSE, 1, 0, 0);
        if (field == 7) i.attested.boot.mrSystem = keccak256("x");
        _expectSigned(i, s, abi.encodeWithSelector(IIssuanceLog.InvalidSeatSignature.selector, 1));
    }

    /* REFUSES: policy */

    function test_RevertGiven_Revoked() external {
        vm.prank(guardian);
        policy.revokeComposeHash(COMPOSE, 2);
        _expect(
            _issuance(1), abi.encodeWithSelector(IIssuanceLog.NotAllowed.selector, appId, "Compose hash not allowed")
        );
    }

    function test_RevertGiven_AppUnknown() external {
        Issuance memory i = _issuance(1);
        i.attested.boot.appId = stranger;
        _expect(i, abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, stranger, 1));
    }

    /// A23: whoever starves the policy of gas gets no refusal recorded and no batch skipped: everything reverts.
    function test_RevertGiven_TooLittleGas() external {
        Issuance[] memory issuances = new Issuance[](2);
        SeatSignature[][] memory signatures = new SeatSignature[][](2);
        for (uint256 k = 0; k < 2; ++k) {
            issuances[k] = _issuance(k);
            signatures[k] = _authorize(issuances[k], _seats(T));
        }
        bytes memory call = abi.encodeCall(issuanceLog.record, (issuances, signatures));
        (bool ok, bytes memory answer) = address(issuanceLog).call{gas: 300_000}(call);
        assertFalse(ok);
        assertEq(bytes4(answer), IIssuanceLog.NotEnoughGas.selector);
        // Selector, then what is needed: 64/63 of the policy's gas, and 60,000 to record with.
        assertEq(uint256(_word(answer, 4)), uint256(250_000) * 64 / 63 + 60_000);
        (ok,) = address(issuanceLog).call{gas: 1_000_000}(call);
        assertTrue(ok);
    }

    /// A23: between "enough" and "too little" there is no amount of gas that records a refusal.
    function testFuzz_GasNeverChangesTheVerdict(uint256 gas) external {
        gas = bound(gas, 30_000, 900_000);
        Issuance[] memory issuances = new Issuance[](2);
        SeatSignature[][] memory signatures = new SeatSignature[][](2);
        for (uint256 k = 0; k < 2; ++k) {
            issuances[k] = _issuance(k);
            signatures[k] = _authorize(issuances[k], _seats(T));
        }
        (bool ok, bytes memory answer) =
            address(issuanceLog).call{gas: gas}(abi.encodeCall(issuanceLog.record, (issuances, signatures)));
        if (!ok) return;
        bytes[] memory refusals = abi.decode(answer, (bytes[]));
        assertEq(refusals[0].length + refusals[1].length, 0);
    }

    function _foreign(address code) private returns (Issuance memory i) {
        apps.registerApp(code);
        i = _issuance(1);
        i.attested.boot.appId = code;
    }

    /// A23: 300 KB of reason (more does not fit into the gas) cost the policy gas, and 128 bytes arrive.
    function test_CopiesAtMost128BytesOfReason() external {
        Issuance memory i = _foreign(address(new Bomb(false)));
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, _authorize(i, _seats(T)));
        try issuanceLog.record(issuances, signatures) {
            fail();
        } catch (bytes memory refusal) {
            assertEq(bytes4(refusal), IIssuanceLog.NotAllowed.selector);
            assertLt(refusal.length, 4 + 32 * 3 + 128 + 1);
        }
    }

    function test_ABombThatBurnsAllGasIsARefusal() external {
        Issuance memory i = _foreign(address(new Bomb(true)));
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, _authorize(i, _seats(T)));
        vm.expectPartialRevert(IIssuanceLog.NotAllowed.selector);
        issuanceLog.record(issuances, signatures);
    }

    /* BATCH */

    function test_BatchSkipsTheBadOne() external {
        Issuance[] memory issuances = new Issuance[](3);
        SeatSignature[][] memory signatures = new SeatSignature[][](3);
        for (uint256 k = 0; k < 3; ++k) {
            issuances[k] = _issuance(k);
            if (k == 1) issuances[k].attested.boot.composeHash = keccak256("not approved");
            signatures[k] = _authorize(issuances[k], _seats(T));
        }
        vm.recordLogs();
        bytes[] memory refusals = issuanceLog.record(issuances, signatures);
        assertEq(vm.getRecordedLogs().length, 2);
        assertEq(refusals[0].length, 0);
        assertEq(
            refusals[1], abi.encodeWithSelector(IIssuanceLog.NotAllowed.selector, appId, "Compose hash not allowed")
        );
        assertEq(refusals[2].length, 0);
        assertEq(issuanceLog.recorded(issuanceLog.issuanceIdOf(issuances[0].reportData)), block.number);
        assertEq(issuanceLog.recorded(issuanceLog.issuanceIdOf(issuances[1].reportData)), 0);
        assertEq(issuanceLog.recorded(issuanceLog.issuanceIdOf(issuances[2].reportData)), block.number);
        (uint64 seq,) = issuanceLog.trail();
        assertEq(seq, 2);
    }

    /// What was asked for one issuance answers for no other app, version or set of seats.
    function test_BatchSkipsTheFirst() external {
        Issuance[] memory issuances = new Issuance[](2);
        SeatSignature[][] memory signatures = new SeatSignature[][](2);
        for (uint256 k = 0; k < 2; ++k) {
            issuances[k] = _issuance(k);
            if (k == 0) issuances[k].releaseAt = 3;
            signatures[k] = _authorize(issuances[k], _seats(T));
        }
        bytes[] memory refusals = issuanceLog.record(issuances, signatures);
        assertEq(refusals[0], abi.encodeWithSelector(IIssuanceLog.ReleaseAtUnknown.selector, 3));
        assertEq(refusals[1].length, 0);
        assertEq(issuanceLog.recorded(issuanceLog.issuanceIdOf(issuances[1].reportData)), block.number);
    }

    /// What was not readable for one is not readable for the next.
    function test_BatchRemembersOnlyWhatIsReadable() external {
        Issuance[] memory issuances = new Issuance[](2);
        SeatSignature[][] memory signatures = new SeatSignature[][](2);
        for (uint256 k = 0; k < 2; ++k) {
            issuances[k] = _issuance(k);
            issuances[k].inputs[0].keyVersion = 2;
            signatures[k] = _authorize(issuances[k], _seats(T));
        }
        bytes[] memory refusals = issuanceLog.record(issuances, signatures);
        bytes memory expected = abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 2);
        assertEq(refusals[0], expected);
        assertEq(refusals[1], expected);
    }

    function test_RevertGiven_ARegistryThatGivesNoAnswer() external {
        vm.mockCallRevert(address(apps), abi.encodeWithSelector(apps.isAllowed.selector), "");
        _expect(
            _issuance(1), abi.encodeWithSelector(IIssuanceLog.NotAllowed.selector, appId, "Registry gives no answer")
        );
    }

    function test_BatchAsksForEachWhatItNeeds() external {
        (address other,) = _createApp("second");
        committee.suspendSeat(5, 1);
        Issuance[] memory issuances = new Issuance[](4);
        SeatSignature[][] memory signatures = new SeatSignature[][](4);
        for (uint256 k = 0; k < 4; ++k) {
            issuances[k] = _issuance(k);
            if (k == 1) issuances[k].inputs[0].keyVersion = 2;
            if (k == 2) issuances[k].attested.boot.appId = stranger;
            if (k == 3) issuances[k].attested.boot.appId = other;
            uint16[] memory seats = _seats(T);
            if (k == 3) seats[2] = 5;
            signatures[k] = _authorize(issuances[k], seats);
        }
        bytes[] memory refusals = issuanceLog.record(issuances, signatures);
        assertEq(refusals[0].length, 0);
        assertEq(refusals[1], abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, appId, 2));
        assertEq(refusals[2], abi.encodeWithSelector(IIssuanceLog.KeyVersionNotReadable.selector, stranger, 1));
        assertEq(refusals[3], abi.encodeWithSelector(IIssuanceLog.SeatNotAuthorizing.selector, 5));
    }

    /// With advisories the question is encoded anew; it must arrive the same.
    function test_AdvisoriesArriveAtTheRegistry() external {
        Issuance memory i = _issuance(1);
        i.attested.boot.advisoryIds = new string[](2);
        i.attested.boot.advisoryIds[1] = "INTEL-SA-00001";
        attestation.denyAdvisory(_root(0), "INTEL-SA-00001");
        _expect(i, abi.encodeWithSelector(IIssuanceLog.NotAllowed.selector, appId, "Advisory is denied"));
        attestation.acceptAdvisory(_root(0), "INTEL-SA-00001");
        _record(i);
    }

    /// A11: the same quote twice in one batch is one record.
    function test_BatchRecordsOneQuoteOnce() external {
        Issuance[] memory issuances = new Issuance[](2);
        SeatSignature[][] memory signatures = new SeatSignature[][](2);
        for (uint256 k = 0; k < 2; ++k) {
            issuances[k] = _issuance(1);
            signatures[k] = _authorize(issuances[k], _seats(T));
        }
        bytes[] memory refusals = issuanceLog.record(issuances, signatures);
        assertEq(bytes4(refusals[1]), IIssuanceLog.AlreadyRecorded.selector);
    }
}

/// @dev A policy that answers with more than anybody wants, or burns what it gets.
contract Bomb {
    bool private immutable _burns;

    constructor(bool burns) {
        _burns = burns;
    }

    function owner() external view returns (address) {
        return address(this);
    }

    function isAppAllowed(AppBootInfo calldata) external view returns (bool, string memory) {
        if (_burns) {
            while (true) {}
        }
        assembly {
            mstore(0, 0)
            mstore(0x20, 0x40)
            mstore(0x40, 299900)
            return(0, 300000)
        }
    }
}
