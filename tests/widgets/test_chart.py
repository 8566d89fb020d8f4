"""Charts by themselves: the renderer for Altair, and the runtime that all share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import altair as alt
import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances

from mlm_widgets import ModelBuilder, plots
from mlm_widgets.plots.display import offline
from mlm_widgets.widgets.chart import ChartView, render
from mlm_widgets.widgets.runtime import shared_runtime
from tests.modelcache import fitted

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a notebook: ipykernel is loaded, Altair's default renderer is on."""
    ipykernel = ModuleType("ipykernel")
    ipykernel.version_info = (7, 0)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ipykernel", ipykernel)
    with alt.renderers.enable("default"):
        yield


def chart() -> alt.Chart:
    return alt.Chart(pd.DataFrame({"a": [1, 2]}), title="Two points").mark_point().encode(x="a:Q")


def kinds_of(bundle: Any) -> set[str]:
    return set(bundle[0] if isinstance(bundle, tuple) else bundle)


def view_of(bundle: Any) -> ChartView:
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    widget = _instances[data[VIEW]["model_id"]]
    assert isinstance(widget, ChartView)
    return widget


def test_the_bundle_holds_a_view_of_the_chart() -> None:
    spec = chart().to_dict()
    bundle = render(spec)
    assert view_of(bundle).spec == spec
    assert view_of(bundle).label == bundle["text/plain"] == "Two points"


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("A title", "A title"),
        ({"text": "A title", "fontSize": 12}, "A title"),
        (["Two", "lines"], "Two lines"),
        ({"text": ["Two", "lines"]}, "Two lines"),
        ({"subtitle": "less"}, "Chart"),
        ([1, 2], "1 2"),
        ("", "Chart"),
        (None, "Chart"),
        ("<script>", "<script>"),
    ],
)
def test_the_label_is_the_title(title: Any, label: str) -> None:
    assert ChartView({"title": title}).label == label
    assert ChartView({}).label == "Chart"


def test_altair_can_use_the_renderer_for_every_chart() -> None:
    with alt.renderers.enable("mlm_widgets"):
        widget = view_of(chart()._repr_mimebundle_())
    assert widget.label == "Two points"


@pytest.mark.usefixtures("kernel")
def test_our_charts_show_themselves_without_the_network() -> None:
    drawn = plots.coefficients(fitted("mathach ~ ses + (1 | school)", "hsb"))
    assert isinstance(view_of(drawn._repr_mimebundle_()), ChartView)


@pytest.mark.usefixtures("kernel")
def test_a_renderer_that_a_person_enabled_is_respected() -> None:
    drawn = plots.coefficients(fitted("mathach ~ ses + (1 | school)", "hsb"))
    with alt.renderers.enable("json"):
        bundle = drawn._repr_mimebundle_()
    assert "application/json" in kinds_of(bundle)
    assert VIEW not in kinds_of(bundle)


def test_outside_a_kernel_altair_shows_the_chart_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    shown = offline(alt.Chart)(pd.DataFrame({"a": [1]})).mark_point().encode(x="a:Q")
    before = len(_instances)
    bundle = shown._repr_mimebundle_()
    assert VIEW not in kinds_of(bundle)
    assert len(_instances) == before


def test_one_runtime_serves_the_whole_process() -> None:
    runtime = shared_runtime()
    first, second, view = ModelBuilder(None), ModelBuilder(None), ChartView({})
    assert first._runtime is second._runtime is view._runtime is runtime
    runtime.close()
    assert shared_runtime() is not runtime
    assert shared_runtime() is shared_runtime()


def test_a_chart_takes_no_state_from_the_browser() -> None:
    view = ChartView({"title": "mine"})
    view.set_state({"spec": {"title": "theirs"}, "_esm": "alert(1)"})
    assert view.spec == {"title": "mine"}
    assert "alert(1)" not in str(view._esm)
