"""Every text of the console exists in every language, with the same places for what is filled in."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import serving.console.catalogues as catalogues
from serving.console.catalogues import LOCALES, SOURCE, catalogue, preferred
from serving.console.words import Words

FOLDER = Path(catalogues.__file__).parent
KEYWORDS = {"_": None, "words": None, "msgid": None, "plural": (1, 2)}
OTHERS = [locale for locale in LOCALES if locale != SOURCE]
FORMS = {"ru": 3}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def files() -> Iterator[Path]:
    for locale in OTHERS:
        yield from sorted((FOLDER / "locale" / locale).glob("*.po"))


def pairs() -> dict[str, str | None]:
    """The singular texts, with their plural where they have one."""
    found: dict[str, str | None] = {}
    for methods in ([("**.py", "python")], [("templates/**.html", "jinja2.ext:babel_extract")]):
        for _, _, text, *_ in extract_from_dir(str(FOLDER), methods, {"**": {"silent": "false"}}, KEYWORDS):
            one, many = (text, None) if isinstance(text, str) else text[:2]
            found[one] = many
    return found


@pytest.mark.parametrize("locale", OTHERS)
def test_every_text_is_translated_with_the_same_places(locale: str) -> None:
    assert len(pairs()) > 100
    known, missing, wrong = catalogue(locale), [], []
    for one, many in pairs().items():
        forms = known.get(one)
        if forms is None or not all(forms):
            missing.append(one)
        elif any(places(form) != places(many or one) for form in forms) or len(forms) != (FORMS[locale] if many else 1):
            wrong.append(one)
    assert not missing, "\n".join(missing)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", list(files()), ids=lambda path: path.stem)
def test_a_file_of_translations_holds_nothing_that_no_page_says(path: Path) -> None:
    said = pairs()
    with path.open("rb") as file:
        told = [message.id if isinstance(message.id, str) else message.id[0] for message in read_po(file) if message.id]
    assert not set(told) - set(said)
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("n", "told"), [(1, "1 сообщение"), (2, "2 сообщения"), (5, "5 сообщений"), (21, "21 сообщение")]
)
def test_a_count_takes_the_form_of_its_language(n: int, told: str) -> None:
    assert Words("ru").plural("{n} message", "{n} messages", n) == told
    assert Words("en").plural("{n} message", "{n} messages", 1) == "1 message"


def test_a_sentence_that_ends_with_a_day_has_one_full_stop() -> None:
    told = Words("ru")("The next day of shopping is probably {day}.", day=Words("ru").day(date(2018, 1, 3)))
    assert told.endswith("2018\u202fг.")
    assert not told.endswith("..")


def test_what_is_not_known_is_no_zero() -> None:
    words = Words("en")
    for shown in (
        words.number(None),
        words.percent(float("nan")),
        words.money(None, "EUR"),
        words.day(None),
        words.moment(None),
    ):
        assert shown == "–"


@pytest.mark.parametrize("told", ["", ";;;", "ru;q=x", "*", "a" * 5_000, "ru;q=0"])
def test_whatever_a_browser_sends_some_language_is_spoken(told: str) -> None:
    assert preferred(told) in LOCALES


def test_no_text_is_said_where_nobody_finds_it() -> None:
    for path in FOLDER.glob("*.py"):
        assert not re.search(r"words_of\([^)]*\)\(|\.words\(f\"|words\(f\"", path.read_text()), path.name


def test_two_sentences_do_not_stick_together() -> None:
    """A line break behind a block is trimmed, so what follows it brings a blank of its own."""
    for path in sorted((FOLDER / "templates").rglob("*.html")):
        stuck = r"\) \}\}\{% endif %\}\n\{% if [^%]*%\}\{\{ (_|plural)\("
        assert not re.search(stuck, path.read_text()), path.name


def test_no_template_styles_or_runs_anything_in_the_page() -> None:
    for path in sorted((FOLDER / "templates").rglob("*.html")):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", text), path.name
        assert not re.search(r"(src|href|action)=[\"']?(https?:)?//", text), path.name
        assert "|safe" not in text, path.name
