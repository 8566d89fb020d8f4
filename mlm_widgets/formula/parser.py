"""Formula text -> :class:`~mlm_widgets.formula.spec.ModelSpec`.

The grammar is lme4's: Wilkinson & Rogers' operators for the fixed part (``+ - : * / ^``, ``0`` and ``1``) and bar
terms ``(basis | group)``, ``(basis || group)`` with ``a/b`` and ``a:b`` as groups (Bates, Maechler, Bolker & Walker
2015, section 2). A recursive descent keeps the place of every word, so that each error points at what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from mlm_widgets.errors import FormulaError, closest
from mlm_widgets.formula.expressions import (
    CENTRING,
    CONTRASTS,
    FUNCTIONS,
    NUMERIC,
    SIGNATURES,
    Call,
    Expression,
    Listed,
    Name,
    Number,
    Operation,
    Text,
    columns_of,
    to_text,
    walk,
)
from mlm_widgets.formula.lexer import Token, quote_name, tokenize
from mlm_widgets.formula.spec import ModelSpec, RandomTerm, Term, ordered_terms

__all__ = [
    "Mention",
    "Parsed",
    "canonical_factor",
    "canonical_offset",
    "check_columns",
    "parse_factor",
    "parse_formula",
    "parse_offset",
]

MAX_DEPTH = 60  # nesting that no real formula has; keeps Python's stack out of a stranger's reach
MAX_OPERATIONS = 200  # in one factor: trees are walked by recursion, so their depth is bounded too
MAX_TERMS = 2_000  # (a + b + ...)^k grows fast; a model of more terms is a slip of the pen
MAX_PRODUCTS = 50 * MAX_TERMS  # many of them may be the same term
MOST = {"df": 100, "degree": 20, "knots": 100}  # columns of one factor; more would fill the memory
INTERCEPT: Term = ()
FITTERS = ("lmer", "glmer", "lmerTest", "lm", "glm", "mixedlm", "fit", "formula")  # what people paste along


@dataclass(frozen=True, slots=True)
class Mention:
    """A column's name where it stands in the text."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """A formula that was understood: its spec, its text, and where it mentions columns."""

    spec: ModelSpec
    text: str
    mentions: tuple[Mention, ...]


@dataclass(slots=True)
class _Sum:
    """What a `+` chain holds: terms, random terms, what was said of the intercept (None: nothing), and an offset."""

    terms: list[Term] = field(default_factory=list)
    random: list[RandomTerm] = field(default_factory=list)
    intercept: bool | None = None
    offset: str | None = None


def parse_formula(text: str, *, reml: bool = True) -> Parsed:
    """Parse ``outcome ~ predictors + (basis | group)``.

    Raises
    ------
    FormulaError
        If the text is no formula, or holds anything that is not allowed; it says where.
    """
    if not isinstance(text, str):
        raise FormulaError(f"`formula` must be text, not {type(text).__name__}.")
    return _parsed(text, reml)


@lru_cache(maxsize=256)
def _parsed(text: str, reml: bool) -> Parsed:
    """Parsing takes a tenth of the time of a small fit, and refits parse the same text again."""
    parser = _Parser(text)
    spec = parser.formula(reml)
    return Parsed(spec, text, tuple(parser.mentions))


def check_columns(parsed: Parsed, names: Iterable[str], data_name: str = "the data") -> None:
    """Raise a FormulaError, with the nearest name, where the formula mentions a column that is not in `names`."""
    known = set(names)
    for mention in parsed.mentions:
        if mention.name in known:
            continue
        near = closest(mention.name, known)
        raise FormulaError(
            f"There is no column “{mention.name}” in {data_name}.",
            text=parsed.text,
            start=mention.start,
            end=mention.end,
            replacement=quote_name(near[0]) if near else None,
            hint=f"Closest: {', '.join(near)}." if near else f"The columns are: {_listed(names)}.",
        )


@lru_cache(maxsize=4096)
def parse_factor(text: str) -> Expression:
    """One factor as a tree: a column, or a call of an allowed function; or an outcome, ``cbind(a, b)``.

    Raises
    ------
    FormulaError
        If the text is not exactly one factor.
    """
    parser = _Parser(text)
    expression = parser.call() if parser.is_call("cbind") else parser.factor_expression()
    parser.expect_end()
    return expression


@lru_cache(maxsize=256)
def parse_offset(text: str) -> Expression:
    """What stands inside ``offset()`` as a tree: a column, or arithmetic and elementwise functions of columns.

    Raises
    ------
    FormulaError
        If the text is no such expression.
    """
    parser = _Parser(text)
    start = parser.token
    expression = parser.arithmetic()
    parser.expect_end()
    parser.check_offset(expression, start)
    return expression


def canonical_factor(text: str) -> str:
    """A predictor's factor in the one way that we write it."""
    parser = _Parser(text)
    expression = parser.factor_expression()
    parser.expect_end()
    return to_text(expression)


def canonical_offset(text: str) -> str:
    """An offset in the one way that we write it; a text that is no expression is the name of a column."""
    try:
        return to_text(parse_offset(text))
    except FormulaError:
        return quote_name(text)


class _Parser:
    """A cursor over the tokens of one formula; one method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.place = 0
        self.depth = 0
        self.operations = 0
        self.mentions: list[Mention] = []

    # -- the cursor ------------------------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def at(self, *texts: str) -> bool:
        return self.token.kind == "operator" and self.token.text in texts

    def take(self, *texts: str) -> Token | None:
        if not self.at(*texts):
            return None
        return self.step()

    def is_at_end(self) -> bool:
        return self.token.kind == "end"

    def step(self) -> Token:
        token = self.token
        self.place += 1
        return token

    def need(self, text: str, after: str) -> Token:
        token = self.take(text)
        if token is None:
            raise self.error(f"Expected “{text}” {after}, found {self.found()}.")
        return token

    def found(self) -> str:
        return "the end of the formula" if self.token.kind == "end" else f"“{self.token.text}”"

    def expect_end(self) -> None:
        if self.token.kind == "end":
            return
        if self.at("|", "||"):
            raise self.error(
                "A random term needs parentheses.", hint="Write (1 | school), or (ses | school) for a slope."
            )
        if self.at(")"):
            raise self.error("This parenthesis closes nothing.")
        if self.at("~"):
            raise self.error("A formula has one “~”, between outcome and predictors.")
        raise self.error(f"Expected an operator such as + before {self.found()}.")

    def error(
        self, message: str, *, start: Token | None = None, end: Token | None = None, hint: str | None = None
    ) -> FormulaError:
        first = start or self.token
        last = end or first
        at = min(first.start, max(len(self.text) - 1, 0))
        return FormulaError(message, text=self.text, start=at, end=max(last.end, at + 1), hint=hint)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"The formula is nested more than {MAX_DEPTH} deep.")

    def operation(self, operator: str, left: Expression | None, right: Expression) -> Operation:
        self.operations += 1
        if self.operations > MAX_OPERATIONS:
            raise self.error(
                f"More than {MAX_OPERATIONS} operations stand in one term.",
                hint="Compute it as a column of the data first.",
            )
        return Operation(operator, left, right)

    # -- terms -----------------------------------------------------------------------------------------------------

    def formula(self, reml: bool) -> ModelSpec:
        if self.token.kind == "end":
            raise self.error("The formula is empty.", hint="Write outcome ~ predictors + (1 | group).")
        if self.at("~"):
            raise self.error("The outcome is missing: nothing stands before “~”.", hint="Write outcome ~ predictors.")
        outcome = self.outcome()
        if self.is_at_end():
            raise self.error(
                "The formula has no “~” after the outcome.", hint="Write outcome ~ predictors + (1 | group)."
            )
        if self.at("="):
            equals = self.token
            raise FormulaError(
                "Outcome and predictors are joined by “~”, not by “=”.",
                text=self.text, start=equals.start, end=equals.end, replacement="~",
            )  # fmt: skip
        self.need("~", "after the outcome")
        right = self.sum()
        self.expect_end()
        return ModelSpec(
            outcome=outcome,
            terms=ordered_terms(right.terms),
            intercept=right.intercept is not False,
            random=tuple(right.random),
            reml=reml,
            offset=right.offset,
        )

    def outcome(self) -> str:
        start = self.token
        expression = self.call() if self.is_call("cbind") else self.factor_expression()
        if problem := outcome_problem(expression):
            raise self.error(problem, start=start, hint=OUTCOME_HINT)
        return to_text(expression)

    def sum(self) -> _Sum:
        """`a + b - c + 0 + (x | g)`."""
        self.deeper()
        result = _Sum()
        is_removed = self.take("-") is not None
        if not is_removed:
            self.take("+")
        self.add(result, is_removed)
        while self.at("+", "-"):
            is_removed = self.step().text == "-"
            self.add(result, is_removed)
        self.depth -= 1
        if len(result.terms) > MAX_TERMS:
            raise self.error(f"The formula expands to more than {MAX_TERMS:,} terms.", start=self.tokens[0])
        return result

    def add(self, result: _Sum, is_removed: bool) -> None:
        start = self.token
        if self.token.kind == "number":
            self.add_number(result, is_removed)
            return
        part = self.product()
        if (part.random or part.offset) and is_removed:
            what = "A random term" if part.random else "An offset"
            raise self.error(f"{what} cannot be taken away.", start=start, hint="Leave it out instead.")
        if part.offset and result.offset:
            raise self.error(
                "A formula has one offset() at most.",
                start=start,
                hint=f"Write the sum inside one: offset({result.offset} + {part.offset}).",
            )
        result.offset = result.offset or part.offset
        if is_removed:
            removed = {frozenset(term) for term in part.terms}
            result.terms = [term for term in result.terms if frozenset(term) not in removed]
        else:
            result.terms.extend(part.terms)
            result.random.extend(part.random)
        if part.intercept is not None:
            result.intercept = part.intercept

    def add_number(self, result: _Sum, is_removed: bool) -> None:
        token = self.step()
        if token.text not in ("0", "1"):
            raise self.error(
                f"The number {token.text} cannot stand alone in a formula: only 0 and 1 can (no intercept, intercept).",
                start=token,
                hint="Arithmetic goes inside I(): I(x + 2).",
            )
        if self.at("*", ":", "/", "^", "**", "%in%"):
            raise self.error("The intercept cannot be part of an interaction.", start=token)
        result.intercept = (token.text == "1") != is_removed

    def product(self) -> _Sum:
        """`a * b` and `a / b`."""
        left = self.inside()
        while self.at("*", "/"):
            operator = self.step()
            right = self.inside()
            self.refuse_random(operator, left, right)
            if operator.text == "*":
                left = _Sum([*left.terms, *right.terms, *_crossed(left.terms, right.terms)])
            else:
                every = tuple(dict.fromkeys(factor for term in left.terms for factor in term))
                left = _Sum([*left.terms, *_crossed([every], right.terms)])
            self.refuse_many(left, operator)
        return left

    def inside(self) -> _Sum:
        """`a %in% b`."""
        left = self.interaction()
        while (operator := self.take("%in%")) is not None:
            right = self.interaction()
            self.refuse_random(operator, left, right)
            left = _Sum(_crossed(left.terms, right.terms))
            self.refuse_many(left, operator)
        return left

    def interaction(self) -> _Sum:
        """`a : b`."""
        left = self.power()
        while (operator := self.take(":")) is not None:
            right = self.power()
            self.refuse_random(operator, left, right)
            left = _Sum(_crossed(left.terms, right.terms))
            self.refuse_many(left, operator)
        return left

    def power(self) -> _Sum:
        """`(a + b)^2`."""
        base = self.atom()
        operator = self.take("^", "**")
        if operator is None:
            return base
        exponent = self.step()
        if exponent.kind != "number" or not _is_whole(exponent.text) or not 1 <= int(exponent.text) <= 20:
            raise self.error(
                "A power in a formula is a whole number from 1 to 20: it means interactions up to that order.",
                start=operator,
                end=exponent,
                hint="For the square of a column write I(x**2).",
            )
        self.refuse_random(operator, base, base)
        result = base
        for _ in range(int(exponent.text) - 1):
            self.refuse_random(operator, result, base)
            result = _Sum(list(ordered_terms([*result.terms, *_crossed(result.terms, base.terms)])))
            self.refuse_many(result, operator)
        return result

    def atom(self) -> _Sum:
        if self.at("("):
            return self.parenthesis()
        self.operations = 0
        if self.is_call("offset"):
            return _Sum(offset=self.offset())
        return _Sum([(to_text(self.factor_expression()),)])

    def offset(self) -> str:
        """`offset(log(x))`: the text of what is inside."""
        start = self.token
        inside = self.call().arguments[0][1]
        self.check_offset(inside, start)
        return to_text(inside)

    def check_offset(self, inside: Expression, start: Token) -> None:
        """Raise where an expression cannot be an offset."""
        hint = f"Allowed: columns of numbers, arithmetic, {', '.join(NUMERIC)}."
        if not columns_of(inside):
            raise self.error("The offset names no column.", start=start, hint=hint)
        if other := other_function(inside):
            raise self.error(f"An offset cannot hold {other}(...).", start=start, hint=hint)

    def parenthesis(self) -> _Sum:
        opening = self.step()
        inner = self.sum()
        bar = self.take("|", "||")
        if bar is None:
            if self.token.kind == "end":
                raise self.error("This parenthesis is not closed.", start=opening)
            self.need(")", "to close the parenthesis")
            return inner
        if inner.random:
            raise self.error("A random term cannot stand inside another.", start=opening, end=bar)
        if inner.offset:
            raise self.error(
                "An offset cannot stand in a random term: it is known, so it does not vary.",
                start=opening,
                end=bar,
                hint="Add it to the fixed part: y ~ x + offset(z) + (1 | g).",
            )
        groups = self.groups()
        if self.token.kind == "end":
            raise self.error("This parenthesis is not closed.", start=opening)
        self.need(")", "after the grouping factor")
        return self.random_terms(inner, bar, groups, opening)

    def random_terms(self, basis: _Sum, bar: Token, groups: list[tuple[str, ...]], opening: Token) -> _Sum:
        intercept = basis.intercept is not False
        if not intercept and not basis.terms:
            raise self.error("This random term is empty: nothing varies.", start=opening, end=bar)
        slopes = ordered_terms(basis.terms)
        return _Sum(random=[RandomTerm(group, slopes, intercept, bar.text == "|") for group in groups])

    def groups(self) -> list[tuple[str, ...]]:
        """`g`, `a:b`, `a/b`: the grouping factors that a bar term stands for."""
        path = [self.group()]
        while self.take("/"):
            path.append(self.group())
        nested = [tuple(dict.fromkeys(column for part in path[: i + 1] for column in part)) for i in range(len(path))]
        if self.token.kind in ("name", "number", "text") or self.at("+", "*", "-", "("):
            raise self.error(
                "A grouping factor is a column, a:b, or a/b (b nested in a).",
                hint="For two separate groupings write two terms: (1 | a) + (1 | b).",
            )
        return nested

    def group(self) -> tuple[str, ...]:
        columns = [self.column("a grouping column")]
        while self.take(":"):
            columns.append(self.column("a grouping column"))
        return tuple(columns)

    def column(self, what: str) -> str:
        if self.token.kind != "name" or self.is_call():
            raise self.error(f"Expected {what}, found {self.found()}.")
        return self.mention()

    def mention(self) -> str:
        token = self.step()
        self.mentions.append(Mention(token.text, token.start, token.end))
        return token.text

    def is_call(self, name: str | None = None) -> bool:
        """Whether a call stands here, of the function `name` if that is given."""
        if name is not None and (self.token.kind, self.token.text) != ("name", name):
            return False
        following = self.tokens[self.place + 1] if self.place + 1 < len(self.tokens) else self.token
        is_bare = self.text[self.token.start : self.token.start + 1] != "`"
        return is_bare and following.kind == "operator" and following.text == "("

    def refuse_random(self, operator: Token, *parts: _Sum) -> None:
        if any(part.random for part in parts):
            raise self.error("A random term can only be added with +.", start=operator)
        if any(part.offset for part in parts):
            raise self.error("An offset can only be added with +.", start=operator)
        if any(part.intercept is not None and not part.terms for part in parts):
            raise self.error("The intercept cannot be part of an interaction.", start=operator)
        if len(parts[0].terms) * len(parts[-1].terms) > MAX_PRODUCTS:
            raise self.error(f"The formula expands to more than {MAX_TERMS:,} terms.", start=operator)

    def refuse_many(self, part: _Sum, operator: Token) -> None:
        if len(part.terms) > MAX_TERMS:
            raise self.error(f"The formula expands to more than {MAX_TERMS:,} terms.", start=operator)

    # -- factors ---------------------------------------------------------------------------------------------------

    def factor_expression(self) -> Expression:
        """A column or a call: what may stand in the formula outside parentheses."""
        if self.token.kind != "name":
            hint = "Text in quotes is not a column; use backticks for odd names." if self.token.kind == "text" else None
            if self.at("."):
                hint = "Name the columns one by one."
            raise self.error(f"Expected a column, found {self.found()}.", hint=hint)
        if self.is_call():
            if self.token.text not in FUNCTIONS:
                raise self.unknown_function(self.token)
            return self.call()
        return Name(self.mention())

    def call(self) -> Call:
        name = self.step()
        self.deeper()
        opening = self.step()
        arguments: list[tuple[str, Expression]] = []
        while not self.at(")"):
            if self.token.kind == "end":
                raise self.error("This parenthesis is not closed.", start=opening)
            arguments.append(self.argument(name))
            if not self.at(")") and not self.is_at_end():
                self.need(",", f"between the arguments of {name.text}()")
        closing = self.step()
        self.depth -= 1
        call = Call(name.text, tuple(arguments))
        self.check_call(call, name, closing)
        return call

    def unknown_function(self, name: Token) -> FormulaError:
        hint = f"Allowed: {', '.join(FUNCTIONS)}. Compute anything else as a column of the data first."
        if name.text in FITTERS:
            hint = "Write the formula alone, without the call: outcome ~ predictors + (1 | group)."
        if name.text == "cbind":
            return self.error(
                "cbind() can only be the whole outcome.",
                start=name,
                hint="Write cbind(successes, failures) ~ predictors + (1 | group); predictors are joined by +.",
            )
        if name.text == "offset":
            return self.error(
                "offset() can only be a term of the predictors.",
                start=name,
                hint="Add it: y ~ x + offset(log(exposure)) + (1 | g).",
            )
        return self.error(
            f"{name.text}() is not allowed in a formula.",
            start=name,
            hint=hint,
        )

    def argument(self, function: Token) -> tuple[str, Expression]:
        following = self.tokens[self.place + 1]
        if self.token.kind == "name" and following.kind == "operator" and following.text == "=":
            keyword = self.step()
            if keyword.text not in SIGNATURES[function.text].keywords:
                raise self.error(
                    f"{function.text}() takes no argument “{keyword.text}”.",
                    start=keyword,
                    hint=f"Write {SIGNATURES[function.text].usage}.",
                )
            self.step()
            return keyword.text, self.setting()
        if function.text == "C":
            return "", self.contrast_argument()
        if function.text in CENTRING:
            return "", self.centring_argument()
        return "", self.arithmetic()

    def setting(self) -> Expression:
        """The value of a keyword: a number, true or false, or a list of numbers."""
        if self.take("["):
            items: list[Expression] = []
            while not self.take("]"):
                items.append(self.signed_number())
                if not self.at("]"):
                    self.need(",", "between the numbers")
            return Listed(tuple(items))
        if self.token.kind == "name" and self.token.text in ("True", "TRUE", "False", "FALSE"):
            return Number(self.step().text.capitalize())
        return self.signed_number()

    def signed_number(self) -> Expression:
        sign = self.take("-")
        if self.token.kind != "number":
            raise self.error(f"Expected a number, found {self.found()}.")
        return Number(("-" if sign else "") + self.step().text)

    def contrast_argument(self) -> Expression:
        if self.token.kind == "name" and self.token.text in CONTRASTS:
            name = self.step()
            arguments: tuple[tuple[str, Expression], ...] = ()
            if self.take("("):
                if self.token.kind in ("text", "number"):
                    arguments = (("", Text(self.step().text)),)
                self.need(")", f"after {name.text}(")
            if arguments and name.text != "contr.treatment":
                raise self.error(f"{name.text} takes no reference level.", start=name)
            return Call(name.text, arguments)
        if self.token.kind == "name" and not self.is_call():
            return Name(self.mention())
        raise self.error(
            f"Expected a column or a contrast, found {self.found()}.",
            hint=f"Contrasts: {', '.join(CONTRASTS)}, as in {FUNCTIONS['C'].usage}.",
        )

    def centring_argument(self) -> Expression:
        left: Expression = Name(self.column("a column"))
        while self.take(":"):
            left = self.operation(":", left, Name(self.column("a grouping column")))
        return left

    def arithmetic(self) -> Expression:
        left = self.arithmetic_product()
        while self.at("+", "-"):
            left = self.operation(self.step().text, left, self.arithmetic_product())
        return left

    def arithmetic_product(self) -> Expression:
        left = self.arithmetic_sign()
        while self.at("*", "/", "%"):
            left = self.operation(self.step().text, left, self.arithmetic_sign())
        return left

    def arithmetic_sign(self) -> Expression:
        if self.at("-", "+"):
            self.deeper()
            sign = self.step()
            operand = self.arithmetic_sign()
            self.depth -= 1
            return self.operation("-", None, operand) if sign.text == "-" else operand
        return self.arithmetic_power()

    def arithmetic_power(self) -> Expression:
        base = self.arithmetic_atom()
        if not self.take("^", "**"):
            return base
        self.deeper()
        exponent = self.arithmetic_sign()
        self.depth -= 1
        return self.operation("**", base, exponent)

    def arithmetic_atom(self) -> Expression:
        if self.token.kind == "number":
            return Number(self.step().text)
        if opening := self.take("("):
            self.deeper()
            inner = self.arithmetic()
            self.depth -= 1
            if self.token.kind == "end":
                raise self.error("This parenthesis is not closed.", start=opening)
            self.need(")", "to close the parenthesis")
            return inner
        return self.factor_expression()

    def check_call(self, call: Call, name: Token, closing: Token) -> None:
        signature = SIGNATURES[call.function]
        positional = [value for keyword, value in call.arguments if not keyword]
        keywords = [keyword for keyword, _ in call.arguments if keyword]
        usage = f"Write {signature.usage}."
        if not signature.least <= len(positional) <= signature.most or len(set(keywords)) < len(keywords):
            raise self.error(f"{call.function}() has the wrong arguments.", start=name, end=closing, hint=usage)
        if call.function == "C" and (
            not isinstance(positional[0], Name) or not all(isinstance(value, Call) for value in positional[1:])
        ):
            raise self.error("C() takes a column and a contrast.", start=name, end=closing, hint=usage)
        if call.function in CENTRING and not isinstance(positional[0], Name):
            raise self.error(f"{call.function}() takes one column and its group.", start=name, end=closing, hint=usage)
        if call.function == "poly" and len(positional) == 2 and not _is_count(positional[1]):
            raise self.error("The degree of poly() is a whole number.", start=name, end=closing, hint=usage)
        for keyword, value in call.arguments:
            if keyword in MOST and not _is_size(keyword, value):
                what = "a list of numbers" if keyword == "knots" else "a whole number"
                message = f"{keyword} of {call.function}() is {what}, at most {MOST[keyword]}."
                raise self.error(message, start=name, end=closing, hint=usage)


OUTCOME_HINT = f"Allowed: a column, {', '.join(NUMERIC)} of one, or cbind(successes, failures)."


def outcome_problem(expression: Expression) -> str | None:
    """Why the expression cannot be an outcome; None where it can."""
    if not columns_of(expression):
        return "The outcome names no column."
    if not isinstance(expression, Call) or expression.function in NUMERIC:
        return None
    if expression.function != "cbind":
        return f"The outcome cannot be {expression.function}(...)."
    other = next((name for _, argument in expression.arguments if (name := other_function(argument))), None)
    return f"cbind(...) cannot hold {other}(...)." if other else None


def other_function(expression: Expression) -> str | None:
    """A function in the expression that learns from the data or makes several columns; None where there is none."""
    calls = (part.function for part in walk(expression) if isinstance(part, Call))
    return next((function for function in calls if function not in NUMERIC), None)


def _is_count(value: Expression) -> bool:
    return isinstance(value, Number) and _is_whole(value.text) and 1 <= int(value.text) <= 20


def _is_whole(text: str) -> bool:
    return text.isdigit() and len(text) < 10  # Python refuses to read numbers of thousands of digits


def _is_size(keyword: str, value: Expression) -> bool:
    """Whether a setting asks for a number of columns that can be made."""
    if keyword == "knots":
        return isinstance(value, Listed) and len(value.items) <= MOST[keyword]
    return isinstance(value, Number) and _is_whole(value.text) and int(value.text) <= MOST[keyword]


def _crossed(left: list[Term], right: list[Term]) -> list[Term]:
    return [tuple(dict.fromkeys((*a, *b))) for a in left for b in right]


def _listed(names: Iterable[str], most: int = 12) -> str:
    names = list(names)
    return ", ".join(names[:most]) + ("" if len(names) <= most else f", … ({len(names)} in all)")
