// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {AttestationRegistry} from "../../src/AttestationRegistry.sol";
import {AlreadySet, NothingToRevoke, ZeroValue} from "../../src/interfaces/Errors.sol";
import {IAttestationRegistry, Root, RootRules} from "../../src/interfaces/IAttestationRegistry.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {KnownRoots} from "../../src/libraries/KnownRoots.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract AttestationRegistry_Roots_Test is QuorateTest {
    RootRules private _rules = RootRules(18, 1_700_000_000, 1_690_000_000, 7 days, 0x3);
    bytes32 private constant INTEL_ROOT = KnownRoots.INTEL_SGX_ROOT_CA;

    function _check(bytes32 root, bytes32 vendor, uint32 tcb, string memory status, string[] memory ids, bytes32 image)
        private
        view
        returns (uint8)
    {
        Attested memory a;
        (a.root, a.vendor, a.tcbEvaluationDataNumber) = (root, vendor, tcb);
        (a.boot.tcbStatus, a.boot.advisoryIds, a.boot.osImageHash) = (status, ids, image);
        return uint8(attestation.check(a));
    }

    function test_IntelsRootIsKnown() external {
        attestation.openRoot(INTEL_ROOT, "intel", 1, _rules);
        Root memory r = attestation.rootPolicy(INTEL_ROOT);
        assertTrue(r.isOpen);
        assertFalse(r.isSoftware);
        assertEq(r.vendor, "intel");
        assertEq(r.platform, 1);
        assertEq(r.rules.leastTcbEvaluationDataNumber, 18);
        assertEq(r.rules.leastCrlIssuedAt, 1_700_000_000);
        assertEq(r.rules.leastRootCrlIssuedAt, 1_690_000_000);
        assertEq(r.rules.maxCollateralAgeSeconds, 7 days);
        assertEq(r.rules.acceptedTcbStatuses, 3);
        assertTrue(attestation.rootPolicy(_root(0)).isSoftware);
    }

    /// A22: the label of a known root is the code's.
    function test_RevertWhen_KnownRootIsRelabelled() external {
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.KnownRootMismatch.selector, bytes32("intel"), 1));
        attestation.openRoot(INTEL_ROOT, "soft-a", 1, _rules);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.KnownRootMismatch.selector, bytes32("intel"), 1));
        attestation.openRoot(INTEL_ROOT, "intel", 2, _rules);
    }

    /// A22: software that calls itself Intel.
    function test_RevertWhen_SoftwareIsLabelledIntel() external {
        bytes32[3] memory reserved = [bytes32("intel"), "amd", "aws"];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.VendorReserved.selector, reserved[i]));
            attestation.openRoot(keccak256("mine"), reserved[i], 1, _rules);
        }
        for (uint8 platform = 1; platform <= 3; ++platform) {
            bytes32 root = keccak256(abi.encode("software", platform));
            attestation.openRoot(root, "soft-z", platform, _rules);
            assertEq(attestation.rootPolicy(root).platform, platform);
        }
    }

    /// A22: where software is refused, no label helps.
    function test_RevertGiven_SoftwareIsNotAllowed() external {
        AttestationRegistry strict = new AttestationRegistry(attestation.authority(), false);
        bytes32 mine = keccak256("mine");
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.SoftwareRootRefused.selector, mine));
        strict.openRoot(mine, "intel", 1, _rules);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.SoftwareRootRefused.selector, mine));
        strict.openRoot(mine, "soft-a", 1, _rules);
        strict.openRoot(INTEL_ROOT, "intel", 1, _rules);
        assertTrue(strict.isRootOpen(INTEL_ROOT));
    }

    function test_RevertWhen_ARootChangesItsVendor() external {
        attestation.closeRoot(_root(0), 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAttestationRegistry.VendorFixed.selector, _vendor(0), bytes32("soft-z"))
        );
        attestation.openRoot(_root(0), "soft-z", 1, _rules);
        attestation.openRoot(_root(0), _vendor(0), 1, _rules);
        assertEq(attestation.roots().length, 3);
    }

    function test_RevertWhen_RootIsBad() external {
        vm.expectRevert(ZeroValue.selector);
        attestation.openRoot(0, "soft-z", 1, _rules);
        vm.expectRevert(ZeroValue.selector);
        attestation.openRoot("root", 0, 1, _rules);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.UnknownPlatform.selector, 4));
        attestation.openRoot("root", "soft-z", 4, _rules);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.UnknownPlatform.selector, 0));
        attestation.openRoot("root", "soft-z", 0, _rules);
        vm.expectRevert(AlreadySet.selector);
        attestation.openRoot(_root(0), _vendor(0), 1, _rules);
        vm.expectRevert(abi.encodeWithSelector(IAttestationRegistry.RootNotOpen.selector, bytes32("root")));
        attestation.setRootRules("root", _rules);
    }

    function test_OpenVendorsAreDistinctAndOpen() external {
        attestation.openRoot("second of a", _vendor(0), 1, _rules);
        attestation.closeRoot(_root(1), 1);
        bytes32[] memory vendors = attestation.openVendors();
        assertEq(vendors.length, 2);
        assertEq(vendors[0], _vendor(0));
        assertEq(vendors[1], _vendor(2));
    }

    function test_CheckFindsInOrder() external {
        string[] memory none;
        string[] memory advisories = new string[](2);
        (advisories[0], advisories[1]) = ("INTEL-SA-00001", "INTEL-SA-00002");
        bytes32 r = _root(0);
        bytes32 v = _vendor(0);
        assertEq(_check(r, v, 17, "UpToDate", none, OS_IMAGE), 0);
        assertEq(_check("unknown", v, 17, "UpToDate", none, OS_IMAGE), 1);
        assertEq(_check(r, _vendor(1), 17, "UpToDate", none, OS_IMAGE), 2);
        assertEq(_check(r, v, 17, "OutOfDate", none, OS_IMAGE), 3);
        assertEq(_check(r, v, 17, "Revoked", none, OS_IMAGE), 3);
        assertEq(_check(r, v, 17, "uptodate", none, OS_IMAGE), 3);
        assertEq(_check(r, v, 16, "UpToDate", none, OS_IMAGE), 4);
        assertEq(_check(r, v, 17, "UpToDate", advisories, OS_IMAGE), 0);
        attestation.denyAdvisory(r, "INTEL-SA-00002");
        assertEq(_check(r, v, 17, "UpToDate", advisories, OS_IMAGE), 5);
        assertEq(attestation.rootPolicy(r).deniedAdvisoryIds.length, 1);
        attestation.acceptAdvisory(r, "INTEL-SA-00002");
        assertEq(_check(r, v, 17, "UpToDate", advisories, OS_IMAGE), 0);
        assertEq(_check(r, v, 17, "UpToDate", none, "other image"), 6);
        attestation.closeRoot(r, 1);
        assertEq(_check(r, v, 17, "UpToDate", none, OS_IMAGE), 1);
    }

    function testFuzz_OnlyKnownStatusesAreEverAccepted(string memory status) external {
        string[8] memory words = [
            "UpToDate",
            "SWHardeningNeeded",
            "ConfigurationNeeded",
            "ConfigurationAndSWHardeningNeeded",
            "OutOfDate",
            "OutOfDateConfigurationNeeded",
            "TDRelaunchAdvised",
            "TDRelaunchAdvisedConfigurationNeeded"
        ];
        attestation.setRootRules(_root(0), RootRules(0, 0, 0, 0, type(uint16).max));
        string[] memory none;
        for (uint256 k = 0; k < 8; ++k) {
            vm.assume(keccak256(bytes(words[k])) != keccak256(bytes(status)));
            assertEq(_check(_root(0), _vendor(0), 0, words[k], none, OS_IMAGE), 0);
        }
        assertEq(_check(_root(0), _vendor(0), 0, status, none, OS_IMAGE), 3);
        assertEq(_check(_root(0), _vendor(0), 0, "Revoked", none, OS_IMAGE), 3);
        assertEq(attestation.rootPolicy(_root(0)).rules.acceptedTcbStatuses, 0xff);
    }

    function test_EachStatusHasABitOfItsOwn() external {
        string[8] memory words = [
            "UpToDate",
            "SWHardeningNeeded",
            "ConfigurationNeeded",
            "ConfigurationAndSWHardeningNeeded",
            "OutOfDate",
            "OutOfDateConfigurationNeeded",
            "TDRelaunchAdvised",
            "TDRelaunchAdvisedConfigurationNeeded"
        ];
        string[] memory none;
        for (uint256 bit = 0; bit < 8; ++bit) {
            attestation.setRootRules(_root(0), RootRules(0, 0, 0, 0, uint16(1 << bit)));
            for (uint256 k = 0; k < 8; ++k) {
                assertEq(_check(_root(0), _vendor(0), 0, words[k], none, OS_IMAGE), k == bit ? 0 : 3);
            }
        }
    }

    function test_AdvisoriesAreAcceptedOneByOne() external {
        string[3] memory ids = ["INTEL-SA-1", "INTEL-SA-2", "INTEL-SA-3"];
        for (uint256 i = 0; i < 3; ++i) {
            attestation.denyAdvisory(_root(0), ids[i]);
        }
        attestation.acceptAdvisory(_root(0), ids[1]);
        string[] memory denied = attestation.rootPolicy(_root(0)).deniedAdvisoryIds;
        assertEq(denied.length, 2);
        assertEq(denied[0], ids[0]);
        assertEq(denied[1], ids[2]);
        string[] memory one = new string[](1);
        for (uint256 i = 0; i < 3; ++i) {
            one[0] = ids[i];
            assertEq(_check(_root(0), _vendor(0), 17, "UpToDate", one, OS_IMAGE), i == 1 ? 0 : 5);
        }
    }

    function test_RevertWhen_NothingChanges() external {
        vm.expectRevert(NothingToRevoke.selector);
        attestation.closeRoot("unknown", 1);
        vm.expectRevert(NothingToRevoke.selector);
        attestation.revokeOsImage("unknown", 1);
        vm.expectRevert(AlreadySet.selector);
        attestation.approveOsImage(OS_IMAGE, "");
        vm.expectRevert(ZeroValue.selector);
        attestation.approveOsImage(0, "");
        vm.expectRevert(AlreadySet.selector);
        attestation.acceptAdvisory(_root(0), "never denied");
        attestation.denyAdvisory(_root(0), "x");
        vm.expectRevert(AlreadySet.selector);
        attestation.denyAdvisory(_root(0), "x");
    }

    function test_GuardianRevokesAndGrantsNothing() external {
        vm.startPrank(guardianOfNetwork);
        attestation.closeRoot(_root(0), 1);
        attestation.denyAdvisory(_root(1), "x");
        attestation.revokeOsImage(OS_IMAGE, 1);
        assertFalse(attestation.isOsImageApproved(OS_IMAGE));
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardianOfNetwork);
        vm.expectRevert(refusal);
        attestation.openRoot(_root(0), _vendor(0), 1, _rules);
        vm.expectRevert(refusal);
        attestation.acceptAdvisory(_root(1), "x");
        vm.expectRevert(refusal);
        attestation.approveOsImage(OS_IMAGE, "");
        vm.expectRevert(refusal);
        attestation.setRootRules(_root(1), _rules);
    }

    function test_RevertWhen_StrangersGovern() external {
        vm.startPrank(stranger);
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.expectRevert(refusal);
        attestation.closeRoot(_root(0), 1);
        vm.expectRevert(refusal);
        attestation.denyAdvisory(_root(1), "x");
        vm.expectRevert(refusal);
        attestation.revokeOsImage(OS_IMAGE, 1);
    }
}
