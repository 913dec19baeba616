package delegation

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// The standard input modes. Implementers may add others, and a mode that a
// receiver does not know changes the meaning of nothing (ADD-INT-ICS-03).
const (
	InputText            = "TEXT"
	InputVoice           = "VOICE"
	InputImage           = "IMAGE"
	InputInteractiveCard = "INTERACTIVE_CARD"
	InputOther           = "OTHER"
)

// A ConversationHistory is what the principal said, or the digest of it and a
// reference to where it is kept (ADD-INT-ICS-01, -02).
type ConversationHistory struct {
	Raw        RawIntent    `json:"user_intent_raw,omitzero"`
	Digest     canon.Digest `json:"user_intent_raw_digest,omitzero"`
	InputMode  []string     `json:"input_mode,omitzero"`
	ContextRef string       `json:"context_ref,omitzero"`
}

// A RawIntent is the principal's words: a text, or the turns of a conversation,
// never both.
type RawIntent struct {
	Text  string
	Turns []Turn
}

// A Turn is one utterance. CreateTime is RFC 3339, with Z or an offset, and is
// kept as written, since the digest covers it.
type Turn struct {
	Role       string `json:"role"`
	Content    string `json:"content"`
	CreateTime string `json:"create_time"`
}

// The roles of a turn in the protocol's example. Others are read too.
const (
	SpeakerUser      = "USER"
	SpeakerAssistant = "ASSISTANT"
)

// Say is a turn of the principal at a time.
func Say(content string, at time.Time) Turn {
	return Turn{Role: SpeakerUser, Content: content, CreateTime: canon.FormatTime(at)}
}

// Reply is a turn of the agent at a time.
func Reply(content string, at time.Time) Turn {
	return Turn{Role: SpeakerAssistant, Content: content, CreateTime: canon.FormatTime(at)}
}

// IsZero reports whether there are no words.
func (r RawIntent) IsZero() bool { return r.Text == "" && r.Turns == nil }

// Digest returns the digest of the words (profile): of the UTF-8 bytes of a
// text, of the RFC 8785 form of an array of turns.
func (r RawIntent) Digest() (canon.Digest, error) {
	switch {
	case r.IsZero():
		return "", protocol.New(protocol.CodeFieldMissing, "user_intent_raw", "ADD-INT-ICS-01", "")
	case r.Turns == nil:
		return canon.Sum([]byte(r.Text)), nil
	}
	b, err := canon.Marshal(r.Turns)
	if err != nil {
		return "", protocol.In(err, "user_intent_raw")
	}
	return canon.Sum(b), nil
}

// MarshalJSONTo writes a string or an array.
func (r RawIntent) MarshalJSONTo(enc *jsontext.Encoder) error {
	if r.Turns != nil {
		return json.MarshalEncode(enc, r.Turns)
	}
	return enc.WriteToken(jsontext.String(r.Text))
}

// DecodeConversationHistory reads a conversation_history object and checks it.
func DecodeConversationHistory(data []byte) (*ConversationHistory, error) {
	if err := canon.Check(data); err != nil {
		return nil, err
	}
	h := new(ConversationHistory)
	if err := h.read(newReader(data, false)); err != nil {
		return nil, err
	}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	return h, nil
}

// Validate checks the form: words or a digest (ADD-INT-ICS-01), a reference
// beside every digest (ADD-INT-ICS-02). It does not fetch the content that the
// reference points to; [ConversationHistory.Matches] compares it.
func (h *ConversationHistory) Validate() error {
	if h == nil || h.Raw.IsZero() && h.Digest == "" {
		return protocol.New(protocol.CodeFieldMissing, "user_intent_raw", "ADD-INT-ICS-01", "user_intent_raw or user_intent_raw_digest")
	}
	if h.Digest != "" && h.ContextRef == "" {
		return protocol.New(protocol.CodeFieldMissing, "context_ref", "ADD-INT-ICS-02", "needed beside a digest")
	}
	if err := h.Raw.check(); err != nil {
		return err
	}
	if h.Digest != "" {
		if _, err := canon.ParseDigest(string(h.Digest)); err != nil {
			return inMember(err, "user_intent_raw_digest")
		}
	}
	for _, m := range h.InputMode {
		if m == "" {
			return protocol.New(protocol.CodeFieldInvalid, "input_mode", "ADD-INT-ICS-03", "modes must not be empty")
		}
	}
	return nil
}

// Matches reports whether content, fetched by whoever can resolve context_ref,
// is what the digest names (ADD-INT-ICS-02): the UTF-8 bytes of a text, the
// RFC 8785 form of an array of turns, or the bytes of a file. A digest by a hash
// function other than SHA-256 is undetermined here.
func (h *ConversationHistory) Matches(content []byte) error {
	switch d := string(h.Digest); {
	case d == "":
		return protocol.New(protocol.CodeFieldMissing, "user_intent_raw_digest", "ADD-INT-ICS-02", "")
	case len(d) < 8 || d[:8] != "sha-256:":
		return protocol.New(protocol.CodeFactMissing, "user_intent_raw_digest", "ADD-INT-ICS-02", "only sha-256 can be compared here")
	case h.Digest != canon.Sum(content):
		return protocol.New(protocol.CodeClaimsConflict, "user_intent_raw_digest", "ADD-INT-ICS-02", "another content than the digest names")
	}
	return nil
}

func (r RawIntent) check() error {
	if r.Text != "" && r.Turns != nil {
		return protocol.New(protocol.CodeFieldInvalid, "user_intent_raw", "ADD-INT-ICS-01", "a text or turns, not both")
	}
	if r.Turns != nil && len(r.Turns) == 0 {
		return protocol.New(protocol.CodeFieldInvalid, "user_intent_raw", "ADD-INT-ICS-01", "at least one turn")
	}
	for _, t := range r.Turns {
		if t.Role == "" || t.CreateTime == "" {
			return protocol.New(protocol.CodeFieldMissing, "user_intent_raw", "ADD-INT-ICS-01", "a turn has role, content and create_time")
		}
		if _, err := canon.ParseTime(t.CreateTime); err != nil {
			return inMember(protocol.In(err, "create_time"), "user_intent_raw")
		}
	}
	return nil
}

// read reads the object; it is closed wherever it stands.
func (h *ConversationHistory) read(r *reader) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "user_intent_raw":
			return h.Raw.read(r)
		case "user_intent_raw_digest":
			return r.filled((*string)(&h.Digest))
		case "input_mode":
			return r.texts(&h.InputMode)
		case "context_ref":
			return r.filled(&h.ContextRef)
		default:
			return r.other("", name)
		}
	})
}

func (w *RawIntent) read(r *reader) error {
	switch r.dec.PeekKind() {
	case '"':
		return r.filled(&w.Text)
	case '[':
		w.Turns = []Turn{}
		return r.array(func() error {
			var t Turn
			err := t.read(r)
			w.Turns = append(w.Turns, t)
			return err
		})
	default:
		return r.wrong("must be a string or an array of turns")
	}
}

func (t *Turn) read(r *reader) error {
	content := false
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "role":
			return r.text(&t.Role)
		case "content":
			content = true
			return r.text(&t.Content)
		case "create_time":
			return r.text(&t.CreateTime)
		default:
			return r.other("", name)
		}
	})
	if err == nil && !content {
		return protocol.New(protocol.CodeFieldMissing, "content", "ADD-INT-ICS-01", "")
	}
	return err
}

func (h *ConversationHistory) clone() *ConversationHistory {
	if h == nil {
		return nil
	}
	c := *h
	c.Raw.Turns = cloneSlice(h.Raw.Turns)
	c.InputMode = cloneSlice(h.InputMode)
	return &c
}

// cloneSlice keeps nil (absent) and empty apart.
func cloneSlice[E any](s []E) []E {
	if s == nil {
		return nil
	}
	return append(make([]E, 0, len(s)), s...)
}
