"""Data flows one way: nothing imports upward, and ``__init__`` files only hand names on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import calib

PACKAGE = Path(calib.__file__).parent
LAYERS = [
    {"words"},
    {
        "errors",
        "_types",
        "_dates",
        "files",
        "_streams",
        "_validation",
        "_compiled",
        "_quantiles",
    },
    {"requests"},
    {"report"},
    {"framework"},
    {"figures", "tables"},
    {"imports"},
    {"weights", "population"},
    {"templates"},
    {"rating"},
    {"outcomes"},
    {"experts", "ballots", "adjustment", "shifts"},
    {"experiment"},
    {"verification"},
    {"publish", "extend"},
    {"cli"},
]
RANK = {name: i for i, names in enumerate(LAYERS) for name in names}
SOURCES = {"experts", "ballots", "adjustment", "shifts"}
MODULES = [p for p in sorted(PACKAGE.rglob("*.py")) if p.name not in ("__init__.py", "__main__.py")]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("calib."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("calib."):
                    yield alias.name.split(".")[1]


def test_every_package_has_a_layer():
    packages = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert packages <= set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_imports_upward(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for other in imported(path):
        assert RANK[other] <= RANK[own], f"{own} imports {other}"
        if own in SOURCES and other in SOURCES:
            assert own == other, f"source {own} imports source {other}"
        if own == "outcomes":
            assert other not in SOURCES, "outcomes do not care where weights came from"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: p.parent.name)
def test_init_files_only_hand_names_on(path):
    if path.parent == PACKAGE:
        return  # the lazy front page
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    for node in ast.parse(path.read_text("utf-8")).body:
        assert isinstance(node, allowed), f"{path}:{node.lineno}"


def module_of(path):
    parts = ("calib", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_at_start(path, modules):
    """Return the modules that a module needs to be imported itself, not those of its functions."""
    own = module_of(path)
    found = set()

    def visit(body):
        for node in body:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                visit(node.orelse)
            elif isinstance(node, ast.If | ast.Try | ast.With):
                visit(node.body)
                visit(getattr(node, "orelse", []))
            elif isinstance(node, ast.Import):
                found.update(a.name for a in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
                found.update(f"{node.module}.{a.name}" for a in node.names)

    visit(ast.parse(path.read_text("utf-8")).body)
    # The front page hands names on when they are asked for; it needs nothing.
    return {m for m in found if m in modules and m not in (own, "calib")}


def circles(graph):
    """Return the groups of modules that need each other, by Tarjan's algorithm."""
    index, low, stack, out = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                out.append(sorted(group))

    for node in graph:
        if node not in index:
            visit(node)
    return out


PATHS = {module_of(p): p for p in sorted(PACKAGE.rglob("*.py"))}


@pytest.fixture(scope="module")
def graph():
    return {m: imports_at_start(p, PATHS) for m, p in PATHS.items()}


def test_no_modules_import_each_other_in_a_circle(graph):
    """Within a package the ``__init__`` file hands names on, so that it needs all of its own."""
    inner = {m: n for m, n in graph.items() if PATHS[m].name != "__init__.py"}
    assert circles({m: {o for o in n if o in inner} for m, n in inner.items()}) == []


def test_no_packages_import_each_other_in_a_circle(graph):
    needs = {}
    for module, needed in graph.items():
        room = module.split(".")[1] if "." in module else module
        rooms = {n.split(".")[1] for n in needed if "." in n}
        needs.setdefault(room, set()).update(rooms - {room})
    assert circles({r: {o for o in n if o in needs} for r, n in needs.items()}) == []


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []
