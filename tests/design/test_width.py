"""A term of thousands of levels is refused before its columns fill the memory."""

from __future__ import annotations

import pytest

import mlm_widgets as mlm


@pytest.mark.parametrize(
    "formula", ["mathach ~ school * C(size) + (1 | sector)", "mathach ~ ses + (C(size) * C(pracad) | school)"]
)
def test_a_term_of_too_many_columns_is_named(formula: str) -> None:
    with pytest.raises(mlm.DesignError, match="columns of 7,185 rows") as caught:
        mlm.fit(formula, mlm.datasets.load("hsb"))
    assert "grouping" in (caught.value.hint or "")
