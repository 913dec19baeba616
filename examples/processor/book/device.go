package book

import (
	"context"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Devices are the paired devices of a book.
type Devices interface {
	// PairDevice registers a device of a principal, who has an account
	// (otherwise instrument_invalid). An id or a key that was used before, also
	// by a device that was removed, is state_conflict, as is the key of a
	// sub-account: its holder is an agent, and must confirm nothing. Whoever
	// calls it has identified the principal.
	PairDevice(ctx context.Context, d Device) error

	// RemoveDevice ends a pairing for ever; removing again does nothing, and an
	// unknown one is key_unknown. What it confirmed before stays confirmed.
	RemoveDevice(ctx context.Context, id string) error

	// Device returns a device, also one that was removed, or key_unknown.
	Device(ctx context.Context, id string) (Device, error)

	// Devices lists all devices in the order of pairing.
	Devices(ctx context.Context) ([]Device, error)
}

// A Device is what a principal confirms payments with at the cashier: a phone,
// say, that holds the private half of a key which was registered when the two
// were paired (PSD-PAY-INS-03).
type Device struct {
	ID        string
	Principal string // DID; the only one for whom it confirms
	Key       keys.PublicKey
	Removed   bool
	PairedAt  time.Time
}

// Check refuses a device in which something is missing.
func (d *Device) Check() error {
	if d.ID == "" || d.Principal == "" || d.Key.IsZero() {
		return protocol.New(protocol.CodeFieldMissing, "device", "PSD-PAY-INS-03", "id, principal and key are needed")
	}
	return nil
}

// UnknownDevice refuses whoever asks about a device that was never paired.
func UnknownDevice() error {
	return protocol.New(protocol.CodeKeyUnknown, "device_id", "PSD-PAY-INS-03", "no such device")
}

// DeviceUsed refuses a device whose id or key was registered before, as a device
// or as a sub-account's key.
func DeviceUsed() error {
	return protocol.New(protocol.CodeStateConflict, "key", "PSD-PAY-INS-03", "the key, or the id, was registered before")
}
