package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The live modes say what they lack before they do anything.
func TestLiveExitCodes(t *testing.T) {
	scenario := filepath.Join("..", "..", "..", "examples", "conformance", "scenarios", "merchant.json")
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"site":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		want int
		say  string
	}{
		{"no scenario", []string{"seller", "https://localhost:9447"}, 2, "a scenario and one URL"},
		{"no URL", []string{"seller", "-scenario", scenario}, 2, "a scenario and one URL"},
		{"no such scenario", []string{"seller", "-scenario", "none.json", "https://localhost:9447"}, 2, "none.json"},
		{"a scenario that lacks everything", []string{"psp", "-scenario", broken, "https://localhost:9447"}, 2, "exactly one of"},
		{"a scenario for something else", []string{"psp", "-scenario", scenario, "https://localhost:9447"}, 2, "is a scenario for seller"},
		{"plain HTTP", []string{"seller", "-scenario", scenario, "http://localhost:9447"}, 2, "https"},
		{"nothing selected", []string{"seller", "-scenario", scenario, "-only", "nothing", "https://localhost:9447"}, 2, "no check"},
		{"no certificate", []string{"seller", "-scenario", scenario, "https://localhost:9447"}, 2, "cert.pem"},
		{"self away from the repository", []string{"self", "-repository", t.TempDir()}, 2, "examples/conformance"},
		{"show a check", []string{"show", "live/seller/bill/001"}, 0, "PSD-PAY-A402-02"},
		{"list checks", []string{"list", "-only", "live/issuer"}, 0, "live/issuer/state/001"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := call(t, test.args...)
			if code != test.want || !strings.Contains(stdout+stderr, test.say) {
				t.Errorf("exit %d, want %d with %q:\n%s%s", code, test.want, test.say, stdout, stderr)
			}
		})
	}
}

// Self builds and starts what it tests, finds it right, and ends it.
func TestSelf(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and starts the reference processor, a merchant and an issuer")
	}
	code, stdout, stderr := call(t, "self", "-only", "live/issuer,live/seller/bill,live/psp/pay,live/psp/instant/101,money/decimal")
	if code != 0 || !strings.Contains(stdout, "As expected.") || strings.Contains(stdout, "skipped, and") {
		t.Errorf("exit %d:\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{"live checks", " 0 skipped"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("nothing of %q in\n%s", want, stdout)
		}
	}
}
