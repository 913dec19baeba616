package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"runtime"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A probe is one check on its way: it sends, keeps what passed, and may end the
// check from any depth, as a testing.T does.
type probe struct {
	*world
	ctx    context.Context
	answer conformance.Answer // written by the goroutine of the check alone

	mu       sync.Mutex
	exchange []conformance.Exchange
}

// skip ends the check: the scenario does not support it.
func (p *probe) skip(reason string) {
	p.answer = conformance.Answer{Outcome: conformance.Skipped, Reason: reason}
	runtime.Goexit()
}

// fault ends the check: nothing can be judged.
func (p *probe) fault(doing string, err error) {
	if err == nil {
		return
	}
	p.answer = conformance.Answer{Outcome: conformance.Error, Message: doing + ": " + err.Error()}
	runtime.Goexit()
}

// expect ends the check with an error when a step before the judged one was not
// accepted.
func (p *probe) expect(doing string, a conformance.Answer) {
	if a.Outcome == conformance.Valid {
		return
	}
	if a.Outcome != conformance.Error {
		a.Message = "refused with " + string(a.Code)
	}
	p.answer = conformance.Answer{Outcome: conformance.Error, Message: doing + ": " + a.Message}
	runtime.Goexit()
}

// wait lets time pass.
func (p *probe) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-p.ctx.Done():
		p.fault("waiting", p.ctx.Err())
	}
}

// together runs f n times at once.
func together(n int, f func(i int)) {
	var group sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		group.Go(func() { <-begin; f(i) })
	}
	close(begin)
	group.Wait()
}

// A reply is an answer over HTTP. err says that there was none.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// maxReply is more than any answer of the protocol has.
const maxReply = 4 << 20

// maxKept is how much of one message a report keeps.
const maxKept = 24 << 10

// send sends a request and keeps both sides of the exchange. It ends no check,
// so that it can be called from any goroutine.
func (p *probe) send(r *http.Request, body []byte) reply {
	r = r.WithContext(p.ctx)
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	head, err := httputil.DumpRequestOut(r, false)
	if err != nil {
		return reply{err: err}
	}
	p.keep(true, head, body)
	if body != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	head, _ = httputil.DumpResponse(resp, false) // without the body it reads nothing that could fail
	p.keep(false, head, answer)
	return reply{resp.StatusCode, resp.Header, answer, err}
}

// request makes a request; an address that is none ends the check.
func (p *probe) request(method, url string) *http.Request {
	r, err := http.NewRequestWithContext(p.ctx, method, url, nil)
	p.fault("the address of the server under test", err)
	return r
}

func (p *probe) post(url string, body []byte) reply {
	r := p.request(http.MethodPost, url)
	r.Header.Set("Content-Type", "application/json")
	return p.send(r, body)
}

func (p *probe) get(url string) reply { return p.send(p.request(http.MethodGet, url), nil) }

func (p *probe) keep(sent bool, head, body []byte) {
	text := append(bytes.Clone(head), body...)
	if len(text) > maxKept {
		text = fmt.Appendf(text[:maxKept:maxKept], "… (%d bytes in all)", len(text))
	}
	if !utf8.Valid(text) {
		text = fmt.Appendf(bytes.ToValidUTF8(text, []byte("�")), "")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exchange = append(p.exchange, conformance.Exchange{Sent: sent, Text: string(text)})
}

func (p *probe) record() []conformance.Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exchange
}

// A refusal is the body of a failed answer (SPEC.md 6.1).
type refusal struct {
	Code        protocol.Code      `json:"code"`
	Field       string             `json:"field"`
	Requirement string             `json:"requirement"`
	Detail      string             `json:"detail"`
	Outcome     protocol.Outcome   `json:"outcome"`
	Checks      []protocol.Check   `json:"checks"`
	A402        *payment.A402Error `json:"a402"`
	Payment     string             `json:"payment_request_id"`
	Refund      string             `json:"refund_request_id"`
	Binding     string             `json:"binding_request_id"`
}

// refusal reads the body of a failed answer, and fails when it is none.
func (r reply) refusal() (*refusal, error) {
	if r.err != nil {
		return nil, r.err
	}
	var body struct {
		Error refusal `json:"error"`
	}
	if err := canon.DecodeOpen(bytes.TrimSpace(r.body), &body); err != nil || !body.Error.Code.Known() {
		return nil, fmt.Errorf("status %d without a body of SPEC.md 6.1", r.status)
	}
	return &body.Error, nil
}

// refused judges a reply that has to be a refusal to be understood.
func (r reply) refused() conformance.Answer {
	e, err := r.refusal()
	if err != nil {
		return conformance.Answer{Outcome: conformance.Error, Message: err.Error()}
	}
	return refused(e.Code)
}

// unread is the answer for what the suite itself refuses to believe.
func unread(err error) conformance.Answer {
	return conformance.Answer{Outcome: conformance.Invalid, Code: protocol.AsError(err).Code}
}
