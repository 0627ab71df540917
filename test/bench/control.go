package main

import (
	"context"
	"fmt"
	"net/rpc"
	"os"
	"os/exec"
)

// remote is the simulator's process as the benchmark drives it, see Control.
type remote struct {
	cmd    *exec.Cmd
	client *rpc.Client
}

// startRemote starts a simulator's process, in one of its two roles.
func startRemote(role string) (*remote, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	r := &remote{cmd: exec.Command(program, role)}
	r.cmd.Stderr = os.Stderr
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	r.client = rpc.NewClient(pipe{out, in})
	return r, nil
}

// call asks the simulator and waits for the answer, or until ctx ends.
func (r *remote) call(ctx context.Context, method string, args, reply any) error {
	call := r.client.Go("Simulator."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-ctx.Done():
		return fmt.Errorf("simulator: %s: %w", method, context.Cause(ctx))
	case <-call.Done:
		if call.Error != nil {
			return fmt.Errorf("simulator: %s: %w", method, call.Error)
		}
		return nil
	}
}

func (r *remote) stop() {
	r.client.Close() // it ends with its standard input
	_ = r.cmd.Wait()
}
