"""What a PromQL expression reads: metrics, with the labels that it expects of each."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import promql_parser
from promql_parser import AggregateExpr, Expr, VectorSelector

SCRAPED = frozenset({"job", "instance"})  # Prometheus adds these
RATE_INTERVAL = "$__rate_interval"  # a variable of Grafana


def labels_by_metric(text: str) -> Mapping[str, set[str]]:
    """Raises ValueError for an expression that is none."""
    found: defaultdict[str, set[str]] = defaultdict(set)

    def visit(expr: Expr) -> None:
        if isinstance(expr, VectorSelector):
            matchers = expr.matchers.matchers
            found[expr.name or ""] |= {matcher.name for matcher in matchers}
        elif isinstance(expr, AggregateExpr) and expr.modifier is not None:
            for selector in _selectors(expr):
                found[selector.name or ""] |= set(expr.modifier.labels)

    promql_parser.walk(promql_parser.parse(text.replace(RATE_INTERVAL, "5m")), visit)
    return {metric: labels - SCRAPED for metric, labels in found.items()}


def _selectors(expr: Expr) -> Iterator[VectorSelector]:
    found: list[VectorSelector] = []

    def visit(inner: Expr) -> None:
        if isinstance(inner, VectorSelector):
            found.append(inner)

    promql_parser.walk(expr, visit)
    yield from found
