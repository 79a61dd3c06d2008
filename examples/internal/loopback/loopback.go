// Package loopback serves websites to this machine alone.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/entrafed/entrafed"
)

// leavingTime is how long what is under way has to end.
const leavingTime = 3 * time.Second

// Listen listens at an address of this machine, such as "127.0.0.1:8080". name is the flag that gave it.
func Listen(name, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !entrafed.IsLoopback(host) {
		return nil, fmt.Errorf("%s %q is not an address of this machine such as 127.0.0.1:8080", name, address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address with %s", err, name)
	}
	return listener, nil
}

// Serve serves until ctx ends or one of the servers fails, and leaves in order: first the servers, then what end ends. What
// is still under way three seconds later is not waited for, and no failure.
func Serve(ctx context.Context, sites map[net.Listener]http.Handler, end func(context.Context) error) error {
	failed := make(chan error, len(sites))
	var servers []*http.Server
	for listener, handler := range sites {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, server)
		go func() { failed <- server.Serve(listener) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leavingTime)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(leaving) != nil {
			err = errors.Join(err, server.Close()) // streams to open pages do not end by themselves
		}
	}
	if ending := end(leaving); !errors.Is(ending, context.DeadlineExceeded) {
		err = errors.Join(err, ending)
	}
	return err
}
