"""The one direction of imports, the homes of heavy libraries, and that light entrances stay light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted([*ROOT.glob("index/**/*.py"), *ROOT.glob("qa/**/*.py"), ROOT / "app.py"])

# A module may import from its own layer and from those before it; the longest matching name counts.
LAYERS = [
    ["index.types", "index.errors"],
    ["index"],  # load, chunk, embed, vectors, lexical and what serves them
    ["index.store"],
    ["index.build", "index.retrieve"],
    ["qa", "qa.types", "qa.errors", "qa.config"],
    ["qa.visible", "qa.plain", "qa.receipts"],
    ["qa.words"],
    ["qa.reading", "qa.cite", "qa.calibrate", "qa.conversation", "qa.choose", "qa.lists", "qa.same", "qa.verify"],
    ["qa.lexicon", "qa.spelling", "qa.entries", "qa.complete", "qa.about", "qa.reasons", "qa.decide"],
    ["qa.assistant"],
    ["qa.suggest", "qa.evaluation", "qa.training"],
    ["qa.web"],
    ["qa.cli", "qa.cli_text", "qa.cli_options", "qa.cli_evaluate", "qa.cli_calibrate", "qa.cli_train", "qa.cli_verify"],
    ["app"],
]
HEAVY = {"torch", "transformers", "sentence_transformers", "faiss", "gradio", "onnxruntime"}
HOMES = {
    "faiss": {"index.vectors"},
    "gradio": {"qa.web.chat"},
    "sentence_transformers": {"index.embed"},
    "torch": {"index.export", "qa.reading.hub", "qa.training"},
    "transformers": {"index.embed", "index.export", "qa.reading.hub", "qa.training"},
    "onnxruntime": {"index.export", "qa.reading.builtin", "qa.training"},
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def layer_of(module: str) -> int:
    matches = [(len(name), at) for at, names in enumerate(LAYERS) for name in names if within(module, name)]
    assert matches, f"{module} is in no layer: give it one in this test"
    return max(matches)[1]


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it, also for types only; `from a import b` counts as a and a.b."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; say where from"
            assert node.module is not None
            known = {name_of(module) for module in MODULES}
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (named & known) or {node.module}
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path):
    module = name_of(path)
    ours = {name for name in imports_of(path) if within(name, "index") or within(name, "qa") or name == "app"}
    if module == "qa":  # hands on names from everywhere, when they are asked for
        return
    later = {name for name in ours if layer_of(name) > layer_of(module)}
    assert not later, f"{module} imports from a later layer"
    if within(module, "index"):
        assert not {name for name in ours if within(name, "qa")}, "index never imports qa"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_libraries_are_imported_in_their_homes_only(path):
    module = name_of(path)
    for name in imports_of(path):
        library = name.partition(".")[0]
        if library in HOMES:
            assert any(within(module, home) for home in HOMES[library]), f"{module} imports {library}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_types_and_errors_need_no_third_party(path):
    if name_of(path).rpartition(".")[2] in ("types", "errors"):
        outside = {name.partition(".")[0] for name in imports_of(path)} - sys.stdlib_module_names - {"index", "qa"}
        assert not outside


@pytest.mark.parametrize(
    "program",
    [
        "import index",
        "import qa",
        "import qa; qa.Answer, qa.Citation, qa.Settings",
        "import app",
        "import qa.suggest",
        "from qa.cli import main; main(['--help'])",
        "from qa.cli import main; main(['ask', '--help'])",
        "from qa.cli import main; main(['--version'])",
    ],
)
def test_light_entrances_load_nothing_heavy(program):
    check = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print(sorted({HEAVY!r} & sys.modules.keys()), file=sys.stderr))\n" + program
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, encoding="utf-8", cwd=ROOT, check=True)
    assert done.stderr.strip() == "[]"


def test_only_the_settings_read_the_environment():
    for path in MODULES:
        if name_of(path) == "qa.config":
            continue
        source = path.read_text(encoding="utf-8")
        assert "SPANWISE_" not in source, f"{name_of(path)} reads the environment"
        assert "getenv(" not in source, f"{name_of(path)} reads the environment"


def test_only_the_command_line_and_the_training_recipe_print():
    for path in MODULES:
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        printing = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
        assert not printing or name_of(path) == "qa.cli" or within(name_of(path), "qa.training"), (
            f"{name_of(path)} prints"
        )


def test_every_package_and_data_file_is_named_for_the_wheel():
    """Explicit packages are easily forgotten: what lies in the repository is what gets installed."""
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages = {name_of(path) for path in MODULES if path.name == "__init__.py"}
    assert set(setup["packages"]) == packages | {"qa.seeds"}
    packaged = {
        file
        for package, patterns in setup["package-data"].items()
        for pattern in patterns
        for file in (ROOT / setup["package-dir"].get(package, package.replace(".", "/"))).glob(pattern)
    }
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--", "index", "qa"], capture_output=True, encoding="utf-8", cwd=ROOT, check=True
    ).stdout.split("\0")
    data = {ROOT / name for name in tracked if name and not name.endswith((".py", ".pyi"))}
    assert {file for file in data if file.exists()} <= packaged


def test_every_library_imported_is_a_declared_dependency():
    """What another library happens to bring along today may be gone with its next release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        re.split(r"[<>=!~ \[]", line, maxsplit=1)[0].lower().replace("_", "-") for line in project["dependencies"]
    }
    homes = packages_distributions()
    for path in MODULES:
        for library in {name.partition(".")[0] for name in imports_of(path)} - sys.stdlib_module_names:
            if library not in ("index", "qa", "app"):
                brought_by = {name.lower().replace("_", "-") for name in homes.get(library, [library])}
                assert brought_by & declared, f"{name_of(path)} imports {library}, which pyproject.toml does not name"


def test_what_moves_has_both_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
        assert "==" in line or (">=" in line and "<" in line.replace("<=", "")), line
