package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/examples/processor/internal/passkey"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

//go:embed style.css
var style string

//go:embed script.js
var script string

//go:embed frame.html
var frameText string

// policy allows a page its own style and script, and forms to its own origin.
var policy = "default-src 'none'; script-src '" + hash(script) + "'; style-src '" + hash(style) +
	"'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// A Template is one kind of page: the frame with a main part, "main".
type Template struct{ t *template.Template }

// Must makes a template; main defines the template "main", whose dot is a
// [Page]. It panics on text that is none, which only a programmer can cause.
func Must(main string) *Template {
	t := template.Must(template.New("frame").Funcs(template.FuncMap{"icon": icon, "did": breakable, "size": size}).Parse(frameText))
	return &Template{template.Must(t.Parse(main))}
}

// breakable lets a long identifier break where a person would break it.
func breakable(id string) template.HTML {
	escaped := template.HTMLEscapeString(id)
	return template.HTML(strings.NewReplacer("/", "/<wbr>", ":", ":<wbr>").Replace(escaped))
}

// size is the class of an amount, by the number of its characters: it must never
// break.
func size(amount string) string {
	switch n := len(amount); {
	case n > 14:
		return " huge"
	case n > 9:
		return " long"
	}
	return ""
}

// icon is one of a few pictures, drawn in the colour of the text. They say
// nothing that does not stand beside them.
func icon(name string) template.HTML {
	paths := map[string]string{
		"lock":  `<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>`,
		"check": `<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
		"cross": `<path d="m6.5 6.5 11 11m0-11-11 11"/>`,
		"note":  `<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5m0 3.2v.3"/>`,
		"key":   `<circle cx="8" cy="12" r="4"/><path d="M12 12h9m-3 0v3.5"/>`,
	}
	return template.HTML(`<svg aria-hidden="true" width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">` + paths[name] + `</svg>`)
}

// A Page is what a template shows.
type Page struct {
	Lang    Language
	Title   string
	Fault   string        // what went wrong with the last try; gets the focus
	Over    time.Duration // until the page is to be fetched again; 0 is never
	Content any

	provider string
	chosen   bool
	path     string
}

// Words of the frame.
func (p *Page) Words() frame { return frames[p.Lang] }

// Host is the name under which the provider is reached.
func (p *Page) Host() string { return p.provider }

// Style is the style sheet, Script the script.
func (p *Page) Style() template.CSS { return template.CSS(style) }

// Script is the script.
func (p *Page) Script() template.JS { return template.JS(script) }

// Href is a path of these pages with the reader's choice of language.
func (p *Page) Href(path string) string {
	if p.chosen {
		return path + "?lang=" + string(p.Lang)
	}
	return path
}

// Path is the path of this page.
func (p *Page) Path() string { return p.path }

// Here is this page's own address.
func (p *Page) Here() string { return p.Href(p.path) }

// Seconds is Over in whole seconds.
func (p *Page) Seconds() string { return strconv.FormatInt(int64(p.Over/time.Second), 10) }

// A Tongue is one choice of the language switch.
type Tongue struct {
	Lang    Language
	Name    string
	Href    string
	Current bool
}

// Tongues are the choices of the language switch.
func (p *Page) Tongues() (out []Tongue) {
	for _, l := range []struct {
		lang Language
		name string
	}{{English, "English"}, {Chinese, "中文"}} {
		out = append(out, Tongue{l.lang, l.name, p.path + "?lang=" + string(l.lang), l.lang == p.Lang})
	}
	return out
}

// A Form is a form whose button has a passkey made or used.
type Form struct {
	*Page
	Ceremony passkey.Ceremony
	Action   string
	Label    string
	Hidden   []Field
}

// A Field is a member of a form that a person does not see.
type Field struct{ Name, Value string }

// PasskeyForm makes one for a path of these pages.
func (p *Page) PasskeyForm(c passkey.Ceremony, path, label string, hidden ...Field) Form {
	return Form{p, c, p.Href(path), label, hidden}
}

// Filled are the members that the script fills in.
func (f Form) Filled() []string {
	if f.Ceremony.Create {
		return []string{"id", "client_data", "attestation"}
	}
	return []string{"id", "client_data", "authenticator_data", "signature", "user_handle"}
}

// New begins a page for a request: its language, and the path of the page, which
// is where the language switch and a reload lead.
func New(r *http.Request, provider, path string) *Page {
	l, chosen := languageOf(r)
	return &Page{Lang: l, provider: provider, path: path, chosen: chosen}
}

// Secure sets the headers that all answers of the pages have.
func Secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept, Accept-Language")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)")
	h.Set("Content-Security-Policy", policy)
}

// Write writes a page.
func (t *Template) Write(w http.ResponseWriter, status int, p *Page) {
	var text bytes.Buffer
	if err := t.t.Execute(&text, p); err != nil {
		problem.Write(w, protocol.Wrap(protocol.CodeServiceUnavailable, "", "", "the page could not be made", err), 1)
		return
	}
	h := w.Header()
	Secure(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang.HTML())
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}

// Wanted reports whether a person is looking: browsers name text/html, programs
// name application/json or nothing.
func Wanted(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// maxForm bounds a form: an assertion has about a kilobyte, an attestation a
// few.
const maxForm = 64 << 10

// ReadForm reads a form that was posted from a page of ours. What another site
// has sent is access_denied.
func ReadForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if err := SameOrigin(r); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, protocol.New(protocol.CodeTooLarge, "", "", "a form has at most 64 KiB")
	case err != nil:
		return nil, protocol.New(protocol.CodeMalformed, "", "", "the body could not be read")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, protocol.New(protocol.CodeMalformed, "", "", "not a form")
	}
	return form, nil
}

// SameOrigin refuses what a browser sends for another site (access_denied).
// Programs that are no browsers pass.
func SameOrigin(r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return protocol.New(protocol.CodeAccessDenied, "", "", "from another site")
	}
	return nil
}

// Moment is a time as a page shows it: for machines, and for people whose
// browser runs no script.
type Moment struct{ Machine, People string }

// At makes a Moment.
func At(t time.Time) Moment {
	return Moment{canon.FormatTime(t), t.UTC().Format("2006-01-02 15:04") + " UTC"}
}
