package main

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
	"github.com/entrafed/entrafed/examples/internal/userfile"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/smartlink"
)

// settings are what the environment says, checked.
type settings struct {
	realm
	cloud           entrafed.Cloud
	key             crypto.Signer
	secret          []byte
	usageLocation   string
	licenses        []provision.License
	skipConnections []string
	connections     []provision.ConnectionRule
	home            string
	linkHosts       []string
	users           *userfile.Users
	listen          string
	tls             *tls.Certificate // nil: plain HTTP, behind a proxy
	credential      environment.Credential
	database        database
}

// realm is what Entra and this program must agree on.
type realm struct {
	baseURL     string // https://id.contoso.com/entra
	origin      string // https://id.contoso.com
	domain      string
	issuer      string
	certificate *x509.Certificate
}

// readSettings reads the environment. The error lists everything that is missing or wrong.
func readSettings(environ []string, now time.Time) (settings, error) {
	e := newEnvironment(environ)
	s := settings{realm: readRealm(e, now), cloud: readCloud(e)}
	s.key = readSigningKey(e, s.certificate)
	s.secret = readSecret(e)
	s.usageLocation = readUsageLocation(e)
	s.licenses = e.Licenses(environment.Licenses)
	s.skipConnections = e.List(environment.SkipConnections)
	s.connections = readRules(e, provision.Rules{Licenses: s.licenses, SkipConnections: s.skipConnections})
	s.home, s.linkHosts = readLinks(e, s.cloud)
	s.users = readUsersFile(e, userfile.Rules{Domain: s.domain, Skip: s.skipConnections})
	s.listen, s.tls = readListen(e)
	s.credential = e.Credential(now)
	s.database = readDatabase(e)
	return s, newConfigError(e.Problems())
}

// readRealm reads what -print-federation needs.
func readRealm(e *environment.Variables, now time.Time) realm {
	r := realm{
		baseURL: e.Required(varBaseURL), domain: strings.ToLower(e.Required(environment.Domain)), issuer: e.Required(varIssuer),
		certificate: readSigningCertificate(e, now),
	}
	r.origin = readOrigin(e, r.baseURL)
	if r.domain != "" {
		e.Check(environment.Domain, checkDomain(r.domain))
	}
	if r.issuer != "" && !isURI(r.issuer) {
		e.Refuse(varIssuer, "%q is not an absolute URI such as %s", r.issuer, e.Explain(varIssuer).Example)
	}
	return r
}

func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// plainPath is a path that is the same however it is escaped or cleaned.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

// readOrigin checks the base URL and returns it without its path.
func readOrigin(e *environment.Variables, base string) string {
	if base == "" {
		return ""
	}
	if err := entrafed.Global().CheckURL(base); err != nil {
		e.Check(varBaseURL, err)
		return ""
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || strings.ContainsAny(base, "?#") || !plainPath.MatchString(u.EscapedPath()):
		e.Refuse(varBaseURL, "%q must have a path of letters, digits and . _ ~ - between slashes, and no query, fragment or "+
			"trailing slash, such as %s", base, e.Explain(varBaseURL).Example)
		return ""
	case u.Host != strings.ToLower(u.Host) || u.Port() == "443":
		// Browsers name this origin in lower case and without the port, and are compared with it.
		e.Refuse(varBaseURL, "%q must have its host in lower case and without :443", base)
		return ""
	}
	return u.Scheme + "://" + u.Host
}

var dnsName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// maxDomain is what a user principal name allows after its @.
const maxDomain = 48

func checkDomain(domain string) error {
	switch {
	case !dnsName.MatchString(domain) || len(domain) > maxDomain:
		return fmt.Errorf("%q is not a domain such as contoso.com, of at most %d characters", domain, maxDomain)
	case strings.HasSuffix(domain, ".onmicrosoft.com"):
		return fmt.Errorf("%q cannot be federated: give a domain of your own that is verified in the tenant", domain)
	}
	return nil
}

// readCloud reads the cloud, and what nobody publishes of it.
func readCloud(e *environment.Variables) entrafed.Cloud {
	cloud, known := e.Cloud()
	name, audience := cmp.Or(e.Value(environment.CloudName), "global"), e.Value(varAudience)
	switch {
	case !known:
	case cloud.Audience == "" && audience == "":
		e.Refuse(varAudience, "is missing: no public page states it for %s. It is the cloud_audience_urn that "+
			"%s/common/UserRealm/{upn}?api-version=1.0 returns for a user of the tenant", name, cloud.Login)
	case cloud.Audience != "" && audience != "" && audience != cloud.Audience:
		e.Refuse(varAudience, "is %q, but that of the cloud %s is %q: leave the variable out", audience, name, cloud.Audience)
	case audience != "" && !isURI(audience):
		e.Refuse(varAudience, "%q is not a URI", audience)
	}
	if cloud.Audience == "" {
		cloud.Audience = audience
	}
	return cloud
}

const minSecret = 32 // bytes

func readSecret(e *environment.Variables) []byte {
	text := e.Required(varSecret)
	if text == "" {
		return nil
	}
	// Both alphabets of RFC 4648, with or without padding. The value itself is never part of an error.
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	secret, err := base64.RawStdEncoding.DecodeString(text)
	switch {
	case err != nil:
		e.Refuse(varSecret, "is not base64: make one with openssl rand -base64 %d", minSecret)
	case len(secret) < minSecret:
		e.Refuse(varSecret, "has %d bytes, and at least %d are needed: make one with openssl rand -base64 %d",
			len(secret), minSecret, minSecret)
	}
	return secret
}

var twoLetters = regexp.MustCompile(`^[A-Z]{2}$`)

func readUsageLocation(e *environment.Variables) string {
	country := strings.ToUpper(e.Required(environment.UsageLocation))
	switch {
	case country == "":
	case !twoLetters.MatchString(country):
		e.Refuse(environment.UsageLocation, "%q is not a country code of two letters (ISO 3166-1 alpha-2)", country)
	case country == "UK":
		e.Refuse(environment.UsageLocation, `"UK" is not in ISO 3166-1: the United Kingdom is "GB"`)
	}
	return country
}

func readLinks(e *environment.Variables, cloud entrafed.Cloud) (home string, hosts []string) {
	for _, host := range e.List(varLinkHosts) {
		if _, err := (smartlink.Policy{Cloud: cloud, Hosts: []string{host}}).CheckTarget("https://" + host + "/"); err != nil {
			e.Refuse(varLinkHosts, "%q is not a host name such as %s", host, e.Explain(varLinkHosts).Example)
			continue
		}
		hosts = append(hosts, host)
	}
	if home = e.Value(varHome); home != "" {
		_, err := smartlink.Policy{Cloud: cloud, Hosts: hosts}.CheckTarget(home)
		e.Check(varHome, err)
	}
	return home, hosts
}

const defaultListen = "127.0.0.1:8080"

func readListen(e *environment.Variables) (address string, certificate *tls.Certificate) {
	if address = e.Value(varListen); address == "" {
		address = defaultListen
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		e.Refuse(varListen, "%q is not an address with a port, such as %s", address, defaultListen)
	}
	return address, readTLS(e)
}

func readTLS(e *environment.Variables) *tls.Certificate {
	certificateFile, keyFile := e.Value(varTLSCertificate), e.Value(varTLSKey)
	switch {
	case certificateFile == "" && keyFile == "":
		return nil
	case certificateFile == "":
		e.Refuse(varTLSCertificate, "is missing, and %s is set: set both or neither", varTLSKey)
		return nil
	case keyFile == "":
		e.Refuse(varTLSKey, "is missing, and %s is set: set both or neither", varTLSCertificate)
		return nil
	}
	certificates, err := keyfile.Read(certificateFile)
	e.Check(varTLSCertificate, err)
	key, keyErr := keyfile.ReadPrivate(keyFile)
	e.Check(varTLSKey, keyErr)
	if err != nil || keyErr != nil {
		return nil
	}
	pair, err := tls.X509KeyPair(certificates, key)
	if err != nil {
		e.Refuse(varTLSCertificate, "%s and %s do not make a pair: %w", certificateFile, keyFile, err)
		return nil
	}
	return &pair
}

// configError is all that is wrong with a configuration.
type configError struct{ problems []error }

func newConfigError(problems []error) error {
	problems = slices.DeleteFunc(slices.Clone(problems), func(err error) bool { return err == nil })
	if len(problems) == 0 {
		return nil
	}
	return &configError{problems}
}

func (e *configError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "idp: the configuration cannot be used (%d to correct; idp -h explains the variables):",
		len(e.problems))
	for _, problem := range e.problems {
		b.WriteString("\n  - " + strings.ReplaceAll(problem.Error(), "\n", "\n    "))
	}
	return b.String()
}

func (e *configError) Unwrap() []error { return e.problems }

// problemsOf takes the list apart again.
func problemsOf(err error) []error {
	var listed *configError
	if errors.As(err, &listed) {
		return listed.problems
	}
	return []error{err}
}

// expiresSoon is how long before its end a certificate is worth a warning.
const expiresSoon = 30 * 24 * time.Hour

// announce logs what the operator should know at each start.
func (s settings) announce(log *slog.Logger, now time.Time) {
	log.Info("configured", "cloud", s.cloud.Name, "domain", s.domain, "issuer", s.issuer, "base_url", s.baseURL,
		"users", s.users.Count(), "credential", s.credential.String(), "state", s.database.String())
	if left := s.certificate.NotAfter.Sub(now); left < expiresSoon {
		log.Warn("the signing certificate expires soon", "not_after", s.certificate.NotAfter.UTC().Format(time.RFC3339),
			"remedy", "register a new one as the domain's nextSigningCertificate first, then change "+varCertificate)
	}
	host, _, err := net.SplitHostPort(s.listen)
	if s.tls == nil && err == nil && !entrafed.IsLoopback(host) {
		log.Warn("passwords reach this address without TLS: let only a proxy that serves HTTPS reach it",
			"listen", s.listen)
	}
}
