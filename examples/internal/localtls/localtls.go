// Package localtls gives programs that run on one machine the TLS that
// identifiers of did:act ask for: a certification authority of their own, and
// certificates for localhost.
//
// It is for demonstrations and tests. The authority can certify nothing but
// localhost and the loopback addresses (RFC 5280 name constraints, critical),
// so that somebody who gets hold of its key, or adds it to a browser, cannot
// pass as anybody else on the network. It never touches the system's roots:
// whoever is to trust it is given its [CA.Pool].
package localtls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	caLife     = 10 * 365 * 24 * time.Hour
	serverLife = 365 * 24 * time.Hour
	backdated  = time.Hour // for clocks that are a little behind
)

// A CA is a certification authority for this machine.
type CA struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewCA makes an authority that lives in memory only.
func NewCA() (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:                serial,
		Subject:                     pkix.Name{CommonName: "act-go local demonstration CA"},
		NotBefore:                   now.Add(-backdated),
		NotAfter:                    now.Add(caLife),
		KeyUsage:                    x509.KeyUsageCertSign,
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &CA{certificate, key}, nil
}

// The files of a kept authority.
const (
	CertificateFile = "ca.pem"     // for those who are to trust it
	KeyFile         = "ca-key.pem" // readable by its owner only
)

// LoadCA reads the authority kept in a folder, making it when there is no
// certificate. A certificate without its key is an error, as is an authority
// whose time is over: remove both files to get another.
func LoadCA(dir string) (*CA, error) {
	certificatePEM, err := os.ReadFile(filepath.Join(dir, CertificateFile))
	if errors.Is(err, fs.ErrNotExist) {
		ca, err := NewCA()
		if err != nil {
			return nil, err
		}
		return ca, ca.save(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("localtls: %w", err)
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, KeyFile))
	if err != nil {
		return nil, fmt.Errorf("localtls: %w", err)
	}
	return decodeCA(certificatePEM, keyPEM)
}

func decodeCA(certificatePEM, keyPEM []byte) (*CA, error) {
	pair, err := tls.X509KeyPair(certificatePEM, keyPEM) // checks that they belong together
	if err != nil {
		return nil, fmt.Errorf("localtls: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	switch {
	case !ok || !pair.Leaf.IsCA:
		return nil, errors.New("localtls: the files hold no authority of ours")
	case time.Now().After(pair.Leaf.NotAfter):
		return nil, errors.New("localtls: the authority has expired")
	}
	return &CA{pair.Leaf, key}, nil
}

// save writes the key first: whoever is killed in between leaves a key without
// certificate, which nobody trusts yet and which the next start replaces.
func (ca *CA) save(dir string) error {
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		return err
	}
	if err := replace(dir, KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return err
	}
	return replace(dir, CertificateFile, ca.CertificatePEM())
}

// replace writes a file, readable by its owner only, that is whole or absent at
// every moment.
func replace(dir, name string, data []byte) error {
	file, err := os.CreateTemp(dir, name+".*") // with mode 0600
	if err != nil {
		return fmt.Errorf("localtls: %w", err)
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("localtls: %w", err), os.Remove(file.Name()))
	}
	return nil
}

// CertificatePEM returns the authority's certificate, for those who are to
// trust it.
func (ca *CA) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw})
}

// Pool returns roots that hold this authority and nothing else.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.certificate)
	return pool
}

// AddTo adds the authority to roots that exist.
func (ca *CA) AddTo(pool *x509.CertPool) { pool.AddCert(ca.certificate) }

// ServerConfig returns the TLS configuration of a server on this machine, with
// a new key and a certificate for localhost, 127.0.0.1 and ::1 that is valid
// for a year. TLS 1.3 only.
func (ca *CA) ServerConfig() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "localhost"},
		NotBefore:             now.Add(-backdated),
		NotAfter:              earlier(now.Add(serverLife), ca.certificate.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.certificate, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, ca.certificate.Raw}, PrivateKey: key}},
	}, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}
