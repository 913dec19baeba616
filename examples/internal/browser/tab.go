package browser

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Tab is one page, apart from all others: with cookies and authenticators of
// its own.
type Tab struct {
	t       testing.TB
	b       *Browser
	session string
}

// Look is how a tab looks at pages.
type Look struct {
	Width, Height int    // CSS pixels; a phone when below 500 wide
	Language      string // Accept-Language
	Dark          bool
	NoScript      bool
}

// Open opens a tab. It fails the test that t is of.
func (b *Browser) Open(t testing.TB, l Look) *Tab {
	t.Helper()
	var at struct {
		Context string `json:"browserContextId"`
		Target  string `json:"targetId"`
		Session string `json:"sessionId"`
	}
	must(t, b.send("Target.createBrowserContext", "", nil, &at))
	must(t, b.send("Target.createTarget", "", map[string]any{"url": "about:blank", "browserContextId": at.Context}, &at))
	must(t, b.send("Target.attachToTarget", "", map[string]any{"targetId": at.Target, "flatten": true}, &at))
	tab := &Tab{t, b, at.Session}
	t.Cleanup(func() {
		_ = b.send("Target.disposeBrowserContext", "", map[string]any{"browserContextId": at.Context}, nil)
	})
	for _, c := range []struct {
		method string
		params map[string]any
	}{
		{"Page.enable", nil},
		{"Emulation.setDeviceMetricsOverride", map[string]any{"width": l.Width, "height": l.Height, "deviceScaleFactor": 2, "mobile": l.Width < 500}},
		{"Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": map[bool]string{true: "dark", false: "light"}[l.Dark]}}}},
		{"Emulation.setScriptExecutionDisabled", map[string]any{"value": l.NoScript}},
		{"Emulation.setTimezoneOverride", map[string]any{"timezoneId": "Asia/Shanghai"}},
		{"Network.enable", nil},
		{"Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"Accept-Language": l.Language}}},
	} {
		tab.call(c.method, c.params, nil)
	}
	return tab
}

func (p *Tab) call(method string, params map[string]any, into any) {
	p.t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	must(p.t, p.b.send(method, p.session, params, into))
}

// Go opens an address and waits until it is loaded.
func (p *Tab) Go(url string) {
	p.t.Helper()
	var at struct {
		Error string `json:"errorText"`
	}
	p.call("Page.navigate", map[string]any{"url": url}, &at)
	if at.Error != "" {
		p.t.Fatalf("the page was not loaded: %s", at.Error)
	}
	p.Until(`document.readyState === "complete"`)
}

// Eval returns the value of an expression as text. What fails is an empty text:
// a page that is just being replaced, for example.
func (p *Tab) Eval(expression string) string {
	p.t.Helper()
	var out struct {
		Result struct {
			Value any `json:"value"`
		} `json:"result"`
	}
	if err := p.b.send("Runtime.evaluate", p.session, map[string]any{"expression": "String(" + expression + ")", "returnByValue": true, "awaitPromise": true}, &out); err != nil {
		return ""
	}
	s, _ := out.Result.Value.(string)
	return s
}

// Until waits until an expression is true.
func (p *Tab) Until(condition string) {
	p.t.Helper()
	end := time.Now().Add(patience)
	for p.Eval(condition) != "true" {
		if time.Now().After(end) {
			p.t.Fatalf("waited in vain for %s; the page shows:\n%s", condition, p.Text())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Shows waits until the page shows a text.
func (p *Tab) Shows(text string) {
	p.t.Helper()
	p.Until(`document.readyState === "complete" && document.body.innerText.includes(` + strconv.Quote(text) + `)`)
}

// Text is all that the page shows.
func (p *Tab) Text() string { p.t.Helper(); return p.Eval("document.body.innerText") }

// Click clicks on an element, with a real mouse.
func (p *Tab) Click(selector string) {
	p.t.Helper()
	p.Until(`document.readyState === "complete" && !!document.querySelector(` + strconv.Quote(selector) + `)`)
	at := p.Eval(`(() => { const e = document.querySelector(` + strconv.Quote(selector) + `); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return (r.x + r.width / 2) + " " + (r.y + r.height / 2); })()`)
	x, y, _ := strings.Cut(at, " ")
	px, err := strconv.ParseFloat(x, 64)
	must(p.t, err)
	py, err := strconv.ParseFloat(y, 64)
	must(p.t, err)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": px, "y": py, "button": "left", "clickCount": 1}, nil)
	}
}

// Fill writes a value into a field.
func (p *Tab) Fill(selector, value string) {
	p.t.Helper()
	p.Eval(`document.querySelector(` + strconv.Quote(selector) + `).value = ` + strconv.Quote(value))
}

// Authenticator gives the tab a virtual authenticator that holds passkeys and
// verifies its user, or fails to.
func (p *Tab) Authenticator(verifies bool) string {
	p.t.Helper()
	var out struct {
		ID string `json:"authenticatorId"`
	}
	p.call("WebAuthn.enable", nil, nil)
	p.call("WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
		"protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
		"isUserVerified": verifies, "automaticPresenceSimulation": true, "defaultBackupEligibility": true, "defaultBackupState": true,
	}}, &out)
	return out.ID
}

// Verifies says whether an authenticator verifies its user from now on.
func (p *Tab) Verifies(authenticator string, verifies bool) {
	p.t.Helper()
	p.call("WebAuthn.setUserVerified", map[string]any{"authenticatorId": authenticator, "isUserVerified": verifies}, nil)
}

// MovePasskeys gives the passkeys of one tab's authenticator to another's: a
// person who uses two devices.
func (p *Tab) MovePasskeys(authenticator string, to *Tab, other string) {
	p.t.Helper()
	var have struct {
		Credentials []map[string]any `json:"credentials"`
	}
	p.call("WebAuthn.getCredentials", map[string]any{"authenticatorId": authenticator}, &have)
	for _, c := range have.Credentials {
		to.call("WebAuthn.addCredential", map[string]any{"authenticatorId": other, "credential": c}, nil)
	}
}

// Picture writes a screenshot of the whole page into a folder, as name.png. With
// an empty folder it does nothing.
func (p *Tab) Picture(folder, name string) {
	p.t.Helper()
	if folder == "" {
		return
	}
	var shot struct {
		Data string `json:"data"`
	}
	p.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	must(p.t, err)
	must(p.t, os.MkdirAll(folder, 0o755))
	must(p.t, os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644))
}

// Overflow is what sticks out of the page sideways, or is cut off; empty when
// nothing is.
func (p *Tab) Overflow() string {
	p.t.Helper()
	return p.Eval(`(() => {
		const out = [], wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth > wide) out.push("the page is " + document.documentElement.scrollWidth + " wide in " + wide);
		for (const e of document.querySelectorAll("body *")) {
			if (e.closest(".skip") || !e.getClientRects().length) continue;
			const r = e.getBoundingClientRect();
			if (r.right > wide + 0.5 || r.left < -0.5) out.push(e.tagName + " reaches from " + r.left + " to " + r.right);
			if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).overflowX !== "visible") out.push(e.tagName + " is cut off");
		}
		return out.join("; ");
	})()`)
}
