package main

import (
	"cmp"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine is where the figures come from.
type machine struct {
	CPUs       int    `json:"cpus"`
	CPU        string `json:"cpu"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	FileSystem string `json:"file_system"` // that rotd's state is on
	Load       string `json:"load"`        // average of the minute before: what else the machine did
	Date       string `json:"date"`
}

func lookAtMachine(dir string) machine {
	m := machine{
		CPUs: runtime.NumCPU(), CPU: "unknown CPU", Go: runtime.Version(),
		Kernel:     lastLine("uname", "-sr"),
		FileSystem: lastLine("df", "--output=fstype", dir),
		Load:       "unknown",
		Date:       time.Now().UTC().Format(time.DateOnly),
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	info, _ := os.ReadFile("/proc/cpuinfo") // absent: the CPU stays unknown
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// lastLine is the last line that a command prints; "unknown" when it cannot be run.
func lastLine(name string, args ...string) string {
	out, _ := exec.Command(name, args...).Output()
	text := strings.TrimSpace(string(out))
	return cmp.Or(text[strings.LastIndexByte(text, '\n')+1:], "unknown")
}
