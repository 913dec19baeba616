"""The operations of conformance/operations/core.md."""

from actprofile import dids, keys, text, values
from actprofile.refusal import require


def _source(given):
    return given["text"] if "text" in given else text.decode64(given["bytes"])


def canonicalize(clock, given):
    return {"canonical": text.canonical(text.parse(_source(given))).decode("utf-8")}


def canon_digest(clock, given):
    return {"digest": text.digest(text.canonical(text.parse(_source(given))))}


def digest_parse(clock, given):
    return {"digest": text.check_digest(given["digest"])}


def base64url_decode(clock, given):
    return {"hex": text.decode64(given["text"]).hex()}


def id_check(clock, given):
    values.check_id(given["id"])
    return {}


def money_parse(clock, given):
    currency = given["currency"]
    return _money(values.amount_from_text(given["amount"], currency), currency)


def money_number(clock, given):
    number, currency = text.parse_number(given["number"]), given["currency"]
    return _money(values.amount_from_number(number, currency), currency)


def _money(minor, currency):
    return {"amount": values.amount_text(minor, currency), "minor": str(minor)}


def time_parse(clock, given):
    seconds, nanos = values.time_parse(given["time"], utc=given["form"] == "utc")
    return {"time": values.time_text(seconds), "nanos": nanos}


def did_parse(clock, given):
    method, url = dids.parse_did(given["did"])
    return {"method": method, "url": url} if url else {"method": method}


def key_id_parse(clock, given):
    did, fragment = dids.parse_key_id(given["key_id"])
    return {"did": did, "fragment": fragment}


def did_document(clock, given):
    entries = dids.read_document(given["did"], given["text"])
    return {"keys": [{"id": entry.id, "purpose": entry.purpose,
                      "algorithm": entry.key.algorithm,
                      "thumbprint": entry.key.thumbprint} for entry in entries]}


def key_find(clock, given):
    documents = dids.Documents(given["documents"])
    return {"thumbprint": documents.find(given["key_id"], given["purpose"], clock).thumbprint}


def jwk_parse(clock, given):
    key = keys.read_jwk(text.parse_object(given["jwk"]))
    return {"algorithm": key.algorithm, "thumbprint": key.thumbprint}


def signature_verify(clock, given):
    key = keys.read_jwk(given["jwk"])
    require(keys.SIGNATURE_TYPES.get(given["signature_type"]) == key.algorithm,
            "algorithm_refused")
    key.verify(text.decode64(given["signature"]), given["message"].encode("utf-8"))
    return {}


def jws_verify(clock, given):
    token = keys.verify_token(given["token"], given["typ"], given["purpose"],
                              dids.Documents(given["documents"]), clock)
    return {"key_id": token.key_id, "payload": text.plain(token.claims)}


def signed_message_verify(clock, given):
    message = keys.read_message(given["message"])
    keys.verify_message(message, given["kind"], given["purpose"],
                        dids.Documents(given["documents"]), clock)
    return {"key_id": message["signer_id"], "digest": keys.message_digest(message)}


OPERATIONS = {
    "canon.canonicalize": canonicalize,
    "canon.digest": canon_digest,
    "digest.parse": digest_parse,
    "base64url.decode": base64url_decode,
    "id.check": id_check,
    "money.parse": money_parse,
    "money.number": money_number,
    "time.parse": time_parse,
    "did.parse": did_parse,
    "key_id.parse": key_id_parse,
    "did.document": did_document,
    "key.find": key_find,
    "jwk.parse": jwk_parse,
    "signature.verify": signature_verify,
    "jws.verify": jws_verify,
    "signed_message.verify": signed_message_verify,
}
