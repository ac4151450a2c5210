"""Runs the unit tests once for every change of contracts/src that schema.py finds: one that no test notices has to be in the list.

usage: mutation.py SURVIVORS.toml
All changes are compiled in once, in a copy of the tree under target/slow, and picked by the block's coinbase. A first run of each
test file records what it comes past, so that a change is tried only on the files that it can make a difference to, those of its
own contract first. Invariants, gas and symbolic tests are left out: they would notice more, and take minutes each.
MUTANTS=N tries N of them, drawn by MUTATION_SEED (1); MUTATION_WORD limits them to changes with that word in file, function or text;
MUTATION_AGAIN=1 to those that survived the last time.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import schema

TREE = Path("target/slow/mutation/tree").resolve()
COPIED = ["contracts/src", "contracts/test", "contracts/artifacts", "contracts/tools", "script", "vectors", "foundry.toml", "network.toml"]
LEFT_OUT = ("invariant", "gas", "symbolic", "utils")
LAST = TREE.parent / "survived.json"
RECORDING = 0xFFFFF
AT_ONCE = 2
MINUTES_PER_RUN = 5


def copy():
    TREE.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        target = TREE / name
        if Path(name).is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(name, target)
        else:
            shutil.copy(name, target)
    link = TREE / "contracts/node_modules"
    if not link.exists():
        link.symlink_to(Path("contracts/node_modules").resolve())
    compiler = TREE / "contracts/tools/solc"
    compiler.rename(TREE / "contracts/tools/solc-asked")
    shutil.copy("script/slow/solc-remembered", compiler)
    config = TREE / "foundry.toml"
    config.write_text(config.read_text().replace("fs_permissions = [", 'fs_permissions = [\n  { access = "write", path = "reach" },'))
    return schema.write(TREE)


def forge(*arguments, coinbase=0, minutes=MINUTES_PER_RUN):
    with tempfile.TemporaryDirectory() as scratch:
        env = os.environ | {
            "FOUNDRY_DYNAMIC_TEST_LINKING": "true", "FOUNDRY_FUZZ_RUNS": "16", "FOUNDRY_FUZZ_SEED": "0x1", "FORGE_SNAPSHOT_CHECK": "false",
            "FOUNDRY_OUT": "out", "FOUNDRY_CACHE_PATH": "cache", "FOUNDRY_SNAPSHOTS": "snapshots", "FOUNDRY_DENY": "never",
            "FOUNDRY_CODE_SIZE_LIMIT": "1000000", "FOUNDRY_FUZZ_FAILURE_PERSIST_DIR": scratch, "FOUNDRY_TEST_FAILURES_FILE": f"{scratch}/failures",
            "FOUNDRY_BLOCK_COINBASE": f"0x{coinbase:040x}",
        }
        return subprocess.run(["nice", "-n", "10", "forge", *arguments], cwd=TREE, env=env, capture_output=True, text=True, timeout=minutes * 60)


def test(k, files, fail_fast=True):
    """Whether a test of these files fails under change k, and which."""
    command = ["test", "--match-path", "{" + ",".join(files) + "}"] + (["--fail-fast"] if fail_fast else [])
    try:
        run = forge(*command, coinbase=k)
    except subprocess.TimeoutExpired:
        return True, "took too long"
    text = run.stdout + run.stderr
    if run.returncode == 0 and "0 failed" in text:
        return False, ""
    failed = re.search(r"\[FAIL.*", text)
    if not failed:
        raise SystemExit(f"error: forge failed, and no test did: {text[-600:]}")
    return True, failed.group(0)[:140]


def test_files():
    return sorted(str(path) for path in Path("contracts/test").glob("**/*.t.sol") if path.parts[2] not in LEFT_OUT)


def recorded(files):
    """For each number the test files that come past it; and the files that must be taken to come past all.

    Recording costs gas: a test that gives a call little of it may fail. What comes after that in its file is not known.
    """
    seen, anywhere = {}, []
    reach = TREE / "reach"
    for name in files:
        shutil.rmtree(reach, ignore_errors=True)
        reach.mkdir()
        failed, _ = test(RECORDING, [name], fail_fast=False)
        if failed:
            anywhere.append(name)
        for number in reach.iterdir():
            seen.setdefault(int(number.name), []).append(name)
    return seen, anywhere


def prepared():
    """The tree with every change in, compiled and passing, and what its tests come past."""
    found = copy()
    started = time.time()
    built = forge("build", minutes=60)
    if built.returncode:
        raise SystemExit(f"error: the changes do not compile together: {built.stdout[-1500:]}{built.stderr[-1500:]}")
    files = test_files()
    failed, detail = test(0, files)
    if failed:
        raise SystemExit(f"error: the tests do not pass on the unchanged code: {detail}")
    print(f"{len(found['changes'])} changes, compiled in together; the unchanged code passes ({time.time() - started:.0f} s)", flush=True)
    seen, anywhere = recorded(files)
    print(f"{len(files)} test files recorded ({time.time() - started:.0f} s); not wholly: {' '.join(anywhere) or 'none'}", flush=True)
    for change in found["changes"]:
        change["files"] = sorted({*seen.get(change["seen_as"], []), *anywhere})
    return found, seen


def judged(change):
    """The test that notices a change, or an empty text."""
    files = change["files"]
    own = Path(change["file"]).stem
    first = [name for name in files if Path(name).parts[2] == own]
    for group in (first, [name for name in files if name not in first]):
        if group:
            failed, detail = test(change["k"], group)
            if failed:
                return detail
    return ""


def told(change):
    return f"{change['file']}:{change['line']}  {change['was']}  =>  {change['to'] or '(left out)'}"


def key_of(change):
    return change["file"], change["inside"], change["was"], change["to"]


def reasons(path):
    """How often each change may survive: the same text can stand in a function twice."""
    allowed = {}
    for entry in tomllib.loads(path.read_text()).get("survivor", []):
        if len(entry["reason"]) < 20:
            raise SystemExit(f"error: {path}: a survivor without a reason: {entry['was']}")
        key = (entry["file"], entry["inside"], entry["was"], entry["to"])
        allowed[key] = allowed.get(key, 0) + 1
    return allowed


def chosen_of(changes):
    word, count = os.environ.get("MUTATION_WORD", ""), os.environ.get("MUTANTS")
    chosen = [c for c in changes if word in " ".join(key_of(c))]
    if os.environ.get("MUTATION_AGAIN"):
        last = {tuple(key) for key in json.loads(LAST.read_text())}
        chosen = [c for c in chosen if key_of(c) in last]
    if count:
        chosen = random.Random(int(os.environ.get("MUTATION_SEED", "1"))).sample(chosen, min(int(count), len(chosen)))
    return chosen


def main():
    path = Path(sys.argv[1])
    allowed = reasons(path)
    found, seen = prepared()
    chosen = chosen_of(found["changes"])
    started, done, killed, survived = time.time(), 0, 0, []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for change, noticed in zip(chosen, pool.map(judged, chosen)):
            done += 1
            killed += bool(noticed)
            if not noticed:
                survived.append(change)
                print(f"survived  {change['k']:5d}  {told(change)}", flush=True)
            if done % 50 == 0:
                print(f"{done} of {len(chosen)}: {killed} killed ({(time.time() - started) / 60:.1f} minutes)", flush=True)
    LAST.write_text(json.dumps([key_of(change) for change in survived], indent=1))
    unlisted = []
    for change in survived:
        if allowed.get(key_of(change)):
            allowed[key_of(change)] -= 1
        else:
            unlisted.append(change)
    print(f"mutation: {done} of {len(found['changes'])} changes in {(time.time() - started) / 60:.1f} minutes: {killed} killed, "
          f"{len(survived)} survived, {len(unlisted)} of them without a reason")
    if not done:
        raise SystemExit("error: no change was tried")
    for change in unlisted:
        print(f"\n[[survivor]]\n" + "\n".join(f"{name} = {json.dumps(change[name])}" for name in ("file", "inside", "was", "to")) + '\nreason = ""')
    gone = [key for key, left in allowed.items() if left] if len(chosen) == len(found["changes"]) else []
    for key in gone:
        print("listed, but noticed by a test or gone: " + "  ".join(key))
    if unlisted or gone:
        sys.exit(1)


if __name__ == "__main__":
    main()
