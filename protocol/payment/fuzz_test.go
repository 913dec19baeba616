package payment_test

import (
	"crypto/ed25519"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// refused checks what holds for every refusal: one of our errors, with a code
// of the closed list, and without the input in its text.
func refused(t *testing.T, input string, err error) {
	t.Helper()
	e := protocol.AsError(err)
	if !e.Code.Known() || e.Code == protocol.CodeServiceUnavailable {
		t.Errorf("code %q", e.Code)
	}
	if len(input) > 24 && strings.Contains(err.Error(), input) {
		t.Error("the error repeats the input")
	}
}

// sameProtocol checks that what was accepted says the same after it was written
// again: there is nothing in it that the reader did not see.
func sameProtocol(t *testing.T, header, again string) {
	t.Helper()
	x, y := object(t, decode(t, header))["protocol"].(map[string]any), object(t, decode(t, again))["protocol"].(map[string]any)
	for name := range x {
		if _, ok := y[name]; !ok {
			t.Errorf("%s is lost", name)
		}
	}
	if len(x) != len(y) {
		t.Errorf("%d members became %d", len(x), len(y))
	}
}

func decode(t testing.TB, header string) []byte {
	t.Helper()
	data, err := canon.DecodeBase64(header)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// seed adds the JSON inside a header, so that the fuzzer changes JSON and not
// its encoding.
func seed(f *testing.F, header string, err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(decode(f, header))
}

// same signer for the same DID and purpose: workers of one fuzzing run must see
// the same seeds.
func fixed(t testing.TB, did string, p keys.Purpose) *keys.Signer {
	t.Helper()
	s, err := keys.NewSigner(did+"#k1", p, ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func FuzzParseBill(f *testing.F) {
	header, err := payment.SignBill(fixed(f, sellerDID, keys.Seller), goodBill(f))
	seed(f, header, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := payment.ParseBill(string(data)); err != nil {
			refused(t, string(data), err)
		}
		header := encode(data)
		u, err := payment.ParseBill(header)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		if u.Verify(pspKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		if u.CheckProfile() != nil {
			return
		}
		again, err := payment.SignBill(fixed(t, u.Bill.SellerID, keys.Seller), u.Bill)
		if protocol.CodeOf(err) == protocol.CodeTooLarge {
			return // another key id may be longer
		}
		if err != nil {
			t.Fatal(err)
		}
		sameProtocol(t, header, again)
	})
}

func FuzzParseProof(f *testing.F) {
	p := goodProof(f)
	p.PaymentProof = "ZTMw"
	header, err := p.EncodeHeader()
	seed(f, header, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := payment.ParseProof(string(data)); err != nil {
			refused(t, string(data), err)
		}
		header := encode(data)
		u, err := payment.ParseProof(header)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		if c, err := u.Claims(); (err == nil) != (c != nil) {
			t.Error("a value with an error")
		}
		if u.CheckProfile() != nil {
			return
		}
		again, err := u.Proof.EncodeHeader()
		if err != nil {
			t.Fatal(err)
		}
		sameProtocol(t, header, again)
	})
}

// FuzzParseProofClaims puts any payload into a token with the right header.
func FuzzParseProofClaims(f *testing.F) {
	proof, err := payment.SignProofClaims(fixed(f, pspDID, keys.Proof), goodClaims(f))
	if err != nil {
		f.Fatal(err)
	}
	header, rest, _ := strings.Cut(string(decode(f, proof)), ".")
	payload, signature, _ := strings.Cut(rest, ".")
	f.Add(decode(f, payload))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := payment.ParseProofClaims(string(data)); err != nil {
			refused(t, string(data), err)
		}
		u, err := payment.ParseProofClaims(encode([]byte(header + "." + encode(data) + "." + signature)))
		if err != nil {
			refused(t, string(data), err)
			return
		}
		if u.Verify(pspKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		c := u.Claims
		if !c.Amount.Valid() || c.Amount.IsZero() || !c.IssuedAt.Before(c.Expires) || u.SignerDID() != c.PSPID {
			t.Errorf("%+v", c)
		}
		if _, err := payment.SignProofClaims(fixed(t, c.PSPID, keys.Proof), c); err != nil {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzParseValidation(f *testing.F) {
	v := goodValidation(f)
	header, err := v.EncodeHeader()
	seed(f, header, err)
	e := payment.A402ErrorFor(protocol.CodeProofUsed)
	v.Status, v.Error, v.Delivery, v.Fulfillment = payment.ValidationInvalid, &e, payment.DeliveryNotStarted, payment.FulfillmentNotConfirmed
	header, err = v.EncodeHeader()
	seed(f, header, err)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := payment.ParseValidation(string(data)); err != nil {
			refused(t, string(data), err)
		}
		header := encode(data)
		u, err := payment.ParseValidation(header)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		if (u.Validation.Error == nil) != (u.Validation.Status == payment.ValidationValid) {
			t.Error("PSD-PAY-A402-22: an error exactly when not VALID")
		}
		if u.CheckProfile() != nil {
			return
		}
		again, err := u.Validation.EncodeHeader()
		if protocol.CodeOf(err) == protocol.CodeTooLarge {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(u.Validation.Evidence) > 0 { // an empty list is left out
			sameProtocol(t, header, again)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	agent := fixed(f, agentDID, keys.AgentRequest)
	bill, from := goodRequest(f), goodFrom(f)
	bill.Scenario, bill.Order, bill.Bill = payment.ScenarioAUP, "", "e30"
	from.SubAccountAuthorization = "e30.e30.AA"
	for _, q := range []payment.Request{goodRequest(f), bill, goodInstant(f), from} {
		q.Nonce = strings.Repeat("A", 22)
		data, err := payment.SignRequest(agent, q)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := payment.ParseRequest(data)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		q := u.Request
		if (q.Order == "") == (q.Bill == "") || !q.Amount.Valid() || q.Amount.IsZero() || u.SignerDID() != q.BuyerAgentID {
			t.Errorf("%+v", q)
		}
		instant := q.Scenario == payment.ScenarioINS
		if instant != (q.IAC == "") || instant != (q.DelegationID == "") || (q.PaymentToken == "") == (q.SubAccountID == "") ||
			(q.SubAccountID == "") != (q.SubAccountAuthorization == "") || instant && q.SubAccountID != "" {
			t.Errorf("authority and instrument: %+v", q)
		}
		if u.Verify(pspKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		_, err = payment.SignRequest(fixed(t, q.BuyerAgentID, keys.AgentRequest), q)
		if err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzParsePending(f *testing.F) {
	data, err := payment.SignPending(fixed(f, pspDID, keys.Proof), goodPending(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := payment.ParsePending(data)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		p := u.Pending
		where, err := url.Parse(p.CashierURL)
		if err != nil || where.Scheme != "https" || where.Hostname() == "" || where.User != nil || p.TradeState != payment.StateWaitBuyerPay ||
			!p.Amount.Valid() || p.Amount.IsZero() || p.ExpiresAt.IsZero() || u.SignerDID() != p.PSPID {
			t.Errorf("%+v", p)
		}
		if u.Verify(agentKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		if _, err := payment.SignPending(fixed(t, p.PSPID, keys.Proof), p); err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzParseInstrumentQuery(f *testing.F) {
	q := goodInstrumentQuery()
	q.Nonce = "AAAAAAAAAAAAAAAAAAAAAA"
	data, err := payment.SignInstrumentQuery(fixed(f, agentDID, keys.AgentRequest), q)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := payment.ParseInstrumentQuery(data)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		q := u.Query
		if (q.PaymentToken == "") == (q.SubAccountID == "") || q.Timestamp.IsZero() || u.SignerDID() != q.BuyerAgentID {
			t.Errorf("%+v", q)
		}
		if u.Verify(pspKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		if _, err := payment.SignInstrumentQuery(fixed(t, q.BuyerAgentID, keys.AgentRequest), q); err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzParseInstrumentState(f *testing.F) {
	for _, s := range []payment.InstrumentState{goodTokenState(), goodPurseState(f)} {
		data, err := payment.SignInstrumentState(fixed(f, pspDID, keys.Proof), s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := payment.ParseInstrumentState(data)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		s := u.State
		if (s.PaymentToken == "") == (s.SubAccountID == "") || s.SubAccountID != "" && !s.Available.Valid() || u.SignerDID() != s.PSPID || s.AsOf.IsZero() {
			t.Errorf("%+v", s)
		}
		if usable := s.State == payment.InstrumentActive; !usable && !s.Available.IsZero() || usable && !s.ValidUntil.IsZero() && !s.AsOf.Before(s.ValidUntil) {
			t.Errorf("contradicts itself: %+v", s)
		}
		if u.Verify(agentKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		again := s // whole seconds are written
		again.AsOf, again.ValidUntil = s.AsOf.Truncate(time.Second), s.ValidUntil.Truncate(time.Second)
		if s.State == payment.InstrumentActive && !again.ValidUntil.IsZero() && !again.AsOf.Before(again.ValidUntil) {
			return
		}
		if _, err := payment.SignInstrumentState(fixed(t, s.PSPID, keys.Proof), again); err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

// FuzzParseSubAccountAuthorization puts any payload into a token with the right
// header.
func FuzzParseSubAccountAuthorization(f *testing.F) {
	token, err := payment.SignSubAccountAuthorization(fixed(f, agentDID, keys.SubAccount), goodAuthorization())
	if err != nil {
		f.Fatal(err)
	}
	parts := strings.Split(token, ".")
	f.Add(decode(f, parts[1]))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := payment.ParseSubAccountAuthorization(string(data)); err != nil {
			refused(t, string(data), err)
		}
		u, err := payment.ParseSubAccountAuthorization(parts[0] + "." + encode(data) + "." + parts[2])
		if err != nil {
			refused(t, string(data), err)
			return
		}
		if u.Verify(pspKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
		a := u.Authorization
		if life := a.Expires.Sub(a.IssuedAt); life <= 0 || life > payment.MaxSubAccountAuthorizationLife || a.AgentID != agentDID || a.SubAccountID == "" {
			t.Errorf("%+v", a)
		}
		if _, err := payment.SignSubAccountAuthorization(fixed(t, a.AgentID, keys.SubAccount), a); err != nil {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

// FuzzFingerprint compares the hand-made reading of the target with net/url
// where both accept it: same host, same path and query as net/url would send.
func FuzzFingerprint(f *testing.F) {
	f.Add("GET", "https://shop.example/report?a=%20", "application/json", []byte("{}"))
	f.Add("POST", "HTTP://[2001:DB8::1]:80?x#y", "Text/Plain; charset=utf-8", []byte{})
	f.Fuzz(func(t *testing.T, method, target, contentType string, body []byte) {
		d, err := payment.Fingerprint(method, target, contentType, body)
		if err != nil {
			if d != "" {
				t.Error("a digest with an error")
			}
			refused(t, target, err)
			return
		}
		if _, err := canon.ParseDigest(string(d)); err != nil || !strings.HasPrefix(string(d), "sha-256:") {
			t.Error(d)
		}
		if other, _ := payment.Fingerprint(method, target, contentType, append(body[:len(body):len(body)], 'x')); other == d {
			t.Error("another body, the same fingerprint")
		}
		u, err := url.Parse(target)
		if err != nil {
			return // url.Parse refuses bad escapes, which are sent as they are
		}
		if u.User != nil || u.Hostname() == "" {
			t.Errorf("no host in %q", target)
		}
		u.Fragment, u.RawFragment = "", ""
		same, err := payment.Fingerprint(method, strings.ToLower(u.Scheme)+"://"+strings.ToUpper(u.Host)+strings.TrimPrefix(cutFragment(target), target[:strings.Index(target, "://")+3]+u.Host), contentType, body)
		if err != nil || same != d {
			t.Errorf("%q: %v", target, err)
		}
	})
}

func cutFragment(s string) string {
	s, _, _ = strings.Cut(s, "#")
	return s
}
