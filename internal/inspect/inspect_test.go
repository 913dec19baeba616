package inspect_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/internal/inspect"
	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

const (
	bank  = "did:act:bank.example/mandates"
	agent = "did:act:agents.example/buyer"
	shop  = "did:act:shop.example/coffee"
	psp   = "did:act:psp.example/pay"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A cast has all kinds of things to inspect.
type cast struct {
	t     testing.TB
	docs  map[string]*identity.Document
	by    map[string]*keys.Signer
	all   map[string][]byte // by name
	from  map[string]string // who signed, by name
	price money.Amount
	// what must never be printed
	secrets []string
}

func (c *cast) key(did, fragment string, purpose keys.Purpose) *keys.Signer {
	c.t.Helper()
	seed := sha256.Sum256([]byte(did + fragment))
	s, err := keys.NewSigner(did+"#"+fragment, purpose, ed25519.NewKeyFromSeed(seed[:]))
	c.must(err)
	id, err := identity.ParseDID(did)
	c.must(err)
	if c.docs[did] == nil {
		c.docs[did] = &identity.Document{ID: id}
	}
	c.docs[did].Keys = append(c.docs[did].Keys, identity.Key{ID: s.KeyID(), Public: s.Public(), Purpose: purpose})
	c.by[s.KeyID()] = s
	return s
}

func (c *cast) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cast) add(name, from string, data []byte, err error) []byte {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%s: %v", name, err)
	}
	c.all[name], c.from[name] = data, from
	if i := strings.LastIndexByte(string(data), '.'); i > 0 {
		c.secrets = append(c.secrets, string(data[i+1:]))
	}
	return data
}

func newCast(t testing.TB) *cast {
	t.Helper()
	c := &cast{t: t, docs: map[string]*identity.Document{}, by: map[string]*keys.Signer{}, all: map[string][]byte{}, from: map[string]string{}}
	issue, ids, status := c.key(bank, "issue", keys.IssueAuthorization), c.key(bank, "id", keys.IssueIdentity), c.key(bank, "status", keys.Status)
	buyer, seller, prover := c.key(agent, "k1", keys.AgentRequest), c.key(shop, "sell", keys.Seller), c.key(psp, "proof", keys.Proof)
	cny, err := money.ParseCurrency("CNY")
	c.must(err)
	price, err := money.Parse("18.00", cny)
	c.must(err)
	c.price = price

	a := &delegation.Authorization{
		DelegationID: "urn:uuid:7b0c2f1e-0d1c-4b7a-9a55-1f1f6f1c1d11", IntentID: "intent-1", DelegatorIdentity: "did:act:bank.example/ann", AgentID: agent,
		DelegationMode: delegation.Specified, ValidityStart: noon, ValidityEnd: noon.Add(time.Hour), MaxTotalAmount: "20", Currency: "CNY",
		UserConfirmationMethod: "FINGERPRINT", UserConfirmationTimestamp: noon,
		Ext: &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{shop}}},
	}
	claims := delegation.NewClaims(a, bank, psp, buyer.Public(), &delegation.StatusReference{Index: 3, URI: "https://bank.example/s/1"}, noon)
	mandate, err := delegation.Issue(issue, claims)
	c.add("mandate", bank, mandate, err)
	selective, err := delegation.IssueSelective(issue, claims)
	c.add("selective mandate", bank, selective, err)
	list := delegation.NewStatusList(16)
	c.must(list.Set(3, delegation.StatusSuspended))
	raw, err := delegation.SignStatusList(status, "https://bank.example/s/1", list, noon, noon.Add(time.Hour), time.Minute)
	c.add("status list", bank, raw, err)
	credential, err := identity.IssueCredential(ids, identity.Credential{ID: "c1", Issuer: bank, Agent: agent, Provider: bank, Type: identity.Platform,
		IssuedAt: noon, NotBefore: noon, Expires: noon.Add(time.Hour), Holder: buyer.Public(), Status: &identity.StatusReference{URI: "https://bank.example/s/2"}})
	c.add("identity credential", bank, credential, err)
	raw, err = identity.IssueBinding(ids, identity.Binding{ID: "b1", Issuer: bank, Agent: agent, Principal: "ann", Audience: psp,
		IssuedAt: noon, Expires: noon.Add(time.Minute), Thumbprint: buyer.Public().Thumbprint()})
	c.add("principal binding", bank, raw, err)
	raw, err = identity.AnswerChallenge(buyer, credential, shop, canon.Nonce(), noon)
	c.add("answer to a challenge", agent, raw, err)
	order, err := commerce.SignOrder(seller, commerce.Order{MerchantID: shop, BuyerAgentID: agent, IssuedAt: noon, Expires: noon.Add(time.Hour),
		MerchantOrderID: "order-1", RequestID: "cart-1", IntentID: "intent-1", PSPID: psp, PaymentMethod: "urn:act:payment:wallet",
		Items:  []commerce.OrderLine{{ItemID: "latte", Name: "拿铁 Latte", Category: "food", UnitPrice: price, Quantity: 1}},
		Amount: price, DeliverBy: noon.Add(time.Hour)})
	c.add("order confirmation", shop, order, err)
	print, err := payment.Fingerprint("GET", "https://shop.example/report", "", nil)
	c.must(err)
	bill, err := payment.SignBill(seller, payment.Bill{MethodID: "act:payment/wallet", MethodVersion: payment.MethodVersion, OutTradeNo: "trade-1",
		ResourceID: "report-7", Amount: price, PayBefore: noon.Add(time.Hour), SellerID: shop, RequestMethod: "GET", RequestFingerprint: print,
		ReplayWindow: 10 * time.Minute, PSPID: psp, Endpoint: "https://psp.example/act", Category: "food"})
	c.add("Payment-Needed", shop, []byte(bill), err)
	proof, err := payment.SignProofClaims(prover, payment.ProofClaims{PSPID: psp, MerchantID: shop, ID: "p1", IssuedAt: noon, Expires: noon.Add(time.Hour),
		TradeNo: "t1", OutTradeNo: "trade-1", ResourceID: "report-7", Amount: price, Payer: agent, MethodID: "act:payment/wallet",
		RequestMethod: "GET", RequestFingerprint: print, Thumbprint: buyer.Public().Thumbprint()})
	c.add("payment proof", psp, []byte(proof), err)
	c.secrets = append(c.secrets, proof)
	u, err := payment.ParseProofClaims(proof)
	c.must(err)
	header, err := u.Proof().EncodeHeader()
	c.add("Payment-Proof", psp, []byte("Payment-Proof: "+header), err)
	sub, err := payment.SignSubAccountAuthorization(c.key(agent, "wallet", keys.SubAccount), payment.SubAccountAuthorization{AgentID: agent,
		SubAccountID: "sub-1", PSPID: psp, ID: "j1", IssuedAt: noon, Expires: noon.Add(time.Minute), RequestDigest: canon.Sum(nil)})
	c.add("authorization of a payment from a sub-account", agent, []byte(sub), err)
	keyProof, err := payment.SignSubAccountKeyProof(c.key(agent, "wallet", keys.SubAccount), payment.SubAccountKeyProof{AgentID: agent,
		PSPID: psp, ID: "j2", IssuedAt: noon, Expires: noon.Add(time.Minute), RequestDigest: canon.Sum(nil)})
	c.add("proof of the key of a new sub-account", agent, []byte(keyProof), err)
	request, err := payment.SignRequest(buyer, payment.Request{Scenario: payment.ScenarioDEL, RequestID: "pay-1", Nonce: canon.Nonce(), Timestamp: noon,
		PSPID: psp, BuyerAgentID: agent, MerchantID: shop, DelegationID: a.DelegationID, IAC: string(mandate), MerchantOrderID: "order-1", Amount: price,
		PaymentMethod: "urn:act:payment:wallet", PaymentToken: "tok-very-secret", Order: string(order)})
	c.add("signed message", agent, request, err)
	c.secrets = append(c.secrets, "tok-very-secret", string(mandate), string(order))
	doc, err := c.docs[bank].Encode()
	c.add("DID document", "", doc, err)
	key, err := keyfile.Generate(keys.EdDSA, "", keys.AgentRequest)
	c.must(err)
	file, err := key.Encode(nil)
	c.add("key file", "", file, err)
	_, rest, _ := strings.Cut(string(file), `"private":"`)
	c.secrets = append(c.secrets, rest[:43])
	return c
}

func TestRead(t *testing.T) {
	c := newCast(t)
	for name, data := range c.all {
		t.Run(name, func(t *testing.T) {
			check := func(r *inspect.Report, err error) string {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				text := r.String()
				for _, secret := range c.secrets {
					if strings.Contains(text, secret) {
						t.Errorf("a secret of %d bytes is printed:\n%s", len(secret), text)
					}
				}
				return text
			}
			without, err := inspect.Read(data, inspect.Options{Now: noon})
			text := check(without, err)
			if !without.OK() || !strings.Contains(strings.ToLower(text), strings.ToLower(strings.TrimPrefix(name, "selective "))) {
				t.Error(text)
			}
			if c.from[name] == "" {
				return
			}
			if strings.Contains(text, "signature by") || !strings.Contains(text, "signature: give the signer's document") {
				t.Error("verified without a key:\n" + text)
			}
			with, err := inspect.Read(data, inspect.Options{Now: noon, Document: c.docs[c.from[name]]})
			text = check(with, err)
			if !with.OK() || !strings.Contains(text, "signature by "+c.from[name]) {
				t.Error(text)
			}
			stranger, err := keyfile.Generate(keys.EdDSA, "", keys.AgentRequest)
			if err != nil {
				t.Fatal(err)
			}
			wrong, err := inspect.Read(data, inspect.Options{Now: noon, Key: stranger.Public()})
			if text = check(wrong, err); wrong.OK() || !strings.Contains(text, "signature_invalid") {
				t.Error("another key's signature is not found wrong:\n" + text)
			}
			other := c.docs[map[bool]string{true: shop, false: bank}[c.from[name] == bank]]
			if r, err := inspect.Read(data, inspect.Options{Now: noon, Document: other}); err != nil || r.OK() {
				t.Error("another's document", err)
			}
		})
	}
	r, err := inspect.Read(c.all["status list"], inspect.Options{Now: noon.Add(2 * time.Hour)})
	if err != nil || !strings.Contains(r.String(), "suspended: 1") || !strings.Contains(r.String(), "ended 2026-03-01T13:00:00Z") {
		t.Error(r, err)
	}
	r, err = inspect.Read(c.all["signed message"], inspect.Options{Now: noon, Document: c.docs[agent]})
	if err != nil || r.Kind != "signed message: payment-request" {
		t.Error(r, err)
	}
	pending, err := payment.SignPending(c.by[psp+"#proof"], payment.Pending{RequestID: "pay-1", TradeNo: "t1", PSPID: psp, BuyerAgentID: agent, MerchantID: shop,
		MerchantOrderID: "order-1", Amount: c.price, TradeState: payment.StateWaitBuyerPay, CashierURL: "https://psp.example/cashier/secret", ExpiresAt: noon})
	c.must(err)
	r, err = inspect.Read(pending, inspect.Options{Now: noon, Document: c.docs[psp]})
	if err != nil || r.Kind != "signed message: payment-pending" || strings.Contains(r.String(), "cashier/secret") {
		t.Error(r, err)
	}
	r, err = inspect.Read(c.all["order confirmation"], inspect.Options{Now: noon})
	if err != nil || !strings.Contains(r.String(), "items[0].name: 拿铁 Latte") || !strings.Contains(r.String(), "iat: 1772366400 (2026-03-01T12:00:00Z)") {
		t.Error(r, err)
	}
}

func TestReadRefuses(t *testing.T) {
	c := newCast(t)
	for name, tc := range map[string]struct {
		input string
		want  protocol.Code
	}{
		"nothing":         {"  ", protocol.CodeFieldMissing},
		"too much":        {strings.Repeat("a", inspect.MaxInput+1), protocol.CodeTooLarge},
		"other JSON":      {`{"a":1}`, protocol.CodeTypeMismatch},
		"broken JSON":     {`{"a":`, protocol.CodeMalformed},
		"another JWT":     {"eyJ0eXAiOiJKV1QifQ.e30.AA", protocol.CodeTypeMismatch},
		"alg none":        {"eyJhbGciOiJub25lIiwidHlwIjoidmMrand0In0.e30.", protocol.CodeFieldMissing},
		"no header of us": {"aGVsbG8", protocol.CodeTypeMismatch},
		"no base64url":    {"hello world", protocol.CodeMalformed},
		"a private JWK":   {`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`, protocol.CodeFieldInvalid},
	} {
		r, err := inspect.Read([]byte(tc.input), inspect.Options{Now: noon})
		if protocol.CodeOf(err) != tc.want || r != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What a stranger wrote does not move the cursor or turn the text round.
	payload := "\u202e\x1b[2J"
	raw, err := keys.SignMessage(c.by[agent+"#k1"], keys.AgentRequest, keys.KindCartRequest, map[string]string{"note": payload})
	if err != nil {
		t.Fatal(err)
	}
	r, err := inspect.Read(raw, inspect.Options{Now: noon})
	if err != nil || strings.ContainsAny(r.String(), payload[:4]) || !strings.Contains(r.String(), `\u202e\x1b`) {
		t.Errorf("%q %v", r, err)
	}
}

func FuzzRead(f *testing.F) {
	c := newCast(f)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, input []byte) {
		for _, o := range []inspect.Options{{Now: noon}, {Now: noon, Document: c.docs[bank]}} {
			r, err := inspect.Read(input, o)
			if err != nil {
				if !protocol.CodeOf(err).Known() || r != nil {
					t.Fatal(err)
				}
				continue
			}
			for _, line := range strings.Split(r.String(), "\n") {
				for _, c := range line {
					if c < ' ' || c == 0x7f || c == 0x202e || c == 0xfffd {
						t.Fatalf("%q", line)
					}
				}
			}
		}
	})
}
