package book

import (
	"context"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// Tokens are the payment tokens (provider.Token) of the book.
type Tokens interface {
	// BindToken binds a payment token to an account that exists. The new token
	// is active. The same id cannot be bound twice (state_conflict), not even
	// with equal content: who binds must know what was bound. A principal
	// without an account in the currency is instrument_invalid. A failed
	// binding leaves no token (PSD-PMT-BND-05).
	BindToken(ctx context.Context, k provider.Token) error

	// SetTokenState freezes, thaws (provider.TokenActive) or cancels a token.
	// Setting the state it has does nothing. A cancelled token stays so
	// (state_conflict); an unknown one is instrument_invalid. The change holds
	// for every payment that is decided after the call returned
	// (PSD-PMT-BND-04).
	SetTokenState(ctx context.Context, token string, state provider.TokenState) error

	// Tokens lists the payment tokens in the order of binding.
	Tokens(ctx context.Context) ([]provider.Token, error)
}

// CheckToken refuses a token in which something is missing or of the wrong form
// (field_missing, field_invalid), before a store looks at it.
func CheckToken(k *provider.Token) error {
	if k.ID == "" || k.Principal == "" || k.Agent == "" || k.Currency == "" {
		return protocol.New(protocol.CodeFieldMissing, "token", "PSD-PMT-BND-03", "id, principal, agent and currency are needed")
	}
	if !k.ValidUntil.After(k.ValidFrom) {
		return protocol.New(protocol.CodeFieldInvalid, "valid_until", "PSD-PMT-BND-03", "after valid_from")
	}
	if k.Ceiling < 0 {
		return protocol.New(protocol.CodeFieldInvalid, "ceiling", "PSD-PMT-BND-03", "not below zero")
	}
	return nil
}

// CheckTokenState refuses what is no state of a token (field_invalid).
func CheckTokenState(s provider.TokenState) error {
	if s != provider.TokenActive && s != provider.TokenFrozen && s != provider.TokenCancelled {
		return protocol.New(protocol.CodeFieldInvalid, "state", "PSD-PMT-BND-04", "active, frozen or cancelled")
	}
	return nil
}

// UnknownToken refuses whoever names a token that was never bound.
func UnknownToken() error {
	return protocol.New(protocol.CodeInstrumentInvalid, "payment_token", "PSD-PMT-BND-04", "no such token")
}

// TokenUsed refuses a token whose id was bound before.
func TokenUsed() error {
	return protocol.New(protocol.CodeStateConflict, "id", "PSD-PMT-BND-05", "the token was bound before")
}

// ChangeToken decides about the state of a token that is known: whether there is
// something to change. A cancelled one stays so.
func ChangeToken(now, state provider.TokenState) (bool, error) {
	switch now {
	case state:
		return false, nil
	case provider.TokenCancelled:
		return false, protocol.New(protocol.CodeStateConflict, "state", "PSD-PMT-BND-04", "the token was cancelled")
	}
	return true, nil
}
