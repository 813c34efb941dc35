"""What goes in: built-in corpora, the person's own files, and vectors from files, all checked at the door."""

from workbench.corpora.arrays import ConversionWarning, as_vectors_array, check_dimensions

__all__ = ["ConversionWarning", "as_vectors_array", "check_dimensions"]
