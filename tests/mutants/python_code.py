"""The mutants of a Python file."""

from collections.abc import Callable
from functools import partial

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator

from tests.mutants.mutant import Mutant, mutant
from tests.mutants.operators import OPERATORS, is_idle


def mutants(file: str, text: str) -> list[Callable[[], Mutant]]:
    """Those of each operator at each place that a test could see, each made when it is asked for."""
    nodes = list(ast_nodes(get_ast(text)))
    found: list[Callable[[], Mutant]] = []
    for kind in OPERATORS:
        operator = kind()
        seen = [not is_idle(node) for node in nodes for _ in operator.mutation_positions(node)]
        found += [partial(_made, file, text, operator, n) for n, it in enumerate(seen) if it]
    return found


def _made(file: str, text: str, operator: Operator, occurrence: int) -> Mutant:
    return mutant(file, text, mutate_code(text, operator, occurrence))
