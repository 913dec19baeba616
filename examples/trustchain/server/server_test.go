package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/examples/trustchain/chain"
	"github.com/actprotocol/act-go/examples/trustchain/server"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
	"github.com/actprotocol/act-go/verifier"
)

const (
	chainDID = "did:act:chain.example/log"
	shopDID  = "did:act:shop.example/coffee"
	thiefDID = "did:act:thief.example/tea"
	channel  = "retail"
	token    = "a-token-of-the-reader-of-retail-only"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a served chain, and two submitters.
type world struct {
	*testing.T
	url    string
	chain  *chain.Chain
	client *trustlog.Client
	shop   *keys.Signer // admitted to retail
	thief  *keys.Signer // admitted too
	log    *bytes.Buffer
}

func signer(t testing.TB, keyID string, p keys.Purpose) *keys.Signer {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	must(t, err)
	s, err := keys.NewSigner(keyID, p, private)
	must(t, err)
	return s
}

func document(t testing.TB, signers ...*keys.Signer) *identity.Document {
	t.Helper()
	did, err := identity.ParseDID(signers[0].DID())
	must(t, err)
	d := &identity.Document{ID: did}
	for _, s := range signers {
		d.Keys = append(d.Keys, identity.Key{ID: s.KeyID(), Public: s.Public(), Purpose: s.Purpose()})
	}
	return d
}

func newWorld(t *testing.T, witnesses ...chain.Witness) *world {
	t.Helper()
	own := signer(t, chainDID+"#log-1", keys.Anchor)
	w := &world{T: t, shop: signer(t, shopDID+"#anchor-1", keys.Anchor), thief: signer(t, thiefDID+"#anchor-1", keys.Anchor), log: new(bytes.Buffer)}
	retired := signer(t, shopDID+"#anchor-0", keys.Anchor)
	shop := document(t, w.shop, signer(t, shopDID+"#attest-1", keys.Attestation), retired)
	shop.Keys[2].NotAfter = time.Now().Add(-time.Hour)
	var err error
	w.chain, err = chain.Open(context.Background(), chain.Config{
		Path: filepath.Join(t.TempDir(), "logs.db"), Chain: "chain.example/log", Channels: []string{channel, "travel"}, Signer: own, Witnesses: witnesses,
	})
	must(t, err)
	t.Cleanup(func() { _ = w.chain.Close() })
	d := document(t, own)
	s, err := server.New(server.Config{
		ID: d.ID, Document: d, Chain: w.chain, Keys: verifier.NewStaticKeys(shop, document(t, w.thief)),
		Admit:  func(c, did string) bool { return did == shopDID || did == thiefDID && c == channel },
		Reader: func(c, got string) bool { return c == channel && got == token },
		Log:    slog.New(slog.NewTextHandler(w.log, nil)),
	})
	must(t, err)
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	w.url = web.URL + "/log"
	w.client, err = trustlog.New(trustlog.Config{
		Trust: w.chain.Trust(), URL: w.url, Store: &trustlog.MemoryStore{}, HTTP: &http.Client{}, InsecureAllowHTTP: true,
		Readers: map[string]string{channel: token, "travel": token},
	})
	must(t, err)
	return w
}

func id(did string, n int) string { return fmt.Sprintf("%s#rec-%032x", did, n) }

func (w *world) anchor(s *keys.Signer, channel string, n int, at time.Time) []byte {
	w.Helper()
	out, err := attestation.SignAnchor(s, &attestation.Record{
		Version: attestation.Version, ID: id(s.DID(), n), Type: attestation.IntentCreated, EventTime: time.Now().Truncate(time.Second),
		HashAlgorithm: attestation.SHA256, PayloadHash: make([]byte, 32), Links: attestation.Links{IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000"},
	}, channel, at)
	must(w, err)
	return out
}

func TestServed(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	for n := range 300 {
		place, err := w.client.Submit(ctx, w.anchor(w.shop, channel, n, time.Now()))
		must(t, err)
		if place.Index != int64(n) {
			t.Fatalf("place %v", place)
		}
	}
	found, err := w.client.Anchor(ctx, channel, id(shopDID, 17))
	if err != nil || found.Place != "chain.example/log/retail 17" {
		t.Fatalf("%+v, %v", found, err)
	}
	if _, err := w.client.Anchor(ctx, channel, id(shopDID, 300)); !errors.Is(err, verifier.ErrAnchorNotFound) {
		t.Errorf("error %v", err)
	}
	if latest, err := w.client.Latest(ctx, channel); err != nil || latest.Size != 300 {
		t.Errorf("%+v, %v", latest, err)
	}
	t.Run("a channel's token opens no other", func(t *testing.T) {
		_, err := w.client.Anchor(ctx, "travel", id(shopDID, 17))
		if err == nil || errors.Is(err, verifier.ErrAnchorNotFound) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("PRV-04 nothing is logged of what was asked for", func(t *testing.T) {
		if text := w.log.String(); !strings.Contains(text, "route") || strings.Contains(text, token) || strings.Contains(text, trustlog.LookupKey(id(shopDID, 17))) {
			t.Error("the log tells")
		}
	})
}

func TestRefusedSubmissions(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	first := w.anchor(w.shop, channel, 1, now)
	must(t, second(w.client.Submit(context.Background(), first)))
	parts := strings.Split(string(first), ".")
	payload, err := canon.DecodeBase64(parts[1])
	must(t, err)
	// forged is the anchor of a record of the shop's, under the thief's key.
	forged := func(kid string, s *keys.Signer) string {
		header := canon.EncodeBase64([]byte(`{"alg":"EdDSA","kid":"` + kid + `","typ":"act-anchor+jwt"}`))
		claims := canon.EncodeBase64(bytes.Replace(payload, []byte("rec-000000"), []byte("rec-999999"), 1))
		sig, err := s.Sign(keys.Anchor, []byte(header+"."+claims))
		must(t, err)
		return header + "." + claims + "." + canon.EncodeBase64(sig)
	}
	for _, c := range []struct {
		name, path, body string
		status           int
		code             protocol.Code
	}{
		{"another's record id, by the own key", channel, forged(w.thief.KeyID(), w.thief), 400, protocol.CodeClaimsConflict},
		{"another's record id, under its key", channel, forged(w.shop.KeyID(), w.thief), 401, protocol.CodeSignatureInvalid},
		{"a key of another purpose", channel, forged(shopDID+"#attest-1", w.thief), 401, protocol.CodeKeyPurpose},
		{"a retired key", channel, forged(shopDID+"#anchor-0", w.thief), 401, protocol.CodeKeyNotValid},
		{"a key that is not there", channel, forged(shopDID+"#anchor-9", w.thief), 401, protocol.CodeKeyUnknown},
		{"a submitter who is not admitted", "travel", string(w.anchor(w.thief, "travel", 1, now)), 403, protocol.CodeAccessDenied},
		{"another channel", "travel", string(first), 400, protocol.CodeClaimsConflict},
		{"a channel that is not there", "other", string(w.anchor(w.shop, "other", 1, now)), 404, protocol.CodeNoMatch},
		{"from the future", channel, string(w.anchor(w.shop, channel, 2, now.Add(time.Hour))), 401, protocol.CodeRequestExpired},
		{"no anchor", channel, "hello", 400, protocol.CodeMalformed},
		{"nothing", channel, "", 400, protocol.CodeMalformed},
		{"a large one", channel, strings.Repeat("a", 1<<16), 400, protocol.CodeTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, err := http.Post(w.url+"/"+c.path+"/add", "application/jose", strings.NewReader(c.body))
			must(t, err)
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			must(t, err)
			if resp.StatusCode != c.status || !strings.Contains(string(body), `"code":"`+string(c.code)+`"`) {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
	if cp, err := w.chain.Checkpoint(channel); err != nil || cp.Size != 1 {
		t.Errorf("size %d, %v", cp.Size, err)
	}
	t.Run("TSD-ATT-OCA-04 other content under the id: 409, with the place of the first", func(t *testing.T) {
		other, err := attestation.SignAnchor(w.shop, &attestation.Record{
			Version: attestation.Version, ID: id(shopDID, 1), Type: attestation.IntentCreated, EventTime: now.Add(-time.Hour),
			HashAlgorithm: attestation.SHA256, PayloadHash: make([]byte, 32), Links: attestation.Links{IntentID: "urn:uuid:550e8400-e29b-41d4-a716-446655440000"},
		}, channel, now)
		must(t, err)
		var conflict *trustlog.Conflict
		if _, err := w.client.Submit(context.Background(), other); !errors.As(err, &conflict) || conflict.Place.Index != 0 || !bytes.Equal(conflict.Place.Token, first) {
			t.Errorf("error %v", err)
		}
	})
}

// A moody witness signs everything, when it is there.
type moody struct {
	key    *keys.Signer
	asleep atomic.Bool
}

func (m *moody) Identity() trustlog.Witness {
	return trustlog.Witness{Name: "witness.example/w1", Key: m.key.Public()}
}

func (m *moody) Cosign(_ context.Context, _ int64, _ tlog.TreeProof, signed []byte) ([]byte, error) {
	if m.asleep.Load() {
		return nil, errors.New("asleep")
	}
	cp, err := trustlog.ParseCheckpoint(signed)
	if err != nil {
		return nil, err
	}
	return trustlog.Cosign(m.key, "witness.example/w1", cp, time.Now())
}

// While the witness is away nothing is answered for and nothing is denied that
// is there; submitting again when it is back gives the place.
func TestWitnessAway(t *testing.T) {
	m := &moody{key: signer(t, "did:act:witness.example/w1#k", keys.Anchor)}
	w := newWorld(t, m)
	ctx := context.Background()
	anchor := w.anchor(w.shop, channel, 1, time.Now())
	m.asleep.Store(true)
	for range 2 {
		if _, err := w.client.Submit(ctx, anchor); !errors.Is(err, protocol.ErrUndetermined) {
			t.Fatalf("error %v", err)
		}
		if _, err := w.client.Anchor(ctx, channel, id(shopDID, 1)); !errors.Is(err, protocol.ErrUndetermined) {
			t.Fatalf("error %v", err)
		}
	}
	m.asleep.Store(false)
	if place, err := w.client.Submit(ctx, anchor); err != nil || place.Index != 0 {
		t.Errorf("%v, %v", place, err)
	}
}

func second[T any](_ T, err error) error { return err }

// What is public has hashes only, and needs no token; the anchors need one.
func TestPublicAndPrivate(t *testing.T) {
	w := newWorld(t)
	must(t, second(w.client.Submit(context.Background(), w.anchor(w.shop, channel, 1, time.Now()))))
	key := trustlog.LookupKey(id(shopDID, 1))
	for path, want := range map[string]int{
		"/retail/checkpoint": 200, "/retail/tile/0/000.p/1": 200, "/retail/tile/entries/000.p/1": 200,
		"/retail/tile/0/000": 404, "/retail/tile/0/001.p/1": 404, "/retail/tile/0/000.p/2": 404, "/retail/tile/0/000.p/0": 404,
		"/retail/tile/0/0": 404, "/retail/tile/data/000.p/1": 404, "/retail/tile/8/0/000.p/1": 404, "/retail/tile/63/000.p/1": 404,
		"/retail/anchors/000.p/1": 401, "/retail/record/" + key: 401, "/travel/record/" + key: 401, "/other/checkpoint": 404, "/retail/add": 405,
	} {
		status, body := w.get(path, "")
		if status != want {
			t.Errorf("%s: %d", path, status)
		}
		if bytes.Contains(body, []byte("eyJ")) || bytes.Contains(body, []byte("ZXlK")) {
			t.Errorf("%s: an anchor, in public", path)
		}
	}
	for path, want := range map[string]int{
		"/retail/anchors/000.p/1": 200, "/retail/record/" + key: 200, "/retail/record/x": 400, "/travel/record/" + key: 401,
		"/retail/record/" + trustlog.LookupKey("no"): 404,
	} {
		if status, _ := w.get(path, token); status != want {
			t.Errorf("%s with the token: %d", path, status)
		}
	}
}

func (w *world) get(path, token string) (int, []byte) {
	w.Helper()
	r, err := http.NewRequest(http.MethodGet, w.url+path, nil)
	must(w, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	must(w, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(w, err)
	return resp.StatusCode, body
}
