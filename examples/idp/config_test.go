package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	require.Equal(t, 1, s.users.count())
	require.Nil(t, s.tls)
	require.Equal(t, "client secret (AZURE_CLIENT_SECRET)", s.credential.String())
}

func TestAnEmptyEnvironmentIsToldEverythingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env = nil
	code, stdout, stderr := w.command("")
	require.Equal(t, exitUsage, code)
	require.Empty(t, stdout)
	for _, v := range variables() {
		switch v.need {
		case required:
			require.Contains(t, stderr, "- "+v.name+" is missing: "+v.meaning+", for example "+v.example)
		case oneOf:
			require.Contains(t, stderr, v.name)
		case optional:
			require.NotContains(t, stderr, v.name)
		}
	}
	require.Contains(t, stderr, "are all missing: set exactly one of them; found none")
}

// wrongValues has one row for each rule that a variable can break. What the message must say is its remedy or its cause.
func TestEachVariableIsCheckedByItsRules(t *testing.T) {
	t.Parallel()
	good := newWorld(t)
	other := newKeyPair(time.Hour, time.Hour)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
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
	huge := good.file("huge", bytes.Repeat([]byte{' '}, maxFile+1))
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
		"domain of one label":                   {varDomain, "contoso", "not a domain"},
		"domain that is an address":             {varDomain, "contractor@contoso.com", "not a domain"},
		"domain that cannot be federated":       {varDomain, "contoso.onmicrosoft.com", "cannot be federated"},
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
		"cloud that does not exist":             {varCloud, "mars", "not one of china, global, usgov-dod, usgov-high"},
		"cloud whose audience is not public":    {varCloud, "usgov-high", "cloud_audience_urn"},
		"audience of another cloud":             {varAudience, "urn:federation:other", "leave the variable out"},
		"usage location that is a name":         {varUsageLocation, "Germany", "country code of two letters"},
		"usage location that is not ISO":        {varUsageLocation, "UK", `"GB"`},
		"licences with an empty entry":          {varLicenses, "STANDARDPACK,", "empty entry"},
		"licences with an empty alternative":    {varLicenses, "STANDARDPACK||SPB", "empty alternative"},
		"licences with the same twice":          {varLicenses, "STANDARDPACK, STANDARDPACK", "twice"},
		"connections with an empty entry":       {varSkipConnections, ",ldap", "empty entry"},
		"connection whose people lack accounts": {varSkipConnections, "people", "upn and immutableId are needed"},
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
		"tenant that is a name":                 {varTenantID, "Contoso", "neither a GUID nor a domain"},
		"client that is a name":                 {varClientID, "idp", "not a GUID"},
		"two credentials":                       {varTokenFile, good.env[varUsers], "found AZURE_CLIENT_SECRET and"},
		"password of no certificate":            {varCertificatePassword, "x", "AZURE_CLIENT_CERTIFICATE_PATH is not"},
		"variable that is misspelt":             {"ENTRAFED_LICENCES", "STANDARDPACK", "is not a variable of this program"},
		"no client secret":                      {varClientSecret, " ", "found none"},
		"client certificate without key":        {varClientCertificate, clientWithoutKey, "found no private key"},
		"client certificate of another key":     {varClientCertificate, clientOfOther, "belongs to none of its certificates"},
		"client certificate that has expired":   {varClientCertificate, clientExpired, "expired on"},
		"client certificate readable by others": {varClientCertificate, readable, "chmod 600"},
		"client certificate that is garbage":    {varClientCertificate, good.file("garbage", []byte("x")), "cannot be read"},
		"token file that is not there":          {varTokenFile, good.dir + "/token", "no such file"},
		"token file that is empty":              {varTokenFile, good.file("empty", []byte("\n")), "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.variable == varClientCertificate || test.variable == varTokenFile && name != "two credentials" {
				delete(w.env, varClientSecret)
			}
			w.env[test.variable] = test.value
			code, stdout, stderr := w.command("")
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
			require.Contains(t, stderr, "(1 to correct;", stderr)
		})
	}
}

func TestSeveralProblemsAreListedTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env[varDomain], w.env[varSecret], w.env[varUsageLocation] = "contoso", "eA==", ""
	w.env[varUsers] = w.usersFile(map[string]string{"login": "a"}, map[string]string{"name": "b"})
	_, _, stderr := w.command("")
	for _, says := range []string{varDomain, varSecret, varUsageLocation, `entry 1 ("a")`, "entry 2"} {
		require.Contains(t, stderr, says)
	}
}

func TestSecretsAreNeverRepeatedInErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env[varSecret], w.env[varTokenFile] = "Zm9vYmFy!", w.env[varUsers]
	person := contractor()
	person["password"] = "typed in clear"
	w.env[varUsers] = w.usersFile(person)
	_, _, stderr := w.command("")
	require.NotContains(t, stderr, "Zm9vYmFy")
	require.NotContains(t, stderr, w.env[varClientSecret])
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
		"a domain in upper case":     func(w *world) { w.env[varDomain] = "Contoso.COM" },
		"an issuer that is a URN":    func(w *world) { w.env[varIssuer] = "urn:contoso:id" },
		"a government cloud":         func(w *world) { w.env[varCloud], w.env[varAudience] = "usgov-dod", "urn:example" },
		"the cloud in China":         func(w *world) { w.env[varCloud] = "china" },
		"the audience that is known": func(w *world) { w.env[varAudience] = "urn:federation:MicrosoftOnline" },
		"no licences":                func(w *world) { delete(w.env, varLicenses) },
		"a home at a host of one's own": func(w *world) {
			w.env[varLinkHosts], w.env[varHome] = "intranet.contoso.com", "https://intranet.contoso.com/hello"
		},
		"a tenant by its domain":   func(w *world) { w.env[varTenantID] = "contoso.onmicrosoft.com" },
		"a client certificate":     func(w *world) { w.useClientCertificate() },
		"what Kubernetes injects":  func(w *world) { w.env["ENTRAFED_IDP_PORT_8080_TCP"] = "tcp://10.0.0.1:8080" },
		"variables of other tools": func(w *world) { w.env["AZURE_AUTHORITY_HOST"] = "https://login.microsoftonline.com/" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			change(w)
			p := w.program(nil, nil, "")
			s, err := readSettings(p.environ, p.now())
			require.NoError(t, err)
			_, err = newIdentityProvider(s, nil, p.outside(slog.New(slog.DiscardHandler)))
			require.NoError(t, err)
		})
	}
}

func TestLicencesAreReadWithTheirFallbacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env[varLicenses] = "Microsoft 365 Business Standard | SPB|group: staff, STANDARDPACK"
	p := w.program(nil, nil, "")
	s, err := readSettings(p.environ, p.now())
	require.NoError(t, err)
	require.Equal(t, []provision.License{
		{SKU: "Microsoft 365 Business Standard", Fallbacks: []provision.License{{SKU: "SPB"}, {Group: "staff"}}},
		{SKU: "STANDARDPACK", Fallbacks: []provision.License{}},
	}, s.licenses)
}

func TestAKeyFileForItsOwnerAloneIsAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for mode, accepted := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true, 0o640: false, 0o604: false, 0o660: false, 0o601: false,
	} {
		require.NoError(t, os.Chmod(w.env[varKey], mode))
		_, err := readPrivateFile(w.env[varKey])
		require.Equal(t, accepted, err == nil, "mode %04o: %v", mode, err)
	}
}

func TestALinkToAKeyFileIsJudgedByTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := filepath.Join(w.dir, "link")
	require.NoError(t, os.Symlink(w.env[varKey], link))
	_, err := readPrivateFile(link)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(w.env[varKey], 0o644))
	_, err = readPrivateFile(link)
	require.ErrorContains(t, err, "chmod 600")
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
