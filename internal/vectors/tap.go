package vectors

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The key of an agent of the network. Its id is what the directory calls it,
// and no DID.
const tapKeyID = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"

// tapSigner has the key; a signer of ours needs a DID URL, which nobody sees.
func (b *builder) tapSigner(alg keys.Algorithm) *keys.Signer {
	return b.signer("did:act:network.example/agent#k1", keys.AgentRequest, alg)
}

// tap is a good request by Visa's Trusted Agent Protocol (SPEC.md 9.2).
func (b *builder) tap(changes ...func(*call)) obj {
	return b.call(append([]func(*call){func(c *call) {
		c.signer, c.label, c.components = b.tapSigner(keys.EdDSA), "sig2", []string{"@authority", "@path"}
		c.params = [][2]string{
			{"created", seconds(0)}, {"keyid", quoted(tapKeyID)}, {"alg", quoted("ed25519")}, {"expires", seconds(8 * time.Minute)},
			{"nonce", quoted("e8N7S2MFd/qrd6T2R3tdfA==")}, {"tag", quoted("agent-payer-auth")},
		}
		c.sent["documents"], c.sent["directory"] = nil, obj{tapKeyID: jwk(c.signer)}
	}}, changes...)...)
}

// tapCases makes the cases of the group.
type tapCases struct{ *builder }

func (t tapCases) make(id, title string, output obj, changes ...func(*call)) spec {
	out := obj{"keyid": tapKeyID, "tag": "agent-payer-auth", "uncovered": list{"@method", "@query"}}
	maps.Copy(out, output)
	return t.valid(spec{id: "tap/" + id, title: title, requirements: ids("IDN-04"), operation: "tap.verify", input: t.tap(changes...), output: out})
}

func (t tapCases) no(sibling spec, id, title string, code protocol.Code, changes ...func(*call)) {
	t.invalid(sibling, spec{id: "tap/" + id, title: title, code: code}, func(in obj) {
		clear(in)
		maps.Copy(in, t.tap(changes...))
	})
}

// rewritten changes the value of Signature-Input after signing.
func rewritten(old, new string) func(*call) {
	return func(c *call) { c.input = func(s string) string { return strings.Replace(s, old, new, 1) } }
}

// covered adds components.
func covered(names ...string) func(*call) {
	return func(c *call) { c.components = append(c.components, names...) }
}

// unsent leaves out a header field.
func unsent(name string) func(in obj) {
	return func(in obj) {
		in["headers"] = slices.DeleteFunc(in["headers"].(list), func(line any) bool { return line.(list)[0] == name })
	}
}

// groupTAP: requests signed by agents of another network (SPEC.md 9.2).
func groupTAP(b *builder) {
	t := tapCases{b}
	ok := t.make("basic/001", "The documented form says which agent of the network asks, and leaves method and query open.", nil)
	all := func(c *call) { withBody(c); covered("@method", "@query")(c) }
	t.make("basic/002", "With a body the body is left open too.", obj{"uncovered": list{"@method", "@query", "content-digest"}}, func(c *call) { c.method, c.body, c.digest = "POST", "{}", "-" })
	t.make("basic/003", "An agent that looks around has a tag of its own.", obj{"tag": "agent-browser-auth"}, param("tag", quoted("agent-browser-auth")))
	t.make("basic/004", "A signature may cover everything.", obj{"uncovered": list{}}, all)
	t.make("basic/005", "Signatures with other tags are not looked at.", nil, func(c *call) {
		c.input = func(s string) string { return `sig1=("@authority");tag="web-bot-auth", note="x", bare=(), ` + s }
		c.signature = func(s string) string { return "sig1=:AAAA:, " + s }
	})
	t.make("basic/006", "Samples write Ed25519 with a capital.", nil, param("alg", quoted("Ed25519")))
	t.make("basic/007", "Signatures may be by P-256.", nil, func(c *call) {
		c.signer = b.tapSigner(keys.ES256)
		c.sent["directory"] = obj{tapKeyID: jwk(c.signer)}
	}, param("alg", quoted("ecdsa-p256-sha256")))
	t.make("basic/008", "What is signed is the serialized form, however it was sent.", nil, func(c *call) {
		c.input = func(s string) string { return strings.ReplaceAll(s, ";", "; ") }
	})
	t.make("basic/009", "A field may have several lines.", nil, func(c *call) {
		c.extra = list{list{"Signature-Input", `sig1=("@authority");tag="web-bot-auth"`}, list{"Signature", "sig1=:AAAA:"}}
	})
	t.make("basic/010", "A parameter that is not known is signed, and not looked at.", nil, param("x", "1"))
	t.make("basic/011", "A signature that does not cover them fits any method and query.", nil, func(c *call) { c.sent["method"], c.sent["target"] = "DELETE", "/reports/7?lang=de" })
	t.make("basic/012", "A label is of the client's choice.", nil, func(c *call) { c.label = "visa" })
	t.make("basic/013", "A header field may be covered.", nil, covering("x-note", "hello"))
	t.make("basic/014", "A signature lives until its end.", nil, param("created", seconds(-8*time.Minute+time.Second)), param("expires", seconds(time.Second)))
	t.make("basic/015", "A clock may be a minute ahead.", nil, param("created", seconds(time.Minute)))
	tapForm(t, ok)
	tapParams(t, ok)
	covers := t.make("policy/001", "A server may ask for more, and gets it.", obj{"uncovered": list{}}, all, arrives("covers", list{"@method", "@query", "content-digest"}))
	t.no(covers, "policy/002", "A server that asks for the method to be covered refuses a request without.", protocol.CodeFieldMissing, withBody, covered("@query"), arrives("covers", list{"@method", "@query", "content-digest"}))
	pays := t.make("policy/003", "A server may serve one of the two tags.", nil, arrives("tag", "agent-payer-auth"))
	t.no(pays, "policy/004", "An agent that looks around does not pay.", protocol.CodeTypeMismatch, arrives("tag", "agent-payer-auth"), param("tag", quoted("agent-browser-auth")))
	body := t.make("body/001", "A body is signed by its digest.", obj{"uncovered": list{"@method", "@query"}}, withBody)
	t.no(body, "body/002", "Another body is not the one that was signed.", protocol.CodeFieldInvalid, withBody, arrives("body", canon.EncodeBase64([]byte(`{"n":2}`))))
	t.no(body, "body/003", "A digest that is covered is there.", protocol.CodeFieldMissing, withBody, func(c *call) { c.digest = "-" })
}

// tapForm: the two header fields, their members and components.
func tapForm(t tapCases, ok spec) {
	no := func(id, title string, code protocol.Code, changes ...func(*call)) {
		t.no(ok, "form/"+id, title, code, changes...)
	}
	second := func(c *call) {
		c.input = func(s string) string { return s + ", " + strings.Replace(s, "sig2=", "sig3=", 1) }
	}
	no("001", "An unsigned request says nothing of who sends.", protocol.CodeSignatureInvalid, arrives("headers", list{}))
	no("002", "A signature for another purpose is none of these.", protocol.CodeFieldMissing, param("tag", quoted("web-bot-auth")))
	no("003", "Of two signatures nobody knows which is meant.", protocol.CodeMalformed, second)
	no("004", "A parameter has a name in lower case.", protocol.CodeMalformed, rewritten("keyid=", "keyId="))
	no("005", "A field is a dictionary.", protocol.CodeMalformed, rewritten("sig2=", "sig2=("))
	no("006", "A field of more than 4 KiB is not read.", protocol.CodeTooLarge, param("x", quoted(strings.Repeat("a", 4096))))
	no("007", "Its lines count together.", protocol.CodeTooLarge, func(c *call) {
		line := list{"Signature-Input", `sig1=("@authority");tag="` + strings.Repeat("a", 2000) + `"`}
		c.extra = list{line, line, list{"Signature", "sig1=:AAAA:"}}
	})
	no("008", "A component stands once.", protocol.CodeFieldInvalid, covered("@path"))
	no("009", "A component has no parameters.", protocol.CodeFieldInvalid, rewritten(`"@path"`, `"@path";req`))
	no("010", "A signature covers the authority.", protocol.CodeFieldMissing, func(c *call) { c.components = []string{"@path"} })
	no("011", "A signature covers the path.", protocol.CodeFieldMissing, func(c *call) { c.components = []string{"@authority"} })
	no("012", "A field that is covered is there.", protocol.CodeFieldMissing, covered("x-note"))
	no("013", "A signature stands under the label of its member.", protocol.CodeFieldInvalid, func(c *call) {
		c.signature = func(s string) string { return strings.Replace(s, "sig2=", "sig1=", 1) }
	})
	no("014", "A signature is a byte sequence.", protocol.CodeFieldInvalid, func(c *call) { c.signature = func(string) string { return `sig2="AAAA"` } })
	no("015", "A signature is one item.", protocol.CodeFieldInvalid, func(c *call) {
		c.signature = func(s string) string { return strings.Replace(s, "sig2=", "sig2=(", 1) + ")" }
	})
	no("016", "The field of the signatures is a dictionary.", protocol.CodeMalformed, func(c *call) { c.signature = func(s string) string { return s + "," } })
	t.invalid(ok, spec{id: "tap/form/017", title: "A request has the signature that its input speaks of.", code: protocol.CodeSignatureInvalid}, unsent("Signature"))
	no("018", "A target is a path.", protocol.CodeFieldInvalid, arrives("target", "https://shop.example/reports/7?lang=en"))
	no("019", "A member that is asked for is a list of components.", protocol.CodeFieldMissing, func(c *call) {
		c.input = func(string) string { return `sig2="x";tag="agent-payer-auth"` }
	})
	no("020", "The field of the signatures is not read when it is too long.", protocol.CodeTooLarge, func(c *call) {
		c.signature = func(s string) string { return s + ", sig1=:" + strings.Repeat("AAAA", 1024) + ":" }
	})
}

// tapParams: parameters, key, time and nonce.
func tapParams(t tapCases, ok spec) {
	no := func(id, title string, code protocol.Code, changes ...func(*call)) {
		t.no(ok, id, title, code, changes...)
	}
	for i, name := range []string{"created", "expires", "nonce", "keyid", "alg"} {
		no("param/"+three(i+1), "A signature without "+name+" says too little.", protocol.CodeFieldMissing, param(name, ""))
	}
	for i, c := range []struct {
		title, name, value string
		code               protocol.Code
	}{
		{"A nonce is not empty.", "nonce", `""`, protocol.CodeFieldMissing},
		{"A key has a name.", "keyid", `""`, protocol.CodeFieldMissing},
		{"An algorithm has a name.", "alg", `""`, protocol.CodeFieldMissing},
		{"A nonce is a string.", "nonce", `e8`, protocol.CodeFieldInvalid},
		{"A nonce has at most 256 characters.", "nonce", quoted(strings.Repeat("a", 257)), protocol.CodeFieldInvalid},
		{"A name of a key has no space.", "keyid", `"a b"`, protocol.CodeFieldInvalid},
		{"A time is a number.", "created", `"now"`, protocol.CodeFieldInvalid},
		{"An end is a number.", "expires", `"later"`, protocol.CodeFieldInvalid},
		{"A time has whole seconds.", "expires", seconds(time.Minute) + ".5", protocol.CodeFieldInvalid},
		{"A time is not before 1970.", "created", "-1", protocol.CodeFieldInvalid},
		{"A signature lives eight minutes at most.", "expires", seconds(481 * time.Second), protocol.CodeFieldInvalid},
		{"A signature ends after it begins.", "expires", seconds(0), protocol.CodeFieldInvalid},
		{"RSA is none of ours.", "alg", quoted("rsa-pss-sha256"), protocol.CodeAlgorithmRefused},
		{"A shared secret proves nothing.", "alg", quoted("hmac-sha256"), protocol.CodeAlgorithmRefused},
		{"The algorithm is that of the key.", "alg", quoted("ecdsa-p256-sha256"), protocol.CodeAlgorithmRefused},
		{"The directory has the key.", "keyid", quoted("another"), protocol.CodeKeyUnknown},
	} {
		no("param/"+three(i+10), c.title, c.code, param(c.name, c.value))
	}
	no("cover/001", "The signature is for this host.", protocol.CodeSignatureInvalid, arrives("authority", "other.example"))
	no("cover/002", "The signature is for this path.", protocol.CodeSignatureInvalid, arrives("target", "/reports/8?lang=en"))
	no("cover/003", "What is covered beyond that holds too.", protocol.CodeSignatureInvalid, covered("@method"), arrives("method", "DELETE"))
	no("cover/004", "The parameters are signed.", protocol.CodeSignatureInvalid, rewritten("agent-payer-auth", "agent-browser-auth"))
	no("cover/005", "Somebody else's signature is found.", protocol.CodeSignatureInvalid, func(c *call) { c.signer = t.buyer() })
	no("time/001", "A signature of the future is refused.", protocol.CodeRequestExpired, param("created", seconds(61*time.Second)))
	no("time/002", "From its end on a signature is over.", protocol.CodeRequestExpired, param("created", seconds(-time.Minute)), param("expires", seconds(0)))
	early := t.also(ok, spec{id: "tap/time/010", title: "Times count from 1970.", clock: time.Unix(10, 0).UTC(), output: ok.output}, func(in obj) {
		clear(in)
		maps.Copy(in, t.tap(param("created", "0"), param("expires", "60")))
	})
	t.no(early, "time/011", "A time that is a text is none, however near.", protocol.CodeFieldInvalid, param("created", `"0"`), param("expires", "60"))
	t.no(early, "time/012", "A time before 1970 is none, however near.", protocol.CodeFieldInvalid, param("created", "-1"), param("expires", "60"))
	no("nonce/001", "A request that is sent again is a replay.", protocol.CodeReplayed, arrives("received_before", 1))
}
