"""The house rules: layers, sizes, docstrings, and that every option is documented."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from agentbay_kernel.config import AgentBayOptions

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "agentbay_kernel"
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = sorted([*MODULES, *(ROOT / "tests").rglob("*.py")])
LAB = ROOT / "labextension"
PAGES = PACKAGE / "panel/front", LAB / "src", LAB / "style", LAB / "test"
# The panel's page and JupyterLab's side, as they are written.
FRONT = sorted(
    path
    for folder in PAGES
    for path in folder.rglob("*")
    if path.suffix in {".css", ".js", ".cjs", ".ts"}
)

# A module may import from its own row and from the rows above it.
LAYERS = (
    (
        "errors",
        "events",
        "config",
        "mime",
        "identity",
        "lifetime",
        "cells",
        "remote",
        "typed",
        "escaping",
        "heap",
    ),
    ("stand_ins",),
    ("late_tls",),
    ("languages", "hashing", "changes"),
    ("probes", "contexts", "tools", "session", "syncing", "ledger", "hints", "credentials"),
    ("service",),
    ("providers", "interpreter"),
    ("bridge", "stop", "transfer", "jobs", "presigned", "mirror", "introspection", "guardian"),
    ("origins",),
    ("sessions", "upload", "bridges", "places"),
    ("execution", "portal", "pool"),
    ("engine",),
    ("magics", "doctor"),
    ("standalone", "live", "panel"),
    ("kernel", "cli", "extension", "__main__", "__init__"),
)
PURE = {"errors", "events", "mime", "identity", "lifetime", "cells", "session", "hints", "probes"}
PURE |= {"languages", "changes", "tools"}
# What the service, a program of its own, may use of the package.
SERVICE_USES = {"errors", "config", "escaping", "heap", "stand_ins", "late_tls", "service"}
MOST_IMPORTS = 8
MOST_LINES = 400
LONGEST_FUNCTION = 50


def name_of(path):
    """The dotted name below the package."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


KNOWN = {name_of(path) for path in MODULES}


def _targets(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _walk(tree, *, types):
    """Every node, with those below `if TYPE_CHECKING` only when `types`."""
    for node in ast.iter_child_nodes(tree):
        guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if types or not guarded:
            yield node
            yield from _walk(node, types=types)


def _resolve(target):
    """The module of ours that an import names, None for others."""
    if target == "agentbay_kernel" or not target.startswith("agentbay_kernel."):
        return None
    name = target.removeprefix("agentbay_kernel.")
    while name and name not in KNOWN:
        name = name.rpartition(".")[0]
    return name or None


def imports(path, *, types=False):
    """The modules of ours that a module imports."""
    tree = ast.parse(path.read_text())
    found = {_resolve(each) for node in _walk(tree, types=types) for each in _targets(node)}
    return found - {None, name_of(path)}


def outside(path):
    """The top-level names of other packages that a module imports."""
    tree = ast.parse(path.read_text())
    return {each.partition(".")[0] for node in ast.walk(tree) for each in _targets(node)}


def top(name):
    return name.partition(".")[0]


LEVELS = {name: level for level, row in enumerate(LAYERS) for name in row}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_down_only(path):
    own = top(name_of(path))
    assert own in LEVELS, f"{own} has no layer"
    too_high = {each for each in imports(path) if LEVELS[top(each)] > LEVELS[own]}
    assert too_high == set()


def test_no_module_imports_itself_by_a_detour():
    graph = {name_of(path): imports(path) for path in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_imports_more_than_eight_others(path):
    assert len(imports(path)) <= MOST_IMPORTS, sorted(imports(path))


@pytest.mark.parametrize("path", sorted((PACKAGE / "service").rglob("*.py")), ids=name_of)
def test_the_service_uses_nothing_above_it(path):
    assert {top(each) for each in imports(path, types=True)} <= SERVICE_USES


SDKS = ("agentbay", "agb")
NAMED = re.compile(r"(agentbay|agb)(?!\w)")
IMPORTERS = {"__import__", "import_module", "find_spec", "Library"}


def _named_sdks(path):
    """The SDKs that a module imports, by statement or by a name in a text."""
    found = outside(path) & set(SDKS)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func).rpartition(".")[2]
            first = node.args[0]
            first = first.values[0] if isinstance(first, ast.JoinedStr) else first
            if called in IMPORTERS and isinstance(first, ast.Constant):
                match = NAMED.match(str(first.value))
                found |= {match[1]} if match else set()
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_files_of_an_sdk_know_it(path):
    stem = path.stem.lstrip("_")
    owned = {sdk for sdk in SDKS if stem == sdk or stem.startswith(f"{sdk}_")}
    allowed = owned if path.parent == PACKAGE / "providers" else set()
    assert _named_sdks(path) <= allowed


@pytest.mark.parametrize("name", sorted(PURE & KNOWN))
def test_the_words_touch_neither_network_nor_processes(name):
    path = PACKAGE / f"{name}.py"
    assert outside(path).isdisjoint({"aiohttp", "requests", "socket", "subprocess", "ipykernel"})


@pytest.mark.parametrize("path", [*SOURCES, *FRONT], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_long(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


def _functions(path):
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_function_is_long(path):
    long = [
        node.name
        for node in _functions(path)
        if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_in_a_sentence_what_it_is(path):
    first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    assert first.endswith((".", ":"))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_all_is_sorted(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            constants_first = sorted(names, key=lambda name: (not name.isupper(), name))
            assert names in (sorted(names), constants_first)


OPTIONS = AgentBayOptions.class_traits(config=True)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_has_help_and_a_variable(name):
    metadata = OPTIONS[name].metadata
    assert metadata["help"].endswith(".")
    assert metadata["env"].startswith("AGENTBAY_")


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_documented(name):
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    assert f"`{name}`" in text
    assert f"`{OPTIONS[name].metadata['env']}`" in text


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_contributing_is_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 100
