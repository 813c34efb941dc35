"""The line under a widget that says what it shows, or what went wrong, to eyes and to screen readers."""

from workbench.markup import escape

__all__ = ["QUIET", "alert", "status"]

QUIET = "color: var(--jp-ui-font-color2, #616161)"
_LINES = "line-height: 1.5"


def status(said: str, quiet: str = "") -> str:
    """HTML, and HTML in a quieter color after it, as what a widget shows now."""
    aside = f'<span style="{QUIET}">{quiet}</span>' if quiet else ""
    return f'<div role="status" style="{_LINES}">{said}{aside}</div>'


def alert(error: object) -> str:
    """A message, whose text is no markup, as what went wrong."""
    return f'<div role="alert" dir="auto" style="{_LINES}">{escape(error)}</div>'
