package trustlog

import (
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Trust says whose signatures make a checkpoint of a chain believable. It
// needs no network and no state: what is verified by it is what the chain has
// said, not that it says the same to everybody. Chain and Keys are required.
type Trust struct {
	// Chain is the name of the chain, "chain.example/log": for a chain with the
	// identifier did:act:chain.example/log, the host and the name.
	Chain string
	// Keys are the chain's Ed25519 keys: those of purpose anchor in its DID
	// document. One of them must have signed. Keep retired ones here as long
	// as old proofs are to verify, and take compromised ones out.
	Keys []keys.PublicKey

	// Witnesses are those whose cosignatures count, and Quorum is how many of
	// them a checkpoint must have; 0 means all.
	Witnesses []Witness
	Quorum    int

	Now func() time.Time // nil means time.Now
}

// Check checks the configuration itself.
func (t Trust) Check() error {
	if err := checkName(t.Chain); err != nil {
		return protocol.In(err, "chain")
	}
	if len(t.Keys) == 0 {
		return protocol.New(protocol.CodeFieldMissing, "keys", "TSD-ATT-OCA-06", "the chain's keys")
	}
	if t.Quorum < 0 || t.Quorum > len(t.Witnesses) {
		return protocol.New(protocol.CodeFieldInvalid, "quorum", "TSD-ATT-OCA-06", "at most as many as there are witnesses")
	}
	var names []string
	all := slices.Clone(t.Keys)
	for _, w := range t.Witnesses {
		if err := checkName(w.Name); err != nil {
			return protocol.In(err, "witnesses")
		}
		names, all = append(names, w.Name), append(all, w.Key)
	}
	for i, k := range all {
		if k.Algorithm() != keys.EdDSA {
			return protocol.New(protocol.CodeAlgorithmRefused, "keys", "TSD-ATT-OCA-06", "checkpoints are signed by Ed25519 keys")
		}
		if slices.ContainsFunc(all[:i], k.Equal) {
			return protocol.New(protocol.CodeKeyPurpose, "witnesses", "ADD-IAC-ISS-12", "one key under two names")
		}
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(t.Witnesses) {
		return protocol.New(protocol.CodeFieldInvalid, "witnesses", "TSD-ATT-OCA-06", "one name for two witnesses")
	}
	return nil
}

func (t Trust) quorum() int {
	if t.Quorum == 0 {
		return len(t.Witnesses)
	}
	return t.Quorum
}

func (t Trust) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// logKeys returns the log's keys for an origin, and its witnesses'.
func (t Trust) logKeys(origin string) (plain, timed []note.Verifier, err error) {
	for _, key := range t.Keys {
		p, err := newNoteKey(origin, typeNote, key)
		if err != nil {
			return nil, nil, err
		}
		c, err := newNoteKey(origin, typeCosignature, key)
		if err != nil {
			return nil, nil, err
		}
		plain, timed = append(plain, p), append(timed, c)
	}
	return plain, timed, nil
}

// Checkpoint verifies a signed checkpoint of a channel's log: origin, the
// signature of the log, enough witnesses, and times that have been. It does not
// check that the log shows the same to others, or continues anything: a
// [Client] does.
func (t Trust) Checkpoint(channel string, signed []byte) (*Checkpoint, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	origin, err := Origin(t.Chain, channel)
	if err != nil {
		return nil, err
	}
	plain, timed, err := t.logKeys(origin)
	if err != nil {
		return nil, err
	}
	known := slices.Concat(plain, timed)
	for _, w := range t.Witnesses {
		k, err := newNoteKey(w.Name, typeCosignature, w.Key)
		if err != nil {
			return nil, err
		}
		known = append(known, k)
	}
	n, err := open(signed, known)
	if err != nil {
		return nil, err
	}
	c, err := parseText(n.Text)
	if err != nil {
		return nil, err
	}
	if c.Origin != origin {
		return nil, protocol.New(protocol.CodeClaimsConflict, "checkpoint.origin", "TSD-ATT-OCA-04", "a checkpoint of another log")
	}
	c.Note = slices.Clone(signed)
	if err := t.count(c, n.Sigs, plain); err != nil {
		return nil, err
	}
	return c, nil
}

// count judges verified signatures.
func (t Trust) count(c *Checkpoint, verified []note.Signature, plain []note.Verifier) error {
	witnesses, signedByLog := 0, false
	for _, s := range verified {
		if slices.ContainsFunc(plain, func(v note.Verifier) bool { return v.Name() == s.Name && v.KeyHash() == s.Hash }) {
			signedByLog = true
			continue
		}
		at, ok := cosignatureTime(s)
		if !ok || at.After(t.now().Add(clockSkew)) {
			return protocol.New(protocol.CodeRequestExpired, "checkpoint", "TSD-ATT-OCA-04", "a time that has not been")
		}
		if at.After(c.Time) {
			c.Time = at
		}
		if s.Name != c.Origin {
			witnesses++
		}
	}
	switch {
	case !signedByLog:
		return protocol.New(protocol.CodeSignatureInvalid, "checkpoint", "TSD-ATT-OCA-06", "no signature by a key of this log")
	case witnesses < t.quorum():
		return protocol.New(protocol.CodeSignatureInvalid, "checkpoint", "TSD-ATT-OCA-04", "too few witnesses have signed")
	case c.Time.IsZero():
		return protocol.New(protocol.CodeFieldMissing, "checkpoint", "TSD-ATT-OCA-04", "nobody says when this was signed")
	}
	return nil
}
