// Command generate writes testdata/vectors and testdata/requirements.tsv anew,
// and removes the files of cases that are no longer made:
//
//	go run ./internal/vectors/generate
package main

import (
	"fmt"
	"os"

	"github.com/actprotocol/act-go/internal/vectors"
)

func main() {
	root := "."
	if len(os.Args) == 2 {
		root = os.Args[1]
	}
	n, err := vectors.Write(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(n, "cases")
}
