// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Script} from "forge-std/Script.sol";
import {AppRegistry} from "../contracts/src/AppRegistry.sol";
import {AttestationRegistry} from "../contracts/src/AttestationRegistry.sol";
import {IssuanceLog} from "../contracts/src/IssuanceLog.sol";
import {KmsCommittee} from "../contracts/src/KmsCommittee.sol";
import {PolicyFactory} from "../contracts/src/PolicyFactory.sol";
import {RootRules} from "../contracts/src/interfaces/IAttestationRegistry.sol";
import {KnownRoots} from "../contracts/src/libraries/KnownRoots.sol";
import {TcbStatus} from "../contracts/src/libraries/TcbStatus.sol";

/// @title Deploys the contracts of one network and wires them. The sender becomes administrator.
/// @dev Reads network.toml (or the file in QUORATE_NETWORK). Roots that are known only at run time come from the JSON file in
///      QUORATE_ROOTS, [{"root": "0x…", "vendor": "soft-a", "platform": "tdx"}] (tdx unless said otherwise), OS images from
///      QUORATE_OS_IMAGES (hashes with commas between), a guardian beside the sender from QUORATE_GUARDIAN. Writes the addresses
///      to the file in QUORATE_DEPLOYMENT_OUT, if set. Files other than network.toml lie under .devnet/ or target/.
/// @dev forge script script/Deploy.s.sol --rpc-url URL --private-key KEY --broadcast
contract Deploy is Script {
    struct RootConfig {
        bytes32 root;
        bytes32 vendor;
        uint8 platform;
    }

    struct Network {
        uint256 chainId;
        address guardian;
        bool allowsSoftware;
        RootConfig[] roots;
        RootRules rules;
        bytes32[] osImages;
        uint32 grantFloorSeconds;
        uint64 longestSeconds;
        uint64 stepBlocks;
        uint64 finalityBlocks;
    }

    struct Deployment {
        AccessManager accessManager;
        AttestationRegistry attestationRegistry;
        KmsCommittee kmsCommittee;
        AppRegistry appRegistry;
        IssuanceLog issuanceLog;
    }

    error WrongChain(uint256 expected, uint256 actual);
    error UnknownWord(string word);

    /// @dev Revokes and suspends at once; grants nothing.
    uint64 internal constant GUARDIAN_ROLE = 1;

    function run() external {
        Network memory network = _readNetwork(vm.readFile(vm.envOr("QUORATE_NETWORK", string("network.toml"))));
        network.roots = _readRoots(network.roots, vm.envOr("QUORATE_ROOTS", string("")));
        network.guardian = vm.envOr("QUORATE_GUARDIAN", address(0));
        bytes32[] memory none;
        network.osImages = _join(network.osImages, vm.envOr("QUORATE_OS_IMAGES", ",", none));
        require(block.chainid == network.chainId, WrongChain(network.chainId, block.chainid));

        vm.startBroadcast();
        (, address deployer,) = vm.readCallers();
        Deployment memory d = _deploy(network, deployer);
        vm.stopBroadcast();

        string memory out = vm.envOr("QUORATE_DEPLOYMENT_OUT", string(""));
        if (bytes(out).length != 0) vm.writeFile(out, _toJson(d, deployer));
    }

    /* DEPLOY */

    function _deploy(Network memory n, address deployer) internal returns (Deployment memory d) {
        d.accessManager = new AccessManager(deployer);
        d.attestationRegistry = new AttestationRegistry(address(d.accessManager), n.allowsSoftware);
        d.kmsCommittee = new KmsCommittee(
            address(d.accessManager), d.attestationRegistry, n.stepBlocks, n.finalityBlocks, n.longestSeconds
        );
        d.appRegistry = new AppRegistry(d.kmsCommittee, n.grantFloorSeconds, new PolicyFactory());
        d.issuanceLog = new IssuanceLog(d.kmsCommittee);
        d.kmsCommittee.setContracts(address(d.appRegistry), address(d.issuanceLog));
        _wireGuardian(d, n.guardian, deployer);
        for (uint256 i = 0; i < n.roots.length; ++i) {
            d.attestationRegistry.openRoot(n.roots[i].root, n.roots[i].vendor, n.roots[i].platform, n.rules);
        }
        for (uint256 i = 0; i < n.osImages.length; ++i) {
            d.attestationRegistry.approveOsImage(n.osImages[i], "");
        }
    }

    /// @dev Everything else stays with the administrator; a network under a Governor hands that role on afterwards.
    function _wireGuardian(Deployment memory d, address guardian, address deployer) private {
        bytes4[] memory facts = new bytes4[](3);
        facts[0] = d.attestationRegistry.closeRoot.selector;
        facts[1] = d.attestationRegistry.denyAdvisory.selector;
        facts[2] = d.attestationRegistry.revokeOsImage.selector;
        bytes4[] memory seats = new bytes4[](3);
        seats[0] = d.kmsCommittee.suspendSeat.selector;
        seats[1] = d.kmsCommittee.revokeNodeCode.selector;
        seats[2] = d.kmsCommittee.cancelContractsChange.selector;
        d.accessManager.setTargetFunctionRole(address(d.attestationRegistry), facts, GUARDIAN_ROLE);
        d.accessManager.setTargetFunctionRole(address(d.kmsCommittee), seats, GUARDIAN_ROLE);
        d.accessManager.labelRole(GUARDIAN_ROLE, "guardian");
        d.accessManager.grantRole(GUARDIAN_ROLE, deployer, 0);
        if (guardian != address(0) && guardian != deployer) d.accessManager.grantRole(GUARDIAN_ROLE, guardian, 0);
    }

    /* READ */

    function _readNetwork(string memory toml) internal view returns (Network memory n) {
        n.chainId = vm.parseTomlUint(toml, ".chain.id");
        n.finalityBlocks = uint64(vm.parseTomlUint(toml, ".chain.finality_blocks"));
        n.allowsSoftware = vm.parseTomlBool(toml, ".attestation.allows_software");
        n.rules = RootRules({
            leastTcbEvaluationDataNumber: 0,
            leastCrlIssuedAt: 0,
            leastRootCrlIssuedAt: 0,
            maxCollateralAgeSeconds: 30 days,
            acceptedTcbStatuses: TcbStatus.bitOf(keccak256("UpToDate"))
        });
        n.grantFloorSeconds = uint32(vm.parseTomlUint(toml, ".delays.grant_floor_seconds"));
        n.longestSeconds = uint64(vm.parseTomlUint(toml, ".delays.longest_seconds"));
        n.stepBlocks = uint64(vm.parseTomlUint(toml, ".delays.step_blocks"));
        uint256 images = 0;
        while (vm.keyExistsToml(toml, _at(".attestation.os_images", images, ""))) ++images;
        n.osImages = new bytes32[](images);
        for (uint256 i = 0; i < images; ++i) {
            n.osImages[i] = vm.parseTomlBytes32(toml, _at(".attestation.os_images", i, ""));
        }
        n.roots = _readNetworkRoots(toml);
    }

    /// @dev A root without a hash is made at run time and comes from QUORATE_ROOTS.
    function _readNetworkRoots(string memory toml) private view returns (RootConfig[] memory roots) {
        uint256 count = 0;
        for (uint256 i = 0; vm.keyExistsToml(toml, _at(".attestation.roots", i, ".vendor")); ++i) {
            if (vm.keyExistsToml(toml, _at(".attestation.roots", i, ".sha256"))) ++count;
        }
        roots = new RootConfig[](count);
        count = 0;
        for (uint256 i = 0; vm.keyExistsToml(toml, _at(".attestation.roots", i, ".vendor")); ++i) {
            if (!vm.keyExistsToml(toml, _at(".attestation.roots", i, ".sha256"))) continue;
            bytes32 root = vm.parseTomlBytes32(toml, _at(".attestation.roots", i, ".sha256"));
            bytes32 vendor = _label(vm.parseTomlString(toml, _at(".attestation.roots", i, ".vendor")));
            roots[count++] = RootConfig(root, vendor, KnownRoots.PLATFORM_TDX_SGX);
        }
    }

    function _readRoots(RootConfig[] memory given, string memory file) internal view returns (RootConfig[] memory all) {
        if (bytes(file).length == 0) return given;
        string memory json = vm.readFile(file);
        uint256 count = 0;
        while (vm.keyExistsJson(json, _at("$", count, ".root"))) ++count;
        all = new RootConfig[](given.length + count);
        for (uint256 i = 0; i < given.length; ++i) {
            all[i] = given[i];
        }
        for (uint256 i = 0; i < count; ++i) {
            all[given.length + i] = RootConfig({
                root: vm.parseJsonBytes32(json, _at("$", i, ".root")),
                vendor: _label(vm.parseJsonString(json, _at("$", i, ".vendor"))),
                platform: vm.keyExistsJson(json, _at("$", i, ".platform"))
                    ? _platform(vm.parseJsonString(json, _at("$", i, ".platform")))
                    : KnownRoots.PLATFORM_TDX_SGX
            });
        }
    }

    function _at(string memory list, uint256 index, string memory rest) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]", rest);
    }

    /// @dev ASCII, left-aligned.
    function _label(string memory word) private pure returns (bytes32) {
        require(bytes(word).length != 0 && bytes(word).length <= 32, UnknownWord(word));
        return bytes32(bytes(word));
    }

    function _platform(string memory word) private pure returns (uint8) {
        bytes32 hash = keccak256(bytes(word));
        if (hash == keccak256("tdx")) return KnownRoots.PLATFORM_TDX_SGX;
        if (hash == keccak256("sev-snp")) return KnownRoots.PLATFORM_SEV_SNP;
        require(hash == keccak256("nitro"), UnknownWord(word));
        return KnownRoots.PLATFORM_NITRO;
    }

    function _join(bytes32[] memory a, bytes32[] memory b) private pure returns (bytes32[] memory all) {
        all = new bytes32[](a.length + b.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i < a.length ? a[i] : b[i - a.length];
        }
    }

    /* WRITE */

    function _toJson(Deployment memory d, address deployer) internal returns (string memory) {
        string memory key = "deployment";
        vm.serializeUint(key, "chainId", block.chainid);
        vm.serializeUint(key, "blockNumber", block.number);
        vm.serializeAddress(key, "deployer", deployer);
        vm.serializeAddress(key, "accessManager", address(d.accessManager));
        vm.serializeAddress(key, "attestationRegistry", address(d.attestationRegistry));
        vm.serializeAddress(key, "kmsCommittee", address(d.kmsCommittee));
        vm.serializeAddress(key, "kmsCeremony", d.kmsCommittee.ceremonyCode());
        vm.serializeAddress(key, "appRegistry", address(d.appRegistry));
        vm.serializeAddress(key, "allowlistPolicy", d.appRegistry.appImplementation());
        vm.serializeAddress(key, "policyFactory", address(d.appRegistry.policyFactory()));
        return vm.serializeAddress(key, "issuanceLog", address(d.issuanceLog));
    }
}
