"""Cross products, sums by group, and small dense algebra over many groups at once."""

from mlm_widgets.linalg.lanes import backward, cholesky, crossed, forward, log_diagonal, product
from mlm_widgets.linalg.sums import GroupSums, cross_product, dot_products

__all__ = [
    "GroupSums",
    "backward",
    "cholesky",
    "cross_product",
    "crossed",
    "dot_products",
    "forward",
    "log_diagonal",
    "product",
]
