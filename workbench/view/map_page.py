"""A map as one self-contained HTML page: points, search over the texts it holds, legend, and how far to trust it."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from workbench.atomic import replacing
from workbench.corpora import as_vectors_array
from workbench.errors import InputError
from workbench.markup import escape, plain, shorten
from workbench.view.pages import POLICY, part, script_json
from workbench.view.palette import Coloring, color_column

__all__ = ["write_map_page"]

_MAX_BYTES = 15_000_000  # of a page whose texts may be cut to fit
_SHORTEST = 60  # characters that every text keeps, whatever the page then weighs
_SPARE = 4_000  # for the lines that say at how many characters texts are cut
_TITLE = 90

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<link rel="icon" href="data:,">
<style>
$css</style>
</head>
<body>
<main>
<h1 dir="auto">$heading</h1>
<div id="map" tabindex="0" role="application" aria-label="Map of $count points. Arrow keys move it,\
 plus and minus zoom, 0 shows all of it. The list of matches does what a click on a point does."></div>
<div id="tip" hidden></div>
</main>
<aside>
<section id="search">
<label for="words">Search the texts</label>
<input id="words" type="search" autocomplete="off" spellcheck="false" placeholder="Words that must all occur">
<p id="told" role="status">&nbsp;</p>
<ol id="found"></ol>
</section>
<section id="reading" aria-label="Text of a point" tabindex="0">
<p class="hint">Hover a point to read its text here, click it to keep it. Escape clears everything.</p>
</section>
$legend<section id="trust">
<h2>How far to trust this map</h2>
<dl>
$statement</dl>
<ul>
<li>What lies close together on this picture is not always close in the original space, and the other way round: look\
 neighbours up there, not here.</li>
<li>Search finds words (or parts of words) in the texts held in this page. It does not search by meaning.</li>
$cut</ul>
</section>
</aside>
<noscript>This page draws its map with JavaScript, which is switched off here.</noscript>
<script type="application/json" id="data">$data</script>
<script>
$plotly
</script>
<script>
$script</script>
</body>
</html>
""")


def write_map_page(
    path: str | Path,
    coordinates: ArrayLike,
    texts: Sequence[str],
    *,
    title: str,
    titles: Sequence[str] | None = None,
    color: "pd.Series[Any] | None" = None,
    statement: Sequence[tuple[str, str, str]] = (),
) -> Path:
    """Write a map as one HTML file that needs no network; it appears whole or not at all.

    The page holds every text once. Where all texts would take it over 15 MB, the long ones are cut at one
    length, which the page states, but never below 60 characters: many more than 50,000 points take more.

    Parameters
    ----------
    path
        Where to write.
    coordinates
        ``(n, 2)`` finite numbers; one unit is as long on x as on y.
    texts
        ``n`` strings: what a point shows and what the search box searches.
    title
        Heading of the page.
    titles
        ``n`` short names that stand above the texts and are searched with them; a first line that says the same is
        left out.
    color
        ``n`` values: numbers and dates become a ramp, everything else categories with a legend.
    statement
        What was measured of the map's faithfulness: name, value, and what it means in one line.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    VectorError
        Coordinates that are not ``(n, 2)``, or one is NaN or infinite (names the first row).
    InputError
        There are not ``n`` texts, titles or colors.
    StorageError
        The folder does not exist or cannot be written, or the disk is full.
    """
    from plotly.offline import get_plotlyjs

    points = as_vectors_array(np.asarray(coordinates, dtype=np.float32))
    if points.shape[1] != 2:
        raise InputError(f"coordinates of shape {points.shape}", "A map needs (n, 2).")
    for name, given in (("texts", texts), ("titles", titles)):
        if given is not None and len(given) != len(points):
            raise InputError(f"{len(given):,} {name} for {len(points):,} points", "Give one for each point.")
    coloring = color_column(color, len(points))
    whole = [plain(text) for text in texts]
    names = None if titles is None else [shorten(name, _TITLE) for name in titles]
    if names is not None:  # many a text begins with its title, which stands above it already
        whole = [text.removeprefix(f"{name}\n") if name else text for name, text in zip(names, whole, strict=True)]
    data = {
        "xy": _base64(points.astype("<f4")),
        "codes": _base64(coloring.codes.astype(np.uint8)),
        "light": coloring.light,
        "dark": coloring.dark,
        "names": [entry.label for entry in coloring.entries] if coloring.range is None else [],
        "titles": names,
    }

    def page(kept: Sequence[str], cut: str) -> bytes:
        filled = _PAGE.substitute(
            title=html.escape(plain(title)), heading=escape(title), count=f"{len(points):,}", legend=_legend(coloring),
            statement="".join(map(_measure, statement)), cut=cut, data=script_json({**data, "texts": kept}),
            css=part("map_page.css"), plotly=get_plotlyjs(), script=part("map_page.js"), policy=POLICY,
        )  # fmt: skip
        return filled.encode("utf-8", "replace")

    length = _fitting(whole, _MAX_BYTES - _SPARE - len(page([], "")))
    cut = "" if length is None else _cut_line(whole, length)
    target = Path(path)
    with replacing(target) as file:
        file.write(page(whole if length is None else _cut(whole, length), cut))
    return target


def _fitting(texts: Sequence[str], room: int) -> int | None:
    """The largest length in characters at which texts are cut to fit into ``room`` bytes; None where all fit whole."""
    low, high = _SHORTEST, max(map(len, texts))
    if high <= low or _fits(texts, high, room):
        return None
    while high - low > 1:  # high does not fit
        middle = (low + high) // 2
        low, high = (middle, high) if _fits(texts, middle, room) else (low, middle)
    return low


def _fits(texts: Sequence[str], length: int, room: int) -> bool:
    if sum(min(len(text), length) for text in texts) > room:  # a character takes at least a byte
        return False
    return len(script_json(_cut(texts, length)).encode()) <= room


def _cut(texts: Sequence[str], length: int) -> list[str]:
    return [text if len(text) <= length else text[: length - 1].rstrip() + "…" for text in texts]


def _cut_line(texts: Sequence[str], length: int) -> str:
    longer = sum(len(text) > length for text in texts)
    return (
        f"<li>To keep this page small, texts are cut at {length:,} characters: {longer:,} of {len(texts):,} are longer,"
        " and what was cut off is not searched.</li>\n"
    )


def _base64(array: "np.ndarray[Any, Any]") -> str:
    return base64.b64encode(array.tobytes()).decode()


def _measure(line: tuple[str, str, str]) -> str:
    name, value, meaning = map(escape, line)
    return f"<div><dt>{name}</dt><dd class=value>{value}</dd><dd>{meaning}</dd></div>\n"


def _legend(coloring: Coloring) -> str:
    """The legend as HTML: categories are buttons that light their points, where a color is one category's alone."""
    if not coloring.title:
        return ""
    ramp = ""
    if coloring.range is not None:
        low, high = map(escape, coloring.range)
        steps = ", ".join(coloring.light[:-1:9])
        ramp = (
            f'<div class="ramp" style="background: linear-gradient(to right, {steps})"></div>\n'
            f'<div class="ends"><span>{low}</span><span>{high}</span></div>\n'
        )
    own = len(coloring.light) - 1  # the last color is for what has none of its own: other categories, and no value
    shared = len(coloring.entries) > own + 1
    lines = []
    for place, entry in enumerate(coloring.entries):
        code = own if coloring.range is not None else min(place, own)
        about = (
            f'<span class="dot" style="--light: {entry.light}; --dark: {entry.dark}"></span>'
            f'<span class="name" dir="auto">{escape(entry.label)}</span><span class="count">{entry.count:,}</span>'
        )
        if code == own and shared:
            lines.append(f'<div class="entry">{about}</div>\n')
        else:
            lines.append(
                f'<button type="button" class="entry" data-code="{code}" aria-pressed="false">{about}</button>\n'
            )
    return f'<section id="legend">\n<h2 dir="auto">{escape(coloring.title)}</h2>\n{ramp}{"".join(lines)}</section>\n'
