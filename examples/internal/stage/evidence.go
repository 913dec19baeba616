package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/examples/trustchain/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/trustlog"
)

// channel is the privacy channel of all anchors on the stage.
const channel = "retail"

// openChain starts a trust chain with a site, an identifier and a file of its
// own, and the archive that anchors on it.
func (w *World) openChain(ctx context.Context) error {
	site, err := w.NewSite()
	if err != nil {
		return err
	}
	p, err := site.party("log", keys.Anchor)
	if err != nil {
		return err
	}
	signer := p.Signer(keys.Anchor)
	logs, err := chain.Open(ctx, chain.Config{
		Path: filepath.Join(w.folder, "logs.db"), Chain: site.Host + server.Base(p.DID), Signer: signer, Channels: []string{channel}, Now: w.Now,
	})
	if err != nil {
		return err
	}
	w.archive = newArchive(w, logs)
	serve, err := server.New(server.Config{
		ID: p.DID, Document: &identity.Document{ID: p.DID, Keys: documented(signer)}, Chain: logs, Keys: w.Resolver(), Now: w.Now,
		Admit:  func(string, string) bool { return true },
		Reader: func(string, string) bool { return false }, // every party keeps its receipts
	})
	if err != nil {
		return err
	}
	site.Mux.Handle("/", serve)
	client, err := trustlog.New(trustlog.Config{Trust: logs.Trust(), Store: new(trustlog.MemoryStore), HTTP: w.NewClient(nil)})
	if err != nil {
		return err
	}
	w.archive.anchorer = recorder.Chain(client)
	go w.archive.run()
	w.atEnd(w.closeArchive)
	return nil
}

// closeArchive writes the evidence of the story, if it could be had, and ends
// the recorders.
func (w *World) closeArchive(ctx context.Context) error {
	return errors.Join(w.Evidence(ctx, w.Narrator.Evidence), w.archive.close())
}

// Evidence writes all evidence of what has happened so far to a file: every
// record, the proofs of their anchors, and the documents of who signed. It waits
// until nothing is left to be recorded, and fails when something could not be.
// It needs Narrator.Evidence to be set before New.
func (w *World) Evidence(ctx context.Context, file string) error {
	a := w.archive
	if a == nil {
		return errors.New("this world keeps no evidence")
	}
	for _, id := range a.unexpired() {
		if err := w.Issuer.AttestExpired(ctx, id); err == nil {
			a.setExpired(id)
		} else if protocol.CodeOf(err) != protocol.CodeStateConflict {
			return err
		}
	}
	if err := errors.Join(w.Flush(ctx), a.settle(ctx)); err != nil {
		return err
	}
	stores, queries := a.contents()
	if len(queries) == 0 {
		return errors.New("nothing has happened that leaves evidence")
	}
	data, gaps, err := evidence.Collect(ctx, evidence.Sources{Stores: stores, Documents: w.Resolver().Document, Now: w.Now}, queries...)
	if err != nil {
		return err
	}
	if len(gaps) > 0 {
		return fmt.Errorf("the evidence lacks the %s of %s: %w", gaps[0].Part, gaps[0].ID, gaps[0].Err)
	}
	return os.WriteFile(file, data, 0o600)
}

// attests is the hook of a party: what it tells is recorded in its name. It is
// nil in a world that keeps no evidence.
func (w *World) attests(did string) func(attestation.Draft) {
	if w.archive == nil {
		return nil
	}
	return func(d attestation.Draft) { w.archive.tell(did, d) }
}

// attestsPayments is the hook of the processor, which reports a payment until it
// is recorded.
func (w *World) attestsPayments(did string) func(context.Context, attestation.Draft) error {
	if w.archive == nil {
		return nil
	}
	return func(ctx context.Context, d attestation.Draft) error {
		select {
		case err := <-w.archive.tell(did, d):
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// evidenceKeys are what a party signs records and anchors with, for its
// document; none in a world that keeps no evidence.
func (p *Party) evidenceKeys() []identity.Key {
	if p.signers[keys.Attestation] == nil {
		return nil
	}
	return documented(p.signers[keys.Attestation], p.signers[keys.Anchor])
}

func documented(signers ...*keys.Signer) (out []identity.Key) {
	for _, s := range signers {
		out = append(out, identity.Key{ID: s.KeyID(), Public: s.Public(), Purpose: s.Purpose()})
	}
	return out
}

// evidencePurposes adds what everybody on a stage with an archive needs.
func (w *World) evidencePurposes(purposes []keys.Purpose) []keys.Purpose {
	if w.archive == nil {
		return purposes
	}
	return append(slices.Clone(purposes), keys.Attestation, keys.Anchor)
}
