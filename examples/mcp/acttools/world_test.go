package acttools_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/agent"
	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/mcp/acttools"
	"github.com/actprotocol/act-go/issuer"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// A world is one shop and one agent with the tools, over real sockets.
type world struct {
	*stage.World
	t      testing.TB
	person *stage.Person
	buyer  *stage.Buyer
	shop   *stage.Store
	tools  *acttools.Tools
	issued int
}

func newWorld(t testing.TB, change func(*acttools.Config)) *world {
	t.Helper()
	ctx := context.Background()
	w, err := stage.New(ctx, &stage.Narrator{Out: io.Discard})
	t.Cleanup(func() {
		if err := w.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	ok(t, err)
	s := &world{World: w, t: t}
	s.person, err = w.NewPerson(ctx, "principal", stage.Yuan("1000.00"))
	ok(t, err)
	key, err := w.NewAgentKey("agent")
	ok(t, err)
	s.buyer, err = w.NewBuyer(ctx, "agent", key, s.person, func(c *agent.Config) {
		c.Policy = agent.AskAbove(stage.Yuan("50.00"), acttools.AskPerson)
	})
	ok(t, err)
	s.shop, err = w.NewStore(ctx, "shop", nil)
	ok(t, err)
	s.stock()
	config := acttools.Config{
		Agent: s.buyer.Agent, Transport: s.buyer.Plain.Transport, Methods: []string{stage.Method}, Ceiling: stage.Yuan("300.00"), Now: w.Now,
		Shops: []acttools.Shop{{Name: "shop", ID: s.shop.ID, Base: s.shop.Base, Negotiate: true}},
		Issue: func(ctx context.Context, c *delegation.Confirmed) ([]byte, error) {
			s.issued++
			return w.Issuer.Issue(ctx, issuer.Grant{
				Confirmed: c, Delegator: s.person.ID(), Audience: w.Processor.ID().String(), Holder: key.Public(),
			})
		},
	}
	if change != nil {
		change(&config)
	}
	s.tools, err = acttools.New(config)
	ok(t, err)
	return s
}

func (s *world) stock() {
	for _, i := range []commerce.Item{
		{ID: "pen", Name: "Pen, blue", Category: "office/pen", Price: stage.Yuan("12.50"), DetailURL: "https://elsewhere.example/pen"},
		{ID: "desk", Name: "Desk", Category: "office/desk", Price: stage.Yuan("90.00"), DetailURL: s.shop.Base + "/page"},
	} {
		ok(s.t, s.shop.Stock(context.Background(), i, 20))
	}
	offer := merchant.Offer{Resource: "page", Category: "office/page", Price: stage.Yuan("2.00")}
	s.shop.Sell("GET /page", offer, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", r.URL.Query().Get("type"))
		_, _ = rw.Write([]byte("paid \xe2\x80\x8bpage"))
	})
	s.shop.Site.Mux.Handle("GET /moved", http.RedirectHandler("https://elsewhere.example/", http.StatusFound))
}

// grant gives the agent a mandate as if a person had confirmed it before.
func (s *world) grant(total string) agent.Mandate {
	s.t.Helper()
	return s.grantFor(total, s.shop.ID)
}

func (s *world) grantFor(total string, shops ...string) agent.Mandate {
	s.t.Helper()
	confirmed, err := s.person.Confirm(s.buyer, "Pens, please.", func(i *delegation.ISR) {
		i.DelegationMode, i.MaxTotalAmount = delegation.Specified, delegation.Number(total)
		i.Ext = &delegation.Ext{Commerce: &delegation.Commerce{
			AllowedMerchants: shops, AllowedCategories: []string{"office"}, MinSingleAmount: "1", ForbiddenCategories: []string{"alcohol"},
		}}
	})
	ok(s.t, err)
	m, err := s.person.Grant(context.Background(), s.buyer, confirmed)
	ok(s.t, err)
	return m
}

// A client is the MCP client of a test.
type client struct {
	*mcp.ClientSession
	t testing.TB
}

// connect connects a client that answers elicitations by ask; nil cannot.
func (s *world) connect(version string, ask func(*mcp.ElicitParams) *mcp.ElicitResult, byHand bool) *client {
	s.t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "act", Version: "0"}, nil)
	ok(s.t, s.tools.AddTo(server))
	near, far := mcp.NewInMemoryTransports()
	ctx := context.Background()
	_, err := server.Connect(ctx, far, nil)
	ok(s.t, err)
	options := &mcp.ClientOptions{MultiRoundTrip: &mcp.MultiRoundTripOptions{Disabled: byHand}}
	if ask != nil {
		options.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) { return ask(r.Params), nil }
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "0"}, options).Connect(ctx, near, &mcp.ClientSessionOptions{ProtocolVersion: version})
	ok(s.t, err)
	s.t.Cleanup(func() { _ = session.Close() })
	return &client{session, s.t}
}

// raw calls a tool.
func (c *client) raw(p *mcp.CallToolParams) *mcp.CallToolResult {
	c.t.Helper()
	result, err := c.CallTool(context.Background(), p)
	ok(c.t, err)
	return result
}

// must calls a tool that must not fail.
func must[Out any](c *client, name string, in any) (out Out) {
	c.t.Helper()
	result := c.raw(&mcp.CallToolParams{Name: name, Arguments: in})
	if result.IsError {
		c.t.Fatalf("%s: %s", name, text(c.t, result))
	}
	c.conforms(name, in, result)
	ok(c.t, json.Unmarshal([]byte(text(c.t, result)), &out))
	return out
}

// conforms holds arguments and result to the schemas that the model is told.
func (c *client) conforms(name string, in any, result *mcp.CallToolResult) {
	c.t.Helper()
	tools, err := c.ListTools(context.Background(), nil)
	ok(c.t, err)
	for _, tool := range tools.Tools {
		if tool.Name != name {
			continue
		}
		if in != nil {
			arguments, err := json.Marshal(in)
			ok(c.t, err)
			validate(c.t, tool.InputSchema, arguments)
		}
		output, err := json.Marshal(result.StructuredContent)
		ok(c.t, err)
		validate(c.t, tool.OutputSchema, output)
		validate(c.t, tool.OutputSchema, []byte(text(c.t, result)))
		return
	}
	c.t.Fatalf("no tool %s", name)
}

func validate(t testing.TB, schema any, data []byte) {
	t.Helper()
	form, err := json.Marshal(schema)
	ok(t, err)
	var s jsonschema.Schema
	ok(t, s.UnmarshalJSON(form))
	resolved, err := s.Resolve(nil)
	ok(t, err)
	var v any
	ok(t, json.Unmarshal(data, &v))
	if err := resolved.Validate(v); err != nil {
		t.Fatalf("%s is not as %s says: %v", data, form, err)
	}
}

// refuse calls a tool that must fail with a code.
func (c *client) refuse(code protocol.Code, name string, in any) acttools.Failure {
	c.t.Helper()
	return c.refusal(code, c.raw(&mcp.CallToolParams{Name: name, Arguments: in}))
}

func (c *client) refusal(code protocol.Code, result *mcp.CallToolResult) (f acttools.Failure) {
	c.t.Helper()
	if !result.IsError {
		c.t.Fatalf("not refused: %+v", result)
	}
	ok(c.t, json.Unmarshal([]byte(text(c.t, result)), &f))
	if f.Code != code || f.Next == "" || f.Meaning == "" {
		c.t.Fatalf("%+v, not %s", f, code)
	}
	return f
}

func text(t testing.TB, r *mcp.CallToolResult) string {
	t.Helper()
	if len(r.Content) != 1 {
		t.Fatalf("%d contents: %+v", len(r.Content), r)
	}
	return r.Content[0].(*mcp.TextContent).Text
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// order has one thing confirmed, found by its price.
func (c *client) order(price string) acttools.CartOutput {
	c.t.Helper()
	found := must[acttools.FindOutput](c, "find", acttools.FindInput{Need: "a blue pen or a desk"})
	for _, f := range found.Found {
		if f.Price == price {
			return must[acttools.CartOutput](c, "confirm_cart", acttools.CartInput{Lines: []acttools.CartLine{{Item: f.Item, Quantity: 1}}})
		}
	}
	c.t.Fatalf("nothing for %s in %+v", price, found)
	return acttools.CartOutput{}
}

var accept = &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": true}}

// draft are arguments of describe_intent that are in order.
func draft() acttools.IntentInput {
	return acttools.IntentInput{Words: "Pens, please.", MaxTotal: "100", ValidHours: 2, Shops: []string{"shop"}}
}

const timeout = 10 * time.Minute // of a question
