package main

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/verifier"
)

// documents is the input member of that name: the documents that a resolver
// would find, by DID. One that is a string is the text of the document; one that
// cannot be read is as good as not found (SPEC.md 3.4).
type documents map[string]jsontext.Value

// keys returns the documents as a source of keys.
func (d documents) keys() verifier.KeySource {
	var found []*identity.Document
	for name, value := range d {
		did, err := identity.ParseDID(name)
		if err != nil {
			continue
		}
		data := []byte(value)
		if value.Kind() == '"' {
			if data, err = jsontext.AppendUnquote(nil, value); err != nil {
				continue
			}
		}
		if doc, err := identity.DecodeDocument(data, did); err == nil {
			found = append(found, doc)
		}
	}
	return verifier.NewStaticKeys(found...)
}

// issuers is the input member of that name: whom the verifier trusts to issue,
// and for whom. An empty delegator means whoever it is.
type issuers []struct {
	Issuer    string `json:"issuer"`
	Delegator string `json:"delegator"`
}

// policy returns the issuers as a policy.
func (i issuers) policy() verifier.IssuerPolicy {
	m := verifier.IssuerMap{}
	for _, x := range i {
		m[x.Issuer] = append(m[x.Issuer], x.Delegator)
	}
	return m
}
