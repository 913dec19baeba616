// Package page is what the processor's pages for principals have in common:
// their frame, style and script, the two languages, and the headers around
// them.
//
// A page is one HTML document. It loads nothing: style and script are inside and
// allowed by their hashes, everything else is forbidden by the
// Content-Security-Policy, frames around it too. It says all it has to say and
// can be declined without the script, which only speaks to the passkey and
// tells times in the reader's zone. It follows the reader's wish for dark or
// light and for less motion, works from 320 pixels of width, and by keyboard
// and screen reader: one heading, labelled fields, faults that are announced and
// get the focus.
package page
