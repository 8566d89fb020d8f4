"""`ModelBuilder`: build a multilevel model by pointing and clicking.

The builder owns one :class:`~mlm_widgets.formula.ModelSpec`. A click in the browser is a message; it becomes a new
spec, the spec becomes a formula, a fit and charts, and these go back to the browser as traits that only Python
writes.
"""

from __future__ import annotations

import copy
import keyword
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import anywidget
import traitlets

from mlm_widgets.errors import DataError, FormulaError, MlmError, OptionError
from mlm_widgets.formula import (
    ModelSpec,
    Term,
    check_columns,
    from_json,
    parse_formula,
    quote_name,
    term_text,
    to_json,
)
from mlm_widgets.frames import Frame, read_frame
from mlm_widgets.results import MixedModel, fit_spec
from mlm_widgets.widgets import edits, families
from mlm_widgets.widgets.facts import DataFacts
from mlm_widgets.widgets.messages import Action, read_action
from mlm_widgets.widgets.outcome import EMPTY_FIT, failed_payload, ready_payload, running_payload
from mlm_widgets.widgets.runtime import STATIC, OneWay, shared_runtime
from mlm_widgets.widgets.setup import (
    data_payload,
    error_payload,
    formula_of,
    grouping_id,
    groupings_of,
    prompt_of,
    setup_payload,
    slopes_of,
)
from mlm_widgets.widgets.views import CHARTS, Views, changed_views, chart_payload, views_for, views_payload

__all__ = ["ModelBuilder"]

LIVE_ROWS = 200_000  # above, a fit may take longer than a click should: it waits for Fit
LIVE_ROWS_GENERALIZED = 50_000  # each evaluation goes through the rows several times
MAX_HISTORY = 200
NO_DATA = {"name": "", "n_rows": 0, "n_columns": 0, "columns": []}


class _ModelTrait(traitlets.TraitType[Any, Any]):
    """A description of the model: one thread at a time sets it, and who reads it gets a copy of their own."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        """The value; changing it changes nothing in the builder."""
        return copy.deepcopy(super().get(obj, cls))

    def set(self, obj: Any, value: Any) -> None:
        """Set the value once the builder is at rest."""
        with obj._lock:
            super().set(obj, value)


class ModelBuilder(OneWay):
    """Pick outcome, family, predictors and groups; see the formula, the fit and its plots.

    A family is chosen by itself only where the outcome leaves no choice: text of two levels, or ``cbind(a, b)``.

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
        The formula; observable, and may be set. Empty while no outcome is chosen; setting it so starts over.
    spec : dict
        The model as a JSON document; observable, and may be set.
    model : MixedModel or None
        The last fitted model; observable.
    error : MlmError or None
        What stands in the way of a fit at present; observable.

    Observers are told when everything has its new value, so they find formula, spec and model in agreement.

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

    formula = _ModelTrait("")
    spec = _ModelTrait(to_json(edits.EMPTY))
    model = traitlets.Any(None, allow_none=True, read_only=True)
    error = traitlets.Any(None, allow_none=True, read_only=True)

    _runtime = anywidget.WidgetTrait().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)
    setup = traitlets.Dict().tag(sync=True)
    fit = traitlets.Dict().tag(sync=True)
    views = traitlets.Dict().tag(sync=True)
    chart_coefficients = traitlets.Any(None, allow_none=True).tag(sync=True)
    chart_caterpillar = traitlets.Any(None, allow_none=True).tag(sync=True)
    chart_predictions = traitlets.Any(None, allow_none=True).tag(sync=True)

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
        self._note: tuple[str, str, str] | None = None  # an outcome, a family, and why it was chosen for it
        self._last_fit = EMPTY_FIT
        self._fitted: MixedModel | None = None
        self._problem: MlmError | None = None
        self._chart_version = 0
        # JupyterLab hands messages to a thread of their own, so a click can meet a cell that sets the formula
        self._lock = threading.RLock()
        super().__init__(_runtime=shared_runtime(), data=NO_DATA, fit=EMPTY_FIT, views=views_payload(None, self._views))
        self.on_msg(self._on_message)
        with self._lock:
            self._open(data, formula, spec, name)
            self._announce()

    def _open(self, data: Any, formula: str | None, spec: Mapping[str, Any] | None, name: str | None) -> None:
        """Read the data and the first model; what is wrong with them is shown in the widget."""
        try:
            frame = read_frame(data, None if name is None else str(name))
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
                self._change(self._read(spec))
            elif formula is not None and formula != "":
                self._set_formula(formula)
        except MlmError as error:
            self._fail(error)

    # -- from Python ------------------------------------------------------------------------------------------------

    @traitlets.validate("formula")
    def _valid_formula(self, proposal: Any) -> str:
        if isinstance(proposal.value, str) and proposal.value == self._formula:
            return self._formula
        return formula_of(self._parsed(proposal.value))

    @traitlets.validate("spec")
    def _valid_spec(self, proposal: Any) -> dict[str, Any]:
        return to_json(self._read(proposal.value))

    @traitlets.observe("formula")
    def _on_formula(self, _change: Any) -> None:
        if self.formula != self._formula:
            self._take(lambda: self._parsed(self.formula))

    @traitlets.observe("spec")
    def _on_spec(self, _change: Any) -> None:
        if self.spec != to_json(self._draft):
            self._take(lambda: self._read(self.spec))

    def _take(self, read: Callable[[], ModelSpec]) -> None:
        """A model that was set from Python."""
        with self._lock:
            try:
                self._change(read())
            finally:
                self._announce()

    def _announce(self) -> None:
        """Tell Python's observers, last of all: one that raises, or sets another formula, disturbs nothing."""
        with self.hold_trait_notifications():
            self.set_trait("spec", to_json(self._draft))
            self.set_trait("formula", self._formula)
            self.set_trait("model", self._fitted)
            self.set_trait("error", self._problem)

    # -- from the browser -------------------------------------------------------------------------------------------

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Answer one message. Whatever goes wrong is shown in the widget: a person has no traceback to read there."""
        number: int | None = None
        try:
            number, action = read_action(content)
            with self._lock:
                try:
                    self._act(action)
                finally:
                    self._announce()
            self.send({"kind": "reply", "id": number, "ok": True})
        except MlmError as error:
            self._refuse(number, content, error.message, error.hint)
        except Exception as error:  # noqa: BLE001  (the last net below a message: it must reach the person)
            self._refuse(
                number,
                content,
                f"Something went wrong in Python: {type(error).__name__}: {error}",
                "Undo, or change something else. Please report this, unless a function of yours that observes the "
                "builder raised it.",
            )

    def _refuse(self, number: int | None, content: Any, message: str, hint: str | None) -> None:
        if number is None and isinstance(content, Mapping):
            number = content.get("id")
        if isinstance(number, int) and not isinstance(number, bool):
            self.send({"kind": "reply", "id": number, "ok": False, "error": {"message": message, "hint": hint}})

    def _act(self, action: Action) -> None:
        self._require_data()
        kind = action.pop("type")
        handler: Callable[..., None] = getattr(self, f"_do_{kind}")
        handler(**action)

    @property
    def _known(self) -> DataFacts:
        self._require_data()
        assert self._facts is not None
        return self._facts

    def _require_data(self) -> None:
        if self._facts is None:
            raise DataError("There are no data to work with.", hint="Give a data frame: ModelBuilder(df).")

    def _do_set_outcome(self, column: str) -> None:
        self._require(column, "outcome_problem")
        if column != self.setup["outcome"]:
            self._change(families.choose_outcome(self._draft, column, self._known))

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
        if option is not None and value == option["value"]:
            return
        if option is None or value not in [choice["value"] for choice in option["choices"]]:
            raise OptionError(f"“{value}” is no choice for “{factor}”.")
        if option["kind"] == "reference":
            default = option["choices"][0]["value"]
            self._change(edits.set_reference(self._draft, factor, value, default))
        else:
            groups = [term.group for term in self._draft.random]
            self._change(self._without_dead_slopes(edits.set_centring(self._draft, factor, value, groups)))

    def _without_dead_slopes(self, spec: ModelSpec) -> ModelSpec:
        """`spec` without slopes that became constant: a school's mean has no slope within schools."""
        known = set(slopes_of(self._draft))
        return edits.drop_slopes(
            spec, lambda random, slope: slope not in known and self._is_constant(slope, random.group)
        )

    def _is_constant(self, term: Term, group: tuple[str, ...]) -> bool:
        return all(self._known.is_factor_constant(factor, group) for factor in term)

    def _do_add_interaction(self, ids: list[str]) -> None:
        self._change(edits.add_interaction(self._draft, tuple(self._factor(id) for id in ids)))  # noqa: A001

    def _do_remove_interaction(self, id: str) -> None:  # noqa: A002
        term = next((term for term in self._draft.terms if len(term) > 1 and term_text(term) == id), None)
        if term is None:
            raise OptionError(f"There is no interaction “{id}”.")
        self._change(edits.remove_interaction(self._draft, term))

    def _do_add_group(self, id: str) -> None:  # noqa: A002
        columns = next((own for own in groupings_of(self._draft, self._known) if grouping_id(own) == id), None)
        if columns is None:
            raise OptionError(f"“{id}” cannot be a grouping.")
        self._change(edits.add_group(self._draft, columns))

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
        if on and self._is_constant(slope, columns):
            raise OptionError(f"“{term}” is constant within {':'.join(columns)}: it has no slope there.")
        self._change(edits.set_slope(self._draft, place, slope, on))

    def _do_set_correlated(self, group: str, on: bool) -> None:
        self._change(edits.set_correlated(self._draft, self._place(group), on))

    def _do_set_reml(self, on: bool) -> None:
        self._change(self._draft.with_(reml=on))

    def _do_set_family(self, family: str) -> None:
        self._change(families.set_family(self._draft, family, self._known), is_family_chosen=True)

    def _do_set_link(self, link: str) -> None:
        self._change(families.set_link(self._draft, link))

    def _do_set_success(self, level: str) -> None:
        self._change(families.set_success(self._draft, level, self._known))

    def _do_set_trials(self, column: str) -> None:
        self._change(families.set_trials(self._draft, column, self._known))

    def _do_set_exposure(self, column: str | None) -> None:
        self._change(families.set_exposure(self._draft, column, self._known))

    def _do_set_live(self, on: bool) -> None:
        self._live = on
        self._publish_setup()
        if self._can_fit_live() and (self._fitted is None or self._is_stale()):
            self._refit()

    def _do_set_formula(self, text: str) -> None:
        self._set_formula(text)

    def _do_fit(self) -> None:
        self._refit()

    def _do_undo(self) -> None:
        if self._past:
            self._show(self._past[-1], self._past[:-1], [*self._future, self._draft])

    def _do_redo(self) -> None:
        if self._future:
            self._show(self._future[-1], [*self._past, self._draft], self._future[:-1])

    def _do_view_coefficients(self, **changes: Any) -> None:
        self._view("coefficients", replace(self._views, **changes))

    def _do_view_caterpillar(self, **changes: Any) -> None:
        if "ratios" in changes:
            changes["group_ratios"] = changes.pop("ratios")
        self._view("caterpillar", changed_views(self._fitted, self._views, changes))

    def _do_view_predictions(self, **changes: Any) -> None:
        if "values" in changes:
            changes["values"] = {**self._views.values, **changes["values"]}
        self._view("predictions", changed_views(self._fitted, self._views, changes))

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
            spec = self._parsed_text(text)
        except FormulaError as error:
            self._formula_error = error_payload(error)
            self._problem = error
            self._publish_setup()
            return
        self._change(spec)

    @property
    def _formula(self) -> str:
        return str(self.setup["formula"])

    def _parsed(self, text: Any) -> ModelSpec:
        """A formula; without text, the start."""
        return edits.EMPTY.with_(reml=self._draft.reml) if text == "" else self._parsed_text(text)

    def _parsed_text(self, text: Any) -> ModelSpec:
        parsed = parse_formula(text, reml=self._draft.reml)
        check_columns(parsed, self._known.profiles, self._known.frame.name)
        draft = self._draft
        # a formula has no words for these: what the model has stays, as far as the outcome can have it
        spec = parsed.spec.with_(weights=draft.weights, family=draft.family, link=draft.link)
        if spec.outcome == draft.outcome:
            return spec.with_(success=draft.success)
        return families.with_possible_family(spec, self._known)

    def _read(self, document: Any) -> ModelSpec:
        """A spec's document, also an unfinished one: while no outcome is chosen any column stands in for it."""
        if isinstance(document, Mapping) and document.get("outcome") == "":
            stand_in = quote_name(self._known.frame.names[0])
            return replace(self._read({**document, "outcome": stand_in}), outcome="")
        spec = from_json(document)
        self._parsed_text(formula_of(spec))
        return spec

    def _change(self, spec: ModelSpec, *, is_family_chosen: bool = False) -> None:
        if spec == self._draft and self._formula_error is None:
            return
        if spec == self._draft:
            self._show(spec, self._past, self._future)
        else:
            note = None if is_family_chosen else families.family_note(self._draft, spec, self._known)
            if (spec.outcome, spec.family) != (self._draft.outcome, self._draft.family):
                self._note = None if note is None else (spec.outcome, spec.family, note)
            self._show(spec, [*self._past, self._draft][-MAX_HISTORY:], [])

    def _show(self, spec: ModelSpec, past: list[ModelSpec], future: list[ModelSpec]) -> None:
        controls = setup_payload(spec, self._known)  # first: where this fails, nothing has changed
        self._draft, self._past, self._future = spec, past, future
        self._formula_error = None
        self._publish_setup(controls)
        if self._can_fit_live():
            self._refit()
        else:
            self._mark_stale()

    def _can_fit_live(self) -> bool:
        most = LIVE_ROWS if self._draft.is_linear else LIVE_ROWS_GENERALIZED
        return prompt_of(self._draft, self._known) is None and self._live and self._known.frame.n_rows <= most

    def _is_stale(self) -> bool:
        return self._fitted is not None and self._fitted.spec != self._draft

    def _mark_stale(self) -> None:
        self._problem = None
        last, is_stale = self._last_fit, self._is_stale()
        state = "ready" if last["summary"] is not None else "empty"
        self.fit = {**last, "state": state, "word": "Changed" if is_stale else last["word"], "stale": is_stale}

    def _refit(self) -> None:
        prompt = prompt_of(self._draft, self._known)
        if prompt is not None:
            raise OptionError(prompt)
        self.fit = running_payload(self._last_fit, is_stale=self._is_stale())
        started = time.perf_counter()
        try:
            model = fit_spec(self._draft, self._known.frame)
            payload = ready_payload(model, _code_name(self._known.frame), model.trace.elapsed_ms)
            views = views_for(model, self._views)
        except MlmError as error:
            self._fail(error)
            return
        except Exception as error:  # noqa: BLE001  (a fit ends in the widget, whoever asked for it)
            self._fail(_unforeseen(error))
            return
        except BaseException:
            self._mark_stale()
            raise
        payload["elapsed_ms"] = round(1000 * (time.perf_counter() - started), 1)
        self._fitted, self._problem, self._views = model, None, views
        self._last_fit = payload
        self.fit = payload
        self.views = views_payload(model, views)
        for name in CHARTS:
            self._draw(name, model)

    def _fail(self, error: MlmError) -> None:
        self.fit = failed_payload(self._last_fit, error)
        self._problem = error

    def _view(self, chart: str, views: Views) -> None:
        self._views = views
        self.views = views_payload(self._fitted, views)
        if self._fitted is not None:
            self._draw(chart, self._fitted)

    def _draw(self, name: str, model: MixedModel) -> None:
        self._chart_version += 1
        setattr(self, f"chart_{name}", chart_payload(name, model, self._views, self._chart_version))

    def _publish_setup(self, controls: dict[str, Any] | None = None) -> None:
        """Tell the browser of the present spec; `controls`, where they are known already."""
        is_open = self._facts is not None
        self.setup = {
            **(controls or setup_payload(self._draft, self._known if is_open else DataFacts(_NO_FRAME))),
            **({} if is_open else {"prompt": None}),
            "live": self._live,
            "error": self._formula_error,
            "note": self._present_note,
            "can_undo": bool(self._past),
            "can_redo": bool(self._future),
        }

    @property
    def _present_note(self) -> str | None:
        """Why the family is what it is, while it and the outcome are what the note is about."""
        if self._note is None or self._note[:2] != (self._draft.outcome, self._draft.family):
            return None
        return self._note[2]

    def _repr_keys(self) -> list[str]:
        return ["formula"]

    def __repr__(self) -> str:
        return f"ModelBuilder({self._facts.frame.name if self._facts else 'no data'}, formula={self.formula!r})"


def _unforeseen(error: Exception) -> MlmError:
    found = MlmError(
        f"The fit broke down: {type(error).__name__}: {error}",
        hint="Look for extreme values in the columns of the model; please report this.",
    )
    found.__cause__ = error
    return found


def _code_name(frame: Frame) -> str:
    return frame.name if frame.name.isidentifier() and not keyword.iskeyword(frame.name) else "data"


class _NoFrame(Frame):
    """No columns: what the controls show when the data could not be read."""

    def __init__(self) -> None:
        self.name, self.units, self.names, self.n_rows = "the data", {}, (), 0


_NO_FRAME = _NoFrame()
