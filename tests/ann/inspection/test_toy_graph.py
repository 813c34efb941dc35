"""The toy: a graph by the paper, whose history adds up to what it is, and the skip list before it."""

from bisect import bisect_right
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.ann import SkipList, ToyGraph, draw_levels, scattered_points, toy_graph
from workbench.errors import InputError, VectorError

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def graph() -> ToyGraph:
    return toy_graph()


def searched_plainly(graph: ToyGraph, query: np.ndarray, ef: int) -> list[int]:
    """The paper's search, as short as it can be written."""

    def far(node: int) -> float:
        return float(np.linalg.norm(graph.points[node] - query))

    near = [graph.entry()]
    for layer in range(graph.layers - 1, -1, -1):
        width = ef if layer == 0 else 1
        waiting, seen = list(near), set(near)
        while waiting and far(min(waiting, key=far)) <= max(map(far, near)):
            node = min(waiting, key=far)
            waiting.remove(node)
            for other in graph.neighbours(node, layer):
                if other not in seen:
                    seen.add(other)
                    if len(near) < width or far(other) < max(map(far, near)):
                        waiting.append(other)
                        near = sorted([*near, other], key=far)[:width]
    return near


def test_it_has_forty_nodes_on_three_layers_that_thin_out(graph: ToyGraph) -> None:
    counts = [int((graph.levels >= layer).sum()) for layer in range(graph.layers)]
    assert len(graph) == counts[0] == 40 and len(counts) == 3
    assert counts[1] < 20 and counts[2] < counts[1] / 2
    assert len(graph.insertions) == 40 and [one.node for one in graph.insertions] == list(range(40))


def test_no_node_has_more_links_than_it_may_and_no_layer_links_what_is_not_there(graph: ToyGraph) -> None:
    for layer in range(graph.layers):
        most = graph.M if layer else 2 * graph.M
        for node in range(len(graph)):
            links = graph.neighbours(node, layer)
            assert len(links) <= most and node not in links and len(set(links)) == len(links)
            assert not links or graph.levels[node] >= layer
            assert all(graph.levels[other] >= layer for other in links)


def test_a_node_is_passed_over_only_for_one_that_is_nearer_to_it(graph: ToyGraph) -> None:
    passed = [(one.node, *pair, links) for one in graph.insertions for links in one.links for pair in links.passed_over]
    assert passed, "the heuristic never had to choose"
    for node, other, nearer, links in passed:
        assert nearer in links.chosen and other not in links.chosen
        apart = graph.points[[nearer, node]] - graph.points[other]
        assert np.linalg.norm(apart[0]) < np.linalg.norm(apart[1])


def test_what_was_added_and_given_up_is_what_is_there(graph: ToyGraph) -> None:
    for layer in range(graph.layers):
        added = sum(at == layer for one in graph.insertions for at, _, _ in one.added)
        dropped = sum(at == layer for one in graph.insertions for at, _, _ in one.dropped)
        assert len(graph.links(layer)) == added - dropped
    assert any(one.dropped for one in graph.insertions), "no node was ever full"
    assert graph.links(0, after=1) == () and graph.links(0, after=2) == ((0, 1), (1, 0))


def test_a_graph_of_the_first_nodes_is_the_graph_after_them(graph: ToyGraph) -> None:
    early = toy_graph(graph.points[:17], levels=graph.levels[:17])
    assert all(early.links(layer) == graph.links(layer, after=17) for layer in range(early.layers))
    assert early.entry() == graph.entry(after=17)


@pytest.mark.parametrize("ef", [1, 3, 8])
def test_a_search_finds_what_the_plain_algorithm_finds(graph: ToyGraph, ef: int) -> None:
    for query in RNG.uniform(size=(40, 2)):
        found = graph.search(query, ef, ef)
        assert list(found.found) == searched_plainly(graph, query, ef)
        computed = [node for layer, node in found.computed if layer == 0]
        assert len(computed) == len(set(computed)), "a distance was computed twice on one layer"
        assert found.way[-1] == (0, found.found[0]) and found.way[0] == (graph.layers - 1, graph.entry())


def test_a_wide_search_finds_the_nearest_of_all(graph: ToyGraph) -> None:
    queries = RNG.uniform(size=(60, 2))
    nearest = np.linalg.norm(queries[:, None] - graph.points[None], axis=2).argmin(axis=1)
    assert np.mean([graph.search(q, 1, 12).found[0] == one for q, one in zip(queries, nearest, strict=True)]) > 0.95


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=30, unique=True), st.integers(-60, 60), st.integers(0, 9))
def test_a_skip_list_finds_what_bisection_finds(numbers: list[int], target: int, seed: int) -> None:
    skips = SkipList(np.sort(np.array(numbers, float)), draw_levels(len(numbers), 2, seed))
    steps = skips.search(target)
    last = steps[-1]
    assert not last.moved and last.layer == 0
    assert last.at == bisect_right(sorted(numbers), target) - 1
    assert all(after.at == (step.ahead if step.moved else step.at) for step, after in pairwise(steps))


def test_a_skip_list_compares_far_less_than_a_list() -> None:
    skips = SkipList(np.arange(2000.0), draw_levels(2000, 2, 1))
    assert np.mean([len(skips.search(float(target))) for target in range(0, 2000, 97)]) < 60


def test_levels_thin_out_by_the_branching() -> None:
    levels = draw_levels(200_000, 4)
    for layer in (1, 2, 3):
        assert (levels >= layer).mean() == pytest.approx(4.0**-layer, rel=0.1)


def test_points_are_scattered_and_repeatable() -> None:
    points = scattered_points(40)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 9 * np.eye(40)
    assert apart.min() > 0.06 and np.array_equal(points, scattered_points(40))


def test_what_makes_no_graph_is_refused(graph: ToyGraph) -> None:
    with pytest.raises(VectorError, match=r"points of shape \(3, 3\)"):
        toy_graph(np.zeros((3, 3)))
    with pytest.raises(InputError, match="M=3 with ef_construction=2"):
        toy_graph(ef_construction=2)
    with pytest.raises(InputError, match=r"levels of shape \(2,\) for 40"):
        toy_graph(levels=[0, 1])
    with pytest.raises(InputError, match="k=5 of ef=4"):
        graph.search([0, 0], 5, 4)
    with pytest.raises(VectorError, match="query of shape"):
        graph.search([0, 0, 0])
    with pytest.raises(InputError, match="do not ascend"):
        SkipList(np.array([1.0, 1.0]), np.array([0, 0]))
    with pytest.raises(InputError, match="one node in 1 "):
        draw_levels(3, 1)
