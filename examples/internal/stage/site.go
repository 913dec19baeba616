package stage

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/keys"
)

// A Site is an HTTPS server on loopback with a name of its own.
type Site struct {
	Host string // localhost:port
	Mux  *http.ServeMux

	world *World
}

// NewSite opens a site. Handlers may be added while it serves.
func (w *World) NewSite() (*Site, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	config, err := w.ca.ServerConfig()
	if err != nil {
		return nil, err
	}
	s := &Site{Host: fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port), Mux: http.NewServeMux(), world: w}
	server := &http.Server{Handler: s.Mux, TLSConfig: config, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	w.mu.Lock()
	w.servers = append(w.servers, server)
	w.mu.Unlock()
	go func() { _ = server.ServeTLS(l, "", "") }() // ends with Shutdown
	return s, nil
}

// URL is the origin of the site.
func (s *Site) URL() string { return "https://" + s.Host }

// Party gives somebody an identifier on this site and one key for each
// purpose, and publishes the identity document.
func (s *Site) Party(name string, purposes ...keys.Purpose) (*Party, error) {
	p, err := s.party(name, purposes...)
	if err != nil {
		return nil, err
	}
	doc := identity.Document{ID: p.DID, Keys: p.evidenceKeys()}
	for _, purpose := range purposes {
		if purpose == keys.Encryption {
			doc.Encryption = append(doc.Encryption, identity.EncryptionKey{ID: p.opens.KeyID(), Public: p.opens.Public()})
			continue
		}
		k := p.signers[purpose]
		doc.Keys = append(doc.Keys, identity.Key{ID: k.KeyID(), Public: k.Public(), Purpose: purpose})
	}
	return p, s.Publish(&doc)
}

// party is Party for those who publish their document themselves.
func (s *Site) party(name string, purposes ...keys.Purpose) (*Party, error) {
	did, err := identity.NewActDID(s.Host, name)
	if err != nil {
		return nil, err
	}
	p := &Party{DID: did, signers: make(map[keys.Purpose]*keys.Signer)}
	for _, purpose := range s.world.evidencePurposes(purposes) {
		if purpose == keys.Encryption {
			if p.opens, err = NewReader(did); err != nil {
				return nil, err
			}
			continue
		}
		if p.signers[purpose], err = NewSigner(did, purpose); err != nil {
			return nil, err
		}
	}
	if s.world.archive != nil {
		s.world.archive.enrol(p)
	}
	return p, nil
}

// Publish serves an identity document of this site.
func (s *Site) Publish(doc *identity.Document) error {
	text, err := doc.Encode()
	if err != nil {
		return err
	}
	address, err := doc.ID.DocumentURL()
	if err != nil {
		return err
	}
	s.Mux.HandleFunc("GET "+strings.TrimPrefix(address, s.URL()), func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/did+json")
		_, _ = rw.Write(text)
	})
	return nil
}

// A Party is somebody with an identifier and keys.
type Party struct {
	DID     identity.DID
	signers map[keys.Purpose]*keys.Signer
	opens   *keys.DecryptionKey
}

// ID is the identifier.
func (p *Party) ID() string { return p.DID.String() }

// Signer is the key for a purpose, or nil.
func (p *Party) Signer(purpose keys.Purpose) *keys.Signer { return p.signers[purpose] }

// NewSigner makes a party's key for one purpose.
func NewSigner(did identity.DID, purpose keys.Purpose) (*keys.Signer, error) {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return nil, err
	}
	return keys.NewSigner(did.String()+"#"+string(purpose), purpose, key)
}
