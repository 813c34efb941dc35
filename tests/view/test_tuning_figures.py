"""Figures of fine-tuning: what they draw, and that no text becomes markup."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import InputError
from workbench.view import figures

HISTORY = pd.DataFrame({"step": [1, 2, 3, 4], "loss": [2.0, 1.0, 0.6, 0.4], "seconds": [1.0, 2.0, 3.0, 4.0]})
GAINS = pd.DataFrame(
    {
        "name": ["recall@5", "<b>MRR</b>"],
        "before": [0.70, 0.71],
        "after": [0.80, 0.72],
        "gain": [0.10, 0.01],
        "gain_low": [0.04, -0.03],
        "gain_high": [0.16, 0.05],
        "beyond_chance": [True, False],
    }
)
PLANE = pd.DataFrame(
    {
        "name": ["<i>pairs</i>"],
        "alignment_before": [1.15],
        "uniformity_before": [-3.2],
        "alignment_after": [1.0],
        "uniformity_after": [-2.9],
    }
)


def test_the_loss_curve_draws_every_step_and_the_running_mean():
    points, line = figures.loss_curve(HISTORY).data
    assert list(points.x) == [1, 2, 3, 4] and list(points.y) == [2.0, 1.0, 0.6, 0.4]
    np.testing.assert_allclose(line.y, [2.0, 1.5, 1.2, 1.0])
    chance = figures.loss_curve(HISTORY, chance=2.77)
    assert chance.layout.annotations[0].text == "cannot tell: 2.77"
    assert chance.layout.yaxis.range[1] > 2.77
    both = pd.concat([HISTORY.assign(series="a"), HISTORY.assign(series="<b>b</b>")])
    drawn = figures.loss_curve(both).data
    assert len(drawn) == 4 and drawn[0].marker.color != drawn[2].marker.color
    assert drawn[2].name.startswith("&lt;b&gt;b&lt;/b&gt;")


def test_a_gain_within_chance_is_hollow_and_said_to_be():
    figure = figures.before_after(GAINS)
    (gains,) = figure.data
    assert list(gains.marker.symbol) == ["circle", "circle-open"]
    np.testing.assert_allclose(gains.error_x.array, [0.06, 0.04])
    np.testing.assert_allclose(gains.error_x.arrayminus, [0.06, 0.04])
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert texts == ["0.700 → 0.800 (+0.100)", "0.710 → 0.720 (+0.010, not beyond chance)"]
    assert figure.layout.yaxis.ticktext[1] == "&lt;b&gt;MRR&lt;/b&gt;"
    low, high = figure.layout.xaxis.range
    assert low == -high and high > 0.16


def test_the_arrow_leads_from_before_to_after():
    figure = figures.alignment_uniformity(PLANE)
    (points,) = figure.data
    assert list(points.x) == [-3.2, -2.9] and list(points.y) == [1.15, 1.0]
    assert list(points.marker.symbol) == ["circle-open", "circle"]
    assert points.name == "&lt;i&gt;pairs&lt;/i&gt;"
    arrow = figure.layout.annotations[0]
    assert (arrow.ax, arrow.ay, arrow.x, arrow.y) == (-3.2, 1.15, -2.9, 1.0)
    assert not points.error_y.visible
    ends = {"low_before": 1.1, "high_before": 1.2, "low_after": 0.9, "high_after": 1.1}
    (sure,) = figures.alignment_uniformity(PLANE.assign(**ends)).data
    np.testing.assert_allclose(sure.error_y.array, [0.05, 0.1])


@pytest.mark.parametrize(
    ("draw", "table", "missing"),
    [
        (figures.loss_curve, HISTORY, "loss"),
        (figures.before_after, GAINS, "gain_low"),
        (figures.alignment_uniformity, PLANE, "uniformity_after"),
    ],
)
def test_tables_that_cannot_be_drawn(draw, table, missing):
    with pytest.raises(InputError, match=f"no column '{missing}'"):
        draw(table.drop(columns=missing))
    with pytest.raises(InputError, match="no rows"):
        draw(table.iloc[:0])


def test_a_point_that_is_nowhere():
    with pytest.raises(InputError, match="not finite"):
        figures.alignment_uniformity(PLANE.assign(uniformity_after=-np.inf))
