package alipay_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/merchant/alipay"
	"github.com/actprotocol/act-go/protocol"
)

// lines breaks base64 as key files have it.
func lines(s, end string) string {
	var b strings.Builder
	for len(s) > 64 {
		b.WriteString(s[:64] + end)
		s = s[64:]
	}
	return b.String() + s + end
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return der
}

func pkix(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	must(t, err)
	return der
}

func TestParsePrivateKey(t *testing.T) {
	one, eight := x509.MarshalPKCS1PrivateKey(appKey()), pkcs8(t, appKey())
	bare := base64.StdEncoding.EncodeToString
	for name, text := range map[string]string{
		"PKCS #1, bare":                bare(one),
		"PKCS #8, bare":                bare(eight),
		"PKCS #8, bare, line feeds":    lines(bare(eight), "\n"),
		"PKCS #1, bare, CR and LF":     lines(bare(one), "\r\n"),
		"PKCS #1, PEM":                 block("RSA PRIVATE KEY", one),
		"PKCS #8, PEM":                 block("PRIVATE KEY", eight),
		"PKCS #8, PEM, text around it": "key of the shop\n" + block("PRIVATE KEY", eight) + "\n\n",
		"PKCS #8 under PKCS #1's name": block("RSA PRIVATE KEY", eight),
	} {
		t.Run(name, func(t *testing.T) {
			key, err := alipay.ParsePrivateKey([]byte(text))
			must(t, err)
			if !key.Equal(appKey()) {
				t.Fatal("another key")
			}
		})
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	edwards := ed25519.NewKeyFromSeed(make([]byte, 32))
	for name, c := range map[string]struct {
		text string
		code protocol.Code
	}{
		"nothing":            {"", protocol.CodeMalformed},
		"white space":        {" \n", protocol.CodeMalformed},
		"words":              {"my private key", protocol.CodeMalformed},
		"base64 of words":    {bare([]byte("my private key")), protocol.CodeMalformed},
		"a public key":       {bare(pkix(t, appKey().Public())), protocol.CodeMalformed},
		"an Ed25519 key":     {block("PRIVATE KEY", pkcs8(t, edwards)), protocol.CodeMalformed},
		"1024 bits":          {bare(x509.MarshalPKCS1PrivateKey(short)), protocol.CodeAlgorithmRefused},
		"two keys":           {block("PRIVATE KEY", eight) + block("PRIVATE KEY", eight), protocol.CodeMalformed},
		"half a PEM block":   {block("PRIVATE KEY", eight)[:300], protocol.CodeMalformed},
		"an encrypted block": {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", protocol.CodeMalformed},
		"data after the key": {bare(append(append([]byte{}, eight...), 0)), protocol.CodeMalformed},
		"too long":           {strings.Repeat("A", 20000), protocol.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := alipay.ParsePrivateKey([]byte(c.text))
			if len(c.text) > 40 {
				wantCode(t, err, c.code, c.text[:40])
			} else {
				wantCode(t, err, c.code)
			}
		})
	}
}

func TestParsePublicKey(t *testing.T) {
	public := &appKey().PublicKey
	spki, one := pkix(t, public), x509.MarshalPKCS1PublicKey(public)
	bare := base64.StdEncoding.EncodeToString
	for name, text := range map[string]string{
		"X.509, bare":             bare(spki),
		"X.509, bare, line feeds": lines(bare(spki), "\n"),
		"X.509, PEM":              block("PUBLIC KEY", spki),
		"PKCS #1, PEM":            block("RSA PUBLIC KEY", one),
		"PKCS #1, bare":           bare(one),
	} {
		t.Run(name, func(t *testing.T) {
			key, err := alipay.ParsePublicKey([]byte(text))
			must(t, err)
			if !key.Equal(public) {
				t.Fatal("another key")
			}
		})
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	for name, c := range map[string]struct {
		text string
		code protocol.Code
	}{
		"nothing":        {"", protocol.CodeMalformed},
		"a private key":  {bare(pkcs8(t, appKey())), protocol.CodeMalformed},
		"an Ed25519 key": {bare(pkix(t, ed25519.NewKeyFromSeed(make([]byte, 32)).Public())), protocol.CodeMalformed},
		"1024 bits":      {bare(pkix(t, &small.PublicKey)), protocol.CodeAlgorithmRefused},
		"base64url":      {base64.RawURLEncoding.EncodeToString(spki), protocol.CodeMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := alipay.ParsePublicKey([]byte(c.text))
			wantCode(t, err, c.code)
		})
	}
}
