"""The sliders over a grid of maps: the map that is asked for is the map that is shown, with its own numbers."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import callbacks, geometry
from workbench.errors import InputError
from workbench.records import Corpus, Vectors
from workbench.view.map_tuner import MapTuner


@pytest.fixture(autouse=True)
def no_leftovers() -> Any:
    yield
    callbacks.check()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Vectors, geometry.MapGrid]:
    rng = np.random.default_rng(0)
    group = np.arange(90) % 3
    array = (5 * np.eye(3)[group] @ rng.normal(size=(3, 12)) + rng.normal(size=(90, 12))).astype(np.float32)
    ids = tuple(f"p{i}" for i in range(90))
    corpus = Corpus(ids, tuple(f"text {i}" for i in range(90)), pd.DataFrame({"group": group.astype(str)}), "three")
    vectors = Vectors(ids, array)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        grid = geometry.project_grid(
            vectors, n_neighbors=(4, 12), min_dist=(0.1,), metrics=("cosine", "euclidean"), seeds=(0, 1), epochs=30,
            processes=1, progress=False,
        )  # fmt: skip
    return corpus, vectors, grid


def shown(tuner: MapTuner) -> np.ndarray:
    return np.frombuffer(tuner.map._painter.xy, dtype=np.float32).reshape(-1, 2)


def test_a_slider_shows_the_map_of_its_setting(made) -> None:
    tuner = MapTuner(*made, color="group")
    assert tuner.setting == {"n_neighbors": 4, "min_dist": 0.1, "metric": "cosine", "seed": 0}
    before = shown(tuner)
    tuner.controls["n_neighbors"].value = 12
    tuner.controls["seed"].value = 1
    wanted = made[2].map(n_neighbors=12, min_dist=0.1, metric="cosine", seed=1)
    assert geometry.align(shown(tuner), wanted).disparity < 1e-6, "the map that was asked for, turned and scaled"
    assert geometry.align(before, wanted).disparity > 1e-4, "which is another map than before"


def test_what_moves_is_not_merely_turned(made) -> None:
    tuner = MapTuner(*made)
    before = shown(tuner)
    tuner.controls["n_neighbors"].value = 12
    after = shown(tuner)
    aligned = geometry.align(after, before)
    assert not aligned.mirrored
    centred = [points - points.mean(axis=0) for points in (aligned.coordinates, after)]
    turned = centred[0] / np.linalg.norm(centred[0]) - centred[1] / np.linalg.norm(centred[1])
    assert np.linalg.norm(turned) < 1e-3, "it lies as well on the map before as any turn of it could"


def test_the_read_out_is_measured_on_the_map_that_is_shown(made) -> None:
    tuner = MapTuner(*made)
    tuner.controls["metric"].value = "euclidean"
    expected = geometry.faithfulness(
        made[1], made[2].map(n_neighbors=4, min_dist=0.1, metric="euclidean", seed=0), 15, overlap_at=(15,)
    )
    assert tuner.faithfulness.trustworthiness.mean == pytest.approx(expected.trustworthiness.mean)
    assert f"trustworthiness@15 {expected.trustworthiness.mean:.2f}" in tuner._status.value
    assert tuner.faithfulness.overlap[15].mean == pytest.approx(expected.overlap[15].mean)


def test_an_axis_of_one_value_cannot_be_moved(made) -> None:
    tuner = MapTuner(*made)
    assert {name for name, control in tuner.controls.items() if control.disabled} == {"min_dist"}


def test_what_does_not_belong_together_is_refused(made) -> None:
    corpus, vectors, grid = made
    with pytest.raises(InputError, match="89 passages, 89 vectors and maps of 90 points"):
        MapTuner(corpus.take(range(89)), vectors.take(range(89)), grid)
    with pytest.raises(InputError, match=r"no column 'nothing'.*group"):
        MapTuner(corpus, vectors, grid, color="nothing")
