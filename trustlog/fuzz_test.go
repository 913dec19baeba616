package trustlog_test

import (
	"bytes"
	"testing"

	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/trustlog/trustlogtest"
)

// FuzzParseProof: what is read is written again byte by byte, so that a proof
// has one spelling; and nothing that a fuzzer makes is verified.
func FuzzParseProof(f *testing.F) {
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra YQ==\nindex 0\n\nchain.example/log/retail\n"))
	chain, err := trustlogtest.New(chainName)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := trustlog.ParseProof(data)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Text(), data) {
			t.Fatalf("read %q, wrote %q", data, p.Text())
		}
		if _, err := chain.Trust().Verify(channel, data); err == nil {
			t.Fatal("verified")
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte("chain.example/log/retail\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— chain.example/log/retail AAAAAAAA\n"))
	chain, err := trustlogtest.New(chainName)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := chain.Trust().Checkpoint(channel, data); err == nil {
			t.Fatal("verified")
		}
		if cp, err := trustlog.ParseCheckpoint(data); err == nil && (cp.Size < 0 || cp.Size > trustlog.MaxSize) {
			t.Fatalf("size %d", cp.Size)
		}
		if w, err := trustlog.ParseWitness(string(data)); err == nil && w.String() != string(data) {
			t.Fatal("two spellings of a witness")
		}
		if tile, err := trustlog.ParseTilePath(string(data)); err == nil && trustlog.TilePath(tile) != string(data) {
			t.Fatal("two spellings of a tile")
		}
	})
}
