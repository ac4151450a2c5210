// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Attested} from "src/interfaces/Statements.sol";
import {VerdictCall} from "src/libraries/VerdictCall.sol";

/// @title A registry whose answers the tests choose, honest or hostile.
/// Compiled by `build.sh` beside this file; the tests deploy the committed creation code.
contract Registry {
    enum Mode { Honest, BurnGas, Revert, ReadSlots, ReadAccounts, LongReason, WriteState, NotAnAnswer, Invalid }

    mapping(bytes32 composeHash => bool) public allowed;
    Mode public mode;
    uint256 public count;
    mapping(uint256 => uint256) public filler;

    constructor() payable {}

    function approve(bytes32 composeHash) external { allowed[composeHash] = true; }
    function revoke(bytes32 composeHash) external { allowed[composeHash] = false; }
    function behave(Mode mode_, uint256 count_) external { (mode, count) = (mode_, count_); }

    /// Not `view`, so that it can try to write.
    function isAllowed(Attested calldata attested) external returns (bool, string memory reason) {
        Mode mode_ = mode;
        uint256 count_ = count;
        if (mode_ == Mode.BurnGas) {
            assembly { for { let i := 0 } lt(i, count_) { i := add(i, 1) } {} }
        } else if (mode_ == Mode.Revert) {
            revert("this policy reverts with a long text, longer than the 128 bytes that anybody copies from a contract it does not know and has no reason to trust");
        } else if (mode_ == Mode.ReadSlots) {
            for (uint256 i = 0; i < count_; i++) if (filler[i] != 0) return (false, "filled");
        } else if (mode_ == Mode.ReadAccounts) {
            for (uint256 i = 0; i < count_; i++) if (address(uint160(0x10000 + i)).balance != 0) return (false, "rich");
        } else if (mode_ == Mode.LongReason) {
            bytes memory text = new bytes(count_);
            for (uint256 i = 0; i < count_; i++) text[i] = "x";
            return (false, string(text));
        } else if (mode_ == Mode.WriteState) {
            count = count_ + 1;
        } else if (mode_ == Mode.NotAnAnswer) {
            assembly { mstore(0, 1) return(0, 32) }
        } else if (mode_ == Mode.Invalid) {
            assembly { invalid() }
        }
        if (allowed[attested.boot.composeHash]) return (true, "");
        return (false, "compose hash not allowed");
    }

    /// The block as a contract sees it.
    function environment() external view returns (
        uint256 number, uint256 time, uint256 baseFee, uint256 randao, address beneficiary, uint256 gasLimit, uint256 chainId
    ) {
        return (block.number, block.timestamp, block.basefee, block.prevrandao, block.coinbase, block.gaslimit, block.chainid);
    }

    /// Another account as a contract sees it.
    function look(address account) external view returns (uint256 balance, bytes32 codeHash, uint256 codeSize) {
        return (account.balance, account.codehash, account.code.length);
    }

    function hashOf(uint256 number) external view returns (bytes32) { return blockhash(number); }

    /// Gas left after accesses whose price depends on what is warm: caller, beneficiary, precompile, itself, a stranger.
    function gasProbe() external view returns (address caller, uint256 gas) {
        uint256 sum = msg.sender.balance + block.coinbase.balance + address(1).balance + address(this).balance
            + address(0x1234567).balance + count + filler[7];
        (bool ok, ) = address(2).staticcall("");
        require(ok && sum >= 0);
        return (msg.sender, gasleft());
    }
}

/// @title Asks a registry as IssuanceLog does.
contract Caller {
    function ask(address registry, bytes calldata question)
        external view returns (bool answered, bool allowed, string memory reason)
    {
        return VerdictCall.ask(registry, 250_000, question);
    }

    function gasProbe(address registry) external view returns (address caller, uint256 gas) {
        return Registry(registry).gasProbe{gas: 250_000}();
    }
}
