"""The Helm chart, rendered by Helm's own library and held against the schema of Kubernetes."""

from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

CHART = Path(__file__).parents[2] / "deploy/helm/kairos"
KUBERNETES = "1.31"
VALUES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "one replica": {"autoscaling": {"enabled": False}, "replicas": 1, "data": {"existingClaim": "mine"}},
    "object store": {
        "settings": {"AWS_ENDPOINT_URL_S3": "https://minio:9000", "TMPDIR": "/data", "NUMBA_CACHE_DIR": "/data/numba"},
        "network": {"to": [{"ports": [5432, 6379, 9000]}]},
        "jobs": {"schedules": {"due": {"schedule": "0 7 * * *", "verbs": ["restock due --out s3://shop/due.parquet"]}}},
    },
    "watched": {"monitoring": {"enabled": True}, "network": {"from": [{"namespaceSelector": {}}], "to": []}},
}
OTHERS = {"ServiceMonitor"}


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    files = helm_python.Chart.load(str(CHART)).render(values, name="shop", namespace="shops")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


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
    claims = {one["metadata"]["name"] for one in documents if one["kind"] == "PersistentVolumeClaim"} | {"mine"}
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


@pytest.mark.parametrize(
    "wrong", [{"replicas": 0}, {"image": {"repository": ""}}, {"settings": {"PATH": "/"}}, {"typo": 1}]
)
def test_values_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmError):
        helm_python.Chart.load(str(CHART)).render(wrong, name="shop")
