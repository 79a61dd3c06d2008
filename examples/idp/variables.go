package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// The environment variables.
const (
	varBaseURL         = "ENTRAFED_BASE_URL"
	varListen          = "ENTRAFED_LISTEN"
	varTLSCertificate  = "ENTRAFED_TLS_CERTIFICATE"
	varTLSKey          = "ENTRAFED_TLS_KEY"
	varDomain          = "ENTRAFED_DOMAIN"
	varIssuer          = "ENTRAFED_ISSUER"
	varCertificate     = "ENTRAFED_SIGNING_CERTIFICATE"
	varKey             = "ENTRAFED_SIGNING_KEY"
	varSecret          = "ENTRAFED_SECRET"
	varCloud           = "ENTRAFED_CLOUD"
	varAudience        = "ENTRAFED_AUDIENCE"
	varUsageLocation   = "ENTRAFED_USAGE_LOCATION"
	varLicenses        = "ENTRAFED_LICENSES"
	varSkipConnections = "ENTRAFED_SKIP_CONNECTIONS"
	varHome            = "ENTRAFED_HOME"
	varLinkHosts       = "ENTRAFED_LINK_HOSTS"
	varUsers           = "ENTRAFED_USERS"
	varStateFile       = "ENTRAFED_STATE_FILE"
	varDatabase        = "DATABASE_URL"

	varTenantID            = "AZURE_TENANT_ID"
	varClientID            = "AZURE_CLIENT_ID"
	varClientSecret        = "AZURE_CLIENT_SECRET"
	varClientCertificate   = "AZURE_CLIENT_CERTIFICATE_PATH"
	varCertificatePassword = "AZURE_CLIENT_CERTIFICATE_PASSWORD"
	varTokenFile           = "AZURE_FEDERATED_TOKEN_FILE"
)

// variable is an environment variable as it is explained to people.
type variable struct{ name, need, meaning, example string }

// What variable.need says.
const (
	required = "required"
	optional = "optional"
	oneOf    = "one of 3"
)

func variables() []variable {
	return []variable{
		{varBaseURL, required, "the address that browsers use, without a trailing slash", "https://id.contoso.com/entra"},
		{varDomain, required, "the federated domain", "contoso.com"},
		{varIssuer, required, "the domain's issuerUri, unique in all of Entra", "https://id.contoso.com/entra"},
		{varCertificate, required, "PEM file with the certificate that Entra knows", "/etc/idp/signing.crt"},
		{varKey, required, "PEM file with its RSA key, PKCS#8 or PKCS#1, mode 0600", "/etc/idp/signing.key"},
		{varSecret, required, "base64 of at least 32 random bytes, kept over restarts", "$(openssl rand -base64 32)"},
		{varUsers, required, "JSON file with the people who may sign in", "/etc/idp/users.json"},
		{varUsageLocation, required, "country where licences are used, two letters", "DE"},
		{varLicenses, optional, "what everybody gets: part numbers, GUIDs, product names or group:NAME, comma-separated; " +
			"A|B: B if no A is left", "O365_BUSINESS_PREMIUM"},
		{varSkipConnections, optional, "connections whose people a directory sync owns, comma-separated", "ldap"},
		{varHome, optional, "where people land who did not ask for anything in particular", "https://www.office.com/"},
		{varLinkHosts, optional, "more hosts that links may lead to, comma-separated", "intranet.contoso.com"},
		{varCloud, optional, "global, usgov-high, usgov-dod or china; default global", "global"},
		{varAudience, optional, "Entra's audience; required for usgov-high and usgov-dod", "urn:federation:MicrosoftOnline"},
		{varStateFile, optional, "SQLite file that keeps the state; default entrafed.db, here", "/var/lib/idp/entrafed.db"},
		{varDatabase, optional, "PostgreSQL that keeps it instead, for several replicas", "postgres://idp@db.contoso.com/idp"},
		{varListen, optional, "address to listen on; default 127.0.0.1:8080", "127.0.0.1:8080"},
		{varTLSCertificate, optional, "PEM file with the certificate for HTTPS, if no proxy does it", "/etc/idp/tls.crt"},
		{varTLSKey, optional, "PEM file with its key", "/etc/idp/tls.key"},
		{varTenantID, required, "the tenant: its GUID, or one of its domains", "00000000-0000-0000-0000-00000000000a"},
		{varClientID, required, "the application (client) ID", "00000000-0000-0000-0000-00000000000b"},
		{varClientSecret, oneOf, "the application's client secret", "(a secret)"},
		{varClientCertificate, oneOf, "PEM or PKCS#12 file with the application's certificate and key", "/etc/idp/client.pem"},
		{varTokenFile, oneOf, "file with a token of a trusted issuer (workload identity)", "/var/run/secrets/token"},
		{varCertificatePassword, optional, "password of the PKCS#12 file", "(a secret)"},
	}
}

func explain(name string) variable {
	all := variables()
	if i := slices.IndexFunc(all, func(v variable) bool { return v.name == name }); i >= 0 {
		return all[i]
	}
	return variable{name: name}
}

// injected matches what Kubernetes sets for a Service whose name begins with "entrafed":
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
var injected = regexp.MustCompile(`(_SERVICE_HOST|_SERVICE_PORT|_PORT)(_[A-Z0-9_]+)?$`)

// unknownVariables lists what looks like a variable of this program and is none: as a rule one that is misspelt.
func unknownVariables(values map[string]string) []string {
	var unknown []string
	for name := range values {
		if strings.HasPrefix(name, "ENTRAFED_") && explain(name).need == "" && !injected.MatchString(name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
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
	for _, f := range flagUsages() {
		fmt.Fprintf(w, "\t-%-18s %s\n", f.name, f.usage)
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
`, varClientSecret, varClientCertificate, varTokenFile)
}

func printVariables(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "\tVARIABLE\t\tMEANING\tEXAMPLE")
	for _, v := range variables() {
		fmt.Fprintf(table, "\t%s\t%s\t%s\t%s\n", v.name, v.need, v.meaning, v.example)
	}
	_ = table.Flush() // an error of w is the terminal's
}
