// Package keyfile keeps the private key of a person or a small program in a
// file (SPEC.md 9.3): JSON, readable by its owner only, encrypted under a
// password with argon2id and XChaCha20-Poly1305 when one is given.
//
// Advice: a service that signs often belongs on a KMS or HSM, and needs no file:
// keys.NewSigner takes any crypto.Signer. Give a file a password unless a
// machine must read it alone. Losing the password is losing the key.
//
// Promise: a file is never overwritten, never written readable by others, and
// not read when it is readable by others. The public part can be read without
// the password; nothing of an encrypted file can be changed without the next
// Open failing. No function here, no error and no %v prints a private key.
package keyfile
