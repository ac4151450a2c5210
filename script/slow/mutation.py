"""Runs the unit tests once for every change of contracts/src that schema.py finds: one that no test notices has to be in the list.

usage: mutation.py SURVIVORS.toml
A change is tried only on the test files that it can make a difference to (tree.py), those of its own contract first, else the fastest.
MUTANTS=N tries N of them, drawn by MUTATION_SEED (1); MUTATION_WORD limits them to changes with that word in file, function or text;
MUTATION_AGAIN=1 to those that survived the last time.
"""
import json
import os
import queue
import random
import shutil
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree

LAST = tree.TREE.parent / "survived.json"
# Two at once, each with a cache of its own: forge writes it in every run.
CACHES = queue.SimpleQueue()
AT_ONCE = 2


def judged(change):
    """The test that notices a change, or an empty text."""
    files = change["files"]
    own = Path(change["file"]).stem
    first = [name for name in files if Path(name).parts[2] == own] or files[:2]
    cache = CACHES.get()
    try:
        for group in (first, [name for name in files if name not in first]):
            if group:
                failed, detail = tree.test(change["k"], group, cache=cache)
                if failed:
                    return detail
        return ""
    finally:
        CACHES.put(cache)


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
    changes, _ = tree.prepared()
    chosen = chosen_of(changes)
    for cache in (f"cache-{i}" for i in range(AT_ONCE)):
        shutil.rmtree(tree.TREE / cache, ignore_errors=True)
        shutil.copytree(tree.TREE / "cache", tree.TREE / cache)
        CACHES.put(cache)
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
    print(f"mutation: {done} of {len(changes)} changes in {(time.time() - started) / 60:.1f} minutes: {killed} killed, "
          f"{len(survived)} survived, {len(unlisted)} of them without a reason")
    if not done:
        raise SystemExit("error: no change was tried")
    for change in unlisted:
        print(f"\n[[survivor]]\n" + "\n".join(f"{name} = {json.dumps(change[name])}" for name in ("file", "inside", "was", "to")) + '\nreason = ""')
    gone = [key for key, left in allowed.items() if left] if len(chosen) == len(changes) else []
    for key in gone:
        print("listed, but noticed by a test or gone: " + "  ".join(key))
    if unlisted or gone:
        sys.exit(1)


if __name__ == "__main__":
    main()
