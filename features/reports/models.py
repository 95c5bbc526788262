"""The report `models`: every registered model, its versions, how each was judged, and who made which live."""

from dataclasses import dataclass
from datetime import datetime

from features.reports.finding import Finding


@dataclass(frozen=True)
class ModelVersion:
    """One version. `gate` and `gate_words` are the verdict on it; `metrics` what its training measured.

    `gate_findings` are the same as codes with their figures, for whoever says them in another language; empty of
    versions from before there were codes.

    `promotable` says that the gate passed it and it is not live; whether it may become so is decided when asked, as
    the champion may have changed since. `promoted_*` and `rolled_back_*` are None where that never happened.
    `promoted_findings` are what its trial found, as codes, where that is why; empty where a person said why.
    """

    number: str
    aliases: tuple[str, ...]
    created_at: datetime
    gate: str | None
    gate_words: str | None
    gate_findings: tuple[Finding, ...]
    metrics: dict[str, float]
    run_id: str
    link: str | None
    promotable: bool
    promoted_by: str | None
    promoted_why: str | None
    promoted_findings: tuple[Finding, ...]
    promoted_at: datetime | None
    rolled_back_by: str | None
    rolled_back_why: str | None
    rolled_back_at: datetime | None


@dataclass(frozen=True)
class RegisteredModel:
    """One model: which version is live, and its latest versions, the newest first.

    `previous` is where a rollback leads; None where the champion replaced nothing.
    """

    name: str
    family: str | None
    champion: str | None
    previous: str | None
    versions: tuple[ModelVersion, ...]
    versions_in_all: int


@dataclass(frozen=True)
class Models:
    """All of them."""

    as_of: datetime
    computed_at: datetime
    models: tuple[RegisteredModel, ...]
