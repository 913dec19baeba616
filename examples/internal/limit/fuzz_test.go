package limit_test

import (
	"net/netip"
	"testing"

	"github.com/actprotocol/act-go/examples/internal/limit"
)

// FuzzClient: whatever an address looks like, a client's name is one of few
// forms, and the port is none of it.
func FuzzClient(f *testing.F) {
	f.Add("192.0.2.7:1234")
	f.Add("[2001:db8::1%eth0]:443")
	f.Fuzz(func(t *testing.T, address string) {
		name := limit.Client(address)
		if name == "" {
			return
		}
		if ip, err := netip.ParseAddr(name); err == nil && ip.Is4() && !ip.IsLoopback() {
			return
		}
		if p, err := netip.ParsePrefix(name); err != nil || p.Bits() != 64 || p != p.Masked() {
			t.Errorf("%q became %q", address, name)
		}
	})
}
