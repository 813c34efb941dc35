"""Figures (tables in, plotly out, never compute) and widgets (controls -> room -> figure).

``figures`` draws, ``MapView`` is the map, ``explorer`` the map with search and selection. ``check()`` belongs into a
notebook's last cell: it raises if the callback of any widget failed.
"""

from workbench.callbacks import check
from workbench.callbacks import errors as callback_errors
from workbench.view import figures
from workbench.view.explorer import Explorer, Found, explorer
from workbench.view.scatter import ROLES, MapView

__all__ = ["ROLES", "Explorer", "Found", "MapView", "callback_errors", "check", "explorer", "figures"]
