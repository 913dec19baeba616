package main

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/verifier"
)

// A shown credential, with the proof that its key is held.
type shown struct {
	Credential   string   `json:"credential"`
	Agent        string   `json:"agent"`
	Capabilities []string `json:"capabilities"`
	Possession   string   `json:"possession"`
	Verifier     string   `json:"verifier"`
	Challenge    string   `json:"challenge"`
	Identities   []struct {
		Issuer   string `json:"issuer"`
		Provider string `json:"provider"`
	} `json:"identities"`
	Before int `json:"shown_before"` // how often the same was shown to this verifier already
}

// verify returns the verifier and what it found.
func (s *shown) verify(f *fetched, clock time.Time) (*verifier.Verifier, *verifier.AgentIdentity, error) {
	policy := verifier.IssuerMap{}
	for _, i := range s.Identities {
		policy[i.Issuer] = append(policy[i.Issuer], i.Provider)
	}
	v, err := f.verifier(verifier.Config{Identities: policy}, clock)
	if err != nil {
		return nil, nil, err
	}
	show := func() (*verifier.AgentIdentity, error) {
		return v.AgentIdentity(context.Background(), []byte(s.Credential), verifier.IdentityExpectation{
			Agent: s.Agent, Capabilities: s.Capabilities,
			Possession: verifier.ByChallenge([]byte(s.Possession), s.Verifier, s.Challenge),
		})
	}
	for range s.Before {
		if _, err := show(); err != nil {
			return nil, nil, errEarlier{err}
		}
	}
	who, err := show()
	return v, who, err
}

// verifyIdentity is identity.verify.
func verifyIdentity(clock time.Time, in struct {
	fetched `json:",inline"`
	shown   `json:",inline"`
}) (any, error) {
	_, who, err := in.shown.verify(&in.fetched, clock)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"agent_id": who.Agent(), "provider": who.Provider(), "agent_type": string(who.Type()), "thumbprint": who.Key().Thumbprint(),
	}
	if p := who.Principal(); p != "" {
		out["principal"] = p
	}
	return out, nil
}

// verifyBinding is binding.verify: first the credential, then the binding.
func verifyBinding(clock time.Time, in struct {
	fetched   `json:",inline"`
	shown     `json:",inline"`
	Binding   string `json:"binding"`
	Principal string `json:"principal"`
	Audience  string `json:"audience"`
}) (any, error) {
	v, who, err := in.shown.verify(&in.fetched, clock)
	if err != nil {
		return nil, errEarlier{err}
	}
	b, err := v.PrincipalBinding(context.Background(), []byte(in.Binding), verifier.BindingExpectation{
		Identity: who, Principal: in.Principal, Audience: in.Audience,
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"agent_id": who.Agent(), "principal": b.Binding().Principal}, nil
}
