package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/stage"
)

// TestStory tells the story over real sockets.
func TestStory(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		var out bytes.Buffer
		if err := tell(t.Context(), &stage.Narrator{Out: &out, Verbose: verbose}); err != nil {
			t.Fatalf("%v\n%s", err, out.Bytes())
		}
		told := out.String()
		if verbose && !strings.Contains(told, `"responseProof"`) {
			t.Error("-v shows no message")
		}
		for _, want := range []string{
			"PASS, VERIFIED, at the level CREDENTIAL", "FAIL, AUTHORIZATION_REQUIRED", "PASS, VERIFIED, at the level ASSOCIATED_CREDIT", `"level":"A-ASSOCIATED"`,
			"FAIL, REPLAY_DETECTED", "FAIL, AUTHORIZATION_REQUIRED", "FAIL, AUTHORIZATION_SCOPE_MISMATCH", "REVIEW_REQUIRED",
			"FAIL, ASSOCIATION_CREDENTIAL_NOT_ACTIVE", "PASS, VERIFIED", "FAIL, ASSOCIATION_CREDENTIAL_NOT_ACTIVE",
		} {
			_, after, found := strings.Cut(told, want)
			if !found {
				t.Fatalf("no %q where it belongs\n%s", want, out.Bytes())
			}
			told = after
		}
	}
}
