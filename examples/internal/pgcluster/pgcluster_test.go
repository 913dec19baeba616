package pgcluster_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
)

// query returns the one text that a query has as its result.
func query(t *testing.T, c *pgcluster.Cluster, sql string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var out string
	if err := conn.QueryRow(ctx, sql).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCluster starts a server, kills it twice, and looks at what it is: durable,
// small, on no network, and gone afterwards.
func TestCluster(t *testing.T) {
	c := pgcluster.ForTest(t, "max_connections=20")
	for name, want := range map[string]string{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "listen_addresses": "", "max_connections": "20"} {
		if got := query(t, c, "SELECT current_setting('"+name+"')"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	execute(t, c, "CREATE TABLE kept (n text)")
	for i, end := range []func() error{c.Kill, c.Abort} {
		execute(t, c, "INSERT INTO kept VALUES ('row')")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := query(t, c, "SELECT count(*)::text FROM kept"); got != []string{"1", "2"}[i] {
			t.Errorf("%s rows survived", got)
		}
	}
	folder, _, _ := strings.Cut(strings.TrimPrefix(c.DSN(), "host="), " ")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func execute(t *testing.T, c *pgcluster.Cluster, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
