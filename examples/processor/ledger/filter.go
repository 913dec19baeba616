package ledger

import "encoding/binary"

// A filter is a blocked Bloom filter over keys: it says of a key that it is
// certainly not among those that were added, or that it may be. Sixteen bits a
// key, of which eight are set within one block of 512, leave about two false
// alarms in a thousand.
type filter []byte

const (
	filterBits  = 16 // for each key
	filterBlock = 64 // bytes
	filterProbe = 8
)

func newFilter(keys int) filter {
	return make(filter, max(1, (keys*filterBits/8+filterBlock-1)/filterBlock)*filterBlock)
}

// block is where a key's bits are, and the bits that choose among them. The
// first four bytes order the keys, so others are taken.
func (f filter) block(k key) ([]byte, uint64, uint64) {
	n := uint64(len(f) / filterBlock)
	at := uint64(binary.BigEndian.Uint32(k[4:])) * n >> 32 * filterBlock
	bits := binary.BigEndian.Uint64(k[8:])
	return f[at : at+filterBlock], bits & 511, bits>>9 | 1
}

func (f filter) add(k key) {
	block, at, step := f.block(k)
	for range filterProbe {
		block[at&511>>3] |= 1 << (at & 7)
		at += step & 511
	}
}

// may reports whether a key may have been added. An empty filter knows nothing.
func (f filter) may(k key) bool {
	if len(f) == 0 {
		return true
	}
	block, at, step := f.block(k)
	for range filterProbe {
		if block[at&511>>3]&(1<<(at&7)) == 0 {
			return false
		}
		at += step & 511
	}
	return true
}
