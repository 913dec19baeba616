package verifier

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// Why a Resolver or a StatusClient could not fetch, for the log of whoever
// runs it: find them with errors.Is. They are the cause of a key_unavailable
// or status_unavailable, which does not print them, and they say nothing of
// the address, which the sender of a token may have chosen. Do not answer with
// them: they would tell a stranger what a service can reach in its network.
var (
	ErrAddressRefused = errors.New("verifier: address is not public")
	ErrURLRefused     = errors.New("verifier: not an absolute https URL")
	ErrAnswerRefused  = errors.New("verifier: answer was not 200")
	ErrAnswerTooLarge = errors.New("verifier: answer is too large")

	// ErrUnreachable is no answer in time, or one that tells of a failing
	// server. The three below are special cases of it.
	ErrUnreachable = errors.New("verifier: no answer")
	ErrNameUnknown = fmt.Errorf("%w: no such host name", ErrUnreachable)
	ErrCertificate = fmt.Errorf("%w: certificate is not trusted", ErrUnreachable)
	ErrBusy        = fmt.Errorf("%w: too many fetches at once", ErrUnreachable)
)

// fetchCause reduces what an HTTP client says, which quotes the address, to
// its kind.
func fetchCause(err error) error {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	switch {
	case errors.Is(err, ErrAddressRefused):
		return ErrAddressRefused
	case errors.As(err, &certificate):
		return ErrCertificate
	case errors.As(err, &name) && name.IsNotFound:
		return ErrNameUnknown
	}
	return ErrUnreachable
}
