"""Whether a purchase is inside a mandate, for each role (SPEC.md 4.4)."""

from . import terms
from .mandates import window_codes
from .refusal import DENIED, Refused, first
from .values import amount_from_text, time_parse

ROLES = {
    "agent": {"mode", "total", "amount", "method", "merchant", "category", "delivery",
              "price", "retry"},
    "merchant": set(),
    "psp": {"mode", "delegator", "total", "amount", "method", "merchant", "category",
            "delivery"},
}


def decide(bounds, unknown, role, purchase, spent, now):
    """Gives ("allowed" or "denied" or "undetermined", code or None)."""
    codes = window_codes(bounds, now)
    if unknown:
        codes.append("constraint_unknown")
    judges = ROLES[role]
    if "mode" in judges and "delegation_mode" in bounds.withheld:
        codes.append("constraint_withheld")
    if "delegator" in judges and "delegator_identity" in bounds.withheld:
        codes.append("constraint_withheld")
    if "amount" in judges:
        codes += _amounts(bounds, role, purchase, spent)
        codes += _listed(bounds, role, "allowed_payment_methods", None,
                         purchase.get("payment_method"), "method_not_allowed")
        codes += _listed(bounds, role, "ext.commerce.allowed_merchants",
                         "ext.commerce.forbidden_merchants",
                         purchase.get("merchant_id"), "merchant_not_allowed")
        codes += _categories(bounds, role, purchase.get("categories"))
        codes += _delivery(bounds, purchase.get("deliver_by"))
    if "retry" in judges:
        codes += _retries(bounds, purchase.get("attempt", 0))
    code = first(codes)
    if code is None:
        return "allowed", None
    return ("denied" if code in DENIED else "undetermined"), code


def _amounts(bounds, role, purchase, spent):
    codes = []
    commerce = "ext.commerce."
    for path in ("max_total_amount", commerce + "max_single_amount",
                 commerce + "min_single_amount", "currency"):
        if path in bounds.withheld:
            codes.append("constraint_withheld")
    amount, price = purchase.get("amount"), purchase.get("catalogue_price")
    if amount is None:
        codes.append("fact_missing")
        return codes
    if bounds.currency is None:
        return codes
    if amount["currency"] != bounds.currency:
        return codes + ["currency_mismatch"]
    minor = amount_from_text(amount["amount"], amount["currency"])
    if bounds.most is not None and minor > bounds.most:
        codes.append("single_limit_exceeded")
    if bounds.least is not None and minor < bounds.least:
        codes.append("below_minimum")
    codes += _total(bounds, role, minor, spent)
    if role == "agent":
        codes += _price(bounds, minor, price)
    return codes


def _total(bounds, role, minor, spent):
    if bounds.total is None:
        return []
    if spent is None:
        return ["fact_missing"] if role == "agent" else []
    if spent["currency"] != bounds.currency:
        return ["currency_mismatch"]
    before = amount_from_text(spent["amount"], spent["currency"])
    return ["total_limit_exceeded"] if minor > bounds.total - before else []


def _price(bounds, minor, price):
    if any(path in bounds.withheld for path in (
            "ext.agent_behavior.price_deviation_tolerance",
            "ext.agent_behavior.price_deviation_action")):
        return ["constraint_withheld"]
    tolerance = bounds.member("ext.agent_behavior.price_deviation_tolerance")
    if tolerance is None:
        return []
    if price is None:
        return ["fact_missing"]
    if price["currency"] != bounds.currency:
        return ["currency_mismatch"]
    recorded = amount_from_text(price["amount"], price["currency"])
    beyond = abs(minor - recorded) * 100 > tolerance.value * recorded
    return ["price_deviation"] if beyond else []


def _listed(bounds, role, allowed_path, forbidden_path, value, denial):
    allowed, codes = bounds.member(allowed_path), []
    forbidden = bounds.member(forbidden_path) if forbidden_path else None
    for path in (allowed_path, forbidden_path):
        if path in bounds.withheld:
            codes.append("constraint_withheld")
    if allowed is None and forbidden is None:
        return codes
    if value is None:
        return codes + ["fact_missing"]
    if forbidden is not None and value in forbidden:
        codes.append(denial)
    if allowed is not None and value not in allowed:
        shown_in_part = allowed_path in bounds.partial and role != "agent"
        codes.append("constraint_withheld" if shown_in_part else denial)
    return codes


def _inside(category, wider):
    return category == wider or category.startswith(wider + "/")


def _categories(bounds, role, categories):
    paths = "ext.commerce.allowed_categories", "ext.commerce.forbidden_categories"
    allowed, forbidden = map(bounds.member, paths)
    codes = ["constraint_withheld" for path in paths if path in bounds.withheld]
    if allowed is None and forbidden is None:
        return codes
    if not categories:
        return codes + ["fact_missing"]
    for category in categories:
        try:
            terms.category(category)
        except Refused:
            codes.append("fact_missing")
            continue
        for entry in forbidden or []:
            if _inside(category, entry):
                codes.append("category_not_allowed")
            elif _inside(entry, category):
                codes.append("fact_missing")
        if allowed is not None and not any(_inside(category, entry) for entry in allowed):
            shown_in_part = paths[0] in bounds.partial and role != "agent"
            codes.append("constraint_withheld" if shown_in_part else "category_not_allowed")
    return codes


def _delivery(bounds, deliver_by):
    path = "ext.fulfillment.delivery_time_requirement"
    if path in bounds.withheld:
        return ["constraint_withheld"]
    required = bounds.member(path)
    if required is None:
        return []
    try:
        latest = time_parse(required)
    except Refused:
        return ["fact_missing"]
    if deliver_by is None:
        return ["fact_missing"]
    return ["delivery_not_met"] if time_parse(deliver_by) > latest else []


def _retries(bounds, attempt):
    paths = "ext.agent_behavior.on_payment_failure", "ext.agent_behavior.max_retry_count"
    if any(path in bounds.withheld for path in paths):
        return ["constraint_withheld"]
    failure, most = map(bounds.member, paths)
    if failure == "CANCEL":
        most = 0
    return ["retries_exhausted"] if most is not None and int(attempt) > int(most) else []
