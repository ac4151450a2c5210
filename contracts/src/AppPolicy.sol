// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {Trail} from "./Trail.sol";
import {Unauthorized} from "./interfaces/Errors.sol";
import {AppBootInfo, IAppAuth} from "./interfaces/IAppAuth.sol";
import {IAppPolicy} from "./interfaces/IAppPolicy.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";
import {Question} from "./libraries/Question.sol";
import {VerdictCall} from "./libraries/VerdictCall.sol";

/// @title AppPolicy
abstract contract AppPolicy is IAppPolicy, Trail {
    IAppRegistry private immutable _registry;
    /// @inheritdoc IAppPolicy
    address public immutable appId;
    /// @inheritdoc IAppPolicy
    uint32 public immutable grantDelay;

    modifier onlyOwner() {
        require(msg.sender == owner(), Unauthorized(msg.sender));
        _;
    }

    modifier onlyOwnerOrGuardian() {
        require(msg.sender == owner() || msg.sender == guardian(), Unauthorized(msg.sender));
        _;
    }

    constructor(IAppRegistry registry, address appId_, uint32 grantDelay_) {
        uint32 floor = registry.grantFloorSeconds();
        require(grantDelay_ >= floor, DelayBelowFloor(floor, grantDelay_));
        (_registry, appId, grantDelay) = (registry, appId_, grantDelay_);
        _startTrail();
    }

    /// @inheritdoc IAppPolicy
    function owner() public view returns (address) {
        return _speaker().ownerOf(appId);
    }

    /// @inheritdoc IAppPolicy
    function guardian() public view returns (address) {
        return _speaker().guardianOf(appId);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == IAppAuth.isAppAllowed.selector || id == type(IERC165).interfaceId;
    }

    /// @dev The other policy may be anybody's code: a bounded answer, or none (A23). No answer is a denial.
    function _ask(address policy, AppBootInfo calldata boot) internal view returns (bool, string memory) {
        (bool answered, bool allowed, string memory reason) =
            VerdictCall.ask(policy, gasleft(), Question.isAppAllowed(boot));
        return answered ? (allowed, reason) : (false, "Policy gives no answer");
    }

    function _requirePolicy(address policy) internal view {
        require(policy.code.length != 0 && policy != address(this), NotAPolicy(policy));
    }

    function _afterDelay() internal view returns (uint64) {
        return uint64(block.timestamp) + grantDelay;
    }

    function _isPast(uint64 from) internal view returns (bool) {
        return from != 0 && from <= block.timestamp;
    }

    /// @dev The registry that speaks for the app: the one given at deployment, or where the owner moved the app to.
    function _speaker() private view returns (IAppRegistry) {
        address moved = _registry.movedTo(appId);
        return moved == address(0) ? _registry : IAppRegistry(moved);
    }
}
