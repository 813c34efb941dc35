"""What goes in: built-in corpora, the person's own files, and vectors from files, all checked at the door."""

from workbench.corpora.arrays import ConversionWarning, as_vectors_array, check_dimensions
from workbench.corpora.beir import Benchmark
from workbench.corpora.builtin import benchmark, builtin, datasheet, load
from workbench.corpora.files import read
from workbench.corpora.hub import from_hub
from workbench.corpora.qrels import read_qrels
from workbench.corpora.rows import EmptyTextWarning
from workbench.corpora.service_logs import mask_variables
from workbench.corpora.vector_files import AnnBenchmark, read_ann_benchmark, read_vectors

__all__ = [
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
    "mask_variables",
    "read",
    "read_ann_benchmark",
    "read_qrels",
    "read_vectors",
]
