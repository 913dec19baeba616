package stage

import (
	"bytes"
	"testing"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// TestReaderKey: a store that takes sealed messages says so in its document, and
// one that does not is not sealed for (PRV-02).
func TestReaderKey(t *testing.T) {
	ctx := t.Context()
	w, err := New(ctx, &Narrator{Out: new(bytes.Buffer)})
	defer func() {
		if err := w.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	takes, err := w.NewStore(ctx, "takes", nil, keys.Encryption)
	if err != nil {
		t.Fatal(err)
	}
	key, err := w.ReaderKey(ctx, takes.ID)
	if err != nil || !key.Public.Equal(takes.Opens().Public()) || takes.Signer(keys.Seller) == nil {
		t.Errorf("%+v, %v", key, err)
	}
	other, err := w.NewStore(ctx, "other", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ReaderKey(ctx, other.ID); protocol.CodeOf(err) != protocol.CodeKeyUnknown || other.Opens() != nil {
		t.Errorf("PRV-02 a key of a store that has none: %v", err)
	}
}
