package saml_test

import (
	"crypto"
	"io"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/saml"
)

// meteredSigner counts what a key in a KMS or an HSM would be asked over the network.
type meteredSigner struct {
	crypto.Signer
	signed, shown int
}

func (s *meteredSigner) Public() crypto.PublicKey {
	s.shown++
	return s.Signer.Public()
}

func (s *meteredSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	s.signed++
	return s.Signer.Sign(random, digest, opts)
}

// Each answer costs one operation with the private key and asks the key for nothing else. All that is not an answer
// costs none.
func TestPrivateKeyOperations(t *testing.T) {
	t.Parallel()
	present, next := &meteredSigner{Signer: testKey()}, &meteredSigner{Signer: unknownSigner().key}
	cfg := testConfig(t)
	trusting(&cfg)
	withLogout(&cfg)
	cfg.Signer.Key = present
	announced := saml.Signer{Key: next, Certificate: certify(unknownSigner().key, testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0))}
	idp, err := saml.New(cfg)
	require.NoError(t, err)
	request := &saml.AuthnRequest{ID: requestID, RelayState: "state"}
	status := saml.Status{Code: saml.StatusResponder}
	signed := signedRequest(t, entraSigner())

	for name, act := range map[string]func() error{
		"New":          func() error { _, err := saml.New(cfg); return err },
		"ReadRequest":  func() error { _, err := idp.ReadRequest(postRequest(plainRequest, "x")); return err },
		"a signed one": func() error { _, err := idp.ReadRequest(postRequest(signed, "")); return err },
		"by Redirect": func() error {
			_, err := idp.ReadRequest(redirectRequest(url.Values{"SAMLRequest": {deflated(plainRequest)}}))
			return err
		},
		"ParseAuthnRequest": func() error { _, err := idp.ParseAuthnRequest([]byte(plainRequest)); return err },
		"ReadLogout":        func() error { _, err := idp.ReadLogout(logoutByQuery(logoutRequest, "")); return err },
		"Metadata":          func() error { _, err := idp.Metadata(""); return err },
		"Certificates":      func() error { _, _, err := idp.Certificates(t.Context()); return err },
		"SetNextSigner":     func() error { return idp.SetNextSigner(announced) },
		"Switch": func() error {
			return errorsOf(idp.SetNextSigner(announced), idp.Switch(t.Context(), announced.Certificate), idp.Switch(t.Context(), cfg.Signer.Certificate))
		},
		"a refused subject":  func() error { _, err := idp.Respond(request, saml.Subject{}); return refused(err) },
		"a refused UPN":      func() error { _, err := idp.RespondUnsolicited(foreign(), ""); return refused(err) },
		"a refused status":   func() error { _, err := idp.RespondStatus(request, "", saml.Status{}); return refused(err) },
		"an unwritable text": func() error { return refused(answerWith(idp, "\x00")) },
	} {
		present.signed, next.signed = 0, 0
		require.NoError(t, act(), name)
		require.Zero(t, present.signed+next.signed, name)
	}

	for name, answer := range map[string]func() (*saml.Response, error){
		"Respond":            func() (*saml.Response, error) { return idp.Respond(request, testSubject()) },
		"RespondUnsolicited": func() (*saml.Response, error) { return idp.RespondUnsolicited(testSubject(), "x") },
		"RespondStatus":      func() (*saml.Response, error) { return idp.RespondStatus(request, "", status) },
		"RespondLogout":      func() (*saml.Response, error) { return idp.RespondLogout(&saml.LogoutRequest{ID: "_l1"}, "") },
	} {
		*present, *next = meteredSigner{Signer: testKey()}, meteredSigner{Signer: unknownSigner().key}
		response, err := answer()
		require.NoError(t, err, name)
		require.Equal(t, 1, present.signed, name)
		require.NoError(t, response.Post(httptest.NewRecorder()))
		require.NotEmpty(t, response.SAMLResponse())
		require.Equal(t, 1, present.signed, "showing %s costs nothing more", name)
		require.Zero(t, present.shown+next.shown+next.signed, name)
	}

	require.NoError(t, errorsOf(idp.SetNextSigner(announced), idp.Switch(t.Context(), announced.Certificate)))
	*present, *next = meteredSigner{Signer: testKey()}, meteredSigner{Signer: unknownSigner().key}
	_, err = idp.Respond(request, testSubject())
	require.NoError(t, err)
	require.Equal(t, []int{0, 1}, []int{present.signed, next.signed}, "the key that was switched to")
}

// errorsOf is the first error.
func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// refused turns an error that is expected into none.
func refused(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func foreign() saml.Subject {
	subject := testSubject()
	subject.UPN = "a@fabrikam.com"
	return subject
}

func answerWith(idp *saml.IdentityProvider, message string) error {
	_, err := idp.RespondStatus(&saml.AuthnRequest{ID: requestID}, "", saml.Status{Code: saml.StatusResponder, Message: message})
	return err
}

// Reading a request allocates little, so that many that are worth nothing cost little. What is refused costs no more
// than what is accepted.
func TestAllocationsOfReading(t *testing.T) {
	idp, careful := newIdP(t, withLogout), newIdP(t, withLogout, requiring)
	unsigned, signed := []byte(plainRequest), []byte(signedRequest(t, entraSigner()))
	long := []byte(child("<x" + manyAttributes(60) + "/>"))
	form := func(document string) func() error {
		return func() error { _, err := idp.ReadRequest(postRequest(document, "state")); return err }
	}
	preparing := testing.AllocsPerRun(100, func() { postRequest(plainRequest, "state") })
	for name, test := range map[string]struct {
		read    func() error
		ceiling float64
	}{
		"a request":             {func() error { _, err := idp.ParseAuthnRequest(unsigned); return err }, 150},
		"a request from a form": {form(plainRequest), 150 + preparing},
		"a sign-out from a form": {func() error {
			_, err := idp.ReadLogout(postRequest(logoutRequest,
				"state"))
			return err
		}, 150 + preparing},
		"no signature where required": {func() error { _, err := careful.ParseAuthnRequest(unsigned); return refused(err) }, 150},
		"of another sender":           {func() error { return refused(form(with("urn:federation", "urn:x"))()) }, 150 + preparing},
		"not XML":                     {func() error { return refused(form("hello")()) }, 150 + preparing},
		"many attributes":             {func() error { _, err := idp.ParseAuthnRequest(long); return err }, 300},
		"a signed request":            {func() error { _, err := careful.ParseAuthnRequest(signed); return err }, 900},
	} {
		require.NoError(t, test.read(), name)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = test.read() }), test.ceiling, name)
	}
}
