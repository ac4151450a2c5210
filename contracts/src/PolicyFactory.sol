// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AllOfPolicy} from "./AllOfPolicy.sol";
import {LicensePolicy} from "./LicensePolicy.sol";
import {IAppRegistry} from "./interfaces/IAppRegistry.sol";
import {Holding} from "./interfaces/ILicensePolicy.sol";
import {IPolicyFactory} from "./interfaces/IPolicyFactory.sol";

/// @title PolicyFactory
contract PolicyFactory is IPolicyFactory {
    /// @inheritdoc IPolicyFactory
    function makeAllOf(address appId, uint32 grantDelaySeconds, address[] calldata members)
        external
        returns (address policy)
    {
        return address(new AllOfPolicy(IAppRegistry(msg.sender), appId, grantDelaySeconds, members));
    }

    /// @inheritdoc IPolicyFactory
    function makeLicense(address appId, uint32 grantDelaySeconds, address inner, uint64 until, Holding calldata holding)
        external
        returns (address policy)
    {
        return address(new LicensePolicy(IAppRegistry(msg.sender), appId, grantDelaySeconds, inner, until, holding));
    }
}
