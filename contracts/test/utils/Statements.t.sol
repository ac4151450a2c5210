// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Candidate,
    Confirmation,
    Dealing,
    Input,
    Issuance,
    RecipientKey,
    RecipientRefused,
    Released
} from "../../src/interfaces/Statements.sol";
import {StatementHash} from "../../src/libraries/StatementHash.sol";

/// @dev The library takes calldata; tests hold memory.
contract StatementHasher {
    using StatementHash for *;

    function hash(Issuance calldata s) external pure returns (bytes32) {
        return s.structHash(s.inputs.structHashes());
    }

    function hash(Input calldata s) external pure returns (bytes32) {
        return s.structHash();
    }

    function hash(Released calldata s) external pure returns (bytes32) {
        return s.structHash();
    }

    function hash(Candidate calldata s) external pure returns (bytes32) {
        return s.structHash();
    }

    function hash(RecipientKey calldata s) external pure returns (bytes32) {
        return s.structHash();
    }

    function hash(RecipientRefused calldata s) external pure returns (bytes32) {
        return s.structHash();
    }

    function hash(Dealing calldata s) external pure returns (bytes32) {
        return s.structHash();
    }

    function hash(Confirmation calldata s) external pure returns (bytes32) {
        return s.structHash();
    }

    function digest(string calldata name, uint256 chainId, address verifyingContract, bytes32 structHash)
        external
        pure
        returns (bytes32)
    {
        bytes32 typeHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain =
            keccak256(abi.encode(typeHash, keccak256(bytes(name)), keccak256("1"), chainId, verifyingContract));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
