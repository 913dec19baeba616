package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
	"github.com/actprotocol/act-go/protocol/money"
)

// A research is the story while it is told.
type research struct {
	*stage.World
	sellers
	person  *stage.Person
	buyer   *stage.Buyer
	purse   *purse
	mandate agent.Mandate
	alerts  chan agent.Alert
	paid    money.Amount // for what was delivered, by the sellers' prices
	asked   bool         // the principal, about the sensors
}

// tell runs the whole story and fails when anything is not as it should be.
func tell(ctx context.Context, n *stage.Narrator) (err error) {
	w, err := stage.New(ctx, n)
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	r := &research{World: w, alerts: make(chan agent.Alert, 2), paid: money.Zero(stage.CNY)}
	for _, chapter := range []func(context.Context) error{
		r.introduce, r.agree, r.negotiate, r.buyWeather, r.question, r.live,
		r.freeze, r.thief, r.useUp, r.showBill, r.takeBack, r.showBooks,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *research) introduce(ctx context.Context) (err error) {
	r.Line("Research by an agent that buys data by itself, with money set aside for it (PSD-PAY-AUP).")
	r.Chapter("A budget of its own")
	if err := r.open(ctx, r.World); err != nil {
		return err
	}
	if r.person, err = r.NewPerson(ctx, "principal", stage.Yuan("500.00")); err != nil {
		return err
	}
	key, err := r.NewAgentKey("agent")
	if err != nil {
		return err
	}
	if r.purse, err = setAside(ctx, r.World, r.person, key.DID()); err != nil {
		return err
	}
	r.buyer, err = r.NewBuyer(ctx, "agent", key, r.person, func(c *agent.Config) {
		c.Instruments[0].SubAccount = &r.purse.SubAccount // and no payment token (PSD-PAY-AUP-04)
		c.Policy = agent.Policies(agent.AtMost(3), agent.AskAbove(stage.Yuan("0.60"), r.decide))
		c.Alert = func(a agent.Alert) { r.alerts <- a } // told in a goroutine of its own
	})
	return err
}

// agree is the principal's part: the boundaries, in which the agent chooses.
func (r *research) agree(ctx context.Context) error {
	confirmed, err := r.person.Confirm(r.buyer, "Find out how the weather moves the price of coffee. Buy the data that you need, for 3.40 yuan at most.", func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Bounded, "3.40"
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{MaxSingleAmount: "1", AllowedCategories: []string{"data"}}}
	})
	if err != nil {
		return err
	}
	if r.mandate, err = r.person.Grant(ctx, r.buyer, confirmed); err != nil {
		return err
	}
	r.Says("principal", "agent", "ask me about more than 0.60 yuan, and buy three times from a seller at most")
	return nil
}

// decide is the principal when the agent asks: she wants to see the sensors
// once.
func (r *research) decide(_ context.Context, p agent.Proposal) (bool, error) {
	r.Says("agent", "principal", "%s yuan for “%s”: may I? (PSD-PAY-A402-05)", p.Purchase.Amount, p.What)
	yes := p.Purchase.Merchant == r.sensors.ID && !r.asked
	r.asked = true
	if yes {
		r.Says("principal", "agent", "yes, I want to see that")
	} else {
		r.Says("principal", "agent", "no, once was enough")
	}
	return yes, nil
}

// negotiate finds out who can be paid. What is learned here widens nothing: it
// only tells whom it is worth to ask.
func (r *research) negotiate(ctx context.Context) error {
	r.Chapter("Who can be paid, and how")
	refused := map[*seller]protocol.Code{r.bureau: protocol.CodeNoMatch, r.lure: protocol.CodeClaimsConflict}
	for _, s := range r.all() {
		shop, err := r.buyer.Shop(s.Store)
		if err != nil {
			return err
		}
		if s.mode == commerce.OneWay {
			r.Says(s.Name, "agent", "my signed card, and my public statement (CID-PCA-NEG-01, -02)")
		} else {
			r.Says("agent", s.Name, "this is how I can pay about %s yuan; and you? (CID-PCA-NEG-06)", s.price)
		}
		agreed, err := shop.Negotiate(ctx, s.price)
		if code, bad := refused[s]; bad {
			if err := r.Expect("agent", err, code); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		r.Notes("agent", "agreed: %s (CID-PCA-NEG-03, -04)", agreed.MethodID)
	}
	r.Notes("agent", "asks neither the bureau, which takes another method, nor the lure, which says that the provider is at an address of the lure's own (CID-PCA-NEG-05, -07)")
	return nil
}

// ask makes the request for something at an address.
func (r *research) ask(ctx context.Context, address string) (*http.Request, error) {
	if !strings.HasPrefix(address, r.exchange.Base) {
		return http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader("coffee, this month"))
	if err != nil {
		return nil, err
	}
	// A POST may change something. The key says that the same one again is the
	// same purchase.
	q.Header.Set("Idempotency-Key", rand.Text())
	q.Header.Set("Content-Type", "text/plain")
	return q, nil
}

// A reason is why a seller did not deliver: who says so, and what.
type reason struct {
	who  string
	code protocol.Code
}

// fetch fetches the same from the first of several sellers that delivers, and
// fails unless those before did not deliver for exactly these reasons. What
// [agent.Agent.FetchAny] returns when nobody delivers is returned.
func (r *research) fetch(ctx context.Context, path string, from []*seller, reasons ...reason) error {
	response, attempts, err := r.fetchAny(ctx, path, from)
	if len(attempts) != min(len(reasons)+1, len(from)) {
		return fmt.Errorf("%d attempts are too few or too many: %w", len(attempts), cmp.Or(err, errors.New("delivered")))
	}
	for n, at := range attempts {
		r.Says("agent", from[n].Name, "%s %s", at.Request.Method, path)
		if n < len(reasons) {
			if err := r.Expect(reasons[n].who, at.Err, reasons[n].code); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	page, err := stage.Read(response)
	if err != nil {
		return err
	}
	return r.delivered(from[len(attempts)-1], page)
}

// fetchAny is all that a user of the library writes.
func (r *research) fetchAny(ctx context.Context, path string, from []*seller) (*http.Response, []agent.Attempt, error) {
	var requests []*http.Request
	for _, s := range from {
		q, err := r.ask(ctx, s.at(path))
		if err != nil {
			return nil, nil, err
		}
		requests = append(requests, q)
	}
	return r.buyer.Agent.FetchAny(ctx, r.buyer.Client, requests...)
}

// delivered tells what was bought, and adds it up.
func (r *research) delivered(s *seller, page string) (err error) {
	r.Says(s.Name, "agent", "“%s”, for %s yuan (PSD-PAY-A402-19)", page, s.price)
	r.paid, err = r.paid.Add(s.price)
	return err
}

// buyWeather needs the months of four stations.
func (r *research) buyWeather(ctx context.Context) error {
	r.Chapter("The same from several sellers")
	r.mirror.closed.Store(true)
	cheapestFirst := []*seller{r.mirror, r.weather, r.archive}
	if err := r.fetch(ctx, "/station?id=1", cheapestFirst, reason{"mirror", protocol.CodeServiceUnavailable}); err != nil {
		return err
	}
	r.Notes("agent", "nothing was paid at the mirror, that is certain: so it went on (PSD-PAY-AUP-02)")
	d := r.Decided()
	r.Notes("psp", "%d checks of the payment from the sub-account, all met (PSD-PAY-AUP-03)", len(d.Checks()))
	r.Checks(d.Checks())
	if err := r.paidNotDelivered(ctx); err != nil {
		return err
	}
	if err := r.fetch(ctx, "/station?id=3", []*seller{r.weather}); err != nil {
		return err
	}
	if err := r.fetch(ctx, "/station?id=4", []*seller{r.weather, r.archive}, reason{"agent", protocol.CodePolicyRefused}); err != nil {
		return err
	}
	r.Notes("agent", "three payments to one seller are enough, said the principal: so it went on")
	return nil
}

// paidNotDelivered: a seller fails after it was paid. To go on to the next one
// would be to pay twice; the agent comes back with the same proof instead.
func (r *research) paidNotDelivered(ctx context.Context) error {
	r.failing.Store(true)
	both := []*seller{r.weather, r.archive}
	response, attempts, err := r.fetchAny(ctx, "/station?id=2", both)
	if err != nil {
		return err
	}
	response.Body.Close()
	if len(attempts) != 1 || !attempts[0].Open {
		return errors.New("somebody else was asked, or nothing was paid")
	}
	r.Says("agent", "weather", "GET /station?id=2, and again with a proof of payment")
	r.Says("weather", "agent", "%s", response.Status)
	r.Notes("agent", "paid, and nothing got yet: nobody else is asked (PSD-PAY-A402-23)")
	if err := r.Unmoved(ctx, func(ctx context.Context) error { return r.fetch(ctx, "/station?id=2", both) }); err != nil {
		return err
	}
	r.Notes("agent", "the same request presented the same proof; paid once (PSD-PAY-A402-15)")
	return nil
}

// question is a request with a body, which the bill is bound to.
func (r *research) question(ctx context.Context) error {
	r.Chapter("An answer to a question")
	if err := r.fetch(ctx, "/question", []*seller{r.exchange}); err != nil {
		return err
	}
	r.Notes("agent", "the bill was for this question: method, address and body are in it (PSD-PAY-A402-16)")
	return nil
}

// live reads an answer while it is made: the sensors measure again only when
// the agent has read what they measured before.
func (r *research) live(ctx context.Context) error {
	r.Chapter("An answer that is sent while it is made")
	reading, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	q, err := r.ask(reading, r.sensors.at("/live"))
	if err != nil {
		return err
	}
	r.Says("agent", "sensors", "GET /live")
	response, err := r.buyer.Client.Do(q)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	n := 0
	for lines.Scan() {
		n++
		r.Says("sensors", "agent", "%s", lines.Text())
		if n == measurements {
			continue // the end of the answer, which says that this was all
		}
		select {
		case r.heard <- struct{}{}:
		case <-reading.Done():
			return reading.Err()
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if n != measurements {
		return fmt.Errorf("%d of %d measurements", n, measurements)
	}
	if err := r.delivered(r.sensors, "all of it"); err != nil {
		return err
	}
	r.Says("agent", "sensors", "GET /live, once more")
	return r.refused(ctx, "agent", protocol.CodePolicyRefused, r.buyer, r.sensors.at("/live"))
}

// useUp spends what is left. The agent knows from the provider what the
// sub-account holds, and does not ask to pay more, although the mandate would
// allow it; what is cheaper is still bought.
func (r *research) useUp(ctx context.Context) error {
	r.Chapter("Until the money ends")
	if err := r.fetch(ctx, "/station?id=5", []*seller{r.archive}); err != nil {
		return err
	}
	if err := r.warned(); err != nil {
		return err
	}
	r.mirror.closed.Store(false)
	r.Notes("mirror", "is open again")
	if err := r.fetch(ctx, "/station?id=6", []*seller{r.archive, r.mirror}, reason{"agent", protocol.CodeBalanceInsufficient}); err != nil {
		return err
	}
	r.Notes("agent", "too dear there for what is left, and certainly not paid: so it went on (PSD-PAY-AUP-02)")
	tooDear := reason{"agent", protocol.CodeBalanceInsufficient}
	err := r.fetch(ctx, "/station?id=7", []*seller{r.mirror, r.archive}, tooDear, tooDear)
	return r.Expect("agent", err, protocol.CodeNoMatch)
}

// warned waits for the alert that most of the mandate is spent.
func (r *research) warned() error {
	select {
	case a := <-r.alerts:
		if a.Reason != agent.NearTotal {
			return fmt.Errorf("%s instead of %s", a.Reason, agent.NearTotal)
		}
		r.Says("agent", "principal", "%s: %s of %s yuan are spent (PSD-PAY-AUP-05)", a.Reason, a.Spent, a.Total)
		return nil
	case <-time.After(5 * time.Second):
		return errors.New("no alert")
	}
}
