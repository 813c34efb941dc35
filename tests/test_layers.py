"""A room imports only from rooms above it; the order is the one that workbench/__init__.py tells people."""

import ast
import re
from pathlib import Path

import pytest

import workbench

PACKAGE = Path(workbench.__file__).parent
ROOMS = re.findall(r"^    (\w+)  ", workbench.__doc__ or "", flags=re.MULTILINE)


def room(dotted: str) -> str | None:
    """Room of ``workbench.ROOM.module``; None for another package and for workbench itself."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "workbench" and len(parts) > 1 else None


def imported(source: str, module: str, is_package: bool = False) -> set[str]:
    """Rooms that a module imports, wherever in its body: at the top, inside a function, by a relative name."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names += [f"{origin}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                names.append(str(node.args[0].value))
    return {found for name in names if (found := room(name))}


def breaches(source: str, module: str, is_package: bool = False) -> list[str]:
    """Rooms below its own, or unknown, that a module imports."""
    own = ROOMS.index(room(module) or "")
    allowed = ROOMS[: own + 1]
    return sorted(imported(source, module, is_package) - set(allowed))


MODULES = {
    ".".join(("workbench", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def test_the_order_names_every_room_once() -> None:
    assert len(ROOMS) == len(set(ROOMS))
    assert {name for dotted in MODULES if (name := room(dotted))} == set(ROOMS)


@pytest.mark.parametrize("module", [name for name in MODULES if name != "workbench"])
def test_a_room_imports_only_from_above(module: str) -> None:
    path = MODULES[module]
    assert breaches(path.read_text(), module, path.name == "__init__.py") == []


def test_the_package_itself_imports_no_room() -> None:
    assert imported(MODULES["workbench"].read_text(), "workbench", is_package=True) == set()


@pytest.mark.parametrize(
    "source",
    [
        "import workbench.view",
        "from workbench import view",
        "from workbench.view import figures",
        "from workbench.view.figures import bars",
        "def late():\n    from workbench import embed, view",
        "from ..view import figures",
        "from .. import view",
        "import importlib\nimportlib.import_module('workbench.view.figures')",
        "if TYPE_CHECKING:\n    import workbench.view as pictures",
    ],
)
def test_every_way_to_import_downward_is_seen(source: str) -> None:
    assert breaches(source, "workbench.geometry.metrics") == ["view"]


@pytest.mark.parametrize("source", ["from . import metrics", "from ..records import Vectors", "import view", "view()"])
def test_a_room_may_import_itself_and_those_above(source: str) -> None:
    assert breaches(source, "workbench.geometry.metrics") == []
