"""Directions between words: is a relation one direction, and what lies along an axis that two lists of words span."""

from workbench.geometry.directions.association import Weat, weat
from workbench.geometry.directions.axes import Axis, axis
from workbench.geometry.directions.planes import Parallelogram, parallelogram
from workbench.geometry.directions.relations import Relation, relation

__all__ = ["Axis", "Parallelogram", "Relation", "Weat", "axis", "parallelogram", "relation", "weat"]
