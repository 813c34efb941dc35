"""What goes in: built-in corpora, the person's own files, and vectors from files, all checked at the door."""

from workbench.corpora.arrays import ConversionWarning, as_vectors_array, check_dimensions
from workbench.corpora.builtin import builtin, load

__all__ = ["ConversionWarning", "as_vectors_array", "builtin", "check_dimensions", "load"]
