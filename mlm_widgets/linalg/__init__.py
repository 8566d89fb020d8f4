"""Cross products, sums by group, and small dense algebra over many groups at once."""

from mlm_widgets.linalg.columns import ONE, Column, chunks, cross_products, dots
from mlm_widgets.linalg.lanes import backward, cholesky, crossed, forward, log_diagonal, product
from mlm_widgets.linalg.sums import GroupSums

__all__ = [
    "ONE",
    "Column",
    "GroupSums",
    "backward",
    "cholesky",
    "chunks",
    "cross_products",
    "crossed",
    "dots",
    "forward",
    "log_diagonal",
    "product",
]
