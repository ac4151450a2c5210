// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {AppRegistry} from "../../src/AppRegistry.sol";
import {IIssuanceLog} from "../../src/interfaces/IIssuanceLog.sol";
import {RootRules} from "../../src/interfaces/IAttestationRegistry.sol";
import {Anchor, Issuance, SeatSignature} from "../../src/interfaces/Statements.sol";
import {QuorateTest} from "../utils/QuorateTest.sol";
import {TrailReplay} from "../utils/TrailReplay.sol";

/// @dev Does random things to a network that has had its genesis, and keeps its own book of what may be issued.
contract Handler is QuorateTest {
    struct Trailing {
        uint64 seq;
        uint192 head;
    }

    TrailReplay public immutable replayer = new TrailReplay();
    address[5] public contracts_;
    mapping(address emitter => Trailing) public replayed;

    mapping(uint16 seat => bool) private _isShut;
    mapping(bytes32 composeHash => uint256) private _approvedAt;
    mapping(bytes32 composeHash => bool) private _isRevoked;
    mapping(bytes32 issuanceId => uint256 blockNumber) private _issuedIn;
    bytes32[3] private _hashes = [COMPOSE, keccak256("compose 2"), keccak256("compose 3")];

    uint256 public issued;
    uint256 public refused;
    uint256 public withoutQuorum;
    uint256 public withoutPermission;
    uint256 public issuedTwice;
    uint256 public notWhatWasSaid;
    uint256 public countedTooEarly;
    uint256 public bootedRevoked;

    /// @dev Follows the trails over whatever an action emits.
    modifier followed() {
        vm.recordLogs();
        _;
        _follow(vm.getRecordedLogs());
    }

    function setUp() public override {
        vm.recordLogs();
        super.setUp();
        _genesis();
        _admit(6);
        contracts_ = [address(attestation), address(committee), address(apps), address(policy), address(issuanceLog)];
        for (uint256 k = 0; k < 5; ++k) {
            replayed[contracts_[k]].head = replayer.first(contracts_[k]);
        }
        _follow(vm.getRecordedLogs());
        vm.roll(block.number + 300);
    }

    function _follow(Vm.Log[] memory logs) private {
        for (uint256 k = 0; k < 5; ++k) {
            Trailing storage t = replayed[contracts_[k]];
            (t.seq, t.head) = replayer.replay(contracts_[k], t.seq, t.head, logs);
        }
    }

    /* RECORD */

    function record(uint256 seed) external {
        uint256 count = 1 + seed % 3;
        Issuance[] memory issuances = new Issuance[](count);
        SeatSignature[][] memory signatures = new SeatSignature[][](count);
        bool[] memory isSigned = new bool[](count);
        bool[] memory isAllowed = new bool[](count);
        for (uint256 k = 0; k < count; ++k) {
            uint256 roll = uint256(keccak256(abi.encode(seed, k)));
            issuances[k] = _anyIssuance(roll);
            (signatures[k], isSigned[k]) = _anySignatures(issuances[k], roll);
            (isAllowed[k],) = apps.isAllowed(issuances[k].attested);
        }
        vm.recordLogs();
        bytes[] memory refusals = new bytes[](count);
        try issuanceLog.record(issuances, signatures) returns (bytes[] memory r) {
            refusals = r;
        } catch {
            refusals[0] = "reverted";
        }
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _follow(logs);
        for (uint256 k = 0; k < count; ++k) {
            _book(issuances[k], refusals[k], isSigned[k], isAllowed[k], logs);
        }
    }

    /// @dev Mostly good; now and then a used quote, another hash, root, key version or an old anchor.
    function _anyIssuance(uint256 roll) private view returns (Issuance memory i) {
        i = _issuance(roll % 40);
        i.attested.boot.composeHash = _hashes[(roll >> 16) % 4 % 3];
        uint256 root = (roll >> 24) % 8 % 3;
        (i.attested.root, i.attested.vendor) = (_root(root), _vendor(root));
        i.inputs[0].keyVersion = (roll >> 32) % 4 == 0 ? 2 : apps.keyVersionOf(appId);
        if ((roll >> 40) % 8 == 0) i.anchor = Anchor(uint64(block.number - 256), blockhash(block.number - 256));
    }

    /// @dev Some seats of 1 to 6, in order or not, one of them now and then signed by another's key. 6 is no member.
    function _anySignatures(Issuance memory i, uint256 roll)
        private
        view
        returns (SeatSignature[] memory s, bool isQuorum)
    {
        bytes32 digest = issuanceLog.issuanceDigest(i);
        uint256 mask = 0x3f & ((roll >> 64) | (roll >> 72) | (roll % 4 == 0 ? 0 : 0x1f));
        if (mask & 0x20 != 0 && roll % 3 != 0) mask ^= 0x20;
        uint256 count = 0;
        s = new SeatSignature[](6);
        isQuorum = true;
        for (uint16 seat = 1; seat <= 6; ++seat) {
            if (mask & (1 << (seat - 1)) == 0) continue;
            if (_isShut[seat] && (roll >> 80) % 4 != 0) continue;
            bool isForged = (roll >> 96) % 16 == seat;
            s[count] = _seatSignature(isForged ? seat + 1 : seat, digest);
            s[count++].seat = seat;
            if (isForged || seat == 6 || _isShut[seat]) isQuorum = false;
        }
        if (count < T) isQuorum = false;
        if (count > 1 && (roll >> 104) % 16 == 0) {
            s[1] = s[0];
            isQuorum = false;
        }
        assembly {
            mstore(s, count)
        }
    }

    function _book(Issuance memory i, bytes memory refusal, bool isSigned, bool isAllowed, Vm.Log[] memory logs)
        private
    {
        bytes32 id = issuanceLog.issuanceIdOf(i.reportData);
        uint256 events = 0;
        for (uint256 k = 0; k < logs.length; ++k) {
            bool isOurs = logs[k].topics[0] == IIssuanceLog.KeyIssued.selector && logs[k].topics[2] == id;
            if (isOurs) ++events;
        }
        if (refusal.length != 0) {
            ++refused;
            // The same quote may have been recorded by another issuance of this very batch.
            if (issuanceLog.recorded(id) != _issuedIn[id] && events == 0) ++notWhatWasSaid;
            return;
        }
        ++issued;
        if (!isSigned) ++withoutQuorum;
        if (!isAllowed) ++withoutPermission;
        if (_issuedIn[id] != 0) ++issuedTwice;
        _issuedIn[id] = block.number;
        if (events != 1 || issuanceLog.recorded(id) != block.number) ++notWhatWasSaid;
        uint256 approvedAt = _approvedAt[i.attested.boot.composeHash];
        if (approvedAt != 0 && block.timestamp < approvedAt + FLOOR) ++countedTooEarly;
        if (_isRevoked[i.attested.boot.composeHash]) ++bootedRevoked;
    }

    /* GOVERN */

    function approve(uint256 which) external followed {
        bytes32 composeHash = _hashes[which % 3];
        vm.prank(owner);
        try policy.approveComposeHash(composeHash, "ipfs://x") {
            _approvedAt[composeHash] = block.timestamp;
            _isRevoked[composeHash] = false;
        } catch {}
    }

    function revoke(uint256 which) external followed {
        vm.prank(which % 2 == 0 ? owner : guardian);
        try policy.revokeComposeHash(_hashes[which % 3], uint8(which)) {
            _isRevoked[_hashes[which % 3]] = true;
        } catch {}
    }

    function freezeOrThaw(uint256 seed) external followed {
        if (seed % 3 == 0) {
            vm.prank(guardian);
            try apps.freeze(appId, 1) {} catch {}
        } else {
            vm.prank(owner);
            try apps.thaw(appId) {} catch {}
        }
    }

    function rotate(uint256 seed) external followed {
        if (seed % 4 != 0) return;
        vm.prank(owner);
        apps.rotate(appId, seed % 8 == 0);
    }

    function shutOrOpen(uint16 seat) external followed {
        seat = seat % 6 + 1;
        if (_isShut[seat]) committee.unsuspendSeat(seat);
        else committee.suspendSeat(seat, 1);
        _isShut[seat] = !_isShut[seat];
    }

    function closeOrOpenRoot(uint256 which) external followed {
        which = which % 3;
        if (attestation.isRootOpen(_root(which))) attestation.closeRoot(_root(which), 1);
        else attestation.openRoot(_root(which), _vendor(which), 1, RootRules(uint32(which), 0, 0, 0, 1));
    }

    function denyOrAccept(uint256 seed) external followed {
        if (seed % 2 == 0) {
            try attestation.denyAdvisory(_root(0), "INTEL-SA-00001") {} catch {}
        } else {
            try attestation.acceptAdvisory(_root(0), "INTEL-SA-00001") {} catch {}
        }
    }

    function tune(uint256 seed) external followed {
        vm.startPrank(owner);
        if (seed % 5 == 0) try policy.setAllowAnyDevice(true) {} catch {}
        if (seed % 5 == 1) try policy.setAllowAnyDevice(false) {} catch {}
        if (seed % 5 == 2) try policy.addDevice(keccak256(abi.encode(seed))) {} catch {}
        if (seed % 5 == 3) try policy.setGrantDelay(uint32(seed % (2 * uint256(FLOOR)))) {} catch {}
        if (seed % 5 == 4) try apps.removeVendor(appId, _vendor(1), 1) {} catch {}
        vm.stopPrank();
    }

    function changeContracts(uint256 seed) external followed {
        if (seed % 8 == 0) {
            committee.setContracts(
                address(new AppRegistry(committee, FLOOR, apps.policyFactory())), address(issuanceLog)
            );
        }
        if (seed % 8 == 1) try committee.cancelContractsChange(1) {} catch {}
    }

    /// @dev What any grant to the app waits now, by its policy and by its registry; the shorter.
    function shortestDelay() external view returns (uint256) {
        uint256 ofApp = apps.grantDelayOf(appId);
        return policy.grantDelay() < ofApp ? policy.grantDelay() : ofApp;
    }

    /// @dev As deployed.
    function floor() external pure returns (uint256) {
        return FLOOR;
    }

    function pass(uint256 seed) external {
        vm.roll(block.number + 1 + seed % 20);
        vm.warp(block.timestamp + 1 + seed % (2 * uint256(FLOOR)));
    }
}
