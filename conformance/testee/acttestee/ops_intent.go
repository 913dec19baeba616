package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// checkIntent is intent.check.
func checkIntent(_ time.Time, in struct {
	ISR     string  `json:"isr"`
	Final   bool    `json:"final"`
	Context *string `json:"context"`
}) (any, error) {
	isr, err := delegation.DecodeISR([]byte(in.ISR))
	if err != nil {
		return nil, err
	}
	if in.Final {
		if err := isr.Validate(); err != nil {
			return nil, err
		}
	}
	if in.Context != nil {
		content, err := canon.DecodeBase64(*in.Context)
		if err != nil {
			return nil, err
		}
		if err := isr.ConversationHistory.Matches(content); err != nil {
			return nil, err
		}
	}
	digest, err := isr.Digest()
	if err != nil {
		return nil, err
	}
	return map[string]any{"digest": string(digest)}, nil
}

// issueMandate is mandate.issue: the mandate of a confirmed intent, with
// everything that an issuer would draw given.
func issueMandate(clock time.Time, in struct {
	ISR          string `json:"isr"`
	DelegationID string `json:"delegation_id"`
	Delegator    string `json:"delegator"`
	Audience     string `json:"audience"`
	Status       *struct {
		List struct {
			Index int    `json:"idx"`
			URI   string `json:"uri"`
		} `json:"status_list"`
	} `json:"status"`
	Control string         `json:"control_proof_ref"`
	Holder  jsontext.Value `json:"holder"`
	KeyID   string         `json:"key_id"`
	Purpose keys.Purpose   `json:"purpose"`
	Key     privateKey     `json:"key"`
}) (any, error) {
	isr, err := delegation.DecodeISR([]byte(in.ISR))
	if err != nil {
		return nil, err
	}
	confirmed, err := delegation.ConfirmedISR(isr)
	if err != nil {
		return nil, err
	}
	a, err := delegation.NewAuthorization(confirmed, in.Delegator)
	if err != nil {
		return nil, err
	}
	a.DelegationID = in.DelegationID
	holder, err := keys.ParseJWK(in.Holder)
	if err != nil {
		return nil, err
	}
	private, err := in.Key.signer()
	if err != nil {
		return nil, err
	}
	signer, err := keys.NewSigner(in.KeyID, in.Purpose, private)
	if err != nil {
		return nil, err
	}
	var status *delegation.StatusReference
	if in.Status != nil {
		status = &delegation.StatusReference{Index: in.Status.List.Index, URI: in.Status.List.URI}
	}
	claims := delegation.NewClaims(a, signer.DID(), in.Audience, holder, status, clock)
	claims.ControlProofRef = in.Control
	token, err := delegation.Issue(signer, claims)
	if err != nil {
		return nil, err
	}
	return map[string]any{"mandate": string(token)}, nil
}

// A privateKey is a private JWK (RFC 8037, RFC 7518).
type privateKey struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	D   string `json:"d"`
}

func (k privateKey) signer() (crypto.Signer, error) {
	d, err := canon.DecodeBase64(k.D)
	switch {
	case err != nil:
		return nil, err
	case k.Crv == "Ed25519" && len(d) == ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(d), nil
	case k.Crv == "P-256":
		return ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
	}
	return nil, protocol.New(protocol.CodeAlgorithmRefused, "key", "", "Ed25519 or P-256")
}

// A purchase is what a role knows of one.
type purchase struct {
	Amount         *amountText `json:"amount"`
	Merchant       string      `json:"merchant_id"`
	Categories     []string    `json:"categories"`
	Method         string      `json:"payment_method"`
	DeliverBy      string      `json:"deliver_by"`
	CataloguePrice *amountText `json:"catalogue_price"`
	Attempt        int         `json:"attempt"`
}

func (p purchase) read(clock time.Time) (delegation.Purchase, error) {
	out := delegation.Purchase{At: clock, Merchant: p.Merchant, Categories: p.Categories, Method: p.Method, Attempt: p.Attempt}
	amount, err := p.Amount.read()
	if err != nil {
		return out, err
	}
	price, err := p.CataloguePrice.read()
	if err != nil {
		return out, err
	}
	if amount != nil {
		out.Amount = *amount
	}
	if price != nil {
		out.CataloguePrice = *price
	}
	if p.DeliverBy != "" {
		out.DeliverBy, err = canon.ParseTime(p.DeliverBy)
	}
	return out, err
}

// An amountText is an amount as messages have it (SPEC.md 1.5).
type amountText struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

func (a *amountText) read() (*money.Amount, error) {
	if a == nil {
		return nil, nil
	}
	currency, err := money.ParseCurrency(a.Currency)
	if err != nil {
		return nil, err
	}
	amount, err := money.Parse(a.Amount, currency)
	return &amount, err
}
