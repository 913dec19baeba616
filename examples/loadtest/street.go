package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/actprotocol/act-go/examples/internal/localtls"
	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// method is how everybody pays.
const method = "urn:act:payment:example-wallet"

// A street is everybody but the processor, whom it starts: a bank that issues
// mandates, agents with their principals, merchants, and one site that serves
// the documents of all of them and the bank's list of states.
type street struct {
	host      string // of all identifiers
	server    *http.Server
	roots     *x509.CertPool     // of the site and of the processor
	cluster   *pgcluster.Cluster // nil when the store is SQLite
	processor *processor         // the first of
	all       []*processor
	bank      *issuer.Issuer
	buyers    []*buyer
	shops     []*shop
}

// A buyer is an agent, its principal, and what it holds: one mandate, for one
// merchant, and one payment token.
type buyer struct {
	signer             *keys.Signer
	principal          identity.DID
	shop               *shop
	mandate, mandateID string
	intentID, token    string
}

// A shop is a merchant.
type shop struct{ signer *keys.Signer }

// openStreet starts site and processor, and makes everybody known to the desk.
func openStreet(ctx context.Context, o options, folder string, progress io.Writer) (*street, error) {
	s := new(street)
	if err := s.open(ctx, o, folder, progress); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *street) open(ctx context.Context, o options, folder string, progress io.Writer) error {
	ca, err := localtls.NewCA()
	if err != nil {
		return err
	}
	config, err := ca.ServerConfig()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.host = "localhost:" + port(listener)
	mux := http.NewServeMux()
	s.server = &http.Server{Handler: mux, TLSConfig: config, ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = s.server.ServeTLS(listener, "", "") }()

	roots := filepath.Join(folder, "roots.pem")
	if err := os.WriteFile(roots, ca.CertificatePEM(), 0o600); err != nil {
		return err
	}
	s.roots = ca.Pool()
	if err := s.process(ctx, o, folder, roots, progress); err != nil {
		return err
	}
	if err := s.processor.trust(s.roots); err != nil {
		return err
	}
	if err := s.people(o); err != nil {
		return err
	}
	if err := s.publish(mux); err != nil {
		return err
	}
	if err := s.introduce(ctx); err != nil || len(s.all) == 1 {
		return err
	}
	time.Sleep(settled)
	return nil
}

// settled is more than several processes need to know what one of them was
// told: whom the operator trusts.
const settled = 2 * time.Second

// process makes the book and starts the processor, as one process or several.
func (s *street) process(ctx context.Context, o options, folder, roots string, progress io.Writer) (err error) {
	data, dsn := filepath.Join(folder, "data"), ""
	if o.store == postgresql {
		if s.cluster, err = pgcluster.New(ctx); err != nil {
			return err
		}
		dsn = s.cluster.DSN()
	}
	if err := prefill(ctx, data, dsn, o.prefill, progress); err != nil {
		return err
	}
	binary, err := build(ctx, o, folder)
	if err != nil {
		return err
	}
	for range o.processes {
		p := newProcessor(data)
		if s.processor == nil {
			s.processor = p
		}
		s.all = append(s.all, p)
		if err := p.start(ctx, binary, s.processor, dsn, roots); err != nil {
			return err
		}
	}
	return nil
}

// close ends site and processor.
func (s *street) close() error {
	var errs []error
	for _, p := range s.all {
		errs = append(errs, p.stop())
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Close())
	}
	if s.server != nil {
		errs = append(errs, s.server.Close())
	}
	return errors.Join(errs...)
}

// people makes keys and identifiers.
func (s *street) people(o options) error {
	bank, err := identity.NewActDID(s.host, "bank")
	if err != nil {
		return err
	}
	signer, err := newSigner(bank, keys.IssueAuthorization)
	if err != nil {
		return err
	}
	status, err := newSigner(bank, keys.Status)
	if err != nil {
		return err
	}
	s.bank, err = issuer.New(issuer.Config{
		DID: bank, Signer: signer, StatusSigner: status, ListURI: "https://" + s.host + "/status/1", Store: issuer.NewMemoryStore(),
	})
	if err != nil {
		return err
	}
	for i := range o.merchants {
		signer, err := s.party(fmt.Sprintf("shop-%d", i), keys.Seller)
		if err != nil {
			return err
		}
		s.shops = append(s.shops, &shop{signer})
	}
	for i := range o.agents {
		signer, err := s.party(fmt.Sprintf("agent-%d", i), keys.AgentRequest)
		if err != nil {
			return err
		}
		principal, err := identity.NewActDID(s.host, fmt.Sprintf("principal-%d", i))
		if err != nil {
			return err
		}
		s.buyers = append(s.buyers, &buyer{signer: signer, principal: principal, shop: s.shops[i%len(s.shops)]})
	}
	return nil
}

func (s *street) party(name string, purpose keys.Purpose) (*keys.Signer, error) {
	did, err := identity.NewActDID(s.host, name)
	if err != nil {
		return nil, err
	}
	return newSigner(did, purpose)
}

func newSigner(did identity.DID, purpose keys.Purpose) (*keys.Signer, error) {
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	return keys.NewSigner(did.String()+"#"+string(purpose), purpose, private)
}

// publish serves the documents of all, and the list of states.
func (s *street) publish(mux *http.ServeMux) error {
	var signers []*keys.Signer
	for _, m := range s.shops {
		signers = append(signers, m.signer)
	}
	for _, b := range s.buyers {
		signers = append(signers, b.signer)
	}
	var documents []*identity.Document
	for _, k := range signers {
		did, err := identity.ParseDID(k.DID())
		if err != nil {
			return err
		}
		documents = append(documents, &identity.Document{ID: did, Keys: []identity.Key{{ID: k.KeyID(), Purpose: k.Purpose(), Public: k.Public()}}})
	}
	handler, err := identity.Handler(documents...)
	if err != nil {
		return err
	}
	mux.Handle("/.well-known/", handler)
	mux.Handle("/.well-known/act/bank/", s.bank.Handler())
	mux.Handle("/status/1", s.bank.Handler())
	return nil
}

// introduce makes everybody known to the processor, with money, tokens and
// mandates for more than any run can spend.
func (s *street) introduce(ctx context.Context) error {
	bank, err := identity.NewActDID(s.host, "bank")
	if err != nil {
		return err
	}
	until := time.Now().UTC().Truncate(time.Second).Add(24 * time.Hour)
	for _, m := range s.shops {
		if err := s.processor.desk(ctx, "merchants", form{"owner": m.signer.DID(), "currency": "CNY"}, nil); err != nil {
			return err
		}
	}
	for i, b := range s.buyers {
		owner := b.principal.String()
		var bound struct {
			Token string `json:"payment_token"`
		}
		for _, step := range []struct {
			path string
			form form
			into any
		}{
			{"principals", form{"owner": owner, "currency": "CNY", "issuers": []any{bank.String()}}, nil},
			{"deposits", form{"deposit_id": fmt.Sprint("deposit-", i), "owner": owner, "amount": "10000000000.00", "currency": "CNY"}, nil},
			{"tokens", form{"principal": owner, "agent": b.signer.DID(), "currency": "CNY", "valid_until": until.Format(time.RFC3339)}, &bound},
		} {
			if err := s.processor.desk(ctx, step.path, step.form, step.into); err != nil {
				return err
			}
		}
		b.token = bound.Token
		if err := s.mandate(ctx, b, until); err != nil {
			return err
		}
	}
	return nil
}

// mandate has the bank sign what a principal wants: that the agent may buy
// coffee at one merchant.
func (s *street) mandate(ctx context.Context, b *buyer, until time.Time) error {
	now := time.Now().UTC().Truncate(time.Second)
	c := delegation.NewCapture(delegation.ConversationHistory{Raw: delegation.RawIntent{Text: "coffee, whenever I say so"}})
	if err := c.Clarify(func(i *delegation.ISR) {
		i.DelegationMode, i.AgentID = delegation.Specified, b.signer.DID()
		i.ValidityStart, i.ValidityEnd = now.Add(-time.Minute), until
		i.MaxTotalAmount, i.Currency = "10000000000", "CNY"
		i.AllowedPaymentMethods = []string{method}
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{
			AllowedMerchants: []string{b.shop.signer.DID()}, AllowedCategories: []string{"food"}, MaxSingleAmount: "30",
		}}
	}); err != nil {
		return err
	}
	_ = c.Summary(delegation.English)
	confirmed, err := c.Confirm("FINGERPRINT", now)
	if err != nil {
		return err
	}
	mandate, err := s.bank.Issue(ctx, issuer.Grant{
		Confirmed: confirmed, Delegator: b.principal.String(), Audience: s.processor.id.String(), Holder: b.signer.Public(),
	})
	if err != nil {
		return err
	}
	parsed, err := delegation.ParseMandate(mandate)
	if err != nil {
		return err
	}
	b.mandate, b.mandateID, b.intentID = string(mandate), parsed.Claims().ID, c.IntentID()
	return nil
}

// port is the port of a listener.
func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String()) // every TCP address has one
	return p
}

// clientConfig is the TLS of everybody who talks to the processor.
func (s *street) clientConfig() *tls.Config {
	return &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS13, ServerName: "localhost"}
}
