// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Holding} from "./ILicensePolicy.sol";

/// @title Makes policies that are no clones, for the registry that asks. Spec: docs/spec/governance.md.
/// @dev It keeps nothing and knows nobody: what it returns was made in this very call, by this code, with the caller as its
///      registry. So an AppRegistry that calls it knows constructor, code and first state of what it gets, which no hash of
///      deployed code could tell.
interface IPolicyFactory {
    /// @notice An AllOfPolicy of the calling registry.
    function makeAllOf(address appId, uint32 grantDelaySeconds, address[] calldata members)
        external
        returns (address policy);
    /// @notice A LicensePolicy of the calling registry.
    function makeLicense(address appId, uint32 grantDelaySeconds, address inner, uint64 until, Holding calldata holding)
        external
        returns (address policy);
}
