package identity

import (
	"bytes"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Possession is an agent's answer to a challenge (IDN-01): a token that it
// signs with the key of its credential, for one audience and one challenge.
type Possession struct {
	Agent      string       // iss, DID of the agent; the DID of the key id
	Audience   string       // aud, DID of who asked
	Challenge  string       // nonce, as it was given: base64url of 16 bytes
	IssuedAt   time.Time    // iat
	Credential canon.Digest // digest of the credential's signed payload
}

// AnswerChallenge makes the token: the signer, an agent's with a key of
// purpose agent-request, proves to audience that it holds the key of this
// credential. It refuses a credential that is not for this signer's DID and
// key, since the answer would be refused as well; it does not verify the
// credential, and it cannot know whether the challenge is fresh.
func AnswerChallenge(s *keys.Signer, credential []byte, audience, challenge string, at time.Time) ([]byte, error) {
	if s == nil {
		return nil, missingIn("signer", "IDN-01")
	}
	c, err := ParseCredential(credential)
	if err != nil {
		return nil, protocol.In(err, "credential")
	}
	p := Possession{Agent: s.DID(), Audience: audience, Challenge: challenge, IssuedAt: seconds(at), Credential: c.PayloadDigest()}
	if err := p.check(); err != nil {
		return nil, err
	}
	if c.credential.Agent != s.DID() || !c.credential.Holder.Equal(s.Public()) {
		return nil, protocol.New(protocol.CodeAgentMismatch, "credential", "IDN-01", "the credential of another agent or key")
	}
	payload, err := canon.Marshal(wirePossession{
		Iss: p.Agent, Aud: p.Audience, Nonce: p.Challenge, Iat: p.IssuedAt.Unix(), Credential: string(p.Credential),
	})
	if err != nil {
		return nil, err
	}
	return keys.SignCompact(s, keys.AgentRequest, keys.TypePossession, payload)
}

type wirePossession struct {
	Iss        string `json:"iss"`
	Aud        string `json:"aud"`
	Nonce      string `json:"nonce"`
	Iat        int64  `json:"iat"`
	Credential string `json:"credential_digest"`
}

// An UnverifiedPossession is an answer of the right form that has not been
// checked.
type UnverifiedPossession struct {
	Possession Possession

	token *keys.UnverifiedToken
}

// ParsePossession reads an answer to a challenge. It checks no signature and
// no clock, and does not know the challenge.
func ParsePossession(raw []byte) (*UnverifiedPossession, error) {
	token, err := keys.ParseCompact(raw, keys.TypePossession)
	if err != nil {
		return nil, err
	}
	var w wirePossession
	if err := canon.Decode(token.Payload, &w); err != nil {
		return nil, requirementFor(err, "IDN-01")
	}
	p := Possession{Agent: w.Iss, Audience: w.Aud, Challenge: w.Nonce, IssuedAt: numericDate(w.Iat), Credential: canon.Digest(w.Credential)}
	if err := p.check(); err != nil {
		return nil, err
	}
	if did, _, _ := strings.Cut(token.Header.KeyID, "#"); did != p.Agent {
		return nil, protocol.New(protocol.CodeClaimsConflict, "iss", "IDN-01", "the signing key is not the agent's")
	}
	return &UnverifiedPossession{Possession: p, token: token}, nil
}

// KeyID returns the DID URL of the key that signed. Its DID is the agent's.
func (u *UnverifiedPossession) KeyID() string { return u.token.Header.KeyID }

// Verify checks the signature by the key of the agent's verified credential.
func (u *UnverifiedPossession) Verify(key keys.PublicKey) error { return u.token.Verify(key) }

// Payload returns a copy of the signed payload.
func (u *UnverifiedPossession) Payload() []byte { return bytes.Clone(u.token.Payload) }

func (p Possession) check() error {
	const requirement = "IDN-01"
	if err := present(requirement,
		named{"iss", p.Agent != ""}, named{"aud", p.Audience != ""}, named{"nonce", p.Challenge != ""},
		named{"iat", !p.IssuedAt.IsZero()}, named{"credential_digest", p.Credential != ""},
	); err != nil {
		return err
	}
	if err := allDIDs(requirement, [2]string{"iss", p.Agent}, [2]string{"aud", p.Audience}); err != nil {
		return err
	}
	if raw, err := canon.DecodeBase64(p.Challenge); err != nil || len(raw) != 16 {
		return invalidIn("nonce", requirement, "base64url of 16 bytes")
	}
	if _, err := canon.ParseDigest(string(p.Credential)); err != nil {
		return requirementFor(protocol.In(err, "credential_digest"), requirement)
	}
	return wholeSeconds(requirement, map[string]time.Time{"iat": p.IssuedAt})
}
