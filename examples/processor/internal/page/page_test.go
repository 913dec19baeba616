package page

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

func TestLanguage(t *testing.T) {
	for header, want := range map[string]Language{
		"": English, "zh-CN,zh;q=0.9,en;q=0.8": Chinese, "en-GB,zh;q=0.9": English, "fr,de": English, "fr,zh;q=0.1": Chinese, "zh;q=0,en;q=0.1": English,
		"en;q=0.2, zh;q=0.9": Chinese, "ZH-hant": Chinese, "zh;q=2,en;q=0.5": English, "zh;q=NaN": English, "zhx": English, strings.Repeat("fr,", 40) + "zh": English,
	} {
		if got := preferred(header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/x?lang=zh", nil)
	r.Header.Set("Accept-Language", "en")
	p := New(r, "pay.example", "/x")
	if p.Lang != Chinese || p.Here() != "/x?lang=zh" || p.Href("/y") != "/y?lang=zh" || !p.Tongues()[1].Current {
		t.Errorf("%+v", p)
	}
	r = httptest.NewRequest(http.MethodGet, "/x?lang=tlh", nil)
	if p := New(r, "pay.example", "/x"); p.Lang != English || p.Here() != "/x" {
		t.Errorf("%+v", p)
	}
}

func FuzzPreferred(f *testing.F) {
	for _, s := range []string{"zh-CN,zh;q=0.9,en;q=0.8", ",;q=", "en;q=1e-400", "zh;q=-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if l := preferred(header); l != English && l != Chinese {
			t.Errorf("%q", l)
		}
	})
}

// TestExplain: every code has words in both languages, which repeat nothing and
// are not the code's own.
func TestExplain(t *testing.T) {
	for _, code := range append(protocol.Codes(), "", "no_such_code") {
		en, zh := English.Explain(code), Chinese.Explain(code)
		if en == "" || zh == "" || en == zh || strings.Contains(en, "_") || strings.Contains(zh, "_") {
			t.Errorf("%s: %q, %q", code, en, zh)
		}
		if code.Known() && code.Outcome() == protocol.Undetermined && code != protocol.CodeOutcomeUnknown && en != undetermined.In(English) {
			t.Errorf("%s sounds like a no: %q", code, en)
		}
	}
	for code, w := range explanations {
		if !code.Known() || w.In(English) == "" || w.In(Chinese) == "" {
			t.Errorf("%s: %v", code, w)
		}
	}
}

func TestForms(t *testing.T) {
	post := func(body string, header map[string]string) (url.Values, error) {
		r := httptest.NewRequest(http.MethodPost, "https://pay.example/x", strings.NewReader(body))
		for k, v := range header {
			r.Header.Set(k, v)
		}
		return ReadForm(httptest.NewRecorder(), r)
	}
	if form, err := post("a=1&a=2&b=%E4%BB%98", nil); err != nil || len(form["a"]) != 2 || form.Get("b") != "付" {
		t.Error(form, err)
	}
	for name, c := range map[string]struct {
		body   string
		header map[string]string
		code   protocol.Code
	}{
		"another site":           {"", map[string]string{"Sec-Fetch-Site": "cross-site"}, protocol.CodeAccessDenied},
		"another host":           {"", map[string]string{"Sec-Fetch-Site": "same-site"}, protocol.CodeAccessDenied},
		"another origin":         {"", map[string]string{"Origin": "https://evil.example"}, protocol.CodeAccessDenied},
		"too much":               {strings.Repeat("a", maxForm+1), nil, protocol.CodeTooLarge},
		"not a form":             {"%zz", nil, protocol.CodeMalformed},
		"what the page has sent": {"", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://pay.example"}, ""},
	} {
		if _, err := post(c.body, c.header); protocol.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNothingEscapes: what others chose the names of is text on a page.
func TestNothingEscapes(t *testing.T) {
	hostile := `"><script>alert(1)</script>{{.}}`
	tpl := Must(`{{define "main"}}<p>{{did .Content}}</p><p title="{{.Content}}">{{.Content}}</p>{{end}}`)
	w := httptest.NewRecorder()
	p := New(httptest.NewRequest(http.MethodGet, "/x", nil), "pay.example", "/x")
	p.Title, p.Fault, p.Content, p.Over = hostile, hostile, hostile, time.Minute
	tpl.Write(w, http.StatusOK, p)
	body := w.Body.String()
	if strings.Count(body, "<script>") != 1 || strings.Contains(body, "alert(1)</script>") || !strings.Contains(body, "&lt;script&gt;alert(1)&lt;") {
		t.Error(body)
	}
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", hash(script), hash(style)} {
		if !strings.Contains(policy, part) {
			t.Errorf("no %s in %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || !strings.Contains(body, "<style>"+style+"</style>") || !strings.Contains(body, "<script>"+script+"</script>") {
		t.Error("style or script are not what the policy allows")
	}
}
