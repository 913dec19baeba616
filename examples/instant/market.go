package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A market knows the shops and carries all messages between them and the
// agents, who see one address only. It reads whatever it carries.
type market struct {
	site  *stage.Site
	party *stage.Party
	wire  *stage.Wiretap    // what it passes on
	out   http.RoundTripper // to the shops

	mu      sync.Mutex
	shops   []listing
	answers [][]byte // of the shops, as it has read them
	swap    []byte   // put in place of the next sealed message
}

// A listing is what the marketplace says of a shop.
type listing struct {
	Name     string `json:"name"`
	Merchant string `json:"merchant_id"`
	Base     string `json:"base"`
	Item     string `json:"item"`
	Category string `json:"category"`
}

type directory struct {
	Shops []listing `json:"shops"`
}

// openMarket opens a marketplace. It has keys of an agent and of a reader like
// anybody else.
func (e *evening) openMarket() (err error) {
	m := &market{wire: &stage.Wiretap{Story: &stage.Narrator{Out: io.Discard}}}
	if m.site, err = e.NewSite(); err != nil {
		return err
	}
	if m.party, err = m.site.Party("market", keys.AgentRequest, keys.Encryption); err != nil {
		return err
	}
	m.out = e.NewClient(m.wire).Transport
	m.site.Mux.HandleFunc("GET /shops", m.show)
	e.market = m
	return nil
}

// list gives a shop an address at the marketplace.
func (m *market) list(s *shop, item commerce.Item) error {
	target, err := url.Parse(s.Site.URL())
	if err != nil {
		return err
	}
	s.Base = m.site.URL() + "/" + s.Name
	m.mu.Lock()
	m.shops = append(m.shops, listing{Name: s.Name, Merchant: s.ID, Base: s.Base, Item: item.ID, Category: item.Category})
	m.mu.Unlock()
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: m.out, ModifyResponse: m.read,
	}
	m.site.Mux.Handle("/"+s.Name+"/", proxy)
	m.site.Mux.HandleFunc("POST /"+s.Name+"/addresses", func(rw http.ResponseWriter, r *http.Request) {
		m.meddle(r)
		proxy.ServeHTTP(rw, r)
	})
	return nil
}

// read keeps what a shop answers.
func (m *market) read(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers = append(m.answers, body)
	return err
}

// hasRead reports whether the shops have told it this.
func (m *market) hasRead(secret string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.answers, func(a []byte) bool { return stage.Holds(a, []byte(secret)) })
}

func (m *market) show(rw http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, err := canon.Marshal(directory{m.shops})
	if err != nil {
		http.Error(rw, "no directory", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(text)
}

// replaceNext makes the marketplace pass on this in place of the next sealed
// message.
func (m *market) replaceNext(message []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.swap = message
}

func (m *market) meddle(r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.swap == nil {
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(m.swap)), int64(len(m.swap))
	m.swap = nil
}
