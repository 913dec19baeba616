package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/actprotocol/act-go/protocol"
)

const (
	followEvery = time.Second      // until what another process was told about issuers holds here
	followFor   = 10 * time.Second // that a list of issuers is good for when the ledger cannot be asked
)

// A follower keeps the list of issuers up to date when other processes write to
// the same book (Config.Shared). When the ledger does not answer for followFor,
// no issuer is trusted until it does: an issuer may have been revoked meanwhile.
type follower struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

func (s *Server) follow(shared bool) *follower {
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{cancel: cancel, ended: make(chan struct{})}
	if !shared {
		close(f.ended)
		return f
	}
	go func() {
		defer close(f.ended)
		tick := time.NewTicker(followEvery)
		defer tick.Stop()
		for good := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := s.reloadIssuers(ctx); err == nil {
				good = time.Now()
			} else if ctx.Err() == nil && time.Since(good) > followFor {
				s.issuers.load(nil)
				s.log.LogAttrs(ctx, slog.LevelWarn, "the ledger does not tell who may issue mandates: nobody may",
					slog.String("code", string(protocol.CodeOf(err))))
			}
		}
	}()
	return f
}

func (f *follower) stop() {
	f.cancel()
	<-f.ended
}

// reloadIssuers reads the list in the order of its changes: whoever changes it
// here waits.
func (s *Server) reloadIssuers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, followEvery)
	defer cancel()
	s.setup.Lock()
	defer s.setup.Unlock()
	trusts, err := s.ledger.Issuers(ctx)
	if err != nil {
		return err
	}
	s.issuers.load(trusts)
	return nil
}
