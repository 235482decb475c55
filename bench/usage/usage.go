// Package usage is what the benchmark records of each process: a file of JSON
// lines, one when a process starts and one when it has ended.
package usage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// File is the environment variable that names the file.
const File = "BENCH_USAGE_FILE"

// The names of processes.
const (
	Core     = "core" // terraform itself; its CPU and its peak include those of the providers
	Provider = "provider"
)

// Process is one process. All but Name and PID are known when it has ended.
type Process struct {
	Name   string
	PID    int
	Ended  bool          `json:",omitempty"`
	Wall   time.Duration `json:",omitempty"`
	CPU    time.Duration `json:",omitempty"` // user and system, with the children it waited for
	Own    time.Duration `json:",omitempty"` // CPU of the program that measures
	MaxRSS int64         `json:",omitempty"` // peak of the resident set, in bytes; the largest of it and its children
}

// Append adds a line to a file.
func Append(path string, p Process) error {
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n')) // in one piece: several processes write
	return errors.Join(err, file.Close())
}

// Command is what one call of terraform has used.
type Command struct {
	Wall                      time.Duration
	CoreCPU, ProviderCPU      time.Duration
	CoreMaxRSS                int64 // never less than that of a provider
	ProviderMaxRSS            int64 // of the largest; 0 without a provider
	Providers                 int   // how many processes
	unfinished, coreProcesses int
}

// Parse sums up the file of one command.
func Parse(text []byte) (Command, error) {
	var c Command
	decoder := json.NewDecoder(bytes.NewReader(text))
	for {
		var p Process
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return c, c.check()
		}
		if err != nil {
			return c, fmt.Errorf("usage of processes: %w", err)
		}
		c.add(p)
	}
}

func (c *Command) add(p Process) {
	if !p.Ended {
		c.unfinished++
		return
	}
	c.unfinished--
	if p.Name == Core {
		c.coreProcesses++
		c.Wall, c.CoreMaxRSS = p.Wall, p.MaxRSS
		c.CoreCPU += p.CPU
		return
	}
	c.Providers++
	c.ProviderCPU += p.CPU
	c.CoreCPU -= p.CPU + p.Own // terraform waits for its providers, so they are in its sum
	c.ProviderMaxRSS = max(c.ProviderMaxRSS, p.MaxRSS)
}

// check reports figures that are not whole.
func (c *Command) check() error {
	switch {
	case c.coreProcesses != 1:
		return fmt.Errorf("usage of processes: %d of terraform itself, want 1", c.coreProcesses)
	case c.unfinished != 0:
		return fmt.Errorf("usage of processes: %d were killed before they were measured", c.unfinished)
	case c.CoreCPU < 0:
		return fmt.Errorf("usage of processes: terraform has waited for none of its providers")
	}
	return nil
}
