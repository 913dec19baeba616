package passkey

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/url"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/provider"
)

// secretName is under which the book keeps the key of nonces and user handles.
const secretName = "passkey-pages"

// A Verifier makes challenges and checks what comes back. It is safe for
// concurrent use.
type Verifier struct {
	origin string // scheme, host and port of the pages
	host   string
	name   string
	book   book.Passkeys
	secret []byte
	now    func() time.Time
}

// Config is what [New] needs; all of it.
type Config struct {
	Origin string // of the pages: https, host and port, nothing behind
	Name   string // of the processor, as the browser shows it
	Book   book.Passkeys
	Now    func() time.Time
}

// New reads the processor's secret from the book and returns a Verifier.
func New(ctx context.Context, c Config) (*Verifier, error) {
	u, err := url.Parse(c.Origin)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != c.Origin || c.Name == "" || c.Book == nil || c.Now == nil {
		return nil, protocol.New(protocol.CodeFieldInvalid, "config", "PSD-PAY-INS-03", "Origin (https, host and port), Name, Book and Now are needed")
	}
	secret, err := c.Book.Secret(ctx, secretName)
	if err != nil {
		return nil, err
	}
	return &Verifier{origin: c.Origin, host: u.Hostname(), name: c.Name, book: c.Book, secret: secret, now: c.Now}, nil
}

// An Act is what a principal is asked to do.
type Act struct {
	Kind      string    // lower-case letters and hyphens
	Of        any       // becomes a JSON object, which says everything that is agreed to
	Principal string    // DID of the only one who can
	Until     time.Time // from then on the book refuses it
}

// text is what the act says, the same for equal acts.
func (a Act) text() ([]byte, error) { return canon.Marshal(a.Of) }

// challenge is what is signed for an act under a nonce.
func (a Act) challenge(nonce string) ([]byte, error) {
	text, err := canon.Marshal(struct {
		Nonce string `json:"nonce"`
		Of    any    `json:"of"`
	}{nonce, a.Of})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(keys.Message(a.Kind, text))
	return sum[:], nil
}

// mac is a keyed digest of a few strings; no two lists of them give the same.
func (v *Verifier) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, v.secret)
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return h.Sum(nil)
}

// userHandle is how authenticators know the principal: 32 bytes that tell a
// stranger nothing.
func (v *Verifier) userHandle(principal string) []byte { return v.mac("user", principal) }

// nonce is the one that random bytes make for an act.
func (v *Verifier) nonce(a Act, random []byte) (string, error) {
	text, err := a.text()
	if err != nil {
		return "", err
	}
	mac := v.mac("nonce", a.Kind, string(text), string(random))
	return canon.EncodeBase64(append(random[:16:16], mac[:16]...)), nil
}

// issue returns a fresh nonce for an act, with its challenge.
func (v *Verifier) issue(a Act) (nonce string, challenge []byte, err error) {
	random := make([]byte, 16)
	rand.Read(random)
	if nonce, err = v.nonce(a, random); err != nil {
		return "", nil, err
	}
	challenge, err = a.challenge(nonce)
	return nonce, challenge, err
}

// recognise returns the challenge of an act under a nonce that was made here,
// for this very act.
func (v *Verifier) recognise(a Act, nonce string) ([]byte, error) {
	raw, err := canon.DecodeBase64(nonce)
	if err != nil || len(raw) != 32 {
		return nil, protocol.New(protocol.CodeFieldInvalid, "nonce", "PSD-PAY-INS-03", "")
	}
	ours, err := v.nonce(a, raw[:16])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(ours), []byte(nonce)) != 1 {
		return nil, protocol.New(protocol.CodeOrderMismatch, "nonce", "PSD-PAY-INS-02", "made for something else than this")
	}
	return a.challenge(nonce)
}

// used is the use of a nonce, which the book keeps for longer than the act can
// be agreed to.
func (v *Verifier) used(a Act, nonce string) provider.Nonce {
	until := a.Until
	if now := v.now(); until.Before(now) {
		until = now
	}
	return provider.Nonce{Scope: "passkey " + a.Kind, Value: nonce, Until: until.Add(time.Minute)}
}

// fields reads members of a form that hold bytes. A user handle may be absent.
func fields(form url.Values, names ...string) (map[string][]byte, error) {
	out := make(map[string][]byte, len(names))
	for _, name := range names {
		text := form.Get(name)
		if text == "" {
			if name == fieldUserHandle {
				continue
			}
			return nil, protocol.New(protocol.CodeFieldMissing, name, "PSD-PAY-INS-03", "")
		}
		b, err := canon.DecodeBase64(text)
		if err != nil {
			return nil, protocol.In(err, name)
		}
		out[name] = b
	}
	return out, nil
}

// untrue is the error for what does not hold. The library's text may repeat what
// was sent, and stays in the cause.
func untrue(requirement string, cause error) error {
	return protocol.Wrap(protocol.CodeSignatureInvalid, "passkey", requirement, "the passkey's signature, or what it was made for", cause)
}

// short is what people tell accounts by: the end of a DID.
func short(did string) string { return did[strings.LastIndexByte(did, '/')+1:] }
