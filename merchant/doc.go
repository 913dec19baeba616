// Package merchant is the seller's side of ACT: a paywall in front of your own
// http.Handler, and a catalogue, answers to what agents say they need, carts and
// pick-ups for what cannot be sold by the request.
//
// A Shop bills with its own key, believes a payment only when the provider has
// signed it for exactly this order, request and buyer, has every proof
// consumed at the provider before it delivers, and tells the provider
// afterwards. What it must not forget is in an OrderStore.
//
// How it is paid for single requests is a Rail: that of SPEC.md 6.2 to 6.4 by
// default, a provider's own product by configuration, as in package
// merchant/alipay. An Offer may have its answer sent while it is made; it is
// kept all the same.
//
// Give a shop that must survive a crash a durable OrderStore and a BillKey that
// survives with it. Put limits on headers and connections on your http.Server;
// the bodies are limited here. Make paid handlers that change something
// idempotent in Purchase.OutTradeNo if you can: then a delivery whose end is
// not known is easily settled.
//
// What it promises: a proof delivers at most once, however often and
// concurrently it is presented, and the same request with the same proof gets
// the same answer again; what cannot be checked now is neither delivered nor
// billed anew; a request that is never paid costs no memory. What it does not:
// it does not judge mandates, which are between the buyer's principal and the
// provider, and it takes the provider's word that it will pay out.
package merchant
