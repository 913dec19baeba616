package server_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/actprotocol/act-go/examples/processor/internal/judge"
	"github.com/actprotocol/act-go/examples/processor/openapi"
)

// served is what the tests of this package were answered, by the operations of
// the OpenAPI document.
var served operations

type operations struct {
	mu  sync.Mutex
	all map[string]bool
}

func (o *operations) add(seen []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = make(map[string]bool)
	}
	for _, s := range seen {
		o.all[s] = true
	}
}

// programs are the paths that the program serves around the server; its own
// tests are judged for them.
var programs = []string{"/desk", "/healthz", "/readyz", "/metrics", "/openapi.json", "/debug"}

// TestMain runs the tests, of which every exchange with a server is compared
// with the OpenAPI document, and then looks the other way round: whatever the
// document says can be served must have been, by one of them.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" && !testing.Short() && code == 0 {
		code = undocumented()
	}
	os.Exit(code)
}

func undocumented() (code int) {
	d, err := judge.Read(openapi.Document())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, s := range d.Served() {
		if !served.all[s] && !ofProgram(s) {
			fmt.Println("OpenAPI: no test was answered", s)
			code = 1
		}
	}
	return code
}

func ofProgram(served string) bool {
	path := strings.Fields(served)[1]
	if path == "/" {
		return true
	}
	for _, p := range programs {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}
