package alipaytest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
)

// node is the value of <method>_response.
type node struct {
	Code       string `json:"code"`
	Msg        string `json:"msg"`
	SubCode    string `json:"sub_code,omitzero"`
	SubMsg     string `json:"sub_msg,omitzero"`
	Active     *bool  `json:"active,omitzero"`
	Amount     string `json:"amount,omitzero"`
	OutTradeNo string `json:"out_trade_no,omitzero"`
	TradeNo    string `json:"trade_no,omitzero"`
	ResourceID string `json:"resource_id,omitzero"`
}

func fault(code, msg, sub string) node {
	return node{Code: code, Msg: msg, SubCode: sub, SubMsg: "the double refuses"}
}

func business(sub string) node { return fault("40004", "Business Failed", sub) }

// timeTolerance is how far the time of a call may be off.
const timeTolerance = 10 * time.Minute

var china = time.FixedZone("", 8*60*60)

// serve answers one call.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, canon.DefaultMaxBytes)
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
		http.Error(w, "not a form", http.StatusBadRequest)
		return
	}
	a := Answer{Method: r.PostForm.Get("method"), Status: http.StatusOK, ContentType: "text/html;charset=utf-8"}
	g.mu.Lock()
	n, known := g.answer(r.PostForm)
	change := g.misbehave
	g.mu.Unlock()
	data, err := canon.Marshal(n)
	if err != nil {
		http.Error(w, "no answer", http.StatusInternalServerError)
		return
	}
	if known {
		a.Node, a.Signature = data, g.Sign(data)
	} else { // an error of the gateway itself has no method to answer for, and no signature
		a.Body = []byte(`{"error_response":` + string(data) + `}`)
	}
	if change != nil {
		change(&a)
	}
	wait(r.Context(), a.Delay)
	if a.Cut {
		panic(http.ErrAbortHandler)
	}
	if a.Resign {
		a.Signature = g.Sign(a.Node)
	}
	w.Header().Set("Content-Type", a.ContentType)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.bytes())
}

// bytes is the body of an answer.
func (a Answer) bytes() []byte {
	if a.Body != nil {
		return a.Body
	}
	var members []string
	if a.Node != nil {
		members = append(members, `"`+strings.ReplaceAll(a.Method, ".", "_")+`_response":`+string(a.Node))
	}
	if a.Signature != "" {
		members = append(members, `"sign":"`+a.Signature+`"`)
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

// answer carries out a call. known is false when the gateway itself refuses it.
func (g *Gateway) answer(form url.Values) (n node, known bool) {
	for _, values := range form {
		if len(values) != 1 {
			return fault("40002", "Invalid Arguments", "isv.invalid-parameter"), false
		}
	}
	a, ok := g.apps[form.Get("app_id")]
	if !ok {
		return fault("40002", "Invalid Arguments", "isv.invalid-app-id"), false
	}
	if sub := wrongForm(form, a.key, g.now()); sub != "" {
		return fault("40002", "Invalid Arguments", sub), true
	}
	method, content := form.Get("method"), []byte(form.Get("biz_content"))
	g.calls[method]++
	switch method {
	case "alipay.aipay.agent.payment.verify":
		return g.verify(form.Get("app_id"), content), true
	case "alipay.aipay.agent.fulfillment.confirm":
		return g.confirm(form.Get("app_id"), content), true
	}
	return fault("40002", "Invalid Arguments", "isv.invalid-method"), false
}

// wrongForm checks the common parameters and the signature of a call.
func wrongForm(form url.Values, key *rsa.PublicKey, now time.Time) (sub string) {
	at, err := time.ParseInLocation(time.DateTime, form.Get("timestamp"), china)
	switch {
	case err != nil || at.Sub(now).Abs() > timeTolerance:
		return "isv.invalid-timestamp"
	case !strings.EqualFold(form.Get("format"), "json"):
		return "isv.invalid-format"
	case !strings.EqualFold(form.Get("charset"), "utf-8"):
		return "isv.invalid-charset"
	case form.Get("sign_type") != "RSA2":
		return "isv.invalid-signature-type"
	case form.Get("version") != "1.0":
		return "isv.invalid-version"
	}
	var fields []string
	for name, values := range form {
		if name != "sign" && values[0] != "" {
			fields = append(fields, name+"="+values[0])
		}
	}
	// Of names of which one begins another, = decides as the end of the name
	// does: it sorts before letters and _.
	slices.Sort(fields)
	digest := sha256.Sum256([]byte(strings.Join(fields, "&")))
	signature, err := base64.StdEncoding.DecodeString(form.Get("sign"))
	if err != nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil {
		return "isv.invalid-signature"
	}
	return ""
}

func (g *Gateway) verify(appID string, content []byte) node {
	var q struct {
		PaymentProof  string `json:"payment_proof"`
		TradeNo       string `json:"trade_no"`
		ClientSession string `json:"client_session,omitzero"`
	}
	if canon.DecodeOpen(content, &q) != nil {
		return business("INVALID_PARAMETER")
	}
	t := g.trades[q.TradeNo]
	switch {
	case q.PaymentProof == "":
		return business("PAYMENT_PROOF_EMPTY")
	case q.TradeNo == "":
		return business("TRADE_NO_EMPTY")
	case q.ClientSession == "":
		return business("CLIENT_SESSION_IS_EMPTY")
	case t == nil || t.app != appID:
		return business("TRADE_NOT_FOUND")
	case q.PaymentProof != t.proof.PaymentProof:
		for _, other := range g.trades {
			if other.proof.PaymentProof == q.PaymentProof {
				return business("PAYMENT_PROOF_TRADE_NO_MISMATCH")
			}
		}
		return business("PAYMENT_PROOF_INVALID")
	case q.ClientSession != t.proof.ClientSession:
		return business("PAYMENT_PROOF_AGENT_MISMATCH")
	}
	active := t.active
	return node{
		Code: "10000", Msg: "Success", Active: &active, Amount: t.bill.Amount.String(),
		OutTradeNo: t.bill.OutTradeNo, TradeNo: q.TradeNo, ResourceID: t.bill.ResourceID,
	}
}

func (g *Gateway) confirm(appID string, content []byte) node {
	var q struct {
		TradeNo string `json:"trade_no"`
	}
	if canon.DecodeOpen(content, &q) != nil {
		return business("INVALID_PARAMETER")
	}
	t := g.trades[q.TradeNo]
	switch {
	case q.TradeNo == "":
		return business("TRADE_NO_EMPTY")
	case t == nil:
		return business("TRADE_NOT_FOUND")
	case t.app != appID:
		return business("SELLER_IDENTITY_MISMATCH")
	}
	t.confirmed++
	return node{Code: "10000", Msg: "Success", TradeNo: q.TradeNo}
}
