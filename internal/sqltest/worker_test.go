package sqltest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision/sqlstore"
)

// workerJob is the environment variable by which this program knows that it is a worker: a process that does the job and
// is not a test. It tells what it does on its standard output, one line of JSON for each thing done.
const workerJob = "ENTRAFED_SQLTEST_WORKER"

// job is what a worker does.
type job struct {
	Task      string // one of tasks
	Worker    int    // which of them this is
	Place     place
	Rounds    int           // how often; 0 until it is killed
	Directory string        // the address of the directory
	Ahead     time.Duration // by how much the worker's clock for leases is ahead
}

// tasks are what workers can do. tell writes a line.
func tasks() map[string]func(ctx context.Context, j job, store *sqlstore.Store, tell func(any)) error {
	return map[string]func(context.Context, job, *sqlstore.Store, func(any)) error{
		"contend":   contend,
		"provision": provisionEverybody,
		"spend":     spend,
	}
}

// work does the job, in a process of its own, and returns the exit code.
func work(text string) int {
	if err := workJob(text); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 1
	}
	return 0
}

func workJob(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	db, err := j.Place.open()
	if err != nil {
		return err
	}
	defer db.Close()
	config := j.Place.config(db)
	if j.Ahead != 0 {
		config.Now = func() time.Time { return time.Now().Add(j.Ahead) }
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // if the test is gone
	defer cancel()
	store, err := sqlstore.New(ctx, config) // the workers migrate, too
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	return tasks()[j.Task](ctx, j, store, func(line any) { err = errors.Join(err, out.Encode(line)) })
}

// process is a running worker.
type process struct {
	command *exec.Cmd
	lines   *bufio.Reader
}

// start starts a worker. It is killed when the test ends, if it still runs then.
func start(t *testing.T, j job) *process {
	t.Helper()
	text, err := json.Marshal(j)
	require.NoError(t, err)
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), workerJob+"="+string(text))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		if command.ProcessState == nil {
			_ = command.Process.Kill()
			_ = command.Wait()
		}
	})
	return &process{command, bufio.NewReader(out)}
}

// next reads the next line of a worker. It is io.EOF when there is none; a line that the kill cut off is none.
func next[T any](p *process) (line T, err error) {
	text, err := p.lines.ReadBytes('\n')
	if err != nil {
		return line, err
	}
	return line, json.Unmarshal(text, &line)
}

// rest reads all lines until the worker ends, and waits for it.
func rest[T any](p *process) (lines []T, err error) {
	for {
		line, err := next[T](p)
		if errors.Is(err, io.EOF) {
			return lines, p.command.Wait()
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, line)
	}
}

// kill ends a worker as a crash does: with SIGKILL, in the middle of whatever it is doing.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.command.Process.Kill())
}
