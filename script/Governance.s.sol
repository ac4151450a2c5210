// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Script} from "forge-std/Script.sol";
import {Vm, VmSafe} from "forge-std/Vm.sol";
import {console} from "forge-std/console.sol";
import {GovernorSetup, QuorateGovernor} from "../contracts/src/QuorateGovernor.sol";
import {VotesToken} from "../contracts/src/VotesToken.sol";
import {IAppRegistry} from "../contracts/src/interfaces/IAppRegistry.sol";
import {IAttestationRegistry} from "../contracts/src/interfaces/IAttestationRegistry.sol";
import {IKmsCommittee} from "../contracts/src/interfaces/IKmsCommittee.sol";
import {Duty, Roles} from "../contracts/src/libraries/Roles.sol";

/// @title Hands a deployed network from its deployer to a governor: roles, delays, then a read-back. Spec: docs/spec/governance.md.
/// @dev The sender is the administrator that Deploy.s.sol left behind; afterwards it holds nothing. QUORATE_DEPLOYMENT is the
///      file that Deploy.s.sol wrote, QUORATE_GOVERNANCE a TOML file; both lie under .devnet/ or target/.
/// @dev forge script script/Governance.s.sol --rpc-url URL --private-key KEY --broadcast
///      forge script script/Governance.s.sol --rpc-url URL --sig 'check()'      (reads back what stands on the chain)
contract Govern is Script {
    /// @param governor administrator: a Governor, a Safe or an account
    /// @param guardian takes away at once, grants nothing
    struct Governance {
        AccessManager manager;
        IAttestationRegistry attestation;
        IKmsCommittee committee;
        IAppRegistry apps;
        address governor;
        address guardian;
        uint32 grantSeconds;
        uint32 committeeSeconds;
    }

    struct Held {
        uint64 role;
        address account;
    }

    /// @notice Delays like these are for networks that allow software roots.
    error DelayBelowLeast(uint32 least, uint32 actual);
    /// @notice The account holds a role that the table does not give it.
    error HoldsTooMuch(uint64 role, address account);
    /// @notice The account holds a role of the table not, or not yet.
    error HoldsTooLittle(uint64 role, address account);
    /// @notice The deployer gives everything up, so that nobody would be left.
    error GovernorIsDeployer(address deployer);
    error DelayTooShort(uint64 role, address account, uint32 expected, uint32 actual);
    error WrongRole(address target, bytes4 selector, uint64 expected, uint64 actual);
    error WrongRoleGuardian(uint64 role, uint64 expected, uint64 actual);
    error WrongRoleAdmin(uint64 role, uint64 actual);
    error WrongAuthority(address target, address actual);
    /// @notice The logs do not reach back to the first administrator: who holds what can't be told.
    error HistoryIncomplete();

    Held[] private _held;

    function run() external {
        (Governance memory g, uint256 since) = _readDeployment();
        string memory toml = vm.readFile(vm.envString("QUORATE_GOVERNANCE"));
        vm.recordLogs();
        vm.startBroadcast();
        (, address deployer,) = vm.readCallers();
        _readSettings(g, toml);
        if (g.governor == address(0)) g.governor = address(_deployGovernor(g, toml));
        _apply(g, deployer);
        vm.stopBroadcast();
        console.log("governor", g.governor);
        _readBack(g, _join(_history(g, since), vm.getRecordedLogs()));
    }

    /// @notice The read-back alone. The governor is named in the file: `governor = "0x…"`.
    function check() external {
        (Governance memory g, uint256 since) = _readDeployment();
        _readSettings(g, vm.readFile(vm.envString("QUORATE_GOVERNANCE")));
        _readBack(g, _history(g, since));
    }

    /* APPLY */

    function _apply(Governance memory g, address deployer) internal {
        require(g.governor != deployer, GovernorIsDeployer(deployer));
        if (!g.attestation.allowsSoftware()) {
            require(
                g.grantSeconds >= Roles.LEAST_GRANT_SECONDS, DelayBelowLeast(Roles.LEAST_GRANT_SECONDS, g.grantSeconds)
            );
            require(
                g.committeeSeconds >= Roles.LEAST_COMMITTEE_SECONDS,
                DelayBelowLeast(Roles.LEAST_COMMITTEE_SECONDS, g.committeeSeconds)
            );
        }
        Duty[] memory duties = Roles.table(address(g.attestation), address(g.committee));
        bytes4[] memory one = new bytes4[](1);
        for (uint256 i = 0; i < duties.length; ++i) {
            one[0] = duties[i].selector;
            g.manager.setTargetFunctionRole(duties[i].target, one, duties[i].role);
        }
        for (uint64 role = Roles.GUARDIAN; role <= Roles.COMMITTEE; ++role) {
            g.manager.labelRole(role, Roles.labelOf(role));
            if (role != Roles.GUARDIAN) g.manager.setRoleGuardian(role, Roles.GUARDIAN);
        }
        g.manager.grantRole(Roles.GRANTOR, g.governor, g.grantSeconds);
        g.manager.grantRole(Roles.COMMITTEE, g.governor, g.committeeSeconds);
        g.manager.grantRole(Roles.GUARDIAN, g.governor, 0);
        if (g.guardian != address(0)) g.manager.grantRole(Roles.GUARDIAN, g.guardian, 0);
        g.manager.grantRole(Roles.ADMIN, g.governor, g.committeeSeconds);
        if (deployer != g.guardian) g.manager.revokeRole(Roles.GUARDIAN, deployer);
        g.manager.renounceRole(Roles.ADMIN, deployer);
    }

    function _deployGovernor(Governance memory g, string memory toml) internal returns (QuorateGovernor) {
        GovernorSetup memory s;
        s.name = vm.parseTomlString(toml, ".name");
        s.token = vm.keyExistsToml(toml, ".token.address")
            ? IVotes(vm.parseTomlAddress(toml, ".token.address"))
            : IVotes(address(_deployToken(toml)));
        (s.accessManager, s.appRegistry, s.proposalGuardian) = (g.manager, g.apps, g.guardian);
        s.votingDelay = uint48(vm.parseTomlUint(toml, ".voting_delay"));
        s.votingPeriod = uint32(vm.parseTomlUint(toml, ".voting_period"));
        s.proposalThreshold = vm.parseTomlUint(toml, ".proposal_threshold");
        s.quorumPercent = vm.parseTomlUint(toml, ".quorum_percent");
        s.lateQuorumExtension = uint48(vm.parseTomlUint(toml, ".late_quorum_extension"));
        s.baseDelaySeconds = uint32(vm.parseTomlUint(toml, ".base_delay_seconds"));
        s.guardianTermSeconds = uint32(vm.parseTomlUint(toml, ".guardian_term_seconds"));
        return new QuorateGovernor(s);
    }

    function _deployToken(string memory toml) private returns (VotesToken) {
        address[] memory holders = vm.parseTomlAddressArray(toml, ".token.holders");
        uint256[] memory amounts = vm.parseTomlUintArray(toml, ".token.amounts");
        VotesToken.Share[] memory shares = new VotesToken.Share[](holders.length);
        for (uint256 i = 0; i < holders.length; ++i) {
            shares[i] = VotesToken.Share(holders[i], amounts[i]);
        }
        return
            new VotesToken(vm.parseTomlString(toml, ".token.name"), vm.parseTomlString(toml, ".token.symbol"), shares);
    }

    /* READ */

    function _readDeployment() private view returns (Governance memory g, uint256 since) {
        string memory json = vm.readFile(vm.envString("QUORATE_DEPLOYMENT"));
        g.manager = AccessManager(vm.parseJsonAddress(json, ".accessManager"));
        g.attestation = IAttestationRegistry(vm.parseJsonAddress(json, ".attestationRegistry"));
        g.committee = IKmsCommittee(vm.parseJsonAddress(json, ".kmsCommittee"));
        g.apps = IAppRegistry(vm.parseJsonAddress(json, ".appRegistry"));
        since = vm.parseJsonUint(json, ".blockNumber");
    }

    function _readSettings(Governance memory g, string memory toml) internal view {
        g.guardian = vm.parseTomlAddress(toml, ".guardian");
        g.grantSeconds = uint32(vm.parseTomlUint(toml, ".grant_seconds"));
        g.committeeSeconds = uint32(vm.parseTomlUint(toml, ".committee_seconds"));
        if (vm.keyExistsToml(toml, ".governor")) g.governor = vm.parseTomlAddress(toml, ".governor");
    }

    function _history(Governance memory g, uint256 since) private returns (Vm.Log[] memory logs) {
        Vm.EthGetLogs[] memory found = vm.eth_getLogs(since, block.number, address(g.manager), new bytes32[](0));
        logs = new Vm.Log[](found.length);
        for (uint256 i = 0; i < found.length; ++i) {
            logs[i] = VmSafe.Log(found[i].topics, found[i].data, found[i].emitter);
        }
    }

    function _join(Vm.Log[] memory a, Vm.Log[] memory b) private pure returns (Vm.Log[] memory all) {
        all = new Vm.Log[](a.length + b.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i < a.length ? a[i] : b[i - a.length];
        }
    }

    /* READ BACK */

    /// @dev `logs` hold every event of the manager since its creation: an AccessManager keeps no list of members.
    function _readBack(Governance memory g, Vm.Log[] memory logs) internal {
        Duty[] memory duties = Roles.table(address(g.attestation), address(g.committee));
        _checkAuthority(g, address(g.attestation));
        _checkAuthority(g, address(g.committee));
        for (uint256 i = 0; i < duties.length; ++i) {
            _checkFunction(g, duties, duties[i].target, duties[i].selector);
        }
        for (uint64 role = Roles.GUARDIAN; role <= Roles.COMMITTEE; ++role) {
            uint64 actual = g.manager.getRoleAdmin(role);
            require(actual == Roles.ADMIN, WrongRoleAdmin(role, actual));
            uint64 expected = role == Roles.GUARDIAN ? Roles.ADMIN : Roles.GUARDIAN;
            actual = g.manager.getRoleGuardian(role);
            require(actual == expected, WrongRoleGuardian(role, expected, actual));
        }
        _checkHistory(g, duties, logs);
        for (uint64 role = Roles.ADMIN; role <= Roles.COMMITTEE; ++role) {
            _checkHolds(g, role, g.governor);
        }
        if (g.guardian != address(0)) _checkHolds(g, Roles.GUARDIAN, g.guardian);
        for (uint256 i = 0; i < duties.length; ++i) {
            if (duties[i].role == Roles.GUARDIAN) continue;
            uint256 extra =
                duties[i].selector == IKmsCommittee.setContracts.selector ? g.committee.longestDelaySeconds() : 0;
            console.log(
                duties[i].name, "takes effect after seconds, at the soonest:", _soonest(g, duties[i].role) + extra
            );
        }
        console.log("a grant of any app takes effect after seconds, at the soonest:", g.apps.grantFloorSeconds());
    }

    /// @dev Over all holders of the role, and all administrators, who could give it to themselves.
    function _soonest(Governance memory g, uint64 role) internal view returns (uint256 soonest) {
        soonest = type(uint256).max;
        for (uint256 i = 0; i < _held.length; ++i) {
            if (_held[i].role != role && _held[i].role != Roles.ADMIN) continue;
            (uint48 since, uint32 delay) = _access(g, _held[i].role, _held[i].account);
            if (since != 0 && delay < soonest) soonest = delay;
        }
    }

    function _checkHistory(Governance memory g, Duty[] memory duties, Vm.Log[] memory logs) private {
        delete _held;
        bool isFirstAdminSeen = false;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(g.manager)) continue;
            if (logs[i].topics[0] == IAccessManager.RoleGranted.selector) {
                uint64 role = uint64(uint256(logs[i].topics[1]));
                if (role == Roles.ADMIN && _held.length == 0) isFirstAdminSeen = true;
                _checkHolder(g, role, address(uint160(uint256(logs[i].topics[2]))));
            } else if (logs[i].topics[0] == IAccessManager.TargetFunctionRoleUpdated.selector) {
                address target = address(uint160(uint256(logs[i].topics[1])));
                _checkFunction(g, duties, target, abi.decode(logs[i].data, (bytes4)));
            }
        }
        require(isFirstAdminSeen, HistoryIncomplete());
    }

    function _checkHolder(Governance memory g, uint64 role, address account) private {
        _held.push(Held(role, account));
        (uint48 since, uint32 actual) = _access(g, role, account);
        if (since == 0) return;
        bool isGuardian = role == Roles.GUARDIAN && (account == g.guardian || account == g.governor);
        bool isGovernor = role <= Roles.COMMITTEE && account == g.governor;
        require(isGuardian || isGovernor, HoldsTooMuch(role, account));
        uint32 expected = role == Roles.GUARDIAN ? 0 : role == Roles.GRANTOR ? g.grantSeconds : g.committeeSeconds;
        require(actual >= expected, DelayTooShort(role, account, expected, actual));
    }

    function _checkHolds(Governance memory g, uint64 role, address account) private view {
        (bool isMember,) = g.manager.hasRole(role, account);
        require(isMember, HoldsTooLittle(role, account));
    }

    /// @dev A role that begins later is held; of two delays the shorter counts.
    function _access(Governance memory g, uint64 role, address account) private view returns (uint48, uint32) {
        (uint48 since, uint32 delay, uint32 nextDelay, uint48 effect) = g.manager.getAccess(role, account);
        return (since, effect != 0 && nextDelay < delay ? nextDelay : delay);
    }

    function _checkFunction(Governance memory g, Duty[] memory duties, address target, bytes4 selector) private view {
        uint64 expected = Roles.ADMIN;
        for (uint256 i = 0; i < duties.length; ++i) {
            if (duties[i].target == target && duties[i].selector == selector) expected = duties[i].role;
        }
        uint64 actual = g.manager.getTargetFunctionRole(target, selector);
        require(actual == expected, WrongRole(target, selector, expected, actual));
    }

    function _checkAuthority(Governance memory g, address target) private view {
        address actual = IAccessManaged(target).authority();
        require(actual == address(g.manager), WrongAuthority(target, actual));
    }
}
