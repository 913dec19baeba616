package verifier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// A party that has the documents and lists already lets them be judged as if
// they had been fetched.
func TestOwnFetch(t *testing.T) {
	w := newWorld(t, keys.EdDSA)
	ctx := context.Background()
	document, err := w.docs[parseDID(t, bankDID)].Encode()
	if err != nil {
		t.Fatal(err)
	}
	statuses := delegation.NewStatusList(8)
	if err := statuses.Set(3, delegation.StatusSuspended); err != nil {
		t.Fatal(err)
	}
	list, err := delegation.SignStatusList(w.signers[bankDID+"#status"], listURI, statuses, epoch, epoch.Add(time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	store := map[string][]byte{
		"https://bank.example/.well-known/act/mandates/did.json": document,
		"https://bank.example/.well-known/act/big/did.json":      bytes.Repeat([]byte(" "), 64<<10+1),
		listURI: list,
	}
	fetch := func(_ context.Context, url string) ([]byte, error) {
		if body, ok := store[url]; ok {
			return body, nil
		}
		if url == "https://bank.example/.well-known/act/refused/did.json" {
			return nil, fmt.Errorf("no such document: %w", verifier.ErrAnswerRefused)
		}
		return nil, errors.New("not in the store, at a secret address")
	}
	resolver := verifier.NewResolver(verifier.ResolverConfig{Fetch: fetch, Now: w.clock})

	t.Run("IDN-02 the document is judged as a fetched one", func(t *testing.T) {
		key, err := resolver.Key(ctx, bankDID+"#issue", keys.IssueAuthorization, epoch)
		if err != nil || !key.Equal(w.signers[bankDID+"#issue"].Public()) {
			t.Error(err)
		}
	})
	for name, want := range map[string]error{
		"unknown": verifier.ErrUnreachable, "refused": verifier.ErrAnswerRefused, "big": verifier.ErrAnswerTooLarge,
	} {
		t.Run("IDN-02 "+name, func(t *testing.T) {
			_, err := resolver.Key(ctx, "did:act:bank.example/"+name+"#k", keys.Status, epoch)
			if protocol.CodeOf(err) != protocol.CodeKeyUnavailable || !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
	t.Run("ADD-IAC-LCM-10 the list is judged as a fetched one", func(t *testing.T) {
		status, err := verifier.NewStatusClient(verifier.StatusConfig{Keys: resolver, Fetch: fetch, Now: w.clock})
		if err != nil {
			t.Fatal(err)
		}
		got, err := status.Status(ctx, delegation.StatusReference{Index: 3, URI: listURI}, bankDID, epoch)
		if err != nil || got != delegation.StatusSuspended {
			t.Errorf("got %v, %v", got, err)
		}
		if _, err := status.Status(ctx, delegation.StatusReference{Index: 3, URI: listURI + "0"}, bankDID, epoch); protocol.CodeOf(err) != protocol.CodeStatusUnavailable {
			t.Errorf("got %v", err)
		}
	})
}
