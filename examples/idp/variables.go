package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/entrafed/entrafed/examples/internal/environment"
)

// The environment variables.
const (
	varBaseURL        = "ENTRAFED_BASE_URL"
	varListen         = "ENTRAFED_LISTEN"
	varTLSCertificate = "ENTRAFED_TLS_CERTIFICATE"
	varTLSKey         = "ENTRAFED_TLS_KEY"
	varIssuer         = "ENTRAFED_ISSUER"
	varCertificate    = "ENTRAFED_SIGNING_CERTIFICATE"
	varKey            = "ENTRAFED_SIGNING_KEY"
	varSecret         = "ENTRAFED_SECRET"
	varAudience       = "ENTRAFED_AUDIENCE"
	varHome           = "ENTRAFED_HOME"
	varLinkHosts      = "ENTRAFED_LINK_HOSTS"
	varUsers          = "ENTRAFED_USERS"
	varRules          = "ENTRAFED_CONNECTION_RULES"
	varStateFile      = "ENTRAFED_STATE_FILE"
	varDatabase       = "DATABASE_URL"
)

func variables() (all []environment.Variable) {
	const required, optional, oneOf = environment.Required, environment.Optional, environment.OneOf
	for _, v := range [][4]string{
		{varBaseURL, required, "the address that browsers use, without a trailing slash", "https://id.contoso.com/entra"},
		{environment.Domain, required, "the federated domain", "contoso.com"},
		{varIssuer, required, "the domain's issuerUri, unique in all of Entra", "https://id.contoso.com/entra"},
		{varCertificate, required, "PEM file with the certificate that Entra knows", "/etc/idp/signing.crt"},
		{varKey, required, "PEM file with its RSA key, PKCS#8 or PKCS#1, mode 0600", "/etc/idp/signing.key"},
		{varSecret, required, "base64 of at least 32 random bytes, kept over restarts", "$(openssl rand -base64 32)"},
		{varUsers, required, "JSON file with the people who may sign in", "/etc/idp/users.json"},
		{environment.UsageLocation, required, "country where licences are used, two letters", "DE"},
		{environment.Licenses, optional, "what everybody gets: part numbers, GUIDs, product names or group:NAME, " +
			"comma-separated; A|B: B if no A is left", "O365_BUSINESS_PREMIUM"},
		{environment.SkipConnections, optional, "connections whose people a directory sync owns, comma-separated", "ldap"},
		{varRules, optional, "JSON file: who is provisioned, skipped or refused, and gets what", "/etc/idp/rules.json"},
		{varHome, optional, "where people land who did not ask for anything in particular", "https://www.office.com/"},
		{varLinkHosts, optional, "more hosts that links may lead to, comma-separated", "intranet.contoso.com"},
		{environment.CloudName, optional, "global, usgov-high, usgov-dod or china; default global", "global"},
		{varAudience, optional, "Entra's audience; required for usgov-high and usgov-dod", "urn:federation:MicrosoftOnline"},
		{varStateFile, optional, "SQLite file that keeps the state; default entrafed.db, here", "/var/lib/idp/entrafed.db"},
		{varDatabase, optional, "PostgreSQL that keeps it instead, for several replicas", "postgres://idp@db.contoso.com/idp"},
		{varListen, optional, "address to listen on; default 127.0.0.1:8080", "127.0.0.1:8080"},
		{varTLSCertificate, optional, "PEM file with the certificate for HTTPS, if no proxy does it", "/etc/idp/tls.crt"},
		{varTLSKey, optional, "PEM file with its key", "/etc/idp/tls.key"},
		{environment.TenantID, required, "the tenant: its GUID, or one of its domains",
			"00000000-0000-0000-0000-00000000000a"},
		{environment.ClientID, required, "the application (client) ID", "00000000-0000-0000-0000-00000000000b"},
		{environment.ClientSecret, oneOf, "the application's client secret", "(a secret)"},
		{environment.ClientCertificate, oneOf, "PEM or PKCS#12 file with the application's certificate and key",
			"/etc/idp/client.pem"},
		{environment.TokenFile, oneOf, "file with a token of a trusted issuer (workload identity)", "/var/run/secrets/token"},
		{environment.CertificatePassword, optional, "password of the PKCS#12 file", "(a secret)"},
	} {
		all = append(all, environment.Variable{Name: v[0], Need: v[1], Meaning: v[2], Example: v[3]})
	}
	return all
}

// injected matches what Kubernetes sets for a Service whose name begins with "entrafed":
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
var injected = regexp.MustCompile(`(_SERVICE_HOST|_SERVICE_PORT|_PORT)(_[A-Z0-9_]+)?$`)

// newEnvironment refuses what looks like a variable of this program and is none: as a rule one that is misspelt.
func newEnvironment(environ []string) *environment.Variables {
	e := environment.New(environ, variables())
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "ENTRAFED_") && e.Explain(name).Need == "" && !injected.MatchString(name) {
			e.Refuse(name, "is not a variable of this program: idp -h lists them")
		}
	}
	return e
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, `idp signs people in to Microsoft 365 with a name and a password, and makes their accounts in Entra.

Usage:

	idp                      serve, until Ctrl-C or SIGTERM
	idp -check [-json]       try the configuration
	idp -print-federation    print what Entra must be told
	idp -hash-password       hash a password for the users file

Flags:

`)
	for _, f := range new(flags).list() {
		fmt.Fprintf(w, "\t%-19s %s\n", f.Usage(), f.Text)
	}
	fmt.Fprint(w, "\nEnvironment variables:\n\n")
	printVariables(w)
	fmt.Fprintf(w, `
Exactly one of %s, %s and %s says how the
application proves itself to Entra.

Exit codes: 0 all is well, 1 it failed, 2 the flags or the configuration are wrong.

First steps:

	openssl req -x509 -newkey rsa:3072 -sha256 -days 1095 -nodes -subj /CN=id.contoso.com \
		-keyout signing.key -out signing.crt && chmod 600 signing.key
	idp -hash-password < password.txt      # for the users file
	idp -check                             # is everything there, and does the tenant agree?
	idp -print-federation                  # for the domain's federationConfiguration
	idp
`, environment.ClientSecret, environment.ClientCertificate, environment.TokenFile)
}

func printVariables(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "\tVARIABLE\t\tMEANING\tEXAMPLE")
	for _, v := range variables() {
		fmt.Fprintf(table, "\t%s\t%s\t%s\t%s\n", v.Name, v.Need, v.Meaning, v.Example)
	}
	_ = table.Flush() // an error of w is the terminal's
}
