// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AppBootInfo} from "../../src/interfaces/IAppAuth.sol";
import {RootRules} from "../../src/interfaces/IAttestationRegistry.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {DstackApp} from "../utils/DstackApp.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

/// @dev Answers with raw bytes.
contract Nonsense {
    bytes private _answer;
    address public owner = msg.sender;

    constructor(bytes memory answer) {
        _answer = answer;
    }

    fallback() external {
        bytes memory answer = _answer;
        assembly {
            return(add(answer, 0x20), mload(answer))
        }
    }
}

contract AppRegistry_IsAllowed_Test is QuorateTest {
    function _attested() private view returns (Attested memory) {
        return _issuance(1).attested;
    }

    function _assertRefused(Attested memory a, string memory expected) private view {
        (bool allowed, string memory reason) = apps.isAllowed(a);
        assertFalse(allowed);
        assertEq(reason, expected);
    }

    function test_Allows() external view {
        (bool allowed, string memory reason) = apps.isAllowed(_attested());
        assertTrue(allowed);
        assertEq(reason, "");
        (allowed, reason) = apps.isAppAllowed(_attested().boot);
        assertTrue(allowed);
    }

    /// Each step takes one more fault away from an enclave that has all of them.
    function test_RefusesInOrder() external {
        Attested memory a = _attested();
        attestation.denyAdvisory(_root(1), "INTEL-SA-1");
        vm.startPrank(guardian);
        apps.removeVendor(appId, _vendor(1), 1);
        apps.freeze(appId, 1);
        policy.revokeComposeHash(COMPOSE, 1);
        vm.stopPrank();
        a.boot.appId = stranger;
        a.root = "closed";
        a.vendor = "wrong";
        a.boot.tcbStatus = "OutOfDate";
        a.tcbEvaluationDataNumber = 1;
        a.boot.advisoryIds = new string[](1);
        a.boot.advisoryIds[0] = "INTEL-SA-1";
        a.boot.osImageHash = "other";
        _assertRefused(a, "App not registered");
        a.boot.appId = appId;
        _assertRefused(a, "App is frozen");
        vm.prank(owner);
        apps.thaw(appId);
        vm.warp(block.timestamp + FLOOR);
        _assertRefused(a, "Attestation root is not open");
        a.root = _root(1);
        _assertRefused(a, "Vendor is not the root's");
        a.vendor = _vendor(1);
        _assertRefused(a, "Vendor is not accepted by the app");
        vm.prank(owner);
        apps.acceptVendor(appId, _vendor(1));
        _assertRefused(a, "Vendor is not accepted by the app");
        vm.warp(block.timestamp + FLOOR);
        _assertRefused(a, "TCB status is not up to date");
        a.boot.tcbStatus = "UpToDate";
        _assertRefused(a, "TCB evaluation data is too old");
        a.tcbEvaluationDataNumber = 17;
        _assertRefused(a, "Advisory is denied");
        attestation.acceptAdvisory(_root(1), "INTEL-SA-1");
        _assertRefused(a, "OS image is not allowed");
        a.boot.osImageHash = OS_IMAGE;
        _assertRefused(a, "Compose hash not allowed");
    }

    /// dstack's narrower question.
    function test_IsAppAllowedRefusesInOrder() external {
        AppBootInfo memory boot = _attested().boot;
        vm.startPrank(guardian);
        apps.freeze(appId, 1);
        policy.revokeComposeHash(COMPOSE, 1);
        vm.stopPrank();
        (boot.appId, boot.osImageHash) = (stranger, "other");
        _assertAppRefused(boot, "App not registered");
        boot.appId = appId;
        _assertAppRefused(boot, "App is frozen");
        vm.prank(owner);
        apps.thaw(appId);
        vm.warp(block.timestamp + FLOOR - 1);
        _assertAppRefused(boot, "App is frozen");
        vm.warp(block.timestamp + 1);
        _assertAppRefused(boot, "OS image is not allowed");
        boot.osImageHash = OS_IMAGE;
        _assertAppRefused(boot, "Compose hash not allowed");
    }

    function _assertAppRefused(AppBootInfo memory boot, string memory expected) private view {
        (bool allowed, string memory reason) = apps.isAppAllowed(boot);
        assertFalse(allowed);
        assertEq(reason, expected);
    }

    /// A3: a root that governance opens later, under another vendor, opens no app to it.
    function test_ANewVendorsRootWidensNoApp() external {
        attestation.openRoot("new root", "soft-z", 1, RootRules(0, 0, 0, 0, 1));
        Attested memory a = _attested();
        (a.root, a.vendor) = (bytes32("new root"), bytes32("soft-z"));
        _assertRefused(a, "Vendor is not accepted by the app");
    }

    /// Another root of a vendor that the app accepted is the same vendor.
    function test_ASecondRootOfTheVendorCounts() external {
        attestation.openRoot("second root", _vendor(0), 1, RootRules(0, 0, 0, 0, 1));
        Attested memory a = _attested();
        a.root = "second root";
        (bool allowed,) = apps.isAllowed(a);
        assertTrue(allowed);
    }

    /* FOREIGN POLICIES */

    function _foreign(address code) private returns (Attested memory a) {
        apps.registerApp(code);
        a = _attested();
        a.boot.appId = code;
    }

    function test_PassesAForeignAnswerOn() external {
        DstackApp theirs = new DstackApp(owner);
        Attested memory a = _foreign(address(theirs));
        (bool allowed,) = apps.isAllowed(a);
        assertTrue(allowed);
        theirs.answer(false, "Device not allowed");
        _assertRefused(a, "Device not allowed");
        (, string memory reason) = apps.isAppAllowed(a.boot);
        assertEq(reason, "Device not allowed");
    }

    function testFuzz_AtMost128BytesOfReason(string memory reason) external {
        DstackApp theirs = new DstackApp(owner);
        theirs.answer(false, reason);
        (bool allowed, string memory passed) = apps.isAllowed(_foreign(address(theirs)));
        assertFalse(allowed);
        uint256 length = bytes(reason).length > 128 ? 128 : bytes(reason).length;
        assertEq(bytes(passed).length, length);
        for (uint256 k = 0; k < length; ++k) {
            assertEq(bytes(passed)[k], bytes(reason)[k]);
        }
    }

    function test_NonsenseIsNoAnswer() external {
        bytes[6] memory nonsense = [
            bytes(""),
            abi.encode(true),
            abi.encode(uint256(2), uint256(0x40), uint256(0)),
            abi.encode(uint256(1), uint256(0x20), uint256(0)),
            abi.encode(uint256(1), uint256(0x40), uint256(1)),
            abi.encode(uint256(1), uint256(0x40), type(uint256).max)
        ];
        for (uint256 k = 0; k < nonsense.length; ++k) {
            _assertNoAnswer(new Nonsense(nonsense[k]));
        }
    }

    function _assertNoAnswer(Nonsense code) private {
        Attested memory a = _foreign(address(code));
        _assertRefused(a, "Policy gives no answer");
    }

    function test_APolicyThatIsGoneIsRefusedInDstacksWords() external {
        DstackApp theirs = new DstackApp(owner);
        Attested memory a = _foreign(address(theirs));
        vm.etch(address(theirs), "");
        _assertRefused(a, "App not deployed or invalid address");
    }
}
