"""What each room offers, name by name: a name that comes or goes is a decision, made here too."""

import importlib

import pytest

from tests.test_layers import ROOMS

SURFACE = {
    "errors": ["IdentityError", "InputError", "ModelError", "StorageError", "VectorError", "WorkbenchError"],
    "settings": ["cache_dir", "data_dir", "home"],
    "atomic": ["output_path", "replacing"],
    "markup": ["emphasis", "escape", "plain", "shorten"],
    "callbacks": ["CallbackError", "check", "errors", "guard", "record"],
    "records": ["Corpus", "FloatArray", "IntArray", "Metric", "ModelIdentity", "Neighbours", "Vectors"],
    "intervals": ["Interval", "mean_interval", "wilson_interval"],
    "corpora": [
        "AnnBenchmark",
        "Benchmark",
        "ConversionWarning",
        "EmptyTextWarning",
        "as_vectors_array",
        "benchmark",
        "builtin",
        "check_dimensions",
        "datasheet",
        "from_hub",
        "load",
        "read",
        "read_ann_benchmark",
        "read_vectors",
    ],
    "embed": [
        "CachedModel",
        "EmbedReport",
        "Encoder",
        "ModelIdentity",
        "Role",
        "SentenceEncoder",
        "TokenAverageEncoder",
        "VectorCache",
        "Vectors",
        "bundled_model_path",
        "check_identity",
        "embed",
        "embed_with_report",
        "verify_bundled_model",
    ],
    "geometry": [
        "Aligned",
        "Clusters",
        "Diagnosis",
        "Faithfulness",
        "Hubness",
        "MetricComparison",
        "MapGrid",
        "MapSetting",
        "MapTraps",
        "Neighbourhood",
        "NoiseFloor",
        "SpaceAgreement",
        "align",
        "compare_metrics",
        "cluster_distortion",
        "compare_spaces",
        "cosine_similarity",
        "diagnose",
        "dot_product",
        "euclidean_distance",
        "exact_neighbours",
        "faithfulness",
        "find_clusters",
        "hub_counts",
        "hubness",
        "is_hub",
        "k_occurrence",
        "label_agreement",
        "larger_is_better",
        "library_metrics",
        "name_clusters",
        "neighbourhood",
        "noise_floor",
        "normalize",
        "project",
        "rank_agreement",
        "scale_by_popularity",
        "project_grid",
        "squared_euclidean_distance",
        "warm_up_projection",
    ],
    "ann": ["Interval", "latency", "mean_interval", "recall"],
    "tasks": ["Hit", "KeywordIndex", "SemanticIndex", "by_group", "calibrate", "judged_pairs", "recall_at_k"],
    "interview": ["PredictionCard", "predict"],
    "view": [
        "ROLES",
        "Explorer",
        "Found",
        "MapTuner",
        "MapView",
        "MetricBench",
        "Pair",
        "PairBrowser",
        "StorageCalculator",
        "Table",
        "callback_errors",
        "check",
        "explorer",
        "figures",
        "passage_titles",
        "table",
        "write_map_page",
    ],
    "lab": ["FIRST_NOTEBOOK", "Lab", "plan", "start"],
    "doctor": ["Checkup", "Finding", "check", "find_browser"],
    "cli": ["app", "main", "run"],
}


def test_every_room_is_listed() -> None:
    assert list(SURFACE) == ROOMS


@pytest.mark.parametrize("room", SURFACE)
def test_a_room_offers_exactly_these_names(room: str) -> None:
    module = importlib.import_module(f"workbench.{room}")
    assert sorted(module.__all__) == sorted(SURFACE[room])
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
