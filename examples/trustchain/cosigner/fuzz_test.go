package cosigner

import (
	"bytes"
	"testing"
)

// FuzzRequest: what is read is written again byte by byte.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("old 1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nchain.example/log/retail\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRequest(data)
		if err == nil && !bytes.Equal(r.text(), data) {
			t.Fatalf("read %q, wrote %q", data, r.text())
		}
	})
}
