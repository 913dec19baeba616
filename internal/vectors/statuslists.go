package vectors

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/adler32"
	"time"

	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// listSize is the number of entries of the lists of the cases.
const listSize = 64

// statusList is a status list token with entries of two bits, all others zero,
// as the bank serves it now.
func (b *builder) statusList(s *keys.Signer, entries map[int]byte, edits ...func(claims obj)) string {
	claims := obj{
		"iss": s.DID(), "sub": bankList, "iat": numericDate(now.Add(-10 * time.Second)), "exp": numericDate(now.Add(10 * time.Minute)), "ttl": 30,
		"status_list": obj{"bits": 2, "lst": canon.EncodeBase64(stored(packed(listSize, entries)))},
	}
	for _, edit := range edits {
		edit(claims)
	}
	return b.token(s, b.textOf("header", headerOf(s, keys.TypeStatusList)), b.textOf("list", claims))
}

// packed puts entries into bytes, entry 0 into the lowest bits of the first.
func packed(size int, entries map[int]byte) []byte {
	data := make([]byte, size/4)
	for i, e := range entries {
		data[i/4] |= e << (2 * (i % 4))
	}
	return data
}

// stored is a zlib stream (RFC 1950) of one block that is not compressed: the
// bytes of a compressor may differ from one version of it to the next.
func stored(data []byte) []byte {
	out := []byte{0x78, 0x01, 1}
	out = binary.LittleEndian.AppendUint16(out, uint16(len(data)))
	out = binary.LittleEndian.AppendUint16(out, ^uint16(len(data)))
	out = append(out, data...)
	return binary.BigEndian.AppendUint32(out, adler32.Checksum(data))
}

// deflated is a compressed zlib stream of zeros, in base64url. It is kept.
func (b *builder) deflated(name string, size int) string {
	return b.keep(name, func() ([]byte, error) {
		var out bytes.Buffer
		w, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
		if err == nil {
			_, err = w.Write(make([]byte, size))
		}
		if err == nil {
			err = w.Close()
		}
		return []byte(canon.EncodeBase64(out.Bytes())), err
	})
}
