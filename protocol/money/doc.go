// Package money holds exact amounts of the currencies of ISO 4217.
//
// An [Amount] is a whole number of minor units, never a float, never negative,
// and knows its currency; nothing is ever converted or rounded. What has more
// decimals than its currency, or does not fit, is refused, so a price cannot
// carry precision that one side sees and the other does not (SPEC.md 1.5).
//
// Use [Parse] for the decimal strings of messages and [ParseNumber] for the
// JSON numbers of an intent or a mandate (ADD-INT-ICS-09). [MustParse] is for the
// constants of a program.
package money
