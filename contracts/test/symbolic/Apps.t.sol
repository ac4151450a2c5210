// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAppRegistry} from "../../src/interfaces/IAppRegistry.sol";
import {Attested} from "../../src/interfaces/Statements.sol";
import {SymbolicTest} from "./SymbolicTest.sol";

/// @dev Who may call what in AppRegistry: every function that is an owner's or a guardian's, for every caller, app and argument,
///      whatever the registry has in storage about the app. Run by `script/slow-contracts symbolic` (halmos).
contract Apps_Symbolic is SymbolicTest {
    /// @dev An app of which nothing is known: anything may stand in the registry about it.
    address private constant ANY = address(0x700);

    function setUp() public override {
        super.setUp();
        STATES.enableSymbolicStorage(address(apps));
    }

    /* THE OWNER'S */

    function check_OnlyTheOwnerSetsAPolicy(address caller, address app, address policy) external {
        _checkOwners(caller, app, abi.encodeCall(IAppRegistry.setPolicy, (app, policy)));
    }

    function check_OnlyTheOwnerAcceptsAVendor(address caller, address app, bytes32 vendor) external {
        _checkOwners(caller, app, abi.encodeCall(IAppRegistry.acceptVendor, (app, vendor)));
    }

    function check_OnlyTheOwnerThaws(address caller, address app) external {
        _checkOwners(caller, app, abi.encodeCall(IAppRegistry.thaw, (app)));
    }

    function check_OnlyTheOwnerSetsAGuardian(address caller, address app, address guardian) external {
        _checkOwners(caller, app, abi.encodeCall(IAppRegistry.setGuardian, (app, guardian)));
    }

    function check_OnlyTheOwnerMovesAnApp(address caller, address app, address registry) external {
        _checkOwners(caller, app, abi.encodeCall(IAppRegistry.moveTo, (app, registry)));
    }

    function check_OnlyTheOwnerOffersAnApp(address caller, address app, address newOwner) external {
        _checkOwners(caller, app, abi.encodeCall(IAppRegistry.offerOwnership, (app, newOwner)));
    }

    function check_OnlyTheOwnerLocksAPolicy(address caller, address app) external {
        _checkOwners(caller, app, abi.encodeCall(IAppRegistry.lockPolicy, (app)));
    }

    function check_OnlyTheOwnerRotates(address caller, address app, bool keepPreviousReadable) external {
        _checkOwners(caller, app, abi.encodeCall(IAppRegistry.rotate, (app, keepPreviousReadable)));
    }

    /* THE NEXT OWNER'S */

    /// Whoever takes an app becomes its owner, and nobody else does.
    function check_WhoTakesAnAppOwnsIt(address caller, address app) external {
        address before = apps.ownerOf(app);
        bool ok = _call(address(apps), caller, abi.encodeCall(IAppRegistry.takeOwnership, (app)));
        assert(apps.ownerOf(app) == (ok ? caller : before));
    }

    /// Only whom the owner offered it takes an app.
    function check_NobodyElseTakesWhatWasOffered(address caller, address other, address app) external {
        vm.assume(caller != other);
        if (!_call(address(apps), apps.ownerOf(app), abi.encodeCall(IAppRegistry.offerOwnership, (app, other)))) {
            return;
        }
        assert(!_call(address(apps), caller, abi.encodeCall(IAppRegistry.takeOwnership, (app))));
    }

    /* THE OWNER'S AND THE GUARDIAN'S */

    function check_AStrangerFreezesNothing(address caller, address app, uint8 reason) external {
        _checkTheirs(caller, app, abi.encodeCall(IAppRegistry.freeze, (app, reason)));
    }

    function check_AStrangerRemovesNoVendor(address caller, address app, bytes32 vendor, uint8 reason) external {
        _checkTheirs(caller, app, abi.encodeCall(IAppRegistry.removeVendor, (app, vendor, reason)));
    }

    function check_AStrangerDelistsNoKeyVersion(address caller, address app, uint32 version, uint8 reason) external {
        _checkTheirs(caller, app, abi.encodeCall(IAppRegistry.delistKeyVersion, (app, version, reason)));
    }

    function check_AStrangerCancelsNoPolicyChange(address caller, address app, uint8 reason) external {
        _checkTheirs(caller, app, abi.encodeCall(IAppRegistry.cancelPolicyChange, (app, reason)));
    }

    function check_AStrangerCancelsNoMove(address caller, address app, uint8 reason) external {
        _checkTheirs(caller, app, abi.encodeCall(IAppRegistry.cancelMove, (app, reason)));
    }

    /* WHAT A GUARDIAN TAKES AWAY */

    function check_FreezingLetsNobodyIn(uint64 later, uint8 reason) external {
        _checkShrinks(later, abi.encodeCall(IAppRegistry.freeze, (ANY, reason)));
    }

    function check_RemovingAVendorLetsNobodyIn(uint64 later, bytes32 vendor, uint8 reason) external {
        _checkShrinks(later, abi.encodeCall(IAppRegistry.removeVendor, (ANY, vendor, reason)));
    }

    function check_DelistingAKeyVersionLetsNobodyIn(uint64 later, uint32 version, uint8 reason) external {
        _checkShrinks(later, abi.encodeCall(IAppRegistry.delistKeyVersion, (ANY, version, reason)));
    }

    function check_CancellingAMoveLetsNobodyIn(uint64 later, uint8 reason) external {
        _checkShrinks(later, abi.encodeCall(IAppRegistry.cancelMove, (ANY, reason)));
    }

    /// No key version becomes readable.
    function check_DelistingMakesNoKeyReadable(address app, uint32 readable, uint32 version, uint8 reason) external {
        bool before = apps.isKeyReadable(app, readable);
        _call(address(apps), GUARDIAN, abi.encodeCall(IAppRegistry.delistKeyVersion, (app, version, reason)));
        assert(before || !apps.isKeyReadable(app, readable));
    }

    /// A change that is cancelled leaves what is in force in force.
    function check_CancellingAPolicyChangeKeepsThePolicy(address caller, address app, uint64 later, uint8 reason)
        external
    {
        vm.assume(later >= NOW);
        address before = apps.policyOf(app);
        if (!_call(address(apps), caller, abi.encodeCall(IAppRegistry.cancelPolicyChange, (app, reason)))) return;
        vm.warp(later);
        assert(apps.policyOf(app) == before);
    }

    /// An enclave that the network and the app's list let in, whatever the registry knows of the app. Whom those refuse they refuse
    /// before and after: the registry's guardian writes nothing there.
    function _checkShrinks(uint64 later, bytes memory data) private {
        vm.assume(later >= NOW);
        _assumeListAt(0);
        _assumeListAt(later);
        Attested memory a = _any(COMPOSE, DEVICE, MEASUREMENT, address(1));
        a.boot.appId = ANY;
        vm.assume(!_allowedAt(later, a));
        vm.assume(_call(address(apps), apps.guardianOf(ANY), data));
        assert(!_allowedAt(later, a));
    }

    /// At second 0 no change counts yet: that is the policy which was written down.
    function _assumeListAt(uint64 time) private {
        vm.warp(time);
        vm.assume(apps.policyOf(ANY) == address(list));
        vm.warp(NOW);
    }

    /* INTERNAL */

    function _checkOwners(address caller, address app, bytes memory data) private {
        vm.assume(caller != apps.ownerOf(app));
        assert(!_call(address(apps), caller, data));
    }

    function _checkTheirs(address caller, address app, bytes memory data) private {
        vm.assume(caller != apps.ownerOf(app) && caller != apps.guardianOf(app));
        assert(!_call(address(apps), caller, data));
    }
}
