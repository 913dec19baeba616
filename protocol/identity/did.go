package identity

import (
	"strconv"
	"strings"

	"github.com/actprotocol/act-go/protocol"
)

// The methods of SPEC.md 3.
const (
	MethodAct = "act"
	MethodWeb = "web"
	MethodKey = "key"
)

// maxDID bounds a DID, and maxFragment the fragment of a key id.
const (
	maxDID      = 384
	maxFragment = 96
	maxName     = 64
)

// A DID is a decentralized identifier in its one spelling. DIDs may be
// compared with ==. The zero value names nobody.
type DID struct{ text string }

// ParseDID reads a DID of the method act, web or key (SPEC.md 3.1, 3.2).
//
// did:act:<domain>/<name> is our method, whose slash a general DID parser
// would take for a path. For did:web this is stricter than the method: host
// names are in lower case and path segments are of [A-Za-z0-9._-] without
// percent-encoding and without "." and "..", so that two spellings never mean
// one document. IP addresses are not host names. Whether a host exists, and
// what address it has, is the resolver's business.
func ParseDID(s string) (DID, error) {
	if s == "" {
		return DID{}, protocol.New(protocol.CodeFieldMissing, "", "IDN-02", "")
	}
	rest, ok := strings.CutPrefix(s, "did:")
	method, id, cut := strings.Cut(rest, ":")
	if !ok || !cut || len(s) > maxDID {
		return DID{}, invalid("did:act, did:web or did:key")
	}
	switch method {
	case MethodAct:
		domain, name, ok := strings.Cut(id, "/")
		if !ok || !validName(name) {
			return DID{}, invalid("did:act:<domain>/<name>, the name of [a-z0-9._-]")
		}
		if !validDomain(domain) {
			return DID{}, invalid("a lower-case host name, with %3A before a port")
		}
	case MethodWeb:
		domain, path, hasPath := strings.Cut(id, ":")
		if !validDomain(domain) {
			return DID{}, invalid("a lower-case host name, with %3A before a port")
		}
		if hasPath && !validPath(path) {
			return DID{}, invalid("path segments of [A-Za-z0-9._-]")
		}
	case MethodKey:
		if _, err := decodeKeyID(id); err != nil {
			return DID{}, err
		}
	default:
		return DID{}, invalid("did:act, did:web or did:key")
	}
	return DID{text: s}, nil
}

// NewActDID returns did:act:<host>/<name>. The host may have a port after a
// colon: "localhost:8443".
func NewActDID(host, name string) (DID, error) {
	return ParseDID("did:act:" + strings.Replace(host, ":", "%3A", 1) + "/" + name)
}

// ParseKeyID reads the id of a key: an absolute DID URL with a fragment and
// without path or query. The fragment is of [A-Za-z0-9._:-].
func ParseKeyID(s string) (did DID, fragment string, err error) {
	if s == "" {
		return DID{}, "", protocol.New(protocol.CodeFieldMissing, "", "IDN-02", "")
	}
	head, fragment, ok := strings.Cut(s, "#")
	if !ok || head == "" || !validFragment(fragment) {
		return DID{}, "", invalid("an absolute DID URL with a fragment")
	}
	did, err = ParseDID(head)
	if err != nil {
		return DID{}, "", err
	}
	return did, fragment, nil
}

// String returns the DID, empty for the zero value.
func (d DID) String() string { return d.text }

// IsZero reports whether d is the zero value.
func (d DID) IsZero() bool { return d.text == "" }

// Method returns "act", "web" or "key", empty for the zero value.
func (d DID) Method() string {
	method, _ := d.cut()
	return method
}

func (d DID) cut() (method, id string) {
	method, id, _ = strings.Cut(strings.TrimPrefix(d.text, "did:"), ":")
	return method, id
}

// Host returns the host, with its port if it has one, that answers for a
// did:act or did:web; empty for did:key.
func (d DID) Host() string {
	method, id := d.cut()
	var domain string
	switch method {
	case MethodAct:
		domain, _, _ = strings.Cut(id, "/")
	case MethodWeb:
		domain, _, _ = strings.Cut(id, ":")
	}
	return strings.Replace(domain, "%3A", ":", 1)
}

// DocumentURL returns the https URL of the document of a did:act or did:web
// (SPEC.md 3.1, 3.2). A did:key has none.
func (d DID) DocumentURL() (string, error) {
	method, id := d.cut()
	switch method {
	case MethodAct:
		_, name, _ := strings.Cut(id, "/")
		return "https://" + d.Host() + "/.well-known/act/" + name + "/did.json", nil
	case MethodWeb:
		if _, path, ok := strings.Cut(id, ":"); ok {
			return "https://" + d.Host() + "/" + strings.ReplaceAll(path, ":", "/") + "/did.json", nil
		}
		return "https://" + d.Host() + "/.well-known/did.json", nil
	default:
		return "", invalid("only did:act and did:web have a document to fetch")
	}
}

// MarshalText writes the DID. The zero value cannot be written.
func (d DID) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, protocol.New(protocol.CodeFieldMissing, "", "IDN-02", "no DID")
	}
	return []byte(d.text), nil
}

// UnmarshalText reads a DID with [ParseDID].
func (d *DID) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDID(string(text))
	return err
}

func invalid(detail string) error {
	return protocol.New(protocol.CodeFieldInvalid, "", "IDN-02", detail)
}

// validDomain checks a host name in lower case, optionally with %3A and a
// port.
func validDomain(s string) bool {
	host, port, hasPort := strings.Cut(s, "%3A")
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return false
		}
	}
	if host == "" || len(host) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !consistsOf(label, "-") {
			return false
		}
		last = label
	}
	// A last label that begins with a digit makes an IPv4 address, in one of
	// its many spellings, or no name of the public DNS at all.
	return last[0] >= 'a'
}

// validName checks the name of a did:act.
func validName(s string) bool {
	return s != "" && len(s) <= maxName && s != "." && s != ".." && consistsOf(s, "._-")
}

// validPath checks the segments of a did:web.
func validPath(s string) bool {
	for segment := range strings.SplitSeq(s, ":") {
		if segment == "" || segment == "." || segment == ".." || !consistsOf(strings.ToLower(segment), "._-") {
			return false
		}
	}
	return true
}

func validFragment(s string) bool {
	return s != "" && len(s) <= maxFragment && consistsOf(strings.ToLower(s), "._:-")
}

// consistsOf reports whether s has only a-z, 0-9 and the other characters.
func consistsOf(s, others string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}
