package river

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/entrafed/entrafed/provision"
)

// DefaultTimeout, 5 minutes, is how long one attempt at a job may take unless [Config.Timeout] says otherwise.
const DefaultTimeout = 5 * time.Minute

// Config is what the workers are made of. People is required.
type Config struct {
	// People does the work. Required. Processes that share the queue give it a store that they share.
	People *provision.Provisioner

	// Timeout bounds one attempt at a job; the next one goes on where it stopped. It is also how long a job waits whose
	// process was killed, and should be longer than [provision.Settle].Budget. 0: [DefaultTimeout].
	Timeout time.Duration

	// Logger gets a record for each drift that is found, and for each job that is cancelled. Nil: nothing is logged
	// here; River and the Provisioner log by themselves.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	if c.People == nil {
		problems = append(problems, errors.New("Config.People is required"))
	}
	if c.Timeout < 0 {
		problems = append(problems, errors.New("Config.Timeout is negative"))
	}
	return errors.Join(problems...)
}

// AddWorkers adds the workers of all kinds of jobs. The error lists all that is wrong with the configuration, or says
// that there are workers of one of the kinds already.
func AddWorkers(workers *river.Workers, config Config) error {
	if err := config.validate(); err != nil {
		return fmt.Errorf("river: bad configuration: %w", err)
	}
	config = config.withDefaults()
	return errors.Join(
		river.AddWorkerSafely(workers, &ensureWorker{config: config}),
		river.AddWorkerSafely(workers, &retireWorker{config: config}),
		river.AddWorkerSafely(workers, &reconcileWorker{config: config}),
	)
}

// Configure sets, where config leaves it open, how soon River gives the jobs of a process that was killed to another
// one: as soon as their Timeout allows, in place of after an hour. That is safe for the jobs of this package, of which
// every step looks at what was done before; a host with jobs of its own that must not run twice sets
// RescueStuckJobsAfter itself.
func (c Config) Configure(config *river.Config) {
	if config.RescueStuckJobsAfter == 0 {
		config.RescueStuckJobsAfter = max(c.withDefaults().Timeout, cmp.Or(config.JobTimeout, river.JobTimeoutDefault))
	}
}
