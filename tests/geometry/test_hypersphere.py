import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import hyp0f1

from workbench.errors import InputError, VectorError
from workbench.geometry import alignment, hypersphere, uniformity

EAST, NORTH, WEST = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]


def rows(seed: int, n: int = 40, d: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def turn(seed: int, d: int = 6) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0].astype(np.float32)


def test_alignment_by_hand():
    # squared distances 0, 2 and 4; distances 0, sqrt 2 and 2
    left, right = [EAST, EAST, EAST], [EAST, NORTH, WEST]
    assert alignment(left, right).mean == pytest.approx(2)
    assert alignment(left, right, alpha=1).mean == pytest.approx((2 + 2**0.5) / 3)
    assert alignment(left, right).low < 2 < alignment(left, right).high


def test_uniformity_by_hand():
    # three pairs at squared distances 2, 2 and 4
    by_hand = np.log((2 * np.exp(-2 * 2) + np.exp(-2 * 4)) / 3)
    assert uniformity([EAST, NORTH, WEST]) == pytest.approx(by_hand)
    assert uniformity([EAST, WEST], t=3) == pytest.approx(-12)


def test_a_pair_that_is_one_vector_is_perfectly_aligned():
    same = rows(0)
    assert alignment(same, 3 * same).mean == pytest.approx(0, abs=1e-12)


def test_collapse_is_perfectly_aligned_and_as_uneven_as_can_be():
    collapsed = np.tile(rows(1, 1), (50, 1))
    assert alignment(collapsed, collapsed[::-1]).mean == pytest.approx(0, abs=1e-12)
    assert uniformity(collapsed) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("t", [0.5, 2.0])
def test_an_even_spread_comes_near_what_the_formula_says(t):
    d = 8
    assert uniformity(rows(2, 3000, d), t) == pytest.approx(np.log(hyp0f1(d / 2, t**2)) - 2 * t, abs=0.01)


def test_a_cone_is_less_even_than_the_whole_sphere():
    spread = rows(3, 500)
    assert uniformity(spread + 3 * np.eye(6, dtype=np.float32)[0]) > uniformity(spread) + 1


@given(st.integers(0, 1000), st.floats(0.5, 3), st.floats(0.5, 3))
def test_rotations_and_lengths_change_neither(seed, alpha, t):
    x, y, rotation = rows(seed), rows(seed + 1), turn(seed + 2)
    lengths = np.random.default_rng(seed).uniform(0.1, 9, (len(x), 1)).astype(np.float32)
    assert alignment(x @ rotation * lengths, y @ rotation, alpha).mean == pytest.approx(
        alignment(x, y, alpha).mean, rel=1e-5
    )
    assert uniformity(x @ rotation * lengths, t) == pytest.approx(uniformity(x, t), rel=1e-4, abs=1e-5)


@given(st.integers(0, 1000), st.integers(2, 40))
def test_blocks_add_up_to_all_pairs(seed, n):
    unit = rows(seed, n).astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    pairs = [np.exp(-2 * ((unit[i] - unit[j]) ** 2).sum()) for i in range(n) for j in range(i + 1, n)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hypersphere, "_BLOCK", 7)
        assert uniformity(unit.astype(np.float32)) == pytest.approx(np.log(np.mean(pairs)), rel=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: alignment(rows(0), rows(0, 39)), InputError, "40 vectors of 6 dimensions cannot be paired with 39"),
        (lambda: alignment(rows(0), rows(0), alpha=0), InputError, "a power of 0"),
        (lambda: alignment(EAST, EAST), InputError, "one vector was given"),
        (lambda: alignment([EAST, [0.0, 0.0]], [EAST, EAST]), VectorError, "zero"),
        (lambda: uniformity([EAST]), InputError, "makes no pair"),
        (lambda: uniformity(rows(0), t=0), InputError, "t=0"),
    ],
)
def test_what_cannot_be_measured(call, error, message):
    with pytest.raises(error, match=message):
        call()
