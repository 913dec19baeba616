package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol/keys"
)

// PairDevice implements book.Book.
func (s *Store) PairDevice(ctx context.Context, d book.Device) error {
	if err := d.Check(); err != nil {
		return err
	}
	held := []key{keyOf("device", d.ID), thumbprintKey(d.Key)}
	return s.decide(ctx, held, func(t *tx) (refusal, err error) { return t.pairDevice(&d) })
}

func (t *tx) pairDevice(d *book.Device) (refusal, err error) {
	known, err := t.has(d.Principal, book.Principal)
	if err != nil {
		return nil, err
	}
	if !known {
		return book.NoAccount("PSD-PAY-INS-03"), nil
	}
	var one int
	used, err := t.row("SELECT 1 FROM devices WHERE device = $1", []any{d.ID}, &one)
	if err == nil && !used {
		used, err = t.registered(d.Key)
	}
	if err != nil {
		return nil, err
	}
	if used {
		return book.DeviceUsed(), nil
	}
	return nil, t.exec("INSERT INTO devices (device, principal, jwk, thumbprint, paired_at) VALUES ($1, $2, $3, $4, $5)",
		d.ID, d.Principal, d.Key.JWK(), d.Key.Thumbprint(), t.at())
}

// registered reports whether a key was ever registered, for a device or a
// sub-account: it serves one of them. Whoever asks holds its thumbprintKey.
func (t *tx) registered(k keys.PublicKey) (bool, error) {
	var one int
	return t.row("SELECT 1 FROM devices WHERE thumbprint = $1 UNION ALL SELECT 1 FROM subaccounts WHERE thumbprint = $1 LIMIT 1", []any{k.Thumbprint()}, &one)
}

func thumbprintKey(k keys.PublicKey) key { return keyOf("thumbprint", k.Thumbprint()) }

// RemoveDevice implements book.Book.
func (s *Store) RemoveDevice(ctx context.Context, id string) error {
	return s.decide(ctx, []key{keyOf("device", id)}, func(t *tx) (refusal, err error) {
		var row int64
		known, err := t.row("SELECT id FROM devices WHERE device = $1", []any{id}, &row)
		switch {
		case err != nil:
			return nil, err
		case !known:
			return book.UnknownDevice(), nil
		}
		return nil, t.exec("INSERT INTO device_removals (device, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", row, t.at())
	})
}

const deviceColumns = `SELECT d.device, d.principal, d.jwk, d.paired_at, r.device IS NOT NULL FROM devices d LEFT JOIN device_removals r ON r.device = d.id `

func scanDevice(r pgx.Row) (d book.Device, err error) {
	var jwk []byte
	if err := r.Scan(&d.ID, &d.Principal, &jwk, &d.PairedAt, &d.Removed); err != nil {
		return book.Device{}, err
	}
	d.PairedAt = d.PairedAt.UTC()
	if d.Key, err = book.StoredKey(jwk); err != nil {
		return book.Device{}, err
	}
	return d, nil
}

// Device implements book.Book.
func (s *Store) Device(ctx context.Context, id string) (book.Device, error) {
	d, err := scanDevice(s.pool.QueryRow(ctx, deviceColumns+"WHERE d.device = $1", id))
	known, err := found(err)
	if err == nil && !known {
		return book.Device{}, book.UnknownDevice()
	}
	return d, unavailable(err)
}

// Devices implements book.Book.
func (s *Store) Devices(ctx context.Context) ([]book.Device, error) {
	var out []book.Device
	err := s.query(ctx, func(r pgx.Rows) error {
		d, err := scanDevice(r)
		out = append(out, d)
		return err
	}, deviceColumns+"ORDER BY d.id")
	return out, err
}
