// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAppPolicy} from "./IAppPolicy.sol";

/// @title Every organisation must agree: an enclave is allowed if each member policy allows it.
/// @dev Invariants: one member that denies, fails or gives no answer denies; without a member nothing is allowed; adding a
///      member narrows and counts at once; removing one widens and counts after the grant delay.
/// @dev A member is any contract with dstack's `isAppAllowed`. An organisation that wants a list of its own creates an app
///      under its own owner and guardian and gives that app's AllowlistPolicy as member: it withdraws by a revocation there.
///      Warning: whoever owns the app can drop a member after the delay, unless the members are locked.
interface IAllOfPolicy is IAppPolicy {
    event MemberAdded(address indexed appId, address indexed member, uint64 seq);
    /// @notice From `effectiveAt` on the member is not asked any more, if the removal is not cancelled before.
    event MemberRemoved(address indexed appId, address indexed member, uint64 effectiveAt, uint64 seq);
    event MemberRemovalCancelled(address indexed appId, address indexed member, uint8 reason, uint64 seq);
    event MembersLocked(address indexed appId, uint64 seq);

    /// @notice A policy without members would be nobody's judgement.
    error LastMember();
    error TooManyMembers(uint256 most);
    error MembersAreLocked();
    /// @notice A removal is on its way: cancel it or wait for it, then lock.
    error RemovalPending(address member);

    /// @notice At once: it narrows. Cancels the removal of the same member. Owner.
    function addMember(address member) external;
    /// @notice After the grant delay: it widens. Owner.
    function removeMember(address member) external;
    /// @notice At once. Owner or guardian.
    function cancelRemoval(address member, uint8 reason) external;
    /// @notice Gives up the right to change the members, for ever. Owner.
    function lockMembers() external;

    /// @notice Those that are asked now, in the order in which they are asked.
    function members() external view returns (address[] memory);
    /// @notice When the member stops to be asked; zero: no removal is on its way.
    function removedFrom(address member) external view returns (uint64);
    function isLocked() external view returns (bool);
}
