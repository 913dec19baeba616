// Package alipaytest is a double of Alipay's gateway and cashier, for tests of
// a shop that is paid through package alipay. It is not Alipay, does not belong
// to it and has never talked to it: it behaves as the public documentation of
// the product says, as far as a seller can see it. It signs and verifies RSA2
// for real, over real HTTPS on loopback, with keys that are made for the test.
//
// Pay does what a buyer's tool does with a bill: it checks the seller's
// signature, moves no money, and returns the proof. Misbehave changes answers
// on their way out, after they were signed or before: unsigned, of another key,
// cut off, slow, in another charset, with other facts.
//
// It forgets everything at the end of the test. Nothing here belongs into a
// program that moves money. Before you sell, try the product's own sandbox.
package alipaytest
