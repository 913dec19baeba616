package evidence

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/recorder"
	"github.com/actprotocol/act-go/trustlog"
)

// A Prover finds the proof of an anchor, as *trustlog.Client does.
type Prover interface {
	Find(ctx context.Context, channel, recordID string) (*trustlog.Place, error)
}

// Sources are where the evidence comes from. Stores and Documents are required.
type Sources struct {
	// Stores are those of the parties: a record may be in several of them, with
	// the same bytes.
	Stores []recorder.RecordStore
	// Documents fetches the document of a party, as a verifier.Resolver does.
	Documents func(context.Context, identity.DID) (*identity.Document, error)
	// Chain is asked for proofs that the stores do not have; nil asks nobody.
	Chain Prover
	Now   func() time.Time // nil means time.Now
}

// A Gap is something that could not be had and is missing in a file. The file
// says what is in it all the same, and Verify does not conclude VERIFIED where
// the gap is.
type Gap struct {
	Part string // "record", "anchor" or "document"
	ID   string // of the record, or the DID
	Err  error
}

// Collect makes a file of the records to which the links of a query belong and
// of everything upstream of them, as far as it is in the stores. Two stores with
// different bytes under one record id are claims_conflict: one of them is wrong,
// and which is not for a collector to decide.
//
// Nothing is verified. Collect with an intent id gives all that happened under
// an intent; with an order or a trade, one purchase and what led to it; with
// several queries, the records of all of them.
func Collect(ctx context.Context, s Sources, queries ...recorder.Query) (data []byte, gaps []Gap, err error) {
	switch {
	case len(s.Stores) == 0:
		return nil, nil, protocol.New(protocol.CodeFieldMissing, "stores", "TSD-ATT-OFF-10", "")
	case len(queries) == 0:
		return nil, nil, protocol.New(protocol.CodeFieldMissing, "queries", "TSD-ATT-OFF-10", "")
	case s.Documents == nil:
		return nil, nil, protocol.New(protocol.CodeFieldMissing, "documents", "TSD-ATT-OFF-10", "")
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	c := &collector{Sources: s, file: &File{Collected: s.Now().UTC().Truncate(time.Second)}}
	if err := c.records(ctx, queries); err != nil {
		return nil, nil, err
	}
	for _, st := range c.found {
		if err := c.proofs(ctx, st); err != nil {
			return nil, nil, err
		}
	}
	if err := c.documents(ctx); err != nil {
		return nil, nil, err
	}
	data, err = c.file.encode()
	return data, c.gaps, err
}

type collector struct {
	Sources
	file    *File
	found   []*recorder.Stored
	parties []string // DIDs whose documents are needed
	gaps    []Gap
}

// records finds the records of the queries, and then those upstream.
func (c *collector) records(ctx context.Context, queries []recorder.Query) error {
	for _, store := range c.Stores {
		for _, q := range queries {
			list, err := store.Find(ctx, q)
			if err != nil {
				return err
			}
			for _, s := range list {
				if err := c.add(s); err != nil {
					return err
				}
			}
		}
	}
	for i := 0; i < len(c.file.records); i++ { // which grows
		for _, id := range c.file.records[i].rec.Links.Upstream {
			if c.file.record(id) != nil {
				continue
			}
			if err := c.upstream(ctx, id); err != nil {
				return err
			}
		}
	}
	// Times are whole seconds: within one, by the order in which events happen.
	slices.SortStableFunc(c.file.records, func(a, b recordPart) int {
		return cmp.Or(a.rec.EventTime.Compare(b.rec.EventTime), slices.Index(attestation.Events(), a.rec.Type)-slices.Index(attestation.Events(), b.rec.Type))
	})
	return nil
}

// upstream looks for one record in all stores.
func (c *collector) upstream(ctx context.Context, id string) error {
	for _, store := range c.Stores {
		s, err := store.Get(ctx, id)
		switch {
		case errors.Is(err, recorder.ErrNotFound):
		case err != nil:
			return err
		default:
			if err := c.add(s); err != nil {
				return err
			}
		}
	}
	if c.file.record(id) == nil {
		c.gap("record", id, recorder.ErrNotFound)
	}
	return nil
}

func (c *collector) gap(part, id string, err error) {
	if !slices.ContainsFunc(c.gaps, func(g Gap) bool { return g.Part == part && g.ID == id }) {
		c.gaps = append(c.gaps, Gap{part, id, err})
	}
}

// add takes a record as one of the stores has it.
func (c *collector) add(s *recorder.Stored) error {
	if there := c.file.record(s.ID); there != nil {
		if !bytes.Equal(there.raw, s.Record) {
			return protocol.New(protocol.CodeClaimsConflict, "record_id", "TSD-ATT-OFF-02", "two stores have different records under one id")
		}
		c.found = append(c.found, s) // it may have a proof that the other had not
		return nil
	}
	if len(c.file.records) == MaxRecords {
		return protocol.New(protocol.CodeTooLarge, "records", "TSD-ATT-OFF-10", "a file has at most 256 records: ask for an order or a trade")
	}
	u, err := attestation.Parse(s.Record)
	if err != nil {
		return err
	}
	c.file.records = append(c.file.records, recordPart{id: s.ID, raw: s.Record, rec: &u.Record})
	c.found = append(c.found, s)
	for _, sig := range u.Record.Signatures {
		c.need(sig.Signer())
	}
	return nil
}

func (c *collector) need(did string) {
	if did != "" && !slices.Contains(c.parties, did) {
		c.parties = append(c.parties, did)
	}
}

// proofs takes the proofs of a record's anchors.
func (c *collector) proofs(ctx context.Context, s *recorder.Stored) error {
	if len(s.Anchors) == 0 {
		c.gap("anchor", s.ID, recorder.ErrNotFound)
	}
	for _, a := range s.Anchors {
		same := func(p anchorPart) bool { return p.id == s.ID && p.channel == a.Channel }
		if slices.ContainsFunc(c.file.anchors, same) {
			continue
		}
		proof := a.Receipt.Proof
		if len(proof) == 0 {
			place, err := c.ask(ctx, a.Channel, s.ID)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				c.gap("anchor", s.ID, err)
				continue
			}
			proof = place.Proof()
		}
		c.file.anchors = append(c.file.anchors, anchorPart{s.ID, a.Channel, string(proof)})
		if p, err := trustlog.ParseProof(proof); err == nil {
			_, did := chainDID(origin(p), a.Channel)
			c.need(did)
		}
	}
	return nil
}

func (c *collector) ask(ctx context.Context, channel, id string) (*trustlog.Place, error) {
	if c.Chain == nil {
		return nil, recorder.ErrNotFound
	}
	return c.Chain.Find(ctx, channel, id)
}

// origin is the first line of a proof's checkpoint, which nobody has verified.
func origin(p *trustlog.UnverifiedProof) string {
	line, _, _ := bytes.Cut(p.Checkpoint, []byte("\n"))
	return string(line)
}

// documents fetches the documents of all parties.
func (c *collector) documents(ctx context.Context) error {
	for _, party := range c.parties {
		did, err := identity.ParseDID(party)
		if err != nil {
			return err
		}
		doc, err := c.Documents(ctx, did)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.gap("document", party, err)
			continue
		}
		raw, err := doc.Encode()
		if err != nil {
			return err
		}
		c.file.documents = append(c.file.documents, documentPart{did: did, fetched: c.Now(), raw: raw, doc: doc})
	}
	return nil
}
