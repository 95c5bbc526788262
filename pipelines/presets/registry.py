"""The presets by the name that a person gives on the command line; a new one is a line here."""

from pipelines.presets import complete_journey, online_retail, rees46
from pipelines.presets.base import Preset

PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (complete_journey.PRESET, online_retail.PRESET, rees46.PRESET)
}


def preset_of(name: str) -> Preset:
    """The preset called `name`; ValueError with the names that there are.

    >>> preset_of("rees46").name
    'rees46'
    """
    if name not in PRESETS:
        raise ValueError(f"no preset is called {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]
