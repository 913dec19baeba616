// A principal at the pages of the reference processor, for the conformance
// suite. It pairs a device at the desk and confirms one payment with it, or
// enrols a passkey and accepts one binding with it.
//
//	device -desk https://localhost:8443 -roots ca.pem -principal DID -cashier-url URL
//	device -desk https://localhost:8443 -roots ca.pem -principal DID -binding-url URL
//
// With -refused, a confirmation that the cashier refuses is what is wanted.
package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	desk := flag.String("desk", "", "URL of the processor")
	roots := flag.String("roots", "", "certificates that are trusted, PEM")
	principal := flag.String("principal", "", "DID of who confirms")
	url := flag.String("cashier-url", "", "where the payment waits")
	binding := flag.String("binding-url", "", "where a binding waits")
	refused := flag.Bool("refused", false, "a refusal of the cashier is no fault")
	flag.Parse()
	if (*url == "") == (*binding == "") {
		return errors.New("either -cashier-url or -binding-url")
	}
	pem, err := os.ReadFile(*roots)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return errors.New("-roots holds no certificate")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	o := operator{client, *desk}
	if *binding != "" {
		err = accept(ctx, o, *principal, *binding)
	} else {
		err = confirm(ctx, o, *principal, *url, *refused)
	}
	if err == nil {
		fmt.Println("{}")
	}
	return err
}

// confirm confirms the payment that waits at an address.
func confirm(ctx context.Context, o operator, principal, url string, refused bool) error {
	d, err := pair(ctx, o, principal)
	if err != nil {
		return err
	}
	if _, err := d.Decide(ctx, url, func(cashier.View) bool { return true }); err != nil && !refused {
		return err
	}
	return nil
}

// An operator is who sits at the desk.
type operator struct {
	client *http.Client
	desk   string
}

// post does something at the desk, and reads the answer into out.
func (o operator) post(ctx context.Context, path string, form, out any) error {
	body, err := canon.Marshal(form)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.desk+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv("ACT_OPERATOR_TOKEN"))
	resp, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, canon.DefaultMaxBytes))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", path, resp.StatusCode)
	}
	return canon.DecodeOpen(bytes.TrimSpace(answer), out)
}

// pair makes a device with a fresh key and has the operator pair it.
func pair(ctx context.Context, o operator, principal string) (*cashier.Device, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	key, err := keys.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	var paired struct {
		ID      string `json:"device_id"`
		Cashier string `json:"cashier"`
	}
	if err := o.post(ctx, "/admin/devices", map[string]any{"principal": principal, "key": key}, &paired); err != nil {
		return nil, err
	}
	return &cashier.Device{ID: paired.ID, Key: private, Cashier: paired.Cashier, Client: o.client}, nil
}
