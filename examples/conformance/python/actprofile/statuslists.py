"""The state of a mandate in a Token Status List (SPEC.md 4.3)."""

import zlib

from . import dids, keys
from .refusal import Refused, require
from .terms import integer
from .text import decode64, no_null
from .values import time_parse

STATES = {0: "Active", 1: "Revoked", 2: "Suspended"}
MOST_ENTRIES = 4_194_304
SKEW = 60


class List:
    """A list that verified: its times and its entries."""

    def __init__(self, claims, entries, fetched):
        self.issued = integer(claims["iat"])
        self.expires = integer(claims["exp"])
        self.time_to_live = integer(claims["ttl"])
        self.entries = entries
        self.fetched = fetched

    def state(self, index):
        place, shift = divmod(index, 4)
        require(place < len(self.entries), "status_unavailable")
        state = STATES.get(self.entries[place] >> (2 * shift) & 3)
        require(state, "status_unavailable")
        return state


def read_list(token, uri, signer, documents, now):
    """A list as it was fetched now. Raises what is wrong with it."""
    read = keys.verify_token(token, "statuslist+jwt", "status", documents, now)
    claims = read.claims
    no_null(claims)
    names = {"iss", "sub", "iat", "exp", "ttl", "status_list"}
    require(names <= set(claims), "field_missing")
    require(set(claims) == names, "field_unknown")
    require(claims["iss"] == signer, "issuer_untrusted")
    require(dids.parse_key_id(read.key_id)[0] == signer, "claims_conflict")
    require(claims["sub"] == uri, "claims_conflict")
    issued, expires = integer(claims["iat"]), integer(claims["exp"])
    integer(claims["ttl"], least=1)
    require(issued < expires and now < expires, "request_expired")
    require(issued <= now + SKEW, "request_expired")
    content = claims["status_list"]
    require(isinstance(content, dict), "field_invalid")
    require({"bits", "lst"} <= set(content), "field_missing")
    require(len(content) == 2, "field_unknown")
    require(integer(content["bits"]) == 2, "field_invalid")
    return List(claims, _inflate(decode64(content["lst"])), now)


def _inflate(data):
    inflater = zlib.decompressobj()
    try:
        entries = inflater.decompress(data, MOST_ENTRIES // 4 + 1)
    except zlib.error:
        raise Refused("malformed") from None
    require(len(entries) <= MOST_ENTRIES // 4, "too_large")
    require(inflater.eof and not inflater.unused_data, "malformed")
    return entries


class Reader:
    """Reads lists from what the network would give, and remembers the last."""

    def __init__(self, documents, providers=None, grace=0):
        self.documents = documents
        self.providers = providers or {}
        self.grace = grace
        self.last = {}

    def state(self, uri, index, issuer, network, now):
        """The state, or status_unavailable whatever went wrong."""
        last = self.last.get(uri)
        if uri not in network:
            require(last and now < last.expires and now - last.fetched < self._usable(last),
                    "status_unavailable")
            return last.state(index)
        signer = self.providers.get(issuer, issuer)
        try:
            require(type(network[uri]) is str, "malformed")
            found = read_list(network[uri], uri, signer, self.documents, now)
        except Refused:
            raise Refused("status_unavailable") from None
        require(last is None or found.issued >= last.issued, "status_unavailable")
        self.last[uri] = found
        return found.state(index)

    def _usable(self, last):
        return max(self.grace, min(last.time_to_live, 60))


def read_steps(reader, uri, index, issuer, earlier):
    for step in earlier:
        at, _ = time_parse(step["at"])
        reader.state(uri, index, issuer, step["status"], at)
