// Package sealed signs a payload and then encrypts its parts, each for the
// readers who need it: the delivery address for the merchant, the payment
// instrument for the provider, device signals for risk control (PRV-02, SPEC.md
// 8.3).
//
// A message is a signed manifest, which lists salted digests and nothing else,
// and one JWE a part. Who reads a part, what it is called and what it says are
// inside it: a part tells nothing about the others but that they exist, and a
// message tells no outsider for whom it is. What can be seen is the number of
// parts and of their readers, on which curves the readers have their keys, and
// sizes in steps of 256 bytes. Parts that somebody does not need may be left
// out on the way, see [Unverified.Without].
//
// The sender's signature covers the message id, the sender, and through the
// digest of each part its readers, name and content. A reader can therefore
// neither pass a part on as if it had been for somebody else, nor put words
// into it, although all readers of a part share the key it is encrypted with.
//
// [Parse] reads a message and returns a value that may come from anybody;
// [Unverified.Open] needs the sender's key, already resolved for the right
// purpose and time. Whether the message is new, recent and from the sender that
// was expected is the caller's to judge: this package has neither clock nor
// memory. Most users call Sealed of package verifier, which does all of it. The digest of a part is salted with 32 bytes, so that an address or a
// card number cannot be found by trying.
//
// Promise: one algorithm (ECDH-ES+A256KW with A256GCM, on P-256 or X25519), no
// choice left to the message; no part is returned before every check on all
// parts that the reader can open has passed; no error and no printed value
// contains content.
package sealed
