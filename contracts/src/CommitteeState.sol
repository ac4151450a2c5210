// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Trail} from "./Trail.sol";
import {IAttestationRegistry} from "./interfaces/IAttestationRegistry.sol";
import {CandidateInfo, IKmsCommittee} from "./interfaces/IKmsCommittee.sol";

/// @title What the two halves of KmsCommittee share: storage, and the step of the running ceremony.
/// @dev The step is computed from what was posted and the block number, never stored: nobody has to turn it.
abstract contract CommitteeState is AccessManaged, Trail {
    /// @dev What IssuanceLog reads on every record, in one slot. `authorizers` reads the word itself: keep the order.
    struct InForce {
        address firstRegistry;
        uint64 epoch;
        uint16 t;
        uint8 registryCount;
        bool hasPendingRegistry;
    }

    struct PendingContracts {
        address appRegistry;
        address issuanceLog;
        uint64 effectiveAt;
    }

    /// @dev All that authorization reads of a seat, in one slot. `_openSigner` reads the word itself: keep the order.
    struct SeatFacts {
        address signer;
        uint64 memberOf;
        uint8 sealing;
        bool isSuspended;
        bool isRemoved;
    }

    struct Seat {
        SeatFacts facts;
        bytes32 operator;
        bytes32 root;
        bytes32 candidateId;
    }

    struct Epoch {
        bytes32 session;
        bytes32 keysetId;
        bytes32 sharesHash;
        bytes32 transcript;
        uint16 t;
        uint64 activatedAt;
        uint16[] recipients;
        uint16[] members;
    }

    /// @dev *EndedAt: the block in which the last missing statement of the step came in, zero if one is missing.
    struct Ceremony {
        bytes32 session;
        uint16 t;
        uint64 openedAt;
        uint64 keysEndedAt;
        uint64 dealingsEndedAt;
        uint64 confirmationsEndedAt;
        uint16 keyCount;
        uint16 dealingCount;
        uint16 refusalCount;
        uint16 confirmationCount;
        uint16[] seats;
    }

    /// @dev A seat's statements in one session.
    struct Statements {
        bytes32 keyX;
        uint8 keyPrefix;
        uint8 refusalReason;
        uint16 refusedSeat;
        bytes32 evidenceHash;
        bytes32 dealingHash;
        bytes32 transcript;
        bytes32 canaryHash;
    }

    uint8 internal constant NONE = 0;
    uint8 internal constant KEYS = 1;
    uint8 internal constant DEALINGS = 2;
    uint8 internal constant CONFIRMATIONS = 3;
    uint8 internal constant ACTIVATION = 4;
    uint8 internal constant FAILED = 5;

    uint8 internal constant SEALING_NONE = 0;
    uint8 internal constant SEALING_FILE = 3;

    uint256 internal constant POINT_BYTES = 33;
    uint256 internal constant MAX_ENDPOINT_BYTES = 256;
    uint64 internal constant CANDIDATE_LIFETIME_SECONDS = 30 days;

    IAttestationRegistry internal immutable _attestationRegistry;
    uint64 internal immutable _stepBlocks;

    InForce internal _inForce;
    bytes32 internal _keysetId;
    bytes internal _derivePublicKey;
    bytes internal _unsealPublicKey;
    address internal _current;
    address internal _issuanceLog;
    PendingContracts internal _pending;
    address[] internal _registries;

    uint16 internal _seatCount;
    uint64 internal _sessionCount;
    mapping(uint16 seat => Seat) internal _seats;
    mapping(address signer => uint16 seat) internal _seatOf;
    mapping(address signer => bytes32 operator) internal _operator;
    mapping(address signer => CandidateInfo) internal _candidates;
    mapping(bytes32 osImageHash => mapping(bytes32 composeHash => bool)) internal _nodeCode;

    Ceremony internal _ceremony;
    mapping(bytes32 session => mapping(uint16 seat => Statements)) internal _statements;
    mapping(bytes32 session => mapping(bytes32 transcript => uint16)) internal _agreed;
    mapping(bytes32 session => bytes32 transcript) internal _leading;
    mapping(uint64 epoch => Epoch) internal _epochs;
    mapping(uint64 epoch => mapping(uint16 seat => bool)) internal _isMember;

    /// @dev The registry that speaks for the app. Only that registry can pass it on.
    mapping(address appId => address registry) internal _registryOf;

    constructor(address initialAuthority, IAttestationRegistry attestationRegistry_, uint64 stepBlocks_)
        AccessManaged(initialAuthority)
    {
        _attestationRegistry = attestationRegistry_;
        _stepBlocks = stepBlocks_;
    }

    /// @dev The step in the present block, the block it began in, and the last block for its statements.
    function _step() internal view returns (uint8 step, uint64 startedAt, uint64 deadline) {
        Ceremony storage c = _ceremony;
        uint256 quorum = 2 * uint256(c.t) - 1;
        bool isOver;
        (isOver, startedAt, deadline) = _next(c.openedAt, c.keysEndedAt);
        if (!isOver) return (KEYS, startedAt, deadline);
        if (c.keyCount < quorum) return (FAILED, deadline, deadline);

        (isOver, startedAt, deadline) = _next(deadline, c.dealingsEndedAt);
        if (c.keyCount - c.refusalCount < c.t) return (FAILED, startedAt, deadline);
        if (!isOver) return (DEALINGS, startedAt, deadline);
        if (c.dealingCount < c.t) return (FAILED, deadline, deadline);

        (isOver, startedAt, deadline) = _next(deadline, c.confirmationsEndedAt);
        if (!isOver) return (CONFIRMATIONS, startedAt, deadline);
        if (_agreed[c.session][_leading[c.session]] < quorum) return (FAILED, deadline, deadline);
        return (ACTIVATION, deadline, deadline + _stepBlocks);
    }

    /// @dev A step that began in `startedAt` ends with its last statement, else with its deadline.
    function _next(uint64 startedAt, uint64 endedAt) internal view returns (bool, uint64, uint64) {
        if (endedAt != 0) return (true, startedAt, endedAt);
        uint64 deadline = startedAt + _stepBlocks;
        return (block.number > deadline, startedAt, deadline);
    }
}
