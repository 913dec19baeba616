package alipay

import (
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/money"
)

// The published addresses of the gateway.
const (
	ProductionGateway = "https://openapi.alipay.com/gateway.do"
	SandboxGateway    = "https://openapi-sandbox.dl.alipaydev.com/gateway.do" // no real money
)

// The two methods of the gateway that a seller needs.
const (
	methodVerify  = "alipay.aipay.agent.payment.verify"
	methodConfirm = "alipay.aipay.agent.fulfillment.confirm"
)

const (
	defaultTimeout = 10 * time.Second
	maxAnswer      = canon.DefaultMaxBytes
)

// GatewayConfig is what a Gateway needs. All members but Timeout, Now and
// InsecureAllowLoopback are required.
type GatewayConfig struct {
	// URL is ProductionGateway or SandboxGateway, or where a double listens.
	URL string
	// AppID is the application as it is registered, digits only.
	AppID string
	// Key is the application's private key, RSA of 2048 to 4096 bits. It also
	// signs bills.
	Key crypto.Signer
	// AlipayKeys are Alipay's public keys, not the application's: an answer
	// counts when one of them has signed it. Have the new and the old one here
	// while keys are rotated, and take the old one out afterwards. The sandbox
	// has another key than production; do not mix them.
	AlipayKeys []*rsa.PublicKey
	// HTTP carries the requests. Its Timeout is not used, redirects are not
	// followed. A Transport with MaxConnsPerHost bounds how many calls run at a
	// time, which strangers with proofs that are none can cause.
	HTTP *http.Client

	Timeout time.Duration    // of one call; 10 seconds
	Now     func() time.Time // nil means time.Now

	// InsecureAllowLoopback allows a URL without TLS at localhost, 127.0.0.1 or
	// [::1]. What goes there are proofs that anybody could use.
	InsecureAllowLoopback bool
}

// A Gateway is the client of Alipay's open platform for one application. It is
// safe for concurrent use. It sends nothing twice by itself.
type Gateway struct {
	config GatewayConfig
	http   http.Client
}

// NewGateway checks the configuration and returns a Gateway. It does not
// connect.
func NewGateway(c GatewayConfig) (*Gateway, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !c.secure(u) {
		return nil, protocol.New(protocol.CodeFieldInvalid, "url", "PSD-PAY-A402-17", "an https URL without query")
	}
	r := wire.Reader{Requirement: "PSD-PAY-A402-17"}
	checkAppID(&r, "app_id", c.AppID)
	r.Fail("key", checkSigner(c.Key))
	if len(c.AlipayKeys) == 0 {
		r.Require("alipay_keys", "")
	}
	for _, key := range c.AlipayKeys {
		r.Fail("alipay_keys", checkKey(key))
	}
	if c.HTTP == nil {
		r.Require("http", "")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	own := c.Key.Public().(*rsa.PublicKey)
	if slices.ContainsFunc(c.AlipayKeys, func(k *rsa.PublicKey) bool { return k.Equal(own) }) {
		return nil, protocol.New(protocol.CodeKeyPurpose, "alipay_keys", "ADD-IAC-ISS-12", "the application's own public key in place of Alipay's")
	}
	c.AlipayKeys = slices.Clone(c.AlipayKeys)
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Gateway{config: c, http: http.Client{
		Transport:     c.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (c *GatewayConfig) secure(u *url.URL) bool {
	if u.Scheme == "https" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && c.InsecureAllowLoopback && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// Format writes the application whatever the verb, so that no private key is
// printed by a careless %+v.
func (g *Gateway) Format(f fmt.State, _ rune) {
	if g == nil {
		fmt.Fprint(f, "no gateway")
		return
	}
	fmt.Fprintf(f, "gateway for application %s", g.config.AppID)
}

// Format is as Gateway.Format.
func (c GatewayConfig) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "configuration of a gateway for application %s", c.AppID)
}

// AppID is the application that the Gateway calls for.
func (g *Gateway) AppID() string { return g.config.AppID }

// Facts are what Alipay says of a payment.
type Facts struct {
	// Active: the proof stands. Without it nothing may be delivered for it.
	Active     bool
	Amount     money.Amount // CNY
	OutTradeNo string       // of the bill
	TradeNo    string       // equal to the proof's
	ResourceID string       // of the bill
}

type verifyRequest struct {
	PaymentProof  string `json:"payment_proof"`
	TradeNo       string `json:"trade_no"`
	ClientSession string `json:"client_session,omitzero"`
}

type verifyAnswer struct {
	Active     flag   `json:"active"`
	Amount     string `json:"amount"`
	OutTradeNo string `json:"out_trade_no"`
	TradeNo    string `json:"trade_no"`
	ResourceID string `json:"resource_id"`
}

// Verify asks what a proof is worth. A nil error means that Alipay has signed
// these facts; the caller compares all of them with its bill. proof_invalid and
// proof_mismatch mean that Alipay refuses the proof for good; every other error
// is undetermined. Verify may be repeated.
func (g *Gateway) Verify(ctx context.Context, p Proof) (Facts, error) {
	var a verifyAnswer
	if err := g.call(ctx, methodVerify, verifyRequest(p), &a, verifyRefusals); err != nil {
		return Facts{}, err
	}
	amount, err := money.Parse(a.Amount, yuan)
	if err != nil || a.Active == flagAbsent || canon.CheckID(a.OutTradeNo) != nil || canon.CheckID(a.ResourceID) != nil || canon.CheckID(a.TradeNo) != nil {
		return Facts{}, notUnderstood("a fact of the payment is missing", err)
	}
	if a.TradeNo != p.TradeNo {
		return Facts{}, protocol.New(protocol.CodeProofMismatch, "trade_no", "PSD-PAY-A402-08", "the gateway speaks of another trade than the proof")
	}
	return Facts{
		Active: a.Active == flagTrue, Amount: amount, OutTradeNo: a.OutTradeNo, TradeNo: a.TradeNo, ResourceID: a.ResourceID,
	}, nil
}

// yuan is the one currency of the product.
var yuan = money.MustParse("0.00", "CNY").Currency()

type confirmAnswer struct {
	TradeNo string `json:"trade_no,omitzero"`
}

// Confirm says that what a trade paid for has been delivered. It may be
// repeated. trade_unknown, state_conflict and actor_refused mean that Alipay
// will not accept it; every other error is undetermined.
func (g *Gateway) Confirm(ctx context.Context, tradeNo string) error {
	r := wire.Reader{Requirement: "PSD-PAY-A402-10"}
	visible(&r, "trade_no", tradeNo, maxTradeNo)
	if err := r.Err(); err != nil {
		return err
	}
	var a confirmAnswer
	if err := g.call(ctx, methodConfirm, map[string]string{"trade_no": tradeNo}, &a, confirmRefusals); err != nil {
		return err
	}
	// The answer repeats the trade, and is not required to.
	if a.TradeNo != "" && a.TradeNo != tradeNo {
		return notUnderstood("a confirmation of another trade", nil)
	}
	return nil
}

// call makes one call. An answer that does not come, or that Alipay has not
// verifiably given, is service_unavailable.
func (g *Gateway) call(ctx context.Context, method string, content, answer any, refusals map[string]refusal) error {
	form, err := g.form(method, content)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, g.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.config.URL, strings.NewReader(form))
	if err != nil {
		return notUnderstood("the gateway's URL cannot be called", err)
	}
	// Without GetBody the transport cannot send the request a second time.
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	response, err := g.http.Do(request)
	if err != nil {
		return notUnderstood("the gateway did not answer", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return notUnderstood("an answer that was cut off, or is too large", err)
	}
	if response.StatusCode != http.StatusOK {
		return notUnderstood("not a status of the gateway's answers", nil)
	}
	if _, params, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err == nil {
		if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
			return notUnderstood("an answer in another charset than it was asked for", nil)
		}
	}
	return readAnswer(body, method, g.config.AlipayKeys, answer, refusals)
}

// form is the body of a call: the common parameters, the content as JSON, and
// the signature over all of them.
func (g *Gateway) form(method string, content any) (string, error) {
	data, err := canon.Marshal(content)
	if err != nil {
		return "", err
	}
	fields := map[string]string{
		"app_id": g.config.AppID, "method": method, "format": "JSON", "charset": "utf-8", "sign_type": signType,
		"timestamp": g.config.Now().In(china).Format(time.DateTime), "version": "1.0", "biz_content": string(data),
	}
	signature, err := sign(g.config.Key, signedText(fields))
	if err != nil {
		return "", err
	}
	values := url.Values{"sign": {signature}}
	for name, value := range fields {
		values.Set(name, value)
	}
	return values.Encode(), nil
}

// notUnderstood is the error for everything that is neither a yes nor a no of
// Alipay's (PSD-PAY-A402-23).
func notUnderstood(detail string, cause error) error {
	return protocol.Wrap(protocol.CodeServiceUnavailable, "", "PSD-PAY-A402-23", detail, cause)
}
