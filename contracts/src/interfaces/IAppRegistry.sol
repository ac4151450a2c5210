// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AppBootInfo, IAppAuth} from "./IAppAuth.sol";
import {PolicySetup} from "./IAllowlistPolicy.sol";
import {IAttestationRegistry} from "./IAttestationRegistry.sol";
import {Holding} from "./ILicensePolicy.sol";
import {IPolicyFactory} from "./IPolicyFactory.sol";
import {IKmsCommittee} from "./IKmsCommittee.sol";
import {ITrail} from "./ITrail.sol";
import {Attested} from "./Statements.sol";

/// @notice All facts about one app, as they count now; `pending*` with the time from which they will count.
/// @param isForeign the policy was not made by this registry or its factory, or was made for another app, whose people it obeys:
///        judge its code yourself
/// @param movedTo asked for by the owner, from `movedAt` on; `movedTo(appId)` tells whether it was done
/// @param thawsAt zero unless the owner has begun to thaw
struct AppInfo {
    address policy;
    address owner;
    address pendingOwner;
    address guardian;
    uint32 keyVersion;
    bool isFrozen;
    bool isLocked;
    bool isForeign;
    uint64 thawsAt;
    address pendingPolicy;
    uint64 policyEffectiveAt;
    address pendingGuardian;
    uint64 guardianEffectiveAt;
    address movedTo;
    uint64 movedAt;
    bytes32[] vendors;
}

/// @notice An app made by the factory.
/// @param salt with the sender it fixes the app id (`predictAppId`), which the compose file may need to hold
/// @param vendors empty: those open now, written out
/// @param lockPolicy give up the right to replace the policy contract, for ever
struct NewApp {
    bytes32 salt;
    address owner;
    address guardian;
    bytes32[] vendors;
    bool lockPolicy;
    PolicySetup policy;
}

/// @title Which policy, owner, vendors and key version an app has; and the one question `isAllowed`.
/// @dev Facts here, judgement in the policy. Spec: docs/spec/policy.md.
/// @dev Invariants: an id is registered once, while this registry is in force and no other speaks for it, and by nobody but the contract at that address, its `owner()`, or this factory
///      in the transaction that creates it; anyone else can only register a contract as its own policy under its own owner
///      (attack A13). A root of another vendor widens no app. No grant counts before the app's grant delay has passed; a
///      guardian grants nothing and can't stop its own replacement (attack A24).
/// @dev dstack-shaped events (`AppRegistered`, `AppDeployedViaFactory`) are beside the trail.
interface IAppRegistry is IAppAuth, ITrail {
    /// @dev Promise 1: once per app id.
    event AppEntered(
        address indexed appId,
        address indexed policy,
        address indexed owner,
        address guardian,
        bool isForeign,
        bytes32[] vendors,
        uint64 seq
    );
    /// @notice From `effectiveAt` on this contract judges the app.
    event PolicySet(address indexed appId, address indexed policy, bool isForeign, uint64 effectiveAt, uint64 seq);
    event PolicyChangeCancelled(address indexed appId, address indexed policy, uint8 reason, uint64 seq);
    event PolicyLocked(address indexed appId, uint64 seq);
    event OwnershipOffered(address indexed appId, address indexed owner, address indexed pendingOwner, uint64 seq);
    event OwnershipTaken(address indexed appId, address indexed owner, uint64 seq);
    event GuardianSet(address indexed appId, address indexed guardian, uint64 effectiveAt, uint64 seq);
    /// @notice Machines of another vendor may have the keys from `effectiveAt` on.
    event VendorAccepted(address indexed appId, bytes32 indexed vendor, uint64 effectiveAt, uint64 seq);
    event VendorRemoved(address indexed appId, bytes32 indexed vendor, uint8 reason, uint64 seq);
    event AppFrozen(address indexed appId, uint8 reason, uint64 seq);
    event AppThawed(address indexed appId, uint64 effectiveAt, uint64 seq);
    /// @notice New keys from now on; `previousReadable`: the version before stays readable.
    event KeyRotated(address indexed appId, uint32 indexed keyVersion, bool previousReadable, uint64 seq);
    event KeyVersionDelisted(address indexed appId, uint32 indexed keyVersion, uint8 reason, uint64 seq);
    /// @notice From `effectiveAt` on anyone may have another registry speak for the app (`finishMove`).
    event AppMoved(address indexed appId, address indexed registry, uint64 effectiveAt, uint64 seq);
    event AppMoveCancelled(address indexed appId, address indexed registry, uint8 reason, uint64 seq);

    /// @notice dstack's, argument not indexed.
    event AppRegistered(address appId);
    /// @notice dstack's.
    event AppDeployedViaFactory(address indexed appId, address indexed deployer);

    error AppAlreadyRegistered(address appId);
    /// @notice There is no contract at that address.
    error NotAContract(address account);
    /// @notice The contract names no owner.
    error OwnerUnknown(address appId);
    error PolicyIsLocked(address appId);
    /// @notice A change of policy or registry is on its way: cancel it or wait for it, then lock.
    error ChangePending(address appId);
    error NoVendor();
    /// @notice A grant floor of zero is for networks that allow software roots.
    error GrantFloorZero();
    /// @notice Another registry speaks for the app: change it there.
    error AppHasMoved(address appId, address registry);
    /// @notice No move was asked for, or its time has not come.
    error NoMoveDue(address appId);
    error KeyVersionUnknown(address appId, uint32 keyVersion);

    /* REGISTRATION */

    /// @notice Registers the contract `appId` as its own policy, with its `owner()` as owner and the open vendors. Anyone.
    function registerApp(address appId) external;
    /// @notice Registers `appId` with other choices. Only the contract `appId` itself or its `owner()` (attack A13).
    function registerAppWith(address appId, address policy, address owner, address guardian, bytes32[] calldata vendors)
        external;
    /// @notice Makes an AllowlistPolicy, whose address is the app id, and registers it.
    function createApp(NewApp calldata app) external returns (address appId);
    /// @notice Makes an AllowlistPolicy for an app that has another policy now; `setPolicy` puts it in force.
    function createPolicy(address appId, PolicySetup calldata setup) external returns (address policy);
    /// @notice Makes an AllOfPolicy for an app: all members must allow. `setPolicy` puts it in force. Anyone.
    function createAllOfPolicy(address appId, uint32 grantDelaySeconds, address[] calldata members)
        external
        returns (address policy);
    /// @notice Makes a LicensePolicy for an app: `inner` judges while the licence lasts. `setPolicy` puts it in force. Anyone.
    function createLicensePolicy(
        address appId,
        uint32 grantDelaySeconds,
        address inner,
        uint64 until,
        Holding calldata holding
    ) external returns (address policy);
    /// @notice dstack's factory. `disableUpgrades` locks the policy contract; zero device or compose hash: none given.
    function deployAndRegisterApp(
        address initialOwner,
        bool disableUpgrades,
        bool requireTcbUpToDate,
        bool allowAnyDevice,
        bytes32 initialDeviceId,
        bytes32 initialComposeHash
    ) external returns (address appId);
    /// @notice dstack's older factory.
    function deployAndRegisterApp(
        address initialOwner,
        bool disableUpgrades,
        bool allowAnyDevice,
        bytes32 initialDeviceId,
        bytes32 initialComposeHash
    ) external returns (address appId);

    /* GRANTS: owner, after the grant delay */

    /// @notice Another contract judges this app. Refused for ever after `lockPolicy`.
    function setPolicy(address appId, address policy) external;
    function acceptVendor(address appId, bytes32 vendor) external;
    /// @notice Begins to thaw.
    function thaw(address appId) external;
    /// @notice Replaces the guardian. Only the owner can, and the guardian can't cancel it.
    function setGuardian(address appId, address guardian) external;
    /// @notice Lets another registry speak for this app, once `finishMove` is called.
    function moveTo(address appId, address registry) external;

    /// @notice Does the move whose time has come: KmsCommittee lists the other registry, and that takes over. Anyone.
    function finishMove(address appId) external;
    /// @notice Only KmsCommittee: enters an app that moves here from `from`, as it stands there, what is on its way included.
    /// @dev One KeyRotated per key version: an app that was rotated about a thousand times can't move in one transaction.
    function takeOver(address appId, address from) external;

    /* OWNER, at once */

    /// @notice Begins the hand-over; the new owner has to take it.
    function offerOwnership(address appId, address newOwner) external;
    function takeOwnership(address appId) external;
    function lockPolicy(address appId) external;
    /// @notice New key version; the one before stays readable only if asked for.
    function rotate(address appId, bool keepPreviousReadable) external returns (uint32 keyVersion);

    /* REVOCATIONS: owner or guardian, at once */

    function freeze(address appId, uint8 reason) external;
    function removeVendor(address appId, bytes32 vendor, uint8 reason) external;
    function delistKeyVersion(address appId, uint32 keyVersion, uint8 reason) external;
    function cancelPolicyChange(address appId, uint8 reason) external;
    function cancelMove(address appId, uint8 reason) external;

    /* VIEWS */

    /// @notice The question of the whole system. Order: registered, frozen, root open, vendor matches the root, vendor
    ///         accepted, TCB acceptable, OS image approved, then the app's policy. At most 128 bytes of reason.
    /// @dev IssuanceLog and every node ask it with exactly 250,000 gas.
    function isAllowed(Attested calldata attested) external view returns (bool, string memory reason);
    function isRegistered(address appId) external view returns (bool);
    /// @notice dstack's name for `isRegistered`.
    function registeredApps(address appId) external view returns (bool);
    function appInfo(address appId) external view returns (AppInfo memory);
    function ownerOf(address appId) external view returns (address);
    function guardianOf(address appId) external view returns (address);
    function policyOf(address appId) external view returns (address);
    function vendorsOf(address appId) external view returns (bytes32[] memory);
    /// @notice When the vendor counts or began to count; zero: not accepted.
    function vendorEffectiveAt(address appId, bytes32 vendor) external view returns (uint64);
    function keyVersionOf(address appId) external view returns (uint32);
    /// @notice The version is current, or older and listed.
    function isKeyReadable(address appId, uint32 keyVersion) external view returns (bool);
    /// @notice The registry that speaks for an app of this one, if that is another by now; else zero.
    function movedTo(address appId) external view returns (address);
    /// @notice What a grant to this app waits: the policy's own delay if we made the policy for this app, at least the floor.
    function grantDelayOf(address appId) external view returns (uint64 grantDelaySeconds);
    function predictAppId(address sender, bytes32 salt) external view returns (address);
    /// @notice Whether this registry had the policy made, for whatever app: code, constructor and first state are ours. Fixed when it is made;
    ///         nobody, governance included, can declare another contract ours.
    function isOurPolicy(address policy) external view returns (bool);
    /// @notice Makes the policies that are no clones. Fixed at deployment.
    function policyFactory() external view returns (IPolicyFactory);
    function grantFloorSeconds() external view returns (uint32);
    /// @notice Knows which registry speaks for an app. Fixed at deployment.
    function committee() external view returns (IKmsCommittee);
    function attestationRegistry() external view returns (IAttestationRegistry);
    /// @notice The AllowlistPolicy that clones point to. dstack's name.
    function appImplementation() external view returns (address);
}
