package inspect

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// readObject reads a JSON object: a signed message, a DID document, a key file.
func readObject(data []byte, o Options) (*Report, error) {
	names, err := canon.Members(data)
	if err != nil {
		return nil, err
	}
	has := func(name string) bool { return slices.Contains(names, name) }
	switch {
	case has("signature_covered_fields"):
		return readMessage(data, o)
	case has("verificationMethod"):
		return readDocument(data, o)
	case has("format") && has("public"):
		return readKeyFile(data)
	case has("kty"):
		key, err := keys.ParseJWK(data)
		if err != nil {
			return nil, err
		}
		r := &Report{Kind: "public key (JWK)"}
		r.Lines = []string{"algorithm: " + string(key.Algorithm()), "thumbprint: " + key.Thumbprint()}
		r.pass("form")
		r.open("whose it is")
		return r, nil
	}
	return nil, protocol.New(protocol.CodeTypeMismatch, "", "", "JSON that is none of the protocol's messages and documents")
}

// kinds are the kinds of signed messages and the purpose of their keys.
var kinds = []struct {
	kind    string
	purpose keys.Purpose
}{
	{keys.KindCartRequest, keys.AgentRequest}, {keys.KindPaymentRequest, keys.AgentRequest}, {keys.KindPaymentQuery, keys.AgentRequest},
	{keys.KindIntentRequest, keys.AgentRequest}, {keys.KindNegotiationRequest, keys.AgentRequest},
	{keys.KindInstrumentQuery, keys.AgentRequest}, {keys.KindInstrumentState, keys.Proof},
	{keys.KindBindingRequest, keys.AgentRequest}, {keys.KindBindingPending, keys.Proof}, {keys.KindBindingResult, keys.Proof},
	{keys.KindPaymentResult, keys.Proof}, {keys.KindPaymentPending, keys.Proof}, {keys.KindProofConsumption, keys.Seller}, {keys.KindProofConsumptionResult, keys.Proof},
	{keys.KindFulfilmentConfirmation, keys.Seller}, {keys.KindFulfilmentResult, keys.Proof},
	{keys.KindRefundRequest, keys.Seller}, {keys.KindRefundResult, keys.Proof},
	{keys.KindTradeQuery, keys.Seller}, {keys.KindTradeQuery, keys.AgentRequest}, {keys.KindTradeState, keys.Proof},
	{keys.KindPaymentNotification, keys.Proof},
}

func readMessage(data []byte, o Options) (*Report, error) {
	m, err := keys.ParseMessage(data)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "signed message"}
	r.show(m.Signed())
	r.pass("form, and the signature claims to cover every member")
	var attempt *Report
	for _, k := range kinds {
		attempt = new(Report)
		attempt.checkSignature(byFunc{m.KeyID, func(key keys.PublicKey) error { return m.Verify(key, k.kind) }}, k.purpose, o.Now, o)
		if len(attempt.Passed) > 0 {
			r.Kind = "signed message: " + k.kind
			break
		}
	}
	r.Passed, r.Failed, r.Open = append(r.Passed, attempt.Passed...), append(r.Failed, attempt.Failed...), append(r.Open, attempt.Open...)
	if len(attempt.Passed) == 0 {
		r.open("what kind of message it is: only the signature says so")
	}
	r.open("that it arrives for the first time and in time")
	return r, nil
}

func readDocument(data []byte, o Options) (*Report, error) {
	var head struct {
		ID string `json:"id"`
	}
	if err := canon.DecodeOpen(data, &head); err != nil {
		return nil, err
	}
	did, err := identity.ParseDID(head.ID)
	if err != nil {
		return nil, protocol.In(err, "id")
	}
	doc, err := identity.DecodeDocument(data, did)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "DID document of " + did.String()}
	for _, k := range doc.Keys {
		line := "key " + k.ID + ": for " + string(k.Purpose)
		if !k.Public.IsZero() {
			line += ", " + k.Public.String()
		}
		if !k.NotBefore.IsZero() {
			line += ", from " + canon.FormatTime(k.NotBefore)
		}
		if !k.NotAfter.IsZero() {
			line += ", until " + canon.FormatTime(k.NotAfter)
			if !o.Now.Before(k.NotAfter) {
				line += " (retired)"
			}
		}
		if k.Compromised {
			line += ", COMPROMISED: verifies nothing"
		}
		r.Lines = append(r.Lines, line)
	}
	for _, s := range doc.Services {
		r.Lines = append(r.Lines, "service "+plain(s.ID)+": "+plain(s.Type)+" at "+plain(s.Endpoint))
	}
	r.pass("form: key ids under the document, one purpose a key")
	if url, err := did.DocumentURL(); err == nil {
		r.open("that it is what " + url + " serves")
	}
	return r, nil
}

func readKeyFile(data []byte) (*Report, error) {
	f, err := keyfile.Parse(data)
	if err != nil {
		return nil, err
	}
	r := &Report{Kind: "key file"}
	r.Lines = []string{
		"key id: " + f.KeyID(), "purpose: " + string(f.Purpose()), "public: " + string(f.Public().JWK()),
		"thumbprint: " + f.Public().Thumbprint(), "encrypted: " + strconv.FormatBool(f.Encrypted()),
	}
	r.pass("form")
	r.open("that the public key is that of the private key: act key show -check opens it")
	return r, nil
}

// readHeader reads what has no dots: the value of an A402 header, or a payment
// proof, which is a token in base64url once more.
func readHeader(value string, o Options) (*Report, error) {
	decoded, err := canon.DecodeBase64(value)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(decoded), "ey") {
		return readProofClaims(value, o)
	}
	if bill, err := payment.ParseBill(value); err == nil {
		r := &Report{Kind: "Payment-Needed (bill)"}
		r.show(decoded)
		r.pass("form, by the official schema")
		r.profile(bill.CheckProfile())
		r.checkSignature(bill, keys.Seller, o.Now, o)
		r.window(time.Time{}, bill.Bill.PayBefore, o)
		r.open("that it is for the request that was made")
		return r, nil
	}
	if proof, err := payment.ParseProof(value); err == nil {
		r := &Report{Kind: "Payment-Proof (spendable until it is consumed: do not pass it on)"}
		r.show(decoded)
		r.pass("form, by the official schema")
		r.profile(proof.CheckProfile())
		if claims, err := proof.Claims(); err != nil {
			r.fail("proof inside", err)
		} else {
			r.checkSignature(claims, keys.Proof, claims.Claims.IssuedAt, o)
			r.window(claims.Claims.IssuedAt, claims.Claims.Expires, o)
		}
		r.open("whether it was consumed, and that who shows it holds the key of cnf")
		return r, nil
	}
	validation, err := payment.ParseValidation(value)
	if err != nil {
		return nil, protocol.New(protocol.CodeTypeMismatch, "", "PSD-PAY-A402-20", "none of the three A402 headers")
	}
	r := &Report{Kind: "Payment-Validation"}
	r.show(decoded)
	r.pass("form, by the official schema")
	r.profile(validation.CheckProfile())
	r.open("who made it: it is not signed")
	return r, nil
}

func (r *Report) profile(err error) {
	if err != nil {
		r.fail("this profile's rules", err)
		return
	}
	r.pass("this profile's rules")
}
