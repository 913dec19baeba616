package recorder_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/recorder"
)

const childEnv = "ACT_RECORDER_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child records until it is killed, and writes a line for each draft that was
// accepted. It reads keys, run and the address of the chain from dir.
func child(dir string) {
	fatal := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	run, err := os.ReadFile(dir + "/run")
	fatal(err)
	address, err := os.ReadFile(dir + "/address")
	fatal(err)
	store, err := recorder.OpenFileStore(dir + "/store")
	fatal(err)
	c := recorder.Config{
		Dir: dir + "/queue", Store: store, Anchorer: remote(address), Channel: channel, RetryFrom: time.Millisecond,
	}
	for name, use := range map[string]func(*keys.Signer){
		"attestation": func(s *keys.Signer) { c.Signer = attestation.By(s) },
		"anchor":      func(s *keys.Signer) { c.AnchorSigner = s },
	} {
		key, err := keyfile.Read(dir+"/"+name+".json", nil)
		fatal(err)
		signer, err := key.Signer()
		fatal(err)
		use(signer)
	}
	rec, err := recorder.New(c)
	fatal(err)
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				order := fmt.Sprintf("%s-%d-%d", run, g, i)
				d, err := attestation.NewDraft(attestation.Delivery{DeliveredAt: time.Now()}, time.Now(),
					attestation.Links{IntentID: "i-1", MerchantOrderID: order, TradeNo: "t-" + order},
					attestation.Participant{ID: shopDID, Role: attestation.Merchant})
				fatal(err)
				id, err := rec.Record(context.Background(), d)
				fatal(err)
				_, err = fmt.Printf("%s %s\n", order, id) // one write: not buffered
				fatal(err)
			}
		}()
	}
	select {}
}

// remote is a chain in another process.
type remote string

func (r remote) Submit(ctx context.Context, token []byte) (recorder.Receipt, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, string(r), bytes.NewReader(token))
	if err != nil {
		return recorder.Receipt{}, err
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return recorder.Receipt{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return recorder.Receipt{}, protocol.New(protocol.CodeServiceUnavailable, "", "", "no answer")
	}
	place, proof, _ := strings.Cut(string(body), "\n")
	return recorder.Receipt{Place: place, Proof: []byte(proof)}, nil
}

// TSD-ATT-EVT-02: a program that is killed again and again in the middle of
// recording loses nothing that it accepted and records nothing twice.
func TestKilled(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := io.ReadAll(r.Body)
		if err != nil {
			return // the child was killed
		}
		receipt, err := b.log.Submit(r.Context(), token)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		fmt.Fprintf(w, "%s\n%s", receipt.Place, receipt.Proof)
	}))
	defer server.Close()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(b.dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("address", server.URL)
	b.ownKeys(t)
	accepted := map[string]string{}
	for run := range 6 {
		write("run", fmt.Sprintf("run%d", run))
		for order, id := range killOne(t, b.dir, time.Duration(rand.IntN(120))*time.Millisecond) {
			accepted[order] = id
		}
	}
	if len(accepted) < 10 {
		t.Fatalf("only %d drafts were accepted: nothing was tried", len(accepted))
	}
	b.open(func(c *recorder.Config) { c.StepTimeout = 5 * time.Second })
	b.flush()
	b.wantAll(t, accepted)
}

// ownKeys writes the keys of the bench's party for the child, and uses them.
func (b *bench) ownKeys(t *testing.T) {
	t.Helper()
	for _, purpose := range []keys.Purpose{keys.Attestation, keys.Anchor} {
		key, err := keyfile.Generate(keys.EdDSA, shopDID+"#"+string(purpose), purpose)
		if err != nil {
			t.Fatal(err)
		}
		if err := keyfile.Write(b.dir+"/"+string(purpose)+".json", key, nil); err != nil {
			t.Fatal(err)
		}
		s, err := key.Signer()
		if err != nil {
			t.Fatal(err)
		}
		b.keys[purpose] = s
	}
}

// killOne runs the child, kills it some time after its first line, and returns
// what it said was accepted.
func killOne(t *testing.T, dir string, after time.Duration) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	kill := func() { once.Do(func() { _ = cmd.Process.Kill() }) }
	watchdog := time.AfterFunc(20*time.Second, kill)
	defer watchdog.Stop()
	accepted := map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if len(accepted) == 0 {
			time.AfterFunc(after, kill)
		}
		if order, id, ok := strings.Cut(lines.Text(), " "); ok && len(id) == len(attestation.NewID(shopDID)) {
			accepted[order] = id
		}
	}
	_ = cmd.Wait() // it was killed
	if stderr.Len() > 0 {
		t.Errorf("the child said: %s", stderr.String())
	}
	return accepted
}

// wantAll checks that what was accepted is a record under its id with an anchor,
// and that no order has two records.
func (b *bench) wantAll(t *testing.T, accepted map[string]string) {
	t.Helper()
	ctx := context.Background()
	for order, id := range accepted {
		list, err := b.store.Find(ctx, recorder.Query{MerchantOrderID: order})
		if err != nil || len(list) != 1 || list[0].ID != id {
			t.Fatalf("%s: %d records, %v", order, len(list), err)
		}
	}
	all, err := b.store.Find(ctx, recorder.Query{IntentID: "i-1"})
	if err != nil {
		t.Fatal(err)
	}
	orders := map[string]bool{}
	for _, s := range all {
		u, err := attestation.Parse(s.Record)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := s.Anchor(channel)
		place, err := b.log.Trust().Verify(channel, a.Receipt.Proof)
		if err != nil || place.Anchor.Matches(&u.Record) != nil {
			t.Errorf("a record without its anchor: %v", err)
		}
		if orders[u.Record.Links.MerchantOrderID] {
			t.Errorf("two records of one draft")
		}
		orders[u.Record.Links.MerchantOrderID] = true
	}
	if on := len(b.log.IDs(channel)); on != len(all) {
		t.Errorf("%d anchors, %d records", on, len(all))
	}
	t.Logf("%d accepted, %d recorded", len(accepted), len(all))
}
