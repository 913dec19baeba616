package payment_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

const principalDID = "did:act:home.example/ann"

func tokenTerms(t testing.TB) payment.BindingTerms {
	return payment.BindingTerms{
		Instrument: payment.BindPaymentToken, Currency: cny(t, "0").Currency(), ValidFrom: now, ValidUntil: now.Add(24 * time.Hour),
		Ceiling: cny(t, "200.00"), Merchants: []string{sellerDID, "did:act:shop.example/tea"},
	}
}

func subTerms(t testing.TB) payment.BindingTerms {
	return payment.BindingTerms{
		Instrument: payment.BindSubAccount, Currency: cny(t, "0").Currency(), Balance: cny(t, "500.00"), Single: cny(t, "50.00"), Total: cny(t, "1000.00"),
		Task: cny(t, "100.00"), Within: cny(t, "200.00"), Period: 24 * time.Hour,
	}
}

func goodBindingRequest(t testing.TB) payment.BindingRequest {
	return payment.BindingRequest{
		RequestID: "bind-1", Nonce: "AAAAAAAAAAAAAAAAAAAAAA", Timestamp: now, PSPID: pspDID, BuyerAgentID: agentDID, PrincipalID: principalDID, Terms: tokenTerms(t),
	}
}

func goodBindingResult(t testing.TB) payment.BindingResult {
	return payment.BindingResult{
		RequestID: "bind-1", PSPID: pspDID, BuyerAgentID: agentDID, PrincipalID: principalDID, Terms: tokenTerms(t), PaymentToken: "tok-1", BoundAt: now,
	}
}

func goodKeyProof() payment.SubAccountKeyProof {
	return payment.SubAccountKeyProof{AgentID: agentDID, PSPID: pspDID, ID: "j-1", IssuedAt: now, Expires: now.Add(5 * time.Minute), RequestDigest: canon.Sum([]byte("request"))}
}

// What cmp cannot look into.
var compareKeys = cmp.Comparer(func(a, b keys.PublicKey) bool { return a.Equal(b) })
var compareCurrency = cmp.Comparer(func(a, b money.Currency) bool { return a == b })

func TestBindingRequest(t *testing.T) {
	for _, alg := range []keys.Algorithm{keys.EdDSA, keys.ES256} {
		t.Run("PSD-PMT-BND-02 a payment token "+string(alg), func(t *testing.T) {
			s, q := signer(t, agentDID, keys.AgentRequest, alg), goodBindingRequest(t)
			data, err := payment.SignBindingRequest(s, nil, q)
			if err != nil {
				t.Fatal(err)
			}
			u, err := payment.ParseBindingRequest(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(q, u.Request, compareAmounts, compareKeys, compareCurrency); diff != "" || u.Verify(s.Public()) != nil || u.SignerDID() != agentDID {
				t.Error(diff, u.Verify(s.Public()))
			}
		})
		t.Run("PSD-AGT-SUB-01 a sub-account and its key "+string(alg), func(t *testing.T) {
			s, sub, q := signer(t, agentDID, keys.AgentRequest, alg), signer(t, agentDID, keys.SubAccount, alg), goodBindingRequest(t)
			q.Terms = subTerms(t)
			data, err := payment.SignBindingRequest(s, sub, q)
			if err != nil {
				t.Fatal(err)
			}
			u, err := payment.ParseBindingRequest(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(q.Terms, u.Request.Terms, compareAmounts, compareCurrency); diff != "" || !u.Request.SubAccountKey.Equal(sub.Public()) {
				t.Error(diff)
			}
			p, err := payment.ParseSubAccountKeyProof(u.Request.SubAccountKeyProof)
			if err != nil {
				t.Fatal(err)
			}
			if p.Verify(sub.Public()) != nil || p.Proof.RequestDigest != u.KeyProofDigest() || p.Proof.AgentID != agentDID || p.Proof.PSPID != pspDID || p.KeyID() != sub.KeyID() {
				t.Errorf("%+v", p.Proof)
			}
			if p.Verify(s.Public()) == nil {
				t.Error("PSD-AGT-SUB-01: the agent's key passes for the sub-account's")
			}
		})
	}
	t.Run("PSD-PMT-BND-05 two transmissions are equal content", func(t *testing.T) {
		s, sub := agentKey(t), subKey(t)
		digest := func(change func(*payment.BindingRequest)) (canon.Digest, canon.Digest) {
			q := goodBindingRequest(t)
			q.Terms = subTerms(t)
			change(&q)
			data, err := payment.SignBindingRequest(s, sub, q)
			if err != nil {
				t.Fatal(err)
			}
			u, err := payment.ParseBindingRequest(data)
			if err != nil {
				t.Fatal(err)
			}
			return u.ContentDigest(), u.KeyProofDigest()
		}
		first, proof := digest(func(*payment.BindingRequest) {})
		again, proof2 := digest(func(q *payment.BindingRequest) { q.Nonce, q.Timestamp = canon.Nonce(), now.Add(time.Minute) })
		if first != again || proof == proof2 {
			t.Error("nonce and time are no content, and the key agrees to one transmission")
		}
		other, _ := digest(func(q *payment.BindingRequest) { q.Terms.Single = cny(t, "50.01") })
		if other == first {
			t.Error("other limits are other content")
		}
	})
	t.Run("PSD-AGT-SUB-01 one key for both", func(t *testing.T) {
		key, err := keys.Generate(keys.EdDSA)
		if err != nil {
			t.Fatal(err)
		}
		s, err := keys.NewSigner(agentDID+"#k1", keys.AgentRequest, key)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := keys.NewSigner(agentDID+"#k2", keys.SubAccount, key)
		if err != nil {
			t.Fatal(err)
		}
		q := goodBindingRequest(t)
		q.Terms = subTerms(t)
		_, err = payment.SignBindingRequest(s, sub, q)
		wantError(t, err, protocol.CodeKeyPurpose, "subaccount_key")
	})
}

func TestBindingRules(t *testing.T) {
	inv, missing := protocol.CodeFieldInvalid, protocol.CodeFieldMissing
	request := func(change func(*payment.BindingRequest), sub bool) error {
		q := goodBindingRequest(t)
		var key *keys.Signer
		if sub {
			q.Terms, key = subTerms(t), subKey(t)
		}
		change(&q)
		data, err := payment.SignBindingRequest(agentKey(t), key, q)
		if err != nil && data != nil {
			t.Error("a message with an error")
		}
		return err
	}
	token := func(change func(*payment.BindingTerms)) error {
		return request(func(q *payment.BindingRequest) { change(&q.Terms) }, false)
	}
	sub := func(change func(*payment.BindingTerms)) error {
		return request(func(q *payment.BindingRequest) { change(&q.Terms) }, true)
	}
	result := func(change func(*payment.BindingResult)) error {
		b := goodBindingResult(t)
		change(&b)
		_, err := payment.SignBindingResult(pspKey(t), b)
		return err
	}
	for _, c := range []struct {
		name  string
		err   error
		code  protocol.Code
		field string
	}{
		{"PSD-PMT-BND-02 no principal", request(func(q *payment.BindingRequest) { q.PrincipalID = "" }, false), missing, "principal_id"},
		{"PSD-PMT-BND-02 no agent", request(func(q *payment.BindingRequest) { q.BuyerAgentID = "" }, false), missing, "buyer_agent_id"},
		{"PSD-PMT-BND-02 another agent", request(func(q *payment.BindingRequest) { q.BuyerAgentID = principalDID }, false), protocol.CodeClaimsConflict, "buyer_agent_id"},
		{"PSD-PMT-BND-03 no instrument", token(func(b *payment.BindingTerms) { b.Instrument = "" }), missing, "terms.instrument"},
		{"PSD-PMT-BND-03 another instrument", token(func(b *payment.BindingTerms) { b.Instrument = "CARD" }), inv, "terms.instrument"},
		{"PSD-PMT-BND-03 no end", token(func(b *payment.BindingTerms) { b.ValidUntil = time.Time{} }), missing, "terms.valid_until"},
		{"PSD-PMT-BND-03 ends before it begins", token(func(b *payment.BindingTerms) { b.ValidFrom = b.ValidUntil }), inv, "terms.valid_until"},
		{"PSD-PMT-BND-03 another currency's ceiling", token(func(b *payment.BindingTerms) { b.Ceiling = amount(t, "7.123", "BHD") }), inv, "terms.ceiling"},
		{"PSD-PMT-BND-03 a ceiling of nothing", token(func(b *payment.BindingTerms) { b.Ceiling = cny(t, "0") }), inv, "terms.ceiling"},
		{"PSD-PMT-BND-03 an empty list", token(func(b *payment.BindingTerms) { b.Merchants = []string{} }), inv, "terms.merchants"},
		{"PSD-PMT-BND-03 a merchant twice", token(func(b *payment.BindingTerms) { b.Merchants = []string{sellerDID, sellerDID} }), inv, "terms.merchants"},
		{"PSD-PMT-BND-03 a merchant that is none", token(func(b *payment.BindingTerms) { b.Merchants = []string{"anybody"} }), inv, "terms.merchants"},
		{"PSD-PMT-BND-03 too many merchants", token(func(b *payment.BindingTerms) {
			b.Merchants = nil
			for i := range 65 {
				b.Merchants = append(b.Merchants, "did:act:shop.example/s"+strings.Repeat("x", i/26)+string(rune('a'+i%26)))
			}
		}), inv, "terms.merchants"},
		{"PSD-AGT-SUB-06 a limit of the other instrument", token(func(b *payment.BindingTerms) { b.Single = cny(t, "1.00") }), inv, "terms.single_limit"},
		{"PSD-AGT-SUB-06 a period of the other instrument", token(func(b *payment.BindingTerms) { b.Period = time.Hour }), inv, "terms.period_seconds"},
		{"PSD-AGT-SUB-01 a ceiling of the other instrument", sub(func(b *payment.BindingTerms) { b.Ceiling = cny(t, "1.00") }), inv, "terms.ceiling"},
		{"PSD-AGT-SUB-01 an end of the other instrument", sub(func(b *payment.BindingTerms) { b.ValidUntil = now }), inv, "terms.valid_until"},
		{"PSD-AGT-SUB-01 merchants of the other instrument", sub(func(b *payment.BindingTerms) { b.Merchants = []string{sellerDID} }), inv, "terms.merchants"},
		{"PSD-AGT-SUB-06 a period without its limit", sub(func(b *payment.BindingTerms) { b.Within = money.Amount{} }), inv, "terms.period_seconds"},
		{"PSD-AGT-SUB-06 a limit without its period", sub(func(b *payment.BindingTerms) { b.Period = 0 }), inv, "terms.period_seconds"},
		{"PSD-AGT-SUB-06 a period of years", sub(func(b *payment.BindingTerms) { b.Period = 367 * 24 * time.Hour }), inv, "terms.period_seconds"},
		{"PSD-AGT-SUB-01 a sub-account without a key", func() error {
			q := goodBindingRequest(t)
			q.Terms = subTerms(t)
			_, err := payment.SignBindingRequest(agentKey(t), nil, q)
			return err
		}(), missing, "subaccount_key"},
		{"PSD-AGT-SUB-01 a token with a key", func() error {
			_, err := payment.SignBindingRequest(agentKey(t), subKey(t), goodBindingRequest(t))
			return err
		}(), inv, "subaccount_key_proof"},
		{"PSD-PMT-BND-03 both instruments", result(func(b *payment.BindingResult) { b.SubAccountID = "sub-1" }), inv, "subaccount_id"},
		{"PSD-PMT-BND-03 no instrument told", result(func(b *payment.BindingResult) { b.PaymentToken = "" }), missing, "payment_token"},
		{"PSD-PMT-BND-03 another instrument told", result(func(b *payment.BindingResult) { b.PaymentToken, b.SubAccountID = "", "sub-1" }), inv, "subaccount_id"},
		{"PSD-PMT-BND-03 when it begins is told", result(func(b *payment.BindingResult) { b.Terms.ValidFrom = time.Time{} }), missing, "terms.valid_from"},
		{"PSD-PMT-BND-03 when it was bound is told", result(func(b *payment.BindingResult) { b.BoundAt = time.Time{} }), missing, "bound_at"},
		{"PSD-PMT-BND-02 an address without TLS", func() error {
			_, err := payment.SignBindingPending(pspKey(t), payment.BindingPending{RequestID: "b", PSPID: pspDID, BuyerAgentID: agentDID, BindingURL: "http://pay.example/b", ExpiresAt: now})
			return err
		}(), inv, "binding_url"},
	} {
		t.Run(c.name, func(t *testing.T) { wantError(t, c.err, c.code, c.field) })
	}
}

// TestBindingMembers removes and breaks members of signed messages, as another
// program could send them.
func TestBindingMembers(t *testing.T) {
	request, err := payment.SignBindingRequest(agentKey(t), nil, goodBindingRequest(t))
	if err != nil {
		t.Fatal(err)
	}
	result, err := payment.SignBindingResult(pspKey(t), goodBindingResult(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
		edit func(terms map[string]any, all map[string]any)
		code protocol.Code
	}{
		{"no terms", request, func(_, all map[string]any) { delete(all, "terms") }, protocol.CodeFieldMissing},
		{"no terms in a result", result, func(_, all map[string]any) { delete(all, "terms") }, protocol.CodeFieldMissing},
		{"terms that are none", request, func(_, all map[string]any) { all["terms"] = "any" }, protocol.CodeFieldInvalid},
		{"an unknown limit", request, func(terms, _ map[string]any) { terms["goodwill"] = "1.00" }, protocol.CodeFieldUnknown},
		{"an empty ceiling", request, func(terms, _ map[string]any) { terms["ceiling"] = "" }, protocol.CodeFieldMissing},
		{"a fraction of a second", request, func(terms, _ map[string]any) { terms["valid_until"] = "2026-03-03T09:30:00.5Z" }, protocol.CodeFieldInvalid},
		{"a ceiling with hidden precision", request, func(terms, _ map[string]any) { terms["ceiling"] = "1.001" }, protocol.CodeFieldInvalid},
		{"a word of a key for a token", request, func(_, all map[string]any) { all["subaccount_key_proof"] = "e30.e30.AA" }, protocol.CodeFieldInvalid},
	} {
		t.Run("PSD-PMT-BND-03 "+c.name, func(t *testing.T) {
			all := object(t, c.data)
			terms, _ := all["terms"].(map[string]any)
			c.edit(terms, all)
			for _, m := range []string{"signature", "signature_type", "signature_covered_fields", "signer_id"} {
				delete(all, m)
			}
			s, kind := agentKey(t), keys.KindBindingRequest
			if _, told := all["bound_at"]; told {
				s, kind = pspKey(t), keys.KindBindingResult
			}
			signed, err := keys.SignMessage(s, s.Purpose(), kind, all)
			if err != nil {
				t.Fatal(err)
			}
			if kind == keys.KindBindingRequest {
				_, err = payment.ParseBindingRequest(signed)
			} else {
				_, err = payment.ParseBindingResult(signed)
			}
			if protocol.CodeOf(err) != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
}

// randomTerms draws terms of one of two instruments in one currency.
func randomTerms(t *rapid.T, label string) payment.BindingTerms {
	limit := func(name string) money.Amount {
		if rapid.Bool().Draw(t, label+name) {
			return money.Amount{}
		}
		return money.MustParse(rapid.SampledFrom([]string{"0.01", "1.00", "2.00", "3.50"}).Draw(t, label+name+"="), "CNY")
	}
	b := payment.BindingTerms{Instrument: payment.BindPaymentToken, Currency: money.MustParse("1", "CNY").Currency()}
	if rapid.Bool().Draw(t, label+"sub") {
		b.Instrument = payment.BindSubAccount
		b.Balance, b.Single, b.Total, b.Task, b.Within = limit("balance"), limit("single"), limit("total"), limit("task"), limit("within")
		if b.Within.Valid() {
			b.Period = time.Duration(rapid.IntRange(1, 3).Draw(t, label+"period")) * time.Second
		}
		return b
	}
	if rapid.Bool().Draw(t, label+"from") {
		b.ValidFrom = now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, label+"from=")) * time.Second)
	}
	b.ValidUntil = now.Add(time.Duration(rapid.IntRange(3, 6).Draw(t, label+"until")) * time.Second)
	b.Ceiling = limit("ceiling")
	for _, m := range []string{"a", "b", "c"} {
		if rapid.Bool().Draw(t, label+m) {
			b.Merchants = append(b.Merchants, "did:act:shop.example/"+m)
		}
	}
	return b
}

// allows reports whether terms let one payment through, by the meaning of the
// limits: in an instrument of its own at a time, to a merchant, of an amount,
// when so much was taken before.
func allows(b payment.BindingTerms, at time.Time, merchant string, sum int64) bool {
	for _, l := range []money.Amount{b.Ceiling, b.Balance, b.Single, b.Total, b.Task} {
		if l.Valid() && sum > l.Minor() {
			return false
		}
	}
	if b.Instrument == payment.BindSubAccount {
		return true
	}
	listed := len(b.Merchants) == 0
	for _, m := range b.Merchants {
		listed = listed || m == merchant
	}
	return listed && !at.Before(b.ValidFrom) && at.Before(b.ValidUntil)
}

// TestNoWider: what NoWider lets pass allows nothing that was not asked for, and
// terms that were written are read again as the same.
func TestNoWider(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		granted, asked := randomTerms(t, "granted "), randomTerms(t, "asked ")
		if err := granted.NoWider(granted); err != nil || !granted.Equal(granted) {
			t.Fatalf("PSD-PMT-BND-02: the same is wider: %v", err)
		}
		data, err := canon.Marshal(granted)
		if err != nil {
			t.Fatal(err)
		}
		var again payment.BindingTerms
		if err := canon.Decode(data, &again); err != nil || !again.Equal(granted) {
			t.Fatalf("read again: %+v, %v", again, err)
		}
		if err := granted.NoWider(asked); err != nil {
			if e := protocol.AsError(err); e.Code != protocol.CodeConstraintConflict || e.Field == "" {
				t.Fatal(err)
			}
			return
		}
		if granted.Instrument != asked.Instrument || asked.Within.Valid() && (granted.Within.Minor() > asked.Within.Minor() || granted.Period < asked.Period) {
			t.Fatalf("PSD-AGT-SUB-06: %+v passes for %+v", granted, asked)
		}
		at := now.Add(time.Duration(rapid.IntRange(-1, 7).Draw(t, "at")) * time.Second)
		merchant := "did:act:shop.example/" + rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "merchant")
		sum := rapid.Int64Range(0, 500).Draw(t, "sum")
		if allows(granted, at, merchant, sum) && !allows(asked, at, merchant, sum) {
			t.Fatalf("PSD-PMT-BND-02: %+v allows what %+v does not", granted, asked)
		}
	})
}

func TestBindingErrors(t *testing.T) {
	waits := error(&payment.AwaitsBinding{Pending: payment.BindingPending{RequestID: "secret-id", BindingURL: "https://pay.example/secret"}})
	if protocol.CodeOf(waits) != protocol.CodeConfirmationPending || !errors.Is(waits, protocol.ErrUndetermined) || strings.Contains(waits.Error(), "secret") {
		t.Error(waits)
	}
	refused := error(&payment.BindingRefusal{RequestID: "secret-id", Reason: protocol.New(protocol.CodeConfirmationFailed, "", "PSD-PMT-BND-05", "")})
	if protocol.CodeOf(refused) != protocol.CodeConfirmationFailed || errors.Is(refused, protocol.ErrUndetermined) || strings.Contains(refused.Error(), "secret") {
		t.Error(refused)
	}
}

func TestSubAccountKeyProof(t *testing.T) {
	for name, change := range map[string]func(*payment.SubAccountKeyProof){
		"jti": func(p *payment.SubAccountKeyProof) { p.ID = "" }, "aud": func(p *payment.SubAccountKeyProof) { p.PSPID = "" },
		"iat": func(p *payment.SubAccountKeyProof) { p.IssuedAt = time.Time{} }, "request_digest": func(p *payment.SubAccountKeyProof) { p.RequestDigest = "" },
	} {
		p := goodKeyProof()
		change(&p)
		_, err := payment.SignSubAccountKeyProof(subKey(t), p)
		wantError(t, err, protocol.CodeFieldMissing, name)
	}
	for name, life := range map[string]time.Duration{"no life": 0, "a long life": 301 * time.Second} {
		p := goodKeyProof()
		p.Expires = p.IssuedAt.Add(life)
		_, err := payment.SignSubAccountKeyProof(subKey(t), p)
		if e := protocol.AsError(err); e == nil || e.Code != protocol.CodeFieldInvalid || e.Field != "exp" {
			t.Errorf("%s: %v", name, err)
		}
	}
	authorization, err := payment.SignSubAccountAuthorization(subKey(t), goodAuthorization())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := payment.ParseSubAccountKeyProof(authorization); protocol.CodeOf(err) != protocol.CodeTypeMismatch {
		t.Errorf("PSD-AGT-SUB-01 an authorization of a payment passes: %v", err)
	}
}

func FuzzParseBindingRequest(f *testing.F) {
	token, err := payment.SignBindingRequest(fixed(f, agentDID, keys.AgentRequest), nil, goodBindingRequest(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := payment.ParseBindingRequest(data)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		q := u.Request
		if u.SignerDID() != q.BuyerAgentID || q.Terms.Check() != nil || (q.Terms.Instrument == payment.BindSubAccount) == q.SubAccountKey.IsZero() || q.Terms.NoWider(q.Terms) != nil {
			t.Errorf("%+v", q)
		}
		if u.Verify(pspKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
	})
}

func FuzzParseBindingResult(f *testing.F) {
	data, err := payment.SignBindingResult(fixed(f, pspDID, keys.Proof), goodBindingResult(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := payment.ParseBindingResult(data)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		b := u.Result
		if (b.PaymentToken == "") == (b.SubAccountID == "") || (b.SubAccountID == "") != (b.Terms.Instrument == payment.BindPaymentToken) || b.BoundAt.IsZero() {
			t.Errorf("%+v", b)
		}
		if _, err := payment.SignBindingResult(fixed(t, b.PSPID, keys.Proof), b); err != nil && protocol.CodeOf(err) != protocol.CodeTooLarge {
			t.Errorf("cannot be written again: %v", err)
		}
	})
}

func FuzzParseBindingPending(f *testing.F) {
	data, err := payment.SignBindingPending(fixed(f, pspDID, keys.Proof), payment.BindingPending{RequestID: "b-1", PSPID: pspDID, BuyerAgentID: agentDID, BindingURL: "https://pay.example/b/1", ExpiresAt: now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := payment.ParseBindingPending(data)
		if err != nil {
			refused(t, string(data), err)
			return
		}
		if !strings.HasPrefix(u.Pending.BindingURL, "https://") || u.Pending.ExpiresAt.IsZero() {
			t.Errorf("%+v", u.Pending)
		}
	})
}

func FuzzParseSubAccountKeyProof(f *testing.F) {
	token, err := payment.SignSubAccountKeyProof(fixed(f, agentDID, keys.SubAccount), goodKeyProof())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Fuzz(func(t *testing.T, token string) {
		u, err := payment.ParseSubAccountKeyProof(token)
		if err != nil {
			refused(t, token, err)
			return
		}
		if life := u.Proof.Expires.Sub(u.Proof.IssuedAt); life <= 0 || life > payment.MaxSubAccountAuthorizationLife || !strings.HasPrefix(u.KeyID(), u.Proof.AgentID+"#") {
			t.Errorf("%+v", u.Proof)
		}
		if u.Verify(pspKey(t).Public()) == nil {
			t.Error("verified by a key that signed nothing")
		}
	})
}
