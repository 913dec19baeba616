package passkey

import (
	"bytes"
	"context"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	webauthn "github.com/go-webauthn/webauthn/protocol"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// The members of the forms that the pages' script fills in, all in base64url.
const (
	fieldNonce             = "nonce" // of the page
	fieldID                = "id"
	fieldClientData        = "client_data"
	fieldAuthenticatorData = "authenticator_data"
	fieldSignature         = "signature"
	fieldUserHandle        = "user_handle"
	fieldAttestation       = "attestation"
)

// algorithms are those of passkeys: ES256, EdDSA and, for Windows Hello, RS256.
var algorithms = [...]webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256}

// A Ceremony is what a page needs to have an act done by a passkey: the options
// for the browser, as JSON with bytes in base64url, and the nonce, which comes
// back with the form.
type Ceremony struct {
	Create  bool // a passkey is made; else one signs
	Options string
	Nonce   string
}

// Ask prepares the agreement to an act. It names no passkeys: who looks at the
// page learns nothing of the principal's.
func (v *Verifier) Ask(a Act) (Ceremony, error) {
	nonce, challenge, err := v.issue(a)
	if err != nil {
		return Ceremony{}, err
	}
	options, err := canon.Marshal(struct {
		Challenge        string `json:"challenge"`
		RPID             string `json:"rpId"`
		UserVerification string `json:"userVerification"`
	}{canon.EncodeBase64(challenge), v.host, "required"})
	return Ceremony{Options: string(options), Nonce: nonce}, err
}

// Agreed checks that the principal of an act has agreed to it: the answer of a
// page that Ask was made for, for the first time, by a passkey of that principal
// which is not removed, with the user verified. It returns the passkey. The
// act's end is the book's to judge, with the act itself.
func (v *Verifier) Agreed(ctx context.Context, a Act, form url.Values) (book.Passkey, error) {
	const requirement = "PSD-PAY-INS-03"
	challenge, err := v.recognise(a, form.Get(fieldNonce))
	if err != nil {
		return book.Passkey{}, err
	}
	f, err := fields(form, fieldID, fieldClientData, fieldAuthenticatorData, fieldSignature, fieldUserHandle)
	if err != nil {
		return book.Passkey{}, err
	}
	k, err := v.book.Passkey(ctx, canon.EncodeBase64(f[fieldID]))
	if err != nil {
		return book.Passkey{}, err
	}
	parsed, err := assertion(f).Parse()
	if err != nil {
		return book.Passkey{}, protocol.Wrap(protocol.CodeMalformed, "passkey", requirement, "", err)
	}
	if err := parsed.Verify(canon.EncodeBase64(challenge), v.host, "", []string{v.origin}, nil, nil, webauthn.TopOriginExplicitVerificationMode, false, true, true, k.Key, webauthn.SignaturePolicy{}); err != nil {
		return book.Passkey{}, untrue(requirement, err)
	}
	flags := parsed.Response.AuthenticatorData.Flags
	switch {
	case flags.HasBackupEligible() != k.BackupEligible || flags.HasBackupState() && !flags.HasBackupEligible():
		return book.Passkey{}, protocol.New(protocol.CodeKeyNotValid, "passkey", requirement, "not the kind of passkey that was enrolled")
	case len(f[fieldUserHandle]) > 0 && !bytes.Equal(f[fieldUserHandle], v.userHandle(k.Principal)), k.Principal != a.Principal:
		return book.Passkey{}, protocol.New(protocol.CodePrincipalMismatch, "passkey", requirement, "enrolled for somebody else")
	}
	return k, v.book.UsePasskey(ctx, book.PasskeyUse{ID: k.ID, Counter: parsed.Response.AuthenticatorData.Counter, Nonce: v.used(a, form.Get(fieldNonce))})
}

func assertion(f map[string][]byte) webauthn.CredentialAssertionResponse {
	return webauthn.CredentialAssertionResponse{
		PublicKeyCredential: credential(f[fieldID]),
		AssertionResponse: webauthn.AuthenticatorAssertionResponse{
			AuthenticatorResponse: webauthn.AuthenticatorResponse{ClientDataJSON: f[fieldClientData]},
			AuthenticatorData:     f[fieldAuthenticatorData], Signature: f[fieldSignature], UserHandle: f[fieldUserHandle],
		},
	}
}

func credential(id []byte) webauthn.PublicKeyCredential {
	return webauthn.PublicKeyCredential{Credential: webauthn.Credential{ID: canon.EncodeBase64(id), Type: string(webauthn.PublicKeyCredentialType)}, RawID: id}
}

// Offer prepares the enrolment of a passkey for the principal of an act.
func (v *Verifier) Offer(a Act) (Ceremony, error) {
	nonce, challenge, err := v.issue(a)
	if err != nil {
		return Ceremony{}, err
	}
	type entity struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName,omitzero"`
	}
	type parameter struct {
		Type      string `json:"type"`
		Algorithm int    `json:"alg"`
	}
	var parameters []parameter
	for _, alg := range algorithms {
		parameters = append(parameters, parameter{string(webauthn.PublicKeyCredentialType), int(alg)})
	}
	options, err := canon.Marshal(struct {
		Challenge   string      `json:"challenge"`
		RP          entity      `json:"rp"`
		User        entity      `json:"user"`
		Parameters  []parameter `json:"pubKeyCredParams"`
		Attestation string      `json:"attestation"`
		Selection   struct {
			ResidentKey        string `json:"residentKey"`
			RequireResidentKey bool   `json:"requireResidentKey"`
			UserVerification   string `json:"userVerification"`
		} `json:"authenticatorSelection"`
	}{
		Challenge: canon.EncodeBase64(challenge), RP: entity{ID: v.host, Name: v.name},
		User:       entity{ID: canon.EncodeBase64(v.userHandle(a.Principal)), Name: a.Principal, DisplayName: short(a.Principal)},
		Parameters: parameters, Attestation: "none",
		Selection: struct {
			ResidentKey        string `json:"residentKey"`
			RequireResidentKey bool   `json:"requireResidentKey"`
			UserVerification   string `json:"userVerification"`
		}{"required", true, "required"},
	})
	return Ceremony{Create: true, Options: string(options), Nonce: nonce}, err
}

// Made checks that a passkey was made for an act: the answer of a page that
// Offer was made for, with the user verified. It returns the passkey, which the
// caller registers: that uses the invitation, and so the act, once.
func (v *Verifier) Made(a Act, form url.Values) (book.Passkey, error) {
	const requirement = "PSD-PMT-BND-02"
	challenge, err := v.recognise(a, form.Get(fieldNonce))
	if err != nil {
		return book.Passkey{}, err
	}
	f, err := fields(form, fieldID, fieldClientData, fieldAttestation)
	if err != nil {
		return book.Passkey{}, err
	}
	parsed, err := webauthn.CredentialCreationResponse{
		PublicKeyCredential: credential(f[fieldID]),
		AttestationResponse: webauthn.AuthenticatorAttestationResponse{
			AuthenticatorResponse: webauthn.AuthenticatorResponse{ClientDataJSON: f[fieldClientData]}, AttestationObject: f[fieldAttestation],
		},
	}.Parse()
	if err != nil {
		return book.Passkey{}, protocol.Wrap(protocol.CodeMalformed, "passkey", requirement, "", err)
	}
	var parameters []webauthn.CredentialParameter
	for _, alg := range algorithms {
		parameters = append(parameters, webauthn.CredentialParameter{Type: webauthn.PublicKeyCredentialType, Algorithm: alg})
	}
	if _, err := parsed.Verify(canon.EncodeBase64(challenge), v.host, []string{v.origin}, nil, nil, webauthn.TopOriginExplicitVerificationMode, false, true, true, nil, parameters, webauthn.AttestationPolicy{}, webauthn.SignaturePolicy{}); err != nil {
		return book.Passkey{}, untrue(requirement, err)
	}
	data := parsed.Response.AttestationObject.AuthData
	return book.Passkey{
		ID: canon.EncodeBase64(data.AttData.CredentialID), Principal: a.Principal, Key: data.AttData.CredentialPublicKey, Counter: data.Counter,
		BackupEligible: data.Flags.HasBackupEligible(), BackedUp: data.Flags.HasBackupState(),
	}, nil
}
