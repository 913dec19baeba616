"""The issuer's book of one mandate (SPEC.md 4.5)."""

from .refusal import Refused, require


class Book:
    """Holds who suspended it and whether it was revoked; the window ends it."""

    def __init__(self, start, end):
        require(start < end, "field_invalid")
        self.start, self.end = start, end
        self.revoked = False
        self.suspended_by = None

    def state(self, now):
        if self.revoked:
            return "Revoked"
        if now >= self.end:
            return "Expired"
        if self.suspended_by:
            return "Suspended"
        return "Pending" if now < self.start else "Active"

    @property
    def status(self):
        return 1 if self.revoked else 2 if self.suspended_by else 0

    def carry_out(self, command, actor, now):
        state = self.state(now)
        allowed = {"suspend": ("Pending", "Active"), "resume": ("Suspended",),
                   "revoke": ("Pending", "Active", "Suspended")}
        require(command in allowed, "field_invalid")
        takes_over = (command == "suspend" and state == "Suspended"
                      and actor == "risk-control" and self.suspended_by == "principal")
        # What has no transition is a conflict of states, whoever asks.
        open_for_somebody = state in allowed[command] or (
            command == "suspend" and state == "Suspended" and self.suspended_by == "principal")
        require(open_for_somebody, "state_conflict")
        actors = ("principal", "agent") if command == "revoke" else ("principal", "risk-control")
        require(actor in actors, "actor_refused")
        if command == "suspend":
            require(state != "Suspended" or takes_over, "state_conflict")
            self.suspended_by = actor
        elif command == "resume":
            if self.suspended_by == "risk-control" and actor != "risk-control":
                raise Refused("actor_refused")
            self.suspended_by = None
        else:
            self.revoked = True
            self.suspended_by = None
