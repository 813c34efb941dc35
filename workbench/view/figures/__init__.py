"""Tables in, plotly figures out; nothing is computed here.

Texts of a corpus are data: plotly reads ``<b>``, ``<br>``, ``<a href>`` and ``$TeX$`` in labels and hovers, so every
label goes through :func:`label` first. A notebook shows a figure; :func:`write_page` makes it one HTML file that needs
no network.
"""

from workbench.view.figures.charts import bars, calibration, dumbbells, histogram, similarity_matrix, tradeoff
from workbench.view.figures.look import label
from workbench.view.figures.maps import map_figure
from workbench.view.figures.page import write_page

__all__ = [
    "bars",
    "calibration",
    "dumbbells",
    "histogram",
    "label",
    "map_figure",
    "similarity_matrix",
    "tradeoff",
    "write_page",
]
