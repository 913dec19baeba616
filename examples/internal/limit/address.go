package limit

import (
	"net/http"
	"net/netip"
	"sync/atomic"
)

// Client names who is behind an address: the IPv4 address, or the /64 network
// of an IPv6 address, which one subscriber has to himself. Of this machine
// itself it is empty: behind a proxy on the same machine all strangers have that
// address. It is empty too for what is no address.
func Client(address string) string {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return ""
	}
	ip := ap.Addr().Unmap().WithZone("")
	switch {
	case ip.IsLoopback():
		return ""
	case ip.Is4():
		return ip.String()
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return ""
	}
	return p.String()
}

// Addresses limits requests by who sends them, before anything is read of
// them. A client without a name is not limited.
type Addresses struct {
	Rate    *Rate
	Client  func(address string) string // Client when nil
	Refuse  http.Handler                // answers what is too much
	refused atomic.Int64
}

// Refused is how many requests were too much.
func (a *Addresses) Refused() int64 { return a.refused.Load() }

// Handler puts the limit in front of next.
func (a *Addresses) Handler(next http.Handler) http.Handler {
	name := a.Client
	if name == nil {
		name = Client
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who := name(r.RemoteAddr); who != "" && !a.Rate.Allow(who) {
			a.refused.Add(1)
			a.Refuse.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
