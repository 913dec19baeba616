package binding

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/examples/processor/internal/page"
	"github.com/actprotocol/act-go/examples/processor/internal/passkey"
	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

// TimeToEnrol is how long a one-time link is good.
const TimeToEnrol = time.Hour

// kindEnrolment is the kind of what a new passkey is made for.
const kindEnrolment = "passkey-enrolment"

// Invite makes a one-time link for a principal, whom the caller has identified,
// and returns it. Whoever has the link enrols a passkey for that principal: it
// goes to them and to nobody else. The book can check it and not tell it.
func (p *Pages) Invite(ctx context.Context, principal string) (link string, expires time.Time, err error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	text := canon.EncodeBase64(secret)
	expires = p.Now().Add(TimeToEnrol).UTC().Truncate(time.Second)
	if err := p.Book.Invite(ctx, book.Invitation{ID: digest(text), Principal: principal, Expires: expires}); err != nil {
		return "", time.Time{}, err
	}
	return p.Origin + EnrolPath + "/" + text, expires, nil
}

// digest is by what the book knows a link.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return canon.EncodeBase64(sum[:])
}

func (p *Pages) enrolment(i book.Invitation) passkey.Act {
	return passkey.Act{
		Kind: kindEnrolment, Principal: i.Principal, Until: i.Expires,
		Of: struct {
			PSPID      string `json:"psp_id"`
			Invitation string `json:"invitation_id"`
			Principal  string `json:"principal_id"`
			Expires    string `json:"expires_at"`
		}{p.PSPID, i.ID, i.Principal, canon.FormatTime(i.Expires)},
	}
}

// invitation reads the link of a request and begins its page. What is not there
// is answered here, and found is false then.
func (p *Pages) invitation(w http.ResponseWriter, r *http.Request) (i book.Invitation, shown *page.Page, found bool) {
	secret := r.PathValue("secret")
	shown = page.New(r, p.host, EnrolPath+"/"+secret)
	i, err := p.Book.Invitation(r.Context(), digest(secret))
	if err != nil {
		p.sorry(w, shown, err)
		return book.Invitation{}, nil, false
	}
	return i, shown, true
}

func (p *Pages) showEnrolment(w http.ResponseWriter, r *http.Request) {
	if i, shown, found := p.invitation(w, r); found {
		p.writeEnrolment(w, shown, i, nil)
	}
}

func (p *Pages) writeEnrolment(w http.ResponseWriter, shown *page.Page, i book.Invitation, cause error) {
	text, status := texts[shown.Lang], http.StatusOK
	if cause != nil {
		code := protocol.AsError(cause).Code
		status, shown.Fault = payment.HTTPStatus(code), shown.Lang.Explain(code)
	}
	switch {
	case i.UsedBy != "":
		shown.Title, shown.Fault = text.Enrolled, ""
		shown.Content = outcome{W: text, Good: true, Why: text.EnrolledWhy, Principal: i.Principal}
		outcomePage.Write(w, status, shown)
		return
	case !p.Now().Before(i.Expires):
		shown.Title, shown.Fault = text.LinkOver, ""
		shown.Content = outcome{W: text, Why: text.LinkOverWhy, Principal: i.Principal}
		outcomePage.Write(w, status, shown)
		return
	}
	ceremony, err := p.Passkeys.Offer(p.enrolment(i))
	if err != nil {
		problem.Write(w, err, 1)
		return
	}
	shown.Title, shown.Over = text.EnrolTitle, max(i.Expires.Sub(p.Now()).Truncate(time.Second), time.Second)
	shown.Content = enrolment{W: text, Principal: i.Principal, Expires: page.At(i.Expires), Passkey: shown.PasskeyForm(ceremony, shown.Path(), text.Create)}
	enrolPage.Write(w, status, shown)
}

func (p *Pages) enrol(w http.ResponseWriter, r *http.Request) {
	i, shown, found := p.invitation(w, r)
	if !found {
		return
	}
	form, err := page.ReadForm(w, r)
	var made book.Passkey
	if err == nil {
		made, err = p.Passkeys.Made(p.enrolment(i), form)
	}
	if err == nil {
		err = p.Book.Enrol(context.WithoutCancel(r.Context()), i.ID, made)
	}
	if err == nil {
		p.again(w, r, shown)
		return
	}
	if now, reread := p.Book.Invitation(r.Context(), i.ID); reread == nil {
		i = now
	}
	p.writeEnrolment(w, shown, i, err)
}
