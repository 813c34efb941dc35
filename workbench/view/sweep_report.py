"""A sweep as one self-contained HTML page: the recommendation, the front, every point, what was not tested."""

import html
import json
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd

from workbench import ann
from workbench.ann import Advice, SweepResult
from workbench.atomic import replacing
from workbench.markup import escape, plain
from workbench.view.figures import miss_causes, shared_work, sweep_front
from workbench.view.figures.sweep_axes import COSTS
from workbench.view.pages import POLICY, part, script_json
from workbench.view.sweep_details import cause_shares, front_against

__all__ = ["write_sweep_report"]

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
<header>
<h1>$title</h1>
<p class="facts">$facts</p>
</header>
<main>
$warning<section id="advice">
<h2>Recommendation</h2>
<p class="lead" dir="auto">$lead</p>
<p dir="auto">$rest</p>
$relaxing</section>
<section>
<div class="row"><h2>Recall against <label for="against">what it costs</label></h2>
<select id="against">$axes</select></div>
<div id="front" role="img" aria-label="Recall against cost; the table below has every point."></div>
<p class="hint">The axis of recall is logarithmic in the share that is missed; the line joins what nothing beats. Bars:\
 95 % of bootstrap means for recall, the fastest and the slowest round for p50.</p>
</section>
$causes<section>
<h2>Every point</h2>
<p class="hint">Click a heading to sort. Points on the front of recall against p50 are bold, the recommended one is\
 marked.</p>
<div class="wide"><table id="points"><thead><tr>$heads</tr></thead><tbody>
$rows</tbody></table></div>
</section>
$code<section>
<h2>Not tested at full size</h2>
$untested</section>
<section>
<h2>Work that was shared</h2>
$ledger</section>
<section>
<h2>Measured on</h2>
<dl>
$environment</dl>
</section>
</main>
<noscript>This page draws its figures with JavaScript, which is switched off here. Its tables are whole.</noscript>
<script type="application/json" id="data">$data</script>
<script>
$plotly
</script>
<script>
$script</script>
</body>
</html>
""")
_CAUSES = """<section>
<h2>What is missed, and why</h2>
<p class="hint">The true neighbours that each index on the front misses, by what kept them out of the answer: the\
 widest part names the knob that finds most when it is turned.</p>
<div id="causes" role="img" aria-label="What each index on the front misses, by cause."></div>
</section>
"""
_COLUMNS = (  # heading, column, what one unit is in the column's, format
    ("index", "index", 0.0, ""), ("recall@{k}", "recall", 1.0, ".4f"), ("from", "recall_low", 1.0, ".4f"),
    ("to", "recall_high", 1.0, ".4f"), ("worst tenth", "worst_decile", 1.0, ".3f"), ("p50, µs", "p50_us", 1.0, ",.0f"),
    ("p95, µs", "p95_us", 1.0, ",.0f"), ("p99, µs", "p99_us", 1.0, ",.0f"), ("queries/s, batch", "qps", 1.0, ",.0f"),
    ("distances", "distances", 1.0, ",.0f"), ("memory, MB", "memory_bytes", 1e6, ",.1f"),
    ("file, MB", "serialized_bytes", 1e6, ",.1f"), ("build, s", "build_s", 1.0, ",.2f"),
    ("times Flat", "speedup", 1.0, ",.1f"), ("break-even, queries", "break_even", 1.0, ",.0f"),
)  # fmt: skip


def write_sweep_report(result: SweepResult, advice: Advice, path: str | Path, code: str | None = None) -> Path:
    """Write a sweep as one HTML file that needs no network; it appears whole or not at all.

    Parameters
    ----------
    result
        A sweep, finished or not; the page says which.
    advice
        The recommendation, as :func:`ann.advise` gives it.
    path
        Where to write.
    code
        Code that builds what is recommended; None leaves it to :func:`ann.snippet`.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    StorageError
        The folder does not exist or cannot be written, or the disk is full.
    """
    from plotly.offline import get_plotlyjs

    best = "" if advice.recommended is None else str(advice.recommended["point"])
    lead, _, rest = advice.text.partition(": ")
    fronts = {x: _front(result, x, best) for x in COSTS if np.isfinite(result.points[x]).any()}
    missed = cause_shares(result, _explained(result, best))
    causes = None if missed.empty else _drawing(miss_causes(missed, k=result.k))
    ledger = _drawing(shared_work(result.ledger)) if len(result.ledger) else None
    filled = _PAGE.substitute(
        title=html.escape(_title(result)), facts=_facts(result), policy=POLICY, css=part("sweep_report.css"),
        warning=_warning(result), lead=escape(f"{lead}."), rest=escape(rest),
        relaxing=_relaxing(advice.relaxing),
        axes="".join(f'<option value="{x}">{html.escape(COSTS[x].title)}</option>' for x in fronts),
        heads="".join(_head(result, column) for column in _COLUMNS), rows=_rows(result, best),
        causes=_CAUSES if causes else "", code=_code(result, advice, code), untested=_untested(result.untested),
        ledger='<div id="ledger"></div>\n' if len(result.ledger) else "<p>Nothing was shared.</p>\n",
        environment=_environment(result), plotly=get_plotlyjs(),
        data=script_json({"fronts": fronts, "causes": causes, "ledger": ledger}), script=part("sweep_report.js"),
    )  # fmt: skip
    target = Path(path)
    with replacing(target) as file:
        file.write(filled.encode("utf-8", "replace"))
    return target


def _explained(result: SweepResult, best: str) -> pd.DataFrame:
    """Points on the front, and the recommended one, that miss something, by recall."""
    points = result.points[result.points["front"] | (result.points["point"] == best)]
    return points[points["recall"] < 1].sort_values("recall")


def _title(result: SweepResult) -> str:
    return f"{result.n:,} × {result.d:,} vectors by {result.metric}, k = {result.k}: recall against latency"


def _facts(result: SweepResult) -> str:
    held = f"{len(result.truth):,} queries"
    if result.query_rows is not None:
        held += ", rows of the vectors that were held out"
    known = [
        held, f"{len(result.points):,} points measured", f"{int((result.points['timed'] > 0).sum()):,} timed",
        f"{result.manifest['seconds']:,.0f} s", f"data {str(result.manifest['fingerprint'])[:12]}",
    ]  # fmt: skip
    return " · ".join(map(escape, known))


def _warning(result: SweepResult) -> str:
    if result.manifest["finished"]:
        return ""
    return '<p class="warning" role="note">This sweep had not ended when the page was written.</p>\n'


def _drawing(figure: Any) -> dict[str, Any]:
    drawn: dict[str, Any] = json.loads(figure.to_json())
    return {"data": drawn["data"], "layout": drawn["layout"]}


def _front(result: SweepResult, x: str, best: str) -> dict[str, Any]:
    points = result.points.assign(front=front_against(result.points, x))
    return _drawing(sweep_front(points, x=x, k=result.k, recommended=best))


def _relaxing(table: pd.DataFrame) -> str:
    """What each loosened constraint would buy, where one buys anything."""
    useful = table[np.isfinite(table["to"].astype(float))] if len(table) else table
    if useful.empty:
        return ""
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td class=number>{now:,.4g}</td><td class=number>{to:,.4g}</td>"
        f"<td>{escape(buys)}</td></tr>\n"
        for name, now, to, buys in useful[["constraint", "now", "to", "buys"]].itertuples(index=False)
    )
    heads = "<th>constraint</th><th class=number>now</th><th class=number>loosened to</th><th>buys</th>"
    return f"<table><thead><tr>{heads}</tr></thead><tbody>\n{lines}</tbody></table>\n"


def _head(result: SweepResult, column: tuple[str, str, float, str]) -> str:
    name, _, unit, _ = column
    kind = "number" if unit else "text"
    return f'<th class="{kind}"><button type="button">{escape(name.format(k=result.k))}</button></th>'


def _rows(result: SweepResult, best: str) -> str:
    lines = []
    for row in result.points.sort_values("recall", ascending=False).to_dict("records"):
        kind = " ".join((["front"] if row["front"] else []) + (["best"] if row["point"] == best else []))
        lines.append(
            f'<tr class="{kind}">{"".join(_cell(row[name], unit, form) for _, name, unit, form in _COLUMNS)}</tr>\n'
        )
    return "".join(lines)


def _cell(value: Any, unit: float, form: str) -> str:
    """A cell; a number's own value is beside what is shown of it, for the sorting."""
    if not unit:
        return f'<td dir="auto">{escape(value)}</td>'
    number = float(value) / unit
    if np.isnan(number):
        return '<td class="number" data-value=""></td>'
    shown = "never" if np.isinf(number) else format(number, form)
    return f'<td class="number" data-value="{"1e300" if np.isinf(number) else number}">{shown}</td>'


def _code(result: SweepResult, advice: Advice, code: str | None) -> str:
    if code is None and advice.recommended is not None:
        spec = ann.IndexSpec.parse(str(advice.recommended["index"]))
        code = ann.snippet(spec, result.metric, result.d, result.k)
    return "" if not code else f"<section>\n<h2>Code</h2>\n<pre>{escape(code)}</pre>\n</section>\n"


def _untested(table: pd.DataFrame) -> str:
    if table.empty:
        return "<p>Everything that was asked for was measured on all of the vectors.</p>\n"
    lines = "".join(
        f'<tr><td dir="auto">{escape(index)}</td><td dir="auto">{escape(reason)}</td></tr>\n'
        for index, reason in table[["index", "reason"]].itertuples(index=False)
    )
    return f"<table><thead><tr><th>index</th><th>why not</th></tr></thead><tbody>\n{lines}</tbody></table>\n"


def _environment(result: SweepResult) -> str:
    """What the numbers were measured on and with; a record within a record is one line."""
    known = {**result.manifest["environment"], "seed": result.manifest["seed"]}
    known["fingerprint of the vectors"] = result.manifest["fingerprint"]
    return "".join(
        f"<div><dt>{escape(plain(name).replace('_', ' '))}</dt><dd dir=auto>{escape(_said(value))}</dd></div>\n"
        for name, value in known.items()
    )


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
