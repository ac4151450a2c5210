// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAppPolicy} from "./IAppPolicy.sol";

/// @notice The holding that keeps a licence alive beside its date. A zero token: none, the date alone counts.
/// @param token ERC-20 or ERC-721: anything with `balanceOf(address)`
/// @param licensee whose balance counts
/// @param leastBalance at least one
struct Holding {
    address token;
    address licensee;
    uint256 leastBalance;
}

/// @title A licence beside another policy: allowed if that policy allows, and until a date or while a token is held.
/// @dev Invariants: the inner policy is asked in every case and can't be replaced; a later end counts after the grant delay;
///      an earlier end, and giving up the holding, count at once.
/// @dev Attack A25: a balance can be lent for one transaction. The record is made in a transaction, but every node judges
///      at the end of a block, at the head and at the finalized one, and signs nothing for a balance that is not there
///      then. Nobody gets a record by a flash loan alone, because t nodes must have seen the balance at rest.
/// @dev Warning: whoever controls the token controls the licence. A token that can be minted at will is no licence.
interface ILicensePolicy is IAppPolicy {
    /// @notice First event of the trail.
    event LicenseInitialized(
        address indexed appId,
        address indexed inner,
        uint64 until,
        address token,
        address licensee,
        uint256 leastBalance,
        uint64 seq
    );
    /// @notice From `effectiveAt` on the licence ends at `until`, if that is not cut before.
    event LicenseExtended(address indexed appId, uint64 until, uint64 effectiveAt, uint64 seq);
    /// @notice Ends at `until` from now on. An extension on its way is cancelled.
    event LicenseCut(address indexed appId, uint64 until, uint8 reason, uint64 seq);
    /// @notice The holding does not count any more.
    event HoldingDropped(address indexed appId, address indexed token, uint8 reason, uint64 seq);

    /// @notice The licence ends then already, or later.
    error NotLater(uint64 until, uint64 actual);

    /// @notice A later end, after the grant delay. Replaces an extension that is on its way. Owner.
    function extend(uint64 until) external;
    /// @notice An earlier end, at once; zero: now. Owner or guardian.
    function cut(uint64 until, uint8 reason) external;
    /// @notice The date alone counts from now on, for ever. Owner or guardian.
    function dropHolding(uint8 reason) external;

    function inner() external view returns (address);
    /// @notice The first second without licence, as it counts now; zero: no date.
    function until() external view returns (uint64);
    /// @notice The extension on its way; zeroes: none.
    function extension() external view returns (uint64 until, uint64 effectiveAt);
    function holding() external view returns (Holding memory);
    /// @notice Whether the licence is alive now, whatever the inner policy says.
    function isLicensed() external view returns (bool);
}
