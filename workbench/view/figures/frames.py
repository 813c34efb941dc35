"""What figures with frames share: a slider that shows each of them, and buttons that play them."""

from collections.abc import Sequence
from typing import Any

__all__ = ["buttons", "slider"]


def slider(prefix: str, names: Sequence[str], active: int = 0) -> dict[str, Any]:
    """A slider below a figure: one step for each frame, by its name, shown at once."""
    return {
        "active": active, "currentvalue": {"prefix": prefix, "font": {"size": 14}}, "pad": {"t": 40, "b": 8},
        "steps": [{"label": name, "method": "animate", "args": [[name], _timed(0)]} for name in names],
    }  # fmt: skip


def buttons(milliseconds: int) -> dict[str, Any]:
    """Play from the beginning, and stop; each frame stays for so long."""
    return {
        "type": "buttons", "direction": "left", "showactive": False, "x": 1, "xanchor": "right", "y": 1,
        "yanchor": "bottom", "pad": {"b": 40},
        "buttons": [
            {"label": "▶ play", "method": "animate", "args": [None, _timed(milliseconds)]},
            {"label": "❚❚ stop", "method": "animate", "args": [[None], _timed(0)]},
        ],
    }  # fmt: skip


def _timed(milliseconds: int) -> dict[str, Any]:
    return {
        "mode": "immediate", "frame": {"duration": milliseconds, "redraw": True}, "transition": {"duration": 0},
        "fromcurrent": False,
    }  # fmt: skip
