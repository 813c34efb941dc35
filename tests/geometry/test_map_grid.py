import io
import json
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from workbench import settings
from workbench.errors import InputError, VectorError, WorkbenchError
from workbench.geometry import exact_neighbours, kept_maps, map_grid, project, project_grid, umap_layout
from workbench.geometry.map_worker import serve
from workbench.records import FloatArray, Vectors

SMALL: dict[str, Any] = {"n_neighbors": (5, 12), "min_dist": (0.0, 0.5), "epochs": 20, "progress": False}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Grows by one whenever a layout is computed in this process."""
    computed: list[tuple[Any, ...]] = []

    def counted(*args: Any, **options: Any) -> FloatArray:
        coordinates = umap_layout.lay_out(*args, **options)
        computed.append(args[3:])
        return coordinates

    monkeypatch.setattr(map_grid, "lay_out", counted)
    return computed


def digits(n: int = 80) -> Vectors:
    return Vectors(tuple(map(str, range(n))), load_digits().data[:n].astype(np.float32))


def test_every_map_is_the_one_that_project_gives(layouts: list[Any]) -> None:
    vectors = digits()
    grid = project_grid(vectors, **SMALL)
    assert len(grid) == len(grid.settings()) == len(layouts) == 2 * 2 * 2 * 2
    for setting in grid.settings():
        assert_array_equal(grid.map(**setting), project(vectors.array, **setting, epochs=20))
    assert len({grid.map(**setting).tobytes() for setting in grid.settings()}) == 16


def test_maps_are_shared_with_project_both_ways(layouts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = digits()
    made = project(vectors, n_neighbors=5, min_dist=0.5, epochs=20, seed=1)
    grid = project_grid(vectors, **SMALL)
    assert len(layouts) == 15
    assert_array_equal(grid.map(n_neighbors=5, min_dist=0.5, metric="cosine", seed=1), made)
    monkeypatch.setattr("workbench.geometry.projection.lay_out", None)
    project(vectors, n_neighbors=12, min_dist=0.0, epochs=20, metric="euclidean")


def test_neighbours_are_searched_once_for_each_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []

    def counted(queries: Any, vectors: Any, k: int, metric: Any, **options: Any) -> Any:
        asked.append((k, metric))
        return exact_neighbours(queries, vectors, k, metric, **options)

    monkeypatch.setattr(map_grid, "exact_neighbours", counted)
    project_grid(digits(), **SMALL)
    project_grid(digits(), **SMALL)
    assert asked == [(11, "cosine"), (11, "euclidean")]


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(layouts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    counted = map_grid.lay_out

    def killed(*args: Any, **options: Any) -> FloatArray:
        if len(layouts) == 5:
            raise KeyboardInterrupt
        return counted(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(map_grid, "lay_out", killed)
        with pytest.raises(KeyboardInterrupt):
            project_grid(digits(), **SMALL)
    assert len(list(settings.cache_dir("maps").iterdir())) == 5
    grid = project_grid(digits(), **SMALL)
    assert len(layouts) == 16
    again = project_grid(digits(), **SMALL)
    assert len(layouts) == 16
    for setting in grid.settings():
        assert_array_equal(grid.map(**setting), again.map(**setting))


def test_what_changes_a_map_makes_another_one(layouts: list[Any]) -> None:
    one: dict[str, Any] = {"n_neighbors": [5], "min_dist": [0.1], "metrics": ["cosine"], "seeds": [0], "epochs": 10}
    vectors = digits()
    changed = vectors.array.copy()
    changed[0, 0] += 1
    others: list[dict[str, Any]] = [
        {}, {"n_neighbors": [6]}, {"min_dist": [0.2]}, {"metrics": ["euclidean"]}, {"seeds": [1]}, {"epochs": 11},
        {"epochs": None}, {"vectors": Vectors(vectors.ids, changed)},
    ]  # fmt: skip
    for count, other in enumerate(others, start=1):
        for _ in range(2):
            project_grid(**{"vectors": vectors, "progress": False} | one | other)
        assert len(layouts) == count, other


def test_damaged_and_truncated_maps_are_made_anew(layouts: list[Any]) -> None:
    grid = project_grid(digits(), **SMALL)
    for place, path in enumerate(sorted(settings.cache_dir("maps").iterdir())[:2]):
        path.write_bytes(b"nothing" if place else path.read_bytes()[:200])
    again = project_grid(digits(), **SMALL)
    assert len(layouts) == 18
    for setting in grid.settings():
        assert_array_equal(grid.map(**setting), again.map(**setting))


def test_workers_make_the_same_maps(layouts: list[Any]) -> None:
    vectors = digits()
    grid = project_grid(vectors, **SMALL, processes=2)
    assert layouts == []
    for setting in grid.settings():
        assert_array_equal(grid.map(**setting), project(vectors.array, **setting, epochs=20))


def test_a_worker_that_fails_is_reported_and_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; sys.stdin.readline(); sys.exit('no room for compiled code')"
    monkeypatch.setattr(map_grid, "_WORKER", (sys.executable, "-c", code))
    with pytest.raises(WorkbenchError, match=r"no room for compiled code.*processes=1"):
        project_grid(digits(), **SMALL, processes=2)
    assert list(settings.cache_dir("maps").iterdir()) == []
    for thread in threading.enumerate():
        if thread.name.endswith("(_feed)"):
            thread.join(10)
            assert not thread.is_alive()


def test_a_worker_answers_line_by_line(tmp_path: Path) -> None:
    known = exact_neighbours(digits().array, digits().array, 11, exclude_self=True)
    ids, distances = umap_layout.with_self_first(known, 80, 12, "cosine")
    start = np.random.default_rng(0).normal(size=(80, 2)).astype(np.float32)
    np.savez(tmp_path / "in.npz", ids=ids, distances=distances, start=start)
    task = {"inputs": str(tmp_path / "in.npz"), "n_neighbors": 5, "min_dist": 0.1, "seed": 3, "epochs": 10}
    lines = "".join(json.dumps(task | {"out": str(tmp_path / f"{i}.npy")}) + "\n" for i in range(2))
    answers = io.StringIO()
    serve(io.StringIO(lines), answers)
    assert answers.getvalue() == "done\ndone\n"
    expected = umap_layout.lay_out(ids[:, :5].copy(), distances[:, :5].copy(), start, 0.1, 3, 10)
    for i in range(2):
        assert_array_equal(kept_maps.kept_map(tmp_path / f"{i}.npy"), expected)


def test_few_vectors_clip_the_neighbourhoods_and_numbers_will_do(layouts: list[Any]) -> None:
    x = digits(8).array
    grid = project_grid(x, n_neighbors=(5, 15, 50), min_dist=(0.1,), metrics=("cosine",), seeds=(0,), progress=False)
    assert len(grid) == 3
    assert len(layouts) == 2  # 15 and 50 are both all of them
    assert_array_equal(grid.map(n_neighbors=50, min_dist=0.1, metric="cosine", seed=0), project(x))
    one = project_grid(x[:1], progress=False)
    assert_array_equal(one.map(n_neighbors=5, min_dist=0.0, metric="cosine", seed=0), np.zeros((1, 2)))


def test_a_map_that_the_grid_lacks_is_refused_with_those_it_has() -> None:
    grid = project_grid(digits(20), **SMALL, metrics=("cosine",), seeds=(0,))
    with pytest.raises(InputError, match=r"no map of n_neighbors=7. It has 5, 12\."):
        grid.map(n_neighbors=7, min_dist=0.0, metric="cosine", seed=0)
    with pytest.raises(InputError, match=r"metric='euclidean'. It has 'cosine'"):
        grid.map(n_neighbors=5, min_dist=0.0, metric="euclidean", seed=0)
    with pytest.raises(ValueError, match="read-only"):
        grid.map(n_neighbors=5, min_dist=0.0, metric="cosine", seed=0)[0] = 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_neighbors": ()}, "is no axis"),
        ({"seeds": (0, 0)}, "is no axis"),
        ({"metrics": "cosine"}, "is no axis"),
        ({"n_neighbors": (1,)}, "n_neighbors=1"),
        ({"min_dist": (2.0,)}, "min_dist=2.0"),
        ({"metrics": ("dot",)}, "'dot'"),
        ({"metrics": ("manhattan",)}, "'manhattan'"),
        ({"seeds": (-1,)}, "seed -1"),
        ({"epochs": 0}, "epochs=0"),
        ({"processes": 0}, "processes=0"),
    ],
)
def test_settings_that_give_no_grid_are_refused(wrong: dict[str, Any], message: str, layouts: list[Any]) -> None:
    with pytest.raises(InputError, match=message):
        project_grid(digits(), **wrong)
    assert layouts == []


def test_a_zero_vector_is_refused_before_any_layout(layouts: list[Any]) -> None:
    x = digits().array.copy()
    x[7] = 0
    with pytest.raises(VectorError, match="row 7"):
        project_grid(x, metrics=("euclidean", "cosine"), progress=False)
    assert layouts == []
