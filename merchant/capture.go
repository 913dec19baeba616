package merchant

import (
	"bytes"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
)

// A recorder is what a paid handler writes to.
type recorder interface {
	http.ResponseWriter
	answer() Answer   // what was written; a handler that wrote nothing said 200
	failed() bool     // what was written is not a delivery
	overflowed() bool // because it is too long to be kept
}

// A capture is the recorder of an answer that is not streamed. Nothing
// reaches the buyer before the whole answer has been kept. It supports no
// flushing and no hijacking.
type capture struct {
	header   http.Header
	sent     http.Header // as it was when the status was written
	status   int
	body     bytes.Buffer
	limit    int
	overflow bool
}

func newCapture(limit int) *capture { return &capture{header: make(http.Header), limit: limit} }

// Header implements http.ResponseWriter.
func (c *capture) Header() http.Header { return c.header }

// WriteHeader implements http.ResponseWriter. Informational answers are
// dropped; the second and further final ones are ignored, and what is no status
// panics, as with net/http.
func (c *capture) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(protocol.New(protocol.CodeFieldInvalid, "status", "", "not an HTTP status"))
	}
	if c.status != 0 || status < 200 {
		return
	}
	c.status, c.sent = status, c.header.Clone()
}

// Write implements http.ResponseWriter. Past the limit it fails and the whole
// answer counts as not made. With a status that has no body it fails, as with
// net/http.
func (c *capture) Write(b []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.status == http.StatusNoContent || c.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	if c.overflow || len(b) > c.limit-c.body.Len() {
		c.overflow = true
		return 0, protocol.New(protocol.CodeTooLarge, "", "PSD-PAY-A402-15", "more than a kept answer may have")
	}
	return c.body.Write(b)
}

// answer implements recorder.
func (c *capture) answer() Answer {
	c.WriteHeader(http.StatusOK)
	return Answer{Status: c.status, Header: c.sent, Body: c.body.Bytes()}
}

// overflowed implements recorder.
func (c *capture) overflowed() bool { return c.overflow }

// failed implements recorder.
func (c *capture) failed() bool { return c.overflow || c.status >= 500 }
