// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

/// @dev Functions that write, from a committed ABI.
abstract contract AbiReader is Test {
    struct Write {
        string name;
        bytes4 selector;
    }

    function _writesOf(string memory contractName) internal view returns (Write[] memory writes) {
        string memory json = vm.readFile(string.concat("contracts/artifacts/", contractName, ".json"));
        uint256 count = 0;
        uint256 entries = 0;
        while (vm.keyExistsJson(json, _entry(entries, "type"))) ++entries;
        writes = new Write[](entries);
        for (uint256 i = 0; i < entries; ++i) {
            if (!_isWrite(json, i)) continue;
            string memory name = vm.parseJsonString(json, _entry(i, "name"));
            string memory signature = string.concat(name, "(", _types(json, _entry(i, "inputs")), ")");
            writes[count++] = Write(name, bytes4(keccak256(bytes(signature))));
        }
        assembly ("memory-safe") {
            mstore(writes, count)
        }
    }

    function _entry(uint256 i, string memory key) private pure returns (string memory) {
        return string.concat(".abi[", vm.toString(i), "].", key);
    }

    function _isWrite(string memory json, uint256 i) private view returns (bool) {
        if (keccak256(bytes(vm.parseJsonString(json, _entry(i, "type")))) != keccak256("function")) return false;
        bytes32 mutability = keccak256(bytes(vm.parseJsonString(json, _entry(i, "stateMutability"))));
        return mutability == keccak256("nonpayable") || mutability == keccak256("payable");
    }

    function _types(string memory json, string memory list) private view returns (string memory all) {
        for (uint256 k = 0; vm.keyExistsJson(json, string.concat(list, "[", vm.toString(k), "].type")); ++k) {
            string memory at = string.concat(list, "[", vm.toString(k), "]");
            string memory word = vm.parseJsonString(json, string.concat(at, ".type"));
            if (vm.indexOf(word, "tuple") == 0) {
                // "tuple", "tuple[]", "tuple[2]": the components take the place of the word.
                word = string.concat(
                    "(", _types(json, string.concat(at, ".components")), ")", vm.replace(word, "tuple", "")
                );
            }
            all = k == 0 ? word : string.concat(all, ",", word);
        }
    }
}
