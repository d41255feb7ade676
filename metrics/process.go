package metrics

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// process is the figures of this program, under the names that dashboards for
// Go programs look for.
func process(began time.Time) []*family {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples)
	at := func(i int) float64 {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return float64(samples[i].Value.Uint64())
	}
	list := []*family{
		gauge("go_goroutines", "Goroutines.", float64(runtime.NumGoroutine())),
		gauge("go_gomaxprocs", "Processors that run Go code.", float64(runtime.GOMAXPROCS(0))),
		gauge("go_memstats_heap_alloc_bytes", "Bytes of living and not yet collected objects.", at(0)),
		gauge("go_memstats_sys_bytes", "Bytes taken from the system.", at(1)),
		newFamily("counter", "go_gc_cycles_total", "Collections of garbage.").set(at(2)),
		newFamily("counter", "go_memstats_alloc_bytes_total", "Bytes allocated in all.").set(at(3)),
		newFamily("gauge", "go_info", "Version of Go.", "version").set(1, runtime.Version()),
		gauge("process_start_time_seconds", "When this program began, in seconds since 1970.", float64(began.Unix())),
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		list = append(list, newFamily("gauge", "twofold_build_info", "Version of this program.", "version").set(1, b.Main.Version))
	}
	return append(list, proc()...)
}

// proc is what Linux tells of a process; elsewhere there is nothing.
func proc() []*family {
	var list []*family
	if raw, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(raw)); len(fields) > 1 {
			if pages, err := strconv.ParseFloat(fields[1], 64); err == nil {
				list = append(list, gauge("process_resident_memory_bytes", "Bytes in memory.", pages*float64(os.Getpagesize())))
			}
		}
	}
	if raw, err := os.ReadFile("/proc/self/stat"); err == nil {
		// Behind the name, which may hold blanks and brackets, user and system
		// time are the 12th and 13th field, in hundredths of a second.
		_, rest, _ := strings.Cut(string(raw), ") ")
		if fields := strings.Fields(rest); len(fields) > 12 {
			user, err1 := strconv.ParseFloat(fields[11], 64)
			system, err2 := strconv.ParseFloat(fields[12], 64)
			if err1 == nil && err2 == nil {
				list = append(list, newFamily("counter", "process_cpu_seconds_total", "Seconds of CPU, user and system.").set((user+system)/100))
			}
		}
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		list = append(list, gauge("process_open_fds", "Open files and connections.", float64(len(files))))
	}
	return list
}
