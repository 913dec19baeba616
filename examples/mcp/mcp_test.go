package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/mcp/acttools"
	"github.com/actprotocol/act-go/protocol"
)

// serveVar makes the test's binary be the program, for TestStdio.
const serveVar = "ACT_MCP_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVar) != "" {
		if err := run(context.Background(), false, false, false); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestStory plays the demo over a real transport, real sockets and a real
// ledger.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	if err := tell(t.Context(), &stage.Narrator{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	told := out.String()
	for _, want := range []string{
		"confirm_cart, describe_intent, fetch_paid_resource, find, pay,", "200.00 left of 200.00 yuan",
		"paid 36.00 yuan to the coffee bar", "it was paid before", "paid 4.00 yuan, 200", "paid 95.00 yuan",
		"left of 200.00                                       35.00", "answers held the mandate", "recomputed from the entries: sound",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not say %q", want)
		}
	}
	for _, code := range []protocol.Code{
		protocol.CodePolicyRefused, protocol.CodePolicyRefused, protocol.CodeConfirmationFailed, protocol.CodeStateConflict,
		protocol.CodeMerchantNotAllowed, protocol.CodeMerchantNotAllowed, protocol.CodeSingleLimitExceeded, protocol.CodeFieldUnknown,
		protocol.CodeCategoryNotAllowed, protocol.CodeConfirmationFailed,
	} {
		_, after, found := strings.Cut(told, "refused, "+string(code)+":")
		if !found {
			t.Fatalf("no refusal with %s where it belongs", code)
		}
		told = after
	}
}

// TestBrokenStory: the story ends when a person agrees to everything, and when a
// secret was told.
func TestBrokenStory(t *testing.T) {
	s, err := openStreet(t.Context(), &stage.Narrator{Out: io.Discard})
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	story := &session{street: s}
	if err = errors.Join(err, story.meet(t.Context())); err != nil {
		t.Fatal(err)
	}
	story.model.person = func(string) bool { return true }
	if err := story.agree(t.Context()); err == nil || !strings.Contains(err.Error(), "should have failed with confirmation_failed") {
		t.Errorf("%v", err)
	}
	if err := story.fetch(t.Context()); err != nil { // the careless person's mandate allows that too
		t.Fatal(err)
	}
	if err := story.keptSecret(); err != nil {
		t.Error(err)
	}
	for _, secret := range []string{s.token, s.buyer.Wire.LastProof(), s.buyer.Agent.Wallet().Mandates()[0].Raw()} {
		read := story.model.read
		story.model.read = append(read[:len(read):len(read)], "here you are: "+secret)
		if story.keptSecret() == nil {
			t.Error("a secret in an answer is not noticed")
		}
		story.model.read = read
	}
}

// TestStdio runs the program as an MCP host does, and buys something by stdin
// and stdout, with a client of the present and of an earlier protocol.
func TestStdio(t *testing.T) {
	for _, version := range []string{"", "2025-06-18"} {
		t.Run("version "+version, func(t *testing.T) { buyOverStdio(t, version) })
	}
}

func buyOverStdio(t *testing.T, version string) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), serveVar+"=1")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	m := &model{story: &stage.Narrator{Out: io.Discard}, person: func(string) bool { return true }}
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "0"}, &mcp.ClientOptions{ElicitationHandler: m.show})
	m.session, err = client.Connect(t.Context(), &mcp.CommandTransport{Command: command}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	if told := m.session.InitializeResult().Instructions; told != acttools.Instructions {
		t.Errorf("the model is told %q", told)
	}
	call := func(name string, in, out any) {
		t.Helper()
		if err := m.call(t.Context(), name, in, out); err != nil {
			t.Fatal(err)
		}
	}
	err = m.call(t.Context(), "find", acttools.FindInput{Need: "latte"}, new(acttools.FindOutput))
	if protocol.CodeOf(err) != protocol.CodePolicyRefused {
		t.Fatalf("without a mandate: %v", err)
	}
	call("describe_intent", acttools.IntentInput{Words: "A latte.", MaxTotal: "20", ValidHours: 1, Shops: []string{"coffee bar"}}, new(acttools.IntentOutput))
	var found acttools.FindOutput
	call("find", acttools.FindInput{Need: "latte"}, &found)
	if len(found.Found) == 0 {
		t.Fatal("nothing was found")
	}
	var cart acttools.CartOutput
	call("confirm_cart", acttools.CartInput{Lines: []acttools.CartLine{{Item: found.Found[0].Item, Quantity: 1}}}, &cart)
	var paid acttools.PayOutput
	call("pay", acttools.PayInput{Order: cart.Order}, &paid)
	if len(paid.Paid) != 1 || paid.Paid[0].Amount != "18.00" || paid.Goods.Text != "1 × Latte, large" {
		t.Errorf("%+v", paid)
	}
	if err := m.session.Close(); err != nil {
		t.Errorf("the program did not end well: %v", err)
	}
	if complaints.Len() > 0 {
		t.Errorf("%s", complaints.Bytes())
	}
}
