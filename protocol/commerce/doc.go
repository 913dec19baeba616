// Package commerce has what a buyer's agent and a merchant say to each other
// before payment: the catalogue (CID-MER-CAT), what an agent says it needs and
// what a merchant has for it (CID-INT-XFR), the merchant's agent card and how it
// can be paid (CID-PCA-NEG), the cart request and the merchant's signed order
// confirmation (CID-CART-CFM). The wire is SPEC.md section 5.
//
// An [Order] is the noun that money depends on: the payment request carries
// it, and the payment service provider takes payee, amount, currency, category
// and delivery from it (CID-CART-CFM-05). Its sums are exact: a line's subtotal
// is unit price times quantity, the amount is the sum of the subtotals, and
// both are checked whenever an order is read or signed.
//
// What the Parse functions return is unverified: it has the right form, and may
// come from anybody. Verification needs the signer's key, a clock and an
// expectation, and is the business of package verifier. In particular nothing
// here looks at the time.
package commerce
