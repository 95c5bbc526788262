"""What a page says, in the language of whoever reads it: texts, numbers, money, days."""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeGuard

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone
from babel.numbers import format_currency, format_decimal, format_percent

from serving.console.catalogues import catalogue

UNKNOWN = "–"
"""What stands where a number is not known, so that nobody reads 0."""

_FORMS = {"one": 0, "few": 1, "many": 2, "other": 2}
"""Gettext's order of the forms of Russian, by the names that Unicode gives them."""

Number = float | int | Decimal


def msgid(text: str) -> str:
    """Marks a text that is translated where it is shown, for whoever collects what there is to translate."""
    return text


@dataclass(frozen=True)
class Words:
    """The words of one request. Moments are shown in `timezone`, by default UTC.

    >>> words = Words("ru")
    >>> words.percent(0.041, 1), words.number(1234567), words.number(None)
    ('4,1\\xa0%', '1\\xa0234\\xa0567', '–')
    """

    locale: str
    timezone: str = "UTC"

    def __call__(self, text: str, **values: object) -> str:
        """The text in this language, with `values` in its {places}. A sentence that ends with a Russian day has one
        full stop: "к 3 янв. 2018 г."
        """
        forms = catalogue(self.locale).get(text)
        return _one_stop((forms[0] if forms else text).format(**values))

    def plural(self, one: str, many: str, n: int, **values: object) -> str:
        """One of two English texts, or of the forms of this language, for a count; `{n}` is the count as a number."""
        forms = catalogue(self.locale).get(one)
        chosen = one if n == 1 else many
        if forms is not None:
            chosen = forms[_FORMS[Locale(self.locale).plural_form(n)]]
        return _one_stop(chosen.format(n=self.number(n), **values))

    def number(self, x: Number | None, digits: int = 0) -> str:
        """A number with so many digits after the point."""
        if not _known(x):
            return UNKNOWN
        return format_decimal(x, format=_pattern(digits), locale=self.locale)

    def percent(self, x: Number | None, digits: int = 0) -> str:
        """A share, 0.04 for 4 %."""
        if not _known(x):
            return UNKNOWN
        pattern = _pattern(digits) + ("\xa0%" if self.locale == "ru" else "%")
        return format_percent(x, format=pattern, locale=self.locale)

    def money(self, x: Number | None, currency: str | None, digits: int = 2) -> str:
        """An amount in a currency (ISO 4217); without one, a plain number."""
        if not _known(x):
            return UNKNOWN
        if not currency:
            return self.number(x, digits)
        pattern = f"{_pattern(digits)}\xa0¤" if self.locale == "ru" else f"¤{_pattern(digits)}"
        return format_currency(x, currency, format=pattern, locale=self.locale, currency_digits=False)

    def day(self, at: date | datetime | None) -> str:
        """A day with its year."""
        if at is None:
            return UNKNOWN
        if isinstance(at, datetime):
            at = at.astimezone(get_timezone(self.timezone))
        return format_date(at, "medium", locale=self.locale)

    def moment(self, at: datetime | None) -> str:
        """A day with its time, and with the zone where that is not the shop's own."""
        if at is None:
            return UNKNOWN
        told = format_datetime(at, "medium", tzinfo=get_timezone(self.timezone), locale=self.locale)
        return f"{told} UTC" if self.timezone == "UTC" else told


def _one_stop(sentence: str) -> str:
    """Of the two that a sentence has that ends with a Russian day; neither an ellipsis nor a blank-less "г" is one."""
    return re.sub(r"(?<=\sг)\.\.(?!\.)", ".", sentence)


def _known(x: Number | None) -> TypeGuard[Number]:
    return x is not None and math.isfinite(x)


def _pattern(digits: int) -> str:
    return "#,##0" + ("." + "0" * digits if digits else "")
