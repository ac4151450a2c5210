"""Both sides of every branch of contracts/src that the unit tests took. Fails below the bar and prints each side that they did not.

usage: coverage.py PERCENT
`forge coverage` needs solc's IR pipeline for these contracts, and solc as WebAssembly runs out of its 4 GB there. Here each condition
says itself what it was (tree.py). A branch is an `if`, a `? :` or a `require`, with two sides each; operands of && and || are counted
beside them, under the same bar. Loops and inline assembly are not counted.
"""
import sys

import tree


def share(branches):
    return sum(len(branch["taken"]) for branch in branches), 2 * len(branches)


def main():
    bar = float(sys.argv[1])
    _, branches = tree.prepared()
    operands = [branch for branch in branches if branch["kind"].startswith("operand")]
    whole = [branch for branch in branches if branch not in operands]
    for name in sorted({branch["file"] for branch in branches}):
        of_file = [[branch for branch in part if branch["file"] == name] for part in (whole, operands)]
        (taken, sides), (taken_operands, all_operands) = (share(part) for part in of_file)
        print(f"{taken:4d} of {sides:4d}, operands {taken_operands:4d} of {all_operands:4d}  {name}")
    for branch in branches:
        for side in ("true", "false"):
            if side not in branch["taken"]:
                print(f"not taken: {branch['file']}:{branch['line']}  {branch['kind']}  {branch['text']}  is never {side}")
    is_low = False
    for name, part in (("branches", whole), ("operands", operands)):
        taken, sides = share(part)
        percent = 100 * taken / sides
        is_low = is_low or percent < bar
        print(f"{name}: {taken} of {sides} sides, {percent:.1f}% (bar {bar:g}%)")
    sys.exit(1 if is_low else 0)


main()
