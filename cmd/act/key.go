package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// message is an error for people: ours without its "act: ", others as they
// are, since what the user typed may be repeated to the user.
func message(err error) string {
	var e *protocol.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := strings.TrimPrefix(e.Error(), "act: ")
	if cause := errors.Unwrap(e); cause != nil && e.Code == protocol.CodeServiceUnavailable {
		text += ": " + cause.Error()
	}
	return text
}

func keyNew(args []string, stdin *os.File, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("act key new", flag.ContinueOnError)
	alg := set.String("alg", "ed25519", "")
	id := set.String("id", "", "")
	purpose := set.String("purpose", string(keys.AgentRequest), "")
	none := set.Bool("no-password", false, "")
	source := passwordFlags(set)
	if err := parse(set, args, stderr, 1); err != nil {
		return err
	}
	algorithm, ok := map[string]keys.Algorithm{"ed25519": keys.EdDSA, "es256": keys.ES256}[strings.ToLower(*alg)]
	if !ok {
		return errors.New("-alg is ed25519 or es256")
	}
	if !slices.Contains(signing(), *purpose) {
		return errors.New("-purpose is one of " + strings.Join(signing(), ", "))
	}
	if *id == "" && *purpose != string(keys.AgentRequest) {
		return errors.New("-id is needed for this purpose: the key's name in the document of its owner, for example did:act:agents.example/buyer#k2; " +
			"without -id the key is a did:key, which is for agent-request only")
	}
	key, err := keyfile.Generate(algorithm, *id, keys.Purpose(*purpose))
	if err != nil {
		return err
	}
	var password []byte
	if !*none {
		if password, err = source.read(stdin, stderr, true); err != nil {
			return err
		}
	} else if source.given() {
		return errors.New("-no-password and a password")
	}
	if err := keyfile.Write(set.Arg(0), key, password); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "wrote %s\n", set.Arg(0))
	showKey(stdout, key.ID(), key.Purpose(), key.Public(), len(password) > 0)
	return nil
}

// signing are the purposes that a key file can have.
func signing() (names []string) {
	for _, p := range keys.Purposes() {
		if p != keys.Encryption {
			names = append(names, string(p))
		}
	}
	return names
}

func keyShow(args []string, stdin *os.File, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("act key show", flag.ContinueOnError)
	check := set.Bool("check", false, "")
	source := passwordFlags(set)
	if err := parse(set, args, stderr, 1); err != nil {
		return err
	}
	file, err := keyfile.Load(set.Arg(0))
	if err != nil {
		return err
	}
	showKey(stdout, file.KeyID(), file.Purpose(), file.Public(), file.Encrypted())
	if !*check && !source.given() {
		fmt.Fprintln(stdout, "not verified: that the private key is that of the public one (-check opens the file)")
		return nil
	}
	var password []byte
	if file.Encrypted() {
		if password, err = source.read(stdin, stderr, false); err != nil {
			return err
		}
	}
	if _, err := file.Open(password); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "verified: the private key is that of the public one")
	return nil
}

// showKey prints the public side.
func showKey(w io.Writer, id string, purpose keys.Purpose, public keys.PublicKey, encrypted bool) {
	fmt.Fprintf(w, "key id:     %s\npurpose:    %s\nalgorithm:  %s\npublic key: %s\nthumbprint: %s\n",
		id, purpose, public.Algorithm(), public.JWK(), public.Thumbprint())
	if did, err := identity.DIDFromKey(public); err == nil {
		fmt.Fprintf(w, "did:key:    %s\n", did)
	}
	fmt.Fprintf(w, "encrypted:  %t\n", encrypted)
}

// A passwordSource says where a password comes from.
type passwordSource struct{ file, env *string }

func passwordFlags(set *flag.FlagSet) passwordSource {
	return passwordSource{file: set.String("password-file", "", ""), env: set.String("password-env", "", "")}
}

func (p passwordSource) given() bool { return *p.file != "" || *p.env != "" }

// read returns the password, never empty. A new one is asked for twice.
func (p passwordSource) read(stdin *os.File, stderr io.Writer, twice bool) ([]byte, error) {
	var password []byte
	var err error
	switch {
	case *p.file != "" && *p.env != "":
		return nil, errors.New("-password-file or -password-env, not both")
	case *p.file != "":
		password, err = os.ReadFile(*p.file)
		password, _, _ = bytes.Cut(password, []byte("\n"))
		password = bytes.TrimSuffix(password, []byte("\r"))
	case *p.env != "":
		password = []byte(os.Getenv(*p.env))
	default:
		password, err = ask(stdin, stderr, twice)
	}
	if err == nil && len(password) == 0 {
		err = errors.New("the password is empty")
	}
	return password, err
}

// ask reads a password from the terminal without showing it.
func ask(stdin *os.File, stderr io.Writer, twice bool) ([]byte, error) {
	fd := int(stdin.Fd())
	if !term.IsTerminal(fd) {
		return nil, errors.New("no terminal to ask for a password: use -password-file, -password-env or, for a new key, -no-password")
	}
	fmt.Fprint(stderr, "password: ")
	password, err := term.ReadPassword(fd)
	fmt.Fprintln(stderr)
	if err != nil || !twice {
		return password, err
	}
	fmt.Fprint(stderr, "again: ")
	again, err := term.ReadPassword(fd)
	fmt.Fprintln(stderr)
	if err == nil && !bytes.Equal(password, again) {
		err = errors.New("the two are not the same")
	}
	return password, err
}
