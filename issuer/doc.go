// Package issuer is for whoever issues mandates on behalf of principals: a
// bank, a wallet, a company for its own staff.
//
// An Issuer signs a mandate from an intent that a person has confirmed, holds
// the state of each mandate it issued, and serves the signed status list and
// its own DID document over HTTP. Use one key to issue and another for status;
// both may live in a KMS, the package only asks a keys.Signer to sign
// (ADD-IAC-ISS-11).
//
// It promises that nothing unconfirmed is issued, that one confirmation makes
// one mandate and not two budgets, and that a change of state is in the served
// list before the call that made it returns. It does not know who is calling:
// authenticate principals, agents and risk control before you name them as
// actors.
package issuer
