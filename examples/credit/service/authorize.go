package service

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/credit"
)

// An authorization with what has become of it.
type authorization struct {
	Text    jsontext.Value `json:"text"` // as the subject has signed it
	Revoked bool           `json:"revoked"`
	Served  []int64        `json:"served,omitzero"` // microseconds since 1970, rounded up; those that still count
}

// maxServed bounds what a frequency limit makes the service remember.
const maxServed = 10_000

// Authorize takes a query authorization that its subject has signed
// (TSD-CRD-AUTH-01). An id serves once: what was revoked does not come back.
func (s *Service) Authorize(ctx context.Context, u *credit.Unverified[credit.QueryAuthorization]) ([]byte, error) {
	a, now := u.Message(), s.Now()
	key := s.key(ctx, u.Party(), u.KeyID(), now)
	if key.Err != nil {
		return nil, key.Err
	}
	if err := u.Verify(key.Key); err != nil {
		return nil, err
	}
	switch {
	case a.Status != credit.Active:
		return nil, protocol.New(protocol.CodeFieldInvalid, "status", "TSD-CRD-AUTH-01", "a new authorization is ACTIVE")
	case !now.Before(a.ExpiresAt.Time()):
		return nil, protocol.New(protocol.CodeFieldInvalid, "expiresAt", "TSD-CRD-AUTH-03", "already over")
	case a.FrequencyLimit != nil && a.FrequencyLimit.MaxRequests > maxServed:
		return nil, protocol.New(protocol.CodeTooLarge, "frequencyLimit.maxRequestsPerWindow", "TSD-CRD-AUTH-02", "at most 10,000 here")
	}
	return u.Raw(), s.Store.Do(ctx, func(tx Tx) error {
		if taken, err := tx.Get(kindAuthorization, a.AuthorizationID); err != nil {
			return err
		} else if taken != nil {
			return protocol.New(protocol.CodeRequestConflict, "authorizationId", "TSD-CRD-AUTH-01", "")
		}
		return save(tx, kindAuthorization, a.AuthorizationID, authorization{Text: u.Raw()})
	})
}

// Revoke ends an authorization at once and for good (TSD-CRD-AUTH-03). That it
// is revoked already changes nothing.
func (s *Service) Revoke(ctx context.Context, u *credit.Unverified[credit.Revocation]) (text []byte, err error) {
	v := u.Message()
	if err := accept(ctx, s, u, "authorization-revocation", v.RequestedAt, v.AntiReplay); err != nil {
		return nil, err
	}
	err = s.Store.Do(ctx, func(tx Tx) error {
		a, q, err := loadAuthorization(tx, v.AuthorizationID)
		if err != nil {
			return err
		}
		if a == nil || q.SubjectID != v.SubjectID {
			return unknown("authorizationId")
		}
		a.Revoked = true
		if text, err = q.SignRevoked(s.Signer); err != nil {
			return err
		}
		return save(tx, kindAuthorization, v.AuthorizationID, a)
	})
	return text, err
}

// loadAuthorization returns an authorization with its present state, or nil.
func loadAuthorization(tx Tx, id string) (*authorization, *credit.QueryAuthorization, error) {
	if id == "" {
		return nil, nil, nil
	}
	a, err := load[authorization](tx, kindAuthorization, id)
	if err != nil || a == nil {
		return nil, nil, err
	}
	u, err := credit.ParseQueryAuthorization(a.Text)
	if err != nil {
		return nil, nil, err
	}
	q := u.Message()
	if a.Revoked {
		q.Status = credit.Revoked
	}
	return a, &q, nil
}

func (a *authorization) served() []time.Time {
	if a == nil {
		return nil
	}
	out := make([]time.Time, len(a.Served))
	for i, us := range a.Served {
		out[i] = time.UnixMicro(us)
	}
	return out
}

// serve records one more use, and forgets those that no longer count.
func (a *authorization) serve(limit *credit.FrequencyLimit, now time.Time) {
	if limit != nil {
		within := limit.Within(a.served(), now)
		a.Served = a.Served[:0]
		for _, t := range within {
			a.Served = append(a.Served, t.UnixMicro())
		}
	}
	// Up, so that it leaves a window a little late and never early.
	a.Served = append(a.Served, now.Add(time.Microsecond-1).UnixMicro())
}
