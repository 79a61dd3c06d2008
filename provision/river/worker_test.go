package river_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"
)

// workerJob is the environment variable by which this program knows that it is a worker in a process of its own. It says
// on its standard output, a line each, that it is at work and which jobs it finished, until it is killed.
const workerJob = "ENTRAFED_RIVERTEST_WORKER"

// work works on jobs until the process is killed, and returns the exit code.
func work(text string) int {
	if err := workOn(text); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 1
	}
	return 0
}

func workOn(text string) error {
	var a access
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute) // if the test is gone
	defer cancel()
	w, closeAll, err := a.open(ctx, rules(), attempt)
	if err != nil {
		return err
	}
	defer closeAll()
	finished, unsubscribe := w.client.Subscribe(river.EventKindJobCompleted)
	defer unsubscribe()
	if err := w.client.Start(ctx); err != nil {
		return err
	}
	for event := range finished {
		fmt.Println(event.Job.ID)
	}
	return nil
}

// process is a running worker.
type process struct {
	command *exec.Cmd
	done    chan int // how many jobs it said it finished
}

// launch starts a worker. It is killed when the test ends.
func launch(t *testing.T, a access) *process {
	t.Helper()
	text, err := json.Marshal(a)
	require.NoError(t, err)
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), workerJob+"="+string(text))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	p := &process{command, make(chan int, 1)}
	go func() {
		lines := 0
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines++
		}
		p.done <- lines
	}()
	return p
}

// kill ends the worker as a crash does, and returns how many jobs it had finished.
func (p *process) kill() int {
	_ = p.command.Process.Kill() // it may be gone
	lines := <-p.done
	_ = p.command.Wait() // it says that it was killed
	return lines
}
