package ledger

import "github.com/actprotocol/act-go/provider"

// move records a step of a trade.
func (t *tx) move(trade *trade, m provider.Move) error {
	return t.exec("INSERT INTO trade_moves (trade, seq, event, state, at) VALUES (?, (SELECT count(*) FROM trade_moves WHERE trade = ?), ?, ?, ?)",
		trade.id, trade.id, string(m.Event), string(m.State), m.At.Unix())
}
