package dsig_test

import (
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"github.com/beevik/etree"
	goxmldsig "github.com/russellhaering/goxmldsig"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/internal/dsig"
)

func TestEnvelopedVerifiesUnderGoxmldsig(t *testing.T) {
	t.Parallel()
	key, now := certtest.RSA(2048), time.Now()
	certificate := certtest.SelfSigned(key, "test", now.Add(-time.Hour), now.Add(time.Hour))
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
