package overview

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

//go:embed pages.html
var pages string

//go:embed style.css
var style string

// security allows the pages their own style and forms, and nothing else.
var security = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()

var templates = template.Must(template.New("pages").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(style) },
	"time":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") },
	"clock": func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).Parse(pages))

// write writes one page.
func write(w http.ResponseWriter, status int, page string, data any) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, page, data); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", security)
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}

type loginView struct {
	ID    string
	Wrong bool
}

type goneView struct{ ID string }

// The rows of a page.
const (
	rows         = 20
	accountRows  = 50
	instantsRows = 10
)

// bookAge is how old what is shown of the book may be: the pages of many
// operators read it once.
const bookAge = 2 * time.Second

type frontView struct {
	ID            string
	Ready         bool
	Began, Now    time.Time
	Paused        bool
	Paid, Waiting uint64
	Refused       uint64
	Made          []row
	Refusals      []row
	Reasons       []reason
	Book          bookView
}

// A row is one payment in a list.
type row struct {
	Number          uint64
	At              time.Time
	Scenario        string
	Agent, Payee    string
	Amount          string
	Became, Because string
	Class, Mark     string
}

// A reason is a code with how often it was the one.
type reason struct {
	Code, Text string
	Count      uint64
	Undecided  bool
}

// bookView is what is shown of the book.
type bookView struct {
	Broken   bool
	Accounts []accountRow
	More     int // accounts that are not listed
	Instants []instantRow
}

type accountRow struct {
	Owner, Kind, Balance string
	Below                bool
}

type instantRow struct {
	TradeNo, Payee, Amount string
	State                  string
	Expires                time.Time
}

func (o *Overview) frontView(ctx context.Context) frontView {
	s := o.recent.summary(rows)
	v := frontView{
		ID: o.config.ID, Ready: o.config.Ready(ctx) == nil, Began: o.began, Now: o.config.Now(), Paid: s.paid, Waiting: s.waiting, Book: o.book(ctx),
	}
	for _, m := range s.made {
		v.Made = append(v.Made, rowOf(m))
	}
	for _, m := range s.refusals {
		v.Refusals = append(v.Refusals, rowOf(m))
	}
	for code, n := range s.refused {
		v.Refused += n
		v.Reasons = append(v.Reasons, reason{string(code), code.Text(), n, code.Outcome() == protocol.Undetermined})
	}
	slices.SortFunc(v.Reasons, func(a, b reason) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	return v
}

func rowOf(s seen) row {
	r := row{Number: s.number, At: s.at, Scenario: string(s.scenario), Agent: s.agent, Payee: s.payee, Became: became(s)}
	r.Class, r.Mark = class(s.decision.Outcome())
	if s.waiting {
		r.Class, r.Mark = "undetermined", "…"
	}
	if s.trade != "" {
		r.Amount = money(s.amount, s.currency)
	}
	if failed := s.decision.Failed(); len(failed) > 0 {
		r.Because = failed[0].Name + " (" + failed[0].Requirement + ")"
	}
	return r
}

// book reads the book, or returns what was read a moment ago.
func (o *Overview) book(ctx context.Context) bookView {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.config.Now()
	if !o.at.IsZero() && now.Sub(o.at).Abs() < bookAge {
		return o.shown
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	accounts, err := o.config.Book.Accounts(ctx)
	var instants []book.Instant
	if err == nil {
		instants, err = o.config.Book.Instants(ctx, instantsRows)
	}
	o.shown, o.at = viewOf(accounts, instants), now
	o.shown.Broken = err != nil
	return o.shown
}

func viewOf(accounts []book.Account, instants []book.Instant) bookView {
	v := bookView{More: max(0, len(accounts)-accountRows)}
	for _, a := range accounts[:min(len(accounts), accountRows)] {
		v.Accounts = append(v.Accounts, accountRow{a.Owner, string(a.Kind), money(a.Balance, a.Currency), a.Balance < 0})
	}
	for _, i := range instants {
		v.Instants = append(v.Instants, instantRow{i.No, i.Payee, money(i.Amount, i.Currency), string(i.State), i.Expires})
	}
	return v
}

type paymentView struct {
	ID      string
	Payment row
	Trade   string
	Order   string
	Method  string
	Request string
	Picture picture
	Checks  []checkRow
}

type checkRow struct {
	Class, Mark, Outcome, Name, Requirement, Note string
}

func (o *Overview) paymentView(s seen) paymentView {
	v := paymentView{ID: o.config.ID, Payment: rowOf(s), Trade: s.trade, Order: s.order, Method: s.method, Request: s.requestID, Picture: paint(s)}
	for _, c := range s.decision.Checks() {
		row := checkRow{Outcome: c.Outcome.String(), Name: c.Name, Requirement: c.Requirement}
		row.Class, row.Mark = class(c.Outcome)
		if c.Outcome != protocol.Allowed {
			row.Note = noteOf(c)
		}
		v.Checks = append(v.Checks, row)
	}
	return v
}
