// Command act makes keys, shows them, inspects what the Agentic Commerce Trust
// Protocol sends, and verifies the evidence of a purchase.
//
//	act key new [-alg ed25519|es256] [-id KEY-ID] [-purpose PURPOSE] [password] FILE
//	act key show [-check] [password] FILE
//	act inspect [-document FILE] [-key FILE] TOKEN|FILE|-
//	act evidence verify [-document FILE]... [-witness KEY]... FILE
//	act evidence view [-document FILE]... [-witness KEY]... [-o PAGE] FILE
//
// KEY-ID is the key's name in its owner's document, DID#NAME; without it the key
// is a did:key, which is for agent-request only. A wrong PURPOSE lists the right
// ones.
//
// A password is asked for on the terminal, or comes from -password-file FILE
// (its first line) or -password-env NAME. -no-password makes a key without one.
//
// inspect reads mandates, status lists, orders, payment proofs, identity
// credentials, bindings, answers to challenges, signed messages, the three A402
// headers, DID documents and key files; it says what was verified and what was
// not, and prints no private key and nothing that could be spent. It fetches
// nothing.
//
// evidence verify prints a line for each record of an evidence file, with its
// conclusion; view writes a page for a browser, beside the file unless -o names
// another place. -document is the DID document of a party or a trust chain that
// you trust, and -witness the key of a witness that must have signed
// (name+hash+key). Without any -document the keys are those that the file
// carries: that shows that it is consistent, not who made it. Nothing is
// fetched.
//
// The exit code is 0 when nothing was found to be wrong, 1 when
// something was, 2 for a command line that is not understood.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// errUsage is a command line that is not understood; flag has said why.
var errUsage = errors.New("usage")

const usage = `usage:
  act key new [-alg ed25519|es256] [-id KEY-ID] [-purpose PURPOSE] [password] FILE
  act key show [-check] [password] FILE
  act inspect [-document FILE] [-key FILE] TOKEN|FILE|-
  act evidence verify [-document FILE]... [-witness KEY]... FILE
  act evidence view [-document FILE]... [-witness KEY]... [-o PAGE] FILE
password is asked for on the terminal, or given with
  -password-file FILE, -password-env NAME, or -no-password (key new)
KEY-ID is the key's name in its owner's document, DID#NAME; without it the key
is a did:key, which is for agent-request only. PURPOSE is agent-request or one of
  issue-authorization, issue-identity, status, sub-account, seller, proof,
  attestation, anchor, credit
`

func run(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	err := errUsage
	switch {
	case len(args) > 1 && args[0] == "key" && args[1] == "new":
		err = keyNew(args[2:], stdin, stdout, stderr)
	case len(args) > 1 && args[0] == "key" && args[1] == "show":
		err = keyShow(args[2:], stdin, stdout, stderr)
	case len(args) > 0 && args[0] == "inspect":
		err = inspectCommand(args[1:], stdin, stdout, stderr)
	case len(args) > 1 && args[0] == "evidence" && args[1] == "verify":
		err = evidenceVerify(args[2:], stdout, stderr)
	case len(args) > 1 && args[0] == "evidence" && args[1] == "view":
		err = evidenceView(args[2:], stdout, stderr)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage), errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, usage)
		return 2
	case errors.Is(err, errWrong):
		return 1
	}
	fmt.Fprintln(stderr, "act:", message(err))
	return 1
}

// parse reads flags and the number of arguments that must follow them.
func parse(set *flag.FlagSet, args []string, stderr io.Writer, positional int) error {
	set.SetOutput(stderr)
	set.Usage = func() {}
	if err := set.Parse(args); err != nil {
		return errUsage
	}
	if set.NArg() != positional {
		return errUsage
	}
	return nil
}
