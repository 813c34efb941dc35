"""What vectors weigh: n rows of d numbers, with controls for each."""

from typing import Any

import ipywidgets
import psutil

from workbench import callbacks
from workbench.errors import InputError
from workbench.markup import escape
from workbench.view.read_out import alert, status

__all__ = ["StorageCalculator"]

_COUNTS = (*(digit * 10**zeros for zeros in range(3, 9) for digit in (1, 2, 5)), 10**9)
_DIMENSIONS = (64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
_FORMATS = {"float32": 4.0, "float16": 2.0, "int8": 1.0, "1 bit": 0.125}
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_WIDEST, _TALLEST = 560, 210  # pixels of the drawing
_LABEL = 180  # pixels before the controls


class StorageCalculator(ipywidgets.VBox):  # type: ignore[misc]
    """Sliders for the number of vectors, their dimensions and the bytes of one number; the bill below.

    Parameters
    ----------
    count
        Number of vectors to begin with: 1, 2 or 5 times a power of ten from 1,000 to 1,000,000,000.
    dimensions
        Numbers in each vector: a usual size from 64 to 4,096.
    number_format
        ``float32``, ``float16``, ``int8`` or ``1 bit``.

    Attributes
    ----------
    total_bytes
        The bill, for the vectors alone: an index comes on top.

    Raises
    ------
    InputError
        A setting that the controls do not have.
    """

    def __init__(self, count: int = 100_000_000, dimensions: int = 1024, number_format: str = "float32") -> None:
        for value, there in ((count, _COUNTS), (dimensions, _DIMENSIONS), (number_format, tuple(_FORMATS))):
            if value not in there:
                raise InputError(f"there is no step {value!r}", f"Steps are {', '.join(map(str, there))}.")
        layout, style = ipywidgets.Layout, {"description_width": f"{_LABEL}px"}
        self.count = ipywidgets.SelectionSlider(
            options=[(f"{n:,}", n) for n in _COUNTS], value=count, description="vectors, n: your data",
            layout=layout(width="620px"), style=style,
        )  # fmt: skip
        self.dimensions = ipywidgets.SelectionSlider(
            options=[(f"{d:,}", d) for d in _DIMENSIONS], value=dimensions, description="dimensions, d: the model",
            layout=layout(width="620px"), style=style,
        )  # fmt: skip
        self.number_format = ipywidgets.ToggleButtons(
            options=list(_FORMATS), value=number_format, style={"button_width": "92px"}, layout=layout(width="420px")
        )
        named = ipywidgets.Label("one number", layout=layout(width=f"{_LABEL}px", display="flex"))
        named.layout.justify_content = "flex-end"
        number_row = ipywidgets.HBox([named, self.number_format], layout=layout(width="100%", height="40px"))
        self._drawing = ipywidgets.HTML(layout=layout(width="100%", height=f"{_TALLEST + 44}px", overflow="hidden"))
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="52px"))
        rows = [self.count, self.dimensions, number_row, self._drawing, self._status]
        super().__init__(rows, layout=layout(width="100%", max_width="860px"))
        for control in (self.count, self.dimensions, self.number_format):
            control.observe(self._moved, "value")
        self._show()

    @property
    def total_bytes(self) -> float:
        """Bytes of all vectors: n times d times the bytes of one number."""
        return float(self.count.value * self.dimensions.value * _FORMATS[self.number_format.value])

    def _show(self) -> None:
        n, d, one = self.count.value, self.dimensions.value, _FORMATS[self.number_format.value]
        height = round(_TALLEST * (0.12 + 0.88 * _COUNTS.index(n) / (len(_COUNTS) - 1)))
        width = round(_WIDEST * (0.08 + 0.92 * _DIMENSIONS.index(d) / (len(_DIMENSIONS) - 1)))
        self._drawing.value = (
            '<div class="wb-storage" style="padding: 6px 0 0 2px">'
            f'<div style="width: {width}px; text-align: center; white-space: nowrap">{d:,} columns</div>'
            '<div style="display: flex; gap: 10px; align-items: center">'
            f'<div style="width: {width}px; height: {height}px; flex: none; border: 1px solid #0072B2; '
            'background: repeating-linear-gradient(0deg, rgba(0,114,178,0.30) 0 5px, rgba(0,114,178,0.10) 5px 7px)">'
            f'</div><div style="white-space: nowrap">{n:,} rows</div></div></div>'
        )
        memory = float(psutil.virtual_memory().total)
        self._status.value = status(
            f"{n:,} × {d:,} × {one:g} bytes = <b>{escape(_amount(self.total_bytes))}</b>, "
            f"{escape(_times(self.total_bytes / memory))} the memory of this machine.<br>",
            f"One vector: {escape(_amount(d * one))}. One exact query: {escape(_count(n * d))} multiply-adds. "
            "Drawing: sides on a scale of steps.",
        )

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    def _moved(self, change: Any) -> None:
        with callbacks.guard("work out the storage", self._show_error):
            self._show()


def _amount(count: float) -> str:
    """Bytes in decimal units, three digits: 409.6 GB is 410 GB."""
    power = 0
    while count >= 999.5 and power < len(_UNITS) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.3g} {_UNITS[power]}"


def _times(share: float) -> str:
    return f"{share:,.1f} times" if share >= 1 else f"{100 * share:.2g} % of"


def _count(number: float) -> str:
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:,.3g} {name}"
    return f"{number:,.0f}"
