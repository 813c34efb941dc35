"""Figures of word vectors: the loss as they learn, analogies by section, words on an axis, human scores, relations."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.errors import InputError
from workbench.view.figures.look import COLORS, GREY, GRID, INK, blank, interval, label, require

__all__ = ["along_axis", "analogy_accuracy", "held_out_loss", "human_scores", "parallelism"]

_BAND = "rgba(128, 128, 128, 0.16)"
_ROW = 26  # pixels
_ALLOWED = {True: "the question's own words left out", False: "own words allowed"}


def analogy_accuracy(table: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Bars of accuracy by section with 95 % intervals; beside each section, how many of its questions are covered.

    Parameters
    ----------
    table
        As ``geometry.analogies.evaluate(...).table`` has it: ``method``, ``exclude``, ``section``, ``covered``,
        ``total``, ``accuracy``, ``low``, ``high``; one color for each method and way to treat the question's own words,
        side by side. A section of which nothing is covered has a name and no bar.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(table, "method", "exclude", "section", "covered", "total", "accuracy", "low", "high")
    sections = table.drop_duplicates("section").to_dict("records")
    row_of = {item["section"]: row for row, item in enumerate(sections)}
    methods, exclusions = (len(table[name].unique()) for name in ("method", "exclude"))
    groups = list(table.groupby(["method", "exclude"], sort=False))
    figure = blank(title, "accuracy, % of covered questions", "", 150 + len(sections) * max(30, 19 * len(groups)))
    thick = 0.82 / len(groups)
    for place, ((method, exclude), part) in enumerate(groups):
        ways = [str(method)] * (methods > 1) + [_ALLOWED[bool(exclude)]] * (exclusions > 1 or methods == 1)
        name = ", ".join(ways)
        value, low, high = (100 * part[end].to_numpy(dtype=np.float64) for end in ("accuracy", "low", "high"))
        y = np.array([row_of[section] for section in part["section"]]) + (place - (len(groups) - 1) / 2) * thick
        figure.add_bar(
            x=value, y=y, orientation="h", name=label(name), width=thick * 0.86,
            marker_color=COLORS[place % len(COLORS)],
            error_x=interval(value, low, high, width=3),
            customdata=[[label(item["section"]), item["low"], item["high"], item["covered"]]
                        for item in part.to_dict("records")],
            hovertemplate="%{customdata[0]}: %{x:.1f} % (%{customdata[1]:.1%} to %{customdata[2]:.1%}) of "
                          "%{customdata[3]:,}<extra>" + label(name) + "</extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=np.nan_to_num(np.fmax(value, high)), y=y, mode="text", textposition="middle right", hoverinfo="skip",
            text=["" if number != number else f" {number:.0f}" for number in value], textfont={"size": 11},
            showlegend=False, cliponaxis=False,
        )  # fmt: skip
    ticks = [_section(item) for item in sections]
    figure.update_xaxes(range=[0, 108], tickvals=[0, 20, 40, 60, 80, 100])
    figure.update_yaxes(
        tickvals=list(range(len(sections))),
        ticktext=ticks,
        range=[len(sections) - 0.45, -0.55],
        showgrid=False,
        ticks="",
    )
    figure.update_layout(barmode="overlay", bargap=0)
    return figure


def _section(item: dict[Hashable, Any]) -> str:
    name = label(item["section"], 34, 1)
    covered = f"{item['covered']:,} of {item['total']:,}"
    strong = f"<b>{name}</b>" if item["section"] == "total" else name
    return f'{strong} <span style="font-size: 11px">({covered})</span>'


def along_axis(
    table: pd.DataFrame,
    usual: tuple[float, float],
    *,
    ends: tuple[str, str] = ("negative", "positive"),
    title: str = "",
) -> go.Figure:
    """Words along an axis, one on a line; a band shows where 95 % of all words lie.

    Parameters
    ----------
    table
        As ``Axis.project`` gives it: ``word``, ``projection``, ``percentile``, ``defines``; words that define the axis
        are hollow, for they lie at its ends by construction.
    usual
        The band: ``Axis.usual``.
    ends
        What lies to the left, and to the right.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(table, "word", "projection", "percentile", "defines")
    rows = np.arange(len(table))
    axis = f"←  {ends[0]}      projection (cosine with the axis)      {ends[1]}  →"
    figure = blank(title, axis, "", 150 + max(_ROW * len(table), 3 * _ROW))
    figure.add_vrect(x0=usual[0], x1=usual[1], fillcolor=_BAND, line_width=0, layer="below")
    figure.add_bar(
        x=[None], y=[None], name="where 95 % of all words lie", marker_color=_BAND, hoverinfo="skip"
    )  # only for the legend: a rectangle has no entry there
    values = table["projection"].to_numpy(dtype=np.float64)
    figure.add_scatter(
        x=[end for value in values for end in (0.0, value, None)], y=[row for row in rows for _ in range(3)],
        mode="lines", line={"color": GRID, "width": 3}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    defines = table["defines"].to_numpy(dtype=bool)
    for name, chosen, symbol in (
        ("words asked about", ~defines, "circle"),
        ("words of the axis", defines, "circle-open"),
    ):
        part = table[chosen]
        figure.add_scatter(
            x=values[chosen], y=rows[chosen], mode="markers", name=name, showlegend=bool(chosen.any()),
            marker={"size": 11, "color": COLORS[0], "symbol": symbol, "line": {"width": 2, "color": COLORS[0]}},
            cliponaxis=False,
            customdata=part["percentile"], text=[label(word) for word in part["word"]],
            hovertemplate="%{text}: %{x:.3f}<br>above %{customdata:.1f} % of all words<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    figure.update_yaxes(
        tickvals=rows, ticktext=[label(word, 30, 1) for word in table["word"]], range=[len(rows) - 0.4, -0.6],
        showgrid=False, ticks="",
    )  # fmt: skip
    figure.update_layout(barmode="overlay")
    return figure


def human_scores(
    series: Mapping[str, pd.DataFrame], *, title: str = "", named: Sequence[tuple[str, str]] = ()
) -> go.Figure:
    """What people say of word pairs against what the vectors say: one panel for each data set.

    Parameters
    ----------
    series
        What to write above a panel -> its pairs, as ``geometry.analogies.word_similarity(...).pairs`` has them:
        ``first``, ``second``, ``human`` (0 to 10) and ``cosine``.
    named
        Pairs whose words are written at their points.

    Raises
    ------
    InputError
        There is no series, a column is missing, or there are no rows.
    """
    if not series:
        raise InputError("there is no series to draw", "Pass at least one name with its pairs.")
    for table in series.values():
        require(table, "first", "second", "human", "cosine")
    figure = blank(title, "", "", 450)
    wanted, gap = set(named), 0.06
    wide = (1 - gap * (len(series) - 1)) / len(series)
    cosines = np.concatenate([table["cosine"].to_numpy(dtype=np.float64) for table in series.values()])
    for place, (name, part) in enumerate(series.items()):
        number = "" if place == 0 else str(place + 1)
        start = place * (wide + gap)
        pairs = [f"{label(row.first)} – {label(row.second)}" for row in part.itertuples()]
        shown = [(row.first, row.second) in wanted for row in part.itertuples()]
        figure.add_scatter(
            x=part["human"].to_numpy(np.float64), y=part["cosine"].to_numpy(np.float64), mode="markers", text=pairs,
            marker={"size": 6, "opacity": 0.5, "color": COLORS[place % len(COLORS)]},
            xaxis=f"x{number}", yaxis=f"y{number}",
            hovertemplate="%{text}<br>people %{x:.1f}, cosine %{y:.2f}<extra></extra>", showlegend=False,
        )  # fmt: skip
        for item in part[shown].to_dict("records"):
            human, to_right = float(item["human"]), item["human"] < 5
            figure.add_annotation(
                x=human, y=float(item["cosine"]), xref=f"x{number}", yref=f"y{number}",
                ax=26 if to_right else -26, ay=-24,
                showarrow=True, arrowhead=6, arrowwidth=1.2, arrowcolor=INK, xanchor="left" if to_right else "right",
                text=f"{label(item['first'])} – {label(item['second'])}", bgcolor="rgba(255, 255, 255, 0.88)",
                borderpad=2, font={"size": 12, "color": "#1F2937"},
            )  # fmt: skip
        figure.add_annotation(
            x=start, y=1.02, xref="paper", yref="paper", xanchor="left", yanchor="bottom", showarrow=False,
            align="left",
            text=f"{label(name, 64, 2)} ({len(part):,} pair{'s' * (len(part) > 1)})",
        )  # fmt: skip
        figure.update_layout(
            {
                f"xaxis{number}": {"domain": [start, start + wide], "range": [-0.4, 10.4], "anchor": f"y{number}",
                                   "title": {"text": "people's score, 0 to 10"}},
                f"yaxis{number}": {"range": [float(cosines.min()) - 0.05, float(cosines.max()) + 0.05],
                                   "anchor": f"x{number}", "showticklabels": place == 0,
                                   "title": {"text": "cosine similarity" if place == 0 else ""}},
            }
        )  # fmt: skip
    figure.update_layout(margin={"t": 96})
    return figure


def parallelism(table: pd.DataFrame, *, title: str = "") -> go.Figure:
    """How parallel each relation's pairs are, against the same words paired anyhow.

    Parameters
    ----------
    table
        One row per relation, from the top: ``name``, ``value`` with the ends ``low`` and ``high`` of its interval, and
        ``null_low`` and ``null_high``, the range of 95 % of the shuffles.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(table, "name", "value", "low", "high", "null_low", "null_high")
    rows = np.arange(len(table))
    figure = blank(title, "parallelism: mean cosine of two pairs' differences", "", 160 + max(30 * len(table), 60))
    figure.add_scatter(
        x=[end for row in table.itertuples() for end in (row.null_low, row.null_high, None)],
        y=[row for row in rows for _ in range(3)], mode="lines",
        name="the same words, paired anyhow (95 % of shuffles)", line={"color": GREY, "width": 9},
        opacity=0.75, hoverinfo="skip",
    )  # fmt: skip
    value, low, high = (table[end].to_numpy(dtype=np.float64) for end in ("value", "low", "high"))
    figure.add_scatter(
        x=value, y=rows, mode="markers", name="the relation's pairs (95 % interval)",
        marker={"size": 11, "color": COLORS[0]},
        error_x=interval(value, low, high),
        customdata=table[["low", "high", "null_low", "null_high"]].to_numpy(),
        text=[label(name) for name in table["name"]],
        hovertemplate="%{text}: %{x:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})<br>paired anyhow "
                      "%{customdata[2]:.3f} to %{customdata[3]:.3f}<extra></extra>",
    )  # fmt: skip
    furthest = max(float(high.max()), float(table["null_high"].max()))
    figure.update_xaxes(
        range=[min(0.0, float(low.min()), float(table["null_low"].min())) - 0.01, furthest * 1.08 + 0.01]
    )
    figure.update_yaxes(
        tickvals=rows, ticktext=[label(name, 34, 1) for name in table["name"]], range=[len(rows) - 0.4, -0.6],
        showgrid=False, ticks="",
    )  # fmt: skip
    return figure


def held_out_loss(history: pd.DataFrame, *, title: str = "") -> go.Figure:
    """Loss on held-out text after each epoch, a line for each training, from the vectors that knew nothing.

    Parameters
    ----------
    history
        A row per epoch: ``series``, ``epoch``, ``loss`` in nats and ``seconds``, as ``embed.words.train(...).history``
        has them, one under another.

    Raises
    ------
    InputError
        A column is missing, or there are no rows.
    """
    require(history, "series", "epoch", "loss", "seconds")
    figure = blank(title, "epoch (once through the corpus)", "loss on held-out text, nats", 380)
    for place, (series, rows) in enumerate(history.groupby("series", sort=False)):
        name = label(series)
        figure.add_scatter(
            x=rows["epoch"].to_numpy(), y=rows["loss"].to_numpy(dtype=np.float64), mode="lines+markers", name=name,
            line={"color": COLORS[place % len(COLORS)], "width": 2.5}, marker_size=8, cliponaxis=False,
            customdata=rows["seconds"].to_numpy(dtype=np.float64),
            hovertemplate="epoch %{x}, after %{customdata:.0f} s: %{y:.3f} nats<extra>" + name + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(dtick=1)
    return figure
