"""Mandates, IAC: their form, what they say, and their verification (SPEC.md 4.2, 8.1)."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from . import dids, keys, sdjwt, terms
from .refusal import Refused, first, require
from .text import Number, canonical, digest, no_null
from .values import check_id, decimals_of, time_parse

MEMBERS = {"delegation_id", "intent_id", "conversation_history", "delegator_identity",
           "agent_id", "delegation_mode", "validity_start_time", "validity_end_time",
           "max_total_amount", "currency", "allowed_payment_methods",
           "user_confirmation_method", "user_confirmation_timestamp", "source_isr_digest",
           "ext"}
REQUIRED = {"delegation_id", "delegator_identity", "agent_id", "validity_start_time",
            "validity_end_time", "max_total_amount"}
CLAIMS = {"iss", "sub", "aud", "jti", "iat", "nbf", "exp", "cnf"}
SHORT_LIFE = 900
SKEW = 60
MOST_ENTRIES = 4_194_304


@dataclass
class Boundaries:
    """What a payload says, with what is not understood and what was withheld."""

    payload: dict
    start: int = 0
    end: int = 0
    total: Any = None
    most: Any = None
    least: Any = None
    unknown: bool = False
    withheld: set = field(default_factory=set)
    partial: set = field(default_factory=set)  # allow-lists with digests left

    @property
    def currency(self):
        if "currency" in self.withheld:
            return None
        return self.payload.get("currency", "CNY")

    @property
    def mode(self):
        if "delegation_mode" in self.withheld:
            return None
        return self.payload.get("delegation_mode", "SPECIFIED")

    def member(self, path):
        """A member by its path in the manifest, or None."""
        value = self.payload
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value


def read_payload(payload, withheld=(), partial=()):
    """The payload of a mandate by its rules."""
    require(isinstance(payload, dict), "field_invalid")
    known = {name: member for name, member in payload.items() if name in MEMBERS}
    bounds = Boundaries(known, withheld=set(withheld), partial=set(partial))
    bounds.unknown = len(known) != len(payload)
    ext = known.get("ext", {})
    require(isinstance(ext, dict), "field_invalid")
    known["ext"] = spaces = {}
    for name, space in ext.items():
        if name == "vendor_private":
            spaces[name] = space
        elif name not in terms.NAMESPACES:
            bounds.unknown = True
        else:
            require(isinstance(space, dict), "field_invalid")
            spaces[name] = {n: m for n, m in space.items() if n in terms.NAMESPACES[name]}
            bounds.unknown |= len(spaces[name]) != len(space)
    no_null(known)
    require(REQUIRED - bounds.withheld <= set(known), "field_missing")
    require("intent_id" in known or "conversation_history" in known, "field_missing")
    terms.check_members(known, REQUIRED)
    if "conversation_history" in known:
        terms.check_conversation(known["conversation_history"])
    bounds.start, bounds.end = terms.check_window(known)
    if "currency" in known:
        decimals_of(terms.text(known["currency"]))
    bounds.total, bounds.most, bounds.least = terms.check_amounts(known, bounds.currency)
    terms.check_namespaces(spaces)
    return bounds


@dataclass
class Mandate:
    """A mandate that has its form; nothing of it is verified."""

    token: keys.Token
    claims: dict
    bounds: Boundaries
    holder: keys.PublicKey
    status: Any  # (uri, index) or None
    unknown: bool
    presentation: Any = None  # of an SD-JWT: what key binding covers


def read(text):
    """A mandate in one of its two forms."""
    require(type(text) is str, "field_invalid")
    return _read_sd(text) if "~" in text else _read_vc(text)


def _read_vc(text):
    token = keys.read_token(text, "vc+jwt")
    claims = token.claims
    require(CLAIMS | {"vc"} <= set(claims), "field_missing")
    vc = claims["vc"]
    require(isinstance(vc, dict), "field_invalid")
    require({"type", "credentialSubject"} <= set(vc), "field_missing")
    no_null(vc["type"])
    check_type(vc["type"], "ACTIntentAuthorization")
    if "control_proof_ref" in vc:
        control_proof(vc["control_proof_ref"])
    bounds = read_payload(vc["credentialSubject"])
    unknown = not set(claims) <= CLAIMS | {"vc", "status"} or not set(vc) <= {
        "type", "credentialSubject", "control_proof_ref"}
    return _finish(token, claims, bounds, unknown)


def _read_sd(text):
    shown = sdjwt.read(text)
    claims = shown.claims
    require(CLAIMS | {"vct", "authorization", "constraints"} <= set(claims), "field_missing")
    require(type(claims["vct"]) is str, "field_invalid")
    require(claims["vct"] == "urn:act:vct:intent-authorization", "type_mismatch")
    if "control_proof_ref" in claims:
        control_proof(claims["control_proof_ref"])
    withheld, strange = sdjwt.withheld(shown)
    payload = claims["authorization"]
    require(isinstance(payload, dict) and "intent_id" in payload, "field_missing")
    bounds = read_payload(payload, withheld, shown.partial)
    unknown = strange or not set(claims) <= CLAIMS | {
        "vct", "authorization", "constraints", "status", "control_proof_ref"}
    mandate = _finish(shown.token, claims, bounds, unknown)
    mandate.presentation = shown
    return mandate


def check_type(value, name):
    require(isinstance(value, list) and all(type(one) is str for one in value), "field_invalid")
    require(value == ["VerifiableCredential", name], "type_mismatch")


def control_proof(value):
    terms.printable(value, 1024)


def numeric_date(value, least=0):
    return terms.integer(value, least, terms.LAST_SECOND)


def _finish(token, claims, bounds, unknown):
    for name in ("iss", "sub", "aud"):
        dids.parse_did(terms.text(claims[name], required=True))
    check_id(terms.text(claims["jti"], required=True))
    issued = numeric_date(claims["iat"])
    starts, ends = numeric_date(claims["nbf"]), numeric_date(claims["exp"])
    require(issued < ends, "field_invalid")
    holder = read_holder(claims["cnf"])
    status, strange = read_status(claims)
    payload = bounds.payload
    twins = [(claims["sub"], payload["agent_id"]), (claims["jti"], payload["delegation_id"]),
             (starts, bounds.start), (ends, bounds.end)]
    require(all(one == other for one, other in twins), "claims_conflict")
    require(dids.parse_key_id(token.key_id)[0] == claims["iss"], "claims_conflict")
    require(not claims["iss"].startswith("did:key:"), "key_purpose")
    if status is None:
        require(ends - min(issued, starts) <= SHORT_LIFE, "status_unavailable")
    return Mandate(token, claims, bounds, holder, status,
                   unknown or strange or bounds.unknown)


def read_holder(cnf):
    no_null(cnf)
    require(isinstance(cnf, dict), "field_invalid")
    require("jwk" in cnf, "field_missing")
    require(len(cnf) == 1, "field_unknown")
    require(isinstance(cnf["jwk"], dict), "field_invalid")
    return keys.read_jwk(cnf["jwk"])


def read_status(claims):
    """Gives ((uri, index) or None, whether a member is not understood)."""
    if "status" not in claims:
        return None, False
    status = claims["status"]
    require(isinstance(status, dict), "field_invalid")
    require("status_list" in status, "field_missing")
    entry = status["status_list"]
    no_null(entry)
    require(isinstance(entry, dict), "field_invalid")
    require({"idx", "uri"} <= set(entry), "field_missing")
    require(len(entry) == 2, "field_unknown")
    index = terms.integer(entry["idx"], most=MOST_ENTRIES - 1)
    return (status_uri(entry["uri"]), index), len(status) != 1


def status_uri(uri):
    terms.text(uri, required=True)
    require(re.fullmatch(r"(?:[\x21-\x24\x26-\x7e]|%[0-9A-Fa-f]{2})+", uri), "field_invalid")
    require(len(uri) <= 1024, "field_invalid")
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        raise Refused("field_invalid") from None
    require(uri.startswith("https://") and host and "@" not in parts.netloc
            and "#" not in uri, "field_invalid")
    return uri


@dataclass
class World:
    """What a verifier has besides the mandate."""

    documents: dids.Documents
    statuses: Any
    network: dict
    issuers: list
    now: int

    def trusts(self, issuer, delegator):
        return any(pair["issuer"] == issuer and pair["delegator"] == delegator
                   for pair in self.issuers)


def verify(text, agent, audience, world, presented=None):
    """Everything but what may be bought. Gives the mandate or refuses."""
    mandate = read(text)
    if presented is None:
        require(mandate.presentation is None or mandate.presentation.binding is None,
                "field_invalid")
    else:
        require(mandate.presentation is not None, "type_mismatch")
        require(mandate.presentation.binding is not None, "field_missing")
    claims, token, bounds = mandate.claims, mandate.token, mandate.bounds
    delegator = bounds.payload.get("delegator_identity", "")
    require(world.trusts(claims["iss"], delegator), "issuer_untrusted")
    codes = []

    def judge(check, code):
        if not check:
            codes.append(code)

    try:
        key = world.documents.find(token.key_id, "issue-authorization", int(claims["iat"]))
        token.verify(key)
        judge(key.thumbprint != mandate.holder.thumbprint, "key_purpose")
    except Refused as refused:
        codes.append(refused.code)
    judge(claims["sub"] == agent, "agent_mismatch")
    judge(claims["aud"] == audience, "audience_mismatch")
    if presented is not None:
        try:
            sdjwt.verify_binding(mandate.presentation, mandate.holder, presented, world.now)
        except Refused as refused:
            codes.append(refused.code)
    codes += window_codes(bounds, world.now)
    judge(int(claims["iat"]) <= world.now + SKEW, "mandate_not_yet_valid")
    judge(not mandate.unknown, "constraint_unknown")
    if not codes or set(codes) == {"constraint_unknown"}:
        codes += _status_codes(mandate, world)
    if codes:
        raise Refused(first(codes))
    return mandate


def window_codes(bounds, now):
    if now < bounds.start:
        return ["mandate_not_yet_valid"]
    return ["mandate_expired"] if now >= bounds.end else []


def _status_codes(mandate, world):
    if mandate.status is None:
        return []
    uri, index = mandate.status
    try:
        state = world.statuses.state(uri, index, mandate.claims["iss"], world.network, world.now)
    except Refused as refused:
        return [refused.code]
    return {"Active": [], "Revoked": ["mandate_revoked"],
            "Suspended": ["mandate_suspended"]}[state]


def payload_digest(mandate):
    return digest(mandate.token.payload)
