package saml_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/saml"
)

const (
	ssoURL    = "https://id.contoso.com/entra/sso"
	issuer    = "https://id.contoso.com/entra"
	audience  = "urn:federation:MicrosoftOnline"
	loginSRF  = "https://login.microsoftonline.com/login.srf"
	testUPN   = "contractor@contoso.com"
	testID    = "0123456789abcdef0123456789abcdef"
	requestID = "_11111111-2222-3333-4444-555555555555"
)

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// testKey is made once: a key of 2048 bits takes a noticeable part of a second.
var testKey = sync.OnceValue(func() *rsa.PrivateKey { return certtest.RSA(2048) })

func certify(key crypto.Signer, notBefore, notAfter time.Time) *x509.Certificate {
	return certtest.SelfSigned(key, "entrafed test", notBefore, notAfter)
}

func testConfig(t testing.TB) saml.Config {
	t.Helper()
	return saml.Config{
		SingleSignOnService: ssoURL,
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: issuer}},
		Signer: saml.Signer{
			Key:         testKey(),
			Certificate: certify(testKey(), testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0)),
		},
		Now: func() time.Time { return testTime },
	}
}

func newIdP(t testing.TB, change ...func(*saml.Config)) *saml.IdentityProvider {
	t.Helper()
	cfg := testConfig(t)
	for _, c := range change {
		c(&cfg)
	}
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	return idp
}

func testSubject() saml.Subject {
	return saml.Subject{ImmutableID: testID, UPN: testUPN, AuthnInstant: testTime.Add(-time.Minute)}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	valid := testConfig(t)
	small := certtest.RSA(1024)
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	from, to := testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0)

	for rule, test := range map[string]struct {
		change func(*saml.Config)
		want   string
	}{
		"no single sign-on service": {func(c *saml.Config) { c.SingleSignOnService = "" }, "SingleSignOnService: the URL is empty"},
		"single sign-on service by http": {func(c *saml.Config) { c.SingleSignOnService = "http://id.contoso.com/sso" },
			"must begin with https://"},
		"loopback http without the insecure switch": {func(c *saml.Config) { c.SingleSignOnService = "http://127.0.0.1/sso" },
			"must begin with https://"},
		"no realm":                      {func(c *saml.Config) { c.Realms = nil }, "at least one realm"},
		"a domain that is no domain":    {func(c *saml.Config) { c.Realms[0].Domain = "contoso" }, "not a DNS name"},
		"an onmicrosoft.com domain":     {func(c *saml.Config) { c.Realms[0].Domain = "contoso.onmicrosoft.com" }, "cannot be federated"},
		"no issuer":                     {func(c *saml.Config) { c.Realms[0].Issuer = "" }, "the issuer is empty"},
		"an issuer that is a host name": {func(c *saml.Config) { c.Realms[0].Issuer = "id.contoso.com" }, "not an absolute URI"},
		"an issuer with a space":        {func(c *saml.Config) { c.Realms[0].Issuer = "https://id.contoso.com/a b" }, "not an absolute URI"},
		"the issuer is Entra's own name": {func(c *saml.Config) { c.Realms[0].Issuer = audience },
			"the name of Entra itself"},
		"two realms with one issuer": {func(c *saml.Config) {
			c.Realms = append(c.Realms, saml.Realm{Domain: "fabrikam.com", Issuer: issuer})
		}, "have the same issuer"},
		"one domain twice": {func(c *saml.Config) {
			c.Realms = append(c.Realms, saml.Realm{Domain: "CONTOSO.com", Issuer: issuer + "/2"})
		}, "given twice"},
		"no key":         {func(c *saml.Config) { c.Signer = saml.Signer{} }, "are both needed"},
		"no certificate": {func(c *saml.Config) { c.Signer.Certificate = nil }, "are both needed"},
		"a small key": {func(c *saml.Config) { c.Signer = saml.Signer{Key: small, Certificate: certify(small, from, to)} },
			"the RSA key has 1024 bits"},
		"not RSA": {func(c *saml.Config) {
			c.Signer = saml.Signer{Key: elliptic, Certificate: certify(elliptic, from, to)}
		},
			"Entra accepts RSA only"},
		"the certificate of another key": {func(c *saml.Config) { c.Signer.Certificate = certify(certtest.RSA(2048), from, to) },
			"the certificate belongs to another key"},
		"an expired certificate": {func(c *saml.Config) {
			c.Signer.Certificate = certify(testKey(), from, testTime.Add(-time.Second))
		}, "the certificate expired on 2026-01-02"},
		"a certificate of the future": {func(c *saml.Config) {
			c.Signer.Certificate = certify(testKey(), testTime.Add(time.Hour), to)
		}, "valid only from"},
		"a lifetime over an hour":     {func(c *saml.Config) { c.Lifetime = 2 * time.Hour }, "Lifetime: 2h0m0s is not between"},
		"a negative clock skew":       {func(c *saml.Config) { c.ClockSkew = -1 }, "ClockSkew"},
		"a request age over an hour":  {func(c *saml.Config) { c.MaxRequestAge = 2 * time.Hour }, "MaxRequestAge"},
		"a cloud without an audience": {func(c *saml.Config) { c.Cloud = entrafed.USGovernmentHigh() }, "Cloud.Audience is empty"},
		"an assertion consumer service by http": {func(c *saml.Config) {
			c.Cloud = entrafed.Global()
			c.Cloud.AssertionConsumerService = "javascript:alert(1)"
		}, "AssertionConsumerService"},
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := valid
			cfg.Realms = append([]saml.Realm(nil), valid.Realms...)
			test.change(&cfg)
			_, err := saml.New(cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestNewListsEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := saml.New(saml.Config{Lifetime: -1, Cloud: entrafed.USGovernmentDoD()})
	for _, part := range []string{"SingleSignOnService", "Realms", "Signer", "Lifetime", "Cloud.Audience"} {
		require.ErrorContains(t, err, part)
	}
}

func TestNewAcceptsLoopbackOnlyForASimulatedCloud(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Cloud = entrafed.Global()
	cfg.Cloud.InsecureLoopback = true
	cfg.SingleSignOnService = "http://127.0.0.1:8080/entra/sso"
	_, err := saml.New(cfg)
	require.NoError(t, err)
	cfg.SingleSignOnService = "http://id.contoso.com/entra/sso"
	_, err = saml.New(cfg)
	require.ErrorContains(t, err, "must begin with https://")
}
