package localtls_test

import (
	"crypto/tls"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/actprotocol/act-go/examples/internal/localtls"
)

// A server on this machine, and a client that trusts its authority and nobody
// else.
func Example() {
	ca, err := localtls.NewCA()
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	if server.TLS, err = ca.ServerConfig(); err != nil {
		log.Fatal(err)
	}
	server.StartTLS()
	defer server.Close()

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.TLS.Version == tls.VersionTLS13, resp.StatusCode)
	// Output: true 404
}
