package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/examples/mcp/acttools"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// A model is a language model as far as the tools see it: it calls them and
// reads what they say. This one follows a script. Its client shows a person what
// has to be confirmed; the person is played by this program.
type model struct {
	session *mcp.ClientSession
	story   *stage.Narrator
	read    []string                // every result, as it came
	person  func(shown string) bool // what the person says to what the client shows; nil says no
}

// connect starts a server and a client with a real transport between them.
func connect(ctx context.Context, server *mcp.Server, n *stage.Narrator, o *mcp.ClientSessionOptions) (*model, error) {
	near, far := mcp.NewInMemoryTransports()
	if _, err := server.Connect(ctx, far, nil); err != nil {
		return nil, err
	}
	m := &model{story: n}
	client := mcp.NewClient(&mcp.Implementation{Name: "demo", Version: "0.1.0"}, &mcp.ClientOptions{ElicitationHandler: m.show})
	var err error
	m.session, err = client.Connect(ctx, near, o)
	return m, err
}

// show is the client showing a person a question, outside of the model.
func (m *model) show(_ context.Context, request *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
	m.story.Says("client", "principal", "please decide (ADD-INT-ICS-04, -05):")
	m.story.Quote(request.Params.Message)
	if m.person == nil || !m.person(request.Params.Message) {
		m.story.Says("principal", "client", "no")
		return &mcp.ElicitResult{Action: "decline"}, nil
	}
	m.story.Says("principal", "client", "yes")
	return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": true}}, nil
}

// call calls a tool and reads the result into out. What the tool refuses is a
// *protocol.Error.
func (m *model) call(ctx context.Context, name string, arguments, out any) error {
	return m.send(ctx, &mcp.CallToolParams{Name: name, Arguments: arguments}, out)
}

func (m *model) send(ctx context.Context, p *mcp.CallToolParams, out any) error {
	said, err := canon.Marshal(p.Arguments)
	if err != nil {
		return err
	}
	m.story.Says("model", "tools", "%s %s", p.Name, said)
	result, err := m.session.CallTool(ctx, p)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	if len(result.Content) != 1 {
		return errors.New("a result has one text")
	}
	text, ok := result.Content[0].(*mcp.TextContent)
	if !ok {
		return errors.New("a result is text")
	}
	m.read = append(m.read, text.Text)
	if !result.IsError {
		return json.Unmarshal([]byte(text.Text), out)
	}
	var f acttools.Failure
	if err := json.Unmarshal([]byte(text.Text), &f); err != nil {
		return err
	}
	if f.Money != acttools.MoneyUntouched {
		return fmt.Errorf("%s: %s, and the money: %s", p.Name, f.Code, f.Money)
	}
	m.story.Says("tools", "model", "%s; next: %s", f.Code, f.Next)
	return protocol.New(f.Code, f.Field, cmp.Or(f.Requirement, "SPEC.md 7"), f.Meaning)
}
