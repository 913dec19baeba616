package agent

import (
	"io"

	"github.com/actprotocol/act-go/protocol/payment"
)

// started reports whether an answer is sent while the seller still makes it
// (SPEC.md 6.4): it is not known to be delivered before it has ended.
func started(v *payment.Validation, status int) bool {
	return v != nil && status < 400 && v.Status == payment.ValidationValid && v.Delivery == payment.DeliveryStarted
}

// An ending tells when a body has been read to its end. A connection that was
// broken off is another error than io.EOF, and so the end is the seller's.
type ending struct {
	io.ReadCloser
	end func() // once
}

// Read implements io.Reader.
func (e *ending) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if err == io.EOF {
		e.done()
	}
	return n, err
}

func (e *ending) done() {
	if e.end != nil {
		e.end()
		e.end = nil
	}
}
