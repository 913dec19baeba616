package live

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Scenario says where the server under test is, what may be bought there and
// by whom, and how the suite presents itself. Its JSON is described in
// conformance/README.md. Exactly one of PSP, Seller and Issuer is there.
type Scenario struct {
	// Roots are files of certificates in PEM that the suite trusts beside the
	// system's.
	Roots []string `json:"roots,omitzero"`
	Site  Site     `json:"site"`

	PSP    *PSPScenario    `json:"psp,omitzero"`
	Seller *SellerScenario `json:"seller,omitzero"`
	Issuer *IssuerScenario `json:"issuer,omitzero"`

	// Actions are what the suite asks the operator of the server under test to
	// do, by name.
	Actions map[string]Action `json:"actions,omitzero"`
}

// A Site is where the suite serves what belongs to the parties that it plays.
type Site struct {
	Listen string `json:"listen"` // address, 127.0.0.1:9443 for example
	Host   string `json:"host"`   // of all identifiers, with a port unless it is 443
	Cert   string `json:"tls_cert,omitzero"`
	Key    string `json:"tls_key,omitzero"`
	// Seed makes the keys of the suite the same in each run; without it they are
	// fresh. Only where parties were registered by hand, with their keys, is it
	// needed. It is a secret of the test system.
	Seed string `json:"seed,omitzero"`

	// TLS takes the place of Cert and Key, and Roots adds to Scenario.Roots, for
	// callers in Go.
	TLS   *tls.Config    `json:"-"`
	Roots *x509.CertPool `json:"-"`
}

// A PSPScenario is a payment service provider under test.
type PSPScenario struct {
	ID       string `json:"id"`       // DID
	Endpoint string `json:"endpoint"` // https, without a slash at its end
	Method   string `json:"method"`   // urn:act:payment:<name>
	Currency string `json:"currency"` // with two decimals; what the accounts of the checks are in

	// What was prepared by hand, where there are no actions for it.
	Principal    string `json:"principal,omitzero"`     // DID; the suite's issuer is trusted for it
	PaymentToken string `json:"payment_token,omitzero"` // of Principal, for the suite's agent
	Prepared     bool   `json:"prepared,omitzero"`      // the suite's merchant has an account
}

// A SellerScenario is a merchant under test. It is paid through the provider
// that the suite plays, "did:act:<site>/psp" with the endpoint
// "https://<site>/psp".
type SellerScenario struct {
	ID       string `json:"id"`                // DID
	Base     string `json:"base"`              // https, without a slash at its end
	Method   string `json:"method"`            // urn:act:payment:<name>
	Currency string `json:"currency,omitzero"` // of what it sells; CNY when empty

	// What is sold by the request.
	Safe   *Resource `json:"safe,omitzero"`   // by GET
	Other  *Resource `json:"other,omitzero"`  // another one by GET
	Unsafe *Resource `json:"unsafe,omitzero"` // by POST; each delivery is counted by the answer, which no other has
	Slow   *Resource `json:"slow,omitzero"`   // by POST; takes between one and ten seconds
	Faulty *Resource `json:"faulty,omitzero"` // by GET; the delivery fails with 500 the first time

	// What is sold by cart, as far as it is.
	Items *Items `json:"items,omitzero"`
	// What the shop answers to intent requests, as far as it does.
	Intents bool `json:"intents,omitzero"`
	// Negotiation says that the shop has an agent card with act:payment:negotiation.
	Negotiation bool `json:"negotiation,omitzero"`
}

// A Resource is something that is sold by the request.
type Resource struct {
	Path  string `json:"path"`            // below Base, with a query where there is one
	Body  string `json:"body,omitzero"`   // of a POST, as text/plain
	Price string `json:"price,omitzero"`  // where it is fixed
	Body2 string `json:"body2,omitzero"`  // another body for the same price
	Ctype string `json:"type,omitzero"`   // content type of the body; text/plain when empty
	Label string `json:"marker,omitzero"` // text that the delivered answer holds and no other
}

// Items are articles for carts.
type Items struct {
	Plain    string `json:"plain"`              // item_id of one with plenty of stock
	Scarce   string `json:"scarce,omitzero"`    // of one with a stock of Stock
	Stock    int64  `json:"stock,omitzero"`     // of Scarce, when a run begins
	MaxCarts int    `json:"max_carts,omitzero"` // open carts that one buyer may have; 0 when there is no such limit
}

// An IssuerScenario is an issuer of mandates under test.
type IssuerScenario struct {
	ID       string   `json:"id"`                // DID
	Mandates []string `json:"mandates,omitzero"` // issued by hand, whole tokens
	// Within is how many seconds a change may take to be seen in the list; 60
	// when zero.
	Within int `json:"within_seconds,omitzero"`
}

// Load reads a scenario from a file. Names of files in it are relative to its
// folder.
func Load(name string) (*Scenario, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s := new(Scenario)
	if err := canon.Decode(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i, r := range s.Roots {
		s.Roots[i] = beside(name, r)
	}
	s.Site.Cert, s.Site.Key = beside(name, s.Site.Cert), beside(name, s.Site.Key)
	return s, s.check()
}

func beside(name, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(name), file)
}

// check says what a scenario lacks.
func (s *Scenario) check() error {
	n := 0
	for _, there := range []bool{s.PSP != nil, s.Seller != nil, s.Issuer != nil} {
		if there {
			n++
		}
	}
	if n != 1 {
		return errors.New("scenario: exactly one of psp, seller and issuer")
	}
	if s.Site.Host == "" || s.Site.Listen == "" {
		return errors.New("scenario: site has listen and host")
	}
	if s.Site.TLS == nil && (s.Site.Cert == "" || s.Site.Key == "") {
		return errors.New("scenario: site has tls_cert and tls_key")
	}
	if _, err := identity.NewActDID(s.Site.Host, "agent"); err != nil {
		return fmt.Errorf("scenario: site.host: %w", err)
	}
	if _, err := identity.ParseDID(s.id()); err != nil {
		return fmt.Errorf("scenario: id: %w", err)
	}
	if a := s.address(); s.Issuer == nil && (!strings.HasPrefix(a, "https://") || strings.HasSuffix(a, "/")) {
		return errors.New("scenario: the address is an https URL without a slash at its end")
	}
	if s.Issuer == nil && !strings.HasPrefix(s.method(), "urn:act:payment:") {
		return errors.New("scenario: method is urn:act:payment:<name>")
	}
	for name, a := range s.Actions {
		if err := a.check(name); err != nil {
			return err
		}
	}
	return s.checkCurrency()
}

// checkCurrency refuses a currency for which the amounts of the checks cannot be
// written.
func (s *Scenario) checkCurrency() error {
	c, err := money.ParseCurrency(s.currency())
	if err == nil && c.Exponent() != 2 {
		err = protocol.New(protocol.CodeFieldInvalid, "currency", "", "the checks need one with two decimals")
	}
	return err
}

func (s *Scenario) kind() Kind {
	switch {
	case s.Seller != nil:
		return Seller
	case s.Issuer != nil:
		return Issuer
	}
	return PSP
}

// Kind is what the scenario is for.
func (s *Scenario) Kind() Kind { return s.kind() }

// SetAddress replaces the address of the server under test: the endpoint of a
// provider, the base URL of a seller. That of an issuer is in its DID, and
// another one is refused.
func (s *Scenario) SetAddress(url string) error {
	url = strings.TrimSuffix(url, "/")
	switch s.kind() {
	case PSP:
		s.PSP.Endpoint = url
	case Seller:
		s.Seller.Base = url
	default:
		did, err := identity.ParseDID(s.Issuer.ID)
		if err != nil {
			return err
		}
		if at, err := did.DocumentURL(); err != nil || at != url && url != "https://"+plainHost(did) {
			return errors.New("an issuer is at the address of its DID: " + at)
		}
	}
	return s.check()
}

func (s *Scenario) id() string {
	switch s.kind() {
	case Seller:
		return s.Seller.ID
	case Issuer:
		return s.Issuer.ID
	}
	return s.PSP.ID
}

func (s *Scenario) name() string { return s.id() }

func (s *Scenario) address() string {
	switch s.kind() {
	case Seller:
		return s.Seller.Base
	case Issuer:
		if did, err := identity.ParseDID(s.Issuer.ID); err == nil {
			return "https://" + plainHost(did)
		}
		return ""
	}
	return s.PSP.Endpoint
}

func (s *Scenario) method() string {
	if s.Seller != nil {
		return s.Seller.Method
	}
	if s.PSP != nil {
		return s.PSP.Method
	}
	return "urn:act:payment:conformance"
}

func (s *Scenario) currency() string {
	switch {
	case s.PSP != nil && s.PSP.Currency != "":
		return s.PSP.Currency
	case s.Seller != nil && s.Seller.Currency != "":
		return s.Seller.Currency
	}
	return "CNY"
}

// plainHost is the host of a DID as a URL has it.
func plainHost(did identity.DID) string { return strings.Replace(did.Host(), "%3A", ":", 1) }
