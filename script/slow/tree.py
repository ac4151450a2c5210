"""A copy of the tree under target/slow with every change of schema.py compiled in, and what its tests come past.

All changes are compiled in once and picked by the block's coinbase. A run of each test file records the numbers that it comes past:
which changes can make a difference to it, and which branches it takes. Invariants, gas and symbolic tests are left out: they would
notice and take more, and run for minutes each.
"""
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import schema

TREE = Path("target/slow/mutation/tree").resolve()
COPIED = ["contracts/src", "contracts/test", "contracts/artifacts", "contracts/tools", "script", "vectors", "foundry.toml", "network.toml"]
LEFT_OUT = ("invariant", "gas", "symbolic", "utils")
RECORDING = 0xFFFFF
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
    shutil.rmtree(TREE / "remembered", ignore_errors=True)
    compiler = TREE / "contracts/tools/solc"
    compiler.rename(TREE / "contracts/tools/solc-asked")
    shutil.copy("script/slow/solc-remembered", compiler)
    config = TREE / "foundry.toml"
    config.write_text(config.read_text().replace("fs_permissions = [", 'fs_permissions = [\n  { access = "write", path = "reach" },'))
    return schema.write(TREE)


def forge(*arguments, coinbase=0, cache="cache", minutes=MINUTES_PER_RUN):
    with tempfile.TemporaryDirectory() as scratch:
        env = os.environ | {
            "FOUNDRY_FUZZ_RUNS": "16", "FOUNDRY_FUZZ_SEED": "0x1", "FORGE_SNAPSHOT_CHECK": "false",
            "FOUNDRY_OUT": "out", "FOUNDRY_CACHE_PATH": cache, "FOUNDRY_SNAPSHOTS": "snapshots", "FOUNDRY_DENY": "never",
            "FOUNDRY_CODE_SIZE_LIMIT": "1000000", "FOUNDRY_FUZZ_FAILURE_PERSIST_DIR": scratch, "FOUNDRY_TEST_FAILURES_FILE": f"{scratch}/failures",
            "FOUNDRY_BLOCK_COINBASE": f"0x{coinbase:040x}",
        }
        return subprocess.run(["nice", "-n", "10", "forge", *arguments], cwd=TREE, env=env, capture_output=True, text=True, timeout=minutes * 60)


def test(k, files, fail_fast=True, cache="cache"):
    """Whether a test of these files fails under change k, and which."""
    command = ["test", "--match-path", "{" + ",".join(files) + "}"] + (["--fail-fast"] if fail_fast else [])
    try:
        run = forge(*command, coinbase=k, cache=cache)
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
    """For each number the test files that come past it, the fastest first; and the files that must be taken to come past all.

    Recording costs gas: a test that gives a call little of it may fail. What comes after that in its file is not known.
    """
    seen, anywhere, seconds = {}, [], {}
    reach = TREE / "reach"
    for name in files:
        shutil.rmtree(reach, ignore_errors=True)
        reach.mkdir()
        started = time.time()
        failed, _ = test(RECORDING, [name], fail_fast=False)
        seconds[name] = time.time() - started
        if failed:
            anywhere.append(name)
        for number in reach.iterdir():
            seen.setdefault(int(number.name), []).append(name)
    for names in seen.values():
        names.sort(key=seconds.get)
    return seen, anywhere


def prepared():
    """The tree with every change in, compiled and passing: the changes, each with the test files to try it on, and the branches, each
    with which of its two sides were taken."""
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
        names = seen.get(change["seen_as"], [])
        change["files"] = names + [name for name in anywhere if name not in names]
    for branch in found["branches"]:
        branch["taken"] = [side for side, number in (("true", branch["k"]), ("false", branch["k"] + 1)) if number in seen]
    return found["changes"], found["branches"]
