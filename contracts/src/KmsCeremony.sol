// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {CommitteeState} from "./CommitteeState.sol";
import {ZeroValue} from "./interfaces/Errors.sol";
import {IAttestationRegistry} from "./interfaces/IAttestationRegistry.sol";
import {CandidateInfo, IKmsCommittee} from "./interfaces/IKmsCommittee.sol";
import {Candidate, Confirmation, Dealing, Outcome, RecipientKey, RecipientRefused} from "./interfaces/Statements.sol";
import {StatementHash} from "./libraries/StatementHash.sol";

/// @title The half of KmsCommittee that takes the nodes' statements. KmsCommittee's constructor makes it, and runs it by
///        DELEGATECALL on its own storage: one contract in all but the size of its code, with nothing that could be replaced.
/// @dev Called directly it has a storage of its own, without candidates, seats or ceremony, and refuses everything.
/// @dev Reshare, complaints and commit-reveal take their place here.
contract KmsCeremony is CommitteeState, EIP712 {
    using StatementHash for *;

    constructor(address initialAuthority, IAttestationRegistry attestationRegistry_, uint64 stepBlocks_)
        CommitteeState(initialAuthority, attestationRegistry_, stepBlocks_)
        EIP712("Quorate KmsCommittee", "1")
    {}

    /* CANDIDATES */

    function postCandidate(Candidate calldata c, bytes calldata signature, bytes calldata evidence)
        external
        returns (bytes32 candidateId)
    {
        candidateId = c.structHash();
        _checkSigned(c.signer, candidateId, signature);
        _checkHash(c.evidenceHash, evidence);
        require(
            bytes(c.endpoint).length <= MAX_ENDPOINT_BYTES,
            IKmsCommittee.EndpointTooLong(MAX_ENDPOINT_BYTES, bytes(c.endpoint).length)
        );
        require(c.checkpoint.number <= block.number, IKmsCommittee.CheckpointInFuture(c.checkpoint.number));
        require(_seatOf[c.signer] == 0, IKmsCommittee.AlreadySeated(c.signer, _seatOf[c.signer]));
        CandidateInfo storage info = _candidates[c.signer];
        if (info.candidateId != 0) {
            // An older statement, sent again by anyone, must not replace a newer one.
            require(
                c.checkpoint.number > info.checkpoint.number,
                IKmsCommittee.StaleCandidate(info.checkpoint.number, c.checkpoint.number)
            );
        }
        _store(info, c, candidateId);

        uint64 seq = _nextSeq();
        emit IKmsCommittee.CandidatePosted(c.signer, candidateId, c.operator, c, evidence, seq);
        _trail(IKmsCommittee.CandidatePosted.selector, abi.encode(c.signer, candidateId, c.operator, c, evidence, seq));
    }

    /* CEREMONY */

    function postRecipientKey(RecipientKey calldata k, bytes calldata signature, bytes calldata evidence) external {
        _checkStep(k.session, KEYS);
        Seat storage s = _checkInCeremony(k.seat);
        require(!s.facts.isSuspended && !s.facts.isRemoved, IKmsCommittee.SeatIsSuspended(k.seat));
        require(k.encryptionKey.length == POINT_BYTES, IKmsCommittee.WrongLength(POINT_BYTES, k.encryptionKey.length));
        _checkSigned(s.facts.signer, k.structHash(), signature);
        _checkHash(k.evidenceHash, evidence);
        Statements storage own = _statements[k.session][k.seat];
        require(own.evidenceHash == 0, IKmsCommittee.AlreadyPosted(k.seat));
        own.keyPrefix = uint8(k.encryptionKey[0]);
        own.keyX = bytes32(k.encryptionKey[1:]);
        own.evidenceHash = k.evidenceHash;
        if (++_ceremony.keyCount == _ceremony.seats.length) _ceremony.keysEndedAt = uint64(block.number);

        uint64 seq = _nextSeq();
        emit IKmsCommittee.RecipientKeyPosted(k.session, k.seat, k.encryptionKey, k.evidenceHash, evidence, seq);
        _trail(
            IKmsCommittee.RecipientKeyPosted.selector,
            abi.encode(k.session, k.seat, k.encryptionKey, k.evidenceHash, evidence, seq)
        );
    }

    function postRefusal(RecipientRefused calldata r, bytes calldata signature) external {
        _checkStep(r.session, DEALINGS);
        _checkSigned(_checkRecipient(r.session, r.dealer).facts.signer, r.structHash(), signature);
        _checkRecipient(r.session, r.seat);
        Statements storage own = _statements[r.session][r.dealer];
        require(own.dealingHash == 0 && own.refusedSeat == 0, IKmsCommittee.AlreadyPosted(r.dealer));
        own.refusedSeat = r.seat;
        own.refusalReason = r.reason;
        ++_ceremony.refusalCount;
        _endDealingsIfAllIn();

        uint64 seq = _nextSeq();
        emit IKmsCommittee.RecipientRefusalPosted(r.session, r.dealer, r.seat, r.reason, seq);
        _trail(IKmsCommittee.RecipientRefusalPosted.selector, abi.encode(r.session, r.dealer, r.seat, r.reason, seq));
    }

    function postDealing(Dealing calldata d, bytes calldata signature, bytes calldata dealingBytes) external {
        _checkStep(d.session, DEALINGS);
        _checkSigned(_checkRecipient(d.session, d.seat).facts.signer, d.structHash(), signature);
        _checkHash(d.dealingHash, dealingBytes);
        Statements storage own = _statements[d.session][d.seat];
        require(own.dealingHash == 0 && own.refusedSeat == 0, IKmsCommittee.AlreadyPosted(d.seat));
        own.dealingHash = d.dealingHash;
        ++_ceremony.dealingCount;
        _endDealingsIfAllIn();

        uint64 seq = _nextSeq();
        emit IKmsCommittee.DealingPosted(d.session, d.seat, d.dealingHash, dealingBytes, seq);
        _trail(IKmsCommittee.DealingPosted.selector, abi.encode(d.session, d.seat, d.dealingHash, dealingBytes, seq));
    }

    function postConfirmation(Confirmation calldata c, bytes calldata signature, bytes calldata canary) external {
        _checkStep(c.session, CONFIRMATIONS);
        require(c.transcript != 0, ZeroValue());
        _checkSigned(_checkRecipient(c.session, c.seat).facts.signer, c.structHash(), signature);
        _checkHash(c.canaryHash, canary);
        Statements storage own = _statements[c.session][c.seat];
        require(own.transcript == 0, IKmsCommittee.AlreadyPosted(c.seat));
        own.transcript = c.transcript;
        own.canaryHash = c.canaryHash;
        uint16 agreed = ++_agreed[c.session][c.transcript];
        if (agreed > _agreed[c.session][_leading[c.session]]) _leading[c.session] = c.transcript;
        if (++_ceremony.confirmationCount == _ceremony.keyCount) _ceremony.confirmationsEndedAt = uint64(block.number);

        uint64 seq = _nextSeq();
        emit IKmsCommittee.ConfirmationPosted(c.session, c.seat, c.transcript, c.canaryHash, canary, seq);
        _trail(
            IKmsCommittee.ConfirmationPosted.selector,
            abi.encode(c.session, c.seat, c.transcript, c.canaryHash, canary, seq)
        );
    }

    function activateEpoch(Outcome calldata outcome) external {
        Ceremony storage c = _ceremony;
        bytes32 session = c.session;
        _checkStep(session, ACTIVATION);
        bytes32 transcript = _transcriptOf(session, outcome);
        _checkOutcome(outcome, session, transcript);
        uint64 epoch = ++_inForce.epoch;
        bytes32 keysetId = _keysetId;
        if (keysetId == 0) {
            keysetId = keccak256(abi.encode(block.chainid, address(this), session));
            (_keysetId, _derivePublicKey, _unsealPublicKey) =
            (keysetId, outcome.derivePublicKey, outcome.unsealPublicKey);
        }
        _inForce.t = c.t;
        Epoch storage e = _epochs[epoch];
        (e.session, e.keysetId, e.transcript, e.t) = (session, keysetId, transcript, c.t);
        (e.sharesHash, e.activatedAt) = (keccak256(outcome.verificationShares), uint64(block.number));
        e.recipients = outcome.recipients;
        _admitMembers(epoch, session, transcript, outcome.recipients);
        delete _ceremony;

        uint64 seq = _nextSeq();
        emit IKmsCommittee.EpochActivated(epoch, session, keysetId, transcript, e.members, outcome, seq);
        _trail(
            IKmsCommittee.EpochActivated.selector,
            abi.encode(epoch, session, keysetId, transcript, e.members, outcome, seq)
        );
    }

    function abortEpoch() external {
        bytes32 session = _ceremony.session;
        require(session != 0, IKmsCommittee.WrongStep(FAILED, NONE));
        (uint8 step,, uint64 deadline) = _step();
        // Confirmed and yet activated by nobody for a whole step: the outcome's bytes are lost.
        require(step == FAILED || (step == ACTIVATION && block.number > deadline), IKmsCommittee.NotAbortable(step));
        delete _ceremony;

        uint64 seq = _nextSeq();
        emit IKmsCommittee.EpochAborted(session, step, seq);
        _trail(IKmsCommittee.EpochAborted.selector, abi.encode(session, step, seq));
    }

    /* INTERNAL */

    function _checkStep(bytes32 session, uint8 expected) private view {
        require(session != 0 && session == _ceremony.session, IKmsCommittee.WrongSession(_ceremony.session, session));
        (uint8 step,,) = _step();
        require(step == expected, IKmsCommittee.WrongStep(expected, step));
    }

    function _checkOutcome(Outcome calldata o, bytes32 session, bytes32 transcript) private view {
        Ceremony storage c = _ceremony;
        uint256 quorum = 2 * uint256(c.t) - 1;
        uint16 agreed = _agreed[session][transcript];
        require(agreed >= quorum, IKmsCommittee.TooFewConfirmations(quorum, agreed));
        require(
            o.derivePublicKey.length == POINT_BYTES, IKmsCommittee.WrongLength(POINT_BYTES, o.derivePublicKey.length)
        );
        require(
            o.unsealPublicKey.length == POINT_BYTES, IKmsCommittee.WrongLength(POINT_BYTES, o.unsealPublicKey.length)
        );
        uint256 length = 2 * POINT_BYTES * o.recipients.length;
        require(o.verificationShares.length == length, IKmsCommittee.WrongLength(length, o.verificationShares.length));
        require(o.recipients.length == c.keyCount, IKmsCommittee.RecipientsMismatch());
        uint256 next = 0;
        for (uint256 i = 0; i < c.seats.length; ++i) {
            if (_statements[session][c.seats[i]].evidenceHash == 0) continue;
            require(o.recipients[next++] == c.seats[i], IKmsCommittee.RecipientsMismatch());
        }
        require(o.dealers.length >= c.t, IKmsCommittee.TooFewDealers(c.t, o.dealers.length));
        for (uint256 i = 0; i < o.dealers.length; ++i) {
            require(
                i == 0 || o.dealers[i - 1] < o.dealers[i],
                IKmsCommittee.SeatsNotAscending(i == 0 ? 0 : o.dealers[i - 1], o.dealers[i])
            );
            require(_statements[session][o.dealers[i]].dealingHash != 0, IKmsCommittee.NotADealer(o.dealers[i]));
        }
    }

    /// @dev Members are the recipients who confirmed this transcript; a silent one holds a share and serves nothing.
    function _admitMembers(uint64 epoch, bytes32 session, bytes32 transcript, uint16[] calldata recipients) private {
        uint16[] storage members = _epochs[epoch].members;
        uint256 sealing = 0;
        for (uint256 i = 0; i < recipients.length; ++i) {
            uint16 id = recipients[i];
            if (_statements[session][id].transcript != transcript) continue;
            members.push(id);
            _isMember[epoch][id] = true;
            _seats[id].facts.memberOf = epoch;
            if (_seats[id].facts.sealing != SEALING_NONE) ++sealing;
        }
        require(sealing >= _epochs[epoch].t, IKmsCommittee.TooFewSealingSeats(_epochs[epoch].t, sealing));
    }

    function _transcriptOf(bytes32 session, Outcome calldata o) private pure returns (bytes32) {
        return keccak256(
            abi.encode(session, o.recipients, o.dealers, o.verificationShares, o.derivePublicKey, o.unsealPublicKey)
        );
    }

    function _endDealingsIfAllIn() private {
        Ceremony storage c = _ceremony;
        if (c.dealingCount + c.refusalCount == c.keyCount) c.dealingsEndedAt = uint64(block.number);
    }

    function _checkInCeremony(uint16 id) private view returns (Seat storage) {
        uint16[] storage seats = _ceremony.seats;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i] == id) return _seats[id];
        }
        revert IKmsCommittee.NotInCeremony(id);
    }

    function _checkRecipient(bytes32 session, uint16 id) private view returns (Seat storage) {
        require(_statements[session][id].evidenceHash != 0, IKmsCommittee.NotARecipient(id));
        return _seats[id];
    }

    function _checkHash(bytes32 expected, bytes calldata data) private pure {
        bytes32 actual = keccak256(data);
        require(expected == actual, IKmsCommittee.HashMismatch(expected, actual));
    }

    /// @dev 65 bytes r, s, v; or 64 bytes as EIP-2098. Malleable ones recover to nobody.
    function _checkSigned(address signer, bytes32 structHash, bytes calldata signature) private view {
        bytes32 digest = _hashTypedDataV4(structHash);
        address recovered;
        if (signature.length == 64) {
            (recovered,,) = ECDSA.tryRecover(digest, bytes32(signature[:32]), bytes32(signature[32:]));
        } else {
            (recovered,,) = ECDSA.tryRecoverCalldata(digest, signature);
        }
        require(recovered != address(0) && recovered == signer, IKmsCommittee.InvalidSignature(signer, recovered));
    }

    function _store(CandidateInfo storage info, Candidate calldata c, bytes32 candidateId) private {
        info.candidateId = candidateId;
        info.operator = c.operator;
        info.sealing = c.sealing;
        info.root = c.root;
        info.osImageHash = c.osImageHash;
        info.composeHash = c.composeHash;
        info.checkpoint = c.checkpoint;
        info.evidenceHash = c.evidenceHash;
        info.endpoint = c.endpoint;
        info.expiresAt = uint64(block.timestamp) + CANDIDATE_LIFETIME_SECONDS;
    }
}
