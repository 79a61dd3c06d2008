package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/recording"
	"github.com/entrafed/entrafed/examples/internal/simulation"
	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/msgraph"
)

// session is one run against one tenant.
type session struct {
	program
	flags      flags
	domain     string
	tenant     string           // as the operator knows it
	store      string           // the directory of what is kept
	file       *federation.Plan // of apply: what the file says
	simulation *simulation.Tenant
	dump       *recording.Log
	directory  *msgraph.Tenant
	federator  *federation.Federator
}

// connect reads the configuration and opens the tenant. The error lists all that is wrong; the session is then to be
// released all the same.
func (p program) connect(ctx context.Context, f flags) (s *session, err error) {
	s = &session{program: p, flags: f}
	e := environment.New(p.Environ, variables())
	if s.domain = f.domain; s.domain == "" {
		s.domain = strings.ToLower(e.Value(environment.Domain))
	}
	planErr := s.readPlan()
	if s.domain == "" && planErr == nil {
		planErr = errNoDomain
	}
	if f.simulate != "" {
		if planErr != nil {
			return s, planErr
		}
		return s, s.simulate(ctx)
	}
	cloud, _ := e.Cloud()
	credential := e.CredentialOfChain(p.Now())
	if err := errors.Join(planErr, e.Err()); err != nil {
		return s, err
	}
	if s.tenant = credential.TenantID; s.tenant == "" {
		s.tenant = "of " + credential.String()
	}
	if err := s.chooseStore(); err != nil {
		return s, err
	}
	opened, err := credential.Open(cloud, p.Transport)
	if err != nil {
		return s, err
	}
	return s, s.open(cloud, opened, p.Transport)
}

// simulate opens the simulated tenant. Its clock is one of its own: nobody waits.
func (s *session) simulate(ctx context.Context) (err error) {
	if s.Clock == nil {
		s.Clock = newClock()
	}
	if s.simulation, err = simulation.Open(ctx, s.flags.simulate, s.Clock, newTenantFile); err != nil {
		return err
	}
	s.simulation.KeepTime()
	s.Clock = s.simulation.Clock
	s.Clock.Advance(s.flags.later)
	s.tenant = s.flags.simulate
	if s.flags.state == "" {
		s.flags.state = s.flags.simulate + ".state"
	}
	if err := s.chooseStore(); err != nil {
		return err
	}
	return s.open(s.simulation.Cloud(), s.simulation.Credential(), s.simulation)
}

// chooseStore says where what is kept is kept.
func (s *session) chooseStore() error {
	if s.store = s.flags.state; s.store != "" {
		return nil
	}
	own, err := os.UserConfigDir()
	if err != nil {
		return fmt.Errorf("there is no configuration directory to keep the way back in: give -state DIR: %w", err)
	}
	s.store = filepath.Join(own, "entrafed", "federate")
	return nil
}

func (s *session) open(cloud entrafed.Cloud, credential azcore.TokenCredential, transport http.RoundTripper) (err error) {
	if s.flags.dump != "" {
		if s.dump, err = recording.Create(s.flags.dump); err != nil {
			return fmt.Errorf("-dump: %w", err)
		}
	}
	log := s.Progress(s.flags.verbose).Log(s.flags.verbose)
	s.directory, err = msgraph.New(msgraph.Config{
		Cloud: cloud, Credential: credential, Transport: s.dump.Transport(transport), Logger: log, Now: s.Now,
	})
	if err != nil {
		return err
	}
	discovery, err := federation.NewDiscovery(cloud, &http.Client{Transport: transport, Timeout: discoveryTimeout})
	if err != nil {
		return err
	}
	kept, err := federation.NewFileStore(s.store)
	if err != nil {
		return err
	}
	s.federator, err = federation.New(federation.Config{
		Directory: s.directory, Store: kept, Cloud: cloud, Discovery: discovery, Logger: log, Now: s.Now, Sleep: s.Sleep,
	})
	if err != nil {
		return err
	}
	if s.file != nil {
		return nil
	}
	return s.recall()
}

const discoveryTimeout = 10 * time.Second

// close keeps the simulated tenant, and the record of the requests. Its error comes instead of success.
func (s *session) close(code int) int {
	if err := s.release(); err != nil {
		s.Say("%v", err)
		return max(code, command.ExitFailed)
	}
	return code
}

func (s *session) release() error {
	var errs []error
	if s.simulation != nil {
		if err := s.simulation.Save(); err != nil {
			errs = append(errs, fmt.Errorf("the simulated tenant cannot be kept: %w", err))
		}
	}
	if s.dump != nil {
		if err := s.dump.Close(); err != nil {
			errs = append(errs, fmt.Errorf("the record of the requests cannot be kept: %w", err))
		}
	}
	return errors.Join(errs...)
}

// failed prints what went wrong and what is to be done about it. What is refused has failed; anything else ended early,
// and can be gone on with.
func (s *session) failed(err error, remedy string) int {
	if errors.Is(err, federation.ErrUnauthorized) {
		remedy = "log in with az login, or set the variables that say how an application proves itself: federate -h\n" + remedy
	}
	code := s.Stopped(err, remedy)
	for _, refusal := range []error{
		federation.ErrBlocked, federation.ErrChanged, federation.ErrLockout, federation.ErrNotFound, federation.ErrNoNextKey,
		federation.ErrUnsupported,
	} {
		if errors.Is(err, refusal) {
			return command.ExitFailed
		}
	}
	return code
}

// again is a command line of this program for the same tenant.
func (s *session) again(format string, arguments ...any) string {
	line := "federate " + fmt.Sprintf(format, arguments...)
	if s.flags.simulate != "" {
		line += " -simulate " + quoted(s.flags.simulate)
	}
	if _, given := s.flags.given["state"]; given {
		line += " -state " + quoted(s.flags.state)
	}
	return line
}
