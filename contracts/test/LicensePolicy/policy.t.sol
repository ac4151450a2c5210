// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {LicensePolicy} from "../../src/LicensePolicy.sol";
import {VotesToken} from "../../src/VotesToken.sol";
import {NothingToRevoke, Unauthorized, ZeroValue} from "../../src/interfaces/Errors.sol";
import {IAppPolicy} from "../../src/interfaces/IAppPolicy.sol";
import {Holding, ILicensePolicy} from "../../src/interfaces/ILicensePolicy.sol";
import {Hostile} from "../utils/Hostile.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";

contract Deed is ERC721("Deed", "DEED") {
    function mint(address to) external {
        _mint(to, 1);
    }
}

contract LicensePolicy_Test is QuorateTest {
    uint64 private _end;
    VotesToken private _token;
    address private _licensee = makeAddr("licensee");
    LicensePolicy private _dated;
    LicensePolicy private _held;

    function setUp() public override {
        super.setUp();
        _end = uint64(block.timestamp + 30 days);
        VotesToken.Share[] memory shares = new VotesToken.Share[](1);
        shares[0] = VotesToken.Share(_licensee, 10);
        _token = new VotesToken("Licence", "LIC", shares);
        _dated = new LicensePolicy(apps, appId, FLOOR, address(policy), _end, Holding(address(0), address(0), 0));
        _held = new LicensePolicy(apps, appId, FLOOR, address(policy), 0, Holding(address(_token), _licensee, 7));
    }

    function _assertAnswer(LicensePolicy license, string memory expected) private view {
        (bool allowed, string memory reason) = license.isAppAllowed(_issuance(1).attested.boot);
        assertEq(reason, expected);
        assertEq(allowed, bytes(expected).length == 0);
    }

    /// @dev [GOV-3]
    function test_TheFirstSecondAfterTheEndDenies() external {
        vm.prank(owner);
        apps.setPolicy(appId, address(_dated));
        vm.warp(_end - 1);
        (bool allowed,) = apps.isAllowed(_issuance(1).attested);
        assertTrue(allowed);
        vm.warp(_end);
        string memory reason;
        (allowed, reason) = apps.isAllowed(_issuance(1).attested);
        assertFalse(allowed);
        assertEq(reason, "License has ended");
    }

    /// @dev [GOV-3]
    function test_TheInnerPolicyIsAskedInEveryCase() external {
        vm.prank(guardian);
        policy.revokeComposeHash(COMPOSE, 1);
        _assertAnswer(_dated, "Compose hash not allowed");
        _assertAnswer(_held, "Compose hash not allowed");
    }

    /// @dev [GOV-3] A25: what counts is the balance in the state that is asked about.
    function testFuzz_WhoHoldsEnoughIsLicensed(uint256 given) external {
        given = bound(given, 0, 10);
        vm.prank(_licensee);
        assertTrue(_token.transfer(stranger, given));
        _assertAnswer(_held, 10 - given >= 7 ? "" : "License has ended");
    }

    function test_ADeedWillDo() external {
        Deed deed = new Deed();
        Holding memory h = Holding(address(deed), _licensee, 1);
        LicensePolicy license = new LicensePolicy(apps, appId, FLOOR, address(policy), 0, h);
        _assertAnswer(license, "License has ended");
        deed.mint(_licensee);
        _assertAnswer(license, "");
        assertEq(license.holding().licensee, _licensee);
    }

    /// Without a token nothing is written of a licensee that nobody would ever ask about.
    function test_WithoutATokenThereIsNoHolding() external {
        Holding memory h = Holding(address(0), _licensee, 7);
        Holding memory kept = new LicensePolicy(apps, appId, FLOOR, address(policy), _end, h).holding();
        assertEq(kept.licensee, address(0));
        assertEq(kept.leastBalance, 0);
    }

    /// A23
    function test_AHostileTokenOrPolicyDenies() external {
        for (uint8 manner = 0; manner < 5; ++manner) {
            address hostile = address(new Hostile(manner));
            Holding memory none;
            LicensePolicy license = new LicensePolicy(apps, appId, FLOOR, hostile, _end, none);
            (bool allowed,) = license.isAppAllowed{gas: 240_000}(_issuance(1).attested.boot);
            assertFalse(allowed);
            if (manner == 2) continue; // a token that names a huge balance is believed: whoever chose it wanted that
            Holding memory h = Holding(hostile, _licensee, 1);
            license = new LicensePolicy(apps, appId, FLOOR, address(policy), 0, h);
            (allowed,) = license.isAppAllowed{gas: 240_000}(_issuance(1).attested.boot);
            assertFalse(allowed);
        }
        Holding memory gone = Holding(stranger, _licensee, 1);
        _assertAnswer(new LicensePolicy(apps, appId, FLOOR, address(policy), 0, gone), "License has ended");
    }

    function test_RevertWhen_BadlyMade() external {
        Holding memory none;
        vm.expectRevert(abi.encodeWithSelector(IAppPolicy.DelayBelowFloor.selector, FLOOR, FLOOR - 1));
        new LicensePolicy(apps, appId, FLOOR - 1, address(policy), _end, none);
        vm.expectRevert(abi.encodeWithSelector(IAppPolicy.NotAPolicy.selector, stranger));
        new LicensePolicy(apps, appId, FLOOR, stranger, _end, none);
        vm.expectRevert(ZeroValue.selector);
        new LicensePolicy(apps, appId, FLOOR, address(policy), _end, Holding(address(_token), address(0), 1));
        vm.expectRevert(ZeroValue.selector);
        new LicensePolicy(apps, appId, FLOOR, address(policy), _end, Holding(address(_token), _licensee, 0));
    }

    /// @dev [GOV-3]
    function testFuzz_ALaterEndWaits(uint32 wait) external {
        wait = uint32(bound(wait, 0, FLOOR - 1));
        vm.warp(_end);
        uint64 from = _end + FLOOR;
        (uint64 seq,) = _dated.trail();
        vm.expectEmit(address(_dated));
        emit ILicensePolicy.LicenseExtended(appId, _end + 30 days, from, seq + 1);
        vm.prank(owner);
        _dated.extend(_end + 30 days);
        (uint64 pending, uint64 effectiveAt) = _dated.extension();
        assertEq(pending, _end + 30 days);
        assertEq(effectiveAt, from);
        vm.warp(_end + wait);
        _assertAnswer(_dated, "License has ended");
        vm.warp(from);
        _assertAnswer(_dated, "");
        assertEq(_dated.until(), _end + 30 days);
        (pending,) = _dated.extension();
        assertEq(pending, 0);
    }

    function test_RevertWhen_NotLater() external {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ILicensePolicy.NotLater.selector, _end, _end));
        _dated.extend(_end);
    }

    /// @dev [GOV-3]
    function test_AnEarlierEndCountsAtOnce() external {
        vm.prank(owner);
        _dated.extend(_end + 1);
        vm.prank(guardian);
        vm.expectRevert(NothingToRevoke.selector);
        _dated.cut(_end + 1, 4);
        (uint64 seq,) = _dated.trail();
        vm.expectEmit(address(_dated));
        emit ILicensePolicy.LicenseCut(appId, _end, 4, seq + 1);
        vm.startPrank(guardian);
        _dated.cut(_end, 4);
        vm.warp(block.timestamp + FLOOR);
        assertEq(_dated.until(), _end, "the extension is cancelled");
        vm.expectRevert(NothingToRevoke.selector);
        _dated.cut(_end, 4);
        vm.expectRevert(NothingToRevoke.selector);
        _dated.cut(_end + 1, 4);
        _dated.cut(0, 1);
        _assertAnswer(_dated, "License has ended");
    }

    /// @dev [GOV-3]
    function test_TheHoldingIsDroppedAtOnce() external {
        (uint64 seq,) = _held.trail();
        vm.expectEmit(address(_held));
        emit ILicensePolicy.HoldingDropped(appId, address(_token), 3, seq + 1);
        vm.startPrank(guardian);
        _held.dropHolding(3);
        _assertAnswer(_held, "License has ended");
        vm.expectRevert(NothingToRevoke.selector);
        _held.dropHolding(3);
    }

    /// @dev [GOV-4]
    function test_RevertWhen_NotTheOwner() external {
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, guardian));
        _dated.extend(_end + 1);
        vm.startPrank(stranger);
        bytes memory refusal = abi.encodeWithSelector(Unauthorized.selector, stranger);
        vm.expectRevert(refusal);
        _dated.extend(_end + 1);
        vm.expectRevert(refusal);
        _dated.cut(0, 1);
        vm.expectRevert(refusal);
        _held.dropHolding(1);
    }
}
