// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAppAuth} from "./IAppAuth.sol";
import {ITrail} from "./ITrail.sol";

/// @title What AllOfPolicy and LicensePolicy have in common: one app, its people, one delay. Spec: docs/spec/governance.md.
/// @dev AppRegistry marks as foreign whatever it did not make, or made for another app: read which code stands there before an
///      app is put under it. Changes of the app itself wait the registry's floor then, not this contract's delay.
interface IAppPolicy is IAppAuth, ITrail {
    /// @notice The delay is fixed and at least the registry's floor (attack A18).
    error DelayBelowFloor(uint32 floor, uint32 actual);
    /// @notice There is no contract at that address, or it is this one.
    error NotAPolicy(address account);

    function appId() external view returns (address);
    /// @notice As AppRegistry says: this contract stores neither.
    function owner() external view returns (address);
    /// @notice As AppRegistry says.
    function guardian() external view returns (address);
    /// @notice What whatever widens waits. Fixed.
    function grantDelay() external view returns (uint32 grantDelaySeconds);
}
