package stage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol/attestation"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// A Buyer is an agent that acts for one person. A platform agent, which acts
// for many, is one Buyer for each of them with the same key.
type Buyer struct {
	Name   string
	Signer *keys.Signer // of purpose agent-request
	Agent  *agent.Agent
	Spent  agent.SpendStore
	Client *http.Client // pays what costs
	Plain  *http.Client // does not
	Wire   *Wiretap     // sees both

	Decisions [][]byte // the logs of what it chose; others get their digests
}

// Chose has the agent keep a log of what it compared, and attest to its digest.
func (b *Buyer) Chose(m agent.Mandate, from []agent.Candidate, best agent.Candidate) error {
	type offer struct {
		Merchant string `json:"merchant_id"`
		Item     string `json:"item_id"`
		Price    string `json:"price"`
	}
	entry := func(c agent.Candidate) offer { return offer{c.Shop.Merchant(), c.Item.ID, c.Item.Price.String()} }
	log := struct {
		Compared []offer `json:"compared"`
		Chosen   offer   `json:"chosen"`
	}{Chosen: entry(best)}
	for _, c := range from {
		log.Compared = append(log.Compared, entry(c))
	}
	text, err := canon.Marshal(log)
	if err != nil {
		return err
	}
	b.Decisions = append(b.Decisions, text)
	return b.Agent.AttestChoice(m, attestation.Choice{DecisionDigest: canon.Sum(text), Candidates: len(from)})
}

// ID is the agent's identifier.
func (b *Buyer) ID() string { return b.Signer.DID() }

// NewAgentKey publishes an agent on the bank's site and returns its key.
func (w *World) NewAgentKey(name string) (*keys.Signer, error) {
	p, err := w.home.Party(name, keys.AgentRequest)
	if err != nil {
		return nil, err
	}
	return p.Signer(keys.AgentRequest), nil
}

// NewBuyer makes the agent with this key act for a person. change may alter the
// configuration; unless it says what the agent pays with, the person's account
// is bound to the agent.
func (w *World) NewBuyer(ctx context.Context, name string, signer *keys.Signer, p *Person, change func(*agent.Config)) (*Buyer, error) {
	b := &Buyer{Name: name, Signer: signer, Wire: &Wiretap{Story: w.Narrator}}
	provider, err := w.Provider(signer, b.Wire)
	if err != nil {
		return nil, err
	}
	v, err := w.NewVerifier(verifier.IssuerMap{w.Bank.ID(): {p.ID()}})
	if err != nil {
		return nil, err
	}
	config := agent.Config{
		Signer: signer, Wallet: agent.NewWallet(signer), Verifier: v, Spent: new(agent.MemorySpend), Now: w.Now, Attest: w.attests(signer.DID()),
		Instruments: []agent.Instrument{{PSP: provider, Method: Method}},
	}
	if change != nil {
		change(&config)
	}
	for n, i := range config.Instruments {
		if i.Token == "" && i.SubAccount == nil {
			if config.Instruments[n].Token, err = p.Token(ctx, signer.DID()); err != nil {
				return nil, err
			}
		}
	}
	if b.Agent, err = agent.New(config); err != nil {
		return nil, err
	}
	b.Spent = config.Spent
	b.Plain = w.NewClient(b.Wire)
	b.Client = &http.Client{Transport: b.Agent.Transport(b.Plain.Transport), Timeout: time.Minute}
	return b, nil
}

// Get is all that a user of the library writes to fetch a paid page.
func (b *Buyer) Get(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := b.Client.Do(request)
	if err != nil {
		return "", err
	}
	return Read(response)
}

// Read reads and closes an answer that should be 200.
func Read(response *http.Response) (string, error) {
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer was %s", response.Status)
	}
	return string(page), err
}

// Shop is a store as the agent sees it.
func (b *Buyer) Shop(s *Store) (*agent.Shop, error) {
	return b.Agent.Shop(s.ID, s.Base, b.Plain)
}

// PickUp presents the proof of a paid order and returns what was handed over.
func (b *Buyer) PickUp(ctx context.Context, o *agent.Order, p *agent.Payment) (string, error) {
	response, err := b.Agent.PickUp(ctx, o, p)
	if err != nil {
		return "", err
	}
	return Read(response)
}
