"""The order of imports, what `import penchant` loads, and the public names."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import penchant

pytestmark = pytest.mark.quick

ROOT = Path(penchant.__file__).parent

ORDER = """
    errors urls settings console tables fonts atomic ids repeats ratings features store sources
    split metrics ranking
    history stars kernels engine factors topn posterior network solvers choices plots bundle
    recommender
    comparison tuning checking blocks report serve doctor cli __main__
""".split()  # noqa: SIM905
"""Each module or package of `penchant` imports only what stands before it, or within itself."""

FORWARD = {("history", "plots")}
"""Imports against the order, inside a function: who imports, and what."""

HEAVY = ("keras", "jax", "numba", "duckdb", "matplotlib", "fastapi", "pandas", "pyarrow", "rich")
HEAVY += ("jinja2",)

PUBLIC = """
    ALS AutoRec Bias Blend Checkpoint DeepRating Gibbs Keras MatrixFactorization NeuralRating
    PenchantError Ratings SGD Scale __version__ compare datacheck folds load open report split
    synthetic tune
""".split()  # noqa: SIM905
"""What `import penchant as pc` offers; a change here is a change of the public API."""


def name_of(file: Path) -> str:
    """`penchant.bundle.reader` of `…/bundle/reader.py`; `penchant.bundle` of its `__init__.py`."""
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for file in sorted(ROOT.rglob("*.py"))}


def imports(module: str, *, deep: bool = True) -> Iterator[str]:
    """The modules that a module names; also in functions and under TYPE_CHECKING if deep."""
    file = FILES[module]
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if deep else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            source = ".".join([*base, node.module] if node.module else base)
            source = source if node.level else str(node.module)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in FILES else source
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))


def ours(module: str, *, deep: bool = True) -> list[str]:
    return [name for name in imports(module, deep=deep) if name.split(".")[0] == "penchant"]


def part(module: str) -> str:
    """The entry of ORDER that a module belongs to."""
    return module.split(".")[1]


@pytest.mark.parametrize("module", [name for name in FILES if name != "penchant"])
def test_imports_only_what_stands_before_it(module):
    assert part(module) in ORDER, f"give {part(module)} its place in ORDER"
    for imported in ours(module):
        if imported == "penchant":  # `from penchant import __version__`: the top is always loaded
            continue
        before = ORDER.index(part(imported)) <= ORDER.index(part(module))
        allowed = (part(module), part(imported)) in FORWARD
        assert before or allowed, f"{module} imports {imported}, which stands after it"


def test_each_exception_is_still_needed():
    modules = [module for module in FILES if module != "penchant"]
    found = {(part(m), part(i)) for m in modules for i in ours(m) if i != "penchant"}
    assert found >= FORWARD


def test_no_import_goes_in_a_circle_within_a_package():
    inside = {
        module: {
            imported
            for imported in ours(module, deep=False)
            if imported != module and imported != "penchant" and part(imported) == part(module)
        }
        for module in FILES
        if module != "penchant"
    }
    graphlib.TopologicalSorter(inside).prepare()  # raises CycleError, which names the circle


def test_the_top_is_named_only_for_its_version():
    for module, file in FILES.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "penchant":
                modules = {alias.name for alias in node.names if f"penchant.{alias.name}" in FILES}
                rest = {alias.name for alias in node.names} - modules
                assert rest <= {"__version__"}, f"{module} imports {rest} from the top"


def test_the_walk_sees_imports_of_every_form():
    assert "penchant.plots" in ours("penchant.history")  # inside a function
    assert "penchant.sources" in ours("penchant")  # under TYPE_CHECKING
    assert "penchant.bundle.card" in ours("penchant.bundle.reader")  # a module by `from`


def loaded_by(code: str) -> set[str]:
    """The top-level packages that a fresh Python holds after `code`."""
    program = f"{code}\nimport sys\nprint(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT.parent)},
    )
    return set(done.stdout.split())


def test_import_loads_nothing_heavy():
    loaded = loaded_by("import penchant")
    assert "penchant" in loaded
    assert not loaded & set(HEAVY)
    assert not loaded & {"numpy", "scipy", "typer"}


def test_reading_a_bundle_loads_nothing_that_it_can_do_without():
    golden = Path(__file__).parent / "golden" / "v1.penchant"
    loaded = loaded_by(
        f"import penchant.bundle as b; made = b.read({str(golden)!r}); "
        "made.users.row(made.users.ids([1])[0]); made.ratings; made.posterior"
    )
    assert "pyarrow" in loaded
    assert not loaded & (set(HEAVY) - {"pyarrow"})


def test_public_names_are_pinned_and_sorted():
    assert sorted(PUBLIC) == PUBLIC
    assert sorted(penchant.__all__) == PUBLIC
    assert penchant.__all__[0] == "__version__"
    assert penchant.__all__[1:] == sorted(penchant.__all__[1:])
    assert dir(penchant) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_exists(name):
    assert getattr(penchant, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'penchant' has no attribute 'nonsense'"):
        penchant.nonsense  # noqa: B018
