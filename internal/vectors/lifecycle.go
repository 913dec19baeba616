package vectors

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// step is a command to the issuer's book, some minutes after now.
func step(minute int, command, actor string) obj {
	return obj{"at": utc(now.Add(time.Duration(minute) * time.Minute)), "command": command, "actor": actor}
}

// groupLifecycle: the states of a mandate (SPEC.md 4.5).
func groupLifecycle(b *builder) {
	input := func(steps ...obj) obj {
		all := list{}
		for _, s := range steps {
			all = append(all, s)
		}
		return obj{"validity_start_time": utc(grantStart), "validity_end_time": utc(grantEnd), "steps": all}
	}
	good := func(id, title, requirement, state string, status int, clock time.Time, steps ...obj) spec {
		return b.valid(spec{id: "lifecycle/" + id, title: title, requirements: ids(requirement), operation: "mandate.transition",
			clock: clock, input: input(steps...), output: obj{"state": state, "status": status}})
	}
	soon := now.Add(10 * time.Minute)
	ok := good("state/001", "Nothing having happened, a mandate is Active inside its window.", "ADD-IAC-LCM-01", "Active", 0, soon)
	bad := func(id, title string, code protocol.Code, requirement string, steps ...obj) {
		b.invalid(ok, spec{id: "lifecycle/" + id, title: title, code: code, requirements: ids(requirement)}, func(in obj) { in["steps"] = input(steps...)["steps"] })
	}
	const principal, agent, risk = "principal", "agent", "risk-control"
	good("state/002", "Before its window a mandate is Pending.", "ADD-IAC-LCM-01", "Pending", 0, grantStart.Add(-time.Second))
	good("state/003", "At the first second of its window a mandate is Active.", "ADD-IAC-LCM-01", "Active", 0, grantStart)
	good("state/004", "At the end of its window a mandate is Expired by itself.", "ADD-IAC-LCM-05", "Expired", 0, grantEnd)
	good("state/005", "A suspended mandate expires as well.", "ADD-IAC-LCM-02", "Expired", 2, grantEnd, step(1, "suspend", principal))
	good("state/006", "What was revoked stays Revoked after the end of the window.", "ADD-IAC-LCM-03", "Revoked", 1, grantEnd.Add(time.Hour), step(1, "revoke", principal))
	good("move/001", "The principal suspends.", "ADD-IAC-LCM-02", "Suspended", 2, soon, step(1, "suspend", principal))
	good("move/002", "Risk control suspends.", "ADD-IAC-LCM-04", "Suspended", 2, soon, step(1, "suspend", risk))
	good("move/003", "The principal lifts its own suspension.", "ADD-IAC-LCM-02", "Active", 0, soon, step(1, "suspend", principal), step(2, "resume", principal))
	good("move/004", "Risk control lifts its own suspension.", "ADD-IAC-LCM-04", "Active", 0, soon, step(1, "suspend", risk), step(2, "resume", risk))
	good("move/005", "Risk control lifts a suspension of the principal.", "ADD-IAC-LCM-04", "Active", 0, soon, step(1, "suspend", principal), step(2, "resume", risk))
	good("move/006", "The principal revokes.", "ADD-IAC-LCM-02", "Revoked", 1, soon, step(1, "revoke", principal))
	good("move/007", "The agent revokes what was entrusted to it.", "ADD-IAC-LCM-04", "Revoked", 1, soon, step(1, "revoke", agent))
	good("move/008", "A suspended mandate is revoked.", "ADD-IAC-LCM-02", "Revoked", 1, soon, step(1, "suspend", risk), step(2, "revoke", principal))
	good("move/009", "A mandate may be suspended as often as it is resumed.", "ADD-IAC-LCM-02", "Suspended", 2, soon, step(1, "suspend", principal), step(2, "resume", principal), step(3, "suspend", principal))
	good("move/010", "Before its window a mandate is revoked like any other.", "ADD-IAC-LCM-02", "Revoked", 1, soon, step(-90, "revoke", principal))
	good("move/011", "Before its window a mandate is suspended, and is so when the window begins.", "ADD-IAC-LCM-02", "Suspended", 2, soon, step(-90, "suspend", principal))
	good("move/012", "Risk control takes over a suspension of the principal; the state stays.", "ADD-IAC-LCM-04", "Suspended", 2, soon, step(1, "suspend", principal), step(2, "suspend", risk))

	conflict, refused := protocol.CodeStateConflict, protocol.CodeActorRefused
	bad("terminal/001", "What was revoked is not resumed.", conflict, "ADD-IAC-LCM-03", step(1, "revoke", principal), step(2, "resume", principal))
	bad("terminal/002", "What was revoked is not suspended.", conflict, "ADD-IAC-LCM-03", step(1, "revoke", principal), step(2, "suspend", principal))
	bad("terminal/003", "What was revoked is not revoked again.", conflict, "ADD-IAC-LCM-03", step(1, "revoke", principal), step(2, "revoke", principal))
	end := int(grantEnd.Sub(now) / time.Minute)
	bad("terminal/004", "What has expired is not suspended.", conflict, "ADD-IAC-LCM-03", step(end, "suspend", principal))
	bad("terminal/005", "What has expired is not resumed.", conflict, "ADD-IAC-LCM-03", step(1, "suspend", principal), step(end, "resume", principal))
	bad("terminal/006", "What has expired is not revoked.", conflict, "ADD-IAC-LCM-03", step(end, "revoke", principal))
	bad("transition/001", "What is Active is not resumed.", conflict, "ADD-IAC-LCM-02", step(1, "resume", principal))
	bad("transition/002", "What the principal suspended it does not suspend again.", conflict, "ADD-IAC-LCM-02", step(1, "suspend", principal), step(2, "suspend", principal))
	bad("transition/003", "What risk control suspended it does not suspend again.", conflict, "ADD-IAC-LCM-02", step(1, "suspend", risk), step(2, "suspend", risk))
	bad("transition/004", "There is no other command.", protocol.CodeFieldInvalid, "ADD-IAC-LCM-02", step(1, "expire", principal))
	bad("actor/001", "An agent does not suspend.", refused, "ADD-IAC-LCM-04", step(1, "suspend", agent))
	bad("actor/002", "An agent does not lift a suspension.", refused, "ADD-IAC-LCM-04", step(1, "suspend", principal), step(2, "resume", agent))
	bad("actor/003", "Risk control does not revoke.", refused, "ADD-IAC-LCM-04", step(1, "revoke", risk))
	bad("actor/004", "The principal does not lift what risk control suspended.", refused, "ADD-IAC-LCM-04", step(1, "suspend", risk), step(2, "resume", principal))
	bad("actor/005", "The principal does not lift what risk control took over.", refused, "ADD-IAC-LCM-04", step(1, "suspend", principal), step(2, "suspend", risk), step(3, "resume", principal))
	bad("actor/006", "A stranger does nothing.", refused, "ADD-IAC-LCM-04", step(1, "revoke", "merchant"))
	bad("actor/007", "The issuer itself does not suspend on its own account.", refused, "ADD-IAC-LCM-04", step(1, "suspend", "issuer"))
}
