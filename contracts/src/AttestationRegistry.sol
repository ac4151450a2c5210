// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Trail} from "./Trail.sol";
import {AlreadySet, NothingToRevoke, ZeroValue} from "./interfaces/Errors.sol";
import {AppBootInfo} from "./interfaces/IAppAuth.sol";
import {IAttestationRegistry, Root, RootRules} from "./interfaces/IAttestationRegistry.sol";
import {Attested} from "./interfaces/Statements.sol";
import {KnownRoots} from "./libraries/KnownRoots.sol";
import {TcbStatus} from "./libraries/TcbStatus.sol";

/// @title AttestationRegistry
contract AttestationRegistry is IAttestationRegistry, AccessManaged, Trail {
    /// @dev One slot: everything that `check` reads about a root, except the vendor of software.
    struct RootState {
        bool isOpen;
        uint8 platform;
        uint16 deniedCount;
        uint16 acceptedTcbStatuses;
        uint32 leastTcbEvaluationDataNumber;
        uint32 maxCollateralAgeSeconds;
        uint64 leastCrlIssuedAt;
        uint64 leastRootCrlIssuedAt;
    }

    /// @inheritdoc IAttestationRegistry
    bool public immutable allowsSoftware;

    mapping(bytes32 root => RootState) private _root;
    mapping(bytes32 root => bytes32 vendor) private _softwareVendor;
    mapping(bytes32 root => mapping(bytes32 advisoryHash => bool)) private _denied;
    mapping(bytes32 root => string[]) private _deniedIds;
    mapping(bytes32 osImageHash => bool) private _osImage;
    bytes32[] private _roots;

    constructor(address initialAuthority, bool allowsSoftware_) AccessManaged(initialAuthority) {
        allowsSoftware = allowsSoftware_;
        _startTrail();
    }

    /* GRANTS */

    /// @inheritdoc IAttestationRegistry
    function openRoot(bytes32 root, bytes32 vendor, uint8 platform, RootRules calldata rules) external restricted {
        require(root != 0 && vendor != 0, ZeroValue());
        require(
            platform >= KnownRoots.PLATFORM_TDX_SGX && platform <= KnownRoots.PLATFORM_NITRO, UnknownPlatform(platform)
        );
        _checkVendor(root, vendor, platform);
        RootState storage state = _root[root];
        require(!state.isOpen, AlreadySet());
        if (state.platform == 0) _roots.push(root);
        state.isOpen = true;
        state.platform = platform;
        _setRules(state, rules);

        uint64 seq = _nextSeq();
        emit RootOpened(root, vendor, platform, _rules(state), seq);
        _trail(RootOpened.selector, abi.encode(root, vendor, platform, _rules(state), seq));
    }

    /// @inheritdoc IAttestationRegistry
    function setRootRules(bytes32 root, RootRules calldata rules) external restricted {
        RootState storage state = _root[root];
        require(state.isOpen, RootNotOpen(root));
        _setRules(state, rules);

        uint64 seq = _nextSeq();
        emit RootRulesSet(root, _rules(state), seq);
        _trail(RootRulesSet.selector, abi.encode(root, _rules(state), seq));
    }

    /// @inheritdoc IAttestationRegistry
    function acceptAdvisory(bytes32 root, string calldata advisoryId) external restricted {
        bytes32 id = keccak256(bytes(advisoryId));
        require(_denied[root][id], AlreadySet());
        _denied[root][id] = false;
        _root[root].deniedCount -= 1;
        string[] storage ids = _deniedIds[root];
        for (uint256 i = 0; i < ids.length; ++i) {
            if (keccak256(bytes(ids[i])) == id) {
                ids[i] = ids[ids.length - 1];
                ids.pop();
                break;
            }
        }

        uint64 seq = _nextSeq();
        emit AdvisoryAccepted(root, advisoryId, seq);
        _trail(AdvisoryAccepted.selector, abi.encode(root, advisoryId, seq));
    }

    /// @inheritdoc IAttestationRegistry
    function approveOsImage(bytes32 osImageHash, string calldata uri) external restricted {
        require(osImageHash != 0, ZeroValue());
        require(!_osImage[osImageHash], AlreadySet());
        _osImage[osImageHash] = true;

        uint64 seq = _nextSeq();
        emit OsImageApproved(osImageHash, uri, seq);
        _trail(OsImageApproved.selector, abi.encode(osImageHash, uri, seq));
    }

    /* REVOCATIONS */

    /// @inheritdoc IAttestationRegistry
    function closeRoot(bytes32 root, uint8 reason) external restricted {
        require(_root[root].isOpen, NothingToRevoke());
        _root[root].isOpen = false;

        uint64 seq = _nextSeq();
        emit RootClosed(root, reason, seq);
        _trail(RootClosed.selector, abi.encode(root, reason, seq));
    }

    /// @inheritdoc IAttestationRegistry
    function denyAdvisory(bytes32 root, string calldata advisoryId) external restricted {
        bytes32 id = keccak256(bytes(advisoryId));
        require(!_denied[root][id], AlreadySet());
        _denied[root][id] = true;
        _deniedIds[root].push(advisoryId);
        _root[root].deniedCount += 1;

        uint64 seq = _nextSeq();
        emit AdvisoryDenied(root, advisoryId, seq);
        _trail(AdvisoryDenied.selector, abi.encode(root, advisoryId, seq));
    }

    /// @inheritdoc IAttestationRegistry
    function revokeOsImage(bytes32 osImageHash, uint8 reason) external restricted {
        require(_osImage[osImageHash], NothingToRevoke());
        _osImage[osImageHash] = false;

        uint64 seq = _nextSeq();
        emit OsImageRevoked(osImageHash, reason, seq);
        _trail(OsImageRevoked.selector, abi.encode(osImageHash, reason, seq));
    }

    /* VIEWS */

    /// @inheritdoc IAttestationRegistry
    function check(Attested calldata attested) external view returns (Finding) {
        bytes32 root = attested.root;
        AppBootInfo calldata boot = attested.boot;
        RootState memory state = _root[root];
        if (!state.isOpen) return Finding.RootNotOpen;
        if (attested.vendor != vendorOf(root)) return Finding.VendorMismatch;
        if (TcbStatus.bitOf(keccak256(bytes(boot.tcbStatus))) & state.acceptedTcbStatuses == 0) {
            return Finding.TcbStatusNotAccepted;
        }
        if (attested.tcbEvaluationDataNumber < state.leastTcbEvaluationDataNumber) return Finding.TcbEvaluationTooOld;
        if (state.deniedCount != 0 && _isAnyDenied(root, boot.advisoryIds)) return Finding.AdvisoryDenied;
        if (!_osImage[boot.osImageHash]) return Finding.OsImageNotApproved;
        return Finding.Ok;
    }

    /// @inheritdoc IAttestationRegistry
    function rootPolicy(bytes32 root) external view returns (Root memory) {
        RootState memory state = _root[root];
        (bytes32 known,) = KnownRoots.vendorOf(root);
        return Root({
            isOpen: state.isOpen,
            isSoftware: known == 0,
            platform: state.platform,
            vendor: vendorOf(root),
            rules: _rules(_root[root]),
            deniedAdvisoryIds: _deniedIds[root]
        });
    }

    /// @inheritdoc IAttestationRegistry
    function vendorOf(bytes32 root) public view returns (bytes32) {
        (bytes32 known,) = KnownRoots.vendorOf(root);
        return known != 0 ? known : _softwareVendor[root];
    }

    /// @inheritdoc IAttestationRegistry
    function isRootOpen(bytes32 root) external view returns (bool) {
        return _root[root].isOpen;
    }

    /// @inheritdoc IAttestationRegistry
    function isOsImageApproved(bytes32 osImageHash) external view returns (bool) {
        return _osImage[osImageHash];
    }

    /// @inheritdoc IAttestationRegistry
    function roots() external view returns (bytes32[] memory) {
        return _roots;
    }

    /// @inheritdoc IAttestationRegistry
    function openVendors() external view returns (bytes32[] memory vendors) {
        vendors = new bytes32[](_roots.length);
        uint256 count = 0;
        for (uint256 i = 0; i < _roots.length; ++i) {
            if (!_root[_roots[i]].isOpen) continue;
            bytes32 vendor = vendorOf(_roots[i]);
            uint256 k = 0;
            while (k < count && vendors[k] != vendor) ++k;
            if (k == count) vendors[count++] = vendor;
        }
        assembly ("memory-safe") {
            mstore(vendors, count)
        }
    }

    /* INTERNAL */

    /// @dev A known root is what the code says; anything else is software (A22).
    function _checkVendor(bytes32 root, bytes32 vendor, uint8 platform) private {
        (bytes32 knownVendor, uint8 knownPlatform) = KnownRoots.vendorOf(root);
        if (knownVendor != 0) {
            require(vendor == knownVendor && platform == knownPlatform, KnownRootMismatch(knownVendor, knownPlatform));
            return;
        }
        require(allowsSoftware, SoftwareRootRefused(root));
        require(!KnownRoots.isReserved(vendor), VendorReserved(vendor));
        bytes32 before = _softwareVendor[root];
        require(before == 0 || before == vendor, VendorFixed(before, vendor));
        _softwareVendor[root] = vendor;
    }

    /// @dev Only bits that have a meaning are kept, so that a later meaning widens nothing.
    function _setRules(RootState storage state, RootRules calldata rules) private {
        state.acceptedTcbStatuses = rules.acceptedTcbStatuses & TcbStatus.ALL;
        state.leastTcbEvaluationDataNumber = rules.leastTcbEvaluationDataNumber;
        state.maxCollateralAgeSeconds = rules.maxCollateralAgeSeconds;
        state.leastCrlIssuedAt = rules.leastCrlIssuedAt;
        state.leastRootCrlIssuedAt = rules.leastRootCrlIssuedAt;
    }

    function _rules(RootState storage state) private view returns (RootRules memory) {
        return RootRules({
            leastTcbEvaluationDataNumber: state.leastTcbEvaluationDataNumber,
            leastCrlIssuedAt: state.leastCrlIssuedAt,
            leastRootCrlIssuedAt: state.leastRootCrlIssuedAt,
            maxCollateralAgeSeconds: state.maxCollateralAgeSeconds,
            acceptedTcbStatuses: state.acceptedTcbStatuses
        });
    }

    function _isAnyDenied(bytes32 root, string[] calldata advisoryIds) private view returns (bool) {
        for (uint256 i = 0; i < advisoryIds.length; ++i) {
            if (_denied[root][keccak256(bytes(advisoryIds[i]))]) return true;
        }
        return false;
    }
}
