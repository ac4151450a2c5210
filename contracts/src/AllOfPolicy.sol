// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AppPolicy} from "./AppPolicy.sol";
import {AlreadySet, NothingToRevoke} from "./interfaces/Errors.sol";
import {IAllOfPolicy} from "./interfaces/IAllOfPolicy.sol";
import {AppBootInfo, IAppAuth} from "./interfaces/IAppAuth.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";

/// @title AllOfPolicy
/// @dev A removal is stored with the time from which it counts; nothing has to be executed later.
contract AllOfPolicy is IAllOfPolicy, AppPolicy {
    /// @dev Eight lists of ours fit in the 250,000 gas of a judgement.
    uint256 internal constant MAX_MEMBERS = 8;

    struct Member {
        address policy;
        uint64 removedFrom;
    }

    Member[] private _members;
    /// @inheritdoc IAllOfPolicy
    bool public isLocked;

    modifier unlocked() {
        require(!isLocked, MembersAreLocked());
        _;
    }

    constructor(IAppRegistry registry, address appId_, uint32 grantDelay_, address[] memory members_)
        AppPolicy(registry, appId_, grantDelay_)
    {
        require(members_.length != 0, LastMember());
        for (uint256 i = 0; i < members_.length; ++i) {
            _addMember(members_[i]);
        }
    }

    /// @inheritdoc IAppAuth
    function isAppAllowed(AppBootInfo calldata boot) external view returns (bool, string memory) {
        bool isAnyAsked = false;
        uint256 count = _members.length;
        for (uint256 i = 0; i < count; ++i) {
            Member memory m = _members[i];
            if (_isPast(m.removedFrom)) continue;
            (bool allowed, string memory reason) = _ask(m.policy, boot);
            if (!allowed) return (false, reason);
            isAnyAsked = true;
        }
        return isAnyAsked ? (true, "") : (false, "No member policy");
    }

    /// @inheritdoc IAllOfPolicy
    function addMember(address member) external onlyOwner unlocked {
        _addMember(member);
    }

    /// @inheritdoc IAllOfPolicy
    function removeMember(address member) external onlyOwner unlocked {
        uint256 at = _indexOf(member);
        require(at < _members.length, NothingToRevoke());
        require(_members[at].removedFrom == 0, AlreadySet());
        _requireAnotherThan(at);
        uint64 from = _afterDelay();
        _members[at].removedFrom = from;

        uint64 seq = _nextSeq();
        emit MemberRemoved(appId, member, from, seq);
        _trail(MemberRemoved.selector, abi.encode(appId, member, from, seq));
    }

    /// @inheritdoc IAllOfPolicy
    function cancelRemoval(address member, uint8 reason) external onlyOwnerOrGuardian {
        uint256 at = _indexOf(member);
        require(at < _members.length && _members[at].removedFrom != 0, NothingToRevoke());
        require(!_isPast(_members[at].removedFrom), NothingToRevoke());
        _cancelRemoval(at, reason);
    }

    /// @inheritdoc IAllOfPolicy
    function lockMembers() external onlyOwner unlocked {
        for (uint256 i = 0; i < _members.length; ++i) {
            uint64 from = _members[i].removedFrom;
            require(from == 0 || _isPast(from), RemovalPending(_members[i].policy));
        }
        isLocked = true;

        uint64 seq = _nextSeq();
        emit MembersLocked(appId, seq);
        _trail(MembersLocked.selector, abi.encode(appId, seq));
    }

    /// @inheritdoc IAllOfPolicy
    function members() external view returns (address[] memory asked) {
        uint256 count = 0;
        asked = new address[](_members.length);
        for (uint256 i = 0; i < _members.length; ++i) {
            if (!_isPast(_members[i].removedFrom)) asked[count++] = _members[i].policy;
        }
        assembly ("memory-safe") {
            mstore(asked, count)
        }
    }

    /// @inheritdoc IAllOfPolicy
    function removedFrom(address member) external view returns (uint64) {
        uint256 at = _indexOf(member);
        return at < _members.length ? _members[at].removedFrom : 0;
    }

    /* INTERNAL */

    /// @dev A member whose removal counts is forgotten first, so that it comes back as a new one.
    function _addMember(address member) private {
        _requirePolicy(member);
        _forgetRemoved();
        uint256 at = _indexOf(member);
        if (at < _members.length) {
            require(_members[at].removedFrom != 0, AlreadySet());
            return _cancelRemoval(at, 0);
        }
        require(_members.length < MAX_MEMBERS, TooManyMembers(MAX_MEMBERS));
        _members.push(Member(member, 0));

        uint64 seq = _nextSeq();
        emit MemberAdded(appId, member, seq);
        _trail(MemberAdded.selector, abi.encode(appId, member, seq));
    }

    function _cancelRemoval(uint256 at, uint8 reason) private {
        address member = _members[at].policy;
        _members[at].removedFrom = 0;

        uint64 seq = _nextSeq();
        emit MemberRemovalCancelled(appId, member, reason, seq);
        _trail(MemberRemovalCancelled.selector, abi.encode(appId, member, reason, seq));
    }

    /// @dev Changes no answer.
    function _forgetRemoved() private {
        uint256 i = 0;
        while (i < _members.length) {
            if (_isPast(_members[i].removedFrom)) {
                _members[i] = _members[_members.length - 1];
                _members.pop();
            } else {
                ++i;
            }
        }
    }

    function _requireAnotherThan(uint256 at) private view {
        for (uint256 i = 0; i < _members.length; ++i) {
            if (i != at && _members[i].removedFrom == 0) return;
        }
        revert LastMember();
    }

    /// @dev The number of members if it is none of them.
    function _indexOf(address member) private view returns (uint256 at) {
        while (at < _members.length && _members[at].policy != member) ++at;
    }
}
