"""The groups of the demo's customers: enough of each that the console has all of them to compare."""

from pathlib import Path

from pipelines.demo_history import lived
from pipelines.settings import Settings

BANK = Path("var/demo-bank.toml")
"""`make serve` uses it where the demo has left it, as the groups that were drawn go on."""

_TEXT = """\
# The groups of the demo, instead of the careful shares of the default: the console compares all of them.
[groups]
baseline = 0.1
holdout = 0.1
"""


def with_groups(settings: Settings, bank: Path = BANK) -> Settings:
    """The settings with the action bank of the demo; as they are where somebody named a bank of their own, or where an
    earlier demo drew other groups."""
    if settings.action_bank is not None or (not bank.exists() and lived(settings)):
        return settings
    bank.parent.mkdir(parents=True, exist_ok=True)
    bank.write_text(_TEXT)
    return settings.model_copy(update={"action_bank": bank})
