"""What a page was made from, as a hash: the code that computes and draws it, and its data.

Code is followed from name to name, from the command's module through `analysis` and what `FOLLOWED` lists,
and is not run. What the engine makes of a scenario is pinned by the recordings in ``tests/recordings``, which
a test runs again bit by bit: they count instead of its code. Of what is reached neither comments, docstrings,
messages of exceptions and types of arguments count, nor formatting, nor the file that it lives in. Methods
count if something that is reached has an attribute of their name. Data are the shipped files, and TOML files
beside the code, whose names are among the words of the code and of the command.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cmarlsim.storage.seal import unsealed

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("analysis", "cmarlsim")
FLOORS = ("bounds", "footprints", "importing", "maps", "replay", "report", "run")
FOLLOWED = ("analysis", *(f"cmarlsim.{name}" for name in FLOORS))
"""Where code that computes or draws what a page shows is followed."""

Unit = tuple[str, str]
"""A module, and the name of something at its top level, or ``Class.method``."""


class Stripper(ast.NodeTransformer):
    """Leaves out what cannot change a page."""

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Leave out what an exception says."""
        return ast.Raise()

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Leave out the type of an argument."""
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Leave out the type of the result."""
        node.returns = None
        return self.visit_ClassDef(node)

    def visit_ClassDef(self, node: ast.ClassDef | ast.FunctionDef) -> ast.AST:
        """Leave out the docstring."""
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)


@dataclass
class Module:
    """A module's statements by the names that they give, and what its imports stand for."""

    units: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Unit] = field(default_factory=dict)


def path_of(module: str) -> Path | None:
    """File of a module or package of ours, or None."""
    if module.partition(".")[0] not in PACKAGES:
        return None
    base = ROOT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def followed(module: str) -> bool:
    """Whether the code of a module counts."""
    return any(f"{module}.".startswith(f"{name}.") for name in FOLLOWED)


@cache
def parsed(module: str) -> Module:
    """Take a module of ours apart."""
    path = path_of(module)
    assert path is not None, module
    tree = ast.parse(path.read_text(encoding="utf-8"))
    result = Module()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                result.imports[name.asname or name.name] = (node.module, name.name)
        elif isinstance(node, ast.Import):
            for name in node.names:
                result.imports[name.asname or name.name] = (name.name, "*")
    for statement in tree.body:
        for name, part in _units(statement):
            result.units.setdefault(name, []).append(Stripper().visit(part))
    return result


def _units(statement: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """The names that a top-level statement gives, each with what it stands for; "" if it gives none."""
    if isinstance(statement, ast.ClassDef):
        methods = [
            part
            for part in statement.body
            if isinstance(part, ast.FunctionDef)
            and not part.name.startswith("__")
            and not part.decorator_list
        ]
        for method in methods:
            yield f"{statement.name}.{method.name}", method
        statement.body = [part for part in statement.body if part not in methods] or [ast.Pass()]
        yield statement.name, statement
    elif isinstance(statement, ast.FunctionDef):
        yield statement.name, statement
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for node in (node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)):
            yield node.id, statement
    elif isinstance(statement, ast.If) and "__main__" not in ast.unparse(statement.test):
        yield "", statement


def reached(start: Iterable[Unit]) -> dict[Unit, list[ast.stmt]]:
    """All units that can run when these do, with their statements."""
    found: dict[Unit, list[ast.stmt]] = {}
    attributes: set[str] = set()
    methods: set[Unit] = set()
    todo = [unit for each in start for unit in resolve(each)]
    while todo:
        module, name = unit = todo.pop()
        if unit in found:
            continue
        home = parsed(module)
        found[unit] = home.units.get(name, [])
        methods |= {(module, other) for other in home.units if other.startswith(f"{name}.") and name}
        todo += [(module, "")] if "" in home.units else []
        for statement in found[unit]:
            todo += [unit for used in uses(statement, home) for unit in resolve(used, module)]
            attributes |= {node.attr for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
        if not todo:
            todo = [(where, what) for where, what in methods - set(found) if what.split(".")[1] in attributes]
    return found


def uses(statement: ast.stmt, home: Module) -> Iterator[Unit]:
    """What a statement names: something of its own module as ("", name), or something imported.

    Of a module of which only attributes are read, only these are named.
    """
    read = {
        id(node.value): node.attr
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    for node in ast.walk(statement):
        if not isinstance(node, ast.Name):
            continue
        if node.id in home.units:
            yield "", node.id
        if node.id in home.imports:
            module, name = home.imports[node.id]
            whole = module if name == "*" else f"{module}.{name}"
            yield (whole, read.get(id(node), "*")) if path_of(whole) else (module, name)


def resolve(unit: Unit, home: str = "") -> list[Unit]:
    """Where something of ours is defined, followed through imports; for ``*`` all of a module."""
    module, name = unit[0] or home, unit[1]
    if path_of(module) is None:
        return []
    there = parsed(module)
    if name == "*":
        return [(module, other) for other in there.units if "." not in other and followed(module)]
    if name in there.units:
        return [(module, name)] if followed(module) else []
    if path_of(f"{module}.{name}"):
        return resolve((f"{module}.{name}", "*"))
    return resolve(there.imports[name]) if name in there.imports else []


def data_named(texts: Iterable[str]) -> list[Path]:
    """Scenarios, floor plans, policies and other TOML files whose names are among the words of some texts."""
    kinds = ("scenarios", "floorplans", "maps", "policies")
    files = [path for kind in kinds for path in (ROOT / "data" / kind).glob("*")]
    files += [path for package in PACKAGES for path in (ROOT / package).rglob("*.toml")]
    words = {word for text in texts for word in re.findall(r"[\w-]+", text)}
    found = {path for path in files if path.stem in words}
    plans = [path.read_text(encoding="utf-8") for path in found if path.suffix == ".toml"]
    words |= {word for text in plans for word in re.findall(r"[\w-]+", text)}
    return sorted(path for path in files if path.stem in words)


def pinned() -> list[Path]:
    """Recordings that the engine must make again."""
    return sorted((ROOT / "tests" / "recordings").glob("*.h5"))


def entry(command: str) -> Unit:
    """What a command such as ``cmarlsim.run paper`` or ``analysis.claims`` runs: all of a module.

    Raises
    ------
    SystemExit
        If there is no such module.
    """
    module = command.split()[0]
    for name in (f"{module}.__main__", module):
        if path_of(name):
            return name, "*"
    raise SystemExit(f"{module}: there is no such module, but the table of pages in docs/make.py names it")


def fingerprint(commands: Sequence[str]) -> str:
    """Hash of all that can change what commands make: their options, code, and data."""
    units = reached(entry(command) for command in commands)
    statements = [statement for part in units.values() for statement in part]
    nodes = (node for statement in statements for node in ast.walk(statement))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    code = sorted({ast.dump(statement) for statement in statements})
    result = hashlib.sha256("\n".join([*commands, *code]).encode())
    for path in [*pinned(), *data_named([*commands, *texts])]:
        result.update(path.name.encode() + unsealed(path))
    return result.hexdigest()[:32]
