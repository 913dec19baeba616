package book

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
)

// Issuers is who may sign mandates for whom.
type Issuers interface {
	// TrustIssuer records that a principal lets an issuer speak for it, or no
	// longer does. The book keeps every such word; the last one counts. A
	// principal without an account is instrument_invalid: it is most likely a
	// slip of the pen, and a revocation that meets nobody must not look done.
	TrustIssuer(ctx context.Context, issuer, principal string, trusted bool) error

	// Issuers lists who is trusted for whom at present, by issuer and principal.
	Issuers(ctx context.Context) ([]Trust, error)
}

// A Trust says that an issuer may sign mandates on behalf of a principal.
type Trust struct{ Issuer, Principal string } // DIDs

// Check refuses a trust in which something is missing.
func (t Trust) Check() error {
	if t.Issuer == "" || t.Principal == "" {
		return protocol.New(protocol.CodeFieldMissing, "issuer", "ADD-IAC-ISS-10", "issuer and principal are needed")
	}
	return nil
}
