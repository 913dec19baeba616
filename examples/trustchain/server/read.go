package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/trustlog"
)

func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) {
	cp, err := s.config.Chain.Checkpoint(r.PathValue("channel"))
	if err != nil {
		fail(w, err)
		return
	}
	text(w, http.StatusOK, plain, "no-cache", cp.Note)
}

// tile serves hashes, and under "entries" the digests that they are of.
func (s *Server) tile(w http.ResponseWriter, r *http.Request) {
	path := r.PathValue("path")
	serve := s.config.Chain.Tile
	if rest, ok := strings.CutPrefix(path, "entries/"); ok {
		path, serve = "0/"+rest, s.config.Chain.Entries
	}
	t, err := trustlog.ParseTilePath("tile/" + path)
	if err != nil {
		fail(w, noTile())
		return
	}
	s.answerTile(w, r, t, serve, forever)
}

// anchors serves the tokens of a tile's entries to readers.
func (s *Server) anchors(w http.ResponseWriter, r *http.Request) {
	t, err := trustlog.ParseTilePath("tile/0/" + r.PathValue("path"))
	if err != nil {
		fail(w, noTile())
		return
	}
	s.answerTile(w, r, t, s.config.Chain.Anchors, privately)
}

type tileFunc = func(ctx context.Context, channel string, t tlog.Tile) ([]byte, error)

func (s *Server) answerTile(w http.ResponseWriter, r *http.Request, t tlog.Tile, serve tileFunc, cache string) {
	data, err := serve(r.Context(), r.PathValue("channel"), t)
	if err != nil {
		fail(w, err)
		return
	}
	text(w, http.StatusOK, octets, cache, data)
}

func noTile() error {
	return protocol.New(protocol.CodeNoMatch, "tile", "TSD-ATT-OCA-04", "no such tile")
}

// record answers with the proof of a record's anchor, or with a signed denial.
func (s *Server) record(w http.ResponseWriter, r *http.Request) {
	channel := r.PathValue("channel")
	key, err := base64.RawURLEncoding.Strict().DecodeString(r.PathValue("key"))
	if err != nil || len(key) != sha256.Size {
		fail(w, protocol.New(protocol.CodeMalformed, "record", "TSD-ATT-SVF-02", "the SHA-256 of a record id, in base64url"))
		return
	}
	proof, size, err := s.config.Chain.Find(r.Context(), channel, [sha256.Size]byte(key))
	if err != nil {
		fail(w, err)
		return
	}
	if proof != nil {
		text(w, http.StatusOK, plain, never, proof.Text())
		return
	}
	denial, err := s.config.Chain.Deny(channel, [sha256.Size]byte(key), size)
	if err != nil {
		fail(w, err)
		return
	}
	text(w, http.StatusNotFound, plain, never, denial)
}
