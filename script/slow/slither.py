"""Compares slither's findings with those that have a reason. Fails on a finding without one and on a reason without a finding.

usage: slither.py FINDINGS.json REASONS.toml
A reason names the check, and, unless it holds for the whole tree, a part of the finding's text.
"""
import json
import sys
import tomllib

findings_path, reasons_path = sys.argv[1:]
with open(findings_path) as f:
    answer = json.load(f)
if not answer["success"]:
    sys.exit(f"error: slither did not finish: {answer['error']}")
with open(reasons_path, "rb") as f:
    reasons = tomllib.load(f)["finding"]
for reason in reasons:
    if len(reason["reason"]) < 20:
        sys.exit(f"error: {reasons_path}: {reason['check']} has no reason")


def is_ours(finding):
    paths = [e["source_mapping"]["filename_relative"] for e in finding["elements"]]
    return any(path.startswith("contracts/src/") for path in paths[:1])


found = [f for f in answer["results"].get("detectors", []) if is_ours(f)]
used, unexplained = set(), []
for finding in found:
    text = " ".join(finding["description"].split())
    match = next((i for i, r in enumerate(reasons) if r["check"] == finding["check"] and r.get("in", "") in text), None)
    if match is None:
        unexplained.append(f"{finding['impact']} {finding['check']}: {text[:300]}")
    else:
        used.add(match)
stale = [r for i, r in enumerate(reasons) if i not in used]
for line in unexplained:
    print(f"unexplained: {line}")
for r in stale:
    print(f"a reason that nothing needs any more: {r['check']} {r.get('in', '')}")
print(f"slither: {len(found)} findings in contracts/src, {len(unexplained)} unexplained, {len(reasons)} reasons")
sys.exit(1 if unexplained or stale else 0)
