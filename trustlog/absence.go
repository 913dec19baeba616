package trustlog

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// maxDenialAge is how old a denial may be when it arrives.
const maxDenialAge = 5 * time.Minute

// denialHeader cannot be the first line of a checkpoint, because no origin has a
// space, and not the beginning of a token.
const denialHeader = "act-go/1 trust-chain-absence"

// A Denial is a log's signed word that a record has no anchor among its first
// Size. It is a word and not a proof: the layout of the log cannot show that
// something is absent. But with a receipt it convicts the log of a lie, see
// [Trust.Contradicts].
type Denial struct {
	Origin string
	Size   int64
	Time   time.Time
	Note   []byte // the signed note, byte for byte
}

// SignDenial makes a denial. It is for servers.
func SignDenial(s *keys.Signer, origin string, size int64, lookupKey string, at time.Time) ([]byte, error) {
	k, err := signing(s, origin, typeNote, at)
	if err != nil {
		return nil, err
	}
	if !isLookupKey(lookupKey) {
		return nil, malformed("record", "the SHA-256 of a record id, in base64url")
	}
	return sign(strings.Join([]string{
		denialHeader, origin, strconv.FormatInt(size, 10), lookupKey, strconv.FormatInt(at.Unix(), 10), "",
	}, "\n"), k)
}

func isLookupKey(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == sha256.Size && !strings.ContainsAny(s, "\r\n")
}

// denial verifies a denial about a record. Its age is not judged.
func (t Trust) denial(channel, recordID string, signed []byte) (*Denial, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	origin, err := Origin(t.Chain, channel)
	if err != nil {
		return nil, err
	}
	plain, _, err := t.logKeys(origin)
	if err != nil {
		return nil, err
	}
	n, err := open(signed, plain)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 6 || lines[5] != "" || lines[0] != denialHeader {
		return nil, malformed("denial", "not a denial")
	}
	size, err := parseSize(lines[2])
	if err != nil {
		return nil, protocol.In(err, "denial")
	}
	at, err := strconv.ParseInt(lines[4], 10, 64)
	if err != nil || at <= 0 || at > maxUnix {
		return nil, malformed("denial", "a time in seconds")
	}
	if lines[1] != origin || lines[3] != LookupKey(recordID) {
		return nil, protocol.New(protocol.CodeClaimsConflict, "denial", "TSD-ATT-SVF-02", "a denial about something else")
	}
	return &Denial{Origin: origin, Size: size, Time: time.Unix(at, 0).UTC(), Note: slices.Clone(signed)}, nil
}

// Contradicts reports whether a denial and a proof of the same record convict
// the log of a lie: it has signed that the record has no anchor among its first
// n, and that the anchor is at a place below n. Both are verified, without a
// network; an error says that one of them is worth nothing.
func (t Trust) Contradicts(channel string, denial, proof []byte) (bool, error) {
	place, err := t.Verify(channel, proof)
	if err != nil {
		return false, err
	}
	d, err := t.denial(channel, place.Anchor.RecordID, denial)
	if err != nil {
		return false, err
	}
	return place.Index < d.Size, nil
}

// NotFound is the error of [Client.Anchor] when the log denies that it has an
// anchor: errors.Is finds verifier.ErrAnchorNotFound. Keep the denial where a
// receipt may turn up.
type NotFound struct{ Denial Denial }

// Error implements error.
func (e *NotFound) Error() string {
	return "trustlog: the log denies that it has an anchor of this record"
}

// Unwrap implements the interface of package errors.
func (e *NotFound) Unwrap() error { return verifier.ErrAnchorNotFound }
