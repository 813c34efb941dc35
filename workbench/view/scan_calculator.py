"""What exact search takes on this machine: sliders for the size of a database, a time with its interval below."""

import math
from typing import Any

import ipywidgets
import psutil

from workbench import callbacks
from workbench.ann import Interval, ScalingFit
from workbench.errors import InputError
from workbench.markup import escape
from workbench.view.read_out import alert, status

__all__ = ["ScanCalculator"]

_COUNTS = (*(digit * 10**zeros for zeros in range(3, 9) for digit in (1, 2, 5)), 10**9)
_DIMENSIONS = (64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
_TICKS = ((1e-5, "10 µs"), (1e-4, ""), (1e-3, "1 ms"), (1e-2, ""), (0.1, "100 ms"), (1.0, "1 s"), (10.0, ""),
          (60.0, "1 min"), (600.0, ""), (3600.0, "1 h"))  # fmt: skip
_WIDTH, _HEIGHT = 620, 84  # pixels of the scale
_FIRST, _LAST = 1e-5, 7200.0  # seconds at its ends
_LABEL = 180  # pixels before the controls


class ScanCalculator(ipywidgets.VBox):  # type: ignore[misc]
    """Sliders for vectors and dimensions; the time of one exact query, alone and in a call of many, on a scale.

    Parameters
    ----------
    alone
        Seconds of one query asked alone, by ``n * d``, as ``ann.fit_scaling`` fitted them on this machine.
    together
        Seconds for each of the ``n * d`` numbers of one query in a call of many, where arithmetic is the limit.
    queries
        How many a call of many has.
    count, dimensions
        To begin with: 1, 2 or 5 times a power of ten from 1,000 to 1,000,000,000, and a usual size from 64 to 4,096.

    Attributes
    ----------
    seconds
        Of one query asked alone, with its 95 % prediction interval.
    together_seconds
        Of one query in a call of many.

    Raises
    ------
    InputError
        A setting that the controls do not have, or a time that is not above 0.
    """

    def __init__(
        self, alone: ScalingFit, together: float, queries: int = 1024, *, count: int = 1_000_000, dimensions: int = 384
    ) -> None:
        for value, there in ((count, _COUNTS), (dimensions, _DIMENSIONS)):
            if value not in there:
                raise InputError(f"there is no step {value!r}", f"Steps are {', '.join(map(str, there))}.")
        if not 0 < together < math.inf:
            raise InputError(f"{together:g} seconds for each number", "Pass what was measured, above 0.")
        self._alone, self._together, self._queries = alone, together, queries
        layout, style = ipywidgets.Layout, {"description_width": f"{_LABEL}px"}
        self.count = ipywidgets.SelectionSlider(
            options=[(f"{n:,}", n) for n in _COUNTS], value=count, description="vectors, n",
            layout=layout(width="620px"), style=style,
        )  # fmt: skip
        self.dimensions = ipywidgets.SelectionSlider(
            options=[(f"{d:,}", d) for d in _DIMENSIONS], value=dimensions, description="dimensions, d",
            layout=layout(width="620px"), style=style,
        )  # fmt: skip
        self._drawing = ipywidgets.HTML(layout=layout(width="100%", height=f"{_HEIGHT}px", overflow="hidden"))
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="52px"))
        rows = [self.count, self.dimensions, self._drawing, self._status]
        super().__init__(rows, layout=layout(width="100%", max_width="860px"))
        for control in (self.count, self.dimensions):
            control.observe(self._moved, "value")
        self._show()

    @property
    def seconds(self) -> Interval:
        """Seconds of one query asked alone, with its prediction interval."""
        return self._alone.seconds(self.count.value * self.dimensions.value)

    @property
    def together_seconds(self) -> float:
        """Seconds of one query in a call of many."""
        return float(self._together * self.count.value * self.dimensions.value)

    def _show(self) -> None:
        n, d, alone, together = self.count.value, self.dimensions.value, self.seconds, self.together_seconds
        ticks = "".join(
            f'<div style="position: absolute; left: {_place(at)}px; top: 34px; height: 8px; width: 1px; '
            f'background: currentColor; opacity: 0.5"></div><div style="position: absolute; left: {_place(at) - 40}px; '
            f'width: 80px; top: 44px; text-align: center; font-size: 12px">{name}</div>'
            for at, name in _TICKS
        )
        left, wide = _place(alone.low), max(_place(alone.high) - _place(alone.low), 4)
        self._drawing.value = (
            f'<div class="wb-scan" style="position: relative; margin-left: 40px; width: {_WIDTH}px; height: 70px">'
            f'<div style="position: absolute; left: {left}px; width: {wide}px; top: 12px; height: 20px; '
            'background: #0072B2" title="one query alone, 95 % interval"></div>'
            f'<div style="position: absolute; left: {_place(together) - 2}px; width: 5px; top: 12px; height: 20px; '
            'background: #E8590C" title="one query in a call of many"></div>'
            '<div style="position: absolute; left: 0; right: 0; top: 34px; height: 1px; background: currentColor; '
            f'opacity: 0.5"></div>{ticks}</div>'
        )
        size, memory = 4.0 * n * d, float(psutil.virtual_memory().total)
        how = "extrapolated" if self._alone.extrapolates(n * d) else "within what was measured"
        fits = "" if size < memory else " It does not fit into the memory of this machine: a disk would take longer."
        self._status.value = status(
            f'<span style="color: #0072B2">■</span> alone: <b>{escape(_time(alone.mean))}</b> '
            f"({escape(_time(alone.low))} to {escape(_time(alone.high))}, {how}). "
            f'<span style="color: #E8590C">■</span> in calls of {self._queries:,}: <b>{escape(_time(together))}</b> '
            "each.<br>",
            f"{n:,} × {d:,} × 4 bytes = {size / 1e9:,.3g} GB to read.{fits}",
        )

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    def _moved(self, change: Any) -> None:
        with callbacks.guard("work out the time", self._show_error):
            self._show()


def _place(seconds: float) -> int:
    """Pixels from the left of the scale, which is logarithmic and ends at its ends."""
    share = math.log(min(max(seconds, _FIRST), _LAST) / _FIRST) / math.log(_LAST / _FIRST)
    return round(_WIDTH * share)


def _time(seconds: float) -> str:
    """Two digits in the largest unit that leaves at least one: 1.5 s, 230 ms."""
    for size, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{float(f'{seconds / size:.2g}'):,.10g} {unit}"
    return f"{seconds * 1e6:.2g} µs"
