package acttools

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// ByElicitation is how a person has confirmed who was asked through the MCP
// client: the user_confirmation_method of the intent (ADD-INT-ICS-12).
const ByElicitation = "MCP_ELICITATION"

const (
	answerWithin = 10 * time.Minute // how long an open question can be answered
	maxOpen      = 8                // questions that are open at a time
	inputName    = "person"         // of the one input that is asked for
	confirmName  = "confirm"        // of the one field of the form
)

// A Subject is what a person is asked about.
type Subject string

// What a person is asked about.
const (
	AboutMandate Subject = "mandate"
	AboutPayment Subject = "payment"
)

// A Question is what a person is asked, outside of the model.
type Question struct {
	About Subject
	Text  string // to be shown as it is, several lines
}

// asking is one call of a tool, and what a person has said about it.
type asking struct {
	tools   *Tools
	request *mcp.CallToolRequest
	agreed  *openQuestion // what was answered with yes for this call, or nil

	mu    sync.Mutex // policies run in goroutines of their own
	draft *delegation.Capture
	next  *Question
}

type askingKey struct{}

// ask has a person decide. It returns how they agreed, or confirmation_failed,
// or confirmation_pending when nobody has decided yet.
func (a *asking) ask(ctx context.Context, q Question) (method string, err error) {
	if a.tools.config.Ask != nil {
		return a.tools.config.Ask(ctx, q)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.agreed != nil && a.agreed.question == q:
		return ByElicitation, nil
	case a.agreed != nil:
		return "", pending("what is to be confirmed has changed since the person agreed")
	case !canElicit(a.request):
		return "", pending("the client cannot ask a person")
	}
	a.next = &q
	return "", pending("")
}

func pending(detail string) error {
	return protocol.New(protocol.CodeConfirmationPending, inputName, "ADD-INT-ICS-04", detail)
}

// toAsk is the question that this call ends with, or nil.
func (a *asking) toAsk() *Question {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.next
}

// AskPerson has a person decide about a payment; it is made for
// [agent.AskAbove] in the policy of the agent:
//
//	Policy: agent.AskAbove(limit, acttools.AskPerson)
//
// Outside of a tool's call there is nobody to ask.
func AskPerson(ctx context.Context, p agent.Proposal) (bool, error) {
	a, ok := ctx.Value(askingKey{}).(*asking)
	if !ok {
		return false, pending("nobody can be asked here")
	}
	// Without the order number: a paywall makes a new one for every bill.
	_, err := a.ask(ctx, Question{AboutPayment, "Your assistant wants to pay " + p.Purchase.Amount.String() + " " +
		p.Purchase.Amount.Currency().Code() + "\nto: " + a.tools.nameOf(p.Purchase.Merchant) +
		"\nfor (in the shop's words): " + quoteName(p.What).Text +
		"\nYour mandate allows it. Pay?"})
	if protocol.CodeOf(err) == protocol.CodeConfirmationFailed {
		return false, nil
	}
	return err == nil, err
}

// canElicit reports whether the client says that it can show a person a form.
func canElicit(request *mcp.CallToolRequest) bool {
	c := request.ClientCapabilities()
	if c == nil || c.Elicitation == nil {
		return false
	}
	return c.Elicitation.Form != nil || c.Elicitation.URL == nil // neither is the older way to say "form"
}

// An openQuestion waits for its answer.
type openQuestion struct {
	question  Question
	tool      string
	arguments canon.Digest
	draft     *delegation.Capture // what the question was made of, when it is about a mandate
	until     time.Time
}

// openQuestions are kept by names that cannot be guessed. What they stand for
// never leaves the server, so that an answer cannot bring its own question.
type openQuestions struct {
	mu   sync.Mutex
	open map[string]*openQuestion
}

func (o *openQuestions) put(q *openQuestion, now time.Time) (name string, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, q := range o.open {
		if !now.Before(q.until) {
			delete(o.open, name)
		}
	}
	if len(o.open) >= maxOpen {
		return "", false
	}
	if o.open == nil {
		o.open = make(map[string]*openQuestion)
	}
	name = rand.Text()
	o.open[name] = q
	return name, true
}

// take returns a question once.
func (o *openQuestions) take(name string, now time.Time) *openQuestion {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := o.open[name]
	delete(o.open, name)
	if q == nil || !now.Before(q.until) {
		return nil
	}
	return q
}

// elicit ends a call with a question; the client comes back with the answer.
func (t *Tools) elicit(a *asking, q Question) *mcp.CallToolResult {
	now := t.config.Now()
	name, ok := t.open.put(&openQuestion{
		question: q, tool: a.request.Params.Name, arguments: canon.Sum(a.request.Params.Arguments), draft: a.draft, until: now.Add(answerWithin),
	}, now)
	if !ok {
		return t.failed(protocol.New(protocol.CodeTooManyRequests, inputName, "", "too many questions wait for an answer"))
	}
	return &mcp.CallToolResult{
		RequestState: name,
		InputRequests: mcp.InputRequestMap{inputName: &mcp.ElicitParams{
			Message: q.Text,
			RequestedSchema: &jsonschema.Schema{
				Type: "object", Required: []string{confirmName},
				Properties: map[string]*jsonschema.Schema{confirmName: {Type: "boolean", Title: "I agree"}},
			},
		}},
	}
}

// resume begins a call. When the call brings an answer, it must be to a question
// that is open, for this tool and these arguments.
func (t *Tools) resume(request *mcp.CallToolRequest) (*asking, error) {
	a := &asking{tools: t, request: request}
	p := request.Params
	if p.RequestState == "" && len(p.InputResponses) == 0 {
		return a, nil
	}
	q := t.open.take(p.RequestState, t.config.Now())
	if q == nil || t.config.Ask != nil || q.tool != p.Name || q.arguments != canon.Sum(p.Arguments) {
		return nil, protocol.New(protocol.CodeStateConflict, "requestState", "ADD-INT-ICS-04", "not the answer to an open question")
	}
	answer, ok := p.InputResponses[inputName].(*mcp.ElicitResult)
	switch {
	case !ok || answer == nil || answer.Action == "cancel":
		return nil, pending("the person has not decided")
	case answer.Action != "accept" || answer.Content[confirmName] != true:
		return nil, protocol.New(protocol.CodeConfirmationFailed, inputName, "ADD-INT-ICS-04", "the person said no")
	}
	a.agreed, a.draft = q, q.draft
	return a, nil
}
