package payment_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TestCatalogIsOfficial compares everything but the words.
func TestCatalogIsOfficial(t *testing.T) {
	var want struct {
		Errors []struct {
			ErrorID      string   `json:"error_id"`
			Category     string   `json:"category"`
			Phase        string   `json:"phase"`
			Retryability string   `json:"retryability"`
			Actions      []string `json:"valid_next_actions"`
			Message      string   `json:"message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(official(t, "error-catalog.json"), &want); err != nil {
		t.Fatal(err)
	}
	got := payment.Catalog()
	if len(got) != 11 || len(want.Errors) != len(got) {
		t.Fatalf("PSD-PAY-A402-12: %d categories, the official catalogue has %d", len(got), len(want.Errors))
	}
	for i, w := range want.Errors {
		g := got[i]
		var actions []string
		for _, a := range g.NextActions {
			actions = append(actions, string(a))
		}
		if g.ErrorID != w.ErrorID || string(g.Category) != w.Category || string(g.Phase) != w.Phase ||
			string(g.Retryability) != w.Retryability || !slices.Equal(actions, w.Actions) {
			t.Errorf("PSD-PAY-A402-12: %+v, want %+v", g, w)
		}
		if g.Message == w.Message {
			t.Errorf("%s has copied words", g.ErrorID)
		}
	}
}

func TestErrorForEveryCode(t *testing.T) {
	catalog := map[string]payment.A402Error{}
	for _, e := range payment.Catalog() {
		catalog[e.ErrorID] = e
	}
	for _, code := range protocol.Codes() {
		t.Run("PSD-PAY-A402-12 "+string(code), func(t *testing.T) {
			e := payment.A402ErrorFor(code)
			if e.Code() != code {
				t.Errorf("details carry %q", e.Code())
			}
			c, ok := catalog[e.ErrorID]
			if !ok || c.Category != payment.CategoryOf(code) {
				t.Errorf("not the catalogue's: %+v", e)
			}
			v := goodValidation(t)
			v.Status, v.Error = payment.ValidationInvalid, &e
			v.Delivery, v.Fulfillment = payment.DeliveryNotStarted, payment.FulfillmentNotConfirmed
			h, err := v.EncodeHeader()
			if err != nil {
				t.Fatal(err)
			}
			u, err := payment.ParseValidation(h)
			if err != nil || u.Validation.Error.Code() != code {
				t.Errorf("%v, %v", u, err)
			}
			status := payment.HTTPStatus(code)
			if undetermined := code.Outcome() == protocol.Undetermined; undetermined != (status == http.StatusServiceUnavailable) {
				t.Errorf("status %d for %s", status, code.Outcome())
			}
			if status < 400 || status == http.StatusInternalServerError {
				t.Errorf("status %d", status)
			}
			// What nobody could decide is never "correct your request", and what
			// is wrong is never "the system is down" (PSD-PAY-A402-23).
			if e.Category == payment.CategorySystem && code.Outcome() != protocol.Undetermined {
				t.Error("a denial is called a failure of the system")
			}
		})
	}
	t.Run("an unknown code is no success", func(t *testing.T) {
		for _, code := range []protocol.Code{"", "no_such_code"} {
			e := payment.A402ErrorFor(code)
			if e.Category != payment.CategorySystem || e.Details != nil || e.Code() != "" || payment.HTTPStatus(code) != 500 {
				t.Errorf("%q: %+v, %d", code, e, payment.HTTPStatus(code))
			}
		}
	})
}

// TestDelegatedErrorsAreDistinct: the eight refusals that delegated payment
// names stay apart in what the agent is told.
func TestDelegatedErrorsAreDistinct(t *testing.T) {
	want := map[protocol.Code]payment.Category{
		protocol.CodeMandateExpired:      payment.CategoryRisk,
		protocol.CodeMandateRevoked:      payment.CategoryRisk,
		protocol.CodeMandateSuspended:    payment.CategoryRisk,
		protocol.CodeAgentMismatch:       payment.CategoryParticipant,
		protocol.CodeSingleLimitExceeded: payment.CategoryLimit,
		protocol.CodeTotalLimitExceeded:  payment.CategoryLimit,
		protocol.CodeBalanceInsufficient: payment.CategoryLimit,
		protocol.CodeMerchantNotAllowed:  payment.CategoryRisk,
	}
	seen := map[string]bool{}
	for code, category := range want {
		data, err := canon.Marshal(payment.A402ErrorFor(code))
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(data)] || payment.CategoryOf(code) != category {
			t.Errorf("PSD-PAY-DEL-11 %s: %s", code, data)
		}
		seen[string(data)] = true
	}
}

func TestHTTPStatusOfEachGroup(t *testing.T) {
	for code, want := range map[protocol.Code]int{
		protocol.CodeMalformed: 400, protocol.CodeFieldUnknown: 400, protocol.CodeSignatureInvalid: 401,
		protocol.CodeTypeMismatch: 401, protocol.CodeRequestExpired: 401, protocol.CodeBalanceInsufficient: 402,
		protocol.CodeProofExpired: 402, protocol.CodeMandateRevoked: 403, protocol.CodeIssuerUntrusted: 403,
		protocol.CodeSingleLimitExceeded: 403, protocol.CodeInstrumentMismatch: 403, protocol.CodeTradeUnknown: 404,
		protocol.CodeOrderUnknown: 404, protocol.CodeReplayed: 409, protocol.CodeRequestConflict: 409,
		protocol.CodeProofUsed: 409, protocol.CodeOrderPaid: 409, protocol.CodeKeyUnavailable: 503,
		protocol.CodeConfirmationPending: 503,
	} {
		if got := payment.HTTPStatus(code); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestA402ErrorHelpers(t *testing.T) {
	e := payment.A402ErrorFor(protocol.CodeSignatureInvalid)
	if at := e.At(payment.PhaseProofValidation); at.Phase != payment.PhaseProofValidation || e.Phase != payment.PhaseRequirement {
		t.Error("PSD-PAY-A402-23: At changes the wrong one")
	}
	if !e.MayDo(payment.ActionAbort) || e.MayDo(payment.ActionRetryDelivery) {
		t.Error(e.NextActions)
	}
	for _, details := range []string{`{"code":"no_such_code"}`, `{"code":7}`, `{}`, `[]`, `{"other":1}`, `{"code":`} {
		e.Details = jsontext.Value(details)
		if e.Code() != "" {
			t.Errorf("%s: %s", details, e.Code())
		}
	}
	e.Details = jsontext.Value(`{"code":"replayed","more":{"x":1}}`)
	if e.Code() != protocol.CodeReplayed {
		t.Error(e.Code())
	}
	if strings.Contains(e.Message, "replay") {
		t.Error("a message is of the category, not of the code")
	}
}

func TestMethodNames(t *testing.T) {
	for _, name := range []string{"balance", "a", "0", "alipay-like_2.x"} {
		id, err := payment.MethodID("urn:act:payment:" + name)
		if err != nil || id != "act:payment/"+name {
			t.Errorf("PSD-PAY-A402-17 %q: %q, %v", name, id, err)
		}
		if urn, err := payment.MethodURN(id); err != nil || urn != "urn:act:payment:"+name {
			t.Errorf("PSD-PAY-A402-17 %q: %q, %v", id, urn, err)
		}
	}
	for _, bad := range []string{"", "urn:act:payment:", "urn:act:payment:A", "urn:act:payment:-a", "urn:act:payment:a/b",
		"urn:act:payment:a b", "urn:ACT:payment:a", "act:payment/a", "urn:act:payment:" + strings.Repeat("a", 129), "urn:act:payment:ä"} {
		if id, err := payment.MethodID(bad); err == nil {
			t.Errorf("%q becomes %q", bad, id)
		}
	}
	for _, bad := range []string{"", "act:payment/", "act:payment/A", "act:payment/a/b", "urn:act:payment:a", "example:a402/test-pay"} {
		if urn, err := payment.MethodURN(bad); err == nil {
			t.Errorf("%q becomes %q", bad, urn)
		}
	}
}
