package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
)

func TestTheValuesForGraphAreThoseOfTheGoldenFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	certificate, err := keyfile.Certificate(filepath.Join("testdata", "signing.crt"))
	require.NoError(t, err)
	w.clock.Advance(certificate.NotBefore.Add(time.Hour).Sub(w.clock.Now()))
	// Nothing else is needed.
	w.env = map[string]string{
		varBaseURL: testBaseURL, environment.Domain: "contoso.com", varIssuer: "https://id.contoso.com/entra",
		varCertificate: filepath.Join("testdata", "signing.crt"),
	}
	code, stdout, stderr := w.command("", "-print-federation")
	require.Equal(t, command.ExitOK, code, stderr)
	golden, err := os.ReadFile(filepath.Join("testdata", "federation.golden.json"))
	require.NoError(t, err)
	require.Equal(t, string(golden), stdout)
	require.True(t, json.Valid([]byte(stdout)))
}

func TestTheValuesForGraphNeedTheirVariables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env = nil
	code, stdout, stderr := w.command("", "-print-federation")
	require.Equal(t, command.ExitUsage, code)
	require.Empty(t, stdout)
	for _, name := range []string{varBaseURL, environment.Domain, varIssuer, varCertificate} {
		require.Contains(t, stderr, name+" is missing")
	}
	require.NotContains(t, stderr, varKey)
	require.NotContains(t, stderr, environment.TenantID)
}
