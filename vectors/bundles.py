"""Judges an evidence bundle (docs/spec/bundle.md) as crate `bundle` does, in the same order and by the same names.

Left out: the quote's certificate chain and collateral, so whether a machine is genuine, its TCB, device and vendor; gas; and what
evm.py leaves out, which no contract of ours uses: a view that does is judged `left-out`.
"""

import functools
import hashlib
import json

import bundle_text
from evm import Evm, Halt, LeftOut, Revert

LEFT_OUT = (
    "left out: the quote's certificate chain and its collateral, so whether the machine is genuine, its TCB, device and vendor; "
    "gas; of a policy that is not ours: precompiles, block hashes, blobs, CALLCODE, calls deeper than 64"
)
# Every revocation: types of its arguments and how many are indexed, whose event it has to be, which later events undo it (where
# these arguments are the same; or where this one is not zero). STANDS says by which view it stands.
REVOCATIONS = {
    "ComposeHashRevoked": ("address bytes32 uint8 uint64", 2, "policy",
        [("ComposeHashApproved(address,bytes32,uint64,string,uint64)", [1], None)]),
    "DeviceRevoked": ("address bytes32 uint8 uint64", 2, "policy",
        [("DeviceApproved(address,bytes32,uint64,uint64)", [1], None), ("AnyDeviceSet(address,uint64,uint64)", [], 1)]),
    "MeasurementRevoked": ("address bytes32 uint8 uint64", 2, "policy",
        [("MeasurementApproved(address,bytes32,uint64,uint64)", [1], None),
         ("AnyMeasurementSet(address,uint64,uint64)", [], 1)]),
    "InstanceRevoked": ("address address uint8 uint64", 2, "policy",
        [("InstanceApproved(address,address,uint64,uint64)", [1], None), ("AnyInstanceSet(address,uint64,uint64)", [], 1)]),
    "MemberRemovalCancelled": ("address address uint8 uint64", 2, "policy",
        [("MemberRemoved(address,address,uint64,uint64)", [1], None)]),
    "LicenseCut": ("address uint64 uint8 uint64", 1, "policy",
        [("LicenseExtended(address,uint64,uint64,uint64)", [], None)]),
    "HoldingDropped": ("address address uint8 uint64", 2, "policy", []),
    "AppFrozen": ("address uint8 uint64", 1, "app registry", [("AppThawed(address,uint64,uint64)", [0], None)]),
    "VendorRemoved": ("address bytes32 uint8 uint64", 2, "app registry",
        [("VendorAccepted(address,bytes32,uint64,uint64)", [0, 1], None)]),
    "KeyVersionDelisted": ("address uint32 uint8 uint64", 2, "app registry", []),
    "PolicyChangeCancelled": ("address address uint8 uint64", 2, "app registry",
        [("PolicySet(address,address,bool,uint64,uint64)", [0, 1], None)]),
    "AppMoveCancelled": ("address address uint8 uint64", 2, "app registry",
        [("AppMoved(address,address,uint64,uint64)", [0, 1], None)]),
    "RootClosed": ("bytes32 uint8 uint64", 1, "attestation registry",
        [("RootOpened(bytes32,bytes32,uint8,(uint32,uint64,uint64,uint32,uint16),uint64)", [0], None)]),
    "OsImageRevoked": ("bytes32 uint8 uint64", 1, "attestation registry",
        [("OsImageApproved(bytes32,string,uint64)", [0], None)]),
    "AdvisoryDenied": ("bytes32 string uint64", 1, "attestation registry",
        [("AdvisoryAccepted(bytes32,string,uint64)", [0, 1], None)]),
    "SeatSuspended": ("uint16 uint8 uint64", 1, "committee", [("SeatUnsuspended(uint16,uint64)", [0], None)]),
    "SeatRemoved": ("uint16 uint8 uint64", 1, "committee", []),
    "NodeCodeRevoked": ("bytes32 bytes32 uint8 uint64", 2, "committee",
        [("NodeCodeApproved(bytes32,bytes32,string,uint64)", [0, 1], None)]),
    "ContractsChangeCancelled": ("address address uint8 uint64", 2, "committee",
        [("ContractsSet(address,address,uint64,uint64)", [0, 1], None)]),
}
# Fields of a header, the last eight as forks brought them: bytes, none where any number will do; and whether it is a number.
HASH, BYTES_8, ANY, U64 = (32, False), (8, False), (None, False), (8, True)
HEADER = [
    HASH, HASH, (20, False), HASH, HASH, HASH, (256, False), (32, True), U64, U64, U64, U64, ANY, HASH, BYTES_8,
    U64, HASH, U64, U64, HASH, HASH, HASH, U64,
]
# Words of what appInfo() and seat() answer, after the offset of the struct.
POLICY, IS_FROZEN, IS_FOREIGN, THAWS_AT, PENDING_POLICY, MOVED_TO = 1, 6, 8, 9, 10, 14
IS_SUSPENDED, IS_REMOVED = 3, 4
ZERO_LEAF = b"\x80"
LOW_192 = (1 << 192) - 1


class Judge:
    """Everything needs keccak, EIP-712, the curve and the error from verify.py, which hands itself in."""

    def __init__(self, lib):
        self.lib, self.require, self.keccak = lib, lib.require, remembered(lib.keccak256)
        self.empty_root, self.no_code = self.keccak(b"\x80"), self.keccak(b"")

    def refuse(self, code):
        raise self.lib.Refused(code)

    def verify(self, text, trusted):
        bundle = bundle_text.parse(text, self.refuse)
        network = bundle["network"]
        self.chain_id, committee = network["chainId"], unhex(network["kmsCommittee"])
        name = self.lib.enc(
            "quorate/v1/network", self.lib.u64(self.chain_id), unhex(network["genesisHash"]), committee
        )
        self.require(self.keccak(name) == unhex(trusted["network"]), "other-network")
        first, last = self.link(bundle["headers"], unhex(trusted["block"]))
        contract, topics, data = self.logged(bundle, first)
        kind, seq, arguments = self.event(topics, data)
        codes, used = self.codes(bundle["codes"]), set()
        at_event = self.prove(bundle["atEvent"], first, codes, used)
        at_block = self.prove(bundle["atBlock"], last, codes, used)
        self.require(used == set(codes), "surplus")
        self.committee = committee
        if kind == "KeyIssued":
            self.require(self.ask_address(at_event, committee, "issuanceLog()") == contract, "other-log")
        else:
            for state in (at_event, at_block):
                self.is_whose(REVOCATIONS[kind][2], contract, arguments, state)
        self.trail(bundle["trail"], contract, topics[0], arguments, seq, at_block)
        if kind == "KeyIssued":
            self.require("issuance" in bundle, "statement-missing")
            self.issuance(bundle["issuance"], contract, topics, data, first, at_event, trusted)
        else:
            self.require("issuance" not in bundle, "statement-surplus")
            self.revocation(bundle["trail"]["later"], kind, contract, arguments, at_event, at_block)

    # --- headers, receipt, event ---

    def link(self, headers, trusted):
        first, last = None, None
        for text in headers:
            header = self.header(unhex(text))
            if first is None:
                first = header
            else:
                self.require(header["parent"] == last["hash"], "header-not-linked")
                self.require(header["number"] == last["number"] + 1, "header-not-linked")
            last = header
        self.require(last is not None and last["hash"] == trusted, "other-block")
        return first, last

    def header(self, data):
        try:
            fields = rlp(data)
            if not isinstance(fields, list) or not 15 <= len(fields) <= len(HEADER):
                raise ValueError
            for field, (size, is_number) in zip(fields, HEADER):
                if isinstance(field, list) or (len(field) > size if is_number else len(field) != (size or len(field))):
                    raise ValueError
                if is_number:
                    quantity(field)
            numbers = [quantity(fields[at]) for at in (7, 8, 9, 10, 11)]
            base_fee = quantity(fields[15]) if len(fields) > 15 else 0
        except ValueError:
            self.refuse("header-malformed")
        _, number_, gas_limit, _, time = numbers
        return {
            "hash": self.keccak(data),
            "parent": fields[0],
            "beneficiary": int.from_bytes(fields[2], "big"),
            "state": fields[3],
            "receipts": fields[5],
            "number": number_,
            "gas_limit": gas_limit,
            "time": time,
            "randao": int.from_bytes(fields[13], "big"),
            "base_fee": base_fee,
        }

    def logged(self, bundle, header):
        receipt = bundle["receipt"]
        data = unhex(receipt["bytes"])
        path = nibbles(encode_rlp(minimal(receipt["index"])))
        try:
            proven = self.walk(header["receipts"], path, list(map(unhex, receipt["nodes"])))
        except ValueError:
            proven = None
        self.require(proven == data, "receipt-not-proven")
        try:
            fields = rlp(data if data[0] >= 0xC0 else data[1:])
            status, _, _, logs = fields
            logs = [(log[0], log[1], log[2]) for log in logs]
        except (ValueError, IndexError):
            self.refuse("receipt-malformed")
        self.require(status == b"\x01", "reverted")
        self.require(bundle["log"] < len(logs), "no-such-log")
        return logs[bundle["log"]]

    def event(self, topics, data):
        issued = self.topic("KeyIssued(address,bytes32,bytes32,uint8,bytes32,uint32,uint64,bytes32,bytes32,address,uint64,uint64)")
        if topics and topics[0] == issued and len(topics) == 4 and len(data) == 9 * 32:
            return "KeyIssued", number_of(data[-32:]), b"".join(topics[1:]) + data
        for name, (types, indexed, _, _) in REVOCATIONS.items():
            if topics and topics[0] == self.topic(f"{name}({types.replace(' ', ',')})"):
                arguments = self.arguments(types.split(), indexed, topics, data)
                return name, number_of(at(arguments, len(types.split()) - 1)), arguments
        self.refuse("other-event")

    def arguments(self, types, indexed, topics, data):
        """abi.encode of all arguments in declared order, of a log that has as many words as its event, each of its type."""
        heads = 32 * (len(types) - indexed)
        self.require(len(topics) == indexed + 1 and len(data) >= heads, "other-event")
        words = [*topics[1:], *(data[at : at + 32] for at in range(0, heads, 32))]
        if "string" in types:
            # Its place is counted from the first head: in the log they are fewer.
            place = types.index("string")
            self.require(number_of(words[place]) == heads, "other-event")
            words[place] = word(32 * len(types))
        arguments = b"".join(words) + data[heads:]
        for place, kind in enumerate(types):
            size = {"bytes32": 32, "address": 20}.get(kind, 8)
            if kind == "string":
                text = text_of(arguments, place)
                self.require(text is not None and is_utf8(text), "other-event")
            else:
                self.require(not any(words[place][: 32 - size]), "other-event")
        self.require("string" in types or len(data) == heads, "other-event")
        return arguments

    def topic(self, signature):
        return self.keccak(signature.encode())

    # --- state ---

    def codes(self, codes):
        hashed = [(self.keccak(unhex(code)), unhex(code)) for code in codes]
        hashes = [name for name, _ in hashed]
        self.require(all(a < b for a, b in zip(hashes, hashes[1:])), "surplus")
        return dict(hashed)

    def prove(self, accounts, header, codes, used):
        state = State(self, header, codes)
        addresses = [unhex(account["address"]) for account in accounts]
        for address_, account in zip(addresses, accounts):
            if state.accounts and address_ <= max(state.accounts):
                self.refuse("surplus")
            slots = [int(slot["slot"], 16) for slot in account["slots"]]
            self.require(all(a < b for a, b in zip(slots, slots[1:])), "surplus")
            self.account(state, address_, account)
            found = state.accounts[address_]
            if found["code"] in codes and found["code"] != self.no_code:
                used.add(found["code"])
        return state

    def account(self, state, address_, account):
        code, storage = unhex(account["codeHash"]), unhex(account["storageHash"])
        balance, nonce = int(account["balance"], 16), account["nonce"]
        if (balance, nonce, code, storage) == (0, 0, bytes(32), bytes(32)):
            code, storage = self.no_code, self.empty_root
        leaf = encode_rlp([minimal(nonce), minimal(balance), storage, code])
        is_absent = (balance, nonce, code, storage) == (0, 0, self.no_code, self.empty_root)
        found = self.look(state.header["state"], address_, account["nodes"])
        self.require(found == leaf or (is_absent and found is None), "fact-forged")
        slots = {}
        for slot in account["slots"]:
            key, value = int(slot["slot"], 16), int(slot["value"], 16)
            found = self.look(storage, key.to_bytes(32, "big"), slot["nodes"])
            expected = (None, ZERO_LEAF) if value == 0 else (encode_rlp(minimal(value)),)
            self.require(found in expected, "fact-forged")
            slots[key] = value
        hash_ = 0 if is_absent else int.from_bytes(code, "big")
        state.accounts[address_] = {
            "balance": balance, "hash": hash_, "code": code, "storage": storage, "slots": slots,
        }

    def look(self, root, key, nodes):
        nodes = list(map(unhex, nodes))
        self.require(len(nodes) <= 65 and all(len(node) <= 1024 for node in nodes), "fact-forged")
        try:
            return self.walk(root, nibbles(self.keccak(key)), nodes)
        except ValueError:
            self.refuse("fact-forged")

    def walk(self, root, path, nodes):
        """The value under `path`, None if it is proven absent. ValueError if the nodes are too few, too many or others."""
        if not nodes or nodes[0] == b"\x80":
            if root != self.empty_root or len(nodes) > 1:
                raise ValueError
            return None
        expected, at, answer = root, 0, ...
        for node in nodes:
            if answer is not ... or self.keccak(node) != expected:
                raise ValueError
            item = rlp(node)
            expected = None
            while expected is None and answer is ...:
                if len(item) == 17:
                    if at == len(path):
                        answer = item[16] or None
                        break
                    child = item[path[at]]
                    at += 1
                elif len(item) == 2:
                    key, is_leaf = hex_prefix(item[0])
                    if is_leaf:
                        answer = item[1] if key == path[at:] else None
                        break
                    if path[at : at + len(key)] != key:
                        answer = None
                        break
                    at += len(key)
                    child = item[1]
                else:
                    raise ValueError
                if child == b"":
                    answer = None
                elif isinstance(child, list):
                    item = child
                else:
                    expected = child
        if answer is ...:
            raise ValueError
        return answer

    # --- views ---

    def ask(self, state, to, signature, *arguments):
        data = self.keccak(signature.encode())[:4] + abi_encode(arguments)
        header = state.header
        evm = Evm(state, header, self.chain_id, self.keccak)
        try:
            answer = evm.view(to, data)
        except LeftOut:
            self.refuse("left-out")
        except (Halt, Revert):
            self.refuse("no-answer")
        self.require(len(answer) >= 32, "no-answer")
        return [answer[at : at + 32] for at in range(0, len(answer) - 31, 32)]

    def ask_address(self, *question):
        return self.ask(*question)[0][12:]

    def trail(self, trail, contract, topic, arguments, seq, at_block):
        head = int.from_bytes(unhex(trail["before"]), "big")
        first = int.from_bytes(self.keccak(word(self.chain_id) + contract.rjust(32, b"\0")), "big") & LOW_192
        self.require(seq != 0 and (seq != 1 or head == first), "trail-mismatch")
        leaves = [self.leaf(topic, self.keccak(arguments))]
        for step in trail["later"]:
            if "leaf" in step:
                leaves.append(unhex(step["leaf"]))
            elif "named" in step:
                leaves.append(self.leaf(unhex(step["named"]["topic"]), unhex(step["named"]["argumentsHash"])))
            else:
                arguments_hash = self.keccak(unhex(step["event"]["arguments"]))
                leaves.append(self.leaf(unhex(step["event"]["topic"]), arguments_hash))
        for offset, leaf in enumerate(leaves):
            head = int.from_bytes(self.keccak(word(head) + word(seq + offset) + leaf), "big") & LOW_192
        proven = self.ask(at_block, contract, "trail()")
        self.require([number_of(found) for found in proven[:2]] == [seq + len(leaves) - 1, head], "trail-mismatch")

    def leaf(self, topic, arguments_hash):
        return self.keccak(topic + arguments_hash)

    # --- an issuance ---

    ATTESTED = (
        "Attested(AppBootInfo boot,bytes32 root,bytes32 vendor,uint32 tcbEvaluationDataNumber)"
        "AppBootInfo(address appId,bytes32 composeHash,address instanceId,bytes32 deviceId,bytes32 mrAggregated,"
        "bytes32 mrSystem,bytes32 osImageHash,string tcbStatus,string[] advisoryIds)"
    )
    INPUT = (
        "Input(uint8 kind,uint8 scopeKind,bytes32 scopeValue,uint32 keyVersion,bytes32 secretId,bytes32 ciphertextHash)"
    )
    ISSUANCE = (
        "Issuance(bytes32 keysetId,uint64 epoch,bytes32[2] reportData,uint8 releaseAt,Anchor anchor,address sessionKey,"
        "bytes32 evidenceHash,Attested attested,Input[] inputs)Anchor(uint64 number,bytes32 hash)"
    )

    def types(self):
        return self.lib.eip712_types(self.ISSUANCE + self.ATTESTED + self.INPUT)[0]

    def statement_hash(self, statement):
        return self.lib.eip712_struct_hash(self.types(), "Issuance", statement)

    def issuance(self, proof, contract, topics, data, header, state, trusted):
        statement, words = proof["statement"], [*topics[1:], *(data[at : at + 32] for at in range(0, len(data), 32))]
        app, issuance_id, compose, kind, input_, version, epoch, root, evidence_hash, session, anchor, _ = words
        boot = statement["attested"]["boot"]
        own_id = self.keccak(
            word(self.chain_id) + contract.rjust(32, b"\0") + b"".join(map(unhex, statement["reportData"]))
        )
        inputs = [found for found in statement["inputs"] if self.input_hash(found) == input_]
        is_input = bool(inputs) and (inputs[0]["kind"], inputs[0]["keyVersion"]) == (number_of(kind), number_of(version))
        for holds in (
            own_id == issuance_id,
            padded(boot["appId"]) == app,
            unhex(boot["composeHash"]) == compose,
            is_input and len(statement["inputs"]) <= 8,
            statement["epoch"] == number_of(epoch),
            unhex(statement["attested"]["root"]) == root,
            unhex(statement["evidenceHash"]) == evidence_hash,
            padded(statement["sessionKey"]) == session,
            statement["anchor"]["number"] == number_of(anchor),
        ):
            self.require(holds, "statement-mismatch")
        recorded = self.ask(state, contract, "recorded(bytes32)", issuance_id)
        self.require(number_of(recorded[0]) == header["number"], "not-recorded")
        self.signatures(proof, contract, state)
        self.evidence(proof, evidence_hash, root, trusted)
        self.allowed(state, contract, statement["attested"])

    def input_hash(self, found):
        return self.lib.eip712_struct_hash(self.types(), "Input", found)

    def signatures(self, proof, contract, state):
        seats = [signature["seat"] for signature in proof["signatures"]]
        self.require(all(a < b for a, b in zip(seats, seats[1:])) and len(seats) <= 128, "seats-not-ascending")
        epoch = proof["statement"]["epoch"]
        found = self.ask(state, self.committee, "signersOf(uint64,uint16[])", word(epoch), [word(seat) for seat in seats])
        threshold, signers = number_of(found[0]), [entry[12:] for entry in found[3:]]
        self.require(threshold and len(seats) >= threshold, "below-threshold")
        domain = {
            "name": "Quorate IssuanceLog", "version": "1", "chainId": self.chain_id,
            "verifyingContract": "0x" + contract.hex(),
        }
        types, name = self.lib.eip712_types(self.lib.DOMAIN)
        separator = self.lib.eip712_struct_hash(types, name, domain)
        digest = self.keccak(b"\x19\x01" + separator + self.statement_hash(proof["statement"]))
        for signature, signer in zip(proof["signatures"], signers):
            made = self.recover(digest, unhex(signature["r"]), unhex(signature["vs"]))
            self.require(made is not None and any(signer) and made == signer, "signature-invalid")

    def recover(self, digest, r, vs):
        lib = self.lib
        r, vs = int.from_bytes(r, "big"), int.from_bytes(vs, "big")
        parity, s = vs >> 255, vs % (1 << 255)
        if not 0 < r < lib.N or not 0 < s <= lib.N // 2:
            return None
        y_squared = (pow(r, 3, lib.P) + 7) % lib.P
        y = pow(y_squared, (lib.P + 1) // 4, lib.P)
        if y * y % lib.P != y_squared:
            return None
        point = (r, y if y & 1 == parity else lib.P - y)
        inverse = pow(r, -1, lib.N)
        hashed = int.from_bytes(digest, "big")
        key = lib.lincomb([(s * inverse % lib.N, point), (-hashed * inverse % lib.N, lib.G)])
        if key is lib.IDENTITY:
            return None
        return self.keccak(key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big"))[12:]

    def evidence(self, proof, evidence_hash, root, trusted):
        """The quote's own fields and the event log; not who vouches for them."""
        data, statement = unhex(proof["evidence"]), proof["statement"]
        try:
            reader = self.lib.Reader(data)
            reader.label("quorate/v1/evidence")
            quote, log, _ = reader.field(), reader.field(), reader.field()
            reader.finish()
        except self.lib.Refused:
            self.refuse("evidence-refused")
        self.require(self.keccak(data) == evidence_hash, "other-evidence")
        if "root" in trusted:
            self.require(unhex(trusted["root"]) == root, "other-root")
        self.require(len(quote) > 632, "evidence-refused")
        body = quote[48:632]
        mrtd, configured = body[136:184], [body[at : at + 48] for at in (184, 232, 280)]
        rtmr = [body[at : at + 48] for at in (328, 376, 424, 472)]
        report_data = body[520:584]
        self.require(report_data[:16] == b"quorate/v1/issue", "other-enclave")
        self.require(report_data == b"".join(map(unhex, statement["reportData"])), "other-enclave")
        events = self.replay(log, rtmr)
        boot, (rtmr0, rtmr1, rtmr2, _) = statement["attested"]["boot"], rtmr
        provider = events["key-provider"]
        provider = hashlib.sha256(provider).digest() if provider else bytes(32)
        aggregated = mrtd + b"".join(rtmr)
        if any(any(register) for register in configured):
            aggregated += b"".join(configured)
        app, compose = events["app-id"], events["compose-hash"]
        self.require(app == compose[:20] or app == unhex(boot["appId"]), "other-enclave")
        for name, actual in (
            ("composeHash", compose),
            ("instanceId", events["instance-id"].rjust(20, b"\0")),
            ("mrSystem", hashlib.sha256(mrtd + rtmr0 + rtmr1 + rtmr2 + provider).digest()),
            ("mrAggregated", hashlib.sha256(aggregated).digest()),
            ("osImageHash", hashlib.sha256(mrtd + rtmr1 + rtmr2).digest()),
        ):
            self.require(unhex(boot[name]) == actual, "other-enclave")

    def replay(self, log, rtmr):
        registers, events = [bytes(48)] * 4, {}
        try:
            for entry in json.loads(log):
                digest = bytes.fromhex(entry.get("digest") or "")
                if entry["event_type"] == 0x08000001:
                    name, payload = entry["event"], bytes.fromhex(entry["event_payload"])
                    if entry.get("version", 1) == 2:
                        preimage = json.dumps({"name": name, "payload": payload.hex(), "type": 0x08000001}, separators=(",", ":"))
                        made = hashlib.sha384(preimage.encode()).digest()
                    else:
                        made = hashlib.sha384(b"\x01\x00\x00\x08:" + name.encode() + b":" + payload).digest()
                    self.require(digest in (b"", made) and entry["imr"] == 3 and ":" not in name, "evidence-refused")
                    self.require(name not in events or "system-ready" in events, "evidence-refused")
                    events.setdefault(name, payload)
                    digest = made
                else:
                    self.require(entry["imr"] != 3 and len(digest) == 48, "evidence-refused")
                at = entry["imr"]
                registers[at] = hashlib.sha384(registers[at] + digest).digest()
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            self.refuse("evidence-refused")
        for at, (made, quoted) in enumerate(zip(registers, rtmr)):
            self.require(made == quoted or (at < 3 and not any(made)), "evidence-refused")
        needed = ("app-id", "compose-hash", "instance-id", "key-provider", "system-ready")
        self.require(all(name in events for name in needed), "evidence-refused")
        return events

    def allowed(self, state, contract, attested):
        boot = attested["boot"]
        registry = self.ask_address(state, self.committee, "registryOf(address)", padded(boot["appId"]))
        signature = (
            "isAllowed(((address,bytes32,address,bytes32,bytes32,bytes32,bytes32,string,string[]),bytes32,bytes32,uint32))"
        )
        fields = (
            padded(boot["appId"]), unhex(boot["composeHash"]), padded(boot["instanceId"]), unhex(boot["deviceId"]),
            unhex(boot["mrAggregated"]), unhex(boot["mrSystem"]), unhex(boot["osImageHash"]),
            boot["tcbStatus"], list(boot["advisoryIds"]),
        )
        question = (fields, unhex(attested["root"]), unhex(attested["vendor"]), word(attested["tcbEvaluationDataNumber"]))
        data = self.keccak(signature.encode())[:4] + abi_encode((question,))
        evm = Evm(state, state.header, self.chain_id, self.keccak)
        try:
            answer = evm.view(registry, data, contract)
        except LeftOut:
            self.refuse("left-out")
        except (Halt, Revert):
            self.refuse("policy-denies")
        self.require(len(answer) >= 96 and number_of(answer[:32]) == 1, "policy-denies")

    # --- a revocation ---

    def is_whose(self, by, contract, arguments, state):
        """The emitter is whose event it has to be."""
        app = at(arguments, 0)
        if by == "policy":
            info = self.app(state, app)
            self.require(info[POLICY][12:] == contract, "other-policy")
            self.require(number_of(info[IS_FOREIGN]) == 0, "foreign-policy")
            return
        expected = {
            "app registry": lambda: self.ask_address(state, self.committee, "registryOf(address)", app),
            "attestation registry": lambda: self.ask_address(state, self.committee, "attestationRegistry()"),
            "committee": lambda: self.committee,
        }[by]()
        self.require(expected == contract, "other-contract")

    def app(self, state, app):
        registry = self.ask_address(state, self.committee, "registryOf(address)", app)
        info = self.ask(state, registry, "appInfo(address)", app)
        self.require(len(info) > MOVED_TO, "no-answer")
        return info

    def revocation(self, later, kind, contract, arguments, at_event, at_block):
        types, _, _, undone = REVOCATIONS[kind]
        for state in (at_event, at_block):
            self.require(self.stands(kind, contract, arguments, state), "still-listed")
        undone = {self.topic(signature): (same, set_) for signature, same, set_ in undone}
        for step in later:
            self.require("leaf" not in step, "step-hidden")
            topic = unhex((step.get("named") or step["event"])["topic"])
            if topic not in undone:
                continue
            self.require("event" in step, "step-hidden")
            same, set_ = undone[topic]
            told = unhex(step["event"]["arguments"])
            read = [text_of if types.split()[place] == "string" else at for place in same]
            is_same = all(get(told, place) == get(arguments, place) for get, place in zip(read, same))
            self.require(not (is_same and (set_ is None or any(at(told, set_)))), "approved-again")

    def stands(self, kind, contract, arguments, state):
        """Whether the contract says, in this state, what the revocation says."""
        first, second = at(arguments, 0), at(arguments, 1)

        def words(signature, *asked):
            return self.ask(state, contract, signature, *asked)

        def number_at(place, signature, *asked):
            answer = words(signature, *asked)
            self.require(len(answer) > place, "no-answer")
            return number_of(answer[place])

        any_ = "anyEffectiveAt()"
        if kind == "ComposeHashRevoked":
            return number_at(0, "composeHashEffectiveAt(bytes32)", second) == 0
        if kind == "DeviceRevoked":
            return number_at(0, "deviceEffectiveAt(bytes32)", second) == 0 and number_at(0, any_) == 0
        if kind == "MeasurementRevoked":
            return number_at(0, "measurementEffectiveAt(bytes32)", second) == 0 and number_at(1, any_) == 0
        if kind == "InstanceRevoked":
            return number_at(0, "instanceEffectiveAt(address)", second) == 0 and number_at(2, any_) == 0
        if kind == "MemberRemovalCancelled":
            return second in words("members()")[2:] and number_at(0, "removedFrom(address)", second) == 0
        if kind == "LicenseCut":
            return number_at(0, "until()") <= number_of(second) and number_at(1, "extension()") == 0
        if kind == "HoldingDropped":
            return number_at(0, "holding()") == 0
        if kind == "AppFrozen":
            info = words("appInfo(address)", first)
            return number_of(info[IS_FROZEN]) == 1 and number_of(info[THAWS_AT]) == 0
        if kind == "VendorRemoved":
            return number_at(0, "vendorEffectiveAt(address,bytes32)", first, second) == 0
        if kind == "KeyVersionDelisted":
            return number_at(0, "isKeyReadable(address,uint32)", first, second) == 0
        if kind == "PolicyChangeCancelled":
            info = words("appInfo(address)", first)
            return second not in (info[POLICY], info[PENDING_POLICY])
        if kind == "AppMoveCancelled":
            return words("appInfo(address)", first)[MOVED_TO] != second
        if kind == "RootClosed":
            return number_at(0, "isRootOpen(bytes32)", first) == 0
        if kind == "OsImageRevoked":
            return number_at(0, "isOsImageApproved(bytes32)", first) == 0
        if kind == "AdvisoryDenied":
            return text_of(arguments, 1) in self.denied(words("rootPolicy(bytes32)", first))
        if kind == "SeatSuspended":
            return number_at(IS_SUSPENDED, "seat(uint16)", first) == 1
        if kind == "SeatRemoved":
            return number_at(IS_REMOVED, "seat(uint16)", first) == 1
        if kind == "NodeCodeRevoked":
            return number_at(0, "isNodeCodeApproved(bytes32,bytes32)", first, second) == 0
        if kind == "ContractsChangeCancelled":
            now = words("contractsInForce()")
            return [first, second] not in (now[:2], now[2:4])
        raise KeyError(kind)

    def denied(self, answer):
        """The advisories that rootPolicy() answers: the last field of a struct, a list of texts."""
        try:
            data = b"".join(answer[1:])
            start = number_of(at(data, 9))
            count, texts_ = number_of(data[start : start + 32]), data[start + 32 :]
            found = []
            for place in range(count):
                begin = number_of(at(texts_, place))
                size = number_of(texts_[begin : begin + 32])
                found.append(texts_[begin + 32 : begin + 32 + size])
            return found
        except (IndexError, OverflowError):
            self.refuse("no-answer")


@functools.cache
def remembered(hash_):
    """The same nodes and code come up again and again."""
    return functools.lru_cache(maxsize=1 << 16)(hash_)


class State:
    """What is proven at one block; what is not ends the run by name."""

    def __init__(self, judge, header, codes):
        self.judge, self.header, self.codes, self.accounts = judge, header, codes, {}

    def account(self, address_):
        self.judge.require(address_ in self.accounts, "fact-missing")
        return self.accounts[address_]

    def code(self, address_):
        name = self.account(address_)["code"]
        if name == self.judge.no_code:
            return b""
        self.judge.require(name in self.codes, "fact-missing")
        return self.codes[name]

    def slot(self, address_, key):
        found = self.account(address_)
        if found["storage"] == self.judge.empty_root:
            return 0
        self.judge.require(key in found["slots"], "fact-missing")
        return found["slots"][key]


# --- encodings ---


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))


def word(value):
    return value.to_bytes(32, "big")


def padded(text):
    return unhex(text).rjust(32, b"\0")


def number_of(data):
    return int.from_bytes(data, "big")


def at(arguments, place):
    return arguments[32 * place : 32 * place + 32]


def text_of(arguments, place):
    """Text that ends the encoding, None if it is in another encoding."""
    start = number_of(at(arguments, place))
    size, content = number_of(arguments[start : start + 32]), arguments[start + 32 :]
    if len(arguments) < start + 32 or len(content) != (size + 31) // 32 * 32 or any(content[size:]):
        return None
    return content[:size]


def is_utf8(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False


def minimal(value):
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def nibbles(data):
    return [half for byte in data for half in (byte >> 4, byte & 15)]


def hex_prefix(data):
    halves = nibbles(data)
    if not halves or halves[0] > 3 or (halves[0] & 1 == 0 and halves[1] != 0):
        raise ValueError
    return halves[1 if halves[0] & 1 else 2 :], halves[0] >= 2


def quantity(data):
    if data[:1] == b"\0":
        raise ValueError
    return int.from_bytes(data, "big")


def encode_rlp(item):
    if isinstance(item, list):
        payload = b"".join(map(encode_rlp, item))
        return _length(len(payload), 0xC0) + payload
    if len(item) == 1 and item[0] < 0x80:
        return item
    return _length(len(item), 0x80) + item


def _length(size, offset):
    if size < 56:
        return bytes([offset + size])
    data = minimal(size)
    return bytes([offset + 55 + len(data)]) + data


def rlp(data):
    """Strict: one item, nothing after it, and no other encoding of it."""
    item, rest = _rlp(data)
    if rest:
        raise ValueError("bytes after the item")
    return item


def _rlp(data):
    if not data:
        raise ValueError("nothing")
    first = data[0]
    if first < 0x80:
        return data[:1], data[1:]
    is_list = first >= 0xC0
    size, start = first - (0xC0 if is_list else 0x80), 1
    if size > 55:
        start = 1 + size - 55
        length = data[1:start]
        size = int.from_bytes(length, "big")
        if length[:1] in (b"", b"\0") or size < 56:
            raise ValueError("length")
    payload, rest = data[start : start + size], data[start + size :]
    if len(payload) != size:
        raise ValueError("cut short")
    if not is_list:
        if size == 1 and payload[0] < 0x80:
            raise ValueError("not canonical")
        return payload, rest
    items = []
    while payload:
        item, payload = _rlp(payload)
        items.append(item)
    return items, rest


def abi_encode(values):
    """Words as they are; a list is an array, a tuple a struct, a str a string."""
    heads, tails = [], b""
    for value in values:
        heads.append(None if is_dynamic(value) else (value if isinstance(value, bytes) else abi_encode(value)))
    size = sum(32 if head is None else len(head) for head in heads)
    encoded = b""
    for value, head in zip(values, heads):
        if head is None:
            encoded += word(size + len(tails))
            tails += abi_tail(value)
        else:
            encoded += head
    return encoded + tails


def is_dynamic(value):
    if isinstance(value, tuple):
        return any(map(is_dynamic, value))
    return isinstance(value, (list, str))


def abi_tail(value):
    if isinstance(value, str):
        data = value.encode()
        return word(len(data)) + data + bytes(-len(data) % 32)
    if isinstance(value, list):
        return word(len(value)) + abi_encode(value)
    return abi_encode(value)
