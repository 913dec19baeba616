package cashier_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/cashier"
	"github.com/actprotocol/act-go/protocol"
)

// TestAddressFromAStranger: the address comes to the phone through an agent.
// One that leads elsewhere could show the true terms, which the phone then
// signs, under a name and an order that are lies (PSD-PAY-INS-02).
func TestAddressFromAStranger(t *testing.T) {
	key, _ := phoneKey(t)
	b, c, web := newCashier(t, "/cashier")
	b.p.PayeeName = "Cheap Trick"
	var signed bool
	liar := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed = signed || r.Method == http.MethodPost
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"amount":"` + terms.Amount + `","currency":"` + terms.Currency + `","expires_at":"` + terms.Expires + `","merchant_id":"` + terms.Payee +
			`","merchant_name":"Your Landlord","merchant_order_id":"rent","payment_method":"` + terms.Method + `","psp_id":"` + terms.PSPID +
			`","state":"waiting","trade_no":"` + terms.TradeNo + `"}`))
	}))
	t.Cleanup(liar.Close)
	client := web.Client()
	client.Transport.(*http.Transport).TLSClientConfig.RootCAs.AddCert(liar.Certificate())
	phone := &cashier.Device{ID: "dev-1", Key: key, Client: client, Cashier: c.Base}
	for name, url := range map[string]string{
		"another host":        liar.URL + "/cashier/T-1",
		"another port":        strings.Replace(c.Base, "127.0.0.1", "127.0.0.1:443", 1) + "/T-1",
		"a longer name":       c.Base + ".example.com/T-1",
		"beside the cashier":  c.Base + "s/T-1",
		"a user in front":     strings.Replace(liar.URL, "https://", "https://"+strings.TrimPrefix(c.Base, "https://")+"@", 1) + "/T-1",
		"a path that climbs":  c.Base + "/../liar/T-1",
		"below a trade":       c.Base + "/T-1/confirm",
		"a question":          c.Base + "/T-1?to=liar",
		"an escaped path":     c.Base + "/T%2D1",
		"a fragment":          c.Base + "/T-1#T-2",
		"nothing after it":    c.Base + "/",
		"the cashier itself":  c.Base,
		"an address in space": c.Base + "/T-1 ",
	} {
		asked := false
		_, err := phone.Decide(t.Context(), url, func(cashier.View) bool { asked = true; return true })
		if code := protocol.CodeOf(err); code != protocol.CodeFieldInvalid || asked || signed {
			t.Errorf("PSD-PAY-INS-02 %s: %v, asked %v, signed %v", name, err, asked, signed)
		}
	}
	t.Run("PSD-PAY-INS-02 the cashier's own redirect is not followed", func(t *testing.T) {
		away := httptest.NewTLSServer(http.RedirectHandler(liar.URL+"/cashier/T-1", http.StatusTemporaryRedirect))
		t.Cleanup(away.Close)
		client.Transport.(*http.Transport).TLSClientConfig.RootCAs.AddCert(away.Certificate())
		lost := &cashier.Device{ID: "dev-1", Key: key, Client: client, Cashier: away.URL + "/cashier"}
		_, err := lost.Decide(t.Context(), away.URL+"/cashier/T-1", func(cashier.View) bool { t.Error("asked"); return true })
		if err == nil || signed {
			t.Errorf("%v, signed %v", err, signed)
		}
	})
	t.Run("PSD-PAY-INS-02 an answer about another payment", func(t *testing.T) {
		lost := &cashier.Device{ID: "dev-1", Key: key, Client: client, Cashier: liar.URL + "/cashier"}
		_, err := lost.Decide(t.Context(), liar.URL+"/cashier/T-2", func(cashier.View) bool { t.Error("asked"); return true })
		wantCode(t, err, protocol.CodeOrderMismatch)
	})
	t.Run("a device that knows no cashier", func(t *testing.T) {
		_, err := (&cashier.Device{ID: "dev-1", Key: key, Client: client}).Decide(t.Context(), liar.URL+"/T-1", func(cashier.View) bool { t.Error("asked"); return true })
		wantCode(t, err, protocol.CodeFieldMissing)
	})
	view, err := phone.Decide(t.Context(), c.URL("T-1"), func(v cashier.View) bool { return v.PayeeName == "Cheap Trick" })
	if err != nil || view.State != cashier.Paid {
		t.Errorf("%+v, %v", view, err)
	}
}
