// Package acttools gives a language model the tools to buy with ACT, by the
// Model Context Protocol: describe_intent, show_limits, find, confirm_cart, pay,
// fetch_paid_resource and show_bill. Behind each is an [agent.Agent], and each
// stays inside the mandates that the agent holds.
//
// # Who decides what
//
// The model proposes and a person disposes. describe_intent makes a draft of
// what the model has understood; only a person can turn it into a mandate, and
// the model has no way to answer for them. Their words are in it as the model
// reports them, so the person is shown them and agrees to them too.
//
// [Config.Ask] brings the question to
// the person, on a paired phone for example. Without it the question goes
// through the MCP client as an elicitation, and where the client has none the
// answer is no. An elicitation is as good as the client: use one that shows it
// to a person, word by word, and never has a model answer. The same holds for
// payments that the agent's policy wants a person to see, see [AskPerson].
//
// An answer counts once, for one call with the same arguments, for ten minutes,
// and only for the very text that was shown. An answer that nobody asked for is
// refused.
//
// Amounts, prices, limits and merchants are never taken from the model once a
// mandate is there. The model names goods and orders by short names that these
// tools have made up, and every purchase is judged by the library, as if no
// model were there (CID-CART-CFM-01, PSD-PAY-DEL-01, PSD-PAY-AUP-02). A model
// that is misled, by a merchant's text or by anybody else, can spend what the
// mandate allows where the mandate allows it, and nothing else. Keep mandates
// narrow.
//
// # What the model sees
//
// No result holds a payment token, a proof, a key or a mandate. Whatever comes
// from a merchant stands in a [Quoted], is marked as data, and has no invisible
// characters. Errors are the library's codes, with the requirement, whether
// money moved, and what may be done next; they repeat no input.
//
// What these tools do not do: implicit needs and preferences are not told to
// merchants, since the consent for that is not the model's to give; redirects
// are not followed; delivery addresses are not sent; and a model cannot suspend,
// resume or revoke a mandate, which is for the person and the issuer.
//
// # Agents that sell
//
// MCP is how a model uses these tools. How other agents find one that sells is
// A2A, whose agent card the seller's side of this library serves:
//
//	card, err := shop.AgentCardHandler(commerce.AgentCard{
//		Name: "Data desk", URL: "https://seller.example/a2a",
//		Negotiation: commerce.Negotiation{
//			Mode: commerce.OneWay, CapabilityURL: "https://seller.example" + merchant.CapabilityPath,
//		},
//	})
//	statement, err := shop.CapabilityHandler()
//	mux.Handle(merchant.CardPath, card)            // in front of the agent's own server
//	mux.Handle(merchant.CapabilityPath, statement) // what it can be paid by
//	mux.Handle("/a2a", agentServer)                // whatever answers A2A calls
//
// Let this card take the place of the one that an A2A server would serve
// itself: there is one card at the well-known path, signed by the key for
// selling. With [Shop.Negotiate] the tool confirm_cart reads it before a cart is
// confirmed (CID-PCA-NEG). An agent that only buys needs no card.
package acttools
