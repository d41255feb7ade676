package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of /proc/PID/stat on Linux, independent of the kernel's tick rate (USER_HZ is
// 100).
const tick = 10 * time.Millisecond

// processCPU returns the user and system CPU time of a process and its threads, from /proc/PID/stat
// (fields 14 and 15).
func processCPU(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in field 2 may contain blanks and parentheses, so fields are counted from its end.
	i := bytes.LastIndexByte(raw, ')')
	f := bytes.Fields(raw[i+1:])
	if i < 0 || len(f) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: too short", pid)
	}
	user, err1 := strconv.ParseInt(string(f[11]), 10, 64)
	kernel, err2 := strconv.ParseInt(string(f[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("/proc/%d/stat: no numbers", pid)
	}
	return time.Duration(user+kernel) * tick, nil
}

// memory returns a process's resident memory in MiB, current and peak.
func memory(pid int) (now, peak float64, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(raw) {
		f := bytes.Fields(line)
		if len(f) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(string(f[1]), 64)
		switch string(f[0]) {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			peak = kib / 1024
		}
	}
	return now, peak, nil
}

// childrenCPU returns the CPU time of the running children of a process. Each has one thread, and
// the scheduler's counter is more precise than a tick.
func childrenCPU(parent int) (sum time.Duration, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		return 0, err
	}
	for _, pid := range bytes.Fields(raw) {
		raw, err := os.ReadFile("/proc/" + string(pid) + "/schedstat")
		if os.IsNotExist(err) {
			continue // it ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		first, _, _ := bytes.Cut(raw, []byte(" "))
		n, err := strconv.ParseInt(string(first), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%s/schedstat: no number", pid)
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// familyCPU returns the CPU time of the children of a process and their threads.
func familyCPU(parent int) (sum time.Duration, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		return 0, err
	}
	for _, text := range bytes.Fields(raw) {
		pid, err := strconv.Atoi(string(text))
		if err != nil {
			return 0, err
		}
		used, err := processCPU(pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}
