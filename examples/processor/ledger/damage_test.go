package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/protocol"
)

// copyFile copies a file, which may be missing, as a crash would leave it.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// crashCopy takes the files of a book as they are at this moment, with what its
// log holds, and returns the path of the copy.
func crashCopy(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "ledger.db")
	copyFile(t, path, to)
	copyFile(t, path+"-wal", to+"-wal")
	return to
}

// TestTornLog cuts the log of a book at random places, and flips bits behind
// random places of it, as a torn write would. What was written before is
// whole: the book opens, is sound, and has the first so many payments, each
// entirely, and never one of which an earlier one is missing.
func TestTornLog(t *testing.T) {
	long(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := newClock()
	l := openAt(t, path, c.now)
	furnish(t, l, 1<<30)
	if err := l.read(context.Background(), func(*sqlite.Conn) error { return nil }); err != nil {
		t.Fatal(err)
	}
	kept := checkpointed(t, l, path)
	var numbers []string
	for range 60 {
		numbers = append(numbers, mustPay(t, l, newPayment(1)).No)
	}
	size := sizeOf(t, path+"-wal")
	for round := range 24 {
		torn := crashCopy(t, path)
		at := rand.Int64N(size + 1)
		if round == 0 {
			at = size // nothing is torn: everything that was answered is there
		}
		if round%2 == 0 {
			if err := os.Truncate(torn+"-wal", at); err != nil {
				t.Fatal(err)
			}
		} else {
			scribble(t, torn+"-wal", at, size)
		}
		there := prefixOf(t, torn, c, numbers)
		if whole := at == size; whole && there != len(numbers) {
			t.Fatalf("%d payments are there, %d were answered and synced", there, len(numbers))
		}
	}
	if kept != 0 {
		t.Fatalf("%d payments before the first", kept)
	}
}

// checkpointed empties the log, so that it holds the payments to come and
// nothing else, and tells how many payments there are.
func checkpointed(t *testing.T, l *Ledger, path string) int {
	t.Helper()
	if err := tamper(t, path, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	return int(sound(t, l).Trades)
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// scribble writes noise over some bytes.
func scribble(t *testing.T, path string, at, size int64) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, min(64, max(size-at, 0)))
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	if _, err := file.WriteAt(noise, at); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// prefixOf opens a copy and tells how many of the payments, which were made one
// after the other, are there: the first ones, and no other.
func prefixOf(t *testing.T, path string, c *clock, numbers []string) (there int) {
	t.Helper()
	l, err := Open(Config{Path: path, Now: c.now})
	if err != nil {
		t.Fatalf("a torn log is no damage to the file: %v", err)
	}
	defer l.Close()
	r := sound(t, l)
	for i, no := range numbers {
		_, err := l.Trade(context.Background(), no)
		switch {
		case err == nil && i != there:
			t.Fatalf("payment %d is there, and %d is not", i, there)
		case err == nil:
			there++
		case protocol.CodeOf(err) != protocol.CodeTradeUnknown:
			t.Fatal(err)
		}
	}
	if int(r.Trades) != there {
		t.Fatalf("%d trades, %d are known", r.Trades, there)
	}
	mustPay(t, l, newPayment(1)) // and it goes on
	sound(t, l)
	return there
}

// TestDamagedFile writes noise into the file itself, which no crash does. Then
// the book does not open, or says what is wrong, or the noise has hit nothing
// that counts; it never shows a payment with another amount than it was answered
// with and calls that sound. (Noise within a text or a memo is not noticed: rows
// have no checksum.)
func TestDamagedFile(t *testing.T) {
	long(t)
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := newClock()
	l := openAt(t, path, c.now)
	furnish(t, l, 1<<30)
	amounts := map[string]int64{}
	for i := range 60 {
		amounts[mustPay(t, l, newPayment(int64(i+1))).No] = int64(i + 1)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	size, found := sizeOf(t, path), map[string]int{}
	for range 60 {
		hurt := crashCopy(t, path)
		scribble(t, hurt, rand.Int64N(size-64), size)
		found[judgeDamage(ctx, t, hurt, c, amounts)]++
	}
	t.Logf("%v", found)
	if found["refused to open"]+found["found by the audit"]+found["refused to answer"] == 0 {
		t.Error("no damage was noticed")
	}
}

func judgeDamage(ctx context.Context, t *testing.T, path string, c *clock, amounts map[string]int64) string {
	t.Helper()
	l, err := Open(Config{Path: path, Now: c.now})
	if err != nil {
		if !errors.Is(err, protocol.ErrUndetermined) {
			t.Fatalf("%v", err)
		}
		return "refused to open"
	}
	defer l.Close()
	r, err := l.Audit(ctx)
	if err != nil {
		wantCode(t, err, protocol.CodeServiceUnavailable)
		return "refused to answer"
	}
	if !r.Sound() {
		return "found by the audit"
	}
	for no, amount := range amounts {
		trade, err := l.Trade(ctx, no)
		if err != nil || trade.Amount != amount {
			t.Fatalf("a sound book, and trade %s is %+v, %v", no, trade, err)
		}
	}
	return "hit nothing"
}

// TestFullDisk lets the file grow no more, in the middle of payments
// (SQLITE_FULL): each that does not fit is service_unavailable and has left
// nothing, not even its nonce; reading goes on; and when there is room again the
// very same transmissions are paid.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	l, _ := furnished(t)
	limit := func(pages string) {
		t.Helper()
		if err := l.write(ctx, func(t *tx) error { return t.exec("PRAGMA max_page_count = " + pages) }); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // SQLite takes it as the present size
	var paid, refused int
	var first *protocol.Error
	again := newPayment(1)
	for i := 0; refused < 20 && i < 2000; i++ {
		p := newPayment(1)
		p.Memo = make([]byte, 500)
		_, err := l.Pay(ctx, p)
		if err == nil {
			paid++
			continue
		}
		if refused++; refused == 1 {
			first, again = protocol.AsError(err), p
		}
		if wantCode(t, err, protocol.CodeServiceUnavailable); Cause(err) != "SQLITE_FULL" {
			t.Fatalf("%v", err)
		}
	}
	if first == nil || first.Code.Outcome() != protocol.Undetermined {
		t.Fatalf("the disk was never full: %d paid, %v", paid, first)
	}
	if got, err := l.Lookup(ctx, again.Request); got != nil || err != nil {
		t.Fatalf("something is left: %v, %v", got, err)
	}
	if r := sound(t, l); int(r.Trades) != paid {
		t.Fatalf("%d trades, %d were answered", r.Trades, paid)
	}
	limit(fmt.Sprint(1 << 20))
	mustPay(t, l, again)
	if r := sound(t, l); int(r.Trades) != paid+1 {
		t.Fatalf("%+v", r)
	}
}
