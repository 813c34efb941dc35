import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness

from workbench import settings
from workbench.errors import InputError, VectorError
from workbench.geometry import (
    exact_neighbours,
    kept_maps,
    normalize,
    project,
    projection,
    umap_layout,
    warm_up_projection,
)
from workbench.records import FloatArray, Metric, Vectors


def digits(n: int) -> FloatArray:
    return load_digits().data[:n].astype(np.float32)


def noise(n: int, d: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever a layout is computed."""
    computed: list[int] = []
    lay_out = umap_layout.lay_out

    def counted(*args: Any, **options: Any) -> FloatArray:
        computed.append(1)
        return lay_out(*args, **options)

    lay_out_tsne = projection.lay_out_tsne

    def counted_tsne(*args: Any) -> FloatArray:
        computed.append(1)
        return lay_out_tsne(*args)

    monkeypatch.setattr(projection, "lay_out", counted)
    monkeypatch.setattr(projection, "lay_out_tsne", counted_tsne)
    return computed


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_neighbourhoods_are_kept_as_well_as_by_umap_learn_itself(metric: Metric) -> None:
    import umap

    x = digits(600)
    ours = project(x, metric=metric)
    peer = umap.UMAP(metric=metric, random_state=0, n_jobs=1).fit_transform(x)
    quality = {name: trustworthiness(x, m, n_neighbors=15, metric=metric) for name, m in [("umap", peer), ("us", ours)]}
    assert quality["us"] > 0.9  # a random map scores about 0.5
    assert quality["us"] >= quality["umap"] - 0.01


@pytest.mark.parametrize("method", ["umap", "tsne", "pca"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_one_seed_gives_one_map(method: Any, dimensions: Any) -> None:
    x = digits(200)
    first = project(x, method, dimensions, seed=7)
    assert first.shape == (200, dimensions)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert_array_equal(project(x, method, dimensions, seed=7), first)


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_another_seed_gives_another_map(method: Any) -> None:
    x = digits(200)
    assert not np.array_equal(project(x, method, seed=1), project(x, method, seed=2))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_tsne_keeps_neighbourhoods_as_well_as_scikit_learn_itself(metric: Metric) -> None:
    from sklearn.manifold import TSNE

    x = digits(500)
    ours = project(x, "tsne", metric=metric)
    peer = TSNE(metric=metric, init="pca" if metric == "euclidean" else "random", random_state=0).fit_transform(x)
    quality = {name: trustworthiness(x, m, n_neighbors=15, metric=metric) for name, m in [("peer", peer), ("us", ours)]}
    assert quality["us"] > 0.9
    assert quality["us"] >= quality["peer"] - 0.01


def test_the_perplexity_shrinks_with_the_data_and_a_small_one_keeps_the_nearest() -> None:
    x = digits(40)
    assert_array_equal(project(x, "tsne", perplexity=30), project(x, "tsne", perplexity=13))
    assert not np.array_equal(project(x, "tsne", perplexity=13), project(x, "tsne", perplexity=4))


def test_fewer_epochs_are_another_and_a_rougher_map() -> None:
    x = digits(400)
    one, all_of_them = project(x, epochs=1), project(x)
    assert_array_equal(project(x, epochs=500), all_of_them)
    assert trustworthiness(x, one, n_neighbors=15, metric="cosine") < trustworthiness(
        x, all_of_them, n_neighbors=15, metric="cosine"
    )


DATA = {
    "all equal": np.ones((40, 6), np.float32),
    "four equal": np.ones((4, 6), np.float32),
    "ten groups of sixteen copies": np.repeat(noise(10, 8), 16, axis=0),
    "half of them equal": np.vstack([np.ones((60, 8), np.float32), noise(60, 8)]),
    "clusters that no neighbour connects": np.repeat(100 * noise(10, 8), 18, axis=0) + noise(180, 8),
    "one dimension": noise(60, 1),
    "two dimensions": noise(60, 2),
    "far from the origin": noise(100, 8) + np.float32(1e4),
    **{f"{n} vectors": noise(n, 8) for n in (1, 2, 3, 4, 5, 14, 15, 16)},
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("method", ["umap", "tsne", "pca"])
def test_any_data_get_a_finite_map_and_the_same_one_again(name: str, method: Any) -> None:
    for metric in ("cosine", "euclidean"):
        for dimensions in (2, 3):
            flat = project(DATA[name], method, dimensions, metric=metric)  # type: ignore[arg-type]
            assert flat.shape == (len(DATA[name]), dimensions)
            assert np.isfinite(flat).all()
    assert_array_equal(project(DATA[name], method, 3, metric="euclidean"), flat)


def test_pca_is_the_rotation_that_keeps_most_variance() -> None:
    x = noise(300, 6) * np.array([5, 3, 1, 0.1, 0.1, 0.1], np.float32)
    flat = project(x, "pca", 3, metric="euclidean")
    centered = x - x.mean(axis=0)
    assert_allclose(flat.var(axis=0), np.linalg.eigvalsh(np.cov(centered.T, bias=True))[::-1][:3], rtol=1e-4)
    unit = normalize(x)
    cosine = project(x, "pca", metric="cosine")
    assert_allclose(cosine, project(unit, "pca", metric="euclidean"), atol=1e-5)
    assert not np.allclose(cosine, flat[:, :2], atol=1e-2)


def test_known_neighbours_are_used_with_or_without_the_row_itself() -> None:
    x = digits(150)
    plain = project(x)
    assert_array_equal(project(x, neighbours=exact_neighbours(x, x, 14, exclude_self=True)), plain)
    assert_array_equal(project(x, neighbours=exact_neighbours(x, x, 20)), plain)


def test_neighbours_that_do_not_fit_are_refused() -> None:
    x = digits(100)
    with pytest.raises(InputError, match="neighbours of 50 queries"):
        project(x, neighbours=exact_neighbours(x[:50], x, 15))
    with pytest.raises(InputError, match="'euclidean' do not fit"):
        project(x, neighbours=exact_neighbours(x, x, 15, "euclidean"))
    with pytest.raises(InputError, match="takes 14 neighbours beside each vector, there are 9"):
        project(x, neighbours=exact_neighbours(x, x, 10))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "isomap"}, "'isomap'.*'umap', 'tsne' or 'pca'"),
        ({"dimensions": 4}, "4 dimensions"),
        ({"n_neighbors": 1}, "n_neighbors=1"),
        ({"min_dist": 1.5}, "min_dist=1.5"),
        ({"min_dist": -0.1}, "min_dist=-0.1"),
        ({"metric": "dot"}, "'dot'.*'cosine'.* or 'euclidean'"),
        ({"metric": "manhattan"}, "'manhattan'"),
        ({"seed": -1}, "seed -1"),
        ({"epochs": 0}, "epochs=0"),
        ({"method": "tsne", "perplexity": 0.5}, "perplexity=0.5"),
        ({"method": "tsne", "perplexity": float("nan")}, "perplexity=nan"),
        ({"method": "tsne", "metric": "dot"}, "t-SNE.*'dot'.*'cosine'.* or 'euclidean'"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        project(digits(30), **wrong)


def test_vectors_that_cannot_be_used_are_refused() -> None:
    x = digits(30)
    x[4] = 0
    with pytest.raises(VectorError, match="row 4"):
        project(x)
    x[4, 0] = np.nan
    with pytest.raises(VectorError, match="row 4"):
        project(x, "pca", metric="euclidean")


def test_a_map_of_vectors_is_kept_and_every_setting_counts(home: Path, layouts: list[int]) -> None:
    vectors = Vectors(tuple(map(str, range(60))), digits(60))
    first = project(vectors)
    assert_array_equal(project(Vectors(vectors.ids, vectors.array.copy())), first)
    assert len(layouts) == 1
    others: list[dict[str, Any]] = [
        {"dimensions": 3},
        {"n_neighbors": 10},
        {"min_dist": 0.2},
        {"metric": "euclidean"},
        {"seed": 1},
        {"epochs": 100},
        {"method": "tsne"},
        {"method": "tsne", "perplexity": 5},
        {"method": "tsne", "seed": 1},
        {"method": "tsne", "metric": "euclidean"},
        {"method": "tsne", "dimensions": 3},
        {"neighbours": exact_neighbours(vectors, vectors, 59, exclude_self=True)},
    ]
    for count, other in enumerate(others, start=2):
        assert_array_equal(project(vectors, **other), project(vectors, **other))
        assert len(layouts) == count, other
    changed = vectors.array.copy()
    changed[0, 0] += 1
    project(Vectors(vectors.ids, changed))
    assert len(layouts) == len(others) + 2
    assert len(list(settings.cache_dir("maps").iterdir())) == len(layouts)
    assert {path.name for path in (home / "cache").iterdir()} == {"maps"}  # no vector is written or encoded


def test_a_map_is_kept_only_where_it_can_be_found_again(home: Path, layouts: list[int]) -> None:
    vectors = Vectors(tuple(map(str, range(30))), digits(30))
    for _ in range(2):
        project(vectors.array)
        project(vectors, cache=False)
        project(vectors, "pca")
    assert len(layouts) == 4
    assert not (home / "cache").exists()


def test_a_damaged_map_is_made_anew(home: Path, layouts: list[int]) -> None:
    vectors = Vectors(tuple(map(str, range(30))), digits(30))
    first = project(vectors)
    (kept,) = settings.cache_dir("maps").iterdir()
    whole = kept.read_bytes()
    for damaged in (whole[:150], b"", b"something else"):
        kept.write_bytes(damaged)
        assert_array_equal(project(vectors), first)
        assert kept.read_bytes() == whole
    assert len(layouts) == 4


def test_a_map_of_an_older_layout_is_not_served(
    home: Path, layouts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = Vectors(tuple(map(str, range(30))), digits(30))
    with monkeypatch.context() as patch:
        patch.setattr(kept_maps, "_LAYOUT", kept_maps._LAYOUT - 1)
        project(vectors)
    project(vectors)
    assert len(layouts) == 2


@pytest.mark.parametrize("method", ["umap", "tsne", "pca"])
def test_vectors_are_laid_out_under_their_own_metric(method: Any) -> None:
    x = digits(60)
    vectors = Vectors(tuple(map(str, range(60))), x, metric="euclidean")
    own = project(vectors, method, cache=False)
    assert_array_equal(own, project(x, method, metric="euclidean"))
    cosine = project(vectors, method, metric="cosine", cache=False)
    assert_array_equal(cosine, project(x, method))
    assert not np.allclose(own, cosine)


def test_a_layout_of_vectors_compared_by_dot_product_has_to_be_chosen() -> None:
    vectors = Vectors(tuple(map(str, range(30))), digits(30), metric="dot")
    with pytest.raises(InputError, match=r"'dot'.*metric='cosine'.*method='pca'"):
        project(vectors)
    assert_array_equal(project(vectors, "pca"), project(vectors.array, "pca", metric="dot"))
    assert_array_equal(project(vectors, metric="cosine", cache=False), project(vectors.array))


@pytest.mark.parametrize(("n", "epochs"), [(30, 500), (10_001, 200)])
def test_a_layout_takes_as_many_epochs_as_umap_learn_does(monkeypatch: pytest.MonkeyPatch, n: int, epochs: int) -> None:
    import umap.umap_

    taken: list[int] = []

    def optimize(*args: Any, **options: Any) -> Any:
        start, _, _, _, n_epochs = args[:5]
        taken.append(n_epochs)
        return start

    monkeypatch.setattr(umap.umap_, "optimize_layout_euclidean", optimize)
    project(noise(n, 2))
    assert taken == [epochs]


def test_warming_up_returns_at_once_and_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    release, calls = threading.Event(), []
    lay_out = umap_layout.lay_out

    def slow(*args: Any, **options: Any) -> FloatArray:
        calls.append(threading.current_thread().daemon)
        release.wait(30)
        return lay_out(*args, **options)

    warm_up = umap_layout._WarmUp()
    monkeypatch.setattr(umap_layout, "lay_out", slow)
    warm_up.start()
    warm_up.start()
    release.set()
    warm_up.finish()
    warm_up.start()
    warm_up.finish()
    assert calls == [True]


def test_an_error_while_warming_up_surfaces_at_the_next_map(monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up = umap_layout._WarmUp()
    monkeypatch.setattr(projection, "start_warm_up", warm_up.start)
    monkeypatch.setattr(projection, "finish_warm_up", warm_up.finish)

    def broken(*args: Any, **options: Any) -> FloatArray:
        raise OSError("no space left for compiled code")

    with monkeypatch.context() as patch:
        patch.setattr(umap_layout, "lay_out", broken)
        warm_up_projection()
        with pytest.raises(OSError, match="no space left for compiled code"):
            project(digits(30))
    assert project(digits(30)).shape == (30, 2)  # raised once, then tried again
    warm_up_projection()
    assert project(digits(30)).shape == (30, 2)


def test_pynndescent_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import umap.umap_

    def forbidden(*args: Any, **options: Any) -> None:
        raise AssertionError("approximate neighbours were searched")

    monkeypatch.setattr(umap.umap_, "nearest_neighbors", forbidden)
    monkeypatch.setattr(umap.umap_, "NNDescent", forbidden)
    assert project(noise(5000, 4), "umap", epochs=1).shape == (5000, 2)  # umap-learn compares all pairs below 4,096


FRESH = """
import numpy as np
from workbench.geometry import project, warm_up_projection
warm_up_projection()
for dimensions in (2, 3):
    project(np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32), dimensions=dimensions)
import umap.layouts, umap.umap_
kernels = [umap.umap_.smooth_knn_dist, umap.umap_.compute_membership_strengths,
           umap.layouts._nb_optimize_layout_euclidean_single_epoch]
print([sum(kernel.stats.cache_hits.values()) for kernel in kernels], [len(kernel.signatures) for kernel in kernels])
"""


def test_compiled_code_is_kept_for_the_next_process_and_the_warm_up_compiles_all_of_it() -> None:
    """One signature each: what the warm-up compiled is what maps use. In the second process it comes from disk."""
    environment = os.environ | {"PYTHONWARNINGS": "error,ignore::ImportWarning"}
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", FRESH], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[1, 1, 1] [1, 1, 1]"
