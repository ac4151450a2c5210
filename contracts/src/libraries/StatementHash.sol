// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AppBootInfo} from "../interfaces/IAppAuth.sol";
import {
    Anchor,
    Attested,
    Candidate,
    Confirmation,
    Dealing,
    Input,
    Issuance,
    RecipientKey,
    RecipientRefused,
    Released
} from "../interfaces/Statements.sol";

/// @title EIP-712 struct hashes of everything that a node signs. Golden values: vectors/statements/.
library StatementHash {
    bytes internal constant ANCHOR_TYPE = "Anchor(uint64 number,bytes32 hash)";
    bytes internal constant BOOT_TYPE =
        "AppBootInfo(address appId,bytes32 composeHash,address instanceId,bytes32 deviceId,bytes32 mrAggregated,bytes32 mrSystem,bytes32 osImageHash,string tcbStatus,string[] advisoryIds)";
    bytes internal constant ATTESTED_TYPE =
        "Attested(AppBootInfo boot,bytes32 root,bytes32 vendor,uint32 tcbEvaluationDataNumber)";
    bytes internal constant INPUT_TYPE =
        "Input(uint8 kind,uint8 scopeKind,bytes32 scopeValue,uint32 keyVersion,bytes32 secretId,bytes32 ciphertextHash)";
    bytes internal constant ISSUANCE_TYPE =
        "Issuance(bytes32 keysetId,uint64 epoch,bytes32[2] reportData,uint8 releaseAt,Anchor anchor,address sessionKey,bytes32 evidenceHash,Attested attested,Input[] inputs)";
    bytes internal constant CANDIDATE_TYPE =
        "Candidate(address signer,bytes32 operator,string endpoint,uint8 sealing,bytes32 root,bytes32 osImageHash,bytes32 composeHash,Anchor checkpoint,string headSource,bytes32 evidenceHash)";

    /* On the path of `record` the hashes of the types stand as numbers: the compiler would put the strings together at run time.
       The tests compare them with the strings. */

    bytes32 internal constant ANCHOR_TYPEHASH = 0x8e7858d8b2a71025517d88893eaf3d81b72676e1edb8416f4e5fbc6a612b5210;
    bytes32 internal constant BOOT_TYPEHASH = 0xa27d575af6aa300ba6363cc778544b43904f80999bfd6c4bbb0ac3d271122485;
    bytes32 internal constant ATTESTED_TYPEHASH = 0xabf9af5b1cdcb02464773167ef9c95e49d5c65737ae5d85eaa16f3805ced5948;
    bytes32 internal constant INPUT_TYPEHASH = 0x6579fa206b42ca39c151c676a77555e2a1d9530367587f741f6998b97553bcec;
    bytes32 internal constant ISSUANCE_TYPEHASH = 0x11e96b850a6e63bc6a03be9c780b8d5458fde7d0c6bd827a3007f5153c745f3b;
    bytes32 internal constant CANDIDATE_TYPEHASH = keccak256(abi.encodePacked(CANDIDATE_TYPE, ANCHOR_TYPE));
    bytes32 internal constant RELEASED_TYPEHASH = keccak256(
        "Released(bytes32 issuanceId,uint64 epoch,uint16 seat,uint64 blockNumber,bytes32 blockHash,bytes32 partialsHash)"
    );
    bytes32 internal constant RECIPIENT_KEY_TYPEHASH =
        keccak256("RecipientKey(bytes32 session,uint16 seat,bytes encryptionKey,bytes32 evidenceHash)");
    bytes32 internal constant RECIPIENT_REFUSED_TYPEHASH =
        keccak256("RecipientRefused(bytes32 session,uint16 dealer,uint16 seat,uint8 reason)");
    bytes32 internal constant DEALING_TYPEHASH = keccak256("Dealing(bytes32 session,uint16 seat,bytes32 dealingHash)");
    bytes32 internal constant CONFIRMATION_TYPEHASH =
        keccak256("Confirmation(bytes32 session,uint16 seat,bytes32 transcript,bytes32 canaryHash)");

    /* The hashes on the path of `record` copy words from calldata as they lie: a struct of value types is its own encoding. */

    function structHash(Issuance calldata i, bytes32[] memory inputHashes) internal pure returns (bytes32 result) {
        bytes32 typeHash = ISSUANCE_TYPEHASH;
        bytes32 anchor = structHash(i.anchor);
        bytes32 attested = structHash(i.attested);
        uint256 releaseAt = i.releaseAt;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typeHash)
            calldatacopy(add(m, 0x20), i, 0x40) // keysetId, epoch
            calldatacopy(add(m, 0x60), add(i, 0x40), 0x40) // reportData, to be hashed
            mstore(add(m, 0x60), keccak256(add(m, 0x60), 0x40))
            mstore(add(m, 0x80), releaseAt)
            mstore(add(m, 0xa0), anchor)
            calldatacopy(add(m, 0xc0), add(i, 0xe0), 0x40) // sessionKey, evidenceHash
            mstore(add(m, 0x100), attested)
            mstore(add(m, 0x120), keccak256(add(inputHashes, 0x20), mul(mload(inputHashes), 0x20)))
            result := keccak256(m, 0x140)
        }
    }

    function structHash(Input calldata i) internal pure returns (bytes32 result) {
        bytes32 typeHash = INPUT_TYPEHASH;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typeHash)
            calldatacopy(add(m, 0x20), i, 0xc0)
            result := keccak256(m, 0xe0)
        }
    }

    function structHashes(Input[] calldata inputs) internal pure returns (bytes32[] memory out) {
        out = new bytes32[](inputs.length);
        for (uint256 k = 0; k < inputs.length; ++k) {
            out[k] = structHash(inputs[k]);
        }
    }

    function structHash(Attested calldata a) internal pure returns (bytes32 result) {
        bytes32 typeHash = ATTESTED_TYPEHASH;
        bytes32 boot = structHash(a.boot);
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typeHash)
            mstore(add(m, 0x20), boot)
            calldatacopy(add(m, 0x40), add(a, 0x20), 0x60) // root, vendor, tcbEvaluationDataNumber
            result := keccak256(m, 0xa0)
        }
    }

    function structHash(AppBootInfo calldata b) internal pure returns (bytes32 result) {
        bytes32 typeHash = BOOT_TYPEHASH;
        bytes32 tcbStatus = keccak256(bytes(b.tcbStatus));
        bytes32 advisoryIds = structHash(b.advisoryIds);
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typeHash)
            calldatacopy(add(m, 0x20), b, 0xe0) // appId to osImageHash
            mstore(add(m, 0x100), tcbStatus)
            mstore(add(m, 0x120), advisoryIds)
            result := keccak256(m, 0x140)
        }
    }

    function structHash(string[] calldata items) internal pure returns (bytes32) {
        if (items.length == 0) return keccak256("");
        bytes32[] memory each = new bytes32[](items.length);
        for (uint256 k = 0; k < items.length; ++k) {
            each[k] = keccak256(bytes(items[k]));
        }
        return keccak256(abi.encodePacked(each));
    }

    function structHash(Anchor calldata a) internal pure returns (bytes32 result) {
        bytes32 typeHash = ANCHOR_TYPEHASH;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typeHash)
            calldatacopy(add(m, 0x20), a, 0x40)
            result := keccak256(m, 0x60)
        }
    }

    /* The others are rare: plain abi.encode. */

    function structHash(Released calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(RELEASED_TYPEHASH, r));
    }

    function structHash(Candidate calldata c) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                CANDIDATE_TYPEHASH,
                c.signer,
                c.operator,
                keccak256(bytes(c.endpoint)),
                c.sealing,
                c.root,
                c.osImageHash,
                c.composeHash,
                structHash(c.checkpoint),
                keccak256(bytes(c.headSource)),
                c.evidenceHash
            )
        );
    }

    function structHash(RecipientKey calldata k) internal pure returns (bytes32) {
        return
            keccak256(abi.encode(RECIPIENT_KEY_TYPEHASH, k.session, k.seat, keccak256(k.encryptionKey), k.evidenceHash));
    }

    function structHash(RecipientRefused calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECIPIENT_REFUSED_TYPEHASH, r));
    }

    function structHash(Dealing calldata d) internal pure returns (bytes32) {
        return keccak256(abi.encode(DEALING_TYPEHASH, d));
    }

    function structHash(Confirmation calldata c) internal pure returns (bytes32) {
        return keccak256(abi.encode(CONFIRMATION_TYPEHASH, c));
    }
}
