package delegation

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// refusedWell checks what every error of a parser promises: one of the closed
// list of codes, and no input in its text.
func refusedWell(t *testing.T, err error) {
	t.Helper()
	if !protocol.CodeOf(err).Known() {
		t.Fatalf("not an error of ours: %v", err)
	}
	for _, c := range err.Error() {
		if c < ' ' || c > '~' {
			t.Fatalf("an error with foreign text: %q", err.Error())
		}
	}
}

func FuzzDecodeISR(f *testing.F) {
	data, err := fullISR().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		isr, err := DecodeISR(data)
		if err != nil {
			refusedWell(t, err)
			return
		}
		canonical, err := canon.Canonicalize(data)
		if err != nil {
			t.Fatal("read what is not strict JSON")
		}
		// A required member that is empty counts as absent; everything else
		// comes back as it was.
		again, err := isr.Encode()
		if err != nil {
			t.Fatalf("read what cannot be written: %v", err)
		}
		if !bytes.Equal(again, canonical) && isr.Validate() == nil {
			t.Fatalf("read %s as %s", canonical, again)
		}
		if isr.Summary(English) == "" || isr.Summary(Chinese) == "" {
			t.Fatal("no summary")
		}
		if isr.Validate() == nil {
			if _, err := ConfirmedISR(isr); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzDecodeAuthorization(f *testing.F) {
	data, err := fullAuthorization(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, unknown, err := DecodeAuthorization(data)
		if err != nil {
			refusedWell(t, err)
			return
		}
		b, err := a.Bounds()
		if err != nil {
			t.Fatalf("valid, and has no bounds: %v", err)
		}
		if len(unknown) > 0 {
			if b.Understood() || b.Decide(RolePSP, Purchase{}, nil).Allowed() {
				t.Fatal("an unknown member is forgotten")
			}
			return
		}
		// Nothing was ignored: the text comes back whole.
		again, err := a.Encode()
		if err != nil {
			t.Fatalf("read what cannot be written: %v", err)
		}
		if canonical, err := canon.Canonicalize(data); err != nil || !bytes.Equal(canonical, again) {
			t.Fatalf("read %s as %s", canonical, again)
		}
		if d := b.Decide(RoleAgent, Purchase{At: a.ValidityStart, Amount: b.Total()}, nil); d.Allowed() {
			t.Fatal("allowed without knowing what was spent")
		}
	})
}

func FuzzParseMandate(f *testing.F) {
	s := issuerKey(f)
	raw, err := Issue(s, fullClaims(f))
	if err != nil {
		f.Fatal(err)
	}
	m, err := ParseMandate(raw)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(m.Payload())
	f.Fuzz(func(t *testing.T, data []byte) {
		parse := func(raw []byte) {
			m, err := ParseMandate(raw)
			if err != nil {
				refusedWell(t, err)
				return
			}
			c := m.Claims()
			if c.Audience == "" || c.Holder.IsZero() || c.Subject != c.Authorization.AgentID || c.ID != c.Authorization.DelegationID ||
				!c.Expires.Equal(c.Authorization.ValidityEnd) || !c.NotBefore.Equal(c.Authorization.ValidityStart) {
				t.Fatal("read with twins that differ")
			}
			if b, err := c.Bounds(); err != nil || b.Understood() != (len(c.Unknown) == 0) {
				t.Fatal("an unknown claim is forgotten")
			}
		}
		parse(data)
		// The fuzzer gets behind the base64url more easily with the payload alone.
		if jsontext.Value(data).IsValid() {
			if raw, err := keys.SignCompact(s, keys.IssueAuthorization, keys.TypeMandate, data); err == nil {
				parse(raw)
			}
		}
	})
}

func FuzzParseStatusList(f *testing.F) {
	s := statusKey(f)
	list := NewStatusList(8)
	if err := list.Set(1, StatusRevoked); err != nil {
		f.Fatal(err)
	}
	raw := signedList(f, s, list)
	token, err := keys.ParseCompact(raw, keys.TypeStatusList)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(token.Payload)
	f.Fuzz(func(t *testing.T, data []byte) {
		parse := func(raw []byte) {
			l, err := ParseStatusList(raw, listURI)
			if err != nil {
				refusedWell(t, err)
				return
			}
			if l.URI != listURI || l.list.Len() > MaxStatusEntries || !l.Expires.After(l.IssuedAt) {
				t.Fatalf("%+v", l)
			}
			for _, i := range []int{0, 1, l.list.Len() - 1, l.list.Len(), -1} {
				s, err := l.Status(i)
				if inside := i >= 0 && i < l.list.Len(); err == nil && (!inside || s > StatusSuspended) {
					t.Fatalf("entry %d is %d", i, s)
				}
			}
		}
		parse(data)
		if jsontext.Value(data).IsValid() {
			if raw, err := keys.SignCompact(s, keys.Status, keys.TypeStatusList, data); err == nil {
				parse(raw)
			}
		}
	})
}
