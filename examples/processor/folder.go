package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/ledger"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// folder holds everything that outlives the process. It and its files are for
// their owner only.
type folder string

func openFolder(path string) (folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", err
	}
	return folder(path), nil
}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// The files of the folder, beside those of package localtls.
const (
	ledgerFile = "ledger.db"
	keyFile    = "proof-key.pem"
	tokenFile  = "operator-token"
	didFile    = "identifier"
)

// kept returns the content of a small file. When it is absent, it is made by
// make, and kept.
func (f folder) kept(name string, make func() ([]byte, error)) ([]byte, error) {
	data, err := os.ReadFile(f.path(name))
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	if data, err = make(); err != nil {
		return nil, err
	}
	return data, f.keep(name, data)
}

// keep writes a small file under another name and renames it, so that a
// process killed in between leaves the old one or the new one.
func (f folder) keep(name string, data []byte) error {
	file, err := os.CreateTemp(string(f), name+".*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), f.path(name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// proofKey is the Ed25519 key that signs proofs and answers, as PKCS #8.
func (f folder) proofKey() (crypto.Signer, error) {
	data, err := f.kept(keyFile, func() ([]byte, error) {
		key, err := keys.Generate(keys.EdDSA)
		if err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	})
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(data)
	if block == nil || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, errors.New(keyFile + " is not one PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New(keyFile + " holds no private key")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New(keyFile + " holds no key that signs")
	}
	return signer, nil
}

// checkIdentifier compares the identifier of this start with that of the
// first, which the folder keeps. Mandates and payment proofs name the
// identifier: under another one all that are in people's hands are worth
// nothing, so that it changes only when the operator says so.
func (f folder) checkIdentifier(id identity.DID, change bool) error {
	now := id.String()
	data, err := f.kept(didFile, func() ([]byte, error) { return []byte(now + "\n"), nil })
	if err != nil {
		return err
	}
	then := strings.TrimSpace(string(data))
	switch {
	case then == now:
		return nil
	case change:
		return f.keep(didFile, []byte(now+"\n"))
	case strings.ContainsAny(then, " \t\r\n") || !strings.HasPrefix(then, "did:"):
		return errors.New(didFile + " holds no identifier")
	}
	return fmt.Errorf("the folder %s is that of %s, and this start would serve as %s: mandates and proofs made for the one do not hold for the other. Give -addr, -host and -name as before, or -change-identifier to mean it", string(f), then, now)
}

// operatorToken is what the desk under /admin asks for.
func (f folder) operatorToken() (string, error) {
	data, err := f.kept(tokenFile, func() ([]byte, error) {
		var b [32]byte
		rand.Read(b[:])
		return []byte(base64.RawURLEncoding.EncodeToString(b[:]) + "\n"), nil
	})
	return strings.TrimSpace(string(data)), err
}

// audit opens the book, recomputes it and prints what it found.
func (f folder) audit(ctx context.Context, w io.Writer) error {
	if _, err := os.Stat(f.path(ledgerFile)); err != nil {
		return err
	}
	l, err := ledger.Open(ledger.Config{Path: f.path(ledgerFile)})
	if err != nil {
		return err
	}
	defer l.Close()
	report, err := l.Audit(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d accounts, %d mandates, %d trades, %d transfers, %d entries\n",
		report.Accounts, report.Mandates, report.Trades, report.Transfers, report.Entries)
	fmt.Fprintf(w, "%d sub-accounts, %d instant payments without an end\n", report.SubAccounts, report.Waiting)
	fmt.Fprintf(w, "%d events not reported yet\n", report.Unreported[book.Attestation])
	for _, c := range report.Currencies {
		fmt.Fprintf(w, "%s: all entries sum to %d, deposited %d minor units\n", c.Currency, c.Sum, c.Deposited)
	}
	for _, p := range report.Problems {
		fmt.Fprintln(w, "problem:", p)
	}
	if !report.Sound() {
		return errors.New("the ledger is not sound")
	}
	fmt.Fprintln(w, "the ledger is sound")
	return nil
}
