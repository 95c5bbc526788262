"""What is deployed: checked by the tools of its format where there are, and held to settings and verbs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
import yaml

from pipelines.__main__ import app
from pipelines.settings import Settings as VerbSettings
from serving.settings import Settings as ServiceSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = Path(sys.executable).parent
SETTINGS = {f"KAIROS_{name.upper()}" for each in (VerbSettings, ServiceSettings) for name in each.model_fields}


def assert_passes(*line: object) -> None:
    done = subprocess.run([str(part) for part in line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files_with_settings() -> list[Path]:
    return [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".json"]


def test_the_image_is_built_by_the_rules() -> None:
    assert_passes(TOOLS / "hadolint", DEPLOY / "Dockerfile")


def test_what_the_image_copies_is_there_and_is_all_that_the_service_imports() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())
    assert {"features", "models", "training", "serving", "pipelines"} <= set(copied)


def test_the_image_takes_several_packages_more_each_of_the_version_that_is_tested() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    (line,) = re.findall(r"&& /opt/kairos/bin/pip (install .+ -r requirements.+)$", dockerfile, re.MULTILINE)
    told = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\n' {line}"],
        env={"EXTRA": "boto3 ray"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split("\n")[-4:] == ["requirements-dev.lock", "boto3", "ray", ""]
    (named,) = re.findall(r'--build-arg EXTRA="(.+?)"', dockerfile)
    tested = (ROOT / "requirements-dev.lock").read_text()
    assert all(f"\n{package}==" in tested for package in named.split())


def test_what_sends_spans_is_in_the_image_as_the_chart_offers_its_settings() -> None:
    assert "\nopentelemetry-exporter-otlp-proto-http==" in (ROOT / "requirements.lock").read_text()


def test_compose_reads_its_file_and_every_file_that_it_names_is_there() -> None:
    path = DEPLOY / "docker-compose.yml"
    assert_passes(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)
    services = yaml.safe_load(path.read_text())["services"]
    assert {profile for one in services.values() for profile in one["profiles"]} == {"quick", "full", "jobs"}
    named = {name for one in services.values() for name in one.get("env_file", [])}
    mounted = {volume.split(":")[0] for one in services.values() for volume in one.get("volumes", [])}
    assert all((DEPLOY / name).exists() for name in named)
    waits = {name: one.get("depends_on", {}) for name, one in services.items()}
    full = [name for name, one in services.items() if "production.env" in one.get("env_file", []) and name != "migrate"]
    assert len(full) >= 3
    assert all(waits[name]["migrate"]["condition"] == "service_completed_successfully" for name in full)
    assert all((DEPLOY / name).is_dir() for name in mounted if name.startswith("./"))


def test_a_volume_of_ours_is_mounted_where_the_user_of_the_image_may_write() -> None:
    (made,) = re.findall(r"install -d -o kairos (.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    services = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"]
    ours = [one for one in services.values() if one["image"].startswith("kairos:")]
    assert {volume.split(":")[1] for one in ours for volume in one["volumes"]} == set(made.split())


@pytest.mark.parametrize("path", files_with_settings(), ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_setting_that_is_named_exists(path: Path) -> None:
    assert set(re.findall(r"\bKAIROS_[A-Z_]+", path.read_text())) <= SETTINGS


def test_every_verb_that_is_run_exists() -> None:
    values = yaml.safe_load((DEPLOY / "helm/kairos/values.yaml").read_text())
    told = [verb for job in values["jobs"]["schedules"].values() for verb in job["verbs"]]
    compose = (DEPLOY / "docker-compose.yml").read_text()
    told += re.findall(r"^\s+python -m pipelines --scheduled (.+) \|\| failed=1$", compose, re.MULTILINE)
    assert len(told) > len(values["jobs"]["schedules"])
    command = typer.main.get_command(app)
    for line in told:
        known, rest = command, line.split()
        while getattr(known, "commands", None):
            assert rest[0] in known.commands, line  # type: ignore[attr-defined]
            known = known.commands[rest.pop(0)]  # type: ignore[attr-defined]
        options = {name for parameter in known.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} <= options, line
