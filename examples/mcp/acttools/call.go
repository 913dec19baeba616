package acttools

import (
	"context"
	"errors"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// maxArguments bounds what a model may send.
const maxArguments = 16 << 10

// A tool does one thing for a model. What it returns with an error is not
// used.
type tool[In, Out any] func(ctx context.Context, in In) (Out, error)

// paidError is an error of a call in which money has moved, or may have.
type paidError struct {
	error
	money Money
}

func (e paidError) Unwrap() error { return e.error }

// add adds a tool to a server. Arguments are read as everything from outside is,
// strictly: an argument that the tool does not have is an error, and so is one
// that is there twice. The schema is only told.
func add[In, Out any](t *Tools, s *mcp.Server, about mcp.Tool, run tool[In, Out]) error {
	input, err := jsonschema.For[In](nil)
	if err != nil {
		return protocol.Wrap(protocol.CodeFieldInvalid, about.Name, "", "a tool needs a schema of its arguments", err)
	}
	output, err := jsonschema.For[Out](nil)
	if err != nil {
		return protocol.Wrap(protocol.CodeFieldInvalid, about.Name, "", "a tool needs a schema of its result", err)
	}
	about.InputSchema, about.OutputSchema = input, output
	s.AddTool(&about, func(ctx context.Context, request *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		in, err := arguments[In](request.Params.Arguments)
		if err != nil {
			return t.failed(err), nil
		}
		a, err := t.resume(request)
		if err != nil {
			return t.failed(err), nil
		}
		out, err := run(context.WithValue(ctx, askingKey{}, a), in)
		if err != nil {
			if question := a.toAsk(); question != nil && protocol.CodeOf(err) == protocol.CodeConfirmationPending {
				return t.elicit(a, *question), nil
			}
			return t.failed(err), nil
		}
		return t.succeeded(out), nil
	})
	return nil
}

// arguments reads what a model sent.
func arguments[In any](raw []byte) (in In, err error) {
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	err = canon.Limits{MaxBytes: maxArguments}.Decode(raw, &in)
	return in, err
}

func (t *Tools) succeeded(out any) *mcp.CallToolResult {
	text, err := canon.Marshal(out)
	if err != nil {
		return t.failed(err)
	}
	return &mcp.CallToolResult{
		Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}, StructuredContent: jsonText(text),
	}
}

// failed is the result of a tool that has failed. It has no structured content,
// which is of the tool's own form.
func (t *Tools) failed(err error) *mcp.CallToolResult {
	money := MoneyUntouched
	if paid := (paidError{}); errors.As(err, &paid) {
		money = paid.money
	}
	f := failure(err, money)
	if f.Code == protocol.CodePolicyRefused && len(t.config.Agent.Wallet().Mandates()) == 0 {
		f.Next = "No mandate is held. Call describe_intent with what the person said; they decide outside of this conversation."
	}
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: f.text()}}}
}

// jsonText is JSON that is written as it is.
type jsonText []byte

// MarshalJSON implements json.Marshaler.
func (t jsonText) MarshalJSON() ([]byte, error) { return t, nil }
