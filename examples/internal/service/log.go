package service

import (
	"errors"
	"io"
	"log/slog"

	"github.com/actprotocol/act-go/examples/internal/settings"
)

// Log is how a program logs: structured lines on standard error.
type Log struct {
	Verbose bool
	Format  LogFormat
}

// A LogFormat is "text" or "json"; empty is text.
type LogFormat string

// String implements flag.Value.
func (f *LogFormat) String() string { return string(*f) }

// Set implements flag.Value.
func (f *LogFormat) Set(s string) error {
	if s != "text" && s != "json" {
		return errors.New("text or json")
	}
	*f = LogFormat(s)
	return nil
}

// Declare adds the settings.
func (l *Log) Declare(s *settings.Set) {
	s.BoolVar(&l.Verbose, "v", false, "log every request, path, code and duration, and every look-up that failed, not only the first of a minute")
	l.Format = "text"
	s.Var(&l.Format, "log-format", "text or json")
}

// New returns the logger.
func (l Log) New(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelWarn}
	if l.Verbose {
		options.Level = slog.LevelInfo
	}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
