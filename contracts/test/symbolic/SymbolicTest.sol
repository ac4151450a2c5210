// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Test} from "forge-std/Test.sol";
import {AllOfPolicy} from "../../src/AllOfPolicy.sol";
import {AllowlistPolicy} from "../../src/AllowlistPolicy.sol";
import {AppRegistry} from "../../src/AppRegistry.sol";
import {AttestationRegistry} from "../../src/AttestationRegistry.sol";
import {IssuanceLog} from "../../src/IssuanceLog.sol";
import {KmsCommittee} from "../../src/KmsCommittee.sol";
import {LicensePolicy} from "../../src/LicensePolicy.sol";
import {PolicyFactory} from "../../src/PolicyFactory.sol";
import {NewApp} from "../../src/interfaces/IAppRegistry.sol";
import {RootRules} from "../../src/interfaces/IAttestationRegistry.sol";
import {Holding} from "../../src/interfaces/ILicensePolicy.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {Duty, Roles} from "../../src/libraries/Roles.sol";

/// @dev What halmos answers at this address.
interface Symbols {
    /// @dev Any call of a function that writes, with any arguments.
    function createCalldata(string calldata contractName) external pure returns (bytes memory);
    function createBytes(uint256 size, string calldata name) external pure returns (bytes memory);
    function createUint(uint256 bits, string calldata name) external pure returns (uint256);
}

/// @dev The same address. The account may have anything in storage, where nothing was written yet.
interface States {
    function enableSymbolicStorage(address account) external;
}

/// @dev A network with roles as script/Governance.s.sol gives them and one app under each policy, built without keys or quotes.
abstract contract SymbolicTest is Test {
    Symbols internal constant SYMBOLS = Symbols(address(uint160(uint256(keccak256("svm cheat code")))));

    States internal constant STATES = States(address(SYMBOLS));

    uint64 internal constant NOW = 1_800_000_000;
    uint32 internal constant FLOOR = 3600;
    bytes32 internal constant ROOT = "root";
    bytes32 internal constant VENDOR = "soft-a";
    bytes32 internal constant COMPOSE = "compose";
    bytes32 internal constant DEVICE = "device";
    bytes32 internal constant MEASUREMENT = "measurement";
    bytes32 internal constant OS_IMAGE = "os image";

    address internal constant GOVERNOR = address(0x600);
    address internal constant NETWORK_GUARDIAN = address(0x601);
    address internal constant OWNER = address(0x602);
    address internal constant GUARDIAN = address(0x603);

    AccessManager internal manager;
    AttestationRegistry internal attestation;
    KmsCommittee internal committee;
    AppRegistry internal apps;
    IssuanceLog internal issuanceLog;
    address internal appId;
    AllowlistPolicy internal list;
    AllOfPolicy internal all;
    LicensePolicy internal license;

    function setUp() public virtual {
        vm.warp(NOW);
        vm.roll(1000);
        manager = new AccessManager(address(this));
        attestation = new AttestationRegistry(address(manager), true);
        committee = new KmsCommittee(address(manager), attestation, 60, 2, 7 days);
        apps = new AppRegistry(committee, FLOOR, new PolicyFactory());
        issuanceLog = new IssuanceLog(committee);
        committee.setContracts(address(apps), address(issuanceLog));
        attestation.openRoot(ROOT, VENDOR, 1, RootRules(17, 0, 0, 30 days, 1));
        attestation.approveOsImage(OS_IMAGE, "");
        NewApp memory app;
        (app.salt, app.owner, app.guardian) = ("app", OWNER, GUARDIAN);
        app.policy.grantDelaySeconds = FLOOR;
        app.policy.composeHash = COMPOSE;
        // A device list would need sha256 of nothing, which halmos 0.3.3 can't do.
        app.policy.allowAnyDevice = true;
        app.policy.measurements = new bytes32[](1);
        app.policy.measurements[0] = MEASUREMENT;
        appId = apps.createApp(app);
        list = AllowlistPolicy(appId);
        address[] memory members = new address[](1);
        members[0] = appId;
        all = AllOfPolicy(apps.createAllOfPolicy(appId, FLOOR, members));
        Holding memory none;
        license = LicensePolicy(apps.createLicensePolicy(appId, FLOOR, appId, NOW + 10 * FLOOR, none));
        _giveRoles();
    }

    function _giveRoles() private {
        Duty[] memory duties = Roles.table(address(attestation), address(committee));
        bytes4[] memory one = new bytes4[](1);
        for (uint256 i = 0; i < duties.length; ++i) {
            one[0] = duties[i].selector;
            manager.setTargetFunctionRole(duties[i].target, one, duties[i].role);
        }
        manager.grantRole(Roles.GUARDIAN, NETWORK_GUARDIAN, 0);
        manager.grantRole(Roles.GRANTOR, GOVERNOR, Roles.LEAST_GRANT_SECONDS);
        manager.grantRole(Roles.COMMITTEE, GOVERNOR, Roles.LEAST_COMMITTEE_SECONDS);
        manager.grantRole(Roles.ADMIN, GOVERNOR, Roles.LEAST_COMMITTEE_SECONDS);
        manager.renounceRole(Roles.ADMIN, address(this));
    }

    /// @dev An enclave of which everything is open that a list or a registry judges.
    function _any(bytes32 composeHash, bytes32 deviceId, bytes32 mrSystem, address instanceId)
        internal
        view
        returns (Attested memory a)
    {
        (a.root, a.vendor, a.tcbEvaluationDataNumber) = (ROOT, VENDOR, 17);
        (a.boot.appId, a.boot.composeHash, a.boot.instanceId) = (appId, composeHash, instanceId);
        (a.boot.deviceId, a.boot.mrSystem, a.boot.osImageHash) = (deviceId, mrSystem, OS_IMAGE);
        a.boot.tcbStatus = "UpToDate";
    }

    /// @dev Whoever it is, at that second.
    function _allowedAt(uint64 time, Attested memory a) internal returns (bool allowed) {
        vm.warp(time);
        (allowed,) = apps.isAllowed(a);
        vm.warp(NOW);
    }

    function _call(address target, address caller, bytes memory data) internal returns (bool ok) {
        vm.prank(caller);
        (ok,) = target.call(data);
    }
}
