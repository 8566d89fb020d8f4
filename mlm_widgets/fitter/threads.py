"""One thread for the BLAS within a fit."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

__all__ = ["single_thread"]


def single_thread() -> AbstractContextManager[object]:
    """Small matrix products lose time, not win it, when the BLAS spreads them over threads."""
    controller = _thread_controller()
    return nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@cache
def _thread_controller() -> Any:
    """Found once: looking through the process's libraries takes milliseconds."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()
