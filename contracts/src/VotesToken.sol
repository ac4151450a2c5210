// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";
import {ZeroValue} from "./interfaces/Errors.sol";

/// @title A votes token for a DAO that has none. Spec: docs/spec/governance.md.
/// @dev All there will ever be is allotted at deployment: nobody can mint, so nobody can outvote the holders by decree.
///      Votes are counted at a past second (ERC-6372 `mode=timestamp`), so a balance that is lent for a transaction votes
///      nothing. Each holder votes for itself from the first second on, until it delegates.
contract VotesToken is ERC20, ERC20Permit, ERC20Votes {
    struct Share {
        address holder;
        uint256 amount;
    }

    constructor(string memory name_, string memory symbol_, Share[] memory shares)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        require(shares.length != 0, ZeroValue());
        for (uint256 i = 0; i < shares.length; ++i) {
            require(shares[i].amount != 0, ZeroValue());
            _mint(shares[i].holder, shares[i].amount);
            _delegate(shares[i].holder, shares[i].holder);
        }
    }

    /// @dev Seconds, as every delay of the house.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
