package msgraph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/telemetry"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

const (
	rightSecret   = "right~client~secret~marker"
	wrongSecret   = "wrong~client~secret~marker"
	unmappedClaim = "unmapped-claim-marker"
)

// tap is a transport that keeps the tokens and passwords that pass it. It answers in the tenant's place, with all that
// it was sent, as often as told.
type tap struct {
	http.RoundTripper

	mu     sync.Mutex
	tokens map[string]bool
	words  []string // passwords
	echoes []int    // the statuses of the next answers to requests with a password
	inside bool     // those that are batches are answered with 200, and the echo is in each answer
}

var passwordField = regexp.MustCompile(`"password":"([^"]*)"`)

func (w *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if status, echo := w.keep(r, body); echo {
		return w.repeat(r, body, status), nil
	}
	return w.RoundTripper.RoundTrip(r)
}

// keep notes what is secret in a request, and says how to answer it.
func (w *tap) keep(r *http.Request, body []byte) (status int, echo bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		w.tokens[token] = true
	}
	found := passwordField.FindAllSubmatch(body, -1)
	for _, match := range found {
		w.words = append(w.words, string(match[1]))
	}
	if len(found) == 0 || len(w.echoes) == 0 {
		return 0, false
	}
	status, w.echoes = w.echoes[0], w.echoes[1:]
	return status, true
}

// repeat is a Graph error that says all that it was asked.
func (w *tap) repeat(r *http.Request, body []byte, status int) *http.Response {
	password, token := string(passwordField.Find(body)), r.Header.Get("Authorization")
	content := map[string]any{"error": map[string]any{"code": password, "message": password + token,
		"details": []any{map[string]string{"code": token, "target": password, "message": token}}}}
	if w.inside && strings.HasSuffix(r.URL.Path, "$batch") {
		var asked struct{ Requests []struct{ ID string } }
		_ = json.Unmarshal(body, &asked)
		var answers []any
		for _, one := range asked.Requests {
			answers = append(answers, map[string]any{"id": one.ID, "status": status, "body": content})
		}
		content, status = map[string]any{"responses": answers}, 200
	}
	text, _ := json.Marshal(content)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(text))}
}

// secrets are all that must not occur anywhere.
func (w *tap) secrets() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	words := append(slices.Clone(w.words), rightSecret, wrongSecret, unmappedClaim)
	for token := range w.tokens {
		words = append(words, token)
	}
	return words
}

// shared is a buffer for a log.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// stage is a simulated tenant, and everything that is said by the client and the pipeline in front of it.
type stage struct {
	entra   *entratest.Tenant
	tap     *tap
	people  *provision.Provisioner
	log     shared
	spans   telemetry.Spans // the pipeline's
	sdk     telemetry.Spans // of whatever uses the global provider
	metrics telemetry.Metrics
	errs    []error
}

// newStage sets the global TracerProvider, which the SDK uses: the test is not parallel.
func newStage(t *testing.T, secret string) *stage {
	t.Helper()
	clock := entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	app := entratest.DefaultApp()
	app.Secret = rightSecret
	s := &stage{entra: entratest.Start(t, entratest.Config{Clock: clock, Lag: entratest.LagNone, Apps: []entratest.App{app},
		SKUs: []entratest.SKU{{ID: skuID, PartNumber: "SPB", Enabled: 50}}})}
	s.tap = &tap{RoundTripper: s.entra.Transport(), tokens: map[string]bool{}}

	before := otel.GetTracerProvider()
	otel.SetTracerProvider(&s.sdk)
	t.Cleanup(func() { otel.SetTracerProvider(before) })

	credential, err := azidentity.NewClientSecretCredential(s.entra.Config().TenantID, app.ClientID, secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: azcore.ClientOptions{
			Transport: s.entra.Client(), Retry: policy.RetryOptions{MaxRetries: -1},
		}})
	require.NoError(t, err)
	logger := slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tenant, err := msgraph.New(msgraph.Config{Cloud: s.entra.Cloud(), Credential: credential, Transport: s.tap,
		Now: clock.Now, Logger: logger})
	require.NoError(t, err)
	s.people, err = provision.New(provision.Config{
		Directory: tenant, Now: clock.Now, Sleep: clock.Sleep, Logger: logger,
		TracerProvider: &s.spans, MeterProvider: &s.metrics,
		Rules: provision.Rules{Domain: "contoso.com", UsageLocation: "DE",
			Licenses:   []provision.License{{SKU: skuID}},
			Attributes: map[string]string{"department": "dept"}},
	})
	require.NoError(t, err)
	return s
}

// hire is a person, with a claim that no rule uses.
func hire(i int) provision.Person {
	return provision.Person{Connection: "hr", ID: fmt.Sprintf("id-marker-%d", i), Email: fmt.Sprintf("address.marker.%d@example.net", i),
		Claims: map[string]string{"dept": "Sales", "salary": unmappedClaim}}
}

func (s *stage) ensure(t *testing.T) provision.Account {
	account, err := s.people.Ensure(t.Context(), hire(0))
	s.errs = append(s.errs, err)
	return account
}

// bulk provisions four people as bulk work.
func (s *stage) bulk(t *testing.T) {
	everybody := func(yield func(provision.Person, error) bool) {
		for i := range 4 {
			if !yield(hire(i), nil) {
				return
			}
		}
	}
	_, err := s.people.EnsureAll(t.Context(), everybody, provision.Bulk{Progress: func(e provision.BulkEvent) {
		if e.Err != nil {
			s.errs = append(s.errs, e.Err)
		}
	}})
	s.errs = append(s.errs, err)
}

// leaks are the words that occur in what was said.
func (s *stage) leaks(words []string, in ...string) (found []string) {
	for _, word := range words {
		if slices.ContainsFunc(in, func(text string) bool { return strings.Contains(text, word) }) {
			found = append(found, word)
		}
	}
	return found
}

func (s *stage) said() []string {
	said := []string{s.spans.Text(), s.sdk.Text(), s.metrics.Text(), s.log.String()}
	for _, err := range s.errs {
		said = append(said, fmt.Sprintf("%+v", err))
		var answer *provision.DirectoryError
		if errors.As(err, &answer) {
			said = append(said, fmt.Sprintf("%+v", *answer))
		}
	}
	return said
}

// Not parallel: see newStage.
func TestNoSecretIsObservedFromEndToEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		secret  string
		history func(t *testing.T, s *stage)
		sent    bool // a token was
	}{
		"a new person, leaving and coming back": {rightSecret, func(t *testing.T, s *stage) {
			s.ensure(t)
			s.errs = append(s.errs, s.people.Retire(t.Context(), hire(0).Key(), provision.Leaving{Delete: true}))
			s.errs = append(s.errs, s.people.Restore(t.Context(), hire(0)))
			s.ensure(t)
			require.NoError(t, errors.Join(s.errs...))
		}, true},
		"a bulk": {rightSecret, func(t *testing.T, s *stage) {
			s.bulk(t)
			require.NoError(t, errors.Join(s.errs...))
		}, true},
		"a reconciliation": {rightSecret, func(t *testing.T, s *stage) {
			account := s.ensure(t)
			_, err := s.people.Reconcile(t.Context(), provision.Reconciliation{})
			s.errs = append(s.errs, err)
			s.change(t, account.ObjectID)
			_, err = s.people.Reconcile(t.Context(), provision.Reconciliation{Repair: func(provision.Drift) bool { return true }})
			s.errs = append(s.errs, err)
			require.NoError(t, errors.Join(s.errs...))
		}, true},
		"a secret that is wrong": {wrongSecret, func(t *testing.T, s *stage) {
			s.ensure(t)
			require.ErrorIs(t, s.errs[0], provision.ErrUnauthorized)
		}, false},
		"401":                  {rightSecret, faulty(401), true},
		"403":                  {rightSecret, faulty(403), true},
		"429":                  {rightSecret, faulty(429), true},
		"500":                  {rightSecret, faulty(500), true},
		"503":                  {rightSecret, faulty(503), true},
		"a 400 that says all":  {rightSecret, echoing(false, 400), true},
		"a 401 that says all":  {rightSecret, echoing(false, 401), true},
		"a 403 that says all":  {rightSecret, echoing(false, 403), true},
		"429s that say all":    {rightSecret, echoing(false, slices.Repeat([]int{429}, 200)...), true},
		"503s that say all":    {rightSecret, echoing(false, slices.Repeat([]int{503}, 200)...), true},
		"answers in batches":   {rightSecret, echoing(true, slices.Repeat([]int{400, 503, 403}, 20)...), true},
		"a success cut short":  {rightSecret, echoing(false, 201), true},
		"a redirect somewhere": {rightSecret, echoing(false, 302), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, tc.secret)
			tc.history(t, s)
			require.NoError(t, s.metrics.Collect(t.Context()))
			secrets := s.tap.secrets()
			require.Equal(t, tc.sent, len(secrets) > 4, "a token and a password")
			require.NotEmpty(t, s.log.String())
			require.Equal(t, tc.sent, len(s.sdk.All()) > 0, "the SDK's spans are seen")
			require.Empty(t, s.leaks(secrets, s.said()...))
			require.Empty(t, s.leaks([]string{"id-marker", "address.marker", "contoso.com"}, s.spans.Text(), s.sdk.Text(),
				s.metrics.Text()))
		})
	}
}

// faulty makes all writes fail.
func faulty(status int) func(t *testing.T, s *stage) {
	return func(t *testing.T, s *stage) {
		s.entra.Inject(entratest.Fault{Method: http.MethodPost, Status: status, Times: -1})
		s.ensure(t)
		s.bulk(t)
		require.Error(t, s.errs[0])
	}
}

// echoing has the next answers to creations repeat what was asked.
func echoing(inside bool, statuses ...int) func(t *testing.T, s *stage) {
	return func(t *testing.T, s *stage) {
		s.tap.inside = inside
		for _, act := range []func(*testing.T){s.bulk, func(t *testing.T) { s.ensure(t) }} {
			s.tap.echoes = slices.Clone(statuses)
			act(t)
		}
	}
}

// change renames and blocks an account behind the pipeline's back.
func (s *stage) change(t *testing.T, objectID string) {
	t.Helper()
	tenant, err := msgraph.New(msgraph.Config{Cloud: s.entra.Cloud(), Credential: s.entra.Credential(),
		Transport: s.entra.Transport()})
	require.NoError(t, err)
	enabled := false
	require.NoError(t, tenant.UpdateUser(t.Context(), objectID, provision.UserChange{AccountEnabled: &enabled,
		UserPrincipalName: "renamed@contoso.com"}))
}

// What leaks is noticed also here: a token in a log, and a password in a span of the SDK's.
func TestALeakIsNoticedFromEndToEnd(t *testing.T) {
	s := newStage(t, rightSecret)
	s.ensure(t)
	secrets := s.tap.secrets()
	require.Empty(t, s.leaks(secrets, s.said()...))
	password, token := secrets[0], secrets[len(secrets)-1]
	slog.New(slog.NewJSONHandler(&s.log, nil)).Info("sending", "header", http.Header{"Authorization": {"Bearer " + token}})
	_, span := otel.Tracer("").Start(context.Background(), "sending")
	span.RecordError(errors.New(password))
	require.Equal(t, []string{password, token}, s.leaks(secrets, s.said()...))
}
