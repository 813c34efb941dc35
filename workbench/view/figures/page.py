"""One figure as one self-contained HTML page."""

import html
from pathlib import Path

import plotly.graph_objects as go

from workbench.atomic import replacing
from workbench.markup import escape, plain
from workbench.view.figures.look import FONT

__all__ = ["write_page"]

_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["sendChartToCloud", "lasso2d", "select2d"]}


def write_page(figure: go.Figure, path: str | Path, title: str) -> Path:
    """Write one self-contained HTML page with plotly.js inside; the file appears whole or not at all.

    Raises
    ------
    StorageError
        The folder does not exist or cannot be written, or the disk is full.
    """
    target = Path(path)
    body = figure.to_html(full_html=False, include_plotlyjs=True, include_mathjax=False, config=_CONFIG)
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(plain(title))}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>body {{ margin: 0; padding: 16px 20px; font-family: {FONT}; color-scheme: light; }}"
        f" h1 {{ font-size: 18px; color: #374151; margin: 0 0 8px; }}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
    with replacing(target) as file:
        file.write(page.encode("utf-8", "replace"))
    return target
