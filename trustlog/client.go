package trustlog

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
)

// Config is what a Client needs. Trust, Store and HTTP are required.
type Config struct {
	Trust Trust
	// URL is where the chain is served, without a slash at its end; the
	// channel's name follows. Empty means https:// and the chain's name.
	URL string
	// Store remembers the last checkpoints: a [FileStore], or a store of yours.
	Store Store
	// HTTP carries the requests. Its Timeout is not used, nor its Jar.
	HTTP *http.Client
	// Readers has the bearer token for each channel in which anchors are looked
	// up. Submitting and checking need none.
	Readers map[string]string

	Timeout time.Duration // of one call of a method, all its requests; 20 seconds

	// InsecureAllowHTTP allows a URL without TLS. Proofs hold all the same; who
	// listens learns the reader's token and the anchors.
	InsecureAllowHTTP bool
}

// A Client talks to one chain. It is safe for concurrent use, and implements
// verifier.AnchorSource.
type Client struct {
	config Config
	http   http.Client
	tiles  tileCache

	mu     sync.Mutex
	turns  map[string]chan struct{} // one at a time compares checkpoints of a log
	passed map[passedKey]bool       // smaller trees that are prefixes of what was seen
}

type passedKey struct {
	origin string
	size   int64
	root   tlog.Hash
}

const (
	defaultTimeout = 20 * time.Second
	maxPassed      = 4096
	speaker        = "the trust chain"
)

// New checks the configuration and returns a Client. It does not connect.
func New(c Config) (*Client, error) {
	if err := c.Trust.Check(); err != nil {
		return nil, protocol.In(err, "trust")
	}
	if c.URL == "" {
		c.URL = "https://" + c.Trust.Chain
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(c.URL, "/") ||
		u.Scheme != "https" && !(u.Scheme == "http" && c.InsecureAllowHTTP) {
		return nil, protocol.New(protocol.CodeFieldInvalid, "url", "", "an https URL without query and final slash")
	}
	if c.Store == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "store", "", "")
	}
	if c.HTTP == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "http", "", "")
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	return &Client{
		config: c,
		http: http.Client{
			Transport:     c.HTTP.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		turns: make(map[string]chan struct{}), passed: make(map[passedKey]bool),
	}, nil
}

// A call is one request and the answers that it may have.
type call struct {
	method, channel, path string
	body                  []byte
	token                 string // bearer
	max                   int64  // bytes of an answer
	accept                []int  // status codes beside 200 whose body is the answer
}

// exchange sends a request to the chain and nowhere else, and returns the body
// of an answer with an accepted status. Everything else is an error: what the
// server said when it is a refusal in the form of SPEC.md 6.1, undetermined
// when there was no answer or one that means nothing here.
func (c *Client) exchange(ctx context.Context, m call) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, m.method, c.config.URL+"/"+m.channel+m.path, bytes.NewReader(m.body))
	if err != nil {
		return 0, nil, protocol.Wrap(protocol.CodeFieldInvalid, "url", "", "", err)
	}
	request.Header.Set("User-Agent", "act-go")
	request.Header.Set("Accept-Encoding", "identity") // what is small needs no compression, and cannot then explode
	if m.body != nil {
		request.Header.Set("Content-Type", "application/jose")
	}
	if m.token != "" {
		request.Header.Set("Authorization", "Bearer "+m.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, silent("the trust chain did not answer", err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, m.max+1))
	if err != nil || int64(len(body)) > m.max {
		return 0, nil, silent("the answer was cut off or too large", err)
	}
	if response.StatusCode == http.StatusOK {
		return response.StatusCode, body, nil
	}
	for _, s := range m.accept {
		if response.StatusCode == s {
			return s, body, nil
		}
	}
	return response.StatusCode, nil, problem.Decode(response.StatusCode, body, speaker, "/"+m.channel)
}

// silent is the error for a chain that said nothing that can be used.
func silent(detail string, cause error) error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "chain", "TSD-ATT-SVF-03", detail, cause)
}

// unproved is the error for an answer that does not hold. It is undetermined:
// who answered so may be anybody, and says nothing of the record.
func unproved(err error) error {
	return silent("an answer that is not proved to be the chain's", err)
}
