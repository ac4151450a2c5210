// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {
    Anchor,
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
import {StatementHasher} from "../utils/Statements.t.sol";

/// @dev The digests of vectors/statements/, which Rust computes for itself. One file per statement and a twin with one thing
///      changed, whose digest must not come out.
contract StatementHash_Vectors_Test is Test {
    StatementHasher private _hasher = new StatementHasher();

    /* TYPES */

    function test_TypeHashesAreThoseOfTheStrings() external pure {
        assertEq(StatementHash.ANCHOR_TYPEHASH, keccak256(StatementHash.ANCHOR_TYPE));
        assertEq(StatementHash.BOOT_TYPEHASH, keccak256(StatementHash.BOOT_TYPE));
        assertEq(StatementHash.INPUT_TYPEHASH, keccak256(StatementHash.INPUT_TYPE));
        bytes memory attested = bytes.concat(StatementHash.ATTESTED_TYPE, StatementHash.BOOT_TYPE);
        assertEq(StatementHash.ATTESTED_TYPEHASH, keccak256(attested));
        bytes memory nested = bytes.concat(StatementHash.ANCHOR_TYPE, StatementHash.BOOT_TYPE);
        nested = bytes.concat(nested, StatementHash.ATTESTED_TYPE, StatementHash.INPUT_TYPE);
        assertEq(StatementHash.ISSUANCE_TYPEHASH, keccak256(bytes.concat(StatementHash.ISSUANCE_TYPE, nested)));
    }

    /// A type hash is the hash of the type string in the vector, letter for letter.
    function test_TypeHashes() external view {
        assertEq(StatementHash.ISSUANCE_TYPEHASH, _typeHash("Issuance"));
        assertEq(StatementHash.INPUT_TYPEHASH, _typeHash("Input"));
        assertEq(StatementHash.RELEASED_TYPEHASH, _typeHash("Released"));
        assertEq(StatementHash.CANDIDATE_TYPEHASH, _typeHash("Candidate"));
        assertEq(StatementHash.RECIPIENT_KEY_TYPEHASH, _typeHash("RecipientKey"));
        assertEq(StatementHash.RECIPIENT_REFUSED_TYPEHASH, _typeHash("RecipientRefused"));
        assertEq(StatementHash.DEALING_TYPEHASH, _typeHash("Dealing"));
        assertEq(StatementHash.CONFIRMATION_TYPEHASH, _typeHash("Confirmation"));
    }

    /* DIGESTS */

    function test_Issuance() external view {
        string memory json = _read("Issuance");
        _check("Issuance", _hasher.hash(_issuance(json)));
    }

    function test_Input() external view {
        _check("Input", _hasher.hash(_input(_read("Input"), ".message")));
    }

    function test_Released() external view {
        string memory json = _read("Released");
        _check(
            "Released",
            _hasher.hash(
                Released({
                    issuanceId: _b32(json, "issuanceId"),
                    epoch: uint64(_uint(json, "epoch")),
                    seat: uint16(_uint(json, "seat")),
                    blockNumber: uint64(_uint(json, "blockNumber")),
                    blockHash: _b32(json, "blockHash"),
                    partialsHash: _b32(json, "partialsHash")
                })
            )
        );
    }

    function test_Candidate() external view {
        string memory json = _read("Candidate");
        _check(
            "Candidate",
            _hasher.hash(
                Candidate({
                    signer: vm.parseJsonAddress(json, ".message.signer"),
                    operator: _b32(json, "operator"),
                    endpoint: vm.parseJsonString(json, ".message.endpoint"),
                    sealing: uint8(_uint(json, "sealing")),
                    root: _b32(json, "root"),
                    osImageHash: _b32(json, "osImageHash"),
                    composeHash: _b32(json, "composeHash"),
                    checkpoint: Anchor(uint64(_uint(json, "checkpoint.number")), _b32(json, "checkpoint.hash")),
                    headSource: vm.parseJsonString(json, ".message.headSource"),
                    evidenceHash: _b32(json, "evidenceHash")
                })
            )
        );
    }

    function test_RecipientKey() external view {
        string memory json = _read("RecipientKey");
        bytes memory key = vm.parseJsonBytes(json, ".message.encryptionKey");
        bytes32 structHash =
            _hasher.hash(RecipientKey(_b32(json, "session"), _seat(json), key, _b32(json, "evidenceHash")));
        _check("RecipientKey", structHash);
    }

    function test_RecipientRefused() external view {
        string memory json = _read("RecipientRefused");
        uint16 dealer = uint16(_uint(json, "dealer"));
        uint8 reason = uint8(_uint(json, "reason"));
        _check("RecipientRefused", _hasher.hash(RecipientRefused(_b32(json, "session"), dealer, _seat(json), reason)));
    }

    function test_Dealing() external view {
        string memory json = _read("Dealing");
        _check("Dealing", _hasher.hash(Dealing(_b32(json, "session"), _seat(json), _b32(json, "dealingHash"))));
    }

    function test_Confirmation() external view {
        string memory json = _read("Confirmation");
        bytes32 structHash = _hasher.hash(
            Confirmation(_b32(json, "session"), _seat(json), _b32(json, "transcript"), _b32(json, "canaryHash"))
        );
        _check("Confirmation", structHash);
    }

    /* HASHES THAT ARE NOT SIGNED */

    function test_IssuanceId() external view {
        string memory json = _read("issuance-id");
        bytes32[] memory data = vm.parseJsonBytes32Array(json, ".reportData");
        bytes32 id = keccak256(
            abi.encode(vm.parseJsonUint(json, ".chainId"), vm.parseJsonAddress(json, ".contract"), [data[0], data[1]])
        );
        assertEq(id, vm.parseJsonBytes32(json, ".digest"));
    }

    function test_Transcript() external view {
        string memory json = _read("transcript");
        bytes32 transcript = keccak256(
            abi.encode(
                vm.parseJsonBytes32(json, ".session"),
                _seats(json, ".outcome.recipients"),
                _seats(json, ".outcome.dealers"),
                vm.parseJsonBytes(json, ".outcome.verificationShares"),
                vm.parseJsonBytes(json, ".outcome.derivePublicKey"),
                vm.parseJsonBytes(json, ".outcome.unsealPublicKey")
            )
        );
        assertEq(transcript, vm.parseJsonBytes32(json, ".digest"));
    }

    /* READ */

    /// @dev The statement's own digest comes out; under the twin's domain another one does.
    function _check(string memory name, bytes32 structHash) private view {
        string memory json = _read(name);
        assertEq(structHash, vm.parseJsonBytes32(json, ".structHash"));
        assertEq(_digest(json, structHash), vm.parseJsonBytes32(json, ".digest"));
        string memory twin = _read(string.concat(name, "-other-chain"));
        assertNotEq(_digest(twin, structHash), vm.parseJsonBytes32(twin, ".digest"));
    }

    function _digest(string memory json, bytes32 structHash) private view returns (bytes32) {
        assertEq(vm.parseJsonString(json, ".domain.version"), "1");
        return _hasher.digest(
            vm.parseJsonString(json, ".domain.name"),
            vm.parseJsonUint(json, ".domain.chainId"),
            vm.parseJsonAddress(json, ".domain.verifyingContract"),
            structHash
        );
    }

    function _typeHash(string memory name) private view returns (bytes32) {
        return keccak256(bytes(vm.parseJsonString(_read(name), ".type")));
    }

    function _issuance(string memory json) private view returns (Issuance memory i) {
        i.keysetId = _b32(json, "keysetId");
        i.epoch = uint64(_uint(json, "epoch"));
        bytes32[] memory data = vm.parseJsonBytes32Array(json, ".message.reportData");
        i.reportData = [data[0], data[1]];
        i.releaseAt = uint8(_uint(json, "releaseAt"));
        i.anchor = Anchor(uint64(_uint(json, "anchor.number")), _b32(json, "anchor.hash"));
        i.sessionKey = vm.parseJsonAddress(json, ".message.sessionKey");
        i.evidenceHash = _b32(json, "evidenceHash");
        i.attested.boot.appId = vm.parseJsonAddress(json, ".message.attested.boot.appId");
        i.attested.boot.composeHash = _b32(json, "attested.boot.composeHash");
        i.attested.boot.instanceId = vm.parseJsonAddress(json, ".message.attested.boot.instanceId");
        i.attested.boot.deviceId = _b32(json, "attested.boot.deviceId");
        i.attested.boot.mrAggregated = _b32(json, "attested.boot.mrAggregated");
        i.attested.boot.mrSystem = _b32(json, "attested.boot.mrSystem");
        i.attested.boot.osImageHash = _b32(json, "attested.boot.osImageHash");
        i.attested.boot.tcbStatus = vm.parseJsonString(json, ".message.attested.boot.tcbStatus");
        i.attested.boot.advisoryIds = vm.parseJsonStringArray(json, ".message.attested.boot.advisoryIds");
        i.attested.root = _b32(json, "attested.root");
        i.attested.vendor = _b32(json, "attested.vendor");
        i.attested.tcbEvaluationDataNumber = uint32(_uint(json, "attested.tcbEvaluationDataNumber"));
        i.inputs = new Input[](2);
        i.inputs[0] = _input(json, ".message.inputs[0]");
        i.inputs[1] = _input(json, ".message.inputs[1]");
    }

    function _input(string memory json, string memory at_) private pure returns (Input memory i) {
        i.kind = uint8(vm.parseJsonUint(json, string.concat(at_, ".kind")));
        i.scopeKind = uint8(vm.parseJsonUint(json, string.concat(at_, ".scopeKind")));
        i.scopeValue = vm.parseJsonBytes32(json, string.concat(at_, ".scopeValue"));
        i.keyVersion = uint32(vm.parseJsonUint(json, string.concat(at_, ".keyVersion")));
        i.secretId = vm.parseJsonBytes32(json, string.concat(at_, ".secretId"));
        i.ciphertextHash = vm.parseJsonBytes32(json, string.concat(at_, ".ciphertextHash"));
    }

    function _seats(string memory json, string memory at_) private pure returns (uint16[] memory seats) {
        uint256[] memory wide = vm.parseJsonUintArray(json, at_);
        seats = new uint16[](wide.length);
        for (uint256 k = 0; k < wide.length; ++k) {
            seats[k] = uint16(wide[k]);
        }
    }

    function _seat(string memory json) private pure returns (uint16) {
        return uint16(_uint(json, "seat"));
    }

    function _uint(string memory json, string memory field) private pure returns (uint256) {
        return vm.parseJsonUint(json, string.concat(".message.", field));
    }

    function _b32(string memory json, string memory field) private pure returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(".message.", field));
    }

    function _read(string memory name) private view returns (string memory) {
        return vm.readFile(string.concat("vectors/statements/", name, ".json"));
    }
}
