package booktest

import "errors"

// Explain is what an error says, with its innermost cause: the errors of a book
// do not print what its database said, and a test that fails once in a thousand
// runs must.
func Explain(err error) string {
	if err == nil {
		return "no error"
	}
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	if cause == err {
		return err.Error()
	}
	return err.Error() + " (" + cause.Error() + ")"
}
