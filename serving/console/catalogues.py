"""The translations of the console: gettext catalogues as text, one file a page, read once."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from babel.messages.pofile import read_po

SOURCE = "en"
LOCALES = ("en", "ru")
_FOLDER = Path(__file__).parent / "locale"

Catalogue = Mapping[str, tuple[str, ...]]
"""By the English text: the translation, or its plural forms in gettext's order."""


@cache
def catalogue(locale: str) -> Catalogue:
    """Every translation into `locale`; none into English, which is what the pages are written in.

    Raises ValueError where two files translate the same text differently: one of them would never be seen.
    """
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((_FOLDER / locale).glob("*.po")):
        with path.open("rb") as file:
            messages = read_po(file, locale=locale, abort_invalid=True)
        for message in messages:
            if not message.id or not message.string or message.fuzzy:
                continue
            text = message.id if isinstance(message.id, str) else message.id[0]
            forms = (message.string,) if isinstance(message.string, str) else tuple(message.string)
            if found.setdefault(text, forms) != forms:
                raise ValueError(f"{path} translates {text!r} otherwise than another file; say it once")
    return MappingProxyType(found)


def preferred(accepted: str) -> str:
    """The language that a browser asks for, of those that there are.

    >>> preferred("ru-RU,ru;q=0.9,en;q=0.8"), preferred("de"), preferred("en;q=0.1,ru;q=0.2")
    ('ru', 'en', 'ru')
    """
    best, weight = SOURCE, 0.0
    for part in accepted[:500].split(","):
        tag, _, quality = part.strip().partition(";q=")
        locale = tag.split("-")[0].strip().lower()
        try:
            wanted = float(quality) if quality else 1.0
        except ValueError:
            continue
        if locale in LOCALES and wanted > weight:
            best, weight = locale, wanted
    return best
