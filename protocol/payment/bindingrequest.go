package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A BindingRequest asks a provider for an instrument of a principal's
// (PSD-PMT-BND, PSD-AGT-SUB-01; SPEC.md 6.11). It binds nothing: the principal
// is identified by the provider, sees agent and limits, and decides.
//
// RequestID is the idempotency key, apart from those of payments: an equal
// request gets the same answer, and that is how the outcome is learned.
type BindingRequest struct {
	RequestID    string
	Nonce        string // fresh in each transmission
	Timestamp    time.Time
	PSPID        string // DID; the recipient
	BuyerAgentID string // DID; the signer, who alone can use the instrument
	PrincipalID  string // DID of whose account it is to be
	Terms        BindingTerms

	// SubAccountKey is the key by which payments from the sub-account will be
	// authorized, and SubAccountKeyProof its word for this transmission; both
	// exactly when Terms.Instrument is BindSubAccount. SignBindingRequest sets
	// them.
	SubAccountKey      keys.PublicKey
	SubAccountKeyProof string
}

const memberSubAccountKeyProof = "subaccount_key_proof"

type bindingRequestWire struct {
	RequestID          string          `json:"request_id"`
	Nonce              string          `json:"nonce"`
	Timestamp          string          `json:"timestamp"`
	PSPID              string          `json:"psp_id"`
	BuyerAgentID       string          `json:"buyer_agent_id"`
	PrincipalID        string          `json:"principal_id"`
	Terms              *termsWire      `json:"terms"`
	SubAccountKey      *keys.PublicKey `json:"subaccount_key,omitzero"`
	SubAccountKeyProof *string         `json:"subaccount_key_proof,omitzero"`
}

func (q BindingRequest) wire() bindingRequestWire {
	w := bindingRequestWire{
		RequestID: q.RequestID, Nonce: q.Nonce, Timestamp: wire.FormatTime(q.Timestamp), PSPID: q.PSPID, BuyerAgentID: q.BuyerAgentID,
		PrincipalID: q.PrincipalID, Terms: q.Terms.wire(), SubAccountKeyProof: wire.Optional(q.SubAccountKeyProof),
	}
	if !q.SubAccountKey.IsZero() {
		w.SubAccountKey = &q.SubAccountKey
	}
	return w
}

func (w bindingRequestWire) value() (BindingRequest, error) {
	r := wire.Reader{Requirement: "PSD-PMT-BND-02"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.DID("principal_id", w.PrincipalID)
	terms, err := w.Terms.value()
	r.Fail("terms", err)
	q := BindingRequest{
		RequestID: w.RequestID, Nonce: w.Nonce, Timestamp: r.Time("timestamp", w.Timestamp), PSPID: w.PSPID, BuyerAgentID: w.BuyerAgentID,
		PrincipalID: w.PrincipalID, Terms: terms,
	}
	if terms.Instrument == BindSubAccount {
		if w.SubAccountKey == nil {
			r.Require("subaccount_key", "")
		} else {
			q.SubAccountKey = *w.SubAccountKey
		}
		q.SubAccountKeyProof = text(w.SubAccountKeyProof)
		r.Require(memberSubAccountKeyProof, q.SubAccountKeyProof)
	} else if err == nil {
		absent(&r, memberSubAccountKeyProof, w.SubAccountKeyProof, "a member of requests for sub-accounts")
		if w.SubAccountKey != nil {
			r.Invalid("subaccount_key", "a member of requests for sub-accounts")
		}
	}
	if err := r.Err(); err != nil {
		return BindingRequest{}, err
	}
	return q, nil
}

// SignBindingRequest checks a request and returns it as a signed message, by
// the agent's key for agent requests. For a sub-account sub is the sub-account's
// key, of purpose sub-account, whose public half is registered: it signs first
// that this transmission asks for it, from q.Timestamp on for 300 seconds. For
// a payment token sub is nil.
func SignBindingRequest(agent, sub *keys.Signer, q BindingRequest) ([]byte, error) {
	q.SubAccountKey, q.SubAccountKeyProof = keys.PublicKey{}, ""
	if sub != nil {
		if agent.Public().Equal(sub.Public()) {
			return nil, protocol.New(protocol.CodeKeyPurpose, "subaccount_key", "PSD-AGT-SUB-01", "the agent's key is not the sub-account's")
		}
		q.SubAccountKey, q.SubAccountKeyProof = sub.Public(), "e30.e30.AA" // the member counts for the digest, its value does not
		digest, err := keys.DigestMessage(agent, q.wire(), memberSubAccountKeyProof)
		if err != nil {
			return nil, err
		}
		at := q.Timestamp.Truncate(time.Second)
		q.SubAccountKeyProof, err = SignSubAccountKeyProof(sub, SubAccountKeyProof{
			AgentID: q.BuyerAgentID, PSPID: q.PSPID, ID: canon.UUID(), IssuedAt: at, Expires: at.Add(MaxSubAccountAuthorizationLife), RequestDigest: digest,
		})
		if err != nil {
			return nil, protocol.In(err, memberSubAccountKeyProof)
		}
	}
	return sign[BindingRequest](agent, keys.AgentRequest, keys.KindBindingRequest, "buyer_agent_id", q.BuyerAgentID, q.wire())
}

// An UnverifiedBindingRequest has the right form; nothing is known of its
// origin.
type UnverifiedBindingRequest struct {
	Request BindingRequest
	envelope
}

// ParseBindingRequest reads a request: form, and that the key id is the
// agent's. It does not check signature, time, and the proof of the sub-account's
// key: see [ParseSubAccountKeyProof].
func ParseBindingRequest(data []byte) (*UnverifiedBindingRequest, error) {
	v, e, err := parse[BindingRequest, bindingRequestWire](data, keys.KindBindingRequest, func(q BindingRequest) string { return q.BuyerAgentID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedBindingRequest{v, e}, nil
}

// ContentDigest is the same for two transmissions of one request: it leaves out
// nonce, timestamp, signature and the proof of the sub-account's key.
func (u *UnverifiedBindingRequest) ContentDigest() canon.Digest {
	return u.message.ContentDigest("nonce", "timestamp", memberSubAccountKeyProof)
}

// KeyProofDigest is the request_digest that the proof of the sub-account's key
// must have: the digest of the message without "subaccount_key_proof" and
// "signature".
func (u *UnverifiedBindingRequest) KeyProofDigest() canon.Digest {
	return u.message.ContentDigest(memberSubAccountKeyProof)
}

// A SubAccountKeyProof says that who asks for a sub-account has the private half
// of its key (PSD-AGT-SUB-01, SPEC.md 6.11), for one transmission. It is a token
// of type act-subaccount-key+jwt. Without it anybody could have a key of
// somebody else's registered, which is good for one sub-account only.
type SubAccountKeyProof struct {
	AgentID       string    // iss, DID of the agent; the signer
	PSPID         string    // aud, DID
	ID            string    // jti, for records
	IssuedAt      time.Time // whole seconds
	Expires       time.Time // whole seconds, at most MaxSubAccountAuthorizationLife later
	RequestDigest canon.Digest
}

type keyProofWire struct {
	Issuer        string `json:"iss"`
	Audience      string `json:"aud"`
	ID            string `json:"jti"`
	IssuedAt      int64  `json:"iat"`
	Expires       int64  `json:"exp"`
	RequestDigest string `json:"request_digest"`
}

func (p SubAccountKeyProof) wire() keyProofWire {
	return keyProofWire{p.AgentID, p.PSPID, p.ID, wire.Seconds(p.IssuedAt), wire.Seconds(p.Expires), string(p.RequestDigest)}
}

func (w keyProofWire) value() (SubAccountKeyProof, error) {
	r := wire.Reader{Requirement: "PSD-AGT-SUB-01"}
	r.DID("iss", w.Issuer)
	r.DID("aud", w.Audience)
	r.ID("jti", w.ID)
	fingerprint(&r, "request_digest", w.RequestDigest)
	p := SubAccountKeyProof{
		AgentID: w.Issuer, PSPID: w.Audience, ID: w.ID,
		IssuedAt: r.NumericDate("iat", w.IssuedAt), Expires: r.NumericDate("exp", w.Expires), RequestDigest: canon.Digest(w.RequestDigest),
	}
	if life := p.Expires.Sub(p.IssuedAt); r.Err() == nil && (life <= 0 || life > MaxSubAccountAuthorizationLife) {
		r.Invalid("exp", "after iat, by at most 300 seconds")
	}
	if err := r.Err(); err != nil {
		return SubAccountKeyProof{}, err
	}
	return p, nil
}

// SignSubAccountKeyProof checks a proof and returns it as a token, by the
// sub-account's key.
func SignSubAccountKeyProof(sub *keys.Signer, p SubAccountKeyProof) (string, error) {
	w := p.wire()
	if _, err := w.value(); err != nil {
		return "", err
	}
	if sub.DID() != p.AgentID {
		return "", protocol.New(protocol.CodeClaimsConflict, "iss", "PSD-AGT-SUB-01", "not the signer")
	}
	payload, err := canon.Marshal(w)
	if err != nil {
		return "", err
	}
	token, err := keys.SignCompact(sub, keys.SubAccount, keys.TypeSubAccountKey, payload)
	return string(token), err
}

// An UnverifiedSubAccountKeyProof has the right form; nothing is known of its
// origin.
type UnverifiedSubAccountKeyProof struct {
	Proof SubAccountKeyProof

	token *keys.UnverifiedToken
}

// ParseSubAccountKeyProof reads a proof: form, life, and that the key id is the
// agent's. It does not check signature, time, or what it is for.
func ParseSubAccountKeyProof(token string) (*UnverifiedSubAccountKeyProof, error) {
	t, err := keys.ParseCompact([]byte(token), keys.TypeSubAccountKey)
	if err != nil {
		return nil, err
	}
	var w keyProofWire
	if err := canon.Decode(t.Payload, &w); err != nil {
		return nil, err
	}
	p, err := w.value()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(t.Header.KeyID) != p.AgentID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "header.kid", "PSD-AGT-SUB-01", "not a key of the agent")
	}
	return &UnverifiedSubAccountKeyProof{p, t}, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedSubAccountKeyProof) KeyID() string { return u.token.Header.KeyID }

// Verify checks the signature by key, and nothing else. The key is the one that
// the request asks to register; no document is asked.
func (u *UnverifiedSubAccountKeyProof) Verify(key keys.PublicKey) error { return u.token.Verify(key) }
