// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAppAuth} from "./IAppAuth.sol";
import {IAppAuthBasicManagement} from "./IAppAuthBasicManagement.sol";
import {ITrail} from "./ITrail.sol";

/// @notice How a policy begins. What is given here, in the transaction that creates it, waits for nothing.
/// @param grantDelaySeconds at least the registry's floor
/// @param composeHash zero: none yet
/// @param deviceIds ids that identify nothing (zero, masked) are refused
/// @param measurements mrSystem values; empty: any that the OS image approvals let through
struct PolicySetup {
    uint32 grantDelaySeconds;
    bool requireTcbUpToDate;
    bool allowAnyDevice;
    bytes32 composeHash;
    string uri;
    bytes32[] deviceIds;
    bytes32[] measurements;
}

/// @title An app's own list of what may have its keys. One ERC-1167 clone per app; made by AppRegistry.
/// @dev Invariants: nothing is granted before it was visible for the grant delay; every removal counts in its own block and
///      cancels a pending approval; owner and guardian are AppRegistry's, this contract stores neither; the delay never
///      falls below the floor, grows at once, shrinks only after itself (attack A18).
/// @dev A list in force with nothing in it allows nothing. "Any" is a choice of its own, delayed and shown.
interface IAllowlistPolicy is IAppAuth, IAppAuthBasicManagement, ITrail {
    /// @notice First event of the trail.
    event PolicyInitialized(
        address indexed appId, uint32 grantDelaySeconds, bool requireTcbUpToDate, bool allowAnyDevice, uint64 seq
    );
    /// @notice Counts from `effectiveAt` on, if it is not revoked before. `uri` leads to the text behind the hash.
    /// @dev Listeners: whoever watches for grants (P8): this is the notice that they have until `effectiveAt`.
    event ComposeHashApproved(
        address indexed appId, bytes32 indexed composeHash, uint64 effectiveAt, string uri, uint64 seq
    );
    /// @notice From this block on no key is issued to this code; what was issued can't be called back: rotate.
    event ComposeHashRevoked(address indexed appId, bytes32 indexed composeHash, uint8 reason, uint64 seq);
    event DeviceApproved(address indexed appId, bytes32 indexed deviceId, uint64 effectiveAt, uint64 seq);
    event DeviceRevoked(address indexed appId, bytes32 indexed deviceId, uint8 reason, uint64 seq);
    event MeasurementApproved(address indexed appId, bytes32 indexed mrSystem, uint64 effectiveAt, uint64 seq);
    event MeasurementRevoked(address indexed appId, bytes32 indexed mrSystem, uint8 reason, uint64 seq);
    event InstanceApproved(address indexed appId, address indexed instanceId, uint64 effectiveAt, uint64 seq);
    event InstanceRevoked(address indexed appId, address indexed instanceId, uint8 reason, uint64 seq);
    /// @notice From `effectiveAt` on the device list does not count; zero: it counts from now.
    event AnyDeviceSet(address indexed appId, uint64 effectiveAt, uint64 seq);
    event AnyMeasurementSet(address indexed appId, uint64 effectiveAt, uint64 seq);
    event AnyInstanceSet(address indexed appId, uint64 effectiveAt, uint64 seq);
    /// @notice From `effectiveAt` on any TCB status that AttestationRegistry accepts will do; zero: UpToDate from now.
    event AnyTcbSet(address indexed appId, uint64 effectiveAt, uint64 seq);
    event GrantDelaySet(address indexed appId, uint32 grantDelaySeconds, uint64 effectiveAt, uint64 seq);

    /// @notice The id is empty or the hash of a masked one: it identifies no machine and never matches.
    error NotIdentifying(bytes32 id);
    error GrantDelayBelowFloor(uint32 floor, uint32 actual);
    /// @notice The list is not in force, so taking an entry off it would revoke nothing; turn "any" off first.
    error ListNotInForce();
    /// @notice It is approved or pending already.
    error AlreadyApproved(uint64 effectiveAt);

    /// @notice Called once, by AppRegistry, in the transaction that makes the clone.
    function initialize(address appId, PolicySetup calldata setup) external;

    /* GRANTS: owner, after the grant delay */

    /// @notice Approves a compose hash; `uri` leads to the compose file.
    function approveComposeHash(bytes32 composeHash, string calldata uri) external;
    function approveInstance(address instanceId) external;
    /// @notice Approves a measurement. The first one puts the list in force at once: it narrows.
    function approveMeasurement(bytes32 mrSystem) external;
    /// @notice true: after the delay; false: at once, owner or guardian. dstack's name.
    function setAllowAnyDevice(bool allow) external;
    function setAllowAnyMeasurement(bool allow) external;
    /// @notice The instance list counts only after `setAllowAnyInstance(false)`.
    function setAllowAnyInstance(bool allow) external;
    /// @notice true: at once, owner or guardian; false: after the delay. dstack's name.
    function setRequireTcbUpToDate(bool require) external;
    /// @notice Longer: at once. Shorter: after the present delay, and never below the floor.
    function setGrantDelay(uint32 grantDelaySeconds) external;

    /* REVOCATIONS: owner or guardian, at once; a pending approval is cancelled */

    function revokeComposeHash(bytes32 composeHash, uint8 reason) external;
    function revokeDevice(bytes32 deviceId, uint8 reason) external;
    function revokeInstance(address instanceId, uint8 reason) external;
    function revokeMeasurement(bytes32 mrSystem, uint8 reason) external;

    /* VIEWS */

    function appId() external view returns (address);
    /// @notice As AppRegistry says.
    function owner() external view returns (address);
    /// @notice As AppRegistry says.
    function guardian() external view returns (address);
    function grantDelay() external view returns (uint32 grantDelaySeconds);
    /// @notice When an approval takes or took effect, unix seconds; zero: not approved.
    function composeHashEffectiveAt(bytes32 composeHash) external view returns (uint64);
    function deviceEffectiveAt(bytes32 deviceId) external view returns (uint64);
    function instanceEffectiveAt(address instanceId) external view returns (uint64);
    function measurementEffectiveAt(bytes32 mrSystem) external view returns (uint64);
    /// @notice dstack's views, answered for this moment.
    function allowedComposeHashes(bytes32 composeHash) external view returns (bool);
    function allowedDeviceIds(bytes32 deviceId) external view returns (bool);
    function allowAnyDevice() external view returns (bool);
    function allowAnyMeasurement() external view returns (bool);
    function allowAnyInstance() external view returns (bool);
    function requireTcbUpToDate() external view returns (bool);
    /// @notice When each "any" takes or took effect; zero: never.
    function anyEffectiveAt()
        external
        view
        returns (uint64 anyDevice, uint64 anyMeasurement, uint64 anyInstance, uint64 anyTcb);
}
