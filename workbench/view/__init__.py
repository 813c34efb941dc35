"""Figures (tables in, plotly out, never compute) and widgets (controls -> room -> figure).

``figures`` draws, ``table`` shows text safely, ``MapView`` is the map, ``explorer`` the map with search and selection,
``LinkedMaps`` several side by side, ``MapTuner`` one with sliders, ``write_map_page`` one as an HTML file;
``MetricBench`` shows where metrics disagree, ``AnalogyBench`` what word arithmetic answers, ``PairBrowser`` what a
similarity looks like, ``SenseBench`` what a model's layers make of one word in several sentences, ``StorageCalculator``
what vectors weigh, ``ScanCalculator`` what exact search through them takes, ``SweepBench`` what indexes cost for their
recall, ``write_sweep_report`` the same as a page, ``ProbeView`` which lists of an index a query reads,
``AnomalyTimeline`` a log along time with alarms, ``DuplicateBench`` what a threshold for duplicates finds and misses.
``check()`` belongs in a notebook's last cell: it raises if the callback of any widget failed.
"""

from workbench.callbacks import check
from workbench.callbacks import errors as callback_errors
from workbench.view import figures
from workbench.view.analogy_bench import AnalogyBench
from workbench.view.anomaly_timeline import AnomalyTimeline
from workbench.view.duplicate_bench import DuplicateBench
from workbench.view.explorer import Explorer, Found, explorer
from workbench.view.linked import LinkedMaps
from workbench.view.map_page import write_map_page
from workbench.view.map_tuner import MapTuner
from workbench.view.metric_bench import MetricBench
from workbench.view.pairs import Pair, PairBrowser
from workbench.view.probe_view import ProbeView
from workbench.view.rag_bench import RagBench
from workbench.view.results import passage_titles
from workbench.view.scan_calculator import ScanCalculator
from workbench.view.scatter import ROLES, MapView
from workbench.view.search_bench import SearchBench
from workbench.view.sense_bench import SenseBench
from workbench.view.storage import StorageCalculator
from workbench.view.sweep_bench import SweepBench
from workbench.view.sweep_report import write_sweep_report
from workbench.view.tables import Table, table
from workbench.view.walk_view import WalkView

__all__ = [
    "ROLES",
    "AnalogyBench",
    "AnomalyTimeline",
    "DuplicateBench",
    "Explorer",
    "Found",
    "LinkedMaps",
    "MapTuner",
    "MapView",
    "MetricBench",
    "Pair",
    "PairBrowser",
    "ProbeView",
    "RagBench",
    "ScanCalculator",
    "SearchBench",
    "SenseBench",
    "StorageCalculator",
    "SweepBench",
    "Table",
    "WalkView",
    "callback_errors",
    "check",
    "explorer",
    "figures",
    "passage_titles",
    "table",
    "write_map_page",
    "write_sweep_report",
]
