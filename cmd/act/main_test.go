package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"act": main})
}

// The scripts of testdata/script run the command itself, in a folder of their
// own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"credential": credential, "evidence": makeEvidence,
	}})
}

// credential ISSUER-KEYFILE AGENT-KEYFILE writes credential.jwt, answer.jwt by
// the agent, and issuer.json, the issuer's document.
func credential(ts *testscript.TestScript, _ bool, args []string) {
	read := func(name string) *keys.Signer {
		k, err := keyfile.Read(ts.MkAbs(name), nil)
		ts.Check(err)
		s, err := k.Signer()
		ts.Check(err)
		return s
	}
	issuer, agent := read(args[0]), read(args[1])
	now := time.Now()
	raw, err := identity.IssueCredential(issuer, identity.Credential{
		ID: "credential-1", Issuer: issuer.DID(), Agent: agent.DID(), Provider: issuer.DID(), Type: identity.Dedicated, Principal: "ps_1",
		IssuedAt: now, NotBefore: now, Expires: now.Add(10 * time.Minute), Holder: agent.Public(),
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("credential.jwt"), raw, 0o644))
	answer, err := identity.AnswerChallenge(agent, raw, issuer.DID(), "AAAAAAAAAAAAAAAAAAAAAA", now)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer.jwt"), answer, 0o644))
	did, err := identity.ParseDID(issuer.DID())
	ts.Check(err)
	doc, err := (&identity.Document{ID: did, Keys: []identity.Key{{ID: issuer.KeyID(), Public: issuer.Public(), Purpose: issuer.Purpose()}}}).Encode()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("issuer.json"), doc, 0o644))
}
