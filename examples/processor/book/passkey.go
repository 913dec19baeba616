package book

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// Passkeys are the passkeys (WebAuthn) by which principals are identified at the
// cashier and on the binding page (PSD-PAY-INS-03, PSD-PMT-BND-02), and the
// one-time links by which they enrol them.
type Passkeys interface {
	// Invite records a one-time link for a principal, who has an account
	// (otherwise instrument_invalid). An id that was used before is
	// state_conflict. Whoever calls it has identified the principal, and sees
	// to it that nobody else gets the link.
	Invite(ctx context.Context, i Invitation) error

	// Invitation returns a link by its id, also one that is used or over, or
	// context_unknown.
	Invitation(ctx context.Context, id string) (Invitation, error)

	// Enrol registers a passkey for the principal of an invitation, which is
	// then used. One that is unknown is context_unknown, one that was used
	// state_conflict, one whose time is over request_expired. A passkey that
	// was registered before, also one that was removed, is state_conflict. What
	// k says of Principal, Removed and times is ignored.
	Enrol(ctx context.Context, invitation string, k Passkey) error

	// Passkey returns a passkey, also one that was removed, or key_unknown.
	Passkey(ctx context.Context, id string) (Passkey, error)

	// Passkeys lists all passkeys in the order of enrolment.
	Passkeys(ctx context.Context) ([]Passkey, error)

	// RemovePasskey ends the use of a passkey for ever; removing again does
	// nothing, and an unknown one is key_unknown.
	RemovePasskey(ctx context.Context, id string) error

	// UsePasskey records that a passkey has signed: in one transaction its
	// nonce is used once (replayed), the passkey is registered and not removed
	// (key_unknown), and its counter goes up unless it and the last one are zero
	// (key_not_valid: two devices have the key). A use that is refused changes
	// nothing.
	UsePasskey(ctx context.Context, u PasskeyUse) error

	// Secret returns the 32 random bytes of a name, which it makes when they
	// are first asked for: what all processes of the processor share, and a
	// restart keeps. It is for nobody outside of them.
	Secret(ctx context.Context, name string) ([]byte, error)
}

// An Invitation is a one-time link by which a principal enrols a passkey.
type Invitation struct {
	ID        string // digest of the secret in the link: the book cannot tell the link
	Principal string // DID
	Expires   time.Time
	MadeAt    time.Time
	UsedBy    string // id of the passkey that was enrolled by it; empty before
}

// Check refuses an invitation in which something is missing.
func (i *Invitation) Check() error {
	if i.ID == "" || i.Principal == "" || i.Expires.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "invitation", "PSD-PMT-BND-02", "id, principal and end are needed")
	}
	return nil
}

// A Passkey is the public half of a WebAuthn credential of one principal.
type Passkey struct {
	ID             string // credential id in base64url
	Principal      string // DID; the only one whom it identifies
	Key            []byte // public key in COSE form (RFC 9052)
	Counter        uint32 // signature counter when it was last used; 0 when it has none
	BackupEligible bool   // may be copied to other devices; never changes
	BackedUp       bool   // has been copied, when it was enrolled
	Removed        bool
	EnrolledAt     time.Time
	UsedAt         time.Time // zero before the first use
}

// Check refuses a passkey in which something is missing, and an id of more than
// 1023 bytes, the most that WebAuthn allows.
func (k *Passkey) Check() error {
	switch {
	case k.ID == "" || len(k.Key) == 0:
		return protocol.New(protocol.CodeFieldMissing, "passkey", "PSD-PMT-BND-02", "id and key are needed")
	case len(k.ID) > 1364 || len(k.Key) > 4096:
		return protocol.New(protocol.CodeTooLarge, "passkey", "PSD-PMT-BND-02", "an id of at most 1023 bytes, a key of at most 4 KiB")
	}
	return nil
}

// A PasskeyUse is one signature that was verified.
type PasskeyUse struct {
	ID      string
	Counter uint32
	Nonce   provider.Nonce // of the challenge
}

// Check refuses a use in which something is missing.
func (u *PasskeyUse) Check() error {
	if u.ID == "" {
		return protocol.New(protocol.CodeFieldMissing, "passkey", "PSD-PAY-INS-03", "")
	}
	return provider.CheckNonce(u.Nonce)
}

// Advances reports whether the counter of a use may follow the last one: it goes
// up, or neither has one (WebAuthn Level 3, 7.2).
func (k *Passkey) Advances(counter uint32) bool {
	return counter > k.Counter || counter == 0 && k.Counter == 0
}

// UnknownInvitation refuses whoever has a link that nobody made.
func UnknownInvitation() error {
	return protocol.New(protocol.CodeContextUnknown, "invitation", "PSD-PMT-BND-02", "no such link")
}

// InvitationUsed refuses an invitation whose id was used before.
func InvitationUsed() error {
	return protocol.New(protocol.CodeStateConflict, "invitation", "PSD-PMT-BND-02", "the id was used before")
}

// Open refuses an invitation by which nobody can enrol any more
// (state_conflict, request_expired).
func (i *Invitation) Open(now time.Time) error {
	switch {
	case i.UsedBy != "":
		return protocol.New(protocol.CodeStateConflict, "invitation", "PSD-PMT-BND-02", "the link was used before")
	case !now.Before(i.Expires):
		return protocol.New(protocol.CodeRequestExpired, "invitation", "PSD-PMT-BND-02", "the link's time is over")
	}
	return nil
}

// UnknownPasskey refuses whoever names a passkey that is not enrolled.
func UnknownPasskey() error {
	return protocol.New(protocol.CodeKeyUnknown, "passkey", "PSD-PAY-INS-03", "no such passkey")
}

// PasskeyUsed refuses a passkey that was enrolled before.
func PasskeyUsed() error {
	return protocol.New(protocol.CodeStateConflict, "passkey", "PSD-PMT-BND-02", "the passkey was enrolled before")
}

// CheckUse refuses a use of a passkey that was removed, or whose counter does
// not advance.
func (k *Passkey) CheckUse(u PasskeyUse) error {
	switch {
	case k.Removed:
		return UnknownPasskey()
	case !k.Advances(u.Counter):
		return protocol.New(protocol.CodeKeyNotValid, "passkey", "PSD-PAY-INS-03", "its counter did not go up: two devices may have the key")
	}
	return nil
}

// CheckSecret refuses a secret without a name.
func CheckSecret(name string) error {
	if name == "" {
		return protocol.New(protocol.CodeFieldMissing, "name", "", "")
	}
	return nil
}
