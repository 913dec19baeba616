// Package body reads the body of a request that carries a message, for the
// servers of this repository.
package body

import (
	"errors"
	"io"
	"net/http"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

const (
	// room is behind the announced length, so that the end is seen without a
	// larger buffer.
	room = 64
	// trusted is the most that is set aside because a request says that so much
	// will come. What is longer has to come first.
	trusted = 8 << 10
)

// Read reads at most the size of a message (SPEC.md 1.1): a longer body is
// too_large, and one that breaks off malformed. It limits no time: that is the
// server's.
func Read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	in := http.MaxBytesReader(w, r.Body, canon.DefaultMaxBytes)
	buf := make([]byte, 0, room+min(max(r.ContentLength, 512), trusted))
	for {
		n, err := in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, refused(err)
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

func refused(err error) error {
	if errors.As(err, new(*http.MaxBytesError)) {
		return protocol.New(protocol.CodeTooLarge, "", "", "a message has at most 64 KiB")
	}
	return protocol.New(protocol.CodeMalformed, "", "", "the body could not be read")
}
