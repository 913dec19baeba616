package server

import (
	"context"
	"net/http"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// PairDevice pairs a device with a principal, by its Ed25519 key, and returns
// the id under which it confirms payments at the cashier. Whoever calls it has
// identified the principal, and seen that the key is that device's
// (PSD-PAY-INS-03).
func (s *Server) PairDevice(ctx context.Context, principal string, key keys.PublicKey) (string, error) {
	if err := checkDID("principal", principal); err != nil {
		return "", err
	}
	if key.Algorithm() != keys.EdDSA {
		return "", protocol.New(protocol.CodeAlgorithmRefused, "key", "PSD-PAY-INS-03", "a device has an Ed25519 key")
	}
	d := book.Device{ID: "dev-" + canon.Nonce(), Principal: principal, Key: key}
	return d.ID, s.ledger.PairDevice(ctx, d)
}

// Cashier is the address below which devices confirm, without a slash at its
// end. A device is told when it is paired, and takes no other from anybody.
func (s *Server) Cashier() string { return s.cashier.Base }

// RemoveDevice ends a pairing for ever.
func (s *Server) RemoveDevice(ctx context.Context, id string) error {
	return s.ledger.RemoveDevice(ctx, id)
}

type deviceForm struct {
	Principal string         `json:"principal"`
	Key       keys.PublicKey `json:"key"` // JWK
}

func (s *Server) adminPair(ctx context.Context, f deviceForm) (any, error) {
	id, err := s.PairDevice(ctx, f.Principal, f.Key)
	return struct {
		ID      string `json:"device_id"`
		Cashier string `json:"cashier"`
	}{id, s.Cashier()}, err
}

type removalForm struct {
	ID string `json:"device_id"`
}

func (s *Server) adminRemoveDevice(ctx context.Context, f removalForm) (any, error) {
	return done{true}, s.RemoveDevice(ctx, f.ID)
}

type deviceView struct {
	ID        string `json:"device_id"`
	Principal string `json:"principal"`
	Key       string `json:"key_thumbprint"`
	Removed   bool   `json:"removed"`
	PairedAt  string `json:"paired_at"`
}

func (s *Server) adminDevices(r *http.Request, _ []byte) (any, error) {
	devices, err := s.ledger.Devices(r.Context())
	if err != nil {
		return nil, err
	}
	out := []deviceView{}
	for _, d := range devices[:min(len(devices), page)] {
		out = append(out, deviceView{d.ID, d.Principal, d.Key.Thumbprint(), d.Removed, canon.FormatTime(d.PairedAt)})
	}
	return struct {
		Devices []deviceView `json:"devices"`
	}{out}, nil
}

type instantView struct {
	TradeNo   string        `json:"trade_no"`
	State     payment.State `json:"trade_state"`
	Principal string        `json:"principal"`
	Agent     string        `json:"agent"`
	Payee     string        `json:"merchant_id"`
	Order     string        `json:"merchant_order_id"`
	Amount    string        `json:"amount"`
	Currency  string        `json:"currency"`
	BegunAt   string        `json:"begun_at"`
	Expires   string        `json:"expires_at"`
	Method    string        `json:"confirmation_method,omitzero"`
	At        string        `json:"confirmed_at,omitzero"`
	Reason    protocol.Code `json:"closed_by,omitzero"`
}

// instants bounds the list of instant payments, of which there may be many.
const instants = 200

func (s *Server) adminInstants(r *http.Request, _ []byte) (any, error) {
	list, err := s.ledger.Instants(r.Context(), instants)
	if err != nil {
		return nil, err
	}
	out := []instantView{}
	for _, i := range list {
		v := instantView{
			TradeNo: i.No, State: i.State, Principal: i.Principal, Agent: i.Agent, Payee: i.Payee, Order: i.Order,
			Amount: signed(i.Amount, i.Currency), Currency: i.Currency, BegunAt: canon.FormatTime(i.BegunAt), Expires: canon.FormatTime(i.Expires), Reason: i.Reason,
		}
		if i.Confirmation.Method != "" {
			v.Method, v.At = i.Confirmation.Method, canon.FormatTime(i.Confirmation.At)
		}
		out = append(out, v)
	}
	return struct {
		Instants []instantView `json:"instants"`
	}{out}, nil
}

type declineForm struct {
	TradeNo string        `json:"trade_no"`
	Code    protocol.Code `json:"code"` // risk_refused, execution_failed or confirmation_failed
}

func (s *Server) adminDecline(ctx context.Context, f declineForm) (any, error) {
	return done{true}, s.provider.Decline(ctx, f.TradeNo, f.Code)
}
