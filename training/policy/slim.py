"""Decisions without what stands in arrays beside them, and what many of them say kept once: a million have to fit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from features.decisions import Decided, Option
from features.log import Record

Once = dict[Any, Any]
"""Values by themselves, each as it was first seen."""

_REPEATED = ("decision_point", "trigger_type", "arm", "mode", "policy", "policy_version", "terms")
_LABELS = ("channel", "delay", "hour", "weekday", "argument", "incentive")
_NOTHING: dict[str, float] = {}


def slim_decided(decided: Decided, once: Once) -> Decided:
    """Without options and context."""
    return msgspec.structs.replace(decided, options=(), context=_NOTHING, **_shared(decided, _REPEATED, once))


def slim_option(option: Option, once: Once) -> Option:
    """The same option; its labels are those of others."""
    return msgspec.structs.replace(option, **_shared(option, _LABELS, once))


def slim_record(record: Record, decided: Decided, option: Option) -> Record:
    """With the one option that was chosen: all that is asked of a record once its options are arrays."""
    payload = msgspec.json.encode(msgspec.structs.replace(decided, options=(option,), chosen=0))
    return replace(record, payload=payload.decode())


def _shared(one: msgspec.Struct, names: Sequence[str], once: Once) -> dict[str, Any]:
    return {name: once.setdefault(value, value) for name in names if (value := getattr(one, name)) is not None}
