package keyfile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/keyfile"
)

func TestWhatIsNoCertificateIsRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "neither PEM, nor base64, nor DER",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": "x509",
		"-----BEGIN": "holds no CERTIFICATE",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n": "nothing here needs a private key",
	} {
		_, err := keyfile.ParseCertificates([]byte(text))
		require.ErrorContains(t, err, says, text)
	}
}

func FuzzParseCertificates(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("MAA="))
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, err := keyfile.ParseCertificates(raw)
		require.Equal(t, err == nil, len(found) > 0)
	})
}
