package vectors

import (
	"errors"
	"io/fs"
	"regexp"
)

var keptName = regexp.MustCompile(`^[a-z0-9-]+$`)

// keep returns what was kept under a name, or makes it and has the generator
// keep it from then on, in internal/vectors/kept. It is for what cannot be made
// twice alike: what is sealed by ephemeral keys that only crypto/ecdh draws.
//
// What was kept is not made anew when what it is made of changes; the author
// removes the file then.
func (b *builder) keep(name string, make func() ([]byte, error)) string {
	if !keptName.MatchString(name) {
		b.fail(name, "the name of something kept is a word in lower case")
		return ""
	}
	name += ".txt"
	data, err := fs.ReadFile(b.kept, name)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = b.made[name], nil
		if data == nil {
			data, err = make()
		}
		if b.made == nil {
			b.made = map[string][]byte{}
		}
		b.made[name] = data
	}
	if err != nil {
		b.fail(name, "%w", err)
	}
	return string(data)
}
