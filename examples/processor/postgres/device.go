package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/actprotocol/act-go/examples/processor/book"
	"github.com/actprotocol/act-go/protocol"
)

// PairDevice implements book.Book.
func (s *Store) PairDevice(ctx context.Context, d book.Device) error {
	if err := d.Check(); err != nil {
		return err
	}
	held := []key{keyOf("device", d.ID), keyOf("device key", d.Key.Thumbprint())}
	return s.decide(ctx, held, func(t *tx) (refusal, err error) { return t.pairDevice(&d) })
}

func (t *tx) pairDevice(d *book.Device) (refusal, err error) {
	known, err := t.has(d.Principal, book.Principal)
	if err != nil {
		return nil, err
	}
	if !known {
		return protocol.New(protocol.CodeInstrumentInvalid, "principal", "PSD-PAY-INS-03", "the principal has no account"), nil
	}
	var one int
	used, err := t.row("SELECT 1 FROM devices WHERE device = $1 OR thumbprint = $2 LIMIT 1", []any{d.ID, d.Key.Thumbprint()}, &one)
	if err != nil {
		return nil, err
	}
	if used {
		return protocol.New(protocol.CodeStateConflict, "key", "PSD-PAY-INS-03", "the key, or the id, was paired before"), nil
	}
	return nil, t.exec("INSERT INTO devices (device, principal, jwk, thumbprint, paired_at) VALUES ($1, $2, $3, $4, $5)",
		d.ID, d.Principal, d.Key.JWK(), d.Key.Thumbprint(), t.at())
}

// RemoveDevice implements book.Book.
func (s *Store) RemoveDevice(ctx context.Context, id string) error {
	return s.decide(ctx, []key{keyOf("device", id)}, func(t *tx) (refusal, err error) {
		var row int64
		known, err := t.row("SELECT id FROM devices WHERE device = $1", []any{id}, &row)
		switch {
		case err != nil:
			return nil, err
		case !known:
			return unknownDevice(), nil
		}
		return nil, t.exec("INSERT INTO device_removals (device, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", row, t.at())
	})
}

func unknownDevice() error {
	return protocol.New(protocol.CodeKeyUnknown, "device_id", "PSD-PAY-INS-03", "no such device")
}

const deviceColumns = `SELECT d.device, d.principal, d.jwk, d.paired_at, r.device IS NOT NULL FROM devices d LEFT JOIN device_removals r ON r.device = d.id `

func scanDevice(r pgx.Row) (d book.Device, err error) {
	var jwk []byte
	if err := r.Scan(&d.ID, &d.Principal, &jwk, &d.PairedAt, &d.Removed); err != nil {
		return book.Device{}, err
	}
	d.PairedAt = d.PairedAt.UTC()
	if d.Key, err = storedKey(jwk); err != nil {
		return book.Device{}, err
	}
	return d, nil
}

// Device implements book.Book.
func (s *Store) Device(ctx context.Context, id string) (book.Device, error) {
	d, err := scanDevice(s.pool.QueryRow(ctx, deviceColumns+"WHERE d.device = $1", id))
	known, err := found(err)
	if err == nil && !known {
		return book.Device{}, unknownDevice()
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
