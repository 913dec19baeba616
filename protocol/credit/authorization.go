package credit

import (
	"slices"
	"time"

	"github.com/actprotocol/act-go/internal/wire"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A FrequencyLimit bounds how often a platform may ask: in no span of
// WindowSeconds, wherever it begins, more than MaxRequests are served.
type FrequencyLimit struct {
	MaxRequests   int64 `json:"maxRequestsPerWindow"`
	WindowSeconds int64 `json:"windowDurationSeconds"`
}

// Allows reports whether one more request may be served at now, after those
// that were. A moment after now, of a clock that has gone back, still counts.
func (f FrequencyLimit) Allows(served []time.Time, now time.Time) bool {
	return int64(len(f.Within(served, now))) < f.MaxRequests
}

// Within returns the moments that count at now, which are all that need be
// kept.
func (f FrequencyLimit) Within(served []time.Time, now time.Time) []time.Time {
	var within []time.Time
	for _, t := range served {
		// In seconds, so that no span overflows a Duration. A moment leaves the
		// window when exactly its length has passed.
		age := now.Unix() - t.Unix()
		if now.Nanosecond() < t.Nanosecond() {
			age--
		}
		if age < f.WindowSeconds {
			within = append(within, t)
		}
	}
	return within
}

// ResultUse says what the relying party may do with an answer.
type ResultUse struct {
	MayStore         bool   `json:"mayStore"`
	RetentionSeconds *int64 `json:"retentionSeconds,omitzero"` // needed when it may store
	MayTransfer      bool   `json:"mayTransfer"`
}

func (u ResultUse) check(r *wire.Reader) {
	if u.MayStore && u.RetentionSeconds == nil {
		r.Require("resultUseRestrictions.retentionSeconds", "")
	}
	if u.RetentionSeconds != nil && *u.RetentionSeconds < 1 {
		r.Invalid("resultUseRestrictions.retentionSeconds", "at least 1")
	}
}

// A QueryAuthorization is the subject's leave to verify its associated credit:
// who, about which agents, for what, which items, how long (TSD-CRD-AUTH-01).
// It authorizes no trade, no payment and no fulfilment (TSD-CRD-AUTH-06).
type QueryAuthorization struct {
	AuthorizationID      string          `json:"authorizationId"`
	AuthorizationVersion string          `json:"authorizationVersion"`
	Mode                 Mode            `json:"mode"`
	SubjectID            string          `json:"subjectId"`
	RelyingPartyIDs      []string        `json:"relyingPartyIds"`
	PlatformDelegateID   string          `json:"platformDelegateId,omitzero"` // platform-delegated only
	AgentIDs             []string        `json:"agentIds"`
	Level                Level           `json:"verificationLevel"` // ASSOCIATED_CREDIT
	Purpose              string          `json:"purpose"`
	AllowedItems         []string        `json:"allowedDataItems"`
	ValidFrom            Time            `json:"validFrom"`
	ExpiresAt            Time            `json:"expiresAt"`
	FrequencyLimit       *FrequencyLimit `json:"frequencyLimit,omitzero"` // platform-delegated only
	ResultUse            ResultUse       `json:"resultUseRestrictions"`
	Status               Status          `json:"status"`                  // ACTIVE, REVOKED or EXPIRED
	BoundRequestID       string          `json:"boundRequestId,omitzero"` // per request only
	Proof                Proof           `json:"authorizationProof"`
}

func (a *QueryAuthorization) check(r *wire.Reader) {
	identifier(r, "authorizationId", a.AuthorizationID)
	constant(r, "authorizationVersion", a.AuthorizationVersion, Version)
	oneOf(r, "mode", a.Mode, PerRequest, PlatformDelegated)
	identifier(r, "subjectId", a.SubjectID)
	set(r, "relyingPartyIds", a.RelyingPartyIDs)
	set(r, "agentIds", a.AgentIDs)
	constant(r, "verificationLevel", string(a.Level), string(LevelCredit))
	text(r, "purpose", a.Purpose, maxIdentifier)
	set(r, "allowedDataItems", a.AllowedItems)
	window(r, a.ValidFrom, a.ExpiresAt)
	a.ResultUse.check(r)
	oneOf(r, "status", a.Status, Active, Revoked, Expired)
	a.Proof.check(r, "authorizationProof")
	a.checkMode(r)
}

// checkMode: each mode has members of its own and none of the other's.
func (a *QueryAuthorization) checkMode(r *wire.Reader) {
	unwanted := func(field string, there bool) {
		if there {
			r.Fail("", protocol.New(protocol.CodeFieldUnknown, field, "TSD-CRD-AUTH-02", "not in this mode"))
		}
	}
	switch a.Mode {
	case PerRequest:
		r.Require("boundRequestId", a.BoundRequestID)
		optionalIdentifier(r, "boundRequestId", a.BoundRequestID)
		unwanted("platformDelegateId", a.PlatformDelegateID != "")
		unwanted("frequencyLimit", a.FrequencyLimit != nil)
	case PlatformDelegated:
		identifier(r, "platformDelegateId", a.PlatformDelegateID)
		unwanted("boundRequestId", a.BoundRequestID != "")
		if a.FrequencyLimit == nil {
			r.Require("frequencyLimit", "")
		} else if a.FrequencyLimit.MaxRequests < 1 || a.FrequencyLimit.WindowSeconds < 1 {
			r.Invalid("frequencyLimit", "at least 1 request and 1 second")
		}
	}
}

// ParseQueryAuthorization reads an authorization; the subject must have signed
// it.
func ParseQueryAuthorization(data []byte) (*Unverified[QueryAuthorization], error) {
	return open(data, "authorizationProof", "TSD-CRD-AUTH-01", func(a QueryAuthorization) (string, *Proof) { return a.SubjectID, &a.Proof })
}

// Sign checks the authorization and signs it by a key of the subject.
func (a QueryAuthorization) Sign(s *keys.Signer) ([]byte, error) {
	return seal(s, a.SubjectID, "authorizationProof", "TSD-CRD-AUTH-01", &a, &a.Proof)
}

// SignRevoked is what a service answers to a revocation: the authorization with
// status REVOKED. The subject has signed another status, so the proof is the
// service's, and the text does not verify as the subject's authorization.
func (a QueryAuthorization) SignRevoked(service *keys.Signer) ([]byte, error) {
	if service == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "signer", "TSD-CRD-AUTH-03", "")
	}
	a.Status = Revoked
	return seal(service, service.DID(), "authorizationProof", "TSD-CRD-AUTH-03", &a, &a.Proof)
}

// Covers says whether the authorization serves a request about this subject at
// now, after the times it has served before: ReasonVerified, or why not and
// which member says so. What is not the asker's to use is AUTHORIZATION_SCOPE_
// MISMATCH whatever its state, so that a stranger learns nothing of that.
//
// It serves exactly: this subject; the named relying parties; with a platform,
// only through that platform; the named agents; this purpose; items of the list
// only; per request the one request id, once; platform-delegated as often as
// the limit says (TSD-CRD-AUTH-01 to -04).
func (a QueryAuthorization) Covers(q VerificationRequest, subject string, served []time.Time, now time.Time) (Reason, string) {
	for _, m := range []struct {
		field string
		ok    bool
	}{
		{"subjectId", a.SubjectID == subject},
		{"relyingPartyId", slices.Contains(a.RelyingPartyIDs, q.RelyingPartyID)},
		{"platformDelegateId", a.PlatformDelegateID == q.PlatformDelegateID},
		{"agentId", slices.Contains(a.AgentIDs, q.AgentID)},
		{"verificationLevel", a.Level == q.Level},
		{"purpose", a.Purpose == q.Purpose},
		{"requestedDataItems", within(q.RequestedItems, a.AllowedItems)},
		{"requestId", a.Mode != PerRequest || a.BoundRequestID == q.RequestID},
	} {
		if !m.ok {
			return ReasonAuthScope, m.field
		}
	}
	switch {
	case a.Status == Revoked:
		return ReasonAuthRevoked, "status"
	case a.Status == Expired || !now.Before(a.ExpiresAt.t):
		return ReasonAuthExpired, "expiresAt"
	case a.Status != Active || now.Before(a.ValidFrom.t):
		return ReasonAuthRequired, "validFrom"
	case a.Mode == PerRequest && len(served) > 0:
		return ReasonAuthScope, "boundRequestId"
	case a.Mode == PlatformDelegated && (a.FrequencyLimit == nil || !a.FrequencyLimit.Allows(served, now)):
		return ReasonAuthScope, "frequencyLimit"
	case a.Mode != PerRequest && a.Mode != PlatformDelegated:
		return ReasonAuthScope, "mode"
	}
	return ReasonVerified, ""
}

func within(asked, allowed []string) bool {
	return !slices.ContainsFunc(asked, func(item string) bool { return !slices.Contains(allowed, item) })
}

// A Revocation takes a query authorization back. It is signed by the subject.
type Revocation struct {
	RequestID       string     `json:"requestId"`
	AuthorizationID string     `json:"authorizationId"`
	SubjectID       string     `json:"subjectId"`
	Reason          string     `json:"reasonCode"`
	RequestedAt     Time       `json:"requestedAt"`
	AntiReplay      AntiReplay `json:"antiReplay"`
	Proof           Proof      `json:"requestProof"`
}

func (v *Revocation) check(r *wire.Reader) {
	identifier(r, "requestId", v.RequestID)
	identifier(r, "authorizationId", v.AuthorizationID)
	identifier(r, "subjectId", v.SubjectID)
	text(r, "reasonCode", v.Reason, maxIdentifier)
	v.AntiReplay.check(r, "antiReplay")
	v.Proof.check(r, "requestProof")
}

// ParseRevocation reads a revocation of an authorization.
func ParseRevocation(data []byte) (*Unverified[Revocation], error) {
	return open(data, "requestProof", "TSD-CRD-AUTH-03", func(v Revocation) (string, *Proof) { return v.SubjectID, &v.Proof })
}

// Sign checks the revocation and signs it by a key of the subject.
func (v Revocation) Sign(s *keys.Signer) ([]byte, error) {
	return seal(s, v.SubjectID, "requestProof", "TSD-CRD-AUTH-03", &v, &v.Proof)
}
