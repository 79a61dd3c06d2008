package main

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/entrafed/entrafed"
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
	home            string
	linkHosts       []string
	users           *users
	listen          string
	tls             *tls.Certificate // nil: plain HTTP, behind a proxy
	credential      credential
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
	s.licenses = readLicenses(e)
	s.skipConnections = e.list(varSkipConnections)
	s.home, s.linkHosts = readLinks(e, s.cloud)
	s.users = readUsersFile(e, usersRules{domain: s.domain, skip: s.skipConnections})
	s.listen, s.tls = readListen(e)
	s.credential = readCredential(e, now)
	s.database = readDatabase(e)
	return s, e.err()
}

// groupPrefix marks a group that gives licences, in the list of licences.
const groupPrefix = "group:"

// readLicenses reads the licences, each with the fallbacks after it: "A|B, group:staff".
func readLicenses(e *environment) []provision.License {
	var licenses []provision.License
	for _, entry := range e.list(varLicenses) {
		var alternatives []provision.License
		for name := range strings.SplitSeq(entry, "|") {
			var l provision.License
			if group, ok := strings.CutPrefix(strings.TrimSpace(name), groupPrefix); ok {
				l.Group = strings.TrimSpace(group)
			} else {
				l.SKU = strings.TrimSpace(name)
			}
			if l.SKU+l.Group == "" {
				e.refuse(varLicenses, "has an empty alternative in %q: check its bars", entry)
			}
			alternatives = append(alternatives, l)
		}
		license := alternatives[0]
		license.Fallbacks = alternatives[1:]
		licenses = append(licenses, license)
	}
	return licenses
}

// readRealm reads what -print-federation needs.
func readRealm(e *environment, now time.Time) realm {
	r := realm{
		baseURL: e.required(varBaseURL), domain: strings.ToLower(e.required(varDomain)), issuer: e.required(varIssuer),
		certificate: readSigningCertificate(e, now),
	}
	r.origin = readOrigin(e, r.baseURL)
	if r.domain != "" {
		e.check(varDomain, checkDomain(r.domain))
	}
	if r.issuer != "" && !isURI(r.issuer) {
		e.refuse(varIssuer, "%q is not an absolute URI such as %s", r.issuer, explain(varIssuer).example)
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
func readOrigin(e *environment, base string) string {
	if base == "" {
		return ""
	}
	if err := entrafed.Global().CheckURL(base); err != nil {
		e.check(varBaseURL, err)
		return ""
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || strings.ContainsAny(base, "?#") || !plainPath.MatchString(u.EscapedPath()):
		e.refuse(varBaseURL, "%q must have a path of letters, digits and . _ ~ - between slashes, and no query, fragment or "+
			"trailing slash, such as %s", base, explain(varBaseURL).example)
		return ""
	case u.Host != strings.ToLower(u.Host) || u.Port() == "443":
		// Browsers name this origin in lower case and without the port, and are compared with it.
		e.refuse(varBaseURL, "%q must have its host in lower case and without :443", base)
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

func clouds() map[string]entrafed.Cloud {
	return map[string]entrafed.Cloud{
		"global": entrafed.Global(), "usgov-high": entrafed.USGovernmentHigh(), "usgov-dod": entrafed.USGovernmentDoD(),
		"china": entrafed.China(),
	}
}

// readCloud returns the worldwide cloud if the name is wrong, so that the rest can be checked as well.
func readCloud(e *environment) entrafed.Cloud {
	name, audience := e.value(varCloud), e.value(varAudience)
	if name == "" {
		name = "global"
	}
	cloud, known := clouds()[name]
	switch {
	case !known:
		e.refuse(varCloud, "%q is not one of %s", name, strings.Join(slices.Sorted(maps.Keys(clouds())), ", "))
		return entrafed.Global()
	case cloud.Audience == "" && audience == "":
		e.refuse(varAudience, "is missing: no public page states it for %s. It is the cloud_audience_urn that "+
			"%s/common/UserRealm/{upn}?api-version=1.0 returns for a user of the tenant", name, cloud.Login)
	case cloud.Audience != "" && audience != "" && audience != cloud.Audience:
		e.refuse(varAudience, "is %q, but that of the cloud %s is %q: leave the variable out", audience, name, cloud.Audience)
	case audience != "" && !isURI(audience):
		e.refuse(varAudience, "%q is not a URI", audience)
	}
	if cloud.Audience == "" {
		cloud.Audience = audience
	}
	return cloud
}

const minSecret = 32 // bytes

func readSecret(e *environment) []byte {
	text := e.required(varSecret)
	if text == "" {
		return nil
	}
	// Both alphabets of RFC 4648, with or without padding. The value itself is never part of an error.
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	secret, err := base64.RawStdEncoding.DecodeString(text)
	switch {
	case err != nil:
		e.refuse(varSecret, "is not base64: make one with openssl rand -base64 %d", minSecret)
	case len(secret) < minSecret:
		e.refuse(varSecret, "has %d bytes, and at least %d are needed: make one with openssl rand -base64 %d",
			len(secret), minSecret, minSecret)
	}
	return secret
}

var twoLetters = regexp.MustCompile(`^[A-Z]{2}$`)

func readUsageLocation(e *environment) string {
	country := strings.ToUpper(e.required(varUsageLocation))
	switch {
	case country == "":
	case !twoLetters.MatchString(country):
		e.refuse(varUsageLocation, "%q is not a country code of two letters (ISO 3166-1 alpha-2)", country)
	case country == "UK":
		e.refuse(varUsageLocation, `"UK" is not in ISO 3166-1: the United Kingdom is "GB"`)
	}
	return country
}

func readLinks(e *environment, cloud entrafed.Cloud) (home string, hosts []string) {
	for _, host := range e.list(varLinkHosts) {
		if _, err := (smartlink.Policy{Cloud: cloud, Hosts: []string{host}}).CheckTarget("https://" + host + "/"); err != nil {
			e.refuse(varLinkHosts, "%q is not a host name such as %s", host, explain(varLinkHosts).example)
			continue
		}
		hosts = append(hosts, host)
	}
	if home = e.value(varHome); home != "" {
		_, err := smartlink.Policy{Cloud: cloud, Hosts: hosts}.CheckTarget(home)
		e.check(varHome, err)
	}
	return home, hosts
}

const defaultListen = "127.0.0.1:8080"

func readListen(e *environment) (address string, certificate *tls.Certificate) {
	if address = e.value(varListen); address == "" {
		address = defaultListen
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		e.refuse(varListen, "%q is not an address with a port, such as %s", address, defaultListen)
	}
	return address, readTLS(e)
}

func readTLS(e *environment) *tls.Certificate {
	certificateFile, keyFile := e.value(varTLSCertificate), e.value(varTLSKey)
	switch {
	case certificateFile == "" && keyFile == "":
		return nil
	case certificateFile == "":
		e.refuse(varTLSCertificate, "is missing, and %s is set: set both or neither", varTLSKey)
		return nil
	case keyFile == "":
		e.refuse(varTLSKey, "is missing, and %s is set: set both or neither", varTLSCertificate)
		return nil
	}
	certificates, err := readFile(certificateFile)
	e.check(varTLSCertificate, err)
	key, keyErr := readPrivateFile(keyFile)
	e.check(varTLSKey, keyErr)
	if err != nil || keyErr != nil {
		return nil
	}
	pair, err := tls.X509KeyPair(certificates, key)
	if err != nil {
		e.refuse(varTLSCertificate, "%s and %s do not make a pair: %w", certificateFile, keyFile, err)
		return nil
	}
	return &pair
}

// environment reads variables and collects all that is wrong with them.
type environment struct {
	values   map[string]string
	problems []error
}

func newEnvironment(environ []string) *environment {
	e := &environment{values: map[string]string{}}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			e.values[name] = value
		}
	}
	for _, name := range unknownVariables(e.values) {
		e.refuse(name, "is not a variable of this program: idp -h lists them")
	}
	return e
}

// value is an optional variable. One that is set to nothing counts as not set.
func (e *environment) value(name string) string { return strings.TrimSpace(e.values[name]) }

// required is a variable without which the program does not start.
func (e *environment) required(name string) string {
	value := e.value(name)
	if value == "" {
		v := explain(name)
		e.refuse(name, "is missing: %s, for example %s", v.meaning, v.example)
	}
	return value
}

// list is a comma-separated list.
func (e *environment) list(name string) []string {
	text := e.value(name)
	if text == "" {
		return nil
	}
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		switch item = strings.TrimSpace(item); {
		case item == "":
			e.refuse(name, "has an empty entry: check its commas")
		case slices.Contains(list, item):
			e.refuse(name, "has %q twice", item)
		default:
			list = append(list, item)
		}
	}
	return list
}

func (e *environment) refuse(name, format string, args ...any) {
	e.problems = append(e.problems, fmt.Errorf(name+" "+format, args...))
}

// check refuses a variable whose check returned an error.
func (e *environment) check(name string, err error) {
	if err != nil {
		e.problems = append(e.problems, fmt.Errorf("%s: %w", name, err))
	}
}

func (e *environment) err() error { return newConfigError(e.problems) }

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
		"users", s.users.count(), "credential", s.credential.String(), "state", s.database.String())
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
