// Package alipay lets a shop of package merchant be paid through Alipay's
// metered payment for agents ("AI Pay"), the published product behind A402: a
// Rail is a merchant.Rail, so that a shop moves between its provider's
// psp.Client and Alipay by its configuration, and its handlers know nothing of
// it. SPEC.md 6.9 has the mapping, field by field.
//
// A Rail writes the product's bill, signed by RSA2 with the application's key,
// reads the product's proof, has it judged by the gateway
// (alipay.aipay.agent.payment.verify), compares every fact of the answer with
// what the bill said, and confirms the fulfilment
// (alipay.aipay.agent.fulfillment.confirm). Give it the key that signs as a
// crypto.Signer, from a key service if you can, and Alipay's public key, not
// the application's: the console shows both. Try it with the sandbox's gateway
// first, and test your own shop with package alipaytest.
//
// What it promises: an answer of the gateway counts only when Alipay's key has
// signed exactly these bytes; whatever is not a clear yes or a clear no is
// undetermined, so that nothing is delivered and nothing is billed anew; keys
// and proofs are in no error, and print as nothing.
//
// What it cannot promise, because the product is weaker here than SPEC.md 6:
// a proof is not bound to the buyer's key, and who sees one before it is used
// can have the delivery; the buyer is not named; a request with a proof costs a
// call of the gateway before anything about it is known, so that a limit on
// requests belongs in front of it; and the gateway has no call that uses a proof
// up, so that the shop's own store alone keeps it from delivering twice. The
// package is independent of Alipay and follows its public documentation.
package alipay
