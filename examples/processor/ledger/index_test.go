package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// runsOf tells ids of the runs on the disk.
func runsOf(t *testing.T, l *Ledger) (ids []int64) {
	t.Helper()
	if err := l.read(context.Background(), func(conn *sqlite.Conn) error {
		return queryRows(conn, "SELECT id FROM runs ORDER BY id", nil, func(r *sqlite.Stmt) error {
			ids = append(ids, r.ColumnInt64(0))
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return ids
}

// openSmall opens a ledger that makes a run of every few keys.
func openSmall(t *testing.T, path string, now func() time.Time, keys int) *Ledger {
	t.Helper()
	l := openAt(t, path, now)
	if err := l.write(context.Background(), func(t *tx) error { t.runKeys = keys; return nil }); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestIndex pays across many runs, opens the book in the middle of a run again
// and again, and finds every request, order and mandate.
func TestIndex(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := newClock()
	l := openSmall(t, path, c.now, 40)
	furnish(t, l, 1<<40)
	const payments = 400
	numbers := map[int]string{}
	pay := func(i int) (string, error) {
		p := newPayment(1)
		p.Request.ID, p.Request.Digest, p.Order = fmt.Sprint("request ", i), canon.Digest(fmt.Sprint("digest ", i)), fmt.Sprint("order ", i)
		p.Mandate.DelegationID = fmt.Sprint("mandate ", i%7)
		trade, err := l.Pay(ctx, p)
		if err != nil {
			return "", err
		}
		return trade.No, nil
	}
	for i := range payments {
		no, err := pay(i)
		if err != nil {
			t.Fatal(err)
		}
		numbers[i] = no
		if i%90 == 50 {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = openSmall(t, path, c.now, 40)
		}
	}
	if runs := runsOf(t, l); len(runs) < 8 {
		t.Fatalf("%d runs", len(runs))
	}
	for i := range payments {
		if no, err := pay(i); err != nil || no != numbers[i] { // PSD-PAY-DEL-04 the first answer
			t.Fatalf("payment %d was %s and is %s, %v", i, numbers[i], no, err)
		}
		q := newPayment(1)
		q.Order = fmt.Sprint("order ", i)
		_, err := l.Pay(ctx, q)
		wantCode(t, err, protocol.CodeOrderPaid)
		if trade, err := l.Trade(ctx, numbers[i]); err != nil || trade.Order != q.Order {
			t.Fatalf("%v, %v", trade, err)
		}
	}
	if r := sound(t, l); r.Trades != payments || r.Mandates != 8 {
		t.Errorf("%+v", r)
	}
	t.Run("the audit misses a key", func(t *testing.T) {
		for _, query := range []string{"DELETE FROM run_parts WHERE id = (SELECT min(id) FROM run_parts)", "DROP TRIGGER payments_no_update", "UPDATE payments SET request_id = 'x' WHERE id = (SELECT min(id) FROM payments)"} {
			if err := tamper(t, path, query); err != nil {
				t.Fatal(err)
			}
		}
		r, err := l.Audit(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"the index has", "a key does not lead to its fact"} {
			if !slices.ContainsFunc(r.Problems, func(p string) bool { return strings.Contains(p, want) }) {
				t.Errorf("%q has no %q", r.Problems, want)
			}
		}
	})
}

// TestFilter: no key that was added is missed, and few others are taken for one.
func TestFilter(t *testing.T) {
	l := &Ledger{}
	const keys = 20_000
	f := newFilter(keys)
	for i := range keys {
		f.add(l.key(keyOrder, "in", fmt.Sprint(i)))
	}
	alarms := 0
	for i := range keys {
		if !f.may(l.key(keyOrder, "in", fmt.Sprint(i))) {
			t.Fatalf("key %d is lost", i)
		}
		if f.may(l.key(keyOrder, "out", fmt.Sprint(i))) {
			alarms++
		}
	}
	if alarms > keys/200 {
		t.Errorf("%d false alarms of %d", alarms, keys)
	}
	if !filter(nil).may(key{}) {
		t.Error("a filter that was forgotten must let everything be looked up")
	}
}

// TestKeysAreApart: what is written into one name never passes as another.
func TestKeysAreApart(t *testing.T) {
	l := &Ledger{}
	seen := map[key]string{}
	for _, kind := range []byte{keyRequest, keyOrder, keyMandate, keyNonce} {
		for _, names := range [][2]string{{"", "ab"}, {"a", "b"}, {"ab", ""}, {"a\x00", "b"}, {"a", "\x00b"}} {
			k := l.key(kind, names[0], names[1])
			if other, twice := seen[k]; twice {
				t.Errorf("%d %q and %s have one key", kind, names, other)
			}
			seen[k] = fmt.Sprintf("%d %q", kind, names)
		}
	}
	if (&Ledger{salt: [16]byte{1}}).key(keyOrder, "a", "b") == l.key(keyOrder, "a", "b") {
		t.Error("two books have the same keys")
	}
}

// TestPositions grow whatever the clock does, are told by trade numbers, and fit
// into a float64.
func TestPositions(t *testing.T) {
	x := &tx{Ledger: &Ledger{}, now: start}
	last := int64(0)
	for i := range 10_000 {
		switch {
		case i%1000 == 999:
			x.now = x.now.Add(-time.Hour)
		case i%100 == 99:
			x.now = x.now.Add(time.Minute)
		}
		at := x.next()
		if at <= last || at > maxPosition || int64(float64(at)) != at || at < positionAt(x.now) {
			t.Fatalf("position %d after %d", at, last)
		}
		if no := tradeNo(at); positionOf(no) != at || len(no) != 26 {
			t.Fatalf("%s tells %d, want %d", no, positionOf(no), at)
		}
		last = at
	}
	for _, no := range []string{"", "X", strings.Repeat("Z", 26), strings.Repeat("0", 25), strings.Repeat("0", 27)} {
		if positionOf(no) != 0 {
			t.Errorf("%q tells %d", no, positionOf(no))
		}
	}
	if positionAt(time.Unix(0, 0)) != 0 || positionAt(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) > maxPosition {
		t.Error("times that do not fit")
	}
}

// TestOneProcess: the file has one writer, and others can read it.
func TestOneProcess(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, newClock().now)
	furnish(t, l, 100_00)
	trade := mustPay(t, l, newPayment(18_00))
	_, err := Open(Config{Path: path})
	wantCode(t, err, protocol.CodeServiceUnavailable)
	if Cause(err) != "SQLITE_BUSY" {
		t.Errorf("%v", err)
	}
	reader, err := Open(Config{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if r := sound(t, reader); r.Trades != 1 {
		t.Errorf("%+v", r)
	}
	if got, err := reader.Trade(ctx, trade.No); err != nil || got.Amount != 18_00 {
		t.Errorf("%v, %v", got, err)
	}
	wantCode(t, reader.OpenAccount(ctx, "did:act:home.example/other", book.Principal, "CNY"), protocol.CodeServiceUnavailable)
	_, err = reader.Pay(ctx, newPayment(1))
	wantCode(t, err, protocol.CodeServiceUnavailable)
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	mustPay(t, l, newPayment(1_00))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if reader, err = Open(Config{Path: path, ReadOnly: true}); err != nil { // with nobody who writes
		t.Fatal(err)
	}
	sound(t, reader)
	mustPay(t, openAt(t, path, newClock().now), newPayment(1_00))
	if r := sound(t, reader); r.Trades != 3 {
		t.Errorf("%+v", r)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
}
