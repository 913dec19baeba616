package stage_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/stage"
)

// TestStream: a wiretap does not hold up an answer that is still being made, and
// shows it when it has been read.
func TestStream(t *testing.T) {
	read := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(rw, "one")
		if err := http.NewResponseController(rw).Flush(); err != nil {
			t.Error(err)
		}
		select {
		case <-read:
			fmt.Fprintln(rw, "two")
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	var out bytes.Buffer
	story := &stage.Narrator{Out: &out, Verbose: true}
	client := &http.Client{Transport: (&stage.Wiretap{Story: story}).Over(http.DefaultTransport)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	if !lines.Scan() || lines.Text() != "one" {
		t.Fatalf("%q, %v", lines.Text(), lines.Err())
	}
	story.Notes("reader", "has the first line")
	if strings.Contains(out.String(), "200 OK") {
		t.Error("the answer was shown before it was read")
	}
	close(read)
	if !lines.Scan() || lines.Text() != "two" || lines.Scan() {
		t.Errorf("%q, %v", lines.Text(), lines.Err())
	}
	response.Body.Close()
	story.Notes("reader", "has all")
	if told := out.String(); strings.Count(told, "200 OK") != 1 || !strings.Contains(told, "one\n") || !strings.Contains(told, "two\n") {
		t.Errorf("%s", told)
	}
}
