package delegation

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

const (
	issuerDID    = "did:act:issuer.example/mandates"
	agentDID     = "did:act:agents.example/buyer"
	pspDID       = "did:act:psp.example/main"
	principalDID = "did:act:people.example/principal"
	shopDID      = "did:act:shop.example/coffee"
	walletURN    = "urn:act:payment:wallet"
	listURI      = "https://issuer.example/status/1"
)

var (
	start = time.Date(2026, 3, 19, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	noon  = start.Add(12 * time.Hour)
)

// fullISR has every member of the data dictionary.
func fullISR() *ISR {
	retries := 2
	return &ISR{
		ConversationHistory: &ConversationHistory{
			Raw:       RawIntent{Turns: []Turn{Say("a latte, under 20 yuan, from this shop, today", start)}},
			InputMode: []string{InputText},
		},
		IntentID:                  "urn:uuid:0a4f2f5e-6f0c-4f7c-9a55-5b7f5b3c9a01",
		DelegationMode:            Specified,
		ValidityStart:             start,
		ValidityEnd:               end,
		MaxTotalAmount:            "20",
		Currency:                  "CNY",
		AllowedPaymentMethods:     []string{walletURN},
		AgentID:                   agentDID,
		UserConfirmationMethod:    "FINGERPRINT",
		UserConfirmationTimestamp: start,
		Ext: &Ext{
			Commerce: &Commerce{
				MaxSingleAmount: "20", MinSingleAmount: "0.01",
				AllowedCategories: []string{"food"}, ForbiddenCategories: []string{"food/alcohol"},
				AllowedMerchants: []string{shopDID}, ForbiddenMerchants: []string{"urn:act:merchant:closed"},
			},
			AgentBehavior: &AgentBehavior{
				PriceDeviationTolerance: "10", PriceDeviationAction: PauseAndNotify,
				OnPaymentFailure: AutoRetry, MaxRetryCount: &retries,
			},
			Fulfillment:   &Fulfillment{DeliveryTimeRequirement: "2026-03-19T18:00:00Z", DeliveryAddress: "the counter"},
			VendorPrivate: jsontext.Value(`{"cup":"small","n":1}`),
		},
	}
}

func fullAuthorization(t testing.TB) *Authorization {
	t.Helper()
	c, err := ConfirmedISR(fullISR())
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAuthorization(c, principalDID, WithConversation(), WithDeliveryAddress())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func signer(t testing.TB, keyID string, purpose keys.Purpose) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.NewSigner(keyID, purpose, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func issuerKey(t testing.TB) *keys.Signer { return signer(t, issuerDID+"#k1", keys.IssueAuthorization) }

func fullClaims(t testing.TB) Claims {
	t.Helper()
	holder := signer(t, agentDID+"#k1", keys.AgentRequest).Public()
	return NewClaims(fullAuthorization(t), issuerDID, pspDID, holder, &StatusReference{Index: 7, URI: listURI}, start)
}

// official reads a file of the protocol's own examples, which live beside the
// project and may be absent.
func official(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "shared", "act-2.1", "official", "payload-examples", name))
		if err == nil {
			return data
		}
	}
	t.Skip("the official examples are not beside this project")
	return nil
}

// edit sets the member at a dotted path of a JSON object to a JSON text, or
// removes it when the text is empty.
func edit(t testing.TB, doc []byte, path, value string) []byte {
	t.Helper()
	members := map[string]jsontext.Value{}
	if err := json.Unmarshal(doc, &members, jsontext.AllowDuplicateNames(true)); err != nil {
		t.Fatal(err)
	}
	head, rest, nested := strings.Cut(path, ".")
	switch {
	case nested:
		child := members[head]
		if child == nil {
			child = jsontext.Value("{}")
		}
		members[head] = edit(t, child, rest, value)
	case value == "":
		delete(members, head)
	default:
		members[head] = jsontext.Value(value)
	}
	// Written by hand, since value may be what no encoder would write.
	out := []byte{'{'}
	for name, v := range members {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(append(out, '"'), name...), '"', ':'), v...)
	}
	return append(out, '}')
}

// want checks an error's code, field and requirement; empty ones are not asked.
func want(t testing.TB, err error, code protocol.Code, field, requirement string) {
	t.Helper()
	var e *protocol.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || field != "" && e.Field != field || requirement != "" && e.Requirement != requirement {
		t.Fatalf("got %s field %q requirement %q, want %s %q %q", e.Code, e.Field, e.Requirement, code, field, requirement)
	}
	if !e.Code.Known() {
		t.Fatalf("%s is not in the closed list", e.Code)
	}
}

func cny(t testing.TB, s string) money.Amount { return amount(t, s, "CNY") }

func amount(t testing.TB, s, code string) money.Amount {
	t.Helper()
	c, err := money.ParseCurrency(code)
	if err != nil {
		t.Fatal(err)
	}
	a, err := money.Parse(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
