package guard

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/go-json-experiment/json"
)

const pan, mobileNumber, mail = "4111111111111111", "13800138000", "alice@example.com"

type user struct {
	Name  string
	Phone string
	inner string
	Next  *user
}

type secretive struct{ phone string }

func (s secretive) LogValue() slog.Value { return slog.GroupValue(slog.String("phone", s.phone)) }

type stringer struct{ s string }

func (s stringer) String() string { return s.s }

// Whatever way the data goes into a log, it does not come out.
func TestHandlerMasks(t *testing.T) {
	for name, log := range map[string]func(*slog.Logger){
		"message":              func(l *slog.Logger) { l.Info("card " + pan) },
		"value":                func(l *slog.Logger) { l.Info("x", "card", pan) },
		"name of an attribute": func(l *slog.Logger) { l.Info("x", mail, 1) },
		"number":               func(l *slog.Logger) { l.Info("x", "card", 4111111111111111) },
		"unsigned number":      func(l *slog.Logger) { l.Info("x", "card", uint64(4111111111111111)) },
		"error":                func(l *slog.Logger) { l.Error("x", "err", errors.New("no account "+pan)) },
		"joined errors":        func(l *slog.Logger) { l.Error("x", "err", errors.Join(errors.New("a"), errors.New(mail))) },
		"group":                func(l *slog.Logger) { l.Info("x", slog.Group("g", slog.Group("h", slog.String("p", mobileNumber)))) },
		"attributes before":    func(l *slog.Logger) { l.With("p", mobileNumber).Info("x") },
		"group before":         func(l *slog.Logger) { l.WithGroup("g").With("p", mail).Info("x", "q", pan) },
		"name of a group":      func(l *slog.Logger) { l.WithGroup(mail).Info("x", "a", 1) },
		"LogValuer":            func(l *slog.Logger) { l.Info("x", "u", secretive{mobileNumber}) },
		"struct":               func(l *slog.Logger) { l.Info("x", "u", user{Phone: mobileNumber}) },
		"unexported field":     func(l *slog.Logger) { l.Info("x", "u", user{inner: pan}) },
		"behind a pointer":     func(l *slog.Logger) { l.Info("x", "u", user{Next: &user{Name: mail}}) },
		"map":                  func(l *slog.Logger) { l.Info("x", "m", map[string]any{mail: []string{pan}}) },
		"slice":                func(l *slog.Logger) { l.Info("x", "s", []any{1, []string{mobileNumber}}) },
		"bytes":                func(l *slog.Logger) { l.Info("x", "b", []byte("card "+pan)) },
		"stringer":             func(l *slog.Logger) { l.Info("x", "s", stringer{mail}) },
		"attributes as a value": func(l *slog.Logger) {
			l.Info("x", "a", []slog.Attr{slog.String("p", pan)})
		},
		"no JSON": func(l *slog.Logger) {
			l.Info("x", "f", struct {
				F func()
				P string
			}{nil, pan})
		},
	} {
		for kind, make := range map[string]func(*bytes.Buffer) slog.Handler{
			"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		} {
			t.Run("PRV-04 "+kind+" "+name, func(t *testing.T) {
				var out, control bytes.Buffer
				log(slog.New(make(&control)))
				log(slog.New(NewHandler(make(&out))))
				for _, secret := range []string{pan, mobileNumber, mail} {
					if strings.Contains(out.String(), secret) {
						t.Error(out.String())
					}
				}
				if out.Len() == 0 || control.Len() == 0 {
					t.Error("nothing was logged")
				}
			})
		}
	}
}

// What holds nothing is passed on as it is: same kinds, times and levels.
func TestHandlerLeavesTheRest(t *testing.T) {
	var with, without bytes.Buffer
	options := &slog.HandlerOptions{AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	guarded, plain := slog.New(NewHandler(slog.NewJSONHandler(&with, options))), slog.New(slog.NewJSONHandler(&without, options))
	for _, l := range []*slog.Logger{guarded, plain} {
		l.WithGroup("g").With("n", 7).Warn("done", "at", time.Unix(1_770_000_000, 5), "took", time.Second, "ok", true, "f", 1.5,
			"u", user{Name: "x"}, "none", nil, slog.Group("h", "a", []int{1}), "e", errors.New("act: field_invalid"))
	}
	if with.String() != without.String() {
		t.Errorf("%s\nwithout: %s", with.String(), without.String())
	}
	if NewHandler(slog.NewJSONHandler(&with, &slog.HandlerOptions{Level: slog.LevelError})).Enabled(context.Background(), slog.LevelInfo) {
		t.Error("enabled below its level")
	}
}

// The rules of slog itself hold.
func TestHandlerConforms(t *testing.T) {
	var buf bytes.Buffer
	h := NewHandler(slog.NewJSONHandler(&buf, nil))
	err := slogtest.TestHandler(h, func() (out []map[string]any) {
		for line := range bytes.Lines(buf.Bytes()) {
			m := map[string]any{}
			if err := json.Unmarshal(line, &m); err != nil {
				t.Fatal(err)
			}
			out = append(out, m)
		}
		return out
	})
	if err != nil {
		t.Error(err)
	}
}
