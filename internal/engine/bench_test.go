package engine

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rotd/internal/awssim"
	"rotd/internal/events/queue"
)

// BenchmarkIngest decodes, judges and commits 1,000 ordinary Decrypt events in a transaction, without SQS.
func BenchmarkIngest(b *testing.B) {
	w := loneWorld(b)
	var keys []string
	for i := range 50 {
		keys = append(keys, w.key(awssim.KeyOptions{Aliases: []string{fmt.Sprintf("alias/app-%d", i)}, RotationPeriod: 365}))
	}
	w.sweep(Inventory)
	const perCommit = 1000
	from := time.Now().Add(-time.Hour)
	b.ReportAllocs()
	events, cpu := 0, time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		work := &work{units: make([]unit, perCommit)}
		messages := make([]queue.Message, perCommit)
		for i := range messages {
			from = from.Add(time.Millisecond)
			r := newRecord("Decrypt", keys[i%len(keys)], w.engineer, from)
			messages[i] = queue.Message{ID: r.id(), Body: []byte(r.bridged()), ReceiveCount: 1, Queue: w.queue}
		}
		b.StartTimer()
		before := cpuTime(b)
		decoder := w.engine.decoder()
		for i := range messages {
			work.units[i].msg = &messages[i]
			w.engine.decode(&work.units[i], decoder)
		}
		tally, err := w.engine.tryCommit(works(work), nil)
		if err != nil {
			b.Fatal(err)
		}
		w.engine.committed(tally)
		events += tally.processed
		cpu += cpuTime(b) - before
	}
	if want := b.N * perCommit; events != want {
		b.Fatalf("processed %d events of %d", events, want)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(events), "cpu-ns/event")
}

// cpuTime is what the process has used of its CPUs: unlike the time on the clock it does not wait for the disk.
func cpuTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func works(w ...*work) []*work { return w }
