package verifier_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/verifier"
)

// Mandates that a dishonest issuer, or a careless one, could sign.
func TestMandateHostile(t *testing.T) {
	const iat = `"iat":1772359200`
	start, end := canon.FormatTime(epoch), canon.FormatTime(epoch.Add(time.Hour))
	swapped := strings.NewReplacer(
		`"exp":1772362800`, `"exp":1772359200`, `"nbf":1772359200`, `"nbf":1772362800`,
		`"validity_end_time":"`+end, `"validity_end_time":"`+start, `"validity_start_time":"`+start, `"validity_start_time":"`+end)
	rewritten := func(f func(w *world, payload string) string) func(w *world) []byte {
		return func(w *world) []byte {
			payload := w.payload()
			changed := f(w, payload)
			if changed == payload {
				w.t.Fatal("nothing was changed")
			}
			return w.token(w.signers[bankDID+"#issue"], w.header(bankDID+"#issue"), changed)
		}
	}
	id := authorization().DelegationID
	runForgeries(t, []forgery{
		{"ADD-INT-ICS-08 end before start", protocol.CodeFieldInvalid, rewritten(func(_ *world, p string) string { return swapped.Replace(p) })},
		{"a negative time", protocol.CodeFieldInvalid, forged(iat, `"iat":-1`)},
		{"a time with a fraction", protocol.CodeFieldInvalid, forged(iat, `"iat":1772359200.5`)},
		{"a time with an exponent", protocol.CodeFieldInvalid, forged(iat, `"iat":17723592e2`)},
		{"a time after the year 9999", protocol.CodeFieldInvalid, forged(`"exp":1772362800`, `"exp":253402300800`)},
		{"a time beyond 64 bits", protocol.CodeMalformed, forged(`"exp":1772362800`, `"exp":18446744073709551616`)},
		{"a claim in other case beside the right one", protocol.CodeConstraintUnknown, forged(`"aud":`, `"Aud":"did:act:other.example/pay","aud":`)},
		{"a claim in other case in place of the right one", protocol.CodeFieldMissing, forged(`"aud":`, `"AUD":`)},
		{"a duplicate audience", protocol.CodeMalformed, forged(`"aud":"`+pspDID+`"`, `"aud":"did:act:other.example/pay","aud":"`+pspDID+`"`)},
		{"a duplicate by an escape", protocol.CodeMalformed, forged(`"aud":"`+pspDID+`"`, `"\u0061ud":"did:act:other.example/pay","aud":"`+pspDID+`"`)},
		{"an audience in other case", protocol.CodeFieldInvalid, forged(`"aud":"`+pspDID, `"aud":"did:act:PSP.example/pay`)},
		{"an id with an invisible character", protocol.CodeFieldInvalid, rewritten(func(_ *world, p string) string { return strings.ReplaceAll(p, id, id+"\u200b") })},
		{"an id in full-width digits", protocol.CodeFieldInvalid, rewritten(func(_ *world, p string) string { return strings.ReplaceAll(p, id, "\uff11\uff12") })},
		{"a merchant that looks like the allowed one", protocol.CodeFieldInvalid, forged(`"allowed_merchants":["`+shopDID, `"allowed_merchants":["did:act:sh\u043ep.example/coffee`)},
		{"an amount beyond 64 bits", protocol.CodeFieldInvalid, forged(`"max_total_amount":20`, `"max_total_amount":1e18`)},
		{"an amount that no double holds", protocol.CodeMalformed, forged(`"max_total_amount":20`, `"max_total_amount":92233720368547758.07`)},
		{"a single limit above the total", protocol.CodeFieldInvalid, forged(`"max_total_amount":20`, `"max_total_amount":19.99`)},
		{"decimals of a currency that has none", protocol.CodeFieldInvalid, rewritten(func(_ *world, p string) string {
			return strings.NewReplacer(`"CNY"`, `"JPY"`, `"max_total_amount":20`, `"max_total_amount":20.5`).Replace(p)
		})},
		{"a currency in lower case", protocol.CodeFieldInvalid, forged(`"CNY"`, `"cny"`)},
		{"ADD-IAC-ISS-12 the issuer's key as the holder's", protocol.CodeKeyPurpose, rewritten(func(w *world, p string) string {
			return strings.Replace(p, string(w.signers[agentDID+"#k1"].Public().JWK()), string(w.signers[bankDID+"#issue"].Public().JWK()), 1)
		})},
		{"two holders", protocol.CodeFieldUnknown, forged(`"cnf":{`, `"cnf":{"jkt":"x",`)},
		{"twins that differ: jti", protocol.CodeClaimsConflict, forged(`"jti":"`+id, `"jti":"`+id+"2")},
		{"twins that differ: nbf", protocol.CodeClaimsConflict, forged(`"nbf":1772359200`, `"nbf":1772359199`)},
		{"an index beyond all lists", protocol.CodeFieldInvalid, forged(`"idx":3`, `"idx":4194304`)},
		{"a negative index", protocol.CodeFieldInvalid, forged(`"idx":3`, `"idx":-1`)},
		{"an index with an exponent", protocol.CodeFieldInvalid, forged(`"idx":3`, `"idx":3e0`)},
		{"an index as a string", protocol.CodeFieldInvalid, forged(`"idx":3`, `"idx":"3"`)},
		{"a status of another kind beside the list", protocol.CodeConstraintUnknown, forged(`"status":{`, `"status":{"x":1,`)},
		{"a status that refers to nothing", protocol.CodeFieldMissing, forged(`{"status_list":{"idx":3,"uri":"`+listURI+`"}}`, `{}`)},
		{"a status list of this machine by another name", protocol.CodeFieldInvalid, forged(listURI, `https://:443/status`)},
		{"a status list without TLS", protocol.CodeFieldInvalid, forged(listURI, `http://bank.example/status/1`)},
		{"a status list with a password", protocol.CodeFieldInvalid, forged(listURI, `https://a:b@bank.example/status/1`)},
	})
}

// A short window in a month is a long life: nobody could revoke the mandate
// until then.
func TestShortWindowIssuedEarly(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	a := authorization()
	a.ValidityEnd = epoch.Add(15 * time.Minute)
	c := w.claims(a)
	c.IssuedAt, c.Status = epoch.Add(-time.Second), nil
	_, err := delegation.Issue(w.signers[bankDID+"#issue"], c)
	wantCode(t, err, protocol.CodeStatusUnavailable)
	c.IssuedAt = epoch
	payload := decoded(t, strings.Split(string(w.issue(c)), ".")[1])
	early := replaceOnce(t, payload, `"iat":1772359200`, `"iat":1772359199`)
	_, err = w.v.Mandate(context.Background(), w.token(w.signers[bankDID+"#issue"], w.header(bankDID+"#issue"), early), expectation)
	wantCode(t, err, protocol.CodeStatusUnavailable)
}

// Headers that name their own key, or a kind or algorithm that is none of ours.
func TestMandateHeaderHostile(t *testing.T) {
	header := func(text string) func(w *world) []byte {
		return withHeader(func(w *world) string {
			return strings.NewReplacer("ALG", string(w.alg), "KID", bankDID+"#issue").Replace(text)
		})
	}
	runForgeries(t, []forgery{
		{"x5u in the header", protocol.CodeHeaderRefused, header(`{"alg":"ALG","kid":"KID","typ":"vc+jwt","x5u":"https://evil.example/cert"}`)},
		{"x5c in the header", protocol.CodeHeaderRefused, header(`{"alg":"ALG","kid":"KID","typ":"vc+jwt","x5c":["MA=="]}`)},
		{"b64 in the header", protocol.CodeHeaderRefused, header(`{"alg":"ALG","b64":false,"crit":["b64"],"kid":"KID","typ":"vc+jwt"}`)},
		{"an algorithm nobody knows", protocol.CodeAlgorithmRefused, header(`{"alg":"XS999","kid":"KID","typ":"vc+jwt"}`)},
		{"an algorithm in lower case", protocol.CodeAlgorithmRefused, header(`{"alg":"eddsa","kid":"KID","typ":"vc+jwt"}`)},
		{"alg None", protocol.CodeAlgorithmRefused, header(`{"alg":"None","kid":"KID","typ":"vc+jwt"}`)},
		{"RS256", protocol.CodeAlgorithmRefused, header(`{"alg":"RS256","kid":"KID","typ":"vc+jwt"}`)},
		{"two algorithms", protocol.CodeMalformed, header(`{"alg":"none","alg":"ALG","kid":"KID","typ":"vc+jwt"}`)},
		{"no key id", protocol.CodeFieldMissing, header(`{"alg":"ALG","typ":"vc+jwt"}`)},
		{"a relative key id", protocol.CodeFieldInvalid, header(`{"alg":"ALG","kid":"#issue","typ":"vc+jwt"}`)},
		{"a key id with a query", protocol.CodeFieldInvalid, header(`{"alg":"ALG","kid":"` + bankDID + `?a=b#issue","typ":"vc+jwt"}`)},
		{"a kind with a prefix", protocol.CodeTypeMismatch, header(`{"alg":"ALG","kid":"KID","typ":"application/vc+jwt"}`)},
		{"a kind in other case", protocol.CodeTypeMismatch, header(`{"alg":"ALG","kid":"KID","typ":"VC+JWT"}`)},
		{"a line feed in a kind", protocol.CodeTypeMismatch, header(`{"alg":"ALG","kid":"KID","typ":"vc+jwt\n"}`)},
	})
}

// None of our four kinds of token passes as another one.
func TestTokenKinds(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	ctx := context.Background()
	proof, err := base64.RawURLEncoding.DecodeString(w.signProof(w.proofClaims()))
	if err != nil {
		t.Fatal(err)
	}
	list, err := delegation.SignStatusList(w.signers[bankDID+"#status"], listURI, delegation.NewStatusList(8), epoch, epoch.Add(time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string][]byte{
		keys.TypeMandate: w.mandate(), keys.TypeOrder: []byte(w.signOrder(w.order())), keys.TypePaymentProof: proof, keys.TypeStatusList: list,
	}
	readers := map[string]func([]byte) error{
		keys.TypeMandate: func(b []byte) error { _, err := w.v.Mandate(ctx, b, expectation); return err },
		keys.TypeOrder: func(b []byte) error {
			_, err := w.v.Order(ctx, b, verifier.OrderExpectation{Request: w.cart()})
			return err
		},
		keys.TypePaymentProof: func(b []byte) error {
			_, err := w.v.Proof(ctx, canon.EncodeBase64(b), w.proofExpectation())
			return err
		},
		keys.TypeStatusList: func(b []byte) error { _, err := delegation.ParseStatusList(b, listURI); return err },
	}
	for kind, read := range readers {
		for other, token := range tokens {
			want := protocol.CodeTypeMismatch
			if kind == other {
				want = ""
			}
			if err := read(token); protocol.CodeOf(err) != want {
				t.Errorf("%s in place of %s: %v, want %q", other, kind, err, want)
			}
		}
	}
}

// members returns the content of a good payment request, for forgers who sign
// what SignRequest would not.
func (w *world) members(q payment.Request) map[string]any {
	w.t.Helper()
	m := map[string]any{}
	if err := canon.Decode(w.signRequest(q), &m); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range []string{"signer_id", "signature", "signature_type", "signature_covered_fields"} {
		delete(m, name)
	}
	return m
}

// Payment requests that the agent itself signed, with members that mean
// something else to a lenient reader.
func TestPaymentMembersHostile(t *testing.T) {
	with := func(name string, value any) func(w *world) []byte {
		return func(w *world) []byte {
			m := w.members(w.request())
			m[name] = value
			raw, err := keys.SignMessage(w.signers[agentDID+"#k1"], keys.AgentRequest, keys.KindPaymentRequest, m)
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}
	}
	attacks := []attack{
		{"an amount as a number", protocol.CodeFieldInvalid, with("amount", 18)},
		{"PSD-PAY-DEL-03 a member in other case", protocol.CodeFieldUnknown, with("Amount", "1.00")},
		{"an unknown member", protocol.CodeFieldUnknown, with("discount", "17.00")},
		{"a currency that is none", protocol.CodeFieldInvalid, with("currency", "XXX")},
		{"CID-CART-CFM-05 the order's number in another currency", protocol.CodeOrderMismatch, with("currency", "USD")},
		{"a scenario of nobody's", protocol.CodeFieldInvalid, with("scenario", "REFUND")},
		{"an order number with a line feed", protocol.CodeFieldInvalid, with("merchant_order_id", "order-1\n")},
		{"an order number with a zero byte", protocol.CodeFieldInvalid, with("merchant_order_id", "order-1\x00")},
		{"a request id that looks like another", protocol.CodeFieldInvalid, with("request_id", "p\u0430y-1")},
		{"a request id of no end", protocol.CodeFieldInvalid, with("request_id", strings.Repeat("a", 257))},
		{"a nonce of one byte", protocol.CodeFieldInvalid, with("nonce", "AA")},
		{"a nonce with other tail bits", protocol.CodeFieldInvalid, with("nonce", strings.Repeat("A", 21)+"B")},
		{"order and bill", protocol.CodeFieldInvalid, func(w *world) []byte { return with("bill", w.signBill(w.bill()))(w) }},
		{"PSD-PAY-A402-03 a bill over 8 KiB", protocol.CodeTooLarge, func(w *world) []byte {
			m := w.members(w.autonomous())
			m["bill"] = strings.Repeat("A", payment.MaxHeaderRead+1)
			raw, err := keys.SignMessage(w.signers[agentDID+"#k1"], keys.AgentRequest, keys.KindPaymentRequest, m)
			if err != nil {
				w.t.Fatal(err)
			}
			return raw
		}},
		{"a time before all times", protocol.CodeRequestExpired, with("timestamp", "0000-01-01T00:00:00Z")},
		{"a time after all times", protocol.CodeRequestExpired, with("timestamp", "9999-12-31T23:59:59Z")},
		{"a time beyond the year 9999", protocol.CodeFieldInvalid, with("timestamp", "9999-12-31T23:59:59-23:59")},
	}
	for _, a := range []string{"0", "0.00", "-0", "-18.00", "+18.00", "18.000", "018.00", "18.", ".5", "1.8e1", "1e2", "18,00", " 18.00", "\uff11\uff18.00", "NaN", "9223372036854775808"} {
		attacks = append(attacks, attack{fmt.Sprintf("the amount %q", a), protocol.CodeFieldInvalid, with("amount", a)})
	}
	runAttacks(t, attacks)
}

// One changed byte anywhere in a payment request, and nobody has asked for
// anything. The change of an insignificant bit of the signature counts too.
func TestPaymentFlipped(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	raw := w.signRequest(w.request())
	for i := range raw {
		forged := append([]byte{}, raw...)
		forged[i] ^= 1
		if r, err := w.v.PaymentRequest(context.Background(), forged, verifier.PaymentExpectation{PSP: pspDID}); err == nil || r != nil {
			t.Fatalf("byte %d of %d may be changed", i, len(raw))
		}
	}
	header := w.signBill(w.bill())
	for i := range header {
		forged := []byte(header)
		forged[i] ^= 1
		q := w.autonomous()
		q.Bill = string(forged)
		if p, err := w.pay(w.signRequest(q)); err == nil || p != nil {
			t.Fatalf("byte %d of %d of the bill may be changed", i, len(header))
		}
	}
}

// Orders that the merchant itself signed and whose sums are not.
func TestOrderSumsHostile(t *testing.T) {
	order := func(changes ...string) func(w *world) []byte {
		return change(func(w *world, q *payment.Request) {
			token, err := keys.ParseCompact([]byte(q.Order), keys.TypeOrder)
			if err != nil {
				w.t.Fatal(err)
			}
			payload := string(token.Payload)
			for i := 0; i < len(changes); i += 2 {
				payload = replaceOnce(w.t, payload, changes[i], changes[i+1])
			}
			header := strings.Replace(w.header(shopDID+"#sell"), keys.TypeMandate, keys.TypeOrder, 1)
			q.Order = string(w.token(w.signers[shopDID+"#sell"], header, payload))
		})
	}
	runAttacks(t, []attack{
		{"CID-CART-CFM-05 the amount is not the sum", protocol.CodeFieldInvalid, order(`"subtotal":"18.00"`, `"subtotal":"9.00"`, `"unit_price":"18.00"`, `"unit_price":"9.00"`)},
		{"CID-CART-CFM-05 a sum that overflows to the amount", protocol.CodeFieldInvalid, order(`"quantity":1`, `"quantity":1000000`, `"unit_price":"18.00"`, `"unit_price":"92233720368547758.07"`)},
		{"a negative quantity", protocol.CodeFieldInvalid, order(`"quantity":1`, `"quantity":-1`)},
		{"a quantity with a fraction", protocol.CodeFieldInvalid, order(`"quantity":1`, `"quantity":1.5`)},
		{"an order for nothing", protocol.CodeFieldMissing, order(`"items":[{"category":"food/drink/coffee","item_id":"latte","name":"Latte","quantity":1,"subtotal":"18.00","unit_price":"18.00"}]`, `"items":[]`)},
		{"two merchants in one order", protocol.CodeClaimsConflict, order(`"merchant_id":"`+shopDID, `"merchant_id":"`+shop2DID)},
		{"two buyers in one order", protocol.CodeClaimsConflict, order(`"buyer_agent_id":"`+agentDID, `"buyer_agent_id":"`+agent2DID)},
		{"an order that is not confirmed", protocol.CodeFieldInvalid, order(`"CONFIRMED"`, `"PENDING"`)},
		{"a category that climbs up", protocol.CodeFieldInvalid, order(`food/drink/coffee`, `food/drink//tobacco`)},
	})
}

// A bill is worth something only for the seller that signed it and for the
// request whose fingerprint it has.
func TestBillOfAnotherShop(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	ctx := context.Background()
	b := w.bill()
	b.SellerID = shop2DID // with the other shop's fingerprint, honestly signed
	expect := verifier.BillExpectation{Agent: agentDID, PSP: pspDID, Methods: []string{methodURN}, RequestMethod: "GET", Fingerprint: w.bill().RequestFingerprint}
	verified, err := w.v.Bill(ctx, w.signBill(b), expect)
	if err != nil || verified.Value().SellerID != shop2DID {
		t.Fatal(err) // the agent's mandate decides whether shop 2 may be paid
	}
	q := w.autonomous()
	q.Bill, q.MerchantID = w.signBill(b), shop2DID
	_, err = w.pay(w.signRequest(q))
	wantCode(t, err, protocol.CodeMerchantNotAllowed)

	forger := w.signers[shop2DID+"#sell"]
	b.SellerID = shopDID
	_, err = payment.SignBill(forger, b)
	wantCode(t, err, protocol.CodeClaimsConflict)
	stolen := strings.Replace(decoded(t, w.signBill(b)), shopDID+"#sell", shop2DID+"#sell", 1)
	_, err = w.v.Bill(ctx, canon.EncodeBase64([]byte(stolen)), expect)
	wantCode(t, err, protocol.CodeClaimsConflict)
}

func decoded(t *testing.T, s string) string {
	t.Helper()
	b, err := canon.DecodeBase64(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// After a rotation the mandate is still for the key that it names: neither the
// new key, nor the old one once it is retired, spends by it.
func TestAgentKeyRotated(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	q := w.request()
	old := w.signRequest(q)
	w.edit(agentDID+"#k1", func(k *identity.Key) { k.NotAfter = epoch })
	_, err := w.pay(old)
	wantCode(t, err, protocol.CodeKeyNotValid)
	rotated, err := payment.SignRequest(w.signers[agentDID+"#k2"], q)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.pay(rotated)
	wantCode(t, err, protocol.CodeAgentMismatch)
}

// The same bytes are judged by the key document of each moment: a document
// that is replaced by another owner's does not inherit what was remembered.
func TestRememberedForOneKeyOnly(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, keys.EdDSA)
	raw := w.mandate()
	if _, err := w.v.Mandate(ctx, raw, expectation); err != nil {
		t.Fatal(err)
	}
	good := w.signers[bankDID+"#issue"].Public()
	stranger := w.signer(bankDID+"#issue", keys.IssueAuthorization).Public()
	for range 3 {
		w.edit(bankDID+"#issue", func(k *identity.Key) { k.Public = stranger })
		_, err := w.v.Mandate(ctx, raw, expectation)
		wantCode(t, err, protocol.CodeSignatureInvalid)
		w.edit(bankDID+"#issue", func(k *identity.Key) { k.Public = good })
		if _, err := w.v.Mandate(ctx, raw, expectation); err != nil {
			t.Fatal(err)
		}
	}
}

// A request that is dated ahead is refused, and the agent may pay in another
// way. It must not become good when its time comes.
func TestDatedAheadStaysRefused(t *testing.T) {
	for _, ahead := range []time.Duration{2 * time.Minute, 10 * time.Minute, 8 * time.Hour} {
		t.Run(fmt.Sprint("PSD-PAY-DEL-04 ", ahead), func(t *testing.T) {
			w := newWorld(t, keys.EdDSA)
			a := authorization()
			a.ValidityEnd = epoch.Add(24 * time.Hour)
			o := w.order()
			o.Expires = epoch.Add(24 * time.Hour)
			q := w.request()
			q.Timestamp, q.IAC, q.Order = epoch.Add(ahead), string(w.issue(w.claims(a))), w.signOrder(o)
			raw := w.signRequest(q)
			_, err := w.pay(raw)
			wantCode(t, err, protocol.CodeRequestExpired)
			w.pass(ahead)
			_, err = w.pay(raw)
			wantCode(t, err, protocol.CodeReplayed)
		})
	}
	t.Run("nobody keeps a place for ever", func(t *testing.T) {
		w := newWorld(t, keys.EdDSA)
		q := w.request()
		q.Timestamp = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		r, err := w.v.PaymentRequest(context.Background(), w.signRequest(q), verifier.PaymentExpectation{PSP: pspDID})
		if err != nil {
			t.Fatal(err)
		}
		if until := r.TakeNonce().Until; until.After(epoch.Add(25 * time.Hour)) {
			t.Errorf("kept until %v", until)
		}
	})
}

// A result whose proof names another payment method is worth nothing at the
// merchant, who asks for the method of the bill or order.
func TestResultProofMethod(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	q := w.request()
	r := w.result(q)
	u, err := payment.ParseProofClaims(r.PaymentProof)
	if err != nil {
		t.Fatal(err)
	}
	c := u.Claims
	c.MethodID = "act:payment/card"
	r.PaymentProof = w.signProof(c)
	raw, err := payment.SignResult(w.signers[pspDID+"#proof"], r)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.v.Result(context.Background(), raw, verifier.ResultExpectation{Request: q, Thumbprint: w.signers[agentDID+"#k1"].Public().Thumbprint()})
	wantCode(t, err, protocol.CodeProofMismatch)
}

// The list of one address that two issuers signed is two lists: neither takes
// the other's place in the cache, nor its issue time.
func TestStatusListOfTwoIssuers(t *testing.T) {
	h := newStatusHost(t)
	const other = "did:act:other.example/mandates"
	h.key(other, "status", keys.Status)
	client := h.client(plain)
	ask := func(issuer string) (delegation.Status, error) {
		return client.Status(context.Background(), delegation.StatusReference{Index: 3, URI: h.uri}, issuer, h.clock())
	}
	h.serve(h.list(statusKey, delegation.StatusRevoked, 0, time.Minute, time.Hour))
	if s, err := ask(bankDID); err != nil || s != delegation.StatusRevoked {
		t.Fatal(s, err)
	}
	_, err := ask(other) // gets the bank's list, which says nothing of its mandates
	wantCode(t, err, protocol.CodeStatusUnavailable)
	h.pass(time.Second)
	h.serve(h.list(other+"#status", delegation.StatusActive, 30*time.Second, time.Minute, time.Hour))
	if s, err := ask(other); err != nil || s != delegation.StatusActive {
		t.Fatal(s, err)
	}
	if s, err := ask(bankDID); err != nil || s != delegation.StatusRevoked {
		t.Error("the other issuer's list answers for the bank's:", s, err)
	}
	h.pass(time.Minute)
	h.serve(h.list(statusKey, delegation.StatusRevoked, 20*time.Second, time.Minute, time.Hour))
	if s, err := ask(bankDID); err != nil || s != delegation.StatusRevoked {
		t.Error("the other issuer's time counts for the bank:", s, err)
	}
}

// When the clock goes back nothing is known of the age of an answer.
func TestStatusClockGoesBack(t *testing.T) {
	h := newStatusHost(t)
	client := h.client(func(c *verifier.StatusConfig) { c.Grace = time.Hour })
	h.pass(10 * time.Second)
	if _, err := h.ask(client, 3); err != nil {
		t.Fatal(err)
	}
	h.serve(h.list(statusKey, delegation.StatusRevoked, 10*time.Second, time.Minute, time.Hour))
	h.pass(-5 * time.Second)
	if s, err := h.ask(client, 3); err != nil || s != delegation.StatusRevoked {
		t.Error(s, err)
	}
	h.pass(-2 * time.Second)
	h.down()
	_, err := h.ask(client, 3) // no grace for an answer from the future either
	wantCode(t, err, protocol.CodeStatusUnavailable)
}

// Whoever answers nonsense is not asked for each payment again.
func TestWrongAnswerIsNotHammered(t *testing.T) {
	h := newStatusHost(t)
	h.serve([]byte("nonsense"))
	client := h.client(plain)
	for range 10 {
		_, err := h.ask(client, 3)
		wantCode(t, err, protocol.CodeStatusUnavailable)
	}
	if n := h.fetches.Load(); n != 1 {
		t.Errorf("%d fetches within a second, want 1", n)
	}
	h.serve(h.list(statusKey, delegation.StatusActive, 0, time.Minute, time.Hour))
	h.pass(time.Second)
	if _, err := h.ask(client, 3); err != nil {
		t.Error(err)
	}
}

// The environment of a process must not put a proxy, which would see the
// address in place of us, between resolver and server.
func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var reached atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			c.Close()
		}
	}()
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://"+l.Addr().String())
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	r := verifier.NewResolver(verifier.ResolverConfig{InsecureAllowLoopback: true, Timeout: 300 * time.Millisecond})
	_, err = r.Key(context.Background(), "did:act:nowhere.invalid/agent#k1", keys.AgentRequest, epoch)
	wantCode(t, err, protocol.CodeKeyUnavailable)
	if reached.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

// Names that lead nowhere, which anybody can make up, do not push out the
// documents of those who are there.
func TestInventedNamesEvictNothing(t *testing.T) {
	h := newDIDHost(t)
	r := verifier.NewResolver(verifier.ResolverConfig{RootCAs: h.pool, InsecureAllowLoopback: true, Size: 4})
	if _, err := h.key(r, "k1"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		name, err := identity.NewActDID(h.did.Host(), fmt.Sprint("nobody-", i))
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Key(context.Background(), name.String()+"#k1", keys.AgentRequest, time.Now())
		wantCode(t, err, protocol.CodeKeyUnavailable)
	}
	if _, err := h.key(r, "k1"); err != nil || h.fetches.Load() != 1 {
		t.Errorf("%v after %d fetches, want 1", err, h.fetches.Load())
	}
}

// A zero expectation or a zero value must never be enough.
func TestZeroExpectations(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"order": func() error {
			_, err := w.v.Order(ctx, []byte(w.signOrder(w.order())), verifier.OrderExpectation{Request: commerce.CartRequest{}})
			return err
		},
		"bill": func() error { _, err := w.v.Bill(ctx, w.signBill(w.bill()), verifier.BillExpectation{}); return err },
		"proof": func() error {
			_, err := w.v.Proof(ctx, w.signProof(w.proofClaims()), verifier.ProofExpectation{})
			return err
		},
		"bearer": func() error {
			_, err := w.v.Proof(ctx, w.signProof(w.proofClaims()), verifier.ProofExpectation{InsecureBearer: true})
			return err
		},
	} {
		if err := call(); protocol.CodeOf(err) != protocol.CodeFieldMissing {
			t.Errorf("%s: %v", name, err)
		}
	}
	var p verifier.AuthorizedPayment
	if p.Amount() != (money.Amount{}) || p.Total().Valid() || !p.Expires().IsZero() || p.Decision().Allowed() {
		t.Error("the zero payment is for something")
	}
}

// lateKeys takes its time: while it fetches a key of one purpose, the clock
// goes on.
type lateKeys struct {
	verifier.KeySource
	w       *world
	purpose keys.Purpose
	takes   time.Duration
}

func (l lateKeys) Key(ctx context.Context, id string, p keys.Purpose, at time.Time) (keys.PublicKey, error) {
	if p == l.purpose {
		l.w.pass(l.takes)
	}
	return l.KeySource.Key(ctx, id, p, at)
}

// Ends are judged by the time at which everything that has to be fetched is
// there, not by the time at which the question arrived.
func TestEndsWhileKeysAreFetched(t *testing.T) {
	ctx := context.Background()
	slow := func(t *testing.T, purpose keys.Purpose, takes time.Duration) *world {
		w := newWorld(t, keys.EdDSA)
		w.v = w.verifier(func(c *verifier.Config) { c.Keys = lateKeys{w.docs, w, purpose, takes} })
		return w
	}
	t.Run("ADD-IAC-LCM-05 the mandate", func(t *testing.T) {
		w := slow(t, keys.IssueAuthorization, time.Hour)
		_, err := w.v.Mandate(ctx, w.mandate(), expectation)
		wantCode(t, err, protocol.CodeMandateExpired)
	})
	t.Run("CID-CART-CFM-04 the order's lock", func(t *testing.T) {
		w := slow(t, keys.Seller, 10*time.Minute)
		_, err := w.pay(w.signRequest(w.request()))
		wantCode(t, err, protocol.CodeOrderExpired)
	})
	t.Run("PSD-PAY-A402-18 the bill", func(t *testing.T) {
		w := slow(t, keys.Seller, 10*time.Minute)
		_, err := w.pay(w.signRequest(w.autonomous()))
		wantCode(t, err, protocol.CodeOrderExpired)
	})
	t.Run("ADD-IAC-LCM-05 the mandate, while the seller's key is fetched", func(t *testing.T) {
		w := slow(t, keys.Seller, time.Hour)
		o := w.order()
		o.Expires = epoch.Add(2 * time.Hour)
		q := w.request()
		q.Order = w.signOrder(o)
		_, err := w.pay(w.signRequest(q))
		wantCode(t, err, protocol.CodeMandateExpired)
	})
	t.Run("PSD-PAY-A402-07 the proof", func(t *testing.T) {
		w := slow(t, keys.Proof, 10*time.Minute)
		_, err := w.v.Proof(ctx, w.signProof(w.proofClaims()), w.proofExpectation())
		wantCode(t, err, protocol.CodeProofExpired)
	})
}
