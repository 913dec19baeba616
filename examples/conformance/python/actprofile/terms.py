"""The members that intents and mandates share, and their rules (SPEC.md 4.1, 4.2)."""

import re

from .dids import parse_did
from .refusal import Refused, require
from .text import Number, check_digest, digest, no_null
from .values import amount_from_number, check_id, time_parse

LAST_SECOND = 253_402_300_799  # of the year 9999

COMMERCE = {"max_single_amount", "min_single_amount", "allowed_categories",
            "forbidden_categories", "allowed_merchants", "forbidden_merchants"}
BEHAVIOR = {"price_deviation_tolerance", "price_deviation_action", "on_payment_failure",
            "max_retry_count"}
FULFILLMENT = {"delivery_time_requirement", "delivery_address"}
NAMESPACES = {"commerce": COMMERCE, "agent_behavior": BEHAVIOR, "fulfillment": FULFILLMENT}
CONVERSATION = {"user_intent_raw", "user_intent_raw_digest", "input_mode", "context_ref"}
MOST_RETRIES = 1_048_576


def text(value, required=False):
    """A string; an empty one is missing where the member is required."""
    require(type(value) is str, "field_invalid")
    if value == "":
        raise Refused("field_missing" if required else "field_invalid")
    return value


def printable(value, most, line_feeds=False):
    text(value)
    require(len(value.encode("utf-8")) <= most, "field_invalid")
    if line_feeds:
        value = value.replace("\n", "")
    require(not re.search(r"[\x00-\x1f\x7f-\x9f]", value), "field_invalid")


def strings(value, check):
    require(isinstance(value, list) and value, "field_invalid")
    for entry in value:
        check(entry)


def merchant(value):
    text(value)
    require(re.fullmatch(r"[\x21-\x7e]{1,256}", value), "field_invalid")
    require(re.fullmatch(r"[a-z][a-z0-9+.-]*:.+", value), "field_invalid")


def category(value):
    printable(value, 256)
    require("" not in value.split("/"), "field_invalid")


def integer(value, least=0, most=None):
    require(isinstance(value, Number) and re.fullmatch(r"-?[0-9]+", value), "field_invalid")
    number = int(value)
    require(number >= least and (most is None or number <= most), "field_invalid")
    return number


def mode(value):
    text(value)
    require(value in ("SPECIFIED", "BOUNDED"), "field_invalid")


def check_conversation(value):
    """conversation_history, closed. Gives nothing; see check_context."""
    require(isinstance(value, dict), "field_invalid")
    no_null(value)
    require(set(value) <= CONVERSATION, "field_unknown")
    require("user_intent_raw" in value or "user_intent_raw_digest" in value, "field_missing")
    if "user_intent_raw" in value:
        raw = value["user_intent_raw"]
        if isinstance(raw, list):
            require(raw, "field_invalid")
            for turn in raw:
                _turn(turn)
        else:
            text(raw)
    if "user_intent_raw_digest" in value:
        known_hash(value["user_intent_raw_digest"])
        require("context_ref" in value, "field_missing")
    if "context_ref" in value:
        text(value["context_ref"])
    if "input_mode" in value:
        strings(value["input_mode"], text)


def known_hash(value):
    """A digest by any hash function of this profile; whether it is had here."""
    text(value)
    if re.fullmatch(r"sm3:[A-Za-z0-9_-]{43}", value):
        return False
    check_digest(value)
    return True


def _turn(turn):
    require(isinstance(turn, dict), "field_invalid")
    require({"role", "content", "create_time"} <= set(turn), "field_missing")
    require(len(turn) == 3, "field_unknown")
    text(turn["role"], required=True)
    require(type(turn["content"]) is str, "field_invalid")
    time_parse(text(turn["create_time"], required=True))


def check_context(conversation, content):
    """The content that context_ref leads to is what the digest names."""
    named = conversation.get("user_intent_raw_digest")
    if named is None:
        return
    require(known_hash(named), "fact_missing")
    require(digest(content) == named, "claims_conflict")


def check_window(value):
    start = end = None
    if "validity_start_time" in value:
        start = time_parse(text(value["validity_start_time"], required=True), utc=True)[0]
    if "validity_end_time" in value:
        end = time_parse(text(value["validity_end_time"], required=True), utc=True)[0]
    require((start or 0) >= 0 and (end or 0) >= 0, "field_invalid")
    if start is not None and end is not None:
        require(start < end, "field_invalid")
    return start, end


def check_amounts(value, currency):
    """Total and single limits in minor units, hundredths while no currency is known."""
    commerce = value.get("ext", {}).get("commerce", {})
    given = [value.get("max_total_amount"), commerce.get("max_single_amount"),
             commerce.get("min_single_amount")]
    total, most, least = (
        None if number is None else amount_from_number(number, currency) for number in given)
    require(total is None or most is None or most <= total, "field_invalid")
    require(most is None or least is None or least <= most, "field_invalid")
    return total, most, least


def check_namespaces(ext):
    """The members of the standard extensions that are known here."""
    commerce = ext.get("commerce", {})
    for name in ("allowed_categories", "forbidden_categories"):
        if name in commerce:
            strings(commerce[name], category)
    for name in ("allowed_merchants", "forbidden_merchants"):
        if name in commerce:
            strings(commerce[name], merchant)
    _check_behavior(ext.get("agent_behavior", {}))
    fulfillment = ext.get("fulfillment", {})
    if "delivery_time_requirement" in fulfillment:
        printable(fulfillment["delivery_time_requirement"], 256)
    if "delivery_address" in fulfillment:
        printable(fulfillment["delivery_address"], 2048, line_feeds=True)
    if "vendor_private" in ext:
        require(isinstance(ext["vendor_private"], dict), "field_invalid")
        no_null(ext["vendor_private"])


def _check_behavior(behavior):
    if "price_deviation_tolerance" in behavior:
        tolerance = behavior["price_deviation_tolerance"]
        require(isinstance(tolerance, Number) and tolerance.value >= 0, "field_invalid")
    if "price_deviation_action" in behavior:
        require(text(behavior["price_deviation_action"])
                in ("PAUSE_AND_NOTIFY", "AUTO_CANCEL"), "field_invalid")
    if "on_payment_failure" in behavior:
        require(text(behavior["on_payment_failure"]) in ("AUTO_RETRY", "CANCEL"),
                "field_invalid")
    if "max_retry_count" in behavior:
        integer(behavior["max_retry_count"], most=MOST_RETRIES)


def check_members(value, required):
    """The members that stand beside ext, as far as they are there."""
    for name in ("delegation_id", "intent_id"):
        if name in value:
            check_id(text(value[name], name in required))
    for name in ("agent_id", "delegator_identity"):
        if name in value:
            parse_did(text(value[name], name in required))
    if "delegation_mode" in value:
        text(value["delegation_mode"], "delegation_mode" in required)
        mode(value["delegation_mode"])
    if "allowed_payment_methods" in value:
        strings(value["allowed_payment_methods"], check_id)
    if "user_confirmation_method" in value:
        text(value["user_confirmation_method"], "user_confirmation_method" in required)
        require("user_confirmation_timestamp" in value, "field_missing")
    if "user_confirmation_timestamp" in value:
        stamp = text(value["user_confirmation_timestamp"],
                     "user_confirmation_timestamp" in required)
        require(time_parse(stamp, utc=True)[0] >= 0, "field_invalid")
    if "source_isr_digest" in value:
        known_hash(value["source_isr_digest"])
