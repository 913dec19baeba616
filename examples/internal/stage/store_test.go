package stage_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// A street is a world with one person, who has given an agent a mandate over 20
// yuan, and one store with pens for 12.50.
type street struct {
	*stage.World
	person *stage.Person
	buyer  *stage.Buyer
	store  *stage.Store
	shop   *agent.Shop
	out    bytes.Buffer
}

func openStreet(t *testing.T) *street {
	t.Helper()
	s := new(street)
	ctx := t.Context()
	w, err := stage.New(ctx, &stage.Narrator{Out: &s.out})
	s.World = w
	t.Cleanup(func() {
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	s.person, err = w.NewPerson(ctx, "principal", stage.Yuan("100.00"))
	must(err)
	key, err := w.NewAgentKey("agent")
	must(err)
	s.buyer, err = w.NewBuyer(ctx, "agent", key, s.person, nil)
	must(err)
	s.store, err = w.NewStore(ctx, "pens", nil)
	must(err)
	must(s.store.Stock(ctx, commerce.Item{ID: "pen", Name: "Pen", Category: "office", Price: stage.Yuan("12.50"), Delivery: time.Hour}, 3))
	confirmed, err := s.person.Confirm(s.buyer, "A pen.", func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, "20"
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{s.store.ID}}}
	})
	must(err)
	_, err = s.person.Grant(ctx, s.buyer, confirmed)
	must(err)
	s.shop, err = s.buyer.Shop(s.store)
	must(err)
	return s
}

// TestStore: a store answers intents and negotiates in either way without being
// told to, and a scenario can put its own handlers before these.
func TestStore(t *testing.T) {
	s := openStreet(t)
	ctx := t.Context()
	found, err := s.shop.Ask(ctx, agent.Need{Explicit: "a pen"})
	if err != nil || len(found.Candidates) != 1 || found.Candidates[0].ID != "pen" {
		t.Fatalf("asked for a pen: %v, %v", found, err)
	}
	for _, mode := range []commerce.Mode{commerce.OneWay, commerce.TwoWay} {
		if err := s.store.Declare(mode); err != nil {
			t.Fatal(err)
		}
		agreed, err := s.shop.Negotiate(ctx, stage.Yuan("12.50"))
		if err != nil || agreed.MethodID != stage.Method || agreed.PSPID != s.Processor.ID().String() {
			t.Errorf("%s: %+v, %v", mode, agreed, err)
		}
		asked := s.buyer.Wire.Last("negotiations") != nil
		if asked != (mode == commerce.TwoWay) {
			t.Errorf("%s: the agent has asked: %v", mode, asked)
		}
	}
	s.store.Site.Mux.Handle("POST /intents", s.store.Shop.IntentHandler(func(context.Context, merchant.IntentQuery) ([]commerce.Item, error) {
		return nil, nil
	}))
	if _, err := s.shop.Ask(ctx, agent.Need{Explicit: "a pen"}); protocol.CodeOf(err) != protocol.CodeNoMatch {
		t.Errorf("the scenario's own handler does not answer: %v", err)
	}
	if _, err := s.shop.Catalogue(ctx); err != nil {
		t.Errorf("the other handlers are gone: %v", err)
	}
}

// TestUnmoved: money that moves where none should is noticed, and what fails is
// not hidden by it.
func TestUnmoved(t *testing.T) {
	s := openStreet(t)
	ctx := t.Context()
	s.store.Sell("GET /page", merchant.Offer{Resource: "page", Category: "office", Price: stage.Yuan("1.00")},
		func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "page") })
	if err := s.Unmoved(ctx, func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
	wrong := errors.New("wrong")
	if err := s.Unmoved(ctx, func(context.Context) error { return wrong }); !errors.Is(err, wrong) {
		t.Error(err)
	}
	err := s.Unmoved(ctx, func(ctx context.Context) error { _, err := s.buyer.Get(ctx, s.store.Base+"/page"); return err })
	if err == nil || err.Error() != "money has moved" {
		t.Error(err)
	}
	if left, err := s.person.Balance(ctx); err != nil || left != stage.Yuan("99.00") {
		t.Errorf("%s, %v", left, err)
	}
	if name := s.NameOf(s.store.ID) + " " + s.NameOf(s.person.ID()) + " " + s.NameOf("external") + " " + s.NameOf("x"); name != "pens principal outside world x" {
		t.Error(name)
	}
}

// TestNarrator: what several parties say at once stays apart, line by line, and
// what the reader has seen before is told when verbose only.
func TestNarrator(t *testing.T) {
	var out bytes.Buffer
	n := &stage.Narrator{Out: &out}
	long := strings.Repeat("word ", 40)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { n.Says("agent", "shop", "%s", long) })
	}
	wg.Wait()
	block := strings.SplitAfter(out.String(), "\n")[:3]
	if want := strings.Repeat(strings.Join(block, ""), 8); out.String() != want {
		t.Errorf("the sentences are mixed:\n%s", out.String())
	}
	for _, verbose := range []bool{false, true} {
		out.Reset()
		n.Verbose = verbose
		err := n.Untold(func() error { n.Line("again"); n.Chapter("again"); return errors.New("failed") })
		if err == nil || strings.Contains(out.String(), "again") != verbose {
			t.Errorf("verbose %v: %q, %v", verbose, out.String(), err)
		}
		n.Line("afterwards")
		if !strings.Contains(out.String(), "afterwards") {
			t.Error("nothing is told afterwards")
		}
	}
}

// TestWiretap: it finds what was sent, also inside of base64, and by whom it was
// received; and the two failures of a network differ in what has happened.
func TestWiretap(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.URL.Path) }))
	t.Cleanup(server.Close)
	w := &stage.Wiretap{Story: &stage.Narrator{Out: io.Discard}}
	client := &http.Client{Transport: w.Over(http.DefaultTransport)}
	post := func(path, body string) error {
		response, err := client.Post(server.URL+path, "text/plain", strings.NewReader(body))
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	inner := base64.RawURLEncoding.EncodeToString([]byte("a secret address"))
	if err := post("/a", "x."+base64.RawURLEncoding.EncodeToString([]byte(`{"y":"`+inner+`"}`))+".z"); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(server.URL, "http://")
	if secret := []byte("secret"); !w.Told(host, secret) || !w.Told("", secret) || w.Told("other.example", secret) || w.Told("", []byte("unsaid")) {
		t.Error("what was told to whom is not found")
	}
	w.Cut("b", stage.LoseRequest)
	w.Cut("c", stage.LoseAnswer)
	if post("/b", "") == nil || post("/c", "") == nil {
		t.Error("nothing was lost")
	}
	if err := post("/b", ""); err != nil {
		t.Error("lost twice")
	}
	if want := []string{"/a", "/c", "/b"}; !slices.Equal(got, want) {
		t.Errorf("arrived: %v, want %v", got, want)
	}
	if n, size := w.Volume(); n != 3 || size == 0 {
		t.Errorf("%d requests of %d bytes were kept", n, size)
	}
}
