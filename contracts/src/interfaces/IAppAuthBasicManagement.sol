// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @notice dstack's management of an app. ERC-165 id 0x8fd37527. None of the event arguments is indexed, as in dstack.
/// @dev Warning: `addComposeHash` and `addDevice` schedule; they count after the policy's grant delay.
interface IAppAuthBasicManagement is IERC165 {
    event ComposeHashAdded(bytes32 composeHash);
    event ComposeHashRemoved(bytes32 composeHash);
    event DeviceAdded(bytes32 deviceId);
    event DeviceRemoved(bytes32 deviceId);

    /// @notice Schedules the approval of a compose hash. Owner only.
    function addComposeHash(bytes32 composeHash) external;

    /// @notice Removes a compose hash at once, approved or pending. Owner or guardian.
    function removeComposeHash(bytes32 composeHash) external;

    /// @notice Schedules the approval of a device. Owner only.
    function addDevice(bytes32 deviceId) external;

    /// @notice Removes a device at once, approved or pending. Owner or guardian.
    function removeDevice(bytes32 deviceId) external;
}
