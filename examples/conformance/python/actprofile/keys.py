"""Public keys, signatures, compact JWS and signed messages (SPEC.md 2)."""

import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

from .refusal import Refused, require
from .text import (MAX_BYTES, canonical, decode64, digest, encode64, no_null,
                   parse_object)

ALGORITHMS = {"EdDSA": "EdDSA", "Ed25519": "EdDSA", "ES256": "ES256"}
SIGNATURE_TYPES = {"ED25519": "EdDSA", "ES256": "ES256"}

# Points of small order, by their y (Edwards curve of RFC 8032).
_P = 2**255 - 19
_ORDER8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7
_SMALL = {0, 1, _P - 1, _ORDER8, _P - _ORDER8}


@dataclass
class PublicKey:
    algorithm: str
    jwk: dict  # the members of RFC 7638 only
    native: Any

    @property
    def thumbprint(self):
        return encode64(hashlib.sha256(canonical(self.jwk)).digest())

    def verify(self, signature, message):
        """Raises signature_invalid unless the signature is this key's."""
        require(len(signature) == 64, "signature_invalid")
        if self.native is None:
            raise Refused("signature_invalid")
        try:
            if self.algorithm == "EdDSA":
                self.native.verify(signature, message)
            else:
                r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
                der = utils.encode_dss_signature(r, s)
                self.native.verify(der, message, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            raise Refused("signature_invalid") from None


def ed25519_key(data):
    require(len(data) == 32, "field_invalid")
    y = int.from_bytes(data, "little") & (2**255 - 1)
    require(y < _P and y not in _SMALL, "field_invalid")
    try:
        native = ed25519.Ed25519PublicKey.from_public_bytes(data)
    except ValueError:
        native = None
    return PublicKey("EdDSA", {"crv": "Ed25519", "kty": "OKP", "x": encode64(data)}, native)


def p256_key(x, y):
    require(len(x) == 32 and len(y) == 32, "field_invalid")
    try:
        native = ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()).public_key()
    except ValueError:
        raise Refused("field_invalid") from None
    jwk = {"crv": "P-256", "kty": "EC", "x": encode64(x), "y": encode64(y)}
    return PublicKey("ES256", jwk, native)


def p256_compressed(data):
    require(len(data) == 33 and data[0] in (2, 3), "field_invalid")
    try:
        native = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        raise Refused("field_invalid") from None
    numbers = native.public_numbers()
    return p256_key(numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big"))


_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


def read_jwk(jwk):
    """A public JWK (2.1), as an object."""
    no_null(jwk)
    require(not any(name in jwk for name in _PRIVATE), "field_invalid")
    require(_member(jwk, "kty") in ("OKP", "EC"), "algorithm_refused")
    kind = [jwk["kty"], _member(jwk, "crv")]
    require(kind in (["OKP", "Ed25519"], ["EC", "P-256"]), "algorithm_refused")
    names = ("EdDSA", "Ed25519") if kind[0] == "OKP" else ("ES256",)
    if "alg" in jwk:
        require(type(jwk["alg"]) is str, "field_invalid")
        require(jwk["alg"] in names, "algorithm_refused")
    if "use" in jwk:
        require(type(jwk["use"]) is str, "field_invalid")
        require(jwk["use"] == "sig", "key_purpose")
    if "key_ops" in jwk:
        uses = jwk["key_ops"]
        require(isinstance(uses, list) and all(type(use) is str for use in uses), "field_invalid")
        require("verify" in uses, "key_purpose")
    if kind[0] == "OKP":
        require("y" not in jwk, "field_invalid")
        return ed25519_key(decode64(_member(jwk, "x")))
    return p256_key(decode64(_member(jwk, "x")), decode64(_member(jwk, "y")))


# Points of X25519 that give a secret of zero, as numbers; others of small
# order are these plus the prime, which is refused for itself.
_ZERO = {0, 1, _P - 1,
         int.from_bytes(bytes.fromhex(
             "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"), "little"),
         int.from_bytes(bytes.fromhex(
             "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"), "little")}


def read_encryption_jwk(jwk):
    """A key to seal for (8.3): P-256 as a key, X25519 and other kinds as None."""
    no_null(jwk)
    require(not any(name in jwk for name in _PRIVATE), "field_invalid")
    _member(jwk, "kty")
    kind = [jwk["kty"], jwk.get("crv")]
    if kind not in (["OKP", "X25519"], ["EC", "P-256"]):
        return None
    for name in ("alg", "use"):
        require(type(jwk.get(name, "")) is str, "field_invalid")
    if jwk.get("alg", "ECDH-ES+A256KW") != "ECDH-ES+A256KW":
        return None
    require(jwk.get("use", "enc") == "enc", "key_purpose")
    uses = jwk.get("key_ops", [])
    require(isinstance(uses, list) and all(type(use) is str for use in uses), "field_invalid")
    require(not uses or {"deriveKey", "deriveBits"} & set(uses), "key_purpose")
    x = decode64(_member(jwk, "x"))
    if kind[0] == "EC":
        return p256_key(x, decode64(_member(jwk, "y")))
    require("y" not in jwk and len(x) == 32, "field_invalid")
    number = int.from_bytes(x, "little")
    require(number < _P and number not in _ZERO, "field_invalid")
    return None


def _member(jwk, name):
    require(name in jwk, "field_missing")
    require(type(jwk[name]) is str, "field_invalid")
    require(jwk[name] != "", "field_missing")
    return jwk[name]


@dataclass
class Token:
    """A compact JWS that was taken apart and not yet verified."""

    typ: str
    algorithm: str
    key_id: Any
    claims: dict
    payload: bytes
    signed: bytes
    signature: bytes

    def verify(self, key):
        require(self.algorithm == key.algorithm, "algorithm_refused")
        key.verify(self.signature, self.signed)


def read_token(token, typ, with_key_id=True):
    """Form and kind of a compact JWS (2.2)."""
    from .dids import parse_key_id

    require(type(token) is str, "field_invalid")
    require(len(token.encode("utf-8")) <= MAX_BYTES, "too_large")
    parts = token.split(".")
    require(len(parts) == 3, "malformed")
    header_bytes, payload, signature = map(decode64, parts)
    header = parse_object(header_bytes)
    no_null(header)
    names = {"alg", "kid", "typ"} if with_key_id else {"alg", "typ"}
    require(names <= set(header), "field_missing")
    require(set(header) == names, "header_refused")
    for name in names:
        require(type(header[name]) is str, "field_invalid")
    require(header["alg"] in ALGORITHMS, "algorithm_refused")
    require(header["typ"] == typ, "type_mismatch")
    if with_key_id:
        parse_key_id(header["kid"])
    claims = parse_object(payload)
    require(len(signature) == 64, "signature_invalid")
    signed = (parts[0] + "." + parts[1]).encode("ascii")
    return Token(typ, ALGORITHMS[header["alg"]], header.get("kid"), claims, payload,
                 signed, signature)


def verify_token(token, typ, purpose, documents, at):
    """A token by the key that its kid names; at is the time of signing."""
    read = read_token(token, typ)
    read.verify(documents.find(read.key_id, purpose, at))
    return read


def read_message(text):
    """The form of a signed message (2.3)."""
    from .dids import parse_key_id

    # It is read in its canonical form, in which 2.0 is the integer 2.
    message = parse_object(canonical(parse_object(text)))
    no_null(message)
    for name in ("signer_id", "signature_type", "signature_covered_fields", "signature"):
        require(name in message and message[name] not in ("", []), "field_missing")
    for name in ("signer_id", "signature_type", "signature"):
        require(type(message[name]) is str, "field_invalid")
    parse_key_id(message["signer_id"])
    names = sorted((name for name in message if name != "signature"),
                   key=lambda name: name.encode("utf-16-be"))
    covered = message["signature_covered_fields"]
    require(isinstance(covered, list) and all(type(name) is str for name in covered)
            and covered == names, "field_invalid")
    require(message["signature_type"] in SIGNATURE_TYPES, "algorithm_refused")
    return message


def verify_message(message, kind, purpose, documents, at):
    """The signature of a message that read_message gave."""
    signature = decode64(message["signature"])
    key = documents.find(message["signer_id"], purpose, at)
    require(SIGNATURE_TYPES[message["signature_type"]] == key.algorithm, "algorithm_refused")
    key.verify(signature, signing_input(kind, message, "signature"))
    return key


def signing_input(kind, message, *without):
    rest = {name: member for name, member in message.items() if name not in without}
    return b"act-go/1 " + kind.encode("ascii") + b"\n" + canonical(rest)


def message_digest(message):
    return digest(canonical({n: m for n, m in message.items() if n != "signature"}))
