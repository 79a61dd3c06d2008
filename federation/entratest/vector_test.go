package entratest_test

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// vector is a file of testdata/vectors, as its README.md describes it.
type vector struct {
	name   string
	header textproto.MIMEHeader
	body   string
}

// readVectors reads all of them.
func readVectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectorFolder, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all []vector
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		reader := bufio.NewReader(bytes.NewReader(raw))
		header, err := textproto.NewReader(reader).ReadMIMEHeader()
		require.NoError(t, err, file)
		body, err := io.ReadAll(reader)
		require.NoError(t, err)
		all = append(all, vector{
			strings.TrimSuffix(filepath.Base(file), ".txt"), header, strings.TrimSuffix(string(body), "\n"),
		})
	}
	return all
}

func (v vector) get(name string) string { return v.header.Get(name) }

func (v vector) number(t testing.TB, name string) int {
	t.Helper()
	n, err := strconv.Atoi(v.get(name))
	require.NoError(t, err, name)
	return n
}

func (v vector) now(t testing.TB) time.Time {
	t.Helper()
	now, err := time.Parse(time.RFC3339, v.get("now"))
	require.NoError(t, err)
	return now
}

func (v vector) lenient() bool { return v.get("mode") == "lenient" }

// certificates reads those that the lines of a header name.
func (v vector) certificates(t testing.TB, name string) (found []*x509.Certificate) {
	t.Helper()
	for _, value := range v.header.Values(name) {
		der, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			der, err = readPEM(filepath.Join(vectorFolder, value))
		}
		require.NoError(t, err)
		certificate, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		found = append(found, certificate)
	}
	return found
}

// realms are the vector's own domain and those that it is not about.
func (v vector) realms(t testing.TB) []entratest.Realm {
	t.Helper()
	realms := []entratest.Realm{{Domain: v.get("domain"), Federation: entratest.Federation{
		Issuer: v.get("issuer"), Certificates: v.certificates(t, "certificate"), Protocol: entratest.SAML,
		MFABehavior: entratest.MFABehavior(v.get("require-mfa")),
		SignInURL:   v.get("sign-in-url"), SignOutURL: v.get("sign-out-url"),
	}}}
	if v.isOfGuests() {
		realms[0].External, realms[0].Domains = true, strings.Fields(v.get("guests-from"))
	}
	for _, line := range v.header.Values("realm") {
		domain, issuer, ok := strings.Cut(line, " ")
		require.True(t, ok, line)
		realms = append(realms, entratest.Realm{Domain: domain, Federation: entratest.Federation{
			Issuer: issuer, Certificates: certificatesOf(fabrikamKey()), Protocol: entratest.SAML,
		}})
	}
	return realms
}

func (v vector) users(t testing.TB) (users []entratest.User) {
	t.Helper()
	for _, line := range v.header.Values("user") {
		fields := strings.Fields(line)
		require.GreaterOrEqual(t, len(fields), 2, line)
		users = append(users, entratest.User{
			ImmutableID: fields[0], UPN: fields[1], Enabled: !slices.Contains(fields[2:], "disabled"),
		})
	}
	return users
}

// isOfGuests: the response is that of a guest.
func (v vector) isOfGuests() bool { return v.get("guests-from") != "" }

// guests are people of another organization in the directory.
func (v vector) guests(t testing.TB) (users []entratest.User) {
	t.Helper()
	for _, line := range v.header.Values("guest") {
		fields := strings.Fields(line)
		require.GreaterOrEqual(t, len(fields), 2, line)
		users = append(users, entratest.User{
			Mail: strings.Trim(fields[0], "-"), UPN: fields[1], Enabled: !slices.Contains(fields[2:], "disabled"),
			Guest: !slices.Contains(fields[2:], "member"),
		})
	}
	return users
}

func (v vector) policy(t testing.TB) entratest.SignInPolicy {
	t.Helper()
	p := entratest.SignInPolicy{RequireMFA: v.get("require-mfa") != ""}
	if v.get("sign-in-frequency") != "" {
		p.SignInFrequency = time.Duration(v.number(t, "sign-in-frequency")) * time.Second
	}
	return p
}

func (v vector) expectation(t testing.TB) entratest.Expectation {
	return entratest.Expectation{
		Realms: v.realms(t), RequestID: v.get("request-id"), RelayState: v.get("relay-state"),
		RequestCertificates: v.certificates(t, "request-certificate"),
		TenantID:            v.get("tenant"),
		Accounts:            entratest.AccountList{Users: slices.Concat(v.users(t), v.guests(t)), Realms: v.realms(t)},
		Policy:              v.policy(t), Lenient: v.lenient(), Now: func() time.Time { return v.now(t) },
	}
}

// request is the HTTP of the vector: as it stands, or as the response would be posted.
func (v vector) request(t testing.TB) *http.Request {
	t.Helper()
	if v.get("body") == "response" {
		return formPost(loginSRF, url.Values{"SAMLResponse": {encode(v.body)}, "RelayState": {v.get("relay-state")}})
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(v.body)))
	require.NoError(t, err)
	r.URL.Scheme, r.URL.Host, r.RequestURI = "https", r.Host, ""
	return r
}

func (v vector) isToIdentityProvider(t testing.TB) bool {
	return v.request(t).Host != "login.microsoftonline.com"
}

// TestVectors checks every vector without a tenant.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			x := v.expectation(t)
			if v.isToIdentityProvider(t) {
				v.judge(t, x.CheckRequest(v.request(t)))
				return
			}
			if v.get("seen") == "" { // what was accepted before is known to a tenant alone
				v.judge(t, x.CheckHTTP(v.request(t)))
			}
			if v.get("body") == "response" {
				verdict := x.Check(encode(v.body), v.get("relay-state"))
				if v.get("seen") == "" {
					v.judge(t, verdict)
				}
				require.Equal(t, entratest.NotChecked, findingOf(t, verdict, 27).Outcome)
			}
		})
	}
}

// judge compares the verdict with what the vector expects: that its rule fails, and no other.
func (v vector) judge(t testing.TB, verdict entratest.Verdict) {
	t.Helper()
	rule := v.number(t, "rule")
	finding := findingOf(t, verdict, rule)
	if v.get("expect") == "accepted" {
		require.Empty(t, verdict.Failures())
		require.True(t, verdict.Accepted)
		var warned []string
		for _, n := range numbersOf(verdict.Warnings()) {
			warned = append(warned, fmt.Sprint(n))
		}
		require.Equal(t, v.header.Values("warns"), warned, "%+v", verdict.Warnings())
		return
	}
	require.Equal(t, []int{rule}, numbersOf(verdict.Failures()), "%+v", verdict.Failures())
	require.Equal(t, v.get("expect"), verdict.Code)
	require.Equal(t, v.get("expect"), finding.Code)
	require.False(t, verdict.Accepted)
	require.Equal(t, v.get("level"), string(finding.Level))
}

// TestVectorsOverHTTP posts every vector to login.srf of a tenant that is set up as the vector says.
func TestVectorsOverHTTP(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		if v.isToIdentityProvider(t) || v.number(t, "rule") == 11 { // a tenant has no two domains of one issuer
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			tenant := v.tenant(t)
			request := v.request(t)
			request.Header.Set("Accept", "application/json")
			res, err := tenant.Transport().RoundTrip(request)
			require.NoError(t, err)
			defer res.Body.Close()
			got := verdictIn(t, res)
			v.judge(t, entratest.Verdict{
				Accepted: got.Accepted, Code: got.Code, Rule: got.Rule, Findings: got.Findings,
			})
			if v.get("expect") != "accepted" {
				require.NotEmpty(t, got.Message)
				require.NotEmpty(t, got.Remedy)
			}
		})
	}
}

func (v vector) tenant(t testing.TB) *entratest.Tenant {
	t.Helper()
	cfg := entratest.Config{
		Clock: entratest.NewClock(v.now(t)), Lag: entratest.LagNone, Lenient: v.lenient(), TenantID: v.get("tenant"),
		Users: slices.Concat(v.users(t), v.guests(t)),
	}
	known := map[string]bool{}
	for _, r := range v.realms(t) {
		if r.External {
			continue
		}
		r.Federation.SignInURL = ssoURL
		cfg.Domains = append(cfg.Domains, entratest.Domain{Name: r.Domain, Federation: &r.Federation})
		known[r.Domain] = true
	}
	known["contoso.onmicrosoft.com"] = true
	for _, u := range cfg.Users {
		if domain := u.UPN[strings.LastIndex(u.UPN, "@")+1:]; !known[domain] {
			known[domain] = true
			cfg.Domains = append(cfg.Domains, entratest.Domain{Name: domain}) // below a root domain, or managed
		}
	}
	tenant := entratest.Start(t, cfg)
	require.NoError(t, tenant.SetSignInPolicy(v.policy(t)))
	for _, r := range v.realms(t) {
		if r.External {
			(&world{tenant, cfg.Clock}).federateGuests(t, r.Federation.Issuer, r.Federation.Certificates[0], r.Domains...)
		}
	}
	tenant.Await(v.get("request-id"), v.get("relay-state"), v.get("domain"))
	tenant.AwaitLogout(v.get("request-id"), v.get("relay-state"), v.get("domain"))
	for _, seen := range v.header.Values("seen") {
		tenant.HasSeen(seen)
	}
	return tenant
}

// TestEveryRuleHasVectorsOfBothKinds: one that passes and one that fails, but for rule 22, which only warns.
func TestEveryRuleHasVectorsOfBothKinds(t *testing.T) {
	t.Parallel()
	passing, failing, byOthers := map[int]bool{}, map[int]bool{}, 0
	for _, v := range readVectors(t) {
		rule := v.number(t, "rule")
		for _, name := range []string{"title", "expect", "level", "mode", "now", "domain", "issuer", "certificate", "body"} {
			require.NotEmpty(t, v.get(name), "%s has no %s", v.name, name)
		}
		require.Equal(t, string(levelOf(t, rule)), v.get("level"))
		require.Contains(t, []string{"strict", "lenient"}, v.get("mode"))
		require.Contains(t, []string{"response", "http"}, v.get("body"))
		require.Regexp(t, `^(accepted|AADSTS[0-9]{5,7})$`, v.get("expect"))
		switch {
		case v.get("expect") != "accepted", rule == 22 && v.get("warns") == "22":
			failing[rule] = true
		case v.get("warns") == "" && !v.lenient():
			passing[rule] = true
		}
		if v.get("signed-by") == "xmlsec1" {
			byOthers++
			require.Contains(t, v.body, "<ds:SignatureValue>")
		}
	}
	for _, r := range allRules() {
		require.True(t, passing[r.Number], "no vector passes rule %d", r.Number)
		require.True(t, failing[r.Number], "no vector fails rule %d", r.Number)
	}
	require.Len(t, passing, 43)
	require.GreaterOrEqual(t, byOthers, 5, "vectors that were signed by a second implementation")
}

// A second implementation verifies what the vectors say is well signed. Those that it signed itself are among them.
func TestXmlsec1AgreesWithTheVectors(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, v := range readVectors(t) {
		if v.get("body") != "response" || v.get("expect") != "accepted" || v.lenient() {
			continue
		}
		signer := v.certificates(t, "certificate")
		verifyWithXmlsec1(t, []byte(v.body), signer[len(signer)-1],
			"urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "urn:oasis:names:tc:SAML:2.0:protocol:Response")
		checked++
	}
	require.Greater(t, checked, 30)
}

// The documentation of Rules lists where strict and lenient checking differ. The vectors say the same.
func TestTheDocumentationOfLenientIsTrue(t *testing.T) {
	t.Parallel()
	differ, same := map[int]bool{}, map[int]bool{}
	for _, v := range readVectors(t) {
		rule := v.number(t, "rule")
		if rule > 35 || v.get("expect") == "accepted" || v.get("seen") != "" {
			continue
		}
		x := v.expectation(t)
		x.Lenient = true
		if x.CheckHTTP(v.request(t)).Refused() {
			same[rule] = true
		} else {
			differ[rule] = true
		}
	}
	same[27] = true // TestAnAssertionIsGoodForOneSignIn
	documentation := documentationOf(t, "rules.go", "Rules")
	whole, partly := sentenceNumbers(documentation, "which are of level"), map[int]bool{}
	for _, line := range strings.Split(documentation, "\n") {
		if strings.Contains(line, "3, 7") {
			continue
		}
		for _, n := range numbersIn(regexp.MustCompile(`^ *- Rules? .* (warns?|reads) `).FindString(line)) {
			partly[n] = true
		}
	}
	for _, r := range entratest.Rules() {
		switch n := r.Number; {
		case slices.Contains(whole, n):
			require.True(t, differ[n] && !same[n], "rule %d only warns, by the documentation", n)
			require.Equal(t, entratest.Should, r.Level)
		case partly[n]:
			require.True(t, n == 18 || differ[n], "rule %d warns of something, by the documentation", n)
		default:
			require.False(t, differ[n], "the documentation does not say that rule %d differs", n)
		}
	}
}

// sentenceNumbers are the numbers before some words.
func sentenceNumbers(documentation, words string) []int {
	before, _, _ := strings.Cut(documentation, words)
	return numbersIn(before[strings.LastIndex(before, "- Rules"):])
}

func numbersIn(s string) (numbers []int) {
	for _, digits := range regexp.MustCompile(`\b[0-9]+\b`).FindAllString(s, -1) {
		n, _ := strconv.Atoi(digits)
		numbers = append(numbers, n)
	}
	return numbers
}

func documentationOf(t testing.TB, file, function string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	require.NoError(t, err)
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == function {
			return f.Doc.Text()
		}
	}
	t.Fatalf("%s has no %s", file, function)
	return ""
}
