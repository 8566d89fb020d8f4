"""`ModelBuilder`: build a multilevel model by pointing and clicking.

The builder owns one :class:`~mlm_widgets.formula.ModelSpec`. A click in the browser is a message; it becomes a new
spec, the spec becomes a formula, a fit and charts, and these go back to the browser as traits that only Python
writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import anywidget
import traitlets

from mlm_widgets.errors import FormulaError, MlmError, OptionError
from mlm_widgets.formula import ModelSpec, check_columns, from_json, parse_formula, term_text, to_json
from mlm_widgets.frames import Frame, read_frame
from mlm_widgets.results import MixedModel, fit_spec
from mlm_widgets.widgets import edits
from mlm_widgets.widgets.facts import DataFacts
from mlm_widgets.widgets.messages import Action, read_action
from mlm_widgets.widgets.outcome import EMPTY_FIT, failed_payload, ready_payload, running_payload
from mlm_widgets.widgets.runtime import STATIC, OneWay, shared_runtime
from mlm_widgets.widgets.setup import data_payload, error_payload, formula_of, prompt_of, setup_payload, slopes_of
from mlm_widgets.widgets.views import CHARTS, Views, changed_views, chart_payload, views_for, views_payload

__all__ = ["ModelBuilder"]

LIVE_ROWS = 200_000  # above, a fit may take longer than a click should: it waits for Fit
MAX_HISTORY = 200
NO_DATA = {"name": "", "n_rows": 0, "n_columns": 0, "columns": []}


class ModelBuilder(OneWay):
    """Pick outcome, predictors and groups; see the formula, the fit and its plots.

    Parameters
    ----------
    data : data frame
        pandas, polars or pyarrow. What cannot be used is said in the widget, not raised.
    formula : str, optional
        Open with this model.
    spec : dict, optional
        Open with this document, as `spec` gave it.
    name : str, optional
        The name of the data, for titles and for the code that the builder writes.
    live : bool
        Fit after every change; else when Fit is pressed.

    Attributes
    ----------
    formula : str
        The formula; observable, and may be set. Empty while no outcome is chosen.
    spec : dict
        The model as a JSON document; observable, and may be set.
    model : MixedModel or None
        The last fitted model; observable.
    error : MlmError or None
        What stands in the way of a fit at present.

    Examples
    --------
    >>> import mlm_widgets as mlm
    >>> builder = mlm.ModelBuilder(mlm.datasets.load("hsb"), "mathach ~ ses + (1 | school)")
    >>> builder.formula
    'mathach ~ ses + (1 | school)'
    >>> builder.model.n_groups
    {'school': 160}
    """

    _esm = STATIC / "builder.js"
    _css = STATIC / "builder.css"

    formula = traitlets.Unicode("")
    spec = traitlets.Dict()
    model = traitlets.Any(None, allow_none=True)
    error = traitlets.Any(None, allow_none=True)

    _runtime = anywidget.WidgetTrait().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    setup = traitlets.Dict().tag(sync=True)
    fit = traitlets.Dict().tag(sync=True)
    views = traitlets.Dict().tag(sync=True)
    chart_coefficients = traitlets.Dict(None, allow_none=True).tag(sync=True)
    chart_caterpillar = traitlets.Dict(None, allow_none=True).tag(sync=True)
    chart_predictions = traitlets.Dict(None, allow_none=True).tag(sync=True)

    def __init__(
        self,
        data: Any,
        formula: str | None = None,
        *,
        spec: Mapping[str, Any] | None = None,
        name: str | None = None,
        live: bool = True,
    ) -> None:
        self._facts: DataFacts | None = None
        self._draft = edits.EMPTY
        self._past: list[ModelSpec] = []
        self._future: list[ModelSpec] = []
        self._live = bool(live)
        self._views = Views()
        self._formula_error: dict[str, Any] | None = None
        self._last_fit = EMPTY_FIT
        self._chart_version = 0
        self._is_publishing = False
        # JupyterLab hands messages to a thread of their own, so a click can meet a cell that sets the formula
        self._lock = threading.RLock()
        super().__init__(_runtime=shared_runtime(), data=NO_DATA, fit=EMPTY_FIT, views=views_payload(None, self._views))
        self.on_msg(self._on_message)
        self._open(data, formula, spec, name)

    def _open(self, data: Any, formula: str | None, spec: Mapping[str, Any] | None, name: str | None) -> None:
        """Read the data and the first model; what is wrong with them is shown in the widget."""
        try:
            frame = read_frame(data, name)
            self._facts = DataFacts(frame)
            self.data = data_payload(self._facts)
        except MlmError as error:
            self._facts = None
            self._publish_setup()
            self._fail(error)
            return
        self._publish_setup()
        try:
            if spec is not None:
                self._change(self._checked(from_json(spec)))
            elif formula is not None:
                self._set_formula(formula)
        except MlmError as error:
            self._fail(error)

    # -- from Python ------------------------------------------------------------------------------------------------

    @traitlets.observe("formula")
    def _on_formula(self, change: Any) -> None:
        self._take(lambda: self._parsed(change.new))

    @traitlets.observe("spec")
    def _on_spec(self, change: Any) -> None:
        self._take(lambda: self._checked(from_json(change.new)))

    def _take(self, read: Callable[[], ModelSpec]) -> None:
        """A model that was set from Python; an error is raised there, and the traits are as they were."""
        if self._is_publishing:
            return
        with self._lock:
            try:
                self._change(read())
            except MlmError:
                self._publish_setup()
                raise

    # -- from the browser -------------------------------------------------------------------------------------------

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Answer one message. Whatever goes wrong is shown in the widget: a person has no traceback to read there."""
        number: int | None = None
        try:
            number, action = read_action(content)
            with self._lock:
                self._act(action)
            self.send({"kind": "reply", "id": number, "ok": True})
        except MlmError as error:
            self._refuse(number, content, error.message, error.hint)
        except Exception as error:  # noqa: BLE001  (the last net below a message: it must reach the person)
            self._refuse(
                number,
                content,
                f"Something went wrong inside the builder: {type(error).__name__}: {error}",
                "Your model is as it was. Undo, or change something else; please report this.",
            )

    def _refuse(self, number: int | None, content: Any, message: str, hint: str | None) -> None:
        if number is None and isinstance(content, Mapping) and isinstance(content.get("id"), int):
            number = content["id"]
        if number is not None:
            self.send({"kind": "reply", "id": number, "ok": False, "error": {"message": message, "hint": hint}})

    def _act(self, action: Action) -> None:
        if self._facts is None:
            raise OptionError("There are no data to work with.", hint="Give a data frame: ModelBuilder(df).")
        kind = action.pop("type")
        handler: Callable[..., None] = getattr(self, f"_do_{kind}")
        handler(**action)

    @property
    def _known(self) -> DataFacts:
        assert self._facts is not None
        return self._facts

    def _do_set_outcome(self, column: str) -> None:
        self._require(column, "outcome_problem")
        self._change(edits.set_outcome(self._draft, column))

    def _do_add_predictor(self, column: str) -> None:
        self._require(column, "predictor_problem")
        if column not in self.setup["predictor_choices"]:
            raise OptionError(f"“{column}” is in the model already.")
        self._change(edits.add_predictor(self._draft, column))

    def _do_remove_predictor(self, id: str) -> None:  # noqa: A002  (the message's field)
        self._change(edits.remove_predictor(self._draft, self._factor(id)))

    def _do_set_option(self, id: str, value: str) -> None:  # noqa: A002
        factor = self._factor(id)
        option = next(row["option"] for row in self.setup["predictors"] if row["id"] == factor)
        if option is None or value not in [choice["value"] for choice in option["choices"]]:
            raise OptionError(f"“{value}” is no choice for “{factor}”.")
        if option["kind"] == "reference":
            default = option["choices"][0]["value"]
            self._change(edits.set_reference(self._draft, factor, value, default))
        else:
            groups = [term.group for term in self._draft.random]
            self._change(edits.set_centring(self._draft, factor, value, groups))

    def _do_add_interaction(self, ids: list[str]) -> None:
        self._change(edits.add_interaction(self._draft, tuple(self._factor(id) for id in ids)))  # noqa: A001

    def _do_remove_interaction(self, id: str) -> None:  # noqa: A002
        term = next((term for term in self._draft.terms if len(term) > 1 and term_text(term) == id), None)
        if term is None:
            raise OptionError(f"There is no interaction “{id}”.")
        self._change(edits.remove_interaction(self._draft, term))

    def _do_add_group(self, id: str) -> None:  # noqa: A002
        choice = next((choice for choice in self.setup["group_choices"] if choice["id"] == id), None)
        if choice is None:
            raise OptionError(f"“{id}” cannot be a grouping.")
        self._change(edits.add_group(self._draft, tuple(choice["columns"])))

    def _do_remove_group(self, id: str) -> None:  # noqa: A002
        self._change(edits.remove_group(self._draft, self._place(id)))

    def _do_set_intercept(self, group: str, on: bool) -> None:
        self._change(edits.set_intercept(self._draft, self._place(group), on))

    def _do_set_slope(self, group: str, term: str, on: bool) -> None:
        place = self._place(group)
        slope = next((slope for slope in slopes_of(self._draft) if term_text(slope) == term), None)
        if slope is None:
            raise OptionError(f"There is no predictor “{term}”.")
        columns = self._draft.random[place].group
        if on and all(self._known.is_factor_constant(factor, columns) for factor in slope):
            raise OptionError(f"“{term}” is constant within {':'.join(columns)}: it has no slope there.")
        self._change(edits.set_slope(self._draft, place, slope, on))

    def _do_set_correlated(self, group: str, on: bool) -> None:
        self._change(edits.set_correlated(self._draft, self._place(group), on))

    def _do_set_reml(self, on: bool) -> None:
        self._change(self._draft.with_(reml=on))

    def _do_set_live(self, on: bool) -> None:
        self._live = on
        self._publish_setup()
        if on and self.fit["stale"]:
            self._refit()

    def _do_set_formula(self, text: str) -> None:
        self._set_formula(text)

    def _do_fit(self) -> None:
        self._refit()

    def _do_undo(self) -> None:
        if self._past:
            self._future.append(self._draft)
            self._show(self._past.pop())

    def _do_redo(self) -> None:
        if self._future:
            self._past.append(self._draft)
            self._show(self._future.pop())

    def _do_view_coefficients(self, intercept: bool) -> None:
        self._view("coefficients", replace(self._views, intercept=intercept))

    def _do_view_caterpillar(self, **changes: Any) -> None:
        self._view("caterpillar", changed_views(self.model, self._views, changes))

    def _do_view_predictions(self, **changes: Any) -> None:
        if "values" in changes:
            changes["values"] = {**self._views.values, **changes["values"]}
        self._view("predictions", changed_views(self.model, self._views, changes))

    def _require(self, column: str, problem: str) -> None:
        known = self._known.profiles.get(column)
        if known is None:
            raise OptionError(f"There is no column “{column}”.")
        reason = getattr(known, problem)
        if reason is not None:
            raise OptionError(f"“{column}” cannot be used here: {reason}.")

    def _factor(self, text: str) -> str:
        if (text,) not in self._draft.terms:
            raise OptionError(f"There is no predictor “{text}” in the model.")
        return text

    def _place(self, name: str) -> int:
        for place in range(len(self._draft.random)):
            if edits.group_id(self._draft, place) == name:
                return place
        raise OptionError(f"There is no grouping “{name}” in the model.")

    # -- the model --------------------------------------------------------------------------------------------------

    def _set_formula(self, text: str) -> None:
        """A typed formula: an error is shown at its place, and nothing else changes."""
        try:
            spec = self._parsed(text)
        except FormulaError as error:
            self._formula_error = error_payload(error)
            self.error = error
            self._publish_setup()
            return
        self._change(spec)

    def _parsed(self, text: str) -> ModelSpec:
        parsed = parse_formula(text, reml=self._draft.reml)
        if self._facts is not None:
            check_columns(parsed, self._facts.profiles, self._facts.frame.name)
        return parsed.spec

    def _checked(self, spec: ModelSpec) -> ModelSpec:
        return replace(self._parsed(formula_of(spec)), reml=spec.reml)

    def _change(self, spec: ModelSpec) -> None:
        if spec == self._draft and self._formula_error is None:
            return
        if spec != self._draft:
            self._past = [*self._past, self._draft][-MAX_HISTORY:]
            self._future = []
        self._show(spec)

    def _show(self, spec: ModelSpec) -> None:
        self._draft = spec
        self._formula_error = None
        self._publish_setup()
        if prompt_of(spec) is None and self._live and self._is_cheap():
            self._refit()
        else:
            self._mark_stale()

    def _is_cheap(self) -> bool:
        return self._known.frame.n_rows <= LIVE_ROWS

    def _mark_stale(self) -> None:
        self.error = None
        last = self._last_fit
        state = "ready" if last["summary"] is not None else "empty"
        word = "Changed" if last["summary"] is not None and last["formula"] != formula_of(self._draft) else last["word"]
        self.fit = {**last, "state": state, "word": word, "stale": last["formula"] != formula_of(self._draft)}

    def _refit(self) -> None:
        prompt = prompt_of(self._draft)
        if prompt is not None:
            raise OptionError(prompt)
        formula = formula_of(self._draft)
        self.fit = running_payload(self._last_fit, formula)
        started = time.perf_counter()
        try:
            model = fit_spec(self._draft, self._known.frame)
            payload = ready_payload(model, _code_name(self._known.frame), model.trace.elapsed_ms)
        except MlmError as error:
            self._fail(error)
            return
        except BaseException:
            self.fit = {**self._last_fit, "stale": True}
            raise
        payload["elapsed_ms"] = round(1000 * (time.perf_counter() - started), 1)
        self.model = model
        self._last_fit = payload
        self.fit = payload
        self._views = views_for(model, self._views)
        self.views = views_payload(model, self._views)
        self.error = None
        for name in CHARTS:
            self._draw(name, model)

    def _fail(self, error: MlmError) -> None:
        self.fit = failed_payload(self._last_fit, error)
        self.error = error

    def _view(self, chart: str, views: Views) -> None:
        self._views = views
        self.views = views_payload(self.model, views)
        if self.model is not None:
            self._draw(chart, self.model)

    def _draw(self, name: str, model: MixedModel) -> None:
        self._chart_version += 1
        setattr(self, f"chart_{name}", chart_payload(name, model, self._views, self._chart_version))

    def _publish_setup(self) -> None:
        """Tell the browser and Python's observers of the present spec."""
        facts = self._facts or DataFacts(_NO_FRAME)
        self.setup = {
            **setup_payload(self._draft, facts),
            **({"prompt": None} if self._facts is None else {}),
            "live": self._live,
            "error": self._formula_error,
            "can_undo": bool(self._past),
            "can_redo": bool(self._future),
        }
        self._is_publishing = True
        try:
            self.spec = to_json(self._draft)
            self.formula = self.setup["formula"]
        finally:
            self._is_publishing = False

    def _repr_keys(self) -> list[str]:
        return ["formula"]

    def __repr__(self) -> str:
        return f"ModelBuilder({self._facts.frame.name if self._facts else 'no data'}, formula={self.formula!r})"


def _code_name(frame: Frame) -> str:
    return frame.name if frame.name.isidentifier() else "data"


class _NoFrame(Frame):
    """No columns: what the controls show when the data could not be read."""

    def __init__(self) -> None:
        self.name, self.units, self.names, self.n_rows = "the data", {}, (), 0


_NO_FRAME = _NoFrame()
