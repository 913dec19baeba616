"""The operations of conformance/operations/add.md."""

from actprofile import (bounds, dids, identities, intents, issuing, lifecycle, mandates,
                        statuslists, terms, text, values)
from actprofile.refusal import Refused


def intent_check(clock, given):
    isr = intents.read_isr(given["isr"], given["final"])
    if "context" in given and "conversation_history" in isr:
        terms.check_context(isr["conversation_history"], text.decode64(given["context"]))
    return {"digest": intents.isr_digest(isr)}


def mandate_issue(clock, given):
    return {"mandate": issuing.issue(given, clock)}


def _documents(given):
    return dids.Documents(given.get("documents"))


def _statuses(given, documents, grace=0):
    return statuslists.Reader(documents, given.get("status_providers"), grace)


def mandate_verify(clock, given):
    documents = _documents(given)
    world = mandates.World(documents, _statuses(given, documents), given.get("status", {}),
                           given["issuers"], clock)
    mandate = mandates.verify(given["mandate"], given["agent"], given["audience"], world,
                              given.get("presented"))
    return _mandate(mandate)


def _mandate(mandate):
    claims, facts = mandate.claims, mandate.bounds
    output = {"issuer": claims["iss"], "delegation_id": claims["jti"], "agent_id": claims["sub"],
              "audience": claims["aud"], "payload_digest": mandates.payload_digest(mandate)}
    known = {"delegator_identity": facts.payload.get("delegator_identity"),
             "delegation_mode": facts.mode, "currency": facts.currency}
    if facts.total is not None:
        known["max_total_amount"] = values.amount_text(facts.total, facts.currency)
    output.update((name, value) for name, value in known.items() if value is not None)
    withheld = sorted(facts.withheld | facts.partial)
    return {**output, "withheld": withheld} if withheld else output


def mandate_decide(clock, given):
    if "mandate" in given:
        mandate = mandates.read(given["mandate"])
        facts, unknown = mandate.bounds, mandate.unknown
    else:
        facts = mandates.read_payload(text.parse_object(given["authorization"]))
        unknown = facts.unknown
    decision, code = bounds.decide(facts, unknown, given["role"], given["purchase"],
                                   given.get("spent"), clock)
    return {"decision": decision, "code": code} if code else {"decision": decision}


def mandate_transition(clock, given):
    start, _ = values.time_parse(given["validity_start_time"], utc=True)
    end, _ = values.time_parse(given["validity_end_time"], utc=True)
    book = lifecycle.Book(start, end)
    for step in given["steps"]:
        book.carry_out(step["command"], step["actor"], values.time_parse(step["at"])[0])
    return {"state": book.state(clock), "status": book.status}


def status_read(clock, given):
    reader = _statuses(given, _documents(given), int(given.get("grace_seconds", 0)))
    uri, index, issuer = given["uri"], int(given["idx"]), given["issuer"]
    statuslists.read_steps(reader, uri, index, issuer, given.get("earlier", []))
    return {"status": reader.state(uri, index, issuer, given["status"], clock)}


def identity_verify(clock, given):
    documents = _documents(given)
    credential = identities.verify(given, documents, _statuses(given, documents), clock)
    subject = credential.subject
    output = {"agent_id": subject["agent_id"], "provider": subject["provider"],
              "agent_type": subject["agent_type"], "thumbprint": credential.key.thumbprint}
    if "principal" in subject:
        output["principal"] = subject["principal"]
    return output


def binding_verify(clock, given):
    documents = _documents(given)
    credential = identities.verify(given, documents, _statuses(given, documents), clock)
    claims = identities.verify_binding(given, credential, documents, clock)
    return {"agent_id": claims["sub"], "principal": claims["principal"]}


OPERATIONS = {
    "intent.check": intent_check,
    "mandate.issue": mandate_issue,
    "mandate.verify": mandate_verify,
    "mandate.present_verify": mandate_verify,
    "mandate.decide": mandate_decide,
    "mandate.transition": mandate_transition,
    "status.read": status_read,
    "identity.verify": identity_verify,
    "binding.verify": binding_verify,
}
