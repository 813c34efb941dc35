"""A graph that can be read, step by step: a slider under the figure, which works without a kernel."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from workbench.ann import SkipList, ToyGraph
from workbench.ann.inspection.toy_graph import Link, ToyInsertion, ToySearch, ToyTrip
from workbench.view.figures.look import COLORS, GRID, INK, blank, label

__all__ = ["skip_list_search", "toy_insertions", "toy_search"]

_SLANT, _DEPTH, _RISE = 0.42, 0.52, 0.66  # of a plane that lies: shift and height of its back, distance to the next
_BLUE, _ORANGE, _GREEN, _PINK, _SKY = COLORS[0], COLORS[1], COLORS[2], "#C2185B", COLORS[4]
_PAPER = "rgba(128, 128, 128, 0.07)"
_CHARACTERS = 130  # of a line of the caption
_Places = NDArray[np.float64]


def skip_list_search(numbers: SkipList, target: float, *, title: str = "") -> go.Figure:
    """A search of a skip list, one comparison at each step of a slider.

    Parameters
    ----------
    numbers
        The list.
    target
        What is looked for.
    """
    steps, layers = numbers.search(target), numbers.layers
    last = len(numbers.values)
    tower = [(place, layer) for place in range(last) for layer in range(int(numbers.levels[place]) + 1)]
    figure = blank(title, "", "", 150 + 62 * layers + (44 if title else 0))

    def spot(place: int, layer: int) -> tuple[float, float]:
        return float(place), float(layer)

    rails = [[spot(-1, layer), spot(last, layer)] for layer in range(layers)]
    figure.add_scatter(**_lines(rails, INK, 1), opacity=0.5)
    figure.add_scatter(**_lines([], _ORANGE, 2, "dot"), name="compared, too far")
    figure.add_scatter(**_lines([], _BLUE, 4), name="the way")
    figure.add_scatter(
        x=[at for at, _ in tower], y=[layer for _, layer in tower], mode="markers+text", hoverinfo="skip",
        marker={"symbol": "square", "size": 30, "color": "#FFFFFF", "line": {"color": INK, "width": 1.5}},
        text=[f"{numbers.values[place]:g}" for place, _ in tower], textfont={"size": 12, "color": "#1B1B1B"},
        showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        x=[], y=[], mode="markers", hoverinfo="skip", name="where the search is", showlegend=True,
        marker={"symbol": "square-open", "size": 34, "color": _PINK, "line": {"width": 4}},
    )  # fmt: skip
    frames = []
    for count in range(1, len(steps) + 1):
        way, far = [spot(-1, layers - 1)], []
        for done, step in enumerate(steps[:count], 1):
            if step.moved:
                way.append(spot(step.ahead, step.layer))
            else:
                ahead = spot(step.ahead if step.ahead >= 0 else last, step.layer)
                far.append([spot(step.at, step.layer), ahead])
                if step.layer and done < count:
                    way.append(spot(step.at, step.layer - 1))
        step, here = steps[count - 1], way[-1]
        there = "the end" if step.ahead < 0 else f"{numbers.values[step.ahead]:g}"
        after = f"{there} is not above {target:g}: go there" if step.moved else (
            f"{there} is {'not there' if step.ahead < 0 else f'above {target:g}'}: "
            + ("go down a layer" if step.layer else "the search ends here")
        )  # fmt: skip
        caption = f"Comparison {count} of {len(steps)}, layer {step.layer}: {after}."
        frames.append((str(count), {1: _xy(far), 2: _xy([way]), 4: {"x": [here[0]], "y": [here[1]]}}, caption))
    names = [_note(-1.15, layer, f"layer {layer}", "right") for layer in range(layers)]
    target_at = float(np.searchsorted(numbers.values, target, side="right")) - 0.5
    figure.add_vline(x=target_at, line={"color": _GREEN, "width": 1.5, "dash": "dash"})
    left = target_at > last / 2  # of its line, where there is room
    beside = _note(target_at, layers - 0.3, f"looked for: {target:g}", "right" if left else "left", _GREEN)
    names.append(beside | {"xshift": -5 if left else 5})
    figure.update_xaxes(visible=False, range=[-2.3, last + 0.4], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.6, layers - 0.1], fixedrange=True)
    return _animated(figure, frames, names, "comparison ", bool(title))


def toy_insertions(graph: ToyGraph, *, title: str = "") -> go.Figure:
    """How a graph grew: a slider that takes in one node at each step, and shows why it is linked as it is.

    The planes are layers, lying one above the other; a node of a higher layer stands on all below it.
    """
    figure, planes = _planes(graph, title, "new link", "the new node")
    frames = []
    for count, insertion in enumerate(graph.insertions, 1):
        there = np.arange(count)
        new = [link for link in insertion.added if link not in insertion.dropped]
        looked = () if insertion.trip is None else insertion.trip.computed
        frames.append((
            str(count),
            _scene(
                graph, planes,
                links=[(layer, a, b) for layer in range(graph.layers) for a, b in graph.links(layer, count)
                       if (layer, a, b) not in new and (layer, b, a) not in new],
                new=new, gone=insertion.dropped, way=() if insertion.trip is None else insertion.trip.way, there=there,
                looked=looked, here=[(layer, count - 1) for layer in range(insertion.level + 1)], results=[],
            ),
            _told(insertion, len(looked)),
        ))  # fmt: skip
    return _animated(figure, frames, planes.names, "insertion ", bool(title))


def toy_search(graph: ToyGraph, search: ToySearch, *, title: str = "") -> go.Figure:
    """A search of a graph, one node expanded at each step of a slider: what it computes, and what it keeps."""
    figure, planes = _planes(graph, title, "link followed", "expanded now")
    everything = np.arange(len(graph))
    links = [(layer, a, b) for layer in range(graph.layers) for a, b in graph.links(layer)]
    figure.add_scatter(
        x=[planes.at(search.query, layer)[0] for layer in range(graph.layers)],
        y=[planes.at(search.query, layer)[1] for layer in range(graph.layers)], mode="markers", name="the query",
        marker={"symbol": "x", "size": 12, "color": _PINK, "line": {"width": 1, "color": "#FFFFFF"}}, hoverinfo="skip",
    )  # fmt: skip
    frames = []
    for count, step in enumerate(search.steps, 1):
        so_far = ToyTrip(search.entry, search.steps[:count])
        kept = [(step.layer, node) for node in step.results]
        frames.append((
            str(count),
            _scene(
                graph, planes, links=links, new=[(step.layer, step.node, node) for node in step.looked_at], gone=(),
                way=so_far.way, there=everything, looked=so_far.computed,
                here=[(step.layer, step.node)], results=kept,
            ),
            _step_told(search, count),
        ))  # fmt: skip
    return _animated(figure, frames, planes.names, "step ", bool(title))


class _Planes:
    """Where points of the plane are drawn on layers that lie one above the other."""

    def __init__(self, points: _Places, layers: int) -> None:
        low = points.min(axis=0)
        self._low, self._span = low, np.maximum(points.max(axis=0) - low, 1e-12)
        self.layers = layers
        self.width, self.height = 1.0 + _SLANT, _DEPTH + _RISE * (layers - 1)

    def at(self, point: ArrayLike, layer: int) -> tuple[float, float]:
        x, y = (np.asarray(point, dtype=np.float64) - self._low) / self._span
        return float(x + _SLANT * y), float(_DEPTH * y + _RISE * layer)

    @property
    def outlines(self) -> list[dict[str, Any]]:
        """Of the planes, a little larger than what stands on them."""
        shapes, rim = [], 0.045
        for layer in range(self.layers):
            corners = [self.at(self._low + self._span * np.array(end), layer)
                       for end in ((-rim, -rim), (1 + rim, -rim), (1 + rim, 1 + rim), (-rim, 1 + rim))]  # fmt: skip
            path = "M " + " L ".join(f"{x:.4f} {y:.4f}" for x, y in corners) + " Z"
            shapes.append({"type": "path", "path": path, "fillcolor": _PAPER, "layer": "below",
                           "line": {"color": GRID, "width": 1}})  # fmt: skip
        return shapes

    @property
    def names(self) -> list[dict[str, Any]]:
        """Which plane is which layer."""
        return [
            _note(-0.07 + _SLANT * 0.2, _RISE * layer + 0.2 * _DEPTH, f"layer {layer}", "right")
            for layer in range(self.layers)
        ]


def _planes(graph: ToyGraph, title: str, link: str, here: str) -> tuple[go.Figure, _Planes]:
    """The traces that all frames change, empty, in the order in which they are drawn."""
    planes = _Planes(graph.points, graph.layers)
    figure = blank(title, "", "", round(150 + 250 * planes.height) + (44 if title else 0))
    figure.update_layout(shapes=planes.outlines)
    figure.add_scatter(**_lines([], INK, 1, "dot"), opacity=0.35)  # the same node on two layers
    figure.add_scatter(**_lines([], INK, 1.3), opacity=0.6)
    figure.add_scatter(**_lines([], _ORANGE, 1.6, "dash"), name="link given up")
    figure.add_scatter(**_lines([], _BLUE, 2.4), name=link)
    figure.add_scatter(**_lines([], _PINK, 3), name="the way")
    for name, color, edge, size in (
        ("node", "#FFFFFF", INK, 19), ("distance computed", "#FFE3D3", _ORANGE, 19),
        ("kept as a result", "#CDEFE2", _GREEN, 19), (here, "#FFD6E5", _PINK, 23),
    ):  # fmt: skip
        rim = {"color": edge, "width": 1 if edge == INK else 2}
        figure.add_scatter(
            x=[], y=[], mode="markers+text", name=name, textfont={"size": 10, "color": "#1B1B1B"}, hoverinfo="skip",
            marker={"size": size, "color": color, "opacity": 1, "line": rim},
            showlegend=name != "node",
        )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-0.2, planes.width + 0.08], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.06, planes.height + 0.05], fixedrange=True)
    return figure, planes


def _scene(
    graph: ToyGraph, planes: _Planes, *, links: Iterable[Link], new: Iterable[Link],
    gone: Iterable[Link], way: Sequence[tuple[int, int]], there: NDArray[np.int64],
    looked: Sequence[tuple[int, int]], here: Sequence[tuple[int, int]], results: Sequence[tuple[int, int]],
) -> dict[int, dict[str, Any]]:  # fmt: skip
    """Data of the traces of :func:`_planes` by their number."""

    def spot(layer: int, node: int) -> tuple[float, float]:
        return planes.at(graph.points[node], layer)

    def ends(which: Iterable[Link]) -> list[list[tuple[float, float]]]:
        pairs = {(layer, min(a, b), max(a, b)) for layer, a, b in which}
        return [[spot(layer, a), spot(layer, b)] for layer, a, b in sorted(pairs)]

    def nodes(which: Iterable[tuple[int, int]]) -> dict[str, Any]:
        places = [(*spot(layer, node), str(node)) for layer, node in which]
        return {"x": [x for x, _, _ in places], "y": [y for _, y, _ in places], "text": [text for _, _, text in places]}

    standing = [(layer, int(node)) for node in there for layer in range(int(graph.levels[node]) + 1)]
    pillars = [[spot(0, node), spot(layer, node)] for layer, node in standing if layer == graph.levels[node] and layer]
    taken = {*here, *results}
    return {
        0: _xy(pillars),
        1: _xy(ends(links)),
        2: _xy(ends(gone)),
        3: _xy(ends(new)),
        4: _xy([[spot(layer, node) for layer, node in way]] if way else []),
        5: nodes(one for one in standing if one not in taken and one not in looked),
        6: nodes(one for one in looked if one not in taken),
        7: nodes(one for one in results if one not in here),
        8: nodes(here),
    }


def _told(insertion: ToyInsertion, computed: int) -> str:
    """What happened, in words."""
    node, level = insertion.node, insertion.level
    rises = "the bottom layer alone" if not level else f"layers {level} to 0"
    if insertion.trip is None:
        return f"Node {node} is drawn for {rises}. It is the first, and where every search begins."
    said = [
        f"Node {node} is drawn for {rises}. {computed} distances, from node {insertion.trip.entry} on, find its place."
    ]
    for one in insertion.links:
        said.append(f"Layer {one.layer}: linked with {_listed(one.chosen)}.")
    passed = [(other, nearer) for one in insertion.links[-1:] for other, nearer in one.passed_over]
    if passed:
        other, nearer = passed[0]
        said.append(f"{other} is passed over: it is nearer to {nearer} than to {node}.")
    if insertion.dropped:
        said.append("Full nodes give up " + _listed([f"{a} → {b}" for _, a, b in insertion.dropped]) + ".")
    return " ".join(said)


def _step_told(search: ToySearch, count: int) -> str:
    step = search.steps[count - 1]
    fresh = f"new: {_listed(step.looked_at)}" if step.looked_at else "no neighbour of it is new"
    waiting = f"to be expanded: {_listed(step.candidates)}" if step.candidates else "nothing is left to be expanded"
    said = (
        f"Layer {step.layer}, node {step.node} is expanded; {fresh}. Nearest known: {_listed(step.results)}; {waiting}."
    )
    if count == len(search.steps):
        return f"{said} No candidate is nearer than the worst of the results: the search ends."
    if search.steps[count].layer != step.layer:
        return f"{said} No neighbour is nearer: down a layer."
    return said


def _listed(names: Iterable[object]) -> str:
    *most, last = [str(name) for name in names]
    return f"{', '.join(most)} and {last}" if most else last


def _lines(
    pieces: Sequence[Sequence[tuple[float, float]]], color: str, width: float, dash: str = "solid"
) -> dict[str, Any]:
    return {
        **_xy(pieces), "mode": "lines", "hoverinfo": "skip", "showlegend": width > 1.4,
        "line": {"color": color, "width": width, "dash": dash},
    }  # fmt: skip


def _xy(pieces: Sequence[Sequence[tuple[float, float]]]) -> dict[str, Any]:
    """Broken lines as one trace, with a gap after each."""
    spots = list(itertools.chain.from_iterable([*piece, (None, None)] for piece in pieces))
    return {"x": [x for x, _ in spots], "y": [y for _, y in spots]}


def _note(x: float, y: float, text: str, side: str, color: str = INK) -> dict[str, Any]:
    return {
        "x": x,
        "y": y,
        "text": label(text),
        "showarrow": False,
        "xanchor": side,
        "font": {"size": 12, "color": color},
    }


def _animated(
    figure: go.Figure,
    frames: Sequence[tuple[str, Mapping[int, dict[str, Any]], str]],
    notes: Sequence[dict[str, Any]],
    prefix: str,
    titled: bool,
) -> go.Figure:
    """Give a figure its frames and a slider, and show the last of them.

    Parameters
    ----------
    frames
        Name, changes by number of the trace, and a caption of each.
    notes
        Annotations that stay.
    """

    def captioned(text: str) -> list[dict[str, Any]]:
        caption = {
            "x": 0, "xref": "paper", "xanchor": "left", "y": 0, "yref": "paper", "yanchor": "top", "yshift": -6,
            "text": label(text, _CHARACTERS, 3), "align": "left", "showarrow": False, "font": {"size": 13},
        }  # fmt: skip
        return [*notes, caption]

    figure.frames = [
        go.Frame(
            name=name, traces=list(changes), data=[go.Scatter(**change) for change in changes.values()],
            layout={"annotations": captioned(caption)},
        )
        for name, changes, caption in frames
    ]  # fmt: skip
    now = {"mode": "immediate", "transition": {"duration": 0}, "frame": {"duration": 0, "redraw": True}}
    play = {"fromcurrent": True, "transition": {"duration": 0}, "frame": {"duration": 900, "redraw": True}}
    figure.update_layout(
        sliders=[{
            "active": len(frames) - 1, "x": 0.11, "len": 0.89, "y": 0, "yanchor": "top", "pad": {"t": 66, "b": 0},
            "currentvalue": {"prefix": prefix, "font": {"size": 13}, "xanchor": "right"}, "ticklen": 3,
            "steps": [{"label": name, "method": "animate", "args": [[name], now]} for name, _, _ in frames],
        }],
        updatemenus=[{
            "type": "buttons", "direction": "left", "x": 0, "xanchor": "left", "y": 0, "yanchor": "top",
            "pad": {"t": 92, "r": 6}, "showactive": False,
            "buttons": [
                {"label": "▶", "method": "animate", "args": [None, play]},
                {"label": "❚❚", "method": "animate", "args": [[None], now]},
            ],
        }],
        margin={"l": 12, "r": 12, "t": 84 if titled else 40, "b": 136},
    )  # fmt: skip
    _, changes, caption = frames[-1]
    for at, change in changes.items():
        figure.data[at].update(change)
    figure.update_layout(annotations=captioned(caption))
    return figure
