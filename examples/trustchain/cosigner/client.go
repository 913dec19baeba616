package cosigner

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/trustlog"
)

// A Client asks one witness. It implements chain.Witness.
type Client struct {
	identity trustlog.Witness
	url      string
	http     http.Client
}

// NewClient makes a client of a witness. The URL is its submission prefix; the
// timeout is that of the caller's context, and redirects are not followed.
func NewClient(identity trustlog.Witness, url string, c *http.Client) *Client {
	return &Client{identity: identity, url: strings.TrimSuffix(url, "/"), http: http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Identity implements chain.Witness.
func (c *Client) Identity() trustlog.Witness { return c.identity }

// Cosign implements chain.Witness. What it returns is not verified.
func (c *Client) Cosign(ctx context.Context, old int64, proof tlog.TreeProof, signed []byte) ([]byte, error) {
	body := request{old: old, proof: proof, checkpoint: signed}.text()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+Path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, trustlog.MaxCheckpoint))
	if err != nil {
		return nil, err
	}
	switch response.StatusCode {
	case http.StatusOK:
		return answer, nil
	case http.StatusConflict:
		size, err := parseSize(strings.TrimSuffix(string(answer), "\n"))
		if err != nil || size == old {
			return nil, errAnswer // the same size: another root, which no proof mends
		}
		return nil, &chain.Behind{Size: size}
	}
	return nil, errAnswer
}
