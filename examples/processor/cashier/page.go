package cashier

import (
	_ "embed"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/processor/internal/page"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// kindPasskey is the kind of what a passkey signs here; see package passkey.
const kindPasskey = "cashier-passkey"

//go:embed page.html
var pageText string

var template = page.Must(pageText)

// content is what the page of a payment shows.
type content struct {
	View
	W       words
	Agent   string
	Account string
	Expires page.Moment
	PaidAt  page.Moment
	How     string
	Why     string // a closed one is closed
	Passkey *page.Form
	Cancel  string
	Open    bool
	Good    bool
}

func (k *Cashier) host() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(k.Base, "https://"), "/")
	return host
}

func (k *Cashier) pagePath(tradeNo string) string { return k.path + "/" + tradeNo }

// answer writes a payment, or what went wrong, for a person or for a program.
func (k *Cashier) answer(w http.ResponseWriter, r *http.Request, p Payment, err error) {
	if !page.Wanted(r) {
		h := w.Header()
		page.Secure(h)
		k.answerJSON(w, p, err)
		return
	}
	shown := page.New(r, k.host(), k.pagePath(r.PathValue("id")))
	if err != nil {
		code := protocol.AsError(err).Code
		c := content{W: texts[shown.Lang]}
		shown.Title, c.Why = c.W.Failed, shown.Lang.Explain(code)
		shown.Content = c
		template.Write(w, payment.HTTPStatus(code), shown)
		return
	}
	k.write(w, shown, p, nil)
}

// refused shows a payment together with why a confirmation of it did not count.
func (k *Cashier) refused(w http.ResponseWriter, r *http.Request, p Payment, cause error) {
	if !page.Wanted(r) {
		k.answer(w, r, p, cause)
		return
	}
	now, err := k.Book.Instant(r.Context(), p.TradeNo)
	if err != nil {
		k.answer(w, r, p, cause)
		return
	}
	k.write(w, page.New(r, k.host(), k.pagePath(p.TradeNo)), now, cause)
}

// write writes the page of a payment. Of a payment that is closed its own reason
// is told, not that of the last try.
func (k *Cashier) write(w http.ResponseWriter, shown *page.Page, p Payment, cause error) {
	c := k.content(shown, p)
	status := http.StatusOK
	if cause != nil {
		code := protocol.AsError(cause).Code
		status = payment.HTTPStatus(code)
		if c.Open {
			shown.Fault = shown.Lang.Join(shown.Lang.Explain(code), c.W.NothingPaid)
		}
	}
	if c.Open && k.Passkeys != nil {
		ceremony, err := k.Passkeys.Ask(k.act(p))
		if err != nil {
			problem.Write(w, err, 1)
			return
		}
		form := shown.PasskeyForm(ceremony, k.pagePath(p.TradeNo)+"/passkey", c.W.Pay+" "+c.Amount+" "+c.Currency)
		c.Passkey = &form
	}
	shown.Content = c
	template.Write(w, status, shown)
}

func (k *Cashier) content(shown *page.Page, p Payment) content {
	w := texts[shown.Lang]
	c := content{
		View: k.view(p), W: w, Agent: p.Agent, Account: p.Principal, Expires: page.At(p.Expires), Cancel: shown.Href(k.pagePath(p.TradeNo) + "/cancel"),
	}
	switch c.State {
	case Waiting:
		shown.Title, c.Open = w.Confirm, true
		shown.Over = max(p.Expires.Sub(k.Now()).Truncate(time.Second), time.Second)
	case Paid:
		shown.Title, c.Good, c.How, c.PaidAt = w.Paid, true, w.how(p.Confirmed), page.At(p.PaidAt)
	default:
		shown.Title, c.Why = w.Closed, shown.Lang.Explain(protocol.CodeConfirmationFailed)
		if p.Reason != "" && p.Reason != protocol.CodeConfirmationFailed {
			c.Why = shown.Lang.Explain(p.Reason)
		} else if k.Now().Before(p.Expires) {
			shown.Title, c.Why = w.Cancelled, w.YouCancelled
		}
		c.Why = shown.Lang.Join(c.Why, w.NothingMoved)
	}
	return c
}

func (k *Cashier) answerJSON(w http.ResponseWriter, p Payment, err error) {
	var text []byte
	if err == nil {
		text, err = canon.Marshal(k.view(p))
	}
	if err != nil {
		problem.Write(w, err, 1)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}

// read reads a confirmation within its limit.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<10))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, protocol.New(protocol.CodeTooLarge, "", "PSD-PAY-INS-03", "a confirmation has at most 4 KiB")
	case err != nil:
		return nil, protocol.New(protocol.CodeMalformed, "", "PSD-PAY-INS-03", "the body could not be read")
	}
	return body, nil
}
