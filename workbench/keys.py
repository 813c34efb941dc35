"""Keys that are pressed in a widget stay in it: arrows and letters choose, and move or delete no cell.

JupyterLab's command mode takes the keys of every element that is no text field, of lists of choices and radio buttons
too: an arrow leaves the widget for the next cell, and two d's delete the cell.
"""

from collections.abc import Sequence
from typing import Any

import anywidget
import ipywidgets

__all__ = ["KeyedBox"]


class _Keys(anywidget.AnyWidget):
    """Nothing to see: it stops keys on their way from a choice in the box that it is in to the notebook."""

    _esm = """
    const CHOICES = "select, input[type=radio]", NOTEBOOK = ["Escape", "Enter", "Tab"];
    function render({ el }) {
      const keep = (event) => {
        const command = event.ctrlKey || event.metaKey || event.altKey || NOTEBOOK.includes(event.key);
        if (!command && event.target.matches(CHOICES)) event.stopPropagation();
      };
      let box = null, waiting = 0;
      const attach = () => {
        box = el.parentElement?.closest(".widget-vbox") ?? null;
        if (box) box.addEventListener("keydown", keep);
        else waiting = requestAnimationFrame(attach);
      };
      el.style.display = "none";
      attach();
      return () => { cancelAnimationFrame(waiting); box?.removeEventListener("keydown", keep); };
    }
    export default { render };
    """


class KeyedBox(ipywidgets.VBox):  # type: ignore[misc]
    """Widgets one above the other, whose lists of choices and radio buttons can be used by keyboard.

    Parameters
    ----------
    parts
        The widgets. What minds the keys stands before the last of them and takes no room.
    options
        As of ``ipywidgets.VBox``.
    """

    def __init__(self, parts: Sequence[ipywidgets.Widget], **options: Any) -> None:
        super().__init__([*parts[:-1], _Keys(), parts[-1]], **options)
