import re

import pytest

from mlm_widgets.errors import OptionError
from mlm_widgets.plots import theme


def contrast(one: str, two: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_both_themes_have_the_same_tokens_in_lower_case_hex() -> None:
    light, dark = theme.tokens("light"), theme.tokens("dark")
    assert list(light) == list(dark)
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in [*light.values(), *dark.values()])


def test_a_light_colour_names_its_token() -> None:
    light = theme.tokens("light")
    assert len(set(light.values())) == len(light)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_and_marks_stand_out_from_the_background(name: str) -> None:
    colours = theme.tokens(name)
    for token in ("ink", "ink2", "accent", "pick_text"):
        assert contrast(colours[token], colours["background"]) >= 4.5, token
    for token in ("ref", "pick", "category3"):
        assert contrast(colours[token], colours["background"]) >= 3, token


def test_an_unknown_theme_names_the_nearest() -> None:
    with pytest.raises(OptionError, match=r'"light" or "dark"[\s\S]*Use "dark"'):
        theme.tokens("darc")


def test_a_caller_cannot_change_the_table() -> None:
    theme.tokens("light")["ink"] = "#000000"
    assert theme.tokens("light")["ink"] != "#000000"
