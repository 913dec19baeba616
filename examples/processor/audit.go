package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/actprotocol/act-go/examples/internal/folder"
	"github.com/actprotocol/act-go/examples/processor/book"
)

// audit opens the book, recomputes it and prints what it found.
func audit(ctx context.Context, o *options, f folder.Folder, w io.Writer) (err error) {
	s, err := openToRead(ctx, o, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	report, err := s.Audit(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d accounts, %d mandates, %d trades, %d transfers, %d entries\n",
		report.Accounts, report.Mandates, report.Trades, report.Transfers, report.Entries)
	fmt.Fprintf(w, "%d sub-accounts, %d instant payments without an end\n", report.SubAccounts, report.Waiting)
	for _, c := range book.Consumers() {
		fmt.Fprintf(w, "%d events not reported yet for %s\n", report.Unreported[c], c)
	}
	for _, c := range report.Currencies {
		fmt.Fprintf(w, "%s: all entries sum to %d, deposited %d minor units\n", c.Currency, c.Sum, c.Deposited)
	}
	for _, p := range report.Problems {
		fmt.Fprintln(w, "problem:", p)
	}
	if !report.Sound() {
		return errors.New("the ledger is not sound")
	}
	fmt.Fprintln(w, "the ledger is sound")
	return nil
}
