"""Pictures of executed cells: a plotly figure, a widget, and the tags that name them."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

from tests.notebook_figures import tagged, take
from workbench.doctor import find_browser


def cell(source: str, *tags: str) -> dict[str, Any]:
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


@pytest.mark.browser
def test_a_figure_and_a_widget_become_pictures(lab: Any, tmp_path: Path) -> None:
    source = nbformat.v4.new_notebook(
        cells=[
            cell("import ipywidgets\nimport plotly.graph_objects as go"),
            cell("go.Figure(go.Bar(x=['a'], y=[1]), layout={'width': 400, 'height': 300})", "picture:bars"),
            cell("ipywidgets.IntSlider(description='width')", "picture:slider"),
            cell("quiet = 1", "picture:nothing"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(source, tmp_path / "pictures.ipynb")
    notebook = lab.open(tmp_path / "pictures.ipynb")
    notebook.run_all()
    names = tagged(source)
    nothing = names.popitem()
    browser = find_browser()
    assert browser is not None

    written = take(notebook, names, tmp_path / "out", browser)

    assert [path.name for path in written] == ["bars.png", "slider.png"]
    bars, slider = (Image.open(path).convert("RGB") for path in written)
    assert bars.size == (600, 450)  # 1.5 pixels for each unit of the layout
    for picture in (bars, slider):
        colors = picture.getcolors(maxcolors=1 << 24)
        assert colors is not None and len(colors) > 5  # more than an empty box
    with pytest.raises(RuntimeError, match="picture:nothing, shows nothing"):
        take(notebook, dict([nothing]), tmp_path / "out", browser)
    notebook.check()


def test_tags_name_pictures() -> None:
    notebook = {"cells": [cell("1"), cell("2", "check", "picture:front-2"), cell("3", "picture:map")]}
    assert tagged(notebook) == {1: "front-2", 2: "map"}


@pytest.mark.parametrize("name", ["", "a/b", "../up", "a b", "map"])
def test_a_tag_that_names_no_picture_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names no picture of its own"):
        tagged({"cells": [cell("1", "picture:map"), cell("2", f"picture:{name}")]})
