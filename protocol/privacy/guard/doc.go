// Package guard finds what must not be logged, anchored or put in an error:
// account numbers, Chinese resident identity numbers, telephone numbers, e-mail
// addresses, and our tokens (PRV-04, SPEC.md 8.5).
//
//	logger := slog.New(guard.NewHandler(slog.NewJSONHandler(os.Stderr, nil)))
//
// [NewHandler] masks everything that is logged through it; [Mask] masks a text,
// [Check] refuses one, [Scan] says where what was found.
//
// It is a net and not a wall. It knows forms, not meanings: names, street
// addresses, resident numbers without checksum (those of 15 digits), account
// numbers without Luhn digit, local telephone numbers, and whatever was
// encoded, encrypted or split are not found. Do not log messages and trust the
// guard; log ids, and let the guard catch mistakes.
//
// Promise: no error and no result of this package contains what was found; the
// identifiers that this library makes (UUIDs, nonces, digests, key ids) and the
// times that it writes are left alone; text of any length is scanned in time
// proportional to it; what was masked once is not changed by masking again.
package guard
