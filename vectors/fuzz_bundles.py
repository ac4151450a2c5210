#!/usr/bin/env python3
"""Changes bundles by their structure and compares what `quorate verify bundle` says of each with what verify.py says: the same word.

usage: fuzz_bundles.py QUORATE [COUNT [SEED]]      the same COUNT changes for one SEED; exits 1 if a word differs.
"""

import collections
import copy
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import verify

FOLDER = Path(__file__).resolve().parent / "bundle"
STARTS = [
    "issuance", "issuance", "issuance", "revocation", "revoked-AdvisoryDenied", "revoked-DeviceRevoked",
    "revoked-SeatSuspended",
]
NUMBERS = [0, 1, 255, 256, 65_535, 65_536, (1 << 32) - 1, 1 << 32, (1 << 64) - 1, 1 << 64, 1 << 256, -1]
RAW = ["-0", "1.0", "1e3", "1E400", "01", "NaN", "-Infinity", "9" * 90, '"\\ud800"', '"\\u0000"', '"\\u00e9"', "'x'", ""]


class Change:
    """One bundle, changed once or twice; `raw` holds JSON texts that no value is written as."""

    def __init__(self, chance, bundle):
        self.chance, self.bundle, self.raw = chance, bundle, []

    def pick(self):
        """A place, each kind of place with the same chance, however often it is there: its parent and key."""
        kinds = collections.defaultdict(list)

        def walk(value, kind):
            pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            for key, inner in pairs:
                inner_kind = (*kind, key if isinstance(value, dict) else "[]")
                kinds[inner_kind].append((value, key))
                walk(inner, inner_kind)

        walk(self.bundle, ())
        return self.chance.choice(kinds[self.chance.choice(sorted(kinds))])

    def as_raw(self, text):
        self.raw.append(text)
        return f"@@{len(self.raw) - 1}@@"

    def make(self):
        parent, key = self.pick()
        value = parent[key]
        ways = [self.any_value, self.remove, self.twice, self.another]
        ways += [self.of_text] * 6 if isinstance(value, str) else []
        ways += [self.of_number] * 4 if isinstance(value, int) else []
        ways += [self.of_list] * 4 if isinstance(value, list) else []
        ways += [self.of_struct] * 4 if isinstance(value, dict) else []
        self.chance.choice(ways)(parent, key)

    def any_value(self, parent, key):
        value = self.chance.choice([None, True, False, {}, [], "", "0x", "\u00e9", 1.5, [copy.deepcopy(parent[key])], *NUMBERS])
        parent[key] = self.as_raw(self.chance.choice(RAW)) if self.chance.random() < 0.3 else value

    def remove(self, parent, key):
        del parent[key]

    def twice(self, parent, key):
        """A doubled key, or an item that is there twice."""
        if isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            text = json.dumps(parent[key], separators=(",", ":"))
            parent[key] = self.as_raw(f'{text},{json.dumps(key)}:{text}')

    def another(self, parent, key):
        """What stands elsewhere in the bundle."""
        other, other_key = self.pick()
        value = copy.deepcopy(other[other_key])
        parent[key] = value

    def of_text(self, parent, key):
        text = parent[key]
        at = self.chance.randrange(len(text) + 1)
        flipped = format(int(text[at - 1], 16) ^ 1, "x") if text[at - 1 : at] in list("0123456789abcdef") else "1"
        listed = list(bytes.fromhex(text[2:])) if text.startswith("0x") and len(text) % 2 == 0 else [text]
        parent[key] = self.chance.choice([
            text.upper(), text[2:], "0X" + text[2:], "0x0" + text[2:], "0x00" + text[2:], text + "00", text + "0", text[:-1],
            text[:-2], text[:at] + flipped + text[at + 1 :], text[: at - 1] + flipped + text[at:], text + " ", " " + text,
            text[:at] + "_" + text[at:], text[:at] + "g" + text[at:], text + "\u0660", "0x" + text[2:].rjust(64, "0"), listed,
            "0x" + text[2:].ljust(64, "0"), str(int(text, 16)) if text.startswith("0x") and len(text) < 67 and text != "0x" else "7",
        ])

    def of_number(self, parent, key):
        number = parent[key]
        parent[key] = self.chance.choice([
            number + 1, number - 1, str(number), hex(number), bool(number), float(number), [number], *NUMBERS,
            self.as_raw(f"{number}.0"), self.as_raw(f"-{number}"), self.as_raw(f"0{number}"), self.as_raw(f"{number}e0"),
        ])

    def of_list(self, parent, key):
        found = parent[key]
        if not found:
            found.append(self.chance.choice([{}, "0x", 0, []]))
            return
        at, other = self.chance.randrange(len(found)), self.chance.randrange(len(found))
        way = self.chance.randrange(5)
        if way == 0:
            found[at], found[other] = found[other], found[at]
        elif way == 1:
            del found[at]
        elif way == 2:
            found.insert(at, copy.deepcopy(found[other]))
        elif way == 3:
            del found[at:]
        else:
            parent[key] = {str(place): item for place, item in enumerate(found)}

    def of_struct(self, parent, key):
        found = parent[key]
        way = self.chance.randrange(4)
        if way == 0:
            parent[key] = list(found.values())
        elif way == 1:
            parent[key] = dict(self.chance.sample(sorted(found.items()), len(found)))
        elif way == 2:
            parent[key] = {**found, "note": self.chance.choice([1, "0x", None, self.as_raw('1,"note":2')])}
        else:
            parent[key] = list(found.values())[: self.chance.randrange(len(found) + 1)]

    def text(self):
        text = json.dumps(self.bundle, separators=(",", ":"), ensure_ascii=False) + "\n"
        for place, raw in enumerate(self.raw):
            text = text.replace(f'"@@{place}@@"', raw)
        if self.chance.random() < 0.05:
            at = self.chance.randrange(len(text))
            text = self.chance.choice([
                text[:-1], text + "\n", text + "x", "\ufeff" + text, text[:-1] + "\r\n", text[:at], text[:at] + " " + text[at:],
                text[:at] + "\0" + text[at:], " " + text, text[:at] + text[at + 1 :],
            ])
        return text


def ours(text, trusted):
    try:
        verify.judge_bundle(text, trusted)
        return "ok"
    except verify.Refused as refused:
        return str(refused)
    except Exception as error:  # whatever else it says is none of the words
        return f"{type(error).__name__}: {error}"


def theirs(quorate, file, trusted):
    words = [quorate, "verify", "bundle", file, "--block", trusted["block"], "--network", trusted["network"], "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    try:
        return json.loads(done.stdout)["verdict"]
    except ValueError:
        return f"exit {done.returncode}: {done.stderr}"


def main(quorate, count="500", seed="1"):
    starts = {}
    for name in set(STARTS):
        case = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        starts[name] = (json.loads((FOLDER / case["bundle"]).read_text(encoding="utf-8")), case["trusted"])
    words, differ = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "changed.bundle")
        for turn in range(int(count)):
            chance = random.Random(f"{seed}/{turn}")
            bundle, trusted = starts[chance.choice(STARTS)]
            change = Change(chance, copy.deepcopy(bundle))
            for _ in range(chance.choice([1, 1, 1, 2])):
                change.make()
            text = change.text()
            Path(file).write_bytes(text.encode())
            one, other = ours(text, trusted), theirs(quorate, file, trusted)
            words[other] += 1
            if one != other:
                differ += 1
                kept = Path(tempfile.gettempdir()) / f"bundle-{seed}-{turn}"
                kept.write_bytes(text.encode())
                print(f"{seed}/{turn}: verify.py says {one}, quorate says {other}: {kept}")
    print(", ".join(f"{count} {word}" for word, count in words.most_common()))
    print(f"{sum(words.values())} changes, {differ} judged otherwise")
    return 0 if words and not differ else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
