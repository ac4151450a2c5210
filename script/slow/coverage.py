"""Branches of contracts/src that the tests took, from an lcov file. Fails below the bar and prints each branch not taken.

usage: coverage.py LCOV PERCENT
"""
import sys

path, bar = sys.argv[1], float(sys.argv[2])
taken, total, missing, source = {}, {}, [], ""
for line in open(path):
    word, _, rest = line.strip().partition(":")
    if word == "SF":
        source = rest
    elif word == "BRDA" and source.startswith("contracts/src/"):
        at, _, branch, count = rest.split(",")
        total[source] = total.get(source, 0) + 1
        if count not in ("-", "0"):
            taken[source] = taken.get(source, 0) + 1
        else:
            missing.append(f"{source}:{at} branch {branch}")
if not total:
    sys.exit(f"error: {path} holds no branch of contracts/src")
for name in sorted(total):
    print(f"{taken.get(name, 0):4d} of {total[name]:4d}  {name}")
for line in missing:
    print(f"not taken: {line}")
percent = 100 * sum(taken.values()) / sum(total.values())
print(f"branches: {sum(taken.values())} of {sum(total.values())}, {percent:.1f}% (bar {bar:g}%)")
sys.exit(0 if percent >= bar else 1)
