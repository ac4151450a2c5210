// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Deploy} from "../../../script/Deploy.s.sol";
import {Root} from "../../src/interfaces/IAttestationRegistry.sol";

/// @dev The deploy script, tested by inheritance.
contract Deploy_Test is Test, Deploy {
    string private constant TOML = "[chain]\nid = 31337\nfinality_blocks = 2\n"
        "[attestation]\nallows_software = true\n"
        "os_images = [\"0x1111111111111111111111111111111111111111111111111111111111111111\"]\n"
        "[[attestation.roots]]\nvendor = \"intel\"\n"
        "sha256 = \"0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3\"\n"
        "[[attestation.roots]]\nvendor = \"soft-a\"\n"
        "[delays]\ngrant_floor_seconds = 7\nlongest_seconds = 11\nstep_blocks = 60\n";

    function test_ReadsTheNetworkFileOfTheRepository() external view {
        Network memory n = _readNetwork(vm.readFile("network.toml"));
        assertEq(n.chainId, 31337);
        assertTrue(n.allowsSoftware);
        assertEq(n.stepBlocks % n.finalityBlocks, 0);
    }

    function test_ReadsRootsAndImages() external {
        Network memory n = _readNetwork(TOML);
        assertEq(n.roots.length, 1, "a root without a hash is known at run time");
        assertEq(n.roots[0].vendor, "intel");
        assertEq(n.osImages.length, 1);
        assertEq(n.grantFloorSeconds, 7);
        assertEq(n.longestSeconds, 11);

        vm.createDir("target", true);
        string memory file = "target/deploy-test-roots.json";
        vm.writeFile(
            file,
            "[{\"root\": \"0x2222222222222222222222222222222222222222222222222222222222222222\", \"vendor\": \"soft-a\"},"
            "{\"root\": \"0x3333333333333333333333333333333333333333333333333333333333333333\", \"vendor\": \"soft-b\","
            " \"platform\": \"nitro\"}]"
        );
        RootConfig[] memory all = _readRoots(n.roots, file);
        vm.removeFile(file);
        assertEq(all.length, 3);
        assertEq(all[1].vendor, "soft-a");
        assertEq(all[1].platform, 1);
        assertEq(all[2].platform, 3);
    }

    function test_Deploys() external {
        Network memory n = _readNetwork(TOML);
        n.guardian = makeAddr("guardian");
        Deployment memory d = _deploy(n, address(this));
        assertEq(d.kmsCommittee.appRegistry(), address(d.appRegistry));
        assertEq(d.kmsCommittee.issuanceLog(), address(d.issuanceLog));
        assertEq(address(d.issuanceLog.committee()), address(d.kmsCommittee));
        assertEq(address(d.appRegistry.attestationRegistry()), address(d.attestationRegistry));
        assertEq(address(d.kmsCommittee.attestationRegistry()), address(d.attestationRegistry));
        assertEq(d.appRegistry.grantFloorSeconds(), 7);
        assertEq(d.kmsCommittee.longestDelaySeconds(), 11);
        assertEq(d.kmsCommittee.stepBlocks(), 60);
        assertEq(d.kmsCommittee.finalityBlocks(), 2);
        assertTrue(d.attestationRegistry.allowsSoftware());
        Root memory root = d.attestationRegistry.rootPolicy(n.roots[0].root);
        assertTrue(root.isOpen);
        assertFalse(root.isSoftware);
        assertTrue(d.attestationRegistry.isOsImageApproved(n.osImages[0]));
        vm.prank(n.guardian);
        d.attestationRegistry.closeRoot(n.roots[0].root, 1);
        (bool isAdmin,) = d.accessManager.hasRole(0, address(this));
        assertTrue(isAdmin);
    }

    function test_WritesTheAddresses() external {
        Deployment memory d = _deploy(_readNetwork(TOML), address(this));
        string memory json = _toJson(d, address(this));
        assertEq(vm.parseJsonAddress(json, ".kmsCommittee"), address(d.kmsCommittee));
        assertEq(vm.parseJsonAddress(json, ".kmsCeremony"), d.kmsCommittee.ceremonyCode());
        assertEq(vm.parseJsonAddress(json, ".appRegistry"), address(d.appRegistry));
        assertEq(vm.parseJsonAddress(json, ".allowlistPolicy"), d.appRegistry.appImplementation());
        assertEq(vm.parseJsonAddress(json, ".issuanceLog"), address(d.issuanceLog));
        assertEq(vm.parseJsonAddress(json, ".attestationRegistry"), address(d.attestationRegistry));
        assertEq(vm.parseJsonAddress(json, ".accessManager"), address(d.accessManager));
        assertEq(vm.parseJsonUint(json, ".chainId"), block.chainid);
    }

    function readNetwork(string calldata toml) external view {
        _readNetwork(toml);
    }

    function test_RevertWhen_AKeyIsMissing() external {
        vm.expectRevert();
        this.readNetwork("[chain]\nid = 1\n");
    }
}
