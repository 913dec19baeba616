package canon

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// plain reports whether data is strict JSON in canonical form, within the given
// depth, and without null: one pass over the text, for what programs of this
// library write and therefore mostly read. It may say no to a text that is
// canonical all the same (one with escapes, with names beyond ASCII, or with
// numbers of many digits); such a text goes the long way. What it
// says yes to is its own canonical form, so that nothing needs to be copied,
// sorted or looked at again.
//
// Names in ascending order, byte by byte, are in the order of RFC 8785 as long
// as they are ASCII, and none stands twice.
func plain(data []byte, maxDepth int) bool {
	p := plainReader{data: data, maxDepth: maxDepth}
	return p.value(0) && p.at == len(data)
}

// A plainReader reads from at on. Its methods return false for anything that is
// not plain.
type plainReader struct {
	data     []byte
	at       int
	maxDepth int
}

// next skips one byte, which must be c.
func (p *plainReader) next(c byte) bool {
	if p.at < len(p.data) && p.data[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *plainReader) value(depth int) bool {
	if p.at >= len(p.data) {
		return false
	}
	switch c := p.data[p.at]; {
	case c == '"':
		_, _, ok := p.text()
		return ok
	case c == '{':
		return depth < p.maxDepth && p.object(depth+1)
	case c == '[':
		return depth < p.maxDepth && p.array(depth+1)
	case isDigit(c) || c == '-':
		return p.number()
	case c == 't':
		return p.word("true")
	case c == 'f':
		return p.word("false")
	}
	return false
}

func (p *plainReader) object(depth int) bool {
	p.at++
	if p.next('}') {
		return true
	}
	var before []byte
	for first := true; ; first = false {
		name, ascii, ok := p.text()
		if !ok || !ascii || !first && string(before) >= string(name) || !p.next(':') || !p.value(depth) {
			return false
		}
		before = name
		if !p.next(',') {
			return p.next('}')
		}
	}
}

func (p *plainReader) array(depth int) bool {
	p.at++
	if p.next(']') {
		return true
	}
	for {
		if !p.value(depth) {
			return false
		}
		if !p.next(',') {
			return p.next(']')
		}
	}
}

// text reads a string without escapes, and returns what is between the quotes
// and whether all of it is ASCII.
func (p *plainReader) text() (content []byte, ascii, ok bool) {
	if !p.next('"') {
		return nil, false, false
	}
	start, ascii := p.at, true
	if n := bytes.IndexByte(p.data[start:], '"'); n >= 0 && simple(p.data[start:start+n]) {
		p.at += n + 1
		return p.data[start : start+n], true, true
	}
	for {
		p.at += ordinary(p.data[p.at:])
		if p.at >= len(p.data) {
			return nil, false, false
		}
		switch c := p.data[p.at]; {
		case c == '"':
			p.at++
			return p.data[start : p.at-1], ascii, true
		case c < utf8.RuneSelf: // an escape or a control character
			return nil, false, false
		}
		r, size := utf8.DecodeRune(p.data[p.at:])
		if r == utf8.RuneError && size <= 1 {
			return nil, false, false
		}
		p.at, ascii = p.at+size, false
	}
}

// simple reports whether b has neither backslashes nor control characters and is
// ASCII.
func simple(b []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	var found uint64
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		// The high bit of a byte is set where it is not ASCII, below 0x20, or a
		// backslash. Borrows come from such bytes only.
		found |= w | (w - ' '*ones) | ((w ^ '\\'*ones) - ones)
	}
	for _, c := range b {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return found&high == 0
}

// ordinary is the number of bytes at the beginning that are ASCII and neither a
// quote, a backslash nor a control character.
func ordinary(data []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(data)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(data[n:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		// The high bit of a byte is set where it is below 0x20, a quote, a
		// backslash, or not ASCII. A borrow can set more of them, not fewer; the
		// loop below then decides.
		if (w|(w-' '*ones)|(quote-ones)|(slash-ones))&high != 0 {
			break
		}
	}
	for ; n < len(data); n++ {
		if c := data[n]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return n
		}
	}
	return n
}

// number reads a number of at most 15 digits, at most six of them decimals, in
// its only spelling: so many digits survive the way through a double, and none
// of these is so small that RFC 8785 writes it with an exponent.
func (p *plainReader) number() bool {
	negative := p.next('-')
	whole := p.digits()
	if len(whole) == 0 || whole[0] == '0' && len(whole) > 1 {
		return false
	}
	if !p.next('.') {
		return len(whole) <= 15 && !(negative && whole[0] == '0') && !p.more()
	}
	decimals := p.digits()
	n := len(decimals)
	return n > 0 && n <= 6 && len(whole)+n <= 15 && decimals[n-1] != '0' && !p.more()
}

func (p *plainReader) digits() []byte {
	start := p.at
	for p.at < len(p.data) && isDigit(p.data[p.at]) {
		p.at++
	}
	return p.data[start:p.at]
}

// more reports whether the number goes on, with an exponent for example.
func (p *plainReader) more() bool { return p.at < len(p.data) && inNumber(p.data[p.at]) }

func (p *plainReader) word(w string) bool {
	if len(p.data)-p.at < len(w) || string(p.data[p.at:p.at+len(w)]) != w {
		return false
	}
	p.at += len(w)
	return true
}
