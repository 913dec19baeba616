"""The final intent of a principal, ISR (SPEC.md 4.1)."""

from . import terms
from .refusal import require
from .text import canonical, digest, no_null, parse_object
from .values import decimals_of

MEMBERS = {"conversation_history", "intent_id", "delegation_mode", "validity_start_time",
           "validity_end_time", "max_total_amount", "currency", "agent_id",
           "allowed_payment_methods", "user_confirmation_method",
           "user_confirmation_timestamp", "ext"}
FINAL = MEMBERS - {"allowed_payment_methods", "ext"}


def read_isr(text, final):
    isr = parse_object(text)
    no_null(isr)
    require(set(isr) <= MEMBERS, "field_unknown")
    ext = isr.get("ext", {})
    require(isinstance(ext, dict), "field_invalid")
    require(set(ext) <= set(terms.NAMESPACES) | {"vendor_private"}, "field_unknown")
    for name, members in terms.NAMESPACES.items():
        space = ext.get(name, {})
        require(isinstance(space, dict), "field_invalid")
        require(set(space) <= members, "field_unknown")
    if final:
        require(FINAL <= set(isr), "field_missing")
    terms.check_members(isr, FINAL)
    if "conversation_history" in isr:
        terms.check_conversation(isr["conversation_history"])
    terms.check_window(isr)
    if "currency" in isr:
        decimals_of(terms.text(isr["currency"], required=True))
    terms.check_amounts(isr, isr.get("currency"))
    terms.check_namespaces(ext)
    if final:
        _check_boundary(isr, ext.get("commerce", {}))
    return isr


def _check_boundary(isr, commerce):
    bounded = "allowed_payment_methods" in isr or (
        {"allowed_merchants", "allowed_categories"} & set(commerce))
    require(bounded, "field_missing")
    if isr["delegation_mode"] == "SPECIFIED":
        require("allowed_merchants" in commerce, "field_missing")


def isr_digest(isr):
    return digest(canonical(isr))
