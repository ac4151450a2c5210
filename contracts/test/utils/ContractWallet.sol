// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev An owner that is a contract: a call happens once two of its three keys have asked for it, in the words of the call.
contract ContractWallet {
    address[3] public keys;
    mapping(bytes32 call => mapping(address key => bool)) private _asked;
    mapping(bytes32 call => uint256) public asked;
    uint256 public nonce;

    error NotAKey(address sender);
    error AskedBefore();

    constructor(address[3] memory keys_) {
        keys = keys_;
    }

    function ask(address target, bytes calldata data) external {
        require(msg.sender == keys[0] || msg.sender == keys[1] || msg.sender == keys[2], NotAKey(msg.sender));
        bytes32 call = keccak256(abi.encode(nonce, target, data));
        require(!_asked[call][msg.sender], AskedBefore());
        _asked[call][msg.sender] = true;
        if (++asked[call] < 2) return;
        ++nonce;
        (bool ok, bytes memory answer) = target.call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }
}
