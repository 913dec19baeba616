"""Agent identity credentials, possession and bindings (SPEC.md 9.1)."""

import re

from . import dids, keys, mandates, terms
from .refusal import require
from .text import digest, no_null
from .values import check_id

SKEW = 60
AGE = 300
SHORT_LIFE = 900
SUBJECT = {"agent_id", "provider", "agent_type", "principal", "capabilities"}


def closed(value, required, optional=()):
    require(isinstance(value, dict), "field_invalid")
    no_null(value)
    require(set(required) <= set(value), "field_missing")
    require(set(value) <= set(required) | set(optional), "field_unknown")
    return value


def did(value):
    dids.parse_did(terms.text(value, required=True))
    return value


def date(value):
    return mandates.numeric_date(value, least=1)


def issued_by(token, claims):
    require(dids.parse_key_id(token.key_id)[0] == claims["iss"], "claims_conflict")
    require(not claims["iss"].startswith("did:key:"), "key_purpose")


class Credential:
    """A credential that has its form."""

    def __init__(self, text):
        self.token = keys.read_token(text, "act-identity+jwt")
        claims = closed(self.token.claims, ("iss", "sub", "jti", "iat", "nbf", "exp", "cnf", "vc"),
                        ("status",))
        self.claims = claims
        did(claims["iss"]), did(claims["sub"])
        check_id(terms.text(claims["jti"], required=True))
        self.issued, self.start, self.end = (date(claims[n]) for n in ("iat", "nbf", "exp"))
        require(self.issued < self.end and self.start < self.end, "field_invalid")
        self.key = mandates.read_holder(claims["cnf"])
        self.status, strange = mandates.read_status(claims)
        require(not strange, "field_unknown")
        vc = closed(claims["vc"], ("type", "credentialSubject"))
        mandates.check_type(vc["type"], "ACTAgentIdentity")
        self.subject = _subject(vc["credentialSubject"])
        require(claims["sub"] == self.subject["agent_id"], "claims_conflict")
        issued_by(self.token, claims)
        if self.status is None:
            require(self.end - min(self.issued, self.start) <= SHORT_LIFE, "status_unavailable")


def _subject(value):
    subject = closed(value, ("agent_id", "provider", "agent_type"), ("principal", "capabilities"))
    did(subject["agent_id"]), did(subject["provider"])
    kind = terms.text(subject["agent_type"], required=True)
    require(kind in ("PLATFORM", "DEDICATED"), "field_invalid")
    if kind == "PLATFORM":
        require("principal" not in subject, "field_invalid")
    else:
        require("principal" in subject, "field_missing")
        principal = terms.text(subject["principal"], required=True)
        check_id(principal)
        require(not principal.startswith(("did:act:", "did:web:")), "field_invalid")
    if "capabilities" in subject:
        names = subject["capabilities"]
        terms.strings(names, check_id)
        require(len(names) <= 64, "too_large")
        require(len(set(names)) == len(names), "field_invalid")
    return subject


def verify(given, documents, statuses, now):
    """A credential together with an answer to a challenge."""
    credential = Credential(given["credential"])
    claims, subject = credential.claims, credential.subject
    require(_trusts(given["identities"], claims["iss"], subject["provider"]), "issuer_untrusted")
    key = documents.find(credential.token.key_id, "issue-identity", credential.issued)
    credential.token.verify(key)
    require(key.thumbprint != credential.key.thumbprint, "key_purpose")
    require(claims["sub"] == given["agent"], "agent_mismatch")
    _possession(given, credential, now)
    for name in given.get("capabilities", []):
        require(name in subject.get("capabilities", []), "policy_refused")
    require(credential.issued <= now + SKEW, "key_not_valid")
    require(credential.start <= now < credential.end, "key_not_valid")
    if credential.status:
        uri, index = credential.status
        state = statuses.state(uri, index, claims["iss"], given["status"], now)
        require(state == "Active", "key_not_valid")
    require(int(given.get("shown_before", 0)) == 0, "replayed")
    return credential


def _trusts(identities, issuer, provider):
    return any(pair["issuer"] == issuer and pair["provider"] == provider for pair in identities)


def _possession(given, credential, now):
    token = keys.read_token(given["possession"], "act-possession+jwt")
    claims = closed(token.claims, ("iss", "aud", "nonce", "iat", "credential_digest"))
    did(claims["iss"]), did(claims["aud"])
    require(type(claims["nonce"]) is str and re.fullmatch(r"[A-Za-z0-9_-]{22}", claims["nonce"]),
            "field_invalid")
    terms.known_hash(claims["credential_digest"])
    issued = date(claims["iat"])
    require(dids.parse_key_id(token.key_id)[0] == claims["iss"], "claims_conflict")
    require(claims["iss"] == given["agent"], "agent_mismatch")
    token.verify(credential.key)
    require(claims["credential_digest"] == digest(credential.token.payload), "agent_mismatch")
    require(claims["aud"] == given["verifier"], "audience_mismatch")
    require(now - AGE <= issued <= now + SKEW, "request_expired")
    require(claims["nonce"] == given["challenge"], "replayed")


def verify_binding(given, credential, documents, now):
    """A binding together with a credential that was verified."""
    token = keys.read_token(given["binding"], "act-principal-binding+jwt")
    claims = closed(token.claims,
                    ("iss", "sub", "aud", "jti", "iat", "exp", "principal", "cnf"))
    did(claims["iss"]), did(claims["sub"]), did(claims["aud"])
    check_id(terms.text(claims["jti"], required=True))
    check_id(terms.text(claims["principal"], required=True))
    issued, ends = date(claims["iat"]), date(claims["exp"])
    require(issued < ends <= issued + SHORT_LIFE, "field_invalid")
    thumbprint = closed(claims["cnf"], ("jkt",))["jkt"]
    require(type(thumbprint) is str and re.fullmatch(r"[A-Za-z0-9_-]{43}", thumbprint),
            "field_invalid")
    issued_by(token, claims)
    provider = credential.subject["provider"]
    require(claims["iss"] in (provider, credential.claims["iss"])
            and _trusts(given["identities"], claims["iss"], provider), "issuer_untrusted")
    key = documents.find(token.key_id, "issue-identity", issued)
    token.verify(key)
    require(key.thumbprint not in (credential.key.thumbprint, thumbprint), "key_purpose")
    require(credential.subject["agent_type"] == "PLATFORM"
            and claims["principal"] == given["principal"], "principal_mismatch")
    require(claims["sub"] == given["agent"]
            and thumbprint == credential.key.thumbprint, "agent_mismatch")
    require(claims["aud"] == given["audience"], "audience_mismatch")
    require(issued <= now + SKEW and now < ends, "request_expired")
    return claims


