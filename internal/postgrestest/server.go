//go:build unix

package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTimeout is how long the server may take. Nothing is decided by it but when to give up.
const startTimeout = time.Minute

// startServer makes a cluster in dir and starts a server for it. stop ends it; so does the end of this process, however
// it comes.
func startServer(dir string, exec Exec) (url string, stop func(), err error) {
	bin, err := binaries()
	if err != nil {
		return "", nil, err
	}
	as, err := unprivileged(dir)
	if err != nil {
		return "", nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := osexec.Command(filepath.Join(bin, "initdb"), "--pgdata", data, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, as
	if output, err := initdb.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("initdb: %w\n%s", err, output)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	stop, err = runServer(filepath.Join(bin, "postgres"), data, dir, as, log)
	if err != nil {
		return "", nil, err
	}
	url = "postgres://postgres@/postgres?host=" + dir
	if err := waitForServer(url, exec); err != nil {
		stop()
		text, _ := os.ReadFile(log.Name())
		return "", nil, fmt.Errorf("postgres does not start: %w\n%s", err, text)
	}
	return url, stop, nil
}

// runServer starts the server. A shell in between stops it and removes the folder when its own standard input ends,
// which is when stop is called or this process is gone.
func runServer(postgres, data, socket string, as *syscall.SysProcAttr, log io.Writer) (stop func(), err error) {
	server := osexec.Command("/bin/sh", "-c", `"$@" & read -r _; kill -QUIT $!; wait $!; rm -rf "$0"`, socket,
		postgres, "-D", data,
		"-k", socket, "-c", "listen_addresses=", "-c", "max_connections=200",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "log_min_messages=fatal")
	server.Dir, server.SysProcAttr, server.Stdout, server.Stderr = socket, as, log, log
	input, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	return func() {
		input.Close()
		_ = server.Wait() // the signal may make it fail
	}, nil
}

func waitForServer(url string, exec Exec) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		if err := exec(ctx, url, "SELECT 1"); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// binaries finds the folder of the newest PostgreSQL that has both programs.
func binaries() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is good
	version := func(folder string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
		return n
	}
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	if path, err := osexec.LookPath("postgres"); err == nil {
		folders = append([]string{filepath.Dir(path)}, folders...)
	}
	for _, folder := range folders {
		if executable(filepath.Join(folder, "postgres")) && executable(filepath.Join(folder, "initdb")) {
			return folder, nil
		}
	}
	return "", ErrNotInstalled
}

func executable(path string) bool {
	_, err := osexec.LookPath(path)
	return err == nil
}

// unprivileged says as whom to run the server, which refuses to be root's, and gives that user the folder.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{Setpgid: true}, nil
	}
	var failures []error
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr, os.Chown(dir, int(uid), int(gid))); err != nil {
			failures = append(failures, err)
			continue
		}
		return &syscall.SysProcAttr{
			Setpgid:    true,
			Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
		}, nil
	}
	return nil, fmt.Errorf("root may not run postgres, and there is nobody else: %s",
		strings.ReplaceAll(errors.Join(failures...).Error(), "\n", "; "))
}
