package acttools

import (
	"context"
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// FetchInput are the arguments of fetch_paid_resource.
type FetchInput struct {
	URL string `json:"url" jsonschema:"an https address of one of the shops"`
}

// FetchOutput is the result of fetch_paid_resource.
type FetchOutput struct {
	Status    int          `json:"status" jsonschema:"of HTTP; only 200 is a delivery"`
	Type      string       `json:"content_type"`
	Body      Quoted       `json:"body"`
	Base64    string       `json:"body_base64,omitzero" jsonschema:"in place of body, when it is not text"`
	Digest    canon.Digest `json:"digest" jsonschema:"of the bytes as they came"`
	Truncated bool         `json:"truncated,omitzero" jsonschema:"there was more than can be shown"`
	Paid      []Paid       `json:"paid" jsonschema:"none when it cost nothing, or had been paid before"`
}

func (t *Tools) addFetch(s *mcp.Server) error {
	return add(t, s, mcp.Tool{
		Name: "fetch_paid_resource", Title: "Fetch paid resource",
		Description: "Fetches a page of a shop and pays for it when the shop asks for money, inside the mandate.",
	}, t.fetch)
}

func (t *Tools) fetch(ctx context.Context, in FetchInput) (out FetchOutput, err error) {
	address, err := t.address(in.URL)
	if err != nil {
		return out, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return out, protocol.Wrap(protocol.CodeFieldInvalid, "url", "PSD-PAY-A402-05", "an address", err)
	}
	out.Paid, err = t.watched(ctx, func() error {
		response, err := t.paying.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		return t.read(&out, response)
	})
	return out, err
}

// address judges where a model wants to go: to the shops and nowhere else, least
// of all to what only this machine can reach.
func (t *Tools) address(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", protocol.New(protocol.CodeFieldInvalid, "url", "PSD-PAY-A402-05", "an https address without user")
	}
	for _, s := range t.shops {
		if s.origin == originOf(u) {
			u.Fragment, u.RawFragment = "", ""
			return u.String(), nil
		}
	}
	return "", protocol.New(protocol.CodeMerchantNotAllowed, "url", "PSD-PAY-A402-05", "not an address of one of the shops")
}

func (t *Tools) read(out *FetchOutput, response *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, t.config.MaxAnswer+1))
	if err != nil {
		return protocol.Wrap(protocol.CodeServiceUnavailable, "url", "PSD-PAY-A402-23", "the answer broke off", err)
	}
	if int64(len(body)) > t.config.MaxAnswer {
		body, out.Truncated = body[:t.config.MaxAnswer], true
	}
	out.Status, out.Digest = response.StatusCode, canon.Sum(body)
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		media = "application/octet-stream"
	}
	out.Type = media
	if textual(media) && (out.Truncated || utf8.Valid(body)) {
		out.Body = quote(string(body))
	} else {
		out.Base64 = base64.StdEncoding.EncodeToString(body)
	}
	return nil
}

// textual reports whether a media type is text.
func textual(media string) bool {
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") ||
		media == "application/json" || media == "application/xml"
}
