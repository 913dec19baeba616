package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/privacy/sealed"
	"github.com/actprotocol/act-go/verifier"
)

// seal seals the address for a shop, whose key is in its identity document.
func (e *evening) seal(ctx context.Context, s *shop) ([]byte, error) {
	return e.sealBy(ctx, e.buyer.Signer, s, home)
}

func (e *evening) sealBy(ctx context.Context, by *keys.Signer, s *shop, address string) ([]byte, error) {
	reader, err := e.ReaderKey(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	content, err := canon.Marshal(address)
	if err != nil {
		return nil, err
	}
	return sealed.Seal(by, sealed.Payload{ID: canon.UUID(), IssuedAt: e.Now(), Parts: []sealed.Part{
		{Name: doorPart, Content: content, Readers: []identity.EncryptionKey{reader}},
	}})
}

// post sends a message to an address that is not the library's but these shops'.
func (e *evening) post(ctx context.Context, address string, message []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(message))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.buyer.Plain.Do(request)
	if err != nil {
		return err
	}
	body, err := stage.Read(response)
	if err != nil && response.StatusCode >= http.StatusBadRequest {
		return problem.Decode(response.StatusCode, []byte(body), "the shop", "addresses")
	}
	return err
}

// curious are those who have a sealed message in hands, and a key that it was
// not sealed for.
func (e *evening) curious(ctx context.Context) error {
	e.Chapter("Who else could read it")
	passed := e.market.wire.Last("addresses")
	if !bytes.Equal(passed, e.sealed[e.florist.Name]) {
		return errors.New("the marketplace has passed on another message than the agent's")
	}
	psp, err := stage.NewReader(e.Processor.ID())
	if err != nil {
		return err
	}
	e.Notes("market", "keeps what passed for the florist, and lets others have a look")
	for _, reader := range []struct {
		name string
		key  *keys.DecryptionKey
	}{{"market", e.market.party.Opens()}, {"noodles", e.noodles.Opens()}, {"psp", psp}} {
		v, err := e.NewVerifier(verifier.IssuerMap{})
		if err != nil {
			return err
		}
		_, err = v.Sealed(ctx, passed, verifier.SealedExpectation{
			Sender: e.buyer.ID(), Purpose: keys.AgentRequest, Keys: []*keys.DecryptionKey{reader.key},
		})
		if err := e.Expect(reader.name, err, protocol.CodeAudienceMismatch); err != nil {
			return err
		}
	}
	return nil
}

// meddling: the marketplace sends a dinner elsewhere, or tries to.
func (e *evening) meddling(ctx context.Context) error {
	e.Chapter("A dinner for somebody else")
	return e.Unmoved(ctx, func(ctx context.Context) error {
		other, err := e.sealBy(ctx, e.market.party.Signer(keys.AgentRequest), e.noodles, "the marketplace's own kitchen")
		if err != nil {
			return err
		}
		e.market.replaceNext(other)
		e.Notes("market", "will put a message of its own in place of the agent's, sealed for the same shop")
		err = e.buy(ctx, e.noodles, agent.Line{ItemID: "noodles", Quantity: 1})
		if err := e.Expect("noodles", err, protocol.CodeOrderUnknown); err != nil {
			return err
		}
		e.Notes("agent", "does not pay for what nobody knows where to bring; the digest in the cart has its signature")
		e.Says("market", "grocer", "the message that was sealed for the noodles")
		err = e.post(ctx, e.grocer.Base+"/addresses", e.sealed[e.noodles.Name])
		return e.Expect("grocer", err, protocol.CodeOrderUnknown)
	})
}

// A knower is somebody who got messages, and what may be in them.
type knower struct {
	name, host                     string
	goods, digest, message, person bool
	courier                        bool // opened the address and went there
}

// showKnown searches everything that was sent, tokens within messages included,
// for what each party should and should not have got. That the goods are found
// shows that the search finds things.
func (e *evening) showKnown(context.Context) error {
	e.Chapter("Who was sent what")
	endpoint, err := url.Parse(e.Processor.Endpoint())
	if err != nil {
		return err
	}
	var rows [][]string
	for _, want := range []knower{
		{name: "market", host: e.market.site.Host, goods: true, digest: true, message: true},
		{name: "noodles", host: e.noodles.Site.Host, goods: true, digest: true, message: true, courier: true},
		{name: "orchard", host: e.orchard.Site.Host, goods: true, digest: true},
		{name: "grocer", host: e.grocer.Site.Host, goods: true, digest: true, message: true, courier: true},
		{name: "florist", host: e.florist.Site.Host, goods: true, digest: true, message: true, courier: true},
		{name: "psp", host: endpoint.Host, goods: true, person: true},
	} {
		got := e.knows(want.name, want.host)
		if got != want {
			return fmt.Errorf("%s got %+v, and should have got %+v", want.name, got, want)
		}
		if e.told(want.host, "Harbour Road") || e.told(want.host, "door code") {
			return fmt.Errorf("%s was told the address in clear", want.name)
		}
		rows = append(rows, []string{want.name, yes(got.goods), yes(got.person), yes(got.digest), yes(got.message), yes(got.courier)})
	}
	e.Table([]string{"party", "goods", "principal", "digest", "sealed message", "the door"}, rows)
	e.Line("  The door itself is nowhere in all that was sent, and in no token within it (PRV-02).")
	return nil
}

func (e *evening) knows(name, host string) knower {
	k := knower{name: name, host: host, person: e.told(host, e.person.ID())}
	for _, goods := range []string{`"item_id":"noodles"`, `"item_id":"peaches"`, `"item_id":"tulips"`} {
		k.goods = k.goods || e.told(host, goods)
	}
	for _, message := range e.sealed {
		k.message = k.message || e.told(host, string(message))
	}
	k.digest = e.told(host, `"delivery_address":"sha-256:`)
	for _, message := range e.sealed {
		k.digest = k.digest || e.told(host, string(canon.Sum(message)))
	}
	for _, s := range e.shops() {
		k.courier = k.courier || s.Name == name && len(s.couriers()) > 0
	}
	return k
}

// told reports whether anybody has sent this to a host, or has answered it.
func (e *evening) told(host, secret string) bool {
	if host == e.market.site.Host && e.market.hasRead(secret) {
		return true
	}
	wires := []*stage.Wiretap{e.buyer.Wire, e.phone.Wire, e.market.wire}
	for _, s := range e.shops() {
		wires = append(wires, s.toPSP)
	}
	for _, w := range wires {
		if w.Told(host, []byte(secret)) {
			return true
		}
	}
	return false
}

func (e *evening) shops() []*shop { return []*shop{e.noodles, e.orchard, e.grocer, e.florist} }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
