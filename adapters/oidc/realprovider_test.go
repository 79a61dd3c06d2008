package oidc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/oidc"
)

// realProvider is oidc-provider, run by node.
type realProvider struct {
	Issuer string `json:"issuer"`
}

// realPerson is somebody whom it knows.
type realPerson struct {
	Name     string         `json:"name"`
	Password string         `json:"password"`
	Code     string         `json:"code,omitempty"`
	Claims   map[string]any `json:"claims"`
}

// realClient is a client that is registered there.
type realClient struct {
	ID           string   `json:"client_id"`
	Secret       string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`
	SignedOut    []string `json:"post_logout_redirect_uris"`
	BackChannel  string   `json:"backchannel_logout_uri,omitempty"`
	NamesSession bool     `json:"backchannel_logout_session_required,omitempty"`
	RequireTime  bool     `json:"require_auth_time"`
}

// installProvider fetches what package-lock.json names, into a folder of its own.
func installProvider(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s on this machine: the real provider is not tested", program)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "provider.mjs"} {
		content, err := os.ReadFile(filepath.Join("testdata", "provider", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	output, err := install.CombinedOutput()
	if err != nil && regexp.MustCompile(`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH`).Match(output) {
		t.Skipf("npm's registry cannot be reached: the real provider is not tested")
	}
	require.NoError(t, err, string(output))
	return dir
}

// startProvider starts it, and ends it with the test.
func startProvider(t *testing.T, dir string, clients []realClient, people []realPerson) *realProvider {
	t.Helper()
	program := exec.Command("node", "provider.mjs")
	program.Dir = dir
	complaints := &journal{}
	program.Stderr = complaints
	input, err := program.StdinPipe()
	require.NoError(t, err)
	output, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	t.Cleanup(func() {
		_ = input.Close() // it ends with its input
		_, _ = io.Copy(io.Discard, output)
		_ = program.Wait()
	})
	require.NoError(t, json.NewEncoder(input).Encode(map[string]any{"clients": clients, "people": people}))
	late := time.AfterFunc(time.Minute, func() { _ = program.Process.Kill() })
	line, err := bufio.NewReader(output).ReadBytes('\n')
	late.Stop()
	if err != nil {
		_ = program.Process.Kill()
		_ = program.Wait()
	}
	require.NoError(t, err, complaints.String())
	var provider realProvider
	require.NoError(t, json.Unmarshal(line, &provider))
	return &provider
}

var realEmployee = realPerson{
	Name: "employee", Password: "correct horse battery", Code: "246810",
	Claims: map[string]any{
		"sub": "104", "email": "employee@example.net", "email_verified": true, "given_name": "An", "family_name": "Employee",
		"locale": "de-CH",
	},
}

// backChannelTarget listens on this machine for the provider's logout tokens, once its handler is known.
type backChannelTarget struct {
	*httptest.Server
	mu      sync.Mutex
	handler http.Handler
}

func newBackChannelTarget(t *testing.T) *backChannelTarget {
	target := &backChannelTarget{}
	target.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target.mu.Lock()
		handler := target.handler
		target.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(target.Close)
	return target
}

func (b *backChannelTarget) serve(handler http.Handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handler = handler
}

func TestTheRealProvider(t *testing.T) {
	t.Parallel()
	dir := installProvider(t)
	t.Run("keeps the rules", func(t *testing.T) {
		provider := startProvider(t, dir, []realClient{conformanceClient()}, conformancePeople())
		runConformance(t, provider)
	})
	t.Run("tells of sign-outs", func(t *testing.T) { testRealLogout(t, dir) })
}

// realConfig is for the provider.
func realConfig(provider *realProvider, logger *slog.Logger, now func() time.Time) oidc.Config {
	return oidc.Config{
		Issuer: provider.Issuer, ClientID: clientID, ClientSecret: clientSecret, Connection: "login", InsecureHTTP: true,
		MFAContexts: []string{"mfa"}, Logger: logger, Now: now,
	}
}
