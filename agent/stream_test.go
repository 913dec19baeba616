package agent_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
)

// TestStreamedAnswer: an answer that is sent as it is made is delivered when it
// has been read to its end. Until then the same request presents the same proof.
func TestStreamedAnswer(t *testing.T) {
	w := acttest.NewWorld(t)
	w.Grant(t, nil)
	cutShort := make(chan bool, 1)
	w.Sell("GET /feed", merchant.Offer{Resource: "feed", Category: "data/feed", Price: acttest.CNY(t, "1.00"), Stream: true},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "one ")
			w.(http.Flusher).Flush()
			select {
			case <-cutShort:
				panic(http.ErrAbortHandler)
			default:
			}
			_, _ = io.WriteString(w, "two")
		}))
	get := func(wantAll bool) {
		t.Helper()
		resp, err := w.Buying().Get(w.URL + "/feed")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if wantAll && (err != nil || string(got) != "one two") || !wantAll && err == nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
	trades := func(want int) {
		t.Helper()
		if paid, _ := w.PSP.Trades(); paid != want {
			t.Fatalf("%d trades, want %d", paid, want)
		}
	}
	cutShort <- true
	get(false)
	trades(1)
	t.Run("PSD-PAY-A402-15 what was cut short is fetched again and not paid for again", func(t *testing.T) {
		get(true)
		trades(1)
	})
	t.Run("what was read to its end is delivered, and the next request is another purchase", func(t *testing.T) {
		get(true)
		trades(2)
	})
	t.Run("PSD-PAY-A402-15 nor what was not read", func(t *testing.T) {
		resp, err := w.Buying().Get(w.URL + "/feed")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		trades(3)
		get(true)
		trades(3)
	})
}
