package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/entrafed/entrafed"
)

// serve runs the demonstration for a browser until ctx ends.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	site, err := listen("-addr", o.addr)
	if err != nil {
		return err
	}
	defer site.Close()
	cloud, err := listen("-tenant-addr", o.tenantAddr)
	if err != nil {
		return err
	}
	defer cloud.Close()

	w, err := newWorld(ctx, setting{
		Origin: "http://" + site.Addr().String(), TenantOrigin: "http://" + cloud.Addr().String(),
		Lag: lags[o.lag], Seed: o.chosenSeed(), Logger: o.logger(stderr),
		StateDir: o.state,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Open   http://%s/\n", site.Addr())
	fmt.Fprintf(stdout, "Tenant http://%s/ (simulated)\n", cloud.Addr())
	fmt.Fprintln(stdout, "Ctrl-C ends it. Nothing leaves this machine, and "+o.kept()+".")
	err = w.finish(ctx, func(a actor) { fmt.Fprintf(stdout, "Going on with %s, whose account was begun.\n", a.Title) })
	if err != nil {
		return err
	}
	return serveAll(ctx, w, map[net.Listener]http.Handler{site: w.handler, cloud: w.tenant})
}

// kept says what is left when the program ends.
func (o options) kept() string {
	if o.state == "" {
		return "nothing is kept"
	}
	return "what there is to keep is in " + o.state
}

func listen(name, address string) (net.Listener, error) {
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

// serveAll serves until ctx ends or one of the servers fails, and leaves in order: first the servers, then the work.
func serveAll(ctx context.Context, w *world, sites map[net.Listener]http.Handler) error {
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
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(leaving) != nil {
			err = errors.Join(err, server.Close()) // streams to open pages do not end by themselves
		}
	}
	if closing := w.close(leaving); !errors.Is(closing, context.DeadlineExceeded) {
		err = errors.Join(err, closing)
	}
	return err
}
