package cashier

import (
	"bytes"
	"context"
	"crypto"
	"io"
	"net/http"
	"strings"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A Device is the other side: what a paired phone does with the address of a
// payment.
type Device struct {
	ID      string        // from the pairing
	Key     crypto.Signer // Ed25519; its public half was registered at the pairing
	Cashier string        // from the pairing: Config.Base of the provider's cashier
	Client  *http.Client  // redirects are not followed
}

// Decide fetches what is to be paid, asks the person, and gives the cashier the
// answer: a signed confirmation, or a cancellation. It returns what the cashier
// then says. url is the cashier_url that the agent was given. It must name one
// payment at the cashier with which the device is paired (field_invalid):
// whoever else shows the terms could show them under a name that is a lie.
//
// It does not judge the terms. What ask agrees to is what is signed.
func (d *Device) Decide(ctx context.Context, url string, ask func(View) bool) (View, error) {
	if d.Cashier == "" {
		return View{}, protocol.New(protocol.CodeFieldMissing, "cashier", "PSD-PAY-INS-02", "a device is paired with one cashier")
	}
	tradeNo, below := strings.CutPrefix(url, d.Cashier+"/")
	if !below || tradeNo == "" || strings.Trim(tradeNo, tradeNoAlphabet) != "" {
		return View{}, protocol.New(protocol.CodeFieldInvalid, "cashier_url", "PSD-PAY-INS-02", "no payment at the cashier of this device")
	}
	view, err := d.call(ctx, http.MethodGet, url, nil)
	if err != nil {
		return View{}, err
	}
	if view.TradeNo != tradeNo {
		return View{}, protocol.New(protocol.CodeOrderMismatch, "trade_no", "PSD-PAY-INS-02", "terms of another payment")
	}
	if view.State != Waiting {
		return View{}, protocol.New(protocol.CodeStateConflict, "state", "PSD-PAY-INS-03", "nobody waits for this confirmation")
	}
	if !ask(view) {
		return d.call(ctx, http.MethodPost, url+"/cancel", nil)
	}
	signed, err := Confirmation{Terms: view.Terms, DeviceID: d.ID}.Sign(d.Key)
	if err != nil {
		return View{}, err
	}
	return d.call(ctx, http.MethodPost, url+"/confirm", signed)
}

// tradeNoAlphabet is what an address holds of a trade number without escapes.
const tradeNoAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"

func (d *Device) call(ctx context.Context, method, url string, body []byte) (View, error) {
	if !strings.HasPrefix(url, "https://") {
		return View{}, protocol.New(protocol.CodeFieldInvalid, "cashier_url", "PSD-PAY-INS-02", "https")
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return View{}, protocol.New(protocol.CodeFieldInvalid, "cashier_url", "PSD-PAY-INS-02", "not an address")
	}
	r.Header.Set("Accept", "application/json")
	client := *d.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		return View{}, protocol.Wrap(protocol.CodeServiceUnavailable, "", "PSD-PAY-INS-02", "the cashier did not answer", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, canon.DefaultMaxBytes))
	if err != nil {
		return View{}, protocol.Wrap(protocol.CodeServiceUnavailable, "", "PSD-PAY-INS-02", "the cashier did not answer", err)
	}
	if resp.StatusCode != http.StatusOK {
		return View{}, problem.Decode(resp.StatusCode, text, "the cashier", "cashier")
	}
	var view View
	if err := canon.Decode(text, &view); err != nil {
		return View{}, protocol.In(err, "cashier")
	}
	return view, nil
}
