package trustlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
)

// The types of note signatures that are read here (C2SP signed-note and
// tlog-cosignature).
const (
	typeNote        = 0x01 // Ed25519 over the text
	typeCosignature = 0x04 // Ed25519 over a time and the text
)

// A Witness cosigns checkpoints that continue what it saw before
// (C2SP tlog-cosignature, Ed25519). Its key is an Ed25519 key of purpose anchor
// when it has a DID document, and need not have one.
type Witness struct {
	Name string // a host and a path, "witness.example/w1"
	Key  keys.PublicKey
}

// ParseWitness reads a verifier key in the form of C2SP signed-note,
// name+hash+base64, of type 0x04.
func ParseWitness(vkey string) (Witness, error) {
	wrong := protocol.New(protocol.CodeFieldInvalid, "witness", "TSD-ATT-OCA-06", "name+hash+key of an Ed25519 cosigner")
	parts := strings.Split(vkey, "+")
	if len(parts) < 3 {
		return Witness{}, wrong
	}
	// The key is standard base64, which may have a plus in it.
	data, err := base64.StdEncoding.Strict().DecodeString(strings.Join(parts[2:], "+"))
	if err != nil || len(data) != 1+ed25519.PublicKeySize || data[0] != typeCosignature {
		return Witness{}, wrong
	}
	key, err := keys.NewPublicKey(ed25519.PublicKey(data[1:]))
	if err != nil {
		return Witness{}, wrong
	}
	w := Witness{Name: parts[0], Key: key}
	if checkName(w.Name) != nil || w.String() != vkey {
		return Witness{}, wrong
	}
	return w, nil
}

// String returns the verifier key that [ParseWitness] reads.
func (w Witness) String() string {
	pub, _ := w.Key.Crypto().(ed25519.PublicKey)
	hash := strconv.FormatUint(uint64(keyHash(w.Name, typeCosignature, pub)), 16)
	return w.Name + "+" + strings.Repeat("0", 8-len(hash)) + hash + "+" +
		base64.StdEncoding.EncodeToString(append([]byte{typeCosignature}, pub...))
}

// keyHash is the key ID of C2SP signed-note.
func keyHash(name string, kind byte, pub ed25519.PublicKey) uint32 {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{'\n', kind})
	h.Write(pub)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// A noteKey verifies, and with a signer makes, signatures of one type by one
// Ed25519 key under one name. It implements note.Verifier and note.Signer.
type noteKey struct {
	name   string
	kind   byte
	key    keys.PublicKey
	hash   uint32
	signer *keys.Signer
	at     time.Time // what a cosignature says
}

func newNoteKey(name string, kind byte, key keys.PublicKey) (*noteKey, error) {
	pub, ok := key.Crypto().(ed25519.PublicKey)
	if !ok {
		return nil, protocol.New(protocol.CodeAlgorithmRefused, "key", "TSD-ATT-OCA-06", "checkpoints are signed by Ed25519 keys")
	}
	return &noteKey{name: name, kind: kind, key: key, hash: keyHash(name, kind, pub)}, nil
}

// Name implements note.Verifier.
func (k *noteKey) Name() string { return k.name }

// KeyHash implements note.Verifier.
func (k *noteKey) KeyHash() uint32 { return k.hash }

// Verify implements note.Verifier.
func (k *noteKey) Verify(msg, sig []byte) bool {
	if k.kind == typeNote {
		return k.key.Verify(msg, sig)
	}
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at <= math.MaxInt64 && k.key.Verify(cosigned(int64(at), msg), sig[8:])
}

// Sign implements note.Signer.
func (k *noteKey) Sign(msg []byte) ([]byte, error) {
	if k.kind == typeNote {
		return k.signer.Sign(keys.Anchor, msg)
	}
	sig, err := k.signer.Sign(keys.Anchor, cosigned(k.at.Unix(), msg))
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(k.at.Unix())), sig...), nil
}

// cosigned is what a cosignature signs.
func cosigned(at int64, text []byte) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatInt(at, 10)+"\n"), text...)
}

// cosignatureTime takes the time out of a signature line that was verified.
func cosignatureTime(s note.Signature) (time.Time, bool) {
	b, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(b) < 12 {
		return time.Time{}, false
	}
	at := binary.BigEndian.Uint64(b[4:])
	if at == 0 || at > maxUnix {
		return time.Time{}, false
	}
	return time.Unix(int64(at), 0).UTC(), true
}

// maxUnix is the end of the year 9999.
const maxUnix = 253402300799

// signing returns the key as a note.Signer.
func signing(s *keys.Signer, name string, kind byte, at time.Time) (*noteKey, error) {
	k, err := newNoteKey(name, kind, s.Public())
	if err != nil {
		return nil, err
	}
	k.signer, k.at = s, at
	return k, nil
}

// SignCheckpoint signs a checkpoint of a log by the chain's key of purpose
// anchor, twice: as a note, which is what witnesses read, and as a cosignature,
// which has the time. Only Origin, Size and Root of c are used.
//
// It is for servers. That nothing else was ever signed for this log and size,
// and that the tree is on the disk, is theirs to know.
func SignCheckpoint(s *keys.Signer, c Checkpoint, at time.Time) ([]byte, error) {
	plain, err := signing(s, c.Origin, typeNote, at)
	if err != nil {
		return nil, err
	}
	timed, err := signing(s, c.Origin, typeCosignature, at)
	if err != nil {
		return nil, err
	}
	return sign(c.text(), plain, timed)
}

// Cosign returns the signature line of a witness for a checkpoint, to be put at
// the end of the note. It is for witnesses: that the checkpoint continues what
// they signed before is theirs to check.
func Cosign(s *keys.Signer, name string, c *Checkpoint, at time.Time) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, protocol.In(err, "name")
	}
	k, err := signing(s, name, typeCosignature, at)
	if err != nil {
		return nil, err
	}
	signed, err := sign(c.text(), k)
	if err != nil {
		return nil, err
	}
	return signed[len(c.text())+1:], nil
}

func sign(text string, signers ...note.Signer) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return nil, protocol.Wrap(protocol.CodeServiceUnavailable, "signer", "TSD-ATT-OCA-06", "could not sign", err)
	}
	return signed, nil
}
