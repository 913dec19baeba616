package evidence_test

import (
	"bytes"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/evidence"
	"github.com/actprotocol/act-go/protocol/attestation"
)

func (p *purchase) page(data []byte, trust evidence.Trust) string {
	p.t.Helper()
	f, r := p.verify(data, trust)
	var b bytes.Buffer
	p.must(evidence.View(&b, f, r))
	return b.String()
}

// nothingActive checks that a page runs and loads nothing.
func nothingActive(t *testing.T, page string) {
	t.Helper()
	for _, pattern := range []string{
		`(?i)<(script|iframe|object|embed|img|link|svg|base|form|input|video|audio|frame)\b`, `(?i)<[a-z][^>]*\son[a-z]+\s*=`,
		`(?i)@import`, `(?i)url\(`, `(?i)<[a-z][^>]*\s(src|srcset|action|data|poster|background)\s*=`, `(?i)<[a-z][^>]*\shref\s*=\s*("[^#]|[^"])`, `(?i)http-equiv="refresh`,
	} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	if !strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline'`) {
		t.Error("no policy that forbids everything else")
	}
}

func TestPageShowsEveryRecord(t *testing.T) {
	p := newPurchase(t)
	page := p.page(p.collect(), p.trust())
	nothingActive(t, page)
	text := html.UnescapeString(page)
	for i, id := range p.ids {
		if strings.Count(text, `<bdi>`+id+`</bdi>`) != 1 {
			t.Errorf("record %d is not shown once", i)
		}
	}
	for _, want := range []string{
		"All 6 records are VERIFIED", "By keys that were given", "18.00", "proof_digest", "urn:act:payment:wallet", "order-1", "trade-1", intentID, mandateID,
		"Leaf 5, counted from 0, of a tree of 6", "chain.test/log/retail", "Payment made", "Because of", issuerDID, agentDID, shopDID, pspDID, chainDID,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if strings.Contains(text, "nobody vouches") || strings.Contains(text, "Where:") {
		t.Error("something is wrong with an honest page")
	}
	carried := p.page(p.collect(), evidence.Trust{InsecureCarriedKeys: true, Now: p.trust().Now})
	if !strings.Contains(carried, "nobody vouches for") || !strings.Contains(carried, "by a key that this file carries") {
		t.Error("the page does not say whose keys were used")
	}
}

// The path on the page is one: hashed together as it says, it gives the root.
func TestPathOnThePage(t *testing.T) {
	p := newPurchase(t)
	page := html.UnescapeString(p.page(p.collect(), p.trust()))
	paths := regexp.MustCompile(`(?s)<ul class="steps">(.*?)</ul>`).FindAllStringSubmatch(page, -1)
	if len(paths) != 6 {
		t.Fatalf("%d paths", len(paths))
	}
	step := regexp.MustCompile(`<span class="soft">([a-z, ]+)</span><code>([^<]+)</code>`)
	hash := func(s string) tlog.Hash {
		h, err := tlog.ParseHash(s)
		p.must(err)
		return h
	}
	for i, path := range paths {
		steps := step.FindAllStringSubmatch(path[1], -1)
		at := hash(steps[0][2])
		for _, s := range steps[1 : len(steps)-1] {
			if s[1] == "with, left" {
				at = tlog.NodeHash(hash(s[2]), at)
			} else {
				at = tlog.NodeHash(at, hash(s[2]))
			}
		}
		if last := steps[len(steps)-1]; last[1] != "gives root" || at != hash(last[2]) {
			t.Errorf("the path of record %d does not lead to its root", i)
		}
	}
}

func TestPageOfATamperedFile(t *testing.T) {
	p := newPurchase(t)
	page := p.page(p.change(p.collect(), func(v tree) {
		v.part("records", 4).in("event_body")["amount"] = "1.00"
		delete(v.part("records", 1), "privacy")
		v.remove("anchors", 0)
	}), p.trust())
	nothingActive(t, page)
	for _, want := range []string{
		"3 of 6 records are VERIFIED", "PAYLOAD_HASH_MISMATCH", "Where: <code>records[4]</code>", "The content is not the content that was signed.",
		"NO RECORD", "Where: <code>records[1]</code>", "ANCHOR_QUERY_TIMEOUT", "<code>manifest.anchors[0]</code>", "in the manifest and not in the file",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// Text of a hostile party is text: in a record that verifies, too.
func TestHostileTextOnThePage(t *testing.T) {
	p := newPurchase(t)
	hostile := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</style><script>`, `javascript:alert(1)`, `{{.Verified}}`, `<!--`, `&lt;b&gt;`,
		"turned \u202e around", "hidden \u200b space", "line\nfeed", "\x1b[2J",
	}
	body, err := jsontext.AppendQuote(nil, strings.Join(hostile, " | "))
	p.must(err)
	name, err := jsontext.AppendQuote(nil, `<script>x_digest`)
	p.must(err)
	p.now = p.now.Add(1)
	draft := attestation.Draft{
		Type: attestation.DecisionLogged, EventTime: p.now, Links: attestation.Links{IntentID: `"><script>alert(1)</script>`, DelegationID: "d"},
		Participants: []attestation.Participant{{ID: agentDID, Role: attestation.PayerAgent, Represents: `<script>`}},
		Body:         jsontext.Value(`{"text":` + string(body) + `,` + string(name) + `:"<b>","long":"` + strings.Repeat("长", 500) + `","deep":{"list":[1,true,{"中文":"茶"}]}}`),
	}
	p.put(agentDID, draft)
	page := p.page(p.collectIntent(draft.Links.IntentID), p.trust())
	nothingActive(t, page)
	for _, want := range []string{
		`&lt;script&gt;alert(1)&lt;/script&gt;`, `turned \u202E around`, `hidden \u200B space`, `line\u000Afeed`, `\u001B[2J`, "… and 100 more characters", "deep.list[2].中文", "茶",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	for _, bad := range []string{"\u202e", "\u200b", "\x1b"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func (p *purchase) collectIntent(id string) []byte {
	p.t.Helper()
	data, _, err := evidence.Collect(p.t.Context(), p.sources(), recorderQuery(id))
	p.must(err)
	return data
}

// With ACT_EVIDENCE_PAGES set to a folder, the pages that a person should look
// at are written there: an honest one and four tampered ones.
func TestWritePages(t *testing.T) {
	dir := os.Getenv("ACT_EVIDENCE_PAGES")
	p := newPurchase(t)
	data := p.collect()
	pages := map[string]func(tree){
		"honest":   func(tree) {},
		"content":  func(v tree) { v.part("records", 4).in("event_body")["amount"] = "1.00" },
		"time":     func(v tree) { v.part("records", 3)["event_time"] = "2026-04-19T08:03:59Z" },
		"proof":    func(v tree) { v.part("anchors", 2)["proof"] = v.part("anchors", 1)["proof"] },
		"takenout": func(v tree) { v.remove("records", 3); v.remove("anchors", 3) },
	}
	for name, change := range pages {
		changed := p.change(data, change)
		page := p.page(changed, p.trust())
		if good := strings.Contains(page, "All 6 records are VERIFIED"); good != (name == "honest") {
			t.Errorf("%s: verified %v", name, good)
		}
		if dir != "" {
			p.must(os.WriteFile(dir+"/"+name+".html", []byte(page), 0o600))
			p.must(os.WriteFile(dir+"/"+name+".json", changed, 0o600))
		}
	}
}
