package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// MaxSubAccountAuthorizationLife is how long an authorization of a sub-account
// is good for at most.
const MaxSubAccountAuthorizationLife = 300 * time.Second

const memberSubAccountAuth = "subaccount_authorization"

// A SubAccountAuthorization is what the key of a sub-account says to one
// transmission of one payment request (PSD-AGT-SUB-04, SPEC.md 6.7). It is a
// token of type act-subaccount-auth+jwt.
//
// The key is one that the provider registered when the sub-account was opened,
// and another than the one by which the agent signs its requests: whoever got
// hold of the latter alone cannot spend from the sub-account.
type SubAccountAuthorization struct {
	AgentID       string    // iss, DID of the agent whose sub-account it is; the signer
	SubAccountID  string    // sub
	PSPID         string    // aud, DID
	ID            string    // jti, for records; a repetition is known by the request's nonce
	IssuedAt      time.Time // whole seconds
	Expires       time.Time // whole seconds, at most MaxSubAccountAuthorizationLife later
	RequestDigest canon.Digest
}

type subAccountWire struct {
	Issuer        string `json:"iss"`
	Subject       string `json:"sub"`
	Audience      string `json:"aud"`
	ID            string `json:"jti"`
	IssuedAt      int64  `json:"iat"`
	Expires       int64  `json:"exp"`
	RequestDigest string `json:"request_digest"`
}

func (a SubAccountAuthorization) wire() subAccountWire {
	return subAccountWire{
		a.AgentID, a.SubAccountID, a.PSPID, a.ID, wire.Seconds(a.IssuedAt), wire.Seconds(a.Expires), string(a.RequestDigest),
	}
}

func (w subAccountWire) value() (SubAccountAuthorization, error) {
	r := wire.Reader{Requirement: "PSD-AGT-SUB-04"}
	r.DID("iss", w.Issuer)
	r.ID("sub", w.Subject)
	r.DID("aud", w.Audience)
	r.ID("jti", w.ID)
	fingerprint(&r, "request_digest", w.RequestDigest)
	a := SubAccountAuthorization{
		AgentID: w.Issuer, SubAccountID: w.Subject, PSPID: w.Audience, ID: w.ID,
		IssuedAt: r.NumericDate("iat", w.IssuedAt), Expires: r.NumericDate("exp", w.Expires),
		RequestDigest: canon.Digest(w.RequestDigest),
	}
	if life := a.Expires.Sub(a.IssuedAt); r.Err() == nil && (life <= 0 || life > MaxSubAccountAuthorizationLife) {
		r.Invalid("exp", "after iat, by at most 300 seconds")
	}
	if err := r.Err(); err != nil {
		return SubAccountAuthorization{}, err
	}
	return a, nil
}

// RequestDigest is the request_digest of the authorization for q, in the
// transmission that agent, the signer of the request, will sign: the digest of
// the message without "iac", "subaccount_authorization" and "signature". It
// covers nonce and timestamp, so that an authorization is for one transmission.
func RequestDigest(agent *keys.Signer, q Request) (canon.Digest, error) {
	if q.SubAccountAuthorization == "" { // the member counts, its value does not
		q.SubAccountAuthorization = "e30.e30.AA"
	}
	w := q.wire()
	if _, err := w.value(); err != nil {
		return "", err
	}
	return keys.DigestMessage(agent, w, "iac", memberSubAccountAuth)
}

// SignSubAccountAuthorization checks an authorization and returns it as a
// token, by the key of the sub-account.
func SignSubAccountAuthorization(sub *keys.Signer, a SubAccountAuthorization) (string, error) {
	w := a.wire()
	if _, err := w.value(); err != nil {
		return "", err
	}
	if sub.DID() != a.AgentID {
		return "", protocol.New(protocol.CodeClaimsConflict, "iss", "PSD-AGT-SUB-04", "not the signer")
	}
	payload, err := canon.Marshal(w)
	if err != nil {
		return "", err
	}
	token, err := keys.SignCompact(sub, keys.SubAccount, keys.TypeSubAccountAuth, payload)
	return string(token), err
}

// SignRequestFrom signs a payment request from a sub-account: sub, the key of
// q.SubAccountID, authorizes this transmission from q.Timestamp on for 300
// seconds, and then agent signs as [SignRequest] does. With a sub of nil it is
// SignRequest.
func SignRequestFrom(agent, sub *keys.Signer, q Request) ([]byte, error) {
	if sub == nil {
		return SignRequest(agent, q)
	}
	if agent.Public().Equal(sub.Public()) {
		return nil, protocol.New(protocol.CodeKeyPurpose, memberSubAccountAuth, "PSD-AGT-SUB-04", "the agent's key is not the sub-account's")
	}
	digest, err := RequestDigest(agent, q)
	if err != nil {
		return nil, err
	}
	at := q.Timestamp.Truncate(time.Second)
	q.SubAccountAuthorization, err = SignSubAccountAuthorization(sub, SubAccountAuthorization{
		AgentID: q.BuyerAgentID, SubAccountID: q.SubAccountID, PSPID: q.PSPID, ID: canon.UUID(),
		IssuedAt: at, Expires: at.Add(MaxSubAccountAuthorizationLife), RequestDigest: digest,
	})
	if err != nil {
		return nil, protocol.In(err, memberSubAccountAuth)
	}
	return SignRequest(agent, q)
}

// An UnverifiedSubAccountAuthorization has the right form; nothing is known of
// its origin.
type UnverifiedSubAccountAuthorization struct {
	Authorization SubAccountAuthorization

	token *keys.UnverifiedToken
}

// ParseSubAccountAuthorization reads the authorization of a sub-account: form,
// life, and that the key id is the agent's. It does not check the signature,
// the time, or what it is for.
func ParseSubAccountAuthorization(token string) (*UnverifiedSubAccountAuthorization, error) {
	t, err := keys.ParseCompact([]byte(token), keys.TypeSubAccountAuth)
	if err != nil {
		return nil, err
	}
	var w subAccountWire
	if err := canon.Decode(t.Payload, &w); err != nil {
		return nil, err
	}
	a, err := w.value()
	if err != nil {
		return nil, err
	}
	if wire.SignerDID(t.Header.KeyID) != a.AgentID {
		return nil, protocol.New(protocol.CodeClaimsConflict, "header.kid", "PSD-AGT-SUB-04", "not a key of the agent")
	}
	return &UnverifiedSubAccountAuthorization{a, t}, nil
}

// KeyID is the DID URL of the key that is said to have signed.
func (u *UnverifiedSubAccountAuthorization) KeyID() string { return u.token.Header.KeyID }

// Verify checks the signature by key, and nothing else. The key is the one that
// the provider registered for the sub-account; no document is asked.
func (u *UnverifiedSubAccountAuthorization) Verify(key keys.PublicKey) error {
	return u.token.Verify(key)
}
