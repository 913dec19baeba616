package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// LocalTLS is a certificate for localhost that was made for one run, and what
// trusts it.
type LocalTLS struct {
	Config *tls.Config    // of servers
	Roots  *x509.CertPool // of clients
	PEM    []byte         // the certificate, for programs that read it from a file
	KeyPEM []byte         // its private key, likewise
}

// localLife is longer than any run.
const localLife = 24 * time.Hour

// NewLocalTLS makes a certificate for localhost and the loopback addresses, which
// certifies itself and can certify nothing else.
func NewLocalTLS() (*LocalTLS, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "act-conformance local run"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(localLife),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true, PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := &LocalTLS{
		PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), KeyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		Config: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		Roots:  x509.NewCertPool(),
	}
	out.Roots.AppendCertsFromPEM(out.PEM)
	return out, nil
}
