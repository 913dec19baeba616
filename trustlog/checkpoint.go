package trustlog

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
)

const (
	// MaxCheckpoint is the largest signed checkpoint that is read, in bytes.
	MaxCheckpoint = 8 << 10
	// MaxSize is the largest log, in anchors.
	MaxSize = 1 << 48

	maxName   = 192
	clockSkew = time.Minute
)

// A Checkpoint is what a log has signed: so many anchors, with this root. One
// that comes from [Trust.Checkpoint] is verified.
type Checkpoint struct {
	Origin string    // chain and channel, "chain.example/log/retail"
	Size   int64     // number of anchors
	Root   tlog.Hash // RFC 6962 Merkle tree hash, SHA-256
	// Time is the latest of the times at which the log and its witnesses say
	// to have signed, in whole seconds: all of the tree existed then, unless
	// every one of them lies.
	Time time.Time
	Note []byte // the signed note, byte for byte
}

// Origin is the first line of the checkpoints of a channel's log, and the name
// of the log's key: the chain's name, a slash, the channel. The chain's name is
// a lower-case host, a port unless it is 443, and a path (SPEC.md 10.4).
func Origin(chain, channel string) (string, error) {
	if err := checkName(chain); err != nil {
		return "", protocol.In(err, "chain")
	}
	if err := attestation.CheckChannel(channel); err != nil {
		return "", protocol.In(err, "channel")
	}
	return chain + "/" + channel, nil
}

// checkName holds names of chains and witnesses to one spelling. It is narrower
// than C2SP, so that what the key of a log signs for other uses can never read
// as a checkpoint of some origin.
func checkName(s string) error {
	if len(s) > maxName || strings.Contains(s, "+") || !strings.Contains(s, "/") || !wire.PlainURL("https://"+s) {
		return protocol.New(protocol.CodeFieldInvalid, "", "TSD-ATT-OCA-02", "a lower-case host and a path, without a scheme")
	}
	return nil
}

// text is the body of the note, without signatures.
func (c *Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// parseText reads the body of a note: three lines and no more.
func parseText(text string) (*Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return nil, malformed("checkpoint", "a checkpoint has three lines: origin, size, root")
	}
	size, err := parseSize(lines[1])
	if err != nil {
		return nil, protocol.In(err, "checkpoint")
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return nil, protocol.In(err, "checkpoint")
	}
	return &Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// ParseCheckpoint reads a signed checkpoint without looking at its signatures,
// for one that was verified before it was put away. It has no Time.
func ParseCheckpoint(signed []byte) (*Checkpoint, error) {
	i := strings.LastIndex(string(signed), "\n\n")
	if i < 0 {
		return nil, malformed("checkpoint", "not a signed note")
	}
	c, err := parseText(string(signed[:i+1]))
	if err != nil {
		return nil, err
	}
	c.Note = signed
	return c, nil
}

// open checks the signatures of a note: at least one by a known key, and none
// by a known key that is wrong.
func open(signed []byte, known []note.Verifier) (*note.Note, error) {
	if len(signed) > MaxCheckpoint {
		return nil, protocol.New(protocol.CodeTooLarge, "checkpoint", "TSD-ATT-OCA-06", "a checkpoint has at most 8 KiB")
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	switch err.(type) {
	case nil:
		return n, nil
	case *note.UnverifiedNoteError:
		return nil, protocol.New(protocol.CodeSignatureInvalid, "checkpoint", "TSD-ATT-OCA-06", "no signature by a key of this log")
	case *note.InvalidSignatureError:
		return nil, protocol.New(protocol.CodeSignatureInvalid, "checkpoint", "TSD-ATT-OCA-06", "a signature that does not verify")
	}
	return nil, malformed("checkpoint", "not a signed note")
}

// parseSize reads a number of leaves, or an index, in its one spelling.
func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > MaxSize || strconv.FormatInt(n, 10) != s {
		return 0, malformed("", "a number in decimal, without leading zeroes")
	}
	return n, nil
}

// parseHash reads 32 bytes of padded standard base64, strictly.
func parseHash(s string) (tlog.Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || strings.ContainsAny(s, "\r\n") {
		return tlog.Hash{}, malformed("", "a hash of 32 bytes in base64")
	}
	return tlog.Hash(b), nil
}

func malformed(field, detail string) error {
	return protocol.New(protocol.CodeMalformed, field, "TSD-ATT-OCA-04", detail)
}
