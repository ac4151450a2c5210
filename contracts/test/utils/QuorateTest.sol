// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Deploy} from "../../../script/Deploy.s.sol";
import {AllowlistPolicy} from "../../src/AllowlistPolicy.sol";
import {AppRegistry} from "../../src/AppRegistry.sol";
import {AttestationRegistry} from "../../src/AttestationRegistry.sol";
import {IssuanceLog} from "../../src/IssuanceLog.sol";
import {KmsCommittee} from "../../src/KmsCommittee.sol";
import {PolicySetup} from "../../src/interfaces/IAllowlistPolicy.sol";
import {NewApp} from "../../src/interfaces/IAppRegistry.sol";
import {RootRules} from "../../src/interfaces/IAttestationRegistry.sol";
import {
    Anchor,
    Candidate,
    Confirmation,
    Dealing,
    Input,
    Issuance,
    Outcome,
    RecipientKey,
    RecipientRefused,
    SeatSignature
} from "../../src/interfaces/Statements.sol";
import {StatementHasher} from "./Statements.t.sol";

/// @dev A network as the deploy script makes it: three software vendors, five candidates (2 + 2 + 1), t = 3.
abstract contract QuorateTest is Test, Deploy {
    uint16 internal constant T = 3;
    uint16 internal constant N = 5;
    uint64 internal constant STEP = 60;
    uint32 internal constant FLOOR = 3600;
    uint64 internal constant LONGEST = 7 days;

    bytes32 internal constant OS_IMAGE = keccak256("os image");
    bytes32 internal constant NODE_CODE = keccak256("node compose");
    bytes32 internal constant COMPOSE = keccak256("app compose");
    bytes32 internal constant DEVICE = keccak256("device");

    AttestationRegistry internal attestation;
    KmsCommittee internal committee;
    AppRegistry internal apps;
    IssuanceLog internal issuanceLog;
    AllowlistPolicy internal policy;
    address internal appId;

    StatementHasher internal hasher = new StatementHasher();
    address internal guardianOfNetwork = makeAddr("guardian of the network");
    address internal owner = makeAddr("owner");
    address internal guardian = makeAddr("guardian");
    address internal stranger = makeAddr("stranger");

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.roll(1000);
        Deployment memory d = _deploy(_network(), address(this));
        (attestation, committee, apps, issuanceLog) =
        (d.attestationRegistry, d.kmsCommittee, d.appRegistry, d.issuanceLog);
        committee.approveNodeCode(OS_IMAGE, NODE_CODE, "ipfs://node");
        (appId, policy) = _createApp("first");
    }

    /* NETWORK */

    function _network() internal view virtual returns (Network memory n) {
        n.guardian = guardianOfNetwork;
        n.allowsSoftware = true;
        n.roots = new RootConfig[](3);
        for (uint256 i = 0; i < 3; ++i) {
            n.roots[i] = RootConfig(_root(i), _vendor(i), 1);
        }
        n.rules = RootRules(17, 0, 0, 30 days, 1);
        n.osImages = new bytes32[](1);
        n.osImages[0] = OS_IMAGE;
        (n.grantFloorSeconds, n.longestSeconds, n.stepBlocks, n.finalityBlocks) = (FLOOR, LONGEST, STEP, 2);
    }

    function _root(uint256 i) internal pure returns (bytes32) {
        return keccak256(abi.encode("root", i));
    }

    function _vendor(uint256 i) internal pure returns (bytes32) {
        return bytes32(bytes.concat("soft-", bytes1(uint8(0x61 + i))));
    }

    function _setupOf(bytes32 composeHash) internal pure returns (PolicySetup memory setup) {
        setup.grantDelaySeconds = FLOOR;
        setup.composeHash = composeHash;
        setup.uri = "ipfs://app";
        setup.deviceIds = new bytes32[](1);
        setup.deviceIds[0] = DEVICE;
    }

    function _createApp(bytes32 salt) internal returns (address id, AllowlistPolicy made) {
        NewApp memory app;
        (app.salt, app.owner, app.guardian, app.policy) = (salt, owner, guardian, _setupOf(COMPOSE));
        id = apps.createApp(app);
        made = AllowlistPolicy(id);
    }

    /* NODES */

    function _key(uint16 seat) internal pure returns (uint256) {
        return 0xC0FFEE00 + seat;
    }

    function _signer(uint16 seat) internal pure returns (address) {
        return vm.addr(_key(seat));
    }

    function _operator(uint16 seat) internal pure virtual returns (bytes32) {
        return keccak256(abi.encode("operator", seat));
    }

    function _vendorOfSeat(uint16 seat) internal pure virtual returns (uint256) {
        return (seat - 1) / 2;
    }

    function _sealing(uint16) internal pure virtual returns (uint8) {
        return 1;
    }

    function _candidate(uint16 seat) internal view returns (Candidate memory c) {
        c.signer = _signer(seat);
        c.operator = _operator(seat);
        c.endpoint = "http://127.0.0.1:8101";
        c.sealing = _sealing(seat);
        c.root = _root(_vendorOfSeat(seat));
        c.osImageHash = OS_IMAGE;
        c.composeHash = NODE_CODE;
        c.checkpoint = Anchor(uint64(block.number - 2), blockhash(block.number - 2));
        c.headSource = "agreement 1 of 1";
        c.evidenceHash = keccak256(_evidence(seat));
    }

    function _evidence(uint16 seat) internal pure returns (bytes memory) {
        return abi.encode("evidence of", seat);
    }

    function _post(uint16 seat) internal {
        Candidate memory c = _candidate(seat);
        committee.postCandidate(c, _sign(seat, hasher.hash(c)), _evidence(seat));
    }

    function _admit(uint16 seat) internal {
        committee.assignOperator(_signer(seat), _operator(seat));
        _post(seat);
        committee.admitSeat(_signer(seat));
    }

    function _admitAll() internal {
        for (uint16 seat = 1; seat <= N; ++seat) {
            _admit(seat);
        }
    }

    function _seats(uint16 n) internal pure returns (uint16[] memory seats) {
        seats = new uint16[](n);
        for (uint16 i = 0; i < n; ++i) {
            seats[i] = i + 1;
        }
    }

    /// @dev A signature over a statement to the committee.
    function _sign(uint16 seat, bytes32 structHash) internal view returns (bytes memory) {
        bytes32 digest = hasher.digest("Quorate KmsCommittee", block.chainid, address(committee), structHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_key(seat), digest);
        return abi.encodePacked(r, s, v);
    }

    /* CEREMONY */

    function _open() internal returns (bytes32 session) {
        _admitAll();
        session = committee.openEpoch(_seats(N), T);
    }

    function _point(uint256 i) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(2), keccak256(abi.encode("point", i)));
    }

    function _postKey(bytes32 session, uint16 seat) internal {
        bytes memory evidence = abi.encode("fresh quote", seat);
        RecipientKey memory k = RecipientKey(session, seat, _point(seat), keccak256(evidence));
        committee.postRecipientKey(k, _sign(seat, hasher.hash(k)), evidence);
    }

    function _postRefusal(bytes32 session, uint16 dealer, uint16 seat) internal {
        RecipientRefused memory r = RecipientRefused(session, dealer, seat, 7);
        committee.postRefusal(r, _sign(dealer, hasher.hash(r)));
    }

    function _postDealing(bytes32 session, uint16 seat) internal {
        bytes memory dealing = abi.encode("dealing", seat);
        Dealing memory d = Dealing(session, seat, keccak256(dealing));
        committee.postDealing(d, _sign(seat, hasher.hash(d)), dealing);
    }

    function _postConfirmation(bytes32 session, uint16 seat, bytes32 transcript) internal {
        bytes memory canary = abi.encode("canary", seat);
        Confirmation memory c = Confirmation(session, seat, transcript, keccak256(canary));
        committee.postConfirmation(c, _sign(seat, hasher.hash(c)), canary);
    }

    function _outcome(uint16[] memory recipients, uint16[] memory dealers) internal pure returns (Outcome memory o) {
        (o.recipients, o.dealers) = (recipients, dealers);
        (o.derivePublicKey, o.unsealPublicKey) = (_point(100), _point(101));
        for (uint256 i = 0; i < recipients.length; ++i) {
            o.verificationShares = bytes.concat(o.verificationShares, _point(200 + i), _point(300 + i));
        }
    }

    function _transcript(bytes32 session, Outcome memory o) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(session, o.recipients, o.dealers, o.verificationShares, o.derivePublicKey, o.unsealPublicKey)
        );
    }

    function _postAllKeys(bytes32 session) internal {
        for (uint16 seat = 1; seat <= N; ++seat) {
            _postKey(session, seat);
        }
    }

    function _postAllDealings(bytes32 session) internal {
        for (uint16 seat = 1; seat <= N; ++seat) {
            _postDealing(session, seat);
        }
    }

    /// @dev From nothing to epoch 1 with all five seats.
    function _genesis() internal returns (bytes32 session) {
        session = _open();
        _postAllKeys(session);
        _postAllDealings(session);
        Outcome memory o = _outcome(_seats(N), _seats(N));
        for (uint16 seat = 1; seat <= N; ++seat) {
            _postConfirmation(session, seat, _transcript(session, o));
        }
        committee.activateEpoch(o);
    }

    /* ISSUANCES */

    function _issuance(uint256 nonce) internal view returns (Issuance memory i) {
        (i.keysetId,,,,,) = committee.keyset();
        i.epoch = committee.activeEpoch();
        i.reportData = [bytes32(bytes16("quorate/v1/issue")), keccak256(abi.encode("report", nonce))];
        i.releaseAt = 1;
        i.anchor = Anchor(uint64(block.number - 1), blockhash(block.number - 1));
        i.sessionKey = address(uint160(uint256(keccak256(abi.encode("session key", nonce)))));
        i.evidenceHash = keccak256(abi.encode("evidence", nonce));
        i.attested.boot.appId = appId;
        i.attested.boot.composeHash = COMPOSE;
        i.attested.boot.instanceId = address(uint160(uint256(keccak256(abi.encode("instance", nonce)))));
        i.attested.boot.deviceId = DEVICE;
        i.attested.boot.mrAggregated = keccak256("aggregated");
        i.attested.boot.mrSystem = keccak256("system");
        i.attested.boot.osImageHash = OS_IMAGE;
        i.attested.boot.tcbStatus = "UpToDate";
        i.attested.root = _root(0);
        i.attested.vendor = _vendor(0);
        i.attested.tcbEvaluationDataNumber = 17;
        i.inputs = new Input[](1);
        i.inputs[0] = Input(1, 1, 0, 1, 0, 0);
    }

    function _authorize(Issuance memory i, uint16[] memory seats) internal view returns (SeatSignature[] memory s) {
        bytes32 digest = issuanceLog.issuanceDigest(i);
        s = new SeatSignature[](seats.length);
        for (uint256 k = 0; k < seats.length; ++k) {
            s[k] = _seatSignature(seats[k], digest);
        }
    }

    function _seatSignature(uint16 seat, bytes32 digest) internal pure returns (SeatSignature memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(_key(seat), digest);
        return SeatSignature(seat, r, vs);
    }

    function _one(Issuance memory i, SeatSignature[] memory s)
        internal
        pure
        returns (Issuance[] memory issuances, SeatSignature[][] memory signatures)
    {
        (issuances, signatures) = (new Issuance[](1), new SeatSignature[][](1));
        (issuances[0], signatures[0]) = (i, s);
    }

    function _record(Issuance memory i) internal returns (bytes32) {
        return _recordSigned(i, _authorize(i, _seats(T)));
    }

    function _recordSigned(Issuance memory i, SeatSignature[] memory s) internal returns (bytes32) {
        (Issuance[] memory issuances, SeatSignature[][] memory signatures) = _one(i, s);
        issuanceLog.record(issuances, signatures);
        return issuanceLog.issuanceIdOf(i.reportData);
    }
}
