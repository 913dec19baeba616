package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/actprotocol/act-go/examples/internal/softkey"
)

// accept enrols a passkey for a principal, by a one-time link that the operator
// makes, and accepts with it the binding that waits at an address, as it was
// asked for.
func accept(ctx context.Context, o operator, principal, binding string) error {
	var made struct {
		URL string `json:"enrolment_url"`
	}
	if err := o.post(ctx, "/admin/enrolments", map[string]string{"principal": principal}, &made); err != nil {
		return err
	}
	page, err := url.Parse(binding)
	if err != nil {
		return err
	}
	key, err := softkey.New("https://" + page.Host)
	if err != nil {
		return err
	}
	b := browser{*o.client}
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if err := b.use(ctx, key, made.URL, made.URL); err != nil {
		return fmt.Errorf("enrolling: %w", err)
	}
	if err := b.use(ctx, key, binding, binding+"/passkey"); err != nil {
		return fmt.Errorf("accepting: %w", err)
	}
	return nil
}

// A browser is the principal's.
type browser struct{ client http.Client }

// use opens a page that asks for a passkey, and sends its form.
func (b *browser) use(ctx context.Context, key *softkey.Key, page, action string) error {
	status, text, err := b.open(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("the page has the status %d", status)
	}
	form, err := key.Answer(text)
	if err != nil {
		return err
	}
	status, _, err = b.open(ctx, http.MethodPost, action, form)
	if err != nil {
		return err
	}
	if status != http.StatusSeeOther { // where the page says what came of it
		return fmt.Errorf("the form was answered with the status %d", status)
	}
	return nil
}

// maxPage is more than any page has.
const maxPage = 1 << 20

func (b *browser) open(ctx context.Context, method, address string, form url.Values) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	return resp.StatusCode, string(text), err
}
