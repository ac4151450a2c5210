// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// @notice What an enclave is, in dstack's words and order. Every field was measured, none is a claim of the host.
struct AppBootInfo {
    address appId;
    bytes32 composeHash;
    address instanceId;
    bytes32 deviceId;
    bytes32 mrAggregated;
    bytes32 mrSystem;
    bytes32 osImageHash;
    string tcbStatus;
    string[] advisoryIds;
}

/// @notice dstack's question to an app contract. ERC-165 id 0x1e079198. Any contract that answers it can be a policy.
interface IAppAuth is IERC165 {
    /// @notice Whether the app's policy allows this enclave, and if not, why.
    /// @dev Reasons that dstack knows are dstack's strings, letter for letter.
    function isAppAllowed(AppBootInfo calldata bootInfo) external view returns (bool isAllowed, string memory reason);
}
