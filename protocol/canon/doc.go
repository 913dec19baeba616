// Package canon reads and writes the bytes that everything else signs: strict
// JSON, its canonical form by RFC 8785, digests, base64url, times and
// identifiers (SPEC.md section 1).
//
// Two texts with one canonical form have one meaning. That is not so for RFC
// 8785 alone, which squeezes every number into a double: 9007199254740993 and
// 9007199254740992 would become the same bytes and share a signature. This
// package therefore refuses a number whose canonical form has another value
// than its literal, next to duplicate members, lone surrogates, bytes that are
// not UTF-8, data after the value, and anything over a size or depth limit.
//
// Use [Decode] for messages with a closed set of members and [DecodeOpen] for
// documents that may carry more. Do not read a signed text with another JSON
// library: the two might disagree about what it says.
//
// No function changes its input, and no error repeats any of it.
package canon
