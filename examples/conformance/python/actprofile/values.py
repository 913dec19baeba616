"""Amounts, times and identifiers (SPEC.md 1.5 to 1.7)."""

import re
from datetime import date

from .currencies import DECIMALS
from .refusal import Refused, require
from .text import Number

MOST_MINOR = 2**63 - 1
VISIBLE = re.compile(r"[\x21-\x7e]{1,256}")


def decimals_of(currency):
    require(isinstance(currency, str) and currency in DECIMALS, "field_invalid")
    return DECIMALS[currency]


def amount_from_text(amount, currency):
    """The decimal string of a message as minor units."""
    decimals = decimals_of(currency)
    require(type(amount) is str, "field_invalid")
    form = re.fullmatch(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", amount, re.ASCII)
    require(form and len(form[2] or "") <= decimals, "field_invalid")
    minor = int(form[1] + (form[2] or "").ljust(decimals, "0"))
    require(minor <= MOST_MINOR, "field_invalid")
    return minor


def amount_from_number(number, currency):
    """The JSON number of an intent or mandate, exactly, as minor units.

    Without a currency, which may be withheld, there are at most two decimals.
    """
    decimals = 2 if currency is None else decimals_of(currency)
    require(isinstance(number, Number), "field_invalid")
    value = number.value
    require(value.is_finite() and value >= 0 and abs(value.adjusted()) < 400, "field_invalid")
    require(value == 0 or -value.normalize().as_tuple().exponent <= min(2, decimals),
            "field_invalid")
    minor = int(value.scaleb(decimals))
    require(minor <= MOST_MINOR, "field_invalid")
    return minor


def amount_text(minor, currency):
    decimals = DECIMALS.get(currency, 2)
    digits = str(minor).rjust(decimals + 1, "0")
    return digits[:-decimals] + "." + digits[-decimals:] if decimals else digits


_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()


def time_parse(text, utc=False):
    """RFC 3339 as (seconds since 1970, nanoseconds)."""
    form = _TIME.fullmatch(text) if isinstance(text, str) else None
    require(form, "field_invalid")
    year, month, day, hour, minute, second = map(int, form.groups()[:6])
    require(hour < 24 and minute < 60 and second < 60, "field_invalid")
    if utc:
        require(form[7] is None and form[8] == "Z", "field_invalid")
    try:
        # date knows no year 0; leap years repeat after 400 years.
        days = date(year or 400, month, day).toordinal() - _EPOCH - (0 if year else 146_097)
    except ValueError:
        raise Refused("field_invalid") from None
    offset = 0
    if form[8] != "Z":
        hours, minutes = int(form[8][1:3]), int(form[8][4:6])
        require(hours < 24 and minutes < 60, "field_invalid")
        offset = (hours * 60 + minutes) * (60 if form[8][0] == "+" else -60)
    seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
    return seconds, int((form[7] or "").ljust(9, "0"))


def time_text(seconds):
    days, rest = divmod(seconds, 86_400)
    ordinal = days + _EPOCH
    shift = 0
    if ordinal < 1:
        ordinal, shift = ordinal + 146_097, 400
    day = date.fromordinal(ordinal)
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % (
        day.year - shift, day.month, day.day, rest // 3600, rest // 60 % 60, rest % 60)


def check_id(text):
    """The id of a request, order, trade, intent or delegation."""
    require(type(text) is str and VISIBLE.fullmatch(text), "field_invalid")
    return text
