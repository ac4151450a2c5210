// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrail} from "./ITrail.sol";
import {Attested} from "./Statements.sol";

/// @notice What a quote under a root must satisfy.
/// @param leastTcbEvaluationDataNumber judged on chain and by nodes
/// @param leastCrlIssuedAt of the lists that name machines (TDX: the PCK lists), unix seconds; judged by nodes, the chain sees
///        no CRL
/// @param leastRootCrlIssuedAt of the root's own list, which is renewed far less often; unix seconds; judged by nodes
/// @param maxCollateralAgeSeconds judged by nodes
/// @param acceptedTcbStatuses bit 0 UpToDate, 1 SWHardeningNeeded, 2 ConfigurationNeeded,
///        3 ConfigurationAndSWHardeningNeeded, 4 OutOfDate, 5 OutOfDateConfigurationNeeded, 6 TDRelaunchAdvised,
///        7 TDRelaunchAdvisedConfigurationNeeded. Revoked has no bit: it can't be accepted.
struct RootRules {
    uint32 leastTcbEvaluationDataNumber;
    uint64 leastCrlIssuedAt;
    uint64 leastRootCrlIssuedAt;
    uint32 maxCollateralAgeSeconds;
    uint16 acceptedTcbStatuses;
}

/// @notice Everything about a root in one answer.
/// @param isSoftware the code does not know this root as a hardware vendor's
/// @param platform TDX and SGX 1, SEV-SNP 2, Nitro 3
struct Root {
    bool isOpen;
    bool isSoftware;
    uint8 platform;
    bytes32 vendor;
    RootRules rules;
    string[] deniedAdvisoryIds;
}

/// @title Which attestation roots and OS images count. Facts only; who may change them is AccessManager's business.
/// @dev Invariants: a root known to the code has the code's vendor and platform, whatever was asked; any other root is
///      software, and is refused for ever where `allowsSoftware` is false (attack A22); a known vendor's label is never
///      given to software.
/// @dev Administration: grants (open, approve, accept) and revocations (close, revoke, deny) are separate functions, so
///      that AccessManager can give the first to a role with an execution delay and the second to a guardian.
interface IAttestationRegistry is ITrail {
    /// @notice What `check` found, in the order of judgement.
    enum Finding {
        Ok,
        RootNotOpen,
        VendorMismatch,
        TcbStatusNotAccepted,
        TcbEvaluationTooOld,
        AdvisoryDenied,
        OsImageNotApproved
    }

    /// @notice A root counts from now on.
    /// @dev Listeners: indexer; kms-node reads state, never this event. Promise 1: the vendor is the code's for a known root.
    event RootOpened(bytes32 indexed root, bytes32 indexed vendor, uint8 platform, RootRules rules, uint64 seq);
    event RootClosed(bytes32 indexed root, uint8 reason, uint64 seq);
    event RootRulesSet(bytes32 indexed root, RootRules rules, uint64 seq);
    event AdvisoryDenied(bytes32 indexed root, string advisoryId, uint64 seq);
    event AdvisoryAccepted(bytes32 indexed root, string advisoryId, uint64 seq);
    event OsImageApproved(bytes32 indexed osImageHash, string uri, uint64 seq);
    event OsImageRevoked(bytes32 indexed osImageHash, uint8 reason, uint64 seq);

    /// @notice The root is not a vendor's that the code knows, and this registry refuses software (A22).
    error SoftwareRootRefused(bytes32 root);
    /// @notice The label or platform is not the one that the code knows for this root.
    error KnownRootMismatch(bytes32 expectedVendor, uint8 expectedPlatform);
    /// @notice The label belongs to a hardware vendor; software can't have it.
    error VendorReserved(bytes32 vendor);
    /// @notice A root keeps the vendor of its first opening.
    error VendorFixed(bytes32 expected, bytes32 actual);
    error RootNotOpen(bytes32 root);
    error UnknownPlatform(uint8 platform);

    /* GRANTS */

    /// @notice Opens a root, or opens it again after it was closed.
    function openRoot(bytes32 root, bytes32 vendor, uint8 platform, RootRules calldata rules) external;
    /// @notice Replaces the rules of an open root. Warning: may widen.
    function setRootRules(bytes32 root, RootRules calldata rules) external;
    /// @notice Takes an advisory off the list of denied ones.
    function acceptAdvisory(bytes32 root, string calldata advisoryId) external;
    /// @notice Approves an OS image for all apps. `uri` says where its source and build are.
    function approveOsImage(bytes32 osImageHash, string calldata uri) external;

    /* REVOCATIONS */

    /// @notice Closes a root for apps, at once. Suspending its seats is an act of its own (KmsCommittee).
    function closeRoot(bytes32 root, uint8 reason) external;
    /// @notice Refuses every platform that this advisory applies to, at once.
    function denyAdvisory(bytes32 root, string calldata advisoryId) external;
    /// @notice Withdraws an OS image from all apps, at once.
    function revokeOsImage(bytes32 osImageHash, uint8 reason) external;

    /* VIEWS */

    /// @notice Whether software roots can be opened here. Fixed at deployment.
    function allowsSoftware() external view returns (bool);
    /// @notice All that a node has to know about a root.
    function rootPolicy(bytes32 root) external view returns (Root memory);
    /// @notice The vendor of a root: the code's for known roots, else the registry's; zero if never opened.
    function vendorOf(bytes32 root) external view returns (bytes32);
    function isRootOpen(bytes32 root) external view returns (bool);
    function isOsImageApproved(bytes32 osImageHash) external view returns (bool);
    /// @notice Every root ever opened, in order.
    function roots() external view returns (bytes32[] memory);
    /// @notice The vendors that have at least one open root, without repetition.
    function openVendors() external view returns (bytes32[] memory);
    /// @notice Judges the platform part of an `Attested`.
    function check(Attested calldata attested) external view returns (Finding);
}
