// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAttestationRegistry} from "./IAttestationRegistry.sol";
import {ITrail} from "./ITrail.sol";
import {Anchor, Candidate, Confirmation, Dealing, Outcome, RecipientKey, RecipientRefused} from "./Statements.sol";

/// @notice A candidate as the chain remembers it; the statement and its evidence are in the event.
struct CandidateInfo {
    bytes32 candidateId;
    bytes32 operator;
    uint8 sealing;
    bytes32 root;
    bytes32 osImageHash;
    bytes32 composeHash;
    Anchor checkpoint;
    bytes32 evidenceHash;
    string endpoint;
    uint64 expiresAt;
    uint16 seat;
}

/// @notice A seat. Its id is the x-coordinate of its share and is never given again.
struct SeatInfo {
    uint16 seat;
    address signer;
    bool isSuspended;
    bool isRemoved;
    uint8 sealing;
    bytes32 operator;
    bytes32 root;
    bytes32 vendor;
    bytes32 candidateId;
    bytes32 evidenceHash;
    Anchor checkpoint;
    string endpoint;
}

/// @notice A seat within the running ceremony. Zero hash: that statement is not in.
/// @param encryptionKey 33 bytes, or empty
/// @param refusedSeat as a dealer, it refused this recipient and deals nothing; zero: none
struct SeatProgress {
    uint16 seat;
    address signer;
    bytes32 operator;
    bytes32 root;
    bytes32 vendor;
    bool isSuspended;
    bytes encryptionKey;
    bytes32 evidenceHash;
    uint16 refusedSeat;
    uint8 refusalReason;
    bytes32 dealingHash;
    bytes32 transcript;
    bytes32 canaryHash;
}

/// @notice All that a node needs for its next step.
/// @param step None 0, Keys 1, Dealings 2, Confirmations 3, Activation 4, Failed 5; computed for the present block
/// @param epoch the epoch that it will be
/// @param stepStartedAt block in which the step began
/// @param deadline last block in which a statement of this step is taken
/// @param agreed the most confirmations that name one transcript
/// @param transcript that transcript
struct CeremonyInfo {
    bytes32 session;
    uint8 step;
    uint64 epoch;
    uint16 t;
    uint64 openedAt;
    uint64 stepStartedAt;
    uint64 deadline;
    uint16 agreed;
    bytes32 transcript;
    SeatProgress[] seats;
}

/// @notice An epoch that was activated.
/// @param recipients everybody who was dealt a share: counts for P3 and P7
/// @param members those who confirmed: they authorize and release
/// @param sharesHash keccak256(verificationShares)
struct EpochInfo {
    uint64 epoch;
    bytes32 session;
    bytes32 keysetId;
    uint16 t;
    uint64 activatedAt;
    bytes32 sharesHash;
    bytes32 transcript;
    uint16[] recipients;
    uint16[] members;
}

/// @notice What IssuanceLog has to know to judge issuances that the same seats signed, in one call.
/// @param soleRegistry the AppRegistry of every app while there has been only one; zero: ask `registryOf`
/// @param signers signer of each seat asked for; zero if the seat may not authorize now
struct Authorizers {
    bytes32 keysetId;
    uint64 epoch;
    uint16 t;
    address soleRegistry;
    address[] signers;
}

/// @title Who holds the shares: candidates, seats, the ceremony, epochs, and the contracts in force.
/// @dev The contract judges form (deadlines, hashes, counts, P7); members judge cryptography, and their verdict is the
///      transcript. Statements are EIP-712 and anyone may send them. The bytes behind each hash (evidence, dealing, canary,
///      verification shares) go out in event data: any RPC serves them by topic, and the receiver checks them against the
///      proven hash. Spec: docs/spec/ceremony.md.
/// @dev Invariants: one ceremony at a time; no vendor and no operator holds more than t - 1 seats of an epoch; n >= 2t - 1;
///      t >= 2; at least t seats can unseal; a seat id is never given twice; seats of past epochs stay in state.
/// @dev State machine of a ceremony: Keys -> Dealings -> Confirmations -> Activation, each at most `stepBlocks` long, the
///      first three ending early when every statement is in; Failed from wherever success has become impossible.
/// @dev Genesis only: after the first activation `openEpoch` reverts with `ReshareNotAvailable`. A reshare (and complaints,
///      commit and reveal) takes its place there: old members deal, D_{j,0} = Y_j is compared with `sharesHash`.
interface IKmsCommittee is ITrail {
    /// @dev Listeners: other nodes, which verify `evidence` themselves before they deal.
    event CandidatePosted(
        address indexed signer,
        bytes32 indexed candidateId,
        bytes32 indexed operator,
        Candidate candidate,
        bytes evidence,
        uint64 seq
    );
    event NodeCodeApproved(bytes32 indexed osImageHash, bytes32 indexed composeHash, string uri, uint64 seq);
    event NodeCodeRevoked(bytes32 indexed osImageHash, bytes32 indexed composeHash, uint8 reason, uint64 seq);
    event OperatorAssigned(address indexed signer, bytes32 indexed operator, uint64 seq);
    event SeatAdmitted(
        uint16 indexed seat,
        address indexed signer,
        bytes32 indexed candidateId,
        bytes32 operator,
        bytes32 root,
        uint64 seq
    );
    event SeatSuspended(uint16 indexed seat, uint8 reason, uint64 seq);
    event SeatUnsuspended(uint16 indexed seat, uint64 seq);
    event SeatRemoved(uint16 indexed seat, uint8 reason, uint64 seq);
    event EpochOpened(bytes32 indexed session, uint64 indexed epoch, uint16 t, uint16[] seats, uint64 seq);
    event RecipientKeyPosted(
        bytes32 indexed session,
        uint16 indexed seat,
        bytes encryptionKey,
        bytes32 evidenceHash,
        bytes evidence,
        uint64 seq
    );
    event RecipientRefusalPosted(
        bytes32 indexed session, uint16 indexed dealer, uint16 indexed seat, uint8 reason, uint64 seq
    );
    event DealingPosted(bytes32 indexed session, uint16 indexed seat, bytes32 dealingHash, bytes dealing, uint64 seq);
    event ConfirmationPosted(
        bytes32 indexed session, uint16 indexed seat, bytes32 transcript, bytes32 canaryHash, bytes canary, uint64 seq
    );
    /// @dev Promise 1: `members` confirmed this outcome, all with the same transcript.
    event EpochActivated(
        uint64 indexed epoch,
        bytes32 indexed session,
        bytes32 indexed keysetId,
        bytes32 transcript,
        uint16[] members,
        Outcome outcome,
        uint64 seq
    );
    event EpochAborted(bytes32 indexed session, uint8 step, uint64 seq);
    /// @notice The widest grant there is: other registries and another log speak from `effectiveAt` on.
    event ContractsSet(address indexed appRegistry, address indexed issuanceLog, uint64 effectiveAt, uint64 seq);
    event ContractsChangeCancelled(address indexed appRegistry, address indexed issuanceLog, uint8 reason, uint64 seq);
    /// @notice From now on `registry` speaks for the app.
    /// @dev Promise 1: the first for an app is of the registry in force; each later one was asked for by the registry before it.
    event AppPlaced(address indexed appId, address indexed registry, uint64 seq);

    /* errors: statements */
    /// @notice The signature is malformed, malleable, or not of the expected signer.
    error InvalidSignature(address expected, address recovered);
    /// @notice The bytes do not have the hash that the statement names.
    error HashMismatch(bytes32 expected, bytes32 actual);

    /* errors: candidates and seats */
    error UnknownCandidate(address signer);
    error CandidateExpired(address signer, uint64 expiresAt);
    /// @notice A statement at least as new is already there.
    error StaleCandidate(uint64 latest, uint64 actual);
    error CheckpointInFuture(uint64 number);
    error AlreadySeated(address signer, uint16 seat);
    error OperatorNotAssigned(address signer, bytes32 assigned, bytes32 claimed);
    error NodeCodeNotApproved(bytes32 osImageHash, bytes32 composeHash);
    error RootNotOpen(bytes32 root);
    /// @notice The sealing kind is unknown, or `file` where software roots are not allowed.
    error SealingRefused(uint8 sealing);
    error UnknownSeat(uint16 seat);
    error SeatIsSuspended(uint16 seat);
    error SeatIsRemoved(uint16 seat);
    error EndpointTooLong(uint256 max, uint256 actual);

    /* errors: epochs */
    /// @notice P7: a vendor, all its roots together, would hold a quorum.
    error VendorHoldsTooManySeats(bytes32 vendor, uint256 seats, uint256 max);
    /// @notice P7: an operator would hold a quorum.
    error OperatorHoldsTooManySeats(bytes32 operator, uint256 seats, uint256 max);
    error ThresholdTooLow(uint256 least, uint256 actual);
    /// @notice n < 2t - 1: closing one vendor would take the keys with it (attack A8).
    error TooFewSeats(uint256 least, uint256 actual);
    error TooManySeats(uint256 max, uint256 actual);
    /// @notice Fewer than t seats could come back after a restart (attack A7).
    error TooFewSealingSeats(uint256 least, uint256 actual);
    error SeatsNotAscending(uint16 previous, uint16 seat);
    error CeremonyRunning(bytes32 session);
    error ReshareNotAvailable();

    /* errors: ceremony */
    error WrongSession(bytes32 expected, bytes32 actual);
    error WrongStep(uint8 expected, uint8 actual);
    error NotARecipient(uint16 seat);
    error NotInCeremony(uint16 seat);
    /// @notice This seat has made this statement already, or one that excludes it.
    error AlreadyPosted(uint16 seat);
    error WrongLength(uint256 expected, uint256 actual);
    /// @notice The outcome names other recipients than those whose key came in time.
    error RecipientsMismatch();
    /// @notice A dealer is named that has not dealt.
    error NotADealer(uint16 seat);
    error TooFewDealers(uint256 least, uint256 actual);
    error TooFewConfirmations(uint256 least, uint256 actual);
    /// @notice Success is still possible.
    error NotAbortable(uint8 step);

    /* errors: contracts in force */
    error ContractsNotSet();
    /// @notice A step lasts a multiple of the finality lag, because every statement rests on finalized facts (attack A6).
    error NotAMultiple(uint64 finalityBlocks, uint64 stepBlocks);
    error UnknownEpoch(uint64 epoch);
    /// @notice Only the registry in force takes in apps.
    error RegistryNotInForce(address expected, address actual);
    /// @notice Another registry speaks for the app.
    error AppHasRegistry(address appId, address registry);
    /// @notice An app moves only to a registry of the list.
    error RegistryNotListed(address registry);

    /* ANYONE */

    /// @notice Records the statement of a node that asks for a seat. A newer one of the same signer replaces it.
    function postCandidate(Candidate calldata candidate, bytes calldata signature, bytes calldata evidence)
        external
        returns (bytes32 candidateId);
    /// @notice Ceremony, step 1. Suspended seats don't receive.
    function postRecipientKey(RecipientKey calldata key, bytes calldata signature, bytes calldata evidence) external;
    /// @notice Ceremony, step 2: instead of a dealing.
    function postRefusal(RecipientRefused calldata refusal, bytes calldata signature) external;
    /// @notice Ceremony, step 2. Genesis dealers are the recipients.
    function postDealing(Dealing calldata dealing, bytes calldata signature, bytes calldata dealingBytes) external;
    /// @notice Ceremony, step 3.
    function postConfirmation(Confirmation calldata confirmation, bytes calldata signature, bytes calldata canary)
        external;
    /// @notice All recipients confirmed alike, or after the deadline at least 2t - 1 did.
    function activateEpoch(Outcome calldata outcome) external;
    /// @notice Ends a ceremony that can't succeed any more, or that nobody activated in time.
    function abortEpoch() external;

    /* REGISTRIES */

    /// @notice The caller speaks for a new app. Only the registry in force, and only if no other speaks for it.
    function enterApp(address appId) external;
    /// @notice Passes the app on to a listed registry, which takes over its state (`takeOver`). Only the registry that speaks for it.
    function moveApp(address appId, address registry) external;

    /* GOVERNANCE */

    function approveNodeCode(bytes32 osImageHash, bytes32 composeHash, string calldata uri) external;
    /// @notice An operator is whom governance says it is; zero takes the id away.
    function assignOperator(address signer, bytes32 operator) external;
    function admitSeat(address signer) external returns (uint16 seat);
    function unsuspendSeat(uint16 seat) external;
    function removeSeat(uint16 seat, uint8 reason) external;
    /// @notice Opens the ceremony of the next epoch among `seats` (strictly ascending).
    function openEpoch(uint16[] calldata seats, uint16 t) external returns (bytes32 session);
    /// @notice The first time at once, as part of the deployment; later after `longestDelaySeconds`.
    function setContracts(address appRegistry, address issuanceLog) external;

    /* GUARDIAN */

    function suspendSeat(uint16 seat, uint8 reason) external;
    function revokeNodeCode(bytes32 osImageHash, bytes32 composeHash, uint8 reason) external;
    function cancelContractsChange(uint8 reason) external;

    /* VIEWS */

    function attestationRegistry() external view returns (IAttestationRegistry);
    /// @notice The code that takes the statements of nodes, run on this contract's storage. Fixed at deployment.
    function ceremonyCode() external view returns (address);
    function stepBlocks() external view returns (uint64);
    function finalityBlocks() external view returns (uint64);
    function longestDelaySeconds() external view returns (uint64);

    /// @notice Zero before the first activation.
    function activeEpoch() external view returns (uint64);
    /// @notice The keyset in force; all zero before the first activation.
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
        );
    function ceremony() external view returns (CeremonyInfo memory);
    function epochInfo(uint64 epoch) external view returns (EpochInfo memory);
    /// @notice Everybody who was dealt a share in that epoch.
    function seatsOf(uint64 epoch) external view returns (uint16[] memory);
    function seatCount() external view returns (uint16);
    function seat(uint16 id) external view returns (SeatInfo memory);
    /// @notice Seat of a signer, zero if none.
    function seatIdOf(address signer) external view returns (uint16);
    function candidate(address signer) external view returns (CandidateInfo memory);
    function operatorOf(address signer) external view returns (bytes32);
    function isNodeCodeApproved(bytes32 osImageHash, bytes32 composeHash) external view returns (bool);
    /// @notice Signers of `seats` as members of `epoch`, past or present, suspended or not; zero if it was no member.
    function signersOf(uint64 epoch, uint16[] calldata seats) external view returns (uint16 t, address[] memory signers);
    /// @notice The active epoch, its threshold, and who of `seats` may authorize now (attack A12).
    function authorizers(uint16[] calldata seats) external view returns (Authorizers memory);
    /// @notice The registry that speaks for the app: where it was registered first, or moved to; of an unknown app, the one in force.
    /// @dev Kept here and asked of no registry: what an older or newer one says of another's app has no weight (A15).
    function registryOf(address appId) external view returns (address);
    /// @notice Every AppRegistry that ever was in force, in order.
    function appRegistries() external view returns (address[] memory);
    /// @notice What counts now, and what is coming (zero: nothing).
    function contractsInForce()
        external
        view
        returns (
            address appRegistry,
            address issuanceLog,
            address pendingAppRegistry,
            address pendingIssuanceLog,
            uint64 effectiveAt
        );
    function appRegistry() external view returns (address);
    function issuanceLog() external view returns (address);
}
