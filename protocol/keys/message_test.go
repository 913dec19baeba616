package keys_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

type payment struct {
	RequestID string         `json:"request_id"`
	Nonce     string         `json:"nonce"`
	Amount    string         `json:"amount"`
	Detail    jsontext.Value `json:"detail,omitzero"`
}

func TestSignAndVerifyMessage(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			s := newSigner(t, alg, keys.AgentRequest)
			in := payment{"r-1", "n-1", "18.00", jsontext.Value(`{"signature":"inner","n":0.1}`)}
			raw, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, in)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := canon.Canonicalize(raw); err != nil || !bytes.Equal(c, raw) {
				t.Error("not canonical:", err)
			}
			m, err := keys.ParseMessage(raw)
			if err != nil {
				t.Fatal(err)
			}
			if m.KeyID != keyID || m.Algorithm != alg {
				t.Errorf("%+v", m)
			}
			if err := m.Verify(s.Public(), keys.KindPaymentRequest); err != nil {
				t.Error(err)
			}
			var out payment
			if err := m.Decode(&out); err != nil || out.RequestID != in.RequestID || string(out.Detail) != `{"n":0.1,"signature":"inner"}` {
				t.Errorf("%v %+v", err, out)
			}
			wantCode(t, m.Verify(s.Public(), keys.KindPaymentQuery), protocol.CodeSignatureInvalid)
			wantCode(t, m.Verify(s.Public(), "a\nb"), protocol.CodeTypeMismatch)
			wantCode(t, m.Verify(s.Public(), ""), protocol.CodeTypeMismatch)
			wantCode(t, m.Verify(newSigner(t, alg, keys.AgentRequest).Public(), keys.KindPaymentRequest), protocol.CodeSignatureInvalid)
			wantCode(t, m.Verify(keys.PublicKey{}, keys.KindPaymentRequest), protocol.CodeAlgorithmRefused)
			other := algorithms[1-slices.Index(algorithms, alg)]
			wantCode(t, m.Verify(newSigner(t, other, keys.AgentRequest).Public(), keys.KindPaymentRequest), protocol.CodeAlgorithmRefused)
			clear(raw)
			if err := m.Verify(s.Public(), keys.KindPaymentRequest); err != nil {
				t.Error("the message was not copied:", err)
			}
		})
	}
}

// The signature input of SPEC.md 2.3, put together here by hand.
func TestMessageBytes(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.Seller)
	const canonical = `{"amount":"18.00","signature_covered_fields":["amount","signature_covered_fields","signature_type","signer_id"],` +
		`"signature_type":"ED25519","signer_id":"did:act:shop.example/coffee#k1"}`
	sig, err := s.Sign(keys.Seller, []byte("act-go/1 cart-request\n"+canonical))
	if err != nil {
		t.Fatal(err)
	}
	// Members in another order, white space, an escape: the meaning decides.
	raw := `{ "signer_id":"did:act:shop.example\/coffee#k1", "signature":"` + canon.EncodeBase64(sig) + `",
		"signature_type":"ED25519", "amount":"18.00",
		"signature_covered_fields":["amount","signature_covered_fields","signature_type","signer_id"]}`
	m, err := keys.ParseMessage([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Signed()) != canonical {
		t.Errorf("%s", m.Signed())
	}
	if err := m.Verify(s.Public(), keys.KindCartRequest); err != nil {
		t.Error(err)
	}
}

func TestHostileMessages(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	raw, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, payment{RequestID: "r-1", Nonce: "n-1", Amount: "18.00"})
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	sub := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in the message", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	const covered = `["amount","nonce","request_id","signature_covered_fields","signature_type","signer_id"]`
	sig := good[strings.Index(good, `"signature":"`)+13:][:86]
	for _, tc := range []struct {
		name, text string
		want       protocol.Code
	}{
		{"empty", ``, protocol.CodeMalformed},
		{"an array", `[]`, protocol.CodeFieldInvalid},
		{"null", `null`, protocol.CodeFieldInvalid},
		{"trailing data", good + "1", protocol.CodeMalformed},
		{"a member twice", sub(`"amount":`, `"amount":"1.00","amount":`), protocol.CodeMalformed},
		{"a member twice, once escaped", sub(`"amount":`, `"\u0061mount":"1.00","amount":`), protocol.CodeMalformed},
		{"a number that does not survive", sub(`"amount":"18.00"`, `"amount":9007199254740993`), protocol.CodeMalformed},
		{"too long", good + strings.Repeat(" ", 70_000), protocol.CodeTooLarge},
		{"no signature", sub(`"signature":"`+sig+`",`, ``), protocol.CodeFieldMissing},
		{"empty signature", sub(sig, ``), protocol.CodeFieldMissing},
		{"signature null", sub(`"`+sig+`"`, `null`), protocol.CodeFieldInvalid},
		{"signature a list", sub(`"`+sig+`"`, `["`+sig+`"]`), protocol.CodeFieldInvalid},
		{"signature padded", sub(sig, sig+"=="), protocol.CodeMalformed},
		{"signature with spare bits", sub(sig, sig[:85]+string(sig[85]+1)), protocol.CodeMalformed},
		{"no signer", sub(`,"signer_id":"`+keyID+`"`, ``), protocol.CodeFieldMissing},
		{"signer relative", sub(keyID, "#k1"), protocol.CodeFieldInvalid},
		{"no type", sub(`"signature_type":"ED25519",`, ``), protocol.CodeFieldMissing},
		{"type by its JOSE name", sub(`"ED25519"`, `"EdDSA"`), protocol.CodeAlgorithmRefused},
		{"type none", sub(`"ED25519"`, `"none"`), protocol.CodeAlgorithmRefused},
		{"no list", sub(`"signature_covered_fields":`+covered+`,`, ``), protocol.CodeFieldMissing},
		{"empty list", sub(covered, `[]`), protocol.CodeFieldInvalid},
		{"list without the amount", sub(covered, strings.Replace(covered, `"amount",`, ``, 1)), protocol.CodeFieldInvalid},
		{"list with one more", sub(covered, strings.Replace(covered, `"nonce"`, `"iac","nonce"`, 1)), protocol.CodeFieldInvalid},
		{"list with one more at the end", sub(covered, strings.Replace(covered, `]`, `,"zzz"]`, 1)), protocol.CodeFieldInvalid},
		{"list with the signature", sub(covered, strings.Replace(covered, `"signature_covered_fields"`, `"signature","signature_covered_fields"`, 1)), protocol.CodeFieldInvalid},
		{"list in another order", sub(covered, `["nonce","amount","request_id","signature_covered_fields","signature_type","signer_id"]`), protocol.CodeFieldInvalid},
		{"list with a name twice", sub(covered, strings.Replace(covered, `"nonce"`, `"nonce","nonce"`, 1)), protocol.CodeFieldInvalid},
		{"list of numbers", sub(covered, `[1]`), protocol.CodeFieldInvalid},
		{"a member that the list does not name", sub(`{"amount"`, `{"aaa":1,"amount"`), protocol.CodeFieldInvalid},
	} {
		t.Run("PSD-PAY-DEL-03 "+tc.name, func(t *testing.T) {
			_, err := keys.ParseMessage([]byte(tc.text))
			wantCode(t, err, tc.want)
		})
	}
	for name, text := range map[string]string{
		"amount":         sub("18.00", "81.00"),
		"signer":         sub(keyID, "did:act:shop.example/coffee#k2"),
		"DER signature":  sub(sig, canon.EncodeBase64(append([]byte{0x30, 68, 2, 32}, make([]byte, 66)...))),
		"short":          sub(sig, sig[:43][:40]),
		"zero signature": sub(sig, strings.Repeat("A", 86)),
	} {
		t.Run("changed "+name, func(t *testing.T) {
			m, err := keys.ParseMessage([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			wantCode(t, m.Verify(s.Public(), keys.KindPaymentRequest), protocol.CodeSignatureInvalid)
		})
	}
	t.Run("unknown member", func(t *testing.T) {
		m, err := keys.ParseMessage(raw)
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Amount string `json:"amount"`
			Nonce  string `json:"nonce"`
		}
		wantCode(t, m.Decode(&v), protocol.CodeFieldUnknown)
	})
}

func TestMessageFlippedBits(t *testing.T) {
	for _, alg := range algorithms {
		s := newSigner(t, alg, keys.AgentRequest)
		good, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, payment{RequestID: "r-1", Nonce: "n-1", Amount: "18.00"})
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for i := range good {
			for bit := range 8 {
				bad := slices.Clone(good)
				bad[i] ^= 1 << bit
				m, err := keys.ParseMessage(bad)
				if err != nil {
					continue
				}
				checked++
				if m.Verify(s.Public(), keys.KindPaymentRequest) == nil {
					t.Fatalf("%s: byte %d, bit %d is accepted", alg, i, bit)
				}
			}
		}
		if checked == 0 {
			t.Error("no changed message reached the signature check")
		}
	}
}

func TestSignMessageRefuses(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	for name, message := range map[string]any{
		"signature":     map[string]string{"signature": "x"},
		"signer":        map[string]string{"signer_id": "x"},
		"type":          map[string]string{"signature_type": "x"},
		"list":          map[string]string{"signature_covered_fields": "x"},
		"not an object": []string{"x"},
		"text":          "x",
		"nil":           nil,
	} {
		if _, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, message); protocol.CodeOf(err) != protocol.CodeFieldInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, map[string]string{"a": strings.Repeat("a", 65_500)})
	wantCode(t, err, protocol.CodeTooLarge)
	for _, kind := range []string{"", "A", "a b", "a\n", "é"} {
		_, err := keys.SignMessage(s, keys.AgentRequest, kind, struct{}{})
		wantCode(t, err, protocol.CodeTypeMismatch)
	}
}

// Whatever the names of the members, what SignMessage writes ParseMessage
// reads: the order of names is that of RFC 8785, by UTF-16 code units.
func TestMessageNames(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.MapOf(
			rapid.StringOf(rapid.SampledFrom([]rune("aZ_s\"\\\x01é\uffee\U0001f600"))),
			rapid.StringN(0, 4, -1),
		).Draw(t, "content")
		raw, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, content)
		if err != nil {
			t.Fatal(err)
		}
		m, err := keys.ParseMessage(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if err := m.Verify(s.Public(), keys.KindPaymentRequest); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		got := map[string]string{}
		if err := m.Decode(&got); err != nil || len(got) != len(content) {
			t.Fatalf("%v %v", err, got)
		}
	})
}

func TestContentDigest(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	digest := func(p payment, except ...string) canon.Digest {
		raw, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, p)
		if err != nil {
			t.Fatal(err)
		}
		m, err := keys.ParseMessage(raw)
		if err != nil {
			t.Fatal(err)
		}
		return m.ContentDigest(except...)
	}
	first := digest(payment{"r-1", "n-1", "18.00", nil}, "nonce")
	if digest(payment{"r-1", "n-2", "18.00", nil}, "nonce") != first {
		t.Error("another nonce is another content")
	}
	if digest(payment{"r-1", "n-1", "18.01", nil}, "nonce") == first {
		t.Error("another amount is the same content")
	}
	if digest(payment{"r-1", "n-1", "18.00", nil}) == digest(payment{"r-1", "n-2", "18.00", nil}) {
		t.Error("without exceptions the nonce counts")
	}
}

// What was decoded is the caller's own: later messages do not write into it.
func TestDecodedIsIndependent(t *testing.T) {
	s := newSigner(t, keys.EdDSA, keys.AgentRequest)
	type content struct {
		Text  string         `json:"text"`
		Value jsontext.Value `json:"value"`
		Bytes []byte         `json:"bytes"`
		Any   any            `json:"any"`
	}
	read := func(word string) (c content) {
		raw, err := keys.SignMessage(s, keys.AgentRequest, keys.KindPaymentRequest, map[string]any{
			"text": word, "value": []string{word}, "bytes": []byte(word), "any": []string{word},
		})
		if err != nil {
			t.Fatal(err)
		}
		m, err := keys.ParseMessage(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Decode(&c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := read("first")
	for range 50 {
		read("other")
	}
	if first.Text != "first" || string(first.Value) != `["first"]` || string(first.Bytes) != "first" || fmt.Sprint(first.Any) != "[first]" {
		t.Errorf("%+v", first)
	}
}
