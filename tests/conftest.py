"""One thread for the linear algebra of all tests: the same sums in the same order, and a core for each worker."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
