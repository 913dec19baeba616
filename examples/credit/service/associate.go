package service

import (
	"context"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Apply takes an application from the subject that is logged in as party
// (TSD-CRD-ASC-01). It returns the id that the credential will have.
func (s *Service) Apply(ctx context.Context, party string, app credit.Application) (credentialID string, err error) {
	now := s.Now()
	switch {
	case party != app.SubjectID:
		return "", protocol.New(protocol.CodePrincipalMismatch, "subjectId", "TSD-CRD-ASC-01", "not who is logged in")
	case app.IssuerID != s.ID():
		return "", protocol.New(protocol.CodeAudienceMismatch, "issuerId", "TSD-CRD-ASC-01", "")
	case !credit.Fresh(app.RequestedAt, now):
		return "", protocol.New(protocol.CodeRequestExpired, "requestedAt", "TSD-CRD-ASC-01", "")
	case !app.ExpiresAt.IsZero() && !now.Before(app.ExpiresAt.Time()):
		return "", protocol.New(protocol.CodeFieldInvalid, "expiresAt", "TSD-CRD-ASC-01", "already over")
	}
	if err := s.Agent(ctx, app.AgentID); err != nil {
		return "", err
	}
	evidence, err := s.Evidence(ctx, app)
	if err != nil {
		return "", err
	}
	a := association{Application: app, CredentialID: newID("credential"), EvidenceRef: evidence, States: []credit.Lifecycle{credit.Begin(now)}}
	err = s.Store.Do(ctx, func(tx Tx) error {
		if taken, err := tx.Get(kindApplication, app.ApplicationID); err != nil {
			return err
		} else if taken != nil {
			return protocol.New(protocol.CodeRequestConflict, "applicationId", "TSD-CRD-ASC-01", "")
		}
		if err := useUp(tx, party, "application", app.AntiReplay, now); err != nil {
			return err
		}
		return keep(tx, &a)
	})
	return a.CredentialID, err
}

// keep writes an association, and that its application stands there.
func keep(tx Tx, a *association) error {
	if err := save(tx, kindAssociation, a.CredentialID, a); err != nil {
		return err
	}
	return tx.Put(kindApplication, a.Application.ApplicationID, []byte(a.CredentialID))
}

// byApplication finds the association that an application stands for now.
func byApplication(tx Tx, id string) (*association, error) {
	credentialID, err := tx.Get(kindApplication, id)
	if err != nil {
		return nil, err
	}
	if credentialID == nil {
		return nil, unknown("applicationId")
	}
	return byCredential(tx, string(credentialID))
}

func byCredential(tx Tx, id string) (*association, error) {
	a, err := load[association](tx, kindAssociation, id)
	if err == nil && a == nil {
		err = unknown("credentialId")
	}
	return a, err
}

// pending finds an application that still waits.
func (s *Service) pending(ctx context.Context, applicationID string) (a *association, err error) {
	err = s.Store.Do(ctx, func(tx Tx) error {
		if a, err = byApplication(tx, applicationID); err != nil {
			return err
		}
		if a.state(s.Now()).Status != credit.Pending {
			return protocol.New(protocol.CodeStateConflict, "applicationId", "TSD-CRD-LCM-01", "no longer pending")
		}
		return nil
	})
	return a, err
}

// mapped asks the bureau, and believes what it has signed (TSD-CRD-ASC-07).
func (s *Service) mapped(ctx context.Context, a *association) ([]byte, credit.AgentAssertion, error) {
	text, err := s.Bureau.Map(ctx, a.Application, a.CredentialID)
	if err != nil {
		return nil, credit.AgentAssertion{}, err
	}
	u, err := credit.ParseAgentAssertion(text)
	if err != nil {
		return nil, credit.AgentAssertion{}, err
	}
	if u.Party() != s.Bureau.ID() {
		return nil, credit.AgentAssertion{}, protocol.New(protocol.CodeIssuerUntrusted, "creditServiceId", "TSD-CRD-ASC-07", "")
	}
	key := s.key(ctx, u.Party(), u.KeyID(), s.Now())
	if key.Err != nil {
		return nil, credit.AgentAssertion{}, key.Err
	}
	return u.Raw(), u.Message(), u.Verify(key.Key)
}

// draft is what the association will be signed as.
func (s *Service) draft(a *association) (credit.Draft, credit.AgentAssertion, error) {
	u, err := credit.ParseAgentAssertion(a.Assertion)
	if err != nil {
		return credit.Draft{}, credit.AgentAssertion{}, err
	}
	app := a.Application
	d, err := credit.NewDraft(app, u.Message(), credit.Terms{
		EvidenceRef: a.EvidenceRef, PreviousRef: a.PreviousRef, StatusURI: s.statusURI(a.CredentialID), At: a.DraftedAt,
		Statement: "I confirm the role " + app.Role + " for the agent " + app.AgentID + ", for the purpose " + app.Purpose +
			" within the scope " + strings.Join(app.Scope, ", ") + ", and for nothing else; I answer for no purchase of the agent by this.",
	})
	return d, u.Message(), err
}

// Prepare freezes a draft for the subject to sign and returns its payload
// (TSD-CRD-ASC-02). Until it is confirmed or something has changed it stays the
// same.
//
// The payload carries the mapped value, and is for its subject only: to party,
// who is logged in, another's application is unknown.
func (s *Service) Prepare(ctx context.Context, party, applicationID string) ([]byte, error) {
	a, err := s.pending(ctx, applicationID)
	if err != nil {
		return nil, err
	}
	if party != a.Application.SubjectID {
		return nil, unknown("applicationId")
	}
	if a.Application.Method != credit.DirectSignature {
		return nil, protocol.New(protocol.CodeModeMismatch, "confirmationMethod", "TSD-CRD-ASC-02", "")
	}
	text, fresh, err := s.mapped(ctx, a)
	if err != nil {
		return nil, err
	}
	var d credit.Draft
	err = s.Store.Do(ctx, func(tx Tx) error {
		current, err := byApplication(tx, applicationID)
		if err != nil {
			return err
		}
		if current.CredentialID != a.CredentialID || current.state(s.Now()).Status != credit.Pending {
			return protocol.New(protocol.CodeStateConflict, "applicationId", "TSD-CRD-LCM-01", "no longer pending")
		}
		if len(current.Assertion) > 0 {
			if old, err := credit.ParseAgentAssertion(current.Assertion); err != nil {
				return err
			} else if old.Message().Mapped().Equal(fresh.Mapped()) {
				d, _, err = s.draft(current)
				return err
			}
		}
		current.Assertion, current.DraftedAt = text, s.Now()
		if d, _, err = s.draft(current); err != nil {
			return err
		}
		return keep(tx, current)
	})
	if err != nil {
		return nil, err
	}
	return d.Payload()
}

// Confirm issues the credential of an application that the subject has
// confirmed: by its signature over the frozen draft, or, attested, as party, who
// is logged in (TSD-CRD-ASC-02). What it replaces is revoked in the same moment
// (TSD-CRD-LCM-03).
func (s *Service) Confirm(ctx context.Context, party, applicationID string, c credit.Confirmation) ([]byte, error) {
	a, err := s.pending(ctx, applicationID)
	if err != nil {
		return nil, err
	}
	var registered keys.PublicKey
	if c.Method == credit.DirectSignature {
		if len(a.Assertion) == 0 {
			return nil, protocol.New(protocol.CodeStateConflict, "applicationId", "TSD-CRD-ASC-02", "not prepared")
		}
		key := s.key(ctx, a.Application.SubjectID, c.SubjectPublicKey.KeyID, s.Now())
		if key.Err != nil {
			return nil, key.Err
		}
		registered = key.Key
	} else if party != a.Application.SubjectID {
		return nil, protocol.New(protocol.CodePrincipalMismatch, "subjectId", "TSD-CRD-ASC-02", "confirmed by who is logged in")
	}
	text, fresh, err := s.mapped(ctx, a)
	if err != nil {
		return nil, err
	}
	var issued []byte
	err = s.Store.Do(ctx, func(tx Tx) (err error) {
		issued, err = s.issue(tx, applicationID, c, registered, text, fresh)
		return err
	})
	return issued, err
}

// issue ends a confirmation, within a transaction.
func (s *Service) issue(tx Tx, applicationID string, c credit.Confirmation, registered keys.PublicKey, text []byte, fresh credit.AgentAssertion) ([]byte, error) {
	now := s.Now()
	a, err := byApplication(tx, applicationID)
	if err != nil {
		return nil, err
	}
	if c.Method == credit.AttestedConfirmation {
		a.Assertion, a.DraftedAt = text, now
	}
	draft, assertion, err := s.draft(a)
	if err != nil {
		return nil, err
	}
	if !assertion.Mapped().Equal(fresh.Mapped()) || fresh.CredentialRef != a.CredentialID {
		return nil, protocol.New(protocol.CodeStateConflict, "associatedCreditValue", "TSD-CRD-ASC-07", "mapped otherwise by now; to be prepared again")
	}
	if err := a.move(credit.Active, credit.ByIssuer, credit.ChangeIssued, now); err != nil {
		return nil, err
	}
	if a.Credential, err = credit.Issue(s.Signer, draft, c, registered, assertion); err != nil {
		return nil, err
	}
	if a.PreviousRef != "" {
		old, err := byCredential(tx, a.PreviousRef)
		if err != nil {
			return nil, err
		}
		if old.settle(now); !old.state(now).Status.Final() {
			if err := old.move(credit.Revoked, credit.ByIssuer, credit.ChangeReplaced, now); err != nil {
				return nil, err
			}
		}
		if err := save(tx, kindAssociation, old.CredentialID, old); err != nil {
			return nil, err
		}
	}
	return a.Credential, keep(tx, a)
}

// Credential returns a credential to its subject or its agent; to everybody
// else it is unknown, because it carries the mapped value.
func (s *Service) Credential(ctx context.Context, party, id string) (text []byte, err error) {
	err = s.Store.Do(ctx, func(tx Tx) error {
		a, err := byCredential(tx, id)
		if err != nil {
			return err
		}
		if a.Credential == nil || party == "" || party != a.Application.SubjectID && party != a.Application.AgentID {
			return unknown("credentialId")
		}
		text = a.Credential
		return nil
	})
	return text, err
}

// Status returns the signed state of a credential, or of an application that is
// to become one.
func (s *Service) Status(ctx context.Context, id string) (text []byte, err error) {
	err = s.Store.Do(ctx, func(tx Tx) error {
		a, err := byCredential(tx, id)
		if err != nil {
			return err
		}
		text, err = a.state(s.Now()).Statement(id).Sign(s.Signer)
		return err
	})
	return text, err
}

// Change carries out a signed request for a move (TSD-CRD-LCM-01, -05, -06) and
// returns the signed new state.
func (s *Service) Change(ctx context.Context, u *credit.Unverified[credit.StatusChange]) (text []byte, err error) {
	c := u.Message()
	if err := accept(ctx, s, u, "status-change", c.RequestedAt, c.AntiReplay); err != nil {
		return nil, err
	}
	err = s.Store.Do(ctx, func(tx Tx) error {
		now := s.Now()
		a, err := byCredential(tx, c.CredentialID)
		if err != nil {
			return err
		}
		if err := a.move(c.Target, s.actor(a, c.RequestedBy), c.Reason, now); err != nil {
			return err
		}
		if text, err = a.state(now).Statement(a.CredentialID).Sign(s.Signer); err != nil {
			return err
		}
		return save(tx, kindAssociation, a.CredentialID, a)
	})
	return text, err
}

// actor is who somebody is to an association; "" is nobody and moves nothing.
func (s *Service) actor(a *association, party string) credit.Actor {
	switch party {
	case a.Application.SubjectID:
		return credit.BySubject
	case s.Bureau.ID():
		return credit.ByCreditService
	case s.ID():
		return credit.ByIssuer
	default:
		return ""
	}
}

// Reassess looks again at what a credential rests on, when the bureau or the
// service has learned of a change (TSD-CRD-ASC-08, TSD-CRD-LCM-04): it is
// suspended first; when everything is as it was it becomes active again;
// otherwise the application waits for a new confirmation by its subject, whose
// credential will name this one and revoke it. Evidence that no longer fits
// revokes at once. It reports whether the credential is active again.
func (s *Service) Reassess(ctx context.Context, credentialID string) (unchanged bool, err error) {
	var a *association
	err = s.Store.Do(ctx, func(tx Tx) error {
		if a, err = byCredential(tx, credentialID); err != nil {
			return err
		}
		if !a.state(s.Now()).Reassessing() {
			if err := a.move(credit.Suspended, credit.ByCreditService, credit.ChangeReassessment, s.Now()); err != nil {
				return err
			}
		}
		return save(tx, kindAssociation, credentialID, a)
	})
	if err != nil {
		return false, err
	}
	evidence, failed := s.Evidence(ctx, a.Application)
	if failed != nil && protocol.AsError(failed).Code.Outcome() == protocol.Undetermined {
		return false, failed // stays suspended
	}
	next := association{
		Application: a.Application, CredentialID: newID("credential"), EvidenceRef: evidence,
		PreviousRef: credentialID, States: []credit.Lifecycle{credit.Begin(s.Now())},
	}
	var fresh credit.AgentAssertion
	if failed == nil {
		if _, fresh, err = s.mapped(ctx, &next); err != nil {
			return false, err
		}
	}
	return s.reassessed(ctx, credentialID, failed, fresh, next)
}

func (s *Service) reassessed(ctx context.Context, credentialID string, failed error, fresh credit.AgentAssertion, next association) (unchanged bool, err error) {
	err = s.Store.Do(ctx, func(tx Tx) error {
		a, err := byCredential(tx, credentialID)
		if err != nil {
			return err
		}
		if !a.state(s.Now()).Reassessing() {
			return protocol.New(protocol.CodeStateConflict, "credentialId", "TSD-CRD-LCM-04", "")
		}
		c, err := credit.ParseCredential(a.Credential)
		if err != nil {
			return err
		}
		unchanged = failed == nil && c.Credential().Mapped().Equal(fresh.Mapped()) && a.EvidenceRef == next.EvidenceRef
		switch {
		case failed != nil:
			err = a.move(credit.Revoked, credit.ByCreditService, "EVIDENCE_FAILED", s.Now())
		case unchanged:
			err = a.move(credit.Active, credit.ByCreditService, credit.ChangeUnchanged, s.Now())
		default:
			err = keep(tx, &next)
		}
		if err != nil {
			return err
		}
		return save(tx, kindAssociation, credentialID, a)
	})
	return unchanged, err
}
