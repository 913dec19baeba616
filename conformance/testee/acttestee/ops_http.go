package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/agentauth"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/verifier"
)

// A recorder is a http.ResponseWriter that keeps what was answered.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// code is the code of a refusal.
func (r *recorder) code() error {
	var problem struct {
		Error struct {
			Code protocol.Code `json:"code"`
		} `json:"error"`
	}
	if err := canon.DecodeOpen(r.body.Bytes(), &problem); err != nil || !problem.Error.Code.Known() {
		return errors.New("an answer without a code")
	}
	return protocol.New(problem.Error.Code, "", "IDN-04", "")
}

// An arrival is a request as net/http hands it to a handler: method and target may
// be anything here.
type arrival struct {
	Authority string      `json:"authority"` // of the server's configuration
	Method    string      `json:"method"`
	Target    string      `json:"target"`  // as it was sent
	Headers   [][2]string `json:"headers"` // lines: name and value
	Body      string      `json:"body"`    // base64url
	Covers    []string    `json:"covers"`  // components that must be covered
	Before    int         `json:"received_before"`
}

// request returns the request and its body.
func (in *arrival) request() (*http.Request, []byte, error) {
	body, err := canon.DecodeBase64(in.Body)
	if err != nil {
		return nil, nil, errEarlier{err}
	}
	r := &http.Request{
		Method: in.Method, RequestURI: in.Target, Host: in.Authority, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	for _, h := range in.Headers {
		r.Header.Add(h[0], h[1])
	}
	return r, body, nil
}

// A signedRequest is what a server received.
type signedRequest struct {
	fetched    `json:",inline"`
	arrival    `json:",inline"`
	Identities []struct {
		Issuer   string `json:"issuer"`
		Provider string `json:"provider"`
	} `json:"identities"`
	Credential   bool     `json:"credential_needed"`
	Capabilities []string `json:"capabilities"`
	Principal    string   `json:"principal"` // for whom the agent is said to act
	Audience     string   `json:"audience"`  // the server's DID
}

// guard is the library's own, in front of a handler.
func (s *signedRequest) guard(clock time.Time) (*agentauth.Guard, error) {
	policy := verifier.IssuerMap{}
	for _, i := range s.Identities {
		policy[i.Issuer] = append(policy[i.Issuer], i.Provider)
	}
	v, err := s.verifier(verifier.Config{Identities: policy}, clock)
	if err != nil {
		return nil, err
	}
	return agentauth.NewGuard(agentauth.Config{
		Verifier: v, Authority: s.Authority, Credential: s.Credential, Capabilities: s.Capabilities, Covers: s.Covers, Audience: s.Audience,
	})
}

// send gives the request to a guard and returns what the handler learns.
func (s *signedRequest) send(g *agentauth.Guard) (out map[string]any, err error) {
	r, _, err := s.request()
	if err != nil {
		return nil, err
	}
	var inside error
	w := &recorder{header: http.Header{}}
	g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		a, _ := agentauth.FromContext(r.Context())
		out = map[string]any{"agent_id": a.DID(), "thumbprint": a.Thumbprint()}
		if who := a.Identity(); who != nil {
			out["provider"] = who.Provider()
		}
		if s.Principal != "" {
			_, inside = a.ActsFor(r.Context(), s.Principal)
			out["principal"] = s.Principal
		}
	})).ServeHTTP(w, r)
	if out == nil {
		return nil, w.code()
	}
	return out, inside
}

// verifyHTTP is httpsig.verify.
func verifyHTTP(clock time.Time, in signedRequest) (any, error) {
	g, err := in.guard(clock)
	if err != nil {
		return nil, err
	}
	for range in.Before {
		if _, err := in.send(g); err != nil {
			return nil, errEarlier{err}
		}
	}
	out, err := in.send(g)
	if err != nil {
		return nil, err
	}
	return out, nil
}
