import pytest

from mlm_widgets.errors import MlmError, OptionError
from mlm_widgets.plots import coefficients, coefficients_spec
from mlm_widgets.plots.coefficients import Models
from tests.plots import models
from tests.plots.specs import Spec, layers

TERMS = ["cses", "meanses", "sector [Catholic]", "cses × meanses", "cses × sector [Catholic]"]


def labels(spec: Spec) -> list[str]:
    return [row["t"] for row in spec["datasets"]["labels"]]


def test_rows_are_the_models_numbers() -> None:
    model = models.hsb()
    frame = model.tidy("fixed").set_index("term").drop("Intercept")
    inner = model.tidy("fixed", level=0.5).set_index("term")
    rows = coefficients_spec(model)["datasets"]["terms"]
    for row, (term, numbers) in zip(rows, frame.iterrows(), strict=True):
        assert row["b"] == pytest.approx(numbers["estimate"], abs=1e-3)
        assert (row["lo"], row["hi"]) == pytest.approx((numbers["conf_low"], numbers["conf_high"]), abs=1e-3)
        assert row["lo50"] == pytest.approx(float(inner["conf_low"].to_dict()[term]), abs=1e-3)
        assert row["b_text"] == f"{numbers['estimate']:.2f}".replace("-", "−")


def test_terms_stand_under_their_level_in_the_formulas_order() -> None:
    assert labels(coefficients_spec(models.hsb())) == [
        "Level 1",
        TERMS[0],
        "Level 2",
        *TERMS[1:3],
        "Cross-level",
        *TERMS[3:],
    ]


def test_no_headings_for_one_level() -> None:
    assert labels(coefficients_spec(models.sleepstudy())) == ["Days"]


def test_the_intercept_is_shown_on_request_above_all() -> None:
    spec = coefficients_spec(models.hsb(), intercept=True)
    assert labels(spec)[0] == "Intercept"
    assert "Without the intercept" in coefficients_spec(models.hsb())["title"]["subtitle"][0]
    assert "Without the intercept" not in spec["title"]["subtitle"][0]


def test_the_axis_names_outcome_and_unit() -> None:
    axes = [
        layer["encoding"]["x"]["axis"]
        for layer in layers(coefficients_spec(models.hsb()))
        if "axis" in layer["encoding"].get("x", {})
    ]
    assert [axis["title"] for axis in axes] == [["Change in mathach per unit of the predictor (points)"]]


def test_several_models_are_dodged_in_the_order_given() -> None:
    spec = coefficients_spec({"small": models.hsb("cses"), "large": models.hsb()})
    rows = [row for row in spec["datasets"]["terms"] if row["t"] == "cses"]
    assert [row["m"] for row in rows] == ["small", "large"]
    assert rows[0]["y"] < rows[1]["y"]
    assert "that model lacks the term" in spec["title"]["subtitle"][0]
    colours = [layer["encoding"]["color"]["scale"] for layer in layers(spec) if "color" in layer["encoding"]]
    assert all(scale["domain"] == ["small", "large"] for scale in colours)


def test_a_list_of_models_is_numbered() -> None:
    spec = coefficients_spec([models.hsb("cses"), models.hsb("cses + meanses")])
    assert {row["m"] for row in spec["datasets"]["terms"]} == {"Model 1", "Model 2"}


def test_columns_of_numbers_are_dropped_above_25_terms() -> None:
    def texts(fixed: str) -> set[str]:
        spec = coefficients_spec(models.hsb(fixed))
        return {layer["encoding"].get("text", {}).get("field", "") for layer in layers(spec)}

    assert "i_text" in texts("cses")
    assert "i_text" not in texts("sector * minority * sex * cses * meanses")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"level": 95}, r"between 0 and 1, not 95[\s\S]*level=0.95"),
        ({"theme": "lite"}, r"theme must be"),
        ({"width": 2000}, r"width must lie between 320 and 700"),
    ],
)
def test_wrong_options_say_what_is_allowed(options: Spec, match: str) -> None:
    with pytest.raises(OptionError, match=match):
        coefficients(models.sleepstudy(), **options)


@pytest.mark.parametrize("wrong", [{}, [models.sleepstudy()] * 5])
def test_one_to_four_models(wrong: Models) -> None:
    with pytest.raises(OptionError, match="1 to 4 models"):
        coefficients(wrong)


def test_nothing_but_an_intercept_says_how_to_show_it() -> None:
    with pytest.raises(MlmError, match="intercept=True"):
        coefficients(models.hsb("1"))
