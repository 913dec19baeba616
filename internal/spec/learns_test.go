package spec

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/psp"
)

// A lesson is what one party was shown in one message.
type lesson struct{ flow, party, message string }

type shown struct{ names, members map[string]bool }

// A recorder listens to all connections of a World, inside of TLS.
type recorder struct {
	mu      sync.Mutex
	flow    string
	lessons map[lesson]*shown
}

type tap struct {
	r    *recorder
	to   string // who is asked
	from string // who asks, and gets the answer
	base func() http.RoundTripper
}

func (t *tap) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(&req.Body)
	if err != nil {
		return nil, err
	}
	message := req.Method + " " + req.URL.Path
	t.r.learn(t.to, message, req.Header, body)
	resp, err := t.base().RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if body, err = drain(&resp.Body); err != nil {
		return nil, err
	}
	if t.from != "agent" {
		t.r.learn(t.from, "answer to "+message, resp.Header, body)
	}
	return resp, nil
}

// drain reads a body and puts it back.
func drain(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	data, err := io.ReadAll(*body)
	(*body).Close()
	*body = io.NopCloser(bytes.NewReader(data))
	return data, err
}

func (r *recorder) learn(party, message string, header http.Header, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := lesson{r.flow, party, message}
	if header.Get("Payment-Proof") != "" {
		key.message += " with Payment-Proof"
	}
	if r.lessons[key] == nil {
		r.lessons[key] = &shown{map[string]bool{}, map[string]bool{}}
	}
	s := r.lessons[key]
	texts := []string{string(body), header.Get("Payment-Proof"), header.Get("Signature-Input")}
	for _, text := range texts {
		s.read("", text)
	}
}

// people are the identifiers that may stand in a message.
var people = map[string]string{
	"principal": acttest.PrincipalDID, "issuer": acttest.IssuerDID, "agent": acttest.AgentDID,
	"merchant": acttest.ShopDID, "PSP": acttest.PSPDID,
}

// read notes the members of a text, and of the tokens and headers in it.
func (s *shown) read(name, text string) {
	for who, did := range people {
		if strings.Contains(text, did) {
			s.names[who] = true
		}
	}
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		switch v.(type) {
		case map[string]any, []any:
			s.walk(name, v)
			return
		}
	}
	parts := strings.Split(text, ".")
	for i, p := range parts {
		inner, err := base64.RawURLEncoding.DecodeString(p)
		if err != nil || len(inner) < 2 {
			return
		}
		if len(parts) == 3 && i == 1 || len(parts) == 1 && (inner[0] == '{' || bytes.Count(inner, []byte(".")) == 2) {
			s.read(name, string(inner))
		}
	}
}

// The members of the signature are left out; keys and references to the list of
// states are one thing each.
var (
	unlisted = []string{"signer_id", "signature_type", "signature_covered_fields", "signature", "signature_content"}
	whole    = []string{"cnf", "status"}
)

func (s *shown) walk(name string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, inner := range x {
			switch {
			case slices.Contains(unlisted, k):
			case slices.Contains(whole, k):
				s.members[k] = true
			default:
				s.walk(k, inner)
			}
		}
	case []any:
		for _, inner := range x {
			s.walk(name, inner)
		}
	case string:
		inner := &shown{s.names, map[string]bool{}}
		if inner.read(name, x); len(inner.members) == 0 { // not a token
			inner.members[name] = true
		}
		maps.Copy(s.members, inner.members)
	default:
		s.members[name] = true
	}
}

// newRecordedWorld is a World whose clients are listened to. The provider's
// clients are made again, with a transport of ours.
func newRecordedWorld(t *testing.T) (*acttest.World, *recorder) {
	t.Helper()
	r := &recorder{lessons: map[lesson]*shown{}}
	var w *acttest.World
	provider := func(from string, config psp.Config) *psp.Client {
		config.HTTP = &http.Client{Transport: &tap{r, "PSP", from, func() http.RoundTripper { return w.PSP.Server.Client().Transport }}}
		c, err := psp.New(config)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	w = acttest.NewWorldWith(t, acttest.Options{
		Merchant: func(c *merchant.Config) {
			c.PSP = provider("merchant", psp.Config{ID: acttest.PSPDID, Endpoint: endpoint(c.PSP), Signer: c.Signer, Verifier: c.Verifier, Now: c.Now})
		},
		Agent: func(c *agent.Config) {
			with := &c.Instruments[0]
			with.PSP = provider("agent", psp.Config{ID: acttest.PSPDID, Endpoint: endpoint(with.PSP), Signer: c.Signer, Verifier: c.Verifier, Now: c.Now})
		},
	})
	shop := w.Client.Transport
	w.Client.Transport = &tap{r, "merchant", "agent", func() http.RoundTripper { return shop }}
	return w, r
}

func endpoint(p any) string { return p.(interface{ Endpoint() string }).Endpoint() }

// TestWhatEachPartyLearns buys once in each flow, with everything filled in
// that may be, and compares what every party was shown with the table of
// SPEC.md 8.4.
func TestWhatEachPartyLearns(t *testing.T) {
	w, r := newRecordedWorld(t)
	ctx := context.Background()
	r.flow = "DEL"
	full := func(i *delegation.ISR) {
		i.Ext = &delegation.Ext{
			Commerce:    &delegation.Commerce{AllowedMerchants: []string{acttest.ShopDID}, AllowedCategories: []string{"food", "data"}, MaxSingleAmount: "50"},
			Fulfillment: &delegation.Fulfillment{DeliveryAddress: "1 Harbour Road"},
		}
	}
	w.Grant(t, func(i *delegation.ISR) { full(i); i.DelegationMode = delegation.Specified })
	w.Stock(t, commerce.Item{ID: "latte", Name: "Latte", Category: "food/coffee", Price: acttest.CNY(t, "18.00")}, 1)
	shop, err := w.Agent.Shop(acttest.ShopDID, w.URL, w.Client)
	if err != nil {
		t.Fatal(err)
	}
	order, err := shop.ConfirmCart(ctx, []agent.Line{{ItemID: "latte", Quantity: 1}}, commerce.Fulfilment{
		DeliveryTimeRequirement: "2027-01-01T00:00:00Z", DeliveryAddress: "1 Harbour Road"})
	if err != nil {
		t.Fatal(err)
	}
	paid, err := w.Agent.PayOrder(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.Agent.PickUp(ctx, order, paid)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := w.Shop.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	r.flow = "AUP"
	r.mu.Unlock()
	w.Grant(t, full)
	w.Sell("POST /report", merchant.Offer{Resource: "report-7", Category: "data/report", Price: acttest.CNY(t, "4.00")},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	if resp, err = w.Buying().Post(w.URL+"/report", "text/plain", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	if err := w.Shop.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	compareLessons(t, r)
}

func compareLessons(t *testing.T, r *recorder) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var want []string
	for key, s := range r.lessons {
		// PRV-03: the principal is named to the provider alone, and to nobody
		// in any other message than the payment request.
		if s.names["principal"] && (key.party != "PSP" || key.message != "POST /payments") {
			t.Errorf("PRV-03 %v names the principal", key)
		}
		// PRV-01, PRV-03: the merchant sees nothing of the mandate.
		for _, m := range []string{"iac", "max_total_amount", "payment_token", "delegator_identity", "conversation_history", "user_intent_raw"} {
			if key.party == "merchant" && s.members[m] {
				t.Errorf("PRV-01 %v shows %s", key, m)
			}
		}
		want = append(want, "| "+strings.Join([]string{key.flow, key.party, "`" + key.message + "`", list(s.names, ""), list(s.members, "`")}, " | ")+" |")
	}
	sort.Strings(want)
	var got []string
	for _, cells := range rows(t, "### 8.4 Pseudonyms") {
		if len(cells) == 5 && (cells[0] == "DEL" || cells[0] == "AUP") {
			got = append(got, "| "+strings.Join(cells, " | ")+" |")
		}
	}
	sort.Strings(got)
	if !slices.Equal(got, want) {
		t.Errorf("PRV-03 the table of SPEC.md 8.4 is not what the parties were shown, which is\n%s", strings.Join(want, "\n"))
	}
}

func list(set map[string]bool, quote string) string {
	var out []string
	for s := range set {
		out = append(out, quote+s+quote)
	}
	sort.Strings(out)
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}
