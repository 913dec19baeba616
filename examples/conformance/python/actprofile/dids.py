"""Identifiers, ids of keys, and documents (SPEC.md 3.1 to 3.3)."""

import re
from dataclasses import dataclass
from typing import Any, Optional

from . import keys
from .refusal import Refused, require
from .text import MAX_BYTES, canonical, no_null, parse_object
from .values import time_parse

PURPOSES = {
    "issue-authorization", "issue-identity", "agent-request", "status", "sub-account",
    "seller", "proof", "attestation", "anchor", "credit", "encryption"}
MAX_ENTRIES = 32
MAX_DID = 384

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(r"(?:%s\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?" % _LABEL)
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+")
_NAME = re.compile(r"[a-z0-9._-]{1,64}")
_FRAGMENT = re.compile(r"[A-Za-z0-9._:-]{1,96}")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def parse_did(did):
    """Gives (method, url of the document or None)."""
    require(type(did) is str and did.isascii(), "field_invalid")
    require(did, "field_missing")
    require(len(did) <= MAX_DID, "field_invalid")
    if did.startswith("did:act:"):
        domain, slash, name = did[8:].partition("/")
        require(slash and _NAME.fullmatch(name) and name not in (".", ".."), "field_invalid")
        return "act", "https://%s/.well-known/act/%s/did.json" % (_domain(domain), name)
    if did.startswith("did:web:"):
        domain, *segments = did[8:].split(":")
        for segment in segments:
            require(_SEGMENT.fullmatch(segment) and segment not in (".", ".."), "field_invalid")
        path = "/".join(segments) if segments else ".well-known"
        return "web", "https://%s/%s/did.json" % (_domain(domain), path)
    if did.startswith("did:key:"):
        key_of_did(did)
        return "key", None
    raise Refused("field_invalid")


def _domain(text):
    host, colon, port = text.partition("%3A")
    require(len(host) <= 253 and _HOST.fullmatch(host), "field_invalid")
    if not colon:
        return host
    require(re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) < 65_536, "field_invalid")
    return host + ":" + port


def key_of_did(did):
    """The public key that a did:key is."""
    text = did[8:]
    require(text.startswith("z") and len(text) < 128, "field_invalid")
    number = 0
    for character in text[1:]:
        require(character in _BASE58, "field_invalid")
        number = number * 58 + _BASE58.index(character)
    zeros = len(text[1:]) - len(text[1:].lstrip("1"))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if data[:2] == b"\xed\x01":
        return keys.ed25519_key(data[2:])
    if data[:2] == b"\x80\x24":
        return keys.p256_compressed(data[2:])
    raise Refused("field_invalid")


def parse_key_id(key_id):
    """Gives (did, fragment)."""
    require(type(key_id) is str, "field_invalid")
    require(key_id, "field_missing")
    did, hash_mark, fragment = key_id.partition("#")
    require(did and hash_mark and _FRAGMENT.fullmatch(fragment), "field_invalid")
    parse_did(did)
    return did, fragment


@dataclass
class Entry:
    """An entry of a document that verifies, or would if it were not compromised."""

    id: str
    purpose: str
    key: Any
    valid_from: Optional[tuple]
    valid_until: Optional[tuple]
    compromised: bool

    def good_at(self, seconds):
        moment = (seconds, 0)
        return not self.compromised and not (
            self.valid_from and moment < self.valid_from) and not (
            self.valid_until and moment >= self.valid_until)


def read_document(did, text):
    """All entries with keys that verify, in their order, refused as 3.3 says."""
    document = parse_object(text)
    no_null(document)
    require("id" in document, "field_missing")
    parse_did(document["id"])
    require(not document["id"].startswith("did:key:"), "field_invalid")
    require(document["id"] == did, "claims_conflict")
    methods = document.get("verificationMethod", [])
    require(isinstance(methods, list), "field_invalid")
    require(len(methods) <= MAX_ENTRIES, "too_large")
    entries, seen, purposes = [], set(), {}
    for method in methods:
        require(isinstance(method, dict), "field_invalid")
        if "actPurpose" not in method:
            continue
        entry = _entry(did, method)
        require(entry.id not in seen, "field_invalid")
        seen.add(entry.id)
        if entry.key is None:
            continue
        known = purposes.setdefault(entry.key.thumbprint, entry.purpose)
        require(known == entry.purpose, "field_invalid")
        if entry.purpose != "encryption":
            entries.append(entry)
    spoiled = {entry.key.thumbprint for entry in entries if entry.compromised}
    for entry in entries:
        entry.compromised = entry.key.thumbprint in spoiled
    return entries


def _entry(did, method):
    for name in ("id", "type", "controller", "publicKeyJwk"):
        require(name in method, "field_missing")
    owner, _ = parse_key_id(method["id"])
    require(owner == did and method["controller"] == did, "field_invalid")
    require(method["type"] in ("JsonWebKey", "JsonWebKey2020"), "field_invalid")
    purpose = method["actPurpose"]
    require(type(purpose) is str and purpose in PURPOSES, "field_invalid")
    bounds = [time_parse(method[name]) if name in method else None
              for name in ("actValidFrom", "actValidUntil")]
    if bounds[0] and bounds[1]:
        require(bounds[0] < bounds[1], "field_invalid")
    compromised = method.get("actCompromised", False)
    require(isinstance(compromised, bool), "field_invalid")
    key = _key(method["publicKeyJwk"], purpose)
    return Entry(method["id"], purpose, key, *bounds, compromised)


def _key(jwk, purpose):
    require(isinstance(jwk, dict), "field_invalid")
    return keys.read_encryption_jwk(jwk) if purpose == "encryption" else keys.read_jwk(jwk)


class Documents:
    """What a resolver would find: the `documents` of an input."""

    def __init__(self, documents):
        self.documents = documents or {}
        self.read = {}

    def entries(self, did):
        method, _ = parse_did(did)
        if method == "key":
            key = key_of_did(did)
            return [Entry(did + "#" + did[8:], "agent-request", key, None, None, False)]
        if did not in self.documents:
            raise Refused("key_unavailable")
        if did not in self.read:
            found = self.documents[did]
            text = found if type(found) is str else canonical(found)
            try:
                self.read[did] = read_document(did, text) if len(text) <= MAX_BYTES else None
            except Refused:
                self.read[did] = None
        if self.read[did] is None:
            raise Refused("key_unavailable")
        return self.read[did]

    def find(self, key_id, purpose, at):
        """The key for what was signed at that time, in whole seconds."""
        return self.entry(key_id, purpose, at).key

    def entry(self, key_id, purpose, at):
        did, _ = parse_key_id(key_id)
        for entry in self.entries(did):
            if entry.id == key_id:
                require(entry.purpose == purpose, "key_purpose")
                require(entry.good_at(at), "key_not_valid")
                return entry
        raise Refused("key_unknown")
