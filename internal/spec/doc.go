// Package spec keeps SPEC.md true: its test compares the document's tables
// with the code's list of error codes, with the requirement ids that tests
// name, and with the project's catalogue of requirements. It has no code.
package spec
