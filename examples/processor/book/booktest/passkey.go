package booktest

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

var passkeyStart = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

const (
	ann  = "did:act:home.example/ann"
	ben  = "did:act:home.example/ben"
	mall = "did:act:shop.example/mall"
)

// Passkeys runs the contract of book.Passkeys: a link enrols one passkey of one
// principal in its time, a passkey signs once for a challenge, and what was
// removed signs nothing. open returns a fresh, empty book that reads the given
// clock.
func Passkeys(t *testing.T, open func(t *testing.T, now func() time.Time) book.Book) {
	for name, run := range map[string]func(*keyring){
		"PSD-PMT-BND-02 a link enrols one passkey":         enrolOnce,
		"PSD-PMT-BND-02 a link for a principal, in time":   enrolInTime,
		"PSD-PAY-INS-03 a passkey signs once a challenge":  usedOnce,
		"PSD-PAY-INS-03 a counter goes up":                 counterAdvances,
		"PSD-PAY-INS-03 what was removed signs nothing":    removedForEver,
		"PSD-PMT-BND-02 many take one link at once":        enrolRace,
		"PSD-PAY-INS-03 many use one challenge at once":    useRace,
		"PSD-PAY-INS-03 a secret is one for all processes": oneSecret,
	} {
		t.Run(name, func(t *testing.T) {
			k := &keyring{T: t}
			k.at.Store(passkeyStart.UnixNano())
			k.Book = open(t, func() time.Time { return time.Unix(0, k.at.Load()).UTC() })
			for _, did := range []string{ann, ben} {
				k.want(k.OpenAccount(k.Context(), did, book.Principal, "CNY"), "")
			}
			k.want(k.OpenAccount(k.Context(), mall, book.Merchant, "CNY"), "")
			run(k)
		})
	}
}

// A keyring is a book with two principals.
type keyring struct {
	*testing.T
	book.Book
	at atomic.Int64
}

func (k *keyring) want(err error, code protocol.Code) {
	k.Helper()
	if got := protocol.CodeOf(err); got != code || code == "" && err != nil {
		k.Fatalf("got %v, want %q", err, code)
	}
}

func (k *keyring) later(d time.Duration) { k.at.Add(int64(d)) }

func (k *keyring) invite(id, principal string) {
	k.Helper()
	k.want(k.Invite(k.Context(), book.Invitation{ID: id, Principal: principal, Expires: passkeyStart.Add(time.Hour)}), "")
}

// passkey is one as a browser makes it. Who says that it is another's is not
// believed.
func passkey(id string) book.Passkey {
	return book.Passkey{ID: id, Principal: mall, Key: []byte{0xa5, 1, 2}, Counter: 7, BackupEligible: true, BackedUp: true, Removed: true}
}

func (k *keyring) enrol(invitation, id, principal string) {
	k.Helper()
	k.invite(invitation, principal)
	k.want(k.Enrol(k.Context(), invitation, passkey(id)), "")
}

func (k *keyring) use(id string, counter uint32, nonce string) error {
	return k.UsePasskey(k.Context(), book.PasskeyUse{ID: id, Counter: counter, Nonce: provider.Nonce{Scope: "passkey", Value: nonce, Until: passkeyStart.Add(2 * time.Hour)}})
}

func enrolOnce(k *keyring) {
	k.invite("link-1", ann)
	k.want(k.Invite(k.Context(), book.Invitation{ID: "link-1", Principal: ben, Expires: passkeyStart.Add(time.Hour)}), protocol.CodeStateConflict)
	i, err := k.Invitation(k.Context(), "link-1")
	k.want(err, "")
	if i.Principal != ann || i.UsedBy != "" || !i.Expires.Equal(passkeyStart.Add(time.Hour)) || !i.MadeAt.Equal(passkeyStart) {
		k.Fatalf("%+v", i)
	}
	k.later(time.Minute)
	k.want(k.Enrol(k.Context(), "link-1", passkey("key-1")), "")
	k.want(k.Enrol(k.Context(), "link-1", passkey("key-2")), protocol.CodeStateConflict)
	if i, err = k.Invitation(k.Context(), "link-1"); err != nil || i.UsedBy != "key-1" {
		k.Fatalf("%+v, %v", i, err)
	}
	got, err := k.Passkey(k.Context(), "key-1")
	k.want(err, "")
	if got.Principal != ann || got.Removed || !bytes.Equal(got.Key, []byte{0xa5, 1, 2}) || got.Counter != 7 || !got.BackupEligible || !got.BackedUp ||
		!got.EnrolledAt.Equal(passkeyStart.Add(time.Minute)) || !got.UsedAt.IsZero() {
		k.Fatalf("PSD-PMT-BND-02: %+v", got)
	}
	k.invite("link-2", ben)
	k.want(k.Enrol(k.Context(), "link-2", passkey("key-1")), protocol.CodeStateConflict) // another's
	k.want(k.Enrol(k.Context(), "link-2", passkey("key-2")), "")
	all, err := k.Passkeys(k.Context())
	k.want(err, "")
	if len(all) != 2 || all[0].ID != "key-1" || all[1].Principal != ben {
		k.Fatalf("%+v", all)
	}
}

func enrolInTime(k *keyring) {
	for principal, code := range map[string]protocol.Code{"": protocol.CodeFieldMissing, mall: protocol.CodeInstrumentInvalid, "did:act:home.example/nobody": protocol.CodeInstrumentInvalid} {
		k.want(k.Invite(k.Context(), book.Invitation{ID: "link", Principal: principal, Expires: passkeyStart.Add(time.Hour)}), code)
	}
	_, err := k.Invitation(k.Context(), "link")
	k.want(err, protocol.CodeContextUnknown)
	k.want(k.Enrol(k.Context(), "link", passkey("key-1")), protocol.CodeContextUnknown)
	k.invite("link", ann)
	k.want(k.Enrol(k.Context(), "link", book.Passkey{ID: "key-1"}), protocol.CodeFieldMissing)
	k.later(time.Hour)
	k.want(k.Enrol(k.Context(), "link", passkey("key-1")), protocol.CodeRequestExpired)
	_, err = k.Passkey(k.Context(), "key-1")
	k.want(err, protocol.CodeKeyUnknown)
}

func usedOnce(k *keyring) {
	k.enrol("link", "key-1", ann)
	k.later(time.Minute)
	k.want(k.use("key-1", 8, "n-1"), "")
	k.want(k.use("key-1", 9, "n-1"), protocol.CodeReplayed)
	k.want(k.use("key-2", 9, "n-2"), protocol.CodeKeyUnknown)
	k.want(k.use("key-1", 9, "n-2"), "") // what was refused used nothing
	k.want(k.use("", 9, "n-3"), protocol.CodeFieldMissing)
	k.want(k.use("key-1", 10, ""), protocol.CodeFieldMissing)
	got, err := k.Passkey(k.Context(), "key-1")
	k.want(err, "")
	if got.Counter != 9 || !got.UsedAt.Equal(passkeyStart.Add(time.Minute)) {
		k.Fatalf("%+v", got)
	}
}

func counterAdvances(k *keyring) {
	k.enrol("link", "key-1", ann)
	k.want(k.use("key-1", 7, "n-1"), protocol.CodeKeyNotValid)
	k.want(k.use("key-1", 0, "n-1"), protocol.CodeKeyNotValid)
	k.want(k.use("key-1", 4294967295, "n-1"), "")
	k.want(k.use("key-1", 4294967295, "n-2"), protocol.CodeKeyNotValid)
	k.invite("link-2", ann)
	synced := passkey("key-2")
	synced.Counter = 0
	k.want(k.Enrol(k.Context(), "link-2", synced), "")
	for _, nonce := range []string{"n-3", "n-4"} {
		k.want(k.use("key-2", 0, nonce), "")
	}
}

func removedForEver(k *keyring) {
	k.enrol("link", "key-1", ann)
	k.want(k.RemovePasskey(k.Context(), "key-1"), "")
	k.want(k.RemovePasskey(k.Context(), "key-1"), "")
	k.want(k.RemovePasskey(k.Context(), "key-2"), protocol.CodeKeyUnknown)
	k.want(k.use("key-1", 8, "n-1"), protocol.CodeKeyUnknown)
	got, err := k.Passkey(k.Context(), "key-1")
	k.want(err, "")
	if !got.Removed {
		k.Fatalf("%+v", got)
	}
	k.invite("link-2", ann)
	k.want(k.Enrol(k.Context(), "link-2", passkey("key-1")), protocol.CodeStateConflict)
}

// race runs n calls at once and counts how many succeeded; all others must get
// the code.
func (k *keyring) race(n int, code protocol.Code, call func(i int) error) {
	k.Helper()
	errs := make([]error, n)
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() { errs[i] = call(i) })
	}
	done.Wait()
	succeeded := 0
	for _, err := range errs {
		if err == nil {
			succeeded++
		} else {
			k.want(err, code)
		}
	}
	if succeeded != 1 {
		k.Fatalf("%d of %d succeeded: %v", succeeded, n, errs)
	}
}

func enrolRace(k *keyring) {
	k.invite("link", ann)
	k.race(8, protocol.CodeStateConflict, func(i int) error {
		return k.Enrol(context.Background(), "link", passkey("key-"+string(rune('a'+i))))
	})
	all, err := k.Passkeys(k.Context())
	k.want(err, "")
	if len(all) != 1 {
		k.Fatalf("PSD-PMT-BND-02: one link, %d passkeys", len(all))
	}
}

func useRace(k *keyring) {
	k.invite("link", ann)
	synced := passkey("key-1")
	synced.Counter = 0
	k.want(k.Enrol(k.Context(), "link", synced), "")
	k.race(8, protocol.CodeReplayed, func(int) error { return k.use("key-1", 0, "n-1") })
}

func oneSecret(k *keyring) {
	secrets := make([][]byte, 8)
	var done sync.WaitGroup
	for i := range secrets {
		done.Go(func() { secrets[i], _ = k.Secret(context.Background(), "pages") })
	}
	done.Wait()
	for _, s := range secrets {
		if len(s) != 32 || !bytes.Equal(s, secrets[0]) {
			k.Fatalf("%x is not %x", s, secrets[0])
		}
	}
	other, err := k.Secret(k.Context(), "other")
	k.want(err, "")
	if bytes.Equal(other, secrets[0]) {
		k.Fatal("two names, one secret")
	}
	_, err = k.Secret(k.Context(), "")
	k.want(err, protocol.CodeFieldMissing)
}
