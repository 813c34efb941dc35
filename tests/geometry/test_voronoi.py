"""Voronoi cells: each holds exactly the places that are nearest to its center, and together they are the rectangle."""

import numpy as np
import pytest

from workbench import geometry
from workbench.errors import InputError


def area(cell: np.ndarray) -> float:
    x, y = cell.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def inside(cell: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Places to the left of every edge."""
    edges = np.roll(cell, -1, axis=0) - cell
    apart = places[:, None] - cell
    return (edges[:, 0] * apart[..., 1] - edges[:, 1] * apart[..., 0] > 0).all(axis=1)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_a_cell_holds_what_is_nearest_to_its_center(n):
    rng = np.random.default_rng(n)
    centers, low, high = rng.uniform((-3, 1), (4, 2), (n, 2)), (-3, 1), (4, 2)
    cells = geometry.voronoi_cells(centers, low, high)
    places = rng.uniform(low, high, (2_000, 2))
    nearest = ((places[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)
    for center, cell in enumerate(cells):
        np.testing.assert_array_equal(inside(cell, places), nearest == center)
    assert sum(area(cell) for cell in cells) == pytest.approx(7)


@pytest.mark.parametrize(
    ("centers", "what"),
    [
        (np.zeros((3, 3)), "shape"),
        (np.zeros((0, 2)), "shape"),
        ([[0.5, 0.5], [0.5, 0.5]], "equal"),
        ([[0.5, 0.5], [1.0, 0.5]], "center 1 at"),
        ([[np.nan, 0.5]], "center 0 at"),
    ],
)
def test_centers_without_cells(centers, what):
    with pytest.raises(InputError, match=what):
        geometry.voronoi_cells(centers, (0, 0), (1, 1))
