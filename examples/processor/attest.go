package main

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/internal/settings"
	"github.com/actprotocol/act-go/examples/processor/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/verifier"
)

// attesting is whether and where payments are attested.
type attesting struct {
	chain, channel string
	quorum         int
	witnesses      string
}

func (a *attesting) declare(f *settings.Set) {
	f.StringVar(&a.chain, "attest-chain", "", "identifier of a trust chain, as did:act:chain.example/log: every payment is recorded in -data and its anchor put on the chain, after the answer (default not). Of several processes on one database, one is given it")
	f.StringVar(&a.channel, "attest-channel", "retail", "privacy channel of the anchors")
	f.StringVar(&a.witnesses, "attest-witnesses", "", "keys of the witnesses that must have cosigned the chain's checkpoints, with spaces between them (default none)")
	f.IntVar(&a.quorum, "attest-quorum", 0, "how many of them; 0 is all")
}

func (a *attesting) check() error {
	if a.chain == "" {
		return nil
	}
	if id, err := identity.ParseDID(a.chain); err != nil || id.Method() != identity.MethodAct {
		return errors.New("-attest-chain is an identifier as did:act:chain.example/log")
	}
	if attestation.CheckChannel(a.channel) != nil {
		return errors.New("-attest-channel is 1 to 64 of lower-case letters, digits and hyphens")
	}
	if _, err := a.watched(); err != nil {
		return errors.New("-attest-witnesses has what is no key of a witness")
	}
	return nil
}

func (a *attesting) watched() (out []trustlog.Witness, err error) {
	for _, text := range strings.Fields(a.witnesses) {
		w, err := trustlog.ParseWitness(text)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// The files of attestation in the folder.
const (
	attestationKeyFile = "attestation-key.pem"
	anchorKeyFile      = "anchor-key.pem"
	recordsFolder      = "records"
	queueFolder        = "attestation-queue"
	checkpointsFolder  = "chain-checkpoints"
	attestLock         = "attesting.lock"
)

// open makes the recorder of the processor's payments, gives it to the
// configuration, and returns what closes it after the server. No payment waits for it
// (PSD-PAY-A402-24): the server hands over what is in the book's outbox, and
// goes on handing over when the disk or the chain was away.
func (a *attesting) open(c *server.Config, f folder.Folder, resolver *verifier.Resolver, roots *x509.CertPool, allowLoopback bool, log *slog.Logger) (end func() error, err error) {
	if a.chain == "" {
		return func() error { return nil }, nil
	}
	release, err := f.Lock(attestLock) // the queue is one process's
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, release())
		}
	}()
	signer, err := f.Key(attestationKeyFile, c.ID.String()+"#attestation-1", keys.Attestation)
	if err != nil {
		return nil, err
	}
	anchor, err := f.Key(anchorKeyFile, c.ID.String()+"#anchor-1", keys.Anchor)
	if err != nil {
		return nil, err
	}
	store, err := recorder.OpenFileStore(f.Path(recordsFolder))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, store.Close())
		}
	}()
	chain, err := a.anchorer(f, resolver, roots, allowLoopback)
	if err != nil {
		return nil, err
	}
	rec, err := recorder.New(recorder.Config{
		Dir: f.Path(queueFolder), Store: store, Anchorer: chain, Channel: a.channel, Signer: attestation.By(signer), AnchorSigner: anchor,
		Report: func(p recorder.Problem) {
			log.Warn("attestation", slog.String("record", p.RecordID), slog.String("step", p.Step), slog.String("code", string(p.Code)), slog.Int("tries", p.Tries), slog.Bool("set_aside", p.SetAside))
		},
	})
	if err != nil {
		return nil, err
	}
	c.Attest = func(ctx context.Context, d attestation.Draft) error {
		_, err := rec.Record(ctx, d)
		return err
	}
	for _, s := range []*keys.Signer{signer, anchor} {
		c.OtherKeys = append(c.OtherKeys, identity.Key{ID: s.KeyID(), Public: s.Public(), Purpose: s.Purpose()})
	}
	return func() error { return errors.Join(rec.Close(), store.Close(), release()) }, nil
}

// lateChain is a chain whose keys are those of its document, which is fetched
// when there is something to submit: a chain that is away keeps no processor
// from starting, and one that rotates its keys is believed by the new ones.
type lateChain struct {
	id       identity.DID
	trust    trustlog.Trust
	config   trustlog.Config
	resolver *verifier.Resolver

	mu     sync.Mutex
	client *trustlog.Client
	keys   []string // thumbprints of those that client believes
}

func (a *attesting) anchorer(f folder.Folder, resolver *verifier.Resolver, roots *x509.CertPool, allowLoopback bool) (recorder.Anchorer, error) {
	id, err := identity.ParseDID(a.chain)
	if err != nil {
		return nil, err
	}
	witnesses, err := a.watched()
	if err != nil {
		return nil, err
	}
	seen, err := trustlog.NewFileStore(f.Path(checkpointsFolder))
	if err != nil {
		return nil, err
	}
	_, name, _ := strings.Cut(id.String(), "/")
	return recorder.Chain(&lateChain{
		id: id, resolver: resolver, trust: trustlog.Trust{Chain: id.Host() + "/" + name, Witnesses: witnesses, Quorum: a.quorum},
		config: trustlog.Config{Store: seen, HTTP: verifier.NewHTTPClient(verifier.HTTPClientConfig{
			Roots: roots, InsecureAllowLoopback: allowLoopback, Timeout: 20 * time.Second,
		})},
	}), nil
}

// Submit implements recorder.ChainClient.
func (l *lateChain) Submit(ctx context.Context, anchor []byte) (*trustlog.Place, error) {
	client, err := l.present(ctx)
	if err != nil {
		return nil, err
	}
	return client.Submit(ctx, anchor)
}

// present is a client that believes the keys which the chain has now.
func (l *lateChain) present(ctx context.Context) (*trustlog.Client, error) {
	document, err := l.resolver.Document(ctx, l.id)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeKeyUnavailable, "attest_chain", "TSD-ATT-OCA-06", "the chain's document could not be fetched", err)
	}
	trust, now := l.trust, time.Now()
	var thumbprints []string
	for _, k := range document.Keys {
		if key, err := document.Key(k.ID, keys.Anchor, now); err == nil {
			trust.Keys, thumbprints = append(trust.Keys, key), append(thumbprints, key.Thumbprint())
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil && slices.Equal(thumbprints, l.keys) {
		return l.client, nil
	}
	c := l.config
	c.Trust = trust
	client, err := trustlog.New(c)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeKeyUnavailable, "attest_chain", "TSD-ATT-OCA-06", "the chain's document has no key for anchors", err)
	}
	l.client, l.keys = client, thumbprints
	return client, nil
}
