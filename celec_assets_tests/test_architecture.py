"""Which part may know which: read from the import statements themselves, also those inside functions."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "celec_assets"
PURE = ("sources", "series", "forecasting")
NOT_PURE = (
    *("dagster", "boto3", "botocore"),
    *(f"celec_assets.{module}" for module in ("storage", "assets", "settings", "resources")),
)


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def layer(path: Path) -> str:
    """The folder below the package, or the module's own name."""
    return path.relative_to(PACKAGE).parts[0]


def imports(tree: ast.AST, package: str) -> Iterator[tuple[str, int]]:
    """Every dotted name that is imported, and its line; `package` is where a relative import starts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module, node.lineno
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def forbidden_imports(path: Path, root: Path, forbidden: tuple[str, ...], rule: str) -> list[str]:
    """One sentence for each line that imports any of the forbidden modules, or something in them."""
    package = ".".join(["celec_assets", *path.relative_to(root).parts[:-1]])
    lines = {
        (line, wrong)
        for name, line in imports(ast.parse(path.read_text(encoding="utf-8")), package)
        for wrong in forbidden
        if name == wrong or name.startswith(f"{wrong}.")
    }
    return [f"{path.relative_to(root)}:{line} imports {wrong}: {rule}" for line, wrong in sorted(lines)]


def environment_reads(path: Path) -> Iterator[tuple[str, int]]:
    """Each look at the environment: the variable's name, or '?' where it is not plain, and the line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute() as environ), args=[ast.Constant(value=str(name)), *_]
            ):
                named[environ] = name
            case ast.Call(func=ast.Attribute() as getenv, args=[ast.Constant(value=str(name)), *_]):
                named[getenv] = name
            case ast.Subscript(value=environ, slice=ast.Constant(value=str(name))):
                named[environ] = name
            case ast.Compare(left=ast.Constant(value=str(name)), comparators=[environ]):
                named[environ] = name
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv"):
                yield named.get(node, "?"), node.lineno
            case ast.ImportFrom(module="os", names=names):
                yield from (("?", node.lineno) for a in names if a.name in ("environ", "environb", "getenv"))
            case ast.Name(id="BaseSettings" | "EnvVar") | ast.Attribute(attr="BaseSettings" | "EnvVar"):
                yield "?", node.lineno


def test_sources_series_and_forecasting_know_neither_dagster_nor_the_lake() -> None:
    rule = f"{', '.join(PURE)} are pure"
    pure = [path for path in modules() if layer(path) in PURE]
    assert {layer(path) for path in pure} == set(PURE)
    assert [line for path in pure for line in forbidden_imports(path, PACKAGE, NOT_PURE, rule)] == []


def test_connectors_know_neither_dagster_nor_the_lake_and_nobody_behind_the_landing_zone_knows_them() -> None:
    connectors = [path for path in modules() if layer(path) == "connectors"]
    assert connectors
    assert [line for path in connectors for line in forbidden_imports(path, PACKAGE, NOT_PURE, "HTTP to bytes")] == []
    allowed = {"connectors", "services.py", "schedules.py", "history.py", "live_check.py", "assets/arrivals.py"}
    others = [
        path
        for path in modules()
        if not {layer(path), path.relative_to(PACKAGE).as_posix()} & {*allowed, "assets/checks/arrivals.py"}
    ]
    rule = "they write files, and nothing else is known of them"
    assert [
        line for path in others for line in forbidden_imports(path, PACKAGE, ("celec_assets.connectors",), rule)
    ] == []


def test_only_forecasting_knows_prophet() -> None:
    others = [path for path in modules() if layer(path) != "forecasting"]
    found = [line for path in others for line in forbidden_imports(path, PACKAGE, ("prophet",), "only forecasting may")]
    assert found == []


def test_only_settings_read_the_environment() -> None:
    allowed = {("settings.py", "?"), ("cli.py", "DAGSTER_HOME")}
    found = [
        f"{path.relative_to(PACKAGE)}:{line} reads {name} from the environment: only settings.py may"
        for path in modules()
        for name, line in environment_reads(path)
        if (path.relative_to(PACKAGE).as_posix(), name) not in allowed
    ]
    assert found == []


def test_loading_the_definitions_loads_no_heavy_library(tmp_path: Path) -> None:
    script = (
        "import sys, celec_assets.definitions\n"
        "print(*sorted({'pandas', 'numpy', 'pyarrow', 'prophet', 'mlflow', 'boto3'} & sys.modules.keys()))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(PACKAGE.parent), "DAGSTER_HOME": str(tmp_path), "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == [], "celec_assets.definitions loads these: import them inside functions"


# The rules themselves see what they are to see.


@pytest.mark.parametrize(
    "statement",
    [
        "import dagster as dg",
        "import dagster._core.storage",
        "from dagster import asset",
        "from celec_assets import storage",
        "from celec_assets.storage.lake import Lake",
        "from ..storage import lake",
        "from .. import storage",
        "def f():\n    from boto3 import client",
        "if True:\n    import botocore.session",
    ],
)
def test_a_forbidden_import_is_seen_in_every_form(tmp_path: Path, statement: str) -> None:
    (module := tmp_path / "series" / "cleaning.py").parent.mkdir()
    module.write_text(f"import pandas\nfrom celec_assets.series import schema\nfrom . import schema\n{statement}\n")
    (found,) = forbidden_imports(module, tmp_path, NOT_PURE, "a rule")
    assert found.startswith("series/cleaning.py:")
    assert found.endswith(": a rule")


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("os.environ['A']", "A"),
        ("os.environ.get('A')", "A"),
        ("os.getenv('A')", "A"),
        ("'A' in os.environ", "A"),
        ("dict(os.environ)", "?"),
        ("os.environ.get(name)", "?"),
        ("from os import environ", "?"),
        ("dg.EnvVar('A')", "?"),
    ],
)
def test_a_look_at_the_environment_is_seen_in_every_form(tmp_path: Path, statement: str, name: str) -> None:
    (module := tmp_path / "x.py").write_text(f"import os\n{statement}\n")
    assert list(environment_reads(module)) == [(name, 2)]
