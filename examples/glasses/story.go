package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
	"github.com/actprotocol/act-go/protocol/payment"
)

// A walk is the story while it is told.
type walk struct {
	*stage.World
	person    *stage.Person
	stranger  *stage.Person
	phone     *stage.Phone
	other     *stage.Phone // of the stranger
	teahouse  *stage.Store
	glasses   *stage.Buyer
	recorder  *recorder
	voice     voice
	confirmed *delegation.Confirmed
	checkout  *stage.Checkout
	shop      *agent.Shop  // the tea house, as the glasses see it
	spent     money.Amount // what was handed over, by the tea house's prices
}

// What was said. The words are for the reader of the story: they leave the
// glasses in no form.
const (
	wished   = "来一杯茉莉花茶，再要一块桂花糕，就在街角那家。"
	answered = "总共不超过一百块，一次三十块以内。"
)

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	w, err := stage.New(ctx, n)
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	s := &walk{World: w, recorder: newRecorder(), spent: money.Zero(stage.CNY)}
	for _, chapter := range []func(context.Context) error{
		s.introduce, s.listen, s.readBack, s.buy, s.refusals, s.otherPhone, s.whatLeft, s.dispute, s.showBooks,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *walk) introduce(ctx context.Context) (err error) {
	s.Line("L1: tea, ordered by voice and confirmed on the phone, without a mandate (PSD-PAY-INS).")
	if s.person, err = s.NewPerson(ctx, "principal", stage.Yuan("200.00")); err != nil {
		return err
	}
	if s.stranger, err = s.NewPerson(ctx, "stranger", stage.Yuan("50.00")); err != nil {
		return err
	}
	if s.phone, err = s.person.PairPhone(ctx, "phone"); err != nil {
		return err
	}
	if s.other, err = s.stranger.PairPhone(ctx, "phone 2"); err != nil {
		return err
	}
	if err := s.openTeahouse(ctx); err != nil {
		return err
	}
	key, err := s.NewAgentKey("glasses")
	if err != nil {
		return err
	}
	if s.glasses, err = s.NewBuyer(ctx, "glasses", key, s.person, nil); err != nil {
		return err
	}
	s.voice = voice{zone: time.FixedZone("", 8*60*60), now: s.Now, names: map[string]phrase{
		s.teahouse.ID: {"the tea house on the corner", "街角茶馆"},
		stage.Method:  {"your wallet", "您的钱包"},
	}}
	return nil
}

func (s *walk) openTeahouse(ctx context.Context) (err error) {
	if s.teahouse, err = s.NewStore(ctx, "tea-house", nil); err != nil {
		return err
	}
	for _, item := range []commerce.Item{
		{ID: "tea", Name: "Jasmine tea 茉莉花茶", Category: "food/tea", Price: stage.Yuan("18.00"), Delivery: 5 * time.Minute},
		{ID: "cake", Name: "Osmanthus cake 桂花糕", Category: "food/cake", Price: stage.Yuan("8.50"), Delivery: 5 * time.Minute},
	} {
		if err := s.teahouse.Stock(ctx, item, 20); err != nil {
			return err
		}
	}
	return s.Processor.NameMerchant(ctx, s.teahouse.ID, "街角茶馆 (tea house on the corner)")
}

// listen makes a draft of what was said, and asks for what is missing.
func (s *walk) listen(context.Context) error {
	s.Chapter("By voice")
	s.Says("principal", "glasses", "“%s”", wished)
	s.recorder.listen(4)
	capture := delegation.NewCapture(s.recorder.history())
	err := capture.Clarify(func(i *delegation.ISR) {
		i.DelegationMode, i.Currency, i.AgentID = delegation.Specified, "CNY", s.glasses.ID()
		i.ValidityStart = s.Now().Truncate(time.Second).UTC()
		i.ValidityEnd = s.Now().Add(2 * time.Hour).Truncate(30 * time.Minute).UTC() // a time that can be said
		i.AllowedPaymentMethods = []string{stage.Method}
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{AllowedMerchants: []string{s.teahouse.ID}}}
	})
	if err != nil {
		return err
	}
	if missing := capture.Missing(); !slices.Equal(missing, []string{"max_total_amount"}) {
		return fmt.Errorf("the draft lacks %q", missing)
	}
	s.Says("glasses", "principal", "“最多花多少？ Up to how much?” (ADD-INT-ICS-04)")
	s.Says("principal", "glasses", "“%s”", answered)
	s.recorder.listen(2)
	// The conversation is one recording. It is longer now, and so has another digest.
	heard := s.recorder.history()
	err = capture.Clarify(func(i *delegation.ISR) {
		i.ConversationHistory = &heard
		i.MaxTotalAmount, i.Ext.Commerce.MaxSingleAmount = "100", "30"
	})
	if err != nil {
		return err
	}
	s.Notes("glasses", "keep the recording, %d bytes; the intent holds (ADD-INT-ICS-01, -02):", len(s.recorder.file()))
	s.Quote("user_intent_raw_digest " + string(heard.Digest) + "\ncontext_ref " + heard.ContextRef + "\ninput_mode " + heard.InputMode[0])
	return s.agree(capture)
}

// agree reads the draft aloud, shows the same on the phone in full, and takes
// the principal's yes.
func (s *walk) agree(capture *delegation.Capture) (err error) {
	wish := phrase{"a jasmine tea and an osmanthus cake", "一杯茉莉花茶，一块桂花糕"}
	for _, l := range []delegation.Language{delegation.Chinese, delegation.English} {
		sentences, err := s.voice.intent(capture.Draft(), wish, l)
		if err != nil {
			return err
		}
		for _, sentence := range sentences {
			s.Says("glasses", "principal", "“%s”", sentence)
		}
	}
	s.Says("glasses", "phone", "and in full, to read (ADD-INT-ICS-05):")
	s.Quote(capture.Summary(delegation.Chinese))
	if s.confirmed, err = capture.Confirm("TOUCH", s.Now()); err != nil {
		return err
	}
	s.Says("principal", "glasses", "taps: yes (ADD-INT-ICS-12)")
	return s.glasses.Agent.AttestIntent(s.confirmed)
}

// readBack shows that a voice does not leave out what it cannot say.
func (s *walk) readBack(context.Context) error {
	more := s.confirmed.ISR()
	more.Ext.Commerce.ForbiddenCategories = []string{"food/cake"}
	_, err := s.voice.intent(more, phrase{}, delegation.Chinese)
	s.Notes("glasses", "had the intent another boundary, the glasses would not read it without:")
	return s.Expect("glasses", err, protocol.CodeFieldInvalid)
}

// buy is the good case: nothing is signed in advance, the principal says yes to
// this one payment.
func (s *walk) buy(ctx context.Context) (err error) {
	s.Chapter("Confirmed on the phone")
	if s.checkout, err = s.glasses.Checkout(s.confirmed); err != nil {
		return err
	}
	if s.shop, err = s.checkout.Shop(s.teahouse); err != nil {
		return err
	}
	order, err := s.order(ctx, agent.Line{ItemID: "tea", Quantity: 1}, agent.Line{ItemID: "cake", Quantity: 1})
	if err != nil {
		return err
	}
	return s.pay(ctx, order, s.phone.Agree(order))
}

// order has the tea house confirm a cart, and says what it costs.
func (s *walk) order(ctx context.Context, lines ...agent.Line) (*agent.Order, error) {
	order, err := s.shop.ConfirmCart(ctx, lines, commerce.Fulfilment{})
	if err != nil {
		return nil, err
	}
	total := order.Confirmation.Amount
	s.Says("tea house", "glasses", "%s yuan, signed, for the intent and no mandate (CID-CART-CFM-03)", total)
	s.Says("glasses", "principal", "“一共%s，请在手机上确认。 %s in all; please confirm on your phone.”", yuan(total, delegation.Chinese), yuan(total, delegation.English))
	return order, nil
}

// ask asks the processor for a payment; at happens while it waits for the
// principal.
func (s *walk) ask(ctx context.Context, order *agent.Order, at visit) (*agent.Payment, error) {
	return s.checkout.Pay(ctx, order, func(ctx context.Context, p payment.Pending) error {
		s.Says("glasses", "psp", "pay the order as the tea house signed it; no mandate (PSD-PAY-INS-05, -08)")
		s.Says("psp", "glasses", "%s: nothing is moved or reserved until the principal confirms at my cashier", p.TradeState)
		return at(ctx, p)
	})
}

// pay pays for an order and takes the goods.
func (s *walk) pay(ctx context.Context, order *agent.Order, at visit) error {
	paid, err := s.ask(ctx, order, at)
	if err != nil {
		return err
	}
	s.Says("psp", "glasses", "paid: %s yuan, with a proof (PSD-PAY-INS-06); judged once more with the debit:", paid.Amount)
	s.Checks(s.Decided().Checks())
	if err := s.recorded(ctx, order); err != nil {
		return err
	}
	goods, err := s.glasses.PickUp(ctx, order, paid)
	if err != nil {
		return err
	}
	s.Says("tea house", "principal", "%s", goods)
	s.spent, err = s.spent.Add(order.Confirmation.Amount)
	return err
}

// recorded looks into the processor's book: who confirmed, how, and when.
func (s *walk) recorded(ctx context.Context, order *agent.Order) error {
	instants, err := s.Book.Instants(ctx, 1)
	if err != nil {
		return err
	}
	if len(instants) != 1 || instants[0].Order != order.Confirmation.MerchantOrderID || instants[0].Confirmation.Method != "device:"+s.phone.ID {
		return errors.New("the book does not say that the paired phone confirmed this order")
	}
	s.Notes("psp", "recorded: confirmed by the paired phone, %s (PSD-PAY-INS-03)", instants[0].Confirmation.At.UTC().Format(time.TimeOnly))
	return nil
}

// whatLeft looks at everything that the glasses have sent to the tea house and
// the processor. Beside that they have only fetched identity documents.
func (s *walk) whatLeft(context.Context) error {
	s.Chapter("What has left the glasses")
	recording := s.recorder.file()
	requests, size := s.glasses.Wire.Volume()
	for name, secret := range map[string][]byte{
		"the recording": recording[len(recording)/2 : len(recording)/2+24], "the words": []byte(wished), "the answer": []byte(answered),
		"the place of the recording": []byte(s.recorder.ref), "the phone's name": []byte(s.phone.ID),
	} {
		if s.glasses.Wire.Told("", secret) {
			return fmt.Errorf("%s was sent", name)
		}
	}
	if size >= len(recording) {
		return fmt.Errorf("%d bytes were sent, enough for a recording of %d", size, len(recording))
	}
	if !s.glasses.Wire.Told("", []byte(s.confirmed.ISR().IntentID)) {
		return errors.New("the orders do not name the intent")
	}
	s.Notes("glasses", "%d bytes in %d requests, less than the recording's %d: neither the recording nor a word of it, only the intent's id (ADD-INT-ICS-06)",
		size, requests, len(recording))
	return nil
}

// dispute: whoever may hear the recording can tell whether it is the one.
func (s *walk) dispute(context.Context) error {
	heard := s.confirmed.ISR().ConversationHistory
	if err := heard.Matches(s.recorder.file()); err != nil {
		return err
	}
	s.Notes("arbiter", "is given the recording: it is what the digest names (ADD-INT-ICS-02, -18)")
	edited := s.recorder.file()
	edited = edited[:len(edited)-2*sampleRate] // without the last second
	s.Notes("arbiter", "is given one that ends a second earlier:")
	return s.Expect("arbiter", heard.Matches(edited), protocol.CodeClaimsConflict)
}

// showBooks compares what the glasses, the tea house and the processor say.
func (s *walk) showBooks(ctx context.Context) error {
	s.Chapter("The glasses' bill")
	bill, err := s.glasses.Agent.TaskBill(ctx, s.checkout.Intent())
	if err != nil {
		return err
	}
	var rows [][]string
	for _, e := range bill.Entries {
		rows = append(rows, []string{e.At.UTC().Format(time.TimeOnly), e.What, string(e.State), e.Amount.String()})
	}
	s.Table([]string{"begun", "what", "state", "yuan"}, rows)
	if bill.Spent != s.spent {
		return fmt.Errorf("the glasses say that %s was spent, the tea house %s", bill.Spent, s.spent)
	}
	s.Notes("glasses", "spent %s of %s yuan", bill.Spent, bill.Total)
	if err := s.teahouse.Shop.Flush(ctx); err != nil {
		return err
	}
	s.Chapter("The processor's ledger")
	return s.Audit(ctx, map[string]string{s.teahouse.ID: "tea house"}, map[string]money.Amount{s.person.ID(): s.spent})
}
