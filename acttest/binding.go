package acttest

import (
	"context"
	"strings"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// bindingPath is below which the pages of binding requests would be.
const bindingPath = "/binding/"

// AcceptBinding is the principal who agrees to a binding request, by the
// binding_url of the payment.BindingPending, after lowering what is asked for;
// lower may be nil. The principal has an account in the currency. The error says
// what the provider refused. The double keeps no limits of balance and task.
func (s *PSP) AcceptBinding(url string, lower func(*payment.BindingTerms)) error {
	ctx := context.Background()
	b, err := s.house.Binding(ctx, bindingID(url))
	if err != nil {
		return err
	}
	if err := s.house.welcome(b.Principal, b.Asked.Currency.Code()); err != nil {
		return err
	}
	terms := b.Asked
	if lower != nil {
		lower(&terms)
	}
	_, err = s.provider.AcceptBinding(ctx, b.ID, terms, provider.Confirmation{Method: "acttest", At: s.clock.Now()})
	return err
}

// DeclineBinding is the principal who says no to one.
func (s *PSP) DeclineBinding(url string) error {
	return s.provider.DeclineBinding(context.Background(), bindingID(url), protocol.CodeConfirmationFailed)
}

func bindingID(url string) string {
	_, id, _ := strings.Cut(url, bindingPath)
	return id
}
