package commerce

import (
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// An IntentAnswer is what a merchant has for an intent request
// (CID-INT-XFR-03). Where there is nothing, the answer is an error instead.
type IntentAnswer struct {
	RequestID  string    // of the intent request, an update's own
	MerchantID string    // DID
	AsOf       time.Time // when it was made
	Candidates []Item    // at least one, the best first, as the merchant sees it

	unusable []error
}

// Unusable returns, for a decoded answer, one error for each candidate that was
// left out because it lacks the minimum of an item or breaks a rule
// (CID-MER-CAT-03). Their fields begin with "candidates[n]".
func (a *IntentAnswer) Unusable() []error { return slices.Clone(a.unusable) }

// DecodeIntentAnswer reads an answer. Candidates that are not usable are left
// out and told by [IntentAnswer.Unusable]; when there are no others, there is
// no candidate with usable details, and the answer is refused (CID-INT-XFR-03).
// So is one with more than MaxCandidates, or with an identifier that two share.
//
// It does not check whether the answer belongs to a request, nor the
// candidates by any constraint. An answer is not signed: it is worth what the
// connection that brought it is worth, and binds nobody. Prices bind in the
// [Order].
func DecodeIntentAnswer(data []byte) (*IntentAnswer, error) {
	var w struct {
		RequestID  string           `json:"request_id"`
		MerchantID string           `json:"merchant_id"`
		AsOf       string           `json:"as_of"`
		Candidates []jsontext.Value `json:"candidates"`
	}
	if err := canon.Decode(data, &w); err != nil {
		return nil, err
	}
	r := wire.Reader{Requirement: "CID-INT-XFR-03"}
	r.ID("request_id", w.RequestID)
	r.DID("merchant_id", w.MerchantID)
	a := &IntentAnswer{RequestID: w.RequestID, MerchantID: w.MerchantID, AsOf: r.Time("as_of", w.AsOf)}
	if len(w.Candidates) == 0 {
		r.Require("candidates", "")
	}
	if len(w.Candidates) > MaxCandidates {
		r.Fail("", protocol.New(protocol.CodeTooLarge, "candidates", "", "at most 100"))
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(w.Candidates))
	for n, raw := range w.Candidates {
		at := "candidates[" + strconv.Itoa(n) + "]"
		item, err := decodeItem(raw, a.MerchantID)
		if err != nil {
			a.unusable = append(a.unusable, protocol.In(err, at))
			continue
		}
		if seen[item.ID] {
			return nil, protocol.New(protocol.CodeFieldInvalid, at+".item_id", "CID-MER-CAT-01", "another candidate has this identifier")
		}
		seen[item.ID] = true
		a.Candidates = append(a.Candidates, item)
	}
	if len(a.Candidates) == 0 {
		return nil, protocol.Wrap(protocol.CodeFieldInvalid, "candidates", "CID-INT-XFR-03", "none has usable details", a.unusable[0])
	}
	return a, nil
}

// Encode checks the answer and every candidate of it and returns its canonical
// JSON. The largest answer that others read is 64 KiB (SPEC.md 1.1).
func (a *IntentAnswer) Encode() ([]byte, error) {
	type plain struct {
		RequestID  string     `json:"request_id"`
		MerchantID string     `json:"merchant_id"`
		AsOf       string     `json:"as_of"`
		Candidates []itemWire `json:"candidates"`
	}
	w := plain{RequestID: a.RequestID, MerchantID: a.MerchantID, AsOf: wire.FormatTime(a.AsOf), Candidates: []itemWire{}}
	for _, i := range a.Candidates {
		w.Candidates = append(w.Candidates, i.wire())
	}
	data, err := canon.Marshal(w)
	if err != nil {
		return nil, err
	}
	back, err := DecodeIntentAnswer(data)
	if err != nil {
		return nil, err
	}
	if len(back.unusable) > 0 {
		return nil, back.unusable[0]
	}
	return data, nil
}
