package metrics_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/actprotocol/act-go/examples/internal/metrics"
)

func Example() {
	var r metrics.Registry
	answers := r.Counters("answers_total", "Answers by code.", "code")
	took := r.Times("answer_seconds", "Time of an answer.", []time.Duration{10 * time.Millisecond, time.Second})
	answers.With("ok", "").Add(2)
	answers.With("replayed", "").Add(1)
	took.With("", "").Observe(20 * time.Millisecond)
	_, _ = r.WriteTo(os.Stdout)
	// Output:
	// # HELP answers_total Answers by code.
	// # TYPE answers_total counter
	// answers_total{code="ok"} 2
	// answers_total{code="replayed"} 1
	// # HELP answer_seconds Time of an answer.
	// # TYPE answer_seconds histogram
	// answer_seconds_bucket{le="0.01"} 0
	// answer_seconds_bucket{le="1"} 1
	// answer_seconds_bucket{le="+Inf"} 1
	// answer_seconds_sum 0.02
	// answer_seconds_count 1
}

// TestReadByPrometheus lets Prometheus' own parser read what we write, hostile
// label values and all.
func TestReadByPrometheus(t *testing.T) {
	var r metrics.Registry
	hostile := "a\"b\\c\nd{}#,=\u00e9"
	counters := r.Counters("things_total", "Help with \\ and \n in it.", "first", "second")
	counters.With(hostile, "x").Add(7)
	r.Counters("bare_total", "No labels.")
	r.Gauge("level", "A level.", func() float64 { return -1.5e-9 })
	times := r.Times("took_seconds", "Times.", []time.Duration{time.Millisecond, time.Second}, "path")
	for _, d := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, time.Hour} {
		times.With("/p", "").Observe(d)
	}
	r.Process(time.Unix(1_700_000_000, 0))
	var out bytes.Buffer
	n, err := r.WriteTo(&out)
	if err != nil || n != int64(out.Len()) {
		t.Fatal(n, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&out)
	if err != nil {
		t.Fatal(err)
	}
	m := families["things_total"].GetMetric()[0]
	if m.GetCounter().GetValue() != 7 || m.GetLabel()[0].GetValue() != hostile || m.GetLabel()[1].GetValue() != "x" {
		t.Errorf("%v", m)
	}
	if families["bare_total"].GetMetric()[0].GetCounter().GetValue() != 0 || families["level"].GetMetric()[0].GetGauge().GetValue() != -1.5e-9 {
		t.Error("a counter without labels, or a gauge, is wrong")
	}
	h := families["took_seconds"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 4 || h.GetBucket()[0].GetCumulativeCount() != 2 || h.GetBucket()[1].GetCumulativeCount() != 3 || h.GetBucket()[2].GetCumulativeCount() != 4 {
		t.Errorf("%v", h)
	}
	if got := families["process_start_time_seconds"].GetMetric()[0].GetGauge().GetValue(); got != 1_700_000_000 {
		t.Errorf("started %v", got)
	}
	for _, name := range []string{"go_goroutines", "go_heap_objects_bytes", "process_cpu_seconds_total", "go_heap_allocations_total", "go_memory_total_bytes"} {
		if families[name] == nil || len(families[name].GetMetric()) != 1 {
			t.Errorf("no %s", name)
		}
	}
}

func TestConcurrent(t *testing.T) {
	var r metrics.Registry
	c := r.Counters("c_total", "C.", "label")
	h := r.Times("h_seconds", "H.", []time.Duration{time.Second})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				c.With("a", "").Add(1)
				h.With("", "").Observe(time.Millisecond)
			}
		})
	}
	wg.Wait()
	var out strings.Builder
	_, _ = r.WriteTo(&out)
	if !strings.Contains(out.String(), `c_total{label="a"} 8000`) || !strings.Contains(out.String(), "h_seconds_count 8000") {
		t.Errorf("%s", out.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestReaderLeaves(t *testing.T) {
	var r metrics.Registry
	r.Counters("c_total", "C.")
	if _, err := r.WriteTo(broken{}); err == nil {
		t.Error("no error")
	}
}

// BenchmarkAnswer is what counting one answer costs: a counter by two labels
// and a duration.
func BenchmarkAnswer(b *testing.B) {
	var r metrics.Registry
	c := r.Counters("c_total", "C.", "path", "code")
	h := r.Times("h_seconds", "H.", []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second}, "path")
	b.ReportAllocs()
	for b.Loop() {
		c.With("/payments", "ok").Add(1)
		h.With("/payments", "").Observe(3 * time.Millisecond)
	}
}
