package vectors

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A presentation is the second form of a grant in the making: an SD-JWT VC
// (SPEC.md 8.1), what of it is shown, and the key binding.
type presentation struct {
	hide   []string                // JSON pointers into the claims
	decoys map[string]int          // digests of nothing, by pointer
	shown  func(path string) bool  // nil shows all
	extra  []string                // disclosures besides
	order  func([]string) []string // of the disclosures shown
	signed func(payload obj)       // changes the payload with its digests

	binding       obj // claims of the key binding
	bindingHeader obj
	bindingSigner *keys.Signer
	bound         func(token string) string // what the key binding is made for, other than what is shown
	cut           bool                      // no key binding
}

// occasion is the nonce of a presentation.
var occasion = nonce("occasion")

// selective turns a grant into the second form, with everything shown and bound
// to the PSP.
func selective(g *grant) {
	payload := g.claims["vc"].(obj)["credentialSubject"].(obj)
	delete(g.claims, "vc")
	set(payload, "ext.vendor_private", obj{"note": "mine"})
	g.claims["vct"] = "urn:act:vct:intent-authorization"
	g.claims["authorization"] = payload
	g.claims["constraints"] = list{
		"allowed_payment_methods", "currency", "delegation_mode", "delegator_identity",
		"ext.agent_behavior.max_retry_count", "ext.agent_behavior.on_payment_failure",
		"ext.agent_behavior.price_deviation_action", "ext.agent_behavior.price_deviation_tolerance",
		"ext.commerce.allowed_categories", "ext.commerce.allowed_merchants", "ext.commerce.forbidden_categories",
		"ext.commerce.forbidden_merchants", "ext.commerce.max_single_amount", "ext.commerce.min_single_amount",
		"ext.fulfillment.delivery_time_requirement", "max_total_amount",
	}
	g.header = headerOf(g.signer, keys.TypeMandateSD)
	g.show = &presentation{
		hide:          hidden(),
		decoys:        map[string]int{"": 1, "/authorization": 1, "/authorization/allowed_payment_methods": 2, "/authorization/ext/commerce/allowed_categories": 2, "/authorization/ext/commerce/allowed_merchants": 2},
		binding:       obj{"aud": pspDID, "iat": numericDate(now), "nonce": occasion},
		bindingHeader: obj{"alg": string(g.holder.Public().Algorithm()), "typ": keys.TypeKeyBinding},
		bindingSigner: g.holder,
	}
	g.presented = obj{"audience": pspDID, "nonce": occasion}
}

// hidden are the members that a writer hides.
func hidden() []string {
	var out []string
	for _, name := range []string{
		"allowed_payment_methods", "allowed_payment_methods/0", "allowed_payment_methods/1", "currency", "delegation_mode", "delegator_identity", "max_total_amount",
		"source_isr_digest", "user_confirmation_method", "user_confirmation_timestamp",
		"ext/agent_behavior/max_retry_count", "ext/agent_behavior/on_payment_failure", "ext/agent_behavior/price_deviation_action", "ext/agent_behavior/price_deviation_tolerance",
		"ext/commerce/allowed_categories", "ext/commerce/allowed_categories/0", "ext/commerce/allowed_categories/1",
		"ext/commerce/allowed_merchants", "ext/commerce/allowed_merchants/0", "ext/commerce/allowed_merchants/1",
		"ext/commerce/forbidden_categories", "ext/commerce/forbidden_merchants", "ext/commerce/max_single_amount", "ext/commerce/min_single_amount",
		"ext/fulfillment/delivery_time_requirement", "ext/fulfillment/delivery_address", "ext/vendor_private",
	} {
		out = append(out, "/authorization/"+name)
	}
	return out
}

// A disclosure is one, with the path of what it discloses.
type disclosure struct{ path, encoded string }

// conceal returns the payload to sign and the disclosures.
func (p *presentation) conceal(g *grant) (payload string, disclosures []disclosure) {
	c := concealing{g: g, p: p}
	claims := c.object(g.claims, "").(obj)
	claims["_sd_alg"] = "sha-256"
	if p.signed != nil {
		p.signed(claims)
	}
	if g.payload != "" {
		return g.payload, c.disclosures
	}
	return g.b.textOf("payload", claims), c.disclosures
}

// sign returns the presentation.
func (p *presentation) sign(g *grant, header string) string {
	payload, all := p.conceal(g)
	var shown []string
	for _, d := range all {
		if p.shown == nil || p.shown(d.path) {
			shown = append(shown, d.encoded)
		}
	}
	shown = append(shown, p.extra...)
	if p.order != nil {
		shown = p.order(shown)
	}
	token := g.b.token(g.signer, header, payload) + "~"
	for _, d := range shown {
		token += d + "~"
	}
	if p.cut {
		return token
	}
	bound := token
	if p.bound != nil {
		bound = p.bound(token)
	}
	binding := maps.Clone(p.binding)
	if _, ok := binding["sd_hash"]; !ok {
		binding["sd_hash"] = digestOf(bound)
	}
	if binding["sd_hash"] == "" {
		delete(binding, "sd_hash")
	}
	return token + g.b.token(p.bindingSigner, g.b.textOf("header", p.bindingHeader), g.b.textOf("binding", binding))
}

// digestOf is the base64url of the SHA-256 of a text.
func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return canon.EncodeBase64(sum[:])
}

// A concealing is one run of conceal.
type concealing struct {
	g           *grant
	p           *presentation
	disclosures []disclosure
}

func (c *concealing) value(v any, path string) any {
	switch v := v.(type) {
	case obj:
		return c.object(v, path)
	case list:
		return c.array(v, path)
	}
	return v
}

func (c *concealing) object(o obj, path string) any {
	out := obj{}
	var digests []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		at := path + "/" + name
		value := c.value(o[name], at)
		if slices.Contains(c.p.hide, at) {
			digests = append(digests, c.disclose(at, list{nonce("salt " + at), name, value}))
		} else {
			out[name] = value
		}
	}
	for i := range c.p.decoys[path] {
		digests = append(digests, digestOf(path+" decoy "+strconv.Itoa(i)))
	}
	if len(digests) > 0 {
		slices.Sort(digests)
		sd := list{}
		for _, d := range digests {
			sd = append(sd, d)
		}
		out["_sd"] = sd
	}
	return out
}

func (c *concealing) array(l list, path string) any {
	out := list{}
	for i, v := range l {
		at := path + "/" + strconv.Itoa(i)
		value := c.value(v, at)
		if slices.Contains(c.p.hide, at) {
			value = obj{"...": c.disclose(at, list{nonce("salt " + at), value})}
		}
		out = append(out, value)
	}
	for i := range c.p.decoys[path] {
		out = append(out, obj{"...": digestOf(path + " decoy " + strconv.Itoa(i))})
	}
	return out
}

func (c *concealing) disclose(path string, parts list) string {
	encoded := canon.EncodeBase64([]byte(c.g.b.textOf("disclosure", parts)))
	c.disclosures = append(c.disclosures, disclosure{path, encoded})
	return digestOf(encoded)
}

// Changes of a presentation.

// granted changes a member of the payload of the second form.
func granted(path string, value any) change { return claim("authorization."+path, value) }

// showing shows what is under one of the paths, members of the payload with
// slashes between them, and nothing else.
func showing(paths ...string) change {
	return func(g *grant) {
		g.show.shown = func(path string) bool {
			rest := strings.TrimPrefix(path, "/authorization/")
			return slices.ContainsFunc(paths, func(p string) bool { return rest == p })
		}
	}
}

// without shows all but what is at or under the paths.
func without(paths ...string) change {
	return func(g *grant) {
		g.show.shown = func(path string) bool {
			rest := strings.TrimPrefix(path, "/authorization/")
			return !slices.ContainsFunc(paths, func(p string) bool { return rest == p || strings.HasPrefix(rest, p+"/") })
		}
	}
}

// shows changes the presentation.
func shows(f func(p *presentation)) change { return func(g *grant) { f(g.show) } }

// payloadWith changes the payload with its digests before it is signed.
func payloadWith(f func(payload obj)) change {
	return shows(func(p *presentation) { p.signed = f })
}

// alone shows it without key binding, as the issuer gives it to the agent.
func alone(g *grant) { g.presented, g.show.cut = nil, true }

// bindingClaim changes a claim of the key binding.
func bindingClaim(name string, value any) change {
	return shows(func(p *presentation) { set(p.binding, name, value) })
}

// pspView is what a PSP is shown for a latte.
var pspView = []string{
	"allowed_payment_methods", "allowed_payment_methods/0", "currency", "delegation_mode", "delegator_identity", "max_total_amount",
	"ext/commerce/allowed_categories", "ext/commerce/allowed_categories/0", "ext/commerce/allowed_merchants", "ext/commerce/allowed_merchants/0",
	"ext/commerce/forbidden_categories", "ext/commerce/forbidden_merchants", "ext/commerce/max_single_amount", "ext/commerce/min_single_amount",
	"ext/fulfillment/delivery_time_requirement",
}

// ago is a NumericDate before now.
func ago(d time.Duration) int64 { return numericDate(now.Add(-d)) }
