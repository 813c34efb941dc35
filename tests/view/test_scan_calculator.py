"""What exact search takes: the numbers of the fit, said in units, and moved by the sliders."""

import numpy as np
import pytest

from workbench import ann, callbacks
from workbench.errors import InputError
from workbench.view import ScanCalculator

WORK = np.geomspace(1e7, 1e9, 6)


@pytest.fixture
def calculator():
    fit = ann.fit_scaling(WORK, 1e-10 * WORK * np.array([1, 1.05, 0.95, 1.02, 0.98, 1]), exponent=1)
    return ScanCalculator(fit, 1e-11)


def test_it_says_what_the_fit_says(calculator):
    assert calculator.seconds.mean == pytest.approx(1e-10 * 3.84e8, rel=0.02)
    assert calculator.together_seconds == pytest.approx(1e-11 * 3.84e8)
    said = calculator._status.value
    assert "<b>38 ms</b>" in said and "<b>3.8 ms</b>" in said and "calls of 1,024" in said
    assert "within what was measured" in said and "1.54 GB" in said and "does not fit" not in said


def test_sliders_move_it_and_what_is_far_is_said_to_be_extrapolated(calculator):
    before = calculator._drawing.value
    calculator.count.value, calculator.dimensions.value = 10**9, 4096
    assert calculator.seconds.mean == pytest.approx(1e-10 * 4.096e12, rel=0.02)
    assert "extrapolated" in calculator._status.value and "does not fit" in calculator._status.value
    assert "6.8 min" in calculator._status.value and calculator._drawing.value != before
    assert calculator.seconds.low < calculator.seconds.mean < calculator.seconds.high
    callbacks.check()


def test_nothing_is_drawn_outside_the_scale(calculator):
    calculator.count.value, calculator.dimensions.value = 1000, 64  # 6.4 µs alone, left of the scale
    assert "left: 0px" in calculator._drawing.value and "left: -42" not in calculator._drawing.value
    assert "6.4 µs" in calculator._status.value


@pytest.mark.parametrize(("together", "count"), [(0.0, 1000), (1e-11, 1234)])
def test_what_it_cannot_begin_with(together, count):
    fit = ann.fit_scaling(WORK, 1e-10 * WORK, exponent=1)
    with pytest.raises(InputError):
        ScanCalculator(fit, together, count=count)
