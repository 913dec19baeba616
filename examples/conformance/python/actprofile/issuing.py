"""An issuer's mandate of a final intent (SPEC.md 4.2)."""

from cryptography.hazmat.primitives.asymmetric import ed25519

from . import mandates
from .intents import isr_digest, read_isr
from .refusal import require
from .text import canonical, decode64, encode64, unsupported
from .values import time_parse


def payload_of(isr, delegation_id, delegator):
    payload = {name: member for name, member in isr.items() if name != "conversation_history"}
    if "ext" in payload:
        ext = dict(payload["ext"])
        if "fulfillment" in ext:
            ext["fulfillment"] = {name: member for name, member in ext["fulfillment"].items()
                                  if name != "delivery_address"}
            if not ext["fulfillment"]:
                del ext["fulfillment"]
        payload["ext"] = ext
        if not ext:
            del payload["ext"]
    payload["delegation_id"] = delegation_id
    payload["delegator_identity"] = delegator
    payload["source_isr_digest"] = isr_digest(isr)
    return payload


def issue(given, now):
    isr = read_isr(given["isr"], final=True)
    require(given["purpose"] == "issue-authorization", "key_purpose")
    key = given["key"]
    if key.get("crv") != "Ed25519":
        unsupported("ES256 signatures are not the same twice")
    payload = payload_of(isr, given["delegation_id"], given["delegator"])
    vc = {"type": ["VerifiableCredential", "ACTIntentAuthorization"],
          "credentialSubject": payload}
    if "control_proof_ref" in given:
        vc["control_proof_ref"] = given["control_proof_ref"]
    claims = {
        "iss": given["key_id"].partition("#")[0], "sub": isr["agent_id"],
        "aud": given["audience"], "jti": given["delegation_id"], "iat": now,
        "nbf": time_parse(isr["validity_start_time"])[0],
        "exp": time_parse(isr["validity_end_time"])[0],
        "cnf": {"jwk": given["holder"]}, "vc": vc}
    if "status" in given:
        claims["status"] = given["status"]
    header = {"alg": "EdDSA", "kid": given["key_id"], "typ": "vc+jwt"}
    signed = encode64(canonical(header)) + "." + encode64(canonical(claims))
    native = ed25519.Ed25519PrivateKey.from_private_bytes(decode64(key["d"]))
    token = signed + "." + encode64(native.sign(signed.encode("ascii")))
    # Nothing leaves that a reader would refuse.
    mandate = mandates.read(token)
    require(not mandate.unknown, "constraint_unknown")
    require(mandate.holder.jwk.get("x") != key["x"], "key_purpose")
    return token
