package trustlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/verifier"
)

const (
	// MaxProof is the largest proof that is read, in bytes.
	MaxProof = 24 << 10

	maxHashes   = 63
	proofHeader = "c2sp.org/tlog-proof@v1"
)

// Entry is what the log has of an anchor: the SHA-256 of the token's bytes. It
// is public, and tells nothing to who does not have the token.
func Entry(token []byte) [sha256.Size]byte { return sha256.Sum256(token) }

// Leaf is the RFC 6962 leaf hash of an anchor's Entry.
func Leaf(token []byte) tlog.Hash {
	e := Entry(token)
	return tlog.RecordHash(e[:])
}

// LookupKey is the name under which a record is looked up: the base64url of the
// SHA-256 of its id, so that no id stands in a URL, where it would be logged.
func LookupKey(recordID string) string {
	h := sha256.Sum256([]byte(recordID))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// An UnverifiedProof is what a proof says. Whoever wrote it may have made it up:
// see [Trust.Verify].
type UnverifiedProof struct {
	Token      []byte      // the anchor, a compact JWS
	Index      int64       // its place in the log, from 0
	Hashes     []tlog.Hash // RFC 6962 inclusion proof, from the leaf to the root
	Checkpoint []byte      // signed note
}

// Text writes the proof as a C2SP tlog-proof, with the token as extra data.
func (p *UnverifiedProof) Text() []byte {
	var b bytes.Buffer
	b.WriteString(proofHeader + "\nextra " + base64.StdEncoding.EncodeToString(p.Token) + "\nindex " + strconv.FormatInt(p.Index, 10) + "\n")
	for _, h := range p.Hashes {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// ParseProof reads what Text writes, and nothing else. It verifies nothing.
func ParseProof(text []byte) (*UnverifiedProof, error) {
	if len(text) > MaxProof {
		return nil, protocol.New(protocol.CodeTooLarge, "proof", "TSD-ATT-OCA-04", "a proof has at most 24 KiB")
	}
	head, checkpoint, ok := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 3 || lines[0] != proofHeader {
		return nil, malformed("proof", "not a proof of a log entry")
	}
	extra, ok := strings.CutPrefix(lines[1], "extra ")
	if !ok || strings.Contains(extra, "\r") {
		return nil, malformed("proof.extra", "the anchor, in base64")
	}
	token, err := base64.StdEncoding.Strict().DecodeString(extra)
	if err != nil || len(token) == 0 || len(token) > attestation.MaxAnchor {
		return nil, malformed("proof.extra", "the anchor, in base64")
	}
	index, ok := strings.CutPrefix(lines[2], "index ")
	if !ok {
		return nil, malformed("proof.index", "the place of the anchor")
	}
	p := &UnverifiedProof{Token: token, Checkpoint: slices.Clone(checkpoint)}
	if p.Index, err = parseSize(index); err != nil {
		return nil, protocol.In(err, "proof.index")
	}
	if len(lines)-3 > maxHashes {
		return nil, protocol.New(protocol.CodeTooLarge, "proof", "TSD-ATT-OCA-04", "at most 63 hashes")
	}
	for _, line := range lines[3:] {
		h, err := parseHash(line)
		if err != nil {
			return nil, protocol.In(err, "proof")
		}
		p.Hashes = append(p.Hashes, h)
	}
	return p, nil
}

// A Place is where an anchor is on a chain, proved. It comes from
// [Trust.Verify] and from a [Client].
type Place struct {
	Channel    string
	Index      int64
	Checkpoint Checkpoint
	Token      []byte // the anchor, a compact JWS, whose signature was not verified
	Anchor     attestation.Anchor

	proof []byte
}

// String names the place, "chain.example/log/retail 17".
func (p *Place) String() string {
	return p.Checkpoint.Origin + " " + strconv.FormatInt(p.Index, 10)
}

// Proof returns the proof as text, for a file: [Trust.Verify] makes the same
// Place of it without a network.
func (p *Place) Proof() []byte { return slices.Clone(p.proof) }

// Anchored is the place in the form of package verifier. Its time is that of
// the proof's checkpoint: the first that covers the anchor, when the proof is a
// receipt or an answer of the log.
func (p *Place) Anchored() *verifier.Anchored {
	return &verifier.Anchored{Token: slices.Clone(p.Token), Place: p.String(), At: p.Checkpoint.Time}
}

// Verify verifies a proof offline: the checkpoint as [Trust.Checkpoint] does,
// and that the anchor is in the tree at its index. The anchor has the right form
// and names the channel; its signature, and which record it is of, are package
// verifier's to judge.
func (t Trust) Verify(channel string, proof []byte) (*Place, error) {
	p, err := ParseProof(proof)
	if err != nil {
		return nil, err
	}
	c, err := t.Checkpoint(channel, p.Checkpoint)
	if err != nil {
		return nil, protocol.In(err, "proof")
	}
	if p.Index >= c.Size || tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, Leaf(p.Token)) != nil {
		return nil, protocol.New(protocol.CodeClaimsConflict, "proof", "TSD-ATT-OCA-04", "the anchor is not in this tree at this place")
	}
	u, err := attestation.ParseAnchor(p.Token)
	if err != nil {
		return nil, protocol.In(err, "anchor")
	}
	if u.Anchor.Channel != channel {
		return nil, protocol.New(protocol.CodeClaimsConflict, "anchor.channel", "TSD-ATT-OCA-02", "an anchor of another channel")
	}
	return &Place{
		Channel: channel, Index: p.Index, Checkpoint: *c, Token: p.Token, Anchor: u.Anchor, proof: p.Text(),
	}, nil
}
