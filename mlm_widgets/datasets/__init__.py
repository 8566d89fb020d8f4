"""Small real tables of the field, shipped with the package.

They are the tables that textbooks and R's packages fit their multilevel models to, so that a result can be held against
a published one. ``PROVENANCE.md`` beside this file names source, columns and units of each.
"""

from mlm_widgets.datasets.reading import describe, load

__all__ = ["describe", "load"]
