package cosigner

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/trustlog"
)

const (
	// Path is that of the one call, below the witness's prefix.
	Path = "/add-checkpoint"

	maxHashes  = 63
	maxRequest = 16 << 10
)

// A request asks a witness to cosign a checkpoint.
type request struct {
	old        int64 // size that the witness has
	proof      tlog.TreeProof
	checkpoint []byte // signed note
}

func (r request) text() []byte {
	var b bytes.Buffer
	b.WriteString("old " + strconv.FormatInt(r.old, 10) + "\n")
	for _, h := range r.proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(r.checkpoint)
	return b.Bytes()
}

func parseRequest(text []byte) (request, error) {
	wrong := func(detail string) (request, error) {
		return request{}, protocol.New(protocol.CodeMalformed, "", "", detail)
	}
	head, checkpoint, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok {
		return wrong("old size, proof, empty line, checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	if !ok {
		return wrong("the old size comes first")
	}
	old, err := parseSize(size)
	if err != nil {
		return request{}, err
	}
	r := request{old: old, checkpoint: checkpoint}
	if len(lines)-1 > maxHashes {
		return wrong("at most 63 hashes")
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != tlog.HashSize || strings.Contains(line, "\r") {
			return wrong("a hash of 32 bytes in base64")
		}
		r.proof = append(r.proof, tlog.Hash(h))
	}
	return r, nil
}

func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > trustlog.MaxSize || strconv.FormatInt(n, 10) != s {
		return 0, protocol.New(protocol.CodeMalformed, "", "", "a size in decimal, without leading zeroes")
	}
	return n, nil
}
