import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.embed.words.held_out import HeldOut, draw, negative_sampling_loss


def slow_loss(given: np.ndarray, told: np.ndarray, noise: np.ndarray) -> float:
    """Equation 4 of Mikolov et al. (2013), symbol by symbol."""

    def logistic(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    total = 0.0
    for v, u, others in zip(given, told, noise, strict=True):
        total -= math.log(logistic(float(u @ v)))
        total -= sum(math.log(logistic(-float(other @ v))) for other in others)
    return total / len(given)


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(0, 10_000))
def test_the_loss_is_equation_4(m: int, d: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    given_, told = random.standard_normal((2, m, d)).astype(np.float32)
    noise = random.standard_normal((m, k, d)).astype(np.float32)
    assert negative_sampling_loss(given_, told, noise) == pytest.approx(slow_loss(given_, told, noise), rel=1e-6)
    nothing = np.zeros_like(told)
    assert negative_sampling_loss(given_, nothing, np.zeros_like(noise)) == pytest.approx((1 + k) * math.log(2))


def test_the_loss_stays_finite_far_out() -> None:
    far = np.full((1, 1), 1e4, dtype=np.float32)
    assert negative_sampling_loss(far, -far, far[:, None]) == pytest.approx(2e8)


@given(st.integers(0, 10_000))
def test_of_a_window_the_mean_is_given(seed: int) -> None:
    random = np.random.default_rng(seed)
    inputs, outputs = random.standard_normal((2, 6, 3)).astype(np.float32)
    noise = random.integers(0, 6, (2, 4))
    examples = HeldOut(np.array([[0, 1, 2], [5, -1, -1]]), np.array([3, 4]), noise)
    means = np.stack([inputs[:3].mean(axis=0), inputs[5]])
    slow = slow_loss(means, outputs[[3, 4]], outputs[noise])
    assert examples.loss(inputs, outputs) == pytest.approx(slow, rel=1e-5)


def drawn(
    passages: list[list[int]], *, n: int = 10, window: int = 2, means: bool = False, keep: float = 1.0, seed: int = 0
) -> HeldOut:
    return draw(
        [np.array(passage, dtype=np.int64) for passage in passages],
        np.arange(1, n + 1),
        np.full(n, keep),
        window=window,
        negative=3,
        means=means,
        random=np.random.default_rng(seed),
    )


@given(st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=4), st.integers(1, 4), st.integers(0, 99))
def test_examples_are_words_of_one_passage_within_the_window(passages: list[list[int]], window: int, seed: int) -> None:
    near = {
        (a, b)
        for passage in passages
        for i, a in enumerate(passage)
        for j, b in enumerate(passage)
        if i != j and abs(i - j) <= window
    }
    pairs = drawn(passages, window=window, seed=seed)
    assert set(zip(pairs.given[:, 0].tolist(), pairs.told.tolist(), strict=True)) <= near
    windows = drawn(passages, window=window, means=True, seed=seed)
    assert all((a, b) in near for row, b in zip(windows.given, windows.told, strict=True) for a in row[row >= 0])
    assert len(windows) == sum(len(passage) for passage in passages if len(passage) > 1)
    assert len(pairs) == (windows.given >= 0).sum()


def test_nothing_to_foretell() -> None:
    assert len(drawn([[1], []])) == 0
    assert len(drawn([[1, 2, 3]], keep=0.0)) == 0


def test_near_words_are_drawn_more_often_and_frequent_words_are_thinned_out() -> None:
    passage = list(range(10)) * 300
    pairs = drawn([passage], window=4, seed=1)
    gaps = (pairs.told - pairs.given[:, 0]) % 10
    shares = [(np.isin(gaps, [gap, 10 - gap])).mean() for gap in (1, 2, 3, 4)]
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.2, 0.1], atol=0.02)
    keep = np.where(np.arange(10) == 0, 0.1, 1.0)
    thinned = draw(
        [np.array(passage)], np.ones(10, dtype=np.int64), keep, window=4, negative=1, means=False,
        random=np.random.default_rng(0),
    )  # fmt: skip
    assert 0.05 < (thinned.told == 0).mean() / (thinned.told == 1).mean() < 0.2


def test_noise_follows_counts_to_the_power_three_quarters() -> None:
    examples = drawn([list(range(10)) * 500], window=4)
    assert len(examples) == 20_000
    shares = np.bincount(examples.noise.ravel(), minlength=10) / examples.noise.size
    weights = np.arange(1, 11) ** 0.75
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.01)
