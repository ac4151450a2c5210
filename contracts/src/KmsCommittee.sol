// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {CommitteeState} from "./CommitteeState.sol";
import {KmsCeremony} from "./KmsCeremony.sol";
import {AlreadySet, NothingToRevoke, Unauthorized, ZeroValue} from "./interfaces/Errors.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";
import {IAttestationRegistry} from "./interfaces/IAttestationRegistry.sol";
import {
    Authorizers,
    CandidateInfo,
    CeremonyInfo,
    EpochInfo,
    IKmsCommittee,
    SeatInfo,
    SeatProgress
} from "./interfaces/IKmsCommittee.sol";
import {Candidate, Confirmation, Dealing, Outcome, RecipientKey, RecipientRefused} from "./interfaces/Statements.sol";
import {EpochRules} from "./libraries/EpochRules.sol";

/// @title KmsCommittee
/// @dev Seats, epochs and the contracts in force. Candidates and ceremony are in KmsCeremony, which runs on this storage: the
///      whole would be larger than the 24,576 bytes that a contract may have.
contract KmsCommittee is IKmsCommittee, CommitteeState, EIP712 {
    /// @inheritdoc IKmsCommittee
    uint64 public immutable finalityBlocks;
    /// @inheritdoc IKmsCommittee
    uint64 public immutable longestDelaySeconds;

    /// @inheritdoc IKmsCommittee
    address public immutable ceremonyCode;

    constructor(
        address initialAuthority,
        IAttestationRegistry attestationRegistry_,
        uint64 stepBlocks_,
        uint64 finalityBlocks_,
        uint64 longestDelaySeconds_
    ) CommitteeState(initialAuthority, attestationRegistry_, stepBlocks_) EIP712("Quorate KmsCommittee", "1") {
        require(finalityBlocks_ != 0 && stepBlocks_ > finalityBlocks_, ZeroValue());
        require(stepBlocks_ % finalityBlocks_ == 0, NotAMultiple(finalityBlocks_, stepBlocks_));
        finalityBlocks = finalityBlocks_;
        longestDelaySeconds = longestDelaySeconds_;
        ceremonyCode = address(new KmsCeremony(initialAuthority, attestationRegistry_, stepBlocks_));
        _startTrail();
    }

    /* STATEMENTS OF NODES: the code is in KmsCeremony; arguments have names so that wallets and explorers can show them */

    /// @inheritdoc IKmsCommittee
    function postCandidate(Candidate calldata candidate_, bytes calldata signature, bytes calldata evidence)
        external
        returns (bytes32 candidateId)
    {
        (candidate_, signature, evidence, candidateId);
        _runCeremonyCode();
    }

    /// @inheritdoc IKmsCommittee
    function postRecipientKey(RecipientKey calldata key, bytes calldata signature, bytes calldata evidence) external {
        (key, signature, evidence);
        _runCeremonyCode();
    }

    /// @inheritdoc IKmsCommittee
    function postRefusal(RecipientRefused calldata refusal, bytes calldata signature) external {
        (refusal, signature);
        _runCeremonyCode();
    }

    /// @inheritdoc IKmsCommittee
    function postDealing(Dealing calldata dealing, bytes calldata signature, bytes calldata dealingBytes) external {
        (dealing, signature, dealingBytes);
        _runCeremonyCode();
    }

    /// @inheritdoc IKmsCommittee
    function postConfirmation(Confirmation calldata confirmation, bytes calldata signature, bytes calldata canary)
        external
    {
        (confirmation, signature, canary);
        _runCeremonyCode();
    }

    /// @inheritdoc IKmsCommittee
    function activateEpoch(Outcome calldata outcome) external {
        (outcome);
        _runCeremonyCode();
    }

    /// @inheritdoc IKmsCommittee
    function abortEpoch() external {
        _runCeremonyCode();
    }

    /* CANDIDATES AND SEATS */

    /// @inheritdoc IKmsCommittee
    function approveNodeCode(bytes32 osImageHash, bytes32 composeHash, string calldata uri) external restricted {
        require(osImageHash != 0 && composeHash != 0, ZeroValue());
        require(!_nodeCode[osImageHash][composeHash], AlreadySet());
        _nodeCode[osImageHash][composeHash] = true;

        uint64 seq = _nextSeq();
        emit NodeCodeApproved(osImageHash, composeHash, uri, seq);
        _trail(NodeCodeApproved.selector, abi.encode(osImageHash, composeHash, uri, seq));
    }

    /// @inheritdoc IKmsCommittee
    function revokeNodeCode(bytes32 osImageHash, bytes32 composeHash, uint8 reason) external restricted {
        require(_nodeCode[osImageHash][composeHash], NothingToRevoke());
        _nodeCode[osImageHash][composeHash] = false;

        uint64 seq = _nextSeq();
        emit NodeCodeRevoked(osImageHash, composeHash, reason, seq);
        _trail(NodeCodeRevoked.selector, abi.encode(osImageHash, composeHash, reason, seq));
    }

    /// @inheritdoc IKmsCommittee
    function assignOperator(address signer, bytes32 operator) external restricted {
        require(signer != address(0), ZeroValue());
        require(_seatOf[signer] == 0, AlreadySeated(signer, _seatOf[signer]));
        _operator[signer] = operator;

        uint64 seq = _nextSeq();
        emit OperatorAssigned(signer, operator, seq);
        _trail(OperatorAssigned.selector, abi.encode(signer, operator, seq));
    }

    /// @inheritdoc IKmsCommittee
    function admitSeat(address signer) external restricted returns (uint16 id) {
        CandidateInfo storage c = _candidates[signer];
        require(c.candidateId != 0, UnknownCandidate(signer));
        require(_seatOf[signer] == 0, AlreadySeated(signer, _seatOf[signer]));
        require(block.timestamp <= c.expiresAt, CandidateExpired(signer, c.expiresAt));
        bytes32 operator = _operator[signer];
        require(operator != 0 && operator == c.operator, OperatorNotAssigned(signer, operator, c.operator));
        require(_nodeCode[c.osImageHash][c.composeHash], NodeCodeNotApproved(c.osImageHash, c.composeHash));
        require(_attestationRegistry.isRootOpen(c.root), RootNotOpen(c.root));
        bool isSealingKnown =
            c.sealing < SEALING_FILE || (c.sealing == SEALING_FILE && _attestationRegistry.allowsSoftware());
        require(isSealingKnown, SealingRefused(c.sealing));

        id = ++_seatCount;
        _seatOf[signer] = id;
        c.seat = id;
        Seat storage s = _seats[id];
        (s.facts.signer, s.facts.sealing, s.operator, s.root, s.candidateId) =
        (signer, c.sealing, operator, c.root, c.candidateId);

        uint64 seq = _nextSeq();
        emit SeatAdmitted(id, signer, s.candidateId, operator, s.root, seq);
        _trail(SeatAdmitted.selector, abi.encode(id, signer, s.candidateId, operator, s.root, seq));
    }

    /// @inheritdoc IKmsCommittee
    function suspendSeat(uint16 id, uint8 reason) external restricted {
        Seat storage s = _seat(id);
        require(!s.facts.isSuspended, AlreadySet());
        s.facts.isSuspended = true;

        uint64 seq = _nextSeq();
        emit SeatSuspended(id, reason, seq);
        _trail(SeatSuspended.selector, abi.encode(id, reason, seq));
    }

    /// @inheritdoc IKmsCommittee
    function unsuspendSeat(uint16 id) external restricted {
        Seat storage s = _seat(id);
        require(s.facts.isSuspended, AlreadySet());
        s.facts.isSuspended = false;

        uint64 seq = _nextSeq();
        emit SeatUnsuspended(id, seq);
        _trail(SeatUnsuspended.selector, abi.encode(id, seq));
    }

    /// @inheritdoc IKmsCommittee
    function removeSeat(uint16 id, uint8 reason) external restricted {
        Seat storage s = _seat(id);
        require(!s.facts.isRemoved, SeatIsRemoved(id));
        s.facts.isRemoved = true;

        uint64 seq = _nextSeq();
        emit SeatRemoved(id, reason, seq);
        _trail(SeatRemoved.selector, abi.encode(id, reason, seq));
    }

    /* CEREMONY */

    /// @inheritdoc IKmsCommittee
    function openEpoch(uint16[] calldata seats, uint16 t) external restricted returns (bytes32 session) {
        require(_ceremony.session == 0, CeremonyRunning(_ceremony.session));
        // A reshare opens here: old members deal, D_{j,0} = Y_j, public keys stay, t and n change after the longest delay.
        require(_inForce.epoch == 0, ReshareNotAvailable());
        EpochRules.checkSizes(seats.length, t);
        _checkSeats(seats, t);

        session = keccak256(abi.encode(block.chainid, address(this), ++_sessionCount, _inForce.epoch, seats, t));
        delete _ceremony;
        _ceremony.session = session;
        _ceremony.t = t;
        _ceremony.openedAt = uint64(block.number);
        _ceremony.seats = seats;

        uint64 seq = _nextSeq();
        emit EpochOpened(session, _inForce.epoch + 1, t, seats, seq);
        _trail(EpochOpened.selector, abi.encode(session, _inForce.epoch + 1, t, seats, seq));
    }

    /* CONTRACTS IN FORCE */

    /// @inheritdoc IKmsCommittee
    function setContracts(address appRegistry_, address issuanceLog_) external restricted {
        require(appRegistry_.code.length != 0 && issuanceLog_.code.length != 0, ZeroValue());
        _settleContracts();
        uint64 effectiveAt = uint64(block.timestamp);
        if (_inForce.registryCount == 0) {
            _putInForce(appRegistry_, issuanceLog_);
        } else {
            effectiveAt += longestDelaySeconds;
            _pending = PendingContracts(appRegistry_, issuanceLog_, effectiveAt);
            _inForce.hasPendingRegistry = appRegistry_ != _current;
        }

        uint64 seq = _nextSeq();
        emit ContractsSet(appRegistry_, issuanceLog_, effectiveAt, seq);
        _trail(ContractsSet.selector, abi.encode(appRegistry_, issuanceLog_, effectiveAt, seq));
    }

    /// @inheritdoc IKmsCommittee
    function cancelContractsChange(uint8 reason) external restricted {
        _settleContracts();
        require(_pending.effectiveAt != 0, NothingToRevoke());
        PendingContracts memory p = _pending;
        delete _pending;
        _inForce.hasPendingRegistry = false;

        uint64 seq = _nextSeq();
        emit ContractsChangeCancelled(p.appRegistry, p.issuanceLog, reason, seq);
        _trail(ContractsChangeCancelled.selector, abi.encode(p.appRegistry, p.issuanceLog, reason, seq));
    }

    /* APPS: called by registries */

    /// @inheritdoc IKmsCommittee
    function enterApp(address appId) external {
        (address inForce,,,,) = contractsInForce();
        require(msg.sender == inForce, RegistryNotInForce(inForce, msg.sender));
        address speaker = _registryOf[appId];
        require(speaker == address(0), AppHasRegistry(appId, speaker));
        _placeApp(appId, msg.sender);
    }

    /// @inheritdoc IKmsCommittee
    function moveApp(address appId, address registry) external {
        require(msg.sender == _registryOf[appId], Unauthorized(msg.sender));
        require(_isListed(appRegistries(), registry), RegistryNotListed(registry));
        _placeApp(appId, registry);
        IAppRegistry(registry).takeOver(appId, msg.sender);
    }

    /* VIEWS */

    /// @inheritdoc IKmsCommittee
    function attestationRegistry() external view returns (IAttestationRegistry) {
        return _attestationRegistry;
    }

    /// @inheritdoc IKmsCommittee
    function stepBlocks() external view returns (uint64) {
        return _stepBlocks;
    }

    /// @inheritdoc IKmsCommittee
    function activeEpoch() external view returns (uint64) {
        return _inForce.epoch;
    }

    /// @inheritdoc IKmsCommittee
    function keyset()
        external
        view
        returns (
            bytes32 keysetId,
            bytes memory derivePublicKey,
            bytes memory unsealPublicKey,
            uint64 epoch,
            uint16 t,
            bytes32 sharesHash
        )
    {
        epoch = _inForce.epoch;
        return (_keysetId, _derivePublicKey, _unsealPublicKey, epoch, _inForce.t, _epochs[epoch].sharesHash);
    }

    /// @inheritdoc IKmsCommittee
    function ceremony() external view returns (CeremonyInfo memory info) {
        Ceremony storage c = _ceremony;
        info.session = c.session;
        info.epoch = _inForce.epoch + 1;
        info.t = c.t;
        info.openedAt = c.openedAt;
        if (c.session == 0) return info;
        (info.step, info.stepStartedAt, info.deadline) = _step();
        info.transcript = _leading[c.session];
        info.agreed = _agreed[c.session][info.transcript];
        info.seats = new SeatProgress[](c.seats.length);
        for (uint256 i = 0; i < c.seats.length; ++i) {
            info.seats[i] = _progress(c.session, c.seats[i]);
        }
    }

    /// @inheritdoc IKmsCommittee
    function epochInfo(uint64 epoch) external view returns (EpochInfo memory) {
        Epoch storage e = _epochs[epoch];
        return EpochInfo({
            epoch: epoch,
            session: e.session,
            keysetId: e.keysetId,
            t: e.t,
            activatedAt: e.activatedAt,
            sharesHash: e.sharesHash,
            transcript: e.transcript,
            recipients: e.recipients,
            members: e.members
        });
    }

    /// @inheritdoc IKmsCommittee
    function seatsOf(uint64 epoch) external view returns (uint16[] memory) {
        return _epochs[epoch].recipients;
    }

    /// @inheritdoc IKmsCommittee
    function seatCount() external view returns (uint16) {
        return _seatCount;
    }

    /// @inheritdoc IKmsCommittee
    function seat(uint16 id) external view returns (SeatInfo memory) {
        Seat storage s = _seat(id);
        CandidateInfo storage c = _candidates[s.facts.signer];
        return SeatInfo({
            seat: id,
            signer: s.facts.signer,
            isSuspended: s.facts.isSuspended,
            isRemoved: s.facts.isRemoved,
            sealing: s.facts.sealing,
            operator: s.operator,
            root: s.root,
            vendor: _attestationRegistry.vendorOf(s.root),
            candidateId: s.candidateId,
            evidenceHash: c.evidenceHash,
            checkpoint: c.checkpoint,
            endpoint: c.endpoint
        });
    }

    /// @inheritdoc IKmsCommittee
    function seatIdOf(address signer) external view returns (uint16) {
        return _seatOf[signer];
    }

    /// @inheritdoc IKmsCommittee
    function candidate(address signer) external view returns (CandidateInfo memory) {
        return _candidates[signer];
    }

    /// @inheritdoc IKmsCommittee
    function operatorOf(address signer) external view returns (bytes32) {
        return _operator[signer];
    }

    /// @inheritdoc IKmsCommittee
    function isNodeCodeApproved(bytes32 osImageHash, bytes32 composeHash) external view returns (bool) {
        return _nodeCode[osImageHash][composeHash];
    }

    /// @inheritdoc IKmsCommittee
    function signersOf(uint64 epoch, uint16[] calldata seats)
        external
        view
        returns (uint16 t, address[] memory signers)
    {
        t = _epochs[epoch].t;
        require(t != 0, UnknownEpoch(epoch));
        signers = new address[](seats.length);
        for (uint256 i = 0; i < seats.length; ++i) {
            if (_isMember[epoch][seats[i]]) signers[i] = _seats[seats[i]].facts.signer;
        }
    }

    /// @inheritdoc IKmsCommittee
    function authorizers(uint16[] calldata seats) external view returns (Authorizers memory) {
        InForce storage inForce = _inForce;
        bytes32 id = _keysetId;
        uint256 epoch;
        uint256 m;
        // The answer as the ABI has it, written once: every record pays for it.
        assembly ("memory-safe") {
            let word := sload(inForce.slot)
            epoch := and(shr(160, word), 0xffffffffffffffff)
            m := mload(0x40)
            mstore(m, 0x20)
            mstore(add(m, 0x20), id)
            mstore(add(m, 0x40), epoch)
            mstore(add(m, 0x60), and(shr(224, word), 0xffff))
            // One registry, and none on its way: the count is 1 and the flag above it is not set.
            mstore(add(m, 0x80), mul(and(word, 0xffffffffffffffffffffffffffffffffffffffff), eq(shr(240, word), 1)))
            mstore(add(m, 0xa0), 0xa0)
            mstore(add(m, 0xc0), seats.length)
            mstore(0x40, add(add(m, 0xe0), mul(seats.length, 0x20)))
        }
        for (uint256 i = 0; i < seats.length; ++i) {
            address signer = _openSigner(_seats[seats[i]].facts, epoch);
            assembly ("memory-safe") {
                mstore(add(add(m, 0xe0), mul(i, 0x20)), signer)
            }
        }
        assembly ("memory-safe") {
            return(m, add(0xe0, mul(seats.length, 0x20)))
        }
    }

    /// @inheritdoc IKmsCommittee
    function registryOf(address appId) external view returns (address registry) {
        registry = _registryOf[appId];
        if (registry == address(0)) (registry,,,,) = contractsInForce();
        require(registry != address(0), ContractsNotSet());
    }

    /// @inheritdoc IKmsCommittee
    function appRegistries() public view returns (address[] memory registries) {
        registries = _registries;
        if (_isPendingDue() && !_isListed(registries, _pending.appRegistry)) {
            address[] memory longer = new address[](registries.length + 1);
            for (uint256 i = 0; i < registries.length; ++i) {
                longer[i] = registries[i];
            }
            longer[registries.length] = _pending.appRegistry;
            return longer;
        }
    }

    /// @inheritdoc IKmsCommittee
    function contractsInForce() public view returns (address, address, address, address, uint64) {
        PendingContracts memory p = _pending;
        if (_isPendingDue()) return (p.appRegistry, p.issuanceLog, address(0), address(0), 0);
        return (_current, _issuanceLog, p.appRegistry, p.issuanceLog, p.effectiveAt);
    }

    /// @inheritdoc IKmsCommittee
    function appRegistry() external view returns (address inForce) {
        (inForce,,,,) = contractsInForce();
    }

    /// @inheritdoc IKmsCommittee
    function issuanceLog() external view returns (address inForce) {
        (, inForce,,,) = contractsInForce();
    }

    /* INTERNAL */

    /// @dev The whole call, on this storage; its answer or its revert is ours. Does not return.
    function _runCeremonyCode() private {
        address code = ceremonyCode;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), code, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if ok { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }

    function _checkSeats(uint16[] calldata seats, uint16 t) private view {
        bytes32[] memory vendors = new bytes32[](seats.length);
        bytes32[] memory operators = new bytes32[](seats.length);
        uint256 sealing = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            require(i == 0 || seats[i - 1] < seats[i], SeatsNotAscending(i == 0 ? 0 : seats[i - 1], seats[i]));
            Seat storage s = _seat(seats[i]);
            require(!s.facts.isRemoved, SeatIsRemoved(seats[i]));
            require(!s.facts.isSuspended, SeatIsSuspended(seats[i]));
            vendors[i] = _attestationRegistry.vendorOf(s.root);
            operators[i] = s.operator;
            if (s.facts.sealing != SEALING_NONE) ++sealing;
        }
        EpochRules.checkHolders(vendors, operators, t);
        require(sealing >= t, TooFewSealingSeats(t, sealing));
    }

    /// @dev Zero unless the seat is a member of the epoch, neither suspended nor removed. One word holds all of it.
    function _openSigner(SeatFacts storage facts, uint256 epoch) private view returns (address signer) {
        assembly ("memory-safe") {
            let word := sload(facts.slot)
            // From the low end: signer 160, memberOf 64, sealing 8, isSuspended 8, isRemoved 8. Before the genesis no seat is open.
            if and(eq(and(shr(160, word), 0xffffffffffffffff), epoch), iszero(shr(232, word))) {
                signer := mul(and(word, 0xffffffffffffffffffffffffffffffffffffffff), iszero(iszero(epoch)))
            }
        }
    }

    function _progress(bytes32 session, uint16 id) private view returns (SeatProgress memory p) {
        Seat storage s = _seats[id];
        Statements storage own = _statements[session][id];
        (p.seat, p.signer, p.operator, p.root, p.isSuspended) =
        (id, s.facts.signer, s.operator, s.root, s.facts.isSuspended);
        p.vendor = _attestationRegistry.vendorOf(s.root);
        if (own.evidenceHash != 0) p.encryptionKey = abi.encodePacked(own.keyPrefix, own.keyX);
        p.evidenceHash = own.evidenceHash;
        (p.refusedSeat, p.refusalReason) = (own.refusedSeat, own.refusalReason);
        (p.dealingHash, p.transcript, p.canaryHash) = (own.dealingHash, own.transcript, own.canaryHash);
    }

    function _seat(uint16 id) private view returns (Seat storage s) {
        s = _seats[id];
        require(s.facts.signer != address(0), UnknownSeat(id));
    }

    function _isPendingDue() private view returns (bool) {
        return _pending.effectiveAt != 0 && _pending.effectiveAt <= block.timestamp;
    }

    /// @dev Writes a change whose time has come to where it is read cheaply. Changes no answer.
    function _settleContracts() private {
        if (!_isPendingDue()) return;
        PendingContracts memory p = _pending;
        delete _pending;
        _inForce.hasPendingRegistry = false;
        _putInForce(p.appRegistry, p.issuanceLog);
    }

    function _placeApp(address appId, address registry) private {
        _registryOf[appId] = registry;

        uint64 seq = _nextSeq();
        emit AppPlaced(appId, registry, seq);
        _trail(AppPlaced.selector, abi.encode(appId, registry, seq));
    }

    function _putInForce(address appRegistry_, address issuanceLog_) private {
        if (!_isListed(_registries, appRegistry_)) {
            _registries.push(appRegistry_);
            if (++_inForce.registryCount == 1) _inForce.firstRegistry = appRegistry_;
        }
        _current = appRegistry_;
        _issuanceLog = issuanceLog_;
    }

    function _isListed(address[] memory registries, address registry) private pure returns (bool) {
        for (uint256 i = 0; i < registries.length; ++i) {
            if (registries[i] == registry) return true;
        }
        return false;
    }
}
