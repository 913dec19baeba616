package merchant_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/merchant/merchanttest"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestMemoryIntentContexts(t *testing.T) {
	merchanttest.IntentContexts(t, 4, func(*testing.T) merchant.IntentContexts { return merchant.NewMemoryIntentContexts(0, 4) })
	t.Run("CID-INT-XFR-05 many agents are bound together", func(t *testing.T) {
		m := merchant.NewMemoryIntentContexts(100, 0)
		for n := range 1000 {
			must(t, m.Keep(context.Background(), merchant.IntentContext{
				Agent: fmt.Sprint(n), RequestID: "1", Content: "c", KeepUntil: acttest.Start.Add(time.Minute),
			}, acttest.Start))
		}
		if m.Len() != 100 {
			t.Errorf("%d are held", m.Len())
		}
		_, _ = m.Context(context.Background(), "", "", acttest.Start.Add(time.Minute))
		if m.Len() != 0 {
			t.Errorf("%d are held after their time", m.Len())
		}
	})
}

// A desk is a shop with an intent handler, and an agent that talks to it
// without the agent package: it says whatever the test wants.
type desk struct {
	*acttest.World
	t       testing.TB
	handler http.Handler
}

func openDesk(t testing.TB, c merchant.IntentConfig, m merchant.Matcher) *desk {
	t.Helper()
	w := acttest.NewWorldWith(t, acttest.Options{Merchant: func(conf *merchant.Config) { conf.Intents = c }})
	item := func(id, name, category, price string, delivery time.Duration) {
		w.Stock(t, commerce.Item{ID: id, Name: name, Category: category, Price: acttest.CNY(t, price), Delivery: delivery}, 5)
	}
	item("latte", "Caffè latte", "food/coffee", "18.00", 10*time.Minute)
	item("espresso", "Espresso", "food/coffee", "12.00", 5*time.Minute)
	item("tea", "Green tea", "food/tea", "9.00", 20*time.Minute)
	item("wine", "Red wine", "food/alcohol", "60.00", time.Hour)
	item("book", "All about coffee", "books", "45.00", commerce.DeliveryUnknown)
	item("plan", "5G 套餐 129 元档", "mobile/plan", "129.00", 0)
	return &desk{World: w, t: t, handler: w.Shop.IntentHandler(m)}
}

func (c *desk) request(change func(*commerce.IntentRequest)) commerce.IntentRequest {
	q := commerce.IntentRequest{
		RequestID: canon.UUID(), BuyerAgentID: acttest.AgentDID, MerchantID: acttest.ShopDID, IntentID: "intent-1",
		Intent: commerce.Intent{Context: commerce.IntentContext{Explicit: "please get me some coffee"}},
	}
	if change != nil {
		change(&q)
	}
	return q
}

// send signs and sends a request and returns the answer or the error.
func (c *desk) send(q commerce.IntentRequest) (*commerce.IntentAnswer, error) {
	return c.sendAs(c.Buyer.Signer(keys.AgentRequest), q)
}

func (c *desk) sendAs(s *keys.Signer, q commerce.IntentRequest) (*commerce.IntentAnswer, error) {
	c.t.Helper()
	q.Nonce, q.Timestamp, q.BuyerAgentID = canon.Nonce(), c.Clock.Now(), s.DID()
	raw, err := commerce.SignIntentRequest(s, q)
	must(c.t, err)
	rec := c.post(raw)
	if rec.Code != http.StatusOK {
		return nil, problem.Decode(rec.Code, rec.Body.Bytes(), "", "/intents")
	}
	a, err := commerce.DecodeIntentAnswer(rec.Body.Bytes())
	must(c.t, err)
	if a.RequestID != q.RequestID || a.MerchantID != acttest.ShopDID || !a.AsOf.Equal(c.Clock.Now()) {
		c.t.Errorf("CID-INT-XFR-03: not the answer to this request: %+v", a)
	}
	return a, nil
}

func (c *desk) post(raw []byte) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	c.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/intents", strings.NewReader(string(raw))))
	return rec
}

func ids(a *commerce.IntentAnswer) (out []string) {
	if a != nil {
		for _, i := range a.Candidates {
			out = append(out, i.ID)
		}
	}
	return out
}

func TestMatchCatalogue(t *testing.T) {
	c := openDesk(t, merchant.IntentConfig{PerAgent: 1000}, nil)
	cny := acttest.CNY(t, "0").Currency()
	type intent = commerce.Intent
	for _, m := range []struct {
		name   string
		change func(*intent)
		want   string
	}{
		{"a word of the name or the category, the cheaper first", func(*intent) {}, "espresso latte book"},
		{"by price", func(i *intent) { i.Response.Sort = commerce.SortPrice }, "espresso latte book"},
		{"by delivery, unknown last", func(i *intent) {
			i.Context.Explicit, i.Response.Sort = "coffee or tea", commerce.SortDelivery
		}, "espresso latte tea book"},
		{"a rare word before a common one", func(i *intent) { i.Context.Explicit = "coffee: a latte" }, "latte espresso book"},
		{"more than one", func(i *intent) { i.Context.Explicit = "two LATTES" }, "latte"},
		{"an accent", func(i *intent) { i.Context.Explicit = "caffè" }, "latte"},
		{"Chinese, inside of a sentence", func(i *intent) { i.Context.Explicit = "续费手机套餐" }, "plan"},
		{"a number", func(i *intent) { i.Context.Explicit = "129" }, "plan"},
		{"an implicit need counts", func(i *intent) {
			i.Context.Explicit, i.Context.Implicit = "the usual", []string{"green tea"}
		}, "tea"},
		{"the explicit need counts more", func(i *intent) {
			i.Context.Explicit, i.Context.Preferences = "latte", []string{"espresso"}
		}, "latte espresso"},
		{"background is not searched for", func(i *intent) { i.Context.Background = []string{"wine"} }, "espresso latte book"},
		{"category", func(i *intent) { i.Constraints.AllowedCategories = []string{"food"} }, "espresso latte tea wine"},
		{"a category is need enough", func(i *intent) {
			i.Context.Explicit, i.Constraints.AllowedCategories = "something", []string{"books"}
		}, "book"},
		{"forbidden category", func(i *intent) {
			i.Constraints.AllowedCategories, i.Constraints.ForbiddenCategories = []string{"food"}, []string{"food/alcohol"}
		}, "espresso latte tea"},
		{"price", func(i *intent) {
			i.Constraints.MaxAmount, i.Constraints.Currency = acttest.CNY(t, "17.99"), cny
		}, "espresso"},
		{"delivery", func(i *intent) { i.Constraints.DeliverBy = acttest.Start.Add(7 * time.Minute) }, "espresso"},
		{"at most", func(i *intent) { i.Response.MaxCandidates = 2 }, "espresso latte"},
	} {
		t.Run("CID-INT-XFR-03 "+m.name, func(t *testing.T) {
			a, err := c.send(c.request(func(q *commerce.IntentRequest) {
				m.change(&q.Intent)
				if scope := q.Intent.Context.NeedsConsent(); scope != nil {
					q.Consent = &commerce.Consent{Scope: scope, GrantedAt: acttest.Start}
				}
			}))
			must(t, err)
			if got := strings.Join(ids(a), " "); got != m.want {
				t.Errorf("%s, want %s", got, m.want)
			}
		})
	}
	for name, change := range map[string]func(*intent){
		"no such word":     func(i *intent) { i.Context.Explicit = "a bicycle" },
		"no such category": func(i *intent) { i.Constraints.AllowedCategories = []string{"bicycles"} },
		"no such price":    func(i *intent) { i.Constraints.MaxAmount, i.Constraints.Currency = acttest.CNY(t, "0.01"), cny },
		"one letter":       func(i *intent) { i.Context.Explicit = "a" },
	} {
		_, err := c.send(c.request(func(q *commerce.IntentRequest) { change(&q.Intent) }))
		if protocol.CodeOf(err) != protocol.CodeNoMatch {
			t.Errorf("CID-INT-XFR-05 %s: %v", name, err)
		}
	}
}

func TestIntentUpdates(t *testing.T) {
	c := openDesk(t, merchant.IntentConfig{}, nil)
	first := c.request(nil)
	_, err := c.send(first)
	must(t, err)
	tea := c.request(func(q *commerce.IntentRequest) {
		q.PreviousRequestID = first.RequestID
		q.Intent = commerce.Intent{Context: commerce.IntentContext{Explicit: "green tea"}}
	})
	a, err := c.send(tea)
	must(t, err)
	if got := ids(a); !slices.Equal(got, []string{"tea"}) {
		t.Fatalf("CID-INT-XFR-04: %v", got)
	}
	t.Run("CID-INT-XFR-04 only what changed is told", func(t *testing.T) {
		a, err := c.send(c.request(func(q *commerce.IntentRequest) {
			q.PreviousRequestID = first.RequestID // a branch: the coffee again
			q.Intent = commerce.Intent{Response: commerce.ResponseRequirements{MaxCandidates: 1}}
		}))
		must(t, err)
		if got := ids(a); !slices.Equal(got, []string{"espresso"}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("CID-INT-XFR-04 sent again it is answered again", func(t *testing.T) {
		for _, q := range []commerce.IntentRequest{first, tea} {
			_, err := c.send(q)
			must(t, err)
		}
	})
	for _, u := range []struct {
		name   string
		change func(*commerce.IntentRequest)
		code   protocol.Code
	}{
		{"of nothing known", func(q *commerce.IntentRequest) { q.PreviousRequestID = "never" }, protocol.CodeContextUnknown},
		{"a cycle: the first becomes an update of its own", func(q *commerce.IntentRequest) { q.RequestID, q.PreviousRequestID = first.RequestID, tea.RequestID }, protocol.CodeRequestConflict},
		{"an id that was used for another", func(q *commerce.IntentRequest) { q.RequestID = tea.RequestID }, protocol.CodeRequestConflict},
		{"of another intent", func(q *commerce.IntentRequest) { q.IntentID = "intent-2" }, protocol.CodeClaimsConflict},
		{"under another mandate", func(q *commerce.IntentRequest) { q.DelegationID = "mandate-2" }, protocol.CodeClaimsConflict},
		{"that drops what is not there", func(q *commerce.IntentRequest) { q.Removed = []commerce.IntentMember{commerce.MemberSort} }, protocol.CodeFieldInvalid},
		{"that conflicts with what was told", func(q *commerce.IntentRequest) {
			q.Intent.Constraints.DeliverBy = acttest.Start.Add(-time.Second)
		}, protocol.CodeConstraintConflict},
	} {
		t.Run("CID-INT-XFR-04 an update "+u.name, func(t *testing.T) {
			q := c.request(func(q *commerce.IntentRequest) {
				q.PreviousRequestID = first.RequestID
				q.Intent = commerce.Intent{Response: commerce.ResponseRequirements{MaxCandidates: 3}}
				u.change(q)
			})
			_, err := c.send(q)
			answered(t, err, u.code)
			// What was refused is not known afterwards.
			if u.code != protocol.CodeRequestConflict {
				_, err = c.send(c.request(func(next *commerce.IntentRequest) {
					next.PreviousRequestID = q.RequestID
					next.Intent = commerce.Intent{Response: commerce.ResponseRequirements{MaxCandidates: 1}}
				}))
				answered(t, err, protocol.CodeContextUnknown)
			}
		})
	}
	t.Run("CID-INT-XFR-04 an update of another agent's request", func(t *testing.T) {
		other := acttest.NewParty(t, "did:act:agents.test/other", keys.AgentRequest)
		c.Directory.Add(other)
		q := c.request(func(q *commerce.IntentRequest) {
			q.PreviousRequestID = first.RequestID
			q.Intent = commerce.Intent{Response: commerce.ResponseRequirements{MaxCandidates: 3}}
		})
		_, err := c.sendAs(other.Signer(keys.AgentRequest), q)
		answered(t, err, protocol.CodeContextUnknown)
		// Nor does it take the id away from the first.
		_, err = c.sendAs(other.Signer(keys.AgentRequest), c.request(func(q *commerce.IntentRequest) { q.RequestID = first.RequestID }))
		must(t, err)
		_, err = c.send(first)
		must(t, err)
	})
	t.Run("CID-INT-XFR-04 after its time", func(t *testing.T) {
		c.Clock.Advance(15 * time.Minute)
		_, err := c.send(c.request(func(q *commerce.IntentRequest) {
			q.PreviousRequestID = tea.RequestID
			q.Intent = commerce.Intent{Response: commerce.ResponseRequirements{MaxCandidates: 3}}
		}))
		answered(t, err, protocol.CodeContextUnknown)
	})
}

// TestThousandsOfUpdates: a chain has an end, and the shop's memory one that is
// much lower than what was sent.
func TestThousandsOfUpdates(t *testing.T) {
	store := merchant.NewMemoryIntentContexts(0, 0)
	c := openDesk(t, merchant.IntentConfig{PerAgent: 1 << 20, PerShop: 1 << 20, Contexts: store}, nil)
	previous := c.request(nil)
	_, err := c.send(previous)
	must(t, err)
	for n := range 2000 {
		q := c.request(func(q *commerce.IntentRequest) {
			q.PreviousRequestID = previous.RequestID
			q.Intent = commerce.Intent{Context: commerce.IntentContext{Background: []string{"background " + strconv.Itoa(n)}}}
		})
		_, err := c.send(q)
		if n < commerce.MaxIntentUpdates {
			must(t, err)
			previous = q
			continue
		}
		answered(t, err, protocol.CodeTooLarge)
		if f := protocol.AsError(err).Field; f != "previous_request_id" {
			t.Fatal(f)
		}
	}
	if n := store.Len(); n > merchant.DefaultContextsPerAgent {
		t.Errorf("CID-INT-XFR-05: %d contexts of one agent", n)
	}
}

func TestIntentFlood(t *testing.T) {
	t.Run("CID-INT-XFR-05 one agent", func(t *testing.T) {
		c := openDesk(t, merchant.IntentConfig{PerAgent: 20}, nil)
		var served, refused atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				switch _, err := c.send(c.request(nil)); {
				case err == nil:
					served.Add(1)
				case protocol.CodeOf(err) == protocol.CodeTooManyRequests:
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if served.Load() != 20 || refused.Load() != 80 {
			t.Errorf("%d served, %d refused", served.Load(), refused.Load())
		}
		raw, err := commerce.SignIntentRequest(c.Buyer.Signer(keys.AgentRequest), c.request(func(q *commerce.IntentRequest) {
			q.Nonce, q.Timestamp = canon.Nonce(), c.Clock.Now()
		}))
		must(t, err)
		rec := c.post(raw)
		if rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") != "3" {
			t.Fatalf("%d, Retry-After %q", rec.Code, rec.Header().Get("Retry-After"))
		}
		// The same bytes are good when the time has come: no nonce was used.
		c.Clock.Advance(3 * time.Second)
		if rec := c.post(raw); rec.Code != http.StatusOK {
			t.Errorf("%d after the pause: %s", rec.Code, rec.Body)
		}
		other := acttest.NewParty(t, "did:act:agents.test/other", keys.AgentRequest)
		c.Directory.Add(other)
		_, err = c.sendAs(other.Signer(keys.AgentRequest), c.request(nil))
		must(t, err)
	})
	t.Run("CID-INT-XFR-05 many agents together", func(t *testing.T) {
		c := openDesk(t, merchant.IntentConfig{PerShop: 10}, nil)
		served := 0
		for n := range 20 {
			p := acttest.NewParty(t, fmt.Sprint("did:act:agents.test/agent-", n), keys.AgentRequest)
			c.Directory.Add(p)
			if _, err := c.sendAs(p.Signer(keys.AgentRequest), c.request(nil)); err == nil {
				served++
			} else {
				answered(t, err, protocol.CodeTooManyRequests)
			}
		}
		if served != 10 {
			t.Errorf("%d served", served)
		}
	})
	t.Run("CID-INT-XFR-05 who is not let in costs nobody anything", func(t *testing.T) {
		denied := protocol.New(protocol.CodeAccessDenied, "", "CID-INT-XFR-05", "")
		c := openDesk(t, merchant.IntentConfig{Admit: func(_ context.Context, agent string) error {
			if agent != acttest.AgentDID {
				return denied
			}
			return nil
		}}, nil)
		other := acttest.NewParty(t, "did:act:agents.test/other", keys.AgentRequest)
		c.Directory.Add(other)
		_, err := c.sendAs(other.Signer(keys.AgentRequest), c.request(nil))
		answered(t, err, protocol.CodeAccessDenied)
		_, err = c.send(c.request(nil))
		must(t, err)
	})
}

// TestBadMatcher: what a matcher returns is judged before it is sent.
func TestBadMatcher(t *testing.T) {
	item := func(id, category, price string) commerce.Item {
		return commerce.Item{ID: id, Name: id, Category: category, Price: acttest.CNY(t, price)}
	}
	no := false
	sold, over := item("sold", "food", "1"), item("over", "food", "1")
	sold.Available, over.PriceValidUntil = &no, acttest.Start
	all := []commerce.Item{
		item("dear", "food", "21"), item("bomb", "weapons", "1"), item("nameless", "", "1"), sold, over,
		item("good", "food", "20"), item("good", "food", "19"), item("fine", "food/x", "1"), item("more", "food", "1"),
	}
	c := openDesk(t, merchant.IntentConfig{}, func(_ context.Context, q merchant.IntentQuery) ([]commerce.Item, error) {
		if q.Intent.Context.Explicit == "fail" {
			return nil, errors.New("a secret of the database")
		}
		q.Intent.Constraints.AllowedCategories[0] = "weapons" // a matcher's copy is its own
		return all, nil
	})
	q := c.request(func(q *commerce.IntentRequest) {
		q.Intent.Constraints = commerce.Constraints{
			MaxAmount: acttest.CNY(t, "20"), Currency: acttest.CNY(t, "20").Currency(), AllowedCategories: []string{"food"},
		}
		q.Intent.Response.MaxCandidates = 2
	})
	for range 2 {
		a, err := c.send(q)
		must(t, err)
		if got := ids(a); !slices.Equal(got, []string{"good", "fine"}) {
			t.Fatalf("CID-INT-XFR-03: %v", got)
		}
	}
	q = c.request(func(q *commerce.IntentRequest) { q.Intent.Context.Explicit = "fail" })
	q.Nonce, q.Timestamp = canon.Nonce(), c.Clock.Now()
	raw, err := commerce.SignIntentRequest(c.Buyer.Signer(keys.AgentRequest), q)
	must(t, err)
	if rec := c.post(raw); rec.Code != http.StatusServiceUnavailable || strings.Contains(rec.Body.String(), "secret") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// brokenContexts is a store that cannot tell.
type brokenContexts struct{ merchant.IntentContexts }

func (brokenContexts) Context(context.Context, string, string, time.Time) (merchant.IntentContext, error) {
	return merchant.IntentContext{}, errors.New("a secret of the database")
}

func TestIntentsFailClosed(t *testing.T) {
	t.Run("CID-INT-XFR-03 a store that cannot tell", func(t *testing.T) {
		c := openDesk(t, merchant.IntentConfig{Contexts: brokenContexts{}}, nil)
		_, err := c.send(c.request(nil))
		answered(t, err, protocol.CodeServiceUnavailable)
	})
	t.Run("CID-INT-XFR-01 the same bytes again", func(t *testing.T) {
		c := openDesk(t, merchant.IntentConfig{}, nil)
		raw, err := commerce.SignIntentRequest(c.Buyer.Signer(keys.AgentRequest), c.request(func(q *commerce.IntentRequest) {
			q.Nonce, q.Timestamp = canon.Nonce(), c.Clock.Now()
		}))
		must(t, err)
		if rec := c.post(raw); rec.Code != http.StatusOK {
			t.Fatal(rec.Code)
		}
		rec := c.post(raw)
		answered(t, problem.Decode(rec.Code, rec.Body.Bytes(), "", ""), protocol.CodeReplayed)
	})
	t.Run("CID-MER-CAT-01 a shop without a catalogue", func(t *testing.T) {
		c := openDesk(t, merchant.IntentConfig{}, nil)
		shop := acttest.NewWorldWith(t, acttest.Options{Merchant: func(conf *merchant.Config) {
			conf.Catalogue, conf.Verifier, conf.Now = nil, c.NewVerifier(t), c.Clock.Now
		}}).Shop
		c.handler = shop.IntentHandler(nil)
		_, err := c.send(c.request(nil))
		answered(t, err, protocol.CodeOrderUnknown)
	})
}

func TestIntentHandlerForm(t *testing.T) {
	c := openDesk(t, merchant.IntentConfig{}, nil)
	get := httptest.NewRecorder()
	c.handler.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/intents", nil))
	if get.Code != http.StatusMethodNotAllowed || get.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d", get.Code)
	}
	for name, body := range map[string]struct {
		raw    string
		status int
	}{
		"CID-INT-XFR-05 nothing":       {"", http.StatusBadRequest},
		"CID-INT-XFR-05 not JSON":      {"<xml>", http.StatusBadRequest},
		"CID-INT-XFR-05 not a message": {"{}", http.StatusBadRequest},
		"CID-INT-XFR-05 too long":      {strings.Repeat(" ", 1<<16+1), http.StatusRequestEntityTooLarge},
	} {
		if rec := c.post([]byte(body.raw)); rec.Code != body.status {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// answered expects an error's code.
func answered(t testing.TB, err error, code protocol.Code) {
	t.Helper()
	if got := protocol.CodeOf(err); got != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// TestContextsThatGrow: agents who fill their contexts to the brim, by updates of
// as much as a message holds, do not take more room than others.
func TestContextsThatGrow(t *testing.T) {
	m := merchant.NewMemoryIntentContexts(1024, 0)
	text := func(n int) string { return strings.Repeat("\U0001f375", 250) + strconv.Itoa(n) }
	var list []string
	for n := range commerce.MaxIntentEntries {
		list = append(list, text(n))
	}
	full := commerce.Intent{
		Context:     commerce.IntentContext{Explicit: text(0), Implicit: list, Preferences: list, Background: list},
		Constraints: commerce.Constraints{AllowedCategories: list, ForbiddenCategories: list},
	}
	keep := func(agent int, i commerce.Intent) merchant.IntentContext {
		c := merchant.IntentContext{
			Agent: "did:act:a.test/" + strconv.Itoa(agent), RequestID: "r", Content: canon.Sum([]byte("c")), IntentID: "i",
			Intent: i, KeepUntil: acttest.Start.Add(time.Minute),
		}
		must(t, m.Keep(context.Background(), c, acttest.Start))
		return c
	}
	for n := range 1024 {
		keep(n, full)
	}
	if n := m.Len(); n > 64 {
		t.Errorf("CID-INT-XFR-04: %d contexts of 80 KiB are kept, %d MiB", n, n*80>>10)
	}
	last := keep(1023, full)
	if _, err := m.Context(context.Background(), last.Agent, "r", acttest.Start); err != nil {
		t.Errorf("the newest: %v", err)
	}
	for n := range 2048 {
		keep(5000+n, commerce.Intent{Context: commerce.IntentContext{Explicit: "tea"}})
	}
	if n := m.Len(); n != 1024 {
		t.Errorf("%d small contexts are kept, and there is room for 1024", n)
	}
}
