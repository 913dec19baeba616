package guard

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-json-experiment/json"
)

// NewHandler returns a handler that masks what it is given and passes it on:
// the message, the names of attributes and groups, and values of every kind,
// nested ones too. What is asked for in LogValue is masked as well.
//
// A value that is neither text, number, error nor group, a struct for example,
// is rendered the two ways in which handlers do it, as JSON and with %+v. When
// both are clean it is passed on as it is, and otherwise as masked text. Bytes
// are looked at as text. Times and durations are left alone; other whole
// numbers are masked when their digits are a finding.
//
// Not looked at are the source position, and what a handler below makes of
// values that render themselves in yet other ways.
func NewHandler(next slog.Handler) slog.Handler { return &handler{next} }

type handler struct{ next slog.Handler }

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(maskAttr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.next.WithAttrs(maskAttrs(attrs))}
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{h.next.WithGroup(Mask(name))}
}

func maskAttrs(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = maskAttr(a)
	}
	return out
}

func maskAttr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: Mask(a.Key), Value: maskValue(a.Value)}
}

func maskValue(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(Mask(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(maskAttrs(v.Group())...)
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		return ifClean(v, v.String())
	case slog.KindAny:
		return maskAny(v)
	default: // booleans, times, durations
		return v
	}
}

// ifClean returns the value, or masked text when its text has a finding.
func ifClean(v slog.Value, text string) slog.Value {
	if len(Scan(text)) == 0 {
		return v
	}
	return slog.StringValue(Mask(text))
}

func maskAny(v slog.Value) slog.Value {
	switch x := v.Any().(type) {
	case nil:
		return v
	case error:
		return slog.StringValue(Mask(x.Error()))
	case []byte:
		return ifClean(v, string(x))
	case []slog.Attr:
		return slog.GroupValue(maskAttrs(x)...)
	case *slog.Source:
		return v
	}
	text := fmt.Sprintf("%+v", v.Any())
	data, err := json.Marshal(v.Any())
	if err != nil {
		// A handler may still find a way to write it; text is safe.
		return slog.StringValue(Mask(text))
	}
	if len(Scan(text)) == 0 && len(Scan(string(data))) == 0 {
		return v
	}
	return slog.StringValue(Mask(string(data)))
}
