package settings_test

import (
	"bytes"
	"flag"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/settings"
)

type values struct {
	addr, dsn string
	wait      time.Duration
	count     int
	on        bool
}

func declared() (*settings.Set, *values) {
	s, v := settings.New("program", "ACT_PROGRAM", io.Discard), new(values)
	s.StringVar(&v.addr, "addr", "127.0.0.1:1", "address")
	s.StringVar(&v.dsn, "store-dsn", "", "where")
	s.DurationVar(&v.wait, "time-to-wait", time.Second, "how long")
	s.IntVar(&v.count, "count", 3, "how many")
	s.BoolVar(&v.on, "on", false, "whether")
	s.Secret("store-dsn")
	return s, v
}

// A flag wins over the environment, and that over the default.
func Example() {
	s := settings.New("program", "ACT_PROGRAM", io.Discard)
	s.String("addr", "127.0.0.1:8443", "address to listen on")
	s.Int("rate", 500, "requests a second")
	s.String("password", "", "of the store")
	s.Secret("password")
	_, _ = s.Read([]string{"-rate", "20"}, []string{"ACT_PROGRAM_RATE=30", "ACT_PROGRAM_PASSWORD=xyz"})
	s.Print(os.Stdout)
	// Output:
	//   addr                         127.0.0.1:8443                       default
	//   password                     (set, not shown)                     environment
	//   rate                         20                                   flag
}

func TestPrecedence(t *testing.T) {
	s, v := declared()
	left, err := s.Read([]string{"-addr", "127.0.0.1:3", "rest"}, []string{
		"ACT_PROGRAM_ADDR=127.0.0.1:2", "ACT_PROGRAM_TIME_TO_WAIT=5s", "ACT_PROGRAM_ON=true", "ACT_PROGRAM_COUNT=", "OTHER_COUNT=9", "ACT_PROGRAM_DSN_STORE=x", "nonsense",
	})
	if err != nil || !slices.Equal(left, []string{"rest"}) {
		t.Fatal(left, err)
	}
	if *v != (values{"127.0.0.1:3", "", 5 * time.Second, 3, true}) {
		t.Errorf("%+v", *v)
	}
	var log bytes.Buffer
	s.Warn(slog.New(slog.NewTextHandler(&log, nil)))
	if !slices.Equal(s.Unknown(), []string{"ACT_PROGRAM_DSN_STORE"}) || !strings.Contains(log.String(), "ACT_PROGRAM_DSN_STORE") {
		t.Errorf("%v, %s", s.Unknown(), &log)
	}
}

// TestSecrets: a secret is not in what is printed, nor in an error, wherever it
// came from (PRV-04).
func TestSecrets(t *testing.T) {
	const secret = "postgres://ann:hunter2@db/act"
	for _, in := range []struct{ args, environ []string }{
		{[]string{"-store-dsn", secret}, nil},
		{nil, []string{"ACT_PROGRAM_STORE_DSN=" + secret}},
	} {
		s, v := declared()
		if _, err := s.Read(in.args, in.environ); err != nil || v.dsn != secret {
			t.Fatal(v.dsn, err)
		}
		var out bytes.Buffer
		s.Print(&out)
		if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), "(set, not shown)") {
			t.Errorf("%s", &out)
		}
	}
	s, _ := declared()
	if _, err := s.Read(nil, []string{"ACT_PROGRAM_COUNT=hunter2"}); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "ACT_PROGRAM_COUNT") {
		t.Errorf("%v", err)
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	s := settings.New("program", "ACT_PROGRAM", &out)
	s.About = "program [one|two] [flags]\n"
	s.Int("count", 3, "how many")
	_, err := s.Read([]string{"-h"}, nil)
	if err != flag.ErrHelp {
		t.Error(err)
	}
	for _, want := range []string{"program [one|two] [flags]\n", "ACT_PROGRAM_NAME", "how many"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, &out)
		}
	}
}

// TestWrongFlag: a typing error is one line that names it and tells where help
// is; the help itself would push it off the screen.
func TestWrongFlag(t *testing.T) {
	for _, args := range [][]string{{"-coutn", "4"}, {"-count", "four"}, {"-count"}} {
		var out bytes.Buffer
		s := settings.New("program", "ACT_PROGRAM", &out)
		s.Int("count", 3, "how many")
		_, err := s.Read(args, nil)
		if err == nil || !strings.Contains(err.Error(), args[0]) || !strings.Contains(err.Error(), "-h ") || strings.Contains(err.Error(), "\n") || out.Len() != 0 {
			t.Errorf("%v: %v, %s", args, err, &out)
		}
	}
}
