// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Trail, TrailState} from "./Trail.sol";
import {AppBootInfo} from "./interfaces/IAppAuth.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";
import {IIssuanceLog} from "./interfaces/IIssuanceLog.sol";
import {Authorizers, IKmsCommittee} from "./interfaces/IKmsCommittee.sol";
import {Attested, Input, Issuance, Released, SeatSignature} from "./interfaces/Statements.sol";
import {CommitteeCall} from "./libraries/CommitteeCall.sol";
import {Compact} from "./libraries/Compact.sol";
import {Question} from "./libraries/Question.sol";
import {StatementHash} from "./libraries/StatementHash.sol";
import {VerdictCall} from "./libraries/VerdictCall.sol";

/// @title IssuanceLog
/// @dev A refusal is a value here: the ABI-encoded custom error, empty if there is none. One issuance reverts with it, a batch
///      returns it. What `record` asks of other contracts is asked by STATICCALL, so nothing can come in between.
contract IssuanceLog is IIssuanceLog, EIP712, Trail {
    using StatementHash for *;

    uint8 private constant DERIVE = 1;
    uint8 private constant UNSEAL = 2;
    uint8 private constant SCOPE_APP = 1;
    uint8 private constant SCOPE_CODE = 2;
    uint8 private constant SCOPE_INSTANCE = 3;
    uint8 private constant RELEASE_AT_HEAD = 1;
    uint8 private constant RELEASE_AT_FINALIZED = 2;

    uint256 private constant MAX_INPUTS = 8;
    uint256 private constant ANCHOR_WINDOW_BLOCKS = 255;

    /// @inheritdoc IIssuanceLog
    uint256 public constant policyGas = 250_000;

    /// @dev What judging and recording one issuance needs beside the policy, so that the check before the call is honest.
    uint256 private constant RESERVE_GAS = 60_000;

    /// @inheritdoc IIssuanceLog
    IKmsCommittee public immutable committee;

    /// @inheritdoc IIssuanceLog
    mapping(bytes32 issuanceId => uint64 blockNumber) public recorded;
    /// @inheritdoc IIssuanceLog
    mapping(bytes32 issuanceId => bool) public reportedDropped;

    /// @dev What a call to `record` carries from one issuance to the next. Nothing that it asks others can change in between.
    struct Batch {
        TrailState trail;
        bytes32 askedSeats;
        Authorizers authorizers;
        bytes32 askedKeyVersion;
    }

    constructor(IKmsCommittee committee_) EIP712("Quorate IssuanceLog", "1") {
        committee = committee_;
        _startTrail();
    }

    /// @inheritdoc IIssuanceLog
    function record(Issuance[] calldata issuances, SeatSignature[][] calldata signatures)
        external
        returns (bytes[] memory refusals)
    {
        require(issuances.length != 0, NothingToRecord());
        require(issuances.length == signatures.length, LengthMismatch(issuances.length, signatures.length));
        refusals = new bytes[](issuances.length);
        Batch memory batch;
        batch.trail = _loadTrail();
        for (uint256 i = 0; i < issuances.length; ++i) {
            refusals[i] = _recordOne(issuances[i], signatures[i], batch);
        }
        if (issuances.length == 1) _revertIf(refusals[0]);
        _saveTrail(batch.trail);
    }

    /// @inheritdoc IIssuanceLog
    function reportDropped(
        Issuance calldata issuance,
        SeatSignature[] calldata authorizations,
        Released calldata released,
        bytes32 r,
        bytes32 vs
    ) external {
        bytes32 id = _issuanceId(issuance.reportData);
        require(recorded[id] == 0, AlreadyRecorded(id));
        require(!reportedDropped[id], AlreadyReported(id));
        require(released.issuanceId == id, ReleasedMismatch());
        _checkPastSignatures(issuance, authorizations);
        _checkReleased(released, r, vs);
        reportedDropped[id] = true;
        _emitReleasedOffRecord(issuance, id, released);
    }

    /// @inheritdoc IIssuanceLog
    function issuanceIdOf(bytes32[2] calldata reportData) external view returns (bytes32) {
        return _issuanceId(reportData);
    }

    /// @inheritdoc IIssuanceLog
    function issuanceDigest(Issuance calldata issuance) external view returns (bytes32) {
        return _hashTypedDataV4(issuance.structHash(issuance.inputs.structHashes()));
    }

    /// @inheritdoc IIssuanceLog
    function releasedDigest(Released calldata released) external view returns (bytes32) {
        return _hashTypedDataV4(released.structHash());
    }

    /* RECORD */

    /// @dev Judges, then writes and emits; or changes nothing and returns the refusal.
    function _recordOne(Issuance calldata issuance, SeatSignature[] calldata signatures, Batch memory batch)
        private
        returns (bytes memory refusal)
    {
        bytes32 id = _issuanceId(issuance.reportData);
        refusal = _judgeForm(issuance, id);
        if (refusal.length != 0) return refusal;
        // Known so far: 1. well formed, 2. not recorded, 3. the anchor is a recent block of this chain.

        refusal = _askAuthorizers(signatures, batch);
        if (refusal.length != 0) return refusal;
        uint256 free = _freeMemory();
        bytes32[] memory inputs = issuance.inputs.structHashes();
        refusal = _judgeSignatures(issuance, inputs, signatures, batch.authorizers);
        if (refusal.length != 0) return refusal;
        // Known so far: 4. t distinct open seats of the active epoch signed exactly this.

        refusal = _judgePolicy(issuance, _registryOf(issuance, batch.authorizers), batch);
        if (refusal.length != 0) return refusal;
        // Known so far: 5. its key versions are readable, 6. the app's registry and policy allow it now.

        recorded[id] = uint64(block.number);
        _emitKeyIssued(issuance, id, inputs, batch.trail);
        _giveBack(free);
        return _none();
    }

    /// @dev No bytes, in no memory of their own.
    function _none() private pure returns (bytes memory nothing) {}

    /// @dev Nothing of a recorded issuance is needed any more: its memory serves the next one, so that a batch does not pay
    ///      for memory squared.
    function _giveBack(uint256 free) private pure {
        assembly ("memory-safe") {
            mstore(0x40, free)
        }
    }

    function _freeMemory() private pure returns (uint256 free) {
        assembly ("memory-safe") {
            free := mload(0x40)
        }
    }

    /// @dev Strictly ascending, so no seat counts twice (A23). Asks the committee only if other seats signed the one before.
    function _askAuthorizers(SeatSignature[] calldata signatures, Batch memory batch)
        private
        view
        returns (bytes memory refusal)
    {
        uint256 free = _freeMemory();
        uint256[] memory seats;
        (seats, refusal) = _seatsOf(signatures);
        if (refusal.length != 0) return refusal;
        bytes32 asked;
        assembly ("memory-safe") {
            asked := keccak256(seats, add(mul(mload(seats), 0x20), 0x20))
        }
        if (asked == batch.askedSeats) {
            _giveBack(free);
        } else {
            batch.askedSeats = asked;
            batch.authorizers = CommitteeCall.authorizers(committee, seats);
        }
    }

    function _registryOf(Issuance calldata issuance, Authorizers memory a) private view returns (IAppRegistry) {
        if (a.soleRegistry != address(0)) return IAppRegistry(a.soleRegistry);
        return IAppRegistry(committee.registryOf(issuance.attested.boot.appId));
    }

    function _judgeForm(Issuance calldata issuance, bytes32 id) private view returns (bytes memory) {
        Input[] calldata inputs = issuance.inputs;
        uint256 count = inputs.length;
        if (count == 0 || count > MAX_INPUTS) {
            return abi.encodeWithSelector(InputCount.selector, MAX_INPUTS, count);
        }
        if (issuance.releaseAt != RELEASE_AT_HEAD && issuance.releaseAt != RELEASE_AT_FINALIZED) {
            return abi.encodeWithSelector(ReleaseAtUnknown.selector, issuance.releaseAt);
        }
        if (recorded[id] != 0) return abi.encodeWithSelector(AlreadyRecorded.selector, id);
        AppBootInfo calldata boot = issuance.attested.boot;
        for (uint256 k = 0; k < count; ++k) {
            if (!_isConsistent(inputs[k], boot)) {
                return abi.encodeWithSelector(InputInvalid.selector, k);
            }
        }
        return _judgeAnchor(issuance.anchor.number, issuance.anchor.hash);
    }

    /// @dev blockhash answers for the last 256 blocks and with zero for all others: zero is no anchor (A23).
    function _judgeAnchor(uint64 number, bytes32 actual) private view returns (bytes memory) {
        uint256 oldest = block.number > ANCHOR_WINDOW_BLOCKS ? block.number - ANCHOR_WINDOW_BLOCKS : 0;
        if (number < oldest) return abi.encodeWithSelector(AnchorTooOld.selector, number, oldest);
        bytes32 expected = blockhash(number);
        if (expected == 0 || expected != actual) {
            return abi.encodeWithSelector(AnchorMismatch.selector, number, expected, actual);
        }
        return _none();
    }

    /// @dev The scope says nothing about the enclave that was not attested; fields of the other kind are zero.
    function _isConsistent(Input calldata input, AppBootInfo calldata boot) private pure returns (bool) {
        if (input.kind == UNSEAL) return input.scopeKind == SCOPE_APP && input.scopeValue == 0;
        if (input.kind != DERIVE || input.secretId != 0 || input.ciphertextHash != 0) return false;
        if (input.scopeKind == SCOPE_APP) return input.scopeValue == 0;
        if (input.scopeKind == SCOPE_CODE) return input.scopeValue == boot.composeHash;
        if (input.scopeKind != SCOPE_INSTANCE || boot.instanceId == address(0)) return false;
        return input.scopeValue == bytes32(uint256(uint160(boot.instanceId)));
    }

    function _judgeSignatures(
        Issuance calldata issuance,
        bytes32[] memory inputs,
        SeatSignature[] calldata signatures,
        Authorizers memory a
    ) private view returns (bytes memory) {
        if (issuance.epoch != a.epoch || a.epoch == 0) {
            return abi.encodeWithSelector(WrongEpoch.selector, a.epoch, issuance.epoch);
        }
        if (issuance.keysetId != a.keysetId) {
            return abi.encodeWithSelector(WrongKeyset.selector, a.keysetId, issuance.keysetId);
        }
        if (signatures.length < a.t) return abi.encodeWithSelector(BelowThreshold.selector, a.t, signatures.length);
        return _judgeSigned(_hashTypedDataV4(issuance.structHash(inputs)), signatures, a.signers);
    }

    /// @dev Every signature given has to hold: low s, of a seat that may sign.
    function _judgeSigned(bytes32 digest, SeatSignature[] calldata signatures, address[] memory signers)
        private
        view
        returns (bytes memory)
    {
        uint256 count = signatures.length;
        for (uint256 i = 0; i < count; ++i) {
            SeatSignature calldata s = signatures[i];
            address signer = signers[i];
            if (signer == address(0)) return abi.encodeWithSelector(SeatNotAuthorizing.selector, s.seat);
            if (Compact.recover(digest, s.r, s.vs) != signer) {
                return abi.encodeWithSelector(InvalidSeatSignature.selector, s.seat);
            }
        }
        return _none();
    }

    /// @dev Strictly ascending, so no seat counts twice (A23).
    function _seatsOf(SeatSignature[] calldata signatures)
        private
        pure
        returns (uint256[] memory seats, bytes memory refusal)
    {
        bool isAscending;
        uint256 previous;
        uint256 seat;
        (seats, isAscending, previous, seat) = CommitteeCall.seatsOf(signatures);
        if (!isAscending) refusal = abi.encodeWithSelector(SeatsNotAscending.selector, previous, seat);
    }

    /// @dev Exactly `policyGas` for the question, as in every node; if that much is not there, the whole transaction reverts,
    ///      because a starved policy would look like a refusal (A23).
    function _judgePolicy(Issuance calldata issuance, IAppRegistry registry, Batch memory batch)
        private
        view
        returns (bytes memory)
    {
        address appId = issuance.attested.boot.appId;
        Input[] calldata inputs = issuance.inputs;
        for (uint256 k = 0; k < inputs.length; ++k) {
            Input calldata input = inputs[k];
            if (!_isReadable(registry, appId, input.kind, input.keyVersion, batch)) {
                return abi.encodeWithSelector(KeyVersionNotReadable.selector, appId, input.keyVersion);
            }
        }
        bytes memory question = Question.isAllowed(issuance.attested);
        uint256 needed = (policyGas * 64) / 63 + RESERVE_GAS;
        require(gasleft() >= needed, NotEnoughGas(needed, gasleft()));
        (bool answered, bool allowed, string memory reason) = VerdictCall.ask(address(registry), policyGas, question);
        if (answered && allowed) return _none();
        return abi.encodeWithSelector(NotAllowed.selector, appId, answered ? reason : "Registry gives no answer");
    }

    /// @dev To derive: a current or listed version; to unseal: the current one. Asked once for the same app, kind and version.
    function _isReadable(IAppRegistry registry, address appId, uint8 kind, uint32 version, Batch memory batch)
        private
        view
        returns (bool isReadable)
    {
        bytes32 asked = bytes32((uint256(uint160(appId)) << 96) | (uint256(version) << 8) | kind);
        if (asked == batch.askedKeyVersion) return true;
        isReadable = kind == UNSEAL
            ? version != 0 && version == registry.keyVersionOf(appId)
            : registry.isKeyReadable(appId, version);
        if (isReadable) batch.askedKeyVersion = asked;
    }

    /// @dev One event per input. All twelve arguments are words: they lie in memory once, for the hash, the topics and the data.
    ///      They are copied as the seats signed them: a word with bits that its type does not have has another struct hash.
    function _emitKeyIssued(Issuance calldata issuance, bytes32 id, bytes32[] memory inputs, TrailState memory state)
        private
    {
        uint256 args = _freeMemory();
        {
            Attested calldata attested = issuance.attested;
            AppBootInfo calldata boot = attested.boot;
            assembly ("memory-safe") {
                mstore(args, calldataload(boot)) // appId
                mstore(add(args, 0x20), id)
                mstore(add(args, 0x40), calldataload(add(boot, 0x20))) // composeHash
                mstore(add(args, 0xc0), calldataload(add(issuance, 0x20))) // epoch
                mstore(add(args, 0xe0), calldataload(add(attested, 0x20))) // root
                mstore(add(args, 0x100), calldataload(add(issuance, 0x100))) // evidenceHash
                mstore(add(args, 0x120), calldataload(add(issuance, 0xe0))) // sessionKey
                mstore(add(args, 0x140), calldataload(add(issuance, 0xa0))) // anchor.number
                mstore(0x40, add(args, 0x180))
            }
        }
        bytes32 topic0 = KeyIssued.selector;
        Input[] calldata wanted = issuance.inputs;
        for (uint256 k = 0; k < inputs.length; ++k) {
            Input calldata input = wanted[k];
            bytes32 inputHash = inputs[k];
            uint256 seq = state.seq + 1;
            bytes32 argsHash;
            assembly ("memory-safe") {
                mstore(add(args, 0x60), calldataload(input)) // kind
                mstore(add(args, 0x80), inputHash)
                mstore(add(args, 0xa0), calldataload(add(input, 0x60))) // keyVersion
                mstore(add(args, 0x160), seq)
                argsHash := keccak256(args, 0x180)
                log4(add(args, 0x60), 0x120, topic0, mload(args), id, mload(add(args, 0x40)))
            }
            _enter(state, topic0, argsHash);
        }
    }

    function _revertIf(bytes memory refusal) private pure {
        if (refusal.length == 0) return;
        assembly ("memory-safe") {
            revert(add(refusal, 0x20), mload(refusal))
        }
    }

    /* REPORT DROPPED */

    function _checkPastSignatures(Issuance calldata issuance, SeatSignature[] calldata signatures) private view {
        (uint256[] memory seats, bytes memory refusal) = _seatsOf(signatures);
        _revertIf(refusal);
        (uint16 t, address[] memory signers) = committee.signersOf(issuance.epoch, CommitteeCall.asSeats(seats));
        require(signatures.length >= t, BelowThreshold(t, signatures.length));
        bytes32 digest = _hashTypedDataV4(issuance.structHash(issuance.inputs.structHashes()));
        _revertIf(_judgeSigned(digest, signatures, signers));
    }

    function _checkReleased(Released calldata released, bytes32 r, bytes32 vs) private view {
        uint16[] memory seats = new uint16[](1);
        seats[0] = released.seat;
        (, address[] memory signers) = committee.signersOf(released.epoch, seats);
        require(signers[0] != address(0), SeatNotAuthorizing(released.seat));
        address recovered = Compact.recover(_hashTypedDataV4(released.structHash()), r, vs);
        require(recovered == signers[0], InvalidSeatSignature(released.seat));
    }

    function _emitReleasedOffRecord(Issuance calldata issuance, bytes32 id, Released calldata released) private {
        AppBootInfo calldata boot = issuance.attested.boot;
        uint64 seq = _nextSeq();
        emit KeyReleasedOffRecord(
            boot.appId,
            id,
            boot.composeHash,
            released.epoch,
            released.seat,
            released.blockNumber,
            released.blockHash,
            issuance.evidenceHash,
            seq
        );
        _trail(
            KeyReleasedOffRecord.selector,
            abi.encode(
                boot.appId,
                id,
                boot.composeHash,
                released.epoch,
                released.seat,
                released.blockNumber,
                released.blockHash,
                issuance.evidenceHash,
                seq
            )
        );
    }

    function _issuanceId(bytes32[2] calldata reportData) private view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), reportData));
    }
}
