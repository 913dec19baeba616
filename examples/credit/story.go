package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/credit"
	"github.com/actprotocol/act-go/protocol/keys"
)

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	w, err := stage.New(ctx, n)
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	l := &lending{World: w}
	for _, chapter := range l.chapters() {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *lending) chapters() []func(context.Context) error {
	return []func(context.Context) error{l.introduce, l.lend, l.look, l.leave, l.pry, l.change, l.takeBack}
}

func (l *lending) introduce(context.Context) error {
	l.Line("A new agent without a history rents a camera; its owner's credit stands behind it, as far as she lends it (TSD-CRD).")
	if err := l.open(); err != nil {
		return err
	}
	l.Notes("bureau", "says of the owner: grade A, limit 50000.00 yuan; that stays here")
	return l.bureau.Rate(l.owner.ID(), jsontext.Value(`{"grade":"A","limit":"50000.00 CNY"}`))
}

// lend associates owner and agent, by the owner's own signature.
func (l *lending) lend(ctx context.Context) (err error) {
	l.Chapter("The owner lends")
	now := l.Now()
	app, err := credit.Application{
		ApplicationID: "application-1", MessageVersion: credit.Version, SubjectID: l.owner.ID(), AgentID: l.helper.ID(), Role: "OPERATOR",
		EvidenceRefs: []string{evidence}, Method: credit.DirectSignature, IssuerID: l.house.ID(), Purpose: purpose, Scope: []string{"transaction:rental"},
		Mode: credit.PerRequest, RequestedAt: credit.At(now), ValidFrom: credit.At(now), ExpiresAt: credit.At(now.Add(90 * 24 * time.Hour)),
		AntiReplay: credit.NewAntiReplay(),
	}.Encode()
	if err != nil {
		return err
	}
	if _, err := l.post(ctx, "/v1/association-applications", app, true); err != nil {
		return err
	}
	l.Says("owner", "credit", "I operate this agent; let my credit stand behind it, for shops that weigh a risk (TSD-CRD-ASC-01)")
	l.first, err = l.confirm(ctx)
	if err != nil {
		return err
	}
	l.Says("credit", "owner", "the credential: %s under rule %s %s, source %s (TSD-CRD-MAP-01, -02)", l.first.Value, l.first.Policy.ID, l.first.Policy.Version, l.first.Source)
	if strings.Contains(string(l.first.Value), "50000") {
		return errors.New("the owner's own limit is in the credential")
	}
	l.Notes("credit", "the agent has a ceiling of its own; her 50000.00 are nowhere in it (TSD-CRD-MAP-03, -05)")
	return nil
}

// confirm has the owner read and sign the frozen draft.
func (l *lending) confirm(ctx context.Context) (credit.Credential, error) {
	const at = "/v1/association-applications/application-1"
	prepared, err := l.post(ctx, at+"/preparations", nil, true)
	if err != nil {
		return credit.Credential{}, err
	}
	var preparation struct {
		Payload jsontext.Value `json:"signingPayload"`
	}
	if err := canon.DecodeOpen(prepared, &preparation); err != nil {
		return credit.Credential{}, err
	}
	shown, err := credit.PayloadOf(preparation.Payload)
	if err != nil {
		return credit.Credential{}, err
	}
	if shown.AgentID != l.helper.ID() || shown.Purpose != purpose || shown.SubjectID != l.owner.ID() {
		return credit.Credential{}, errors.New("the draft is not what the owner has applied for")
	}
	l.Says("credit", "owner", "this would be signed:")
	l.Quote(shown.Role + " of " + shown.AgentID + "\nfor " + shown.Purpose + "\nwithin " + strings.Join(shown.Scope, ", ") + "\nlends " + string(shown.Value))
	confirmed, err := credit.SignPayload(l.owner.Signer(keys.Credit), preparation.Payload)
	if err != nil {
		return credit.Credential{}, err
	}
	body, err := confirmed.Encode()
	if err != nil {
		return credit.Credential{}, err
	}
	l.Says("owner", "credit", "signed, with my own key (TSD-CRD-ASC-02)")
	text, err := l.post(ctx, at+"/confirmations", body, false)
	if err != nil {
		return credit.Credential{}, err
	}
	u, err := credit.ParseCredential(text)
	if err != nil {
		return credit.Credential{}, err
	}
	return u.Credential(), nil
}

// look verifies the association alone.
func (l *lending) look(ctx context.Context) error {
	l.Chapter("The shop looks: is there anybody behind this agent?")
	q, err := l.question(l.shop, l.first, credit.LevelCredential)
	if err != nil {
		return err
	}
	l.Says("helper", "rentals", "I am new, and here is my credential's number")
	l.Says("rentals", "credit", "does it hold? (TSD-CRD-VER-01)")
	ref, err := l.ask(ctx, l.shop, q)
	if err := l.expect("rentals", ref, err, credit.ReasonVerified); err != nil {
		return err
	}
	if l.bureau.Queries() != 0 {
		return errors.New("the bureau was asked without leave")
	}
	l.Notes("bureau", "was not asked anything (TSD-CRD-VER-02)")
	return nil
}

// leave is the second level, with the owner's leave for one question.
func (l *lending) leave(ctx context.Context) error {
	l.Chapter("The shop wants to know how much")
	q, err := l.question(l.shop, l.first, credit.LevelCredit)
	if err != nil {
		return err
	}
	l.Says("rentals", "credit", "what is lent?")
	ref, err := l.ask(ctx, l.shop, q)
	if err := l.expect("rentals", ref, err, credit.ReasonAuthRequired); err != nil {
		return err
	}
	notice, err := l.notice()
	if err != nil {
		return err
	}
	l.Says("credit", "owner", "%s asks about your agent, for %s: %s; one answer?", "the rental shop", strings.ToLower(notice.Purpose), strings.Join(notice.RequestedItems, ", "))
	if notice.RequestID != q.RequestID || notice.RelyingPartyID != l.shop.ID() {
		return errors.New("the owner was told of another question")
	}
	if q.AuthorizationID, err = l.authorize(ctx, notice); err != nil {
		return err
	}
	l.Says("owner", "credit", "yes, to this one question, for five minutes, not to be kept (TSD-CRD-AUTH-04)")
	ref, err = l.ask(ctx, l.shop, q)
	if err := l.expect("rentals", ref, err, credit.ReasonVerified); err != nil {
		return err
	}
	l.Quote(string(ref.Disclosed().Value) + "\n" + ref.Disclosed().Source)
	l.Notes("rentals", "a reference for its own decision; no mandate is wider for it and no payment check is replaced (TSD-CRD-VER-06)")
	ref, err = l.ask(ctx, l.shop, q)
	l.Says("rentals", "credit", "and the same once more")
	return l.expect("rentals", ref, err, credit.ReasonReplay)
}

// authorize answers one question with yes.
func (l *lending) authorize(ctx context.Context, q credit.VerificationRequest) (string, error) {
	now := l.Now()
	a := credit.QueryAuthorization{
		AuthorizationID: canon.UUID(), AuthorizationVersion: credit.Version, Mode: credit.PerRequest, SubjectID: l.owner.ID(), RelyingPartyIDs: []string{q.RelyingPartyID},
		AgentIDs: []string{q.AgentID}, Level: credit.LevelCredit, Purpose: q.Purpose, AllowedItems: q.RequestedItems, ValidFrom: credit.At(now),
		ExpiresAt: credit.At(now.Add(5 * time.Minute)), Status: credit.Active, BoundRequestID: q.RequestID,
	}
	text, err := a.Sign(l.owner.Signer(keys.Credit))
	if err != nil {
		return "", err
	}
	_, err = l.post(ctx, "/v1/credit-query-authorizations", text, false)
	return a.AuthorizationID, err
}

// pry is somebody who knows the credential's number and wants the value.
func (l *lending) pry(ctx context.Context) error {
	l.Chapter("A stranger asks, without leave")
	before := l.bureau.Queries()
	q, err := l.question(l.stranger, l.first, credit.LevelCredit)
	if err != nil {
		return err
	}
	l.Says("collector", "credit", "what is lent?")
	ref, err := l.ask(ctx, l.stranger, q)
	if err := l.expect("collector", ref, err, credit.ReasonAuthRequired); err != nil {
		return err
	}
	notice, err := l.notice()
	if err != nil {
		return err
	}
	mine := notice
	mine.RequestID = canon.UUID() // the owner says yes to the shop, and the stranger has seen the number of that
	mine.RelyingPartyID = l.shop.ID()
	if q.AuthorizationID, err = l.authorize(ctx, mine); err != nil {
		return err
	}
	l.Says("collector", "credit", "by the leave that she has given to the shop, then")
	ref, err = l.ask(ctx, l.stranger, q)
	if err := l.expect("collector", ref, err, credit.ReasonAuthScope); err != nil {
		return err
	}
	if ref.Disclosed().Value != nil || l.bureau.Queries() != before {
		return errors.New("the stranger has learned something")
	}
	l.Notes("bureau", "was not asked; the answers have no place for a value (TSD-CRD-VER-04)")
	return nil
}

// change: the owner's credit changes, and with it what she lends.
func (l *lending) change(ctx context.Context) (err error) {
	l.Chapter("The owner's credit changes")
	if err := l.bureau.Rate(l.owner.ID(), jsontext.Value(`{"grade":"B","limit":"9000.00 CNY"}`)); err != nil {
		return err
	}
	l.Says("bureau", "credit", "look at this again; meanwhile it is suspended (TSD-CRD-LCM-04)")
	unchanged, err := l.house.Reassess(ctx, l.first.CredentialID)
	if err != nil {
		return err
	}
	if unchanged {
		return errors.New("another value, and nothing has changed")
	}
	if err := l.holds(ctx, l.first, credit.ReasonReview); err != nil {
		return err
	}
	if l.second, err = l.confirm(ctx); err != nil {
		return err
	}
	if l.second.PreviousRef != l.first.CredentialID {
		return errors.New("the new credential does not name the old one")
	}
	l.Says("credit", "owner", "a new credential that names the old one: %s; the old one is revoked (TSD-CRD-ASC-04, TSD-CRD-LCM-03)", l.second.Value)
	if err := l.holds(ctx, l.first, credit.ReasonCredentialNotActive); err != nil {
		return err
	}
	return l.holds(ctx, l.second, credit.ReasonVerified)
}

// holds asks once more whether a credential holds.
func (l *lending) holds(ctx context.Context, c credit.Credential, want credit.Reason) error {
	q, err := l.question(l.shop, c, credit.LevelCredential)
	if err != nil {
		return err
	}
	which := "the first"
	if c.CredentialID == l.second.CredentialID {
		which = "the second"
	}
	l.Says("rentals", "credit", "does %s one hold?", which)
	ref, err := l.ask(ctx, l.shop, q)
	return l.expect("rentals", ref, err, want)
}

// takeBack revokes for good.
func (l *lending) takeBack(ctx context.Context) error {
	l.Chapter("The owner takes it back")
	text, err := credit.StatusChange{
		RequestID: canon.UUID(), CredentialID: l.second.CredentialID, Target: credit.Revoked, Reason: "SUBJECT_REQUEST", RequestedBy: l.owner.ID(),
		RequestedAt: credit.At(l.Now()), AntiReplay: credit.NewAntiReplay(),
	}.Sign(l.owner.Signer(keys.Credit))
	if err != nil {
		return err
	}
	answer, err := l.post(ctx, "/v1/association-credentials/"+l.second.CredentialID+"/revocations", text, false)
	if err != nil {
		return err
	}
	u, err := credit.ParseStatus(answer, l.house.ID())
	if err != nil {
		return err
	}
	if u.Message().Status != credit.Revoked {
		return fmt.Errorf("the state is %s", u.Message().Status)
	}
	l.Says("owner", "credit", "no more (TSD-CRD-LCM-05)")
	return l.holds(ctx, l.second, credit.ReasonCredentialNotActive)
}
