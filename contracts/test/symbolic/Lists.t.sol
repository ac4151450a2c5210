// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllowlistPolicy, PolicySetup} from "../../src/interfaces/IAllowlistPolicy.sol";
import {AppBootInfo} from "../../src/interfaces/IAppAuth.sol";
import {IAppAuthBasicManagement} from "../../src/interfaces/IAppAuthBasicManagement.sol";
import {SymbolicTest} from "./SymbolicTest.sol";

/// @dev [GOV-4] P8: a list's guardian takes away, and nothing else: for every function that writes, every argument, every enclave, every
///      later second, whatever the list has in storage. Run by `script/slow-contracts symbolic` (halmos).
contract Lists_Symbolic is SymbolicTest {
    function setUp() public override {
        super.setUp();
        STATES.enableSymbolicStorage(address(list));
        // What its creation wrote: trail, settings, and beside the app's id the time of a shorter delay (contracts/layout).
        vm.store(address(list), bytes32(uint256(0)), bytes32(SYMBOLS.createUint(256, "trail")));
        vm.store(address(list), bytes32(uint256(1)), bytes32(SYMBOLS.createUint(256, "settings")));
        uint256 from = SYMBOLS.createUint(40, "nextGrantDelayFrom");
        vm.store(address(list), bytes32(uint256(2)), bytes32((from << 160) | uint160(appId)));
    }

    /* WHAT THE GUARDIAN TAKES AWAY */

    function check_RevokesAComposeHash(AppBootInfo memory boot, uint64 later, bytes32 any, uint8 reason) external {
        _checkShrinks(boot, later, abi.encodeCall(IAllowlistPolicy.revokeComposeHash, (any, reason)));
    }

    function check_RemovesAComposeHash(AppBootInfo memory boot, uint64 later, bytes32 any) external {
        _checkShrinks(boot, later, abi.encodeCall(IAppAuthBasicManagement.removeComposeHash, (any)));
    }

    function check_RevokesADevice(AppBootInfo memory boot, uint64 later, bytes32 any, uint8 reason) external {
        _checkShrinks(boot, later, abi.encodeCall(IAllowlistPolicy.revokeDevice, (any, reason)));
    }

    function check_RemovesADevice(AppBootInfo memory boot, uint64 later, bytes32 any) external {
        _checkShrinks(boot, later, abi.encodeCall(IAppAuthBasicManagement.removeDevice, (any)));
    }

    function check_RevokesAnInstance(AppBootInfo memory boot, uint64 later, address any, uint8 reason) external {
        _checkShrinks(boot, later, abi.encodeCall(IAllowlistPolicy.revokeInstance, (any, reason)));
    }

    function check_RevokesAMeasurement(AppBootInfo memory boot, uint64 later, bytes32 any, uint8 reason) external {
        _checkShrinks(boot, later, abi.encodeCall(IAllowlistPolicy.revokeMeasurement, (any, reason)));
    }

    function check_EndsAnyDevice(AppBootInfo memory boot, uint64 later) external {
        _checkShrinks(boot, later, abi.encodeCall(IAllowlistPolicy.setAllowAnyDevice, (false)));
    }

    function check_EndsAnyMeasurement(AppBootInfo memory boot, uint64 later) external {
        _checkShrinks(boot, later, abi.encodeCall(IAllowlistPolicy.setAllowAnyMeasurement, (false)));
    }

    function check_EndsAnyInstance(AppBootInfo memory boot, uint64 later) external {
        _checkShrinks(boot, later, abi.encodeCall(IAllowlistPolicy.setAllowAnyInstance, (false)));
    }

    function check_EndsAnyTcb(AppBootInfo memory boot, uint64 later) external {
        _checkShrinks(boot, later, abi.encodeCall(IAllowlistPolicy.setRequireTcbUpToDate, (true)));
    }

    /* WHAT IS NOT THE GUARDIAN'S */

    function check_ApprovesNoComposeHash(bytes32 any) external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.approveComposeHash, (any, "ipfs://any")));
        _checkRefused(abi.encodeCall(IAppAuthBasicManagement.addComposeHash, (any)));
    }

    function check_ApprovesNoDevice(bytes32 any) external {
        _checkRefused(abi.encodeCall(IAppAuthBasicManagement.addDevice, (any)));
    }

    function check_ApprovesNoMeasurement(bytes32 any) external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.approveMeasurement, (any)));
    }

    function check_ApprovesNoInstance(address any) external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.approveInstance, (any)));
    }

    function check_WidensToNoDevice() external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.setAllowAnyDevice, (true)));
    }

    function check_WidensToNoMeasurement() external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.setAllowAnyMeasurement, (true)));
    }

    function check_WidensToNoInstance() external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.setAllowAnyInstance, (true)));
    }

    function check_WidensToNoTcb() external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.setRequireTcbUpToDate, (false)));
    }

    function check_SetsNoGrantDelay(uint32 any) external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.setGrantDelay, (any)));
    }

    function check_InitializesNothing(address any, PolicySetup memory setup) external {
        _checkRefused(abi.encodeCall(IAllowlistPolicy.initialize, (any, setup)));
    }

    /// Of a boot halmos chooses all but the TCB status and the advisories: the status is one of two. An "any" that never counts (zero)
    /// is left out, since one that counts only after the second asked about answers the same, and takes four times fewer paths.
    function _checkShrinks(AppBootInfo memory boot, uint64 later, bytes memory data) private {
        vm.assume(later >= NOW && later < type(uint40).max);
        (uint64 device, uint64 measurement, uint64 instance, uint64 tcb) = list.anyEffectiveAt();
        vm.assume(device != 0);
        vm.assume(measurement != 0);
        vm.assume(instance != 0);
        vm.assume(tcb != 0);
        boot.tcbStatus = boot.appId == address(0) ? "UpToDate" : "OutOfDate";
        boot.advisoryIds = new string[](0);
        vm.assume(!_isListedAt(later, boot));
        vm.assume(_call(address(list), GUARDIAN, data));
        assert(!_isListedAt(later, boot));
    }

    function _checkRefused(bytes memory data) private {
        assert(!_call(address(list), GUARDIAN, data));
    }

    function _isListedAt(uint64 time, AppBootInfo memory boot) private returns (bool allowed) {
        vm.warp(time);
        (allowed,) = list.isAppAllowed(boot);
        vm.warp(NOW);
    }
}
