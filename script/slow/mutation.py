"""Changes contracts/src in one place at a time and runs the unit tests: a change that no test notices has to be in the list.

usage: mutation.py SURVIVORS.toml
Which changes: of all that the rules below give, MUTANTS (40) drawn with MUTATION_SEED (1), until MUTATION_MINUTES (30) are over;
MUTATION_FILE limits them to files with that word in the name. Works on a copy of the tree, with test linking that leaves the tests
compiled. Invariants, gas and symbolic tests are left out: they would notice more, and take minutes each.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

COUNT = int(os.environ.get("MUTANTS", "40"))
SEED = int(os.environ.get("MUTATION_SEED", "1"))
MINUTES = float(os.environ.get("MUTATION_MINUTES", "30"))
WORD = os.environ.get("MUTATION_FILE", "")
TREE = Path("target/slow/mutation/tree").resolve()
COPIED = ["contracts/src", "contracts/test", "contracts/artifacts", "contracts/tools", "script", "vectors", "foundry.toml", "network.toml"]

SWAPS = [(" == ", " != "), (" != ", " == "), (" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), (" && ", " || "),
         (" || ", " && "), (" + ", " - "), (" - ", " + "), ("return (false,", "return (true,"), ("return true;", "return false;")]
MODIFIERS = [" restricted", " onlyOwnerOrGuardian", " onlyOwner", " unlocked"]
# A statement on one line that can be left out.
STATEMENT = re.compile(r"^\s+(require\(.*\);|delete .*;|[\w.\[\]]+ = [^;]*;|\+\+[\w.\[\]]+;|_check\w+\(.*\);|_settle\w+\(.*\);)$")


def mutants(path):
    """Every (line number, changed line) that the rules give."""
    inside_assembly = 0
    for number, line in enumerate(path.read_text().splitlines()):
        code = line.split("//")[0].rstrip()
        if inside_assembly or "assembly" in code:
            inside_assembly += code.count("{") - code.count("}")
            continue
        if re.match(r"\s*(import|event|error|pragma|/\*|\*|using|struct)", code) or "constant" in code or not code.strip():
            continue
        if STATEMENT.match(code):
            yield number, ""
        for old, new in SWAPS:
            if old in code:
                yield number, code.replace(old, new, 1)
        if "modifier" not in code:
            for word in MODIFIERS:
                if re.search(word + r"\b", code) and ("{" in code or "external" in code):
                    yield number, re.sub(word + r"\b", "", code, count=1)
                    break


def forge_test():
    env = os.environ | {
        "FOUNDRY_DYNAMIC_TEST_LINKING": "true", "FOUNDRY_FUZZ_RUNS": "16", "FORGE_SNAPSHOT_CHECK": "false",
        "FOUNDRY_OUT": "out", "FOUNDRY_CACHE_PATH": "cache", "FOUNDRY_SNAPSHOTS": "snapshots", "FOUNDRY_DENY": "never",
    }
    command = ["forge", "test", "--fail-fast", "--no-match-path", "contracts/test/{invariant,gas,symbolic}/*"]
    try:
        run = subprocess.run(command, cwd=TREE, env=env, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        return "killed", "took too long"
    text = run.stdout + run.stderr
    if run.returncode == 0:
        return "survived", ""
    if "[FAIL" in text:
        return "killed", re.search(r"\[FAIL.*", text).group(0)[:120]
    if "Compiler run failed" in text or "Compilation failed" in text:
        return "stillborn", ""
    return "error", text[-600:]


def main():
    listed_path = Path(sys.argv[1])
    listed = tomllib.loads(listed_path.read_text()).get("survivor", [])
    for entry in listed:
        if len(entry["reason"]) < 20:
            sys.exit(f"error: {listed_path}: a survivor without a reason: {entry['from']}")
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

    every = [(p, n, new) for p in sorted(Path("contracts/src").glob("**/*.sol")) if "interfaces" not in p.parts and WORD in p.name
             for n, new in mutants(p)]
    chosen = random.Random(SEED).sample(every, min(COUNT, len(every)))
    started = time.time()
    verdict, detail = forge_test()
    if verdict != "survived":
        sys.exit(f"error: the tests do not pass on the unchanged tree: {verdict} {detail}")
    print(f"{len(every)} changes possible, {len(chosen)} drawn with seed {SEED}; the unchanged tree passes ({time.time() - started:.0f} s)", flush=True)

    counts, unlisted, tried = {"killed": 0, "survived": 0, "stillborn": 0}, [], 0
    for path, number, new in chosen:
        if time.time() - started > MINUTES * 60:
            break
        target = TREE / path
        original = target.read_text()
        lines = original.splitlines()
        old = lines[number].strip()
        lines[number] = new
        target.write_text("\n".join(lines) + "\n")
        begun = time.time()
        verdict, detail = forge_test()
        target.write_text(original)
        if verdict == "error":
            sys.exit(f"error: forge failed, and no test did: {detail}")
        tried += 1
        counts[verdict] += 1
        to = new.strip() or "(left out)"
        print(f"{verdict:9s} {time.time() - begun:4.0f} s  {path}:{number + 1}  {old}  =>  {to}", flush=True)
        if verdict == "survived":
            key = {"file": str(path), "from": old, "to": to}
            if not any(all(entry[k] == v for k, v in key.items()) for entry in listed):
                unlisted.append(key)
    print(f"mutation: {tried} of {len(chosen)} tried in {(time.time() - started) / 60:.1f} minutes: {counts['killed']} killed, "
          f"{counts['survived']} survived ({len(unlisted)} of them without a reason), {counts['stillborn']} do not compile")
    if tried == 0:
        sys.exit("error: no change was tried")
    for key in unlisted:
        print(f"\n[[survivor]]\nfile = {key['file']!r}\nfrom = {key['from']!r}\nto = {key['to']!r}\nreason = ''")
    sys.exit(1 if unlisted else 0)


main()
