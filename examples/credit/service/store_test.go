package service

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// TestStores is the contract of Store.
func TestStores(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			s, ctx := open(t), t.Context()
			do := func(f func(Tx) error) error { t.Helper(); return s.Do(ctx, f) }
			want := func(id string, doc []byte) {
				t.Helper()
				if err := do(func(tx Tx) error {
					got, err := tx.Get("k", id)
					if !bytes.Equal(got, doc) || (got == nil) != (doc == nil) {
						t.Errorf("%s is %q, want %q", id, got, doc)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			want("a", nil)
			err := do(func(tx Tx) error {
				if err := tx.Put("k", "a", []byte("1")); err != nil {
					return err
				}
				if got, err := tx.Get("k", "a"); err != nil || string(got) != "1" {
					t.Errorf("%q, %v within", got, err)
				}
				return tx.Put("other", "a", []byte("x"))
			})
			if err != nil {
				t.Fatal(err)
			}
			want("a", []byte("1"))
			if err := do(func(tx Tx) error {
				if err := tx.Put("k", "a", []byte("2")); err != nil {
					return err
				}
				return errDown
			}); err != errDown {
				t.Error(err)
			}
			want("a", []byte("1")) // nothing of what failed
			if err := do(func(tx Tx) error {
				for i, id := range []string{"t-1", "t-2"} {
					if err := tx.PutUntil("k", id, []byte("x"), int64(10+i)); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := do(func(tx Tx) error {
				if err := tx.Forget("k", 11); err != nil {
					return err
				}
				if got, err := tx.Get("k", "t-1"); err != nil || got != nil {
					t.Errorf("%q, %v is still seen within", got, err)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			want("t-1", nil)
			want("t-2", []byte("x"))
			want("a", []byte("1")) // without a time, for ever
			ended, cancel := context.WithCancel(ctx)
			cancel()
			if err := s.Do(ended, func(Tx) error { t.Error("run"); return nil }); err == nil {
				t.Error("an ended context")
			}
			count(t, s)
		})
	}
}

// count adds up in many goroutines: no two Do overlap.
func count(t *testing.T, s Store) {
	ctx := context.WithoutCancel(t.Context())
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			if err := s.Do(ctx, func(tx Tx) error {
				doc, err := tx.Get("n", "n")
				if err != nil {
					return err
				}
				n, _ := strconv.Atoi(string(doc)) // 0 at first
				return tx.Put("n", "n", []byte(strconv.Itoa(n+1)))
			}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := s.Do(ctx, func(tx Tx) error {
		doc, err := tx.Get("n", "n")
		if string(doc) != "64" {
			t.Errorf("counted %q", doc)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestSQLiteReopened: used-up nonces and served requests outlive the process.
func TestSQLiteReopened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credit.db")
	store, err := OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, store)
	c := w.associate("a-1", "ATTESTED_CONFIRMATION")
	q := w.request(c, "CREDENTIAL")
	if r := w.verify(q).Answer().Reason; r != "VERIFIED" {
		t.Fatal(r)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Store, err = OpenSQLite(path); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Store.(*SQLiteStore).Close(); err != nil {
			t.Error(err)
		}
	}()
	if r := w.verify(q).Answer().Reason; r != "REPLAY_DETECTED" {
		t.Error("TSD-CRD-VER-05", r)
	}
	if r := w.verify(w.request(c, "CREDENTIAL")).Answer().Reason; r != "VERIFIED" {
		t.Error(r)
	}
}
