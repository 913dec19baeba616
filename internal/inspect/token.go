package inspect

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// readToken reads a compact JWS, or an SD-JWT, by its typ.
func readToken(raw []byte, o Options) (*Report, error) {
	typ, err := tokenType(raw)
	if err != nil {
		return nil, err
	}
	switch typ {
	case keys.TypeMandate, keys.TypeMandateSD:
		return readMandate(raw, typ, o)
	case keys.TypeStatusList:
		return readStatusList(raw, o)
	case keys.TypeOrder:
		return readOrder(raw, o)
	case keys.TypePaymentProof:
		return readProofClaims(canon.EncodeBase64(raw), o)
	case keys.TypeIdentity:
		return readCredential(raw, o)
	case keys.TypePrincipalBinding:
		return readBinding(raw, o)
	case keys.TypePossession:
		return readPossession(raw, o)
	case keys.TypeSubAccountAuth:
		return readSubAccountAuthorization(raw, o)
	case keys.TypeSubAccountKey:
		return readSubAccountKeyProof(raw, o)
	}
	return nil, protocol.New(protocol.CodeTypeMismatch, "header.typ", "", "not one of the protocol's tokens")
}

// tokenType reads the typ of the header, whatever else is wrong.
func tokenType(raw []byte) (string, error) {
	first, _, _ := bytes.Cut(raw, []byte("."))
	header, err := canon.DecodeBase64(string(first))
	if err != nil {
		return "", protocol.In(err, "header")
	}
	var h struct {
		Typ string `json:"typ"`
	}
	if err := canon.DecodeOpen(header, &h); err != nil {
		return "", protocol.In(err, "header")
	}
	return h.Typ, nil
}

// byFunc lends the two methods of signed to types that name them otherwise.
type byFunc struct {
	keyID  string
	verify func(keys.PublicKey) error
}

func (f byFunc) KeyID() string                   { return f.keyID }
func (f byFunc) Verify(key keys.PublicKey) error { return f.verify(key) }

func readMandate(raw []byte, typ string, o Options) (*Report, error) {
	m, err := delegation.ParseMandate(raw)
	if err != nil {
		return nil, err
	}
	c := m.Claims()
	r := &Report{Kind: "mandate (intent authorization credential), VC-JWT"}
	if typ == keys.TypeMandateSD {
		r.Kind = "mandate (intent authorization credential), SD-JWT VC, as far as it is disclosed"
		r.show(m.Shown())
		r.open("key binding: that who shows it holds the key of cnf")
	} else {
		r.show(m.Payload())
	}
	r.pass("form, closed claims and twins")
	for _, path := range c.Unknown {
		r.Windows = append(r.Windows, "not understood, so that nobody may allow anything by it: "+plain(path))
	}
	r.checkSignature(byFunc{m.KeyID(), m.VerifySignature}, keys.IssueAuthorization, c.IssuedAt, o)
	r.window(c.NotBefore, c.Expires, o)
	r.open("that the issuer may speak for the delegator")
	if c.Status != nil {
		r.open("state: entry " + strconv.Itoa(c.Status.Index) + " of " + plain(c.Status.URI))
	}
	return r, nil
}

func readStatusList(raw []byte, o Options) (*Report, error) {
	token, err := keys.ParseCompact(raw, keys.TypeStatusList)
	if err != nil {
		return nil, err
	}
	var claims struct {
		Sub string `json:"sub"`
	}
	if err := canon.DecodeOpen(token.Payload, &claims); err != nil {
		return nil, err
	}
	l, err := delegation.ParseStatusList(raw, claims.Sub)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "status list"}
	counts := map[string]int{}
	for i := range l.Len() {
		s, err := l.Status(i)
		switch {
		case err != nil:
			counts["without meaning"]++
		case s == delegation.StatusActive:
			counts["active"]++
		case s == delegation.StatusRevoked:
			counts["revoked"]++
		default:
			counts["suspended"]++
		}
	}
	r.Lines = []string{
		"iss: " + plain(l.Issuer), "sub: " + plain(l.URI), "iat: " + canon.FormatTime(l.IssuedAt), "exp: " + canon.FormatTime(l.Expires),
		"ttl: " + l.TTL.String(), "entries: " + strconv.Itoa(l.Len()),
	}
	for _, name := range []string{"active", "suspended", "revoked", "without meaning"} {
		if n := counts[name]; n > 0 {
			r.Lines = append(r.Lines, name+": "+strconv.Itoa(n))
		}
	}
	r.pass("form")
	r.checkSignature(byFunc{l.KeyID(), l.VerifySignature}, keys.Status, o.Now, o)
	r.window(time.Time{}, l.Expires, o)
	r.open("that it was served at its address, and is the newest")
	return r, nil
}

func readOrder(raw []byte, o Options) (*Report, error) {
	u, err := commerce.ParseOrder(raw)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "order confirmation"}
	r.show(payloadOf(raw))
	r.pass("form, lines and sum")
	r.checkSignature(u, keys.Seller, o.Now, o)
	r.window(u.Order.IssuedAt, u.Order.Expires, o)
	r.open("that it is the answer to the buyer's own cart")
	return r, nil
}

func readProofClaims(proof string, o Options) (*Report, error) {
	u, err := payment.ParseProofClaims(proof)
	if err != nil {
		return nil, err
	}
	raw, err := canon.DecodeBase64(proof)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "payment proof (spendable until it is consumed: do not pass it on)"}
	r.show(payloadOf(raw))
	r.pass("form")
	r.checkSignature(u, keys.Proof, u.Claims.IssuedAt, o)
	r.window(u.Claims.IssuedAt, u.Claims.Expires, o)
	r.open("whether it was consumed, and that who shows it holds the key of cnf")
	return r, nil
}

func readCredential(raw []byte, o Options) (*Report, error) {
	u, err := identity.ParseCredential(raw)
	if err != nil {
		return nil, err
	}
	c := u.Credential()
	r := &Report{Kind: "agent identity credential"}
	r.show(u.Payload())
	r.pass("form, closed claims and twins")
	r.checkSignature(u, keys.IssueIdentity, c.IssuedAt, o)
	r.window(c.NotBefore, c.Expires, o)
	r.open("that the issuer may speak for the provider")
	r.open("that who shows it holds the key of cnf")
	if c.Status != nil {
		r.open("state: entry " + strconv.Itoa(c.Status.Index) + " of " + plain(c.Status.URI))
	}
	return r, nil
}

func readBinding(raw []byte, o Options) (*Report, error) {
	u, err := identity.ParseBinding(raw)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "principal binding of a platform agent"}
	r.show(u.Payload())
	r.pass("form")
	r.checkSignature(u, keys.IssueIdentity, u.Binding.IssuedAt, o)
	r.window(u.Binding.IssuedAt, u.Binding.Expires, o)
	r.open("that the issuer may speak for the agent's provider")
	return r, nil
}

func readPossession(raw []byte, o Options) (*Report, error) {
	u, err := identity.ParsePossession(raw)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "answer to a challenge"}
	r.show(u.Payload())
	r.pass("form")
	r.checkSignature(u, keys.AgentRequest, u.Possession.IssuedAt, o)
	r.window(time.Time{}, u.Possession.IssuedAt.Add(5*time.Minute), o)
	r.open("that the challenge was fresh, and which credential it is for")
	return r, nil
}

func readSubAccountAuthorization(raw []byte, o Options) (*Report, error) {
	u, err := payment.ParseSubAccountAuthorization(string(raw))
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "authorization of a payment from a sub-account"}
	r.show(payloadOf(raw))
	r.pass("form")
	r.checkSignature(u, keys.SubAccount, u.Authorization.IssuedAt, o)
	r.window(u.Authorization.IssuedAt, u.Authorization.Expires, o)
	r.open("that the key is the one that the provider registered for the sub-account: a document says nothing about it")
	r.open("which transmission of which payment request it is for")
	return r, nil
}

func readSubAccountKeyProof(raw []byte, o Options) (*Report, error) {
	u, err := payment.ParseSubAccountKeyProof(string(raw))
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "proof of the key of a new sub-account"}
	r.show(payloadOf(raw))
	r.pass("form")
	r.checkSignature(u, keys.SubAccount, u.Proof.IssuedAt, o)
	r.window(u.Proof.IssuedAt, u.Proof.Expires, o)
	r.open("that the key is the one that the binding request asks to register: a document says nothing about it")
	r.open("which transmission of which binding request it is for")
	return r, nil
}

// payloadOf returns the payload of a token that has been parsed.
func payloadOf(raw []byte) []byte {
	parts := strings.Split(string(raw), ".")
	if len(parts) != 3 {
		return nil
	}
	payload, err := canon.DecodeBase64(parts[1])
	if err != nil {
		return nil
	}
	return payload
}
