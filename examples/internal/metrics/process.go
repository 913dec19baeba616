package metrics

import (
	"runtime/metrics"
	"time"
)

// Process adds what the Go runtime knows of this process.
func (r *Registry) Process(started time.Time) {
	r.Gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", func() float64 {
		return float64(started.UnixMilli()) / 1000
	})
	r.runtime("go_goroutines", "Goroutines.", "/sched/goroutines:goroutines", false)
	r.runtime("go_heap_objects_bytes", "Memory that live and dead objects take.", "/memory/classes/heap/objects:bytes", false)
	r.runtime("go_memory_total_bytes", "Memory that the Go runtime has from the system.", "/memory/classes/total:bytes", false)
	r.runtime("go_gc_cycles_total", "Collections of garbage.", "/gc/cycles/total:gc-cycles", true)
	r.runtime("go_heap_allocations_total", "Objects allocated.", "/gc/heap/allocs:objects", true)
	r.CounterFunc("process_cpu_seconds_total", "Processor time of the process, user and system.", func() float64 {
		return cpuTime().Seconds()
	})
}

func (r *Registry) runtime(name, help, of string, rises bool) {
	value := func() float64 {
		sample := []metrics.Sample{{Name: of}}
		metrics.Read(sample)
		if sample[0].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return float64(sample[0].Value.Uint64())
	}
	if rises {
		r.CounterFunc(name, help, value)
	} else {
		r.Gauge(name, help, value)
	}
}
