package cashier

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// Kind separates the signatures of devices from everything else that is signed:
// the signature covers "act-go/1 cashier-confirmation", a line feed, and the
// canonical JSON of the confirmation without its signature.
const Kind = "cashier-confirmation"

// Terms are what is to be paid, in the words of the payment request. A device
// shows them and signs them as they are.
type Terms struct {
	PSPID    string `json:"psp_id"`
	TradeNo  string `json:"trade_no"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Payee    string `json:"merchant_id"`
	Method   string `json:"payment_method"`
	Expires  string `json:"expires_at"` // no confirmation from this moment on
}

// A Confirmation is the principal's yes to exactly these terms, by a paired
// device.
type Confirmation struct {
	Terms
	DeviceID  string `json:"device_id"`
	Signature string `json:"signature,omitzero"` // base64url
}

// message is what a confirmation's signature covers.
func (c Confirmation) message() ([]byte, error) {
	c.Signature = ""
	text, err := canon.Marshal(c)
	if err != nil {
		return nil, err
	}
	return keys.Message(Kind, text), nil
}

// Sign returns the confirmation as JSON with its signature, by the Ed25519 key
// of the device. It does not ask anybody: whoever calls it has shown the terms
// to a person who agreed.
func (c Confirmation) Sign(key crypto.Signer) ([]byte, error) {
	if _, ok := key.Public().(ed25519.PublicKey); !ok {
		return nil, protocol.New(protocol.CodeAlgorithmRefused, "device", "PSD-PAY-INS-03", "a device has an Ed25519 key")
	}
	message, err := c.message()
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "device", "PSD-PAY-INS-03", "the device did not sign", err)
	}
	c.Signature = canon.EncodeBase64(sig)
	return canon.Marshal(c)
}

// Parse reads a confirmation in its strict form. Nothing is known of its origin
// before [Confirmation.Verify].
func Parse(data []byte) (Confirmation, error) {
	var c Confirmation
	if err := canon.Decode(data, &c); err != nil {
		return Confirmation{}, err
	}
	for _, f := range []struct{ name, value string }{
		{"psp_id", c.PSPID}, {"trade_no", c.TradeNo}, {"amount", c.Amount}, {"currency", c.Currency}, {"merchant_id", c.Payee},
		{"payment_method", c.Method}, {"expires_at", c.Expires}, {"device_id", c.DeviceID}, {"signature", c.Signature},
	} {
		if f.value == "" {
			return Confirmation{}, protocol.New(protocol.CodeFieldMissing, f.name, "PSD-PAY-INS-03", "")
		}
	}
	return c, nil
}

// Verify checks the signature by the device's key. It does not check that the
// terms are those of a payment, nor whose device it is.
func (c Confirmation) Verify(key keys.PublicKey) error {
	sig, err := canon.DecodeBase64(c.Signature)
	if err != nil {
		return protocol.In(err, "signature")
	}
	message, err := c.message()
	if err != nil {
		return err
	}
	if !key.Verify(message, sig) {
		return protocol.New(protocol.CodeSignatureInvalid, "signature", "PSD-PAY-INS-03", "not by this device over these terms")
	}
	return nil
}
