package ledger

import (
	"context"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/provider"
)

// TestFreezesAddUp: a freeze holds until whoever made it takes it back
// (PSD-AGT-SUB-02, PSD-AGT-SUB-03). Somebody else's freeze, and its end, must
// not thaw a sub-account that its principal, or risk control, wants frozen.
func TestFreezesAddUp(t *testing.T) {
	const active, frozen = provider.SubAccountActive, provider.SubAccountFrozen
	type step struct {
		to    provider.SubAccountState
		cause book.StateCause
		want  protocol.Code
	}
	for name, tc := range map[string]struct {
		steps []step
		state provider.SubAccountState
		cause book.StateCause
	}{
		"a stolen agent whose identity lapses and holds again": {[]step{
			{frozen, book.ByPrincipal, ""}, {frozen, book.ForIdentity, ""}, {active, book.ForIdentity, ""},
		}, frozen, book.ByPrincipal},
		"risk control is satisfied, and the principal is not": {[]step{
			{frozen, book.ByPrincipal, ""}, {frozen, book.ForRisk, ""}, {active, book.ForRisk, ""},
		}, frozen, book.ByPrincipal},
		"an identity that lapsed while risk control looked": {[]step{
			{frozen, book.ForRisk, ""}, {frozen, book.ForIdentity, ""}, {active, book.ForRisk, ""},
		}, frozen, book.ForIdentity},
		"the principal freezes what risk control froze": {[]step{
			{frozen, book.ForRisk, ""}, {frozen, book.ByPrincipal, ""}, {active, book.ForRisk, ""},
		}, frozen, book.ByPrincipal},
		"nobody thaws what another froze": {[]step{
			{frozen, book.ByPrincipal, ""}, {active, book.ForRisk, protocol.CodeActorRefused}, {active, book.ForIdentity, protocol.CodeActorRefused},
		}, frozen, book.ByPrincipal},
		"a wish taken back under another's freeze": {[]step{
			{frozen, book.ByPrincipal, ""}, {frozen, book.ForRisk, ""}, {active, book.ByPrincipal, ""}, {active, book.ByPrincipal, protocol.CodeActorRefused},
		}, frozen, book.ForRisk},
		"all have taken theirs back": {[]step{
			{frozen, book.ByPrincipal, ""}, {frozen, book.ForRisk, ""}, {frozen, book.ForIdentity, ""},
			{active, book.ForRisk, ""}, {active, book.ByPrincipal, ""}, {active, book.ForIdentity, ""},
		}, active, book.ForIdentity},
		"one cause does not thaw twice": {[]step{
			{frozen, book.ForRisk, ""}, {frozen, book.ByPrincipal, ""}, {active, book.ForRisk, ""}, {active, book.ForRisk, protocol.CodeActorRefused},
		}, frozen, book.ByPrincipal},
		"frozen twice by one is thawed once": {[]step{
			{frozen, book.ByPrincipal, ""}, {frozen, book.ByPrincipal, ""}, {active, book.ByPrincipal, ""},
		}, active, book.ByPrincipal},
	} {
		t.Run("PSD-AGT-SUB-02 "+name, func(t *testing.T) {
			l, _ := furnished(t)
			a := openSub(t, l, 20_00, nil)
			for i, s := range tc.steps {
				if err := l.SetSubAccountState(context.Background(), sub, s.to, s.cause); protocol.CodeOf(err) != s.want {
					t.Fatalf("step %d: %v, want %q", i, err, s.want)
				}
			}
			want := protocol.Code("")
			if tc.state == frozen {
				want = protocol.CodeSubAccountFrozen
			}
			_, err := l.Pay(context.Background(), fromSub(a, 1_00))
			wantCode(t, err, want)
			wantCode(t, l.TopUp(context.Background(), book.TopUp{ID: "t", SubAccount: sub, Amount: 1}), want)
			if got := subAccount(t, l, sub); got.State != tc.state || got.Cause != tc.cause {
				t.Errorf("%s by %s, want %s by %s", got.State, got.Cause, tc.state, tc.cause)
			} else if by := got.FrozenBy; (len(by) > 0) != (tc.state == frozen) || len(by) > 0 && by[len(by)-1] != tc.cause {
				t.Errorf("%s, frozen by %q, the last cause %s", got.State, by, tc.cause)
			}
			sound(t, l)
		})
	}
	t.Run("PSD-AGT-SUB-02 an agent's identity holds again, and what its principal froze stays frozen", func(t *testing.T) {
		l, _ := furnished(t)
		ctx := context.Background()
		for _, id := range []string{"sub-a", "sub-b", "sub-c"} {
			openSub(t, l, 5_00, func(a *book.SubAccount) { a.ID = id })
		}
		wantCode(t, l.SetSubAccountState(ctx, "sub-a", frozen, book.ByPrincipal), "")
		wantCode(t, l.SetSubAccountState(ctx, "sub-b", frozen, book.ForRisk), "")
		for _, state := range []provider.SubAccountState{frozen, active} {
			if n, err := l.SetAgentSubAccounts(ctx, agent, state, book.ForIdentity); n != 3 || err != nil {
				t.Fatalf("%s: %d, %v", state, n, err)
			}
		}
		for id, want := range map[string]provider.SubAccountState{"sub-a": frozen, "sub-b": frozen, "sub-c": active} {
			if got := subAccount(t, l, id).State; got != want {
				t.Errorf("%s is %s, want %s", id, got, want)
			}
		}
	})
}
