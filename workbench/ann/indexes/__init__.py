"""Indexes of every library behind one face, on one copy of the vectors."""

from workbench.ann.indexes.base import Index
from workbench.ann.indexes.building import build_index
from workbench.ann.indexes.database import Coarse, Database
from workbench.ann.indexes.files import load_index, save_index

__all__ = ["Coarse", "Database", "Index", "build_index", "load_index", "save_index"]
