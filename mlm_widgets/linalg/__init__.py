"""Cross products, sums by group, and small dense algebra over many groups at once."""

from mlm_widgets.linalg.lanes import backward, cholesky, forward, log_diagonal
from mlm_widgets.linalg.sums import cross_product, group_sums

__all__ = ["backward", "cholesky", "cross_product", "forward", "group_sums", "log_diagonal"]
