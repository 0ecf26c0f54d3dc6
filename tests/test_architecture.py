"""The order of imports, what `import penchant` loads, and the public names."""

from __future__ import annotations

import ast
import graphlib
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import penchant

pytestmark = pytest.mark.quick

ROOT = Path(penchant.__file__).parent

ORDER = """
    errors urls settings arrays console tables atomic fonts threads ids repeats ratings
    stars split metrics ranking plots factors history kernels features store data
    posterior networks solvers choices model fold_in predict answers storage blocks recommender
    comparison tuning checking report serve cli __main__
""".split()  # noqa: SIM905
"""Each module or package of `penchant` imports only what stands before it, or within itself.

Imports inside functions and for types alone count as all others do."""

HEAVY = ("keras", "jax", "numba", "duckdb", "matplotlib", "fastapi", "pandas", "pyarrow", "rich")
HEAVY += ("jinja2",)

PUBLIC = """
    ALS AutoRec Bias Blend Checkpoint DeepRating Gibbs Keras MatrixFactorization NeuralRating
    PenchantError Ratings SGD Scale __version__ compare datacheck folds load open report split
    synthetic tune
""".split()  # noqa: SIM905
"""What `import penchant as pc` offers; a change here is a change of the public API."""


def name_of(file: Path) -> str:
    """`penchant.solvers.base` of `…/base.py`; `penchant.solvers` of its `__init__.py`."""
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


def test_the_top_is_named_only_for_its_version():
    for module, file in FILES.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "penchant":
                modules = {alias.name for alias in node.names if f"penchant.{alias.name}" in FILES}
                rest = {alias.name for alias in node.names} - modules
                assert rest <= {"__version__"}, f"{module} imports {rest} from the top"


MODULES = [name for name in FILES if name != "penchant"]


def folder(module: str) -> str:
    return module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_what_stands_before_it(module):
    assert part(module) in ORDER, f"give {part(module)} its place in ORDER"
    for imported in ours(module):
        if imported == "penchant":  # `from penchant import __version__`: the top is always loaded
            continue
        before = ORDER.index(part(imported)) <= ORDER.index(part(module))
        assert before, f"{module} imports {imported}, which stands after it"


def test_each_place_in_the_order_is_taken():
    assert {part(module) for module in MODULES} == set(ORDER)


def test_no_import_goes_in_a_circle():
    graph = {
        module: {name for name in ours(module) if name not in ("penchant", module)}
        for module in MODULES
        if FILES[module].name != "__init__.py"
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_import_goes_in_a_circle_between_neighbouring_folders():
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        for imported in ours(module):
            one, other = folder(module).split("."), folder(imported).split(".")
            pairs = zip(one, other, strict=False)
            alike = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
            if alike < min(len(one), len(other)):
                ends = (".".join(names[: alike + 1]) for names in (one, other))
                graph.setdefault(next(ends), set()).add(next(ends))
    graphlib.TopologicalSorter(graph).prepare()


def test_only_kernels_know_how_several_numbers_are_worked_on_at_once():
    for module in MODULES:
        if part(module) != "kernels":
            assert not [name for name in ours(module) if name.startswith("penchant.kernels.simd")]


def test_the_wing_for_what_outgrows_memory_has_few_doors():
    doors = {part(m) for m in MODULES for name in ours(m) if part(f"{name}.") == "blocks"}
    assert doors - {"blocks"} <= {"recommender", "cli"}


def test_folders_are_small_and_no_family_of_names_stands_in_for_one():
    for top in {FILES[module].parent for module in MODULES}:
        names = sorted(file.stem for file in top.glob("*.py") if file.stem != "__init__")
        assert len(names) <= 25, f"{top} has {len(names)} files"
        first = [name.partition("_")[0] for name in names if "_" in name]
        many = {word for word in first if first.count(word) > 3}
        assert not many, f"{top}: make folders of {many}"


def test_the_walk_sees_imports_of_every_form():
    assert "penchant.plots" in ours("penchant.history")  # inside a function
    assert "penchant.data.load" in ours("penchant")  # under TYPE_CHECKING
    assert "penchant.storage.bundle.card" in ours("penchant.storage.bundle.reader")  # by `from`


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
        f"import penchant.storage.bundle as b; made = b.read({str(golden)!r}); "
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
