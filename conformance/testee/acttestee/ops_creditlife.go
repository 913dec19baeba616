package main

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance/testee"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

// moveCredit is credit.lifecycle.
func moveCredit(clock time.Time, in struct {
	AppliedAt time.Time `json:"applied_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Steps     []struct {
		To     credit.Status `json:"to"`
		By     credit.Actor  `json:"by"`
		Reason string        `json:"reason"`
		At     time.Time     `json:"at"`
	} `json:"steps"`
}) (any, error) {
	life := credit.Begin(in.AppliedAt)
	for _, s := range in.Steps {
		next, err := life.Move(s.To, s.By, s.Reason, s.At)
		if err != nil {
			return nil, err
		}
		life = next
	}
	life = life.Settle(in.ExpiresAt, clock)
	return map[string]any{"status": string(life.Status), "version": life.Version, "reason": life.Reason}, nil
}

// confirmCredit is credit.confirm.
func confirmCredit(_ time.Time, in struct {
	Payload string     `json:"payload"`
	KeyID   string     `json:"key_id"`
	Key     privateKey `json:"key"`
}) (any, error) {
	private, err := in.Key.signer()
	if err != nil {
		return nil, err
	}
	signer, err := keys.NewSigner(in.KeyID, keys.Credit, private)
	if err != nil {
		return nil, err
	}
	confirmation, err := credit.SignPayload(signer, []byte(in.Payload))
	if err != nil {
		return nil, err
	}
	text, err := confirmation.Encode()
	return map[string]string{"confirmation": string(text)}, err
}

// issueCredit is credit.issue.
func issueCredit(clock time.Time, in struct {
	Application  string     `json:"application"`
	Agent        string     `json:"agent_assertion"`
	EvidenceRef  string     `json:"evidence_ref"`
	Statement    string     `json:"statement"`
	StatusURI    string     `json:"status_uri"`
	PreviousRef  string     `json:"previous_ref"`
	Confirmation string     `json:"confirmation"`
	Documents    documents  `json:"documents"`
	KeyID        string     `json:"key_id"`
	Key          privateKey `json:"key"`
}) (any, error) {
	application, err := credit.ParseApplication([]byte(in.Application))
	if err != nil {
		return nil, err
	}
	assertion, err := credit.ParseAgentAssertion([]byte(in.Agent))
	if err != nil {
		return nil, err
	}
	draft, err := credit.NewDraft(application, assertion.Message(), credit.Terms{
		EvidenceRef: in.EvidenceRef, Statement: in.Statement, StatusURI: in.StatusURI, PreviousRef: in.PreviousRef, At: clock,
	})
	if err != nil {
		return nil, err
	}
	confirmation, err := credit.ParseConfirmation([]byte(in.Confirmation))
	if err != nil {
		return nil, err
	}
	var registered keys.PublicKey
	if key := confirmation.SubjectPublicKey; key != nil {
		registered, err = in.Documents.keys().Key(context.Background(), key.KeyID, keys.Credit, clock)
		if err != nil {
			return nil, err
		}
	}
	private, err := in.Key.signer()
	if err != nil {
		return nil, err
	}
	signer, err := keys.NewSigner(in.KeyID, keys.Credit, private)
	if err != nil {
		return nil, err
	}
	credential, err := credit.Issue(signer, draft, confirmation, registered, assertion.Message())
	if err != nil {
		return nil, err
	}
	return map[string]string{"credential": string(credential)}, nil
}

// mapCredit is credit.map.
func mapCredit(clock time.Time, in struct {
	Application  string               `json:"application"`
	Subject      string               `json:"subject_assertion"`
	SubjectRef   string               `json:"subject_ref"`
	CredentialID string               `json:"credential_id"`
	AssertionID  string               `json:"assertion_id"`
	Policy       credit.MappingPolicy `json:"policy"`
	Value        string               `json:"value"`
}) (any, error) {
	application, err := credit.ParseApplication([]byte(in.Application))
	if err != nil {
		return nil, err
	}
	subject, err := credit.ParseSubjectAssertion([]byte(in.Subject))
	if err != nil {
		return nil, err
	}
	rule := credit.Rule{Policy: in.Policy, Map: func(jsontext.Value) (jsontext.Value, error) { return jsontext.Value(in.Value), nil }}
	assertion, err := rule.Apply(application, subject.Message(), in.SubjectRef, in.CredentialID, in.AssertionID, clock)
	if err != nil {
		return nil, err
	}
	return map[string]any{"agent_assertion": assertion}, nil
}

// verifyCreditResponse is credit.response.verify.
func verifyCreditResponse(clock time.Time, in struct {
	Request   string    `json:"request"`
	Response  string    `json:"response"`
	Verifier  string    `json:"verifier"`
	Documents documents `json:"documents"`
}) (any, error) {
	request, err := credit.ParseRequest([]byte(in.Request))
	if err != nil {
		return nil, errEarlier{err}
	}
	response, err := credit.ParseResponse([]byte(in.Response), in.Verifier)
	if err != nil {
		return nil, err
	}
	var key keys.PublicKey
	if response.KeyID() != "" {
		if key, err = in.Documents.keys().Key(context.Background(), response.KeyID(), keys.Credit, clock); err != nil {
			return nil, err
		}
	}
	reference, err := response.Reference(key, request.Message(), clock)
	if err != nil {
		return nil, err
	}
	a := reference.Answer()
	return map[string]any{
		"result": string(a.Result), "reason": string(a.Reason), "completed_level": string(a.CompletedLevel), "disclosed": reference.Disclosed(),
	}, nil
}

// readCredit is credit.read.
func readCredit(clock time.Time, in struct {
	Kind      string    `json:"kind"`
	Text      string    `json:"text"`
	Party     string    `json:"party"`
	Documents documents `json:"documents"`
}) (any, error) {
	data := []byte(in.Text)
	var signed interface {
		KeyID() string
		Verify(keys.PublicKey) error
	}
	var err error
	switch in.Kind {
	case "application":
		_, err = credit.ParseApplication(data)
	case "confirmation":
		_, err = credit.ParseConfirmation(data)
	case "credential":
		_, err = credit.ParseCredential(data)
	case "status":
		signed, err = credit.ParseStatus(data, in.Party)
	case "subject-assertion":
		signed, err = credit.ParseSubjectAssertion(data)
	case "agent-assertion":
		signed, err = credit.ParseAgentAssertion(data)
	case "query-authorization":
		signed, err = credit.ParseQueryAuthorization(data)
	case "revocation":
		signed, err = credit.ParseRevocation(data)
	case "status-change":
		signed, err = credit.ParseStatusChange(data)
	case "request":
		signed, err = credit.ParseRequest(data)
	default:
		return nil, testee.Skip("no such kind of message")
	}
	if err != nil || signed == nil {
		return struct{}{}, err
	}
	key, err := in.Documents.keys().Key(context.Background(), signed.KeyID(), keys.Credit, clock)
	if err == nil {
		err = signed.Verify(key)
	}
	if err != nil {
		return nil, err
	}
	return map[string]string{"key_id": signed.KeyID()}, nil
}
