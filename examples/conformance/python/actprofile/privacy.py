"""Pseudonyms (SPEC.md 8.4)."""

import hashlib
import hmac
import re

from . import dids
from .refusal import Refused, require
from .text import decode64, encode64


def _keys(keys):
    require(isinstance(keys, list) and keys, "field_invalid")
    found = []
    for key in keys:
        require(type(key["id"]) is str and re.fullmatch(r"[a-z0-9]{1,16}", key["id"]),
                "field_invalid")
        secret = decode64(key["secret"], "field_invalid")
        require(len(secret) == 32, "field_invalid")
        found.append((key["id"], secret))
    require(len({name for name, _ in found}) == len(found), "field_invalid")
    return found


def _name(key, merchant, principal):
    dids.parse_did(merchant)
    dids.parse_did(principal)
    name, secret = key
    message = "act-go/1 pseudonym\n%s\n%s" % (merchant, principal)
    mac = hmac.new(secret, message.encode("ascii"), hashlib.sha256).digest()
    return "urn:act:pseudonym:%s:%s" % (name, encode64(mac))


def derive(keys, merchant, principal):
    return _name(_keys(keys)[0], merchant, principal)


def resolve(keys, merchant, pseudonym, principals):
    keys = _keys(keys)
    dids.parse_did(merchant)
    form = re.fullmatch(r"urn:act:pseudonym:([a-z0-9]{1,16}):([A-Za-z0-9_-]{43})", pseudonym)
    require(form, "field_invalid")
    decode64(form[2], "field_invalid")
    for key in keys:
        if key[0] == form[1]:
            for principal in principals:
                if hmac.compare_digest(_name(key, merchant, principal), pseudonym):
                    return principal
            raise Refused("principal_mismatch")
    raise Refused("key_unknown")
