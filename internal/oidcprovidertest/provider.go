// Package oidcprovidertest runs a real OpenID Connect provider for tests: npm's oidc-provider, with the people, the clients
// and the page that adapters/oidc/testdata/provider describes.
package oidcprovidertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Provider is a running one.
type Provider struct {
	Issuer string `json:"issuer"` // http://127.0.0.1 and a port
}

// Person is somebody whom it knows. Without a Code they cannot prove a second factor.
type Person struct {
	Name     string         `json:"name"`
	Password string         `json:"password"`
	Code     string         `json:"code,omitempty"`
	Claims   map[string]any `json:"claims"` // with sub
}

// Client is registered there.
type Client struct {
	ID           string   `json:"client_id"`
	Secret       string   `json:"client_secret"`
	RedirectURIs []string `json:"redirect_uris"`
	SignedOut    []string `json:"post_logout_redirect_uris"`
	BackChannel  string   `json:"backchannel_logout_uri,omitempty"`
	NamesSession bool     `json:"backchannel_logout_session_required,omitempty"`
	RequireTime  bool     `json:"require_auth_time"`
}

// unreachable is how npm says that there is no network.
var unreachable = regexp.MustCompile(`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH`)

// Install copies the folder testdata/provider to one of its own, fetches what its package-lock.json names, and returns where
// that is. The test is skipped where there is no node, no npm, or no way to npm's registry.
func Install(t *testing.T, folder string) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s here: install Debian's packages nodejs and npm to test with a real provider", program)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "provider.mjs"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	output, err := install.CombinedOutput()
	if err != nil && unreachable.Match(output) {
		t.Skip("npm's registry cannot be reached: there is no real provider to test with")
	}
	require.NoError(t, err, string(output))
	return dir
}

// Start starts the provider that Install fetched, and ends it with the test.
func Start(t *testing.T, dir string, clients []Client, people []Person) *Provider {
	t.Helper()
	program := exec.Command("node", "provider.mjs")
	program.Dir = dir
	complaints := &complaints{}
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
	require.NoError(t, err, "it does not start: %s", complaints)
	var provider Provider
	require.NoError(t, json.Unmarshal(line, &provider))
	return &provider
}

// complaints are what a program writes while it is looked at.
type complaints struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *complaints) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *complaints) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}
