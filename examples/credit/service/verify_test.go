package service

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
)

// TestAllReasons: every one of the eighteen codes occurs, in a signed answer
// with its result, without any credit in those that do not pass.
func TestAllReasons(t *testing.T) {
	down := protocol.New(protocol.CodeKeyUnavailable, "", "", "")
	cases := map[credit.Reason]func(w *world, c credit.Credential, q *credit.VerificationRequest){
		credit.ReasonVerified: func(*world, credit.Credential, *credit.VerificationRequest) {},
		credit.ReasonRequestExpired: func(w *world, _ credit.Credential, q *credit.VerificationRequest) {
			q.RequestedAt = credit.At(w.clock().Add(-6 * time.Minute))
		},
		credit.ReasonReplay:       func(w *world, _ credit.Credential, q *credit.VerificationRequest) { w.verify(*q) },
		credit.ReasonAuthRequired: func(_ *world, _ credit.Credential, q *credit.VerificationRequest) { q.AuthorizationID = "" },
		credit.ReasonAuthExpired: func(w *world, _ credit.Credential, q *credit.VerificationRequest) {
			w.pass(time.Hour)
			*q = again(w, *q)
		},
		credit.ReasonAuthRevoked: func(w *world, _ credit.Credential, q *credit.VerificationRequest) { w.revoke(q.AuthorizationID) },
		credit.ReasonAuthScope:   func(w *world, c credit.Credential, q *credit.VerificationRequest) { q.RequestID = newID("request") },
		credit.ReasonAgentUnknown: func(w *world, _ credit.Credential, _ *credit.VerificationRequest) {
			w.agent = protocol.New(protocol.CodeKeyUnknown, "", "", "")
		},
		credit.ReasonCredentialNotFound: func(_ *world, _ credit.Credential, q *credit.VerificationRequest) {
			q.Credential, _ = credit.ReferenceTo("credential-none")
		},
		credit.ReasonCredentialNotActive: func(w *world, c credit.Credential, _ *credit.VerificationRequest) {
			if err := w.change(c, credit.Revoked, owner, "DONE"); err != nil {
				w.t.Fatal(err)
			}
		},
		credit.ReasonAssociationProof:  func(_ *world, _ credit.Credential, q *credit.VerificationRequest) { q.Purpose = "LENDING" },
		credit.ReasonCreditUnavailable: func(w *world, _ credit.Credential, _ *credit.VerificationRequest) { w.bureau.Down(errDown) },
		credit.ReasonCreditInvalid: func(w *world, _ credit.Credential, _ *credit.VerificationRequest) {
			w.bureau.Stand(owner, credit.Corrected)
		},
		credit.ReasonPolicyUnsupported: func(w *world, c credit.Credential, _ *credit.VerificationRequest) { w.bureau.Retire(c.Policy) },
		credit.ReasonInconclusive:      func(w *world, _ credit.Credential, _ *credit.VerificationRequest) { w.keysDown = down },
		credit.ReasonReview: func(w *world, _ credit.Credential, _ *credit.VerificationRequest) {
			w.demands = credit.AttestedConfirmation
		},
		credit.ReasonInvalidRequest: nil,
		credit.ReasonRequestProof:   nil,
	}
	if len(cases) != 18 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, reason := range credit.Reasons() {
		t.Run("TSD-CRD-VER-03 "+string(reason), func(t *testing.T) {
			w := newWorld(t, NewMemoryStore())
			c := w.associate("a-1", credit.DirectSignature)
			q := w.request(c, credit.LevelCredit)
			w.leave(&q, nil)
			if spoil := cases[reason]; spoil != nil {
				spoil(w, c, &q)
			}
			text, err := q.Sign(signer(t, shop))
			if err != nil {
				t.Fatal(err)
			}
			switch reason {
			case credit.ReasonInvalidRequest:
				text = bytes.Replace(text, []byte(credit.Version), []byte("reference-v9"), 1)
			case credit.ReasonRequestProof:
				text = bytes.Replace(text, []byte("o-1"), []byte("o-2"), 1)
			}
			ref, err := w.send(text, q)
			if err != nil {
				t.Fatal(err)
			}
			passed := reason == credit.ReasonVerified
			if ref.Answer().Reason != reason || ref.Answer().Result != reason.Result() || ref.Passed(credit.LevelCredit) != passed {
				t.Errorf("got %+v", ref.Answer())
			}
			if told := ref.Disclosed().Value != nil; told != passed {
				t.Errorf("TSD-CRD-VER-04 value told: %v", told)
			}
			if early := reason != credit.ReasonVerified && reason != credit.ReasonReplay && reason != credit.ReasonCreditUnavailable &&
				reason != credit.ReasonCreditInvalid && reason != credit.ReasonPolicyUnsupported; early && w.bureau.Queries() != 0 {
				t.Errorf("TSD-CRD-VER-01 the bureau was asked about credit before the steps before had passed")
			}
		})
	}
}

func (w *world) revoke(id string) {
	w.t.Helper()
	text, err := credit.Revocation{
		RequestID: newID("r"), AuthorizationID: id, SubjectID: owner, Reason: "DONE", RequestedAt: credit.At(w.clock()), AntiReplay: credit.NewAntiReplay(),
	}.Sign(signer(w.t, owner))
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := credit.ParseRevocation(text)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Revoke(w.t.Context(), u); err != nil {
		w.t.Fatal(err)
	}
}

// TestUnreadable: there is a signed answer to everything.
func TestUnreadable(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	for name, body := range map[string]string{
		"empty": "", "no JSON": "{", "an array": "[]", "a null": "null", "long": string(bytes.Repeat([]byte(" "), canon.DefaultMaxBytes+1)), "names of wrong kinds": `{"requestId":1,"agentId":{}}`,
	} {
		t.Run("TSD-CRD-VER-03 "+name, func(t *testing.T) {
			q := credit.VerificationRequest{RequestID: credit.Unreadable, AgentID: credit.Unreadable}
			ref, err := w.send([]byte(body), q)
			if err != nil || ref.Answer().Reason != credit.ReasonInvalidRequest {
				t.Errorf("%+v, %v", ref.Answer(), err)
			}
		})
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.AttestedConfirmation)
	t.Run("TSD-CRD-VER-05 a nonce is single-use whatever the request id", func(t *testing.T) {
		q := w.request(c, credit.LevelCredential)
		if r := w.verify(q).Answer().Reason; r != credit.ReasonVerified {
			t.Fatal(r)
		}
		other := w.request(c, credit.LevelCredential)
		other.AntiReplay = q.AntiReplay
		if r := w.verify(other).Answer().Reason; r != credit.ReasonReplay {
			t.Error(r)
		}
		key := w.request(c, credit.LevelCredential)
		key.AntiReplay = credit.AntiReplay{Nonce: canon.Nonce(), IdempotencyKey: "an idempotency key"}
		if r := w.verify(key).Answer().Reason; r != credit.ReasonVerified {
			t.Error(r)
		}
		next := w.request(c, credit.LevelCredential)
		next.AntiReplay = credit.AntiReplay{Nonce: canon.Nonce(), IdempotencyKey: "an idempotency key"}
		if r := w.verify(next).Answer().Reason; r != credit.ReasonReplay {
			t.Error("a fresh nonce does not excuse a used key:", r)
		}
	})
	t.Run("TSD-CRD-VER-05 a forged request uses up no nonce", func(t *testing.T) {
		q := w.request(c, credit.LevelCredential)
		text, err := q.Sign(signer(t, shop))
		if err != nil {
			t.Fatal(err)
		}
		forged := bytes.Replace(text, []byte("o-1"), []byte("o-9"), 1)
		if ref, err := w.send(forged, q); err != nil || ref.Answer().Reason != credit.ReasonRequestProof {
			t.Fatal(ref.Answer(), err)
		}
		if ref, err := w.send(text, q); err != nil || ref.Answer().Reason != credit.ReasonVerified {
			t.Error(ref.Answer().Reason, err)
		}
	})
	t.Run("TSD-CRD-VER-05 a request id serves one content", func(t *testing.T) {
		q := w.request(c, credit.LevelCredential)
		w.agent = errDown
		if r := w.verify(q).Answer().Reason; r != credit.ReasonInconclusive {
			t.Fatal(r)
		}
		w.agent = nil
		other := again(w, q)
		other.RequestedItems = []string{"confirmationMethod"}
		if r := w.verify(other).Answer().Reason; r != credit.ReasonReplay {
			t.Error("other content:", r)
		}
		if r := w.verify(again(w, q)).Answer().Reason; r != credit.ReasonVerified {
			t.Error("what was not decided may be asked again:", r)
		}
		if r := w.verify(again(w, q)).Answer().Reason; r != credit.ReasonReplay {
			t.Error("after its pass:", r)
		}
	})
}

// TestOneTimeAuthorization: it is notified, given, not burnt by what fails, and
// serves once.
func TestOneTimeAuthorization(t *testing.T) {
	for name, open := range stores {
		t.Run("TSD-CRD-AUTH-04 "+name, func(t *testing.T) {
			w := newWorld(t, open(t))
			c := w.associate("a-1", credit.DirectSignature)
			q := w.request(c, credit.LevelCredit)
			if r := w.verify(q).Answer().Reason; r != credit.ReasonAuthRequired || len(w.asked) != 1 || w.asked[0].RequestID != q.RequestID {
				t.Fatalf("%s, and %d notices", r, len(w.asked))
			}
			q = again(w, q)
			w.leave(&q, nil)
			if err := w.change(c, credit.Suspended, owner, "PAUSE"); err != nil {
				t.Fatal(err)
			}
			if r := w.verify(q).Answer().Reason; r != credit.ReasonCredentialNotActive {
				t.Fatal(r)
			}
			if err := w.change(c, credit.Active, owner, "BACK"); err != nil {
				t.Fatal(err)
			}
			ref := w.verify(again(w, q))
			if !ref.Passed(credit.LevelCredit) || string(ref.Disclosed().Value) != `{"ceiling":{"amount":"200.00","currency":"CNY"},"level":"A-ASSOCIATED"}` {
				t.Fatalf("%+v", ref)
			}
			if r := w.verify(again(w, q)).Answer().Reason; r != credit.ReasonReplay {
				t.Error(r)
			}
			record, now, err := w.Record(t.Context(), shop, ref.Answer().RecordID)
			if err != nil || now != credit.Active || !bytes.Contains(record.Response, []byte(`"VERIFIED"`)) {
				t.Error(now, err)
			}
			if err := w.change(c, credit.Revoked, owner, "DONE"); err != nil {
				t.Fatal(err)
			}
			if again, now, err := w.Record(t.Context(), shop, ref.Answer().RecordID); err != nil || now != credit.Revoked || !bytes.Equal(again.Response, record.Response) {
				t.Error("TSD-CRD-LCM-06", now, err)
			}
			if _, _, err := w.Record(t.Context(), platform, ref.Answer().RecordID); protocol.CodeOf(err) != protocol.CodeNoMatch {
				t.Error("a stranger reads a record:", err)
			}
		})
	}
}

// TestConcurrentWindow: 64 at once, and exactly as many pass as the limit says.
func TestConcurrentWindow(t *testing.T) {
	for name, open := range stores {
		t.Run("TSD-CRD-AUTH-02 "+name, func(t *testing.T) {
			w := newWorld(t, open(t))
			c := w.associate("a-1", credit.AttestedConfirmation)
			limit := &credit.FrequencyLimit{MaxRequests: 5, WindowSeconds: 60}
			first := w.request(c, credit.LevelCredit)
			leave := w.leave(&first, limit)
			burst := func() (passed int64) {
				var group sync.WaitGroup
				var count, mismatched atomic.Int64
				for range 64 {
					q := w.request(c, credit.LevelCredit)
					q.PlatformDelegateID, q.AuthorizationID = platform, leave.AuthorizationID
					text, err := q.Sign(signer(t, platform))
					if err != nil {
						t.Fatal(err)
					}
					group.Go(func() {
						ref, err := w.send(text, q)
						switch {
						case err != nil:
							t.Error(err)
						case ref.Passed(credit.LevelCredit):
							count.Add(1)
						case ref.Answer().Reason == credit.ReasonAuthScope:
							mismatched.Add(1)
						default:
							t.Error(ref.Answer().Reason)
						}
					})
				}
				group.Wait()
				if count.Load()+mismatched.Load() != 64 {
					t.Errorf("%d and %d", count.Load(), mismatched.Load())
				}
				return count.Load()
			}
			for _, step := range []struct {
				wait time.Duration
				want int64
			}{{0, 5}, {59 * time.Second, 0}, {time.Second, 5}} {
				w.pass(step.wait)
				if got := burst(); got != step.want {
					t.Errorf("%d passed after %s, want %d", got, step.wait, step.want)
				}
			}
		})
	}
}

// TestConcurrentOneTime: one request sent 64 times with fresh nonces passes once.
func TestConcurrentOneTime(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.AttestedConfirmation)
	q := w.request(c, credit.LevelCredit)
	w.leave(&q, nil)
	var group sync.WaitGroup
	var passed atomic.Int64
	for range 64 {
		next := again(w, q)
		text, err := next.Sign(signer(t, shop))
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			ref, err := w.send(text, next)
			if err != nil {
				t.Error(err)
			}
			if ref.Passed(credit.LevelCredit) {
				passed.Add(1)
			}
		})
	}
	group.Wait()
	if passed.Load() != 1 {
		t.Errorf("TSD-CRD-AUTH-04: %d passed", passed.Load())
	}
}

func TestPlatform(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.AttestedConfirmation)
	q := w.request(c, credit.LevelCredit)
	w.leave(&q, &credit.FrequencyLimit{MaxRequests: 5, WindowSeconds: 60})
	alone := again(w, q)
	alone.RequestID, alone.PlatformDelegateID = newID("request"), ""
	if r := w.verify(alone).Answer().Reason; r != credit.ReasonAuthScope {
		t.Error("TSD-CRD-AUTH-05 without the platform:", r)
	}
	// The relying party names the platform, and signs itself.
	text, err := q.Sign(signer(t, platform))
	if err != nil {
		t.Fatal(err)
	}
	stolen := bytes.ReplaceAll(text, []byte(platform+"#credit"), []byte(shop+"#credit"))
	if ref, err := w.send(stolen, q); err != nil || ref.Answer().Reason != credit.ReasonRequestProof {
		t.Error("TSD-CRD-AUTH-05", ref.Answer().Reason, err)
	}
	if ref, err := w.send(text, q); err != nil || !ref.Passed(credit.LevelCredit) {
		t.Error(ref.Answer().Reason, err)
	}
}

// TestTrimmed: what was not asked for is not told, though it is authorized.
func TestTrimmed(t *testing.T) {
	w := newWorld(t, NewMemoryStore())
	c := w.associate("a-1", credit.DirectSignature)
	q := w.request(c, credit.LevelCredit)
	q.RequestedItems = []string{credit.ItemAssertionValid}
	w.leave(&q, nil)
	ref := w.verify(q)
	if d := ref.Disclosed(); !ref.Passed(credit.LevelCredit) || d.Value != nil || d.Policy != nil || d.Source != "" || d.AssertionValid == nil {
		t.Errorf("TSD-CRD-VER-02 %+v", ref)
	}
}

// brokenStore fails from a time on.
type brokenStore struct {
	Store
	broken bool
}

func (b *brokenStore) Do(ctx context.Context, f func(Tx) error) error {
	if b.broken {
		return errDown
	}
	return b.Store.Do(ctx, f)
}

func TestBrokenStore(t *testing.T) {
	store := &brokenStore{Store: NewMemoryStore()}
	w := newWorld(t, store)
	c := w.associate("a-1", credit.DirectSignature)
	store.broken = true
	if r := w.verify(w.request(c, credit.LevelCredential)).Answer().Reason; r != credit.ReasonInconclusive {
		t.Error("TSD-CRD-VER-08", r)
	}
}
