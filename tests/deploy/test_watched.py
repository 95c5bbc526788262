"""What is watched: every expression of alerts and dashboards parses, and asks for metrics that there are."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from promql_parser import BinaryExpr, Call, Expr, LabelModifierType, VectorSelector, parse, walk

from serving.metrics import Metrics
from tests.deploy.test_files import DEPLOY, ROOT, assert_passes
from tests.serving.world import Shop

OTHERS = {"up", "kube_job_failed", "kube_job_status_start_time"}
"""What Prometheus itself and kube-state-metrics tell."""


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def watched() -> list[str]:
    return [rule["expr"] for rule in alerts()]


def drawn() -> list[str]:
    panels = json.loads((DEPLOY / "grafana/dashboards/kairos.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def parts(expression: str) -> list[Expr]:
    """All nodes of the syntax tree, as Prometheus reads the expression; a ValueError where it would not."""
    found: list[Expr] = []
    walk(parse(expression), found.append)
    return found


def asked(*expressions: str) -> set[str | None]:
    return {part.name for one in expressions for part in parts(one) if isinstance(part, VectorSelector)}


def test_every_metric_that_is_drawn_or_watched_is_one_of_the_service(shop: Shop) -> None:
    families = list(text_string_to_metric_families(shop.resources.metrics.exposition().decode()))
    kinds = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    names = {family.name + suffix for family in families for suffix in kinds[family.type]}
    assert asked(*watched(), *drawn()) <= names | OTHERS
    shown = {name for name in names if name.startswith("kairos_") and not name.endswith(("_sum", "_count"))}
    assert shown <= asked(*drawn()), "the dashboard draws every metric"


def test_the_alerts_are_those_of_the_page() -> None:
    page = (ROOT / "docs/operating.md").read_text().replace("\\|", "|")
    table = page.partition("### Alerts worth having")[2].partition("\n## ")[0]
    rows = [row.split(" | ")[0].strip("| ") for row in table.splitlines() if row.startswith("| ")][1:]
    assert ["".join(word.capitalize() for word in row.split()) for row in rows] == [one["alert"] for one in alerts()]
    told = {*re.findall(r"\b\w+\b", table)}
    missing = [one["alert"] for one in alerts() if not asked(one["expr"]) - OTHERS <= told]
    assert not missing


def test_what_an_alert_sees_grow_is_shown_before_it_grows() -> None:
    shown = {
        (sample.name, *sample.labels.values())
        for family in text_string_to_metric_families(Metrics().exposition().decode())
        for sample in family.samples
    }
    calls = [part for one in watched() for part in parts(one) if isinstance(part, Call)]
    grow = [call.args[0].vector_selector for call in calls if call.func.name == "increase"]
    assert len(grow) == 3
    for selector in grow:
        values = [value for matcher in selector.matchers.matchers for value in matcher.value.split("|")]
        assert ({(selector.name, value) for value in values} or {(selector.name,)}) <= shown


def test_what_is_absent_is_told_only_where_nothing_else_is() -> None:
    either = [part for one in watched() for part in parts(one) if isinstance(part, BinaryExpr) and str(part.op) == "or"]
    absent = [part for part in either if isinstance(part.rhs, Call) and part.rhs.func.name == "absent"]
    assert len(absent) == 1
    for part in absent:  # what is absent has no labels, and beside an alert with some it would be a second one
        matching = part.modifier and part.modifier.matching
        assert matching
        assert (matching.type, matching.labels) == (LabelModifierType.Include, [])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool; it comes with Prometheus")
def test_the_alerts_tell_what_they_are_to_tell() -> None:
    assert_passes("promtool", "test", "rules", Path(__file__).with_name("alerts.yml"))
