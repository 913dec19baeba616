package main

import (
	"bytes"
	"encoding/binary"
)

// A parcel is how a text differs from a model of the same length. A run sends
// hundreds of thousands of requests of some 4 KiB that are signed before; those
// of one agent differ in ids, times and signatures only.
//
// It is a row of changes, each the distance from the end of the one before, a
// length, and the bytes; numbers are as [binary.AppendUvarint] writes them.
type parcel []byte

// apart is the least distance between two changes: a nearer one costs less as
// part of the one before.
const apart = 4

// pack returns the parcel of text, and false when it has another length than
// the model.
func pack(model, text []byte) (parcel, bool) {
	if len(model) != len(text) {
		return nil, false
	}
	var p parcel
	end := 0
	for i := 0; i < len(text); i++ {
		if model[i] == text[i] {
			continue
		}
		last := i
		for j := i + 1; j < len(text) && j-last <= apart; j++ {
			if model[j] != text[j] {
				last = j
			}
		}
		p = binary.AppendUvarint(p, uint64(i-end))
		p = binary.AppendUvarint(p, uint64(last+1-i))
		p = append(p, text[i:last+1]...)
		i, end = last, last+1
	}
	return bytes.Clone(p), true
}

// appendTo appends the text to buf.
func (p parcel) appendTo(buf, model []byte) []byte {
	at := len(buf)
	buf = append(buf, model...)
	for len(p) > 0 {
		skip, n := binary.Uvarint(p)
		p = p[n:]
		size, n := binary.Uvarint(p)
		p = p[n:]
		at += int(skip)
		copy(buf[at:], p[:size])
		at, p = at+int(size), p[size:]
	}
	return buf
}
