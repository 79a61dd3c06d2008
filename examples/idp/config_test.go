package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/provision"
)

func TestTheConfigurationOfTheWorldIsRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := readSettings(w.environ(), w.clock.Now())
	require.NoError(t, err)
	require.Equal(t, "https://id.contoso.com", s.origin)
	require.Equal(t, "https://id.contoso.com/entra/sso", s.ssoURL())
	require.Equal(t, "Global", s.cloud.Name)
	require.Equal(t, 1, s.users.Count())
	require.Nil(t, s.tls)
	require.Equal(t, "client secret (AZURE_CLIENT_SECRET)", s.credential.String())
}

func TestAnEmptyEnvironmentIsToldEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env = nil
	code, stdout, stderr := w.command("")
	require.Equal(t, command.ExitUsage, code)
	require.Empty(t, stdout)
	for _, v := range variables() {
		switch v.Need {
		case environment.Required:
			require.Contains(t, stderr, "- "+v.Name+" is missing: "+v.Meaning+", for example "+v.Example)
		case environment.OneOf:
			require.Contains(t, stderr, v.Name)
		case environment.Optional:
			require.NotContains(t, stderr, v.Name)
		}
	}
	require.Contains(t, stderr, "are all missing: set exactly one of them; found none")
}

// wrongValues has one row for each rule that a variable can break. What the message must say is its remedy or its cause.
func TestEachVariableIsCheckedByItsRules(t *testing.T) {
	t.Parallel()
	good := newWorld(t)
	other := newKeyPair(time.Hour, time.Hour)
	small := certtest.RSA(1024)
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ellipticPKCS8, err := x509.MarshalPKCS8PrivateKey(elliptic)
	require.NoError(t, err)
	past := pemOf("CERTIFICATE", selfSigned(other.key, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)).Raw)
	future := pemOf("CERTIFICATE", selfSigned(other.key, time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour)).Raw)
	readable := good.file("readable.key", good.signing.keyPEM(t))
	require.NoError(t, os.Chmod(readable, 0o640))
	openUsers := good.file("open.json", []byte(`[]`))
	require.NoError(t, os.Chmod(openUsers, 0o644))
	openRules := good.file("open-rules.json", []byte(`[]`))
	require.NoError(t, os.Chmod(openRules, 0o666))
	huge := good.file("huge", bytes.Repeat([]byte{' '}, keyfile.MaxSize+1))
	clientWithoutKey := good.file("public.pem", clientPair().certificatePEM())
	clientOfOther := good.file("mixed.pem", append(other.keyPEM(t), clientPair().certificatePEM()...))
	clientExpired := good.file("old.pem", append(other.keyPEM(t), past...))
	chain := good.file("chain", append(good.signing.certificatePEM(), past...))
	damaged := good.file("damaged", pemOf("CERTIFICATE", []byte("x")))
	encrypted8 := good.file("encrypted8", pemOf("ENCRYPTED PRIVATE KEY", []byte("x")))
	encrypted1 := good.file("encrypted1", []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"+
		"DEK-Info: AES-128-CBC,00\n\neA==\n-----END RSA PRIVATE KEY-----\n"))
	smallKey := good.file("small", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)))
	otherCertificate := good.file("other.crt", other.certificatePEM())
	const (
		notTheKey  = "not the key of the certificate"
		ownerAlone = "has the mode 0640: a private key is for its owner alone: "
	)
	shortSecret := base64.StdEncoding.EncodeToString(make([]byte, 31))

	for name, test := range map[string]struct {
		variable, value string
		says            string
	}{
		"base URL over http":                    {varBaseURL, "http://id.contoso.com/entra", "must begin with https://"},
		"state in a file and a database":        {varDatabase, "postgres://idp@db.contoso.com/idp", "set one of them"},
		"base URL without a host":               {varBaseURL, "/entra", "not an absolute URL"},
		"base URL with a trailing slash":        {varBaseURL, "https://id.contoso.com/entra/", "trailing slash"},
		"base URL with a query":                 {varBaseURL, "https://id.contoso.com/entra?a=b", "query"},
		"base URL with a pattern":               {varBaseURL, "https://id.contoso.com/{entra}", "path of letters"},
		"base URL with dots":                    {varBaseURL, "https://id.contoso.com/a/../entra", "path of letters"},
		"base URL with an escape":               {varBaseURL, "https://id.contoso.com/%65ntra", "path of letters"},
		"base URL with credentials":             {varBaseURL, "https://user@id.contoso.com/entra", "credentials"},
		"base URL in upper case":                {varBaseURL, "https://ID.contoso.com/entra", "lower case"},
		"base URL with the default port":        {varBaseURL, "https://id.contoso.com:443/entra", ":443"},
		"domain of one label":                   {environment.Domain, "contoso", "not a domain"},
		"domain that is an address":             {environment.Domain, "contractor@contoso.com", "not a domain"},
		"domain that cannot be federated":       {environment.Domain, "contoso.onmicrosoft.com", "cannot be federated"},
		"issuer that is relative":               {varIssuer, "contoso", "absolute URI"},
		"issuer with a space":                   {varIssuer, "https://id.contoso.com/a b", "absolute URI"},
		"issuer that is Entra's own":            {varIssuer, "urn:federation:MicrosoftOnline", "the name of Entra itself"},
		"certificate file that is not there":    {varCertificate, good.dir + "/nowhere", "no such file"},
		"certificate file that is a folder":     {varCertificate, good.dir, "is not a file"},
		"certificate file that is huge":         {varCertificate, huge, "larger than"},
		"certificate file without PEM":          {varCertificate, good.file("text", []byte("hello")), "holds no PEM"},
		"certificate file with the key":         {varCertificate, good.env[varKey], "not a CERTIFICATE"},
		"certificate file with a chain":         {varCertificate, chain, "more than one PEM block"},
		"certificate file that is damaged":      {varCertificate, damaged, "x509"},
		"certificate that has expired":          {varCertificate, good.file("past", past), "expired on"},
		"certificate that is not valid yet":     {varCertificate, good.file("future", future), "valid only from"},
		"certificate of another key":            {varCertificate, otherCertificate, notTheKey},
		"key file that others can read":         {varKey, readable, ownerAlone + "chmod 600 " + readable},
		"key file with the certificate":         {varKey, good.env[varCertificate], "holds a CERTIFICATE"},
		"key of another certificate":            {varKey, good.file("other.key", other.keyPEM(t)), notTheKey},
		"key that is encrypted, PKCS#8":         {varKey, encrypted8, "is encrypted"},
		"key that is encrypted, PKCS#1":         {varKey, encrypted1, "is encrypted"},
		"key that is elliptic":                  {varKey, good.file("ec", pemOf("EC PRIVATE KEY", []byte("x"))), "RSA only"},
		"key that is elliptic, in PKCS#8":       {varKey, good.file("ec8", pemOf("PRIVATE KEY", ellipticPKCS8)), "RSA only"},
		"key that is too small":                 {varKey, smallKey, "at least 2048"},
		"secret that is not base64":             {varSecret, "not base64!", "openssl rand -base64 32"},
		"secret that is short":                  {varSecret, shortSecret, "has 31 bytes"},
		"cloud that does not exist":             {environment.CloudName, "mars", "not one of china, global, usgov-dod, usgov-high"},
		"cloud whose audience is not public":    {environment.CloudName, "usgov-high", "cloud_audience_urn"},
		"audience of another cloud":             {varAudience, "urn:federation:other", "leave the variable out"},
		"usage location that is a name":         {environment.UsageLocation, "Germany", "country code of two letters"},
		"usage location that is not ISO":        {environment.UsageLocation, "UK", `"GB"`},
		"licences with an empty entry":          {environment.Licenses, "STANDARDPACK,", "empty entry"},
		"licences with an empty alternative":    {environment.Licenses, "STANDARDPACK||SPB", "empty alternative"},
		"licences with the same twice":          {environment.Licenses, "STANDARDPACK, STANDARDPACK", "twice"},
		"connections with an empty entry":       {environment.SkipConnections, ",ldap", "empty entry"},
		"connection whose people lack accounts": {environment.SkipConnections, "people", "upn and immutableId are needed"},
		"rules that are not there":              {varRules, good.dir + "/rules.json", "no such file"},
		"rules that others can write":           {varRules, openRules, "chmod go-w " + openRules},
		"rules with an unknown field":           {varRules, good.file("r1", []byte(`[{"name": "a", "who": "x"}]`)), `"who"`},
		"rules that are none":                   {varRules, good.file("r2", []byte(`[]`)), "would let everybody in"},
		"a rule without an action":              {varRules, good.file("r3", []byte(`[{"name": "a", "connection": "*"}]`)), "Action is empty"},
		"home outside Microsoft 365":            {varHome, "https://www.example.org/", "outside the hosts"},
		"home over http":                        {varHome, "http://www.office.com/", varHome},
		"link host with a scheme":               {varLinkHosts, "https://intranet.contoso.com", "not a host name"},
		"link host with a path":                 {varLinkHosts, "intranet.contoso.com/a", "not a host name"},
		"listen without a port":                 {varListen, "127.0.0.1", "address with a port"},
		"listen with a port that is none":       {varListen, "127.0.0.1:99999", "address with a port"},
		"TLS certificate without its key":       {varTLSCertificate, good.env[varCertificate], varTLSKey + " is missing"},
		"TLS key without its certificate":       {varTLSKey, good.env[varKey], varTLSCertificate + " is missing"},
		"users file that is not there":          {varUsers, good.dir + "/nobody.json", "no such file"},
		"users file that others can read":       {varUsers, openUsers, "chmod 600 " + openUsers},
		"tenant that is a name":                 {environment.TenantID, "Contoso", "neither a GUID nor a domain"},
		"client that is a name":                 {environment.ClientID, "idp", "not a GUID"},
		"two credentials":                       {environment.TokenFile, good.env[varUsers], "found AZURE_CLIENT_SECRET and"},
		"password of no certificate":            {environment.CertificatePassword, "x", "AZURE_CLIENT_CERTIFICATE_PATH is not"},
		"variable that is misspelt":             {"ENTRAFED_LICENCES", "STANDARDPACK", "is not a variable of this program"},
		"no client secret":                      {environment.ClientSecret, " ", "found none"},
		"client certificate without key":        {environment.ClientCertificate, clientWithoutKey, "found no private key"},
		"client certificate of another key":     {environment.ClientCertificate, clientOfOther, "belongs to none of its certificates"},
		"client certificate that has expired":   {environment.ClientCertificate, clientExpired, "expired on"},
		"client certificate readable by others": {environment.ClientCertificate, readable, "chmod 600"},
		"client certificate that is garbage":    {environment.ClientCertificate, good.file("garbage", []byte("x")), "cannot be read"},
		"token file that is not there":          {environment.TokenFile, good.dir + "/token", "no such file"},
		"token file that is empty":              {environment.TokenFile, good.file("empty", []byte("\n")), "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.variable == environment.ClientCertificate || test.variable == environment.TokenFile && name != "two credentials" {
				delete(w.env, environment.ClientSecret)
			}
			w.env[test.variable] = test.value
			code, stdout, stderr := w.command("")
			require.Equal(t, command.ExitUsage, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
			require.Contains(t, stderr, "(1 to correct;", stderr)
		})
	}
}

func TestSeveralProblemsAreListedTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env[environment.Domain], w.env[varSecret], w.env[environment.UsageLocation] = "contoso", "eA==", ""
	w.env[varUsers] = w.usersFile(map[string]string{"login": "a"}, map[string]string{"name": "b"})
	_, _, stderr := w.command("")
	for _, says := range []string{environment.Domain, varSecret, environment.UsageLocation, `entry 1 ("a")`, "entry 2"} {
		require.Contains(t, stderr, says)
	}
}

func TestAllThatIsWrongWithRulesIsListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env[varRules] = w.file("rules.json", []byte(`[{"name": "a", "connection": "*", "action": "provision"},
		{"connection": "google", "action": "allow"}, {"name": "c", "connection": "people", "action": "refuse", "groups": ["x"]}]`))
	w.env[environment.SkipConnections] = "ldap-*"
	_, _, stderr := w.command("")
	for _, says := range []string{
		`is never reached: Rules.Connections[0] ("a")`, "Rules.Connections[1] has no Name", `Action, "allow"`,
		`Rules.Connections[2] ("c") gives something`, `Rules.SkipConnections[0], "ldap-*"`, "(6 to correct;",
	} {
		require.Contains(t, stderr, says)
	}
}

func TestSecretsAreNeverRepeatedInErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env[varSecret], w.env[environment.TokenFile] = "Zm9vYmFy!", w.env[varUsers]
	person := contractor()
	person["password"] = "typed in clear"
	w.env[varUsers] = w.usersFile(person)
	_, _, stderr := w.command("")
	require.NotContains(t, stderr, "Zm9vYmFy")
	require.NotContains(t, stderr, w.env[environment.ClientSecret])
	require.NotContains(t, stderr, "typed in clear")
	require.Contains(t, stderr, "idp -hash-password")
}

func TestOtherFormsAreAcceptedAsWell(t *testing.T) {
	t.Parallel()
	pkcs1 := pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(signingPair().key))
	secret := bytes.Repeat([]byte{0xfb, 0xff}, 16)
	for name, change := range map[string]func(w *world){
		"a key in PKCS#1":            func(w *world) { w.env[varKey] = w.file("pkcs1", pkcs1) },
		"a secret in base64url":      func(w *world) { w.env[varSecret] = base64.RawURLEncoding.EncodeToString(secret) },
		"a base URL without a path":  func(w *world) { w.env[varBaseURL] = "https://id.contoso.com" },
		"a base URL with a port":     func(w *world) { w.env[varBaseURL] = "https://id.contoso.com:8443/entra" },
		"a domain in upper case":     func(w *world) { w.env[environment.Domain] = "Contoso.COM" },
		"an issuer that is a URN":    func(w *world) { w.env[varIssuer] = "urn:contoso:id" },
		"a government cloud":         func(w *world) { w.env[environment.CloudName], w.env[varAudience] = "usgov-dod", "urn:example" },
		"the cloud in China":         func(w *world) { w.env[environment.CloudName] = "china" },
		"the audience that is known": func(w *world) { w.env[varAudience] = "urn:federation:MicrosoftOnline" },
		"no licences":                func(w *world) { delete(w.env, environment.Licenses) },
		"a home at a host of one's own": func(w *world) {
			w.env[varLinkHosts], w.env[varHome] = "intranet.contoso.com", "https://intranet.contoso.com/hello"
		},
		"a tenant by its domain":   func(w *world) { w.env[environment.TenantID] = "contoso.onmicrosoft.com" },
		"a client certificate":     func(w *world) { w.useClientCertificate() },
		"what Kubernetes injects":  func(w *world) { w.env["ENTRAFED_IDP_PORT_8080_TCP"] = "tcp://10.0.0.1:8080" },
		"variables of other tools": func(w *world) { w.env["AZURE_AUTHORITY_HOST"] = "https://login.microsoftonline.com/" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			change(w)
			p := w.program(nil, nil, "")
			s, err := readSettings(p.Environ, p.Now())
			require.NoError(t, err)
			_, err = newIdentityProvider(s, nil, p.outside(slog.New(slog.DiscardHandler)))
			require.NoError(t, err)
		})
	}
}

func TestLicencesAreReadWithTheirFallbacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env[environment.Licenses] = "Microsoft 365 Business Standard | SPB|group: staff, STANDARDPACK"
	p := w.program(nil, nil, "")
	s, err := readSettings(p.Environ, p.Now())
	require.NoError(t, err)
	require.Equal(t, []provision.License{
		{SKU: "Microsoft 365 Business Standard", Fallbacks: []provision.License{{SKU: "SPB"}, {Group: "staff"}}},
		{SKU: "STANDARDPACK"},
	}, s.licenses)
}

func TestAStartSaysWhatTheOperatorShouldKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := readSettings(w.environ(), w.clock.Now())
	require.NoError(t, err)
	s.listen = "0.0.0.0:8080"
	var log bytes.Buffer
	s.announce(newLog(&log), s.certificate.NotAfter.Add(-time.Hour))
	for _, says := range []string{
		"client secret", "state=\"SQLite, ", "expires soon", "without TLS",
	} {
		require.Contains(t, log.String(), says)
	}

	log.Reset()
	s.listen = defaultListen
	s.announce(newLog(&log), w.clock.Now())
	require.NotContains(t, log.String(), "level=WARN", "all is as it should be")
}
