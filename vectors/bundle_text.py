"""Reads the text of an evidence bundle as crate `bundle` does (docs/spec/bundle.md [BUN-1]): what it can't read is no bundle, what
it can read and would write otherwise is not canonical.

A reader of a value raises ValueError where there is none of its type, and says whether the value stands in its one form.
"""

import collections
import json
import re

MAX_BYTES, MAX_HEADERS, MAX_LATER = 4 << 20, 1024, 16_384
FORMAT = "quorate-evidence/v1"


def parse(text, refuse):
    """The bundle, or `refuse` with the name of what is wrong."""
    if len(text.encode()) > MAX_BYTES:
        refuse("too-large")
    try:
        bundle = json.loads(text, object_pairs_hook=Pairs, parse_int=integer, parse_constant=no_number)
        in_form = BUNDLE(bundle)
    except (ValueError, RecursionError):
        refuse("not-a-bundle")
    # A struct may stand as a list, its fields by their place.
    if (bundle["format"] if isinstance(bundle, dict) else bundle[0]) != FORMAT:
        refuse("unknown-format")
    if not in_form or json.dumps(bundle, separators=(",", ":"), ensure_ascii=False) + "\n" != text:
        refuse("not-canonical")
    if len(bundle["headers"]) > MAX_HEADERS or len(bundle["trail"]["later"]) > MAX_LATER:
        refuse("too-many")
    return bundle


class Pairs(dict):
    """An object, and which of its keys are doubled."""

    def __init__(self, pairs):
        super().__init__(pairs)
        times = collections.Counter(key for key, _ in pairs)
        self.doubled = {key for key, count in times.items() if count > 1}


def integer(digits):
    """Neither what is below zero nor what no type holds is a number here."""
    return float("nan") if digits.startswith("-") or len(digits) > 80 else int(digits)


def no_number(name):
    raise ValueError(name)


def text(value):
    if not isinstance(value, str):
        raise ValueError("no text")
    value.encode()  # half of a pair of surrogates is none
    return True


def number(bits):
    def read(value):
        if type(value) is not int or value >= 1 << bits:
            raise ValueError("no number of this width")
        return True

    return read


def quantity(value):
    """A number of 256 bits, in hex without leading zeros."""
    if isinstance(value, str):
        radix = {"0x": 16, "0o": 8, "0b": 2}.get(value[:2].lower(), 10)
        digits = (value if radix == 10 else value[2:]).replace("_", "")
        if not re.fullmatch("[0-9a-zA-Z]*", digits, re.ASCII):
            raise ValueError("no digits")
        found = int(digits or "0", radix) if len(digits) <= 1 << 12 else 1 << 256
        if found >= 1 << 256:
            raise ValueError("above 256 bits")
        return value == hex(found)
    number(64)(value)
    return False


def data(size=None):
    """Bytes, as many as that."""

    def read(value):
        if isinstance(value, list):
            for byte in value:
                number(8)(byte)
            length, in_form = len(value), False
        elif isinstance(value, str):
            digits = value[2:] if value[:2] in ("0x", "0X") else value
            if not re.fullmatch("([0-9a-fA-F]{2})*", digits, re.ASCII):
                raise ValueError("no hex")
            length, in_form = len(digits) // 2, value == "0x" + digits.lower()
        else:
            raise ValueError("no bytes")
        if size not in (None, length):
            raise ValueError("wrong length")
        return in_form

    return read


def many(item, count=None):
    def read(value):
        if not isinstance(value, list) or count not in (None, len(value)):
            raise ValueError("no list of this length")
        return all([item(inner) for inner in value])

    return read


def optional(inner):
    """The last field of a struct, which may be left out; null is read as that."""

    def read(value):
        return False if value is None else inner(value)

    read.is_optional = True
    return read


def struct(_ignores=False, /, **fields):
    """Fields in this order. Of a statement unknown ones are read over; of everything else they are refused."""
    least = [name for name, read in fields.items() if not hasattr(read, "is_optional")]

    def read(value):
        if isinstance(value, list):
            if not len(least) <= len(value) <= len(fields):
                raise ValueError("other fields")
            for field, inner in zip(fields.values(), value):
                field(inner)
            return False
        if not isinstance(value, dict):
            raise ValueError("no struct")
        unknown = set(value) - set(fields)
        if (unknown and not _ignores) or set(least) - set(value) or value.doubled & set(fields):
            raise ValueError("other fields")
        in_form = [field(value[name]) for name, field in fields.items() if name in value]
        return all(in_form) and list(value) == [name for name in fields if name in value]

    return read


def one_of(**variants):
    def read(value):
        if not isinstance(value, dict) or len(value) != 1 or value.doubled or not set(value) <= set(variants):
            raise ValueError("no variant")
        [(name, inner)] = value.items()
        return variants[name](inner)

    return read


hash_, address, uint64 = data(32), data(20), number(64)
NODES = many(data())
SLOT = struct(slot=quantity, value=quantity, nodes=NODES)
ACCOUNT = struct(
    address=address, balance=quantity, nonce=uint64, codeHash=hash_, storageHash=hash_, nodes=NODES, slots=many(SLOT)
)
STEP = one_of(
    leaf=hash_, named=struct(topic=hash_, argumentsHash=hash_), event=struct(topic=hash_, arguments=data())
)
BOOT = struct(
    True,
    appId=address, composeHash=hash_, instanceId=address, deviceId=hash_, mrAggregated=hash_, mrSystem=hash_,
    osImageHash=hash_, tcbStatus=text, advisoryIds=many(text),
)
ATTESTED = struct(True, boot=BOOT, root=hash_, vendor=hash_, tcbEvaluationDataNumber=number(32))
INPUT = struct(
    True,
    kind=number(8), scopeKind=number(8), scopeValue=hash_, keyVersion=number(32), secretId=hash_, ciphertextHash=hash_,
)
STATEMENT = struct(
    True,
    keysetId=hash_, epoch=uint64, reportData=many(hash_, 2), releaseAt=number(8),
    anchor=struct(True, number=uint64, hash=hash_), sessionKey=address, evidenceHash=hash_, attested=ATTESTED,
    inputs=many(INPUT),
)
ISSUANCE = struct(
    statement=STATEMENT, signatures=many(struct(True, seat=number(16), r=hash_, vs=hash_)), evidence=data()
)
BUNDLE = struct(
    format=text,
    network=struct(chainId=uint64, genesisHash=hash_, kmsCommittee=address),
    headers=many(data()),
    receipt=struct(index=uint64, bytes=data(), nodes=NODES),
    log=uint64,
    trail=struct(before=data(24), later=many(STEP)),
    atEvent=many(ACCOUNT),
    atBlock=many(ACCOUNT),
    codes=many(data()),
    issuance=optional(ISSUANCE),
)
