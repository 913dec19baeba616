package live_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/conformance/live"
)

// Ids are unique and well formed, each check judges something that exists, says
// why it is there, and expects something.
func TestChecks(t *testing.T) {
	form := regexp.MustCompile(`^live/(psp|seller|issuer)/[a-z]+/[0-9]{3}$`)
	requirements, err := conformance.Requirements()
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for _, r := range requirements {
		exists[r.ID] = true
	}
	seen, kinds := map[string]bool{}, map[live.Kind]int{}
	for _, c := range live.Checks() {
		if !form.MatchString(c.ID) || seen[c.ID] {
			t.Errorf("%s: not an id, or twice", c.ID)
		}
		seen[c.ID] = true
		kinds[c.Kind()]++
		if len(c.Title) < 20 || !strings.HasSuffix(c.Title, ".") || len(c.Requirements) == 0 || c.Expected.Outcome == "" {
			t.Errorf("%s: title, requirements or expectation", c.ID)
		}
		for _, r := range c.Requirements {
			if !exists[r] {
				t.Errorf("%s: no requirement %s", c.ID, r)
			}
		}
	}
	if len(seen) < 120 || kinds[live.PSP] < 60 || kinds[live.Seller] < 40 || kinds[live.Issuer] < 15 {
		t.Errorf("%d checks: %v", len(seen), kinds)
	}
}

// What a scenario cannot support is skipped with the reason, and an action that
// fails, like a server that does not answer, is an error and never a pass.
func TestSkippedAndErrors(t *testing.T) {
	t.Parallel()
	s := testPSP(t, broken{})
	bare := *s
	bare.Actions = nil
	for id, r := range run(t, &bare) {
		if r.Verdict != conformance.Skip && r.Verdict != conformance.Pass {
			t.Errorf("%s without actions: %s %s", id, r.Verdict, r.Actual.Message)
		}
		if r.Verdict == conformance.Skip && r.Actual.Reason == "" {
			t.Errorf("%s is skipped without a reason", id)
		}
	}

	failing := testPSP(t, broken{})
	failing.Actions["deposit"] = live.Action{Command: []string{"/no/such/program"}}
	if r := run(t, failing, "live/psp/pay/001")["live/psp/pay/001"]; r.Verdict != conformance.Errored || !strings.Contains(r.Actual.Message, "action deposit") {
		t.Errorf("an action that fails: %s %s", r.Verdict, r.Actual.Message)
	}

	dead := testPSP(t, broken{})
	dead.PSP.Endpoint = "https://localhost:" + freePort(t)
	for id, r := range run(t, dead, "live/psp/pay/001", "live/psp/replay/001", "live/psp/message/001") {
		if r.Verdict != conformance.Errored {
			t.Errorf("%s of a provider that is not there: %s", id, r.Verdict)
		}
	}
}

// A prepared account does where there are no actions.
func TestPrepared(t *testing.T) {
	t.Parallel()
	s := testPSP(t, broken{})
	s.Site.Seed = "a test"
	host := strings.Replace(s.Site.Host, ":", "%3A", 1)
	principal, agent, merchant, issuer := "did:act:"+host+"/ann", "did:act:"+host+"/agent", "did:act:"+host+"/merchant", "did:act:"+host+"/issuer"
	do := func(name string, pairs ...string) map[string]string {
		values := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			values[pairs[i]] = pairs[i+1]
		}
		out, err := s.Actions[name].Func(context.Background(), values)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	do("open_merchant", "merchant", merchant, "currency", "CNY")
	do("open_principal", "principal", principal, "currency", "CNY", "issuer", issuer)
	do("deposit", "principal", principal, "currency", "CNY", "amount", "9000.00")
	s.PSP.PaymentToken = do("bind_token", "principal", principal, "agent", agent, "currency", "CNY", "valid_until", "2100-01-01T00:00:00Z")["payment_token"]
	s.PSP.Principal, s.PSP.Prepared, s.Actions = principal, true, nil
	results := run(t, s)
	passed := 0
	for id, r := range results {
		if r.Verdict == conformance.Pass {
			passed++
		} else if r.Verdict != conformance.Skip {
			t.Errorf("%s: %s %s %s", id, r.Verdict, r.Actual.Code, r.Actual.Message)
		}
	}
	if passed < 90 {
		t.Errorf("%d of %d checks ran", passed, len(results))
	}
}

// An action is an HTTP call with the values of the check, and its answer is read
// as the scenario says.
func TestActions(t *testing.T) {
	t.Setenv("ACT_TEST_TOKEN", "the token")
	var got []string
	desk := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body))
		_, _ = io.WriteString(w, `{"answer":{"token":"none-such","more":1}}`)
	}))
	defer desk.Close()
	s := testPSP(t, broken{})
	s.Actions["bind_token"] = live.Action{
		Method: "PUT", URL: desk.URL + "/bind/{currency}", Headers: map[string]string{"Authorization": "Bearer {env:ACT_TEST_TOKEN}"},
		Body: []byte(`{"for":"{agent}","list":["{currency}"],"n":1}`), Output: map[string]string{"payment_token": "answer.token"},
	}
	r := run(t, s, "live/psp/pay/001")["live/psp/pay/001"]
	if r.Actual.Code != "instrument_invalid" {
		t.Errorf("the token of the action was not used: %s %s", r.Actual.Code, r.Actual.Message)
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], `PUT /bind/CNY Bearer the token {"for":"did:act:localhost`) || !strings.HasSuffix(got[0], `"list":["CNY"],"n":1}`) {
		t.Errorf("the desk got %q", got)
	}
	for _, x := range r.Exchange {
		if strings.Contains(x.Text, "the token") {
			t.Error("the exchange has the operator's token")
		}
	}
	s.Actions["bind_token"] = live.Action{Command: []string{"echo", `{"answer":{"token":"{agent}"}}`}, Output: map[string]string{"payment_token": "answer.nothing"}}
	if r := run(t, s, "live/psp/pay/001")["live/psp/pay/001"]; r.Verdict != conformance.Errored || !strings.Contains(r.Actual.Message, "answer.nothing") {
		t.Errorf("an answer without the member: %s %s", r.Verdict, r.Actual.Message)
	}
}

// The scenarios of the repository can be loaded, and what is wrong with one is
// said.
func TestLoad(t *testing.T) {
	for _, name := range []string{"processor", "merchant", "issuer"} {
		if _, err := live.Load("../../examples/conformance/scenarios/" + name + ".json"); err != nil {
			t.Error(err)
		}
	}
	good := `{"site":{"listen":"127.0.0.1:9449","host":"localhost:9449","tls_cert":"c","tls_key":"k"},"issuer":{"id":"did:act:localhost%3A9448/bank"}`
	for name, text := range map[string]string{
		"no JSON":          `site`,
		"unknown member":   good + `,"speed":9}`,
		"nothing to test":  `{"site":{"listen":"127.0.0.1:9449","host":"localhost:9449","tls_cert":"c","tls_key":"k"}}`,
		"two subjects":     good + `,"seller":{"id":"did:act:x.example/s","base":"https://x.example","method":"urn:act:payment:x"}}`,
		"no host":          strings.Replace(good, `"host":"localhost:9449",`, "", 1) + "}",
		"no certificate":   strings.Replace(good, `"tls_cert":"c",`, "", 1) + "}",
		"no DID":           strings.Replace(good, "did:act:", "did:", 1) + "}",
		"an idle action":   good + `,"actions":{"issue":{}}}`,
		"a double action":  good + `,"actions":{"issue":{"url":"https://x.example","command":["x"]}}}`,
		"currency of none": strings.Replace(good, `"issuer":{"id":"did:act:localhost%3A9448/bank"}`, `"psp":{"id":"did:act:x.example/p","endpoint":"https://x.example","method":"urn:act:payment:x","currency":"JPY"}`, 1) + "}",
		"plain HTTP":       strings.Replace(good, `"issuer":{"id":"did:act:localhost%3A9448/bank"}`, `"psp":{"id":"did:act:x.example/p","endpoint":"http://x.example","method":"urn:act:payment:x"}`, 1) + "}",
	} {
		file := filepath.Join(t.TempDir(), "scenario.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := live.Load(file); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

// The suite does not follow a redirect, and does not believe a provider whose
// answers another key has signed.
func TestForeignAnswers(t *testing.T) {
	s := testPSP(t, broken{})
	other := testPSP(t, broken{})
	s.PSP.ID = other.PSP.ID // whose document has other keys, and who is not the audience
	r := run(t, s, "live/psp/pay/001")["live/psp/pay/001"]
	if r.Verdict == conformance.Pass {
		t.Error("answers of another provider were believed")
	}
	redirect := testPSP(t, broken{front: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("again") == "" {
				http.Redirect(w, r, r.URL.Path+"?again=1", http.StatusTemporaryRedirect)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	if r := run(t, redirect, "live/psp/pay/001")["live/psp/pay/001"]; r.Verdict != conformance.Errored {
		t.Errorf("a redirect was followed: %s", r.Verdict)
	}
}
