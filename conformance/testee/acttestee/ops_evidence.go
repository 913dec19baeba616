package main

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/evidence"
)

// verifyEvidence is evidence.verify.
func verifyEvidence(clock time.Time, in struct {
	File      string    `json:"file"`
	Documents documents `json:"documents"`
	Chains    []chain   `json:"chains"`
}) (any, error) {
	file, err := evidence.Open([]byte(in.File))
	if err != nil {
		return nil, err
	}
	trust := evidence.Trust{Keys: in.Documents.keys(), Now: func() time.Time { return clock }}
	for _, c := range in.Chains {
		log, err := c.trust(clock)
		if err != nil {
			return nil, err
		}
		trust.Logs = append(trust.Logs, log)
	}
	report, err := file.Verify(context.Background(), trust)
	if err != nil {
		return nil, err
	}
	type record struct {
		ID         string `json:"record_id"`
		Conclusion string `json:"conclusion,omitzero"`
	}
	records := []record{}
	for _, r := range report.Results {
		records = append(records, record{r.ID, string(r.Conclusion)})
	}
	return map[string]any{"verified": report.Verified(), "records": records, "faulty": len(report.Faults) > 0}, nil
}
