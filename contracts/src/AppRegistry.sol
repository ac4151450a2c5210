// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {AllowlistPolicy} from "./AllowlistPolicy.sol";
import {Trail} from "./Trail.sol";
import {AlreadySet, AppNotRegistered, NothingToRevoke, Unauthorized, ZeroValue} from "./interfaces/Errors.sol";
import {IAllowlistPolicy, PolicySetup} from "./interfaces/IAllowlistPolicy.sol";
import {AppBootInfo, IAppAuth} from "./interfaces/IAppAuth.sol";
import {AppInfo, IAppRegistry, NewApp} from "./interfaces/IAppRegistry.sol";
import {IAttestationRegistry} from "./interfaces/IAttestationRegistry.sol";
import {IKmsCommittee} from "./interfaces/IKmsCommittee.sol";
import {Holding} from "./interfaces/ILicensePolicy.sol";
import {IPolicyFactory} from "./interfaces/IPolicyFactory.sol";
import {Attested} from "./interfaces/Statements.sol";
import {Question} from "./libraries/Question.sol";
import {VerdictCall} from "./libraries/VerdictCall.sol";

/// @dev The one thing asked of a contract that is registered as its own policy.
interface IOwned {
    function owner() external view returns (address);
}

/// @title AppRegistry
/// @dev A change that waits is stored with the time from which it counts; nothing has to be executed later.
contract AppRegistry is IAppRegistry, Trail {
    /// @dev What `isAllowed` reads, in one slot. frozenUntil: zero not frozen, FROZEN until thawed, else the time of thawing.
    struct Facts {
        address policy;
        uint32 keyVersion;
        uint40 frozenUntil;
        bool isLocked;
        bool hasPendingPolicy;
    }

    /// @dev An address that takes the place of another from a time on.
    struct Pending {
        address account;
        uint40 from;
    }

    struct People {
        address owner;
        address pendingOwner;
        address guardian;
        Pending nextGuardian;
        Pending nextPolicy;
        Pending movedTo;
        bytes32[] vendors;
    }

    uint40 private constant FROZEN = type(uint40).max;

    /// @inheritdoc IAppRegistry
    IKmsCommittee public immutable committee;
    /// @inheritdoc IAppRegistry
    IAttestationRegistry public immutable attestationRegistry;
    /// @inheritdoc IAppRegistry
    uint32 public immutable grantFloorSeconds;
    /// @inheritdoc IAppRegistry
    address public immutable appImplementation;
    /// @inheritdoc IAppRegistry
    IPolicyFactory public immutable policyFactory;

    mapping(address appId => Facts) private _facts;
    mapping(address appId => People) private _people;
    mapping(address appId => mapping(bytes32 vendor => uint64 effectiveAt)) private _vendor;
    mapping(address appId => mapping(uint32 keyVersion => bool)) private _olderReadable;
    /// @dev Zero: not made by us.
    mapping(address policy => address appId) private _madeFor;
    uint256 private _created;

    modifier onlyOwner(address appId) {
        _checkOwner(appId);
        _;
    }

    modifier onlyOwnerOrGuardian(address appId) {
        _checkOwnerOrGuardian(appId);
        _;
    }

    constructor(IKmsCommittee committee_, uint32 grantFloorSeconds_, IPolicyFactory policyFactory_) {
        committee = committee_;
        attestationRegistry = committee_.attestationRegistry();
        require(grantFloorSeconds_ != 0 || attestationRegistry.allowsSoftware(), GrantFloorZero());
        grantFloorSeconds = grantFloorSeconds_;
        appImplementation = address(new AllowlistPolicy(this, grantFloorSeconds_));
        _requireContract(address(policyFactory_));
        policyFactory = policyFactory_;
        _startTrail();
    }

    /* REGISTRATION */

    /// @inheritdoc IAppRegistry
    function registerApp(address appId) external {
        _requireContract(appId);
        _register(appId, appId, _ownerOfContract(appId), address(0), attestationRegistry.openVendors());
    }

    /// @inheritdoc IAppRegistry
    function registerAppWith(address appId, address policy, address owner, address guardian, bytes32[] calldata vendors)
        external
    {
        _requireContract(appId);
        require(msg.sender == appId || msg.sender == _ownerOfContract(appId), Unauthorized(msg.sender));
        _requireContract(policy);
        _register(appId, policy, owner, guardian, vendors.length == 0 ? attestationRegistry.openVendors() : vendors);
    }

    /// @inheritdoc IAppRegistry
    function createApp(NewApp calldata app) external returns (address appId) {
        appId = Clones.cloneDeterministic(appImplementation, _salt(msg.sender, app.salt));
        _madeFor[appId] = appId;
        IAllowlistPolicy(appId).initialize(appId, app.policy);
        bytes32[] memory vendors = app.vendors.length == 0 ? attestationRegistry.openVendors() : app.vendors;
        _register(appId, appId, app.owner, app.guardian, vendors);
        if (app.lockPolicy) _lockPolicy(appId);
        emit AppDeployedViaFactory(appId, msg.sender);
    }

    /// @inheritdoc IAppRegistry
    function createPolicy(address appId, PolicySetup calldata setup) external returns (address policy) {
        require(isRegistered(appId), AppNotRegistered(appId));
        policy = Clones.clone(appImplementation);
        _madeFor[policy] = appId;
        IAllowlistPolicy(policy).initialize(appId, setup);
    }

    /// @inheritdoc IAppRegistry
    function createAllOfPolicy(address appId, uint32 grantDelaySeconds, address[] calldata members)
        external
        returns (address policy)
    {
        require(isRegistered(appId), AppNotRegistered(appId));
        policy = policyFactory.makeAllOf(appId, grantDelaySeconds, members);
        _madeFor[policy] = appId;
    }

    /// @inheritdoc IAppRegistry
    function createLicensePolicy(
        address appId,
        uint32 grantDelaySeconds,
        address inner,
        uint64 until,
        Holding calldata holding
    ) external returns (address policy) {
        require(isRegistered(appId), AppNotRegistered(appId));
        policy = policyFactory.makeLicense(appId, grantDelaySeconds, inner, until, holding);
        _madeFor[policy] = appId;
    }

    /// @inheritdoc IAppRegistry
    function deployAndRegisterApp(
        address initialOwner,
        bool disableUpgrades,
        bool requireTcbUpToDate,
        bool allowAnyDevice,
        bytes32 initialDeviceId,
        bytes32 initialComposeHash
    ) external returns (address) {
        return _deploy(
            initialOwner,
            disableUpgrades,
            _dstackSetup(requireTcbUpToDate, allowAnyDevice, initialDeviceId, initialComposeHash)
        );
    }

    /// @inheritdoc IAppRegistry
    function deployAndRegisterApp(
        address initialOwner,
        bool disableUpgrades,
        bool allowAnyDevice,
        bytes32 initialDeviceId,
        bytes32 initialComposeHash
    ) external returns (address) {
        return _deploy(
            initialOwner, disableUpgrades, _dstackSetup(false, allowAnyDevice, initialDeviceId, initialComposeHash)
        );
    }

    /* GRANTS */

    /// @inheritdoc IAppRegistry
    function setPolicy(address appId, address policy) external onlyOwner(appId) {
        _requireContract(policy);
        _settlePolicy(appId);
        require(!_facts[appId].isLocked, PolicyIsLocked(appId));
        _schedulePolicy(appId, policy, _afterDelay(appId));
    }

    /// @inheritdoc IAppRegistry
    function acceptVendor(address appId, bytes32 vendor) external onlyOwner(appId) {
        require(vendor != 0, ZeroValue());
        require(_vendor[appId][vendor] == 0, AlreadySet());
        _acceptVendor(appId, vendor, _afterDelay(appId));
    }

    /// @inheritdoc IAppRegistry
    function thaw(address appId) external onlyOwner(appId) {
        require(_facts[appId].frozenUntil == FROZEN, AlreadySet());
        _thaw(appId, _afterDelay(appId));
    }

    /// @inheritdoc IAppRegistry
    function setGuardian(address appId, address guardian) external onlyOwner(appId) {
        _people[appId].guardian = guardianOf(appId);
        _scheduleGuardian(appId, guardian, _afterDelay(appId));
    }

    /// @inheritdoc IAppRegistry
    function moveTo(address appId, address registry) external onlyOwner(appId) {
        require(!_facts[appId].isLocked, PolicyIsLocked(appId));
        require(registry != address(this), AlreadySet());
        _requireContract(registry);
        uint40 from = _afterDelay(appId);
        _people[appId].movedTo = Pending(registry, from);

        uint64 seq = _nextSeq();
        emit AppMoved(appId, registry, from, seq);
        _trail(AppMoved.selector, abi.encode(appId, registry, from, seq));
    }

    /// @inheritdoc IAppRegistry
    function finishMove(address appId) external {
        _checkSpeaks(appId);
        Pending memory moved = _people[appId].movedTo;
        require(_isPast(moved.from), NoMoveDue(appId));
        committee.moveApp(appId, moved.account);
    }

    /// @inheritdoc IAppRegistry
    function takeOver(address appId, address from) external {
        require(msg.sender == address(committee), Unauthorized(msg.sender));
        require(!isRegistered(appId), AppAlreadyRegistered(appId));
        AppInfo memory info = IAppRegistry(from).appInfo(appId);
        _enter(appId, info.policy, info.owner, info.guardian, new bytes32[](0));
        for (uint256 i = 0; i < info.vendors.length; ++i) {
            _acceptVendor(appId, info.vendors[i], uint40(IAppRegistry(from).vendorEffectiveAt(appId, info.vendors[i])));
        }
        for (uint32 version = 1; version < info.keyVersion; ++version) {
            _rotate(appId, IAppRegistry(from).isKeyReadable(appId, version));
        }
        if (info.isFrozen) _freeze(appId, 0);
        if (info.thawsAt != 0) _thaw(appId, uint40(info.thawsAt));
        if (info.policyEffectiveAt != 0) _schedulePolicy(appId, info.pendingPolicy, uint40(info.policyEffectiveAt));
        if (info.guardianEffectiveAt != 0) {
            _scheduleGuardian(appId, info.pendingGuardian, uint40(info.guardianEffectiveAt));
        }
        if (info.pendingOwner != address(0)) _offer(appId, info.owner, info.pendingOwner);
        if (info.isLocked) _lockPolicy(appId);
    }

    /* OWNER */

    /// @inheritdoc IAppRegistry
    function offerOwnership(address appId, address newOwner) external onlyOwner(appId) {
        _offer(appId, msg.sender, newOwner);
    }

    /// @inheritdoc IAppRegistry
    function takeOwnership(address appId) external {
        People storage people = _people[appId];
        require(msg.sender == people.pendingOwner, Unauthorized(msg.sender));
        _checkSpeaks(appId);
        people.owner = msg.sender;
        people.pendingOwner = address(0);

        uint64 seq = _nextSeq();
        emit OwnershipTaken(appId, msg.sender, seq);
        _trail(OwnershipTaken.selector, abi.encode(appId, msg.sender, seq));
    }

    /// @inheritdoc IAppRegistry
    function lockPolicy(address appId) external onlyOwner(appId) {
        _settlePolicy(appId);
        require(!_facts[appId].isLocked, AlreadySet());
        bool isMoving = _people[appId].movedTo.account != address(0);
        require(!_facts[appId].hasPendingPolicy && !isMoving, ChangePending(appId));
        _lockPolicy(appId);
    }

    /// @inheritdoc IAppRegistry
    function rotate(address appId, bool keepPreviousReadable) external onlyOwner(appId) returns (uint32 keyVersion) {
        return _rotate(appId, keepPreviousReadable);
    }

    /* REVOCATIONS */

    /// @inheritdoc IAppRegistry
    function freeze(address appId, uint8 reason) external onlyOwnerOrGuardian(appId) {
        require(_facts[appId].frozenUntil != FROZEN, AlreadySet());
        _freeze(appId, reason);
    }

    /// @inheritdoc IAppRegistry
    function removeVendor(address appId, bytes32 vendor, uint8 reason) external onlyOwnerOrGuardian(appId) {
        require(_vendor[appId][vendor] != 0, NothingToRevoke());
        delete _vendor[appId][vendor];
        bytes32[] storage vendors = _people[appId].vendors;
        uint256 i = 0;
        while (vendors[i] != vendor) ++i;
        vendors[i] = vendors[vendors.length - 1];
        vendors.pop();

        uint64 seq = _nextSeq();
        emit VendorRemoved(appId, vendor, reason, seq);
        _trail(VendorRemoved.selector, abi.encode(appId, vendor, reason, seq));
    }

    /// @inheritdoc IAppRegistry
    function delistKeyVersion(address appId, uint32 keyVersion, uint8 reason) external onlyOwnerOrGuardian(appId) {
        require(_olderReadable[appId][keyVersion], NothingToRevoke());
        _olderReadable[appId][keyVersion] = false;

        uint64 seq = _nextSeq();
        emit KeyVersionDelisted(appId, keyVersion, reason, seq);
        _trail(KeyVersionDelisted.selector, abi.encode(appId, keyVersion, reason, seq));
    }

    /// @inheritdoc IAppRegistry
    function cancelPolicyChange(address appId, uint8 reason) external onlyOwnerOrGuardian(appId) {
        _settlePolicy(appId);
        require(_facts[appId].hasPendingPolicy, NothingToRevoke());
        address policy = _people[appId].nextPolicy.account;
        _facts[appId].hasPendingPolicy = false;
        delete _people[appId].nextPolicy;

        uint64 seq = _nextSeq();
        emit PolicyChangeCancelled(appId, policy, reason, seq);
        _trail(PolicyChangeCancelled.selector, abi.encode(appId, policy, reason, seq));
    }

    /// @inheritdoc IAppRegistry
    function cancelMove(address appId, uint8 reason) external onlyOwnerOrGuardian(appId) {
        address registry = _people[appId].movedTo.account;
        require(registry != address(0), NothingToRevoke());
        delete _people[appId].movedTo;

        uint64 seq = _nextSeq();
        emit AppMoveCancelled(appId, registry, reason, seq);
        _trail(AppMoveCancelled.selector, abi.encode(appId, registry, reason, seq));
    }

    /* VIEWS */

    /// @inheritdoc IAppRegistry
    function isAllowed(Attested calldata attested) external view returns (bool, string memory) {
        AppBootInfo calldata boot = attested.boot;
        Facts memory facts = _facts[boot.appId];
        if (facts.policy == address(0)) return (false, "App not registered");
        if (facts.frozenUntil > block.timestamp) return (false, "App is frozen");

        IAttestationRegistry.Finding finding = _checkPlatform();
        if (finding == IAttestationRegistry.Finding.RootNotOpen) return (false, "Attestation root is not open");
        if (finding == IAttestationRegistry.Finding.VendorMismatch) return (false, "Vendor is not the root's");
        if (!_isPast(_vendor[boot.appId][attested.vendor])) return (false, "Vendor is not accepted by the app");
        if (finding != IAttestationRegistry.Finding.Ok) return (false, _reasonOf(finding));
        return _askPolicy(facts.hasPendingPolicy ? policyOf(boot.appId) : facts.policy, boot);
    }

    /// @inheritdoc IAppAuth
    /// @dev dstack's narrower question: it knows no root, vendor or key version. Nothing of ours releases a key on it.
    function isAppAllowed(AppBootInfo calldata boot) external view returns (bool, string memory) {
        if (!isRegistered(boot.appId)) return (false, "App not registered");
        if (_facts[boot.appId].frozenUntil > block.timestamp) return (false, "App is frozen");
        if (!attestationRegistry.isOsImageApproved(boot.osImageHash)) return (false, "OS image is not allowed");
        return _askPolicy(policyOf(boot.appId), boot);
    }

    /// @inheritdoc IAppRegistry
    function isRegistered(address appId) public view returns (bool) {
        return _facts[appId].policy != address(0);
    }

    /// @inheritdoc IAppRegistry
    function registeredApps(address appId) external view returns (bool) {
        return isRegistered(appId);
    }

    /// @inheritdoc IAppRegistry
    function appInfo(address appId) external view returns (AppInfo memory info) {
        Facts storage facts = _facts[appId];
        People storage people = _people[appId];
        info.policy = policyOf(appId);
        info.owner = people.owner;
        info.pendingOwner = people.pendingOwner;
        info.guardian = guardianOf(appId);
        info.keyVersion = facts.keyVersion;
        info.isFrozen = facts.frozenUntil > block.timestamp;
        info.isLocked = facts.isLocked;
        info.isForeign = _isForeign(appId, info.policy);
        if (info.isFrozen && facts.frozenUntil != FROZEN) info.thawsAt = facts.frozenUntil;
        if (people.nextPolicy.from > block.timestamp) {
            (info.pendingPolicy, info.policyEffectiveAt) = (people.nextPolicy.account, people.nextPolicy.from);
        }
        if (people.nextGuardian.from > block.timestamp) {
            (info.pendingGuardian, info.guardianEffectiveAt) = (people.nextGuardian.account, people.nextGuardian.from);
        }
        (info.movedTo, info.movedAt) = (people.movedTo.account, people.movedTo.from);
        info.vendors = people.vendors;
    }

    /// @inheritdoc IAppRegistry
    function ownerOf(address appId) public view returns (address) {
        return _people[appId].owner;
    }

    /// @inheritdoc IAppRegistry
    function guardianOf(address appId) public view returns (address) {
        People storage people = _people[appId];
        return _isPast(people.nextGuardian.from) ? people.nextGuardian.account : people.guardian;
    }

    /// @inheritdoc IAppRegistry
    function policyOf(address appId) public view returns (address) {
        Pending storage next = _people[appId].nextPolicy;
        return _isPast(next.from) ? next.account : _facts[appId].policy;
    }

    /// @inheritdoc IAppRegistry
    function vendorsOf(address appId) external view returns (bytes32[] memory) {
        return _people[appId].vendors;
    }

    /// @inheritdoc IAppRegistry
    function vendorEffectiveAt(address appId, bytes32 vendor) external view returns (uint64) {
        return _vendor[appId][vendor];
    }

    /// @inheritdoc IAppRegistry
    function keyVersionOf(address appId) external view returns (uint32) {
        return _facts[appId].keyVersion;
    }

    /// @inheritdoc IAppRegistry
    function isKeyReadable(address appId, uint32 keyVersion) external view returns (bool) {
        return keyVersion != 0 && (_facts[appId].keyVersion == keyVersion || _olderReadable[appId][keyVersion]);
    }

    /// @inheritdoc IAppRegistry
    function movedTo(address appId) public view returns (address registry) {
        if (!isRegistered(appId)) return address(0);
        registry = committee.registryOf(appId);
        if (registry == address(this)) return address(0);
    }

    /// @inheritdoc IAppRegistry
    function grantDelayOf(address appId) public view returns (uint64) {
        address policy = policyOf(appId);
        return _isForeign(appId, policy) ? grantFloorSeconds : IAllowlistPolicy(policy).grantDelay();
    }

    /// @inheritdoc IAppRegistry
    function predictAppId(address sender, bytes32 salt) external view returns (address) {
        return Clones.predictDeterministicAddress(appImplementation, _salt(sender, salt));
    }

    /// @inheritdoc IAppRegistry
    function isOurPolicy(address policy) external view returns (bool) {
        return _madeFor[policy] != address(0);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == IAppAuth.isAppAllowed.selector || id == type(IERC165).interfaceId;
    }

    /* INTERNAL */

    function _register(address appId, address policy, address owner, address guardian, bytes32[] memory vendors)
        private
    {
        require(!isRegistered(appId), AppAlreadyRegistered(appId));
        require(owner != address(0), ZeroValue());
        require(vendors.length != 0, NoVendor());
        for (uint256 i = 0; i < vendors.length; ++i) {
            require(vendors[i] != 0, ZeroValue());
            require(_vendor[appId][vendors[i]] == 0, AlreadySet());
            _vendor[appId][vendors[i]] = uint64(block.timestamp);
        }
        _enter(appId, policy, owner, guardian, vendors);
        committee.enterApp(appId);
    }

    function _enter(address appId, address policy, address owner, address guardian, bytes32[] memory vendors) private {
        bool isForeign = _isForeign(appId, policy);
        _facts[appId] = Facts(policy, 1, 0, false, false);
        People storage people = _people[appId];
        (people.owner, people.guardian, people.vendors) = (owner, guardian, vendors);

        uint64 seq = _nextSeq();
        emit AppEntered(appId, policy, owner, guardian, isForeign, vendors, seq);
        _trail(AppEntered.selector, abi.encode(appId, policy, owner, guardian, isForeign, vendors, seq));
        emit AppRegistered(appId);
    }

    function _deploy(address owner, bool lock, PolicySetup memory setup) private returns (address appId) {
        appId = Clones.cloneDeterministic(appImplementation, keccak256(abi.encode(address(this), ++_created)));
        _madeFor[appId] = appId;
        IAllowlistPolicy(appId).initialize(appId, setup);
        _register(appId, appId, owner, address(0), attestationRegistry.openVendors());
        if (lock) _lockPolicy(appId);
        emit AppDeployedViaFactory(appId, msg.sender);
    }

    function _dstackSetup(bool requireTcbUpToDate, bool allowAnyDevice, bytes32 deviceId, bytes32 composeHash)
        private
        view
        returns (PolicySetup memory setup)
    {
        setup.grantDelaySeconds = grantFloorSeconds;
        setup.requireTcbUpToDate = requireTcbUpToDate;
        setup.allowAnyDevice = allowAnyDevice;
        setup.composeHash = composeHash;
        if (deviceId != 0) {
            setup.deviceIds = new bytes32[](1);
            setup.deviceIds[0] = deviceId;
        }
    }

    function _schedulePolicy(address appId, address policy, uint40 from) private {
        _facts[appId].hasPendingPolicy = true;
        _people[appId].nextPolicy = Pending(policy, from);

        bool isForeign = _isForeign(appId, policy);
        uint64 seq = _nextSeq();
        emit PolicySet(appId, policy, isForeign, from, seq);
        _trail(PolicySet.selector, abi.encode(appId, policy, isForeign, from, seq));
    }

    function _acceptVendor(address appId, bytes32 vendor, uint40 from) private {
        _vendor[appId][vendor] = from;
        _people[appId].vendors.push(vendor);

        uint64 seq = _nextSeq();
        emit VendorAccepted(appId, vendor, from, seq);
        _trail(VendorAccepted.selector, abi.encode(appId, vendor, from, seq));
    }

    function _thaw(address appId, uint40 from) private {
        _facts[appId].frozenUntil = from;

        uint64 seq = _nextSeq();
        emit AppThawed(appId, from, seq);
        _trail(AppThawed.selector, abi.encode(appId, from, seq));
    }

    function _scheduleGuardian(address appId, address guardian, uint40 from) private {
        _people[appId].nextGuardian = Pending(guardian, from);

        uint64 seq = _nextSeq();
        emit GuardianSet(appId, guardian, from, seq);
        _trail(GuardianSet.selector, abi.encode(appId, guardian, from, seq));
    }

    function _offer(address appId, address owner, address newOwner) private {
        _people[appId].pendingOwner = newOwner;

        uint64 seq = _nextSeq();
        emit OwnershipOffered(appId, owner, newOwner, seq);
        _trail(OwnershipOffered.selector, abi.encode(appId, owner, newOwner, seq));
    }

    function _rotate(address appId, bool keepPreviousReadable) private returns (uint32 keyVersion) {
        Facts storage facts = _facts[appId];
        if (keepPreviousReadable) _olderReadable[appId][facts.keyVersion] = true;
        keyVersion = ++facts.keyVersion;

        uint64 seq = _nextSeq();
        emit KeyRotated(appId, keyVersion, keepPreviousReadable, seq);
        _trail(KeyRotated.selector, abi.encode(appId, keyVersion, keepPreviousReadable, seq));
    }

    function _freeze(address appId, uint8 reason) private {
        _facts[appId].frozenUntil = FROZEN;

        uint64 seq = _nextSeq();
        emit AppFrozen(appId, reason, seq);
        _trail(AppFrozen.selector, abi.encode(appId, reason, seq));
    }

    function _lockPolicy(address appId) private {
        _facts[appId].isLocked = true;
        uint64 seq = _nextSeq();
        emit PolicyLocked(appId, seq);
        _trail(PolicyLocked.selector, abi.encode(appId, seq));
    }

    /// @dev Writes a policy change whose time has come into the slot that `isAllowed` reads. Changes no answer.
    function _settlePolicy(address appId) private {
        Pending memory next = _people[appId].nextPolicy;
        if (!_isPast(next.from)) return;
        _facts[appId].policy = next.account;
        _facts[appId].hasPendingPolicy = false;
        delete _people[appId].nextPolicy;
    }

    /// @dev attestationRegistry.check(attested), for `isAllowed`: the same argument, so the call goes on as it came.
    function _checkPlatform() private view returns (IAttestationRegistry.Finding finding) {
        address registry = address(attestationRegistry);
        uint256 selector = uint32(IAttestationRegistry.check.selector);
        uint256 word;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, selector)
            calldatacopy(add(m, 0x20), 0x04, sub(calldatasize(), 0x04))
            let ok := staticcall(gas(), registry, add(m, 0x1c), calldatasize(), 0x00, 0x20)
            if iszero(and(ok, eq(returndatasize(), 0x20))) {
                returndatacopy(m, 0, returndatasize())
                revert(m, returndatasize())
            }
            word := mload(0x00)
        }
        return IAttestationRegistry.Finding(word);
    }

    /// @dev A policy may be anybody's code: a bounded answer, or none.
    function _askPolicy(address policy, AppBootInfo calldata boot) private view returns (bool, string memory) {
        (bool answered, bool allowed, string memory reason) =
            VerdictCall.ask(policy, gasleft(), Question.isAppAllowed(boot));
        if (answered) return (allowed, reason);
        return (false, policy.code.length == 0 ? "App not deployed or invalid address" : "Policy gives no answer");
    }

    function _reasonOf(IAttestationRegistry.Finding finding) private pure returns (string memory) {
        if (finding == IAttestationRegistry.Finding.TcbStatusNotAccepted) return "TCB status is not up to date";
        if (finding == IAttestationRegistry.Finding.TcbEvaluationTooOld) return "TCB evaluation data is too old";
        if (finding == IAttestationRegistry.Finding.AdvisoryDenied) return "Advisory is denied";
        return "OS image is not allowed";
    }

    /// @dev Of an app that has moved nothing counts here any more.
    function _checkSpeaks(address appId) private view {
        require(isRegistered(appId), AppNotRegistered(appId));
        address registry = movedTo(appId);
        require(registry == address(0), AppHasMoved(appId, registry));
    }

    function _checkOwner(address appId) private view {
        _checkSpeaks(appId);
        require(msg.sender == ownerOf(appId), Unauthorized(msg.sender));
    }

    function _checkOwnerOrGuardian(address appId) private view {
        _checkSpeaks(appId);
        require(msg.sender == ownerOf(appId) || msg.sender == guardianOf(appId), Unauthorized(msg.sender));
    }

    function _ownerOfContract(address appId) private view returns (address owner) {
        try IOwned(appId).owner() returns (address named) {
            owner = named;
        } catch {}
        if (owner == address(0) && msg.sender == appId) owner = appId;
        require(owner != address(0), OwnerUnknown(appId));
    }

    function _requireContract(address account) private view {
        require(account.code.length != 0, NotAContract(account));
    }

    /// @dev Of a policy made for another app its people are that app's, and so is its delay.
    function _isForeign(address appId, address policy) private view returns (bool) {
        return _madeFor[policy] != appId;
    }

    function _afterDelay(address appId) private view returns (uint40) {
        return uint40(block.timestamp + grantDelayOf(appId));
    }

    function _isPast(uint64 from) private view returns (bool) {
        return from != 0 && from <= block.timestamp;
    }

    function _salt(address sender, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(sender, salt));
    }
}
