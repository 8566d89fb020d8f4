"""Conditional distributions of the outcome and their links."""

from mlm_widgets.families.choice import families_for
from mlm_widgets.families.family import FAMILIES, Family, family_of
from mlm_widgets.families.likelihood import Likelihood, Terms
from mlm_widgets.families.links import LINKS, Link

__all__ = ["FAMILIES", "LINKS", "Family", "Likelihood", "Link", "Terms", "families_for", "family_of"]
