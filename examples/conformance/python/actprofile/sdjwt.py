"""Mandates as SD-JWT VC, of which parts are shown (SPEC.md 8.1; RFC 9901)."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from . import keys
from .refusal import require
from .terms import LAST_SECOND, integer
from .text import (MAX_BYTES, MAX_DEPTH, decode64, encode64, no_null, parse)

MOST_DISCLOSURES = 256
MANIFEST = (
    "allowed_payment_methods", "currency", "delegation_mode", "delegator_identity",
    "ext.agent_behavior.max_retry_count", "ext.agent_behavior.on_payment_failure",
    "ext.agent_behavior.price_deviation_action",
    "ext.agent_behavior.price_deviation_tolerance",
    "ext.commerce.allowed_categories", "ext.commerce.allowed_merchants",
    "ext.commerce.forbidden_categories", "ext.commerce.forbidden_merchants",
    "ext.commerce.max_single_amount", "ext.commerce.min_single_amount",
    "ext.fulfillment.delivery_time_requirement", "max_total_amount")
ALLOW_LISTS = ("allowed_payment_methods", "ext.commerce.allowed_categories",
               "ext.commerce.allowed_merchants")
# Where members may be hidden, as paths from the top of the claims.
HIDING = ("", "authorization", "authorization.ext", "authorization.ext.commerce",
          "authorization.ext.agent_behavior", "authorization.ext.fulfillment")
VISIBLE = {
    "": {"iss", "sub", "aud", "jti", "iat", "nbf", "exp", "cnf", "status", "vct",
         "authorization", "constraints"},
    "authorization": {"delegation_id", "intent_id", "agent_id", "validity_start_time",
                      "validity_end_time", "ext"},
    "authorization.ext": {"commerce", "agent_behavior", "fulfillment"},
}


@dataclass
class Shown:
    """An SD-JWT, taken apart and put together again."""

    token: keys.Token
    claims: dict
    covered: bytes  # what sd_hash is of
    binding: Any = None
    partial: set = field(default_factory=set)
    hidden: set = field(default_factory=set)  # objects with digests left


class _Disclosures:
    def __init__(self, texts):
        self.by_digest = {}
        for text in texts:
            name = encode64(hashlib.sha256(text.encode("ascii")).digest())
            require(name not in self.by_digest, "malformed")
            self.by_digest[name] = _disclosure(text)
        self.used = set()
        self.seen = set()

    def take(self, digest):
        """The disclosure of a digest, or None when it is withheld or a decoy."""
        require(type(digest) is str and re.fullmatch(r"[A-Za-z0-9_-]{43}", digest), "malformed")
        decode64(digest)
        require(digest not in self.seen, "malformed")
        self.seen.add(digest)
        if digest in self.by_digest:
            self.used.add(digest)
        return self.by_digest.get(digest)


def _disclosure(text):
    parts = parse(decode64(text))
    require(isinstance(parts, list) and len(parts) in (2, 3), "malformed")
    require(type(parts[0]) is str and re.fullmatch(r"[A-Za-z0-9_-]{22,}", parts[0]), "malformed")
    if len(parts) == 3:
        require(type(parts[1]) is str, "malformed")
        require(parts[1] not in ("_sd", "...", "_sd_alg"), "malformed")
    return parts


def read(text):
    require(text.isascii(), "malformed")
    require(len(text) <= MAX_BYTES, "too_large")
    jwt, *disclosures, binding = text.split("~")
    require(len(disclosures) <= MOST_DISCLOSURES, "too_large")
    token = keys.read_token(jwt, "dc+sd-jwt")
    algorithm = token.claims.pop("_sd_alg", "sha-256")
    require(type(algorithm) is str, "malformed")
    require(algorithm == "sha-256", "algorithm_refused")
    known = _Disclosures(disclosures)
    shown = Shown(token, {}, (jwt + "~" + "".join(d + "~" for d in disclosures)).encode("ascii"))
    places = set()
    shown.claims = _object(token.claims, "", known, shown, places)
    require(known.used == set(known.by_digest), "malformed")
    require(_depth(shown.claims) <= MAX_DEPTH, "too_large")
    require(not places, "field_invalid")
    if binding:
        shown.binding = binding
    return shown


def _object(value, path, known, shown, wrong):
    plain = {}
    for name, member in value.items():
        require(name not in ("...", "_sd_alg"), "malformed")
        if name != "_sd":
            plain[name] = _value(member, _join(path, name), known, shown, wrong)
    if "_sd" not in value:
        return plain
    require(isinstance(value["_sd"], list), "malformed")
    if path not in HIDING:
        wrong.add(path)
    for digest in value["_sd"]:
        parts = known.take(digest)
        if parts is None:
            shown.hidden.add(path)
            continue
        require(len(parts) == 3 and parts[1] not in plain, "malformed")
        if parts[1] in VISIBLE.get(path, ()):
            wrong.add(_join(path, parts[1]))
        plain[parts[1]] = _value(parts[2], _join(path, parts[1]), known, shown, wrong)
    return plain


def _join(path, name):
    return path + "." + name if path else name


def _value(value, path, known, shown, wrong):
    if isinstance(value, dict):
        return _object(value, path, known, shown, wrong)
    if not isinstance(value, list):
        return value
    plain = []
    for element in value:
        if not (isinstance(element, dict) and "..." in element):
            plain.append(_value(element, path + "[]", known, shown, wrong))
            continue
        require(len(element) == 1, "malformed")
        place = path[len("authorization."):] if path.startswith("authorization.") else None
        if place not in ALLOW_LISTS:
            wrong.add(path)
        parts = known.take(element["..."])
        if parts is None:
            shown.partial.add(place)
            continue
        require(len(parts) == 2, "malformed")
        plain.append(_value(parts[1], path + "[]", known, shown, wrong))
    return plain


def _depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def withheld(shown):
    """Judges the manifest. Gives (paths withheld, whether a name is not known).

    A list of which no entry is shown counts as withheld, and is taken out.
    """
    manifest = shown.claims["constraints"]
    no_null(manifest)
    require(isinstance(manifest, list) and manifest, "field_invalid")
    require(all(type(path) is str for path in manifest), "field_invalid")
    require(manifest == sorted(set(manifest), key=lambda p: p.encode("utf-8")), "field_invalid")
    require({"delegator_identity", "max_total_amount"} <= set(manifest), "field_missing")
    payload = shown.claims["authorization"]
    require(isinstance(payload, dict), "field_invalid")
    missing = set()
    for path in MANIFEST:
        *way, name = path.split(".")
        holder = payload
        for step in way:
            holder = holder.get(step, {}) if isinstance(holder, dict) else {}
        require(isinstance(holder, dict), "field_invalid")
        if name in holder and path not in manifest:
            require(False, "claims_conflict")
        if name in holder and path in shown.partial and holder[name] == []:
            del holder[name]
            missing.add(path)
        elif path in manifest and name not in holder:
            missing.add(path)
    return missing, not set(manifest) <= set(MANIFEST)


def verify_binding(shown, holder, presented, now):
    """The key binding of a presentation, by the key of cnf."""
    token = keys.read_token(shown.binding, "kb+jwt", with_key_id=False)
    claims = token.claims
    no_null(claims)
    names = {"aud", "iat", "nonce", "sd_hash"}
    require(names <= set(claims), "field_missing")
    require(set(claims) == names, "field_unknown")
    for name in ("aud", "nonce", "sd_hash"):
        require(type(claims[name]) is str, "field_invalid")
    issued = integer(claims["iat"], most=LAST_SECOND)
    token.verify(holder)
    require(claims["sd_hash"] == encode64(hashlib.sha256(shown.covered).digest()),
            "signature_invalid")
    require(claims["aud"] == presented["audience"], "audience_mismatch")
    require(claims["nonce"] == presented["nonce"], "claims_conflict")
    require(now - 300 <= issued <= now + 60, "request_expired")
