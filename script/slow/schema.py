"""Rewrites contracts/src so that every change of the rules below is compiled in at once, each behind a number (contracts/slow/Mutant.sol).

The compiler's syntax tree says where things are; text is only ever inserted around them.
Rules: a condition, or an operand of one, is always true or always false (of a require only true: it is left out); a boundary
moves by one (< and <=); + and -, * and / change places; a statement is left out; a function loses a modifier; true is false.
Each condition gets two numbers, k (true) and k + 1 (false), also where only one of both is a change worth a run: recorded, they
say which branches were taken.
"""
import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

BOUNDARIES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "&": "|", "|": "&", "<<": ">>", ">>": "<<", "^": "&"}
STATEMENTS = {"EmitStatement", "RevertStatement", "Continue", "Break", "Return", "ExpressionStatement"}
# The body of a modifier that is not ours, as it stands in OpenZeppelin.
FOREIGN_MODIFIERS = {"restricted": "_checkCanCall(_msgSender(), _msgData());"}


@dataclass
class Change:
    k: int
    # The number that is recorded wherever this change makes a difference.
    seen_as: int
    file: str
    line: int
    inside: str
    was: str
    to: str


@dataclass
class Branch:
    k: int
    kind: str
    file: str
    line: int
    text: str


def syntax_trees():
    sources = {str(path): {"content": path.read_text()} for path in sorted(Path("contracts/src").glob("**/*.sol"))}
    question = {"language": "Solidity", "sources": sources, "settings": {
        "remappings": ["@openzeppelin/contracts/=contracts/node_modules/@openzeppelin/contracts/"],
        "outputSelection": {"*": {"": ["ast"]}}}}
    run = subprocess.run(["contracts/tools/solc", "--standard-json", "--base-path", "."],
                         input=json.dumps(question), capture_output=True, text=True, check=True)
    answer = json.loads(run.stdout)
    for problem in answer.get("errors", []):
        if problem["severity"] == "error":
            raise SystemExit(f"error: {problem['formattedMessage']}")
    return {name: answer["sources"][name]["ast"] for name in sources}


def children(node):
    found = []
    for key, value in node.items():
        if key in ("typeDescriptions", "documentation", "nameLocations"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and "nodeType" in item and "src" in item:
                found.append(item)
    return sorted(found, key=lambda child: start(child))


def start(node):
    return int(node["src"].split(":")[0])


def end(node):
    at, length = node["src"].split(":")[:2]
    return int(at) + int(length)


def type_of(node):
    return node.get("typeDescriptions", {}).get("typeIdentifier") or ""


def is_bool(node):
    return type_of(node) == "t_bool"


class Schema:
    """The changes of all files, numbered from 1, and the text with all of them in."""

    def __init__(self):
        self.changes, self.branches, self.texts, self._next = [], [], {}, 1
        trees = syntax_trees()
        self._our_modifiers = {}
        for tree in trees.values():
            for contract in tree["nodes"]:
                for node in contract.get("nodes", []):
                    if node["nodeType"] == "ModifierDefinition":
                        self._our_modifiers[node["id"]] = node
        for name, tree in trees.items():
            self._rewrite(name, tree)

    def _rewrite(self, name, tree):
        self._file, self._source, self._edits = name, Path(name).read_bytes(), []
        before = self._next
        for node in tree["nodes"]:
            if node["nodeType"] == "ContractDefinition" and node["contractKind"] != "interface":
                self._contract(node)
        if self._next == before:
            return
        pragma = next(node for node in tree["nodes"] if node["nodeType"] == "PragmaDirective")
        way = os.path.relpath("contracts/src/Mutant.sol", os.path.dirname(name))
        way = way if way.startswith(".") else "./" + way
        self._edits.append((end(pragma), f'\nimport {{Mutant}} from "{way}";'))
        text, at = b"", 0
        for position, inserted in sorted(self._edits, key=lambda edit: edit[0]):
            text += self._source[at:position] + inserted.encode()
            at = position
        self.texts[name] = text + self._source[at:]

    # Positions and text

    def _text(self, node):
        return self._source[start(node):end(node)].decode()

    def _insert(self, position, text):
        self._edits.append((position, text))

    def _line(self, node):
        return self._source[:start(node)].count(b"\n") + 1

    def _number(self, how_many=1):
        self._next += how_many
        return self._next - how_many

    def _change(self, node, k, to, seen_as=None, was=None):
        squeeze = lambda text: " ".join(text.split())
        self.changes.append(Change(k, seen_as or k, self._file, self._line(node), self._inside,
                                   squeeze(was or self._text(node)), squeeze(to)))

    # Contracts and functions

    def _contract(self, contract):
        bases = contract.get("baseContracts", [])
        body = self._source.index(b"{", end(bases[-1]) if bases else int(contract["nameLocation"].split(":")[0])) + 1
        at = len(self._edits)
        foreign = set()
        for node in contract["nodes"]:
            if node["nodeType"] in ("FunctionDefinition", "ModifierDefinition") and node.get("body"):
                self._inside = f"{contract['name']}.{node['name'] or node['kind']}"
                if node["nodeType"] == "ModifierDefinition":
                    self._modifier(node)
                    continue
                for used in node.get("modifiers", []):
                    foreign |= self._modifier_use(contract, used)
                self._returns = node.get("returnParameters", {}).get("parameters", [])
                statements = node["body"].get("statements", [])
                self._last = statements[-1] if statements else None
                self._visit(node["body"])
        for name in sorted(foreign):
            self._edits.insert(at, (body, f"\n    modifier {name}_{contract['name']}(uint256 mutant_) "
                                          f"{{ if (!Mutant.on(mutant_)) {{ {FOREIGN_MODIFIERS[name]} }} _; }}\n"))

    def _modifier(self, node):
        """Every use of a modifier passes the number under which it does nothing."""
        parameters = node["parameters"]
        self._insert(end(parameters) - 1, (", " if parameters["parameters"] else "") + "uint256 mutant_")
        for statement in node["body"]["statements"]:
            if statement["nodeType"] != "PlaceholderStatement":
                self._insert(start(statement), "{ if (!Mutant.on(mutant_)) { ")
                self._visit(statement, removable=False)
                self._insert(self._after(statement), " } }")

    def _modifier_use(self, contract, used):
        name = used["modifierName"]
        if used.get("kind") != "modifierInvocation":
            return set()
        is_ours = name["referencedDeclaration"] in self._our_modifiers
        if not is_ours and name["name"] not in FOREIGN_MODIFIERS:
            raise SystemExit(f"error: {self._inside}: how is the modifier {name['name']} left out? script/slow/schema.py")
        k = self._number()
        self._change(used, k, "")
        if is_ours and used.get("arguments"):
            self._insert(end(used) - 1, f", {k}")
        else:
            self._insert(end(name), ("" if is_ours else f"_{contract['name']}") + f"({k})")
        return set() if is_ours else {name["name"]}

    # Statements

    def _after(self, statement):
        """The position behind its semicolon or bracket."""
        if self._source[end(statement) - 1:end(statement)] in (b";", b"}"):
            return end(statement)
        return self._source.index(b";", end(statement)) + 1

    def _visit(self, node, removable=True):
        kind = node["nodeType"]
        if kind in STATEMENTS and removable and self._is_removable(node):
            return self._statement(node)
        if kind == "InlineAssembly":
            return
        if kind == "Return" and node.get("expression"):
            return self._returned(node["expression"])
        if kind == "RevertStatement":
            return
        if kind == "ExpressionStatement":
            return self._inner(node["expression"])
        if kind == "ForStatement":
            if node.get("initializationExpression"):
                self._visit(node["initializationExpression"], removable=False)
            self._condition(node["condition"], "loop")
            return self._body(node["body"])
        if kind in ("WhileStatement", "DoWhileStatement"):
            self._condition(node["condition"], "loop")
            return self._body(node["body"])
        if kind == "IfStatement":
            self._condition(node["condition"], "if")
            if not node.get("falseBody"):
                return self._body(node["trueBody"])
            self._visit(node["trueBody"])
            return self._visit(node["falseBody"])
        if "typeDescriptions" in node and kind not in ("VariableDeclaration", "UserDefinedTypeName", "ElementaryTypeName"):
            return self._expression(node)
        if kind in ("Block", "UncheckedBlock", "VariableDeclarationStatement", "TryStatement", "TryCatchClause", "EmitStatement"):
            for child in children(node):
                self._visit(child)

    def _body(self, node):
        """To leave out its only statement would be the same as a condition that is false."""
        statements = node["statements"] if node["nodeType"] == "Block" else [node]
        for statement in statements:
            self._visit(statement, removable=len(statements) > 1)

    def _is_removable(self, node):
        if node["nodeType"] in ("Return", "RevertStatement"):
            # Without it the compiler would see a pointer that points nowhere.
            places = {p["typeDescriptions"]["typeIdentifier"] for p in self._returns}
            if any(place.endswith(("_storage_ptr", "_calldata_ptr")) for place in places):
                return False
            return not (node is self._last and places == {"t_bool"})
        if node["nodeType"] != "ExpressionStatement":
            return True
        expression = node["expression"]
        if expression["nodeType"] == "Assignment":
            return not type_of(expression["leftHandSide"]).endswith(("_storage_ptr", "_calldata_ptr"))
        if expression["nodeType"] == "FunctionCall":
            return expression["expression"].get("name") not in ("require", "assert", "revert")
        return expression["nodeType"] == "UnaryOperation"

    def _statement(self, node):
        k = self._number()
        self._change(node, k, "")
        expression = node.get("expression") or {}
        self._insert(start(node), "{ ")
        if expression.get("nodeType") == "Assignment" and expression["operator"][:-1] in ARITHMETIC:
            other = self._number()
            to = f"{self._text(expression['leftHandSide'])} {ARITHMETIC[expression['operator'][:-1]]}= {self._text(expression['rightHandSide'])}"
            self._change(node, other, to)
            self._insert(start(node), f"if (Mutant.on({other})) {{ {to}; }} else ")
        self._insert(start(node), f"if (!Mutant.on({k})) {{ ")
        self._visit(node, removable=False)
        self._insert(self._after(node), " } }")

    def _returned(self, expression):
        if is_bool(expression):
            self._condition(expression, "return")
        elif expression["nodeType"] == "TupleExpression":
            for part in expression["components"]:
                self._returned(part)
        else:
            self._visit(expression)

    # Expressions

    def _expression(self, node):
        if is_bool(node) and node["nodeType"] in ("BinaryOperation", "UnaryOperation", "FunctionCall"):
            return self._condition(node, "value")
        if is_bool(node) and node["nodeType"] == "Literal":
            return self._condition(node, "literal")
        self._inner(node)

    def _inner(self, node):
        """What is inside an expression that is no condition itself."""
        kind = node["nodeType"]
        if kind == "BinaryOperation":
            return self._operation(node)
        if kind == "Conditional":
            self._condition(node["condition"], "ternary")
            self._visit(node["trueExpression"])
            return self._visit(node["falseExpression"])
        if kind == "Assignment":
            right = node["rightHandSide"]
            # Leaving the assignment out is the same change.
            return None if right["nodeType"] == "Literal" else self._visit(right)
        if kind == "UnaryOperation":
            return None if node["operator"] in ("++", "--", "delete") else self._visit(node["subExpression"])
        if kind == "FunctionCall":
            if node["expression"].get("name") in ("require", "assert") and node["expression"]["nodeType"] == "Identifier":
                return self._condition(node["arguments"][0], "require")
            self._visit(node["expression"])
            for argument in node["arguments"]:
                self._visit(argument)
            return None
        for child in children(node):
            self._visit(child)
        return None

    def _operation(self, node):
        left, right, operator = node["leftExpression"], node["rightExpression"], node["operator"]
        other = BOUNDARIES.get(operator)
        if not other and not type_of(node).startswith("t_rational"):
            other = ARITHMETIC.get(operator)
        if other:
            k = self._number()
            to = f"{self._text(left)} {other} {self._text(right)}"
            self._change(node, k, to)
            self._insert(start(node), f"(Mutant.on({k}) ? {to} : ")
        self._visit(left)
        self._visit(right)
        if other:
            self._insert(end(node), ")")

    def _condition(self, node, kind):
        """Two numbers for the whole, two for each operand."""
        k = self._number(2)
        if kind in ("if", "ternary", "require", "operand of &&", "operand of ||"):
            self.branches.append(Branch(k, kind, self._file, self._line(node), " ".join(self._text(node).split())))
        literal = node.get("value") if node["nodeType"] == "Literal" else None
        if kind not in ("loop", "operand of ||") and literal != "true":
            self._change(node, k, "true", seen_as=k + 1)
        if kind not in ("require", "operand of &&") and literal != "false":
            self._change(node, k + 1, "false", seen_as=k)
        self._insert(start(node), "Mutant.cond(")
        self._operands(node)
        self._insert(end(node), f", {k})")

    def _operands(self, node):
        kind, operator = node["nodeType"], node.get("operator")
        if kind == "TupleExpression" and len(node["components"]) == 1:
            self._operands(node["components"][0])
        elif kind == "UnaryOperation" and operator == "!":
            inner = node["subExpression"]
            while inner["nodeType"] == "TupleExpression" and len(inner["components"]) == 1:
                inner = inner["components"][0]
            self._operands(inner)
        elif kind == "BinaryOperation" and operator in ("&&", "||"):
            for side in (node["leftExpression"], node["rightExpression"]):
                if side["nodeType"] == "BinaryOperation" and side["operator"] == operator:
                    self._operands(side)
                else:
                    self._condition(side, f"operand of {operator}")
        else:
            self._inner(node)


def write(tree):
    """The files of contracts/src with every change in, and a list of the changes and branches."""
    schema = Schema()
    for name, text in schema.texts.items():
        (tree / name).write_bytes(text)
    (tree / "contracts/src/Mutant.sol").write_text(Path("contracts/slow/Mutant.sol").read_text())
    found = {"changes": [asdict(c) for c in schema.changes], "branches": [asdict(b) for b in schema.branches]}
    (tree / "schema.json").write_text(json.dumps(found, indent=1))
    return found
