package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/recording"
)

func runWith(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// A first sign-in takes as long as it takes with a real tenant, about 20 seconds; so one test looks at all of it.
func TestOnceSignsAStrangerIn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dump")
	code, stdout, stderr := runWith(t, "-once", "-lag", "fast", "-dump", dir)
	require.Zero(t, code, stderr)
	at := 0
	for _, step := range []string{
		"authnrequest", "sign-in", "select", "known", "token", "reserve", "create", "license", "settle", "response",
		"signed in     Microsoft 365 (simulated) says: google.contractor@contoso.com",
	} {
		next := strings.Index(stdout[at:], "s  "+step)
		require.GreaterOrEqual(t, next, 0, "%s is missing, or not in its order:\n%s", step, stdout)
		at += next
	}

	t.Run("the summary", func(t *testing.T) {
		var s summary
		require.NoError(t, json.Unmarshal(read(t, dir, "summary.json"), &s))
		require.True(t, s.Accepted)
		require.Equal(t, "https://id.contoso.com/entra", s.Issuer)
		require.Equal(t, "google.contractor@contoso.com", s.UPN)
		require.Regexp(t, `^[0-9a-f]{32}$`, s.ImmutableID)
		require.Greater(t, s.Steps["settle"]+s.Steps["license"], 1000.0, "the dwell is real")
	})
	t.Run("the messages", func(t *testing.T) {
		response := read(t, dir, "response.xml")
		posted, err := base64.StdEncoding.DecodeString(string(read(t, dir, "samlresponse.b64")))
		require.NoError(t, err)
		require.Equal(t, string(response), string(posted))
		request := string(read(t, dir, "authnrequest.xml"))
		id := regexp.MustCompile(` ID="([^"]+)"`).FindStringSubmatch(request)
		require.NotNil(t, id)
		require.Contains(t, string(response), `InResponseTo="`+id[1]+`"`)
		require.Contains(t, string(response), `Destination="https://login.microsoftonline.com/login.srf"`)
		requireSignedBy(t, response, read(t, dir, "idp-cert.pem"))
		require.Contains(t, string(read(t, dir, "metadata.xml")), `entityID="https://id.contoso.com/entra"`)
	})
	t.Run("the key", func(t *testing.T) {
		info, err := os.Stat(filepath.Join(dir, "idp-key.pem"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		block, _ := pem.Decode(read(t, dir, "idp-key.pem"))
		require.NotNil(t, block)
		_, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		require.NoError(t, err)
	})
	t.Run("the Graph exchanges", func(t *testing.T) { requireExchanges(t, read(t, dir, "graph.jsonl")) })
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	require.NotEmpty(t, content)
	return content
}

func requireSignedBy(t *testing.T, response, certificate []byte) {
	t.Helper()
	block, _ := pem.Decode(certificate)
	require.NotNil(t, block)
	trusted, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromBytes(response))
	validation := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{trusted}})
	_, err = validation.Validate(doc.Root().FindElement("./Assertion"))
	require.NoError(t, err)
}

// requireExchanges checks what was said to Graph against what its pages say of each call.
func requireExchanges(t *testing.T, lines []byte) {
	t.Helper()
	var created, licensed int
	for line := range bytes.Lines(lines) {
		require.NotContains(t, strings.ToLower(string(line)), "authorization")
		require.NotContains(t, string(line), "Bearer")
		var e recording.Exchange
		require.NoError(t, json.Unmarshal(line, &e))
		require.True(t, strings.HasPrefix(e.URL, "https://graph.microsoft.com/v1.0/"), e.URL)
		switch {
		case e.Method == http.MethodPost && strings.HasSuffix(e.URL, "/users"):
			created++
			require.Equal(t, http.StatusCreated, e.Status)
			requireProperties(t, e.Request, "accountEnabled", "displayName", "givenName", "mailNickname",
				"onPremisesImmutableId", "passwordProfile", "surname", "usageLocation", "userPrincipalName")
			requireProperties(t, e.Response, "@odata.context", "businessPhones", "displayName", "givenName", "id", "jobTitle",
				"mail", "mobilePhone", "officeLocation", "preferredLanguage", "surname", "userPrincipalName")
		case e.Method == http.MethodPost && strings.HasSuffix(e.URL, "/assignLicense"):
			requireProperties(t, e.Request, "addLicenses", "removeLicenses")
			if e.Status == http.StatusOK {
				licensed++
				continue
			}
			require.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest}, e.Status, "not replicated yet")
		default:
			require.Equal(t, http.MethodGet, e.Method)
			require.Equal(t, "null", string(e.Request))
		}
	}
	require.Equal(t, 1, created)
	require.Equal(t, 1, licensed)
}

func requireProperties(t *testing.T, object json.RawMessage, names ...string) {
	t.Helper()
	var properties map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(object, &properties))
	var got []string
	for name := range properties {
		got = append(got, name)
	}
	slices.Sort(got)
	slices.Sort(names)
	require.Equal(t, names, got)
}

func TestOnceForEachOfTheOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code int
		says string
		not  string // a step that must not happen
	}{
		"directory": {0, "says: employee@contoso.com", "  create"},
		"returning": {0, "says: returning.contractor@contoso.com", "  create"},
		"nolicense": {1, "Your account could not be set up", "  settle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := runWith(t, "-once", "-person", name, "-lag", "none")
			require.Equal(t, test.code, code, stderr)
			require.Contains(t, stdout, test.says)
			require.NotContains(t, stdout, test.not)
		})
	}
}

func TestOncePrintsJSON(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := runWith(t, "-once", "-person", "returning", "-json")
	require.Zero(t, code, stderr)
	var s summary
	require.NoError(t, json.Unmarshal([]byte(stdout), &s))
	require.True(t, s.Accepted)
	require.Equal(t, "returning", s.Person)
}

func TestADumpOfAStoppedSignInSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "response.xml"), []byte("of an earlier run"), 0o600))
	code, _, _ := runWith(t, "-once", "-person", "nolicense", "-lag", "none", "-dump", dir)
	require.Equal(t, 1, code)
	var s summary
	require.NoError(t, json.Unmarshal(read(t, dir, "summary.json"), &s))
	require.False(t, s.Accepted)
	require.Contains(t, s.Error, "nobody was signed in")
	_, err := os.Stat(filepath.Join(dir, "response.xml"))
	require.ErrorIs(t, err, os.ErrNotExist, "nothing of an earlier run is left to be mistaken for this one")
}

func TestTheCommandLine(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"help teaches":                       {[]string{"-h"}, 0, "Exit codes"},
		"nobody of that name":                {[]string{"-once", "-person", "nobody"}, 2, "choose one of google, linkedin"},
		"no such lag":                        {[]string{"-lag", "huge"}, 2, "none of none, fast"},
		"a dump without a run":               {[]string{"-dump", "x"}, 2, "need -once"},
		"a word too many":                    {[]string{"once"}, 2, "is not a flag"},
		"no such flag":                       {[]string{"-twice"}, 2, "not defined"},
		"an address that others could reach": {[]string{"-addr", "0.0.0.0:0"}, 1, "not an address of this machine"},
		"an address that is none":            {[]string{"-tenant-addr", "x", "-addr", "127.0.0.1:0"}, 1, "-tenant-addr"},
	} {
		t.Run(rule, func(t *testing.T) {
			code, _, stderr := runWith(t, test.args...)
			require.Equal(t, test.code, code, stderr)
			require.Contains(t, stderr, test.says)
		})
	}
}

func TestServeAnswersUntilItIsTold(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	ended := make(chan int, 1)
	go func() {
		defer writer.Close()
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-tenant-addr", "127.0.0.1:0"}, writer, os.Stderr)
	}()
	text := make([]byte, 1024)
	n, err := reader.Read(text)
	require.NoError(t, err)
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(string(text[:n]))
	require.NotEmpty(t, address)

	response, err := http.Get(address)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	stop()
	select {
	case code := <-ended:
		require.Zero(t, code)
	case <-time.After(30 * time.Second):
		t.Fatal("Ctrl-C did not end it")
	}
}
