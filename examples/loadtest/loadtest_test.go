package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/pgcluster"
	"github.com/actprotocol/act-go/protocol/canon"
)

// The processor is built once for all tests.
var processorBinary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "act-loadtest-binary-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	processorBinary = filepath.Join(dir, "processor.exe")
	build := append([]string{"build", "-o", processorBinary}, alike()...)
	if text, err := exec.Command("go", append(build, program)...).CombinedOutput(); err != nil {
		panic(string(text))
	}
	return m.Run()
}

// alike builds the processor as this test was built: the floor is measured here,
// and means nothing beside a program that another compiler made. Only the race
// detector makes such a difference.
func alike() []string {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return []string{"-race"}
		}
	}
	return nil
}

// figures are all members of the JSON form, and no others.
type figures struct {
	PerSecond float64 `json:"payments_per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Errors    int     `json:"errors"`
	CPU       float64 `json:"cpu_us_per_payment"`
	Floor     float64 `json:"floor_us_per_payment"`
	RSS       float64 `json:"rss_mib"`
	Store     string  `json:"store"`
	Processes int     `json:"processes"`
	Rate      float64 `json:"rate"`
	Seconds   float64 `json:"seconds"`
	Agents    int     `json:"agents"`
	Prefilled int     `json:"prefilled"`
	Ratio     float64 `json:"ratio"`
	Note      string  `json:"note"`
}

func runJSON(t *testing.T, args ...string) (f figures) {
	t.Helper()
	var out bytes.Buffer
	args = append([]string{"-json", "-processor", processorBinary, "-dir", t.TempDir(), "-agents", "4", "-merchants", "2", "-connections", "8"}, args...)
	if err := run(context.Background(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := canon.Decode(out.Bytes(), &f); err != nil {
		t.Fatalf("%s: %v", out.Bytes(), err)
	}
	return f
}

// A short run: payments go through the real processor over HTTPS, the book is
// audited behind them, and the figures are in order.
func TestRun(t *testing.T) {
	f := runJSON(t, "-seconds", "1.5", "-rate", "40", "-prefill", "25")
	if f.Errors != 0 || f.Store != "sqlite" || f.Processes != 1 || f.Agents != 4 || f.Rate != 40 || f.Prefilled != 25 {
		t.Errorf("%+v", f)
	}
	// 60 payments, whose arrivals are drawn: the same in every run.
	if f.PerSecond < 15 || f.PerSecond > 120 || f.Seconds < 0.4 {
		t.Errorf("%.1f a second for %.1f s", f.PerSecond, f.Seconds)
	}
	if f.Note != "" || math.Abs(f.Ratio-f.CPU/f.Floor) > 0.02 {
		t.Errorf("note %q, ratio %.2f", f.Note, f.Ratio)
	}
	if f.P50 <= 0 || f.P99 < f.P50 || f.RSS < 10 || f.RSS > 1000 {
		t.Errorf("p50 %.2f ms, p99 %.2f ms, %.1f MiB", f.P50, f.P99, f.RSS)
	}
	if f.Floor < 10 || f.CPU < f.Floor {
		t.Errorf("%.1f us a payment, %.1f us for its signatures alone", f.CPU, f.Floor)
	}
}

// Without a rate one is found, and the figures say how.
func TestRunFindsRate(t *testing.T) {
	if testing.Short() {
		t.Skip("TestRun is the same, and shorter")
	}
	f := runJSON(t, "-seconds", "1")
	if f.Errors != 0 || f.Rate < 10 || !strings.Contains(f.Note, "probes") {
		t.Errorf("%+v", f)
	}
}

func TestRunPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("TestRun is the same, and shorter")
	}
	c, err := pgcluster.New(t.Context())
	if errors.Is(err, pgcluster.ErrAbsent) {
		t.Skip(err)
	}
	if err := errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	f := runJSON(t, "-seconds", "1", "-rate", "20", "-store", "postgres", "-processes", "2")
	if f.Errors != 0 || f.Store != "postgres" || f.Processes != 2 {
		t.Errorf("%+v", f)
	}
}

// For people there is a table of the stages, from a profile that is kept when
// that is asked for.
func TestRunForPeople(t *testing.T) {
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "cpu.pprof")
	err := run(context.Background(), []string{"-processor", processorBinary, "-dir", t.TempDir(), "-agents", "2", "-merchants", "1", "-seconds", "2", "-rate", "250",
		"-cpuprofile", file}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"payments a second", "0 errors", "of CPU a payment", "signatures checked: request and order", "store: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if data, err := os.ReadFile(file); err != nil || len(data) == 0 {
		t.Errorf("%d bytes of profile, %v", len(data), err)
	}
}

// What does not work is said, and fails the program: here a processor that takes
// one message a second of an agent, so that the others are refused.
func TestRunWithErrors(t *testing.T) {
	t.Setenv("ACT_PROCESSOR_RATE_AGENT", "1")
	var out bytes.Buffer
	err := run(context.Background(), []string{"-json", "-processor", processorBinary, "-dir", t.TempDir(), "-agents", "1", "-merchants", "1",
		"-seconds", "1", "-rate", "30"}, &out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "too_many_requests") {
		t.Errorf("%v", err)
	}
	var f figures
	if err := canon.Decode(out.Bytes(), &f); err != nil || f.Errors < 20 {
		t.Errorf("%s: %v", out.Bytes(), err)
	}
}

func TestOptions(t *testing.T) {
	for _, args := range [][]string{
		{"-seconds", "0"}, {"-seconds", "4000"}, {"-rate", "0.5"}, {"-rate", "-1"}, {"-store", "paper"}, {"-processes", "2"}, {"-processes", "0"}, {"-agents", "0"}, {"-agents", "1000"},
		{"-merchants", "0"}, {"-connections", "0"}, {"-prefill", "-1"}, {"more"}, {"-unknown"},
	} {
		if err := run(context.Background(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// A processor that does not start says why.
func TestNoProcessor(t *testing.T) {
	err := run(context.Background(), []string{"-processor", processorBinary, "-dir", filepath.Join(t.TempDir(), "absent")}, io.Discard, io.Discard)
	if err == nil {
		t.Error("a folder that is not there is taken")
	}
	t.Setenv("ACT_PROCESSOR_RATE_AGENT", "many")
	err = run(context.Background(), []string{"-processor", processorBinary, "-dir", t.TempDir()}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "the processor ended") {
		t.Errorf("%v", err)
	}
}

// An interrupted run ends soon, and leaves neither process nor folder.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	time.AfterFunc(2*time.Second, cancel)
	begun := time.Now()
	if err := run(ctx, []string{"-processor", processorBinary, "-dir", dir, "-seconds", "60", "-rate", "50"}, io.Discard, io.Discard); err == nil {
		t.Error("it went on")
	}
	if time.Since(begun) > 40*time.Second {
		t.Error("it took long to end")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
