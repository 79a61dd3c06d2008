package federation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/entrafed/entrafed"
)

// Config is what a [Federator] works with. Directory and Store are required.
type Config struct {
	// Directory is the tenant.
	Directory Directory

	// Store keeps the way back and the rotations under way.
	Store Store

	// Cloud is the cloud that the tenant is in. The zero Cloud is [entrafed.Global].
	Cloud entrafed.Cloud

	// Discovery asks Entra how a domain signs in. Nil: the public realm discovery of Cloud, over HTTP with its own client:
	// [NewDiscovery].
	Discovery Discovery

	// Logger gets every write, at level info, and every attempt that is made again, at level warn. Nil: silence.
	Logger *slog.Logger

	// Now is the clock. Nil: [time.Now].
	Now func() time.Time

	// Sleep waits. Nil: with a timer. It returns the context's error when the context ends first.
	Sleep func(ctx context.Context, d time.Duration) error

	// Rand makes the IDs of plans. It must be safe for concurrent use. Nil: [crypto/rand.Reader].
	Rand io.Reader
}

// Federator plans and makes changes to a tenant's domains. It is safe for concurrent use.
type Federator struct {
	dir       Directory
	store     Store
	cloud     entrafed.Cloud
	discovery Discovery
	log       *slog.Logger
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error
	rand      io.Reader
}

// New returns a Federator, or one error that lists everything that is wrong with cfg. It makes no call.
func New(cfg Config) (*Federator, error) {
	var errs []error
	if cfg.Directory == nil {
		errs = append(errs, errors.New("the Directory is nil: set one, for example an msgraph.Tenant"))
	}
	if cfg.Store == nil {
		errs = append(errs, errors.New("the Store is nil: set NewFileStore(directory), so that there is a way back"))
	}
	cfg = cfg.withDefaults()
	if cfg.Discovery == nil {
		discovery, err := NewDiscovery(cfg.Cloud, nil)
		if err != nil {
			errs = append(errs, err)
		}
		cfg.Discovery = discovery
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("federation: the configuration cannot be used: %w", err)
	}
	return &Federator{
		dir: cfg.Directory, store: cfg.Store, cloud: cfg.Cloud, discovery: cfg.Discovery, log: cfg.Logger,
		now: cfg.Now, sleep: cfg.Sleep, rand: cfg.Rand,
	}, nil
}

func (cfg Config) withDefaults() Config {
	cfg.Cloud = cfg.Cloud.OrGlobal()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	return cfg
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newID makes the ID of a plan.
func (f *Federator) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(f.rand, b[:]); err != nil {
		return "", fmt.Errorf("federation: no plan without randomness: %w", err)
	}
	return fmt.Sprintf("%x", b), nil
}
