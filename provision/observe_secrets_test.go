package provision_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/entrafed/entrafed/internal/telemetry"
	"github.com/entrafed/entrafed/provision"
)

// What nobody may read anywhere.
const (
	theToken      = "eyJ0b2tlbi1tYXJrZXI"
	theSecret     = "client~secret~marker"
	unmappedClaim = "unmapped-claim-marker"
)

// What the log may have and spans and metrics may not.
const (
	mappedClaim = "mapped-claim-marker"
	theName     = "Display-Name-Marker"
	theID       = "person-id-marker"
)

// marked is a person all of whose data can be told.
func marked() provision.Person {
	return provision.Person{
		Connection: "google", ID: theID, Email: "address.marker@example.net", DisplayName: theName,
		Claims: map[string]string{"dept": mappedClaim, "salary": unmappedClaim},
	}
}

// keeper is a directory that knows secrets, and keeps the passwords that it was sent. What happens to a creation may
// depend on the password.
type keeper struct {
	*changingTenant
	token, secret string
	echo          func(password string) error // what creations get; nil: no error

	mu   sync.Mutex
	sent []string
}

var (
	_ provision.TokenSource = (*keeper)(nil)
	_ provision.UserBatches = (*keeper)(nil)
)

func newKeeper() *keeper {
	return &keeper{changingTenant: newChangingTenant(), token: theToken, secret: theSecret}
}

func (k *keeper) Authorize(ctx context.Context) error {
	_, err := k.begin(ctx, "Authorize", "")
	return err
}

func (k *keeper) CreateUser(ctx context.Context, n provision.NewUser) (provision.User, error) {
	k.mu.Lock()
	k.sent = append(k.sent, n.Password)
	echo := k.echo
	k.mu.Unlock()
	if echo != nil {
		if err := echo(n.Password); err != nil {
			return provision.User{}, err
		}
	}
	return k.changingTenant.CreateUser(ctx, n)
}

func (k *keeper) CreateUsers(ctx context.Context, users []provision.NewUser) (out []provision.Created, err error) {
	for _, u := range users {
		user, err := k.CreateUser(ctx, u)
		out = append(out, provision.Created{User: user, Err: err})
	}
	return out, nil
}

// witness has everything that a provisioner says.
type witness struct {
	spans   telemetry.Spans
	metrics telemetry.Metrics
	log     records
	errs    []error
	events  []provision.Event
}

// watch makes the witness see everything.
func (w *witness) watch(c provision.Config) provision.Config {
	c.Logger = slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.TracerProvider, c.MeterProvider = &w.spans, &w.metrics
	return c
}

// saw are the words, of those that are given, that occur in what was said; telemetry only: not in log and errors.
func (w *witness) saw(telemetryOnly bool, words []string) (found []string) {
	said := []string{w.spans.Text(), w.metrics.Text()}
	if !telemetryOnly {
		said = append(said, w.log.Text(), fmt.Sprintf("%+v", w.events))
		for _, err := range w.errs {
			said = append(said, fmt.Sprintf("%v %+v", err, err), deep(err))
		}
	}
	for _, word := range words {
		if slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, word) }) {
			found = append(found, word)
		}
	}
	return found
}

// deep is every text in an error, also of what it wraps and of fields that its own text leaves out.
func deep(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	var failure *provision.Error
	if errors.As(err, &failure) {
		text += failure.Public()
	}
	var answer *provision.DirectoryError
	if errors.As(err, &answer) {
		text += fmt.Sprintf("%+v", *answer)
	}
	switch wrapped := err.(type) {
	case interface{ Unwrap() error }:
		text += deep(wrapped.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range wrapped.Unwrap() {
			text += deep(err)
		}
	}
	return text
}

// secrets are what must not occur, with the passwords that were sent.
func (k *keeper) secrets() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append(slices.Clone(k.sent), theToken, theSecret, unmappedClaim)
}

// personal is what spans and metrics must not have besides.
func personal() []string {
	return []string{mappedClaim, theName, theID, "address.marker", "example.net", "contoso.com", "[password]"}
}

// hostile is a text that tries to be more than text, and repeats a password.
func hostile(password string) string {
	return "\x1b[31m\r\n{\"level\":\"ERROR\"}\x00\xff%s%!d(MISSING) " + password + " " + strings.Repeat("x", 5000) +
		" address.marker@example.net"
}

// histories are what can happen to people.
func histories() map[string]func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
	ensure := func(t *testing.T, w *witness, p *provision.Provisioner) provision.Account {
		account, err := p.EnsureWithProgress(t.Context(), marked(), func(e provision.Event) { w.events = append(w.events, e) })
		w.errs = append(w.errs, err)
		return account
	}
	echoed := func(echo func(password string) error) func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
		return func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
			k.echo = echo
			ensure(t, w, p)
			bulk := func(e provision.BulkEvent) {
				if e.Err != nil {
					w.errs = append(w.errs, e.Err)
				}
			}
			_, err := p.EnsureAll(t.Context(), people(marked(), contractor(), partner()), provision.Bulk{Progress: bulk,
				Budget: 3 * time.Minute})
			w.errs = append(w.errs, err)
		}
	}
	failing := func(method string, err error) func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
		return func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
			k.always(method, fault{err: err})
			ensure(t, w, p)
		}
	}
	said := func(status int, code, message string) func(password string) error {
		return func(password string) error {
			return &provision.DirectoryError{Operation: "POST /users " + password, Status: status, Code: code + password,
				Message: message + hostile(password), RequestID: hostile(password),
				Details: []provision.ErrorDetail{{Code: password, Target: hostile(password), Message: hostile(password)}}}
		}
	}
	return map[string]func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner){
		"a new person, and the same again": func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
			ensure(t, w, p)
			ensure(t, w, p)
			require.NoError(t, errors.Join(w.errs...))
		},
		"a UPN that is taken": func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
			k.has("another", "address.marker@contoso.com")
			ensure(t, w, p)
		},
		"an ImmutableID that is another's": func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
			k.has(strings.ToUpper(provision.ImmutableIDFromSubject("google", theID)), "another@contoso.com")
			ensure(t, w, p)
		},
		"leaving, coming back, leaving for good": func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
			ensure(t, w, p)
			w.errs = append(w.errs, p.Retire(t.Context(), marked().Key(), provision.Leaving{Delete: true}))
			w.errs = append(w.errs, p.Restore(t.Context(), marked()))
			ensure(t, w, p)
			w.errs = append(w.errs, p.Retire(t.Context(), marked().Key(), provision.Leaving{Purge: true}))
			ensure(t, w, p)
		},
		"a reconciliation that repairs, and one that cannot": func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
			account := ensure(t, w, p)
			for _, broken := range []bool{false, true} {
				k.edit(account.ObjectID, func(u *provision.User) {
					u.AccountEnabled, u.ImmutableID, u.UserPrincipalName = false, "another", "renamed@contoso.com"
				})
				if broken {
					k.always("UpdateUser", fault{err: said(403, "", "")("")})
				}
				_, err := p.Reconcile(t.Context(), provision.Reconciliation{
					Full: true, Repair: func(provision.Drift) bool { return true },
					Report: func(d provision.Drift) { w.errs = append(w.errs, d.Err) },
				})
				w.errs = append(w.errs, err)
			}
		},
		"a bulk": echoed(nil),
		"a claim that is too long": func(t *testing.T, k *keeper, w *witness, p *provision.Provisioner) {
			ensure(t, w, p)
			person := marked()
			person.Claims["dept"] = strings.Repeat("x", 1000)
			_, err := p.Ensure(t.Context(), person)
			require.Error(t, err)
			w.errs = append(w.errs, err)
		},
		"a bad credential":                        failing("Authorize", status(401)),
		"a credential that is refused later":      failing("CreateUser", status(401)),
		"a permission that is missing":            failing("CreateUser", status(403)),
		"throttling without an end":               failing("CreateUser", throttled(20*time.Second)),
		"failures without an end":                 failing("CreateUser", status(503)),
		"reads that fail":                         failing("FindUser", status(500)),
		"no answers":                              failing("CreateUser", dropped()),
		"hostile refusals":                        failing("CreateUser", said(400, "x", "")("")),
		"a refusal that repeats the password":     echoed(said(400, "Request_BadRequest", "")),
		"a 401 that repeats the password":         echoed(said(401, "InvalidAuthenticationToken", "")),
		"a 403 that repeats the password":         echoed(said(403, "Authorization_RequestDenied", "")),
		"a 429 that repeats the password":         echoed(said(429, "TooManyRequests", "")),
		"a 503 that repeats the password":         echoed(said(503, "ServiceUnavailable", "")),
		"a conflict that repeats the password":    echoed(said(400, "Request_BadRequest", "Another object with the same value for property userPrincipalName already exists. ")),
		"a refused UPN that repeats the password": echoed(said(400, "Request_BadRequest", "The domain portion of the userPrincipalName property is invalid. ")),
		"a lost answer that repeats the password": echoed(func(password string) error {
			return &provision.DirectoryError{Operation: "POST /users", Err: fmt.Errorf("%s: %w", hostile(password), io.ErrUnexpectedEOF)}
		}),
		"an error of the directory's own that repeats the password": echoed(func(password string) error {
			return fmt.Errorf("sending %q: %w", hostile(password), provision.ErrUnavailable)
		}),
		"an error of no kind that repeats the password": echoed(func(password string) error { return errors.New(hostile(password)) }),
		"a panic that repeats the password":             echoed(func(password string) error { panic(hostile(password)) }),
	}
}

func TestNothingThatIsObservedHasASecret(t *testing.T) {
	t.Parallel()
	for name, history := range histories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, k := new(witness), newKeeper()
				c := w.watch(licensed(config(k, nil), standardSKU))
				c.Rules.Attributes = map[string]string{"department": "dept"}
				history(t, k, w, newProvisioner(t, c))
				synctest.Wait()
				require.NoError(t, w.metrics.Collect(t.Context()))
				require.NotEmpty(t, w.log.Text())
				require.Empty(t, w.saw(false, k.secrets()))
				require.Empty(t, w.saw(true, personal()))
				requireEnded(t, &w.spans)
			})
		})
	}
}

// The check sees what leaks, wherever it does.
func TestALeakIsNoticed(t *testing.T) {
	t.Parallel()
	for name, leak := range map[string]func(ctx context.Context, w *witness, c provision.Config, word string) error{
		"nowhere": func(context.Context, *witness, provision.Config, string) error { return nil },
		"into the log": func(ctx context.Context, _ *witness, c provision.Config, word string) error {
			c.Logger.DebugContext(ctx, "sending", "user", provision.NewUser{Password: word})
			return nil
		},
		"into an attribute": func(ctx context.Context, _ *witness, _ provision.Config, word string) error {
			trace.SpanFromContext(ctx).SetAttributes(attribute.String("user", "x"+word))
			return nil
		},
		"into an event": func(ctx context.Context, _ *witness, _ provision.Config, word string) error {
			trace.SpanFromContext(ctx).AddEvent("sending", trace.WithAttributes(attribute.String("user", word)))
			return nil
		},
		"into a recorded error": func(ctx context.Context, _ *witness, _ provision.Config, word string) error {
			trace.SpanFromContext(ctx).RecordError(errors.New(word))
			return nil
		},
		"into a status": func(ctx context.Context, _ *witness, _ provision.Config, word string) error {
			_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("").Start(ctx, "inner")
			span.SetStatus(codes.Error, word)
			span.End()
			return nil
		},
		"into a name": func(ctx context.Context, _ *witness, _ provision.Config, word string) error {
			trace.SpanFromContext(ctx).SetName("step " + word)
			return nil
		},
		"into a metric": func(ctx context.Context, w *witness, _ provision.Config, word string) error {
			counter, err := w.metrics.Meter("").Int64Counter("leak")
			counter.Add(ctx, 1, metric.WithAttributes(attribute.String("user", word)))
			return err
		},
		"into an error": func(_ context.Context, _ *witness, _ provision.Config, word string) error {
			return fmt.Errorf("the step failed with %s", word)
		},
		"into a detail of an error": func(_ context.Context, _ *witness, _ provision.Config, word string) error {
			return &provision.DirectoryError{Status: 400, Details: []provision.ErrorDetail{{Target: word}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, k := new(witness), newKeeper()
				c := w.watch(config(k, nil))
				c.Extra = []provision.Step{ownStep{"leak", func(ctx context.Context, _ provision.Person, _ provision.Account) error {
					return leak(ctx, w, c, k.secrets()[0])
				}}}
				_, err := newProvisioner(t, c).Ensure(t.Context(), marked())
				w.errs = append(w.errs, err)
				want := []string{k.secrets()[0]}
				if name == "nowhere" {
					want = nil
				}
				require.Equal(t, want, w.saw(false, k.secrets()))
			})
		})
	}
}

// What is left of an error that repeated the password means what it meant.
func TestAnErrorWithoutItsPasswordIsTheSameOtherwise(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  func(password string) error
		want error
	}{
		"a conflict with nobody who can be seen": {func(password string) error {
			err := conflict("proxyAddresses", "")
			err.Message += password
			return fmt.Errorf("creating: %w", err)
		}, provision.ErrNotReady},
		"a missing permission": {func(password string) error {
			return &provision.DirectoryError{Status: 403, Message: password}
		}, provision.ErrForbidden},
		"throttling": {func(password string) error {
			return &provision.DirectoryError{Status: 429, Message: password, RetryAfter: time.Hour}
		}, provision.ErrThrottled},
		"no answer": {func(password string) error {
			return &provision.DirectoryError{Err: fmt.Errorf("%s: %w", password, provision.ErrUnauthorized)}
		}, provision.ErrUnauthorized},
		"an error of the directory's own": {func(password string) error {
			return fmt.Errorf("%s: %w", password, provision.ErrForbidden)
		}, provision.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKeeper()
				k.echo = tc.err
				_, err := newProvisioner(t, config(k, nil)).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, tc.want)
				require.ErrorContains(t, err, "[password]")
				require.NotContains(t, deep(err), k.sent[0])
			})
		})
	}
}
