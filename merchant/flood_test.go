package merchant_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/acttest"
	"github.com/actprotocol/act-go/merchant"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/commerce"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/verifier"
)

// TestFlood: one agent that sends carts of nothing, or negotiates without end,
// does not fill the replay store, and so keeps nobody else from being served.
func TestFlood(t *testing.T) {
	const room, served = 64, 20
	for _, kind := range []string{"carts", "negotiations"} {
		t.Run("CID-CART-CFM-04 CID-PCA-NEG-06 "+kind, func(t *testing.T) {
			w := acttest.NewWorld(t)
			replay := verifier.NewMemoryReplay(room, w.Clock.Now)
			small, err := verifier.New(verifier.Config{Issuers: verifier.SelfIssued{}, Keys: w.Directory, Status: w.Statuses, Replay: replay, Now: w.Clock.Now})
			must(t, err)
			shop, err := merchant.New(merchant.Config{
				Signer: w.Seller.Signer(keys.Seller), Verifier: small, PSP: &pickyPSP{}, Orders: w.Orders, Method: acttest.Method,
				Origin: w.URL, BillKey: make([]byte, 32), Now: w.Clock.Now, PerAgent: served,
				Catalogue: func(context.Context) ([]commerce.Item, error) { return []commerce.Item{latte(t)}, nil },
			})
			must(t, err)
			t.Cleanup(func() { _ = shop.Close(context.Background()) })
			w.Serve("/terms", shop.NegotiationHandler(func(context.Context, commerce.NegotiationRequest) (bool, error) { return false, nil }))
			flood := acttest.NewParty(t, "did:act:agents.test/flood", keys.AgentRequest)
			w.Directory.Add(flood)
			send := func(p *acttest.Party) protocol.Code {
				if kind == "carts" {
					c := cartRequest(t, w)
					c.BuyerAgentID, c.Items[0].ItemID = p.DID.String(), "nothing"
					raw, err := commerce.SignCartRequest(p.Signer(keys.AgentRequest), c)
					must(t, err)
					_, err = shop.ConfirmCart(context.Background(), raw)
					return protocol.CodeOf(err)
				}
				raw, err := commerce.SignNegotiationRequest(p.Signer(keys.AgentRequest), commerce.NegotiationRequest{
					RequestID: canon.UUID(), Nonce: canon.Nonce(), Timestamp: w.Clock.Now(), AgentID: p.DID.String(), MerchantID: acttest.ShopDID,
					Methods: []string{acttest.Method}, Estimated: acttest.CNY(t, "1.00"),
				})
				must(t, err)
				resp, err := w.Client.Post(w.URL+"/terms", "application/json", bytes.NewReader(raw))
				must(t, err)
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				must(t, err)
				for _, code := range []protocol.Code{protocol.CodeTooManyRequests, protocol.CodeServiceUnavailable} {
					if strings.Contains(string(body), `"code":"`+string(code)+`"`) {
						if code == protocol.CodeTooManyRequests && (resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "") {
							t.Errorf("%s %v", resp.Status, resp.Header)
						}
						return code
					}
				}
				return ""
			}
			refused := 0
			for range 2 * room {
				switch send(flood) {
				case protocol.CodeTooManyRequests:
					refused++
				case protocol.CodeServiceUnavailable:
					t.Fatal("one agent has filled the replay store")
				}
			}
			if refused != 2*room-served || replay.Len() != served {
				t.Errorf("%d refused, %d nonces kept", refused, replay.Len())
			}
			if code := send(w.Buyer); code == protocol.CodeTooManyRequests || code == protocol.CodeServiceUnavailable {
				t.Errorf("another agent: %s", code)
			}
		})
	}
}
