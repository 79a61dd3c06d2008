package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/entrafed/entrafed/examples/internal/loopback"
)

// serve runs the demonstration for a browser until ctx ends.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	site, err := loopback.Listen("-addr", o.addr)
	if err != nil {
		return err
	}
	defer site.Close()
	cloud, err := loopback.Listen("-tenant-addr", o.tenantAddr)
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
	return loopback.Serve(ctx, map[net.Listener]http.Handler{site: w.handler, cloud: w.tenant}, w.close)
}

// kept says what is left when the program ends.
func (o options) kept() string {
	if o.state == "" {
		return "nothing is kept"
	}
	return "what there is to keep is in " + o.state
}
