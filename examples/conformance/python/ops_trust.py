"""Operations of conformance/operations/prv.md and att.md."""

from actprofile import attestation, dids, privacy, text, values
from actprofile.refusal import Refused


def pseudonym_derive(clock, given):
    return {"pseudonym": privacy.derive(given["keys"], given["merchant"], given["principal"])}


def pseudonym_resolve(clock, given):
    return {"principal": privacy.resolve(given["keys"], given["merchant"], given["pseudonym"],
                                         given["principals"])}


def record_verify(clock, given):
    if given.get("suites"):
        text.unsupported("no SM2 and SM3 here")
    documents = dids.Documents(given.get("documents"))
    record = attestation.Record(given["record"])
    if given.get("record_id", record.id) != record.id:
        raise Refused("claims_conflict")
    chain = attestation.Chain(given.get("anchors", []), given.get("chain_silent", False))
    conclusion, signer = attestation.conclude(record, given["channel"], documents, chain, clock)
    known = {record.id: record}
    upstream = given.get("upstream")
    for source in upstream or []:
        try:
            other = attestation.Record(source)
        except Refused:
            continue
        known.setdefault(other.id, other)
    whole = conclusion == "VERIFIED"
    if upstream is not None:
        process = attestation.Process(known, given["channel"], documents, chain, clock)
        whole = process.whole(record) and whole
    output = {"conclusion": conclusion, "whole": whole}
    return {**output, "signer": signer} if signer else output


def anchor_verify(clock, given):
    claims = attestation.verify_anchor(given["anchor"], dids.Documents(given["documents"]))
    return {"submitter": claims["iss"], "record_id": claims["record_id"],
            "channel": claims["channel"], "issued_at": values.time_text(int(claims["iat"]))}


OPERATIONS = {
    "pseudonym.derive": pseudonym_derive,
    "pseudonym.resolve": pseudonym_resolve,
    "attestation.record.verify": record_verify,
    "attestation.anchor.verify": anchor_verify,
}
