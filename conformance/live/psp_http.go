package live

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
)

// pspHTTPChecks are about the form of requests and answers.
func pspHTTPChecks() []Check {
	raw := func(id, title string, code protocol.Code, body func(p *probe, good []byte) []byte) Check {
		return must("psp/http/"+id, "PSD-PAY-DEL-02", title, refused(code), func(p *probe) conformance.Answer {
			b := p.purchase(p.payer(), "18.00")
			a, _ := p.result(b, p.pspPost("/payments", body(p, p.transmit(b))))
			return a
		})
	}
	return []Check{
		raw("001", "A body of more than 64 KiB is refused.", protocol.CodeTooLarge, func(_ *probe, good []byte) []byte {
			return append(good, bytes.Repeat([]byte(" "), 65536)...)
		}),
		raw("002", "A body that is no JSON is refused.", protocol.CodeMalformed, func(*probe, []byte) []byte { return []byte("amount=18.00") }),
		raw("003", "An empty body is refused.", protocol.CodeMalformed, func(*probe, []byte) []byte { return []byte{} }),
		raw("004", "A member that stands twice is refused, whatever its values are.", protocol.CodeMalformed, func(_ *probe, good []byte) []byte {
			return append([]byte(`{"amount":"17.00",`), good[1:]...)
		}),
		raw("005", "Text after the message is refused.", protocol.CodeMalformed, func(_ *probe, good []byte) []byte { return append(good, "{}"...) }),
		raw("006", "An array in the place of a message is refused.", protocol.CodeFieldInvalid, func(_ *probe, good []byte) []byte {
			return append(append([]byte("["), good...), ']')
		}),
		raw("007", "A body that is not UTF-8 is refused.", protocol.CodeMalformed, func(_ *probe, good []byte) []byte {
			return bytes.Replace(good, []byte("DEL"), []byte("D\xffL"), 1)
		}),
		must("psp/http/008", "PSD-PAY-DEL-03", "White space and order of members in transit mean nothing.", accepted(), func(p *probe) conformance.Answer {
			b := p.purchase(p.payer(), "18.00")
			body := p.transmit(b)
			text := strings.Replace(string(body), `"amount":"18.00",`, "", 1)
			text = "\n" + strings.TrimSuffix(text, "}") + " ,\t\"amount\" : \"18.00\" }\n"
			a, _ := p.result(b, p.pspPost("/payments", []byte(text)))
			return a
		}),
		must("psp/http/009", "PSD-PAY-A402-12", "A refusal has the status, the outcome and the category of its code, as JSON that is not stored.",
			observed("status", "401", "outcome", "denied", "category", "SIGNATURE_VALIDATION", "type", "application/json", "cache", "no-store"), refusalForm),
		must("psp/http/010", "PSD-PAY-A402-12", "An undetermined answer is 503 and says when to come again.",
			observed("status", "503", "outcome", "undetermined", "retry_after", "yes"), func(p *probe) conformance.Answer {
				y := p.payer()
				y.list.setDown(true)
				r := p.pspPost("/payments", p.transmit(p.purchase(y, "18.00")))
				e, err := r.refusal()
				p.fault("the answer", err)
				return observed("status", fmt.Sprint(r.status), "outcome", e.Outcome.String(), "retry_after", yes(r.header.Get("Retry-After") != ""))
			}),
		must("psp/http/011", "PSD-PAY-DEL-11 PSD-PAY-A402-12", "Refusals of delegated payment are told apart: a limit is 403, money 402, an order that was paid 409.",
			observed("single_limit_exceeded", "403", "balance_insufficient", "402", "order_paid", "409"), toldApart),
		must("psp/http/012", "PSD-PAY-DEL-13", "A result is JSON that is not stored by anybody in between.", observed("type", "application/json", "cache", "no-store"), func(p *probe) conformance.Answer {
			b := p.purchase(p.payer(), "18.00")
			r := p.pspPost("/payments", p.transmit(b))
			a, _ := p.result(b, r)
			p.expect("the payment", a)
			return observed("type", mediaType(r), "cache", r.header.Get("Cache-Control"))
		}),
		must("psp/http/013", "PSD-PAY-DEL-02", "A payment is POSTed: a GET of the address is 405.", observed("status", "405"), func(p *probe) conformance.Answer {
			return observed("status", fmt.Sprint(p.reached(p.get(p.scenario.PSP.Endpoint+"/payments")).status))
		}),
		must("psp/http/014", "PSD-PAY-DEL-02", "The content type of a request is not judged.", accepted(), func(p *probe) conformance.Answer {
			b := p.purchase(p.payer(), "18.00")
			r := p.request(http.MethodPost, p.scenario.PSP.Endpoint+"/payments")
			r.Header.Set("Content-Type", "text/plain")
			a, _ := p.result(b, p.send(r, p.transmit(b)))
			return a
		}),
		must("psp/http/015", "PSD-PMT-BND-01", "No refusal repeats the payment token or the mandate.", observed("repeated", "no"), func(p *probe) conformance.Answer {
			y := p.payerWith("1.00")
			b := p.purchase(y, "18.00")
			r := p.reached(p.pspPost("/payments", p.transmit(b)))
			return observed("repeated", yes(bytes.Contains(r.body, []byte(y.token)) || bytes.Contains(r.body, []byte(y.iac))))
		}),
		must("psp/http/016", "IDN-02 PSD-PAY-A402-08", "The provider's document has a key of purpose proof.", accepted(), func(p *probe) conformance.Answer {
			d, err := p.document(p.ctx, p.scenario.PSP.ID)
			p.fault("the provider's DID document", err)
			for _, k := range d.Keys {
				if k.Purpose == keys.Proof {
					return accepted()
				}
			}
			return refused(protocol.CodeKeyUnknown)
		}),
	}
}

// reached ends the check when there was no answer.
func (p *probe) reached(r reply) reply {
	p.fault("asking the server under test", r.err)
	return r
}

func mediaType(r reply) string {
	t, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

func refusalForm(p *probe) conformance.Answer {
	b := p.purchase(p.payer(), "18.00")
	body := p.transmit(b)
	body = bytes.Replace(body, []byte(`"amount":"18.00"`), []byte(`"amount":"17.00"`), 1)
	r := p.pspPost("/payments", body)
	e, err := r.refusal()
	p.fault("the answer", err)
	category := ""
	if e.A402 != nil {
		category = string(e.A402.Category)
	}
	return observed("status", fmt.Sprint(r.status), "outcome", e.Outcome.String(), "category", category, "type", mediaType(r), "cache", r.header.Get("Cache-Control"))
}

func toldApart(p *probe) conformance.Answer {
	var out []string
	note := func(b *purchase) {
		r := p.pspPost("/payments", p.transmit(b))
		e, err := r.refusal()
		p.fault("the answer", err)
		out = append(out, string(e.Code), fmt.Sprint(r.status))
	}
	y := p.payerWith("20.00")
	p.grant(y, func(c *delegation.Claims) { c.Authorization.Ext.Commerce.MaxSingleAmount = "1" })
	note(p.purchase(y, "18.00"))
	p.grant(y, nil)
	note(p.purchase(y, "20.01"))
	paid := p.purchase(y, "18.00")
	p.paid("a payment", paid)
	note(p.sameOrder(paid))
	return observed(out...)
}

// A hook is an address of the site at which the provider tells the suite's
// merchant what happens to its trades (SPEC.md 6.14).
type hook struct {
	told chan []byte
}

// ServeHTTP takes a notification and acknowledges it.
func (h *hook) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, canon.DefaultMaxBytes))
	if err != nil || r.Method != http.MethodPost {
		http.Error(out, "", http.StatusBadRequest)
		return
	}
	select {
	case h.told <- body:
		out.WriteHeader(http.StatusNoContent)
	default:
		http.Error(out, "", http.StatusServiceUnavailable)
	}
}

// told waits for the next notification.
func (p *probe) told(h *hook) *payment.Notification {
	select {
	case body := <-h.told:
		p.keep(false, []byte("POST to the suite's merchant\r\n\r\n"), body)
		u, err := payment.ParseNotification(body)
		p.fault("the notification", err)
		p.fault("the signature of the notification", p.believe(u, time.Now()))
		return &u.Notification
	case <-time.After(15 * time.Second):
		p.fault("waiting for a notification", fmt.Errorf("none came within 15 seconds"))
	case <-p.ctx.Done():
		p.fault("waiting for a notification", p.ctx.Err())
	}
	return nil
}

// listening is a merchant who is told of its trades.
func (p *probe) listening() (*party, *hook) {
	h := &hook{told: make(chan []byte, 64)}
	m := p.anotherMerchant()
	path := fmt.Sprintf("/hooks/%s-%d", p.run, p.number())
	p.serve(path, h)
	p.act("receive_notifications", "merchant", m.did, "url", p.url(path))
	return m, h
}

// pspNotificationChecks are about what a merchant is told, where that is
// offered.
func pspNotificationChecks() []Check {
	return []Check{
		should("psp/notification/001", "PSD-PAY-INS-06 PSD-PAY-DEL-13", "A merchant is told of a payment, signed and in the order of events.",
			observed("event", "PAYMENT_COMPLETED", "sequence", "1", "amount", "18.00", "trade", "yes"), func(p *probe) conformance.Answer {
				m, h := p.listening()
				b := p.purchaseFrom(p.payer(), m, "18.00")
				r := p.paid("the payment", b)
				n := p.told(h)
				return observed("event", string(n.Event), "sequence", fmt.Sprint(n.Sequence), "amount", n.Amount.String(), "trade", yes(n.TradeNo == r.TradeNo))
			}),
		should("psp/notification/002", "PSD-PAY-INS-06", "A merchant is told of a refund, after the payment.",
			observed("first", "PAYMENT_COMPLETED 1", "second", "PAYMENT_REFUNDED 2", "refunded", "5.00"), func(p *probe) conformance.Answer {
				m, h := p.listening()
				b := p.purchaseFrom(p.payer(), m, "18.00")
				r := p.paid("the payment", b)
				a, _ := p.refund(b, r, canon.UUID(), "5.00")
				p.expect("the refund", a)
				one, two := p.told(h), p.told(h)
				return observed("first", fmt.Sprint(one.Event, " ", one.Sequence), "second", fmt.Sprint(two.Event, " ", two.Sequence), "refunded", two.RefundedTotal.String())
			}),
	}
}
