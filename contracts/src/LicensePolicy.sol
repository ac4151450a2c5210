// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {AppPolicy} from "./AppPolicy.sol";
import {NothingToRevoke, ZeroValue} from "./interfaces/Errors.sol";
import {AppBootInfo, IAppAuth} from "./interfaces/IAppAuth.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";
import {Holding, ILicensePolicy} from "./interfaces/ILicensePolicy.sol";

/// @title LicensePolicy
contract LicensePolicy is ILicensePolicy, AppPolicy {
    /// @dev What a token may use to name a balance; the inner policy needs the rest.
    uint256 internal constant BALANCE_GAS = 50_000;

    struct Term {
        uint64 until;
        uint64 nextUntil;
        uint64 nextFrom;
    }

    /// @inheritdoc ILicensePolicy
    address public immutable inner;

    Term private _term;
    Holding private _holding;

    constructor(
        IAppRegistry registry,
        address appId_,
        uint32 grantDelay_,
        address inner_,
        uint64 until_,
        Holding memory holding_
    ) AppPolicy(registry, appId_, grantDelay_) {
        _requirePolicy(inner_);
        bool hasHolding = holding_.token != address(0);
        require(!hasHolding || (holding_.licensee != address(0) && holding_.leastBalance != 0), ZeroValue());
        inner = inner_;
        _term.until = until_;
        if (hasHolding) _holding = holding_;

        Holding memory h = _holding;
        uint64 seq = _nextSeq();
        emit LicenseInitialized(appId_, inner_, until_, h.token, h.licensee, h.leastBalance, seq);
        _trail(
            LicenseInitialized.selector, abi.encode(appId_, inner_, until_, h.token, h.licensee, h.leastBalance, seq)
        );
    }

    /// @inheritdoc IAppAuth
    function isAppAllowed(AppBootInfo calldata boot) external view returns (bool, string memory) {
        if (!isLicensed()) return (false, "License has ended");
        return _ask(inner, boot);
    }

    /// @inheritdoc ILicensePolicy
    function extend(uint64 until_) external onlyOwner {
        uint64 present = until();
        require(until_ > present, NotLater(present, until_));
        uint64 from = _afterDelay();
        _term = Term(present, until_, from);

        uint64 seq = _nextSeq();
        emit LicenseExtended(appId, until_, from, seq);
        _trail(LicenseExtended.selector, abi.encode(appId, until_, from, seq));
    }

    /// @inheritdoc ILicensePolicy
    function cut(uint64 until_, uint8 reason) external onlyOwnerOrGuardian {
        uint64 present = until();
        (, uint64 pendingFrom) = extension();
        require(until_ < present || (pendingFrom != 0 && until_ == present), NothingToRevoke());
        _term = Term(until_, 0, 0);

        uint64 seq = _nextSeq();
        emit LicenseCut(appId, until_, reason, seq);
        _trail(LicenseCut.selector, abi.encode(appId, until_, reason, seq));
    }

    /// @inheritdoc ILicensePolicy
    function dropHolding(uint8 reason) external onlyOwnerOrGuardian {
        address token = _holding.token;
        require(token != address(0), NothingToRevoke());
        delete _holding;

        uint64 seq = _nextSeq();
        emit HoldingDropped(appId, token, reason, seq);
        _trail(HoldingDropped.selector, abi.encode(appId, token, reason, seq));
    }

    /// @inheritdoc ILicensePolicy
    function until() public view returns (uint64) {
        Term memory term = _term;
        return _isPast(term.nextFrom) ? term.nextUntil : term.until;
    }

    /// @inheritdoc ILicensePolicy
    function extension() public view returns (uint64, uint64) {
        Term memory term = _term;
        return _isPast(term.nextFrom) ? (0, 0) : (term.nextUntil, term.nextFrom);
    }

    /// @inheritdoc ILicensePolicy
    function holding() external view returns (Holding memory) {
        return _holding;
    }

    /// @inheritdoc ILicensePolicy
    function isLicensed() public view returns (bool) {
        return block.timestamp < until() || _isHeld();
    }

    /// @dev A token may be anybody's code: one word of answer, or nothing is held.
    function _isHeld() private view returns (bool) {
        address token = _holding.token;
        if (token == address(0) || token.code.length == 0) return false;
        bytes memory question = abi.encodeCall(IERC20.balanceOf, (_holding.licensee));
        bool answered;
        uint256 held;
        assembly ("memory-safe") {
            answered := staticcall(BALANCE_GAS, token, add(question, 0x20), mload(question), 0x00, 0x20)
            answered := and(answered, gt(returndatasize(), 0x1f))
            held := mload(0x00)
        }
        return answered && held >= _holding.leastBalance;
    }
}
