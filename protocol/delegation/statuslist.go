package delegation

import (
	"bytes"
	"compress/zlib"
	"io"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Status is an entry of a status list, of two bits.
type Status uint8

// The three statuses. The fourth value means nothing to us and is
// status_unavailable.
const (
	StatusActive    Status = 0
	StatusRevoked   Status = 1
	StatusSuspended Status = 2
)

// MaxStatusEntries is the largest status list: 2^22 entries, 1 MiB when
// unpacked. Nothing longer is unpacked, however small it arrives.
const MaxStatusEntries = 1 << 22

// A StatusList is the array of a Token Status List with two bits an entry
// (draft-ietf-oauth-status-list): entry 0 is in the lowest bits of the first
// byte. It is not for concurrent use while it is being written.
type StatusList struct {
	bits []byte
}

// NewStatusList makes a list in which every entry is Active. The size is
// rounded up to a multiple of four and kept between 4 and [MaxStatusEntries].
func NewStatusList(size int) *StatusList {
	size = min(max(size, 1), MaxStatusEntries)
	return &StatusList{bits: make([]byte, (size+3)/4)}
}

// Len returns the number of entries.
func (l *StatusList) Len() int { return 4 * len(l.bits) }

// Set writes an entry.
func (l *StatusList) Set(index int, s Status) error {
	if index < 0 || index >= l.Len() {
		return invalid("idx", "ADD-IAC-LCM-10", "outside the list")
	}
	if s > StatusSuspended {
		return invalid("status", "ADD-IAC-LCM-02", "Active, Revoked or Suspended")
	}
	shift := 2 * (index % 4)
	l.bits[index/4] = l.bits[index/4]&^(3<<shift) | byte(s)<<shift
	return nil
}

// Get reads an entry. An index outside the list and the fourth value are
// status_unavailable: undetermined, never Active.
func (l *StatusList) Get(index int) (Status, error) {
	if index < 0 || index >= l.Len() {
		return 0, noStatus("status_list", "the list has no such entry")
	}
	s := Status(l.bits[index/4] >> (2 * (index % 4)) & 3)
	if s > StatusSuspended {
		return 0, noStatus("status_list", "the entry has no meaning")
	}
	return s, nil
}

// Encode returns the member lst: zlib (RFC 1950), then base64url.
func (l *StatusList) Encode() (string, error) {
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err == nil {
		_, err = w.Write(l.bits)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", protocol.Wrap(protocol.CodeServiceUnavailable, "lst", "ADD-IAC-LCM-10", "", err)
	}
	return canon.EncodeBase64(b.Bytes()), nil
}

// decodeStatusList unpacks lst, at most [MaxStatusEntries] of it, and refuses
// data after the packed list.
func decodeStatusList(lst string) (*StatusList, error) {
	packed, err := canon.DecodeBase64(lst)
	if err != nil {
		return nil, err
	}
	broken := func(err error) error {
		return protocol.Wrap(protocol.CodeMalformed, "", "", "not a zlib stream", err)
	}
	source := bytes.NewReader(packed)
	z, err := zlib.NewReader(source)
	if err != nil {
		return nil, broken(err)
	}
	const most = MaxStatusEntries / 4
	unpacked, err := io.ReadAll(io.LimitReader(z, most+1))
	switch {
	case err != nil:
		return nil, broken(err)
	case len(unpacked) > most:
		return nil, protocol.New(protocol.CodeTooLarge, "", "", "more entries than are unpacked")
	case len(unpacked) == 0 || source.Len() > 0:
		return nil, broken(nil)
	}
	return &StatusList{bits: unpacked}, nil
}

type (
	wireStatusList struct {
		Iss  string      `json:"iss"`
		Sub  string      `json:"sub"`
		Iat  int64       `json:"iat"`
		Exp  int64       `json:"exp"`
		TTL  int64       `json:"ttl"`
		List wirePackage `json:"status_list"`
	}
	wirePackage struct {
		Bits int    `json:"bits"`
		Lst  string `json:"lst"`
	}
)

// SignStatusList returns the status list token that is served at uri: by the
// signer's DID, issued at iat, not to be used from exp on, and to be fetched
// again after ttl. The two times are cut to whole seconds. A list whose token would be
// longer than 64 KiB is too_large; keep lists so small that this cannot happen
// (all patterns of 2^17 entries fit).
func SignStatusList(s *keys.Signer, uri string, l *StatusList, iat, exp time.Time, ttl time.Duration) ([]byte, error) {
	if s == nil || l == nil {
		return nil, missing("status_list", "ADD-IAC-LCM-10")
	}
	if err := (&StatusReference{URI: uri}).check(); err != nil {
		return nil, err
	}
	iat, exp = iat.Truncate(time.Second), exp.Truncate(time.Second)
	if err := checkListTimes(iat, exp, ttl); err != nil {
		return nil, err
	}
	lst, err := l.Encode()
	if err != nil {
		return nil, err
	}
	payload, err := canon.Marshal(wireStatusList{
		Iss: s.DID(), Sub: uri, Iat: iat.Unix(), Exp: exp.Unix(), TTL: int64(ttl / time.Second),
		List: wirePackage{Bits: 2, Lst: lst},
	})
	if err != nil {
		return nil, err
	}
	return keys.SignCompact(s, keys.Status, keys.TypeStatusList, payload)
}

func checkListTimes(iat, exp time.Time, ttl time.Duration) error {
	switch {
	case !wholeSecond(iat):
		return invalid("iat", "ADD-IAC-LCM-10", "whole seconds of the years 1970 to 9999")
	case !wholeSecond(exp) || !exp.After(iat):
		return invalid("exp", "ADD-IAC-LCM-10", "must be later than iat, in whole seconds")
	case ttl < time.Second || ttl%time.Second != 0:
		return invalid("ttl", "ADD-IAC-LCM-10", "whole seconds, at least one")
	}
	return nil
}

// An UnverifiedStatusList is a status list token of the right form. Anybody
// may have made it until its signature has been verified with a key for status
// lists of the issuer, or of the status provider named for it.
type UnverifiedStatusList struct {
	Issuer   string        // iss
	URI      string        // sub
	IssuedAt time.Time     // iat
	Expires  time.Time     // exp
	TTL      time.Duration // ttl

	token *keys.UnverifiedToken
	list  *StatusList
}

// ParseStatusList reads a status list token that was asked for at uri (SPEC.md
// 4.3). Every claim is required and no other is allowed; sub must equal uri, or
// a list of other mandates could be shown in place of this one.
//
// It checks neither the signature nor the clock, and does not remember an older
// list: an iat that goes back is the caller's to notice.
func ParseStatusList(raw []byte, uri string) (*UnverifiedStatusList, error) {
	token, err := keys.ParseCompact(raw, keys.TypeStatusList)
	if err != nil {
		return nil, err
	}
	l := &UnverifiedStatusList{token: token}
	lst, err := l.read(newReader(token.Payload, false))
	if err != nil {
		return nil, withRequirement(err, "ADD-IAC-LCM-10")
	}
	for _, m := range []struct {
		ok   bool
		name string
	}{
		{l.Issuer != "", "iss"}, {l.URI != "", "sub"}, {!l.IssuedAt.IsZero(), "iat"},
		{!l.Expires.IsZero(), "exp"}, {l.TTL != 0, "ttl"}, {lst != "", "status_list"},
	} {
		if !m.ok {
			return nil, missing(m.name, "ADD-IAC-LCM-10")
		}
	}
	if err := checkListTimes(l.IssuedAt, l.Expires, l.TTL); err != nil {
		return nil, err
	}
	if l.list, err = decodeStatusList(lst); err != nil {
		return nil, withRequirement(protocol.In(err, "status_list.lst"), "ADD-IAC-LCM-10")
	}
	if did, _, _ := strings.Cut(token.Header.KeyID, "#"); did != l.Issuer {
		return nil, protocol.New(protocol.CodeClaimsConflict, "iss", "ADD-IAC-LCM-10", "the signing key is not the issuer's")
	}
	if l.URI != uri {
		return nil, protocol.New(protocol.CodeClaimsConflict, "sub", "ADD-IAC-LCM-10", "not the list that was asked for")
	}
	return l, nil
}

func (l *UnverifiedStatusList) read(r *reader) (lst string, err error) {
	err = r.object(func(name []byte) error {
		switch string(name) {
		case "iss":
			return r.text(&l.Issuer)
		case "sub":
			return r.text(&l.URI)
		case "iat":
			return r.numericDate(&l.IssuedAt)
		case "exp":
			return r.numericDate(&l.Expires)
		case "ttl":
			var seconds int64
			err := r.integer(&seconds, int64(10*365*24*time.Hour/time.Second))
			l.TTL = time.Duration(seconds) * time.Second
			return err
		case "status_list":
			return readPackage(r, &lst)
		default:
			return r.other("", name)
		}
	})
	return lst, err
}

func readPackage(r *reader, lst *string) error {
	var bits int64
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "bits":
			return r.integer(&bits, 8)
		case "lst":
			return r.text(lst)
		default:
			return r.other("", name)
		}
	})
	if err == nil && bits != 2 {
		return invalid("bits", "ADD-IAC-LCM-10", "two bits an entry")
	}
	return err
}

// KeyID returns the DID URL of the key that the token says signed it.
func (l *UnverifiedStatusList) KeyID() string { return l.token.Header.KeyID }

// VerifySignature checks the signature by a key that the caller has found to be
// for status lists.
func (l *UnverifiedStatusList) VerifySignature(key keys.PublicKey) error { return l.token.Verify(key) }

// CheckTime reports whether the list may be used now: issued, with 60 seconds
// of skew, and not expired. Otherwise the state is undetermined.
func (l *UnverifiedStatusList) CheckTime(now time.Time) error {
	switch {
	case now.Add(time.Minute).Before(l.IssuedAt):
		return noStatus("iat", "the list is from the future")
	case !now.Before(l.Expires):
		return noStatus("exp", "the list has expired")
	}
	return nil
}

// Status returns an entry of the list.
func (l *UnverifiedStatusList) Status(index int) (Status, error) { return l.list.Get(index) }

func noStatus(field, detail string) error {
	return protocol.New(protocol.CodeStatusUnavailable, field, "ADD-IAC-LCM-10", detail)
}
