package protocol

import "errors"

// ErrUndetermined matches, through errors.Is, every error that means "could
// not decide" rather than "is wrong". Neither kind ever allows anything.
var ErrUndetermined = errors.New("act: undetermined")

// An Error is the one error type of act-go.
//
// Field and Detail are chosen from constants of the library: an Error never
// prints input, so that it may be logged. The one exception is the name of a
// member that the library does not know: Field shows it when it has the shape
// of a member name, and "?" otherwise. Err, the cause, is reachable with
// errors.Is and errors.As and is not printed for the same reason.
type Error struct {
	Code        Code
	Field       string  // path of the offending member, for example "ext.commerce.max_single_amount"; of a call that had no answer of ours, its address, for example "/catalogue"
	Requirement string  // id of the requirement that was not met, for example "ADD-INT-ICS-09"
	Detail      string  // what was expected, in words
	Checks      []Check // all checks of the decision, when the error ends one
	Err         error
}

// New returns an error with a code, the path of the offending member and the
// requirement that was not met. Detail says what was expected; it must not
// contain input.
func New(code Code, field, requirement, detail string) *Error {
	return &Error{Code: code, Field: field, Requirement: requirement, Detail: detail}
}

// Wrap is New with a cause.
func Wrap(code Code, field, requirement, detail string, cause error) *Error {
	return &Error{Code: code, Field: field, Requirement: requirement, Detail: detail, Err: cause}
}

// Error returns for example
//
//	act: field_invalid: max_total_amount: at most two decimal places (ADD-INT-ICS-09)
func (e *Error) Error() string {
	detail := e.Detail
	if detail == "" {
		detail = e.Code.Text()
	}
	return "act: " + line([]string{string(e.Code), e.Field, detail}, e.Requirement)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrUndetermined) true for undetermined codes.
func (e *Error) Is(target error) bool {
	return target == ErrUndetermined && e.Code.Outcome() == Undetermined
}

// In returns a copy of err whose Field is below parent: In(err, "ext") turns
// the field "commerce" into "ext.commerce". Other errors are returned as they
// are.
func In(err error, parent string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	switch {
	case c.Field == "":
		c.Field = parent
	case parent != "" && c.Field[0] == '[':
		c.Field = parent + c.Field
	case parent != "":
		c.Field = parent + "." + c.Field
	}
	return &c
}

// CodeOf returns the code of err, or "" when err is nil or not one of ours.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
