package payment

import (
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Query asks what became of a request, for an agent that has not learned the
// outcome (PSD-PAY-A402-23). It moves no money.
type Query struct {
	RequestID        string // of the query
	Nonce            string
	Timestamp        time.Time
	PSPID            string // DID; the recipient
	BuyerAgentID     string // DID; the signer
	PaymentRequestID string // the RequestID that is asked about
}

type queryWire struct {
	RequestID        string `json:"request_id"`
	Nonce            string `json:"nonce"`
	Timestamp        string `json:"timestamp"`
	PSPID            string `json:"psp_id"`
	BuyerAgentID     string `json:"buyer_agent_id"`
	PaymentRequestID string `json:"payment_request_id"`
}

func (q Query) wire() queryWire {
	return queryWire{q.RequestID, q.Nonce, wire.FormatTime(q.Timestamp), q.PSPID, q.BuyerAgentID, q.PaymentRequestID}
}

func (w queryWire) value() (Query, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-23"}
	r.ID("request_id", w.RequestID)
	r.Nonce("nonce", w.Nonce)
	at := r.Time("timestamp", w.Timestamp)
	r.DID("psp_id", w.PSPID)
	r.DID("buyer_agent_id", w.BuyerAgentID)
	r.ID("payment_request_id", w.PaymentRequestID)
	if err := r.Err(); err != nil {
		return Query{}, err
	}
	return Query{w.RequestID, w.Nonce, at, w.PSPID, w.BuyerAgentID, w.PaymentRequestID}, nil
}

// SignQuery checks a query and returns it as a signed message, by the agent's
// key for agent requests.
func SignQuery(s *keys.Signer, q Query) ([]byte, error) {
	return sign[Query](s, keys.AgentRequest, keys.KindPaymentQuery, "buyer_agent_id", q.BuyerAgentID, q.wire())
}

// An UnverifiedQuery has the right form; nothing is known of its origin.
type UnverifiedQuery struct {
	Query Query
	envelope
}

// ParseQuery reads a query: form, and that the key id is the buyer's.
func ParseQuery(data []byte) (*UnverifiedQuery, error) {
	v, e, err := parse[Query, queryWire](data, keys.KindPaymentQuery, func(q Query) string { return q.BuyerAgentID })
	if err != nil {
		return nil, err
	}
	return &UnverifiedQuery{v, e}, nil
}
