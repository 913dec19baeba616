package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/actprotocol/act-go/internal/inspect"
	"github.com/actprotocol/act-go/keyfile"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// errWrong ends with code 1 after a report that says what is wrong.
var errWrong = errors.New("wrong")

func inspectCommand(args []string, stdin *os.File, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("act inspect", flag.ContinueOnError)
	document := set.String("document", "", "")
	key := set.String("key", "", "")
	if err := parse(set, args, stderr, 1); err != nil {
		return err
	}
	options := inspect.Options{Now: time.Now()}
	var err error
	if *document != "" {
		if options.Document, err = readDocument(*document); err != nil {
			return err
		}
	}
	if *key != "" {
		if options.Key, err = readKey(*key); err != nil {
			return err
		}
	}
	input, err := readInput(set.Arg(0), stdin)
	if err != nil {
		return err
	}
	report, err := inspect.Read(input, options)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, report)
	if !report.OK() {
		return errWrong
	}
	return nil
}

// readInput takes "-" for stdin, the name of a file, or the text itself.
func readInput(arg string, stdin io.Reader) ([]byte, error) {
	if arg == "-" {
		return io.ReadAll(io.LimitReader(stdin, inspect.MaxInput+1))
	}
	data, err := readFile(arg)
	// A token is no name of a file: it does not exist, or is too long for one.
	if errors.Is(err, fs.ErrNotExist) || err != nil && len(arg) > 200 {
		return []byte(arg), nil
	}
	return data, err
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, inspect.MaxInput+1))
}

// readDocument reads a DID document, whose id is believed.
func readDocument(name string) (*identity.Document, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	var head struct {
		ID identity.DID `json:"id"`
	}
	if err := canon.DecodeOpen(data, &head); err != nil {
		return nil, err
	}
	return identity.DecodeDocument(data, head.ID)
}

// readKey reads a public JWK, or the public side of a key file.
func readKey(name string) (keys.PublicKey, error) {
	data, err := readFile(name)
	if err != nil {
		return keys.PublicKey{}, err
	}
	if file, err := keyfile.Parse(data); err == nil {
		return file.Public(), nil
	}
	return keys.ParseJWK(data)
}
