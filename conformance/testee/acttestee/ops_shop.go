package main

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
)

// judgeIntentAnswer is intent_context.answer.judge.
func judgeIntentAnswer(clock time.Time, in struct {
	Answer string `json:"answer"`
	Sent   string `json:"sent"`
}) (any, error) {
	sent, a, err := readIntentAnswer(in.Sent, in.Answer)
	if err != nil {
		return nil, err
	}
	judged := []map[string]string{}
	for _, i := range a.Candidates {
		out := map[string]string{"item_id": i.ID, "decision": protocol.Allowed.String()}
		if err := sent.Intent.Constraints.Check(i, clock); err != nil {
			code := protocol.CodeOf(err)
			out["decision"], out["code"] = code.Outcome().String(), string(code)
		}
		judged = append(judged, out)
	}
	return map[string]any{"judged": judged}, nil
}

// readIntentAnswer reads an answer to a request that was sent.
func readIntentAnswer(sent, answer string) (commerce.IntentRequest, *commerce.IntentAnswer, error) {
	u, err := commerce.ParseIntentRequest([]byte(sent))
	if err != nil {
		return commerce.IntentRequest{}, nil, errEarlier{err}
	}
	a, err := commerce.DecodeIntentAnswer([]byte(answer))
	if err != nil {
		return commerce.IntentRequest{}, nil, err
	}
	if a.RequestID != u.Request.RequestID || a.MerchantID != u.Request.MerchantID {
		return commerce.IntentRequest{}, nil, protocol.New(protocol.CodeClaimsConflict, "request_id", "CID-INT-XFR-03", "")
	}
	return u.Request, a, nil
}

// makeCard is agent_card.make.
func makeCard(_ time.Time, in struct {
	Card  string     `json:"card"`
	KeyID string     `json:"key_id"`
	Key   privateKey `json:"key"`
}) (any, error) {
	private, err := in.Key.signer()
	if err != nil {
		return nil, errEarlier{err}
	}
	s, err := keys.NewSigner(in.KeyID, keys.Seller, private)
	if err != nil {
		return nil, errEarlier{err}
	}
	card, err := commerce.SignAgentCard(s, []byte(in.Card))
	if err != nil {
		return nil, err
	}
	return map[string]any{"card": jsontext.Value(card)}, nil
}
