package identity

import (
	"time"

	"github.com/actprotocol/act-go/protocol"
)

// What the three tokens of SPEC.md 9.1 have in common.

type named struct {
	name string
	ok   bool
}

// present refuses the first member that is absent or empty.
func present(requirement string, members ...named) error {
	for _, m := range members {
		if !m.ok {
			return missingIn(m.name, requirement)
		}
	}
	return nil
}

// allDIDs refuses the first member that is not a DID.
func allDIDs(requirement string, members ...[2]string) error {
	for _, m := range members {
		if _, err := ParseDID(m[1]); err != nil {
			return requirementFor(protocol.In(err, m[0]), requirement)
		}
	}
	return nil
}

// wholeSeconds refuses times that a NumericDate of digits cannot say.
func wholeSeconds(requirement string, times map[string]time.Time) error {
	for _, name := range [...]string{"iat", "nbf", "exp"} {
		if t, ok := times[name]; ok && (t.Nanosecond() != 0 || t.Unix() < 0 || t.Unix() > lastSecond) {
			return invalidIn(name, requirement, "whole seconds of the years 1970 to 9999")
		}
	}
	return nil
}

// numericDate reads seconds since 1970. Zero, and an absent claim, is no time.
func numericDate(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// seconds cuts a time to whole seconds and leaves the zero time alone.
func seconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}

func missingIn(field, requirement string) error {
	return protocol.New(protocol.CodeFieldMissing, field, requirement, "")
}

func invalidIn(field, requirement, detail string) error {
	return protocol.New(protocol.CodeFieldInvalid, field, requirement, detail)
}

// requirementFor names the requirement in an error that has none, or only that
// of the identifier inside.
func requirementFor(err error, requirement string) error {
	if err == nil {
		return nil
	}
	e := *protocol.AsError(err)
	if e.Requirement == "" {
		e.Requirement = requirement
	}
	return &e
}
