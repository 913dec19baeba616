package vectors

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A call is a signed HTTP request in the making (SPEC.md 6.4, 9.2).
type call struct {
	b                         *builder
	signer                    *keys.Signer
	authority, method, target string // as the client signs them
	body                      string
	digest                    string            // value of Content-Digest; "" makes it, "-" leaves it out
	fields                    map[string]string // further header fields, in lower case
	components                []string
	params                    [][2]string // name and value as it is written
	label                     string
	input                     func(string) string // changes the value of Signature-Input
	sent                      obj                 // replaces members of the operation's input
	extra                     list                // further lines
	signature                 func(string) string // changes the value of Signature
}

// call is a good request without a body.
func (b *builder) call(changes ...func(*call)) obj {
	c := &call{
		b: b, signer: b.buyer(), authority: "shop.example", method: "GET", target: "/reports/7?lang=en", label: "act", fields: map[string]string{}, sent: obj{},
		components: []string{"@method", "@authority", "@path", "@query"},
	}
	c.params = [][2]string{
		{"created", strconv.FormatInt(now.Unix(), 10)}, {"expires", strconv.FormatInt(now.Add(time.Minute).Unix(), 10)}, {"nonce", quoted(nonce("http"))},
		{"keyid", quoted(agentKey)}, {"alg", quoted("ed25519")}, {"tag", quoted("act-agent")},
	}
	for _, change := range changes {
		change(c)
	}
	return c.build()
}

func quoted(s string) string { return `"` + s + `"` }

// build signs and returns the input of httpsig.verify.
func (c *call) build() obj {
	headers := list{}
	add := func(name, value string) { headers = append(headers, list{name, value}) }
	if c.body != "" && c.digest != "-" {
		if c.digest == "" {
			sum := sha256.Sum256([]byte(c.body))
			c.digest = "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
		}
		c.fields["content-digest"] = c.digest
	}
	path, query, _ := strings.Cut(c.target, "?")
	values := map[string]string{"@method": c.method, "@authority": c.authority, "@path": path, "@query": "?" + query}
	maps.Copy(values, c.fields)
	names, base := []string{}, ""
	for _, name := range c.components {
		names = append(names, quoted(name))
		base += fmt.Sprintf("\"%s\": %s\n", name, values[name])
	}
	params := "(" + strings.Join(names, " ") + ")"
	for _, p := range c.params {
		params += ";" + p[0] + "=" + p[1]
	}
	signature := base64.StdEncoding.EncodeToString(c.b.coreSign(c.signer, base+`"@signature-params": `+params))
	value := c.label + "=" + params
	if c.input != nil {
		value = c.input(value)
	}
	for _, name := range []string{"content-digest", "act-agent-identity", "act-principal-binding", "payment-proof", "x-note"} {
		if v, there := c.fields[name]; there {
			add(name, v)
		}
	}
	signature = c.label + "=:" + signature + ":"
	if c.signature != nil {
		signature = c.signature(signature)
	}
	add("Signature-Input", value)
	add("Signature", signature)
	in := obj{"authority": "shop.example", "method": c.method, "target": c.target, "headers": append(headers, c.extra...), "body": canon.EncodeBase64([]byte(c.body)), "documents": c.b.parties()}
	for name, v := range c.sent {
		if in[name] = v; v == nil {
			delete(in, name)
		}
	}
	return in
}

// param changes a parameter; "" takes it away.
func param(name, value string) func(*call) {
	return func(c *call) {
		for i, p := range c.params {
			if p[0] == name {
				if c.params[i][1] = value; value == "" {
					c.params = append(c.params[:i:i], c.params[i+1:]...)
				}
				return
			}
		}
		c.params = append(c.params, [2]string{name, value})
	}
}

// arrives changes a member of the input after signing.
func arrives(name string, value any) func(*call) { return func(c *call) { c.sent[name] = value } }

// covering adds a header field and covers it.
func covering(name, value string) func(*call) {
	return func(c *call) {
		c.fields[name] = value
		c.components = append(c.components, name)
	}
}

// withBody has a body, and covers its digest.
func withBody(c *call) {
	c.method, c.body = "POST", `{"n":1}`
	c.components = append(c.components, "content-digest")
}

func seconds(d time.Duration) string { return strconv.FormatInt(now.Add(d).Unix(), 10) }

// groupHTTP: signed HTTP requests (SPEC.md 9.2).
func groupHTTP(b *builder) {
	rule := ids("IDN-04")
	output := obj{"agent_id": buyerDID, "thumbprint": b.buyer().Public().Thumbprint()}
	make := func(id, title string, out obj, requirements []string, changes ...func(*call)) spec {
		return b.valid(spec{id: "http/" + id, title: title, requirements: requirements, operation: "httpsig.verify", input: b.call(changes...), output: out})
	}
	ok := make("basic/001", "A signature over method, authority, path and query says who sends.", output, rule)
	posted := make("body/001", "A body is signed by its digest.", output, rule, withBody)
	no := func(sibling spec, id, title string, code protocol.Code, requirements []string, changes ...func(*call)) {
		b.invalid(sibling, spec{id: "http/" + id, title: title, code: code, requirements: requirements}, func(in obj) {
			clear(in)
			maps.Copy(in, b.call(changes...))
		})
	}
	make("basic/002", "A request without a query is signed with an empty one.", output, rule, func(c *call) { c.target = "/reports/7" })
	make("basic/003", "Parameters may stand in any order.", output, rule, func(c *call) { c.params[0], c.params[5] = c.params[5], c.params[0] })
	make("basic/004", "Components may stand in any order.", output, rule, func(c *call) { c.components[0], c.components[3] = c.components[3], c.components[0] })
	make("basic/005", "Path and query are signed byte for byte.", output, rule, func(c *call) { c.target = "/%7Ea/b?q=%20+&q=" })
	make("basic/006", "Further header fields may be covered.", output, rule, covering("x-note", "hello"))
	for i, c := range []struct{ title, name, value string }{
		{"The signature covers the method.", "method", "HEAD"}, {"The signature covers the path.", "target", "/reports/8?lang=en"},
		{"The signature covers the query.", "target", "/reports/7?lang=de"}, {"The signature covers that there is a query.", "target", "/reports/7"},
		{"The authority is what the server is configured to be.", "authority", "other.example"},
	} {
		no(ok, "cover/"+three(i+1), c.title, protocol.CodeSignatureInvalid, rule, arrives(c.name, c.value))
	}
	for i, name := range []string{"@method", "@authority", "@path", "@query"} {
		no(ok, "cover/"+three(i+10), "A signature that leaves out "+name+" is refused.", protocol.CodeFieldMissing, rule, func(c *call) { c.components = append(c.components[:i:i], c.components[i+1:]...) })
	}
	no(ok, "cover/020", "A component is covered once.", protocol.CodeFieldInvalid, rule, func(c *call) { c.components = append(c.components, "@path") })
	no(ok, "cover/021", "A field that is covered is there.", protocol.CodeFieldMissing, rule, func(c *call) { c.components = append(c.components, "x-note") })
	no(ok, "cover/022", "A field that must be covered is.", protocol.CodeFieldMissing, rule, func(c *call) { c.fields["payment-proof"], c.sent["covers"] = "AAAA", list{"payment-proof"} })
	make("cover/023", "With the proof covered a retry is the payer's.", output, ids("IDN-04", "PSD-PAY-A402-06"), covering("payment-proof", "AAAA"), arrives("covers", list{"payment-proof"}))
	no(ok, "cover/024", "A field that is covered has one line.", protocol.CodeFieldInvalid, rule, covering("x-note", "hello"), func(c *call) { c.extra = list{list{"x-note", "again"}} })
	no(posted, "body/002", "Another body is not the one that was signed.", protocol.CodeFieldInvalid, rule, withBody, arrives("body", canon.EncodeBase64([]byte(`{"n":2}`))))
	no(posted, "body/003", "A body whose digest is not covered is anybody's.", protocol.CodeFieldMissing, rule, withBody, func(c *call) { c.components = c.components[:4] })
	no(posted, "body/004", "A digest is by SHA-256 alone.", protocol.CodeFieldInvalid, rule, withBody, func(c *call) { c.digest = "md5=:AAAAAAAAAAAAAAAAAAAAAA==:" })
	no(ok, "body/005", "A body that was added on the way is noticed.", protocol.CodeFieldMissing, rule, arrives("body", canon.EncodeBase64([]byte("x"))))
	httpParams(b, ok, no)
	httpIdentity(b, make, no)
}

// httpParams: parameters, key, time and nonce.
func httpParams(b *builder, ok spec, no func(spec, string, string, protocol.Code, []string, ...func(*call))) {
	rule := ids("IDN-04")
	for i, name := range []string{"created", "expires", "nonce", "keyid", "alg", "tag"} {
		no(ok, "param/"+three(i+1), "A signature without "+name+" says too little.", protocol.CodeFieldMissing, rule, param(name, ""))
	}
	for i, c := range []struct {
		title, name, value string
		code               protocol.Code
	}{
		{"An unknown parameter is refused.", "scope", `"x"`, protocol.CodeFieldUnknown},
		{"A nonce has 16 bytes.", "nonce", `"AAAA"`, protocol.CodeFieldInvalid},
		{"A key is named by a DID URL.", "keyid", `"key-1"`, protocol.CodeFieldInvalid},
		{"A signature lives five minutes at most.", "expires", seconds(301 * time.Second), protocol.CodeFieldInvalid},
		{"A signature begins before it ends.", "expires", seconds(0), protocol.CodeFieldInvalid},
		{"A signature for another purpose is none of these.", "tag", `"other"`, protocol.CodeTypeMismatch},
		{"RSA is none of ours.", "alg", `"rsa-pss-sha512"`, protocol.CodeAlgorithmRefused},
		{"The algorithm is that of the key.", "alg", `"ecdsa-p256-sha256"`, protocol.CodeAlgorithmRefused},
		{"A time is a number.", "created", `"now"`, protocol.CodeFieldInvalid},
	} {
		no(ok, "param/"+three(i+10), c.title, c.code, rule, param(c.name, c.value))
	}
	no(ok, "time/001", "A signature of the future is refused.", protocol.CodeRequestExpired, rule, param("created", seconds(61*time.Second)), param("expires", seconds(2*time.Minute)))
	b.invalid(ok, spec{id: "http/time/002", title: "From its end on a signature is over.", code: protocol.CodeRequestExpired, requirements: rule, clock: now.Add(time.Minute)}, nil)
	b.also(ok, spec{id: "http/time/003", title: "A second before it is not.", requirements: rule, clock: now.Add(59 * time.Second)}, nil)
	no(ok, "nonce/001", "A request that is sent again is a replay.", protocol.CodeReplayed, rule, arrives("received_before", 1))
	keyed := func(id, title string, code protocol.Code, changes ...func(*call)) {
		no(ok, "key/"+id, title, code, rule, changes...)
	}
	keyed("001", "A key of another purpose signs no request.", protocol.CodeKeyPurpose, arrives("documents", documents(b.signer(agentKey, keys.Seller, keys.EdDSA))))
	keyed("002", "An agent whose document cannot be had is not known.", protocol.CodeKeyUnavailable, arrives("documents", obj{}))
	keyed("003", "A key that the agent does not have signs nothing.", protocol.CodeKeyUnknown, param("keyid", quoted(buyerDID+"#k7")))
	keyed("004", "Somebody else's signature is found.", protocol.CodeSignatureInvalid, func(c *call) { c.signer = keyNamed(b, "forger", agentKey, keys.AgentRequest) })
	keyed("005", "An unsigned request says nothing of who sends.", protocol.CodeSignatureInvalid, arrives("headers", list{}))
	for i, name := range []string{"Signature", "Signature-Input"} {
		b.invalid(ok, spec{id: "http/unsigned/" + three(i+1), title: "A request without " + name + " is not signed.", code: protocol.CodeSignatureInvalid, requirements: rule}, func(in obj) {
			in["headers"] = slices.DeleteFunc(slices.Clone(in["headers"].(list)), func(line any) bool { return line.(list)[0] == name })
		})
	}
	form := func(id, title string, code protocol.Code, changes ...func(*call)) {
		no(ok, "form/"+id, title, code, rule, changes...)
	}
	form("001", "There is one label.", protocol.CodeFieldInvalid, func(c *call) { c.label = "sig1" })
	form("002", "A field stands once.", protocol.CodeMalformed, func(c *call) { c.extra = list{list{"Signature", "act=:AAAA:"}} })
	form("003", "A field has its serialized form.", protocol.CodeMalformed, func(c *call) {
		c.input = func(s string) string { return strings.Replace(s, ";created", "; created", 1) }
	})
	form("004", "A field is a dictionary.", protocol.CodeMalformed, func(c *call) { c.input = func(s string) string { return "(" + s } })
	form("005", "A signature is a byte sequence.", protocol.CodeFieldInvalid, func(c *call) { c.signature = func(string) string { return `act="AAAA"` } })
	form("006", "A second signature beside ours is refused.", protocol.CodeFieldInvalid, func(c *call) { c.input = func(s string) string { return s + `, other=("@path");created=1` } })
}

// httpIdentity: a credential and a binding beside the signature.
func httpIdentity(b *builder, make func(string, string, obj, []string, ...func(*call)) spec, no func(spec, string, string, protocol.Code, []string, ...func(*call))) {
	shows := func(changes ...func(*card)) func(*call) {
		return func(c *call) {
			s := b.card(keys.EdDSA, changes...)
			in := s.input()
			covering("act-agent-identity", in["credential"].(string))(c)
			all := b.parties()
			maps.Copy(all, in["documents"].(obj))
			c.sent["documents"], c.sent["status"], c.sent["identities"] = all, in["status"], in["identities"]
		}
	}
	out := obj{"agent_id": buyerDID, "thumbprint": b.buyer().Public().Thumbprint(), "provider": houseDID}
	rule := ids("IDN-01", "IDN-04")
	ok := make("identity/001", "A credential that goes with a request is shown by who holds its key.", out, rule, shows())
	needed := make("identity/002", "Where a credential is needed it is there.", out, rule, shows(), arrives("credential_needed", true))
	no(needed, "identity/003", "Where it is not it is missed.", protocol.CodeFieldMissing, rule, arrives("credential_needed", true))
	no(ok, "identity/004", "A credential that the signature does not cover may be anybody's.", protocol.CodeFieldMissing, rule, shows(), func(c *call) { c.components = c.components[:4] })
	no(ok, "identity/005", "A credential of another agent is not the sender's.", protocol.CodeAgentMismatch, rule, shows(states("sub", otherDID), is("agent_id", otherDID)))
	no(ok, "identity/006", "A credential for another key is not shown by who holds it.", protocol.CodeAgentMismatch, rule, shows(states("cnf.jwk", jwk(b.signer(buyerDID+"#k2", keys.AgentRequest, keys.EdDSA)))))
	no(ok, "identity/007", "A credential by an issuer that nobody trusts vouches for nobody.", protocol.CodeIssuerUntrusted, rule, shows(), arrives("identities", list{}))
	no(ok, "identity/008", "A credential stands once.", protocol.CodeMalformed, rule, shows(), func(c *call) { c.extra = list{list{"act-agent-identity", "x"}} })
	no(needed, "identity/009", "A capability that is asked for and not named is missing.", protocol.CodePolicyRefused, rule, shows(), arrives("credential_needed", true), arrives("capabilities", list{"act:fly"}))
	acts := func(changes ...func(*card)) func(*call) {
		all := append([]func(*card){platform}, changes...)
		return func(c *call) {
			shows(all...)(c)
			s := b.card(keys.EdDSA, all...)
			covering("act-principal-binding", b.token(s.binder, b.textOf("header", s.bindingHeader), b.textOf("binding", s.binding)))(c)
			c.sent["principal"], c.sent["audience"] = annDID, gateDID
		}
	}
	bound := ids("IDN-03", "PSD-PAY-DEL-09")
	principal := make("binding/001", "A platform agent shows for whom it acts.", obj{"agent_id": buyerDID, "thumbprint": b.buyer().Public().Thumbprint(), "provider": houseDID, "principal": annDID}, bound, acts())
	no(principal, "binding/002", "It does not act for another.", protocol.CodePrincipalMismatch, bound, acts(), arrives("principal", bobDID))
	no(principal, "binding/003", "A binding for another recipient is of no use here.", protocol.CodeAudienceMismatch, bound, acts(), arrives("audience", pspDID))
	no(principal, "binding/004", "Without a binding it acts for nobody.", protocol.CodeFieldMissing, bound, shows(platform), arrives("principal", annDID), arrives("audience", gateDID))
	no(principal, "binding/005", "A binding that the signature does not cover may be anybody's.", protocol.CodeFieldMissing, bound, acts(), func(c *call) { c.components = c.components[:5] })
}
