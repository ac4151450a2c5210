"""Runs the linter of ERC-7730 (PyPI erc7730) over clear-signing files, each held against the ABI of contracts/artifacts.

script/check-clear-signing calls it with a folder. Exit code 1: an error or a warning, or a broken file that passed.
"""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import typing

import typing_extensions

# The linter says that it needs Python 3.12; this name is all that 3.11 lacks.
if not hasattr(typing, "override"):
    typing.override = typing_extensions.override

from erc7730.common import client
from erc7730.common.output import OutputAdder
from erc7730.lint.v2 import lint
from erc7730.model.abi import ABI
from pydantic import TypeAdapter

ARTEFACTS = pathlib.Path(__file__).resolve().parents[2] / "contracts/artifacts"
# Functions that no wallet is meant to be asked for have no words: the Rust test of GOV-24 says which need them.
INTENDED = "Missing display format"


class Findings(OutputAdder):
    def __init__(self):
        super().__init__()
        self.list = []

    def add(self, output):
        if output.level >= output.Level.WARNING and output.title != INTENDED:
            self.list.append(f"{output.title}: {output.message}")


def findings(path):
    name = json.loads(path.read_text())["context"]["$id"]
    abi = json.loads((ARTEFACTS / f"{name}.json").read_text())["abi"]
    # In the place of Sourcify and Etherscan.
    client.get_contract_abis = lambda chain, address: TypeAdapter(list[ABI]).validate_json(json.dumps(abi))
    client.get_contract_explorer_url = lambda chain, address: f"{name} of chain {chain}"
    found = Findings()
    with contextlib.redirect_stdout(io.StringIO()):
        lint.lint_all([path], found)
    return found.list


def broken(path):
    """The same file with one thing wrong: each must be found, or the check checks nothing."""
    def no_deployment(file):
        (file["context"].get("contract") or file["context"]["eip712"])["deployments"] = []

    def no_label(file):
        del next(iter(file["display"]["formats"].values()))["fields"][0]["label"]

    def unknown_format(file):
        next(iter(file["display"]["formats"].values()))["fields"][0]["format"] = "guess"

    for change in (no_deployment, no_label, unknown_format):
        file = json.loads(path.read_text())
        change(file)
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / path.name
            copy.write_text(json.dumps(file))
            yield change.__name__, findings(copy)


def main(folder):
    bad = []
    paths = sorted(pathlib.Path(folder).glob("*.json"))
    for path in paths:
        bad += [f"{path.name}: {finding}" for finding in findings(path)]
        bad += [f"{path.name}: {change} is not found" for change, found in broken(path) if not found]
    print("\n".join(bad) or f"{len(paths)} files keep to ERC-7730 and to our ABIs")
    sys.exit(1 if bad or not paths else 0)


main(sys.argv[1])
