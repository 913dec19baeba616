package passkey_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/go-json-experiment/json"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/internal/passkey"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/protocol"
)

const (
	origin = "https://pay.example:8443"
	ann    = "did:act:home.example/ann"
	ben    = "did:act:home.example/ben"
)

// Flags of authenticator data (WebAuthn Level 3, 6.1).
const (
	present, verified, eligible, backedUp, attested = 0x01, 0x04, 0x08, 0x10, 0x40
)

// An authenticator is one in software, with one passkey, that signs what it is
// told to.
type authenticator struct {
	t       testing.TB
	id      []byte
	key     *ecdsa.PrivateKey
	user    string
	counter uint32
}

func newAuthenticator(t testing.TB) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &authenticator{t: t, id: id, key: key}
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// A browser is what stands between page and authenticator, and what it says.
type browser struct {
	kind, origin, host string
	flags              byte
	cross              bool
}

func (b browser) clientData(t testing.TB, challenge string) []byte {
	data, err := json.Marshal(map[string]any{"type": b.kind, "challenge": challenge, "origin": b.origin, "crossOrigin": b.cross})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (b browser) data(counter uint32, more []byte) []byte {
	host := sha256.Sum256([]byte(b.host))
	return append(binary.BigEndian.AppendUint32(append(host[:], b.flags), counter), more...)
}

var good = browser{kind: "webauthn.get", origin: origin, host: "pay.example", flags: present | verified | eligible}

// make answers an offer.
func (a *authenticator) make(c passkey.Ceremony, b browser) url.Values {
	var options struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if err := json.Unmarshal([]byte(c.Options), &options); err != nil {
		a.t.Fatal(err)
	}
	a.user = options.User.ID
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		a.t.Fatal(err)
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		a.t.Fatal(err)
	}
	credential := append(binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(a.id))), append(bytes.Clone(a.id), cose...)...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": b.data(a.counter, credential)})
	if err != nil {
		a.t.Fatal(err)
	}
	return url.Values{"nonce": {c.Nonce}, "id": {text(a.id)}, "client_data": {text(b.clientData(a.t, options.Challenge))}, "attestation": {text(object)}}
}

// sign answers a question.
func (a *authenticator) sign(c passkey.Ceremony, b browser) url.Values {
	var options struct {
		Challenge        string `json:"challenge"`
		UserVerification string `json:"userVerification"`
		RPID             string `json:"rpId"`
	}
	if err := json.Unmarshal([]byte(c.Options), &options); err != nil || options.UserVerification != "required" || options.RPID != "pay.example" {
		a.t.Fatalf("%s: %v", c.Options, err)
	}
	client, data := b.clientData(a.t, options.Challenge), b.data(a.counter, nil)
	clientHash := sha256.Sum256(client)
	sum := sha256.Sum256(append(bytes.Clone(data), clientHash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return url.Values{
		"nonce": {c.Nonce}, "id": {text(a.id)}, "client_data": {text(client)}, "authenticator_data": {text(data)}, "signature": {text(signature)}, "user_handle": {a.user},
	}
}

// A desk is a verifier over a real book with two principals.
type desk struct {
	testing.TB
	*passkey.Verifier
	book *ledger.Ledger
	now  time.Time
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{TB: t, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	var err error
	d.book, err = ledger.Open(ledger.Config{Path: filepath.Join(t.TempDir(), "ledger.db"), Now: func() time.Time { return d.now }})
	d.must(err)
	t.Cleanup(func() { d.must(d.book.Close()) })
	for _, did := range []string{ann, ben} {
		d.must(d.book.OpenAccount(context.Background(), did, book.Principal, "CNY"))
	}
	d.Verifier = d.another()
	return d
}

// another is the verifier of another process, or of the same after a restart.
func (d *desk) another() *passkey.Verifier {
	d.Helper()
	v, err := passkey.New(context.Background(), passkey.Config{Origin: origin, Name: "pay.example", Book: d.book, Now: func() time.Time { return d.now }})
	d.must(err)
	return v
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) want(err error, code protocol.Code) {
	d.Helper()
	if protocol.CodeOf(err) != code || err == nil {
		d.Errorf("got %v, want %q", err, code)
	}
}

// enrol makes a passkey of a principal.
func (d *desk) enrol(principal string) *authenticator {
	d.Helper()
	a, act := newAuthenticator(d), passkey.Act{Kind: "passkey-enrolment", Of: map[string]string{"principal_id": principal}, Principal: principal, Until: d.now.Add(time.Hour)}
	c, err := d.Offer(act)
	d.must(err)
	create := good
	create.kind, create.flags = "webauthn.create", good.flags|attested
	k, err := d.Made(act, a.make(c, create))
	d.must(err)
	link := text(a.id)
	d.must(d.book.Invite(context.Background(), book.Invitation{ID: link, Principal: principal, Expires: d.now.Add(time.Hour)}))
	d.must(d.book.Enrol(context.Background(), link, k))
	return a
}

// pays is an act of Ann's.
func (d *desk) pays(amount string) passkey.Act {
	return passkey.Act{Kind: "cashier-passkey", Of: map[string]string{"amount": amount, "trade_no": "T-1"}, Principal: ann, Until: d.now.Add(10 * time.Minute)}
}

func (d *desk) ask(a passkey.Act) passkey.Ceremony {
	d.Helper()
	c, err := d.Ask(a)
	d.must(err)
	return c
}

func TestAgreed(t *testing.T) {
	d := newDesk(t)
	ctx := context.Background()
	phone := d.enrol(ann)
	form := phone.sign(d.ask(d.pays("18.00")), good)
	// PSD-PAY-INS-03: nothing is kept between page and answer: a restart, or
	// another process, changes nothing.
	k, err := d.another().Agreed(ctx, d.pays("18.00"), form)
	if err != nil || k.ID != text(phone.id) || k.Principal != ann {
		t.Fatalf("PSD-PAY-INS-03: %+v, %v", k, err)
	}
	_, err = d.Agreed(ctx, d.pays("18.00"), form)
	d.want(err, protocol.CodeReplayed)
	two := []passkey.Ceremony{d.ask(d.pays("18.00")), d.ask(d.pays("18.00"))}
	if two[0].Nonce == two[1].Nonce || two[0].Options == two[1].Options {
		t.Error("a challenge twice")
	}
	if strings.Contains(two[0].Options, text(phone.id)) || strings.Contains(two[0].Options, "allowCredentials") {
		t.Error("the page tells a stranger which passkeys there are")
	}
}

func TestAgreedRefuses(t *testing.T) {
	d := newDesk(t)
	ctx := context.Background()
	phone, stranger, unknown := d.enrol(ann), d.enrol(ben), newAuthenticator(t)
	edit := func(change func(*browser)) browser { b := good; change(&b); return b }
	act := d.pays("18.00")
	for _, c := range []struct {
		name string
		form func() url.Values
		code protocol.Code
	}{
		{"the user was not verified", func() url.Values { return phone.sign(d.ask(act), edit(func(b *browser) { b.flags &^= verified })) }, protocol.CodeSignatureInvalid},
		{"nobody was there", func() url.Values { return phone.sign(d.ask(act), edit(func(b *browser) { b.flags &^= present })) }, protocol.CodeSignatureInvalid},
		{"another site", func() url.Values {
			return phone.sign(d.ask(act), edit(func(b *browser) { b.origin = "https://pay.example.evil:8443" }))
		}, protocol.CodeSignatureInvalid},
		{"another port", func() url.Values {
			return phone.sign(d.ask(act), edit(func(b *browser) { b.origin = "https://pay.example" }))
		}, protocol.CodeSignatureInvalid},
		{"another relying party", func() url.Values {
			return phone.sign(d.ask(act), edit(func(b *browser) { b.host = "pay.example.evil" }))
		}, protocol.CodeSignatureInvalid},
		{"a frame of another site", func() url.Values { return phone.sign(d.ask(act), edit(func(b *browser) { b.cross = true })) }, protocol.CodeSignatureInvalid},
		{"a registration", func() url.Values {
			return phone.sign(d.ask(act), edit(func(b *browser) { b.kind = "webauthn.create" }))
		}, protocol.CodeSignatureInvalid},
		{"another kind of passkey", func() url.Values { return phone.sign(d.ask(act), edit(func(b *browser) { b.flags &^= eligible })) }, protocol.CodeKeyNotValid},
		{"another amount", func() url.Values { return phone.sign(d.ask(d.pays("1.00")), good) }, protocol.CodeOrderMismatch},
		{"another kind of act", func() url.Values {
			other := act
			other.Kind = "binding-passkey"
			return phone.sign(d.ask(other), good)
		}, protocol.CodeOrderMismatch},
		{"another challenge", func() url.Values {
			f := phone.sign(d.ask(d.pays("1.00")), good)
			f.Set("nonce", d.ask(act).Nonce)
			return f
		}, protocol.CodeSignatureInvalid},
		{"a nonce of one's own", func() url.Values {
			f := phone.sign(d.ask(act), good)
			f.Set("nonce", text(make([]byte, 32)))
			return f
		}, protocol.CodeOrderMismatch},
		{"no nonce", func() url.Values { f := phone.sign(d.ask(act), good); f.Del("nonce"); return f }, protocol.CodeFieldInvalid},
		{"another principal's passkey", func() url.Values { return stranger.sign(d.ask(act), good) }, protocol.CodePrincipalMismatch},
		{"another principal's name", func() url.Values {
			f := phone.sign(d.ask(act), good)
			f.Set("user_handle", stranger.user)
			return f
		}, protocol.CodePrincipalMismatch},
		{"an unknown passkey", func() url.Values { return unknown.sign(d.ask(act), good) }, protocol.CodeKeyUnknown},
		{"another's signature", func() url.Values {
			f := stranger.sign(d.ask(act), good)
			f.Set("id", text(phone.id))
			return f
		}, protocol.CodeSignatureInvalid},
		{"no signature", func() url.Values { f := phone.sign(d.ask(act), good); f.Del("signature"); return f }, protocol.CodeFieldMissing},
		{"padding", func() url.Values { f := phone.sign(d.ask(act), good); f.Set("id", f.Get("id")+"="); return f }, protocol.CodeMalformed},
		{"data that are cut off", func() url.Values { f := phone.sign(d.ask(act), good); f.Set("authenticator_data", "AAAA"); return f }, protocol.CodeMalformed},
		{"client data that are none", func() url.Values {
			f := phone.sign(d.ask(act), good)
			f.Set("client_data", text([]byte("[]")))
			return f
		}, protocol.CodeMalformed},
	} {
		t.Run("PSD-PAY-INS-03 "+c.name, func(t *testing.T) {
			form := c.form()
			_, err := d.Agreed(ctx, act, form)
			if protocol.CodeOf(err) != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
			for _, secret := range []string{form.Get("signature"), "evil", form.Get("client_data")} {
				if len(secret) > 3 && strings.Contains(err.Error(), secret) {
					t.Errorf("the error repeats what was sent: %v", err)
				}
			}
		})
	}
	if all, err := d.book.Passkeys(ctx); err != nil || !all[0].UsedAt.IsZero() {
		t.Errorf("what was refused was used: %+v, %v", all, err)
	}
}

func TestCounter(t *testing.T) {
	d := newDesk(t)
	phone := d.enrol(ann)
	for _, c := range []struct {
		counter uint32
		code    protocol.Code
	}{{5, ""}, {5, protocol.CodeKeyNotValid}, {4, protocol.CodeKeyNotValid}, {6, ""}} {
		phone.counter = c.counter
		_, err := d.Agreed(context.Background(), d.pays("18.00"), phone.sign(d.ask(d.pays("18.00")), good))
		if protocol.CodeOf(err) != c.code {
			t.Errorf("PSD-PAY-INS-03 counter %d: %v", c.counter, err)
		}
	}
}

func TestMadeRefuses(t *testing.T) {
	d := newDesk(t)
	act := passkey.Act{Kind: "passkey-enrolment", Of: map[string]string{"principal_id": ann}, Principal: ann, Until: d.now.Add(time.Hour)}
	create := good
	create.kind, create.flags = "webauthn.create", good.flags|attested
	for name, change := range map[string]func(*browser){
		"the user was not verified": func(b *browser) { b.flags &^= verified }, "another site": func(b *browser) { b.origin = "https://evil.example" },
		"another relying party": func(b *browser) { b.host = "evil.example" }, "a signature": func(b *browser) { b.kind = "webauthn.get" },
	} {
		c, err := d.Offer(act)
		d.must(err)
		b := create
		change(&b)
		if _, err := d.Made(act, newAuthenticator(t).make(c, b)); protocol.CodeOf(err) != protocol.CodeSignatureInvalid {
			t.Errorf("PSD-PMT-BND-02 %s: %v", name, err)
		}
	}
	other := act
	other.Of = map[string]string{"principal_id": ben}
	c, err := d.Offer(other)
	d.must(err)
	_, err = d.Made(act, newAuthenticator(t).make(c, create))
	d.want(err, protocol.CodeOrderMismatch)
	c, err = d.Offer(act)
	d.must(err)
	a, b := newAuthenticator(t), newAuthenticator(t)
	form := a.make(c, create)
	form.Set("id", text(b.id)) // another id than the one that was attested
	_, err = d.Made(act, form)
	d.want(err, protocol.CodeSignatureInvalid)
}

// FuzzAgreed: whatever is sent, nothing is agreed to but by a good signature.
func FuzzAgreed(f *testing.F) {
	d := newDesk(f)
	phone := d.enrol(ann)
	c := d.ask(d.pays("18.00"))
	form := phone.sign(c, good)
	f.Add(form.Get("client_data"), form.Get("authenticator_data"), form.Get("signature"), form.Get("user_handle"))
	f.Add("", "", "", "")
	f.Add(text([]byte(`{"type":"webauthn.get"}`)), "AAAA", "AAAA", "AA")
	f.Fuzz(func(t *testing.T, client, data, signature, handle string) {
		sent := url.Values{"nonce": {c.Nonce}, "id": {text(phone.id)}, "client_data": {client}, "authenticator_data": {data}, "signature": {signature}, "user_handle": {handle}}
		_, err := d.Agreed(context.Background(), d.pays("18.00"), sent)
		same := client == form.Get("client_data") && data == form.Get("authenticator_data") && signature == form.Get("signature")
		if err == nil && !same {
			t.Errorf("agreed by %v", sent)
		}
		if err != nil && !protocol.CodeOf(err).Known() {
			t.Errorf("an error that is none of ours: %v", err)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	d := newDesk(t)
	for _, bad := range []string{"", "http://pay.example", "https://pay.example/", "https://pay.example/x", "https://", "pay.example"} {
		_, err := passkey.New(context.Background(), passkey.Config{Origin: bad, Name: "n", Book: d.book, Now: time.Now})
		d.want(err, protocol.CodeFieldInvalid)
	}
}
