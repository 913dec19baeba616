"""Records and anchors (SPEC.md 10.1 to 10.3)."""

import hashlib
import re

from . import dids, keys, terms
from .refusal import Refused, require
from .text import canonical, decode64, encode64, no_null, parse_object
from .values import check_id, time_parse

EVENTS = {  # event type: the links it needs beside intent_id
    "act:delegation:intent-created": (),
    "act:delegation:delegation-issued": ("delegation_id",),
    "act:delegation:delegation-suspended": ("delegation_id",),
    "act:delegation:delegation-resumed": ("delegation_id",),
    "act:delegation:delegation-revoked": ("delegation_id",),
    "act:delegation:delegation-expired": ("delegation_id",),
    "act:commerce:decision-logged": (),
    "act:commerce:cart-confirmed": ("merchant_order_id",),
    "act:payment:transaction-completed": ("merchant_order_id", "trade_no"),
    "act:commerce:fulfillment-completed": ("merchant_order_id", "trade_no"),
}
ROLES = {"PAYER_AGENT", "PAYEE_AGENT", "MERCHANT", "PSP", "PRINCIPAL_AGENT", "ISSUER",
         "ATTESTATION_PROVIDER"}
LINKS = ("intent_id", "delegation_id", "merchant_order_id", "trade_no")
MEMBERS = ("record_version", "record_id", "event_type", "event_time", "created_time", "links",
           "privacy", "participants", "event_body", "signatures")
ANCHOR = ("iss", "iat", "record_id", "record_version", "event_type", "event_time", "intent_id",
          "payload_hash", "hash_algorithm", "channel")
MOST_BODY = 16_384
DAY = 86_400


def closed(value, required, optional=()):
    require(isinstance(value, dict), "field_invalid")
    no_null(value)
    require(set(required) <= set(value), "field_missing")
    require(set(value) <= set(required) | set(optional), "field_unknown")
    return value


def text(value):
    return terms.text(value, required=True)


def second(value):
    return time_parse(text(value), utc=True)[0]


class Record:
    """A record that has its form and parts (10.1)."""

    def __init__(self, source):
        value = parse_object(source)
        no_null(value)
        require("record_version" in value, "field_missing")
        require(text(value["record_version"]) == "1.0", "field_invalid")
        self.value = closed(value, MEMBERS, ("ext",))
        self.id = text(value["record_id"])
        self.initiator = dids.parse_key_id(self.id)[0]
        self.event = text(value["event_type"])
        require(self.event in EVENTS, "field_invalid")
        self.time, self.created = second(value["event_time"]), second(value["created_time"])
        require(self.time <= self.created, "field_invalid")
        self.links = read_links(value["links"], self.event, self.id)
        self._privacy(value["privacy"])
        self.participants = read_participants(value["participants"], self.initiator)
        read_body(value["event_body"])
        if "ext" in value:
            read_body(value["ext"])
        self._signatures(value["signatures"])

    def _privacy(self, value):
        closed(value, ("salt", "payload_hash", "hash_algorithm"))
        self.salt = decode64(text(value["salt"]), "field_invalid")
        self.hash = text(value["payload_hash"])
        self.algorithm = text(value["hash_algorithm"])
        require(self.algorithm in ("SHA-256", "SM3"), "field_invalid")
        require(len(self.salt) == 32, "field_invalid")
        require(len(decode64(self.hash, "field_invalid")) == 32, "field_invalid")

    def _signatures(self, value):
        require(isinstance(value, list), "field_invalid")
        require(value, "field_missing")
        require(len(value) <= 16, "too_large")
        names = sorted((n for n in self.value if n != "signatures"),
                       key=lambda name: name.encode("utf-16-be"))
        self.signers = []
        for signature in value:
            closed(signature, ("signer_id", "signature_type", "covered_fields", "signature"))
            signer, _ = dids.parse_key_id(text(signature["signer_id"]))
            kind = text(signature["signature_type"])
            require(kind in ("ED25519", "ES256", "SM2"), "algorithm_refused")
            require(signature["covered_fields"] == names, "field_invalid")
            require(signer in self.participants, "claims_conflict")
            require(signer not in self.signers, "field_invalid")
            data = decode64(text(signature["signature"]), "field_invalid")
            require(len(data) == 64, "field_invalid")
            self.signers.append(signer)
        require(self.signers[0] == self.initiator, "claims_conflict")
        self.signatures = value

    def payload_hash(self):
        covered = {"event_body": self.value["event_body"],
                   "participants": self.value["participants"]}
        return encode64(hashlib.sha256(canonical(covered) + self.salt).digest())

    def signed_text(self, signature):
        rest = {name: member for name, member in self.value.items() if name != "signatures"}
        return b"act-go/1 attestation-record\n" + canonical({
            "covered_fields": signature["covered_fields"], "record": rest,
            "signature_type": signature["signature_type"], "signer_id": signature["signer_id"]})

    def anchor_members(self):
        members = {name: self.value[name] for name in
                   ("record_id", "record_version", "event_type", "event_time")}
        members.update((name, self.links[name]) for name in LINKS if name in self.links)
        return {**members, "payload_hash": self.hash, "hash_algorithm": self.algorithm}


def read_links(value, event, record_id=None):
    closed(value, ("intent_id",), LINKS[1:] + ("upstream",))
    for name in LINKS:
        if name in value:
            check_id(text(value[name]))
    require(set(EVENTS[event]) <= set(value), "field_missing")
    if "upstream" in value:
        terms.strings(value["upstream"], dids.parse_key_id)
        require(len(value["upstream"]) <= 16, "too_large")
        require(len(set(value["upstream"])) == len(value["upstream"])
                and record_id not in value["upstream"], "field_invalid")
    return value


def read_participants(value, initiator):
    require(isinstance(value, list), "field_invalid")
    require(value, "field_missing")
    require(len(value) <= 16, "too_large")
    names, roles = [], []
    for participant in value:
        closed(participant, ("id", "role"), ("represents",))
        dids.parse_did(text(participant["id"]))
        require(text(participant["role"]) in ROLES, "field_invalid")
        if "represents" in participant:
            check_id(text(participant["represents"]))
        names.append(participant["id"])
        roles.append(participant["role"])
    require(len(set(names)) == len(names) and len(set(roles)) == len(roles), "field_invalid")
    require(initiator in names, "claims_conflict")
    return names


def read_body(value):
    require(isinstance(value, dict), "field_invalid")
    require(len(canonical(value)) <= MOST_BODY, "too_large")


def channel_name(value):
    require(type(value) is str and re.fullmatch(r"[a-z0-9-]{1,64}", value), "field_invalid")


def read_anchor(token_text):
    """The form of an anchor (10.2)."""
    require(type(token_text) is str, "field_invalid")
    require(len(token_text) <= 4096, "too_large")
    token = keys.read_token(token_text, "act-anchor+jwt")
    claims = closed(token.claims, ANCHOR, LINKS[1:])
    dids.parse_did(text(claims["iss"]))
    terms.integer(claims["iat"])
    owner, _ = dids.parse_key_id(text(claims["record_id"]))
    require(text(claims["record_version"]) == "1.0", "field_invalid")
    require(text(claims["event_type"]) in EVENTS, "field_invalid")
    second(claims["event_time"])
    for name in LINKS:
        if name in claims:
            check_id(text(claims[name]))
    require(set(EVENTS[claims["event_type"]]) <= set(claims), "field_missing")
    require(len(decode64(text(claims["payload_hash"]), "field_invalid")) == 32, "field_invalid")
    require(text(claims["hash_algorithm"]) in ("SHA-256", "SM3"), "field_invalid")
    channel_name(text(claims["channel"]))
    signer = dids.parse_key_id(token.key_id)[0]
    require(claims["iss"] == owner == signer, "claims_conflict")
    return token


def verify_anchor(token_text, documents):
    token = read_anchor(token_text)
    token.verify(documents.find(token.key_id, "anchor", int(token.claims["iat"])))
    return token.claims


class Chain:
    """What a chain answers, and whether it answers at all."""

    def __init__(self, anchors, silent):
        self.anchors, self.silent = anchors, silent

    def find(self, channel, record_id):
        if self.silent:
            raise Refused("service_unavailable")
        for anchor in self.anchors:
            if anchor["channel"] == channel and anchor["record_id"] == record_id:
                return anchor
        return None


def conclude(record, channel, documents, chain, now):
    """One record by 10.3: (conclusion, signer or None)."""
    if record.algorithm != "SHA-256" or any(
            s["signature_type"] == "SM2" for s in record.signatures):
        raise Refused("algorithm_refused")
    found = []
    for signature in record.signatures:
        signer = dids.parse_key_id(signature["signer_id"])[0]
        try:
            found.append(documents.entry(signature["signer_id"], "attestation", record.time))
        except Refused:
            return "PUBLIC_KEY_UNAVAILABLE", signer
    if record.payload_hash() != record.hash:
        return "PAYLOAD_HASH_MISMATCH", None
    for signature, entry in zip(record.signatures, found):
        try:
            require(keys.SIGNATURE_TYPES[signature["signature_type"]] == entry.key.algorithm,
                    "algorithm_refused")
            entry.key.verify(decode64(signature["signature"]), record.signed_text(signature))
        except Refused:
            return "SIGNATURE_INVALID", dids.parse_key_id(signature["signer_id"])[0]
    return _anchored(record, channel, documents, chain, found, now)


def _anchored(record, channel, documents, chain, found, now):
    try:
        answer = chain.find(channel, record.id)
    except Refused:
        return "ANCHOR_QUERY_TIMEOUT", None
    if answer is None:
        return "ANCHOR_NOT_FOUND", None
    if not answer.get("place") or not answer.get("at"):
        return "ANCHOR_QUERY_TIMEOUT", None
    at = time_parse(answer["at"])[0]
    if at > now + 60:
        return "ANCHOR_QUERY_TIMEOUT", None
    try:
        token = read_anchor(answer["token"])
    except Refused:
        return "CHAIN_HASH_MISMATCH", None
    claims = dict(token.claims)
    issued = int(claims.pop("iat"))
    expected = {"iss": record.initiator, "channel": channel, **record.anchor_members()}
    if claims != expected or issued < record.created - 60 or at < issued - 60:
        return "CHAIN_HASH_MISMATCH", None
    try:
        entry = documents.entry(token.key_id, "anchor", issued)
    except Refused:
        return "PUBLIC_KEY_UNAVAILABLE", record.initiator
    try:
        token.verify(entry.key)
    except Refused:
        return "CHAIN_HASH_MISMATCH", None
    for one in found + [entry]:
        if one.valid_until and one.valid_until <= (at - DAY, 0):
            return "PUBLIC_KEY_UNAVAILABLE", dids.parse_key_id(one.id)[0]
    return "VERIFIED", None


class Process:
    """A record and what is upstream of it, at most 16 deep and 64 records."""

    def __init__(self, known, channel, documents, chain, now):
        self.known, self.conclude_one = known, lambda r: conclude(
            r, channel, documents, chain, now)
        self.results = {}

    def whole(self, record):
        """Whether it and all upstream of it is VERIFIED and every link fits."""
        good = self._visit(record, ())
        salts = [self.known[name].salt for name in self.results]
        return good and len(set(salts)) == len(salts)

    def _visit(self, record, below):
        if record.id in self.results:
            return self.results[record.id]
        if len(self.results) >= 64:
            return False
        self.results[record.id] = False
        good = self.conclude_one(record)[0] == "VERIFIED"
        for name in record.links.get("upstream", []):
            if name in below or name == record.id:
                raise Refused("claims_conflict")
            upper = self.known.get(name)
            if upper is None or len(below) >= 16:
                good = False
                continue
            fits = (upper.links["intent_id"] == record.links["intent_id"]
                    and upper.time <= record.time + 60)
            good = self._visit(upper, below + (record.id,)) and fits and good
        self.results[record.id] = good
        return good

