"""The Helm chart, rendered by Helm's own library and held against the schema of Kubernetes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import typer.main
import yaml

from pipelines.__main__ import app
from pipelines.settings import Settings as VerbSettings
from serving.settings import Settings as ServiceSettings

CHART = Path(__file__).parents[2] / "deploy/helm/kairos"
KUBERNETES = "1.31"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
SETTINGS = {f"KAIROS_{name.upper()}" for each in (VerbSettings, ServiceSettings) for name in each.model_fields}
VALUES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "one replica": {"autoscaling": {"enabled": False}, "replicas": 1, "data": {"existingClaim": "mine"}},
    "object store": {
        "settings": {"AWS_ENDPOINT_URL_S3": "https://minio:9000", "TMPDIR": "/data", "NUMBA_CACHE_DIR": "/data/numba"},
        "network": {"to": [{"ports": [5432, 6379, 9000]}]},
        "jobs": {"schedules": {"due": {"schedule": "0 7 * * *", "verbs": ["restock due --out s3://shop/due.parquet"]}}},
    },
    "odd names": {
        "secretName": "123",
        "settings": {"KAIROS_HISTORY": "/data/elsewhere", "KAIROS_MLFLOW_ARTIFACTS": "s3://shop/models"},
        "data": {"existingClaim": "2024", "storageClass": "1"},
        "journal": {"storageClass": "1", "size": "512Mi"},
        "network": {"to": [{"ports": [5432], "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
        "disruption": {"maxUnavailable": "25%"},
        "jobs": {"schedules": {"due": {"schedule": "@daily", "verbs": ["restock due --out /data/due.csv"]}}},
    },
    "watched": {
        "monitoring": {"enabled": True, "namespace": "watching"},
        "network": {"from": [{"namespaceSelector": {}}], "to": []},
    },
}
OTHERS = {"ServiceMonitor"}


class Once(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error, as it is for Kubernetes; PyYAML takes the last one."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        assert len(names) == len(set(names)), f"twice: {names}"
        return super().construct_mapping(node, deep)


def rendered(values: dict[str, Any], release: str = "shop") -> list[dict[str, Any]]:
    files = helm_python.Chart.load(str(CHART)).render(values, name=release, namespace="shops")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [document for text in texts for document in yaml.load_all(text, Once) if document]


def pods(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    specs = {"StatefulSet": lambda d: d["spec"], "CronJob": lambda d: d["spec"]["jobTemplate"]["spec"]}
    return [specs[one["kind"]](one)["template"]["spec"] for one in documents if one["kind"] in specs]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("name", VALUES)
def test_what_helm_makes_is_what_kubernetes_takes(name: str) -> None:
    documents = rendered(VALUES[name])
    for document in documents:
        if document["kind"] not in OTHERS:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
    names = [(one["kind"], one["metadata"]["name"]) for one in documents]
    assert len(names) == len(set(names))


def test_helm_finds_nothing_to_say() -> None:
    report = helm_python.lint(str(CHART), strict=True)
    assert not [one for one in report.get("messages", []) if "icon is recommended" not in str(one)], report


def test_it_scales_survives_runs_jobs_and_is_closed_to_others() -> None:
    kinds = {one["kind"] for one in rendered({})}
    wanted = {"StatefulSet", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "CronJob", "NetworkPolicy"}
    assert wanted <= kinds


@pytest.mark.parametrize("name", VALUES)
def test_nothing_runs_as_root_or_writes_into_its_image(name: str) -> None:
    for pod in pods(rendered(VALUES[name])):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in containers(pod):
            allowed = container["securityContext"]
            assert allowed["readOnlyRootFilesystem"] is True
            assert allowed["allowPrivilegeEscalation"] is False
            assert allowed["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", VALUES)
def test_whatever_is_mounted_or_asked_for_is_there(name: str) -> None:
    documents = rendered(VALUES[name])
    claims = {one["metadata"]["name"] for one in documents if one["kind"] == "PersistentVolumeClaim"} | {"mine", "2024"}
    maps = {one["metadata"]["name"] for one in documents if one["kind"] == "ConfigMap"}
    (stateful,) = [one for one in documents if one["kind"] == "StatefulSet"]
    templates = {one["metadata"]["name"] for one in stateful["spec"]["volumeClaimTemplates"]}
    for pod in pods(documents):
        volumes = {one["name"] for one in pod["volumes"]} | templates
        assert {
            one["persistentVolumeClaim"]["claimName"]
            for one in pod["volumes"]
            if len(one) == 2 and "persistentVolumeClaim" in one
        } <= claims
        for container in containers(pod):
            assert {one["name"] for one in container["volumeMounts"]} <= volumes
            assert {one["configMapRef"]["name"] for one in container["envFrom"]} <= maps


def test_a_new_version_migrates_before_it_serves() -> None:
    (stateful,) = [one["spec"]["template"]["spec"] for one in rendered({}) if one["kind"] == "StatefulSet"]
    (first,), (service,) = stateful["initContainers"], stateful["containers"]
    assert first["args"] == ["migrate"]
    assert not {"startupProbe", "livenessProbe"} & set(first)
    told = {one["name"]: one["valueFrom"] for one in service["env"] if "valueFrom" in one}
    assert {one["name"]: one["valueFrom"] for one in first["env"]} == told
    assert (first["image"], first["envFrom"]) == (service["image"], service["envFrom"])


def test_keys_of_an_object_store_come_from_the_secret_where_it_has_them() -> None:
    for pod in pods(rendered({})):
        for container in containers(pod):
            keys = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one}
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                assert keys[name] == {"name": "kairos", "key": name, "optional": True}


def test_what_scales_the_service_does_not_count_its_jobs() -> None:
    documents = rendered({})
    (stateful,) = [one["spec"] for one in documents if one["kind"] == "StatefulSet"]
    jobs = [one["spec"]["jobTemplate"]["spec"]["template"] for one in documents if one["kind"] == "CronJob"]
    assert jobs
    selected = stateful["selector"]["matchLabels"].items()
    assert selected <= stateful["template"]["metadata"]["labels"].items()
    assert not any(selected <= job["metadata"]["labels"].items() for job in jobs)


@pytest.mark.parametrize("release", ["a" * 53, "true"])
def test_any_name_of_a_release_makes_names_that_kubernetes_takes(release: str) -> None:
    documents = rendered({}, release)
    for document in documents:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    assert max(len(one["metadata"]["name"]) for one in documents if one["kind"] == "CronJob") <= 52


def test_what_the_service_may_ask_are_the_ports_that_were_named_and_those_of_dns() -> None:
    (policy,) = [one["spec"] for one in rendered(VALUES["odd names"]) if one["kind"] == "NetworkPolicy"]
    dns, database = policy["egress"]
    assert {one["port"] for one in dns["ports"]} == {53}
    assert database == {
        "ports": [{"port": 5432, "protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
    }


@pytest.mark.parametrize(
    ("namespace", "where"), [("watching", {"matchLabels": {"kubernetes.io/metadata.name": "watching"}}), ("", {})]
)
def test_who_scrapes_the_service_may_ask_it_from_another_namespace(namespace: str, where: dict[str, Any]) -> None:
    documents = rendered({"monitoring": {"enabled": True, "namespace": namespace}})
    (policy,) = [one["spec"] for one in documents if one["kind"] == "NetworkPolicy"]
    ours, prometheus = policy["ingress"]
    assert ours["from"] == [{"podSelector": {}}]
    (peer,) = prometheus["from"]
    assert peer == {
        "namespaceSelector": where,
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
    }
    (alone,) = [one["spec"] for one in rendered({}) if one["kind"] == "NetworkPolicy"]
    assert len(alone["ingress"]) == 1


def test_a_job_that_hangs_ends_before_its_next_run_but_for_what_learns() -> None:
    changed = {"jobs": {"schedules": {"due": {"deadline": 600}}}}
    jobs = {one["metadata"]["name"]: one["spec"] for one in rendered(changed) if one["kind"] == "CronJob"}
    deadlines = {name: one["jobTemplate"]["spec"]["activeDeadlineSeconds"] for name, one in jobs.items()}
    assert deadlines.pop("shop-due") == 600
    assert deadlines.pop("shop-learn") <= 3600
    assert all(0 < seconds <= 86_400 for seconds in deadlines.values())
    assert deadlines["shop-nightly"] < 86_400


def test_replicas_are_taken_away_one_at_a_time_and_their_journals_stay() -> None:
    documents = rendered({})
    (scaling,) = [one["spec"]["behavior"] for one in documents if one["kind"] == "HorizontalPodAutoscaler"]
    assert scaling["scaleDown"]["stabilizationWindowSeconds"] >= 600
    assert [one["value"] for one in scaling["scaleDown"]["policies"]] == [1]
    (stateful,) = [one["spec"] for one in documents if one["kind"] == "StatefulSet"]
    assert stateful.get("persistentVolumeClaimRetentionPolicy", {}).get("whenScaled", "Retain") == "Retain"


def test_a_place_that_is_set_comes_before_that_of_the_chart() -> None:
    (told,) = [one["data"] for one in rendered(VALUES["odd names"]) if one["kind"] == "ConfigMap"]
    assert told["KAIROS_HISTORY"] == "/data/elsewhere"
    assert told["KAIROS_MLFLOW_ARTIFACTS"] == "s3://shop/models"
    assert told["KAIROS_FEATURE_DATA"] == "/data/features"


def test_settings_are_all_that_neither_chart_nor_secret_fixes() -> None:
    (stateful,) = [one["spec"]["template"]["spec"] for one in rendered({}) if one["kind"] == "StatefulSet"]
    fixed = {one["name"] for one in stateful["containers"][0]["env"]}
    by_chart_or_image = {"KAIROS_PRIVACY_KEY", "KAIROS_HOST", "KAIROS_PORT", "KAIROS_RUN_FOLDER"}
    (*_, named) = SCHEMA["properties"]["settings"]["propertyNames"]["anyOf"]
    assert set(named["enum"]) == SETTINGS - fixed - by_chart_or_image - {"KAIROS_ENGINE"}


def test_verbs_of_jobs_are_those_that_there_are() -> None:
    def verbs(command: Any) -> Iterator[str]:
        for name, each in command.commands.items():
            yield from [f"{name} {rest}" for rest in verbs(each)] if getattr(each, "commands", None) else [name]

    patterns = [one["pattern"] for one in SCHEMA["$defs"]["verb"]["anyOf"]]
    parts = [re.fullmatch(r"\^([a-z]+ )?\(([a-z|-]+)\)\( \.\+\)\?\$", pattern) for pattern in patterns]
    told = {(one[1] or "") + word for one in parts if one for word in one[2].split("|")}
    assert told == set(verbs(typer.main.get_command(app)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"replicas": 0},
        {"image": {"repository": ""}},
        {"settings": {"PATH": "/"}},
        {"typo": 1},
        {"settings": {"KAIROS_WORKRES": "2"}},
        {"settings": {"KAIROS_PORT": "4000"}},
        {"settings": {"KAIROS_WORKERS": "2"}},
        {"settings": {"KAIROS_DATABASE_URL": "sqlite://"}},
        {"settings": {"KAIROS_ENGINE": "ray:6379"}},
        {"settings": {"AWS_SECRET_ACCESS_KEY": "for all to read"}},
        {"network": {"to": [{"port": 5432}]}},
        {"network": {"to": [{"ports": []}]}},
        {"network": {"from": ["10.0.0.0/8"]}},
        {"jobs": {"schedules": {"learn": {"schedule": "0 5 * * *", "verbs": ["lern"]}}}},
        {"jobs": {"schedules": {"learn": {"deadline": 0}}}},
        {"jobs": {"schedules": {"learn": {"schedule": "hourly", "verbs": ["learn"]}}}},
        {"jobs": {"schedules": {"a-name-of-twenty-ones": {"schedule": "0 5 * * *", "verbs": ["learn"]}}}},
        {"autoscaling": {"minReplicas": 4, "maxReplicas": 2}},
        {"data": {"size": "fifty"}},
        {"journal": {"size": "1 Gi"}},
        {"disruption": {"maxUnavailable": "one"}},
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmError):
        helm_python.Chart.load(str(CHART)).render(wrong, name="shop")
