"""Labels on the map: text over the canvas that never overlaps, follows zooms and moves, and is never markup."""

import itertools

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CELL = """
import numpy as np, pandas as pd
from workbench import view
rng = np.random.default_rng(0)
words = "stars galaxies telescope orbit bread flour oven butter ships anchor tide rope logic proof".split()
centers = rng.normal(size=(60, 2)) * 9
group = rng.integers(0, 60, 6_000)
coordinates = centers[group] + rng.normal(size=(6_000, 2)) * 0.9
names = [", ".join(rng.choice(words, 3, replace=False)) for _ in range(60)]
names[0], names[1] = "<img src=x onerror=\\"window.hacked = 1\\"> $x$", "مرحبا بالعالم"
weights = [100, 99, *(rng.random(58) * 50)]
points = view.MapView(coordinates, texts=[f"passage {i}" for i in range(6_000)], height=560)
points.color_by(pd.Series(group % 8).astype(str), "topic")
points.label([(name, np.flatnonzero(group == i)) for i, name in enumerate(names)], weights=weights)
points
"""
VISIBLE = """nodes => nodes.filter(node => getComputedStyle(node).visibility === 'visible').map(node => {
    const box = node.getBoundingClientRect();
    return {text: node.textContent, box: [box.left, box.top, box.right, box.bottom]};
})"""


@pytest.fixture
def notebook(run_anew):
    return run_anew([CELL])


def visible(notebook) -> dict[str, list[float]]:
    """Text -> left, top, right, bottom of each label in sight; raises where two of them overlap."""
    page = notebook.explorer()
    found = page.map.locator(".wb-map-label").evaluate_all(VISIBLE)
    canvas = page.map.locator("canvas").first.bounding_box()
    for one, other in itertools.combinations(found, 2):
        a, b = one["box"], other["box"]
        meet = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        assert min(meet) < 0.5, f"{one['text']!r} and {other['text']!r} overlap by {meet}"
    for one in found:
        left, top, right, bottom = one["box"]
        assert left > canvas["x"] - 1 and right < canvas["x"] + canvas["width"] + 1, one
        assert top > canvas["y"] - 1 and bottom < canvas["y"] + canvas["height"] + 1, one
    return {one["text"]: one["box"] for one in found}


def test_labels_never_overlap_and_more_come_into_sight_closer_up(notebook) -> None:
    page = notebook.explorer()
    notebook.wait_until(lambda: notebook.run_cell("points.painted == points.version") == "True", "painted")
    far = visible(notebook)
    assert 8 < len(far) < 60, "some find no room"
    hostile = '<img src=x onerror="window.hacked = 1"> $x$'
    assert hostile in far and "مرحبا بالعالم" in far, "the heaviest come first"
    page.shot("labels")

    center = page.position(int(notebook.run_cell("int(points.labels[2].rows[0])")))
    notebook.page.mouse.move(*center)
    seen = set(far)
    for _ in range(6):
        notebook.page.mouse.wheel(0, -250)
        notebook.page.wait_for_timeout(500)
        near = visible(notebook)
        assert near
        seen |= set(near)
    assert len(seen) > len(far), "zooming in makes room for more"
    page.shot("labels-near")
    for _ in range(9):
        notebook.page.mouse.wheel(0, 300)
        notebook.page.wait_for_timeout(300)
        visible(notebook)

    assert notebook.page.evaluate("() => window.hacked") is None
    assert notebook.page.locator(".wb-map img, mjx-container").count() == 0
    notebook.check()


def test_a_label_stays_at_its_point_when_the_map_moves_and_is_no_obstacle(notebook) -> None:
    page = notebook.explorer()
    notebook.run_cell("points.label({'here': 7, 'group': np.flatnonzero(group == 3)})")

    def near(row: int) -> bool:
        (left, top, right, bottom), (x, y) = visible(notebook)["here"], page.position(row)
        return left - 20 < x < right + 20 and top - 20 < y < bottom + 20

    notebook.wait_until(
        lambda: set(visible(notebook)) == {"here", "group"} and near(7), "both labels are at their points"
    )
    before = page.position(7)
    notebook.run_cell("points.move(coordinates[::-1] * [1, 2], animate=True)")
    notebook.wait_until(lambda: notebook.run_cell("points.painted == points.version") == "True", "the move is painted")
    assert page.position(7) != before
    assert near(7)
    row = int(notebook.run_cell("points._painter.labels[0][0]"))
    page.click(row)
    notebook.wait_until(
        lambda: notebook.run_cell("points.selection.tolist()") == f"[{row}]", "a click passes through it"
    )
    notebook.theme("JupyterLab Dark")
    try:
        notebook.run_cell(
            "points.move(coordinates)\n"
            "points.label([(name, np.flatnonzero(group == i)) for i, name in enumerate(names)])"
        )
        notebook.wait_until(lambda: len(visible(notebook)) > 8, "the labels are back")
        page.settle()
        page.shot("labels-dark")
    finally:
        notebook.theme("JupyterLab Light")
    notebook.run_cell("points.label()")
    notebook.wait_until(lambda: visible(notebook) == {}, "no label is left")
    notebook.check()
