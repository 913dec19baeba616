// Package softkey is a passkey in software, and the little of a browser that it
// takes to use it at the pages of the reference processor: for tests, and for
// programs that play a principal. A passkey that a person is to rely on lives in
// a phone or a security key, and asks its owner each time; this one says that it
// did and asks nobody.
package softkey

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"

	"github.com/actprotocol/act-go/protocol/canon"
)

// Flags of authenticator data (W3C Web Authentication, level 2, 6.1).
const (
	userPresent  = 0x01
	userVerified = 0x04
	keyIncluded  = 0x40
)

// A Key is one passkey: Ed25519, no attestation, not backed up, no counter.
type Key struct {
	origin, host string
	private      ed25519.PrivateKey
	id           []byte
}

// New makes a passkey for the pages of an origin: https, host and port.
func New(origin string) (*Key, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" || u.Scheme+"://"+u.Host != origin {
		return nil, errors.New("softkey: the origin is https, host and port")
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &Key{origin: origin, host: u.Hostname(), private: private, id: id}, nil
}

// ID is the credential's id, base64url.
func (k *Key) ID() string { return canon.EncodeBase64(k.id) }

var (
	optionsOf = regexp.MustCompile(`data-options="([^"]*)"`)
	hiddenOf  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// Answer does what the script of a page does: it takes what the page asks for,
// has the passkey made or used, and returns the form that the page sends. It
// fails when the page asks for none.
func (k *Key) Answer(page string) (url.Values, error) {
	found := optionsOf.FindStringSubmatch(page)
	if found == nil {
		return nil, errors.New("softkey: the page asks for no passkey")
	}
	var options struct {
		Challenge string `json:"challenge"`
	}
	if err := canon.DecodeOpen([]byte(html.UnescapeString(found[1])), &options); err != nil {
		return nil, fmt.Errorf("softkey: the options of the page: %w", err)
	}
	form := url.Values{}
	for _, field := range hiddenOf.FindAllStringSubmatch(page, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	form.Set("id", k.ID())
	if _, create := form["attestation"]; create {
		form.Set("client_data", canon.EncodeBase64(k.clientData("webauthn.create", options.Challenge)))
		form.Set("attestation", canon.EncodeBase64(k.attestation()))
		return form, nil
	}
	client, data := k.clientData("webauthn.get", options.Challenge), k.data(userPresent|userVerified, nil)
	sum := sha256.Sum256(client)
	form.Set("client_data", canon.EncodeBase64(client))
	form.Set("authenticator_data", canon.EncodeBase64(data))
	form.Set("signature", canon.EncodeBase64(ed25519.Sign(k.private, append(bytes.Clone(data), sum[:]...))))
	return form, nil
}

// clientData is what the browser says that it was asked for, and where.
func (k *Key) clientData(kind, challenge string) []byte {
	return fmt.Appendf(nil, `{"type":"%s","challenge":"%s","origin":"%s","crossOrigin":false}`, kind, challenge, k.origin)
}

// data is the authenticator data of section 6.1; more is the key when it is new.
func (k *Key) data(flags byte, more []byte) []byte {
	host := sha256.Sum256([]byte(k.host))
	return append(binary.BigEndian.AppendUint32(append(host[:], flags), 0), more...)
}

// attestation is the attestation object of a new key, in CBOR:
// {"fmt": "none", "attStmt": {}, "authData": …}.
func (k *Key) attestation() []byte {
	key := append(make([]byte, 16), 0, byte(len(k.id))) // no model, and the length of the id
	key = append(key, k.id...)
	key = append(key, 0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, ed25519.PublicKeySize) // {1: 1, 3: -8, -1: 6, -2: 32 bytes}
	key = append(key, k.private.Public().(ed25519.PublicKey)...)
	data := k.data(userPresent|userVerified|keyIncluded, key)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	return append(object, data...)
}
