package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
)

// TestStory tells the story over real sockets and a real ledger.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	told := out.String()
	for _, want := range []string{
		"user_intent_raw_digest sha-256:", "每次最多30元，总共最多100元", "At most 30 yuan each time and 100 yuan in all",
		"26.50 CNY to 街角茶馆", "WAIT_BUYER_PAY: nothing is moved", "recorded: confirmed by the paired phone",
		"1 × Jasmine tea 茉莉花茶, 1 × Osmanthus cake 桂花糕", "has never heard of it",
		"recording nor a word of it", "spent 35.00 of 100.00 yuan", "recomputed from the entries: sound",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	if n := strings.Count(told, "nothing was moved or reserved"); n != 4 {
		t.Errorf("%d refusals were looked after", n)
	}
	for _, code := range []protocol.Code{
		protocol.CodeFieldInvalid, protocol.CodeConfirmationFailed, protocol.CodeConfirmationFailed, protocol.CodeConfirmationFailed,
		protocol.CodeSingleLimitExceeded, protocol.CodeOrderMismatch, protocol.CodePrincipalMismatch, protocol.CodeClaimsConflict,
	} {
		_, after, found := strings.Cut(told, "refused, "+string(code)+":")
		if !found {
			t.Fatalf("no refusal with %s where it belongs", code)
		}
		told = after
	}
}

// begin tells the story up to a paid order, to nobody.
func begin(t *testing.T) *walk {
	t.Helper()
	w, err := stage.New(t.Context(), &stage.Narrator{Out: io.Discard})
	t.Cleanup(func() {
		if err := w.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &walk{World: w, recorder: newRecorder(), spent: stage.Yuan("0.00")}
	for _, chapter := range []func(context.Context) error{s.introduce, s.listen, s.buy} {
		if err := chapter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestBrokenStories: the story ends when the world is not as it should be.
func TestBrokenStories(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(*testing.T, *walk) error // the world, or what it returns
		want   string
	}{
		"PSD-PAY-INS-03 the other phone is the principal's too": {func(t *testing.T, s *walk) (err error) {
			if s.other, err = s.person.PairPhone(t.Context(), "phone 2"); err != nil {
				t.Fatal(err)
			}
			return s.otherPhone(t.Context())
		}, "should have failed with principal_mismatch"},
		"PSD-PAY-INS-04 money moves while nobody confirms": {func(t *testing.T, s *walk) error {
			return s.untouched(t.Context(), func(ctx context.Context) error {
				return s.Processor.Deposit(ctx, "second", s.person.ID(), stage.Yuan("1.00"))
			})
		}, "money has moved"},
		"PSD-PAY-INS-04 something stays reserved": {func(t *testing.T, s *walk) error {
			s.spent = stage.Yuan("0.00")
			return s.untouched(t.Context(), func(context.Context) error { return nil })
		}, "26.50 is spent or reserved instead of 0.00"},
		"ADD-INT-ICS-02 the recording is sent": {func(t *testing.T, s *walk) error {
			return leak(t, s, s.recorder.file())
		}, "the recording was sent"},
		"ADD-INT-ICS-02 the words are sent": {func(t *testing.T, s *walk) error {
			return leak(t, s, []byte(wished))
		}, "the words was sent"},
		"ADD-INT-ICS-02 the recording is another": {func(t *testing.T, s *walk) error {
			s.recorder.listen(1)
			return s.dispute(t.Context())
		}, string(protocol.CodeClaimsConflict)},
		"PSD-PAY-DEL-07 the books differ": {func(t *testing.T, s *walk) error {
			s.spent = stage.Yuan("18.00")
			return s.showBooks(t.Context())
		}, "the glasses say that 26.50 was spent, the tea house 18.00"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.breaks(t, begin(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// leak sends something from the glasses to the tea house.
func leak(t *testing.T, s *walk, secret []byte) error {
	t.Helper()
	response, err := s.glasses.Plain.Post(s.teahouse.Base+"/elsewhere", "audio/wav", bytes.NewReader(secret))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode == http.StatusOK {
		t.Fatal("somebody took it")
	}
	return s.whatLeft(t.Context())
}
