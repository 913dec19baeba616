package vectors

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
)

// The keys for which the cases seal.
const (
	shopSeal    = shopDID + "#e1" // P-256
	shopOldSeal = shopDID + "#e0" // P-256
	pspSeal     = pspDID + "#e1"  // X25519
)

// sealCurve is the curve of a key for which others seal.
func sealCurve(keyID string) ecdh.Curve {
	if keyID == pspSeal {
		return ecdh.X25519()
	}
	return ecdh.P256()
}

// A parcel is a sealed payload in the making (SPEC.md 8.3), with what its reader
// has. It is made without the library: content keys, salts and ephemeral keys come
// from labels.
type parcel struct {
	b              *builder
	signer         *keys.Signer
	header, claims obj
	digests        func(list) list // changes what is signed of the parts
	parts          []*sealPart
	arrange        func(jwes list) list
	envelope       func(e obj)
	finish         func(manifest string) string
	sender         string
	purpose        keys.Purpose
	reader         []string // the ids of its keys
	documents      obj
	before         int
}

// A sealPart is one of its parts in the making.
type sealPart struct {
	label     string
	plain     obj
	text      func(string) string // changes the plaintext
	to        []string
	protected string // header of the JWE
	shared    obj    // members of the header of each recipient beside epk
	epk       func(epk obj)
	jwe       func(e obj)
}

// parcel is a good one: an address for the shop, and an instrument for both.
func (b *builder) parcel(alg keys.Algorithm, changes ...func(*parcel)) *parcel {
	p := &parcel{
		b: b, signer: b.signer(buyerDID+"#k1", keys.AgentRequest, alg), sender: buyerDID, purpose: keys.AgentRequest, reader: []string{shopSeal},
		claims: obj{"iss": buyerDID, "jti": "message-7", "iat": numericDate(now)},
	}
	p.header = headerOf(p.signer, sealed.Type)
	p.documents = documents(p.signer)
	p.parts = []*sealPart{
		sealedPart("delivery_address", obj{"street": "1 Lake Road", "door": 4}, shopSeal),
		sealedPart("instrument", "token-1", pspSeal, shopSeal),
	}
	for _, change := range changes {
		change(p)
	}
	return p
}

func sealedPart(name string, content any, to ...string) *sealPart {
	readers := list{}
	for _, keyID := range to {
		did, _, _ := strings.Cut(keyID, "#")
		readers = append(readers, did)
	}
	slices.SortFunc(readers, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	return &sealPart{
		label: name, to: to, protected: `{"alg":"ECDH-ES+A256KW","enc":"A256GCM"}`, shared: obj{},
		plain: obj{
			"message_id": "message-7", "sender": buyerDID, "name": name, "readers": readers,
			"salt": canon.EncodeBase64(bytesOf("salt of "+name, 32)), "content": content,
		},
	}
}

// canonical is the plaintext before its padding.
func (b *builder) canonical(p *sealPart) string {
	text := string(b.value(p.label, p.plain))
	if p.text != nil {
		text = p.text(text)
	}
	return text
}

// message returns the sealed payload.
func (p *parcel) message() string {
	digests, jwes := list{}, list{}
	for _, part := range p.parts {
		digests = append(digests, string(canon.Sum([]byte(p.b.canonical(part)))))
		jwes = append(jwes, p.b.encrypt(part, p.claims["jti"]))
	}
	if p.digests != nil {
		digests = p.digests(digests)
	}
	if p.arrange != nil {
		jwes = p.arrange(jwes)
	}
	claims := maps.Clone(p.claims)
	claims["parts"] = digests
	manifest := p.b.token(p.signer, p.b.textOf("header", p.header), p.b.textOf("manifest", claims))
	if p.finish != nil {
		manifest = p.finish(manifest)
	}
	e := obj{"manifest": manifest, "parts": jwes}
	if p.envelope != nil {
		p.envelope(e)
	}
	return p.b.textOf("sealed", e)
}

// encrypt makes the JWE of a part (RFC 7516, RFC 7518).
func (b *builder) encrypt(p *sealPart, messageID any) obj {
	text := b.canonical(p)
	text += strings.Repeat(" ", (256-len(text)%256)%256)
	cek, iv := bytesOf("content key of "+p.label, 32), bytesOf("iv of "+p.label, 12)
	protected := canon.EncodeBase64([]byte(p.protected))
	id, _ := messageID.(string)
	aad := canon.EncodeBase64([]byte(id))
	recipients := list{}
	for i, keyID := range p.to {
		recipients = append(recipients, b.recipient(p, keyID, cek, i))
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		b.fail(p.label, "%w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		b.fail(p.label, "%w", err)
	}
	ciphertext := gcm.Seal(nil, iv, []byte(text), []byte(protected+"."+aad))
	e := obj{
		"protected": protected, "recipients": recipients, "aad": aad, "iv": canon.EncodeBase64(iv),
		"ciphertext": canon.EncodeBase64(ciphertext[:len(text)]), "tag": canon.EncodeBase64(ciphertext[len(text):]),
	}
	if p.jwe != nil {
		p.jwe(e)
	}
	return e
}

// recipient wraps the content key for one reader.
func (b *builder) recipient(p *sealPart, keyID string, cek []byte, i int) obj {
	curve := sealCurve(keyID)
	ephemeral, err := curve.NewPrivateKey(bytesOf("ephemeral key "+p.label+" "+strconv.Itoa(i), 32))
	if err != nil {
		b.fail(p.label, "%w", err)
		return nil
	}
	reader, err := curve.NewPrivateKey(scalar(keyID))
	if err != nil {
		b.fail(p.label, "%w", err)
		return nil
	}
	secret, err := ephemeral.ECDH(reader.PublicKey())
	if err != nil {
		b.fail(p.label, "%w", err)
	}
	block, err := aes.NewCipher(concatKDF(secret))
	if err != nil {
		b.fail(p.label, "%w", err)
	}
	wrapped, err := josecipher.KeyWrap(block, cek)
	if err != nil {
		b.fail(p.label, "%w", err)
	}
	epk := publicECDH(ephemeral.PublicKey())
	if p.epk != nil {
		p.epk(epk)
	}
	header := obj{"epk": epk}
	maps.Copy(header, p.shared)
	return obj{"header": header, "encrypted_key": canon.EncodeBase64(wrapped)}
}

// concatKDF is that of RFC 7518, 4.6.2, for ECDH-ES+A256KW without party infos.
func concatKDF(secret []byte) []byte {
	text := binary.BigEndian.AppendUint32(nil, 1)
	text = append(text, secret...)
	text = binary.BigEndian.AppendUint32(text, uint32(len("ECDH-ES+A256KW")))
	text = append(text, "ECDH-ES+A256KW"...)
	text = append(text, make([]byte, 8)...) // two parties without a name
	text = binary.BigEndian.AppendUint32(text, 256)
	sum := sha256.Sum256(text)
	return sum[:]
}

// publicECDH is a public key as JWK.
func publicECDH(k *ecdh.PublicKey) obj {
	data := k.Bytes()
	if k.Curve() == ecdh.X25519() {
		return obj{"kty": "OKP", "crv": "X25519", "x": canon.EncodeBase64(data)}
	}
	return obj{"kty": "EC", "crv": "P-256", "x": canon.EncodeBase64(data[1:33]), "y": canon.EncodeBase64(data[33:])}
}

// input is that of sealed.open.
func (p *parcel) input() obj {
	ring := list{}
	for _, keyID := range p.reader {
		private := object(p.b.decryption(keyID, sealCurve(keyID)).Public().JWK())
		private["d"] = canon.EncodeBase64(scalar(keyID))
		ring = append(ring, obj{"key_id": keyID, "jwk": private})
	}
	in := obj{"message": p.message(), "sender": p.sender, "purpose": string(p.purpose), "keys": ring, "documents": p.documents}
	if p.before > 0 {
		in["shown_before"] = p.before
	}
	return in
}

// output is what is opened: the parts of these places, and how many others were
// signed.
func (p *parcel) output(others int, places ...int) obj {
	parts := list{}
	for _, i := range places {
		plain := p.parts[i].plain
		parts = append(parts, obj{"name": plain["name"], "content": plain["content"], "readers": plain["readers"]})
	}
	return obj{"message_id": p.claims["jti"], "key_id": p.signer.KeyID(), "parts": parts, "others": others}
}
