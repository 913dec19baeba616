package cashier

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

const style = `body{font:1.1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:2rem auto;padding:0 1rem}
strong{font-size:2rem}dt{color:#555;font-size:.9rem}dd{margin:0 0 .8rem;overflow-wrap:anywhere}
button{font:inherit;width:100%;padding:.8rem;border-radius:.5rem;border:1px solid #888;background:#fff}`

// security allows the page its own style and one form, and nothing else.
var security = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()

var page = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title><style>` + style + `</style></head><body>
<h1>{{.Title}}</h1>
{{- with .View}}
<p><strong>{{.Amount}} {{.Currency}}</strong></p>
<dl><dt>To</dt><dd>{{if .PayeeName}}{{.PayeeName}}<br><small>{{.Payee}}</small>{{else}}{{.Payee}}{{end}}</dd>
<dt>Method</dt><dd>{{.Method}}</dd><dt>Order</dt><dd>{{.Order}}</dd><dt>Open until</dt><dd>{{.Expires}}</dd></dl>
{{- end}}
{{- if .Open}}
<p>To pay, confirm on your paired device. Nothing is moved or held before that.</p>
<form method="post" action="{{.Cancel}}"><button>Cancel</button></form>
{{- else}}
<p>{{.Word}}</p>
{{- end}}
</body></html>
`))

type pageData struct {
	Title, Word, Cancel string
	Open                bool
	View                *View
}

// answer writes a payment, or what went wrong, for a person or for a program.
func (k *Cashier) answer(w http.ResponseWriter, r *http.Request, p Payment, err error) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if !wantsPage(r) {
		k.answerJSON(w, p, err)
		return
	}
	status, data := http.StatusOK, pageData{}
	if err != nil {
		e := protocol.AsError(err)
		status = payment.HTTPStatus(e.Code)
		data.Title, data.Word = "This did not work", e.Code.Text()
	} else {
		data = k.data(p)
	}
	var text bytes.Buffer
	if err := page.Execute(&text, data); err != nil {
		problem.Write(w, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the page could not be made", err), 1)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", security)
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}

func (k *Cashier) data(p Payment) pageData {
	view := k.view(p)
	switch view.State {
	case Waiting:
		return pageData{Title: "Do you want to pay?", Open: true, Cancel: k.URL(p.TradeNo) + "/cancel", View: &view}
	case Paid:
		return pageData{Title: "Paid", Word: "You confirmed this payment.", View: &view}
	default:
		return pageData{Title: "Not paid", Word: "This payment is closed. Nothing was moved.", View: &view}
	}
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

// wantsPage reports whether a person is looking: browsers name text/html,
// programs name application/json or nothing.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
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
