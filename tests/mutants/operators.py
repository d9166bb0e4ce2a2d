"""The ways in which one place of a Python file is made wrong: cosmic-ray's, and ours for what a program asks of others.

cosmic-ray turns conditions and numbers. In a program that declares things most lines are arguments, texts and elements
of tables, which these operators leave out or change.
"""

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators import (
    boolean_replacer,
    break_continue,
    comparison_operator_replacement,
    number_replacer,
    remove_decorator,
    unary_operator_replacement,
    zero_iteration_for_loop,
)
from cosmic_ray.operators.operator import Operator
from parso.python.tree import Keyword

Place = tuple[tuple[int, int], tuple[int, int]]
_CHANGED = "mutant "
"""What a changed text begins with."""


class _Ours(Operator):  # type: ignore[misc]
    """An operator for some nodes of the tree, which says for each node how many ways there are."""

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()

    def mutation_positions(self, node: Any) -> Iterator[Place]:
        yield from ((it.start_pos, it.end_pos) for it in self.found(node))

    def found(self, node: Any) -> list[Any]:
        """The parts of the node that can be changed."""
        raise NotImplementedError


class DropArgument(_Ours):
    """Leaves out a keyword argument of a call."""

    def found(self, node: Any) -> list[Any]:
        if node.type not in {"arglist", "trailer"} or _is_in(node, "classdef"):
            return []
        return [it for it in node.children if it.type == "argument" and it.children[1] == "="]

    def mutate(self, node: Any, index: int) -> Any:
        return _without(node, node.children.index(self.found(node)[index]), 1)


class DropElement(_Ours):
    """Leaves out an element of a list, tuple, set or dictionary."""

    def found(self, node: Any) -> list[Any]:
        if node.type == "atom" and node.children[0] == "[" and len(node.children) == 3:
            inside = node.children[1]
            return [] if inside.type in {"testlist_comp", "operator"} else [inside]
        if node.type not in {"testlist_comp", "dictorsetmaker"} or any(
            it.type in {"comp_for", "sync_comp_for"} for it in node.children
        ):
            return []
        children = node.children
        begins = [n for n, it in enumerate(children) if n == 0 or children[n - 1] == ","]
        return [children[n] for n in begins]

    def mutate(self, node: Any, index: int) -> Any:
        place = node.children.index(self.found(node)[index])
        rest = node.children[place:]
        ends = next((n for n, it in enumerate(rest) if it in {",", "]"}), len(rest))
        return _without(node, place, ends)


class ChangeText(_Ours):
    """Puts something before a text that is no docstring."""

    def found(self, node: Any) -> list[Any]:
        if node.type == "string" and not _is_docstring(node):
            return [node]
        if node.type == "fstring":
            return [it for it in node.children if it.type == "fstring_string"][:1]
        return []

    def mutate(self, node: Any, index: int) -> Any:
        leaf = self.found(node)[index]
        ends = 0
        if leaf.type == "string":
            quote = next(n for n, it in enumerate(leaf.value) if it in "\"'")
            ends = quote + (3 if leaf.value[quote : quote + 3] in {'"""', "'''"} else 1)
        leaf.value = leaf.value[:ends] + _CHANGED + leaf.value[ends:]
        return node


class DropStatement(_Ours):
    """Leaves out a call whose value nobody takes, or a `raise`."""

    def found(self, node: Any) -> list[Any]:
        if node.type != "simple_stmt":
            return []
        does = node.children[0]
        called = does.type in {"atom_expr", "power"} and does.children[-1].children[0] == "("
        return [does] if called or does.type == "raise_stmt" else []

    def mutate(self, node: Any, index: int) -> Any:
        first = node.children[0].get_first_leaf()
        node.children[0] = Keyword("pass", first.start_pos, prefix=first.prefix)
        return node


class DropFilter(_Ours):
    """Lets a comprehension take all."""

    def found(self, node: Any) -> list[Any]:
        return [node.children[1]] if node.type == "comp_if" else []

    def mutate(self, node: Any, index: int) -> Any:
        node.children[1] = Keyword("True", node.children[1].start_pos, prefix=" ")
        return node


class SwapIn(_Ours):
    """Asks whether something is in another where it was asked whether it is not, and the other way round."""

    def found(self, node: Any) -> list[Any]:
        if node.type != "comparison":
            return []
        return [it for it in node.children[1::2] if _words(it) in {"in", "not in"}]

    def mutate(self, node: Any, index: int) -> Any:
        operator = self.found(node)[index]
        other = "not in" if _words(operator) == "in" else "in"
        node.children[node.children.index(operator)] = Keyword(
            other, operator.start_pos, prefix=" "
        )
        return node


class CatchAnother(_Ours):
    """Catches another error than the one that is meant; cosmic-ray's own operator for it knows no names with a dot."""

    def found(self, node: Any) -> list[Any]:
        return [node.children[1]] if node.type == "except_clause" else []

    def mutate(self, node: Any, index: int) -> Any:
        node.children[1] = Keyword("FloatingPointError", node.children[1].start_pos, prefix=" ")
        return node


def is_idle(node: Any) -> bool:
    """Whether the node is part of an annotation, of a decorator's argument or of `__all__`: what no test could see.

    A frozen dataclass that is none any more works as before; mypy tells of all three.
    """
    while (parent := node.parent) is not None:
        annotated = parent.type == "annassign" and node is parent.children[1]
        parameter = parent.type == "tfpdef" and node is not parent.children[0]
        returned = parent.type == "funcdef" and node is parent.annotation
        listed = (
            parent.type == "expr_stmt" and getattr(parent.children[0], "value", "") == "__all__"
        )
        if annotated or parameter or returned or listed or parent.type == "decorator":
            return True
        node = parent
    return False


def _is_in(node: Any, *kinds: str) -> bool:
    return node.parent is not None and node.parent.type in kinds


def _is_docstring(leaf: Any) -> bool:
    return leaf.parent.type in {"simple_stmt", "file_input"} or (
        leaf.parent.type == "strings" and leaf.parent.parent.type == "simple_stmt"
    )


def _words(node: Any) -> str:
    return " ".join(node.get_code().split())


def _without(node: Any, place: int, length: int) -> Any:
    """The node without these children and the comma that belongs to them."""
    children = node.children
    end = place + length
    if end < len(children) and children[end] == ",":
        end += 1
    elif place and children[place - 1] == ",":
        place -= 1
    del children[place:end]
    return node


_OPPOSITES = (
    "Eq_NotEq",
    "NotEq_Eq",
    "Lt_LtE",
    "LtE_Lt",
    "Gt_GtE",
    "GtE_Gt",
    "Is_IsNot",
    "IsNot_Is",
)
OPERATORS: tuple[type[Operator], ...] = (
    DropArgument,
    DropElement,
    ChangeText,
    DropStatement,
    DropFilter,
    SwapIn,
    CatchAnother,
    *(
        it
        for it in comparison_operator_replacement.operators()
        if it.__name__.partition("Operator_")[2] in _OPPOSITES
    ),
    *(it for it in unary_operator_replacement.operators() if it.__name__.endswith("_Delete_Not")),
    boolean_replacer.AddNot,
    boolean_replacer.ReplaceTrueWithFalse,
    boolean_replacer.ReplaceFalseWithTrue,
    boolean_replacer.ReplaceAndWithOr,
    boolean_replacer.ReplaceOrWithAnd,
    break_continue.ReplaceBreakWithContinue,
    break_continue.ReplaceContinueWithBreak,
    number_replacer.NumberReplacer,
    remove_decorator.RemoveDecorator,
    zero_iteration_for_loop.ZeroIterationForLoop,
)
