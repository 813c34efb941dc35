"""A sweep as files: its points for other programs, its front as a picture, its report."""

import json
from importlib.util import find_spec
from pathlib import Path

import plotly.graph_objects as go

from workbench.ann import Advice, SweepResult
from workbench.atomic import replacing
from workbench.errors import InputError
from workbench.view.sweep_report import write_sweep_report

__all__ = ["save"]

_SUFFIXES = (".parquet", ".csv", ".png", ".html")


def save(result: SweepResult, path: Path, *, advice: Advice, figure: go.Figure) -> Path:
    """Write a sweep as what the path's suffix says; the file appears whole or not at all.

    Raises
    ------
    InputError
        Another suffix, or no kaleido to draw a picture with.
    StorageError
        The file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InputError(f"the output {str(path)!r} is none of {', '.join(_SUFFIXES)}", "Name a file that ends in one.")
    if suffix == ".html":
        return write_sweep_report(result, advice, path)
    if suffix == ".png":
        return _picture(figure, path)
    with replacing(path) as file:
        if suffix == ".csv":
            file.write(result.points.to_csv(index=False).encode("utf-8", "replace"))
        else:
            result.points.to_parquet(file, index=False)
    return path


def _picture(figure: go.Figure, path: Path) -> Path:
    """The figure on white, twice as fine as a screen shows it."""
    if find_spec("kaleido") is None:
        raise InputError(
            "a picture needs kaleido, which is not installed",
            "pip install kaleido, or use the camera above the figure: the browser then draws it.",
        )
    import kaleido

    drawn = json.loads(figure.to_json())
    layout = drawn["layout"] | {"paper_bgcolor": "white"}
    size = {"width": layout["width"], "height": layout["height"], "scale": 2}
    picture = kaleido.calc_fig_sync(
        {"data": drawn["data"], "layout": layout}, opts={"format": "png", **size}, kopts={"mathjax": False}
    )
    with replacing(path) as file:
        file.write(picture)
    return path
