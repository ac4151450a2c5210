// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RootRules} from "../../src/interfaces/IAttestationRegistry.sol";
import {Input, Issuance, SeatSignature} from "../../src/interfaces/Statements.sol";
import {KnownRoots} from "../../src/libraries/KnownRoots.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

/// @dev Gas of whole transactions (base cost and calldata included), every call on cold state. t = 3, one app, a device list.
/// forge-config: default.isolate = true
contract Gas_Test is QuorateTest {
    /// @dev The aim was 120,000. What no code can save is 116,200 of it; docs/spec/record.md takes it apart.
    uint256 private constant ONE = 145_000;
    uint256 private constant EACH_OF_FIFTY = 74_000;

    function setUp() public override {
        super.setUp();
        _genesis();
        vm.roll(block.number + 300);
        // A log in use: the first record of all also pays for the first write of the trail.
        _record(_issuance(1_000_000));
    }

    function _recordMany(uint256 count) private returns (uint256 gas) {
        Issuance[] memory issuances = new Issuance[](count);
        SeatSignature[][] memory signatures = new SeatSignature[][](count);
        for (uint256 k = 0; k < count; ++k) {
            issuances[k] = _issuance(k);
            signatures[k] = _authorize(issuances[k], _seats(T));
        }
        bytes[] memory refusals = issuanceLog.record(issuances, signatures);
        gas = vm.snapshotGasLastCall("IssuanceLog", string.concat("record ", vm.toString(count)));
        for (uint256 k = 0; k < count; ++k) {
            assertEq(refusals[k].length, 0);
        }
    }

    function test_RecordOne() external {
        uint256 gas = _recordMany(1);
        assertLt(gas, ONE);
    }

    /// A vendor that the code knows costs one slot less than software, whose vendor is a fact of the registry.
    function test_RecordOneOfAKnownRoot() external {
        attestation.openRoot(KnownRoots.INTEL_SGX_ROOT_CA, KnownRoots.INTEL, 1, RootRules(17, 0, 0, 30 days, 1));
        vm.prank(owner);
        apps.acceptVendor(appId, KnownRoots.INTEL);
        vm.warp(block.timestamp + FLOOR);
        Issuance memory i = _issuance(1);
        (i.attested.root, i.attested.vendor) = (KnownRoots.INTEL_SGX_ROOT_CA, KnownRoots.INTEL);
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, _authorize(i, _seats(T)));
        issuanceLog.record(issuances, signatures);
        assertLt(vm.snapshotGasLastCall("IssuanceLog", "record 1, known root"), ONE - 2000);
    }

    function test_RecordTen() external {
        _recordMany(10);
    }

    function test_RecordFifty() external {
        assertLt(_recordMany(50) / 50, EACH_OF_FIFTY);
    }

    function test_RecordEightInputs() external {
        Issuance memory i = _issuance(1);
        i.inputs = new Input[](8);
        for (uint256 k = 0; k < 8; ++k) {
            i.inputs[k] = Input(1, 2, COMPOSE, 1, 0, 0);
        }
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, _authorize(i, _seats(T)));
        issuanceLog.record(issuances, signatures);
        vm.snapshotGasLastCall("IssuanceLog", "record 1 with 8 inputs");
    }

    function test_Policy() external {
        vm.startPrank(owner);
        policy.approveComposeHash("next", "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi");
        vm.snapshotGasLastCall("AllowlistPolicy", "approveComposeHash");
        policy.revokeComposeHash(COMPOSE, 1);
        vm.snapshotGasLastCall("AllowlistPolicy", "revokeComposeHash");
        apps.rotate(appId, false);
        vm.snapshotGasLastCall("AppRegistry", "rotate");
        apps.freeze(appId, 1);
        vm.snapshotGasLastCall("AppRegistry", "freeze");
        vm.stopPrank();
        _createApp("another");
        vm.snapshotGasLastCall("AppRegistry", "createApp");
    }
}
