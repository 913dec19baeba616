package ledger

import (
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
)

// What is behind by a million events is caught up with a batch at a time: a batch
// must not sort what it leaves to the next ones.
func TestNextEventsPlan(t *testing.T) {
	l := openAt(t, filepath.Join(t.TempDir(), "ledger.db"), nil)
	steps, sorts := 0, 0
	err := l.read(t.Context(), func(conn *sqlite.Conn) error {
		return queryRows(conn, "EXPLAIN QUERY PLAN "+nextEvents, []any{int64(5), int64(7)}, func(r *sqlite.Stmt) error {
			steps++
			if strings.Contains(r.ColumnText(3), "TEMP B-TREE") {
				sorts++
			}
			return nil
		})
	})
	if err != nil || steps == 0 || sorts != 0 {
		t.Errorf("%d of %d steps sort, %v", sorts, steps, err)
	}
}
