"""README and docs are true: what they name exists, and what exists is named."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from unittest.mock import Mock

import pytest
import typer.main

from benchmarks.decisions import table
from benchmarks.entrants import CHAMPION
from features.definitions import LOG_POSITION, PROVENANCE, RESTOCK_FEATURES
from models.policies.family import RECIPES as POLICIES
from models.recommenders.family import RECIPES
from models.time_to_event.family import RECIPES as TIME_TO_EVENT
from models.time_to_event.forecast import Status
from models.time_to_event.missing import Missing
from pipelines.__main__ import app as verbs_app
from pipelines.settings import Settings as PipelineSettings
from serving.app import create_app
from serving.decisions.bank import Mode
from serving.metrics import Gauges, counting
from serving.problems import KINDS
from serving.projection import Projection
from serving.readiness import Dependency
from serving.settings import Settings as ServingSettings
from training.policy.rewards import LEFT_OUT

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(page for folder in ("docs", "benchmarks", "deploy", "tests") for page in (ROOT / folder).rglob("*.md")),
]
TEXT = {page.relative_to(ROOT).as_posix(): page.read_text() for page in PAGES}
EVERYTHING = "\n".join(TEXT.values())


def _verbs(command: Any, path: str = "") -> Iterator[str]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path
    else:
        for name, child in children.items():
            yield from _verbs(child, f"{path} {name}".strip())


VERBS = set(_verbs(typer.main.get_command(verbs_app)))
assert len(VERBS) >= 10


def test_every_verb_that_is_named_exists_and_every_verb_is_named() -> None:
    named = re.findall(r"python -m pipelines ((?:[a-z]+(?:-[a-z]+)* ?)+)", EVERYTHING)
    for words in named:
        assert any(words.strip() == verb or words.startswith(f"{verb} ") for verb in VERBS), words
    for verb in VERBS:
        assert f"python -m pipelines {verb}" in EVERYTHING, f"no page names the verb {verb!r}"


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"`make ([a-z]+)", EVERYTHING):
        assert target in targets, target


def test_every_setting_is_documented_and_no_other() -> None:
    fields = {f"KAIROS_{name.upper()}" for cls in (PipelineSettings, ServingSettings) for name in cls.model_fields}
    assert set(re.findall(r"KAIROS_[A-Z_]+", EVERYTHING)) == fields


def test_the_settings_of_both_floors_agree() -> None:
    shared = PipelineSettings.model_fields.keys() & ServingSettings.model_fields.keys()
    assert len(shared) >= 4
    for name in shared:
        assert PipelineSettings.model_fields[name].default == ServingSettings.model_fields[name].default, name


def test_every_endpoint_is_documented_and_no_other() -> None:
    paths = create_app().openapi()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    table = TEXT["docs/http.md"]
    documented = {
        f"{method} {path}"
        for methods, path in re.findall(r"^\| ((?:[A-Z]+(?:, )?)+) \| `(/[^`]*)`", table, re.MULTILINE)
        for method in methods.split(", ")
    }
    assert documented - {"GET /v1/openapi.json"} == served


def test_every_error_code_is_documented_with_its_status() -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", TEXT["docs/http.md"], re.MULTILINE)
    assert {code: int(status) for status, code in rows} == {code: kind.status for code, kind in KINDS.items()}


def test_every_metric_is_on_the_page_about_operating_and_no_other() -> None:
    with counting(None) as metrics:
        clock = datetime.now
        metrics.show(Gauges((), lambda: None, lambda: None, (), clock).measures())
        metrics.show(Projection(Mock(), Mock(), metrics, clock).measures())
        shown = {
            metric.name + ("_total" if metric.type == "counter" else "") for metric in map(_family, metrics.measures())
        }
    page = TEXT["docs/operating.md"]
    assert set(re.findall(r"^\| `(kairos_\w+)` \|", page, re.MULTILINE)) == shown
    samples = {name + ending for name in shown for ending in ("", "_bucket", "_sum", "_count")}
    assert set(re.findall(r"\bkairos_\w+", page)) <= samples
    for name in get_args(Dependency.model_fields["name"].annotation):
        assert f"| `{name}` |" in page, name


def _family(measure: Any) -> Any:
    return measure.family({})


def test_every_recommender_is_in_the_readme_tables_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z0-9_]+)` \|", TEXT["README.md"], re.MULTILINE)
    assert sorted(rows) == sorted(RECIPES)


def test_every_time_to_event_model_and_every_restock_feature_is_in_the_page_about_restocking() -> None:
    tables = "\n".join(re.findall(r"^\| (`[^|]*) \|", TEXT["docs/restock.md"], re.MULTILINE))
    named = set(re.findall(r"`(\w+)`", tables))
    features = {field.name for field in RESTOCK_FEATURES} - {LOG_POSITION.name, *(field.name for field in PROVENANCE)}
    states = {*get_args(Status), *get_args(Missing)} - {""}
    for wanted in (set(TIME_TO_EVENT), features, states):
        assert wanted <= named, wanted - named


def test_every_policy_mode_refusal_and_reason_is_in_the_page_about_policies() -> None:
    named = set(re.findall(r"`(\w+)`", TEXT["docs/policies.md"]))
    gate = (ROOT / "training/policy/gate.py").read_text()
    refusals = set(re.findall(r'Refusal\("(\w+)"', gate))
    assert len(refusals) >= 9
    for wanted in (set(POLICIES), set(get_args(Mode)), set(LEFT_OUT), refusals):
        assert wanted <= named, wanted - named


def test_the_figures_in_the_readme_are_the_measured_ones() -> None:
    claims = json.loads((ROOT / "benchmarks/results/recommenders.json").read_text())
    measured = {
        claim["measure"]: {**claim["baselines"], CHAMPION: claim["ours"]}
        for claim in claims
        if claim["part"] == "recommenders"
    }
    columns = [f"{measure}, {task}" for task in ("repeats allowed", "new only") for measure in ("recall@10", "ndcg@10")]
    number = r"\*{0,2}(0\.\d{4})\*{0,2}"
    section = TEXT["README.md"].split("## The recommenders, measured")[1].split("## ")[0]
    rows = re.findall(r"^\| `?([^`|]+?)`? \| [^|]* \| " + r" \| ".join([number] * 4) + r" \|$", section, re.M)
    assert len(rows) == len(measured[columns[0]])
    for name, *figures in rows:
        for column, figure in zip(columns, figures, strict=True):
            assert figure == f"{measured[column][name]:.4f}", (name, column)


def test_the_figures_of_restocking_in_the_readme_are_the_measured_ones() -> None:
    claims = json.loads((ROOT / "benchmarks/results/replenishment.json").read_text())
    columns = ("rmae", "concordance", "auc 14", "skill 14", "ece 14")
    of_groups = list(reversed([claim for claim in claims if claim["part"] == "timing"]))
    measured = {claim["measure"]: claim for claim in of_groups if claim["measure"] in columns}
    section = TEXT["README.md"].split("## Restocking, measured")[1].split("## ")[0]
    ours = re.search(r"^\| `hazard`.*\| " + r" \| ".join([r"\*\*([\d.]+)\*\*"] * 5) + r" \|$", section, re.M)
    assert ours is not None
    for column, figure in zip(columns, ours.groups(), strict=True):
        assert figure == f"{measured[column]['ours']:.{2 if column == 'rmae' else 4}f}", column
    rows = {"BG/NBD": "BG/NBD", "Weibull": "Weibull", "log-normal": "log-normal"}
    for name, baseline in rows.items():
        told = re.search(rf"^\| {re.escape(name)} \| ([\d.]+) \|", section, re.M)
        assert told is not None
        assert told[1] == f"{measured['rmae']['baselines'][baseline]:.2f}", name


def test_the_table_of_decisions_is_the_measured_one() -> None:
    section = TEXT["benchmarks/README.md"].split("<!-- decisions -->")[1].split("<!-- end of decisions -->")[0]
    assert section.strip() == table()


@pytest.mark.parametrize("page", PAGES, ids=list(TEXT))
def test_every_link_and_every_path_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), target
    for path in re.findall(r"`((?:pipelines|training|serving|models|features|tests|benchmarks|docs)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
