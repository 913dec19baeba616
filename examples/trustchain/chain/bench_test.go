package chain_test

import (
	"context"
	"crypto/sha256"
	"flag"
	"sync/atomic"
	"testing"

	"github.com/actprotocol/act-go/examples/trustchain/chain"
)

var anchors = flag.Int("anchors", 20_000, "size of the log that BenchmarkAnchor proves from")

// BenchmarkAnchor/append is durable appends with 1024 callers; every answer is a
// proof. BenchmarkAnchor/proof is the proof of some anchor of a log from the
// server's cache, with the look-up by record.
func BenchmarkAnchor(b *testing.B) {
	ctx := context.Background()
	token := func(w *world, n int) chain.Entry {
		// One signature for all: only the bytes count here.
		t := make([]byte, 700)
		copy(t, recordID(n))
		return chain.Entry{Channel: channel, RecordID: recordID(n), Token: t}
	}
	b.Run("append", func(b *testing.B) {
		w := newWorld(b)
		var next atomic.Int64
		b.SetParallelism(512)
		b.ResetTimer()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if _, err := w.chain.Append(ctx, token(w, int(next.Add(1)))); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "anchors/s")
	})
	b.Run("proof", func(b *testing.B) {
		w := newWorld(b)
		done := make(chan error, *anchors)
		places := make(chan struct{}, 2048)
		for n := range *anchors {
			places <- struct{}{}
			go func() {
				_, err := w.chain.Append(ctx, token(w, n))
				done <- err
				<-places
			}()
		}
		for range *anchors {
			must(b, <-done)
		}
		b.ResetTimer()
		n := 0
		for b.Loop() {
			n = (n*7919 + 1) % *anchors
			if p, _, err := w.chain.Find(ctx, channel, sha256.Sum256([]byte(recordID(n)))); err != nil || p == nil {
				b.Fatal(err)
			}
		}
	})
}
