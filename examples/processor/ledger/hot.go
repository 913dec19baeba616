package ledger

import (
	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/provider"
)

// hot is what the writer has lately read and changed of the rows that payments
// are decided by. It alone writes, so what it remembers is so. The projections
// among them (balances and spent totals) are written once a batch, however
// often the batch has changed them: see tx.flush.
//
// Whatever goes wrong in a transaction empties it. So does every job that may
// change these rows in its own words.
type hot struct {
	accounts map[accountKey]*holding
	holdings map[int64]*holding // the same, by id
	tokens   map[string]*heldToken
	mandates map[key]*heldMandate
	purses   map[string]*heldPurse
	dirty    []row
}

// mostHot is how many rows of a kind are remembered, at some 500 bytes each.
const mostHot = 1 << 14

type accountKey struct{ owner, currency string }

// A row is a projection that memory is ahead of.
type row interface{ write(*tx) error }

func (h *hot) clear() {
	*h = hot{
		accounts: make(map[accountKey]*holding), holdings: make(map[int64]*holding), tokens: make(map[string]*heldToken),
		mandates: make(map[key]*heldMandate), purses: make(map[string]*heldPurse), dirty: h.dirty[:0],
	}
}

// full reports whether it is time to begin anew.
func (h *hot) full() bool {
	return max(len(h.accounts), len(h.tokens), len(h.mandates), len(h.purses)) > mostHot
}

// flush writes what memory is ahead of.
func (t *tx) flush() error {
	for _, row := range t.hot.dirty {
		if err := row.write(t); err != nil {
			return err
		}
	}
	t.hot.dirty = t.hot.dirty[:0]
	return nil
}

// changed notes that a row has to be written, once.
func (t *tx) changed(already *bool, r row) {
	if !*already {
		*already = true
		t.hot.dirty = append(t.hot.dirty, r)
	}
}

// A holding is an account as a decision sees it.
type holding struct {
	id      int64
	kind    book.Kind
	balance int64
	last    int64 // position of its latest transfer
	changed bool
}

const holdingColumns = "SELECT a.id, a.kind, b.amount, b.last, a.owner, a.currency FROM accounts a JOIN balances b ON b.account = a.id WHERE "

// account finds an account by its owner; an empty holding when there is none.
func (t *tx) account(owner, currency string) (h *holding, found bool, err error) {
	if h, found = t.hot.accounts[accountKey{owner, currency}]; found {
		return h, true, nil
	}
	return t.hold("a.owner = ? AND a.currency = ?", owner, currency)
}

// holding finds an account by its id.
func (t *tx) holding(id int64) (h *holding, err error) {
	h, found := t.hot.holdings[id]
	if !found {
		h, _, err = t.hold("a.id = ?", id)
	}
	return h, err
}

func (t *tx) hold(condition string, args ...any) (*holding, bool, error) {
	h := new(holding)
	found, err := t.row(holdingColumns+condition, args, func(r *sqlite.Stmt) {
		h.id, h.kind, h.balance, h.last = r.ColumnInt64(0), book.Kind(r.ColumnText(1)), r.ColumnInt64(2), r.ColumnInt64(3)
		t.hot.accounts[accountKey{r.ColumnText(4), r.ColumnText(5)}], t.hot.holdings[h.id] = h, h
	})
	return h, found, err
}

func (h *holding) write(t *tx) error {
	h.changed = false
	return t.exec("UPDATE balances SET amount = ?, last = ? WHERE account = ?", h.balance, h.last, h.id)
}

// moved changes two accounts by a transfer at a position, and returns the
// positions of the transfers that they had before.
func (t *tx) moved(at int64, from, to *holding, amount int64) (fromBefore, toBefore int64) {
	fromBefore, toBefore = from.last, to.last
	from.balance, from.last = from.balance-amount, at
	to.balance, to.last = to.balance+amount, at
	t.changed(&from.changed, from)
	t.changed(&to.changed, to)
	return fromBefore, toBefore
}

// A heldToken is a payment token with what was paid by it.
type heldToken struct {
	provider.Token
	id, account int64
	spent       int64
	changed     bool
}

func (k *heldToken) write(t *tx) error {
	k.changed = false
	return t.exec("UPDATE token_spent SET amount = ? WHERE token = ?", k.spent, k.id)
}

// token finds a payment token; nil when there is none.
func (t *tx) token(id string) (*heldToken, error) {
	if k, found := t.hot.tokens[id]; found {
		return k, nil
	}
	k, err := tokenOf(t.conn, id)
	if k != nil && err == nil {
		t.hot.tokens[id] = k
	}
	return k, err
}

// A heldMandate is a mandate that was pinned, with what was paid under it.
type heldMandate struct {
	id      int64
	digest  canon.Digest
	spent   int64
	last    int64 // position of its latest payment
	changed bool
}

func (m *heldMandate) write(t *tx) error {
	m.changed = false
	return t.exec("UPDATE mandate_spent SET amount = ?, last = ? WHERE mandate = ?", m.spent, m.last, m.id)
}

// mandate finds a mandate by its key; nil when it is new.
func (t *tx) mandate(k key) (*heldMandate, error) {
	if m, found := t.hot.mandates[k]; found {
		return m, nil
	}
	to, found, err := t.find(k)
	if !found || err != nil {
		return nil, err
	}
	m := &heldMandate{id: to.position()}
	_, err = t.row("SELECT m.digest, s.amount, s.last FROM mandates m JOIN mandate_spent s ON s.mandate = m.id WHERE m.id = ?", []any{m.id},
		func(r *sqlite.Stmt) { m.digest, m.spent, m.last = digest(r, 0), r.ColumnInt64(1), r.ColumnInt64(2) })
	t.hot.mandates[k] = m
	return m, err
}

// A heldPurse is a sub-account with what was paid from it. Its balance is that
// of its account.
type heldPurse struct {
	purse
	changed bool
}

func (p *heldPurse) write(t *tx) error {
	p.changed = false
	return t.exec("UPDATE subaccount_spent SET amount = ? WHERE subaccount = ?", p.Spent, p.id)
}

// purse finds a sub-account; nil when there is none.
func (t *tx) purse(id string) (*heldPurse, error) {
	if p, found := t.hot.purses[id]; found {
		return p, nil
	}
	if err := t.flush(); err != nil { // what is read below is true on the disk only then
		return nil, err
	}
	p, found, err := purseOf(t.conn, id)
	if !found || err != nil {
		return nil, err
	}
	held := &heldPurse{purse: p}
	t.hot.purses[id] = held
	return held, nil
}
