package server

import (
	"context"

	"github.com/actprotocol/act-go/provider"
)

// refund answers a merchant, and has the merchant told.
func (s *Server) refund(ctx context.Context, message []byte) (provider.Answer, error) {
	a, err := s.provider.Refund(ctx, message)
	if err == nil {
		s.notifier.wake()
	}
	return a, err
}
