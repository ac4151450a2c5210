// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Trail} from "./Trail.sol";
import {AlreadySet, NothingToRevoke, Unauthorized, ZeroValue} from "./interfaces/Errors.sol";
import {IAllowlistPolicy, PolicySetup} from "./interfaces/IAllowlistPolicy.sol";
import {AppBootInfo, IAppAuth} from "./interfaces/IAppAuth.sol";
import {IAppAuthBasicManagement} from "./interfaces/IAppAuthBasicManagement.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";
import {TcbStatus} from "./libraries/TcbStatus.sol";

/// @title AllowlistPolicy
/// @dev Every "any" is the time from which it counts, zero for never; so is every approval. Nothing has to be executed later.
contract AllowlistPolicy is IAllowlistPolicy, Trail {
    /// @dev What `isAppAllowed` reads, in one slot.
    struct Settings {
        uint40 anyDeviceFrom;
        uint40 anyMeasurementFrom;
        uint40 anyInstanceFrom;
        uint40 anyTcbFrom;
        uint32 grantDelay;
        uint32 nextGrantDelay;
        bool isInitialized;
    }

    /// @dev From the beginning of time: in force at any block.
    uint40 private constant ALWAYS = 1;

    /// @dev Ids of machines whose identity was masked: sha256 of nothing, of a zero PPID, of a zero SEV-SNP chip id.
    bytes32 private constant MASKED_EMPTY = sha256("");
    bytes32 private constant MASKED_PPID = sha256(abi.encodePacked(bytes16(0)));
    bytes32 private constant MASKED_CHIP_ID = sha256(abi.encodePacked(bytes32(0), bytes32(0)));

    IAppRegistry private immutable _registry;
    uint32 private immutable _floor;

    Settings private _settings;
    address private _appId;
    uint40 private _nextGrantDelayFrom;
    mapping(bytes32 composeHash => uint64 effectiveAt) private _composeHash;
    mapping(bytes32 deviceId => uint64 effectiveAt) private _device;
    mapping(bytes32 mrSystem => uint64 effectiveAt) private _measurement;
    mapping(address instanceId => uint64 effectiveAt) private _instance;

    modifier onlyOwner() {
        require(msg.sender == owner(), Unauthorized(msg.sender));
        _;
    }

    modifier onlyOwnerOrGuardian() {
        require(msg.sender == owner() || msg.sender == guardian(), Unauthorized(msg.sender));
        _;
    }

    /// @dev The implementation itself stays without an app: `initialize` is for clones.
    constructor(IAppRegistry registry, uint32 floor) {
        _registry = registry;
        _floor = floor;
        _settings.isInitialized = true;
    }

    /// @inheritdoc IAllowlistPolicy
    function initialize(address appId_, PolicySetup calldata setup) external {
        require(msg.sender == address(_registry), Unauthorized(msg.sender));
        require(!_settings.isInitialized, AlreadySet());
        require(setup.grantDelaySeconds >= _floor, GrantDelayBelowFloor(_floor, setup.grantDelaySeconds));
        _startTrail();
        _appId = appId_;
        _settings = Settings({
            anyDeviceFrom: setup.allowAnyDevice ? ALWAYS : 0,
            anyMeasurementFrom: setup.measurements.length == 0 ? ALWAYS : 0,
            anyInstanceFrom: ALWAYS,
            anyTcbFrom: setup.requireTcbUpToDate ? 0 : ALWAYS,
            grantDelay: setup.grantDelaySeconds,
            nextGrantDelay: 0,
            isInitialized: true
        });

        uint64 seq = _nextSeq();
        emit PolicyInitialized(appId_, setup.grantDelaySeconds, setup.requireTcbUpToDate, setup.allowAnyDevice, seq);
        _trail(
            PolicyInitialized.selector,
            abi.encode(appId_, setup.grantDelaySeconds, setup.requireTcbUpToDate, setup.allowAnyDevice, seq)
        );
        if (setup.composeHash != 0) _approveComposeHash(setup.composeHash, setup.uri, uint64(block.timestamp));
        for (uint256 i = 0; i < setup.deviceIds.length; ++i) {
            _approveDevice(setup.deviceIds[i], uint64(block.timestamp));
        }
        for (uint256 i = 0; i < setup.measurements.length; ++i) {
            _approveMeasurement(setup.measurements[i], uint64(block.timestamp));
        }
    }

    /// @inheritdoc IAppAuth
    function isAppAllowed(AppBootInfo calldata boot) external view returns (bool, string memory) {
        Settings memory s = _settings;
        if (!_isPast(s.anyTcbFrom) && !TcbStatus.isUpToDate(boot.tcbStatus)) {
            return (false, "TCB status is not up to date");
        }
        if (!_isPast(_composeHash[boot.composeHash])) return (false, "Compose hash not allowed");
        if (!_isPast(s.anyMeasurementFrom) && !_isPast(_measurement[boot.mrSystem])) {
            return (false, "Measurement not allowed");
        }
        if (!_isPast(s.anyDeviceFrom) && !_isPast(_device[boot.deviceId])) return (false, "Device not allowed");
        if (!_isPast(s.anyInstanceFrom) && !_isPast(_instance[boot.instanceId])) {
            return (false, "Instance not allowed");
        }
        return (true, "");
    }

    /* GRANTS */

    /// @inheritdoc IAllowlistPolicy
    function approveComposeHash(bytes32 composeHash, string calldata uri) external onlyOwner {
        _approveComposeHash(composeHash, uri, _afterDelay());
    }

    /// @inheritdoc IAppAuthBasicManagement
    function addComposeHash(bytes32 composeHash) external onlyOwner {
        _approveComposeHash(composeHash, "", _afterDelay());
    }

    /// @inheritdoc IAppAuthBasicManagement
    function addDevice(bytes32 deviceId) external onlyOwner {
        _approveDevice(deviceId, _afterDelay());
    }

    /// @inheritdoc IAllowlistPolicy
    function approveMeasurement(bytes32 mrSystem) external onlyOwner {
        if (!_isPast(_settings.anyMeasurementFrom)) return _approveMeasurement(mrSystem, _afterDelay());
        // The first entry narrows "any" to one: at once.
        _setAnyMeasurement(0);
        if (_measurement[mrSystem] == 0) _approveMeasurement(mrSystem, uint64(block.timestamp));
    }

    /// @inheritdoc IAllowlistPolicy
    function approveInstance(address instanceId) external onlyOwner {
        require(instanceId != address(0), NotIdentifying(0));
        uint64 effectiveAt = _afterDelay();
        _enlist(_instance[instanceId]);
        _instance[instanceId] = effectiveAt;

        uint64 seq = _nextSeq();
        emit InstanceApproved(_appId, instanceId, effectiveAt, seq);
        _trail(InstanceApproved.selector, abi.encode(_appId, instanceId, effectiveAt, seq));
    }

    /// @inheritdoc IAllowlistPolicy
    function setAllowAnyDevice(bool allow) external {
        uint40 from = _decideAny(allow, _settings.anyDeviceFrom);
        _settings.anyDeviceFrom = from;
        uint64 seq = _nextSeq();
        emit AnyDeviceSet(_appId, from, seq);
        _trail(AnyDeviceSet.selector, abi.encode(_appId, from, seq));
    }

    /// @inheritdoc IAllowlistPolicy
    function setAllowAnyMeasurement(bool allow) external {
        _setAnyMeasurement(_decideAny(allow, _settings.anyMeasurementFrom));
    }

    /// @inheritdoc IAllowlistPolicy
    function setAllowAnyInstance(bool allow) external {
        uint40 from = _decideAny(allow, _settings.anyInstanceFrom);
        _settings.anyInstanceFrom = from;
        uint64 seq = _nextSeq();
        emit AnyInstanceSet(_appId, from, seq);
        _trail(AnyInstanceSet.selector, abi.encode(_appId, from, seq));
    }

    /// @inheritdoc IAllowlistPolicy
    function setRequireTcbUpToDate(bool require_) external {
        uint40 from = _decideAny(!require_, _settings.anyTcbFrom);
        _settings.anyTcbFrom = from;
        uint64 seq = _nextSeq();
        emit AnyTcbSet(_appId, from, seq);
        _trail(AnyTcbSet.selector, abi.encode(_appId, from, seq));
    }

    /// @inheritdoc IAllowlistPolicy
    function setGrantDelay(uint32 grantDelaySeconds) external onlyOwner {
        require(grantDelaySeconds >= _floor, GrantDelayBelowFloor(_floor, grantDelaySeconds));
        uint32 present = grantDelay();
        uint40 from = uint40(block.timestamp);
        if (grantDelaySeconds >= present) {
            _settings.grantDelay = grantDelaySeconds;
            _nextGrantDelayFrom = 0;
        } else {
            from += present;
            _settings.grantDelay = present;
            _settings.nextGrantDelay = grantDelaySeconds;
            _nextGrantDelayFrom = from;
        }

        uint64 seq = _nextSeq();
        emit GrantDelaySet(_appId, grantDelaySeconds, from, seq);
        _trail(GrantDelaySet.selector, abi.encode(_appId, grantDelaySeconds, from, seq));
    }

    /* REVOCATIONS */

    /// @inheritdoc IAllowlistPolicy
    function revokeComposeHash(bytes32 composeHash, uint8 reason) external {
        _revokeComposeHash(composeHash, reason);
    }

    /// @inheritdoc IAppAuthBasicManagement
    function removeComposeHash(bytes32 composeHash) external {
        _revokeComposeHash(composeHash, 0);
    }

    /// @inheritdoc IAllowlistPolicy
    function revokeDevice(bytes32 deviceId, uint8 reason) external {
        _revokeDevice(deviceId, reason);
    }

    /// @inheritdoc IAppAuthBasicManagement
    function removeDevice(bytes32 deviceId) external {
        _revokeDevice(deviceId, 0);
    }

    /// @inheritdoc IAllowlistPolicy
    function revokeInstance(address instanceId, uint8 reason) external onlyOwnerOrGuardian {
        require(!_isPast(_settings.anyInstanceFrom), ListNotInForce());
        require(_instance[instanceId] != 0, NothingToRevoke());
        delete _instance[instanceId];

        uint64 seq = _nextSeq();
        emit InstanceRevoked(_appId, instanceId, reason, seq);
        _trail(InstanceRevoked.selector, abi.encode(_appId, instanceId, reason, seq));
    }

    /// @inheritdoc IAllowlistPolicy
    function revokeMeasurement(bytes32 mrSystem, uint8 reason) external onlyOwnerOrGuardian {
        require(!_isPast(_settings.anyMeasurementFrom), ListNotInForce());
        require(_measurement[mrSystem] != 0, NothingToRevoke());
        delete _measurement[mrSystem];

        uint64 seq = _nextSeq();
        emit MeasurementRevoked(_appId, mrSystem, reason, seq);
        _trail(MeasurementRevoked.selector, abi.encode(_appId, mrSystem, reason, seq));
    }

    /* VIEWS */

    /// @inheritdoc IAllowlistPolicy
    function appId() external view returns (address) {
        return _appId;
    }

    /// @inheritdoc IAllowlistPolicy
    function owner() public view returns (address) {
        return _speaker().ownerOf(_appId);
    }

    /// @inheritdoc IAllowlistPolicy
    function guardian() public view returns (address) {
        return _speaker().guardianOf(_appId);
    }

    /// @inheritdoc IAllowlistPolicy
    function grantDelay() public view returns (uint32) {
        return
            _nextGrantDelayFrom != 0 && _isPast(_nextGrantDelayFrom) ? _settings.nextGrantDelay : _settings.grantDelay;
    }

    /// @inheritdoc IAllowlistPolicy
    function composeHashEffectiveAt(bytes32 composeHash) external view returns (uint64) {
        return _composeHash[composeHash];
    }

    /// @inheritdoc IAllowlistPolicy
    function deviceEffectiveAt(bytes32 deviceId) external view returns (uint64) {
        return _device[deviceId];
    }

    /// @inheritdoc IAllowlistPolicy
    function instanceEffectiveAt(address instanceId) external view returns (uint64) {
        return _instance[instanceId];
    }

    /// @inheritdoc IAllowlistPolicy
    function measurementEffectiveAt(bytes32 mrSystem) external view returns (uint64) {
        return _measurement[mrSystem];
    }

    /// @inheritdoc IAllowlistPolicy
    function allowedComposeHashes(bytes32 composeHash) external view returns (bool) {
        return _isPast(_composeHash[composeHash]);
    }

    /// @inheritdoc IAllowlistPolicy
    function allowedDeviceIds(bytes32 deviceId) external view returns (bool) {
        return _isPast(_device[deviceId]);
    }

    /// @inheritdoc IAllowlistPolicy
    function allowAnyDevice() external view returns (bool) {
        return _isPast(_settings.anyDeviceFrom);
    }

    /// @inheritdoc IAllowlistPolicy
    function allowAnyMeasurement() external view returns (bool) {
        return _isPast(_settings.anyMeasurementFrom);
    }

    /// @inheritdoc IAllowlistPolicy
    function allowAnyInstance() external view returns (bool) {
        return _isPast(_settings.anyInstanceFrom);
    }

    /// @inheritdoc IAllowlistPolicy
    function requireTcbUpToDate() external view returns (bool) {
        return !_isPast(_settings.anyTcbFrom);
    }

    /// @inheritdoc IAllowlistPolicy
    function anyEffectiveAt() external view returns (uint64, uint64, uint64, uint64) {
        Settings memory s = _settings;
        return (s.anyDeviceFrom, s.anyMeasurementFrom, s.anyInstanceFrom, s.anyTcbFrom);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == IAppAuth.isAppAllowed.selector || id == 0x8fd37527 || id == type(IERC165).interfaceId;
    }

    /* INTERNAL */

    function _approveComposeHash(bytes32 composeHash, string memory uri, uint64 effectiveAt) private {
        require(composeHash != 0, ZeroValue());
        _enlist(_composeHash[composeHash]);
        _composeHash[composeHash] = effectiveAt;

        uint64 seq = _nextSeq();
        emit ComposeHashApproved(_appId, composeHash, effectiveAt, uri, seq);
        _trail(ComposeHashApproved.selector, abi.encode(_appId, composeHash, effectiveAt, uri, seq));
        emit ComposeHashAdded(composeHash);
    }

    function _approveDevice(bytes32 deviceId, uint64 effectiveAt) private {
        require(_isIdentifying(deviceId), NotIdentifying(deviceId));
        _enlist(_device[deviceId]);
        _device[deviceId] = effectiveAt;

        uint64 seq = _nextSeq();
        emit DeviceApproved(_appId, deviceId, effectiveAt, seq);
        _trail(DeviceApproved.selector, abi.encode(_appId, deviceId, effectiveAt, seq));
        emit DeviceAdded(deviceId);
    }

    function _approveMeasurement(bytes32 mrSystem, uint64 effectiveAt) private {
        require(mrSystem != 0, ZeroValue());
        _enlist(_measurement[mrSystem]);
        _measurement[mrSystem] = effectiveAt;

        uint64 seq = _nextSeq();
        emit MeasurementApproved(_appId, mrSystem, effectiveAt, seq);
        _trail(MeasurementApproved.selector, abi.encode(_appId, mrSystem, effectiveAt, seq));
    }

    function _revokeComposeHash(bytes32 composeHash, uint8 reason) private onlyOwnerOrGuardian {
        require(_composeHash[composeHash] != 0, NothingToRevoke());
        delete _composeHash[composeHash];

        uint64 seq = _nextSeq();
        emit ComposeHashRevoked(_appId, composeHash, reason, seq);
        _trail(ComposeHashRevoked.selector, abi.encode(_appId, composeHash, reason, seq));
        emit ComposeHashRemoved(composeHash);
    }

    function _revokeDevice(bytes32 deviceId, uint8 reason) private onlyOwnerOrGuardian {
        require(!_isPast(_settings.anyDeviceFrom), ListNotInForce());
        require(_device[deviceId] != 0, NothingToRevoke());
        delete _device[deviceId];

        uint64 seq = _nextSeq();
        emit DeviceRevoked(_appId, deviceId, reason, seq);
        _trail(DeviceRevoked.selector, abi.encode(_appId, deviceId, reason, seq));
        emit DeviceRemoved(deviceId);
    }

    function _setAnyMeasurement(uint40 from) private {
        _settings.anyMeasurementFrom = from;
        uint64 seq = _nextSeq();
        emit AnyMeasurementSet(_appId, from, seq);
        _trail(AnyMeasurementSet.selector, abi.encode(_appId, from, seq));
    }

    /// @dev Widening waits and is the owner's; narrowing counts now, and the guardian may do it too.
    function _decideAny(bool allow, uint40 present) private view returns (uint40) {
        if (!allow) {
            require(msg.sender == owner() || msg.sender == guardian(), Unauthorized(msg.sender));
            require(present != 0, AlreadySet());
            return 0;
        }
        require(msg.sender == owner(), Unauthorized(msg.sender));
        require(present == 0, AlreadySet());
        return uint40(_afterDelay());
    }

    function _enlist(uint64 present) private pure {
        require(present == 0, AlreadyApproved(present));
    }

    function _afterDelay() private view returns (uint64) {
        return uint64(block.timestamp) + grantDelay();
    }

    function _isPast(uint64 from) private view returns (bool) {
        return from != 0 && from <= block.timestamp;
    }

    function _isIdentifying(bytes32 deviceId) private pure returns (bool) {
        return deviceId != 0 && deviceId != MASKED_EMPTY && deviceId != MASKED_PPID && deviceId != MASKED_CHIP_ID;
    }

    /// @dev The registry that speaks for the app: the one that made this clone, or where the owner moved the app to.
    function _speaker() private view returns (IAppRegistry) {
        address moved = _registry.movedTo(_appId);
        return moved == address(0) ? _registry : IAppRegistry(moved);
    }
}
