package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/guard"
	"github.com/actprotocol/act-go/trustlog"
)

// clockSkew is by how much an anchor may be signed ahead of our clock.
const clockSkew = time.Minute

// add takes an anchor, and answers with the proof of the one that the log has of
// the record: this one, one of the same content, or with 409 one of another.
func (s *Server) add(w http.ResponseWriter, r *http.Request) {
	token, err := io.ReadAll(http.MaxBytesReader(w, r.Body, attestation.MaxAnchor))
	if err != nil {
		fail(w, protocol.New(protocol.CodeTooLarge, "", "TSD-ATT-OCA-02", "an anchor has at most 4 KiB"))
		return
	}
	u, proof, err := s.accept(r.Context(), r.PathValue("channel"), token)
	if err != nil {
		fail(w, err)
		return
	}
	code := http.StatusOK
	if first, err := attestation.ParseAnchor(proof.Token); err != nil || !trustlog.SameContent(&first.Anchor, &u.Anchor) {
		code = http.StatusConflict
	}
	text(w, code, plain, never, proof.Text())
}

// accept judges an anchor and appends it.
func (s *Server) accept(ctx context.Context, channel string, token []byte) (*attestation.UnverifiedAnchor, *trustlog.UnverifiedProof, error) {
	u, err := attestation.ParseAnchor(token)
	if err != nil {
		return nil, nil, err
	}
	a := &u.Anchor
	switch {
	case a.Channel != channel:
		return nil, nil, protocol.New(protocol.CodeClaimsConflict, "channel", "TSD-ATT-OCA-02", "an anchor of another channel")
	case !s.config.Admit(channel, a.Submitter):
		return nil, nil, protocol.New(protocol.CodeAccessDenied, "iss", "TSD-ATT-OCA-02", "not a submitter of this channel")
	}
	// What is there byte by byte was judged when it came: a receipt that was
	// lost can be had again when the key is no longer in use. What is there and
	// not published yet is appended again below, which has it published.
	proof, _, err := s.config.Chain.Find(ctx, channel, sha256.Sum256([]byte(a.RecordID)))
	switch {
	case err != nil && !errors.Is(err, protocol.ErrUndetermined):
		return nil, nil, err
	case err == nil && proof != nil && bytes.Equal(proof.Token, token):
		return u, proof, nil
	}
	if err := s.verify(ctx, u, token); err != nil {
		return nil, nil, err
	}
	proof, err = s.config.Chain.Append(ctx, chain.Entry{Channel: channel, RecordID: a.RecordID, Token: token})
	return u, proof, err
}

// verify checks time, content and signature.
func (s *Server) verify(ctx context.Context, u *attestation.UnverifiedAnchor, token []byte) error {
	now := s.config.Now()
	if u.Anchor.IssuedAt.After(now.Add(clockSkew)) {
		return protocol.New(protocol.CodeRequestExpired, "iat", "TSD-ATT-OCA-02", "signed in the future")
	}
	t, err := keys.ParseCompact(token, keys.TypeAnchor)
	if err != nil {
		return err
	}
	if err := guard.Check(string(t.Payload)); err != nil {
		return err
	}
	key, err := s.config.Keys.Key(ctx, u.KeyID(), keys.Anchor, now)
	if err != nil {
		return err
	}
	return u.Verify(key)
}
