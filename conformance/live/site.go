package live

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A world is one run: the scenario, the site of the parties that the suite
// plays, and a client that trusts what the scenario says.
type world struct {
	scenario *Scenario
	client   *http.Client
	server   *http.Server
	run      string // in the names of fresh parties and keys

	mu      sync.Mutex
	pages   map[string]http.Handler // by path
	parties map[string]*party
	next    int
	once    map[string]*sync.Once // see [probe.first]
	cache   map[string]any
}

// open begins to serve the site.
func open(s *Scenario) (*world, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	w := &world{
		scenario: s, run: strings.ToLower(strings.NewReplacer("-", "x", "_", "y").Replace(canon.Nonce()))[:6],
		pages: map[string]http.Handler{}, parties: map[string]*party{}, once: map[string]*sync.Once{}, cache: map[string]any{},
	}
	roots, err := w.roots()
	if err != nil {
		return nil, err
	}
	config := s.Site.TLS
	if config == nil {
		pair, err := tls.LoadX509KeyPair(s.Site.Cert, s.Site.Key)
		if err != nil {
			return nil, err
		}
		config = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	w.client = &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 32,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	listener, err := net.Listen("tcp", s.Site.Listen)
	if err != nil {
		return nil, err
	}
	w.server = &http.Server{Handler: w, TLSConfig: config.Clone(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = w.server.ServeTLS(listener, "", "") }() // ends with close
	return w, nil
}

func (w *world) close() {
	_ = w.server.Close() // nothing is left that could be lost
	w.client.CloseIdleConnections()
}

func (w *world) roots() (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if w.scenario.Site.Roots != nil {
		pool = w.scenario.Site.Roots.Clone()
	}
	for _, name := range w.scenario.Roots {
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", name)
		}
	}
	return pool, nil
}

// ServeHTTP serves the pages of the site.
func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	page := w.pages[r.URL.Path]
	w.mu.Unlock()
	if page == nil {
		http.NotFound(out, r)
		return
	}
	page.ServeHTTP(out, r)
}

func (w *world) serve(path string, h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[path] = h
}

// url is the address of a path of the site.
func (w *world) url(path string) string { return "https://" + w.scenario.Site.Host + path }

// number counts, for names that nobody had before.
func (w *world) number() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	return w.next
}

// first does something once in a run, and returns what came of it. One that ends
// its check is not done again.
func first[T any](w *world, name string, do func() T) (T, bool) {
	w.mu.Lock()
	once := w.once[name]
	if once == nil {
		once = new(sync.Once)
		w.once[name] = once
	}
	w.mu.Unlock()
	once.Do(func() {
		v := do()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cache[name] = v
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.cache[name].(T)
	return v, ok
}

// A party is somebody whom the suite plays.
type party struct {
	did      string
	id       identity.DID
	signers  map[keys.Purpose]*keys.Signer
	document identity.Document
}

func (p *party) signer(purpose keys.Purpose) *keys.Signer { return p.signers[purpose] }

// party returns a party of the site by its name, with a key for each purpose;
// the same one each time.
func (p *probe) party(name string, purposes ...keys.Purpose) *party {
	w := p.world
	w.mu.Lock()
	x := w.parties[name]
	w.mu.Unlock()
	if x != nil {
		return x
	}
	x, err := w.newParty(name, purposes)
	p.fault("making keys", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if y := w.parties[name]; y != nil {
		return y
	}
	w.parties[name] = x
	return x
}

// fresh returns a party that nobody has met.
func (p *probe) fresh(name string, purposes ...keys.Purpose) *party {
	x := p.party(fmt.Sprintf("%s-%s-%d", name, p.run, p.number()), purposes...)
	p.publish(x)
	return x
}

// publish serves the document of a party, as it is now.
func (p *probe) publish(x *party) {
	data, err := x.document.Encode()
	p.fault("a document of the suite's", err)
	at, err := x.id.DocumentURL()
	p.fault("a document of the suite's", err)
	p.serve(strings.TrimPrefix(at, p.url("")), http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "application/did+json")
		_, _ = out.Write(data)
	}))
}

// known returns a party of a name that never changes, for what was prepared by
// hand.
func (p *probe) known(name string, purposes ...keys.Purpose) *party {
	x := p.party(name, purposes...)
	p.publish(x)
	return x
}

func (w *world) newParty(name string, purposes []keys.Purpose) (*party, error) {
	did, err := identity.NewActDID(w.scenario.Site.Host, name)
	if err != nil {
		return nil, err
	}
	x := &party{did: did.String(), id: did, signers: map[keys.Purpose]*keys.Signer{}, document: identity.Document{ID: did}}
	for _, purpose := range purposes {
		s, err := w.signer(did, name, purpose)
		if err != nil {
			return nil, err
		}
		x.signers[purpose] = s
		x.document.Keys = append(x.document.Keys, identity.Key{ID: s.KeyID(), Purpose: purpose, Public: s.Public()})
	}
	return x, nil
}

// signer makes a key: from the seed when the scenario has one, or a fresh one
// under an id of its own, so that no copy of an older document hides it.
func (w *world) signer(did identity.DID, name string, purpose keys.Purpose) (*keys.Signer, error) {
	if seed := w.scenario.Site.Seed; seed != "" {
		sum := sha256.Sum256([]byte("act-conformance live " + seed + "\n" + name + "\n" + string(purpose)))
		return keys.NewSigner(did.String()+"#"+string(purpose), purpose, ed25519.NewKeyFromSeed(sum[:]))
	}
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	return keys.NewSigner(did.String()+"#"+string(purpose)+"-"+w.run, purpose, private)
}

// A list is a status list of the suite's issuer.
type list struct {
	uri    string
	signer *keys.Signer

	mu      sync.Mutex
	states  map[int]delegation.Status
	down    bool
	asked   int
	forge   func(iat time.Time) ([]byte, error) // what is served in place of the list; nil for the list
	backway time.Duration                       // how much earlier iat is than now
}

// listLife is how long others may use a list of the suite's, so that checks need
// not wait.
const listLife = time.Second

// newList serves a new status list, on which everything is Active.
func (p *probe) newList(issuer *party) *list {
	path := fmt.Sprintf("/status/%s-%d", p.run, p.number())
	l := &list{uri: p.url(path), signer: issuer.signer(keys.Status), states: map[int]delegation.Status{}}
	p.serve(path, l)
	return l
}

func (l *list) set(index int, s delegation.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states[index] = s
}

func (l *list) setDown(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

// ServeHTTP serves the list, signed now.
func (l *list) ServeHTTP(out http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	token, err := l.token(time.Now())
	if l.down || err != nil {
		http.Error(out, "", http.StatusServiceUnavailable)
		return
	}
	out.Header().Set("Content-Type", "application/statuslist+jwt")
	_, _ = out.Write(token)
}

func (l *list) token(now time.Time) ([]byte, error) {
	iat := now.Add(-l.backway).Truncate(time.Second)
	if l.forge != nil {
		return l.forge(iat)
	}
	s := delegation.NewStatusList(1024)
	for i, x := range l.states {
		if err := s.Set(i, x); err != nil {
			return nil, err
		}
	}
	return delegation.SignStatusList(l.signer, l.uri, s, iat, iat.Add(10*time.Minute), listLife)
}

// document is the DID document of somebody who is not the suite.
func (w *world) document(ctx context.Context, id string) (*identity.Document, error) {
	did, err := identity.ParseDID(id)
	if err != nil {
		return nil, err
	}
	at, err := did.DocumentURL()
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, canon.DefaultMaxBytes+1))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New("the document of " + id + " is not to be had")
	}
	return identity.DecodeDocument(data, did)
}
