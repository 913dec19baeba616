"""Strict JSON, canonical form, digests and base64url (SPEC.md 1.1 to 1.4)."""

import base64
import binascii
import hashlib
import json
import re
from decimal import Decimal

from .refusal import Refused, Unsupported, require

MAX_BYTES = 65_536
MAX_DEPTH = 32


class Number(str):
    """A JSON number by its literal: no value is lost, and 3 is not 3.0."""

    @property
    def value(self):
        return Decimal(str(self))


def parse(data, limit=MAX_BYTES, depth=MAX_DEPTH):
    """Reads one JSON text. Objects become dict, numbers Number; null is kept."""
    if isinstance(data, str):
        data = _utf8(data)
    require(len(data) <= limit, "too_large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("malformed") from None
    _check_depth(text, depth)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_int=_number,
                           parse_float=_number, parse_constant=_no_number)
    except ValueError:
        raise Refused("malformed") from None
    _check_strings(value)
    return value


def parse_object(data, **limits):
    value = parse(data, **limits)
    require(isinstance(value, dict), "field_invalid")
    return value


def parse_number(literal):
    """A literal by itself; what is no number is field_invalid."""
    require(re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", literal, re.ASCII),
            "field_invalid")
    try:
        return _number(literal)
    except Refused:
        raise Refused("field_invalid") from None


def _utf8(text):
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("malformed") from None


def _check_depth(text, most):
    """Counts brackets outside of strings; the text may still be malformed."""
    depth = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', text, re.DOTALL):
        mark = token[0]
        if mark in "[{":
            depth += 1
            require(depth <= most, "too_large")
        elif mark in "]}":
            depth -= 1


def _unique(pairs):
    members = dict(pairs)
    require(len(members) == len(pairs), "malformed")
    return members


def _number(literal):
    require(len(literal) <= 100, "malformed")
    try:
        double = float(literal)
    except (OverflowError, ValueError):
        raise Refused("malformed") from None
    if double in (float("inf"), float("-inf")):
        raise Refused("malformed")
    require(Decimal(_shortest(double)) == Decimal(literal), "malformed")
    return Number(literal)


def _no_number(_):
    raise Refused("malformed")  # NaN, Infinity


def _check_strings(value):
    if isinstance(value, dict):
        for name, member in value.items():
            _utf8(name)
            _check_strings(member)
    elif isinstance(value, list):
        for element in value:
            _check_strings(element)
    elif isinstance(value, str):
        _utf8(value)


def _shortest(double):
    """A double as ECMAScript writes it (RFC 8785, 3.2.2.3)."""
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    mantissa, _, exponent = ("%r" % abs(double)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = point - 1
    tail = "." + digits[1:] if count > 1 else ""
    return "%s%s%se%s%d" % (sign, digits[0], tail, "+" if power > 0 else "-", abs(power))


def canonical(value):
    """RFC 8785, as bytes. Takes what parse gives, and int for numbers of ours."""
    return _canonical(value).encode("utf-8")


def _canonical(value):
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(_string(n) + ":" + _canonical(value[n]) for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, Number):
        return _shortest(float(value))
    if isinstance(value, str):
        return _string(value)
    return json.dumps(value)


def _string(text):
    # json.dumps escapes as RFC 8785 wants, but also DEL with ensure_ascii.
    return json.dumps(text, ensure_ascii=False)


def digest(data):
    return "sha-256:" + encode64(hashlib.sha256(data).digest())


def check_digest(text):
    """A digest is compared as a string and never decoded."""
    require(isinstance(text, str), "field_invalid")
    if text.startswith("sm3:"):
        raise Refused("algorithm_refused")  # 8.6: without the suite
    require(re.fullmatch(r"sha-256:[A-Za-z0-9_-]{43}", text), "field_invalid")
    return text


def encode64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode64(text, code="malformed"):
    """Strict: no padding, no other characters, unused bits zero."""
    require(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]*", text), code)
    require(len(text) % 4 != 1, code)
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise Refused(code) from None
    require(encode64(data) == text, code)
    return data


def no_null(value):
    """Null is field_invalid wherever it stands (1.1)."""
    if isinstance(value, dict):
        for member in value.values():
            no_null(member)
    elif isinstance(value, list):
        for element in value:
            no_null(element)
    else:
        require(value is not None, "field_invalid")


def plain(value):
    """A value as json.dumps takes it: literals become numbers."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, Number):
        return int(value) if re.fullmatch(r"-?[0-9]+", value) else float(value)
    return value


def unsupported(what):
    raise Unsupported(what)
