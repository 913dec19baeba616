package sealed

import (
	"crypto/rand"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Sizes of RFC 7518, 5.3 and RFC 3394, in bytes.
const (
	ivSize      = 12
	tagSize     = 16
	wrappedSize = keySize + 8
)

const contentEncryption = "A256GCM"

// general is a JWE in general JSON serialization (RFC 7516, 7.2.1), closed:
// no unprotected header for all, no key outside of recipients, and additional
// data always.
type general struct {
	AAD        string      `json:"aad"`
	Ciphertext string      `json:"ciphertext"`
	IV         string      `json:"iv"`
	Protected  string      `json:"protected"`
	Recipients []recipient `json:"recipients"`
	Tag        string      `json:"tag"`
}

type recipient struct {
	EncryptedKey string `json:"encrypted_key"`
	Header       header `json:"header,omitzero"`
}

// header holds the only members that we know. A key id is not among them: it
// would tell everybody for whom a part is.
type header struct {
	Alg *string        `json:"alg,omitzero"`
	Enc *string        `json:"enc,omitzero"`
	EPK jsontext.Value `json:"epk,omitzero"`
}

// encrypted is a JWE whose form has been checked.
type encrypted struct {
	text       jsontext.Value // as it stands in the message
	aad        string         // of the AEAD: protected, ".", additional data
	iv         []byte
	ciphertext []byte // with the tag
	wrapped    []wrappedKey
}

type wrappedKey struct {
	ephemeral keys.EncryptionKey
	key       []byte
}

// encrypt makes the JWE of a plaintext for one or more keys, with a message id
// as additional data. alg and enc are in the protected header.
func encrypt(plaintext []byte, messageID string, to []keys.EncryptionKey) (*general, error) {
	random := make([]byte, keySize+ivSize)
	rand.Read(random) // never fails
	cek, iv := random[:keySize], random[keySize:]
	out := &general{
		AAD: canon.EncodeBase64([]byte(messageID)), IV: canon.EncodeBase64(iv),
		Protected: canon.EncodeBase64([]byte(`{"alg":"` + keys.KeyAgreement + `","enc":"` + contentEncryption + `"}`)),
	}
	for _, key := range to {
		ephemeral, err := key.ECDH().Curve().GenerateKey(rand.Reader)
		if err != nil {
			return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "", "PRV-02", "no ephemeral key", err)
		}
		secret, err := ephemeral.ECDH(key.ECDH())
		if err != nil {
			return nil, protocol.Wrap(protocol.CodeFieldInvalid, "", "PRV-02", "not a usable key", err)
		}
		wrapped, err := wrap(secret, cek)
		if err != nil {
			return nil, protocol.Wrap(protocol.CodeFieldInvalid, "", "PRV-02", "the content key could not be wrapped", err)
		}
		public, err := keys.NewEncryptionKey(ephemeral.PublicKey())
		if err != nil {
			return nil, err
		}
		out.Recipients = append(out.Recipients, recipient{EncryptedKey: canon.EncodeBase64(wrapped), Header: header{EPK: public.JWK()}})
	}
	gcm, err := newGCM(cek)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeFieldInvalid, "", "PRV-02", "the content could not be encrypted", err)
	}
	sealed := gcm.Seal(nil, iv, plaintext, []byte(out.Protected+"."+out.AAD))
	out.Ciphertext = canon.EncodeBase64(sealed[:len(plaintext)])
	out.Tag = canon.EncodeBase64(sealed[len(plaintext):])
	return out, nil
}

// parseJWE checks the form of a JWE and that its additional data is the
// message id. No key is used.
func parseJWE(text []byte, messageID string) (*encrypted, error) {
	var g general
	if err := canon.Decode(text, &g); err != nil {
		return nil, err
	}
	if len(g.Recipients) == 0 || len(g.Recipients) > MaxReaders {
		return nil, protocol.New(protocol.CodeTooLarge, "recipients", "PRV-02", "1 to 8 readers")
	}
	if g.AAD != canon.EncodeBase64([]byte(messageID)) {
		return nil, protocol.New(protocol.CodeClaimsConflict, "aad", "PRV-02", "the additional data is the message id")
	}
	shared, err := parseProtected(g.Protected)
	if err != nil {
		return nil, protocol.In(err, "protected")
	}
	e := &encrypted{text: text, aad: g.Protected + "." + g.AAD}
	if e.iv, err = bytesOf(g.IV, "iv", ivSize); err != nil {
		return nil, err
	}
	tag, err := bytesOf(g.Tag, "tag", tagSize)
	if err != nil {
		return nil, err
	}
	if e.ciphertext, err = canon.DecodeBase64(g.Ciphertext); err != nil {
		return nil, protocol.In(err, "ciphertext")
	}
	e.ciphertext = append(e.ciphertext, tag...)
	for i := range g.Recipients {
		key, err := parseRecipient(shared, &g.Recipients[i])
		if err != nil {
			return nil, protocol.In(err, "recipients")
		}
		e.wrapped = append(e.wrapped, key)
	}
	return e, nil
}

func bytesOf(s, field string, size int) ([]byte, error) {
	b, err := canon.DecodeBase64(s)
	if err != nil {
		return nil, protocol.In(err, field)
	}
	if len(b) != size {
		return nil, protocol.New(protocol.CodeFieldInvalid, field, "PRV-02", "not of its one length")
	}
	return b, nil
}

// parseProtected reads the protected header. What else could stand in it (zip,
// crit, p2c, kid, jku and so on) is refused.
func parseProtected(s string) (*header, error) {
	text, err := canon.DecodeBase64(s)
	if err != nil {
		return nil, err
	}
	h := new(header)
	if err := canon.Decode(text, h); err != nil {
		if protocol.CodeOf(err) == protocol.CodeFieldUnknown {
			return nil, protocol.New(protocol.CodeHeaderRefused, "", "PRV-02", "alg, enc and epk only")
		}
		return nil, err
	}
	if h.Enc == nil || *h.Enc != contentEncryption {
		return nil, protocol.New(protocol.CodeAlgorithmRefused, "enc", "PRV-02", "A256GCM")
	}
	return h, nil
}

// parseRecipient joins the protected header with that of a reader: alg and epk
// stand once, in either, since JOSE libraries differ in where they write them.
func parseRecipient(shared *header, r *recipient) (wrappedKey, error) {
	var out wrappedKey
	own := r.Header
	if own.Enc != nil || own.Alg != nil && shared.Alg != nil || own.EPK != nil && shared.EPK != nil {
		return out, protocol.New(protocol.CodeHeaderRefused, "header", "PRV-02", "a member of the header stands in one place")
	}
	alg, epk := own.Alg, own.EPK
	if alg == nil {
		alg = shared.Alg
	}
	if epk == nil {
		epk = shared.EPK
	}
	if alg == nil || *alg != keys.KeyAgreement {
		return out, protocol.New(protocol.CodeAlgorithmRefused, "header.alg", "PRV-02", keys.KeyAgreement)
	}
	if epk == nil {
		return out, protocol.New(protocol.CodeFieldMissing, "header.epk", "PRV-02", "")
	}
	members, err := canon.Members(epk)
	if err != nil {
		return out, protocol.In(err, "header.epk")
	}
	for _, m := range members {
		if !slices.Contains([]string{"kty", "crv", "x", "y"}, m) {
			return out, protocol.New(protocol.CodeHeaderRefused, "header.epk", "PRV-02", "a public key and nothing else")
		}
	}
	if out.ephemeral, err = keys.ParseEncryptionJWK(epk); err != nil {
		return out, protocol.In(err, "header.epk")
	}
	out.key, err = bytesOf(r.EncryptedKey, "encrypted_key", wrappedSize)
	return out, err
}

// decrypt returns the plaintext when one of the keys fits. Without a key that
// fits it returns nil and no error: the part is for somebody else, or somebody
// changed it so that it is for nobody.
func (e *encrypted) decrypt(ring []*keys.DecryptionKey) ([]byte, error) {
	for _, w := range e.wrapped {
		for _, key := range ring {
			if key.Public().ECDH().Curve() != w.ephemeral.ECDH().Curve() {
				continue
			}
			secret, err := key.Agree(w.ephemeral)
			if err != nil {
				return nil, err
			}
			cek, ok := unwrap(secret, w.key)
			if !ok {
				continue
			}
			gcm, err := newGCM(cek)
			if err != nil {
				return nil, protocol.Wrap(protocol.CodeMalformed, "", "PRV-02", "not a content key", err)
			}
			plaintext, err := gcm.Open(nil, e.iv, e.ciphertext, []byte(e.aad))
			if err != nil {
				return nil, protocol.Wrap(protocol.CodeSignatureInvalid, "tag", "PRV-02", "the part was changed", err)
			}
			return plaintext, nil
		}
	}
	return nil, nil
}
