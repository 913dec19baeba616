package acttools_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/mcp/acttools"
	"github.com/actprotocol/act-go/protocol/delegation"
)

// An MCP server with the tools. The agent, the shop and the issuer are those of
// a world on loopback; a program has its own.
func Example() {
	ctx := context.Background()
	agent, shop, end, err := exampleWorld(ctx)
	defer end()
	if err != nil {
		fmt.Println(err)
		return
	}
	tools, err := acttools.New(acttools.Config{
		Agent:     agent.Agent,
		Transport: agent.Plain.Transport,
		Shops:     []acttools.Shop{{Name: "coffee bar", ID: shop.ID, Base: shop.Base}},
		Methods:   []string{stage.Method},
		Ceiling:   stage.Yuan("100.00"),
		Issue: func(context.Context, *delegation.Confirmed) ([]byte, error) {
			return nil, io.EOF // the principal's issuer
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "buyer", Version: "1"}, &mcp.ServerOptions{Instructions: acttools.Instructions})
	if err := tools.AddTo(server); err != nil {
		fmt.Println(err)
		return
	}
	// A program would say: server.Run(ctx, &mcp.StdioTransport{})
	near, far := mcp.NewInMemoryTransports()
	if _, err := server.Connect(ctx, far, nil); err != nil {
		fmt.Println(err)
		return
	}
	client, err := mcp.NewClient(&mcp.Implementation{Name: "host", Version: "1"}, nil).Connect(ctx, near, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	result, err := client.CallTool(ctx, &mcp.CallToolParams{Name: "show_limits"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Content[0].(*mcp.TextContent).Text)
	result, err = client.CallTool(ctx, &mcp.CallToolParams{Name: "describe_intent", Arguments: acttools.IntentInput{
		Words: "A coffee, please.", MaxTotal: "30.00", ValidHours: 1,
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(result.Content[0].(*mcp.TextContent).Text, "confirmation_pending")) // this client cannot ask a person
	// Output:
	// {"mandates":[],"shops":["coffee bar"]}
	// true
}

func exampleWorld(ctx context.Context) (buyer *stage.Buyer, shop *stage.Store, end func(), err error) {
	w, err := stage.New(ctx, &stage.Narrator{Out: io.Discard})
	end = func() { _ = w.Close(ctx) }
	if err != nil {
		return nil, nil, end, err
	}
	person, err := w.NewPerson(ctx, "principal", stage.Yuan("10.00"))
	if err != nil {
		return nil, nil, end, err
	}
	key, err := w.NewAgentKey("agent")
	if err != nil {
		return nil, nil, end, err
	}
	if buyer, err = w.NewBuyer(ctx, "agent", key, person, nil); err != nil {
		return nil, nil, end, err
	}
	shop, err = w.NewStore(ctx, "coffee", nil)
	return buyer, shop, end, err
}
