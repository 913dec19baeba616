// Package inspect reads any token, header, message or document of the protocol
// and says what it is, what was verified and what was not, for cmd/act. It
// decides nothing: whoever relies on a token uses package verifier.
//
// What it prints holds no signature, no payment proof, no payment token and no
// private key, only their length and digest.
package inspect

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// MaxInput is the largest input, in bytes.
const MaxInput = 256 << 10

// Options say what the reader knows.
type Options struct {
	Document *identity.Document // of the signer; may be nil
	Key      keys.PublicKey     // of the signer; may be zero
	Now      time.Time
}

// A Report is what was found.
type Report struct {
	Kind    string
	Lines   []string // readable content
	Passed  []string // what was verified
	Failed  []string // what was found to be wrong
	Open    []string // what was not verified
	Windows []string // times, compared with Options.Now
}

func (r *Report) pass(text string) { r.Passed = append(r.Passed, text) }
func (r *Report) open(text string) { r.Open = append(r.Open, text) }
func (r *Report) fail(text string, err error) {
	r.Failed = append(r.Failed, text+": "+protocol.AsError(err).Error())
}

// OK reports whether nothing was found to be wrong.
func (r *Report) OK() bool { return len(r.Failed) == 0 }

// Read reads one input: a token, the value of an A402 header with or without
// its name, a signed message or a document. Input that is none of these is
// type_mismatch or malformed.
func Read(input []byte, o Options) (*Report, error) {
	if len(input) > MaxInput {
		return nil, protocol.New(protocol.CodeTooLarge, "", "", "at most 256 KiB")
	}
	input = stripHeader(bytes.TrimSpace(input))
	switch {
	case len(input) == 0:
		return nil, protocol.New(protocol.CodeFieldMissing, "", "", "nothing to read")
	case input[0] == '{':
		return readObject(input, o)
	case bytes.IndexByte(input, '.') >= 0:
		return readToken(input, o)
	default:
		return readHeader(string(input), o)
	}
}

// stripHeader takes the name of a header field away.
func stripHeader(input []byte) []byte {
	name, value, ok := bytes.Cut(input, []byte(":"))
	if !ok || len(name) == 0 || len(name) > 64 {
		return input
	}
	for _, c := range name {
		if c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') {
			return input
		}
	}
	return bytes.TrimSpace(value)
}

// signed is what all parsed tokens and messages have in common.
type signed interface {
	KeyID() string
	Verify(key keys.PublicKey) error
}

// checkSignature verifies the signature as far as the options allow. at is the
// time for which the key has to be valid.
func (r *Report) checkSignature(s signed, purpose keys.Purpose, at time.Time, o Options) {
	did, _, err := identity.ParseKeyID(s.KeyID())
	if err != nil {
		r.fail("key id", err)
		return
	}
	key, found := o.Key, "with the key given; that it is the signer's was not verified"
	doc := o.Document
	if doc == nil && key.IsZero() && did.Method() == identity.MethodKey {
		if doc, err = identity.ResolveKeyDID(did); err != nil {
			r.fail("did:key", err)
			return
		}
	}
	switch {
	case doc != nil:
		if key, err = doc.Key(s.KeyID(), purpose, at); err != nil {
			r.fail("key "+s.KeyID(), err)
			return
		}
		found = "by " + s.KeyID() + ", a key for " + string(purpose)
		if did.Method() != identity.MethodKey {
			found += " of the document given; where that came from was not verified"
		}
	case key.IsZero():
		r.open("signature: give the signer's document (-document) or key (-key); it names " + s.KeyID())
		return
	}
	if err := s.Verify(key); err != nil {
		r.fail("signature", err)
		return
	}
	r.pass("signature " + found)
}

// window notes whether a time span holds now.
func (r *Report) window(start, end time.Time, o Options) {
	switch {
	case !start.IsZero() && o.Now.Before(start):
		r.Windows = append(r.Windows, "begins "+canon.FormatTime(start))
	case !end.IsZero() && !o.Now.Before(end):
		r.Windows = append(r.Windows, "ended "+canon.FormatTime(end))
	case !end.IsZero():
		r.Windows = append(r.Windows, "holds until "+canon.FormatTime(end))
	}
}

// String writes the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Kind)
	for _, line := range r.Lines {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	for _, part := range []struct {
		title string
		lines []string
	}{{"time", r.Windows}, {"verified", r.Passed}, {"WRONG", r.Failed}, {"not verified", r.Open}} {
		if len(part.lines) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s\n", part.title)
		for _, line := range part.lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}
