package dsig_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/beevik/etree"
	goxmldsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/dsig"
)

func TestEnvelopedVerifiesUnderGoxmldsig(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	require.NoError(t, dsig.Check(key, certificate))
	signer := dsig.NewSigner(key, certificate, rand.Reader)

	const open, rest = `<a:x xmlns:a="urn:a" ID="_1">`, `<a:y>text</a:y></a:x>`
	signature, err := signer.Append(nil, []byte(open+rest), "_1")
	require.NoError(t, err)

	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromString(open+string(signature)+rest))
	store := &goxmldsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}}
	verified, err := goxmldsig.NewDefaultValidationContext(store).Validate(doc.Root())
	require.NoError(t, err)
	require.Equal(t, "text", verified.FindElement("./y").Text())

	doc = etree.NewDocument()
	require.NoError(t, doc.ReadFromString(open+string(signature)+`<a:y>other</a:y></a:x>`))
	_, err = goxmldsig.NewDefaultValidationContext(store).Validate(doc.Root())
	require.Error(t, err, "the check can fail")
}
