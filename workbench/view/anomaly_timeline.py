"""A log along time under a person's hands: a threshold to move, and for any line the normal lines nearest to it."""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench import callbacks
from workbench.errors import InputError
from workbench.keys import KeyedBox
from workbench.markup import escape, shorten
from workbench.records import Corpus, Vectors
from workbench.tasks import anomalies
from workbench.view.figures import score_timeline
from workbench.view.figures.anomalies import alarm_shapes, ring
from workbench.view.read_out import QUIET, alert, status
from workbench.view.results import ResultList

__all__ = ["AnomalyTimeline"]

_WIDTH, _SIDE, _HEIGHT = 656, 384, 430  # pixels
_QUIET_SHARES = (0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0)
_LISTED = 100
_LIST = 210  # pixels of the list
_NEAREST = 5
_KINDS = ("strangest lines", "false alarms", "missed anomalies")
_SCORES = {
    "knn": "mean distance to the nearest normal lines", "lof": "local outlier factor", "forest": "isolation score",
}  # fmt: skip


class AnomalyTimeline(KeyedBox):
    """Scores of lines along time, a slider for the threshold, and beside them the normal lines nearest to a chosen one.

    The threshold is the score that a share of the history's lines do not pass, each scored as if it were not there. A
    click on a point chooses a line; so does the list beside the figure, by keyboard.

    Parameters
    ----------
    lines
        What is watched, line by line.
    vectors
        Of the same ids.
    detector
        With its history.
    history
        The lines that the detector's history was made of, in the same order.
    labels
        Metadata column that tells anomalies, as :func:`tasks.anomalies.as_labels` reads it; None without labels.
    time
        Metadata column of times, as such or in ISO 8601; None counts lines.
    quantile
        To begin with, one of the slider's steps: 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999 or 1.
    marks
        By name, times at which a line is drawn, such as that of a release.

    Attributes
    ----------
    scores
        ``(n,)``, larger is stranger.
    threshold
        What is drawn now.
    figure
        The plotly figure.
    quantile, kind, listed
        The controls: the slider, what is listed, and the list.
    rows
        Of the lines that are listed, the strangest first.
    chosen
        Row of the line that is looked at; None before any.
    nearest
        Rows of the history nearest to it, the nearest first.

    Raises
    ------
    InputError
        Ids or lengths that do not fit, a column that is not there, times that are none, or a quantile without a step.
    """

    def __init__(
        self,
        lines: Corpus,
        vectors: Vectors,
        detector: anomalies.AnomalyDetector,
        history: Corpus,
        *,
        labels: str | None = "label",
        time: str | None = "time",
        quantile: float = 0.99,
        marks: Mapping[str, object] | None = None,
    ) -> None:
        if lines.ids != vectors.ids:
            raise InputError(
                f"the {len(lines):,} ids of {lines.name!r} are not those of the {len(vectors):,} vectors",
                "Embed these lines, or take the same rows of both.",
            )
        if len(history) != len(detector):
            raise InputError(
                f"{len(history):,} lines for a detector with a history of {len(detector):,}",
                "Pass the lines that fit() was given the vectors of.",
            )
        if quantile not in _QUIET_SHARES:
            raise InputError(f"there is no step {quantile!r}", f"Steps are {', '.join(map(str, _QUIET_SHARES))}.")
        self._lines, self._vectors, self._detector, self._history = lines, vectors, detector, history
        self._truth = None if labels is None else anomalies.as_labels(_column(lines, labels).to_numpy())
        self._at = pd.Series(np.arange(len(lines))) if time is None else _times(_column(lines, time))
        self.scores = detector.scores(vectors)
        self.chosen: int | None = None
        self.nearest: tuple[int, ...] = ()
        self.rows: tuple[int, ...] = ()
        self.threshold = detector.threshold(quantile)
        table = pd.DataFrame({"at": self._at, "score": self.scores})
        if self._truth is not None:
            table["label"] = self._truth
        drawn = score_timeline(table, self.threshold, y=_SCORES[detector.method], marks=marks, height=_HEIGHT)
        self.figure = go.FigureWidget(drawn.update_layout(width=_WIDTH, margin={"t": 36, "r": 12}))
        self._fixed = tuple(self.figure.layout.shapes)[2:]
        self._top = float(self.figure.layout.yaxis.range[1])
        layout = ipywidgets.Layout
        self.quantile = ipywidgets.SelectionSlider(
            options=[(f"{share:.1%}", share) for share in _QUIET_SHARES], value=quantile,
            description="normal lines that stay quiet", layout=layout(width="480px"),
            style={"description_width": "190px"},
        )  # fmt: skip
        self.kind = ipywidgets.Dropdown(
            options=_KINDS if self._truth is not None else _KINDS[:1], description="list",
            layout=layout(width="230px"), style={"description_width": "34px"},
        )  # fmt: skip
        self.listed = ResultList(
            self.choose, self._show_error, layout=layout(width=f"{_SIDE - 4}px", height=f"{_LIST}px")
        )
        self._panel = ipywidgets.HTML(
            layout=layout(width=f"{_SIDE - 4}px", height=f"{_HEIGHT - _LIST - 6}px", overflow="hidden auto")
        )
        self._status = ipywidgets.HTML(layout=layout(width="100%", height="50px"))
        side = ipywidgets.VBox([self.listed, self._panel], layout=layout(width=f"{_SIDE}px"))
        super().__init__(
            [
                ipywidgets.HBox([self.quantile, self.kind], layout=layout(flex_flow="row wrap", align_items="center")),
                ipywidgets.HBox([self.figure, side], layout=layout(height=f"{_HEIGHT + 6}px")),
                self._status,
            ],
            layout=layout(width=f"{_WIDTH + _SIDE + 16}px"),
        )
        self.add_class("wb-anomalies")
        self.quantile.observe(self._moved, "value")
        self.kind.observe(self._relisted, "value")
        for trace in self.figure.data:
            trace.on_click(self._clicked)
        self._list()
        self._tell()
        self._look()

    @property
    def alarms(self) -> "np.typing.NDArray[np.int64]":
        """Rows of the lines that are alarms now, in the order of time."""
        return np.flatnonzero(self.scores > self.threshold)

    def _list(self) -> None:
        """The lines of the kind that is chosen, the strangest first; missed ones too."""
        raised = self.scores > self.threshold
        wanted = np.ones(len(self.scores), dtype=bool)
        if self._truth is not None and self.kind.value == _KINDS[1]:
            wanted = raised & ~self._truth
        elif self._truth is not None and self.kind.value == _KINDS[2]:
            wanted = ~raised & self._truth
        rows = np.flatnonzero(wanted)
        rows = rows[np.argsort(-self.scores[rows], kind="stable")][:_LISTED]
        self.rows = tuple(rows.tolist())
        counted = f"{int(wanted.sum()):,} lines" if self.kind.value == _KINDS[0] else f"{int(wanted.sum()):,}"
        shown = f"{counted}, the strangest first" + (f"; {_LISTED} are listed" if wanted.sum() > _LISTED else "")
        self.listed.show(self.kind.value, shown, [self._entry(row) for row in self.rows])

    def _entry(self, row: int) -> dict[str, Any]:
        about = ["alarm" if self.scores[row] > self.threshold else "no alarm"]
        if self._truth is not None:
            about.append("an anomaly" if self._truth[row] else "a normal line")
        return {
            "row": row, "id": self._lines.ids[row], "rank": "", "score": f"{self.scores[row]:.3f}", "chosen": False,
            "title": self._lines.ids[row], "about": " · ".join(about), "text": shorten(self._lines.texts[row], 200),
        }  # fmt: skip

    def _tell(self) -> None:
        raised, share = len(self.alarms), self.quantile.value
        said = (
            f"Threshold <b>{self.threshold:.3f}</b>, which {share:.1%} of the history's lines do not pass: "
            f"<b>{raised:,} alarms</b> among {len(self.scores):,} lines. "
        )
        about = ""
        if self._truth is not None:
            found = int((self._truth & (self.scores > self.threshold)).sum())
            about = (
                f"{found:,} of {int(self._truth.sum()):,} anomalies found (recall {found / self._truth.sum():.2f}), "
                f"{raised - found:,} false alarms (precision {found / raised if raised else 0:.2f})."
            )
        self._status.value = status(said, escape(about))

    def _look(self) -> None:
        """What is known of the chosen line: its text, and the normal lines nearest to it."""
        row = self.chosen
        if row is None:
            self._panel.value = status(
                "Click a point, or choose a line in the list: its nearest normal lines come here."
            )
            return
        found = self._detector.nearest(self._vectors.take([row]), _NEAREST)
        self.nearest = tuple(found.ids[0].tolist())
        truth = "" if self._truth is None else " · an anomaly" if self._truth[row] else " · a normal line"
        normal = "".join(
            f'<div style="margin: 5px 0; display: flex; gap: 8px"><span style="{QUIET}; flex: none">{near:.3f}</span>'
            f'<span dir="auto" style="min-width: 0; overflow-wrap: anywhere">'
            f"{escape(shorten(self._history.texts[at], 150))}</span></div>"
            for at, near in zip(self.nearest, found.scores[0].tolist(), strict=True)
        )
        what = "similarity" if found.metric == "cosine" else "distance"
        self._panel.value = (
            f'<div role="status" style="font-size: 13px; line-height: 1.35; padding: 8px 0 0 4px"><div dir="auto" '
            f'style="font-weight: 600; overflow-wrap: anywhere">{escape(shorten(self._lines.texts[row], 260))}</div>'
            f'<div style="{QUIET}">{escape(self._lines.ids[row])} · score {self.scores[row]:.3f}{truth}</div>'
            f'<div style="{QUIET}; margin-top: 6px">its nearest normal lines, by {what}</div>{normal}</div>'
        )

    def _mark(self) -> None:
        """The threshold, what was drawn on the axis of time, and a ring about the chosen line."""
        shapes = [*alarm_shapes(self.threshold, max(self._top, self.threshold)), *self._fixed]
        if self.chosen is not None:
            at = self._at.iloc[self.chosen]
            place = str(at.tz_localize(None)) if isinstance(at, pd.Timestamp) else int(at)
            shapes.append(ring(place, float(self.scores[self.chosen])))
        self.figure.layout.shapes = shapes

    def _show_error(self, error: callbacks.CallbackError) -> None:
        self._status.value = alert(error)

    def choose(self, row: int) -> None:
        """Look at a line: ring it, and show the normal lines nearest to it.

        Raises
        ------
        InputError
            There is no such row.
        """
        if not 0 <= row < len(self.scores):
            raise InputError(f"there is no row {row:,}", f"Rows are 0 to {len(self.scores) - 1:,}.")
        self.chosen = row
        self._mark()
        self._look()

    def _moved(self, change: Any) -> None:
        with callbacks.guard("move the threshold", self._show_error):
            self.threshold = self._detector.threshold(self.quantile.value)
            self._mark()
            self._list()
            self._tell()

    def _relisted(self, change: Any) -> None:
        with callbacks.guard("choose what is listed", self._show_error):
            self._list()

    def _clicked(self, trace: Any, points: Any, state: Any) -> None:
        with callbacks.guard("click a line", self._show_error):
            if points.point_inds and trace.customdata is not None:
                self.choose(int(trace.customdata[points.point_inds[0]]))


def _column(lines: Corpus, name: str) -> "pd.Series[Any]":
    if name not in lines.metadata.columns:
        known = ", ".join(map(str, lines.metadata.columns)) or "none"
        raise InputError(f"the lines have no column {name!r}", f"Those there are: {known}.")
    return lines.metadata[name]


def _times(values: "pd.Series[Any]") -> "pd.Series[Any]":
    moments = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
    if moments.isna().any():
        row = int(np.flatnonzero(moments.isna())[0])
        raise InputError(
            f"row {row:,} has the time {values.iloc[row]!r}", "Write times as 2026-03-02T04:12:09Z, or pass time=None."
        )
    return moments
