"""Figures of exact search: what they draw, in which units, and that no text becomes markup."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InputError
from workbench.view import figures

POINTS = pd.DataFrame(
    {
        "series": ["<b>n grows</b>", "<b>n grows</b>", "d grows"],
        "gb": [0.01, 1.0, 0.1],
        "seconds": [0.001, 0.1, 0.01],
        "low": [0.0009, 0.09, 0.009],
        "high": [0.0012, 0.11, 0.013],
        "label": ["a", "<i>b</i>", "c"],
    }
)
FAR = pd.DataFrame({"label": ["100 M × 1,024"], "gb": [409.6], "seconds": [41.0], "low": [30.0], "high": [60.0]})
BATCHES = pd.DataFrame(
    {"series": ["a", "a", "b"], "queries": [64, 1, 1], "gflop_s": [90.0, 5.0, 4.0], "query_ms": [1, 9, 10]}
)
CURVE = pd.DataFrame({"d": [2, 32, 1024], "ratio": [90.0, 1.7, 1.1], "low": [80, 1.6, 1.09], "high": [99, 1.8, 1.11]})
REAL = pd.DataFrame({"name": ["<b>real</b>"], "d": [384], "ratio": [1.6], "low": [1.5], "high": [1.7], "same_as": [40]})


def test_growth_draws_limits_then_points_then_what_is_not_measured():
    figure = figures.scan_growth(POINTS, limits={"<u>reading</u>": 0.05}, extrapolated=FAR)
    limit, grows, wide, far = figure.data
    np.testing.assert_allclose(np.divide(limit.y, limit.x), 0.05 / 1e9)
    assert limit.name == "&lt;u&gt;reading&lt;/u&gt;" and grows.name == "&lt;b&gt;n grows&lt;/b&gt;"
    assert list(grows.x) == [1e7, 1e9] and list(grows.y) == [0.001, 0.1] and list(wide.x) == [1e8]
    assert grows.customdata[1] == "&lt;i&gt;b&lt;/i&gt;"
    np.testing.assert_allclose(grows.error_y.array, [0.0002, 0.01])
    assert far.marker.symbol == "diamond-open" and "30 s to 60 s" in far.text[0]
    np.testing.assert_allclose((far.error_y.arrayminus[0], far.error_y.array[0]), (11, 19))
    assert any("not measured" in note.text for note in figure.layout.annotations)
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    low, high = figure.layout.xaxis.range
    assert low < np.log10(1e7) and high > np.log10(409.6e9)
    assert {"10 MB", "1 GB", "100 GB"} <= set(figure.layout.xaxis.ticktext)
    assert {"1 ms", "100 ms", "10 s", "1,000 s"} <= set(figure.layout.yaxis.ticktext)


def test_growth_alone_claims_nothing_beyond():
    figure = figures.scan_growth(POINTS)
    assert len(figure.data) == 2 and not figure.layout.annotations and not figure.layout.shapes


def test_the_roof_rises_with_the_batch_and_then_is_flat():
    roof, a, b = figures.roofline(BATCHES, read_gb_s=10, compute_gflop_s=100, cliff=30).data
    np.testing.assert_allclose(roof.x, [0.7, 20, 102.4])
    np.testing.assert_allclose(roof.y, [3.5, 100, 100])
    assert list(a.x) == [1, 64] and list(a.y) == [5, 90] and list(b.x) == [1]
    never = figures.roofline(BATCHES.iloc[1:], read_gb_s=10, compute_gflop_s=100)
    np.testing.assert_allclose(never.data[0].y, [3.5, 8, 8])
    assert not never.layout.annotations


def test_real_vectors_stand_at_their_dimensions_with_a_line_to_the_random_ones():
    curve, real = figures.contrast_curve(CURVE, REAL).data
    assert list(curve.x) == [2, 32, 1024]
    np.testing.assert_allclose(curve.error_y.array, [9, 0.1, 0.01])
    assert list(real.x) == [40, 384] and list(real.y) == [1.6, 1.6]
    assert real.name == "&lt;b&gt;real&lt;/b&gt;"
    np.testing.assert_allclose(real.error_y.array, [0, 0.1])
    assert len(figures.contrast_curve(CURVE).data) == 1


@pytest.mark.parametrize(
    ("draw", "table", "missing"),
    [
        (figures.scan_growth, POINTS, "seconds"),
        (lambda table: figures.roofline(table, read_gb_s=1, compute_gflop_s=1), BATCHES, "gflop_s"),
        (figures.contrast_curve, CURVE, "ratio"),
        (lambda table: figures.contrast_curve(CURVE, table), REAL, "same_as"),
        (lambda table: figures.scan_growth(POINTS, extrapolated=table), FAR, "high"),
    ],
)
def test_tables_that_cannot_be_drawn(draw, table, missing):
    with pytest.raises(InputError, match=f"no column '{missing}'"):
        draw(table.drop(columns=missing))
    with pytest.raises(InputError, match="no rows"):
        draw(table.iloc[:0])


def test_what_has_no_place_on_a_logarithmic_axis():
    with pytest.raises(InputError, match="not finite and above 0"):
        figures.scan_growth(POINTS.assign(low=0.0))
    with pytest.raises(InputError, match="above 0"):
        figures.roofline(BATCHES, read_gb_s=0, compute_gflop_s=1)
