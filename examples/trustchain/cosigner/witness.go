package cosigner

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/trustlog"
)

// A Log is one log that a witness watches: its chain's keys, and the channel.
type Log struct {
	Trust   trustlog.Trust // its witnesses are not looked at
	Channel string
}

// ParseLog reads the verifier key of a log in the form of C2SP signed-note,
// origin+hash+base64, of type 0x01.
func ParseLog(vkey string) (Log, error) {
	wrong := protocol.New(protocol.CodeFieldInvalid, "log", "TSD-ATT-OCA-06", "origin+hash+key of an Ed25519 log")
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return Log{}, wrong
	}
	i := strings.LastIndex(v.Name(), "/")
	// NewVerifier has found the three parts and the type.
	key, err := base64.StdEncoding.DecodeString(strings.SplitN(vkey, "+", 3)[2])
	if err != nil || i < 0 {
		return Log{}, wrong
	}
	public, err := keys.NewPublicKey(ed25519.PublicKey(key[1:]))
	if err != nil {
		return Log{}, wrong
	}
	l := Log{Trust: trustlog.Trust{Chain: v.Name()[:i], Keys: []keys.PublicKey{public}}, Channel: v.Name()[i+1:]}
	if _, err := trustlog.Origin(l.Trust.Chain, l.Channel); err != nil {
		return Log{}, wrong
	}
	return l, nil
}

// Config is what [New] needs. All members but Now are required.
type Config struct {
	Name   string       // of the witness, a host and a path
	Signer *keys.Signer // Ed25519, of purpose anchor, the witness's alone
	Logs   []Log
	Store  trustlog.Store // trustlog.FileStore, or another one that outlives the process

	Now func() time.Time
}

// A Witness answers requests for cosignatures. It is an http.Handler.
type Witness struct {
	config Config
	logs   map[string]Log // by origin
}

// New checks the configuration and returns a Witness.
func New(c Config) (*Witness, error) {
	if c.Signer == nil || c.Signer.Public().Algorithm() != keys.EdDSA || c.Signer.Purpose() != keys.Anchor {
		return nil, protocol.New(protocol.CodeKeyPurpose, "signer", "ADD-IAC-ISS-12", "an Ed25519 key of purpose anchor")
	}
	if c.Store == nil {
		return nil, protocol.New(protocol.CodeFieldMissing, "store", "", "")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	w := &Witness{config: c, logs: make(map[string]Log)}
	for _, l := range c.Logs {
		l.Trust.Witnesses, l.Trust.Quorum, l.Trust.Now = nil, 0, c.Now
		// Together with the log's keys the witness's own must be a key apart.
		with := l.Trust
		with.Witnesses = []trustlog.Witness{w.Identity()}
		if err := with.Check(); err != nil {
			return nil, err
		}
		origin, err := trustlog.Origin(l.Trust.Chain, l.Channel)
		if err != nil {
			return nil, err
		}
		w.logs[origin] = l
	}
	if len(w.logs) == 0 {
		return nil, protocol.New(protocol.CodeFieldMissing, "logs", "", "")
	}
	return w, nil
}

// Identity is what clients and logs are to be configured with.
func (w *Witness) Identity() trustlog.Witness {
	return trustlog.Witness{Name: w.config.Name, Key: w.config.Signer.Public()}
}

// ServeHTTP implements http.Handler.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Path {
		http.NotFound(rw, r)
		return
	}
	if r.Method != http.MethodPost {
		rw.Header().Set("Allow", http.MethodPost)
		http.Error(rw, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	if err != nil {
		http.Error(rw, "too large", http.StatusBadRequest)
		return
	}
	status, answer := w.judge(r, body)
	if status == http.StatusConflict {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
	} else {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.WriteHeader(status)
	_, _ = rw.Write(answer)
}

// judge returns the status of C2SP tlog-witness for a request, and the body.
func (w *Witness) judge(r *http.Request, body []byte) (int, []byte) {
	refuse := func(status int, text string) (int, []byte) { return status, []byte(text + "\n") }
	req, err := parseRequest(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "not in the form of tlog-witness")
	}
	origin, _, _ := bytes.Cut(req.checkpoint, []byte("\n"))
	l, ok := w.logs[string(origin)]
	if !ok {
		return refuse(http.StatusNotFound, "not a log that is watched here")
	}
	next, err := l.Trust.Checkpoint(l.Channel, req.checkpoint)
	switch {
	case protocol.CodeOf(err) == protocol.CodeSignatureInvalid:
		return refuse(http.StatusForbidden, "not signed by the log")
	case err != nil:
		return refuse(http.StatusBadRequest, "not a checkpoint of this log")
	case req.old > next.Size:
		return refuse(http.StatusBadRequest, "the old size is the larger")
	}
	state, err := w.config.Store.Load(r.Context(), next.Origin)
	if err != nil {
		return refuse(http.StatusServiceUnavailable, "what was seen could not be read")
	}
	known, err := l.known(state)
	if err != nil {
		return refuse(http.StatusServiceUnavailable, "what was seen could not be read")
	}
	conflict := func() (int, []byte) { return refuse(http.StatusConflict, strconv.FormatInt(known.Size, 10)) }
	switch {
	case req.old != known.Size, req.old == next.Size && next.Root != known.Root:
		return conflict()
	case !continues(req.proof, known, next):
		return refuse(http.StatusUnprocessableEntity, "the proof does not hold")
	}
	line, err := trustlog.Cosign(w.config.Signer, w.config.Name, next, w.config.Now())
	if err != nil {
		return refuse(http.StatusServiceUnavailable, "could not sign")
	}
	swapped, err := w.config.Store.Swap(r.Context(), next.Origin, state, trustlog.State{Checkpoint: next.Note})
	switch {
	case err != nil:
		return refuse(http.StatusServiceUnavailable, "could not be kept")
	case !swapped:
		return conflict() // somebody else was faster; ask again
	}
	return http.StatusOK, line
}

// known is the tree that was cosigned last, of size 0 before the first. It was
// verified then, and is verified again: a store that was written to by another
// hand is not believed.
func (l Log) known(s trustlog.State) (*trustlog.Checkpoint, error) {
	if len(s.Checkpoint) > 0 {
		return l.Trust.Checkpoint(l.Channel, s.Checkpoint)
	}
	root, err := tlog.TreeHash(0, nil)
	return &trustlog.Checkpoint{Root: root}, err
}

// continues reports whether the proof leads from one tree to the other. From
// nothing, and from a tree to itself, it is empty.
func continues(proof tlog.TreeProof, known, next *trustlog.Checkpoint) bool {
	if known.Size == 0 || known.Size == next.Size {
		return len(proof) == 0 && (known.Size != next.Size || known.Root == next.Root)
	}
	return tlog.CheckTree(proof, next.Size, next.Root, known.Size, known.Root) == nil
}

var errAnswer = errors.New("cosigner: an answer that is not understood")
