package alipay

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Proof is the product's Payment-Proof. Whoever holds it can present it:
// keep it out of logs. It prints as nothing.
type Proof struct {
	PaymentProof  string
	TradeNo       string // Alipay's number of the trade
	ClientSession string // the buyer's session; may be empty
}

// The longest members of a proof.
const (
	maxProof   = 4096
	maxSession = 1024
	maxTradeNo = 64
)

type proofWire struct {
	Protocol struct {
		PaymentProof string `json:"payment_proof"`
		TradeNo      string `json:"trade_no"`
	} `json:"protocol"`
	Method struct {
		ClientSession *string `json:"client_session,omitzero"`
	} `json:"method"`
}

// ParseProof reads the header Payment-Proof: standard base64, as the product
// writes it, or base64url, as A402 does, of JSON; padding may be left out, and
// unused bits are zero. The two alphabets are not mixed. Further members are
// ignored. Nothing in a proof can be verified by reading it.
func ParseProof(header string) (Proof, error) {
	at := func(err error) (Proof, error) {
		e := *protocol.AsError(err)
		e.Requirement = "PSD-PAY-A402-07"
		return Proof{}, &e
	}
	if len(header) > payment.MaxHeaderRead {
		return at(protocol.New(protocol.CodeTooLarge, "", "", "at most 8 KiB"))
	}
	data, ok := decodeEither(header)
	if !ok {
		return at(protocol.New(protocol.CodeMalformed, "", "", "neither base64 nor base64url"))
	}
	var w proofWire
	if err := canon.DecodeOpen(data, &w); err != nil {
		return at(err)
	}
	r := wire.Reader{Requirement: "PSD-PAY-A402-07"}
	p := Proof{PaymentProof: w.Protocol.PaymentProof, TradeNo: w.Protocol.TradeNo}
	visible(&r, "protocol.payment_proof", p.PaymentProof, maxProof)
	visible(&r, "protocol.trade_no", p.TradeNo, maxTradeNo)
	if s := w.Method.ClientSession; s != nil {
		p.ClientSession = *s
		visible(&r, "method.client_session", p.ClientSession, maxSession)
	}
	if err := r.Err(); err != nil {
		return Proof{}, err
	}
	return p, nil
}

// EncodeHeader writes the header Payment-Proof as the product does.
func (p Proof) EncodeHeader() (string, error) {
	var w proofWire
	w.Protocol.PaymentProof, w.Protocol.TradeNo, w.Method.ClientSession = p.PaymentProof, p.TradeNo, wire.Optional(p.ClientSession)
	data, err := canon.Marshal(&w)
	if err != nil {
		return "", err
	}
	header := base64.StdEncoding.EncodeToString(data)
	if _, err := ParseProof(header); err != nil {
		return "", err
	}
	return header, nil
}

// Format writes the same whatever the verb, so that no proof is printed by a
// careless %+v.
func (p Proof) Format(f fmt.State, _ rune) { fmt.Fprint(f, "payment proof") }

// decodeEither reads base64 of either alphabet.
func decodeEither(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") { // package base64 would skip them
		return nil, false
	}
	encoding := base64.StdEncoding
	if strings.ContainsAny(s, "-_") {
		encoding = base64.URLEncoding
	}
	if !strings.HasSuffix(s, "=") {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	data, err := encoding.Strict().DecodeString(s)
	return data, err == nil
}

// visible reads required text of at most limit visible ASCII characters.
func visible(r *wire.Reader, field, s string, limit int) {
	if !r.Require(field, s) {
		return
	}
	bad := strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
	if len(s) > limit || bad {
		r.Invalid(field, "visible ASCII characters, not too many")
	}
}
