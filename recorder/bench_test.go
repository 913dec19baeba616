package recorder_test

import (
	"context"
	"testing"

	"github.com/actprotocol/act-go/recorder"
)

// BenchmarkRecord is how long a caller waits until a draft is on the disk, alone
// and among 64, with a chain that takes nothing.
func BenchmarkRecord(b *testing.B) {
	run := func(name string, parallel int) {
		b.Run(name, func(b *testing.B) {
			w := newBench(b)
			w.open(func(c *recorder.Config) {
				c.MaxDrafts, c.MaxBytes = 1<<24, 1<<34
				c.Anchorer = anchorer(func(ctx context.Context, _ []byte) (recorder.Receipt, error) {
					<-ctx.Done()
					return recorder.Receipt{}, ctx.Err()
				})
			})
			d := delivery(b, "order-1")
			b.SetParallelism(parallel)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := w.rec.Record(context.Background(), d); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	run("alone", 1)
	run("64", 32) // times two processors
}
