package ledger

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/keys"
)

// PairDevice implements book.Devices.
func (l *Ledger) PairDevice(ctx context.Context, d book.Device) error {
	if err := d.Check(); err != nil {
		return err
	}
	return l.decide(ctx, func(t *tx) (refusal, err error) { return t.pairDevice(&d) })
}

func (t *tx) pairDevice(d *book.Device) (refusal, err error) {
	known, err := has(t.conn, d.Principal, book.Principal)
	if err != nil {
		return nil, err
	}
	if !known {
		return book.NoAccount("PSD-PAY-INS-03"), nil
	}
	used, err := t.row("SELECT 1 FROM devices WHERE device = ?", []any{d.ID}, func(*sqlite.Stmt) {})
	if err == nil && !used {
		used, err = t.registered(d.Key)
	}
	if err != nil {
		return nil, err
	}
	if used {
		return book.DeviceUsed(), nil
	}
	if err := t.exec("INSERT INTO devices (device, principal, jwk, thumbprint, paired_at) VALUES (?, ?, ?, ?, ?)",
		d.ID, d.Principal, d.Key.JWK(), d.Key.Thumbprint(), t.unix()); err != nil {
		return nil, err
	}
	return nil, t.exec("INSERT INTO device_states (device, seq, state, at) VALUES (?, 0, 'paired', ?)", t.conn.LastInsertRowID(), t.unix())
}

// registered reports whether a key was ever registered, for a device or a
// sub-account: it serves one of them.
func (t *tx) registered(k keys.PublicKey) (bool, error) {
	print := k.Thumbprint()
	return t.row("SELECT 1 FROM devices WHERE thumbprint = ? UNION ALL SELECT 1 FROM subaccounts WHERE thumbprint = ?", []any{print, print}, func(*sqlite.Stmt) {})
}

// RemoveDevice implements book.Devices.
func (l *Ledger) RemoveDevice(ctx context.Context, id string) error {
	return l.decide(ctx, func(t *tx) (refusal, err error) {
		var row, seq int64
		var state string
		found, err := t.row("SELECT d.id, s.seq, s.state FROM devices d JOIN device_states s ON s.device = d.id WHERE d.device = ? ORDER BY s.seq DESC LIMIT 1",
			[]any{id}, func(r *sqlite.Stmt) { row, seq, state = r.ColumnInt64(0), r.ColumnInt64(1), r.ColumnText(2) })
		switch {
		case err != nil || found && state == "removed":
			return nil, err
		case !found:
			return book.UnknownDevice(), nil
		}
		return nil, t.exec("INSERT INTO device_states (device, seq, state, at) VALUES (?, ?, 'removed', ?)", row, seq+1, t.unix())
	})
}

const deviceColumns = `SELECT d.device, d.principal, d.jwk, d.paired_at,
	(SELECT state FROM device_states s WHERE s.device = d.id ORDER BY seq DESC LIMIT 1) FROM devices d `

func scanDevice(r *sqlite.Stmt) (book.Device, error) {
	key, err := book.StoredKey(columnBytes(r, 2))
	return book.Device{ID: r.ColumnText(0), Principal: r.ColumnText(1), Key: key, Removed: r.ColumnText(4) != "paired", PairedAt: fromUnix(r.ColumnInt64(3))}, err
}

// Device implements book.Devices.
func (l *Ledger) Device(ctx context.Context, id string) (book.Device, error) {
	var d book.Device
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		refusal := book.UnknownDevice()
		err := queryRows(conn, deviceColumns+"WHERE d.device = ?", []any{id}, func(r *sqlite.Stmt) (err error) {
			d, refusal = scanDevice(r)
			return nil
		})
		if err == nil {
			err = refusal
		}
		return err
	})
	if err != nil {
		return book.Device{}, err
	}
	return d, nil
}

// Devices implements book.Devices.
func (l *Ledger) Devices(ctx context.Context) ([]book.Device, error) {
	var out []book.Device
	err := l.read(ctx, func(conn *sqlite.Conn) error {
		out = nil
		return queryRows(conn, deviceColumns+"ORDER BY d.id", nil, func(r *sqlite.Stmt) error {
			d, err := scanDevice(r)
			out = append(out, d)
			return err
		})
	})
	return out, err
}
