// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Trail, TrailState} from "./Trail.sol";
import {AppBootInfo} from "./interfaces/IAppAuth.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";
import {IIssuanceLog} from "./interfaces/IIssuanceLog.sol";
import {Authorizers, IKmsCommittee} from "./interfaces/IKmsCommittee.sol";
import {Attested, Input, Issuance, Released, SeatSignature} from "./interfaces/Statements.sol";
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
        TrailState memory state = _loadTrail();
        for (uint256 i = 0; i < issuances.length; ++i) {
            refusals[i] = _recordOne(issuances[i], signatures[i], state);
        }
        if (issuances.length == 1) _revertIf(refusals[0]);
        _saveTrail(state);
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
    function _recordOne(Issuance calldata issuance, SeatSignature[] calldata signatures, TrailState memory state)
        private
        returns (bytes memory refusal)
    {
        bytes32 id = _issuanceId(issuance.reportData);
        refusal = _judgeForm(issuance, id);
        if (refusal.length != 0) return refusal;
        // Known so far: 1. well formed, 2. not recorded, 3. the anchor is a recent block of this chain.

        (uint16[] memory seats, bytes memory unordered) = _seatsOf(signatures);
        if (unordered.length != 0) return unordered;
        Authorizers memory a = committee.authorizers(issuance.attested.boot.appId, seats);
        bytes32[] memory inputs = issuance.inputs.structHashes();
        refusal = _judgeSignatures(issuance, inputs, signatures, a);
        if (refusal.length != 0) return refusal;
        // Known so far: 4. t distinct open seats of the active epoch signed exactly this.

        refusal = _judgePolicy(issuance, IAppRegistry(a.appRegistry));
        if (refusal.length != 0) return refusal;
        // Known so far: 5. its key versions are readable, 6. the app's registry and policy allow it now.

        recorded[id] = uint64(block.number);
        _emitKeyIssued(issuance, id, inputs, state);
    }

    function _judgeForm(Issuance calldata issuance, bytes32 id) private view returns (bytes memory) {
        uint256 count = issuance.inputs.length;
        if (count == 0 || count > MAX_INPUTS) {
            return abi.encodeWithSelector(InputCount.selector, MAX_INPUTS, count);
        }
        if (issuance.releaseAt != RELEASE_AT_HEAD && issuance.releaseAt != RELEASE_AT_FINALIZED) {
            return abi.encodeWithSelector(ReleaseAtUnknown.selector, issuance.releaseAt);
        }
        if (recorded[id] != 0) return abi.encodeWithSelector(AlreadyRecorded.selector, id);
        for (uint256 k = 0; k < count; ++k) {
            if (!_isConsistent(issuance.inputs[k], issuance.attested.boot)) {
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
        return "";
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
        pure
        returns (bytes memory)
    {
        for (uint256 i = 0; i < signatures.length; ++i) {
            SeatSignature calldata s = signatures[i];
            if (signers[i] == address(0)) return abi.encodeWithSelector(SeatNotAuthorizing.selector, s.seat);
            (address recovered,,) = ECDSA.tryRecover(digest, s.r, s.vs);
            if (recovered != signers[i]) return abi.encodeWithSelector(InvalidSeatSignature.selector, s.seat);
        }
        return "";
    }

    /// @dev Strictly ascending, so no seat counts twice (A23).
    function _seatsOf(SeatSignature[] calldata signatures)
        private
        pure
        returns (uint16[] memory seats, bytes memory refusal)
    {
        seats = new uint16[](signatures.length);
        uint16 previous = 0;
        for (uint256 i = 0; i < signatures.length; ++i) {
            uint16 seat = signatures[i].seat;
            if (seat <= previous) {
                return (seats, abi.encodeWithSelector(SeatsNotAscending.selector, previous, seat));
            }
            seats[i] = seat;
            previous = seat;
        }
    }

    /// @dev Exactly `policyGas` for the question, as in every node; if that much is not there, the whole transaction reverts,
    ///      because a starved policy would look like a refusal (A23).
    function _judgePolicy(Issuance calldata issuance, IAppRegistry registry) private view returns (bytes memory) {
        address appId = issuance.attested.boot.appId;
        for (uint256 k = 0; k < issuance.inputs.length; ++k) {
            uint32 version = issuance.inputs[k].keyVersion;
            bool isReadable = issuance.inputs[k].kind == UNSEAL
                ? version != 0 && version == registry.keyVersionOf(appId)
                : registry.isKeyReadable(appId, version);
            if (!isReadable) return abi.encodeWithSelector(KeyVersionNotReadable.selector, appId, version);
        }
        bytes memory question = abi.encodeCall(IAppRegistry.isAllowed, (issuance.attested));
        uint256 needed = (policyGas * 64) / 63 + RESERVE_GAS;
        require(gasleft() >= needed, NotEnoughGas(needed, gasleft()));
        (bool answered, bool allowed, string memory reason) = VerdictCall.ask(address(registry), policyGas, question);
        if (answered && allowed) return "";
        return abi.encodeWithSelector(NotAllowed.selector, appId, answered ? reason : "Registry gives no answer");
    }

    /// @dev One event per input. The twelve words of all arguments lie in memory once; the first three are the topics.
    function _emitKeyIssued(
        Issuance calldata issuance,
        bytes32 id,
        bytes32[] memory inputs,
        TrailState memory state
    ) private {
        bytes memory args = abi.encode(
            issuance.attested.boot.appId,
            id,
            issuance.attested.boot.composeHash,
            uint256(0),
            uint256(0),
            uint256(0),
            issuance.epoch,
            issuance.attested.root,
            issuance.evidenceHash,
            issuance.sessionKey,
            issuance.anchor.number,
            uint256(0)
        );
        bytes32 topic0 = KeyIssued.selector;
        for (uint256 k = 0; k < inputs.length; ++k) {
            _setWord(args, 3, issuance.inputs[k].kind);
            _setWord(args, 4, uint256(inputs[k]));
            _setWord(args, 5, issuance.inputs[k].keyVersion);
            _setWord(args, 11, state.seq + 1);
            _enter(state, topic0, keccak256(args));
            assembly ("memory-safe") {
                log4(add(args, 0x80), 0x120, topic0, mload(add(args, 0x20)), mload(add(args, 0x40)), mload(add(args, 0x60)))
            }
        }
    }

    function _setWord(bytes memory args, uint256 index, uint256 value) private pure {
        assembly ("memory-safe") {
            mstore(add(args, add(0x20, mul(index, 0x20))), value)
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
        (uint16[] memory seats, bytes memory refusal) = _seatsOf(signatures);
        _revertIf(refusal);
        (uint16 t, address[] memory signers) = committee.signersOf(issuance.epoch, seats);
        require(signatures.length >= t, BelowThreshold(t, signatures.length));
        bytes32 digest = _hashTypedDataV4(issuance.structHash(issuance.inputs.structHashes()));
        _revertIf(_judgeSigned(digest, signatures, signers));
    }

    function _checkReleased(Released calldata released, bytes32 r, bytes32 vs) private view {
        uint16[] memory seats = new uint16[](1);
        seats[0] = released.seat;
        (, address[] memory signers) = committee.signersOf(released.epoch, seats);
        require(signers[0] != address(0), SeatNotAuthorizing(released.seat));
        (address recovered,,) = ECDSA.tryRecover(_hashTypedDataV4(released.structHash()), r, vs);
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
