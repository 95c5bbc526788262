"""A shop without anything but decisions: no catalogue, no features, and a policy where a test publishes one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from features.decisions import Decided
from models.evidence import Evidence, Snapshot
from models.policies.base import Policy
from models.policies.uniform import Uniform
from models.published import Version
from models.registry import Registry
from serving.decisions.arms import drawn_arm
from serving.decisions.bank import Groups
from tests.serving.world import NOW, Shop, running
from tests.waiting import until

POINT = "cart_recovery"
MODEL = "cart-policy"
TRIGGERED = NOW - timedelta(hours=2)


def prepared(folder: Path, empty_mlflow: Path) -> Path:
    """The folder of a shop with nothing in it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(empty_mlflow, folder / "mlflow.db")
    return folder


def registry(folder: Path) -> Registry:
    return Registry(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"))


def publish(folder: Path, recipe: Policy | None = None, name: str = MODEL, alias: str = "champion") -> Version:
    """A policy that learned nothing, as the champion or the canary."""
    recipe = recipe or Uniform()
    snapshot = Snapshot("a test", "0", NOW - timedelta(days=1), NOW, 0, 0, 0)
    version = registry(folder).publish(name, recipe, recipe.fit(), (), Evidence({}, {}, snapshot))
    if alias == "canary":
        return registry(folder).admit(version, "a test", "it is to be tried", NOW)
    return registry(folder).promote(version, "a test", "it is the newest", NOW)


def live(shop: Shop, number: str = "1", alias: str = "champion", name: str = MODEL) -> None:
    """Wait until a version answers."""
    policies = shop.resources.policies

    def answers() -> bool:
        found = policies.champion(name) if alias == "champion" else policies.canary(name)
        return found is not None and found.version.number == number

    until(answers, f"{name} {number} is live")


def bank(folder: Path, text: str) -> Path:
    """A file that changes the action bank, whole at every moment: an empty one would be the default."""
    path = folder / "bank.toml"
    made = folder / "bank.made"
    made.write_text(text)
    return made.replace(path)


@contextmanager
def deciding(folder: Path, **settings: Any) -> Iterator[Shop]:
    """The application over `folder`; it has looked for policies once."""
    with running(folder, ready=False, **settings) as shop:
        until(lambda: shop.resources.policies.looked, "policies were looked for")
        yield shop


def request(user_id: str = "u1", trigger: str = "cart-1", **more: Any) -> dict[str, Any]:
    """One question about an abandoned cart."""
    return {
        "decision_point": POINT,
        "subject": {"user_id": user_id},
        "trigger": {"id": trigger, "type": "cart_abandoned", "at": TRIGGERED.isoformat()},
        "context": {"cart_value": "40.00", "currency": "EUR", "timezone": "Europe/Berlin"},
        **more,
    }


def ask(shop: Shop, user_id: str = "u1", trigger: str = "cart-1", **more: Any) -> Any:
    """One answer; the body of a 200."""
    response = shop.client.post("/v1/decisions", json=request(user_id, trigger, **more))
    assert response.status_code == 200, response.text
    return response.json()


def logged(shop: Shop, decision_id: str) -> Decided:
    """What the log holds of a decision."""
    record = shop.resources.decisions.log.find(decision_id)
    assert record is not None
    return msgspec.json.decode(record.payload, type=Decided)


def check(shop: Shop, decision_id: str, **more: Any) -> Any:
    """Whether it may still be sent; the body of a 200."""
    response = shop.client.post("/v1/decisions/check", json={"decision_id": decision_id, **more})
    assert response.status_code == 200, response.text
    return response.json()


def of_arm(arm: str, prefix: str = "customer") -> Iterator[str]:
    """Customers whom the default groups put into an arm."""

    for number in count():
        if drawn_arm(f"{prefix}-{number}", Groups()) == arm:
            yield f"{prefix}-{number}"


def moment(text: str) -> datetime:
    """A time of an answer."""
    return datetime.fromisoformat(text)
