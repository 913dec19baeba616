package cashier

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/processor/internal/page"
	"github.com/actprotocol/act-go/examples/processor/internal/passkey"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Payment is one instant payment, as the provider's book has it.
type Payment struct {
	TradeNo   string
	Principal string // DID of whose account pays
	Agent     string // DID of who asks
	Payee     string // DID
	PayeeName string // as the provider knows the payee; empty when it has no name
	Amount    money.Amount
	Method    string // urn:act:payment:<name>
	Order     string // the merchant's order number
	Expires   time.Time
	State     State
	PaidAt    time.Time     // zero unless Paid, as is Confirmed
	Confirmed string        // how the principal was verified
	Reason    protocol.Code // why it was closed; empty otherwise
}

// A State is what has become of a payment, as far as the cashier needs to know.
type State string

// The states.
const (
	Waiting State = "waiting"
	Paid    State = "paid"
	Closed  State = "closed" // cancelled, refused or too late: nothing was moved
)

// A DeviceKey is the public half of a paired device.
type DeviceKey struct {
	Principal string
	Key       keys.PublicKey
}

// A Book knows payments and devices.
type Book interface {
	// Instant returns an instant payment, or trade_unknown.
	Instant(ctx context.Context, tradeNo string) (Payment, error)
	// DeviceKey returns the key of a device that is paired now, or key_unknown.
	DeviceKey(ctx context.Context, device string) (DeviceKey, error)
}

// A Provider carries out what was decided here. Both answer nil when the
// payment's end is now, or was before, what they were called for.
type Provider interface {
	// Confirm debits. method names how the principal was verified.
	Confirm(ctx context.Context, tradeNo, method string) error
	// Decline ends the payment without money.
	Decline(ctx context.Context, tradeNo string, code protocol.Code) error
}

// Config is what [New] needs; all but Passkeys.
type Config struct {
	Base     string // public https URL below which the cashier is served, without a slash at its end
	PSPID    string // DID of the provider
	Book     Book
	Provider Provider
	Now      func() time.Time

	// Passkeys, when set, lets principals confirm on the page itself.
	Passkeys *passkey.Verifier
}

// A Cashier is an http.Handler for everything below its path. It is safe for
// concurrent use.
type Cashier struct {
	Config
	mux  *http.ServeMux
	path string // of Base
}

// New returns a cashier.
func New(c Config) (*Cashier, error) {
	if !strings.HasPrefix(c.Base, "https://") || strings.HasSuffix(c.Base, "/") || c.PSPID == "" || c.Book == nil || c.Provider == nil || c.Now == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "config", "PSD-PAY-INS-02", "Base (https, no slash at its end), PSPID, Book, Provider and Now are needed")
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(c.Base, "https://"), "/")
	if path != "" {
		path = "/" + path
	}
	k := &Cashier{Config: c, mux: http.NewServeMux()}
	k.mux.HandleFunc("GET "+path+"/{id}", k.show)
	k.mux.HandleFunc("POST "+path+"/{id}/confirm", k.confirm)
	k.mux.HandleFunc("POST "+path+"/{id}/passkey", k.confirmByPasskey)
	k.mux.HandleFunc("POST "+path+"/{id}/cancel", k.cancel)
	k.path = path
	return k, nil
}

// URL is the address of a payment's page.
func (k *Cashier) URL(tradeNo string) string { return k.Base + "/" + tradeNo }

// ServeHTTP serves what the package comment lists.
func (k *Cashier) ServeHTTP(w http.ResponseWriter, r *http.Request) { k.mux.ServeHTTP(w, r) }

func (k *Cashier) terms(p Payment) Terms {
	return Terms{
		PSPID: k.PSPID, TradeNo: p.TradeNo, Amount: p.Amount.String(), Currency: p.Amount.Currency().Code(),
		Payee: p.Payee, Method: p.Method, Expires: canon.FormatTime(p.Expires),
	}
}

// A View is the JSON of a payment's page: the terms, and what helps a person to
// understand them.
type View struct {
	Terms
	State     State  `json:"state"`
	PayeeName string `json:"merchant_name,omitzero"`
	Order     string `json:"merchant_order_id"`
}

func (k *Cashier) view(p Payment) View {
	state := p.State
	if state == Waiting && !k.Now().Before(p.Expires) {
		state = Closed
	}
	return View{k.terms(p), state, p.PayeeName, p.Order}
}

func (k *Cashier) show(w http.ResponseWriter, r *http.Request) {
	p, err := k.Book.Instant(r.Context(), r.PathValue("id"))
	k.answer(w, r, p, err)
}

// act is what a passkey signs for a payment: its terms, like a device.
func (k *Cashier) act(p Payment) passkey.Act {
	return passkey.Act{Kind: kindPasskey, Of: k.terms(p), Principal: p.Principal, Until: p.Expires}
}

// confirmByPasskey takes what the page sends after the principal has used a
// passkey. What does not hold ends nothing.
func (k *Cashier) confirmByPasskey(w http.ResponseWriter, r *http.Request) {
	form, err := page.ReadForm(w, r)
	if err != nil {
		k.answer(w, r, Payment{}, err)
		return
	}
	p, err := k.Book.Instant(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		k.answer(w, r, p, err)
		return
	case k.Passkeys == nil:
		err = protocol.New(protocol.CodeMethodNotAllowed, "", "PSD-PAY-INS-03", "this cashier knows no passkeys")
	case k.view(p).State != Waiting:
		k.again(w, r) // the page says what became of it
		return
	default:
		err = k.agreed(r.Context(), p, form)
	}
	if err != nil {
		k.refused(w, r, p, err)
		return
	}
	k.again(w, r)
}

// agreed verifies the passkey and has the payment made.
func (k *Cashier) agreed(ctx context.Context, p Payment, form url.Values) error {
	key, err := k.Passkeys.Agreed(ctx, k.act(p), form)
	if err != nil {
		return err
	}
	// From here on the browser may go away: the word was given.
	return k.Provider.Confirm(context.WithoutCancel(ctx), p.TradeNo, "passkey:"+key.ID)
}

// again sends the browser to the payment's page, which then shows its state.
func (k *Cashier) again(w http.ResponseWriter, r *http.Request) {
	page.Secure(w.Header())
	http.Redirect(w, r, page.New(r, k.host(), k.pagePath(r.PathValue("id"))).Here(), http.StatusSeeOther)
}

// confirm takes a device's word. What does not hold ends nothing: the payment
// goes on waiting, for a better confirmation or for its end. The key is the one
// that is paired when the word arrives; a removal at the same moment may come
// too late for it.
func (k *Cashier) confirm(w http.ResponseWriter, r *http.Request) {
	p, err := k.confirmed(w, r)
	k.answer(w, r, p, err)
}

func (k *Cashier) confirmed(w http.ResponseWriter, r *http.Request) (Payment, error) {
	body, err := read(w, r)
	if err != nil {
		return Payment{}, err
	}
	c, err := Parse(body)
	if err != nil {
		return Payment{}, err
	}
	p, err := k.Book.Instant(r.Context(), r.PathValue("id"))
	if err != nil {
		return Payment{}, err
	}
	device, err := k.Book.DeviceKey(r.Context(), c.DeviceID)
	if err != nil {
		return Payment{}, err
	}
	if err := c.Verify(device.Key); err != nil {
		return Payment{}, err
	}
	if device.Principal != p.Principal {
		return Payment{}, protocol.New(protocol.CodePrincipalMismatch, "device_id", "PSD-PAY-INS-03", "paired with another principal")
	}
	if c.Terms != k.terms(p) {
		return Payment{}, protocol.New(protocol.CodeOrderMismatch, "confirmation", "PSD-PAY-INS-02", "not the terms of this payment")
	}
	// From here on the device may hang up: the word was given.
	if err := k.Provider.Confirm(context.WithoutCancel(r.Context()), p.TradeNo, "device:"+c.DeviceID); err != nil {
		return Payment{}, err
	}
	return k.Book.Instant(r.Context(), p.TradeNo)
}

func (k *Cashier) cancel(w http.ResponseWriter, r *http.Request) {
	err := page.SameOrigin(r)
	var p Payment
	if err == nil {
		p, err = k.Book.Instant(r.Context(), r.PathValue("id"))
	}
	if err == nil {
		if err = k.Provider.Decline(context.WithoutCancel(r.Context()), p.TradeNo, protocol.CodeConfirmationFailed); err == nil {
			p, err = k.Book.Instant(r.Context(), p.TradeNo)
		}
	}
	if page.Wanted(r) && p.TradeNo != "" && (err == nil || protocol.CodeOf(err) == protocol.CodeStateConflict) {
		k.again(w, r) // cancelled, or paid before: the page says which
		return
	}
	k.answer(w, r, p, err)
}
