package guard_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/actprotocol/act-go/protocol/privacy/guard"
)

// A logger that masks what slips into it.
func ExampleNewHandler() {
	options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	logger := slog.New(guard.NewHandler(slog.NewTextHandler(os.Stdout, options)))
	logger.Info("refund to 4111 1111 1111 1111", "order", "urn:uuid:7f3c1e52-9d1a-4c55-8f0e-5b0d6a1c2e3f",
		slog.Group("buyer", "phone", "+86 138 0013 8000"), "err", errors.New("no mailbox alice@example.com"))
	// Output:
	// level=INFO msg="refund to [account]" order=urn:uuid:7f3c1e52-9d1a-4c55-8f0e-5b0d6a1c2e3f buyer.phone=[phone] err="no mailbox [email]"
}

// Refuse what cannot be taken back.
func ExampleCheck() {
	fmt.Println(guard.Check(`{"note":"ring 13800138000 on arrival"}`))
	// Output:
	// act: field_invalid: holds what looks like personal data or a secret: phone (PRV-04)
}
