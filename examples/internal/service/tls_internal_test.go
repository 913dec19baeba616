package service

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestRenewal: files that somebody else renews are served without a restart,
// and the old certificate stays while the new files do not fit.
func TestRenewal(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	stamp := time.Now().Add(-time.Hour)
	write := func(serial int64, andKey bool) {
		t.Helper()
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}}
		if andKey {
			files[key] = &pem.Block{Type: "PRIVATE KEY", Bytes: private}
		}
		stamp = stamp.Add(time.Minute)
		for name, block := range files {
			if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, stamp, stamp); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(1, true)
	f, err := loadFiles(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Now()
	f.now = func() time.Time { return clock }
	want := func(serial int64, when string) {
		t.Helper()
		pair, err := f.certificate(nil)
		if err != nil || pair.Leaf.SerialNumber.Int64() != serial {
			t.Errorf("%s: serial %v, %v", when, pair.Leaf.SerialNumber, err)
		}
	}
	want(1, "at first")
	write(2, true)
	want(1, "within ten seconds")
	clock = clock.Add(lookAgain)
	want(2, "after a renewal")
	write(3, false)
	clock = clock.Add(lookAgain)
	want(2, "with half a renewal")
	write(4, true)
	clock = clock.Add(lookAgain)
	want(4, "after the other half")
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(lookAgain)
	want(4, "with the file gone")
}
