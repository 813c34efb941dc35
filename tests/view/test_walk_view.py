"""The walk on the map without a browser: what is lit, listed and drawn is what the walk says at every step."""

import re

import numpy as np
import pytest

from workbench import ann, callbacks
from workbench.errors import InputError, VectorError
from workbench.view import ROLES, WalkView

N, D, K = 900, 12, 5
HOSTILE = "<img src=x onerror=alert(1)> $x$"


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(9, D))[rng.integers(0, 9, N + 4)] * 2 + rng.normal(size=(N + 4, D))).astype(np.float32)
    index = ann.build_index(
        ann.IndexSpec.parse("HNSW6 efConstruction=20"), ann.Database(vectors[:N], "cosine"), threads=1
    )
    return vectors[:N, :2], index, vectors[N:]


@pytest.fixture
def view(parts):
    coordinates, index, queries = parts
    yield WalkView(
        coordinates, index, queries, queries[:, :2], k=K, ef=16, texts=[f"{HOSTILE} {row}" for row in range(N)],
        query_texts=[f"asked {HOSTILE} {q}" for q in range(4)],
    )  # fmt: skip
    callbacks.check()


def lit(view: WalkView) -> dict[str, list[int]]:
    """What is drawn in each role, from what goes to the browser."""
    first = int(view.map.codes.max()) - ROLES.index("query")
    return {role: np.flatnonzero(view.map.codes == first + place).tolist() for place, role in enumerate(ROLES)}


def listed(view: WalkView, name: str) -> list[int]:
    part = view._lists.value.split(f'class="wb-walk-{name}"')[1].split("</table>")[0]
    return [int(row) for row in re.findall(r'data-row="(\d+)"', part)]


def test_every_step_forward_and_back_shows_what_the_walk_says(view, parts):
    walk = view.walk
    before = []
    for step in range(walk.steps + 1):
        assert view.step.value == step
        drawn, state = lit(view), walk.state(step)
        computed = walk.computed[walk.computed["step"] <= step]
        assert set(view.visited) == set(computed["row"])
        assert set(view.visited) == set().union(*(drawn[role] for role in ("scanned", "kept", "hit", "true", "false")))
        assert set(drawn["true"]) | set(drawn["missing"]) <= set(view.truth) and drawn["query"] == [N]
        assert not set(drawn["missing"]) & set(view.visited)
        fresh = walk.computed.loc[walk.computed["step"] == step, "row"].tolist()
        if step:
            node = int(walk.hops["node"].iloc[step - 1])
            assert drawn["false"] == [node] and set(drawn["hit"]) == set(fresh) - {node}
            assert len(view.map._painter.lines) == len(fresh)
        assert listed(view, "results") == state.results["row"].tolist()[:10]
        assert listed(view, "candidates") == state.candidates["row"].tolist()[:8]
        assert list(view.figure.data[-1].x) == [step, step]
        assert view.buttons["back"].disabled == (step == 0) and view.buttons["forward"].disabled == (step == walk.steps)
        before.append(drawn)
        view.buttons["forward"].click()
    assert f"recall {view.recall:.2f}" in view._status.value and walk.ends in view._status.value
    for step in range(walk.steps - 1, -1, -1):
        view.buttons["back"].click()
        assert lit(view) == before[step]
    view.buttons["last"].click()
    assert view.step.value == walk.steps
    view.buttons["first"].click()
    assert view.step.value == 0


def test_another_query_and_another_ef_are_other_walks_that_begin_at_the_entry(view, parts):
    _, index, queries = parts
    view.step.value = 7
    view.query.value = 2
    asked = index.database.prepare(queries)[2:3]
    expected = ann.Walker(index).walk(asked, K, (("efSearch", 16),))
    assert view.step.value == 0 and view.step.max == expected.steps
    assert view.walk.computed["row"].tolist() == expected.computed["row"].tolist()
    np.testing.assert_allclose(view.map.points[-1], queries[2, :2])
    view.ef.value = 64
    assert len(view.walk.computed) > len(expected.computed) and view.step.value == 0
    assert view.walk.found.tolist() == index.search(asked, K, (("efSearch", 64),))[0].tolist()
    expanded, _, nearest, _ = view.figure.data
    np.testing.assert_allclose(expanded.y, 1 + view.walk.hops["distance"])
    assert (np.diff(nearest.y) <= 0).all() and len(nearest.x) == view.walk.steps


def test_a_click_on_the_line_goes_to_the_step(view):
    from types import SimpleNamespace

    view._clicked(view.figure.data[0], SimpleNamespace(xs=[4], point_inds=[3]), None)
    assert view.step.value == 4


def test_texts_are_text(view):
    view.step.value = 3
    shown = view._lists.value + view._status.value
    assert "<img" not in shown and "$x$" not in shown and "&lt;img" in shown


def test_distances_read_as_the_metric_says(parts):
    coordinates, index, queries = parts
    squared = ann.build_index(index.spec, ann.Database(index.database.array, "euclidean"), threads=1)
    view = WalkView(coordinates, squared, queries[:1], k=K, ef=16)
    away = np.linalg.norm(squared.database.array[view.walk.hops["node"]] - queries[0], axis=1)
    np.testing.assert_allclose(view.figure.data[0].y, away, rtol=1e-4)
    assert view.query.layout.display == "none" and len(view.map) == N
    callbacks.check()


def test_what_does_not_fit_is_refused(parts):
    coordinates, index, queries = parts
    with pytest.raises(VectorError, match="for 900 vectors"):
        WalkView(coordinates[:-1], index, queries)
    with pytest.raises(VectorError, match="for 4 queries"):
        WalkView(coordinates, index, queries, queries[:1, :2])
    with pytest.raises(InputError, match="3 texts for 900 vectors"):
        WalkView(coordinates, index, queries, texts=["a"] * 3)
    with pytest.raises(InputError, match="no step 11"):
        WalkView(coordinates, index, queries, ef=11)
    with pytest.raises(InputError, match="no graph"):
        WalkView(coordinates, ann.build_index(ann.IndexSpec("Flat"), index.database), queries)
