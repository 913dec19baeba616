// Package conformance is a conformance suite for ACT 2.1 in the profile of
// SPEC.md, for programs in any language.
//
// A [Case] is one input and its one right answer. A [Runner] starts the program
// under test, the testee, as a child process, sends it one case a line and
// compares the answers; README.md beside this file says how to write a testee.
// A [Report] holds one [Result] for each case, and is written for terminals, as
// JSON, as JUnit XML, as one HTML page and as a badge. Checks of a live server
// report in the same way.
//
// Two promises. A testee is never told what is expected of it: neither the
// expectation nor the id of a case is sent, and the order is shuffled. And what
// went wrong between the suite and a testee (a crash, a time-out, a line that
// cannot be read) is an error of that case and never taken for a refusal.
package conformance
