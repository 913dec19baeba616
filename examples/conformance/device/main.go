// A principal at the cashier of the reference processor, for the conformance
// suite: it pairs a device at the desk and confirms one payment with it.
//
//	device -desk https://localhost:8443 -roots ca.pem -principal DID -cashier-url URL
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
	refused := flag.Bool("refused", false, "a refusal of the cashier is no fault")
	flag.Parse()
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
	d, err := pair(ctx, client, *desk, *principal)
	if err != nil {
		return err
	}
	if _, err := d.Decide(ctx, *url, func(cashier.View) bool { return true }); err != nil && !*refused {
		return err
	}
	fmt.Println("{}")
	return nil
}

// pair makes a device with a fresh key and has the operator pair it.
func pair(ctx context.Context, client *http.Client, desk, principal string) (*cashier.Device, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	key, err := keys.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	form, err := canon.Marshal(map[string]any{"principal": principal, "key": key})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, desk+"/admin/devices", bytes.NewReader(form))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv("ACT_OPERATOR_TOKEN"))
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, canon.DefaultMaxBytes))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("pairing: status %d", resp.StatusCode)
	}
	var paired struct {
		ID      string `json:"device_id"`
		Cashier string `json:"cashier"`
	}
	if err := canon.DecodeOpen(bytes.TrimSpace(answer), &paired); err != nil {
		return nil, err
	}
	return &cashier.Device{ID: paired.ID, Key: private, Cashier: paired.Cashier, Client: client}, nil
}
