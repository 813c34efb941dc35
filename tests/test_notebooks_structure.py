"""Every notebook is one question in few short cells, committed clean, with a first result at once and a last check."""

import ast
import copy
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
CELLS = range(25, 41)
MOST_CODE_CELLS = 20
MOST_LINES = 20
MEDIAN_LINES = 4
FIRST_RESULT = 4  # index of a cell, from 0


def tags(cell: dict[str, Any]) -> list[str]:
    return cell["metadata"].get("tags", [])


def shows_something(source: str) -> bool:
    """Whether a code cell ends in an expression, which Jupyter shows (and a semicolon would hide)."""
    body = ast.parse(source).body
    return bool(body) and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";")


def faults(notebook: dict[str, Any]) -> list[str]:
    """What is wrong with a notebook, in words; nothing for one that is as it should be."""
    cells = notebook["cells"]
    code = [(at, cell) for at, cell in enumerate(cells) if cell["cell_type"] == "code"]
    sources = [cell["source"] for _, cell in code]
    lengths = [len(source.splitlines()) for source in sources]
    heading = cells[0]["source"].strip().splitlines()[0] if cells and cells[0]["source"].strip() else ""
    found = []

    def hold(rule: str, holds: bool) -> None:
        if not holds:
            found.append(rule)

    hold(f"{len(cells)} cells, not {CELLS.start} to {CELLS.stop - 1}", len(cells) in CELLS)
    hold(f"{len(code)} code cells, more than {MOST_CODE_CELLS}", len(code) <= MOST_CODE_CELLS)
    for (at, _), length in zip(code, lengths, strict=True):
        hold(f"cell {at} has {length} lines, more than {MOST_LINES}", 0 < length <= MOST_LINES)
    median = statistics.median(lengths or [0])
    hold(f"the median code cell has {median} lines, more than {MEDIAN_LINES}", median <= MEDIAN_LINES)
    hold(
        f"no result by cell {FIRST_RESULT}",
        any(at <= FIRST_RESULT and shows_something(cell["source"]) for at, cell in code),
    )
    hold(
        "the first cell is not a title that asks a question",
        bool(cells) and cells[0]["cell_type"] == "markdown" and heading.startswith("# ") and heading.endswith("?"),
    )
    hold("outputs are committed", not any(cell["outputs"] or cell["execution_count"] for _, cell in code))
    hold("ids are not 0, 1, 2, ...", [cell["id"] for cell in cells] == [str(at) for at in range(len(cells))])
    hold("the last code cell is not tagged check", bool(code) and "check" in tags(code[-1][1]))
    hold("an error is expected somewhere", not any("raises-exception" in tags(cell) for cell in cells))
    timeout = notebook["metadata"].get("execution", {}).get("timeout")
    hold("metadata has no execution.timeout in seconds", type(timeout) is int and timeout > 0)
    hold("the kernel is not python3", notebook["metadata"].get("kernelspec", {}).get("name") == "python3")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_is_as_it_should_be(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert faults(notebook) == []


def test_there_are_notebooks_in_one_order() -> None:
    numbers = [path.name.partition("_")[0] for path in NOTEBOOKS]
    assert numbers[:1] == ["00"]
    assert len(set(numbers)) == len(numbers)
    assert all(number.isdigit() and len(number) == 2 for number in numbers)


def good() -> dict[str, Any]:
    """A notebook with nothing wrong."""
    cells = [nbformat.v4.new_markdown_cell("# How near is near?\n\nMinutes: 10")]
    for at in range(1, 30):
        source = f"x = {at}\nx" if at % 2 else f"Some words {at}"
        cells.append(nbformat.v4.new_code_cell(source) if at % 2 else nbformat.v4.new_markdown_cell(source))
    for at, cell in enumerate(cells):
        cell["id"] = str(at)
    cells[-1]["metadata"]["tags"] = ["check"]
    kernel = {"name": "python3", "display_name": "Python 3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "execution": {"timeout": 300}})


def test_a_good_notebook_has_no_faults() -> None:
    nbformat.validate(good())
    assert faults(good()) == []


def as_code(notebook: dict[str, Any], positions: range) -> None:
    for at in positions:
        notebook["cells"][at] = nbformat.v4.new_code_cell("x = 1", id=str(at))


def set_(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one value, whose place in the notebook is written with dots."""

    def change(notebook: dict[str, Any]) -> None:
        *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = notebook
        for part in outer:
            place = place[part]
        place[last] = value

    return change


SPOILED: dict[str, Callable[[dict[str, Any]], None]] = {
    "24 cells, not 25 to 40": lambda notebook: notebook["cells"].__delitem__(slice(20, 26)),
    "code cells, more than 20": lambda notebook: as_code(notebook, range(10, 29)),
    "cell 3 has 21 lines, more than 20": set_("cells.3.source", "x = 1\n" * 20 + "x"),
    "cell 3 has 0 lines": set_("cells.3.source", ""),
    "the median code cell has 5 lines": lambda notebook: [
        cell.__setitem__("source", "x = 1\n" * 4 + "x") for cell in notebook["cells"] if cell["cell_type"] == "code"
    ],
    "no result by cell 4": lambda notebook: [notebook["cells"][at].__setitem__("source", "x = 1") for at in (1, 3)],
    "the first cell is not a title that asks a question": set_("cells.0.source", "# Nearness"),
    "outputs are committed": set_("cells.5.execution_count", 3),
    "ids are not 0, 1, 2, ...": set_("cells.5.id", "a5"),
    "the last code cell is not tagged check": set_("cells.29.metadata", {}),
    "an error is expected somewhere": set_("cells.5.metadata", {"tags": ["raises-exception"]}),
    "metadata has no execution.timeout in seconds": set_("metadata.execution", {}),
    "the kernel is not python3": set_("metadata.kernelspec.name", "conda"),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_each_fault_is_found(fault: str) -> None:
    notebook = copy.deepcopy(good())
    SPOILED[fault](notebook)
    assert any(fault in said for said in faults(notebook)), faults(notebook)


@pytest.mark.parametrize(
    ("source", "shows"), [("x", True), ("f(x)", True), ("x = 1", False), ("x;", False), ("", False)]
)
def test_what_a_cell_shows(source: str, shows: bool) -> None:
    assert shows_something(source) is shows
