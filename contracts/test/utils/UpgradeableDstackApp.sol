// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {AppBootInfo} from "../../src/interfaces/IAppAuth.sol";

/// @dev An app contract with the interface that dstack's tools and KMS speak, written for these tests: lists that count at once,
///      one owner, no delay, and code that its owner replaces underneath (UUPS).
contract UpgradeableDstackApp is UUPSUpgradeable {
    address public owner;
    bool public allowAnyDevice;
    mapping(bytes32 composeHash => bool) public allowedComposeHashes;
    mapping(bytes32 deviceId => bool) public allowedDeviceIds;

    event ComposeHashAdded(bytes32 composeHash);
    event ComposeHashRemoved(bytes32 composeHash);

    error NotOwner();

    modifier onlyOwner() {
        require(msg.sender == owner, NotOwner());
        _;
    }

    function initialize(address owner_, bool anyDevice, bytes32 composeHash) external {
        require(owner == address(0), NotOwner());
        (owner, allowAnyDevice, allowedComposeHashes[composeHash]) = (owner_, anyDevice, true);
    }

    function addComposeHash(bytes32 composeHash) external onlyOwner {
        allowedComposeHashes[composeHash] = true;
        emit ComposeHashAdded(composeHash);
    }

    function removeComposeHash(bytes32 composeHash) external onlyOwner {
        allowedComposeHashes[composeHash] = false;
        emit ComposeHashRemoved(composeHash);
    }

    function addDevice(bytes32 deviceId) external onlyOwner {
        allowedDeviceIds[deviceId] = true;
    }

    function removeDevice(bytes32 deviceId) external onlyOwner {
        allowedDeviceIds[deviceId] = false;
    }

    function setAllowAnyDevice(bool allow) external onlyOwner {
        allowAnyDevice = allow;
    }

    function isAppAllowed(AppBootInfo calldata boot) external view virtual returns (bool, string memory) {
        if (!allowedComposeHashes[boot.composeHash]) return (false, "Compose hash not allowed");
        if (!allowAnyDevice && !allowedDeviceIds[boot.deviceId]) return (false, "Device not allowed");
        return (true, "");
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x1e079198 || id == 0x8fd37527 || id == 0x01ffc9a7;
    }

    function implementation() external view returns (address) {
        return ERC1967Utils.getImplementation();
    }

    function _authorizeUpgrade(address) internal override onlyOwner {}
}

/// @dev What it may become overnight.
contract UpgradedDstackApp is UpgradeableDstackApp {
    function isAppAllowed(AppBootInfo calldata) external pure override returns (bool, string memory) {
        return (true, "");
    }
}
