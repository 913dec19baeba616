package binding

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/actprotocol/act-go/examples/processor/internal/page"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// A limit is one row of what is shown.
type limit struct {
	Name   string
	Value  string
	Moment *page.Moment
	List   []payee
	None   bool // there is no such limit
}

// A payee is a merchant as a page shows it.
type payee struct{ ID, Name string }

// limits lists every limit that the instrument can have, and says so where there
// is none (PSD-PMT-BND-02).
func (p *Pages) limits(ctx context.Context, w words, t payment.BindingTerms) (out []limit) {
	amount := func(name string, a money.Amount) {
		if a.Valid() {
			out = append(out, limit{Name: name, Value: a.String() + " " + a.Currency().Code()})
		} else {
			out = append(out, limit{Name: name, Value: w.NoLimit, None: true})
		}
	}
	if t.Instrument == payment.BindSubAccount {
		amount(w.Total, t.Total)
		amount(w.Single, t.Single)
		amount(w.Task, t.Task)
		amount(w.Balance, t.Balance)
		if t.Within.Valid() {
			out = append(out, limit{Name: fmt.Sprintf(w.Within, w.period(t.Period)), Value: t.Within.String() + " " + t.Currency.Code()})
		} else {
			amount(w.WithinNone, t.Within)
		}
		return out
	}
	amount(w.Ceiling, t.Ceiling)
	if t.ValidFrom.IsZero() {
		out = append(out, limit{Name: w.From, Value: w.FromNow})
	} else {
		from := page.At(t.ValidFrom)
		out = append(out, limit{Name: w.From, Moment: &from})
	}
	until := page.At(t.ValidUntil)
	out = append(out, limit{Name: w.Until, Moment: &until})
	if len(t.Merchants) == 0 {
		return append(out, limit{Name: w.Merchants, Value: w.AnyMerchant, None: true})
	}
	return append(out, limit{Name: w.Merchants, List: p.payees(ctx, t.Merchants)})
}

// payees names merchants as far as the provider knows them.
func (p *Pages) payees(ctx context.Context, dids []string) (out []payee) {
	for _, did := range dids {
		name, err := p.Book.NameOf(ctx, did)
		if err != nil {
			name = "" // the DID says who it is
		}
		out = append(out, payee{did, name})
	}
	return out
}

// editor is the form in which limits are lowered.
type editor struct {
	W         words
	Agent     string
	Currency  string
	Amounts   []amountField
	Ends      []choice
	Merchants []choice
	NoPayee   bool // none was chosen
	Action    string
	Back      string
}

type amountField struct {
	Name, Label, Asked, Value, Fault string
}

type choice struct {
	Value, Label, Detail string
	Moment               *page.Moment
	Checked              bool
}

// amounts are the limits of an instrument that are sums.
func amounts(w words, t *payment.BindingTerms) []struct {
	name, label string
	into        *money.Amount
} {
	type row = struct {
		name, label string
		into        *money.Amount
	}
	if t.Instrument == payment.BindPaymentToken {
		return []row{{"ceiling", w.Ceiling, &t.Ceiling}}
	}
	rows := []row{{"total_limit", w.Total, &t.Total}, {"single_limit", w.Single, &t.Single}, {"task_limit", w.Task, &t.Task}, {"balance_limit", w.Balance, &t.Balance}}
	if t.Period > 0 {
		rows = append(rows, row{"period_limit", fmt.Sprintf(w.Within, w.period(t.Period)), &t.Within})
	}
	return rows
}

// shorter are the times after which a principal can have a token end, if they
// are before the end that was asked for.
var shorter = []struct {
	value string
	life  time.Duration
}{{"1h", time.Hour}, {"1d", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}}

func (p *Pages) showLimits(w http.ResponseWriter, r *http.Request) {
	b, shown := p.find(w, r)
	if b == nil {
		return
	}
	if b.State != provider.BindingWaiting {
		p.again(w, r, shown)
		return
	}
	p.writeEditor(w, r, b, nil, nil, http.StatusOK)
}

// lower reads the lowered limits and shows them once more, to be agreed to. It
// changes nothing.
func (p *Pages) lower(w http.ResponseWriter, r *http.Request) {
	b, shown := p.find(w, r)
	if b == nil {
		return
	}
	form, err := page.ReadForm(w, r)
	switch {
	case err != nil:
		p.sorry(w, shown, err)
	case b.State != provider.BindingWaiting:
		p.again(w, r, shown)
	default:
		terms, faults := p.read(b, form)
		if len(faults) > 0 {
			p.writeEditor(w, r, b, form, faults, http.StatusUnprocessableEntity)
			return
		}
		p.write(w, r, shown, b, terms, nil)
	}
}

// read makes terms of a form, or says which fields are wrong.
func (p *Pages) read(b *provider.Binding, form url.Values) (payment.BindingTerms, map[string]protocol.Code) {
	t, faults := b.Asked, map[string]protocol.Code{}
	for _, a := range amounts(texts[page.English], &t) {
		text, asked := form.Get(a.name), *a.into
		if text == "" && !asked.Valid() {
			continue
		}
		lowered, err := money.Parse(text, t.Currency)
		switch {
		case err != nil || lowered.IsZero():
			faults[a.name] = protocol.CodeFieldInvalid
		case asked.Valid() && lowered.Minor() > asked.Minor():
			faults[a.name] = protocol.CodeConstraintConflict
		default:
			*a.into = lowered
		}
	}
	if t.Instrument == payment.BindPaymentToken {
		for _, s := range shorter {
			if end := p.Now().Add(s.life).UTC().Truncate(time.Second); form.Get("end") == s.value && end.Before(t.ValidUntil) {
				t.ValidUntil = end
			}
		}
		if len(t.Merchants) > 0 {
			t.Merchants = slices.DeleteFunc(slices.Clone(t.Merchants), func(m string) bool { return !slices.Contains(form["merchant"], m) })
			if len(t.Merchants) == 0 {
				faults["merchant"] = protocol.CodeFieldMissing
			}
		}
	}
	if err := t.Check(); err != nil && len(faults) == 0 {
		faults["end"] = protocol.AsError(err).Code // the end that was chosen is before the beginning
	}
	return t, faults
}

// writeEditor writes the form with what was asked for, or with what was filled
// in and its faults.
func (p *Pages) writeEditor(w http.ResponseWriter, r *http.Request, b *provider.Binding, form url.Values, faults map[string]protocol.Code, status int) {
	shown := page.New(r, p.host, bindingPath(b.ID)+"/limits")
	text, t := texts[shown.Lang], b.Asked
	shown.Title = text.LowerTitle
	if len(faults) > 0 {
		shown.Fault = text.Check
	}
	e := editor{W: text, Agent: b.Agent, Currency: t.Currency.Code(), Action: shown.Here(), Back: shown.Href(bindingPath(b.ID)), NoPayee: faults["merchant"] != ""}
	for _, a := range amounts(text, &t) {
		f := amountField{Name: a.name, Label: a.label, Asked: text.NoLimit}
		if a.into.Valid() {
			f.Asked, f.Value = a.into.String()+" "+t.Currency.Code(), a.into.String()
		}
		if form != nil {
			f.Value = form.Get(a.name)
		}
		switch faults[a.name] {
		case protocol.CodeConstraintConflict:
			f.Fault = text.TooMuch + " " + f.Asked
		case protocol.CodeFieldInvalid:
			f.Fault = text.NoAmount
		}
		e.Amounts = append(e.Amounts, f)
	}
	if t.Instrument == payment.BindPaymentToken {
		p.choices(r.Context(), &e, t, form)
	}
	shown.Content = e
	editorPage.Write(w, status, shown)
}

// choices are the ends and merchants of a token.
func (p *Pages) choices(ctx context.Context, e *editor, t payment.BindingTerms, form url.Values) {
	asked, end := page.At(t.ValidUntil), form.Get("end")
	e.Ends = []choice{{Value: "", Label: e.W.AsAsked, Moment: &asked, Checked: true}}
	for i, s := range shorter {
		if p.Now().Add(s.life).Before(t.ValidUntil) {
			c := choice{Value: s.value, Label: e.W.after[i], Checked: end == s.value}
			e.Ends[0].Checked = e.Ends[0].Checked && !c.Checked
			e.Ends = append(e.Ends, c)
		}
	}
	for _, m := range p.payees(ctx, t.Merchants) {
		c := choice{Value: m.ID, Label: m.ID, Checked: form == nil || slices.Contains(form["merchant"], m.ID)}
		if m.Name != "" {
			c.Label, c.Detail = m.Name, m.ID
		}
		e.Merchants = append(e.Merchants, c)
	}
}
