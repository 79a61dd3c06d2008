package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a host needs for Entra is no more than 30 lines.
func TestTheLinesThatEntraNeeds(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("entra.go")
	require.NoError(t, err)
	_, marked, begins := strings.Cut(string(source), "// Entra begins here.\n")
	marked, _, ends := strings.Cut(marked, "// Entra ends here.")
	require.True(t, begins && ends)
	lines := 0
	for line := range strings.Lines(marked) {
		require.LessOrEqual(t, len(strings.ReplaceAll(line, "\t", "    ")), 125)
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	require.Positive(t, lines)
	require.LessOrEqual(t, lines, 30)
}

// pairFiles writes a certificate and its key.
func pairFiles(t *testing.T, public, private any) (certificate, key string) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "entra.crt"), filepath.Join(dir, "entra.key")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return certificate, key
}

// A person who follows the start link gets the form, and a page that asks for patience while the directory is down.
func TestTheHostShowsTheForm(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	certificate, key := pairFiles(t, private.Public(), private)
	var log bytes.Buffer
	s, err := settingsOf(func(name string) string {
		return map[string]string{
			"LDAP_URL": "ldap://127.0.0.1:1", "BASE_DN": "DC=contoso,DC=com", "BIND_DN": "CN=entra,DC=contoso,DC=com",
			"BIND_PASSWORD": "the search account's password", "BASE_URL": "https://id.contoso.com/entra", "DOMAIN": "contoso.com",
			"CERTIFICATE": certificate, "KEY": key, "SECRET": hex.EncodeToString(bytes.Repeat([]byte{7}, 32)),
		}[name]
	}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	host, end, err := newHost(s)
	require.NoError(t, err)
	defer end()

	begun := httptest.NewRecorder()
	host.ServeHTTP(begun, httptest.NewRequest(http.MethodGet, "https://id.contoso.com/entra/start", nil))
	address := begun.Header().Get("Location")
	require.Contains(t, address, "/signin/")
	answer := func(method, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, address, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, cookie := range begun.Result().Cookies() {
			r.AddCookie(cookie)
		}
		recorder := httptest.NewRecorder()
		host.ServeHTTP(recorder, r)
		return recorder
	}
	require.Contains(t, answer(http.MethodGet, "").Body.String(), `name="password"`)
	require.Equal(t, http.StatusServiceUnavailable, answer(http.MethodPost, "username=employee&password=correct+horse").Code)
	require.Contains(t, log.String(), "the directory is not available")
	require.NotContains(t, log.String(), "correct horse")
}

func TestSettingsThatAreMissing(t *testing.T) {
	t.Parallel()
	_, err := settingsOf(func(string) string { return "" }, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "CERTIFICATE and KEY")
	_, _, err = newHost(settings{})
	for _, missing := range []string{"Connection is missing", "saml:"} {
		require.ErrorContains(t, err, missing)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	certificate, key := pairFiles(t, private.Public(), private)
	_, err = settingsOf(func(name string) string {
		return map[string]string{"CERTIFICATE": certificate, "KEY": key, "SECRET": "no"}[name]
	}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "SECRET is not hexadecimal")
}
