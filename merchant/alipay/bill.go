package alipay

import (
	"crypto"
	"crypto/rsa"
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A Bill is the product's Payment-Needed. Signed are Amount, its currency,
// GoodsName, OutTradeNo, PayBefore, ResourceID, SellerID and ServiceID, and
// neither SellerName nor AppID.
type Bill struct {
	OutTradeNo string       // 1 to 64 letters, digits, "_" or "-"
	Amount     money.Amount // of CNY, more than zero
	ResourceID string       // 1 to 256 visible ASCII characters without "&"
	PayBefore  time.Time    // whole seconds
	SellerID   string       // the seller's account: 2088 and 12 digits
	SellerName string       // for people
	AppID      string       // the application whose key signs
	GoodsName  string       // for people, without "&"
	ServiceID  string       // of the service as it was registered
}

// sellerIDKey says that seller_unique_id is a seller_id.
const sellerIDKey = "seller_id"

// china is the time zone of all times that the product writes.
var china = time.FixedZone("", 8*60*60)

type billWire struct {
	Protocol struct {
		OutTradeNo string `json:"out_trade_no"`
		Amount     string `json:"amount"`
		Currency   string `json:"currency"`
		ResourceID string `json:"resource_id"`
		PayBefore  string `json:"pay_before"`
		Signature  string `json:"seller_signature"`
		SignType   string `json:"seller_sign_type"`
		SellerID   string `json:"seller_unique_id"`
	} `json:"protocol"`
	Method struct {
		SellerName  string `json:"seller_name"`
		SellerID    string `json:"seller_id"`
		AppID       string `json:"seller_app_id"`
		GoodsName   string `json:"goods_name"`
		SellerIDKey string `json:"seller_unique_id_key"`
		ServiceID   string `json:"service_id"`
	} `json:"method"`
}

// signedText is what seller_signature covers.
func (w *billWire) signedText() string {
	return signedText(map[string]string{
		"amount": w.Protocol.Amount, "currency": w.Protocol.Currency, "goods_name": w.Method.GoodsName,
		"out_trade_no": w.Protocol.OutTradeNo, "pay_before": w.Protocol.PayBefore, "resource_id": w.Protocol.ResourceID,
		"seller_id": w.Method.SellerID, "service_id": w.Method.ServiceID,
	})
}

// bill reads the members. The signature is not looked at.
func (w *billWire) bill() (Bill, error) {
	r := wire.Reader{Requirement: "PSD-PAY-A402-01"}
	currency := r.Currency("protocol.currency", w.Protocol.Currency)
	b := Bill{
		OutTradeNo: w.Protocol.OutTradeNo, Amount: r.Positive("protocol.amount", w.Protocol.Amount, currency),
		ResourceID: w.Protocol.ResourceID, PayBefore: r.Time("protocol.pay_before", w.Protocol.PayBefore),
		SellerID: w.Method.SellerID, SellerName: w.Method.SellerName, AppID: w.Method.AppID,
		GoodsName: w.Method.GoodsName, ServiceID: w.Method.ServiceID,
	}
	if w.Protocol.Currency != "" && w.Protocol.Currency != "CNY" {
		r.Fail("protocol.currency", protocol.New(protocol.CodeCurrencyMismatch, "", "PSD-PAY-A402-01", "the product knows CNY only"))
	}
	if r.Require("protocol.out_trade_no", b.OutTradeNo) && !isNumber(b.OutTradeNo) {
		r.Invalid("protocol.out_trade_no", "1 to 64 letters, digits, _ or -")
	}
	r.ID("protocol.resource_id", b.ResourceID)
	single(&r, "protocol.resource_id", b.ResourceID)
	checkSeller(&r, b)
	r.Equal("protocol.seller_unique_id", w.Protocol.SellerID, w.Method.SellerID)
	if w.Protocol.SignType != signType {
		r.Fail("protocol.seller_sign_type", protocol.New(protocol.CodeAlgorithmRefused, "", "", "RSA2"))
	}
	if w.Method.SellerIDKey != sellerIDKey {
		r.Invalid("method.seller_unique_id_key", "must be seller_id")
	}
	return b, r.Err()
}

// checkSeller checks what is the same in all bills for a service.
func checkSeller(r *wire.Reader, b Bill) {
	if r.Require("method.seller_id", b.SellerID) && !(len(b.SellerID) == 16 && strings.HasPrefix(b.SellerID, "2088") && digits(b.SellerID)) {
		r.Invalid("method.seller_id", "2088 and 12 digits")
	}
	r.Text("method.seller_name", b.SellerName)
	checkAppID(r, "method.seller_app_id", b.AppID)
	r.Text("method.goods_name", b.GoodsName)
	single(r, "method.goods_name", b.GoodsName)
	r.ID("method.service_id", b.ServiceID)
	single(r, "method.service_id", b.ServiceID)
}

func checkAppID(r *wire.Reader, field, s string) {
	if r.Require(field, s) && (len(s) > 32 || !digits(s)) {
		r.Invalid(field, "at most 32 digits")
	}
}

// single refuses what could be read as two fields of the signed text.
func single(r *wire.Reader, field, s string) {
	if strings.Contains(s, "&") {
		r.Invalid(field, "no & in what is signed")
	}
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// isNumber reports whether s is an out_trade_no that the product takes.
func isNumber(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-") == ""
}

// SignBill checks the bill, signs it with the application's key, an RSA key of
// 2048 bits or more, and returns the value of the header Payment-Needed:
// base64url of JSON.
func SignBill(key crypto.Signer, b Bill) (string, error) {
	var w billWire
	p, m := &w.Protocol, &w.Method
	p.OutTradeNo, p.ResourceID, p.SignType, p.SellerID = b.OutTradeNo, b.ResourceID, signType, b.SellerID
	p.Amount, p.Currency = wire.FormatAmount(b.Amount)
	p.PayBefore = b.PayBefore.In(china).Format("2006-01-02T15:04:05-07:00")
	m.SellerName, m.SellerID, m.AppID, m.GoodsName, m.SellerIDKey, m.ServiceID = b.SellerName, b.SellerID, b.AppID, b.GoodsName, sellerIDKey, b.ServiceID
	if _, err := w.bill(); err != nil {
		return "", err
	}
	if err := checkSigner(key); err != nil {
		return "", err
	}
	var err error
	if p.Signature, err = sign(key, w.signedText()); err != nil {
		return "", err
	}
	data, err := canon.Marshal(&w)
	if err != nil {
		return "", err
	}
	header := canon.EncodeBase64(data)
	if len(header) > payment.MaxHeaderWritten {
		return "", protocol.New(protocol.CodeTooLarge, "", "PSD-PAY-A402-03", "a header over its limit")
	}
	return header, nil
}

// An UnverifiedBill is a bill as it was received. It is good for looking at.
type UnverifiedBill struct {
	Bill Bill
	wire billWire
}

// ParseBill reads the header Payment-Needed and checks the form of everything
// in it. It does not check who signed it, nor that it can still be paid.
// Members that the product may have added are ignored; they are not signed.
func ParseBill(header string) (*UnverifiedBill, error) {
	if len(header) > payment.MaxHeaderRead {
		return nil, protocol.New(protocol.CodeTooLarge, "", "PSD-PAY-A402-03", "at most 8 KiB")
	}
	data, err := canon.DecodeBase64(header)
	if err != nil {
		return nil, err
	}
	var u UnverifiedBill
	if err := canon.DecodeOpen(data, &u.wire); err != nil {
		return nil, err
	}
	if u.Bill, err = u.wire.bill(); err != nil {
		return nil, err
	}
	return &u, nil
}

// Verify checks the signature by the key of the application that the bill
// names, which the caller has looked up, and returns the bill.
func (u *UnverifiedBill) Verify(key *rsa.PublicKey) (Bill, error) {
	if err := checkKey(key); err != nil {
		return Bill{}, err
	}
	if !verified([]*rsa.PublicKey{key}, []byte(u.wire.signedText()), u.wire.Protocol.Signature) {
		return Bill{}, protocol.New(protocol.CodeSignatureInvalid, "protocol.seller_signature", "PSD-PAY-A402-01", "")
	}
	return u.Bill, nil
}

// checkSigner checks that a key can make RSA2 signatures.
func checkSigner(key crypto.Signer) error {
	if key == nil {
		return protocol.New(protocol.CodeFieldMissing, "key", "", "")
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return protocol.New(protocol.CodeAlgorithmRefused, "key", "", "RSA2 needs an RSA key")
	}
	return checkKey(public)
}
