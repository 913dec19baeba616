// Package settings reads what a program is told by its operator: flags on the
// command line, environment variables, and what holds when neither says
// anything, in this order of precedence. [Set.Print] writes what came of it, so
// that an operator sees what a process really runs with.
//
// A variable is named like its flag: with the prefix ACT_PROCESSOR, -time-to-confirm
// is ACT_PROCESSOR_TIME_TO_CONFIRM. An empty variable counts as unset, and an
// unknown one is named by [Set.Unknown], because a typing error must not pass in
// silence. A setting that is marked [Set.Secret] is never printed.
package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// A Set is a flag.FlagSet that reads the environment too. Declare settings by
// the methods of the flag set, and call Read once.
type Set struct {
	*flag.FlagSet
	// About is what help says before the flags, such as the program's commands,
	// with a line feed at its end.
	About   string
	program string
	help    io.Writer
	prefix  string
	secret  map[string]bool
	source  map[string]string
	unknown []string
}

// New returns an empty set. Help goes to stderr, and only when it is asked for:
// an error that stands before sixty lines of it is not seen. prefix is that of
// the environment variables, without an underscore at its end.
func New(program, prefix string, stderr io.Writer) *Set {
	s := &Set{
		FlagSet: flag.NewFlagSet(program, flag.ContinueOnError),
		program: program, help: stderr, prefix: prefix + "_", secret: make(map[string]bool), source: make(map[string]string),
	}
	s.SetOutput(io.Discard) // Read tells; the flag set would too
	s.Usage = func() {}
	return s
}

func (s *Set) printHelp() {
	s.SetOutput(s.help)
	defer s.SetOutput(io.Discard)
	fmt.Fprintf(s.help, "%s%s takes these flags, and each as an environment variable %sNAME:\n", s.About, s.program, s.prefix)
	s.PrintDefaults()
}

// Secret marks settings whose values are never printed.
func (s *Set) Secret(names ...string) {
	for _, n := range names {
		s.secret[n] = true
	}
}

// Read sets everything from the environment, in the form of os.Environ, and
// then from the command line. It returns what is left of the command line. The
// error is flag.ErrHelp when help was asked for; an error about a variable
// names it, and never its value.
func (s *Set) Read(args, environ []string) ([]string, error) {
	values := make(map[string]string)
	for _, e := range environ {
		name, value, ok := strings.Cut(e, "=")
		if ok && strings.HasPrefix(name, s.prefix) && value != "" {
			values[name] = value
		}
	}
	var wrong []error
	s.VisitAll(func(f *flag.Flag) {
		name := s.Variable(f.Name)
		value, ok := values[name]
		if !ok {
			return
		}
		delete(values, name)
		if f.Value.Set(value) != nil {
			wrong = append(wrong, fmt.Errorf("%s is not a value of -%s", name, f.Name))
		}
		s.source[f.Name] = "environment"
	})
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	for name := range values {
		s.unknown = append(s.unknown, name)
	}
	slices.Sort(s.unknown)
	switch err := s.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		s.printHelp()
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w; -h lists the flags", err)
	}
	s.Visit(func(f *flag.Flag) { s.source[f.Name] = "flag" })
	return s.Args(), nil
}

// Variable is the environment variable of a setting.
func (s *Set) Variable(name string) string {
	return s.prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Unknown lists environment variables with our prefix that are no settings.
func (s *Set) Unknown() []string { return s.unknown }

// Warn logs the unknown variables, by name.
func (s *Set) Warn(log *slog.Logger) {
	for _, name := range s.unknown {
		log.Warn("an environment variable is no setting of this program", slog.String("variable", name))
	}
}

// Print writes a line for every setting: its name, its value and where it comes
// from. Of a secret it says only whether there is one.
func (s *Set) Print(w io.Writer) {
	s.VisitAll(func(f *flag.Flag) {
		value := f.Value.String()
		switch {
		case value == "":
			value = "-"
		case s.secret[f.Name]:
			value = "(set, not shown)"
		}
		from := s.source[f.Name]
		if from == "" {
			from = "default"
		}
		fmt.Fprintf(w, "  %-28s %-36s %s\n", f.Name, value, from)
	})
}
