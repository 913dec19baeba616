package keyfile

// EncodeCheaply is Encode at the least cost that is read, for tests that open
// many files.
func (k *Key) EncodeCheaply(password []byte) ([]byte, error) {
	return k.encode(password, cost{time: 2, memory: minMemory, threads: 1})
}
