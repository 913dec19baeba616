package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
)

// full has more to tell than one round takes, and remembers what was heard.
type full struct {
	notices
	heard int64
}

type notices interface{ book.Notices }

func (f *full) Notices(_ context.Context, _ string, limit int) (out []book.Notice, err error) {
	for i := range limit {
		out = append(out, book.Notice{Sequence: f.heard + int64(i+1)})
	}
	return out, nil
}

func (f *full) Noticed(_ context.Context, _ string, sequence int64) error {
	f.heard = sequence
	return nil
}

// slow hears everything, and takes its time.
type slow time.Duration

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(time.Duration(s))
	return &http.Response{StatusCode: http.StatusNoContent, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// TestSlowMerchantTakesTurns: a merchant that acknowledges everything, as slowly
// as it may, gives its place to others after each few seconds, and loses nothing.
func TestSlowMerchantTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(full)
		n := &notifier{
			book: b, sign: func(book.Notice) ([]byte, error) { return []byte("{}"), nil }, slots: make(chan struct{}, 1),
			client: &http.Client{Transport: slow(noticeTimeout - time.Second)},
		}
		for turn := range int64(3) {
			begun := time.Now()
			if err := n.tell(t.Context(), book.Receiver{Merchant: "m", URL: "https://shop.example/told"}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took > 2*noticeTimeout || b.heard != 2*(turn+1) {
				t.Fatalf("PSD-PAY-DEL-13: a turn took %v, heard up to %d", took, b.heard)
			}
		}
	})
}
