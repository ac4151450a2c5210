// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {AppBootInfo} from "../../src/interfaces/IAppAuth.sol";
import {IAppRegistry} from "../../src/interfaces/IAppRegistry.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {Question} from "../../src/libraries/Question.sol";

/// @dev What the library makes of calldata as it came.
contract Asker {
    function ask(Attested calldata attested) external pure returns (bytes memory) {
        return Question.isAllowed(attested);
    }
}

contract Question_Test is Test {
    Asker private _asker = new Asker();

    function _attested() private pure returns (Attested memory a) {
        (a.root, a.vendor, a.tcbEvaluationDataNumber) = ("root", "vendor", 17);
        (a.boot.appId, a.boot.composeHash, a.boot.tcbStatus) = (address(7), "compose", "UpToDate");
    }

    function _ask(bytes memory argument) private view returns (bytes memory) {
        (bool ok, bytes memory answer) = address(_asker).staticcall(bytes.concat(Asker.ask.selector, argument));
        assertTrue(ok);
        return abi.decode(answer, (bytes));
    }

    /// Whatever lies between the head and the boot, the question is the same.
    function test_AGapBeforeTheBootIsNotPassedOn() external view {
        Attested memory a = _attested();
        bytes memory asked = abi.encodeCall(IAppRegistry.isAllowed, (a));
        assertEq(_ask(abi.encode(a)), asked, "as an encoder writes it");
        AppBootInfo memory boot = a.boot;
        bytes memory tail = abi.encode(boot);
        assembly ("memory-safe") {
            // Without the offset that abi.encode puts before it.
            mstore(add(tail, 0x20), sub(mload(tail), 0x20))
            tail := add(tail, 0x20)
        }
        bytes memory head = abi.encode(uint256(0x20), uint256(0xa0), a.root, a.vendor, a.tcbEvaluationDataNumber);
        assertEq(_ask(bytes.concat(head, bytes32("gap"), tail)), asked, "with a gap");
    }
}
